"""Appointments: which days a station holds, who is asked to which, and who finds no room."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta

import pytest

from mapper.domain.made_plan import MadePlan, PlanSite, Unserved
from mapper.domain.plan import DueHouse, FixedSession, PlanGiven
from mapper.services import team_plan
from mapper.services.planning import make
from mapper.services.station_days import room_of, session_days
from tests.services.plan_cases import AT_HOME, MONDAY, OLD, RULES, at, days, fixed, given, house, mobile, team

WEEK = days(5)


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Routes are good enough after few rounds."""
    monkeypatch.setattr(team_plan, "ROUNDS", 0)
    monkeypatch.setattr(team_plan, "FEWEST_ROUNDS", 60)


def at_day(number: int) -> date:
    return MONDAY + timedelta(days=number)


@pytest.mark.parametrize(
    ("ready", "room", "expected"),
    [
        pytest.param({0: 30}, 40, [0], id="one session holds all"),
        pytest.param({0: 90}, 40, [0, 1, 2], id="as many in a row as it takes"),
        pytest.param({0: 30, 2: 5}, 40, [0, 2], id="latecomers have one of their own"),
        pytest.param({0: 30, 1: 5, 3: 5}, 40, [0, 3], id="all latecomers together, once the last is due"),
        pytest.param({0: 90, 1: 5}, 40, [0, 1, 2], id="room that is left on a later day is enough for them"),
        pytest.param({3: 50, 4: 20}, 40, [3, 4], id="the fewest days in a row"),
        pytest.param({4: 90}, 40, [4], id="what does not fit finds no room"),
        pytest.param({}, 40, [], id="nobody"),
    ],
)
def test_a_station_holds_few_and_full_sessions(ready: dict[int, int], room: int, expected: list[int]) -> None:
    people = {at_day(number): several for number, several in ready.items()}
    found = session_days(people, WEEK, dict.fromkeys(WEEK, room))
    assert found == [at_day(number) for number in expected]


def test_a_session_that_stands_is_filled_before_another_is_held() -> None:
    room = dict.fromkeys(WEEK, 40)
    assert session_days({MONDAY: 30}, WEEK, room, [WEEK[3]]) == [WEEK[3]]
    assert session_days({MONDAY: 60}, WEEK, room, [WEEK[3]]) == [WEEK[0], WEEK[3]]


def test_where_no_places_are_told_staff_or_need_tell_how_many_a_day() -> None:
    free = dict.fromkeys(WEEK)
    assert set(room_of(free, 120, 200).values()) == {200}
    assert set(room_of(free, 1_200, 200).values()) == {240}
    assert room_of({WEEK[0]: 50, WEEK[1]: None}, 120, 20) == {WEEK[0]: 50, WEEK[1]: 70}


def asked_to(site: PlanSite) -> dict[str, date | None]:
    return {one.id: one.day for home in site.houses for one in home.people}


def planned(asked: PlanGiven) -> MadePlan:
    return make(asked, RULES)


def of_houses(*houses: DueHouse, capacity: int | None = None, number_of_days: int = 5) -> MadePlan:
    return planned(given(houses, [fixed("TYT", at(0, 0), capacity)], number_of_days, sites=1))


def test_a_house_comes_together_once_the_last_of_it_is_due() -> None:
    made = of_houses(house("a", at(0, 0), 2, on=[MONDAY, WEEK[2]]), house("b", at(0, 0), 3))
    assert asked_to(made.sites[0]) == {
        "a.0": WEEK[2],
        "a.1": WEEK[2],
        "b.0": MONDAY,
        "b.1": MONDAY,
        "b.2": MONDAY,
    }


def test_nobody_waits_more_than_a_week_for_others_of_the_house() -> None:
    made = of_houses(house("a", at(0, 0), 2, on=[MONDAY, at_day(9)]), number_of_days=12)
    assert asked_to(made.sites[0]) == {"a.0": MONDAY, "a.1": at_day(9)}


def test_hamlets_stay_together_and_those_of_more_weight_come_first() -> None:
    houses = [house(f"{name}{n}", at(0, 0), hamlet=name) for name in "abc" for n in range(4)]
    houses += [house("c9", at(0, 0), 2, hamlet="c", precedences=(OLD,))]
    made = of_houses(*houses, capacity=8)
    day_of = asked_to(made.sites[0])
    assert {one: day for one, day in day_of.items() if one[0] == "c"} == dict.fromkeys(
        ["c0.0", "c1.0", "c2.0", "c3.0", "c9.0", "c9.1"], MONDAY
    )
    assert Counter(day for one, day in day_of.items() if one[0] == "a") == {WEEK[1]: 4}
    assert Counter(day for one, day in day_of.items() if one[0] == "b") == {WEEK[1]: 4}


def test_where_not_all_find_room_those_of_more_weight_do() -> None:
    houses = [house(f"a{n}", at(0, 0)) for n in range(4)] + [house("z", at(0, 0), 2, precedences=(OLD,))]
    teams = (team(doses=3),)
    made = planned(given(houses, [mobile("m", at(0, 0))], 1, sites=1, teams=teams))
    assert {"z.0", "z.1"} <= set(asked_to(made.sites[0]))
    assert sum(len(home.people) for home in made.unserved[Unserved.NO_TEAM]) == 3


def test_who_falls_due_after_the_last_session_goes_to_another_site_within_the_walk() -> None:
    houses = [house(f"h{n:02}", at(0, 0)) for n in range(18)]
    late = house("late", at(500, 0), on=[WEEK[3]])
    places = [mobile("m", at(0, 0)), fixed("TYT", at(4_000, 0))]
    near = [house(f"n{n}", at(4_000, 0), on=[WEEK[3]]) for n in range(3)]
    made = planned(given([*houses, late, *near], places, 5, sites=2, teams=(team(),)))
    (station,) = [one for one in made.sites if one.site.code == "TYT"]
    assert asked_to(station)["late.0"] == WEEK[3]
    (moved,) = [home for home in station.houses if home.id == "late"]
    assert moved.way_m == pytest.approx(3_500 * 1.3, rel=0.01)
    alone = planned(given([*houses, late], places[:1], 5, sites=1, teams=(team(days=tuple(WEEK[:3])),)))
    assert [home.id for home in alone.unserved[Unserved.DUE_LATER]] == ["late"]
    told = [one.facts for one in alone.binds if "after the last session" in one.words]
    assert told == [{"people": 1, "day": "2022-08-18"}]


def test_whom_no_team_gets_to_goes_to_a_station_within_the_walk() -> None:
    houses = [house(f"h{n}", at(0, 0)) for n in range(6)]
    places = [mobile("m", at(0, 0)), fixed("TYT", at(3_000, 0))]
    made = planned(given(houses, places, 2, sites=2, teams=(team(begin=600, end=500),)))
    assert {one.site.code: one.people for one in made.sites} == {"TYT": 6}
    assert not made.unserved


def test_without_teams_mobile_sites_have_days_and_want_staff() -> None:
    houses = [house(f"h{n}", at(0, 0), on=[MONDAY, WEEK[1]][n > 8 :]) for n in range(10)]
    houses.append(house("home", at(0, 0), precedences=(AT_HOME,)))
    made = planned(given(houses, [mobile("m", at(0, 0))], 5, sites=1))
    (site,) = made.sites
    assert [(one.day, one.team, one.people) for one in site.sessions] == [(MONDAY, "", 9)]
    assert made.by_why() == {Unserved.DUE_LATER: 1, Unserved.NO_TEAM: 1}
    assert [(one.words[:45], dict(one.facts)) for one in made.binds[:2]] == [
        ("No team is named: find staff for {sessions} s", {"sessions": 1}),
        ("No team is named: {people} people who stay at", {"people": 1}),
    ]


def test_a_station_keeps_a_session_that_stands_though_nobody_comes() -> None:
    asked = given([], [fixed("TYT", at(0, 0))], 5, sites=1)
    keeps = (FixedSession("TYT", WEEK[2]),)
    near = given([house("a", at(0, 0), on=[WEEK[4]])], [fixed("TYT", at(0, 0))], 5, sites=1, keeps=keeps)
    made = planned(near)
    assert [(one.day, one.people, one.kept) for one in made.sites[0].sessions] == [
        (WEEK[2], 0, True),
        (WEEK[4], 1, False),
    ]
    nowhere = planned(replace(asked, question=replace(asked.question, keeps=(FixedSession("X", WEEK[2]),))))
    assert any("no such site" in one.words for one in nowhere.binds)


def test_whoever_was_asked_to_a_session_that_stands_is_asked_to_it_again() -> None:
    houses = [house(f"h{n:02}", at(0, 0), hamlet="ab"[n % 2]) for n in range(12)]
    later = tuple(f"h{n:02}.0" for n in range(0, 12, 3))
    first = tuple(f"h{n:02}.0" for n in range(1, 12, 3))
    keeps = FixedSession("m", MONDAY, "Đội", 6, first), FixedSession("m", WEEK[2], "Đội", 6, later)
    for site, crews in ((mobile("m", at(0, 0)), (team(),)), (fixed("m", at(0, 0)), ())):
        stands = keeps if crews else tuple(replace(one, team="") for one in keeps)
        made = planned(given(houses, [site], 5, sites=1, teams=crews, keeps=stands))
        day_of = asked_to(made.sites[0])
        assert {day_of[one] for one in first} == {MONDAY}
        assert {day_of[one] for one in later} == {WEEK[2]}
        assert made.served == 12 and Counter(day_of.values()) == {MONDAY: 6, WEEK[2]: 6}
