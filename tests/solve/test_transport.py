"""Who goes where in given sites: the least of all for single people, families whole, nobody beyond a capacity."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from mapper.solve.first import first_plan
from mapper.solve.siting import NOBODY, Floats
from mapper.solve.transport import assign, reassign
from mapper.solve.ways import Columns, Ways, seat_at_once
from tests.solve.cases import by_chance

INF = np.inf


def columns(cost: Floats, people: Floats) -> Columns:
    """From a matrix of points and columns, the last one for nobody."""
    point, column = np.nonzero(np.isfinite(cost))
    start = np.concatenate(([0], np.cumsum(np.bincount(point, minlength=len(cost)))))
    return Columns(start, column, cost[point, column], point, people, cost.shape[1])


def dense(random: np.random.Generator, points: int, sites: int) -> tuple[Floats, Floats]:
    """Ways of single people to columns and to nowhere, and room that is less than there are people."""
    cost = np.append(random.uniform(0, 10, (points, sites)), np.full((points, 1), 60.0), 1)
    return cost, np.append(random.integers(0, 2 * points // sites + 1, sites), np.inf).astype(float)


def test_single_people_are_seated_at_least_cost() -> None:
    random = np.random.default_rng(10)
    for _ in range(60):
        points, sites = int(random.integers(1, 40)), int(random.integers(1, 6))
        cost, room = dense(random, points, sites)
        seats = np.repeat(np.arange(sites + 1), np.minimum(room, points).astype(int))
        best = cost[:, seats][linear_sum_assignment(cost[:, seats])].sum()
        found = assign(columns(cost, np.ones(points)), room)
        assert found is not None
        assert found.cost == pytest.approx(best)
        assert (np.bincount(found.seat, minlength=sites + 1) <= room).all()


def test_seating_that_is_not_wanted_any_more_ends_without_a_plan() -> None:
    # All 200 are nearest to the first column, which has no room.
    cost = np.tile([1.0, 2.0, 60.0], (200, 1))
    room = np.array([0.0, 200.0, INF])
    assert assign(columns(cost, np.ones(200)), room, lambda: True) is None
    found = assign(columns(cost, np.ones(200)), room)
    assert found is not None
    assert found.cost == 400


def test_families_stay_together_and_no_column_is_overfull() -> None:
    random = np.random.default_rng(11)
    for _ in range(60):
        points, sites = int(random.integers(1, 60)), int(random.integers(1, 6))
        cost, room = dense(random, points, sites)
        people = random.integers(0, 7, points).astype(float)
        found = assign(columns(cost, people), 3 * room)
        assert found is not None
        assert (np.bincount(found.seat, people, sites + 1) <= 3 * room).all()
        assert found.cost == pytest.approx((cost[np.arange(points), found.seat] * people).sum())


def test_a_first_plan_seats_whoever_finds_room() -> None:
    random = np.random.default_rng(14)
    for _ in range(60):
        points, sites = int(random.integers(1, 60)), int(random.integers(1, 6))
        reached = random.random((points, sites)) < 0.6
        point, site = np.nonzero(reached)
        people, room = (
            random.integers(1, 7, points).astype(float),
            random.integers(0, 3 * points, sites).astype(float),
        )
        found = seat_at_once(site, point, random.uniform(0, 10, len(site)), people, room)
        seated = found != NOBODY
        assert reached[seated, found[seated]].all()
        left = room - np.bincount(found[seated], people[seated], sites)
        assert (left >= 0).all()
        # Whoever has no site fits into none that is left.
        assert not (reached & ~seated[:, None] & (people[:, None] <= left)).any()
    # The nearer one has the only place; the other one goes on to the second site.
    pairs = np.array([0, 0, 1]), np.array([0, 1, 0]), np.array([2.0, 1.0, 5.0])
    assert seat_at_once(*pairs, np.ones(2), np.ones(2)).tolist() == [1, 0]


def test_single_people_are_seated_again_at_least_cost_when_a_site_gives_way_to_another() -> None:
    random = np.random.default_rng(15)
    for _ in range(60):
        points, sites = int(random.integers(1, 40)), int(random.integers(1, 6))
        cost, room = dense(random, points, sites)
        before = assign(columns(cost, np.ones(points)), room)
        assert before is not None
        # Another candidate stands in the first column; some points did not reach the old one, some not the new one.
        cost[:, 0] = np.where(random.random(points) < 0.7, random.uniform(0, 10, points), INF)
        room[0] = random.integers(0, points + 1)
        before.price[0] = 0
        found = reassign(columns(cost, np.ones(points)), room, before, np.arange(points), INF)
        seats = np.repeat(np.arange(sites + 1), np.minimum(room, points).astype(int))
        ways = np.where(np.isfinite(cost), cost, 1e6)[:, seats]
        assert found is not None
        assert found.cost == pytest.approx(ways[linear_sum_assignment(ways)].sum())
        assert (np.bincount(found.seat, minlength=sites + 1) <= room).all()


def test_who_is_seated_again_in_part_breaks_no_capacity_and_sits_within_reach() -> None:
    random = np.random.default_rng(16)
    for _ in range(100):
        points, sites = int(random.integers(1, 60)), int(random.integers(1, 6))
        cost, room = dense(random, points, sites)
        cost[:, :-1][random.random((points, sites)) < 0.3] = INF
        people = random.integers(0, 7, points).astype(float)
        before = assign(columns(cost, people), 3 * room)
        assert before is not None
        old = np.isfinite(cost[:, 0])
        cost[:, 0] = np.where(random.random(points) < 0.5, random.uniform(0, 10, points), INF)
        again = np.flatnonzero(old | np.isfinite(cost[:, 0]))
        before.price[0] = 0
        found = reassign(columns(cost, people), 3 * room, before, again, INF)
        assert found is not None
        assert (np.bincount(found.seat, people, sites + 1) <= 3 * room).all()
        assert np.isfinite(cost[np.arange(points), found.seat]).all()
        assert found.cost == pytest.approx((cost[np.arange(points), found.seat] * people).sum())


def test_the_first_plan_breaks_no_capacity_and_keeps_the_sites_that_are_kept() -> None:
    random = np.random.default_rng(17)
    several = 0
    for _ in range(500):
        problem, sites = by_chance(random, capacity=True, most_points=40)
        travel, people = problem.travel, problem.demand.people
        ways = Ways.of(travel.start, travel.site, travel.far, people, travel.sites, np.full(travel.points, 99.0))
        chosen, seat = first_plan(ways, problem.capacity, np.array(problem.kept, np.int64), sites)
        assert set(problem.kept) <= set(chosen.tolist())
        assert len(set(chosen.tolist())) == len(chosen) <= sites
        assert (np.bincount(seat, people, len(chosen) + 1)[:-1] <= problem.capacity[chosen]).all()
        # Finite: everybody sits within reach, or in the last column.
        assert np.isfinite(ways.among(chosen).cost_of(seat)).all()
        several += len(chosen) > 2
    assert several > 50


def test_by_hand_the_first_plan_opens_where_most_people_gain() -> None:
    # Three hamlets along a road, 6, 1 and 5 people, a candidate in each with five places; two may be.
    far = np.abs(np.repeat([0.0, 10.0, 20.0], [6, 1, 5])[:, None] - np.array([0.0, 10.0, 20.0]))
    point, site = np.nonzero(far <= 20)
    start = np.concatenate(([0], np.cumsum(np.bincount(point))))
    ways = Ways.of(start, site, far[point, site], np.ones(12), 3, np.full(12, 1000.0))
    chosen, seat = first_plan(ways, np.full(3, 5.0), np.zeros(0, np.int64), 2)
    assert sorted(chosen.tolist()) == [0, 2]
    assert (np.bincount(seat, minlength=3)).tolist() == [5, 5, 2]
