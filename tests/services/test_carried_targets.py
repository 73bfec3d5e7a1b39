"""Targets of an older set's communes, carried over to the units of a later one by the people who live there."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import pytest

from mapper.domain.succession import Heir, Succession
from mapper.services import reporting, target_setting
from mapper.services.areas import Area
from mapper.services.figure_rows import UnitFigures
from mapper.services.questions import Question
from mapper.services.rebuilding import rebuild
from mapper.services.targets import targets
from mapper.store import reference as kept
from mapper.store import successions, tables
from mapper.store.database import Connection
from tests.services.town import COMMUNES, DAY, EVERYTHING, Town, inside, person

SERIES = ("covid19", "18_plus", "1")
USUAL = Fraction(19, 20)
"""The campaign's target for adults."""


@pytest.fixture
def later_town(town: Town) -> Town:
    """Strips beside the squares; three adults in 0, one in 1, two in the west of 2 and six in its east, four in 3."""
    one = {"id": 0, "name": "all", "role": "administrator", "created_at": "2022-08-01T00:00:00+00:00"}
    with town.reference.database.write() as connection:
        connection.execute(tables.users.insert().values(active=True, session_epoch=0, token_epoch=0, **one))
    town.import_strips()
    for commune, east, people in ((0, 0.5, 3), (1, 0.5, 1), (2, 0.2, 2), (2, 0.8, 6), (3, 0.5, 4)):
        town.send(town.write({"household.point": inside(commune, east)}, [person()] * people, commune=commune))
    return town


def set_target(town: Town, area: Area, share: str, deadline: str = "", set_id: str = "squares") -> None:
    target_setting.set_target(town.reference, EVERYTHING, SERIES, set_id, area, share, deadline)


def commune(number: int) -> Area:
    return Area("commune", COMMUNES[number])


def asked(level: str = "commune", set_id: str = "strips", day: date = DAY) -> Question:
    return Question(*SERIES, day, level, set_id)


def units(town: Town, question: Question) -> dict[str | None, UnitFigures]:
    return {unit.code: unit for unit in reporting.coverage(town.reference, EVERYTHING, question).units if unit.people}


def test_without_targets_of_single_places_nothing_is_carried(later_town: Town) -> None:
    assert {(unit.goal.share, unit.goal.carried) for unit in units(later_town, asked()).values()} == {(USUAL, "")}


def test_a_merged_unit_has_the_mean_of_its_people_and_their_sum(later_town: Town) -> None:
    set_target(later_town, commune(0), "80", "2022-09-30")
    set_target(later_town, commune(2), "70", "2022-08-31")
    found = units(later_town, asked())
    # X: three people of 0, one of 1 as in the campaign, two of 2
    x, y = found["X"].goal, found["Y"].goal
    assert x.share == (3 * Fraction(80, 100) + USUAL + 2 * Fraction(70, 100)) / 6
    assert y.share == (6 * Fraction(70, 100) + 4 * USUAL) / 10
    assert (x.own, x.carried, x.about, x.deadline, y.deadline) == (
        True,
        "squares",
        False,
        date(2022, 8, 31),
        date(2022, 8, 31),
    )
    for set_id in ("squares", "strips"):
        found = units(later_town, asked(set_id=set_id))
        wanted = sum(unit.eligible * (unit.goal.share or 0) for unit in found.values())
        assert wanted == 3 * Fraction(80, 100) + USUAL + 8 * Fraction(70, 100) + 4 * USUAL
    # a province had none of its own, and has none now
    (province,) = units(later_town, asked("province")).values()
    assert (province.goal.share, province.goal.carried) == (USUAL, "")


def test_a_target_of_the_older_province_is_that_of_the_newer(later_town: Town) -> None:
    set_target(later_town, Area("province", "P"), "60")
    (province,) = units(later_town, asked("province")).values()
    assert (province.goal.share, province.goal.carried) == (Fraction(3, 5), "squares")
    assert {unit.goal.share for unit in units(later_town, asked()).values()} == {Fraction(3, 5)}


def test_a_target_of_the_set_itself_goes_first(later_town: Town) -> None:
    set_target(later_town, commune(0), "80")
    set_target(later_town, Area("commune", "X"), "75", set_id="strips")
    found = units(later_town, asked())
    assert (found["X"].goal.share, found["X"].goal.carried) == (Fraction(3, 4), "")
    assert (found["Y"].goal.share, found["Y"].goal.carried) == (USUAL, "")
    set_target(later_town, Area("province", "Q"), "65", set_id="strips")
    assert units(later_town, asked())["Y"].goal.share == Fraction(13, 20)
    # and what was set for the newer map is not carried to communes that have their own on the older one
    old = units(later_town, asked(set_id="squares"))
    assert old[COMMUNES[0]].goal.share == Fraction(4, 5)


def test_targets_of_the_newer_map_are_carried_to_the_older(later_town: Town) -> None:
    set_target(later_town, Area("commune", "X"), "60", set_id="strips")
    old = units(later_town, asked(set_id="squares"))
    assert old[COMMUNES[0]].goal.share == Fraction(3, 5)
    assert old[COMMUNES[2]].goal.share == (2 * Fraction(3, 5) + 6 * USUAL) / 8
    assert (old[COMMUNES[3]].goal.share, old[COMMUNES[3]].goal.own) == (USUAL, False)


def test_where_more_may_live_the_target_is_about_so_much(later_town: Town) -> None:
    told = Succession(tuple(Heir(COMMUNES[2], new, False, 0.5) for new in "XY"))

    def change(connection: Connection) -> None:
        successions.save(connection, successions.ToldSuccession("squares", "strips", "crosswalk", "", "", ""), told)
        kept.raise_revision(later_town.reference.database, connection)

    rebuild(later_town.reference, change=change)
    set_target(later_town, commune(2), "70")
    assert not units(later_town, asked())["X"].goal.about
    later_town.send(later_town.write({"household.point": None}, [person()], commune=2))
    found = units(later_town, asked())
    assert found["X"].goal.about
    assert found["Y"].goal.about
    # whoever lives in one of them keeps the target: Q as a whole is as exact as ever
    (province,) = units(later_town, asked("province")).values()
    assert not province.goal.about


def test_every_page_says_the_same_target(later_town: Town) -> None:
    set_target(later_town, commune(0), "80")
    one = units(later_town, asked())["X"].goal
    area = Area("commune", "X")
    found = targets(later_town.reference, EVERYTHING, asked("hamlet"), area)
    assert found.chosen.figures.goal == one
    every = reporting.coverage_of_every(later_town.reference, EVERYTHING, asked(), area, (), units=True)
    assert one in {total.goal for total in every.totals}
    assert {unit.goal for unit in found.answer.units} == {one}
    hamlets = reporting.coverage(later_town.reference, EVERYTHING, asked("hamlet"), area)
    assert hamlets.total.goal == one
