"""Questions about sites: San Francisco, OR-Library, and small ones by chance of which every answer can be tried."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from mapper.solve.siting import NOBODY, Candidate, Demand, Floats, Left, Problem, Siting, Travel


def san_francisco(limit: float | None = None) -> Problem:
    """205 census tracts and 16 shops, with roads up to a limit in metres."""
    lines = (Path(__file__).parent / "san_francisco.csv").read_text("utf-8").splitlines()
    rows = list(csv.reader(line for line in lines if not line.startswith("#")))[1:]
    far = [[float(each) for each in row[2:]] for row in rows]
    return Problem(Demand.of([float(row[1]) for row in rows]), (Candidate(),) * 16, Travel.of_matrix(far, limit))


def or_library(shared: Path, number: int) -> tuple[Problem, int]:
    """J. E. Beasley's problem "pmed" of that number, a site possible at every point; and how many sites are asked."""
    path = shared / "reference" / f"pmed{number}.txt"
    if not path.exists():
        pytest.skip(f"no {path.name} among the shared test data")
    points, edges, sites, *told = (int(each) for each in path.read_text("utf-8").split())
    far = np.full((points, points), np.inf)
    np.fill_diagonal(far, 0)
    for one, other, length in np.array(told[: 3 * edges]).reshape(edges, 3).tolist():
        # Where an edge is told twice, the last one counts.
        far[one - 1, other - 1] = far[other - 1, one - 1] = length
    for middle in range(points):
        far = np.minimum(far, far[:, middle, None] + far[middle])
    return Problem(Demand.of(np.ones(points)), (Candidate(),) * points, Travel.of_matrix(far)), sites


def by_chance(random: np.random.Generator, *, capacity: bool = False, most_points: int = 12) -> tuple[Problem, int]:
    """A few points and candidates, some out of reach, some candidates kept; and how many sites may be."""
    points, sites = int(random.integers(1, most_points + 1)), int(random.integers(1, 8))
    ways = np.hypot(*(random.uniform(0, 10, (2, points, 1)) - random.uniform(0, 10, (2, 1, sites))))
    far = np.where(ways <= random.uniform(2, 9), np.round(ways, 2), np.inf)
    people = random.integers(1, 9, points).astype(float)
    demand = Demand.of(people, random.choice([1.0, 1.0, 2.5], points))
    room = random.integers(0, int(2.5 * people.sum() / sites) + 2, sites)
    kinds = random.random(sites)
    candidates = tuple(
        Candidate(float(size) if capacity and kind < 0.9 else None, fixed=0.15 < kind < 0.25, planned=kind < 0.1)
        for size, kind in zip(room.tolist(), kinds.tolist(), strict=True)
    )
    problem = Problem(demand, candidates, Travel.of_matrix(far))
    return problem, int(random.integers(max(1, len(problem.kept)), sites + 1))


def matrix(problem: Problem) -> Floats:
    """(demand points, candidates), inf where there is no way."""
    far = np.full((problem.travel.points, problem.travel.sites), np.inf)
    far[problem.travel.point, problem.travel.site] = problem.travel.far
    return far


def all_choices(problem: Problem, sites: int) -> Iterator[tuple[int, ...]]:
    """Every set of at most so many sites with those kept among them."""
    for number in range(sites + 1):
        for chosen in combinations(range(problem.travel.sites), number):
            if set(problem.kept) <= set(chosen):
                yield chosen


def sound(problem: Problem, plan: Siting, sites: int) -> None:
    """What holds of every plan: sites kept, few enough, nobody beyond the limit or without a reason."""
    assert set(problem.kept) <= set(plan.chosen)
    assert len(plan.chosen) == len(set(plan.chosen)) <= sites
    far = matrix(problem)
    for point, site in enumerate(plan.site.tolist()):
        if site == NOBODY:
            assert plan.left[point] is reason(far[point], plan.chosen)
        else:
            assert point not in plan.left
            assert site in plan.chosen
            assert np.isfinite(far[point, site])


def reason(ways: Floats, chosen: Sequence[int]) -> Left:
    """Why a point with these ways to the candidates may have none of the chosen ones."""
    if not np.isfinite(ways).any():
        return Left.UNREACHABLE
    return Left.FULL if np.isfinite(ways[list(chosen)]).any() else Left.NOT_CHOSEN
