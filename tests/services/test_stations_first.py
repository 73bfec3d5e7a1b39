"""Where teams are short of hours, stations fill up; where they are not, everybody goes where it is nearest."""

from __future__ import annotations

from mapper.domain.plan import FieldTeam
from mapper.domain.sites import Site
from tests.services.plan_cases import AT_HOME, at, fixed, given, house, mobile, sited, team

HOUSES = [house(f"h{n:02}", at(1_500 + 20 * n, 0), 4) for n in range(20)]
FAR = house("far", at(6_000, 0), 1)
"""Whom only the mobile site has within their walk."""
PLACES: list[Site] = [fixed("s", at(0, 0), 15), mobile("m", at(2_500, 0))]


def served(*teams: FieldTeam, at_home: int = 0) -> dict[str, int]:
    homes = [house(f"x{n:02}", at(30 * n, 900), precedences=(AT_HOME,)) for n in range(at_home)]
    plan = sited(given([*HOUSES, FAR, *homes], PLACES, 3, sites=2, teams=teams))
    assert plan.people == 81 + at_home
    return {one.site.code: one.people for one in plan.sites}


def test_with_hours_enough_everybody_goes_to_the_nearest_site() -> None:
    assert served(team()) == {"s": 0, "m": 81}
    assert served() == {"s": 0, "m": 81}, "without teams there is nothing to be short of"


def test_a_station_fills_up_where_doses_or_hours_of_teams_are_short() -> None:
    assert served(team(doses=20)) == {"s": 44, "m": 37}, "60 doses of a team in three days, for 81 people"
    assert served(team(end=8 * 60.0)) == {"s": 44, "m": 37}, "three hours in all"
    assert served(team(days=(HOUSES[0].people[0].on,), end=11 * 60.0)) == {"s": 44, "m": 37}, "one day of four hours"


def test_visits_at_home_take_hours_too() -> None:
    assert served(team(end=10 * 60.0), at_home=0) == {"s": 0, "m": 81}
    assert served(team(end=10 * 60.0), at_home=20) == {"s": 44, "m": 37}
