"""Stops of teams as routes over days: which days each stop may be on, what it is worth, and the shortest ways."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from mapper.domain.people import Point
from mapper.domain.plan import FieldTeam, PlanGiven
from mapper.domain.planning import PlanningRules
from mapper.services.scenarios import Conditions, own_days
from mapper.services.team_stops import SessionStop, Stopover, minutes_at, place_of, standing
from mapper.services.travel import Ways, lon_lat
from mapper.solve.routing import shortest_routes
from mapper.solve.siting import Stop
from mapper.solve.team_days import Halt, Missed, Roads, Route, Shift, Team, Window
from mapper.solve.watch import Watch

WORTH = 3.0
"""A stop is worth the longest way of all and the wait of a plan so many times, and up to twice that by the weight of
its people: no route saves as much by leaving it out, and where not all fit those of less weight are left out first."""

STANDS = 10.0
"""A session that stands is worth so many times as much as all other stops together."""

A_DAY_M = 1_000.0
"""To come a day earlier is worth so many metres of way."""

DAY_MINUTES = 1_440


@dataclass(frozen=True, eq=False)
class Field:
    """Stops and teams with the ways between them: places are the teams' starts, then the stops.

    calendar: days on which any team works; shifts: of each team, their positions. prizes: of each stop, in metres.
    """

    stops: Sequence[Stopover]
    teams: Sequence[FieldTeam]
    calendar: Sequence[date]
    shifts: Sequence[Sequence[int]]
    roads: Roads
    prizes: Sequence[float]
    rules: PlanningRules

    @classmethod
    def of(
        cls, given: PlanGiven, held: Conditions, stops: Sequence[Stopover], teams: Sequence[FieldTeam], ways: Ways
    ) -> Field:
        """All that teams can do in the days of a question."""
        own = [set(own_days(team, given, held)) for team in teams]
        for one in standing(given.question):
            for days, team in zip(own, teams, strict=True):
                if team.name == one.team:
                    days.add(one.day)
        calendar = sorted(set().union(*own))
        roads = _roads(teams, stops, ways)
        finite = roads.metres[np.isfinite(roads.metres)]
        most = max((one.weight for one in stops), default=0.0) or 1.0
        worth = WORTH * (float(finite.max(initial=0.0)) + A_DAY_M * (len(calendar) + 1)) / most
        prizes = [worth * (most + one.weight) for one in stops]
        total = STANDS * sum(prizes)
        return cls(
            stops,
            teams,
            calendar,
            [[calendar.index(day) for day in sorted(days)] for days in own],
            roads,
            [total if _stands(one) else prize for one, prize in zip(stops, prizes, strict=True)],
            held.rules,
        )

    def place(self, stop: int) -> int:
        """Of a stop."""
        return len(self.teams) + stop

    def crew(self, team: int, days: Sequence[int]) -> Team:
        """A team on some days."""
        own = self.teams[team]
        shifts = tuple(Shift(day, own.begin, own.end, A_DAY_M * day) for day in days)
        return Team(team, team, shifts, own.doses, own.cold_minutes)

    def first_day(self, stop: int, days: Sequence[int]) -> int | None:
        """The first of some days on which most people of a stop are due; None where it comes too late for all."""
        ready = self.stops[stop].ready
        return next((day for day in days if self.calendar[day] >= ready), None)

    def halts(self, stops: Sequence[int], days: Sequence[int]) -> tuple[list[int], list[Halt]]:
        """Those of some stops that can be on these days, as questions of routes."""
        blocks = self._blocks(stops, days)
        going, halts = [], []
        for number in stops:
            stop = self.stops[number]
            span = blocks.get(number)
            crew: tuple[int, ...] = ()
            if isinstance(stop, SessionStop) and stop.kept is not None:
                day = next((one for one in days if self.calendar[one] == stop.kept.day), None)
                span = None if day is None else (day, day)
                crew = tuple(place for place, one in enumerate(self.teams) if one.name == stop.kept.team)
            if span is None:
                continue
            begin, end = span
            whole = (begin, end) == (days[0], days[-1])
            windows = () if whole else (Window(0, DAY_MINUTES * (end - begin + 1), begin),)
            minutes = minutes_at(stop, self.rules)
            going.append(number)
            halts.append(Halt(self.place(number), stop.doses, minutes, windows, self.prizes[number], crew))
        return going, halts

    def _blocks(self, stops: Sequence[int], days: Sequence[int]) -> Mapping[int, tuple[int, int]]:
        """The first and last day of each stop; parts of one site that need days of their own have no day in common."""
        found: dict[int, tuple[int, int]] = {}
        apart: dict[str, list[int]] = {}
        for number in stops:
            stop = self.stops[number]
            first = self.first_day(number, days)
            if isinstance(stop, SessionStop) and stop.part is not None:
                apart.setdefault(stop.site.site.code, []).append(number)
            elif first is not None:
                found[number] = first, days[-1]
        for several in apart.values():
            starts, before = [], -1
            for place, number in enumerate(several):
                first = self.first_day(number, days)
                own = len(days) if first is None else days.index(first)
                before = max(before + 1, own, place * len(days) // len(several))
                starts.append(before)
            for number, (start, end) in zip(several, itertools.pairwise([*starts, len(days)]), strict=True):
                if start < len(days):
                    found[number] = days[start], days[min(max(start, end - 1), len(days) - 1)]
        return found


def at_once(field: Field, watch: Watch) -> tuple[list[Route], dict[int, Missed], Stop]:
    """All teams over all days: routes by day and team, and the stops that are on none."""
    days = range(len(field.calendar))
    going, halts = field.halts(range(len(field.stops)), days) if days else ([], [])
    crews = [field.crew(number, field.shifts[number]) for number in range(len(field.teams))]
    found = shortest_routes(field.roads, halts, crews, watch)
    missed = dict.fromkeys(set(range(len(field.stops))) - set(going), Missed.NO_ROOM)
    missed |= {going[halt]: why for halt, why in found.missed.items()}
    return [renumbered(route, going, route.team) for route in found.routes], missed, found.stopped


def renumbered(route: Route, going: Sequence[int], team: int) -> Route:
    """A route of some stops and a team as those of the field are counted."""
    return replace(route, team=team, halts=tuple(replace(one, halt=going[one.halt]) for one in route.halts))


def metres_around(team: FieldTeam, stops: Sequence[Stopover], ways: Ways) -> float:
    """From a team's start by these stops back to it."""
    metres = _roads([team], stops, ways).metres
    order = [0, *range(1, len(stops) + 1), 0]
    return float(sum(np.ceil(metres[here, there] - 1e-6) for here, there in itertools.pairwise(order)))


def _roads(teams: Sequence[FieldTeam], stops: Sequence[Stopover], ways: Ways) -> Roads:
    places = [team.start for team in teams]
    for stop in stops:
        place = place_of(stop)
        places.append(Point(place.lat, place.lon))
    return ways.drives(lon_lat(places))


def _stands(stop: Stopover) -> bool:
    return isinstance(stop, SessionStop) and stop.kept is not None
