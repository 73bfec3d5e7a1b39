"""Epidemic levels of older communes hold for those of later boundaries, the highest of each, unless these have some."""

from __future__ import annotations

from datetime import date

import pytest

from mapper.domain.epidemic import LevelEntry, carried_over, levels_on
from mapper.domain.roles import Role
from mapper.domain.succession import Heir, Succession
from mapper.services import accounts, epidemic, plan_given
from mapper.services.accounts import User
from mapper.services.carried_levels import levels_until
from tests.services.test_ranges import UNVACCINATED, house, tell
from tests.services.town import COMMUNES, EVERYTHING, Town

TODAY = date(2025, 9, 1)
A, B, C = COMMUNES[0], COMMUNES[2], COMMUNES[3]


def on(day: int) -> date:
    return date(2025, 8, day)


def test_the_highest_of_the_forebears_holds_on_each_day_until_the_unit_has_its_own() -> None:
    theirs = [
        LevelEntry("a", on(1), 2, "QĐ 1", 1),
        LevelEntry("b", on(5), 4, "QĐ 2", 2),
        LevelEntry("b", on(9), 1, "QĐ 3", 3),
        LevelEntry("c", on(1), 4, "QĐ 4", 4),
    ]
    own = [LevelEntry("y", on(7), 1, "QĐ 5", 5)]
    found = carried_over(own, theirs, {"x": {"a", "b"}, "y": {"b"}, "z": set()}, "old")
    told = [(one.unit_code, one.from_day, one.level, one.source) for one in found]
    # of b the second level came when y had one of its own
    assert told == [
        ("x", on(1), 2, "QĐ 1"),
        ("x", on(5), 4, "QĐ 2"),
        ("x", on(9), 2, "QĐ 1"),
        ("y", on(5), 4, "QĐ 2"),
    ]
    assert {one.carried_from for one in found} == {"old"}
    assert {code: one.level for code, one in levels_on([*own, *found], on(8)).items()} == {"x": 4, "y": 1}


@pytest.fixture
def chief(town: Town) -> User:
    """An administrator who has an account, as the table wants it."""
    made = accounts.add_user(town.reference, "quản trị", "administrator", [])
    return User(made.id, "quản trị", Role.ADMINISTRATOR, (), 0)


def told(town: Town, day: date, set_id: str = "strips") -> dict[str, tuple[int, str]]:
    _, found = epidemic.levels(town.reference, EVERYTHING, set_id, day)
    return {code: (entry.level, entry.carried_from) for code, entry in found.items()}


def test_levels_of_older_communes_hold_for_those_that_took_their_ground_or_people(town: Town, chief: User) -> None:
    town.import_strips()
    for unit, level, day in ((A, 2, 1), (B, 3, 3), (C, 4, 20)):
        epidemic.enter(town.reference, chief, "squares", unit, str(level), on(day).isoformat(), "QĐ 1", TODAY)
    tell(
        town,
        Succession(
            (Heir(A, "X", True, 1.0), Heir(B, "X", False, 0.5), Heir(B, "Y", False, 0.5), Heir(C, "Y", True, 1.0))
        ),
    )
    assert told(town, on(2)) == {"X": (2, "squares")}
    assert told(town, on(4)) == {"X": (3, "squares"), "Y": (3, "squares")}
    assert told(town, on(20)) == {"X": (3, "squares"), "Y": (4, "squares")}
    epidemic.enter(town.reference, chief, "strips", "Y", "1", on(10).isoformat(), "QĐ 2", TODAY)
    assert told(town, on(20)) == {"X": (3, "squares"), "Y": (1, "")}
    # the older map keeps its own, and takes none where it has some
    assert told(town, on(20), "squares")[C] == (4, "")
    overview = epidemic.overview(town.reference, chief, "strips", on(20))
    assert {unit.code: unit.entry.level for unit in overview.units if unit.entry} == {"X": 3, "Y": 1}
    assert [one.entry.unit_code for one in overview.history] == ["Y"]
    with town.reference.database.read() as connection:
        known = town.reference.known(connection)
        entries = levels_until(town.reference, connection, known, known.sets["strips"], on(30))
    assert plan_given._levels(entries, on(5)) == (("X", on(3), 3), ("Y", on(3), 3), ("Y", on(10), 1))


def test_without_any_telling_the_households_and_outlines_tell(sqlite_town: Town) -> None:
    town = sqlite_town
    made = accounts.add_user(town.reference, "quản trị", "administrator", [])
    town.import_strips()
    user = User(made.id, "quản trị", Role.ADMINISTRATOR, (), 0)
    epidemic.enter(town.reference, user, "squares", B, "3", on(1).isoformat(), "QĐ 1", TODAY)
    assert told(town, on(2)) == {}
    house(town, 2, 0.1, UNVACCINATED)
    assert told(town, on(2)) == {"X": (3, "squares")}
