"""Commune after commune: a team finishes one before it goes to the next.

The commune of the highest epidemic level is first; of those of one level a team begins with the one whose people weigh
most for a day of work there, and goes on to the nearest of those that are left. A commune is not begun before most of
its people are due. Where teams are fewer than communes each commune has one team, and another where that one does not
suffice; where they are more they share them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property

from mapper.domain.plan import PlanGiven
from mapper.services.field_routes import Field, renumbered
from mapper.services.scenarios import Conditions, unit_of_house
from mapper.services.team_stops import SessionStop, Stopover, minutes_at, unit_of_site
from mapper.services.turns import mostly_ready
from mapper.solve.routing import shortest_routes
from mapper.solve.siting import Stop
from mapper.solve.team_days import Missed, Route, Routing, Shift, Team, impossible
from mapper.solve.watch import Watch

PARTS = 5
"""The stops of one commune are so much fewer that so small a part of the rounds is enough for them."""

ROOM = 1.5
"""A commune is first tried in the days in which so many times its work is done, ways among it; then in all days."""


@dataclass(eq=False)
class _Crew:
    """A team on its way through communes. days: that it has left, the one of its open route among them."""

    number: int
    days: list[int]
    open: Route | None = None
    done: list[Route] = field(default_factory=list)

    @property
    def time(self) -> tuple[int, float, int]:
        """When it is free, and its number: who is free first takes the next commune."""
        if not self.days:
            return 10**6, 0.0, self.number
        return self.days[0], self.open.halts[-1].end if self.open else 0.0, self.number

    def take(self, route: Route) -> None:
        """Go on with a route: of a day on which it is out already, or of a later one."""
        if self.open is not None and self.open.day != route.day:
            self.done.append(self.open)
        self.open = route
        self.days = [day for day in self.days if day >= route.day]

    def routes(self) -> list[Route]:
        """All of them."""
        return [*self.done, *([self.open] if self.open else [])]


Rolled = tuple[list[Route], dict[int, Missed], Stop]


def roll(field: Field, given: PlanGiven, held: Conditions, watch: Watch) -> Rolled:
    """Routes by day and team, and the stops that are on none. Sessions that stand come before any order of communes.

    Where that leaves out stops, it is tried again with teams that fill each day before the next, at the price of longer
    ways.
    """
    if watch.limits.rounds is not None:
        watch = replace(watch, limits=replace(watch.limits, rounds=max(1, watch.limits.rounds // PARTS)))
    calm = _roll(field, given, held, watch, day_by_day=False)
    if not calm[1] or watch.over():
        return calm
    haste = _roll(field, given, held, watch, day_by_day=True)
    return min((calm, haste), key=lambda rolled: sum(field.stops[one].weight for one in rolled[1]))


def _roll(field: Field, given: PlanGiven, held: Conditions, watch: Watch, *, day_by_day: bool) -> Rolled:
    standing = [number for number, stop in enumerate(field.stops) if _stands(stop)]
    crews = [_Crew(number, list(days)) for number, days in enumerate(field.shifts)]
    missed: dict[int, Missed] = {}
    rolled = _Rolled(field, given, held, watch, crews, missed)
    if standing:
        rolled.stand(standing)
    communes: dict[str, list[int]] = {}
    for number, stop in enumerate(field.stops):
        if not _stands(stop):
            communes.setdefault(_commune(stop, given), []).append(number)
    together = max(1, -(-len(crews) // max(1, len(communes))))
    if not field.calendar:
        return [], dict.fromkeys(range(len(field.stops)), Missed.NO_ROOM), Stop.OPTIMAL
    while communes:
        first = min(crews, key=lambda one: one.time)
        code = rolled.next_of(communes, first)
        through = rolled.day_by_day if day_by_day else rolled.through
        through(communes.pop(code), together)
    routes = sorted((route for crew in crews for route in crew.routes()), key=lambda one: (one.day, one.team))
    return routes, missed, rolled.stopped


@dataclass(eq=False)
class _Rolled:
    field: Field
    given: PlanGiven
    held: Conditions
    watch: Watch
    crews: list[_Crew]
    missed: dict[int, Missed]
    stopped: Stop = Stop.ROUNDS

    @cached_property
    def hopeless(self) -> dict[int, Missed]:
        """Stops to which no team could go on any of its days, and why."""
        days = range(len(self.field.calendar))
        going, halts = self.field.halts(range(len(self.field.stops)), days)
        crews = [self.field.crew(number, own) for number, own in enumerate(self.field.shifts)]
        found = impossible(self.field.roads, halts, crews)
        return {going[halt]: why for halt, why in found.items()}

    def stand(self, stops: list[int]) -> None:
        """Days with sessions that stand are of those alone."""
        going, halts = self.field.halts(stops, range(len(self.field.calendar)))
        self.missed.update(dict.fromkeys(set(stops) - set(going), Missed.NO_ROOM))
        crews = [self.field.crew(crew.number, crew.days) for crew in self.crews]
        found = self._solved(shortest_routes(self.field.roads, halts, crews, self.watch))
        self.missed.update({going[halt]: why for halt, why in found.missed.items()})
        for route in found.routes:
            crew = self.crews[route.team]
            crew.done.append(renumbered(route, going, route.team))
            crew.days.remove(route.day)

    def next_of(self, communes: dict[str, list[int]], crew: _Crew) -> str:
        """The commune that a team goes to next; of those for which it is too early, the one it is soonest due."""
        field, here = self.field, crew.number if crew.open is None else field_place(self.field, crew.open)
        today = crew.days[0] if crew.days else 0
        day = field.calendar[today]
        ripe = {code: mostly_ready(field.stops[one].ready for one in stops) for code, stops in communes.items()}
        soonest = max(day, min(ripe.values()))

        def rank(code: str) -> tuple[float, ...]:
            stops = communes[code]
            level = self.held.level(code, day) or 0
            if crew.open is None and not crew.done:
                work = sum(minutes_at(field.stops[one], field.rules) for one in stops)
                far = -sum(field.stops[one].weight for one in stops) / max(work, 1.0)
            else:
                far = min(float(field.roads.metres[here, field.place(one)]) for one in stops)
            return -level, far

        return min((code for code in communes if ripe[code] <= soonest), key=lambda code: (rank(code), code))

    def through(self, stops: list[int], together: int) -> None:
        """A whole commune, by the teams that are free first: by one more as long as they do not suffice."""
        waiting = sorted(self.crews, key=lambda one: one.time)
        ripe = mostly_ready(self.field.stops[one].ready for one in stops)
        number = min(together, len(waiting))
        while True:
            solved = self._commune(stops, [one for one in waiting[:number] if one.days], ripe)
            if number == len(waiting) or (solved is not None and not self._short(*solved[:2])):
                break
            number = min(2 * number, len(waiting))
        if solved is not None:
            self._take(*solved)
        self._miss(stops)

    def day_by_day(self, stops: list[int], together: int) -> None:
        """A whole commune, each day filled before the next; by more teams where those that are free first leave any."""
        field, left, number = self.field, stops, min(together, len(self.crews))
        waiting = sorted(self.crews, key=lambda one: one.time)
        ripe = mostly_ready(field.stops[one].ready for one in stops)
        while left and number <= len(waiting):
            crews = [one for one in waiting[:number] if one.days]
            for day in sorted({day for crew in crews for day in crew.days if field.calendar[day] >= ripe}):
                going, halts = field.halts(left, [day])
                if not halts:
                    continue
                teams, members = self._teams(crews, [day])
                self._take(self._solved(shortest_routes(field.roads, halts, teams, self.watch)), going, members)
                reached = self._reached()
                left = [one for one in left if one not in reached]
                if not left:
                    break
            number += 1
        self._miss(stops)

    def _reached(self) -> set[int]:
        return {one.halt for crew in self.crews for route in crew.routes() for one in route.halts}

    def _miss(self, stops: Sequence[int]) -> None:
        reached = self._reached()
        left = (one for one in stops if one not in reached)
        self.missed.update({one: self.hopeless.get(one, Missed.NO_ROOM) for one in left})

    def _commune(
        self, stops: list[int], crews: Sequence[_Crew], ripe: date
    ) -> tuple[Routing, list[int], list[tuple[_Crew, bool]]] | None:
        field = self.field
        days = sorted({day for crew in crews for day in crew.days if field.calendar[day] >= ripe})
        work = ROOM * sum(minutes_at(field.stops[one], field.rules) for one in stops)
        hours = {number: field.teams[number].end - field.teams[number].begin for number in range(len(field.teams))}
        enough = len(days)
        for place, day in enumerate(days):
            work -= sum(hours[crew.number] for crew in crews if day in crew.days)
            if work <= 0:
                enough = place + 1
                break
        best = None
        for allowed in (days[:enough], days):
            if allowed and (best is None or (self._short(*best[:2]) and enough < len(days))):
                going, halts = field.halts(stops, allowed)
                teams, members = self._teams(crews, allowed)
                best = self._solved(shortest_routes(field.roads, halts, teams, self.watch)), going, members
        return best

    def _teams(self, crews: Sequence[_Crew], days: Sequence[int]) -> tuple[list[Team], list[tuple[_Crew, bool]]]:
        """Teams with what is left of the day on which they are out, and with the days after it."""
        teams, members = [], []
        for crew in crews:
            own, route = [day for day in crew.days if day in days], crew.open
            if route is not None:
                own = [day for day in own if day > route.day]
                team, end = self.field.teams[crew.number], route.halts[-1].end
                cold = None if team.cold_minutes is None else team.cold_minutes - (end - route.begin)
                if route.day in days and end < team.end and (cold is None or cold > 1):
                    doses = None if team.doses is None else team.doses - route.doses
                    rest = Shift(route.day, end, team.end)
                    teams.append(Team(field_place(self.field, route), crew.number, (rest,), doses, cold))
                    members.append((crew, True))
            teams.append(self.field.crew(crew.number, own))
            members.append((crew, False))
        return teams, members

    def _take(self, found: Routing, going: list[int], members: list[tuple[_Crew, bool]]) -> None:
        for route in found.routes:
            crew, more = members[route.team]
            own = renumbered(route, going, crew.number)
            before = crew.open
            if more and before is not None:
                back = float(self.field.roads.metres[field_place(self.field, before), crew.number])
                metres = before.metres - float(-(-back // 1)) + own.metres
                own = replace(
                    own,
                    halts=before.halts + own.halts,
                    begin=before.begin,
                    metres=metres,
                    doses=before.doses + own.doses,
                )
            crew.take(own)

    def _short(self, found: Routing, going: Sequence[int]) -> bool:
        """Whether more days or teams would get to more stops."""
        return any(going[halt] not in self.hopeless for halt in found.missed)

    def _solved(self, found: Routing) -> Routing:
        if not found.repeatable:
            self.stopped = found.stopped
        return found


def field_place(field: Field, route: Route) -> int:
    """Of the last stop of a route."""
    return field.place(route.halts[-1].halt)


def _stands(stop: Stopover) -> bool:
    return isinstance(stop, SessionStop) and stop.kept is not None


def _commune(stop: Stopover, given: PlanGiven) -> str:
    if not isinstance(stop, SessionStop):
        return unit_of_house(stop.house) or ""
    return unit_of_site(given, stop.site) or ""
