"""The lists that a phone keeps of households and people: its own canvasser's, byte for byte, and nobody else's."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from urllib.parse import quote
from xml.etree import ElementTree

import openpyxl
import pytest
import requests
from sqlalchemy import delete, insert, text

from mapper.domain.people import Point
from mapper.domain.roles import Role
from mapper.formats.writer import InstanceWriter
from mapper.formats.xform import XFormModel
from mapper.services import back_checks, publish
from mapper.services.accounts import User
from mapper.services.intake import today
from mapper.services.integrity import Period
from mapper.store import reference as kept
from mapper.store import tables
from tests.client.collect import MANIFEST, FilledForm
from tests.client.site import NEXT_VERSION, SET_ID, Site, workbook, write_house_check

SURVEY = """
type                               |name     |label     |role             |choice_filter       |save_to
select_one_from_file households.csv|again    |Đã đến    |                 |hamlet = ${hamlet}  |
select_one_from_file people.csv    |who      |Ai        |                 |household = ${again}|
today                              |today    |          |visit.date       |                    |
select_one_from_file communes.csv  |commune  |Xã        |household.commune|                    |
select_one_from_file hamlets.csv   |hamlet   |Thôn      |household.hamlet |commune = ${commune}|households#hamlet
geopoint                           |location |Vị trí    |household.point  |                    |
select_one outcome                 |outcome  |Kết quả   |visit.outcome    |                    |
text                               |head     |Chủ hộ    |household.head   |                    |households#head
begin_repeat                       |person   |Thành viên|person           |                    |
text                               |full_name|Họ và tên |person.name      |                    |people#full_name
date                               |born     |Ngày sinh |person.birth_date|                    |
date                               |dose_1   |Ngày mũi 1|dose.date@1      |                    |
end_repeat                         |person   |          |                 |                    |
"""
CHOICES = "list_name | name | label\noutcome | interviewed | Đã gặp\noutcome | absent | Vắng nhà\n"
HAMLETS = ("0000101", "0000102", "0000201")
PLACES = {"0000101": Point(22.05, 105.05, 6), "0000102": Point(22.06, 105.06, 6), "0000201": Point(22.05, 105.15, 6)}
HOUSES = tuple(f"{number}{'0' * 7}-1111-4111-8111-111111111111" for number in (1, 2, 3))
"""One house in each hamlet."""
MOTHER, CHILD = "aaaaaaaa-1111-4111-8111-111111111111", "bbbbbbbb-1111-4111-8111-111111111111"


def write_with_lists(folder: Path, version: str = NEXT_VERSION) -> Path:
    """The small campaign with a form that makes households and people, and reads their lists."""
    write_house_check(folder)
    book = openpyxl.load_workbook(io.BytesIO(workbook("house_check", "Thăm nhà", version, SURVEY, CHOICES)))
    sheet = book.create_sheet("entities")
    for row in (("list_name", "label"), ("households", "${head}"), ("people", "${full_name}")):
        sheet.append(row)
    book.save(folder / "house_check.xlsx")
    book.close()
    return folder


@dataclass
class Field:
    """The running server with that form, and what phones ask of it."""

    site: Site
    writer: InstanceWriter
    sent: int = 0
    tokens: dict[str, str] = field(default_factory=dict)

    def token(self, *hamlets: str) -> str:
        """The key of the canvasser of these hamlets."""
        name = "+".join(hamlets)
        if name not in self.tokens:
            self.tokens[name] = self.site.user("canvasser", *hamlets).token
        return self.tokens[name]

    def visit(self, hamlet: str, house: str, *people: tuple[str, str, date | None, date | None]) -> None:
        """A visit to a house: (entity id, name, birth, day of the dose) of each person."""
        self.sent += 1
        xml = self.writer.write(
            {
                "visit.date": date(2022, 8, 10),
                "visit.outcome": "interviewed" if people else "absent",
                "household.commune": hamlet[:5],
                "household.hamlet": hamlet,
                "household.point": PLACES[hamlet],
                "household.head": "Nông Thị Mỷ",
            },
            [
                {"person.id": identity, "person.name": name}
                | ({"person.birth_date": born} if born else {})
                | ({"dose.date@1": dose} if dose else {})
                for identity, name, born, dose in people
            ],
            instance_id=f"uuid:visit-{self.sent}",
            entity_id=house,
        )
        phone = self.site.phone(self.token(hamlet))
        assert phone.send(FilledForm("house.xml", xml, {})).statuses == (201,)

    def address(self, token: str, rest: str) -> str:
        return f"{self.site.url}/key/{token}/forms/house_check/{NEXT_VERSION}/{rest}"

    def get(self, token: str, rest: str, **headers: str) -> requests.Response:
        return requests.get(self.address(token, rest), headers=headers, timeout=60)

    def manifest(self, token: str) -> dict[str, tuple[str, str, str | None]]:
        """By file name: hash, address, and of an entity list where to ask what is gone."""
        found = {}
        answer = self.get(token, "manifest")
        assert answer.status_code == 200, answer.text
        for file in ElementTree.fromstring(answer.content):
            told = {child.tag.removeprefix(f"{{{MANIFEST}}}"): child.text or "" for child in file}
            assert (file.get("type") == "entityList") == ("integrityUrl" in told)
            found[told["filename"]] = (told["hash"], told["downloadUrl"], told.get("integrityUrl"))
        return found

    def rows(self, token: str, name: str) -> list[dict[str, str]]:
        """The rows of a list, as a phone fetches it by the manifest; its hash is checked."""
        announced, address, _ = self.manifest(token)[name]
        answer = requests.get(address, timeout=60)
        assert answer.status_code == 200
        assert announced == f"md5:{hashlib.md5(answer.content).hexdigest()}"
        return list(csv.DictReader(io.StringIO(answer.content.decode())))

    def gone(self, token: str, name: str, *ids: str) -> dict[str, bool]:
        """What the server says of entities that the phone has and the list has not."""
        whole = self.manifest(token)[name][2]
        assert whole is not None
        answer = requests.get(whole, params={"id": ",".join(ids)}, timeout=60)
        assert answer.headers["Content-Type"] == "text/xml; charset=utf-8"
        root = ElementTree.fromstring(answer.content)
        assert root.tag == "data"
        return {str(each.get("id")): each.findtext("deleted") == "true" for each in root.iter("entity")}


def made_field(site: Site, folder: Path) -> Field:
    publish.publish(site.reference, write_with_lists(folder / "lists"))
    with site.reference.database.read() as connection:
        form = kept.form(connection, "house_check", NEXT_VERSION)
        assert form is not None
        campaign = site.reference.known(connection).campaigns["mini"]
    made = Field(site, InstanceWriter(XFormModel.from_json(form.model), campaign))
    for hamlet, house in zip(HAMLETS, HOUSES, strict=True):
        made.visit(hamlet, house)
    return made


@pytest.fixture
def walk(site: Site, tmp_path: Path) -> Field:
    """One absent house in each of the three hamlets, on each kind of database."""
    return made_field(site, tmp_path)


@pytest.fixture
def sqlite_walk(sqlite_site: Site, tmp_path: Path) -> Iterator[Field]:
    """The same on SQLite, for what the database has no say in."""
    yield made_field(sqlite_site, tmp_path)


# What stands in the lists


def test_a_canvasser_gets_the_own_hamlets_and_their_houses(walk: Field) -> None:
    one, two = walk.token("0000101"), walk.token("0000101", "0000201")
    assert [row["name"] for row in walk.rows(one, "households.csv")] == [HOUSES[0]]
    assert [row["name"] for row in walk.rows(two, "households.csv")] == [HOUSES[0], HOUSES[2]]
    assert [row["name"] for row in walk.rows(one, "hamlets.csv")] == ["0000101"]
    assert [row["name"] for row in walk.rows(two, "hamlets.csv")] == ["0000101", "0000201"]
    assert [row["name"] for row in walk.rows(one, "communes.csv")] == ["00001"]
    assert [row["name"] for row in walk.rows(two, "communes.csv")] == ["00001", "00002"]
    whole = walk.site.user("canvasser", "001").token
    assert [row["name"] for row in walk.rows(whole, "households.csv")] == list(HOUSES)


def test_every_file_of_a_manifest_has_the_hash_of_its_bytes(walk: Field) -> None:
    for token in (walk.token("0000101"), walk.token("0000102")):
        assert set(walk.manifest(token)) == {"communes.csv", "hamlets.csv", "households.csv", "people.csv"}
        for name, (announced, address, _) in walk.manifest(token).items():
            content = requests.get(address, timeout=60).content
            assert announced == f"md5:{hashlib.md5(content).hexdigest()}", name


def test_a_list_tells_who_is_due_for_what_since_when(sqlite_walk: Field) -> None:
    sqlite_walk.visit(
        "0000101",
        HOUSES[0],
        (MOTHER, "Nông Thị Mỷ", date(1980, 5, 4), None),
        (CHILD, "Lý Văn Đức", date(2015, 6, 1), date(2022, 7, 1)),
    )
    token = sqlite_walk.token("0000101")
    (house,) = sqlite_walk.rows(token, "households.csv")
    assert house["label"] == "Nông Thị Mỷ"
    assert (house["hamlet"], house["commune"], house["outcome"]) == ("0000101", "00001", "interviewed")
    assert (house["state"], house["state_text"]) == ("someone_due", "1 người đến hạn tiêm")
    assert house["due_text"] == "Nông Thị Mỷ: Mũi 1 từ 08/03/2021"
    assert house["geometry"] == "22.0500000 105.0500000 0 6.0"
    assert (house["marker-color"], house["marker-symbol"]) == ("#b2182b", "!")
    mother, child = sqlite_walk.rows(token, "people.csv")
    assert (mother["name"], mother["household"], mother["person_name"]) == (MOTHER, HOUSES[0], "Nông Thị Mỷ")
    assert (mother["state"], mother["due"]) == ("due", "1")
    assert mother["due_text"] == "Mũi 1 từ 08/03/2021"
    assert mother["born"] == "1980-05-04"
    assert (child["state"], child["due"], child["doses_text"]) == ("done", "", "Mũi 1 01/07/2022")


def test_every_row_has_what_a_phone_cannot_do_without(sqlite_walk: Field) -> None:
    sqlite_walk.visit("0000101", HOUSES[0], (MOTHER, "Nông Thị Mỷ", date(1980, 5, 4), None), (CHILD, "", None, None))
    token = sqlite_walk.token("0000101")
    for name in ("households.csv", "people.csv"):
        for row in sqlite_walk.rows(token, name):
            assert list(row)[:5] == ["name", "label", "__version", "__trunkVersion", "__branchId"]
            assert all(list(row.values())[:5]), row
    assert [row["state"] for row in sqlite_walk.rows(token, "people.csv")] == ["due", "unknown"]


def test_a_house_whose_id_is_no_uuid_is_left_out_and_spoils_nothing(sqlite_walk: Field) -> None:
    sqlite_walk.visit("0000101", "house-77", (MOTHER, "Nông Thị Mỷ", date(1980, 5, 4), None))
    token = sqlite_walk.token("0000101")
    assert [row["name"] for row in sqlite_walk.rows(token, "households.csv")] == [HOUSES[0]]
    assert sqlite_walk.rows(token, "people.csv") == []


def test_a_name_with_commas_quotes_and_line_breaks_stays_one_cell(sqlite_walk: Field) -> None:
    sqlite_walk.visit("0000101", HOUSES[0], (MOTHER, 'Mỷ "em",\n=1+1', date(1980, 5, 4), None))
    (row,) = sqlite_walk.rows(sqlite_walk.token("0000101"), "people.csv")
    assert row["person_name"] == 'Mỷ "em", =1+1'


# Nothing new


def test_a_phone_that_has_the_list_is_told_so_and_no_list_is_made(walk: Field) -> None:
    token = walk.token("0000101")
    walk.manifest(token)
    first = walk.get(token, "media/households.csv")
    assert first.status_code == 200
    made = walk.site.reference.lists.made
    for _ in range(3):
        walk.manifest(token)
        again = walk.get(token, "media/households.csv", **{"If-None-Match": first.headers["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
    assert walk.site.reference.lists.made == made
    other = walk.get(token, "media/households.csv", **{"If-None-Match": '"somethingelse"'})
    assert (other.status_code, other.content) == (200, first.content)


def test_a_visit_changes_the_lists_of_its_own_hamlet_alone(walk: Field) -> None:
    one, two = walk.token("0000101"), walk.token("0000102")
    before = walk.manifest(one), walk.manifest(two)
    made = walk.site.reference.lists.made
    walk.visit("0000101", HOUSES[0], (MOTHER, "Nông Thị Mỷ", date(1980, 5, 4), None))
    after = walk.manifest(one), walk.manifest(two)
    assert [name for name in before[0] if before[0][name][0] != after[0][name][0]] == ["households.csv", "people.csv"]
    assert before[1] == after[1]
    assert walk.site.reference.lists.made == made + 1


# What is gone


def test_what_is_anothers_is_gone_and_what_nobody_knows_may_be_on_its_way(walk: Field) -> None:
    walk.visit("0000101", HOUSES[0], (MOTHER, "Nông Thị Mỷ", date(1980, 5, 4), None))
    unknown = "99999999-1111-4111-8111-111111111111"
    asked = (HOUSES[0], HOUSES[1], unknown)
    assert walk.gone(walk.token("0000101"), "households.csv", *asked) == dict(
        zip(asked, (False, True, False), strict=True)
    )
    assert walk.gone(walk.token("0000101"), "people.csv", MOTHER, unknown) == {MOTHER: False, unknown: False}
    assert walk.gone(walk.token("0000102"), "people.csv", MOTHER, unknown) == {MOTHER: True, unknown: False}
    assert walk.gone(walk.token("0000101"), "households.csv") == {}
    assert walk.gone(walk.token("0000101"), "households.csv", "x' OR 1", "\0") == {"x' OR 1": False, "": False}


def test_a_hamlet_given_to_another_takes_its_houses_along(walk: Field) -> None:
    token, other = walk.token("0000101"), walk.token("0000102")
    assert [row["name"] for row in walk.rows(token, "households.csv")] == [HOUSES[0]]
    with walk.site.reference.database.write() as connection:
        areas = tables.user_areas
        numbers = dict(connection.execute(text("SELECT code, user_id FROM user_areas WHERE set_id = ''")).all())
        connection.execute(delete(areas).where(areas.c.user_id == numbers["0000101"]))
        connection.execute(
            insert(areas),
            [
                {"user_id": numbers["0000101"], "set_id": SET_ID, "code": "00002"},
                {"user_id": numbers["0000102"], "set_id": "", "code": "0000101"},
            ],
        )
    assert [row["name"] for row in walk.rows(token, "households.csv")] == [HOUSES[2]]
    assert [row["name"] for row in walk.rows(other, "households.csv")] == [HOUSES[0], HOUSES[1]]
    assert walk.gone(token, "households.csv", HOUSES[0]) == {HOUSES[0]: True}


# Who may ask, and what a fault does


@pytest.mark.parametrize(
    "rest",
    [
        "form.xml",
        "manifest",
        "media/households.csv",
        "media/people.csv",
        "media/hamlets.csv",
        f"integrity/households.csv?id={HOUSES[0]}",
    ],
)
def test_a_key_that_opens_nothing_opens_no_list(sqlite_walk: Field, rest: str) -> None:
    assert sqlite_walk.get(sqlite_walk.token("0000101"), rest).status_code == 200
    assert sqlite_walk.get("nobody", rest).status_code == 403
    plain = f"{sqlite_walk.site.url}/forms/house_check/{NEXT_VERSION}/{rest}"
    assert requests.get(plain, timeout=60).status_code == 401


def test_a_list_that_the_form_does_not_ask_for_is_not_there(sqlite_walk: Field) -> None:
    token = sqlite_walk.token("0000101")
    assert sqlite_walk.get(token, "media/trees.csv").status_code == 404
    assert sqlite_walk.get(token, "integrity/hamlets.csv?id=1").status_code == 404
    elsewhere = f"{sqlite_walk.site.url}/key/{token}/forms/plain/1/media/{quote('households.csv')}"
    assert requests.get(elsewhere, timeout=60).status_code == 404


@pytest.mark.parametrize("table", ["house_totals", "cells", "people", "user_areas", "form_media"])
def test_a_fault_gives_an_error_and_never_a_shortened_list(sqlite_walk: Field, table: str) -> None:
    reference = sqlite_walk.site.reference
    token = sqlite_walk.token("0000101")
    for rest in ("manifest", "media/households.csv", "media/people.csv"):
        reference.forget()
        reference.lists = type(reference.lists)()
        with reference.database.write() as connection:
            connection.execute(text(f"ALTER TABLE {table} RENAME TO {table}_lost"))
        try:
            assert sqlite_walk.get(token, rest).status_code >= 500, rest
        finally:
            with reference.database.write() as connection:
                connection.execute(text(f"ALTER TABLE {table}_lost RENAME TO {table}"))
        assert sqlite_walk.get(token, rest).status_code == 200


def test_an_area_of_a_set_that_cannot_be_read_is_a_fault_and_not_an_empty_list(sqlite_walk: Field) -> None:
    token = sqlite_walk.token("0000101")
    assert sqlite_walk.get(token, "manifest").status_code == 200
    with sqlite_walk.site.reference.database.write() as connection:
        connection.execute(text("UPDATE user_areas SET set_id = 'lost' WHERE code = '0000101'"))
    assert sqlite_walk.get(token, "manifest").status_code == 503
    assert sqlite_walk.get(token, f"integrity/households.csv?id={HOUSES[0]}").status_code == 503


def test_a_house_for_a_second_interview_is_on_the_list_of_who_goes_there_until_somebody_has_been(walk: Field) -> None:
    first, second = (walk.site.user("canvasser", hamlet) for hamlet in ("0000101", "0000201"))
    walk.tokens |= {"0000101": first.token}
    walk.visit("0000101", HOUSES[0], (MOTHER, "Nông Thị Mỷ", date(1980, 5, 4), None))
    assert [row["name"] for row in walk.rows(second.token, "households.csv")] == [HOUSES[2]]
    assert walk.gone(second.token, "households.csv", HOUSES[0]) == {HOUSES[0]: True}
    everybody = User(0, "chief", Role.ADMINISTRATOR, (), 0)
    period = Period("mini", today(), today())
    draw = back_checks.draw_houses(walk.site.reference, everybody, period, first.id, second.id, 5)
    rows = {row["name"]: row for row in walk.rows(second.token, "households.csv")}
    assert list(rows) == [HOUSES[0], HOUSES[2]]
    assert rows[HOUSES[0]]["state"] == "someone_due"
    assert "hỏi lại lần hai, hãy hỏi như lần đầu" in rows[HOUSES[0]]["state_text"]
    assert "hỏi lại" not in rows[HOUSES[2]]["state_text"]
    assert [row["name"] for row in walk.rows(second.token, "people.csv")] == [MOTHER]
    assert walk.gone(second.token, "households.csv", HOUSES[0]) == {HOUSES[0]: False}
    assert "hỏi lại" not in walk.rows(first.token, "households.csv")[0]["state_text"], "nothing is given away"
    walk.tokens |= {"0000101": second.token}
    walk.visit("0000101", HOUSES[0], (MOTHER, "Nông Thị Mỷ", date(1981, 5, 4), None))
    assert [row["name"] for row in walk.rows(second.token, "households.csv")] == [HOUSES[2]]
    (house,) = back_checks.back_check(walk.site.reference, everybody, draw).houses
    assert [(one.question, one.first, one.again) for one in back_checks.differences(house)] == [
        ("born", "1980", "1981")
    ]
