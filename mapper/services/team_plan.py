"""Chosen sites and visits at home -> days of teams: who goes where, when, by how much way, and what nobody gets to."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from mapper.domain.people import Point
from mapper.domain.plan import HOUR, DueHouse, DuePerson, FieldTeam, working_days
from mapper.domain.planning import PlanningRules
from mapper.domain.sites import Site, SiteKind
from mapper.errors import InvalidQuestion, mark
from mapper.geo.measure import on_plane
from mapper.services.site_plan import PlannedSite, SitePlan
from mapper.solve.routing import Halt, Missed, Roads, Shift, Team, shortest_routes
from mapper.solve.siting import Stop
from mapper.solve.watch import Watch

METRES_PER_KM = 1000.0

WORTH = 3.0
"""A stop is worth a way so many times as long as the longest of all, and up to twice that by how many people it is for:
no route saves as much by leaving it out, and where not all fit those of fewer people are left out first."""


__all__ = ["working_days"]


@dataclass(frozen=True, slots=True)
class SessionStop:
    """A session at a site, or a part of one. people: of the site, how many are asked to this one."""

    site: PlannedSite
    people: int


@dataclass(frozen=True, slots=True)
class HomeStop:
    """A visit to a house of people who cannot come to a site."""

    house: DueHouse
    people: tuple[DuePerson, ...]


Stopover = SessionStop | HomeStop


@dataclass(frozen=True, slots=True)
class Stay:
    """A stop of a team's day. begin, end: of work there, in minutes after midnight."""

    stop: Stopover
    begin: float
    end: float


@dataclass(frozen=True, slots=True)
class TeamDay:
    """A team's day. begin, end: when it leaves and is back, in minutes after midnight."""

    team: FieldTeam
    day: date
    stays: tuple[Stay, ...]
    begin: float
    end: float
    way_m: float
    doses: int


@dataclass(frozen=True, slots=True)
class TeamPlan:
    """Days of teams, by day and team. missed: stops that no team gets to, and why."""

    days: tuple[TeamDay, ...]
    missed: tuple[tuple[Stopover, Missed], ...]
    way_m: float
    stopped: Stop
    seconds: float


WHY_MISSED: Mapping[Missed, str] = {
    Missed.NO_WAY: mark("no team gets there and back"),
    Missed.TOO_MANY_DOSES: mark("it needs more doses than any team gives on a day"),
    Missed.OUT_OF_HOURS: mark("alone it takes longer than the day of any team"),
    Missed.NO_ROOM: mark("teams and days do not suffice for it"),
}


def plan_teams(
    plan: SitePlan, teams: Sequence[FieldTeam], days: Sequence[date], watch: Watch | None = None
) -> TeamPlan:
    """Send teams to the mobile sites of a plan and to the people who are vaccinated at home.

    Fixed sites have staff of their own. A site with more people than any team sees on a day has several sessions. Ways
    are straight lines times the rules' detour at their driving speed. Raises InvalidQuestion without teams or days, or
    for a team whose day ends before it begins.
    """
    _check(teams, days)
    stops = stops_of(plan, teams)
    places: list[Point | Site] = [team.start for team in teams]
    places += [_place(stop) for stop in stops]
    roads = _roads(places, plan.rules)
    most = max(map(_people, stops), default=1)
    worth = WORTH * max(METRES_PER_KM, float(roads.metres.max())) / most
    halts = [
        Halt(len(teams) + number, _doses(stop), _minutes(stop, plan.rules), prize=worth * (most + _people(stop)))
        for number, stop in enumerate(stops)
    ]
    shifts = [tuple(Shift(number, team.begin, team.end) for number in range(len(days))) for team in teams]
    crews = [
        Team(number, number, own, team.doses, team.cold_minutes)
        for number, (team, own) in enumerate(zip(teams, shifts, strict=True))
    ]
    found = shortest_routes(roads, halts, crews, watch)
    return TeamPlan(
        tuple(
            TeamDay(
                teams[route.team],
                days[route.day],
                tuple(Stay(stops[each.halt], each.begin, each.end) for each in route.halts),
                route.begin,
                route.end,
                route.metres,
                route.doses,
            )
            for route in found.routes
        ),
        tuple((stops[halt], why) for halt, why in found.missed.items()),
        found.metres,
        found.stopped,
        found.seconds,
    )


def read_team(told: str) -> FieldTeam:
    """A team as ``name,lat,lon`` or ``name,lat,lon,doses``. Raises InvalidQuestion."""
    name, *numbers = (part.strip() for part in told.split(","))
    try:
        lat, lon = map(float, numbers[:2])
        doses = int(numbers[2]) if len(numbers) > 2 else None
    except ValueError:
        lat, lon, doses = math.nan, math.nan, None
    fits = name and len(numbers) in (2, 3) and -90 <= lat <= 90 and -180 <= lon <= 180
    if not fits or (doses is not None and doses < 1):
        raise InvalidQuestion(
            mark('{value} is no team. Write it like "Team 1,22.14,105.84,200".'), value=told[:60] or "–"
        )
    return FieldTeam(name, Point(lat, lon), doses=doses)


def stops_of(plan: SitePlan, teams: Sequence[FieldTeam]) -> list[Stopover]:
    """What teams have to go to: mobile sites with anybody to come, in parts that a team can do in a day, and homes."""
    rules = plan.rules
    longest = max(min(team.end - team.begin, team.cold_minutes or math.inf) for team in teams)
    doses = max(math.inf if team.doses is None else team.doses for team in teams)
    # Half of a day at most goes to the way.
    most = max(1, math.floor(min(doses, longest / 2 / rules.minutes_a_dose)))
    found: list[Stopover] = []
    for site in plan.sites:
        if site.site.kind is SiteKind.MOBILE and site.people:
            parts = math.ceil(site.people / most)
            each, more = divmod(site.people, parts)
            found += [SessionStop(site, each + (part < more)) for part in range(parts)]
    for house, people in plan.homes:
        if house.point is not None:
            found.append(HomeStop(house, people))
    return found


def _check(teams: Sequence[FieldTeam], days: Sequence[date]) -> None:
    if not teams:
        raise InvalidQuestion(mark("There is no team. Name one with where it starts and its hours."))
    if not days:
        raise InvalidQuestion(mark("There is no day to go out on. Name one."))
    for team in teams:
        if not 0 <= team.begin < team.end:
            raise InvalidQuestion(
                mark("The day of team {name} ends before it begins. Turn its hours round."), name=team.name
            )


def _roads(places: Sequence[Point | Site], rules: PlanningRules) -> Roads:
    xy = on_plane([one.lon for one in places], [one.lat for one in places])
    metres = np.sqrt(((xy[:, None, :] - xy[None, :, :]) ** 2).sum(axis=2)) * rules.detour
    return Roads(metres, metres / METRES_PER_KM / rules.driving_kmh * HOUR)


def _place(stop: Stopover) -> Point | Site:
    if isinstance(stop, SessionStop):
        return stop.site.site
    assert stop.house.point is not None
    return stop.house.point


def _people(stop: Stopover) -> int:
    return stop.people if isinstance(stop, SessionStop) else len(stop.people)


def _doses(stop: Stopover) -> int:
    if isinstance(stop, HomeStop):
        return sum(len(one.due) for one in stop.people)
    return math.ceil(stop.people * sum(stop.site.doses.values()) / stop.site.people)


def _minutes(stop: Stopover, rules: PlanningRules) -> float:
    if isinstance(stop, HomeStop):
        return rules.minutes_a_home
    return _doses(stop) * rules.minutes_a_dose
