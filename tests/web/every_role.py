"""Everybody at every address: a district where something of everything happened, and who asks for what there.

What is tried belongs to Xã Một (00001). Each of WHO walks through a copy of the same database, in this process, so that
what one writes changes nothing for the next.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import re
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import brotli
import pypdfium2
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from mapper.services import accounts
from mapper.services.reference import Reference
from mapper.settings import Settings
from mapper.store import accounts as kept
from mapper.store.database import Database
from mapper.web.assets import version
from mapper.web.phones import for_phones
from tests.client.site import VERSION, House, Site, _application
from tests.web.test_boundary_sets import a_step
from tests.web.test_every_page import PAGES, busy_commune

PASSWORD = "mười hai chữ cái"
WHO: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "nobody": ("", ()),
    "key": ("canvasser", ("hamlet:0000201",)),
    "other": ("commune_supervisor", ("squares:00002",)),
    "far": ("administrator", ("squares:00002",)),
    "own": ("commune_supervisor", ("squares:00001",)),
    "district": ("supervisor", ("squares:001",)),
    "planner": ("planner", ()),
    "admin": ("administrator", ()),
}
"""Who asks: role and area. key: a canvasser of the other commune, whose key stands in addresses and is shown as a
token; other, far: of the other commune; own: of the commune whose things are asked for."""

STRANGERS = ("nobody", "key", "other", "far")
SECRETS = (
    *("Lò Thị Ún", "Lò Văn Bình", "Lò Mai", "Ma Thị Xuân", "Ma Văn Thu"),
    *("105.055", "105.056", "22.056", "uuid:two", "uuid:three"),
    *("Nông Thị Hoa", "Giám sát Xã Một", "Hỏi lại."),
)
"""People, positions, submissions, users, files and words of Xã Một, which nobody of STRANGERS is to read."""

FORMULAS = ('=HYPERLINK("http://a.example")', "@SUM(1;2)", "+84 nhà", "-cmd|' /C calc'!A0", "＝1+1")
"""Names that a spreadsheet would run."""

ASKED: Mapping[str, str] = {
    "api.coverage": "?campaign=mini&group=5_plus&dose=1&level=commune&date=2022-08-31",
    "api.coverage_by_day": "?campaign=mini&group=5_plus&dose=1&level=commune&from=2022-08-01&to=2022-08-31",
    "api.shapes": "?set=squares&level=commune&zoom=12",
    "api.heat": "?campaign=mini&group=5_plus&dose=1&date=2022-08-31",
    "map_layers.tracks": "?campaign=mini&date=2022-08-10",
    "map_layers.tile": "?campaign=mini&group=5_plus&dose=1&level=commune&date=2022-08-31",
    "forecast.of_program": "?campaign=mini",
    "stock_api.balances": "?campaign=mini",
    "stock_api.entries": "?campaign=mini",
    "slips.house": "?campaign=mini&house=uuid:two",
    "plans_api.comparison": "?with=2",
    "people_api.people": "?campaign=mini&date=2022-08-31",
    "people_api.count": "?campaign=mini&date=2022-08-31",
    "filter_layer.by_hamlet": "?campaign=mini&date=2022-08-31",
    "places_api.places": "?q=Xã",
    "exports.people": "?campaign=mini&date=2022-08-31",
    "exports.submissions": "?attachments=false",
    "follow_up.printed": "?date=2022-08-31&commune=00001&hamlet=0000101",
    "integrity.progress": "?date=2022-08-31",
    "lists.progress": "?date=2022-08-31",
    "report.file": "?date=2022-08-31",
    "wall.printed": "?date=2022-08-31&area=commune:00001",
    "odata.rows": "?$expand=*",
    "targets.ranking_file": "?date=2022-08-31",
    "forecast.file": "?date=2022-08-31",
    "trends.file": "?date=2022-08-31",
    "openrosa_key.integrity": "?id=uuid:two",
    "pages.switch_language": "?next=/map",
}
"""Endpoint to what is asked there; of pages what test_every_page.py opens."""

TYPED: Mapping[str, Mapping[str, str]] = {
    "assignment.move": {"place": "hamlet:0000101", "from": "{canvasser}", "to": ""},
    "epidemic.enter": {"set": "squares", "unit": "00001", "level": "2", "from": "2022-08-01"},
    "submission.remark": {"review": "approved"},
    "slips.make": {"campaign": "mini", "house": "uuid:two", "person": "1"},
    "surveys.draw": {"campaign": "mini", "group": "5_plus", "dose": "1", "date": "2022-08-31", "area": "commune:00001"},
    "targets.name_responsible": {"area": "commune:00001", "set": "squares", "name": "Ai đó"},
    "targets.set_target": {
        "area": "commune:00001",
        "set": "squares",
        "campaign": "mini",
        "group": "5_plus",
        "dose": "1",
        "target": "90",
        "deadline": "2023-01-01",
    },
    "users.add_user": {"name": "Người mới", "role": "canvasser", "area": "hamlet:0000101"},
    "users.change_areas": {"area": "hamlet:0000102"},
}
"""What is sent to addresses that take the area from a form; to all others nothing, which they refuse."""

SLOW = frozenset({"national_register.file", "map_layers.tile", "plan_files.fetch", "exports.submissions"})
"""What is made while its reader asks again."""

LAST = re.compile(r"/end$|/renew$|remove|delete|close|revoke|/undo|^DELETE|/account|/keys|/decide|/again")
"""Addresses that take something away: asked for when all others have been."""


@dataclass(frozen=True)
class World:
    """The database to copy, and what stands for the parts of addresses."""

    database: Path
    settings: Settings
    places: Mapping[str, str]


def world(site: Site, database: Path, folder: Path) -> World:
    """A district where something of everything happened, and everybody of WHO."""
    places = {**busy_commune(site), "sha256": hashlib.sha256(b"x").hexdigest()}
    a_step(site, folder)
    site.phone().send(
        House("uuid:formula", head=FORMULAS[0], people=[(one, "1970-01-02", "") for one in FORMULAS]).form()
    )
    for who, (role, areas) in WHO.items():
        if role:
            password = None if who == "key" else PASSWORD
            accounts.add_user(site.reference, who, role, areas, password)
    shutil.copyfile(database, folder / "world.sqlite3")
    for beside in ("-wal", "-audit.sqlite3"):
        if (part := database.with_name(database.name + beside)).exists():
            shutil.copyfile(part, folder / f"world.sqlite3{beside}")
    return World(folder / "world.sqlite3", site.settings, places)


@dataclass
class Walker:
    """One of WHO at a copy of the world. csrf: "" where no form was shown."""

    who: str
    app: Flask
    client: FlaskClient
    places: Mapping[str, str]
    token: str
    csrf: str

    def ask(self, row: str, rule: Rule, *, csrf: bool = True) -> TestResponse:
        """Ask for one row of the table, where there are several addresses for the first of them."""
        method = row.partition(" ")[0]
        typed = {name: text.format(**self.places) for name, text in TYPED.get(rule.endpoint, {}).items()}
        return self._ask(method, self.address(rule), csrf, typed if method == "POST" else {})

    def others(self, row: str, rule: Rule) -> Iterator[TestResponse]:
        """The other addresses of a page."""
        if row.startswith("GET ") and rule.endpoint in PAGES:
            for path in PAGES[rule.endpoint][1][1:]:
                yield self._ask("GET", path.format(**self.places), False, {})

    def _ask(self, method: str, address: str, csrf: bool, typed: Mapping[str, str]) -> TestResponse:
        headers = {"X-CSRFToken": self.csrf} if csrf and self.csrf else {}
        if self.who == "key" and not for_phones(address.partition("?")[0]):
            headers["Authorization"] = f"Bearer {self.token}"
        return self.client.open(address, method=method, headers=headers, data=dict(typed) or None, buffered=True)

    def address(self, rule: Rule, instead: Mapping[str, str] | None = None) -> str:
        """An address of a rule, of things of Xã Một. instead: for some parts of the path, by their names."""
        other = instead or {}
        asked = ASKED.get(rule.endpoint, "")
        if rule.endpoint in PAGES and "GET" in (rule.methods or ()):
            _path, mark, query = PAGES[rule.endpoint][1][0].format(**self.places).partition("?")
            asked = asked or mark + query

        def filled(part: re.Match[str]) -> str:
            return other.get(part[1]) or self._part(rule, part[1])

        return re.sub(r"<(?:[^:>]*(?:\([^)]*\))?:)?(\w+)>", filled, rule.rule) + asked

    def _part(self, rule: Rule, name: str) -> str:
        start = rule.rule.split("/")[1]
        if name == "token":
            return self.places["trial"] if start == "test" and self.who == "admin" else self.token
        if name == "number":
            kinds = {
                "plans": "plan",
                "api": "plan",
                "integrity": "draw",
                "surveys": "lot",
                "national-register": "extract",
            }
            return self.places[kinds[start]] if start in kinds and "stock" not in rule.rule else "1"
        parts = {
            "set_id": "squares",
            "level": "commune",
            "code": "00001",
            "form_id": "house_check",
            "version": VERSION,
            "old": "squares",
            "new": "later",
            "z": "12",
            "x": "3242",
            "y": "1792",
            "campaign_id": "mini",
            "instance_id": "uuid:two",
            "sha256": self.places["sha256"],
            "user_id": self.places["canvasser"],
            "asked": version(),
            "path": "css/mapper.css",
            "key": "1",
            "what": "units",
        }
        special = {
            "pages.switch_language": {"code": "vi"},
            "plan_people.site": {"code": "TYT"},
            "assets.asset": {"name": "css/mapper.css"},
            "odata.rows": {"what": "Submissions"},
            "stock.file": {"what": "balances", "kind": "csv"},
            "national_register.file": {"what": "list", "kind": "csv"},
            "submission.file": {"instance_id": "uuid:photo"},
            "forms.tried_file": {"instance_id": "uuid:try"},
            "conflicts.decide": {"instance_id": "uuid:3"},
            "pages.process_again": {"instance_id": "uuid:flagged"},
            "static": {"filename": "css/mapper.css"},
            "trends.file": {"kind": "coverage", "ending": "csv"},
            "plan_files.fetch": {"kind": "plan.xlsx"},
            "openrosa_key.media": {"name": "communes.csv"},
            "openrosa_trying.media": {"name": "communes.csv"},
        }.get(rule.endpoint, {})
        kinds_of_files = {"exchange": "json", "report": "pdf"}
        usual = {"name": "households.csv", "kind": kinds_of_files.get(rule.endpoint.partition(".")[0], "csv")}
        return quote((usual | parts | special)[name], safe="/:")


@contextmanager
def walk(here: World, folder: Path, who: str) -> Iterator[Walker]:
    """Somebody signed in, at a copy of their own."""
    copy = folder / f"{who}.sqlite3"
    for part in here.database.parent.glob("world.sqlite3*"):
        shutil.copyfile(part, folder / part.name.replace("world", who, 1))
    reference = Reference(Database(f"sqlite:///{copy}"))
    app = _application(here.settings, reference)
    client = app.test_client()
    token, csrf = "nobody", ""
    with reference.database.read() as connection:
        account = kept.by_name(connection, who)
        if account is not None:
            token = accounts.token_again(reference, connection, account) or ""
    shown = client.get("/sign-in").text
    csrf = _csrf(shown)
    if who not in ("nobody", "key"):
        answer = client.post("/sign-in", data={"name": who, "password": PASSWORD, "csrf_token": csrf})
        assert answer.status_code == 302, (who, answer.text)
        csrf = _csrf(client.get("/account").text)
    yield Walker(who, app, client, here.places, token, csrf)
    reference.database.close()


def _csrf(page: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found, page[:500]
    return found[1]


def rules(app: Flask) -> dict[str, Rule]:
    """Every method and rule of the application; HEAD where nothing else is there. Taking away comes last."""
    found = {}
    for rule in app.url_map.iter_rules():
        methods = (rule.methods or set()) - {"OPTIONS"}
        for method in methods - {"HEAD"} or methods:
            found[f"{method} {rule.rule}"] = rule
    return {row: found[row] for row in sorted(found, key=lambda row: (_turn(row), row.partition(" ")[2], row))}


def _turn(row: str) -> int:
    if row.endswith("/sign-out"):
        return 3
    return 0 if row.startswith(("GET", "HEAD")) else 2 if LAST.search(row) else 1


def read(answer: TestResponse) -> str:
    """Everything that an answer tells: its headers, and its body out of whatever it is packed in."""
    content, packed = answer.data, answer.headers.get("Content-Encoding", "")
    if packed == "br":
        content = brotli.decompress(content)
    elif packed == "gzip":
        content = gzip.decompress(content)
    told = [str(answer.headers)]
    if content.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            told += [name + archive.read(name).decode("utf-8", "replace") for name in archive.namelist()]
    elif content.startswith(b"%PDF"):
        file = pypdfium2.PdfDocument(content)
        told += [page.get_textpage().get_text_range() for page in file]
        file.close()
    else:
        told.append(content.decode("utf-8", "replace"))
    return "\n".join(told)
