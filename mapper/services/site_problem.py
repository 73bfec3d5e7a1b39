"""People who walk and places for sites -> the question of a solver in numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mapper.domain.plan import Aim, DueHouse, DuePerson
from mapper.domain.sites import SiteKind
from mapper.geo.measure import on_plane
from mapper.services.scenarios import Conditions, unit_of_house
from mapper.services.site_places import Place
from mapper.services.travel import NoWay, Ways, lon_lat
from mapper.solve.siting import Candidate, Demand, Problem, Travel

APART = 10_000
"""Groups so many at most are points of their own where places are counted; of more, up to TOGETHER people are one."""

TOGETHER = 12.0

_LARGEST = 2**62
"""So many combinations are told apart by one number."""


@dataclass(frozen=True, slots=True)
class Walkers:
    """People of a house who walk equally far. weight: as how many they count together."""

    house: DueHouse
    people: tuple[DuePerson, ...]
    limit_m: float
    weight: float


@dataclass(frozen=True, eq=False)
class Groups:
    """Groups of walkers as numbers, a row each. at: (n, 2), longitude and latitude. units: codes, as ``unit_of_house``.

    people: how many; weight: as how many they count together.
    """

    at: NDArray[np.float64]
    limit_m: NDArray[np.float64]
    people: NDArray[np.float64]
    weight: NDArray[np.float64]
    units: Sequence[str | None]

    @classmethod
    def of(cls, walking: Sequence[Walkers]) -> Groups:
        """Of people as they are known one by one."""
        return cls(
            lon_lat([one.house.point for one in walking if one.house.point is not None]),
            np.array([one.limit_m for one in walking], np.float64),
            np.array([len(one.people) for one in walking], np.float64),
            np.array([one.weight for one in walking], np.float64),
            [unit_of_house(one.house) for one in walking],
        )


@dataclass(frozen=True, eq=False)
class SiteProblem:
    """The question as numbers. point_of: the point of demand of each group of walkers.

    places: those that anybody reaches, and those kept sessions are at: a province's stations are no part of a commune's
    plan. shut: points in closed units. why: of points that have no way to a place which lies near.
    """

    problem: Problem
    point_of: NDArray[np.int64]
    places: Sequence[Place]
    shut: NDArray[np.bool_]
    why: Mapping[int, NoWay] = field(default_factory=dict)

    def ways_to(self, site: NDArray[np.int64]) -> NDArray[np.float64]:
        """How far each point has to the place named for it, in metres; 0 where it is none of those within its limit."""
        travel = self.problem.travel
        theirs = site[travel.point] == travel.site
        found = np.zeros(travel.points)
        found[travel.point[theirs]] = travel.far[theirs]
        return found

    @property
    def kept(self) -> int:
        """Places that every plan holds."""
        return len(self.problem.kept)


def numbers_of(
    walking: Groups, where: Sequence[Place], under: Conditions, aim: Aim, mobile_days: int, ways: Ways
) -> SiteProblem:
    """The question of who goes where. Where the aim counts places, people are hardly put together.

    mobile_days: on how many days a team is at a mobile place at most. Houses of one square of ``ways.square_m`` are one
    point of demand: nobody's way is wrong by more than half its diagonal.
    """
    homes, stands, people = walking.at, lon_lat([one.site for one in where]), walking.people
    xy = on_plane(*homes.T)
    closed = {unit: number for number, unit in enumerate(sorted(under.closed), 1)}
    home = np.zeros(len(people))
    if closed:
        home[:] = [closed.get(unit or "", 0) for unit in walking.units]
    squares = np.column_stack([np.floor(xy / ways.square_m), walking.limit_m, home, _turns(aim, people)])
    points, point_of = rows_apart(squares)
    number = len(points)
    total = np.bincount(point_of, people, number)
    middle = np.column_stack([np.bincount(point_of, homes[:, axis] * people, number) / total for axis in (0, 1)])
    walks = ways.walks(middle, stands, points[:, 2])
    travel = walks.travel
    if closed:
        at = np.array([closed.get(one.unit or "", 0) for one in where], np.float64)
        open_ = points[travel.point, 3] == at[travel.site]
        travel = Travel.of_pairs(travel.point[open_], travel.site[open_], travel.far[open_], (number, len(where)))
    planned = [place for place, one in enumerate(where) if one.planned]
    near = np.union1d(travel.site, np.array(planned, np.int64)).astype(np.int64)
    renumbered = Travel.of_pairs(travel.point, np.searchsorted(near, travel.site), travel.far, (number, len(near)))
    reached = [where[place] for place in near.tolist()]
    demand = Demand.of(total, np.bincount(point_of, walking.weight, number) / total)
    candidates = tuple(_candidate(one, under, mobile_days) for one in reached)
    return SiteProblem(Problem(demand, candidates, renumbered), point_of, reached, points[:, 3] > 0, walks.why)


def rows_apart(rows: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Rows that differ, in order, and which of them each row is: by columns, which is sooner than by rows."""
    number, many = np.zeros(len(rows), np.int64), 1
    for column in rows.T:
        values, place = np.unique(column, return_inverse=True)
        if many * len(values) > _LARGEST:
            before, number = np.unique(number, return_inverse=True)
            many = len(before)
        number = number * len(values) + place
        many *= len(values)
    _, first, which = np.unique(number, return_index=True, return_inverse=True)
    return rows[first], which.astype(np.int64)


def nearest_m(
    walking: Sequence[Walkers], where: Sequence[Place], ways: Ways, limits: NDArray[np.float64]
) -> NDArray[np.float64]:
    """How far each group of walkers has to the nearest place within a limit of its own; inf where there is none."""
    found = np.full(len(walking), np.inf)
    homes = lon_lat([one.house.point for one in walking if one.house.point is not None])
    travel = ways.walks(homes, lon_lat([one.site for one in where]), limits).travel
    np.minimum.at(found, travel.point, travel.far)
    return found


def _turns(aim: Aim, people: NDArray[np.float64]) -> NDArray[np.float64]:
    """What keeps groups of one square apart: where places are counted, a point goes to a site whole or not at all."""
    if aim is not Aim.LEAST_TRAVEL:
        return np.zeros(len(people))
    if len(people) <= APART:
        return np.arange(len(people), dtype=np.float64)
    return np.floor(people.cumsum() / TOGETHER)


def _candidate(place: Place, under: Conditions, mobile_days: int) -> Candidate:
    room = under.room_in_all(place.site, place.unit, mobile_days)
    return Candidate(room, place.site.kind is SiteKind.FIXED, place.planned)
