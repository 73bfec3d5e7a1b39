"""A set that is withdrawn is seen by no reader; nothing of it is lost, and it can be shown again."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from mapper.domain.epidemic import LevelEntry
from mapper.domain.roles import Role
from mapper.errors import Conflict, NotFound
from mapper.services import (
    accounts,
    plan_figures,
    plan_work,
    plans,
    rebuilding,
    set_placing,
    target_setting,
    withdrawing,
)
from mapper.services.areas import Area
from mapper.services.field_area import field_area
from mapper.services.questions import boundary_sets
from mapper.store import epidemic
from tests.services.kept_plans import QUESTION, houses
from tests.services.town import COMMUNES, EVERYTHING, Town, inside, person

LATER = date(2025, 8, 1)


def said(town: Town, chosen: str = "") -> list[str]:
    return [one.code for one in withdrawing.uses(town.reference, "strips", chosen)]


def test_a_withdrawn_set_is_seen_by_nobody_and_placed_in_all_the_same(town: Town) -> None:
    town.send(town.write(people=[person()], commune=0))
    town.import_strips()
    withdrawing.withdraw(town.reference, "strips")
    assert [one["id"] for one in boundary_sets(town.reference, LATER)] == ["squares"]
    with pytest.raises(NotFound, match=r"There is no boundary set strips\. Choose one of: squares"):
        town.ask(set_id="strips")
    with pytest.raises(Conflict, match="There is a boundary set strips already"):
        town.import_strips()
    with pytest.raises(Conflict, match="strips is withdrawn already"):
        withdrawing.withdraw(town.reference, "strips")
    # who comes meanwhile is there when it is shown again
    town.send(town.write({"household.point": inside(2, 0.9)}, [person()], commune=2))
    before = town.everything()
    assert set_placing.go_on(town.reference, "strips") == 2
    assert town.everything() == before
    rebuilding.rebuild(town.reference)
    assert town.everything() == before
    found = {unit.code: unit.houses.visited for unit in town.ask(set_id="strips", day=LATER).units if unit.code}
    assert found == {"X": 1, "Y": 1}


def test_a_set_in_use_is_withdrawn_only_when_that_is_meant(sqlite_town: Town) -> None:
    town = sqlite_town
    town.import_strips()
    accounts.add_user(town.reference, "lan", Role.SUPERVISOR, ["strips:X"])
    assert said(town) == ["user"]
    assert said(town, "strips") == ["user", "default"]
    with pytest.raises(Conflict, match="strips is still used"):
        withdrawing.withdraw(town.reference, "strips")
    assert "strips" in [one["id"] for one in boundary_sets(town.reference, LATER)]
    withdrawing.withdraw(town.reference, "strips", anyway=True)
    assert "strips" not in [one["id"] for one in boundary_sets(town.reference, LATER)]
    # what was made on it still has its names
    assert plan_figures.names_of(town.reference, "strips").unit("X") == "Xã X"


def test_what_was_told_of_units_is_named_before_their_set_is_withdrawn(town: Town) -> None:
    """A target carried over to the newer map would be gone from there without a word."""
    town.import_strips()
    accounts.add_user(town.reference, "chief", Role.ADMINISTRATOR, [])
    chief = accounts.by_name(town.reference, "chief")
    assert chief is not None
    target_setting.set_target(town.reference, chief, ("covid19", "18_plus", "1"), "strips", Area("commune", "X"), "90")
    assert said(town) == ["targets"]
    with town.reference.database.write() as connection:
        epidemic.add(connection, "strips", [LevelEntry("X", LATER, 3, "QĐ 1")], None, "2025-08-01T00:00:00+00:00")
    assert said(town) == ["targets", "levels"]
    assert withdrawing.uses(town.reference, "strips")[0].facts == (("number", "1"),)
    with pytest.raises(Conflict, match="strips is still used"):
        withdrawing.withdraw(town.reference, "strips")


def test_the_set_of_the_hamlet_list_and_one_that_is_not_there_cannot_be_withdrawn(sqlite_town: Town) -> None:
    sqlite_town.import_strips()
    with pytest.raises(Conflict, match="the commune codes of boundary set squares"):
        withdrawing.withdraw(sqlite_town.reference, "squares", anyway=True)
    with pytest.raises(NotFound, match="There is no boundary set moon"):
        withdrawing.withdraw(sqlite_town.reference, "moon")
    assert [unit.code for unit in sqlite_town.ask().units if unit.code] == sorted(COMMUNES)


def test_whoever_has_an_area_in_a_withdrawn_set_keeps_their_people(town: Town) -> None:
    town.import_strips()
    accounts.add_user(town.reference, "lan", Role.SUPERVISOR, ["strips:X"])
    lan = accounts.by_name(town.reference, "lan")
    assert lan is not None
    for east in (0.1, 0.9):
        town.send(town.write({"household.point": inside(2, east)}, [person()], commune=2, entity=f"house {east}"))

    def seen() -> tuple[int, object, object]:
        with town.reference.database.read() as connection:
            known = town.reference.known(connection)
            cells = accounts.visible_cells(town.reference, connection, lan)
            field = field_area(town.reference, connection, known, lan)
        return town.ask(set_id="squares", user=lan).total.people, cells, field.cells

    before = seen()
    assert before[0] == 1
    withdrawing.withdraw(town.reference, "strips", anyway=True)
    assert seen() == before


@pytest.mark.parametrize("area", ["", "commune:X"])
def test_a_plan_asked_before_its_set_was_withdrawn_is_made_and_none_after(sqlite_town: Town, area: str) -> None:
    town = sqlite_town
    town.import_strips()
    houses(town, (0, 1))
    question = replace(QUESTION, set_id="strips", area=area)
    number = plans.ask(town.reference, EVERYTHING, question)
    assert not plan_figures.names_of(town.reference, "strips").withdrawn
    withdrawing.withdraw(town.reference, "strips", anyway=True)
    plan_work.work_out(town.reference, number)
    made = plans.plan(town.reference, EVERYTHING, number).made
    assert made is not None and made.people
    assert plan_figures.names_of(town.reference, "strips").withdrawn
    with pytest.raises(NotFound, match="There is no boundary set strips"):
        plans.ask(town.reference, EVERYTHING, question)
