"""The lists that a form in the browser gets: as the server sent them, with what the browser's own forms told since."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page

from mapper.web.assets import asset_url
from tests.browser import Pages
from tests.client.site import Site

pytestmark = pytest.mark.long

A, B, MADE = "aaaaaaaa-0000-4000-8000-000000000001", "aaaaaaaa-0000-4000-8000-000000000002", "new"
SERVED = (
    "name,label,__version,__trunkVersion,__branchId,head,state\n"
    f'{A},"Nhà 1, ""Lý""",3,3,b-1,Lý,refused\n'
    f"{B},Nhà 2,1,1,b-2,Bàn,all_done\n"
)


@pytest.fixture
def page(sqlite_site: Site, open_page: Pages) -> Page:
    """A page from which the scripts can be called."""
    shown = open_page()
    shown.goto(f"{sqlite_site.url}/sign-in")
    return shown


def call(page: Page, script: str, function: str, *arguments: object) -> Any:
    """What an exported function of a script gives."""
    return page.evaluate(
        "async ([address, name, given]) => (await import(address))[name](...given)",
        [asset_url(f"js/{script}.js"), function, list(arguments)],
    )


def entity(entity_id: str, version: int, **other: object) -> dict[str, object]:
    """What a browser knows of an entity after a form was finished."""
    known = {"list": "households", "id": entity_id, "create": False, "label": "", "properties": {}, "version": version}
    return {**known, "trunk": "3", "branch": "b-9", "waits": ["uuid:1"], **other}


def table(page: Page, *entities: dict[str, object]) -> dict[str, dict[str, str]]:
    """Rows of the list that the form gets, by id."""
    header, *rows = call(page, "fill_csv", "parse", call(page, "fill_entities", "applied", SERVED, entities))
    return {row[0]: dict(zip(header, row, strict=True)) for row in rows}


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ('a,b\r\n1,"2, ""hai"""\r\n', [["a", "b"], ["1", '2, "hai"']]),
        ('\ufeffa\n"một\nhai"\n\n', [["a"], ["một\nhai"]]),
        ("a,b\n,", [["a", "b"], ["", ""]]),
        ('a\n""\n', [["a"], [""]]),
        ("", []),
    ],
    ids=["quotes", "lines", "no-end", "empty-cell", "nothing"],
)
def test_tables_are_read_as_they_are_written(page: Page, text: str, rows: list[list[str]]) -> None:
    assert call(page, "fill_csv", "parse", text) == rows
    width = len(rows[0]) if rows else 0
    again = call(page, "fill_csv", "parse", call(page, "fill_csv", "write", rows, width))
    assert again == [row for row in rows if width > 1 or row != [""]]


def test_a_changed_house_has_the_new_answers_and_what_only_the_server_works_out_stays(page: Page) -> None:
    rows = table(page, entity(A, 4, properties={"head": "Triệu", "phone": "0912345678"}))
    assert rows[A] == {
        "name": A,
        "label": 'Nhà 1, "Lý"',
        "__version": "4",
        "__trunkVersion": "3",
        "__branchId": "b-9",
        "head": "Triệu",
        "state": "refused",
        "phone": "0912345678",
    }
    assert rows[B]["head"] == "Bàn"
    assert rows[B]["phone"] == ""


def test_a_house_made_here_is_on_the_list_without_a_version_of_the_server(page: Page) -> None:
    rows = table(page, entity(MADE, 1, create=True, trunk="", label="12 - Nông", properties={"head": "Nông"}))
    assert list(rows) == [A, B, MADE]
    assert rows[MADE]["label"] == "12 - Nông"
    assert (rows[MADE]["__version"], rows[MADE]["__trunkVersion"], rows[MADE]["__branchId"]) == ("1", "", "b-9")
    assert rows[MADE]["state"] == ""


def test_a_house_that_was_given_to_somebody_else_does_not_come_back(page: Page) -> None:
    assert list(table(page, entity("gone", 5, properties={"head": "Ai"}))) == [A, B]


def test_the_server_knows_better_once_it_has_gone_further(page: Page) -> None:
    told = {"properties": {"head": "Triệu"}, "waits": []}
    assert table(page, entity(A, 2, **told))[A]["head"] == "Lý"
    assert table(page, entity(A, 3, **told))[A]["head"] == "Triệu"


@pytest.mark.parametrize(
    ("known", "version", "told"),
    [
        ({"waits": ["uuid:1"]}, 9, False),
        ({"waits": [], "counted": False, "arrivedAt": "2022-08-10T10:00"}, 3, False),
        ({"waits": [], "counted": False, "arrivedAt": "2022-08-10T10:00"}, 4, True),
        ({"waits": [], "counted": True, "arrivedAt": "2022-08-10T10:00"}, None, True),
        ({"waits": [], "counted": True, "arrivedAt": "2022-08-10T13:00"}, None, False),
    ],
    ids=["waits", "held", "held-and-reached", "counted-before-the-list", "counted-after-the-list"],
)
def test_a_browser_tells_of_a_house_until_the_list_does(
    page: Page, known: dict[str, object], version: int | None, told: bool
) -> None:
    row = None if version is None else {"__version": str(version)}
    assert call(page, "fill_entities", "isTold", entity(A, 4, **known), row, "2022-08-10T12:00") is told


FORM = """<h:html xmlns="http://www.w3.org/2002/xforms" xmlns:h="http://www.w3.org/1999/xhtml"
  xmlns:entities="http://www.opendatakit.org/xforms/entities"><h:head><model>
  <bind nodeset="/data/head" entities:saveto="head"/><bind nodeset="/data/door/phone" entities:saveto="phone"/>
  <bind nodeset="/data/person/name" entities:saveto="person_name"/></model></h:head></h:html>"""
FILLED = f"""<data id="x" xmlns:e="http://www.opendatakit.org/xforms/entities"><head>Lý</head><door/>
  <person><name>Páo</name><meta><entity dataset="people" create="true" id=""><label>Páo</label></entity></meta></person>
  <person><name>Mỷ</name>
    <meta><entity dataset="people" update="1" id="{B}" baseVersion="2" branchId=""/></meta></person>
  <person><name>Ai</name><meta><entity dataset="people" create="0" id="x"/></meta></person>
  <meta><e:entity dataset="households" update="1" id="{A}" baseVersion="5" trunkVersion="3" branchId="b-1"/></meta>
</data>"""


def test_a_finished_form_is_read_for_the_entities_it_makes_and_changes(page: Page) -> None:
    whole = call(page, "fill_entities", "completed", FILLED)
    assert call(page, "fill_entities", "completed", whole) == whole, "sent again it says the same"
    made, changed, house = call(page, "fill_entities", "changes", whole, FORM, "uuid:1")
    assert (made["list"], made["label"], made["properties"]) == ("people", "Páo", {"person_name": "Páo"})
    assert (made["create"], made["version"], made["trunk"]) == (True, 1, "")
    assert len(made["id"]) == 36
    assert (changed["id"], changed["version"], changed["trunk"]) == (B, 3, "2")
    assert len(changed["branch"]) == 36, "an update of a row without a branch begins one"
    assert (house["id"], house["version"], house["trunk"], house["branch"]) == (A, 6, "3", "b-1")
    assert house["properties"] == {"head": "Lý"}, "a question that was not asked changes nothing"
    assert house["waits"] == ["uuid:1"]
