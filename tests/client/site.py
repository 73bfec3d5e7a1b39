"""A running server of a test's own, in this process but behind a real socket, with two communes and a small form.

The communes are squares side by side, a tenth of a degree wide, in the district 001 of the province 01:

    00001 Xã Một    longitude 105.0 - 105.1    hamlets 0000101 (10 houses), 0000102 (5 houses)
    00002 Xã Hai    longitude 105.1 - 105.2    hamlet  0000201 (8 houses)
    both            latitude   22.0 -  22.1

The form ``house_check`` asks where, how it ended, and for each person the birth date and one dose. Its campaign
``mini`` knows one group, 5 and older, and one dose.
"""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from xml.sax.saxutils import escape

import openpyxl
import pytest
import requests
from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from sqlalchemy import select
from werkzeug.routing import Rule

from mapper.services import accounts, boundaries, publish
from mapper.services.accounts import NewUser
from mapper.services.reference import Reference
from mapper.settings import Settings
from mapper.store import schema, tables
from mapper.store.database import Database
from mapper.web import serving
from server import create_app
from tests.client.collect import Collect, FilledForm

VERSION = "2026112101"
NEXT_VERSION = "2026112102"
SET_ID = "squares"

ROLES = 'map="urn:household-coverage:roles"'
SURVEY = """
type                                | name      | label               | role                | choice_filter
today                               | today     |                     | visit.date          |
select_one_from_file communes.csv   | commune   | Xã                  | household.commune   |
select_one_from_file hamlets.csv    | hamlet    | Thôn                | household.hamlet    | commune = ${commune}
geopoint                            | location  | Vị trí              | household.point     |
select_one outcome                  | outcome   | Kết quả             | visit.outcome       |
text                                | head      | Chủ hộ              | household.head      |
image                               | photo     | Ảnh ngôi nhà        |                     |
begin_repeat                        | person    | Thành viên          | person              |
text                                | full_name | Họ và tên           | person.name         |
date                                | born      | Ngày sinh           | person.birth_date   |
date                                | dose_1    | Ngày tiêm mũi 1     | dose.date@1         |
end_repeat                          | person    |                     |                     |
"""
CHOICES = """
list_name | name        | label
outcome   | interviewed | Đã gặp
outcome   | absent      | Vắng nhà
"""
PLAIN_SURVEY = """
type  | name  | label
text  | place | Nơi nào?
image | photo | Ảnh
"""
COMMUNES = "name,label\n00001,Xã Một\n00002,Xã Hai\n"
HAMLETS = (
    "name,label,commune,households\n0000101,Thôn Đông,00001,10\n0000102,Thôn Tây,00001,5\n0000201,Bản Nam,00002,8\n"
)
CAMPAIGN = """
id = "mini"
label = { vi = "Chiến dịch nhỏ", en = "Small campaign" }
start = 2021-03-08
accuracy_limit_m = 50
hamlets = "hamlets.csv"
[doses]
1 = { vi = "Mũi 1", en = "Dose 1" }
[vaccines]
pfizer = "Pfizer"
[[groups]]
code = "5_plus"
label = { vi = "Từ 5 tuổi", en = "5 and older" }
from_age = "5 years"
[[groups.doses]]
dose = "1"
target = "90 %"
"""


def workbook(form_id: str, title: str, version: str, survey: str, choices: str = "") -> bytes:
    """An XLSForm of tables written with bars; the column ``role`` becomes ``bind::map:role``."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    settings = {"form_id": form_id, "form_title": title, "version": version, "namespaces": ROLES}
    sheets = {
        "survey": _table(survey),
        "choices": _table(choices),
        "settings": [list(settings), list(settings.values())],
    }
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(["bind::map:role" if cell == "role" else cell or None for cell in row])
    file = io.BytesIO()
    book.save(file)
    book.close()
    return file.getvalue()


def _table(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split("|")] for line in text.strip().splitlines() if line]


def write_house_check(folder: Path, version: str = VERSION, survey: str = SURVEY) -> Path:
    """The folder of the small campaign with its form."""
    folder.mkdir(parents=True)
    (folder / "house_check.xlsx").write_bytes(workbook("house_check", "Thăm nhà", version, survey, CHOICES))
    (folder / "campaign.toml").write_text(CAMPAIGN, "utf-8")
    (folder / "communes.csv").write_text(COMMUNES, "utf-8")
    (folder / "hamlets.csv").write_text(HAMLETS, "utf-8")
    return folder


def write_plain(folder: Path, form_id: str = "plain", version: str = "1") -> Path:
    """A folder with somebody else's form: no roles, no campaign, no media."""
    folder.mkdir(parents=True)
    (folder / f"{form_id}.xlsx").write_bytes(workbook(form_id, "Điểm nước", version, PLAIN_SURVEY))
    return folder


def squares() -> bytes:
    """The boundary file of the two communes."""
    features = []
    for code, name, west in (("00001", "Xã Một", 105.0), ("00002", "Xã Hai", 105.1)):
        east = round(west + 0.1, 1)
        ring = [[west, 22.0], [east, 22.0], [east, 22.1], [west, 22.1], [west, 22.0]]
        above = {"district_code": "001", "district_name": "Huyện A", "province_code": "01", "province_name": "Tỉnh B"}
        features.append(
            {
                "type": "Feature",
                "properties": {"commune_code": code, "commune_name": name, **above},
                "geometry": {"type": "Polygon", "coordinates": [ring]},
            }
        )
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()


def fill_database(url: str, folder: Path) -> None:
    """An empty database gets the squares, the small form and the plain one. folder: to write files into."""
    reference = Reference(Database(url))
    schema.upgrade(reference.database)
    (folder / "squares.geojson").write_bytes(squares())
    facts = boundaries.SetFacts(SET_ID, "Hai ô vuông", date(2020, 1, 1))
    boundaries.import_file(reference, folder / "squares.geojson", facts)
    publish.publish(reference, write_house_check(folder / "house_check"))
    publish.publish(reference, write_plain(folder / "plain"))
    reference.database.close()


# What a phone would send


@dataclass(frozen=True)
class House:
    """One visit as the answers of ``house_check``; ``xml`` writes it as a phone does.

    people: (name, birth date, date of dose 1 or "").
    """

    instance_id: str
    deprecated_id: str = ""
    head: str = "Nông Thị Mỷ"
    commune: str = "00001"
    hamlet: str = "0000101"
    location: str = "22.05 105.05 300 6.5"
    outcome: str = "interviewed"
    today: str = "2022-08-10"
    photo: str = ""
    people: Sequence[tuple[str, str, str]] = (("Nông Thị Mỷ", "1980-05-04", "2021-08-10"),)
    form_id: str = "house_check"
    version: str = VERSION

    def but(self, **other: object) -> House:
        """The same visit with other answers."""
        return replace(self, **other)  # type: ignore[arg-type]

    def edited(self, instance_id: str, **other: object) -> House:
        """The correction of this visit, under an id of its own."""
        return self.but(instance_id=instance_id, deprecated_id=self.instance_id, **other)

    @property
    def xml(self) -> bytes:
        """The submission."""
        people = "".join(
            f"<person><full_name>{escape(name)}</full_name><born>{born}</born><dose_1>{dose}</dose_1></person>"
            for name, born, dose in self.people
        )
        deprecated = f"<deprecatedID>{self.deprecated_id}</deprecatedID>" if self.deprecated_id else ""
        return (
            f'<?xml version="1.0" encoding="UTF-8"?><data id="{self.form_id}" version="{self.version}" '
            'xmlns:orx="http://openrosa.org/xforms" xmlns:jr="http://openrosa.org/javarosa">'
            f"<today>{self.today}</today><commune>{self.commune}</commune><hamlet>{self.hamlet}</hamlet>"
            f"<location>{self.location}</location><outcome>{self.outcome}</outcome><head>{escape(self.head)}</head>"
            f"<photo>{escape(self.photo)}</photo>{people}"
            f"<meta><instanceID>{self.instance_id}</instanceID>{deprecated}</meta></data>"
        ).encode()

    def form(self, files: Mapping[str, bytes] | None = None) -> FilledForm:
        """As it lies on the phone, with its files."""
        return FilledForm(f"house_{self.instance_id[-4:]}.xml", self.xml, files or {})


# The server

Rows = dict[str, set[tuple[object, ...]]]


@dataclass
class Site:
    """A running server. rows: everything stored, to prove that nothing changed."""

    url: str
    settings: Settings
    reference: Reference
    phones: list[Collect] = field(default_factory=list)
    made: int = 0

    def user(self, role: str = "canvasser", *areas: str, name: str = "", password: str | None = None) -> NewUser:
        """A user with these areas."""
        self.made += 1
        return accounts.add_user(self.reference, name or f"{role} {self.made}", role, areas, password)

    def phone(self, token: str | None = None, **options: object) -> Collect:
        """A phone whose QR code holds that token, by default one of a new canvasser; closed with the server."""
        token = token or self.user("canvasser", "001").token
        made = Collect(f"{self.url}/key/{token}", **options)  # type: ignore[arg-type]
        self.phones.append(made)
        return made

    def by_hand(self, **options: object) -> Collect:
        """A phone without a token in its address."""
        made = Collect(self.url, **options)  # type: ignore[arg-type]
        self.phones.append(made)
        return made

    def get(self, path: str, token: str = "", **parameters: str) -> requests.Response:
        """Ask as a program does."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return requests.get(f"{self.url}{path}", params=parameters, headers=headers, timeout=60, allow_redirects=False)

    def coverage(self, token: str, level: str = "hamlet", day: str = "2022-08-31", **other: str) -> dict[str, object]:
        """Figures by unit code, with "total"."""
        asked = {"campaign": "mini", "group": "5_plus", "dose": "1", "level": level, "date": day, **other}
        answer = self.get("/api/coverage", token, **asked)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        return {unit["code"]: unit for unit in body["units"]} | {"total": body["total"]}

    def state(self, instance_id: str) -> str | None:
        """What became of a submission, None where none of that id is kept."""
        with self.reference.database.read() as connection:
            s = tables.submissions
            return connection.scalar(select(s.c.state).where(s.c.instance_id == instance_id))

    def attachments(self, instance_id: str) -> dict[str, bytes]:
        """The files of a submission, the newest of each name."""
        a, b = tables.attachments, tables.blobs
        with self.reference.database.read() as connection:
            rows = connection.execute(
                select(a.c.name, b.c.content)
                .join(b, a.c.sha256 == b.c.sha256)
                .where(a.c.instance_id == instance_id)
                .order_by(a.c.turn)
            )
            return {row.name: bytes(row.content) for row in rows}

    def rows(self, *names: str) -> Rows:
        """Every row of these tables, of all where none is named."""
        with self.reference.database.read() as connection:
            return {
                table.name: {tuple(row) for row in connection.execute(select(table))}
                for table in tables.metadata.sorted_tables
                if not names or table.name in names
            }


class Compiled(BytecodeCache):
    """Templates as one server of this process compiled them, for the next one."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if kept := self.kept.get(bucket.key):
            bucket.bytecode_from_string(kept)

    def dump_bytecode(self, bucket: Bucket) -> None:
        self.kept[bucket.key] = bucket.bytecode_to_string()


compiled = Compiled()

_compile = Rule.compile
_rules: dict[str, Rule] = {}


def _compiled_once(rule: Rule) -> None:
    """How addresses are read and built by a rule, as one server of this process compiled it, for the next one."""
    key = repr((rule.rule, rule.subdomain, rule.host, rule.defaults, rule.merge_slashes))
    same = _rules.get(key)
    if same is None:
        _compile(rule)
        _rules[key] = rule
        return
    rule._parts, rule._trace, rule._converters = same._parts, same._trace, same._converters
    rule.arguments = set(same.arguments)
    rule._build = same._build.__func__.__get__(rule, None)  # type: ignore[attr-defined]
    rule._build_unknown = same._build_unknown.__func__.__get__(rule, None)  # type: ignore[attr-defined]


def _application(settings: Settings, reference: Reference) -> Flask:
    """The application as it is in service; to compile its two hundred rules anew takes most of making it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Rule, "compile", _compiled_once)
        made = create_app(settings, reference)
    made.jinja_env.bytecode_cache = compiled
    return made


@contextmanager
def running(settings: Settings, database_url: str) -> Iterator[Site]:
    """A server on a free port of this machine, behind the WSGI server that ``serve`` uses."""
    reference = Reference(Database(database_url), settings.secret_key)
    app = _application(settings, reference)
    limit = (max(settings.max_submission_mb, settings.max_upload_mb) + 1) * 1_000_000
    server = serving.make_server(app, serving.listen("127.0.0.1", 0), 8, limit)
    stop = threading.Event()

    def run() -> None:
        while not stop.is_set():
            server.asyncore.loop(timeout=1, map=server._map, count=1, use_poll=True)

    thread = threading.Thread(target=run)
    thread.start()
    site = Site(f"http://127.0.0.1:{server.effective_port}", settings, reference)
    try:
        yield site
    finally:
        for phone in site.phones:
            phone.close()
        stop.set()
        server.pull_trigger()
        thread.join()
        server.task_dispatcher.shutdown()
        server.close()
        for channel in list(server._map.values()):
            channel.handle_close()  # with the file that a long answer waited in
        reference.database.close()
