"""Plans side by side, made from one census: what is other in one is told of it, and of the people it is about."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mapper.domain.campaign import Label
from mapper.domain.made_plan import Unserved
from mapper.domain.plan import Aim, PlanGiven, PlanQuestion, Scenario
from mapper.domain.planning import Formulation, PlanningRules, ScenarioPreset
from mapper.errors import InvalidQuestion
from mapper.services.plan_comparison import Compared, Comparison, Part, compare, figures_of
from mapper.services.planning import make
from mapper.services.what_if import variants, varied
from tests.services.plan_cases import MONDAY, OLD, RULES, at, fixed, given, house, team

TEN = Formulation("ten", "x", Label("Mười liều"), 10, 6)
OUTBREAK = ScenarioPreset(Label("Có dịch"), Scenario("outbreak", closed=()))
NAMED = replace(RULES, formulations=(TEN,), scenarios=(OUTBREAK,))


def district() -> PlanGiven:
    """A station with ten people, one of them old, and two hamlets 20 km and 40 km away, with eight and with six."""
    houses = [house(f"s{n}", at(0, 30 * n), 1, precedences=(OLD,) if n == 0 else (), hamlet="s") for n in range(10)]
    houses += [house(f"a{n}", at(20_000, 30 * n), 2, hamlet="a", commune="y") for n in range(4)]
    houses += [house(f"b{n}", at(40_000, 30 * n), 2, hamlet="b", commune="z") for n in range(3)]
    return given(houses, [fixed("TYT", at(0, 0))], sites=2, proposed=True, teams=(team("A"), team("B")))


def made(asked: PlanGiven, question: PlanQuestion, rules: PlanningRules = NAMED, label: str = "") -> Compared:
    answered = replace(asked, question=question)
    return Compared(label, answered, make(answered, rules))


def beside(asked: PlanGiven, *questions: PlanQuestion) -> Comparison:
    return compare([made(asked, one, label=str(n)) for n, one in enumerate((asked.question, *questions))])


def test_a_plan_is_told_in_figures_that_add_up() -> None:
    asked = district()
    figures = figures_of(made(asked, asked.question, label="first"))
    assert (figures.label, figures.people, figures.served, figures.sites, figures.doses) == ("first", 24, 18, 2, 18)
    assert figures.units == {"x": Part(10, 10), "y": Part(8, 8), "z": Part(6, 0)}
    assert figures.precedences == {OLD: Part(1, 1), None: Part(23, 17)}
    assert list(figures.precedences)[-1] is None
    assert figures.unserved == {Unserved.NOT_CHOSEN: 6} and sum(figures.vials.values()) > 0
    assert (figures.team_days, figures.at_home) == (1, 0) and figures.way_m > 40_000


def test_one_site_more_gains_whom_it_serves_and_one_less_loses_them() -> None:
    asked = district()
    wish = asked.question
    told = beside(asked, replace(wish, sites=3), replace(wish, sites=1))
    more, less = told.differences
    assert [one.label for one in told.figures] == ["0", "1", "2"]
    assert (more.people, more.served, more.sites, more.units, more.lost) == (0, 6, 1, {"z": 6}, ())
    assert {house for house, _ in more.gained} == {"b0", "b1", "b2"} and len(more.gained) == 6
    assert (less.served, less.sites, less.units, less.gained, len(less.lost)) == (-8, -1, {"y": -8}, (), 8)
    assert less.team_days == -1 and less.way_m < 0 and less.precedences == {None: -8}
    assert set(less.vials) == {"ten"} and less.vials["ten"] <= 0


def test_a_plan_beside_itself_differs_in_nothing() -> None:
    asked = district()
    (same,) = beside(asked, asked.question).differences
    assert (same.served, same.way_m, same.vials, same.units, same.precedences) == (0, 0, {}, {}, {})
    assert same.gained == same.lost == same.moved == same.other_day == ()


def test_scenarios_are_set_side_by_side_from_one_census() -> None:
    asked = district()
    shut = replace(asked.question, scenario=Scenario("shut", closed=("x",)))
    farther = replace(asked, sites=(), houses=asked.houses[:10])
    green = compare([made(farther, asked.question), made(farther, shut)])
    assert [one.served for one in green.figures] == [10, 10], "their own hamlet's site is inside"
    few = compare([made(asked, asked.question), made(asked, replace(shut, doses=4))])
    assert few.figures[1].doses == 4 and few.differences[0].served == -14
    assert few.figures[1].precedences[OLD] == Part(1, 1), "who comes first has the dose"


def test_variants_change_one_thing_each() -> None:
    wish = replace(district().question, scenario=Scenario(levels=(("x", MONDAY, 3),), closed=("y",)))
    found = {one.code: one for one in variants(wish, NAMED)}
    assert list(found) == ["team_less", "site_less", "site_more", "farther", "scenario:outbreak"]
    for code, one in found.items():
        changed = [name for name in PlanQuestion.__slots__ if getattr(one.question, name) != getattr(wish, name)]
        assert len(changed) == 1 and varied(wish, NAMED, code) == one
    assert [one.name for one in found["team_less"].question.teams] == ["A"]
    assert (found["farther"].question.farther, varied(wish, NAMED, "doses:12").question.doses) == (1.5, 12)
    now = found["scenario:outbreak"].question
    assert (now.scenario.code, now.scenario.levels, now.scenario.closed) == ("outbreak", wish.scenario.levels, ("y",))
    free = replace(wish, sites=None)
    own = {one.code: one.question.sites for one in variants(free, NAMED, used=4) if one.code.startswith("site")}
    assert own == {"site_less": 3, "site_more": 5} and varied(free, NAMED, "site_more", 4).question.sites == 5
    assert not any(one.code.startswith("site") for one in variants(free, NAMED)), "nothing came out yet"
    few = replace(now, aim=Aim.FEWEST_SITES, teams=())
    assert [one.code for one in variants(few, NAMED)] == ["farther", "scenario:"]
    for wrong in ("", "team_less", "site_more", "doses:", "doses:0", "doses:x", "scenario:storm"):
        with pytest.raises(InvalidQuestion):
            varied(few, NAMED, wrong)


def test_walks_so_many_times_as_long_reach_more() -> None:
    houses = [house("near", at(0, 0)), house("far", at(6_000 / RULES.detour, 0))]
    asked = given(houses, [fixed("TYT", at(0, 0))], sites=1)
    (farther,) = beside(asked, replace(asked.question, farther=1.5)).differences
    assert farther.gained == (("far", "far.0"),) and farther.served == 1
    with pytest.raises(InvalidQuestion):
        made(asked, replace(asked.question, farther=0.0))


def test_two_to_four_plans_stand_side_by_side() -> None:
    asked = district()
    one = made(asked, asked.question)
    for number in (0, 1, 5):
        with pytest.raises(InvalidQuestion):
            compare([one] * number)
    assert len(compare([one] * 4).differences) == 3
