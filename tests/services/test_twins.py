"""Two of a house, born on one day, whose names are a stroke apart: twins of one visit, or one person of two visits."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from mapper.services.looking_through import look_through
from mapper.store import oddities
from tests.services.test_entities import HOA, census, days, lan, nam, online, publish, revisit
from tests.services.town import Town

BORN = date(2016, 4, 9)


def pairs(town: Town) -> list[set[str]]:
    """Who is perhaps one person."""
    look_through(town.reference, "covid19")
    with town.reference.database.read() as connection:
        found = oddities.waiting(town.reference.database, connection, "covid19", ("same_person",), None, 99)
    return [{one.person_id, one.other_person_id} for one in found]


@pytest.mark.parametrize("later", [{}, {"consent": "no"}], ids=["nothing told since", "one refused since"])
def test_a_visit_that_told_of_both_told_of_twins(new_town: Callable[[], Town], later: dict[str, Any]) -> None:
    town = new_town()
    publish(town)
    hoa = nam(name="Trần Thị Hoa", birth_date=BORN)
    town.send(census("uuid:census", [lan(name="Trần Thị Hoà", birth_date=BORN), hoa]))
    if later:
        town.send(revisit("uuid:later", days(7), [nam(**later)], online(1)), days(7))
    assert pairs(town) == []


def test_a_second_visit_that_did_not_know_the_first_made_one_person_two(new_town: Callable[[], Town]) -> None:
    town = new_town()
    publish(town)
    town.send(census("uuid:census", [lan(name="Trần Thị Hoà", birth_date=BORN), nam(name="Trần Văn Nam")]))
    again = {"person.id": HOA, "person.name": "Trần Thị Hoa", "person.birth_date": BORN}
    town.send(revisit("uuid:later", days(7), [again], online(1)), days(7))
    assert pairs(town) == [{lan()["person.id"], HOA}]
