"""People due -> sites: which of the places that there are, who goes where, and who cannot, with the reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache

import numpy as np

from mapper.domain.made_plan import Explained, Unserved
from mapper.domain.plan import Aim, DueHouse, DuePerson, PlanGiven, PlanQuestion
from mapper.domain.planning import PlanningRules
from mapper.domain.sites import Site
from mapper.errors import InvalidQuestion, mark
from mapper.services.dose_limit import Claim, Key, shares, who_gets
from mapper.services.scenarios import Conditions, conditions, unit_of_house
from mapper.services.seats import Seats, seated
from mapper.services.site_number import sites_at_first
from mapper.services.site_places import Place, places
from mapper.services.site_problem import Groups, SiteProblem, Walkers, numbers_of
from mapper.services.site_shortage import Left, explained
from mapper.services.spare_sites import with_spare_sites
from mapper.services.stations_first import AtHome
from mapper.services.travel import Straight, Ways
from mapper.services.vaccine_need import doses_of
from mapper.solve.covering import fewest_sites, most_covered
from mapper.solve.median import least_travel
from mapper.solve.shortage import Shortage, what_binds
from mapper.solve.siting import NOBODY, Limits, Siting
from mapper.solve.watch import Watch

FARTHEST = 10

HousePeople = tuple[DueHouse, tuple[DuePerson, ...]]
"""People of a house of whom one thing holds."""


@dataclass(frozen=True, slots=True)
class Served:
    """People of one house who go to one site. way_m: as the plan reckons it."""

    house: DueHouse
    people: tuple[DuePerson, ...]
    way_m: float


@dataclass(frozen=True, slots=True)
class PlannedSite:
    """A site of a plan with whom it serves. unit: the innermost one around it. kept: a session there stands."""

    site: Site
    served: tuple[Served, ...]
    unit: str | None = None
    kept: bool = False

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
    which limit binds, None where everybody who has a position and walks has a site. binds: the same in words, and all
    else that holds the plan back, most telling first."""

    question: PlanQuestion
    rules: PlanningRules
    sites: tuple[PlannedSite, ...]
    homes: tuple[HousePeople, ...]
    unserved: Mapping[Unserved, tuple[HousePeople, ...]]
    shortage: Shortage | None
    siting: Siting
    binds: tuple[Explained, ...] = ()
    explain: Callable[[Left], tuple[Explained, ...]] | None = field(default=None, repr=False, compare=False)

    def explained(self, unserved: Left) -> tuple[Explained, ...]:
        """The words of binds where these are without a place instead."""
        return self.binds if self.explain is None else self.explain(unserved)

    @property
    def people(self) -> int:
        """Everybody due, served or not."""
        without = [*self.homes, *(one for several in self.unserved.values() for one in several)]
        return sum(len(people) for _, people in without) + sum(one.people for one in self.sites)


def plan_sites(
    given: PlanGiven,
    rules: PlanningRules,
    watch: Watch,
    first: Callable[[SitePlan], None] | None = None,
    ways: Ways | None = None,
) -> SitePlan:
    """Choose sites for everybody due. Every person due is in exactly one part of the plan.

    first: told a plan that can be used, within moments, while a better one is looked for. ways: straight lines where
    none are given. Raises InvalidQuestion for a wish that cannot be.
    """
    check(given.question)
    asking = _Asking.of(given, rules.farther(given.question.farther), ways or Straight(rules))
    if first is not None:
        _tell_first(asking, watch, first)
    number = sites_at_first(given, asking.under, asking.asked.kept)
    found = choose(asking.asked, given.question.aim, number, watch)
    plan = asking.plan(found, watch)
    without = found.left or Unserved.FULL in plan.unserved
    shortage = what_binds(asking.asked.problem, found, watch.part()) if without else None

    def explain(left: Left) -> tuple[Explained, ...]:
        return explained(given, asking.under, asking.asked, asking.where, asking.ways, left, shortage, found)

    return replace(plan, shortage=shortage or None, binds=explain(plan.unserved), explain=explain)


def _tell_first(asking: _Asking, watch: Watch, first: Callable[[SitePlan], None]) -> None:
    """Have a watch tell the first plan that is found, once, and whoever listened to it before."""
    before, told = watch.incumbent, False

    def listen(found: Siting) -> None:
        nonlocal told
        if not told:
            told = True
            first(asking.plan(found, Watch(Limits(0.0), cancelled=watch.cancelled), first=True))
        if before is not None:
            before(found)

    watch.incumbent = listen


@dataclass(frozen=True, eq=False)
class _Asking:
    """A question taken apart.

    nowhere: people whose house has no position. where: all places that there are. asked: the question of those for
    whom doses may suffice, by weight; walking: these. every: of all who walk; waiting: those who get a dose only where
    others leave one, at waiting_points.
    """

    given: PlanGiven
    under: Conditions
    homes: Sequence[HousePeople]
    nowhere: Sequence[HousePeople]
    walking: Sequence[Walkers]
    where: Sequence[Place]
    ways: Ways
    asked: SiteProblem
    waiting: Sequence[Walkers] = ()
    every: SiteProblem | None = None
    waiting_points: Sequence[int] = ()

    @classmethod
    def of(cls, given: PlanGiven, rules: PlanningRules, ways: Ways) -> _Asking:
        wish = given.question
        under = conditions(given, rules)
        homes, nowhere, walking = _sorted(given, under)
        where = places(given)
        days = wish.mobile_days if wish.aim is Aim.LEAST_TRAVEL else max(len(under.days), wish.mobile_days)
        every = numbers_of(Groups.of(walking), where, under, wish.aim, days, ways)
        if wish.doses is None:
            return cls(given, under, homes, nowhere, walking, where, ways, every)
        reaches = every.problem.reachable[every.point_of].tolist()
        claims = [
            Claim(one.house.id, person, under.weight(person, unit_of_house(one.house)))
            for one, near in zip(walking, reaches, strict=True)
            if near
            for person in one.people
        ]
        claims += [
            Claim(house.id, one, under.weight(one, unit_of_house(house)), at_home=True)
            for house, some in homes
            for one in some
        ]
        # Of those with whom doses run out as many count as get one: very many of them draw no site away from the first.
        share = shares(claims, wish.doses)
        some: list[Walkers] = []
        waiting: list[Walkers] = []
        points: list[int] = []
        for one, near, point in zip(walking, reaches, every.point_of.tolist(), strict=True):
            hope = share.get(under.weight(one.people[0], unit_of_house(one.house)), 0.0) if near else 1.0
            if hope:
                some.append(replace(one, weight=one.weight * hope))
            else:
                waiting.append(one)
                points.append(point)
        whole = min(share.values(), default=0.0) >= 1 and not waiting
        asked = every if whole else numbers_of(Groups.of(some), where, under, wish.aim, days, ways)
        return cls(given, under, homes, nowhere, some, where, ways, asked, waiting, every, points)

    def plan(self, found: Siting, watch: Watch, *, first: bool = False) -> SitePlan:
        """The plan of the sites found, without the words that explain it. first: in which seats may be worse."""
        seats = self._seats(found, watch, first)
        unserved: dict[Unserved, list[HousePeople]] = {why: [] for why in Unserved}
        unserved[Unserved.NO_POSITION] += self.nowhere
        served: dict[str, list[Served]] = {self.asked.places[site].site.code: [] for site in found.chosen}
        at = zip(self.walking, seats.place.tolist(), seats.way_m.tolist(), strict=True)
        for group, (walkers, place, way) in enumerate(at):
            if place == NOBODY:
                unserved[seats.why[group]].append((walkers.house, walkers.people))
            else:
                served[seats.places[place].site.code].append(Served(walkers.house, walkers.people, way))
        homes = list(self.homes)
        if self.given.question.doses is not None:
            served, homes, without = self._given_out(found, served, self.given.question.doses)
            unserved[Unserved.NO_DOSES] += without
        chosen = [self.asked.places[site] for site in found.chosen]
        return SitePlan(
            self.given.question,
            self.under.rules,
            tuple(PlannedSite(one.site, tuple(served[one.site.code]), one.unit, one.planned) for one in chosen),
            tuple(homes),
            {why: tuple(several) for why, several in unserved.items() if several},
            None,
            found,
        )

    def _seats(self, found: Siting, watch: Watch, first: bool) -> Seats:
        """Everybody who walks at a site within what it can have."""
        homes = AtHome(len(self.homes), sum(len(one.due) for _, some in self.homes for one in some))
        aim, walking = self.given.question.aim, Groups.of(self.walking)
        return seated(self.asked, found, walking, homes, self.under, aim, self.ways, watch, first=first)

    def _given_out(
        self, found: Siting, served: Mapping[str, list[Served]], doses: int
    ) -> tuple[dict[str, list[Served]], list[HousePeople], list[HousePeople]]:
        """Doses to those who have a site or a visit, in their turn; then to those who waited, where sites have room.

        Who is served then, who is visited, and who gets none.
        """
        sites = [(code, one) for code, several in served.items() for one in several]
        claims = [self._claim(one.house, person, one.way_m) for _, one in sites for person in one.people]
        claims += [self._claim(house, one, at_home=True) for house, some in self.homes for one in some]
        got, left = who_gets(claims, doses)
        after: dict[str, list[Served]] = {code: [] for code in served}
        without: list[HousePeople] = []
        for code, one in sites:
            having, lacking = _parted(one.house, one.people, got)
            if having:
                after[code].append(replace(one, people=having))
            if lacking:
                without.append((one.house, lacking))
        homes = []
        for house, people in self.homes:
            having, lacking = _parted(house, people, got)
            homes += [(house, having)] if having else []
            without += [(house, lacking)] if lacking else []
        without += self._filled_up(found, after, left)
        return after, homes, without

    def _filled_up(self, found: Siting, served: dict[str, list[Served]], doses: int) -> list[HousePeople]:
        """Seat those who waited at the nearest site with room, as long as there are doses; who gets none."""
        every = self.every
        if every is None:
            return []
        chosen = {self.asked.places[site].site.code: self.asked.problem.capacity[site] for site in found.chosen}
        room = {code: limit - sum(len(one.people) for one in served[code]) for code, limit in chosen.items()}
        near: dict[int, list[tuple[float, str]]] = {}
        travel = every.problem.travel
        for point, site, far in zip(travel.point.tolist(), travel.site.tolist(), travel.far.tolist(), strict=True):
            code = every.places[site].site.code
            if code in room:
                near.setdefault(point, []).append((far, code))
        turns = [
            (-one.weight / len(one.people), min(near.get(point, [(np.inf, "")])), one.house.id, number)
            for number, (one, point) in enumerate(zip(self.waiting, self.waiting_points, strict=True))
        ]
        without: list[HousePeople] = []
        for *_, number in sorted(turns):
            walkers, point = self.waiting[number], self.waiting_points[number]
            having: list[DuePerson] = []
            far, code = next(((far, code) for far, code in sorted(near.get(point, [])) if room[code] >= 1), (0.0, ""))
            for person in walkers.people:
                if code and room[code] >= 1 and len(person.due) <= doses:
                    doses -= len(person.due)
                    room[code] -= 1
                    having.append(person)
            if having:
                served[code].append(Served(walkers.house, tuple(having), far))
            lacking = tuple(one for one in walkers.people if one not in having)
            if lacking:
                without.append((walkers.house, lacking))
        return without

    def _claim(self, house: DueHouse, person: DuePerson, way_m: float = 0.0, at_home: bool = False) -> Claim:
        return Claim(house.id, person, self.under.weight(person, unit_of_house(house)), way_m, at_home)


def _parted(
    house: DueHouse, people: tuple[DuePerson, ...], got: set[Key]
) -> tuple[tuple[DuePerson, ...], tuple[DuePerson, ...]]:
    """Those of a house who get doses, and those who do not."""
    having = tuple(one for one in people if (house.id, one.id) in got)
    return having, tuple(one for one in people if (house.id, one.id) not in got)


def _sorted(given: PlanGiven, under: Conditions) -> tuple[list[HousePeople], list[HousePeople], list[Walkers]]:
    """Who is visited, who cannot be found for want of a position, and who walks: of a house those of one limit.

    Where doses are counted those of one weight are apart too, since they may get them and others not.
    """
    homes: list[HousePeople] = []
    nowhere: list[HousePeople] = []
    walking: list[Walkers] = []
    counted = given.question.doses is not None
    needed = cache(under.rules.needs)
    # What holds of a person of a unit: whether they stay at home, how far they walk, and as how many they count.
    known: dict[tuple[str | None, date, tuple[int, ...]], tuple[bool, float, float]] = {}
    for house in given.houses:
        if house.point is None:
            nowhere.append((house, house.people))
            continue
        unit = unit_of_house(house)
        at_home: list[DuePerson] = []
        alike: dict[tuple[float, float], list[DuePerson]] = {}
        weights: dict[tuple[float, float], float] = {}
        for one in house.people:
            holds = known.get(key := (unit, one.on, one.precedences))
            if holds is None:
                needs = needed(one.precedences)
                weight = 0.0 if needs.at_home else under.weight(one, unit)
                holds = known[key] = needs.at_home, needs.walk_limit_m, weight
            stays, limit, weight = holds
            if stays:
                at_home.append(one)
                continue
            sort = limit, weight if counted else 0.0
            if sort in alike:
                alike[sort].append(one)
                weights[sort] += weight
            else:
                alike[sort] = [one]
                weights[sort] = weight
        if at_home:
            homes.append((house, tuple(at_home)))
        for sort in sorted(alike) if len(alike) > 1 else alike:
            walking.append(Walkers(house, tuple(alike[sort]), sort[0], weights[sort]))
    return homes, nowhere, walking


def choose(asked: SiteProblem, aim: Aim, number: int, watch: Watch) -> Siting:
    """The sites of a question, so many at most where its aim counts them."""
    match aim:
        case Aim.FEWEST_SITES:
            return fewest_sites(asked.problem, watch)
        case Aim.MOST_PEOPLE:
            return with_spare_sites(asked.problem, most_covered(asked.problem, number, watch), number)
        case Aim.LEAST_TRAVEL:
            return least_travel(asked.problem, number, watch)


def check(wish: PlanQuestion) -> None:
    """Raises InvalidQuestion for a wish that cannot be."""
    if not wish.first <= wish.last:
        raise InvalidQuestion(
            mark("The plan ends on {last}, before it begins on {first}. Turn the days round."),
            first=wish.first,
            last=wish.last,
        )
    if wish.aim is not Aim.FEWEST_SITES and wish.sites is not None and wish.sites < 1:
        raise InvalidQuestion(
            mark("Say how many sites there may be, 1 or more; or leave it out for as many as the teams' days hold.")
        )
    if wish.mobile_days < 1:
        raise InvalidQuestion(mark("A team stays at a mobile site for 1 day or more."))
    if not 0 < wish.farther <= FARTHEST:
        raise InvalidQuestion(
            mark("People walk up to {most} times as far as planned. Say 1 for as far."), most=FARTHEST
        )
    if wish.doses is not None and wish.doses < 0:
        raise InvalidQuestion(mark("Say how many doses there are, 0 or more; or leave it out for as many as needed."))
