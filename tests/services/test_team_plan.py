"""Days of teams: every stop on one of them or told why not, and no day too long or too full."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import pytest

from mapper.domain.people import Point
from mapper.domain.sites import Site, SiteKind
from mapper.errors import InvalidQuestion
from mapper.services import site_plan, sites
from mapper.services.site_plan import SitePlan, SitingWish
from mapper.services.team_plan import (
    FieldTeam,
    HomeStop,
    SessionStop,
    TeamPlan,
    in_words,
    plan_teams,
    read_team,
    stops_of,
    working_days,
)
from mapper.solve.routing import Missed
from mapper.solve.siting import Limits
from mapper.solve.watch import Watch
from tests.services.test_site_plan import administrator, peopled
from tests.services.town import DAY, Town, inside, person

SESSION = "Phố Nà Liền: 1 people"
HERE = Point(22.05, 105.1)
DAYS = [DAY + timedelta(days=n) for n in range(3)]


def planned(town: Town, number: int = 3) -> SitePlan:
    return site_plan.plan_sites(town.reference, administrator(town), SitingWish("covid19", DAY, DAYS[-1], sites=number))


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


def test_every_stop_is_on_one_day_within_hours_doses_and_cold_box(sqlite_town: Town) -> None:
    plan = planned(peopled(sqlite_town))
    teams = FieldTeam("Đội 1", HERE, doses=40, cold_minutes=420), FieldTeam("Đội 2", HERE, begin=480)
    made = sent(plan, *teams)
    held(plan, made, teams)
    assert not made.missed
    assert any(isinstance(stay.stop, HomeStop) for day in made.days for stay in day.stays)
    again = sent(plan, *teams)
    assert again.days == made.days


def test_a_site_with_more_people_than_a_team_sees_in_a_day_has_several_sessions(sqlite_town: Town) -> None:
    for _ in range(15):
        sqlite_town.send(sqlite_town.write(people=[person(), person()]))
    plan = planned(sqlite_town, 1)
    team = FieldTeam("Đội", HERE, doses=12)
    made = sent(plan, team)
    held(plan, made, (team,))
    assert [stay.stop.people for day in made.days for stay in day.stays if isinstance(stay.stop, SessionStop)] == [
        10
    ] * 3
    assert [day.day for day in made.days] == DAYS


def test_what_teams_do_not_get_to_is_named_with_why(sqlite_town: Town) -> None:
    for _ in range(15):
        sqlite_town.send(sqlite_town.write(people=[person(), person()]))
    plan = planned(sqlite_town, 1)
    team = FieldTeam("Đội", HERE, doses=12)
    made = sent(plan, team, days=DAYS[:1])
    held(plan, made, (team,))
    assert [why for _, why in made.missed] == [Missed.NO_ROOM] * 2
    far = FieldTeam("Xa", Point(10.8, 106.7))
    assert {why for _, why in sent(plan, far).missed} == {Missed.OUT_OF_HOURS}


def test_stations_have_staff_of_their_own(sqlite_town: Town) -> None:
    place, user = inside(0), administrator(sqlite_town)
    sites.enter(sqlite_town.reference, user, Site("TYT", "Trạm y tế", SiteKind.FIXED, place.lat, place.lon))
    sqlite_town.send(sqlite_town.write(people=[person()]))
    plan = site_plan.plan_sites(sqlite_town.reference, user, SitingWish("covid19", DAY, DAY, sites=1))
    assert plan.sites[0].people == 1
    assert sent(plan, FieldTeam("Đội", HERE)).days == ()


@pytest.mark.parametrize(
    ("teams", "days"),
    [((), DAYS), ((FieldTeam("Đội", HERE),), []), ((FieldTeam("Đội", HERE, begin=600, end=500),), DAYS)],
    ids=["no team", "no day", "hours turned round"],
)
def test_a_wish_that_cannot_be_is_refused(sqlite_town: Town, teams: tuple[FieldTeam, ...], days: list[date]) -> None:
    with pytest.raises(InvalidQuestion):
        plan_teams(planned(sqlite_town), teams, days)


def test_a_team_is_read_from_one_line_and_days_are_no_sundays() -> None:
    assert read_team("Đội 1, 22.14,105.84,200") == FieldTeam("Đội 1", Point(22.14, 105.84), doses=200)
    assert read_team("B,22.14,105.84").doses is None
    for wrong in ("", "Đội 1", "Đội 1,22", ",22,105", "Đội 1,22,305", "Đội 1,22,105,0", "Đội 1,22,105,x", "a,1,2,3,4"):
        with pytest.raises(InvalidQuestion):
            read_team(wrong)
    assert [day.day for day in working_days(date(2022, 9, 9), date(2022, 9, 13))] == [9, 10, 12, 13]


def test_the_days_of_teams_are_told_without_names(sqlite_town: Town) -> None:
    sqlite_town.send(sqlite_town.write(people=[person()]))
    sqlite_town.send(sqlite_town.write({"household.point": inside(0, 0.4)}, [person(date(1930, 1, 1))]))
    lines = in_words(sent(planned(sqlite_town, 1), FieldTeam("Đội", HERE), days=DAYS[:1]), "en")
    assert lines[0].startswith("2022-08-15 Đội: 07:00 to ")
    assert {line.split(" ", 3)[-1] for line in lines[1:]} == {"at home: 1 people", SESSION}
    assert not any("Nông" in line for line in lines)
