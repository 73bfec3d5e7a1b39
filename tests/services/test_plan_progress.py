"""A plan against what came in: counted by hand, and in agreement with where follow-up says that people stand."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta

import pytest

from mapper.domain.follow_up import PersonState, status
from mapper.domain.made_plan import MadePlan
from mapper.domain.roles import Role
from mapper.errors import Conflict, NotFound
from mapper.services import plan_progress, plans
from mapper.services.plan_progress import Fate, PlanProgress, Progress, When
from mapper.store import follow_up
from mapper.store import plans as kept
from tests.services.kept_plans import QUESTION, commune, houses, made_of, reader_of, tell, vaccinate
from tests.services.town import COMMUNES, DAY, EVERYTHING, Town, person

ONE = timedelta(days=1)
FIRST = DAY + ONE
GROWN = date(1980, 1, 1)


def plan_of(town: Town, communes: tuple[int, ...] = (0, 0, 1, 1, 2, 7)) -> tuple[int, list[str], MadePlan]:
    """A plan asked for on the day of the census, the eve of its own first, the houses, and what came out."""
    ids = houses(town, communes)
    number = made_of(town, replace(QUESTION, teams=(), first=FIRST, last=FIRST + 4 * ONE))
    with town.reference.database.write() as connection:
        kept.change(connection, number, {"at": f"{DAY}T10:00:00.000+00:00"})
    made = plans.plan(town.reference, EVERYTHING, number).made
    assert made is not None
    return number, ids, made


def look(town: Town, number: int, today: date = FIRST + 2 * ONE) -> PlanProgress:
    return plan_progress.progress(town.reference, EVERYTHING, number, today)


def asked_on(made: MadePlan, house_id: str) -> date:
    """The day on which a house is asked to come."""
    (day,) = {one.day for house, _ in made.houses() if house.id == house_id for one in house.people}
    assert day is not None
    return day


def test_who_came_when_and_who_is_still_due_is_told_by_site_day_and_commune(town: Town) -> None:
    number, ids, made = plan_of(town)
    before = look(town, number)
    assert (before.total.asked, before.total.fates) == (12, Counter({Fate.NOT_SEEN: 12}))
    days = {one: asked_on(made, one) for one in ids}
    vaccinate(town, ids[:1], days[ids[0]])
    vaccinate(town, ids[1:2], days[ids[1]] + ONE)
    tell(town, ids[2], [person(GROWN), person(GROWN, consent="no", refusal_reason="far")], FIRST)
    fever = {"deferred_until": FIRST + 20 * ONE, "deferral_reason": "fever"}
    tell(town, ids[3], [person(GROWN, **fever), person(GROWN, residence="works_away")], FIRST)  # type: ignore[arg-type]
    found = look(town, number)
    assert found.total.fates == Counter(
        {Fate.VACCINATED: 4, Fate.DUE: 1, Fate.REFUSED: 1, Fate.DEFERRED: 1, Fate.AWAY: 1, Fate.NOT_SEEN: 4}
    )
    assert found.total.came == Counter({When.ON_DAY: 2, When.LATER: 2})
    assert (found.total.vaccinated, found.total.left) == (4, 5)
    assert found.communes[COMMUNES[0]].vaccinated == 4
    assert found.communes[COMMUNES[1]].fates[Fate.REFUSED] == 1
    for parts in (found.places, found.sites, found.teams, found.communes):
        together: Counter[Fate] = Counter()
        for one in parts.values():  # type: ignore[attr-defined]
            together += one.fates
        assert together == found.total.fates
    assert {place.day for place in found.places} == set(days.values())


def test_the_curve_sets_those_asked_for_a_day_beside_those_vaccinated_on_it(town: Town) -> None:
    number, ids, made = plan_of(town)
    vaccinate(town, ids[:2], FIRST)
    vaccinate(town, ids[2:3], FIRST + ONE)
    found = look(town, number, FIRST + 9 * ONE)
    assert [one.day for one in found.days] == [FIRST + n * ONE for n in range(10)]
    assert [one.vaccinated for one in found.days] == [4, 2, *[0] * 8]
    asked = Counter(one.day for house, _ in made.houses() for one in house.people)
    assert [one.planned for one in found.days] == [asked[FIRST + n * ONE] for n in range(10)]
    assert sum(one.planned for one in found.days) == 12


def test_doses_given_stand_beside_the_vials_planned(town: Town) -> None:
    number, ids, made = plan_of(town)
    vaccinate(town, ids[:2], FIRST)
    (used,) = look(town, number).doses
    (need,) = made.needs
    assert (used.formulation, used.due, used.given, used.vials) == (need.formulation, 12, 4, need.ready)


def test_figures_are_those_of_follow_up(town: Town) -> None:
    number, ids, made = plan_of(town)
    vaccinate(town, ids[:1], FIRST)
    tell(town, ids[1], [person(GROWN, consent="no", refusal_reason="far"), person(GROWN)])
    today = FIRST + 2 * ONE
    found = look(town, number, today)
    with town.reference.database.read() as connection:
        campaign = town.reference.known(connection).campaign("covid19")
        rows = follow_up.households(town.reference.database, connection, "covid19", None)
        people = follow_up.people(town.reference.database, connection, [row.seq for row in rows])
    asked = {one.id for house, _ in made.houses() for one in house.people}
    states = Counter(
        status(one, campaign, today).state for several in people.values() for one, _ in several if one.id in asked
    )
    assert found.total.left == states[PersonState.DUE]
    assert found.total.fates[Fate.REFUSED] == states[PersonState.REFUSED]
    assert found.total.vaccinated == states[PersonState.WAITING] + states[PersonState.DONE]


def test_a_dose_on_a_later_day_than_today_is_not_counted_yet(town: Town) -> None:
    number, ids, _ = plan_of(town, (0, 0))
    vaccinate(town, ids[:1], FIRST + ONE)
    assert look(town, number, FIRST).total.vaccinated == 0
    assert look(town, number, FIRST + ONE).total.vaccinated == 2


def test_people_of_other_areas_are_not_counted_for_whoever_may_not_see_them(town: Town) -> None:
    number, ids, _ = plan_of(town)
    own = reader_of(town, "own", Role.COMMUNE_SUPERVISOR, commune(1))
    with pytest.raises(NotFound):
        plan_progress.progress(town.reference, own, number, FIRST)
    plans.use(town.reference, EVERYTHING, number)
    vaccinate(town, ids[:3], FIRST)
    found = plan_progress.progress(town.reference, own, number, FIRST)
    assert (found.total.asked, found.total.vaccinated, set(found.communes)) == (4, 2, {COMMUNES[1]})
    assert not found.line.whole


def test_those_whom_the_plan_has_no_place_for_are_counted_apart(town: Town) -> None:
    houses(town, (0, 0, 1))
    number = made_of(town, replace(QUESTION, teams=(), proposed=False, sites=1))
    found = plan_progress.progress(town.reference, EVERYTHING, number, FIRST)
    assert (found.total.asked, found.other.asked) == (0, 6)
    assert found.total == Progress() and found.places == {}


def test_there_is_no_progress_of_what_is_not_made(town: Town) -> None:
    number = plans.ask(town.reference, EVERYTHING, QUESTION)
    with pytest.raises(Conflict):
        look(town, number)
