"""What a plan of sites keeps to beside walks: closed units, kept sessions, doses at hand, room; and what it says."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta

import pytest

from mapper.domain.made_plan import Unserved
from mapper.domain.people import Point
from mapper.domain.plan import Aim, DueHouse, FixedSession, PlanGiven, Scenario
from mapper.services.site_plan import SitePlan
from tests.services.plan_cases import AT_HOME, MONDAY, OLD, RULES, at, fixed, given, house, mobile, sited

SHUT = Scenario(closed=("x",))


def without(plan: SitePlan) -> dict[Unserved, int]:
    return {why: sum(len(people) for _, people in several) for why, several in plan.unserved.items()}


def served(plan: SitePlan) -> dict[str, int]:
    return {one.site.code: one.people for one in plan.sites}


def told(plan: SitePlan) -> list[tuple[str, dict[str, object]]]:
    return [(one.words.format(**one.facts), dict(one.facts)) for one in plan.binds]


def in_units(asked: PlanGiven, **units: str) -> PlanGiven:
    return replace(asked, units=units)


@pytest.mark.parametrize("aim", list(Aim))
def test_nobody_walks_into_or_out_of_a_closed_unit(aim: Aim) -> None:
    inside = [house(f"i{n}", at(40 * n, 0), 2, commune="x") for n in range(3)]
    outside = [house(f"o{n}", at(-40 * n - 40, 0), 3, commune="y") for n in range(3)]
    both = in_units(
        given([*inside, *outside], [mobile("in", at(10, 0)), mobile("out", at(-10, 0))], aim=aim, scenario=SHUT),
        **{"in": "x", "out": "y"},
    )
    plan = sited(both)
    assert served(plan) == {"in": 6, "out": 9}
    assert {(one.site.code, one.unit) for one in plan.sites} == {("in", "x"), ("out", "y")}
    alone = sited(replace(both, sites=(mobile("out", at(-10, 0)),)))
    assert served(alone) == {"out": 9} and without(alone) == {Unserved.CLOSED: 6}
    ((words, facts),) = told(alone)
    assert facts == {"people": 6, "units": "Xã x"} and "Enter one in: Xã x" in words


def test_a_place_inside_a_closed_unit_is_none_for_those_outside() -> None:
    houses = [house("o", at(0, 0), 2, commune="y")]
    plan = sited(in_units(given(houses, [mobile("in", at(10, 0))], scenario=SHUT), **{"in": "x"}))
    assert (served(plan), without(plan)) == ({}, {Unserved.UNREACHABLE: 2})


def test_a_proposed_site_is_of_the_unit_of_the_house_it_stands_at() -> None:
    houses = [house(f"h{n}", at(40 * n, 0), 2, commune="x", hamlet="h") for n in range(3)]
    (only,) = sited(given(houses, proposed=True, sites=1, scenario=SHUT)).sites
    assert (only.site.code, only.unit, only.people) == ("+h", "x", 6)


def far_apart() -> list[DueHouse]:
    """Three places 20 km from one another: of ten, of six and of two people."""
    return [
        house(f"{name}{n}", at(20_000 * place, 30 * n), 2, hamlet=name)
        for place, (name, number) in enumerate((("a", 5), ("b", 3), ("c", 1)))
        for n in range(number)
    ]


def test_a_kept_session_holds_its_site_whatever_else_would_be_better() -> None:
    keeps = (FixedSession("+c", MONDAY),)
    plan = sited(given(far_apart(), proposed=True, sites=2, keeps=keeps))
    assert served(plan) == {"+a": 10, "+c": 2}
    assert {one.site.code for one in plan.sites if one.kept} == {"+c"}
    assert set(served(sited(given(far_apart(), proposed=True, sites=2)))) == {"+a", "+b"}
    only = sited(given(far_apart(), proposed=False, sites=2, keeps=keeps))
    assert served(only) == {"+c": 2}, "what is kept is a place where no other is proposed"


def test_more_kept_sites_than_asked_for_are_all_in_the_plan_which_says_so() -> None:
    keeps = tuple(FixedSession(code, MONDAY) for code in ("+b", "+c"))
    plan = sited(given(far_apart(), proposed=True, sites=1, keeps=keeps))
    assert served(plan) == {"+b": 6, "+c": 2} and without(plan) == {Unserved.NOT_CHOSEN: 10}
    (_, first), (_, second) = told(plan)
    assert first == {"people": 10, "asked": 1, "sites": 3}
    assert second == {"kept": 2, "sites": 1}


def test_a_kept_site_that_nobody_can_walk_to_stays_in_the_plan() -> None:
    keeps = (FixedSession("far", MONDAY),)
    plan = sited(given(far_apart(), [mobile("far", at(0, 90_000))], proposed=True, sites=2, keeps=keeps))
    assert served(plan) == {"+a": 10, "far": 0}


def test_people_of_one_house_walk_as_far_as_each_of_them_may() -> None:
    far = 3_500 / RULES.detour
    houses = [
        replace(
            house("h", at(far, 0), 3),
            people=(
                *house("h", at(0, 0), 2).people,
                *house("old", at(0, 0), 1, precedences=(OLD,)).people,
                *house("in", at(0, 0), 1, precedences=(AT_HOME,)).people,
            ),
        )
    ]
    plan = sited(given(houses, [mobile("m", at(0, 0))], sites=1))
    assert served(plan) == {"m": 2} and without(plan) == {Unserved.UNREACHABLE: 1}
    assert [[one.id for one in people] for _, people in plan.homes] == [["in.0"]]
    ((words, facts),) = told(plan)
    assert (facts["people"], facts["more"], facts["twice"]) == (1, 1, 1) and "half as long again" in words


def test_stations_have_room_every_working_day_and_the_rest_is_told_with_what_would_do() -> None:
    houses = [house(f"h{n}", at(20 * n, 0), 4) for n in range(10)]
    for aim in Aim:
        plan = sited(given(houses, [fixed("s", at(0, 0), 6)], 7, aim=aim, sites=1))
        assert served(plan) == {"s": 36}, "six days from Monday, without Sunday"
        assert without(plan) == {Unserved.FULL: 4}
        ((_, facts),) = told(plan)
        assert (facts["people"], facts["days"]) == (4, 1)


def test_a_crowd_limit_counts_by_the_level_of_each_day() -> None:
    houses = [house(f"h{n}", at(20 * n, 0), 1, commune="x") for n in range(30)]
    rules = Scenario(crowd={3: 8, 4: 2}, levels=(("x", MONDAY, 3), ("x", MONDAY + timedelta(days=2), 4)))
    asked = in_units(given(houses, [fixed("s", at(0, 0))], 3, aim=Aim.LEAST_TRAVEL, sites=1, scenario=rules), s="x")
    assert served(sited(asked)) == {"s": 18}
    assert served(sited(replace(asked, question=replace(asked.question, aim=Aim.MOST_PEOPLE)))) == {"s": 18}


def test_doses_go_to_those_of_most_weight_and_the_rest_is_told() -> None:
    houses = [house(f"o{n}", at(2_000, 60 * n), 1, precedences=(OLD,)) for n in range(4)]
    houses += [house(f"h{n}", at(60 * n, 0), 1, doses=("1", "2")) for n in range(6)]
    houses += [house("home", at(0, 50), 1, precedences=(AT_HOME,))]
    asked = given(houses, [mobile("m", at(0, 0))], sites=1)
    plan = sited(replace(asked, question=replace(asked.question, doses=10)))
    got = sorted(one.house.id for site in plan.sites for one in site.served)
    assert got == ["h0", "h1", "o0", "o1", "o2", "o3"], "four old, one at home, and the nearest two of two doses each"
    assert len(plan.homes) == 1 and without(plan) == {Unserved.NO_DOSES: 4}
    ((_, facts),) = told(plan)
    assert facts == {"doses": 10, "people": 4, "lacking": 8}
    enough = sited(replace(asked, question=replace(asked.question, doses=17)))
    assert enough.people == 11 and not enough.unserved


def test_sites_stand_where_those_are_who_get_the_doses_and_what_is_left_goes_to_others_there() -> None:
    old = [house(f"o{n}", at(0, 30 * n), 1, precedences=(OLD,), hamlet="a") for n in range(4)]
    many = [house(f"h{n}", at(20_000, 30 * n), 3, hamlet="b") for n in range(10)]
    near = [house("n", at(50, 0), 3, hamlet="a")]
    plan = sited(given([*old, *many, *near], proposed=True, sites=1, doses=4))
    assert served(plan) == {"+a": 4}, "by people alone the site would stand among the many"
    plan = sited(given([*old, *many, *near], proposed=True, sites=1, doses=4 + 2))
    assert served(plan) == {"+a": 6} and without(plan) == {Unserved.NOT_CHOSEN: 30, Unserved.NO_DOSES: 1}


def test_doses_that_those_who_come_first_leave_go_to_others_at_the_same_sites() -> None:
    old = [house(f"o{n}", at(20_000 * (n // 3), 30 * n), 1, precedences=(OLD,), hamlet="ab"[n // 3]) for n in range(4)]
    near = [house("n", at(50, 0), 3, hamlet="a")]
    plan = sited(given([*old, *near], proposed=True, sites=1, doses=4))
    assert served(plan) == {"+a": 4} and without(plan) == {Unserved.NOT_CHOSEN: 1, Unserved.NO_DOSES: 2}


def test_nobody_due_tells_how_people_stand_and_when_the_next_fall_due() -> None:
    asked = given([], [fixed("s", at(0, 0))])
    assert told(sited(asked))[0][0].startswith("Nobody of the area is in the register")
    later = replace(asked, not_due={"done": 30, "refused": 2, "waiting": 5}, next_on=date(2022, 9, 1))
    words = [one for one, _ in told(sited(later))]
    assert "fall due on 2022-09-01" in words[0]
    assert [one.split()[0] for one in words[1:]] == ["30", "5", "2"]
    never = told(sited(replace(asked, not_due={"done": 30})))
    assert "nobody of the area falls due later" in never[0][0]


def test_no_place_at_all_and_houses_without_a_position_are_told() -> None:
    houses = [house("h", at(0, 0), 2), house("n", None, 3), house("n2", None, 4)]
    plan = sited(given(houses))
    assert without(plan) == {Unserved.UNREACHABLE: 2, Unserved.NO_POSITION: 7}
    (first, facts), (second, _) = told(plan)
    assert facts == {"people": 7, "houses": 2} and "Visit these houses again" in first
    assert "let the middle house of each hamlet be one" in second


@pytest.mark.parametrize("seed", range(12))
def test_everybody_is_in_one_part_of_a_plan_whatever_limits_it(seed: int) -> None:
    chance = random.Random(seed)

    def place() -> Point | None:
        return at(chance.uniform(0, 9_000), chance.uniform(0, 9_000)) if chance.random() < 0.95 else None

    houses = [
        house(
            f"h{n}",
            place(),
            chance.randrange(1, 4),
            precedences=chance.choice(((), (), (OLD,), (AT_HOME,), (OLD, AT_HOME))),
            hamlet=chance.choice("abcd"),
            commune=chance.choice("xyz"),
        )
        for n in range(60)
    ]
    stations = [fixed(f"s{n}", at(chance.uniform(0, 9_000), 4_000), chance.choice((None, 2, 5))) for n in range(2)]
    others = [mobile(f"m{n}", at(chance.uniform(0, 9_000), 2_000), chance.choice((None, 3, 9))) for n in range(5)]
    scenario = chance.choice(
        (Scenario(), SHUT, Scenario(crowd={3: 4}, level=3), Scenario(closed=("y",), weigh={4: 3.0}, level=4))
    )
    asked = given(
        houses,
        [*stations, *others],
        4,
        aim=chance.choice(list(Aim)),
        sites=chance.randrange(1, 7),
        proposed=chance.random() < 0.5,
        doses=chance.choice((None, None, 0, 25, 60)),
        scenario=scenario,
        keeps=(FixedSession("m0", MONDAY),) if chance.random() < 0.3 else (),
    )
    units = {one.code: chance.choice("xyz") for one in asked.sites}
    plan = sited(replace(asked, units=units))
    everybody = Counter(one.id for site in plan.sites for some in site.served for one in some.people)
    everybody.update(one.id for _, people in plan.homes for one in people)
    everybody.update(one.id for several in plan.unserved.values() for _, people in several for one in people)
    assert set(everybody.values()) == {1}
    assert len(everybody) == plan.people == sum(len(one.people) for one in houses)
    for site in plan.sites:
        for some in site.served:
            limits = [RULES.needs(one.precedences) for one in some.people]
            assert some.way_m <= min(one.walk_limit_m for one in limits) and not any(one.at_home for one in limits)
            closed = set(scenario.closed)
            assert site.unit == some.house.unit or not {site.unit, some.house.unit} & closed
        rooms = [one for one in (site.site.capacity, scenario.crowd.get(scenario.level or 0)) if one is not None]
        assert not rooms or site.people <= 4 * min(rooms)
    doses = asked.question.doses
    given_out = [one for site in plan.sites for some in site.served for one in some.people]
    given_out += [one for _, people in plan.homes for one in people]
    assert doses is None or sum(len(one.due) for one in given_out) <= doses
    assert bool(plan.unserved) == bool([one for one in plan.binds if one.facts.get("people")])
    assert sited(replace(asked, units=units)).sites == plan.sites


def test_sites_that_are_left_over_stand_where_others_have_no_room() -> None:
    houses = [house(f"h{n:02}", at(30 * n, 0), 2) for n in range(20)]
    places = [fixed("s", at(0, 0), 5), mobile("m", at(400, 0)), mobile("n", at(3_000, 0), 1)]
    plan = sited(given(houses, places, 3, sites=2))
    assert {code for code, people in served(plan).items() if people} == {"s", "m"} and not plan.unserved
    alone = sited(given(houses, places, 3, sites=1))
    assert without(alone) == {Unserved.FULL: 26} and served(alone) == {"s": 14}
