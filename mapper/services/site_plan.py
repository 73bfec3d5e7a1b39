"""People due -> sites: which of the places that there are, who goes where, and who cannot, with the reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mapper.domain.made_plan import Unserved
from mapper.domain.people import Point
from mapper.domain.plan import Aim, DueHouse, DuePerson, PlanGiven, PlanQuestion
from mapper.domain.planning import PlanningRules
from mapper.domain.sites import Site, SiteKind
from mapper.errors import InvalidQuestion, mark
from mapper.geo.measure import on_plane
from mapper.services.vaccine_need import doses_of
from mapper.solve.covering import fewest_sites, most_covered
from mapper.solve.median import least_travel
from mapper.solve.shortage import Shortage, what_binds
from mapper.solve.siting import NOBODY, Candidate, Demand, Problem, Siting, Travel
from mapper.solve.watch import Watch

GRID_M = 50.0
"""Houses of one square of this side are one point of demand: nobody's way is wrong by more than half its diagonal."""

APART = 10_000
"""Groups so many at most are points of their own where places are counted; of more, up to TOGETHER people are one."""

TOGETHER = 12.0

_MEDOIDS = 500

PROPOSED = "+"
"""What the code of a proposed site begins with."""


HousePeople = tuple[DueHouse, tuple[DuePerson, ...]]
"""People of a house of whom one thing holds."""


@dataclass(frozen=True, slots=True)
class Walkers:
    """People of a house who walk equally far. weight: as how many they count together."""

    house: DueHouse
    people: tuple[DuePerson, ...]
    limit_m: float
    weight: float


@dataclass(frozen=True, slots=True)
class Served:
    """People of one house who go to one site. way_m: as the plan reckons it."""

    house: DueHouse
    people: tuple[DuePerson, ...]
    way_m: float


@dataclass(frozen=True, slots=True)
class PlannedSite:
    """A site of a plan with whom it serves."""

    site: Site
    served: tuple[Served, ...]

    @property
    def people(self) -> int:
        """How many come."""
        return sum(len(one.people) for one in self.served)

    @property
    def doses(self) -> Mapping[str, int]:
        """Doses due by formulation; see ``vaccine_need.doses_of``."""
        return doses_of([person for one in self.served for person in one.people])


@dataclass(frozen=True, slots=True)
class SitePlan:
    """Sites with whom they serve. homes: people whom a team visits. unserved: people without a place, by why. shortage:
    which limit binds, None where everybody who has a position and walks has a site."""

    question: PlanQuestion
    rules: PlanningRules
    sites: tuple[PlannedSite, ...]
    homes: tuple[HousePeople, ...]
    unserved: Mapping[Unserved, tuple[HousePeople, ...]]
    shortage: Shortage | None
    siting: Siting

    @property
    def people(self) -> int:
        """Everybody due, served or not."""
        without = [*self.homes, *(one for several in self.unserved.values() for one in several)]
        return sum(len(people) for _, people in without) + sum(one.people for one in self.sites)


def plan_sites(given: PlanGiven, rules: PlanningRules, watch: Watch) -> SitePlan:
    """Choose sites for everybody due. Every person due is in exactly one part of the plan.

    Raises InvalidQuestion for a wish that cannot be.
    """
    wish = given.question
    _check(wish)
    unserved: dict[Unserved, list[HousePeople]] = {why: [] for why in Unserved}
    homes: list[HousePeople] = []
    walking: list[Walkers] = []
    for house in given.houses:
        needs = {one.id: rules.needs(one.precedences) for one in house.people}
        at_home = tuple(one for one in house.people if needs[one.id].at_home)
        if at_home:
            (unserved[Unserved.NO_POSITION] if house.point is None else homes).append((house, at_home))
        for limit in sorted({one.walk_limit_m for one in needs.values() if not one.at_home}):
            some = tuple(
                one for one in house.people if not needs[one.id].at_home and needs[one.id].walk_limit_m == limit
            )
            if house.point is None:
                unserved[Unserved.NO_POSITION].append((house, some))
            else:
                weight = sum(needs[one.id].weight for one in some)
                walking.append(Walkers(house, some, limit, weight))
    sites = [*given.sites, *(proposals(given.houses, given.hamlets) if wish.proposed else ())]
    asked = _Asked.of(walking, sites, rules, wish)
    found = _solve(asked.problem, wish, watch)
    travel = asked.problem.travel
    ways = dict(zip(zip(travel.point.tolist(), travel.site.tolist(), strict=True), travel.far.tolist(), strict=True))
    served: dict[int, list[Served]] = {site: [] for site in found.chosen}
    for walkers, point in zip(walking, asked.point_of.tolist(), strict=True):
        site = int(found.site[point])
        if site == NOBODY:
            unserved[Unserved(found.left[point])].append((walkers.house, walkers.people))
        else:
            served[site].append(Served(walkers.house, walkers.people, ways[point, site]))
    return SitePlan(
        wish,
        rules,
        tuple(PlannedSite(asked.sites[site], tuple(several)) for site, several in served.items()),
        tuple(homes),
        {why: tuple(several) for why, several in unserved.items() if several},
        (what_binds(asked.problem, found, watch.part()) or None) if found.left else None,
        found,
    )


def proposals(houses: Sequence[DueHouse], names: Mapping[str, str]) -> list[Site]:
    """In each hamlet the house from which all others of people due are nearest, as a place that could be a site.

    names: of hamlets by code.
    """
    hamlets: dict[str, list[DueHouse]] = {}
    for house in houses:
        if house.hamlet_code and house.point is not None:
            hamlets.setdefault(house.hamlet_code, []).append(house)
    found = []
    for code, several in sorted(hamlets.items()):
        points = [one.point for one in several if one.point is not None]
        xy = on_plane([one.lon for one in points], [one.lat for one in points])
        weight = np.array([len(one.people) for one in several], np.float64)
        middle = points[_medoid(xy, weight)]
        found.append(Site(f"{PROPOSED}{code}", names.get(code, code), SiteKind.MOBILE, middle.lat, middle.lon))
    return found


def _medoid(xy: NDArray[np.float64], weight: NDArray[np.float64]) -> int:
    """The point with the least way from all, by weight; of very many points among those near the middle."""
    middle = (xy * weight[:, None]).sum(axis=0) / weight.sum()
    near = np.argsort(((xy - middle) ** 2).sum(axis=1), kind="stable")[:_MEDOIDS]
    far = np.sqrt(((xy[near, None, :] - xy[None, :, :]) ** 2).sum(axis=2))
    return int(near[(far * weight).sum(axis=1).argmin()])


@dataclass(frozen=True, eq=False)
class _Asked:
    """The question as numbers. point_of: the point of demand of each group of walkers. sites: those that anybody
    reaches, and no others: a province's stations are no part of a commune's plan."""

    problem: Problem
    point_of: NDArray[np.int64]
    sites: Sequence[Site]

    @classmethod
    def of(cls, walking: Sequence[Walkers], sites: Sequence[Site], rules: PlanningRules, wish: PlanQuestion) -> _Asked:
        places: list[Point | Site] = [one.house.point for one in walking if one.house.point is not None]
        places += sites
        every = on_plane([one.lon for one in places], [one.lat for one in places])
        xy, stands = every[: len(walking)], every[len(walking) :]
        limit = np.array([one.limit_m for one in walking], np.float64)
        people = np.array([len(one.people) for one in walking], np.float64)
        weight = np.array([one.weight for one in walking], np.float64)
        squares = np.column_stack([np.floor(xy / GRID_M), limit, _turns(wish, people)])
        limits, point_of = np.unique(squares, axis=0, return_inverse=True)
        point_of = point_of.reshape(-1).astype(np.int64)
        number = len(limits)
        total = np.bincount(point_of, people, number)
        middle = np.column_stack([np.bincount(point_of, xy[:, axis] * people, number) / total for axis in (0, 1)])
        longest = float(limit.max()) if number else 0.0
        if not number or not len(sites):
            return cls(Problem(Demand.of(total), (), Travel.of_matrix(np.empty((number, 0)))), point_of, ())
        travel = Travel.straight(middle, stands, longest, rules.detour).within(limits[:, 2])
        near = np.unique(travel.site)
        renumbered = Travel.of_pairs(travel.point, np.searchsorted(near, travel.site), travel.far, (number, len(near)))
        reached = [sites[site] for site in near.tolist()]
        demanded = Demand.of(total, np.bincount(point_of, weight, number) / total)
        candidates = tuple(_candidate(one, wish) for one in reached)
        return cls(Problem(demanded, candidates, renumbered), point_of, reached)


def _turns(wish: PlanQuestion, people: NDArray[np.float64]) -> NDArray[np.float64]:
    """What keeps groups of one square apart: where places are counted, a point goes to a site whole or not at all."""
    if wish.aim is not Aim.LEAST_TRAVEL:
        return np.zeros(len(people))
    if len(people) <= APART:
        return np.arange(len(people), dtype=np.float64)
    return np.floor(people.cumsum() / TOGETHER)


def _candidate(site: Site, wish: PlanQuestion) -> Candidate:
    fixed = site.kind is SiteKind.FIXED
    days = (wish.last - wish.first).days + 1 if fixed else wish.mobile_days
    return Candidate(None if site.capacity is None else site.capacity * days, fixed)


def _solve(problem: Problem, wish: PlanQuestion, watch: Watch) -> Siting:
    match wish.aim:
        case Aim.FEWEST_SITES:
            return fewest_sites(problem, watch)
        case Aim.MOST_PEOPLE:
            return most_covered(problem, wish.sites or 1, watch)
        case Aim.LEAST_TRAVEL:
            return least_travel(problem, wish.sites or 1, watch)


def _check(wish: PlanQuestion) -> None:
    if not wish.first <= wish.last:
        raise InvalidQuestion(
            mark("The plan ends on {last}, before it begins on {first}. Turn the days round."),
            first=wish.first,
            last=wish.last,
        )
    if wish.aim is not Aim.FEWEST_SITES and not wish.sites:
        raise InvalidQuestion(mark("Say how many sites there may be, 1 or more."))
    if wish.mobile_days < 1:
        raise InvalidQuestion(mark("A team stays at a mobile site for 1 day or more."))
