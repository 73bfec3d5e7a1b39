"""Days of teams as they fill: what time and how many doses they have left, where a further stop may be, their times."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mapper.domain.people import Point
from mapper.domain.plan import PlanGiven
from mapper.services.appointments import Appointed, Order, Place, Slot
from mapper.services.scenarios import Conditions, own_days, unit_of_house
from mapper.services.spare_places import Day, Spot, Stop, position
from mapper.services.team_plan import Stay, TeamDay, TeamPlan
from mapper.services.team_stops import HomeStop, SessionStop, minutes_at, place_of
from mapper.services.travel import Ways, lon_lat
from mapper.solve.stop_order import shorter_order

A_SECOND = 1 / 60


@dataclass(eq=False)
class Days:
    """Of all teams that are not idle. metres, minutes: (nodes, nodes), ways in whole metres and seconds, rounded up.

    doses: that the plan may still give, inf for any number.
    """

    given: PlanGiven
    held: Conditions
    each: Sequence[Day]
    metres: NDArray[np.float64]
    minutes: NDArray[np.float64]
    doses: float

    @classmethod
    def of(
        cls,
        given: PlanGiven,
        sent: TeamPlan,
        appointed: Appointed,
        spots: Sequence[Spot],
        held: Conditions,
        ways: Ways,
    ) -> Days:
        """The days as teams have them so far; ``spots`` are told their nodes."""
        teams = [one for one in held.teams if one not in sent.idle]
        stops = [stay.stop for one in sent.days for stay in one.stays]
        where = [one.start for one in teams] + [place_of(one) for one in stops] + [position(one) for one in spots]
        points = [Point(one.lat, one.lon) for one in where]
        known = {one: number for number, one in enumerate(dict.fromkeys(points))}
        for spot in spots:
            at = position(spot)
            spot.node = known[Point(at.lat, at.lon)]
        roads = ways.drives(lon_lat(list(known)))
        routes = {(one.team.name, one.day): one for one in sent.days}
        slots = {(place.site.code, slot.order): (place, slot) for place in appointed.places for slot in place.slots}
        days = []
        for team in teams:
            calendar = {*own_days(team, given, held), *(day for name, day in routes if name == team.name)}
            for on in sorted(calendar):
                day = Day(team, on, known[team.start], [], [], routes.get((team.name, on)))
                _stop_by_stop(day, known, slots)
                days.append(day)
        doses = math.inf
        if given.question.doses is not None:
            doses = given.question.doses - sum(
                one.doses for place in appointed.places for slot in place.slots for one in slot.asked
            )
            doses -= sum(one.doses for one in stops if isinstance(one, HomeStop))
        metres = np.where(np.isfinite(roads.metres), np.ceil(roads.metres - 1e-6), np.inf)
        minutes = np.where(np.isfinite(roads.minutes), np.ceil(60 * roads.minutes - 1e-6) / 60, np.inf)
        return cls(given, held, days, metres, minutes, doses)

    def __len__(self) -> int:
        return len(self.each)

    def __getitem__(self, number: int) -> Day:
        return self.each[number]

    def __iter__(self) -> Iterator[Day]:
        return iter(self.each)

    def more(self, day: Day, nodes: NDArray[np.int64]) -> NDArray[np.float64]:
        """(gaps, nodes): minutes of way more for a stop in each gap of a day."""
        way, minutes = np.array(day.nodes), self.minutes
        here, there = way[:-1, None], way[1:, None]
        more: NDArray[np.float64] = minutes[here, nodes[None]] + minutes[nodes[None], there] - minutes[here, there]
        return more

    def spare(self, day: Day) -> float:
        """Minutes that a day has left."""
        team = day.team
        hours = min(team.end - team.begin, team.cold_minutes or math.inf)
        return hours - self._way(day, self.minutes) - sum(self.work(one) for one in day.stops)

    def left(self, day: Day) -> float:
        """Doses that a team has left on a day, and the plan has left at all."""
        return min(self.own_left(day), self.doses)

    def own_left(self, day: Day) -> float:
        """Doses that a team has left on a day."""
        return math.inf if day.team.doses is None else day.team.doses - sum(one.doses for one in day.stops)

    def work(self, stop: Stop) -> float:
        """Minutes at a stop, in whole seconds."""
        rules = self.held.rules
        minutes = minutes_at(stop.stop, rules) if stop.slot is None else stop.doses * rules.minutes_a_dose
        return math.ceil(60 * minutes - 1e-6) / 60

    def gaps(self, day: Day, unit: str) -> list[int]:
        """Before which stops of a day one more in a unit may be; where a team goes from commune to commune not all."""
        every = list(range(len(day.stops) + 1))
        if not self.given.question.rolling:
            return every
        if day.stands:
            return []
        own = [one for one in self.each if one.team is day.team and not one.stands]
        before = [stop.unit for one in own if one.day < day.day for stop in one.stops]
        after = [stop.unit for one in own if one.day > day.day for stop in one.stops]
        units = [*before, *(one.unit for one in day.stops), *after]
        found = []
        for gap in every:
            at = len(before) + gap
            sides = units[max(0, at - 1) : at + 1]
            between = len(sides) < 2 or at == 0 or sides[0] != sides[1]
            if unit in sides or (unit not in units and between):
                found.append(gap)
        return found

    def put(self, stop: Stop, day: Day, at: int) -> None:
        """A further stop before one of a day; its stops in the order of the least way."""
        day.stops.insert(at, stop)
        self.shorten(day)

    def shorten(self, day: Day) -> None:
        """The stops of a day in an order of less way and no more time; communes keep theirs where a team rolls on."""
        apart = [one.unit if self.given.question.rolling else "" for one in day.stops]
        order = shorter_order(self.metres, self.minutes, day.nodes, apart)
        day.stops[:] = [day.stops[one] for one in order]

    def laid(self, day: Day) -> TeamDay:
        """A day with its times and ways, and the sessions with theirs."""
        self.shorten(day)
        for stop in day.gone:
            assert stop.place is not None and stop.slot is not None
            stop.place.slots.remove(stop.slot)
        now, nodes, stays = day.team.begin, day.nodes, []
        for turn, stop in enumerate(day.stops):
            now += float(self.minutes[nodes[turn], nodes[turn + 1]])
            begin, now = now, now + self.work(stop)
            made = stop.stop
            if stop.slot is not None and stop.place is not None and isinstance(made, SessionStop):
                asked = stop.slot.asked
                weight = sum(one.weight for one in asked)
                made = replace(made, people=len(asked), doses=stop.doses, weight=weight)
                stop.slot.begin, stop.slot.end, stop.slot.turn = begin, now, turn
                stop.place.slots.sort(key=lambda one: one.order)
            stays.append(Stay(made, begin, now, turn))
        end = now + float(self.minutes[nodes[-2], nodes[-1]])
        way_m, doses = self._way(day, self.metres), sum(one.doses for one in day.stops)
        return TeamDay(day.team, day.day, tuple(stays), day.team.begin, min(end, day.team.end), way_m, doses)

    def _way(self, day: Day, ways: NDArray[np.float64]) -> float:
        nodes = np.array(day.nodes)
        return float(ways[nodes[:-1], nodes[1:]].sum()) if day.stops else 0.0


def _stop_by_stop(day: Day, known: Mapping[Point, int], slots: Mapping[tuple[str, Order], tuple[Place, Slot]]) -> None:
    """The stops that a day has, and the sessions of it to which nobody is asked. slots: by site and order."""
    for stay in day.before.stays if day.before is not None else ():
        at = place_of(stay.stop)
        node = known[Point(at.lat, at.lon)]
        if isinstance(stay.stop, HomeStop):
            day.stops.append(Stop(stay.stop, node, unit_of_house(stay.stop.house) or ""))
            continue
        place, slot = slots[stay.stop.site.site.code, (day.day, stay.begin, day.team.name, stay.turn)]
        own = day.stops if slot.asked or slot.kept else day.gone
        own.append(Stop(stay.stop, node, place.unit or "", slot, place))
