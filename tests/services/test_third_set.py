"""Three boundary sets one after another, one code in all of them and another place in each: nobody is lost or moved."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from mapper.domain.household import HOUSE_COUNTS
from mapper.errors import Conflict
from mapper.services import boundaries, rebuilding, set_periods, succession_view, successions
from mapper.services.accounts import OPERATOR
from mapper.services.boundaries import SetFacts
from mapper.services.questions import default_set
from tests.services.town import CHANGE, COMMUNES, STRIPS, Town, feature, feature_file, inside, person

AGAIN = date(2026, 3, 1)
"""The day of the second change."""

VISITED = HOUSE_COUNTS.index("visited")
FIRST, SECOND = SetFacts("first", "2025", CHANGE, AGAIN - timedelta(days=1)), SetFacts("second", "2026", AGAIN)


@pytest.fixture
def thrice(sqlite_town: Town) -> Town:
    """The squares until the first change, X west and Y east of 105.25 until the second, and from then on Y in the west
    and in the middle and Z in the east: parted at 105.4. X is gone, and Y is another place."""
    town = sqlite_town
    set_periods.change(town.reference, OPERATOR, "squares", None, CHANGE - timedelta(days=1))
    for facts, parted, codes in ((FIRST, 105.25, "XY"), (SECOND, 105.4, "YZ")):
        features = [
            feature(105.0, 22.0, parted, 22.2, commune_code=codes[0], commune_name=f"Xã {codes[0]}", province_code="Q"),
            feature(parted, 22.0, 105.6, 22.2, commune_code=codes[1], commune_name=f"Xã {codes[1]}", province_code="Q"),
        ]
        boundaries.import_file(town.reference, feature_file(town.files / f"{facts.id}.geojson", features), facts)
    return town


def visited(town: Town, set_id: str) -> dict[str, tuple[int, int]]:
    """Houses of each commune: those that surely lie there, and all that may."""
    answer = town.ask(set_id=set_id, day=date(2026, 5, 1))
    return {
        unit.code: (unit.houses.visited, unit.houses.visited + (unit.maybe.houses[VISITED] if unit.maybe else 0))
        for unit in answer.units
        if unit.code
    }


def test_each_day_has_its_set_and_a_code_its_place(thrice: Town) -> None:
    # the first two in X, then in Y of the first set and Y of the second, then in Z
    for commune, east in ((0, 0.5), (1, 0.5), (3, 0.5), (5, 0.5)):
        thrice.send(thrice.write({"household.point": inside(commune, east)}, [person()], commune=commune))
    assert [visited(thrice, each)["Y"][0] for each in ("first", "second")] == [2, 3]
    with thrice.reference.database.read() as connection:
        known = thrice.reference.known(connection)
    days = (CHANGE - timedelta(days=1), CHANGE, AGAIN - timedelta(days=1), AGAIN)
    assert [default_set(known, "", day).id for day in days] == ["squares", "first", "first", "second"]
    totals = {each: thrice.ask(set_id=each, day=date(2026, 5, 1)).total.houses.visited for each in known.sets}
    assert set(totals.values()) == {4}


def test_households_without_a_point_follow_over_the_set_between(thrice: Town) -> None:
    for old, new in (("squares", "first"), ("first", "second")):
        successions.measure(thrice.reference, OPERATOR, old, new)
    for commune in (0, 2, 3, 5):
        thrice.send(thrice.write({"household.point": None}, [person()], commune=commune))
    # 0 lies in X and then in Y; 2 in X and Y, of which Y is divided; 3 in Y, which is divided; 5 likewise
    told = succession_view.look(thrice.reference, "squares", "second")
    changes = {fate.old.code: {heir.new: heir.whole for heir, _ in fate.heirs} for fate in told.fates}
    assert changes[COMMUNES[0]] == {"Y": True}
    assert changes[COMMUNES[2]] == {"Y": False, "Z": False}
    shown = visited(thrice, "second")
    assert shown["Y"][0] >= 1
    assert shown == {"Y": (1, 4), "Z": (0, 3)}
    whole = thrice.ask(set_id="second", day=date(2026, 5, 1)).total.houses.visited
    assert whole == 4
    before = thrice.everything()
    rebuilding.rebuild(thrice.reference)
    assert thrice.everything() == before
    # told of the two themselves, what leads over the set between counts no more
    successions.measure(thrice.reference, OPERATOR, "squares", "second")
    assert visited(thrice, "second") == {"Y": (3, 3), "Z": (1, 1)}


def test_a_code_given_to_another_place_twice_is_told_in_each_step(thrice: Town) -> None:
    successions.measure(thrice.reference, OPERATOR, "first", "second")
    fates = {fate.old.code: fate for fate in succession_view.look(thrice.reference, "first", "second").fates}
    assert {heir.new: heir.whole for heir, _ in fates["X"].heirs} == {"Y": True}
    assert {heir.new: heir.whole for heir, _ in fates["Y"].heirs} == {"Y": False, "Z": False}


def test_a_third_set_that_begins_while_the_second_lasts_is_refused_with_the_days_to_close(thrice: Town) -> None:
    late = replace(STRIPS, id="third", valid_from=date(2026, 7, 1))
    with pytest.raises(Conflict) as refused:
        boundaries.import_file(thrice.reference, thrice.files / "second.geojson", late)
    assert str(refused.value).find("boundaries days second --valid-from 2026-03-01 --valid-to 2026-06-30") > 0
    set_periods.change(thrice.reference, OPERATOR, "second", AGAIN, date(2026, 6, 30))
    assert boundaries.import_file(thrice.reference, thrice.files / "second.geojson", late).id == "third"
