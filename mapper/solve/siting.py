"""What is asked when sites are chosen, and what is answered.

Demand points are houses, or groups of them, with people due; candidates are places where a site could stand. Travel
is metres, or any other measure of which less is better. All are known by their position, counted from 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

NOBODY = -1
"""In place of a site: none."""


class Left(StrEnum):
    """Why a demand point has no site."""

    UNREACHABLE = "unreachable"
    """No candidate is within its limit."""
    NOT_CHOSEN = "not_chosen"
    """Candidates are within its limit, of which none was chosen."""
    FULL = "full"
    """The chosen sites within its limit have no place left."""


class Stop(StrEnum):
    """Why a solve ended."""

    OPTIMAL = "optimal"
    GAP = "gap"
    ROUNDS = "rounds"
    TIME = "time"
    CANCELLED = "cancelled"


@dataclass(frozen=True, eq=False)
class Demand:
    """People due. people: one number from 0 a demand point; priority: how much more each of them weighs, above 0."""

    people: Floats
    priority: Floats

    @classmethod
    def of(cls, people: ArrayLike, priority: ArrayLike | None = None) -> Demand:
        """Raises ValueError for numbers that cannot be."""
        number = np.asarray(people, np.float64)
        weighs = np.ones_like(number) if priority is None else np.asarray(priority, np.float64)
        if number.ndim != 1 or weighs.shape != number.shape:
            raise ValueError(f"{number.shape} numbers of people, {weighs.shape} priorities; give one each a point")
        if not (np.isfinite(number).all() and (number >= 0).all()):
            raise ValueError("people of a demand point are a number from 0")
        if not (np.isfinite(weighs).all() and (weighs > 0).all()):
            raise ValueError("a priority is a number above 0")
        return cls(number, weighs)

    @cached_property
    def weight(self) -> Floats:
        """People times priority."""
        return self.people * self.priority


@dataclass(frozen=True, slots=True)
class Candidate:
    """A place for a site. capacity: people that it can serve, None for any number.

    fixed: it is there in any case, such as a health station. planned: an earlier plan has it, which is kept.
    """

    capacity: float | None = None
    fixed: bool = False
    planned: bool = False

    @property
    def kept(self) -> bool:
        """Whether every plan holds it."""
        return self.fixed or self.planned


@dataclass(frozen=True, eq=False)
class Travel:
    """Who reaches which candidate: of demand point i, ``site[start[i]:start[i + 1]]`` ascending, as far as ``far``."""

    start: Ints
    site: Ints
    far: Floats
    sites: int

    @classmethod
    def of_matrix(cls, far: ArrayLike, limit: ArrayLike | None = None) -> Travel:
        """far: (demand points, candidates), inf where there is no way. limit: one for all, or one a demand point."""
        matrix = np.asarray(far)
        if matrix.ndim != 2 or np.isnan(matrix).any() or (matrix < 0).any():
            raise ValueError(f"travel is a matrix of distances from 0, inf where there is no way, not {matrix.shape}")
        reached = np.isfinite(matrix)
        if limit is not None:
            reached &= matrix <= np.asarray(limit, np.float64).reshape(-1, 1)
        point, site = np.nonzero(reached)
        return cls.of_pairs(point, site, matrix[reached], matrix.shape)

    @classmethod
    def of_pairs(cls, point: ArrayLike, site: ArrayLike, far: ArrayLike, shape: tuple[int, ...]) -> Travel:
        """From pairs of a demand point and a candidate, each at most once. shape: numbers of points, of candidates."""
        from scipy.sparse import coo_array

        points, sites = np.asarray(point, np.int64), np.asarray(site, np.int64)
        return cls._of(coo_array((np.asarray(far, np.float64), (points, sites)), shape[:2]))

    @classmethod
    def _of(cls, pairs: Any) -> Travel:
        # To sort by counting, twice, takes a tenth of the time of comparing.
        rows = pairs.tocsc().tocsr()
        return cls(rows.indptr.astype(np.int64), rows.indices.astype(np.int64), rows.data, rows.shape[1])

    @classmethod
    def straight(cls, points: ArrayLike, sites: ArrayLike, limit: float, detour: float = 1.0) -> Travel:
        """Beelines times ``detour`` up to ``limit``. points, sites: (n, 2), metres on a plane."""
        from scipy.spatial import KDTree

        ends, places = np.asarray(points, np.float64), np.asarray(sites, np.float64)
        near = KDTree(ends).sparse_distance_matrix(KDTree(places), limit / detour, output_type="coo_matrix")
        near.data *= detour
        return cls._of(near)

    @property
    def points(self) -> int:
        """Demand points."""
        return len(self.start) - 1

    @cached_property
    def point(self) -> Ints:
        """The demand point of each pair."""
        return np.repeat(np.arange(self.points), np.diff(self.start))

    def within(self, limit: ArrayLike) -> Travel:
        """Of these pairs those within a limit: one for all, or one a demand point."""
        allowed = np.broadcast_to(np.asarray(limit, np.float64), (self.points,))
        near = self.far <= allowed[self.point]
        return Travel.of_pairs(self.point[near], self.site[near], self.far[near], (self.points, self.sites))

    def nearest(self, chosen: Sequence[int]) -> Ints:
        """Of the chosen sites the nearest one of each demand point, the first of several; NOBODY where none is."""
        open_ = np.zeros(self.sites, np.bool_)
        open_[list(chosen)] = True
        found = np.full(self.points, NOBODY, np.int64)
        pairs = np.flatnonzero(open_[self.site])
        point, far = self.point[pairs], self.far[pairs]
        if len(pairs):
            begin = np.flatnonzero(np.diff(point, prepend=-1))
            least = np.repeat(np.minimum.reduceat(far, begin), np.diff(np.append(begin, len(pairs))))
            # Of several as near, the first is written last.
            best = np.flatnonzero(far == least)[::-1]
            found[point[best]] = self.site[pairs[best]]
        return found


@dataclass(frozen=True, eq=False)
class Problem:
    """Who is due, where sites could stand, and who reaches which. Raises ValueError where the parts do not fit."""

    demand: Demand
    candidates: tuple[Candidate, ...]
    travel: Travel

    def __post_init__(self) -> None:
        if (len(self.demand.people), len(self.candidates)) != (self.travel.points, self.travel.sites):
            raise ValueError(
                f"travel is of {self.travel.points} demand points and {self.travel.sites} candidates; "
                f"there are {len(self.demand.people)} and {len(self.candidates)}"
            )
        if any(one.capacity is not None and not one.capacity >= 0 for one in self.candidates):
            raise ValueError("a capacity is a number from 0")

    @cached_property
    def kept(self) -> tuple[int, ...]:
        """Candidates that every plan holds."""
        return tuple(place for place, one in enumerate(self.candidates) if one.kept)

    @cached_property
    def capacity(self) -> Floats:
        """Of each candidate, inf where it has none."""
        return np.array([np.inf if one.capacity is None else one.capacity for one in self.candidates], np.float64)

    @cached_property
    def reachable(self) -> NDArray[np.bool_]:
        """Whether a demand point has any candidate within its limit."""
        return np.diff(self.travel.start) > 0

    def may_hold(self, sites: int) -> int:
        """How many sites a plan holds that may hold so many. Raises ValueError where more than that are kept."""
        if sites < len(self.kept):
            raise ValueError(f"{len(self.kept)} sites are kept, of {sites}; allow more sites, or keep fewer")
        return min(sites, len(self.candidates))


@dataclass(frozen=True)
class Limits:
    """When a solve is content. seconds: of wall time. gap: share of the objective that the bound may be away.

    rounds: of search, and nodes of the tree. A plan that has to be made again exactly is stopped by these or by the
    gap: how much is done in a second changes from machine to machine.
    """

    seconds: float = 60.0
    gap: float = 1e-6
    rounds: int | None = None
    seed: int = 1


@dataclass(frozen=True, eq=False)
class Siting:
    """A plan of sites.

    chosen: candidates, ascending. site: of each demand point the one it goes to, or NOBODY. left: why, for each
    demand point without a site. objective, bound: what was reached, and what no plan can better; their unit is that
    of the question. seconds: of wall time.
    """

    chosen: tuple[int, ...]
    site: Ints
    left: Mapping[int, Left]
    objective: float
    bound: float
    seconds: float
    seed: int
    stopped: Stop

    @property
    def gap(self) -> float:
        """How far the bound is away, as a share of the objective: the plan is at most this much short of the best."""
        away = abs(self.bound - self.objective)
        return away / abs(self.objective) if self.objective else (0.0 if away == 0 else np.inf)

    @property
    def repeatable(self) -> bool:
        """Whether the same question and seed give this plan again: not where the clock or somebody ended the solve."""
        return self.stopped not in (Stop.TIME, Stop.CANCELLED)

    def people(self, demand: Demand) -> Floats:
        """People of each chosen site, in their order."""
        served = self.site != NOBODY
        counted = np.bincount(self.site[served], demand.people[served], max(self.chosen, default=0) + 1)
        return counted[list(self.chosen)].astype(np.float64)


def why_left(problem: Problem, chosen: Sequence[int], site: Ints) -> dict[int, Left]:
    """The reason for each demand point without a site."""
    near = problem.travel.nearest(chosen)
    return {
        point: Left.UNREACHABLE
        if not problem.reachable[point]
        else Left.NOT_CHOSEN
        if near[point] == NOBODY
        else Left.FULL
        for point in np.flatnonzero(site == NOBODY).tolist()
    }
