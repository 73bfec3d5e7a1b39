"""Days of teams: every stop on one of them or told why not, and no day too long or too full."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta

import pytest

from mapper.domain.people import Point
from mapper.domain.plan import FieldTeam, FixedSession, PlanGiven, working_days
from mapper.domain.sites import SiteKind
from mapper.errors import InvalidQuestion
from mapper.services.scenarios import conditions
from mapper.services.team_plan import Stay, TeamPlan, plan_teams, read_team
from mapper.services.team_stops import HomeStop, SessionStop
from mapper.services.travel import Straight
from mapper.services.turns import Weights, comers_of
from mapper.solve.siting import Limits
from mapper.solve.team_days import Missed
from mapper.solve.watch import Watch
from tests.services.plan_cases import AT_HOME, MONDAY, OLD, RULES, at, days, fixed, given, house, mobile, sited, team

DAYS = days(3)


def spread(sites: int = 3) -> PlanGiven:
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
    return given(houses, places, sites=sites)


def crowd(people: int = 30, number_of_days: int = 3, **question: object) -> PlanGiven:
    """A mobile site in the midst of its people."""
    houses = [house(f"h{number:02}", at(10 * number, 0), 2) for number in range(people // 2)]
    return given(houses, [mobile("m", at(0, 0))], number_of_days, **{"sites": 1} | question)


def sent(asked: PlanGiven, *teams: FieldTeam, rounds: int = 60) -> TeamPlan:
    """The days of these teams for a question."""
    asked = replace(asked, question=replace(asked.question, teams=teams))
    plan = sited(asked)
    under = conditions(asked, RULES)
    comers = [comers_of(one, Weights(under), under.days[-1]) for one in plan.sites]
    return plan_teams(asked, plan, comers, under, Straight(RULES), Watch(Limits(rounds=rounds)))


def held(asked: PlanGiven, made: TeamPlan) -> None:
    """What the days of teams keep to."""
    plan = sited(asked)
    stops = [stay.stop for day in made.days for stay in day.stays] + [stop for stop, _ in made.missed]
    by_site = Counter[str]()
    for stop in stops:
        if isinstance(stop, SessionStop):
            assert stop.site.site.kind is SiteKind.MOBILE
            by_site[stop.site.site.code] += stop.people
    assert by_site == {
        one.site.code: one.people for one in plan.sites if one.site.kind is SiteKind.MOBILE and one.people
    }
    at_home = Counter(one.id for stop in stops if isinstance(stop, HomeStop) for one in stop.people)
    assert at_home == Counter(one.id for _, people in plan.homes for one in people)
    assert len({(day.team.name, day.day) for day in made.days}) == len(made.days)
    for day in made.days:
        assert day.team.begin <= day.begin <= day.end <= day.team.end
        assert day.team.doses is None or day.doses <= day.team.doses
        assert day.team.cold_minutes is None or day.end - day.begin <= day.team.cold_minutes + 1 / 60
        times = [each for stay in day.stays for each in (stay.begin, stay.end)]
        assert times == sorted(times)


def test_every_stop_is_on_one_day_within_hours_doses_and_cold_box() -> None:
    asked = spread()
    teams = team("Đội 1", doses=40, cold_minutes=420), team("Đội 2", begin=480)
    made = sent(asked, *teams)
    held(asked, made)
    assert not made.missed
    assert any(isinstance(stay.stop, HomeStop) for day in made.days for stay in day.stays)
    assert sent(asked, *teams).days == made.days


def test_a_site_with_more_people_than_a_team_sees_in_a_day_has_several_sessions() -> None:
    made = sent(crowd(), team(doses=12))
    held(crowd(), made)
    assert [(day.day, stay.stop.doses) for day in made.days for stay in day.stays] == [(day, 10) for day in DAYS]


def test_what_teams_do_not_get_to_is_named_with_why() -> None:
    asked = crowd(number_of_days=1)
    made = sent(asked, team(doses=12))
    held(asked, made)
    assert [why for _, why in made.missed] == [Missed.NO_ROOM] * 2
    assert {why for _, why in sent(crowd(), team("Xa", Point(10.8, 106.7))).missed} == {Missed.OUT_OF_HOURS}
    assert {why for _, why in sent(crowd(2), team(doses=1)).missed} == set()


def test_stations_have_staff_of_their_own() -> None:
    assert sent(given([house("h", at(0, 0))], [fixed("TYT", at(0, 0))], sites=1), team()).days == ()


def test_a_team_goes_out_on_its_own_days_and_without_any_not_on_sundays_and_holidays() -> None:
    saturday = given([house("h", at(0, 0))], [mobile("m", at(0, 0))], sites=1)
    assert [day.day for day in sent(saturday, team(days=(DAYS[2],))).days] == [DAYS[2]]
    sunday = MONDAY + timedelta(days=6)
    late = given([house("h", at(0, 0), on=[sunday])], [mobile("m", at(0, 0))], 8, sites=1)
    assert [day.day for day in sent(late, team()).days] == [sunday + timedelta(days=1)]
    assert [day.day for day in sent(late, team(days=(sunday,))).days] == [sunday]
    assert sent(saturday, team(days=(sunday,))).missed


def test_a_team_without_hours_stays_and_is_named() -> None:
    made = sent(crowd(), team("Đội 1", begin=600, end=500), team("Đội 2"))
    assert {day.team.name for day in made.days} == {"Đội 2"}
    assert [one.name for one in made.idle] == ["Đội 1"]
    alone = sent(crowd(), team(begin=600, end=500))
    assert alone.days == () and {why for _, why in alone.missed} == {Missed.NO_ROOM}


def test_a_team_comes_once_nine_in_ten_are_due() -> None:
    days_due = [MONDAY] * 8 + [DAYS[1]] + [DAYS[2]]
    houses = [house(f"h{number}", at(0, 0), on=[day]) for number, day in enumerate(days_due)]
    made = sent(given(houses, [mobile("m", at(0, 0))], sites=1), team())
    assert [day.day for day in made.days] == [DAYS[1]]


def test_parts_of_a_site_with_few_places_a_day_are_on_days_of_their_own() -> None:
    houses = [house(f"h{number:02}", at(0, 0)) for number in range(10)]
    asked = given(houses, [mobile("m", at(0, 0), capacity=4)], sites=1, mobile_days=3)
    made = sent(asked, team("Đội 1"), team("Đội 2"))
    assert sorted(day.day for day in made.days) == DAYS
    assert max(stay.stop.doses for day in made.days for stay in day.stays) == 4


def test_a_session_that_stands_is_held_by_that_team_on_that_day() -> None:
    houses = [house(f"{site}{n}", at(1_000 * n, 6_000 * (site == "n"))) for site in "mn" for n in range(4)]
    places = [mobile("m", at(0, 0)), mobile("n", at(0, 6_000))]
    free = given(houses, places, sites=2)
    teams = team("Đội 1"), team("Đội 2", at(0, 6_000))
    assert {(day.team.name, day.day) for day in sent(free, *teams).days} <= {
        ("Đội 1", MONDAY),
        ("Đội 2", MONDAY),
    }
    kept = FixedSession("n", DAYS[2], "Đội 1", 2)
    made = sent(replace(free, question=replace(free.question, keeps=(kept,))), *teams)
    stands = [(day.team.name, day.day, stay.stop.people) for day in made.days for stay in day.stays if _kept(stay)]
    assert stands == [("Đội 1", DAYS[2], 2)] and not made.missed


def test_sessions_that_stand_on_one_day_too_far_apart_are_not_both_held() -> None:
    houses = [house(f"{site}{n}", at(0, 60_000 * (site == "n"))) for site in "mn" for n in range(4)]
    places = [mobile("m", at(0, 0)), mobile("n", at(0, 60_000))]
    keeps = FixedSession("m", MONDAY, "Đội"), FixedSession("n", MONDAY, "Đội")
    made = sent(given(houses, places, sites=2, keeps=keeps), team(end=10 * 60))
    assert len(made.missed) == 1
    assert [len(day.stays) for day in made.days] == [1]


def _kept(stay: Stay) -> bool:
    return isinstance(stay.stop, SessionStop) and stay.stop.kept is not None


def test_a_team_is_read_from_one_line_and_days_are_no_sundays() -> None:
    assert read_team("Đội 1, 22.14,105.84,200") == FieldTeam("Đội 1", Point(22.14, 105.84), doses=200)
    assert read_team("B,22.14,105.84").doses is None
    for wrong in ("", "Đội 1", "Đội 1,22", ",22,105", "Đội 1,22,305", "Đội 1,22,105,0", "Đội 1,22,105,x", "a,1,2,3,4"):
        with pytest.raises(InvalidQuestion):
            read_team(wrong)
    assert [day.day for day in working_days(date(2022, 9, 9), date(2022, 9, 13))] == [9, 10, 12, 13]
    assert [day.day for day in working_days(date(2022, 9, 1), date(2022, 9, 5), (date(2022, 9, 5),))] == [1, 3]
    assert working_days(date(2022, 9, 11), date(2022, 9, 11)) == [date(2022, 9, 11)], "asked for that one day"
