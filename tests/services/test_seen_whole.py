"""Which units somebody sees whole whose area is one of another boundary set.

The squares 0 to 3 of the town, communes of district S, and what became of them in the set "later":

    squares   0   1 | 2   3 |
    later     A     | B         and as much ground again, which no square covers
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

import pytest

from mapper.domain.people import Point
from mapper.domain.roles import Role
from mapper.domain.succession import Heir, Succession
from mapper.services import boundaries, reporting
from mapper.services.accounts import User
from mapper.services.boundaries import SetFacts
from mapper.services.questions import Question
from mapper.store import reference as kept
from mapper.store import successions
from mapper.store.successions import ToldSuccession
from tests.services.town import COMMUNES, DAY, EVERYTHING, Town, feature, feature_file, inside, person

MERGED = (Heir(COMMUNES[0], "A", True, 1.0), Heir(COMMUNES[1], "A", True, 1.0))
GROWN = (Heir(COMMUNES[2], "B", True, 1.0), Heir(COMMUNES[3], "B", True, 1.0))


def later(town: Town, heirs: tuple[Heir, ...] = ()) -> None:
    """The set of later; heirs: what is told of it."""
    file = feature_file(
        town.files / "later.geojson",
        [
            feature(105.0, 22.0, 105.2, 22.1, commune_code="A", commune_name="Xã Gộp", province_code="Q"),
            feature(105.2, 21.9, 105.4, 22.1, commune_code="B", commune_name="Xã Rộng", province_code="Q"),
        ],
    )
    boundaries.import_file(town.reference, file, SetFacts("later", "Sau", date(2025, 7, 1)))
    if heirs:
        database = town.reference.database
        with database.write() as connection:
            about = ToldSuccession("squares", "later", "crosswalk", "", "[]", "2026-01-01T00:00:00")
            successions.save(connection, about, Succession(heirs))
            kept.raise_revision(database, connection)


def send(town: Town, place: Point, name: str) -> None:
    town.send(town.write({"household.point": place}, [person()], entity=name))


def in_part(town: Town, *codes: str, set_id: str = "later", area_set: str = "squares") -> Mapping[str | None, bool]:
    """Of the units visited whether somebody who may see areas of a set is told that they see a part alone."""
    user = User(2, "giám sát", Role.SUPERVISOR, tuple((area_set, code) for code in codes), 0)
    question = Question("covid19", "18_plus", "1", DAY, "commune", set_id)
    answers = [
        reporting.coverage(town.reference, user, question).units,
        list(reporting.coverage_of_every(town.reference, user, question, None, (), units=True).units[0].values()),
    ]
    one, other = ({unit.code: unit.partial for unit in units if unit.houses.visited} for units in answers)
    assert one == other
    return one


@pytest.mark.parametrize("heirs", [MERGED, ()], ids=["told", "by outlines"])
def test_who_sees_all_that_a_unit_was_made_of_sees_it_whole(town: Town, heirs: tuple[Heir, ...]) -> None:
    later(town, heirs)
    send(town, inside(0), "zero")
    send(town, inside(1), "one")
    assert in_part(town, *COMMUNES[:2]) == {"A": False}
    assert in_part(town, "S") == {"A": False}
    assert in_part(town, COMMUNES[0]) == {"A": True}


def test_a_forebear_where_nobody_was_visited_yet_is_a_part_all_the_same(sqlite_town: Town) -> None:
    later(sqlite_town, MERGED)
    send(sqlite_town, inside(0), "zero")
    assert in_part(sqlite_town, COMMUNES[0]) == {"A": True}


def test_a_unit_is_seen_whole_until_somebody_is_found_on_ground_that_no_older_set_covers(sqlite_town: Town) -> None:
    later(sqlite_town, GROWN)
    send(sqlite_town, inside(2), "two")
    assert in_part(sqlite_town, *COMMUNES[2:4]) == {"B": False}
    send(sqlite_town, replace(inside(2), lat=21.95), "south")
    assert in_part(sqlite_town, *COMMUNES[2:4]) == {"B": True}
    assert in_part(sqlite_town, "B", area_set="later") == {"B": False}


def test_of_ground_that_nobody_told_of_outlines_say_that_more_lies_around(sqlite_town: Town) -> None:
    later(sqlite_town)
    send(sqlite_town, inside(2), "two")
    assert in_part(sqlite_town, *COMMUNES[2:4]) == {"B": True}


def test_who_sees_a_new_unit_sees_the_old_ones_it_took_over_whole_and_of_a_divided_one_the_half(
    sqlite_town: Town,
) -> None:
    halves = (Heir(COMMUNES[1], "A", False, 0.5), Heir(COMMUNES[1], "B", False, 0.5))
    later(sqlite_town, (MERGED[0], *halves, *GROWN))
    send(sqlite_town, inside(0), "zero")
    send(sqlite_town, inside(1), "one")
    assert in_part(sqlite_town, "A", set_id="squares", area_set="later") == {COMMUNES[0]: False, COMMUNES[1]: True}
    both = in_part(sqlite_town, "A", "B", set_id="squares", area_set="later")
    assert both == {COMMUNES[0]: False, COMMUNES[1]: False}


def test_without_an_area_of_ones_own_nothing_is_kept_back(sqlite_town: Town) -> None:
    later(sqlite_town)
    send(sqlite_town, inside(2), "two")
    question = Question("covid19", "18_plus", "1", DAY, "commune", "later")
    assert not any(unit.partial for unit in reporting.coverage(sqlite_town.reference, EVERYTHING, question).units)
