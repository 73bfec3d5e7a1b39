"""Which limit binds is told with what would free it."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from mapper.solve.covering import most_covered
from mapper.solve.median import least_travel
from mapper.solve.shortage import Shortage, most_served, what_binds
from mapper.solve.siting import Candidate, Demand, Left, Limits, Problem, Travel
from mapper.solve.watch import Watch
from tests.solve.cases import by_chance, matrix

INF = np.inf


def test_nobody_within_reach_is_told_apart_from_too_few_sites_and_too_few_places() -> None:
    # An island of 7, a hamlet of 20 with a candidate of its own, and 50 people at a site for 30.
    far = [[INF, INF], [INF, 1.0], *([[1.0, INF]] * 50)]
    demand = Demand.of([7, 20, *([1] * 50)])
    problem = Problem(demand, (Candidate(30), Candidate(25)), Travel.of_matrix(far))
    found = what_binds(problem, least_travel(problem, 1))
    assert (found.unreachable, found.not_chosen, found.sites, found.full, found.places) == (7, 20, 2, 20, 20)
    # 70 people can be reached, there are 55 places; 20 of the 50 have none even with both.
    assert (found.sites_for_all, found.never) == (None, 20)


def test_a_plan_for_all_has_no_shortage() -> None:
    problem = Problem(Demand.of([3, 4]), (Candidate(7),), Travel.of_matrix([[1.0], [2.0]]))
    found = what_binds(problem, least_travel(problem, 1))
    assert (bool(found), found) == (False, Shortage(0, 0, None, 0, 0, 1, 0))


def test_so_many_of_the_largest_candidates_have_places_for_all_with_those_kept_among_them() -> None:
    far = np.ones((1, 4))
    sizes = (Candidate(10, fixed=True), Candidate(40), Candidate(60), Candidate(5))
    for people, expected in ((10, 1), (70, 2), (71, 3), (115, 4), (116, None)):
        problem = Problem(Demand.of([people]), sizes, Travel.of_matrix(far))
        assert what_binds(problem, most_covered(problem, 1)).sites_for_all == expected


def test_as_many_people_have_a_place_as_the_narrowest_cut_lets_through() -> None:
    random = np.random.default_rng(12)
    short = 0
    for _ in range(150):
        problem, _ = by_chance(random, capacity=True)
        reached, people, sites = np.isfinite(matrix(problem)), problem.demand.people, len(problem.candidates)
        cuts = (
            problem.capacity[list(cut)].sum() + people[np.delete(reached, cut, axis=1).any(1)].sum()
            for size in range(sites + 1)
            for cut in combinations(range(sites), size)
        )
        served = min(cuts)
        assert most_served(problem) == served
        short += served < people[problem.reachable].sum()
    assert short > 20


def test_what_is_told_adds_up_to_the_people_left() -> None:
    random = np.random.default_rng(13)
    for _ in range(60):
        problem, sites = by_chance(random, capacity=True)
        plan = least_travel(problem, sites, Watch(Limits(gap=0.2, rounds=1)))
        found = what_binds(problem, plan)
        left = problem.demand.people[list(plan.left)].sum()
        assert found.unreachable + found.not_chosen + found.full == pytest.approx(left)
        assert bool(found) == bool(left)
        assert (found.sites is not None) == (Left.NOT_CHOSEN in plan.left.values())
        assert found.never <= left - found.unreachable + 1e-9
