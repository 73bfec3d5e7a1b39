"""Sites within everybody's limit: published answers, and every answer tried on small questions by chance."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from mapper.solve import lagrange, milp
from mapper.solve.covering import fewest_sites, least_worst, most_covered
from mapper.solve.groups import Groups
from mapper.solve.siting import NOBODY, Candidate, Demand, Left, Limits, Problem, Siting, Stop, Travel
from mapper.solve.watch import Progress, Watch
from tests.solve.cases import all_choices, by_chance, matrix, san_francisco, sound

INF = np.inf


def test_four_shops_cover_as_many_people_of_san_francisco_as_published() -> None:
    plan = most_covered(san_francisco(5000), 4)
    assert (plan.objective, plan.bound, plan.stopped) == (875_247, 875_247, Stop.OPTIMAL)
    assert len(plan.chosen) == 4
    assert plan.people(san_francisco().demand).sum() == 875_247


def test_eight_shops_leave_nobody_of_san_francisco_beyond_five_kilometres() -> None:
    plan = fewest_sites(san_francisco(5000))
    assert (plan.objective, plan.bound, plan.left) == (8, 8, {})


def test_the_longest_way_to_four_shops_of_san_francisco_is_as_published() -> None:
    plan = least_worst(san_francisco(), 4)
    assert (round(plan.objective, 2), plan.gap, len(plan.chosen)) == (7403.06, 0, 4)


def test_most_covered_is_the_best_of_all_choices() -> None:
    random = np.random.default_rng(1)
    for _ in range(150):
        problem, sites = by_chance(random)
        plan = most_covered(problem, sites)
        sound(problem, plan, sites)
        reached = np.isfinite(matrix(problem))
        best = max(problem.demand.weight[reached[:, chosen].any(1)].sum() for chosen in all_choices(problem, sites))
        assert plan.objective == pytest.approx(problem.demand.weight[plan.site != NOBODY].sum())
        assert (plan.objective, plan.bound, plan.stopped) == (pytest.approx(best), pytest.approx(best), Stop.OPTIMAL)


def test_fewest_sites_are_the_fewest_of_all_choices() -> None:
    random = np.random.default_rng(2)
    for _ in range(150):
        problem, _ = by_chance(random)
        plan = fewest_sites(problem)
        sound(problem, plan, len(problem.candidates))
        reached = np.isfinite(matrix(problem))
        enough = (
            len(chosen)
            for chosen in all_choices(problem, len(problem.candidates))
            if reached[:, chosen].any(1)[problem.reachable].all()
        )
        assert plan.objective == plan.bound == len(plan.chosen) == min(enough)
        assert set(plan.left.values()) <= {Left.UNREACHABLE}
        assert sorted(plan.left) == np.flatnonzero(~problem.reachable).tolist()


def test_the_longest_way_is_the_shortest_of_all_choices() -> None:
    random = np.random.default_rng(3)
    refused = 0
    for _ in range(100):
        problem, sites = by_chance(random)
        far = matrix(problem)[problem.reachable]
        best = min(far[:, chosen].min(1, initial=INF).max(initial=0) for chosen in all_choices(problem, sites))
        if np.isfinite(best):
            plan = least_worst(problem, sites)
            sound(problem, plan, sites)
            assert plan.objective == plan.bound == best
        else:
            refused += 1
            with pytest.raises(ValueError, match="do not reach everybody"):
                least_worst(problem, sites)
    assert 0 < refused < 50


def strewn(points: int, sites: int, limit: float, seed: int = 5) -> Problem:
    """Houses around hamlets, and candidates near hamlets, on a square of a hundred km²."""
    random = np.random.default_rng(seed)
    centres = random.uniform(0, 10_000, (points // 20, 2))
    houses = centres[random.integers(0, len(centres), points)] + random.normal(0, 300, (points, 2))
    places = centres[random.integers(0, len(centres), sites)] + random.normal(0, 300, (sites, 2))
    people = random.integers(1, 9, points)
    return Problem(Demand.of(people), (Candidate(),) * sites, Travel.straight(houses, places, limit))


def test_points_that_reach_the_same_candidates_are_one() -> None:
    far = [[1.0, INF, 3.0], [2.0, INF, 9.0], [INF, 1.0, INF], [INF, INF, INF], [1.0, 1.0, 1.0]]
    groups, covered = Groups.of(Travel.of_matrix(far), np.array([1.0, 2.0, 4.0, 8.0, 16.0]), [])
    assert (groups.site.tolist(), groups.weight.tolist(), covered) == ([0, 2, 1, 0, 1, 2], [3, 4, 16], 0)
    groups, covered = Groups.of(Travel.of_matrix(far), np.array([1.0, 2.0, 4.0, 8.0, 16.0]), [1])
    assert (groups.site.tolist(), groups.weight.tolist(), covered) == ([0, 2], [3], 20)


def test_the_same_seed_gives_the_same_plan_and_a_first_one_comes_at_once() -> None:
    problem = strewn(1500, 60, 900)
    told: list[Siting] = []
    progress: list[Progress] = []
    watch = Watch(Limits(rounds=20, seed=4), progress=progress.append, incumbent=told.append)
    plan = most_covered(problem, 12, watch)
    again = most_covered(problem, 12, Watch(Limits(rounds=20, seed=4)))
    assert (plan.chosen, plan.site.tolist(), plan.bound) == (again.chosen, again.site.tolist(), again.bound)
    assert plan.repeatable
    assert [one.objective for one in told] == sorted(one.objective for one in told)
    assert told[-1].objective <= plan.objective <= plan.bound
    for one in told:
        sound(problem, one, 12)
    assert all(one.bound is None or one.bound >= plan.objective - 1e-6 for one in progress)


@pytest.mark.parametrize("after", [0, 3, 40])
def test_a_solve_that_is_not_wanted_any_more_ends_with_its_best_plan(after: int) -> None:
    asked = 0

    def cancelled() -> bool:
        nonlocal asked
        asked += 1
        return asked > after

    problem = strewn(1500, 60, 900)
    plan = most_covered(problem, 12, Watch(cancelled=cancelled))
    sound(problem, plan, 12)
    assert (plan.stopped, plan.seed) == (Stop.CANCELLED, 1)
    assert 0 < plan.objective <= plan.bound
    assert asked < after + 40


@pytest.fixture
def hard(monkeypatch: pytest.MonkeyPatch) -> None:
    """Prices do not settle, so that HiGHS has something to do."""
    monkeypatch.setattr(lagrange, "ROUNDS", 1)


@pytest.mark.usefixtures("hard")
def test_a_process_that_is_not_wanted_any_more_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[subprocess.Popen[bytes]] = []
    begin = subprocess.Popen

    def noted(*given: Any, **more: Any) -> subprocess.Popen[bytes]:
        begun.append(begin(*given, **more))
        return begun[-1]

    monkeypatch.setattr(subprocess, "Popen", noted)
    monkeypatch.setattr(milp, "AT_ONCE", 0)
    problem = strewn(1500, 60, 900)
    # Asked as often as before HiGHS begins, and once more while its process is only starting.
    plan = most_covered(problem, 12, Watch(cancelled=lambda: bool(begun)))
    sound(problem, plan, 12)
    assert plan.stopped is Stop.CANCELLED
    assert [one.returncode for one in begun] == [-9] or sys.platform == "win32"
    assert all(one.poll() is not None for one in begun)


@pytest.mark.usefixtures("hard")
def test_in_a_process_of_its_own_the_answer_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = strewn(1500, 60, 900)
    plan = most_covered(problem, 12)
    monkeypatch.setattr(milp, "AT_ONCE", 0)
    told: list[Progress] = []
    beside = most_covered(problem, 12, Watch(progress=told.append))
    assert (beside.site.tolist(), beside.bound, beside.stopped) == (plan.site.tolist(), plan.bound, Stop.OPTIMAL)
    assert told


@pytest.mark.usefixtures("hard")
def test_a_process_that_dies_leaves_the_plan_so_far(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    begin = subprocess.Popen
    monkeypatch.setattr(milp, "AT_ONCE", 0)
    monkeypatch.setattr(
        subprocess, "Popen", lambda given, **more: begin([given[0], "-c", "raise SystemExit(3)"], **more)
    )
    problem = strewn(1500, 60, 900)
    plan = most_covered(problem, 12)
    sound(problem, plan, 12)
    assert not plan.repeatable
    assert 0 < plan.objective < plan.bound
    assert "ended without an answer" in caplog.text


@pytest.mark.usefixtures("hard")
def test_so_much_work_ends_a_solve_the_same_way_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = strewn(3000, 120, 1200, seed=3)
    monkeypatch.setattr(milp, "WORK", 0)
    monkeypatch.setattr(milp, "FEWEST_ASKS", 0)
    one, other = (most_covered(problem, 12, Watch(Limits(np.inf, seed=2))) for _ in range(2))
    assert (one.chosen, one.bound) == (other.chosen, other.bound)
    assert one.stopped is Stop.ROUNDS
    assert one.repeatable
    assert one.objective < one.bound


def test_without_time_there_is_still_a_plan() -> None:
    problem = strewn(1500, 60, 900)
    for plan in (most_covered(problem, 12, Watch(Limits(0))), fewest_sites(problem, Watch(Limits(0)))):
        sound(problem, plan, 60)
        assert plan.stopped is Stop.TIME
        assert plan.gap > 0


def test_kept_sites_stay_though_others_would_cover_more() -> None:
    far = [[1.0, INF, INF], [INF, 1.0, INF], [INF, INF, 1.0]]
    candidates = (Candidate(), Candidate(fixed=True), Candidate())
    plan = most_covered(Problem(Demand.of([9, 1, 5]), candidates, Travel.of_matrix(far)), 2)
    assert (plan.chosen, plan.objective, plan.left) == ((0, 1), 10, {2: Left.NOT_CHOSEN})
    plan = most_covered(Problem(Demand.of([9, 1, 5], [1, 1, 2]), candidates, Travel.of_matrix(far)), 2)
    assert (plan.chosen, plan.objective) == ((1, 2), 11)


def test_nobody_due_and_no_candidates_make_an_empty_plan() -> None:
    nobody = Problem(Demand.of([]), (Candidate(), Candidate(fixed=True)), Travel.of_matrix(np.zeros((0, 2))))
    assert [most_covered(nobody, 2).chosen, fewest_sites(nobody).chosen, least_worst(nobody, 2).chosen] == [(1,)] * 3
    nowhere = Problem(Demand.of([3, 4]), (), Travel.of_matrix(np.zeros((2, 0))))
    for plan in (most_covered(nowhere, 5), fewest_sites(nowhere), least_worst(nowhere, 5)):
        assert (plan.chosen, plan.left) == ((), {0: Left.UNREACHABLE, 1: Left.UNREACHABLE})
        assert (plan.objective, plan.stopped) == (0, Stop.OPTIMAL)
