"""Hamlets by the communes of another set than that of their lists: a divided one stands under each, with its part.

The squares 0 to 3 of the town, communes with hamlets, and what became of them in the set "later", told by a crosswalk:

    squares   0   1 |   2         3
    later     A     | C | D: the eastern half of 2, with 3
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from mapper.domain.people import Point
from mapper.domain.roles import Role
from mapper.domain.succession import Heir, Succession
from mapper.errors import Forbidden, NotFound
from mapper.services import accounts, assignment, boundaries, epidemic, health, users, walk
from mapper.services.accounts import User
from mapper.services.boundaries import SetFacts
from mapper.store import reference as kept
from mapper.store import successions
from mapper.store.successions import ToldSuccession
from tests.services.town import COMMUNES, DAY, EVERYTHING, HAMLETS, Town, feature, feature_file, inside, person

DIVIDED = HAMLETS[2][0]
"""A hamlet of square 2."""


@pytest.fixture
def later(sqlite_town: Town) -> Town:
    """The set of later, and three houses of a hamlet that it divides, one in the west, two in the east."""
    town = sqlite_town
    file = feature_file(
        town.files / "later.geojson",
        [
            feature(105.0, 22.0, 105.2, 22.1, commune_code="A", commune_name="Xã Gộp", province_code="Q"),
            feature(105.2, 22.0, 105.25, 22.1, commune_code="C", commune_name="Xã Tây", province_code="Q"),
            feature(105.25, 22.0, 105.4, 22.1, commune_code="D", commune_name="Xã Đông", province_code="Q"),
        ],
    )
    boundaries.import_file(town.reference, file, SetFacts("later", "Sau", date(2025, 7, 1)))
    heirs = (
        Heir(COMMUNES[0], "A", True, 1.0),
        Heir(COMMUNES[1], "A", True, 1.0),
        Heir(COMMUNES[2], "C", False, 0.5),
        Heir(COMMUNES[2], "D", False, 0.5),
        Heir(COMMUNES[3], "D", True, 1.0),
    )
    database = town.reference.database
    with database.write() as connection:
        about = ToldSuccession("squares", "later", "crosswalk", "", "[]", "2026-01-01T00:00:00")
        successions.save(connection, about, Succession(heirs))
        kept.raise_revision(database, connection)
    send(town, inside(2, east=0.25), "west")
    send(town, inside(2, east=0.7), "east")
    send(town, inside(2, east=0.8), "far")
    return town


def send(town: Town, place: Point | None, name: str, hamlet: str = DIVIDED, commune: str = COMMUNES[2]) -> None:
    answers = {"household.point": place, "household.commune": commune, "household.hamlet": hamlet}
    town.send(town.write(answers, [person()], entity=name))


def parts(town: Town, unit: str, set_id: str = "later", user: User = EVERYTHING) -> dict[str, walk.Hamlet]:
    found = walk.hamlets(town.reference, user, "covid19", DAY, unit, set_id=set_id)
    return {one.code: one for one in found}


def test_a_divided_hamlet_stands_under_each_commune_with_the_houses_that_lie_there(later: Town) -> None:
    west, east = parts(later, "C")[DIVIDED], parts(later, "D")[DIVIDED]
    assert (west.commune, west.visited, west.divided) == ("Xã Tây", 1, True)
    assert (east.commune, east.visited, east.divided) == ("Xã Đông", 2, True)
    # Houses never visited are counted once, where most of the hamlet's houses are, as on the map.
    listed = parts(later, COMMUNES[2], "squares")[DIVIDED]
    assert (west.expected, west.unvisited) == (None, None)
    assert (east.expected, east.unvisited) == (listed.expected, listed.unvisited)
    assert (listed.visited, listed.divided) == (3, False)
    assert west.due + east.due == listed.due


def test_hamlets_of_merged_communes_stand_under_the_new_one_visited_or_not(later: Town) -> None:
    old = {*parts(later, COMMUNES[0], "squares"), *parts(later, COMMUNES[1], "squares")}
    assert old == set(parts(later, "A"))
    assert not any(one.divided for one in parts(later, "A").values())
    assert [unit for unit in walk.communes(later.reference, EVERYTHING, "later") if unit[0] in "ACD"] == [
        ("A", "Xã Gộp"),
        ("C", "Xã Tây"),
        ("D", "Xã Đông"),
    ]


def test_a_house_that_may_be_in_either_part_is_in_no_certain_commune_where_nobody_was_placed(later: Town) -> None:
    other = HAMLETS[2][1]
    send(later, None, "lost", other)
    assert parts(later, "")[other].visited == 1
    assert other not in parts(later, "C") and other not in parts(later, "D")


def test_the_walk_keeps_to_the_part_of_the_commune_and_without_one_takes_the_whole_hamlet(later: Town) -> None:
    asked = later.reference, EVERYTHING, "covid19", DAY, DIVIDED
    assert len(walk.walk_through(*asked, part=("later", "C")).houses) == 1
    assert len(walk.walk_through(*asked, part=("later", "D")).houses) == 2
    assert len(walk.walk_through(*asked, part=("squares", COMMUNES[2])).houses) == 3
    assert len(walk.walk_through(*asked).houses) == 3
    with pytest.raises(NotFound, match="mars"):
        walk.walk_through(*asked, part=("mars", "C"))


def test_a_supervisor_of_a_new_commune_works_with_it_by_its_name(later: Town) -> None:
    user = User(7, "giám sát", Role.SUPERVISOR, (("later", "D"),), 0)
    assert ("D", "Xã Đông") in walk.communes(later.reference, user, "later")
    assert "C" not in dict(walk.communes(later.reference, user, "later"))
    one = walk.walk_through(later.reference, user, "covid19", DAY, DIVIDED, part=("later", "D"))
    assert len(one.houses) == 2
    found = health.fieldwork_of(later.reference, user, "covid19", "D", DAY, datetime.now(UTC), "later")
    assert (found.commune, found.visited) == ("Xã Đông", 2)
    with pytest.raises(NotFound, match="C"):
        health.fieldwork_of(later.reference, user, "covid19", "C", DAY, datetime.now(UTC), "later")


def test_fieldwork_counts_what_lies_in_the_commune(later: Town) -> None:
    west, east, both = (
        health.fieldwork_of(later.reference, EVERYTHING, "covid19", unit, DAY, datetime.now(UTC), set_id)
        for unit, set_id in (("C", "later"), ("D", "later"), (COMMUNES[2], "squares"))
    )
    assert (west.visited, east.visited, both.visited) == (1, 2, 3)
    assert west.visited_today + east.visited_today == both.visited_today


def test_houses_visited_in_the_other_part_are_taken_off_as_of_the_day_that_is_asked_for(later: Town) -> None:
    def unvisited(day: date) -> int:
        now = datetime.now(UTC)
        return health.fieldwork_of(later.reference, EVERYTHING, "covid19", "D", day, now, "later").work.unvisited

    # One in the west and two in the east, all of them visited on the day itself.
    assert unvisited(DAY) == unvisited(DAY - timedelta(days=1))
    assert unvisited(DAY + timedelta(days=1)) == unvisited(DAY) - 3


def test_assignment_shows_a_divided_hamlet_under_both_with_the_work_that_lies_there(later: Town) -> None:
    users.add(later.reference, EVERYTHING, "an", "canvasser", [f"hamlet:{DIVIDED}"])
    loads = {}
    for commune in assignment.communes(later.reference, EVERYTHING, "later"):
        if commune.code not in "CD":
            continue
        found = assignment.overview(later.reference, EVERYTHING, "covid19", DAY, commune, "later")
        (hamlet,) = [one for one in found.hamlets if one.written == f"hamlet:{DIVIDED}"]
        (work,) = found.canvassers
        assert (work.name, work.load.visited) == ("an", hamlet.load.visited)
        assert found.outlines and found.bounds is not None
        loads[commune.code] = replace(hamlet.load, due=0)
    assert {code: load.visited for code, load in loads.items()} == {"C": 1, "D": 2}
    assert loads["C"].expected is None and loads["D"].expected is not None


def test_the_whole_of_a_divided_hamlet_is_given_by_whose_area_holds_all_parts(later: Town) -> None:
    have = [f"hamlet:{DIVIDED}", f"hamlet:{HAMLETS[3][0]}"]
    number, _ = users.add(later.reference, EVERYTHING, "an", "canvasser", have)

    def by(*codes: str) -> User:
        return User(7, "giám sát", Role.SUPERVISOR, tuple(("later", code) for code in codes), 0)

    def holds(user: User) -> bool:
        with later.reference.database.read() as connection:
            return accounts.holds(later.reference, connection, user, [("", DIVIDED)])

    assert [holds(by(*codes)) for codes in (("C",), ("D",), ("C", "D"), ("Q",), ("A",))] == [
        False,
        False,
        True,
        True,
        False,
    ]
    with pytest.raises(Forbidden, match=r"lies in Xã Tây, Xã Đông, of which not all are in your area"):
        assignment.move(later.reference, by("D"), f"hamlet:{DIVIDED}", number, None)
    with pytest.raises(NotFound, match="There is no place"):
        assignment.move(later.reference, by("A"), f"hamlet:{DIVIDED}", number, None)
    theirs = assignment.communes(later.reference, by("Q"), "later")
    assert DIVIDED in {code for one in theirs for code, _ in one.hamlets}
    assignment.move(later.reference, by("Q"), f"hamlet:{DIVIDED}", number, None)


def test_a_level_is_entered_by_whose_area_is_of_the_set_and_holds_the_unit(later: Town) -> None:
    day = date(2025, 8, 1)
    send(later, inside(0), "zero", HAMLETS[0][0], COMMUNES[0])

    def enter(user: User, set_id: str, unit: str) -> int:
        return epidemic.enter(later.reference, user, set_id, unit, "3", "2025-07-20", "QĐ 1", day)

    made = accounts.add_user(later.reference, "cũ", "supervisor", [f"squares:{code}" for code in COMMUNES[:2]])
    old = User(made.id, "cũ", Role.SUPERVISOR, tuple(("squares", code) for code in COMMUNES[:2]), 0)
    # who sees all that Xã Gộp was made of reads its level, and does not decide it
    seen = epidemic.overview(later.reference, old, "later", day)
    assert [(unit.code, unit.may_set) for unit in seen.units] == [("A", False)]
    assert seen.whole == ()
    with pytest.raises(NotFound, match="Levels are entered by those whose area is of this boundary set"):
        enter(old, "later", "A")
    with pytest.raises(NotFound):
        enter(old, "later", "province:Q")
    (fault,) = epidemic.import_table(
        later.reference, old, "later", "t.csv", "mã xã,cấp độ,từ ngày,quyết định\nA,3,20/07/2025,QĐ 1\n".encode(), day
    ).faults
    assert fault.message.startswith("{code} is no unit of your area in this set")
    assert enter(old, "squares", COMMUNES[0]) == 1
    new = replace(old, areas=(("later", "A"),))
    assert enter(new, "later", "A") == 1
    with pytest.raises(NotFound):
        enter(new, "squares", COMMUNES[0])
    with pytest.raises(NotFound):
        enter(new, "later", "D")
    assert enter(replace(old, areas=()), "later", "province:Q") == 3
