"""Chosen sites and visits at home -> days of teams: who goes where, when, by how much way, and what nobody gets to."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from mapper.domain.people import Point
from mapper.domain.plan import FieldTeam, PlanGiven
from mapper.errors import InvalidQuestion, mark
from mapper.services.field_routes import Field, at_once, metres_around
from mapper.services.rolling import roll
from mapper.services.scenarios import Conditions, own_days
from mapper.services.site_plan import SitePlan
from mapper.services.team_stops import SessionStop, Stopover, minutes_at, stops_of
from mapper.services.travel import Ways
from mapper.services.turns import Comer
from mapper.solve.siting import Stop
from mapper.solve.team_days import Missed
from mapper.solve.watch import Watch

ROUNDS = 1_000_000
"""Rounds of search for routes, divided by the stops."""

FEWEST_ROUNDS = 200

ROUNDS_A_STOP = 40
"""Few stops are in their best order long before."""


@dataclass(frozen=True, slots=True)
class Stay:
    """A stop of a team's day. begin, end: of work there, in minutes after midnight. turn: how many it comes after."""

    stop: Stopover
    begin: float
    end: float
    turn: int = 0


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
    """Days of teams, by day and team. missed: stops that no team gets to, and why. idle: teams without hours."""

    days: tuple[TeamDay, ...]
    missed: tuple[tuple[Stopover, Missed], ...]
    way_m: float
    stopped: Stop
    seconds: float
    idle: tuple[FieldTeam, ...] = ()


def plan_teams(
    given: PlanGiven,
    plan: SitePlan,
    comers: Sequence[list[Comer]],
    held: Conditions,
    ways: Ways,
    watch: Watch,
    *,
    times: float = math.inf,
) -> TeamPlan:
    """Send the teams of a question to the mobile sites of a plan and to the people who are vaccinated at home.

    Fixed sites have staff of their own. A site with more people than any team sees on a day has several sessions. A
    session that stands is gone to by its team on its day before all others. A search that no watch limits to rounds is
    limited to so many that the same given gives the same routes. comers: of each site; see ``turns.comers_of``.
    """
    return send_teams(given, stops_of(given, plan, comers, held, able_teams(held)), held, ways, watch, times=times)


def able_teams(held: Conditions) -> tuple[FieldTeam, ...]:
    """The teams that have hours."""
    return tuple(one for one in held.teams if 0 <= one.begin < one.end)


def send_teams(
    given: PlanGiven,
    every: Sequence[Stopover],
    held: Conditions,
    ways: Ways,
    watch: Watch,
    *,
    times: float = math.inf,
) -> TeamPlan:
    """Send the teams of a question to these stops. times: of the work that they can do, so much is looked at."""
    able = able_teams(held)
    number_of = _likely(given, every, held, able, times)
    stops = [every[number] for number in number_of]
    idle = tuple(one for one in held.teams if one not in able)
    if not able or not stops:
        return TeamPlan((), tuple((stop, Missed.NO_ROOM) for stop in every), 0.0, Stop.OPTIMAL, watch.seconds, idle)
    field = Field.of(given, held, stops, able, ways)
    watch = replace(watch, limits=replace(watch.limits, rounds=watch.limits.rounds or _rounds(len(stops))))
    routes, missed, stopped = roll(field, given, held, watch) if given.question.rolling else at_once(field, watch)
    days = tuple(
        TeamDay(
            able[legs.team],
            field.calendar[legs.day],
            _joined([Stay(stops[one.halt], one.begin, one.end) for one in legs.halts]),
            legs.begin,
            legs.end,
            legs.metres,
            legs.doses,
        )
        for legs in routes
    )
    whys = dict.fromkeys(set(range(len(every))) - set(number_of), Missed.NO_ROOM)
    whys |= {number_of[number]: why for number, why in missed.items()}
    left = tuple((every[number], why) for number, why in sorted(whys.items()))
    return TeamPlan(days, left, sum(one.way_m for one in days), stopped, watch.seconds, idle)


def _likely(
    given: PlanGiven, stops: Sequence[Stopover], held: Conditions, teams: Sequence[FieldTeam], times: float
) -> list[int]:
    """The stops that are worth most for the work there, so many times as much as teams have hours and doses for.

    Sessions that stand are among them. All of them where that is no more.
    """
    days = [len(own_days(team, given, held)) for team in teams]
    hours = sum(
        number * min(one.end - one.begin, one.cold_minutes or math.inf) for one, number in zip(teams, days, strict=True)
    )
    doses = sum(
        number * (math.inf if one.doses is None else one.doses) for one, number in zip(teams, days, strict=True)
    )
    share = [max(minutes_at(one, held.rules) / max(hours, 1.0), one.doses / max(doses, 1.0)) for one in stops]
    if sum(share) <= times:
        return list(range(len(stops)))
    most = max(one.weight for one in stops)

    def rank(number: int) -> tuple[bool, float, int]:
        one = stops[number]
        stands = isinstance(one, SessionStop) and one.kept is not None
        # As ``field_routes`` has it of what a stop is worth.
        return not stands, -(most + one.weight) / max(minutes_at(one, held.rules), 1.0), number

    found: list[int] = []
    for number in sorted(range(len(stops)), key=rank):
        if times <= 0:
            break
        found.append(number)
        times -= share[number]
    return sorted(found)


def _rounds(stops: int) -> int:
    return max(FEWEST_ROUNDS, min(ROUNDS // stops, FEWEST_ROUNDS + ROUNDS_A_STOP * stops))


def without(day: TeamDay, stays: Sequence[Stay], ways: Ways) -> TeamDay | None:
    """A team's day with these of its stops alone; the times stay as they are, the way is the shorter one."""
    if not stays:
        return None
    return replace(day, stays=tuple(stays), way_m=metres_around(day.team, [one.stop for one in stays], ways))


def _joined(stays: list[Stay]) -> tuple[Stay, ...]:
    """Sessions at one site one after another are one, unless one of them stands for so many people."""
    found: list[Stay] = []
    for one in stays:
        before = found[-1] if found else None
        if before is not None and isinstance(before.stop, SessionStop) and isinstance(one.stop, SessionStop):
            same = before.stop.site.site.code == one.stop.site.site.code
            if same and all(each.kept is None or each.kept.people is None for each in (before.stop, one.stop)):
                stop = replace(
                    before.stop,
                    kept=before.stop.kept or one.stop.kept,
                    people=before.stop.people + one.stop.people,
                    doses=before.stop.doses + one.stop.doses,
                    ready=max(before.stop.ready, one.stop.ready),
                    weight=before.stop.weight + one.stop.weight,
                )
                found[-1] = Stay(stop, before.begin, one.end)
                continue
        found.append(one)
    return tuple(replace(one, turn=turn) for turn, one in enumerate(found))


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
