"""What teams have to go to: sessions at mobile sites, in parts that a team can do in a day, and visits at home."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from mapper.domain.people import Point
from mapper.domain.plan import DueHouse, DuePerson, FieldTeam, FixedSession, PlanGiven, PlanQuestion
from mapper.domain.planning import PlanningRules
from mapper.domain.sites import Site, SiteKind
from mapper.services.scenarios import Conditions, unit_of_house
from mapper.services.site_plan import PlannedSite, SitePlan
from mapper.services.turns import Comer, Weights, mostly_ready, together

ON_SITE = 0.3
"""Share of a team's hours that one session takes at most: smaller ones fit what a day has left beside others."""


@dataclass(frozen=True, slots=True)
class SessionStop:
    """A session at a site, or a part of one. people, doses: for whom there is room. ready: the first day for it.

    part: which of how many, on days of their own, counted from 0; None where all may be on one day. kept: stands.
    """

    site: PlannedSite
    people: int
    doses: int
    ready: date
    weight: float
    part: tuple[int, int] | None = None
    kept: FixedSession | None = None


@dataclass(frozen=True, slots=True)
class HomeStop:
    """A visit to a house of people who cannot come to a site."""

    house: DueHouse
    people: tuple[DuePerson, ...]
    ready: date
    weight: float

    @property
    def doses(self) -> int:
        """That they are due."""
        return sum(len(one.due) for one in self.people)


Stopover = SessionStop | HomeStop


def stops_of(
    given: PlanGiven, plan: SitePlan, comers: Sequence[list[Comer]], held: Conditions, teams: Sequence[FieldTeam]
) -> list[Stopover]:
    """Sessions that stand, sessions at mobile sites with anybody to come, and houses of people who stay at home.

    comers: of each site of the plan; see ``turns.comers_of``.
    """
    question = given.question
    found: list[Stopover] = []
    for site, coming in zip(plan.sites, comers, strict=True):
        kept = [
            one
            for one in standing(question)
            if one.site == site.site.code and (one.team or site.site.kind is SiteKind.MOBILE)
        ]
        if not kept and (site.site.kind is SiteKind.FIXED or not site.served):
            continue
        found += _sessions(given, held, site, coming, sorted(kept, key=lambda one: (one.day, one.team)), teams)
    return [*found, *visits(plan.homes, held)]


def visits(homes: Iterable[tuple[DueHouse, tuple[DuePerson, ...]]], held: Conditions) -> list[HomeStop]:
    """Houses of people who stay at home, those of one house together where their days allow."""
    weights, found = Weights(held), []
    for house, people in homes:
        if house.point is None:
            continue
        ready = together(people, held.days[-1])
        for day in sorted(set(ready)):
            some = tuple(one for one, own in zip(people, ready, strict=True) if own == day)
            found.append(HomeStop(house, some, day, sum(weights.of(house, one) for one in some)))
    return found


def standing(question: PlanQuestion) -> list[FixedSession]:
    """The sessions that stand, of the days of a question."""
    return [one for one in question.keeps if question.first <= one.day <= question.last]


def unit_of_site(given: PlanGiven, site: PlannedSite) -> str | None:
    """The innermost unit around it; of a place that nobody entered the one in which most of its houses stand."""
    known = given.units.get(site.site.code)
    if known is not None:
        return known
    codes = [code for some in site.served if (code := unit_of_house(some.house)) is not None]
    return max(sorted(set(codes)), key=codes.count, default=None)


def minutes_at(stop: Stopover, rules: PlanningRules) -> float:
    """Of work at a stop: at home so many a house, and for each further dose as at a site."""
    if isinstance(stop, HomeStop):
        return rules.minutes_a_home + (stop.doses - 1) * rules.minutes_a_dose
    return stop.doses * rules.minutes_a_dose


def place_of(stop: Stopover) -> Site | Point:
    """Where it is."""
    if isinstance(stop, SessionStop):
        return stop.site.site
    assert stop.house.point is not None
    return stop.house.point


def doses_a_session(teams: Sequence[FieldTeam], rules: PlanningRules) -> int:
    """That any team gives at one session at most."""
    hours = [min(one.end - one.begin, one.cold_minutes or math.inf) * ON_SITE / rules.minutes_a_dose for one in teams]
    own = [min(each, math.inf if one.doses is None else one.doses) for one, each in zip(teams, hours, strict=True)]
    return max(1, math.floor(max(own, default=1)))


def _sessions(
    given: PlanGiven,
    held: Conditions,
    site: PlannedSite,
    comers: list[Comer],
    kept: list[FixedSession],
    teams: Sequence[FieldTeam],
) -> list[SessionStop]:
    unit = unit_of_site(given, site)
    crowd = crowd_of(held, site.site, unit)
    doses, most = sum(one.doses for one in comers), doses_a_session(teams, held.rules)
    number = max(sessions_of(site.site, len(comers), doses, most, crowd, given.question.mobile_days), len(kept))
    target = math.ceil(doses / number)
    left, found = list(comers), []
    for one in kept:
        own = next((team for team in teams if team.name == one.team), None)
        room = held.room(site.site, unit, one.day)
        limits = [len(left) if limit is None else limit for limit in (one.people, room)]
        able = most if own is None else doses_a_session([own], held.rules)
        before = frozenset(one.asked)
        mine = sorted(_for(left, one, kept), key=lambda each: each.person.id not in before)
        some = _taken(mine, min(limits), able if one.people is not None else min(target, able), one.day)
        gone = set(map(id, some))
        left = [each for each in left if id(each) not in gone]
        found.append(replace(_stop(site, some, one.day), kept=one))
    parts = []
    # The others of a station are asked to sessions of its own staff.
    while left and site.site.kind is SiteKind.MOBILE:
        some = _taken(left, crowd or len(left), target)
        left = left[len(some) :]
        parts.append(_stop(site, some, held.days[-1]))
    return [*found, *apart(parts, len(comers), crowd, given.question.mobile_days)]


def crowd_of(held: Conditions, site: Site, unit: str | None) -> int | None:
    """People whom a site can have on any day of the plan; None for any number."""
    rooms = [room for day in held.days if (room := held.room(site, unit, day)) is not None]
    return min(rooms, default=None)


def sessions_of(site: Site, people: int, doses: int, most: int, crowd: int | None, mobile_days: int) -> int:
    """How many sessions a site has. most: doses that one gives at most."""
    number = max(math.ceil(doses / most), 1)
    if crowd is not None:
        number = max(number, math.ceil(people / max(1, crowd)))
    return max(number, min(mobile_days, people)) if site.kind is SiteKind.MOBILE else number


def apart(parts: list[SessionStop], people: int, crowd: int | None, mobile_days: int) -> list[SessionStop]:
    """The sessions of a site, on days of their own where they have to be."""
    if len(parts) > 1 and (mobile_days > 1 or (crowd is not None and people > crowd)):
        return [replace(one, part=(place, len(parts))) for place, one in enumerate(parts)]
    return parts


def _for(comers: list[Comer], own: FixedSession, kept: list[FixedSession]) -> list[Comer]:
    """Those who were not asked to another of the sessions that stand."""
    others = {person for one in kept if one is not own for person in one.asked} - {*own.asked}
    return [one for one in comers if one.person.id not in others]


def _taken(comers: list[Comer], people: float, doses: float, day: date | None = None) -> list[Comer]:
    """From the first on so many of them as there is room for, one at least; of a day those who are ready then."""
    some: list[Comer] = []
    sum_of = 0
    for one in comers:
        if day is not None and one.ready > day:
            continue
        if len(some) >= people or (sum_of + one.doses > doses and (some or day is not None)):
            break
        some.append(one)
        sum_of += one.doses
    return some


def _stop(site: PlannedSite, comers: list[Comer], day: date) -> SessionStop:
    ready = mostly_ready(one.ready for one in comers) if comers else day
    return SessionStop(site, len(comers), sum(one.doses for one in comers), ready, sum(one.weight for one in comers))
