"""A real district's communes with 35,000 invented people, five teams and ten days: planned, and beside it by eye."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from mapper.domain.made_plan import MadePlan
from mapper.domain.plan import PlanGiven
from mapper.domain.sites import SiteKind
from mapper.services.planning import make
from tests.services.invented_district import COMMUNES, PEOPLE, ByEye, district, rules, served_by

RULES = rules()


@dataclass(frozen=True)
class Planned:
    given: PlanGiven
    made: MadePlan
    eye: ByEye


@pytest.fixture(scope="module")
def planned(shared: Path) -> Planned:
    outlines = shared / "geodata"
    if not outlines.is_dir():
        pytest.skip("the shared test data hold no geodata")
    given = district(outlines, gap=0.001)
    return Planned(given, make(given, RULES), ByEye(given, RULES).make())


def weight(given: PlanGiven, ids: set[str]) -> float:
    """As how many people they count by planning.toml."""
    return sum(RULES.needs(one.precedences).weight for house in given.houses for one in house.people if one.id in ids)


def test_the_district_is_one_of_14_communes_and_35000_people(planned: Planned) -> None:
    given = planned.given
    assert len({house.commune_code for house in given.houses}) == COMMUNES == len(given.sites)
    due = sum(len(house.people) for house in given.houses)
    assert 0.35 * PEOPLE < due < 0.5 * PEOPLE


def test_everybody_due_is_in_exactly_one_part_of_the_plan(planned: Planned) -> None:
    made = planned.made
    everybody = Counter(one.id for house, _ in made.houses() for one in house.people)
    everybody.update(one.id for several in made.unserved.values() for house in several for one in house.people)
    assert set(everybody.values()) == {1}
    assert set(everybody) == {one.id for house in planned.given.houses for one in house.people}


def test_no_walk_is_too_long_and_nobody_comes_before_falling_due(planned: Planned) -> None:
    needs = {one.id: (RULES.needs(one.precedences), one.on) for house in planned.given.houses for one in house.people}
    for house, site in planned.made.houses():
        for one in house.people:
            owed, on = needs[one.id]
            assert owed.at_home == (site is None)
            assert one.day is not None and one.day >= on
            assert site is None or (house.way_m is not None and house.way_m <= owed.walk_limit_m)


def test_no_station_and_no_team_has_more_than_it_can_on_any_day(planned: Planned) -> None:
    wish, made = planned.given.question, planned.made
    coming: dict[tuple[str, date], int] = defaultdict(int)
    for house, site in made.houses():
        for one in house.people:
            assert one.day is not None
            coming[site.site.code if site else "", one.day] += 1
    for site in made.sites:
        assert {session.day for session in site.sessions} <= set(wish.working_days)
        for session in site.sessions:
            if site.site.kind is SiteKind.FIXED:
                assert session.people <= (site.site.capacity or 0)
        for one_day in {session.day for session in site.sessions}:
            held = sum(session.people for session in site.sessions if session.day == one_day)
            assert held == coming[site.site.code, one_day]
    teams = {one.name: one for one in wish.teams}
    assert len({(day.team, day.day) for day in made.days}) == len(made.days) <= len(teams) * len(wish.working_days)
    for day in made.days:
        team = teams[day.team]
        assert team.begin <= day.begin <= day.end <= team.end
        assert team.doses is not None and day.doses <= team.doses
        times = [each for stop in day.stops for each in (stop.begin, stop.end)]
        assert times == sorted(times)


def test_the_plan_says_what_holds_it_back(planned: Planned) -> None:
    assert planned.made.unserved and planned.made.binds
    assert planned.made.served + sum(planned.made.by_why().values()) == planned.made.people


def test_it_serves_more_people_and_more_by_precedence_than_a_plan_by_eye_on_less_way(planned: Planned) -> None:
    made, eye = planned.made, planned.eye
    assert weight(planned.given, served_by(made)) >= weight(planned.given, eye.served)
    assert made.served >= len(eye.served)
    assert made.way_m < eye.way_m


def test_the_plan_by_eye_keeps_to_the_same_limits(planned: Planned) -> None:
    eye, wish = planned.eye, planned.given.question
    assert eye.team_days <= len(wish.teams) * len(wish.working_days)
    stations = sum(one.capacity or 0 for one in planned.given.sites) * len(wish.working_days)
    assert len(eye.served) <= stations + len(wish.teams) * len(wish.working_days) * max(
        one.doses or 0 for one in wish.teams
    )
    placed = {one.id for house in planned.given.houses if house.point is not None for one in house.people}
    assert eye.served <= placed
