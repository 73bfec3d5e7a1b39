"""What a scenario changes: levels day by day, closed units, who comes first, how many at a site, which teams."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from mapper.domain.campaign import Label
from mapper.domain.plan import DuePerson, Scenario
from mapper.domain.planning import PlanningRules, Precedence
from mapper.services.scenarios import STEP, Conditions, conditions
from tests.services.plan_cases import MONDAY, RULES, at, fixed, given, house, mobile, team

TUESDAY, FRIDAY = MONDAY + timedelta(days=1), MONDAY + timedelta(days=4)
NAMED = PlanningRules(
    precedences=(
        Precedence(Label("Già"), weight=3.0, code="old"),
        Precedence(Label("Bệnh"), weight=2.0, code="ill"),
        Precedence(Label("Trẻ"), weight=2.0),
    )
)


def under(
    scenario: Scenario,
    entered: tuple[tuple[str, date, int], ...] = (),
    rules: PlanningRules = RULES,
    **question: object,
) -> Conditions:
    asked = given([house("h", at(0, 0), commune="a")], (), 5, scenario=scenario, **question)
    return conditions(replace(asked, levels=entered, names={"a": "A", "b": "B"}), rules)


def person(*held: int, on: date = MONDAY) -> DuePerson:
    return DuePerson("p", on, ("1",), {}, held)


def test_a_scenarios_levels_take_the_place_of_those_entered_from_their_day_on() -> None:
    entered = (("a", date(2022, 7, 1), 2), ("a", FRIDAY, 4), ("b", date(2022, 7, 1), 3))
    made = under(Scenario(levels=(("a", TUESDAY, 1),)), entered)
    assert [made.level("a", day) for day in made.days] == [2, 1, 1, 1, 1]
    assert [made.level("b", day) for day in made.days] == [3] * 5
    assert made.level("c", MONDAY) is None and made.level(None, MONDAY) is None


def test_levels_entered_do_not_count_where_a_scenario_says_so() -> None:
    made = under(Scenario(as_entered=False, level=1), (("a", date(2022, 7, 1), 4),))
    assert [made.level("a", MONDAY), made.level("b", MONDAY), made.level(None, MONDAY)] == [1, 1, 1]


@pytest.mark.parametrize(
    ("scenario", "closed"),
    [
        pytest.param(Scenario(), set(), id="none"),
        pytest.param(Scenario(closed=("b",)), {"b"}, id="as told"),
        pytest.param(Scenario(closed_from=4), {"a"}, id="of a level on one day"),
        pytest.param(Scenario(closed_from=3, closed=("z",)), {"a", "b", "z"}, id="of a level, and as told"),
        pytest.param(Scenario(closed_from=4, levels=(("a", MONDAY, 2),)), set(), id="no more"),
        pytest.param(Scenario(closed_from=4, as_entered=False, level=4), {"a", "b"}, id="all"),
    ],
)
def test_units_of_a_level_are_closed_in_the_whole_plan(scenario: Scenario, closed: set[str]) -> None:
    made = under(scenario, (("a", FRIDAY, 4), ("b", MONDAY, 3)))
    assert made.closed == closed


def test_nobody_crosses_the_border_of_a_closed_unit() -> None:
    made = under(Scenario(closed=("a",)))
    crossing = [("a", "b"), ("b", "a"), ("a", None), (None, "a")]
    assert all(made.crosses(*pair) for pair in crossing)
    assert not any(made.crosses(*pair) for pair in (("a", "a"), ("b", "c"), ("b", None), (None, None)))


def test_whoever_stands_earlier_in_the_order_counts_more_and_levels_count_beside_it() -> None:
    made = under(Scenario(order=("ill", "old"), weigh={4: 2.0}), (("a", TUESDAY, 4),), NAMED)
    assert [made.weight(person(*held), "a") for held in ((1,), (0, 1), (0,), (2,), ())] == [
        STEP**2,
        STEP**2,
        STEP,
        1.0,
        1.0,
    ]
    assert made.weight(person(0, on=TUESDAY), "a") == 2 * STEP
    plain = under(Scenario(weigh={4: 2.0}), (("a", TUESDAY, 4),), NAMED)
    assert [plain.weight(person(2, 0), "b"), plain.weight(person(on=FRIDAY), "a")] == [3.0, 2.0]


def test_a_site_has_no_more_people_a_day_than_it_can_and_than_its_level_lets_it() -> None:
    made = under(Scenario(crowd={3: 20, 4: 5}), (("a", MONDAY, 3), ("a", FRIDAY, 4)))
    small, large, any_ = fixed("s", at(0, 0), 10), fixed("l", at(0, 0), 100), fixed("x", at(0, 0))
    assert [made.room(one, "a", MONDAY) for one in (small, large, any_)] == [10, 20, 20]
    assert [made.room_in_all(one, "a", 1) for one in (small, large, any_)] == [45, 85, 85]
    assert [made.room_in_all(one, "b", 1) for one in (small, large, any_)] == [50, 500, None]
    assert [made.room_in_all(mobile("m", at(0, 0), 50), "a", days) for days in (1, 2)] == [5, 25]


def test_so_many_teams_go_out_with_so_many_doses() -> None:
    teams = (team("A", doses=100), team("B", doses=300), team("C"))
    made = under(Scenario(teams=2, doses_a_day=200), teams=teams)
    assert [(one.name, one.doses) for one in made.teams] == [("A", 100), ("B", 200)]
    assert [one.doses for one in under(Scenario(doses_a_day=200), teams=teams).teams] == [100, 200, 200]
    assert under(Scenario(), teams=teams).teams == teams
