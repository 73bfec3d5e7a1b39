"""Least travel: published answers, every answer tried on small questions by chance, and what larger ones keep to."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mapper.solve import lagrange, median, transport
from mapper.solve.lagrange import Market
from mapper.solve.median import FARTHER, least_travel
from mapper.solve.siting import NOBODY, Candidate, Demand, Left, Limits, Problem, Siting, Stop, Travel
from mapper.solve.watch import Watch
from tests.solve.cases import all_choices, by_chance, matrix, or_library, san_francisco, sound

INF = np.inf


def test_four_shops_of_san_francisco_are_as_near_to_all_people_as_published() -> None:
    plan = least_travel(san_francisco(), 4)
    assert round(plan.objective, 4) == 2848268129.7145
    assert (plan.stopped, plan.gap) == (Stop.OPTIMAL, pytest.approx(0, abs=1e-6))


@pytest.mark.parametrize(("number", "expected"), [(1, 5819), (2, 4093), (3, 4250), (4, 3034), (5, 1355)])
def test_or_library_is_solved_to_the_published_optimum(shared: Path, number: int, expected: int) -> None:
    problem, sites = or_library(shared, number)
    plan = least_travel(problem, sites)
    assert (plan.objective, plan.stopped, len(plan.chosen)) == (expected, Stop.OPTIMAL, sites)
    assert plan.bound == pytest.approx(expected)


def cost_of(problem: Problem, plan: Siting) -> float:
    """What a plan costs, added up person by person."""
    far = matrix(problem)
    away = FARTHER * (problem.travel.far.max() if len(problem.travel.far) else 1.0)
    ways = [away if site == NOBODY else far[point, site] for point, site in enumerate(plan.site.tolist())]
    return float((problem.demand.weight * ways).sum())


def overfull(problem: Problem, plan: Siting) -> bool:
    """Whether a site has more people than places."""
    return bool((plan.people(problem.demand) > problem.capacity[list(plan.chosen)]).any())


def test_least_travel_without_capacities_is_the_least_of_all_choices() -> None:
    random = np.random.default_rng(7)
    for _ in range(100):
        problem, sites = by_chance(random)
        plan = least_travel(problem, sites)
        sound(problem, plan, sites)
        far = matrix(problem)
        away = FARTHER * far[np.isfinite(far)].max(initial=0) or FARTHER
        best = min(
            (problem.demand.weight * far[:, chosen].min(1, initial=away)).sum()
            for chosen in all_choices(problem, sites)
        )
        assert plan.objective == pytest.approx(best) == pytest.approx(cost_of(problem, plan))
        assert (plan.bound, plan.stopped) == (pytest.approx(best), Stop.OPTIMAL)


def least_of_all_seats(problem: Problem, sites: int) -> float:
    """What the best plan within capacities costs, by trying every seat of everybody."""
    far, people = matrix(problem), problem.demand.people
    away = FARTHER * far[np.isfinite(far)].max(initial=0) or FARTHER
    best = INF
    for chosen in all_choices(problem, sites):
        seats = [[(INF, away), *((site, far[point, site]) for site in chosen)] for point in range(len(people))]
        for seat in product(*([one for one in choices if np.isfinite(one[1])] for choices in seats)):
            cost = sum(weight * way for weight, (_, way) in zip(problem.demand.weight, seat, strict=True))
            if cost < best and all(
                people[[site == one for site, _ in seat]].sum() <= problem.capacity[one] for one in chosen
            ):
                best = cost
    return float(best)


def test_least_travel_within_capacities_is_the_least_of_all_seats() -> None:
    random = np.random.default_rng(8)
    tight = 0
    for _ in range(60):
        problem, sites = by_chance(random, capacity=True, most_points=5)
        sites = max(min(sites, 3), len(problem.kept))
        plan = least_travel(problem, sites)
        sound(problem, plan, sites)
        assert not overfull(problem, plan)
        best = least_of_all_seats(problem, sites)
        assert plan.objective == pytest.approx(best) == pytest.approx(cost_of(problem, plan))
        assert (plan.bound, plan.stopped) == (pytest.approx(best), Stop.OPTIMAL)
        tight += Left.FULL in plan.left.values()
    assert tight > 5


def test_prices_alone_never_promise_more_than_the_best_plan_keeps() -> None:
    random = np.random.default_rng(18)
    close = 0
    for _ in range(60):
        problem, sites = by_chance(random, capacity=True, most_points=5)
        sites = max(min(sites, 3), len(problem.kept))
        best = least_of_all_seats(problem, sites)
        search = median._Search(problem, sites, Watch(), None)
        for price in (random.uniform(0, 100, len(problem.demand.people)), np.zeros(len(problem.demand.people))):
            prices = lagrange.Prices(search.market, price)
            found = prices.raised(Watch(), lambda _sites, _bound, best=best: best * 1.3 + 1)
            assert found.value <= best * (1 + 1e-9) + 1e-9
            close += found.value > 0.9 * best
    assert close > 60


def test_no_plan_breaks_a_capacity_a_limit_or_its_own_bound() -> None:
    random = np.random.default_rng(9)
    for _ in range(120):
        problem, sites = by_chance(random, capacity=True)
        plan = least_travel(problem, sites, Watch(Limits(gap=0.2, rounds=1)))
        sound(problem, plan, sites)
        assert not overfull(problem, plan)
        assert plan.objective == pytest.approx(cost_of(problem, plan))
        assert plan.bound <= plan.objective * (1 + 1e-9)
        assert plan.repeatable


def strewn(seed: int) -> Problem:
    """300 houses, 25 candidates with places for a fifth more people than there are at ten of them."""
    random = np.random.default_rng(seed)
    people = random.integers(1, 7, 300).astype(float)
    room = np.round(random.uniform(0.8, 1.2, 25) * 1.2 * people.sum() / 10)
    travel = Travel.straight(random.uniform(0, 6000, (300, 2)), random.uniform(0, 6000, (25, 2)), 6000)
    return Problem(Demand.of(people), tuple(Candidate(each) for each in room.tolist()), travel)


def test_the_same_seed_gives_the_same_plan_near_its_bound() -> None:
    limits = Limits(seconds=INF, gap=0.02, rounds=3, seed=6)
    told: list[Siting] = []
    plan = least_travel(strewn(1), 10, Watch(limits, incumbent=told.append))
    again = least_travel(strewn(1), 10, Watch(limits))
    assert (plan.site.tolist(), plan.bound) == (again.site.tolist(), again.bound)
    assert plan.gap < 0.02
    assert plan.repeatable
    assert not overfull(strewn(1), plan)
    assert len(told) > 1
    assert [one.objective for one in told] == sorted((one.objective for one in told), reverse=True)


def test_a_solve_that_is_not_wanted_any_more_ends_with_its_best_plan() -> None:
    for after in (0, 5, 60):
        asked = iter(range(10_000))
        plan = least_travel(strewn(1), 10, Watch(cancelled=lambda asked=asked, after=after: next(asked) >= after))
        assert plan.stopped is Stop.CANCELLED
        assert not plan.repeatable
        assert (len(plan.chosen), plan.left) == (10, {})
        assert not overfull(strewn(1), plan)
        assert 0 <= plan.bound < plan.objective


@pytest.mark.parametrize("after", [0, 1, 7, 60, 300])
def test_once_a_plan_is_not_wanted_any_more_next_to_nothing_is_done(
    after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, done_since = 0, 0

    def cancelled() -> bool:
        nonlocal asked
        asked += 1
        return asked > after

    def counted(work: Callable[..., Any]) -> Callable[..., Any]:
        def count(*given: Any, **more: Any) -> Any:
            nonlocal done_since
            done_since += asked > after
            return work(*given, **more)

        return count

    monkeypatch.setattr(Market, "losses", counted(Market.losses))
    monkeypatch.setattr(transport._Seats, "_look", counted(transport._Seats._look))
    monkeypatch.setattr(transport._Seats, "__init__", counted(transport._Seats.__init__))
    plan = least_travel(strewn(2), 10, Watch(cancelled=cancelled))
    assert plan.stopped is Stop.CANCELLED
    sound(strewn(2), plan, 10)
    assert done_since <= 2


def test_so_much_work_ends_a_search_the_same_way_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(median, "SMALL", 0)
    monkeypatch.setattr(median, "WORK", 0)
    one, other = (least_travel(strewn(3), 10, Watch(Limits(INF, 1e-9))) for _ in range(2))
    assert (one.site.tolist(), one.bound, one.stopped) == (other.site.tolist(), other.bound, Stop.ROUNDS)
    assert one.repeatable


def test_by_hand_a_full_site_sends_those_on_who_lose_least() -> None:
    # Both are nearest to the first site, which has one place; the second way of the first is shorter.
    far = [[1.0, 3.0], [1.0, 9.0]]
    plan = least_travel(Problem(Demand.of([1, 1]), (Candidate(1), Candidate(5)), Travel.of_matrix(far)), 2)
    assert (plan.site.tolist(), plan.objective) == ([1, 0], 4)
    # Three times the priority turns it round: 3 x 1 + 1 x 9 against 3 x 3 + 1 x 1.
    plan = least_travel(Problem(Demand.of([1, 1], [5, 1]), (Candidate(1), Candidate(5)), Travel.of_matrix(far)), 2)
    assert (plan.site.tolist(), plan.objective) == ([0, 1], 14)


def test_without_a_place_people_are_left_and_counted_by_what_was_said() -> None:
    problem = Problem(Demand.of([2, 3]), (Candidate(3),), Travel.of_matrix([[1.0], [1.0]]))
    told: list[Siting] = []
    plan = least_travel(problem, 1, Watch(incumbent=told.append), left_out=100)
    assert told[-1].objective == plan.objective
    assert (plan.left, plan.objective) == ({0: Left.FULL}, 203)
    with pytest.raises(ValueError, match="above 0"):
        least_travel(problem, 1, left_out=0)


def test_nobody_due_and_no_candidates_make_an_empty_plan() -> None:
    nobody = Problem(Demand.of([]), (Candidate(), Candidate(fixed=True)), Travel.of_matrix(np.zeros((0, 2))))
    plan = least_travel(nobody, 2)
    assert (plan.chosen, plan.objective, plan.stopped) == ((1,), 0, Stop.OPTIMAL)
    nowhere = Problem(Demand.of([3, 4]), (), Travel.of_matrix(np.zeros((2, 0))))
    plan = least_travel(nowhere, 5)
    assert (plan.chosen, plan.left) == ((), {0: Left.UNREACHABLE, 1: Left.UNREACHABLE})
    assert plan.stopped is Stop.OPTIMAL
