"""People due -> sites: which of the places that there are, who goes where, and who cannot, with the reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mapper.domain.campaign import Campaign
from mapper.domain.people import Point
from mapper.domain.planning import PlanningRules
from mapper.domain.sites import Site, SiteKind
from mapper.errors import InvalidQuestion, mark
from mapper.geo.measure import on_plane
from mapper.services import demand
from mapper.services.accounts import User
from mapper.services.demand import DueHouse, DuePerson
from mapper.services.field_area import field_area
from mapper.services.reference import Reference
from mapper.services.vaccine_need import Need, doses_of, needs_of
from mapper.solve.covering import fewest_sites, most_covered
from mapper.solve.median import least_travel
from mapper.solve.shortage import Shortage, what_binds
from mapper.solve.siting import NOBODY, Candidate, Demand, Left, Limits, Problem, Siting, Travel
from mapper.solve.watch import Watch
from mapper.store import sites as kept

GRID_M = 50.0
"""Houses of one square of this side are one point of demand: nobody's way is wrong by more than half its diagonal."""

APART = 10_000
"""Groups so many at most are points of their own where places are counted; of more, up to TOGETHER people are one."""

TOGETHER = 12.0

_MEDOIDS = 500

PROPOSED = "+"
"""What the code of a proposed site begins with."""


Walkers = tuple[DueHouse, float, tuple[DuePerson, ...]]
"""People of a house who walk equally far, with how far that is in metres."""


class Aim(StrEnum):
    """What a plan of sites is best at.

    MOST_PEOPLE: as many as so many sites can have within their walk, whatever the sites' capacity. FEWEST_SITES: all
    who can be reached, likewise. LEAST_TRAVEL: within capacity as many as can be, by the shortest ways.
    """

    MOST_PEOPLE = "most_people"
    FEWEST_SITES = "fewest_sites"
    LEAST_TRAVEL = "least_travel"


class Unserved(StrEnum):
    """Why somebody due has no site. AT_HOME: a team comes to them. NO_POSITION: nobody knows where the house stands."""

    AT_HOME = "at_home"
    NO_POSITION = "no_position"
    UNREACHABLE = Left.UNREACHABLE
    NOT_CHOSEN = Left.NOT_CHOSEN
    FULL = Left.FULL


WHY = {
    Unserved.AT_HOME: mark("vaccinated at home"),
    Unserved.NO_POSITION: mark("no position known"),
    Unserved.UNREACHABLE: mark("no place within walking distance"),
    Unserved.NOT_CHOSEN: mark("places within walking distance were not chosen"),
    Unserved.FULL: mark("sites within walking distance are full"),
}


@dataclass(frozen=True, slots=True)
class SitingWish:
    """sites: how many at most, the fixed ones among them; asked by every aim but FEWEST_SITES.

    first, last: days of the plan; whoever is due on one of them is planned for. proposed: whether the middle house of
    each hamlet is a candidate too. mobile_days: on how many days a team stays at a mobile site.
    """

    campaign_id: str
    first: date
    last: date
    aim: Aim = Aim.MOST_PEOPLE
    sites: int | None = None
    proposed: bool = True
    mobile_days: int = 1
    limits: Limits = field(default_factory=Limits)


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
    """A plan of sites. unserved: people without one, by why, house by house. shortage: which limit binds, None where
    everybody who has a position and walks has a site."""

    campaign: Campaign
    rules: PlanningRules
    wish: SitingWish
    sites: tuple[PlannedSite, ...]
    unserved: Mapping[Unserved, tuple[tuple[DueHouse, tuple[DuePerson, ...]], ...]]
    shortage: Shortage | None
    objective: float
    bound: float
    gap: float
    repeatable: bool
    seconds: float

    def needs(self, site: PlannedSite) -> list[Need]:
        """What a site is to be given, each of its days a session."""
        fixed = site.site.kind is SiteKind.FIXED
        days = (self.wish.last - self.wish.first).days + 1 if fixed else self.wish.mobile_days
        return needs_of(site.doses, self.rules, days)

    @property
    def people(self) -> int:
        """Everybody due, served or not."""
        without = sum(len(people) for several in self.unserved.values() for _, people in several)
        return without + sum(one.people for one in self.sites)


def as_json(plan: SitePlan) -> dict[str, Any]:
    """A plan without names: sites with the ids of their houses and people, and those without one."""
    return {
        "campaign": plan.campaign.id,
        "first": plan.wish.first.isoformat(),
        "last": plan.wish.last.isoformat(),
        "aim": plan.wish.aim,
        "people": plan.people,
        "objective": plan.objective,
        "bound": plan.bound,
        "gap": plan.gap,
        "repeatable": plan.repeatable,
        "sites": [
            {
                **asdict(one.site),
                "people": one.people,
                "doses": dict(one.doses),
                "vaccine": [need.as_json() for need in plan.needs(one)],
                "houses": [
                    {"house": some.house.id, "way_m": round(some.way_m), "people": [each.id for each in some.people]}
                    for some in one.served
                ],
            }
            for one in plan.sites
        ],
        "unserved": {
            why: [{"house": house.id, "people": [each.id for each in people]} for house, people in several]
            for why, several in plan.unserved.items()
        },
    }


def plan_sites(reference: Reference, user: User, wish: SitingWish, watch: Watch | None = None) -> SitePlan:
    """Choose sites for everybody due in a user's area. Every person due is in exactly one part of the plan.

    Raises NotFound for an unknown campaign, InvalidQuestion for a wish that cannot be.
    """
    with reference.database.read() as connection:
        known = reference.known(connection)
        campaign = known.campaign(wish.campaign_id)
        _check(wish)
        rules = demand.rules_of(connection, campaign)
        area = field_area(reference, connection, known, user)
        houses = list(demand.people_due(reference, connection, campaign, rules, (wish.first, wish.last), area))
        sites = kept.everywhere(connection)
    unserved: dict[Unserved, list[tuple[DueHouse, tuple[DuePerson, ...]]]] = {why: [] for why in Unserved}
    walking: list[Walkers] = []
    for house in houses:
        at_home = tuple(one for one in house.people if one.needs.at_home)
        if at_home:
            unserved[Unserved.AT_HOME].append((house, at_home))
        for limit in sorted({one.needs.walk_limit_m for one in house.people if not one.needs.at_home}):
            some = tuple(one for one in house.people if not one.needs.at_home and one.needs.walk_limit_m == limit)
            if house.point is None:
                unserved[Unserved.NO_POSITION].append((house, some))
            else:
                walking.append((house, limit, some))
    if wish.proposed:
        sites = [*sites, *proposals(houses, {code: one.label for code, one in known.hamlets.items()})]
    asked = _Asked.of(walking, sites, rules, wish)
    watch = watch or Watch(wish.limits)
    found = _solve(asked.problem, wish, watch)
    travel = asked.problem.travel
    ways = dict(zip(zip(travel.point.tolist(), travel.site.tolist(), strict=True), travel.far.tolist(), strict=True))
    served: dict[int, list[Served]] = {site: [] for site in found.chosen}
    for (house, _, some), point in zip(walking, asked.point_of.tolist(), strict=True):
        site = int(found.site[point])
        if site == NOBODY:
            unserved[Unserved(found.left[point])].append((house, some))
        else:
            served[site].append(Served(house, some, ways[point, site]))
    return SitePlan(
        campaign,
        rules,
        wish,
        tuple(PlannedSite(asked.sites[site], tuple(several)) for site, several in served.items()),
        {why: tuple(several) for why, several in unserved.items() if several},
        (what_binds(asked.problem, found, watch.part()) or None) if found.left else None,
        found.objective,
        found.bound,
        found.gap,
        found.repeatable,
        found.seconds,
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
    def of(cls, walking: Sequence[Walkers], sites: Sequence[Site], rules: PlanningRules, wish: SitingWish) -> _Asked:
        places: list[Point | Site] = [house.point for house, *_ in walking if house.point is not None]
        places += sites
        every = on_plane([one.lon for one in places], [one.lat for one in places])
        xy, stands = every[: len(walking)], every[len(walking) :]
        limit = np.array([limit for _, limit, _ in walking], np.float64)
        people = np.array([len(some) for *_, some in walking], np.float64)
        weight = np.array([sum(one.needs.weight for one in some) for *_, some in walking], np.float64)
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


def _turns(wish: SitingWish, people: NDArray[np.float64]) -> NDArray[np.float64]:
    """What keeps groups of one square apart: where places are counted, a point goes to a site whole or not at all."""
    if wish.aim is not Aim.LEAST_TRAVEL:
        return np.zeros(len(people))
    if len(people) <= APART:
        return np.arange(len(people), dtype=np.float64)
    return np.floor(people.cumsum() / TOGETHER)


def _candidate(site: Site, wish: SitingWish) -> Candidate:
    fixed = site.kind is SiteKind.FIXED
    days = (wish.last - wish.first).days + 1 if fixed else wish.mobile_days
    return Candidate(None if site.capacity is None else site.capacity * days, fixed)


def _solve(problem: Problem, wish: SitingWish, watch: Watch) -> Siting:
    match wish.aim:
        case Aim.FEWEST_SITES:
            return fewest_sites(problem, watch)
        case Aim.MOST_PEOPLE:
            return most_covered(problem, wish.sites or 1, watch)
        case Aim.LEAST_TRAVEL:
            return least_travel(problem, wish.sites or 1, watch)


def _check(wish: SitingWish) -> None:
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
