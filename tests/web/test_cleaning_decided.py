"""Decisions of the cleaning station by finding, by decision and by whom; and a long queue that is read by the page."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import product

import pytest
from sqlalchemy import event, insert, select
from sqlalchemy.engine import Engine

from mapper.services.looking_through import look_through
from mapper.store import tables
from tests.client.site import House, Site
from tests.web.test_pages import reader

RULES, CHOICES = ("dose_too_soon", "head_count"), ("accept", "not_a_problem", "visit")


@pytest.fixture
def site(sqlite_site: Site) -> Iterator[Site]:
    """A server with one household, whose register was looked through."""
    phone = sqlite_site.phone()
    phone.send(House("uuid:1", people=(("Nông Thị Mỷ", "1980-05-04", ""),)).form())
    look_through(sqlite_site.reference, "mini")
    yield sqlite_site


def where(site: Site) -> dict[str, object]:
    """Of the one household, what findings and decisions have in common."""
    h = tables.households
    with site.reference.database.read() as connection:
        house, cell = connection.execute(select(h.c.id, h.c.cell_id)).one()
    return {"campaign_id": "mini", "household_id": house, "cell_id": cell}


def found(site: Site, number: int) -> None:
    """So many findings of improbable numbers of people."""
    common = where(site) | {"rule": "head_count", "person_id": "", "other_household_id": "", "other_person_id": ""}
    facts = json.dumps({"people": "1", "expected": "9"})
    rows = [common | {"key": f"found{each:027}", "facts": facts} for each in range(number)]
    with site.reference.database.write() as connection:
        connection.execute(insert(tables.oddities), rows)


def decided(site: Site) -> dict[str, int]:
    """Every decision about every finding, by two users; the numbers of these."""
    numbers = {name: site.user("supervisor", "001", name=name).id for name in ("Hoàng An", "Lò Bình")}
    rows = []
    for each, (rule, choice, name) in enumerate(product(RULES, CHOICES, numbers)):
        key = {"key": f"decided{each:025}", "rule": rule, "choice": choice, "user_id": numbers[name]}
        rows.append(where(site) | key | {"reason": f"{rule} {choice} {name}", "at": "2022-09-01T00:00:00+00:00"})
    with site.reference.database.write() as connection:
        connection.execute(insert(tables.verdicts), rows)
    return numbers


def reasons(shown: str) -> set[str]:
    return set(re.findall(r"<br>((?:dose_too_soon|head_count) [^<]+?)\s*<", shown))


def test_decisions_are_found_by_finding_by_decision_and_by_whom(site: Site) -> None:
    numbers = decided(site)
    chief = reader(site)
    every = {f"{rule} {choice} {name}" for rule, choice, name in product(RULES, CHOICES, numbers)}
    an = numbers["Hoàng An"]
    for asked, kept in (
        ({}, every),
        ({"rule": "head_count"}, {each for each in every if each.startswith("head_count")}),
        ({"choice": "visit"}, {each for each in every if " visit " in each}),
        ({"by": str(an)}, {each for each in every if each.endswith("An")}),
        ({"rule": "head_count", "choice": "visit", "by": str(an)}, {"head_count visit Hoàng An"}),
        ({"rule": "same_person"}, set()),
        ({"rule": "no such rule", "choice": "'", "by": "x"}, every),
    ):
        page = chief.get("/cleaning", state="decided", **asked)
        assert page.status_code == 200
        assert reasons(page.text) == kept, asked
    assert "Không có quyết định nào như vậy" in chief.get("/cleaning", state="decided", rule="same_person").text
    elsewhere = reader(site, "00002", role="commune_supervisor").get("/cleaning", state="decided")
    assert not reasons(elsewhere.text)
    assert "Hoàng An" not in elsewhere.text


def test_a_long_queue_costs_as_many_questions_to_the_database_as_a_short_one(site: Site) -> None:
    chief = reader(site)
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        asked.append(statement)

    def questions(**query: str) -> int:
        asked.clear()
        assert chief.get("/cleaning", **query).status_code == 200
        return len(asked)

    found(site, 1)
    questions()
    event.listen(Engine, "before_cursor_execute", note)
    try:
        short = questions()
        with site.reference.database.write() as connection:
            connection.execute(tables.oddities.delete())
        found(site, 3000)
        assert questions() == short > 3
        assert questions(page="100") == short
        questions(state="decided")
        assert not [each for each in asked if "oddities.facts" in each], "what is not shown is not read"
    finally:
        event.remove(Engine, "before_cursor_execute", note)
