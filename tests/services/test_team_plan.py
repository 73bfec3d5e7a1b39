"""Days of teams: every stop on one of them or told why not, and no day too long or too full."""

from __future__ import annotations

import random
from collections import Counter
from datetime import date

import pytest

from mapper.domain.people import Point
from mapper.domain.plan import FieldTeam
from mapper.domain.sites import SiteKind
from mapper.errors import InvalidQuestion
from mapper.services.site_plan import SitePlan
from mapper.services.team_plan import (
    HomeStop,
    SessionStop,
    TeamPlan,
    plan_teams,
    read_team,
    stops_of,
    working_days,
)
from mapper.solve.routing import Missed
from mapper.solve.siting import Limits
from mapper.solve.watch import Watch
from tests.services.plan_cases import AT_HOME, OLD, at, days, fixed, given, house, mobile, sited, team

DAYS = days(3)


def planned(sites: int = 3) -> SitePlan:
    """Forty houses of all ages around six places."""
    chance = random.Random(5)
    houses = [
        house(
            f"h{number:02}",
            at(chance.uniform(0, 8_000), chance.uniform(0, 8_000)),
            chance.randrange(1, 4),
            precedences=chance.choice(((), (), (OLD,), (AT_HOME,))),
        )
        for number in range(40)
    ]
    places = [
        mobile(f"m{number}", at(2_000 + 4_000 * (number % 2), 1_000 + 3_000 * (number // 2))) for number in range(6)
    ]
    return sited(given(houses, places, sites=sites))


def crowd(people: int = 30) -> SitePlan:
    """A mobile site in the midst of its people."""
    houses = [house(f"h{number:02}", at(10 * number, 0), 2) for number in range(people // 2)]
    return sited(given(houses, [mobile("m", at(0, 0))], sites=1))


def sent(plan: SitePlan, *teams: FieldTeam, days: list[date] = DAYS) -> TeamPlan:
    return plan_teams(plan, teams, days, Watch(Limits(rounds=60)))


def held(plan: SitePlan, made: TeamPlan, teams: tuple[FieldTeam, ...]) -> None:
    """What the days of teams keep to."""
    stops = [stay.stop for day in made.days for stay in day.stays] + [stop for stop, _ in made.missed]
    assert Counter(map(id, stops)).most_common(1)[0][1] == 1
    assert len(stops) == len(stops_of(plan, teams))
    by_site = Counter[str]()
    for stop in stops:
        if isinstance(stop, SessionStop):
            assert stop.site.site.kind is SiteKind.MOBILE
            by_site[stop.site.site.code] += stop.people
    assert by_site == {
        one.site.code: one.people for one in plan.sites if one.site.kind is SiteKind.MOBILE and one.people
    }
    assert len({(day.team.name, day.day) for day in made.days}) == len(made.days)
    for day in made.days:
        assert day.team.begin <= day.begin <= day.end <= day.team.end
        assert day.team.doses is None or day.doses <= day.team.doses
        assert day.team.cold_minutes is None or day.end - day.begin <= day.team.cold_minutes + 1 / 60
        times = [each for stay in day.stays for each in (stay.begin, stay.end)]
        assert times == sorted(times)


def test_every_stop_is_on_one_day_within_hours_doses_and_cold_box() -> None:
    plan = planned()
    teams = team("Đội 1", doses=40, cold_minutes=420), team("Đội 2", begin=480)
    made = sent(plan, *teams)
    held(plan, made, teams)
    assert not made.missed
    assert any(isinstance(stay.stop, HomeStop) for day in made.days for stay in day.stays)
    again = sent(plan, *teams)
    assert again.days == made.days


def test_a_site_with_more_people_than_a_team_sees_in_a_day_has_several_sessions() -> None:
    plan = crowd()
    one = team(doses=12)
    made = sent(plan, one)
    held(plan, made, (one,))
    assert [stay.stop.people for day in made.days for stay in day.stays if isinstance(stay.stop, SessionStop)] == [
        10
    ] * 3
    assert [day.day for day in made.days] == DAYS


def test_what_teams_do_not_get_to_is_named_with_why() -> None:
    plan = crowd()
    one = team(doses=12)
    made = sent(plan, one, days=DAYS[:1])
    held(plan, made, (one,))
    assert [why for _, why in made.missed] == [Missed.NO_ROOM] * 2
    far = team("Xa", Point(10.8, 106.7))
    assert {why for _, why in sent(plan, far).missed} == {Missed.OUT_OF_HOURS}


def test_stations_have_staff_of_their_own() -> None:
    plan = sited(given([house("h", at(0, 0))], [fixed("TYT", at(0, 0))], sites=1))
    assert plan.sites[0].people == 1
    assert sent(plan, team()).days == ()


@pytest.mark.parametrize(
    ("teams", "days"),
    [((), DAYS), ((team(),), []), ((team(begin=600, end=500),), DAYS)],
    ids=["no team", "no day", "hours turned round"],
)
def test_a_wish_that_cannot_be_is_refused(teams: tuple[FieldTeam, ...], days: list[date]) -> None:
    with pytest.raises(InvalidQuestion):
        plan_teams(crowd(), teams, days)


def test_a_team_is_read_from_one_line_and_days_are_no_sundays() -> None:
    assert read_team("Đội 1, 22.14,105.84,200") == FieldTeam("Đội 1", Point(22.14, 105.84), doses=200)
    assert read_team("B,22.14,105.84").doses is None
    for wrong in ("", "Đội 1", "Đội 1,22", ",22,105", "Đội 1,22,305", "Đội 1,22,105,0", "Đội 1,22,105,x", "a,1,2,3,4"):
        with pytest.raises(InvalidQuestion):
            read_team(wrong)
    assert [day.day for day in working_days(date(2022, 9, 9), date(2022, 9, 13))] == [9, 10, 12, 13]
