"""Hours that teams have left once people are asked to come: whoever has no place yet gets one there while they last.

Sessions are made longer, or put in between where a day has time for the way too, each time where most people by weight
are served in a minute that it takes. They are held at sites of the plan, and at further places while it has fewer sites
than it may have. Hours, doses, cold boxes, crowds and walks hold as everywhere; nobody who has a place loses it.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mapper.domain.made_plan import Unserved
from mapper.domain.people import Point
from mapper.domain.plan import Aim, PlanGiven
from mapper.domain.sites import SiteKind
from mapper.services.appointments import Appointed, Place, Slot
from mapper.services.field_routes import own_days
from mapper.services.scenarios import Conditions, unit_of_house
from mapper.services.site_plan import HousePeople, SitePlan
from mapper.services.spare_places import Day, Spot, Stop, lacking_of, position, spots_of, used
from mapper.services.team_plan import Stay, TeamDay, TeamPlan
from mapper.services.team_stops import HomeStop, SessionStop, minutes_at, place_of
from mapper.services.travel import Ways, lon_lat
from mapper.services.turns import Comer, Weights
from mapper.solve.routing import Missed

NEAREST = 60
"""Places so many at most are looked at for each day of a team: those by which its way is longest the least."""

ROUNDS = 3
"""Of further sessions, and of people asked elsewhere, at most."""

AROUND = 10
"""Places so many beside the way of a team are those whose people wait for it."""

Filled = tuple[SitePlan, TeamPlan, Appointed]


def fill_up(
    given: PlanGiven,
    plan: SitePlan,
    sent: TeamPlan,
    appointed: Appointed,
    weights: Weights,
    held: Conditions,
    ways: Ways,
    unwanted: Callable[[], bool] = lambda: False,
) -> Filled:
    """The same plan with days of teams filled up; the sessions of ``appointed`` themselves are changed."""
    filling = _Filling.of(given, plan, sent, appointed, weights, held, ways)
    if filling is None:
        return plan, sent, appointed
    for _ in range(ROUNDS):
        before = filling.waiting
        filling.run(unwanted)
        filling.relieve()
        filling.run(unwanted)
        if filling.waiting == before or unwanted():
            break
    return filling.filled(plan, sent, appointed)


@dataclass(frozen=True, slots=True)
class _Offer:
    """Whom a stop more, or a longer one, would serve. worth: by weight a minute. at: before which stop; None to stay
    longer at one that is there."""

    worth: float
    people: NDArray[np.int64]
    at: int | None
    stop: Stop | None


@dataclass(eq=False)
class _Filling:
    """A plan as it fills. open: of people, whether they have no place yet. doses, sites: that there may be more."""

    given: PlanGiven
    held: Conditions
    people: Sequence[Comer]
    days: Sequence[Day]
    spots: Sequence[Spot]
    metres: NDArray[np.float64]
    minutes: NDArray[np.float64]
    doses: float
    sites: float
    stations: Sequence[Place]
    weights: Weights
    ways: Ways

    @classmethod
    def of(
        cls,
        given: PlanGiven,
        plan: SitePlan,
        sent: TeamPlan,
        appointed: Appointed,
        weights: Weights,
        held: Conditions,
        ways: Ways,
    ) -> _Filling | None:
        """What there is to fill, and with whom; None for nothing."""
        teams = [one for one in held.teams if one not in sent.idle]
        people = lacking_of(plan, appointed, weights)
        homes = [stop for stop, why in sent.missed if isinstance(stop, HomeStop) and why is Missed.NO_ROOM]
        if not teams or not (people or homes):
            return None
        routes = {(one.team.name, one.day): one for one in sent.days}
        stops = [stay.stop for one in sent.days for stay in one.stays]
        spots = spots_of(given, plan, appointed, people, homes, weights, held, ways)
        where = [one.start for one in teams] + [place_of(one) for one in stops]
        where += [position(one) for one in spots]
        points = [Point(one.lat, one.lon) for one in where]
        known = {one: number for number, one in enumerate(dict.fromkeys(points))}
        for spot in spots:
            at = position(spot)
            spot.node = known[Point(at.lat, at.lon)]
        roads = ways.drives(lon_lat(list(known)))
        slots = {(place.site.code, slot.order): (place, slot) for place in appointed.places for slot in place.slots}
        days = []
        for team in teams:
            calendar = {*own_days(team, given, held), *(day for name, day in routes if name == team.name)}
            for on in sorted(calendar):
                day = Day(team, on, known[team.start], [], [], routes.get((team.name, on)))
                for stay in day.before.stays if day.before is not None else ():
                    at = place_of(stay.stop)
                    node = known[Point(at.lat, at.lon)]
                    if isinstance(stay.stop, HomeStop):
                        day.stops.append(Stop(stay.stop, node, unit_of_house(stay.stop.house) or ""))
                        continue
                    place, slot = slots[stay.stop.site.site.code, (on, stay.begin, team.name, stay.turn)]
                    own = day.stops if slot.asked or slot.kept else day.gone
                    own.append(Stop(stay.stop, node, place.unit or "", slot, place))
                days.append(day)
        doses = math.inf
        if given.question.doses is not None:
            doses = given.question.doses - sum(
                one.doses for place in appointed.places for slot in place.slots for one in slot.asked
            )
            doses -= sum(one.doses for one in stops if isinstance(one, HomeStop))
        stations = [one for one in appointed.places if one.site.kind is SiteKind.FIXED and one.open_days]
        held_now = [one for one in appointed.places if one.site.kind is SiteKind.FIXED or used(one)]
        sites = math.inf if given.question.aim is Aim.FEWEST_SITES else (given.question.sites or 0) - len(held_now)
        finite = np.where(np.isfinite(roads.metres), np.ceil(roads.metres - 1e-6), np.inf)
        minutes = np.where(np.isfinite(roads.minutes), np.ceil(60 * roads.minutes - 1e-6) / 60, np.inf)
        return cls(given, held, people, days, spots, finite, minutes, doses, sites, stations, weights, ways)

    def __post_init__(self) -> None:
        several = self.people
        self._stations = self._near_stations()
        self._open = np.ones(len(several), np.bool_)
        self._weight = np.array([one.weight for one in several], np.float64)
        self._due = np.array([one.doses for one in several], np.int64)
        self._on = np.array([one.person.on.toordinal() for one in several], np.int64)
        self.visited: list[HomeStop] = []

    def run(self, unwanted: Callable[[], bool]) -> None:
        """Take the best offer as long as there is any."""
        offers: list[tuple[float, int, int, int]] = []

        def look(number: int) -> None:
            day = self.days[number]
            for place in self._near(day):
                offer = self._offer(self.spots[place], day)
                if offer is not None:
                    heapq.heappush(offers, (-offer.worth, number, place, day.stamp))

        # Where all that was near is taken, what lies farther off is looked at.
        while not unwanted():
            for number in range(len(self.days)):
                look(number)
            if not offers:
                return
            while offers and not unwanted():
                worth, number, place, stamp = heapq.heappop(offers)
                day, spot = self.days[number], self.spots[place]
                offer = self._offer(spot, day) if stamp == day.stamp else None
                if offer is None:
                    continue
                if offer.worth < -worth - 1e-9:
                    heapq.heappush(offers, (-offer.worth, number, place, stamp))
                    continue
                self._take(offer, spot, day)
                look(number)

    def _near_stations(self) -> Mapping[str, list[tuple[Place, float]]]:
        """Of each house with anybody asked to a team's session the stations within their walk, the nearest first."""
        several = {
            one.house.id: one.house
            for day in self.days
            for stop in day.stops
            for one in (stop.slot.asked if stop.slot is not None else ())
        }
        houses = list(several.values())
        if not houses or not self.stations:
            return {}
        limits = [max(self.weights.walk_m(house, one) for one in house.people) for house in houses]
        homes = lon_lat([house.point for house in houses if house.point is not None])
        travel = self.ways.walks(homes, lon_lat([one.site for one in self.stations]), limits).travel
        found: dict[str, list[tuple[Place, float]]] = {}
        for number, site, far in zip(travel.point.tolist(), travel.site.tolist(), travel.far.tolist(), strict=True):
            house, place = houses[number], self.stations[site]
            if not self.held.crosses(unit_of_house(house), place.unit):
                found.setdefault(house.id, []).append((place, far))
        for several_places in found.values():
            several_places.sort(key=lambda each: (each[1], each[0].site.code))
        return found

    @property
    def waiting(self) -> int:
        """People and visits without a place."""
        return int(self._open.sum()) + sum(one.home is not None for one in self.spots) - len(self.visited)

    def relieve(self) -> None:
        """Ask people of a team's session to a station, or to another session of their site, where others wait."""
        lacking = [self._lacking(day) for day in self.days]
        free = [day for day, doses in zip(self.days, lacking, strict=True) if not doses]
        for day, wanted in zip(self.days, lacking, strict=True):
            for stop in list(day.stops):
                if wanted <= 0 or stop.slot is None or stop.slot.kept or stop.place is None:
                    continue
                for one in list(stop.slot.asked):
                    if wanted > 0 and (self._to_station(one) or self._to_other(one, stop, free)):
                        stop.slot.asked.remove(one)
                        stop.place.asked[day.day] -= 1
                        wanted -= one.doses
                        day.changed, day.stamp = True, day.stamp + 1
                if not stop.slot.asked:
                    day.stops.remove(stop)
                    day.gone.append(stop)

    def _to_other(self, comer: Comer, stop: Stop, free: Sequence[Day]) -> bool:
        """Whether a team has time for somebody on another day at their site; then they are asked there."""
        minutes = comer.doses * self.held.rules.minutes_a_dose + 1 / 60
        for day in free:
            for there in day.stops:
                slot, place = there.slot, there.place
                if place is None or slot is None or place is not stop.place or day.day < comer.person.on:
                    continue
                room = math.inf if day.team.doses is None else day.team.doses - sum(one.doses for one in day.stops)
                if place.room(slot) >= 1 and comer.doses <= room and minutes <= self._spare(day):
                    slot.doses = math.inf
                    place.ask(slot, [comer])
                    day.changed, day.stamp = True, day.stamp + 1
                    return True
        return False

    def _lacking(self, day: Day) -> float:
        """Doses of those who wait for a day around its way."""
        if not day.stops:
            return 0.0
        places = [place for place, one in enumerate(self.spots) if one.home is None and self._may(one)]
        if not places:
            return 0.0
        more = self._more(day, np.array([self.spots[place].node for place in places], np.int64)).min(axis=0)
        near = [
            self._waiting(self.spots[places[one]], day) for one in np.argsort(more, kind="stable")[:AROUND].tolist()
        ]
        return float(self._due[np.unique(np.concatenate(near))].sum())

    def _to_station(self, comer: Comer) -> bool:
        """Whether a station has room for somebody within their walk; then they are asked there."""
        for place, far in self._stations.get(comer.house.id, ()):
            if far > self.weights.walk_m(comer.house, comer.person):
                continue
            slot = next((one for one in place.slots if one.day >= comer.person.on and place.takes(one, [comer])), None)
            slot = slot or place.open_for(comer)
            if slot is not None and place.takes(slot, [comer]):
                place.ask(slot, [replace(comer, way_m=far)])
                return True
        return False

    def filled(self, plan: SitePlan, sent: TeamPlan, appointed: Appointed) -> Filled:
        """What became of the plan."""
        routes = {(one.day, one.team.name): one for one in sent.days}
        for day in self.days:
            if day.changed:
                routes[day.day, day.team.name] = self._laid(day)
        order = {one.name: number for number, one in enumerate(self.held.teams)}
        days = tuple(sorted(routes.values(), key=lambda one: (one.day, order[one.team.name])))
        missed = tuple((stop, why) for stop, why in sent.missed if stop not in self.visited)
        got = {one.person.id for one, open_ in zip(self.people, self._open.tolist(), strict=True) if not open_}
        new = [spot for spot in self.spots if spot.used and spot.place not in appointed.places]
        places = [*appointed.places, *(spot.place for spot in new if spot.place is not None)]
        more = tuple(spot.planned for spot in new if spot.planned is not None)
        left = _without(plan.unserved, got)
        return (
            replace(plan, sites=(*plan.sites, *more), unserved=left, binds=plan.explained(left)),
            replace(sent, days=days, missed=missed, way_m=sum(one.way_m for one in days)),
            replace(appointed, places=places, unserved=_without(appointed.unserved, got)),
        )

    def _laid(self, day: Day) -> TeamDay:
        """A day with its times and ways, and the sessions with theirs."""
        for stop in day.gone:
            assert stop.place is not None and stop.slot is not None
            stop.place.slots.remove(stop.slot)
        now, nodes, stays = day.team.begin, day.nodes, []
        for turn, stop in enumerate(day.stops):
            now += float(self.minutes[nodes[turn], nodes[turn + 1]])
            begin, now = now, now + self._work(stop)
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

    def _near(self, day: Day) -> list[int]:
        """Places at which a day could have a further stop, or a longer one."""
        places = [place for place, one in enumerate(self.spots) if self._may(one) and self._any(one, day)]
        nodes = np.array([self.spots[place].node for place in places], np.int64)
        more = self._more(day, nodes).min(axis=0)
        more[np.isin(nodes, [one.node for one in day.stops])] = 0.0
        near, spare = np.argsort(more, kind="stable")[:NEAREST], self._spare(day)
        return [places[one] for one in near.tolist() if more[one] < spare]

    def _may(self, spot: Spot) -> bool:
        """Whether a team may go there: to a house, to a site of the plan, or to one more where it may have more."""
        return spot.home is not None or spot.used or self.sites >= 1

    def _any(self, spot: Spot, day: Day) -> bool:
        return spot.home is not None or len(self._waiting(spot, day)) > 0

    def _more(self, day: Day, nodes: NDArray[np.int64]) -> NDArray[np.float64]:
        """(gaps, nodes): minutes of way more for a stop in each gap of a day."""
        way, minutes = np.array(day.nodes), self.minutes
        here, there = way[:-1, None], way[1:, None]
        more: NDArray[np.float64] = minutes[here, nodes[None]] + minutes[nodes[None], there] - minutes[here, there]
        return more

    def _spare(self, day: Day) -> float:
        """Minutes that a day has left."""
        team = day.team
        hours = min(team.end - team.begin, team.cold_minutes or math.inf)
        return hours - float(self._way(day, self.minutes)) - sum(self._work(one) for one in day.stops)

    def _way(self, day: Day, ways: NDArray[np.float64]) -> float:
        nodes = np.array(day.nodes)
        return float(ways[nodes[:-1], nodes[1:]].sum()) if day.stops else 0.0

    def _work(self, stop: Stop) -> float:
        """Minutes at a stop, in whole seconds."""
        rules = self.held.rules
        minutes = minutes_at(stop.stop, rules) if stop.slot is None else stop.doses * rules.minutes_a_dose
        return math.ceil(60 * minutes - 1e-6) / 60

    def _left(self, day: Day) -> float:
        """Doses that a team has left on a day, and the plan has left at all."""
        own = math.inf if day.team.doses is None else day.team.doses - sum(one.doses for one in day.stops)
        return min(own, self.doses)

    def _offer(self, spot: Spot, day: Day) -> _Offer | None:
        """The best that a team could do more at a place on a day; None for nothing."""
        own = [one for one in day.stops if one.place is not None and one.place is spot.place]
        people = self._waiting(spot, day)
        if spot.home is None and not len(people):
            return None
        best: _Offer | None = None
        for stop in own:
            assert stop.slot is not None and stop.place is not None
            best = self._better(best, spot, day, people, stop.place.room(stop.slot), 0.0, None, stop)
        if not own and (spot.place is None or spot.place.site.kind is SiteKind.MOBILE):
            gaps = self._gaps(day, spot)
            if gaps and self._may(spot):
                more = self._more(day, np.array([spot.node]))[:, 0]
                gap = min(gaps, key=lambda each: (more[each], each))
                room = 1.0 if spot.place is None else spot.place.room(Slot(day.day))
                best = self._better(best, spot, day, people, room, float(more[gap]), gap, None)
        return best

    def _waiting(self, spot: Spot, day: Day) -> NDArray[np.int64]:
        """Numbers of those who could come to a place on a day."""
        who = spot.who
        return who[self._open[who] & (self._on[who] <= day.day.toordinal())]

    def _better(
        self,
        best: _Offer | None,
        spot: Spot,
        day: Day,
        people: NDArray[np.int64],
        room: float,
        more: float,
        at: int | None,
        stop: Stop | None,
    ) -> _Offer | None:
        """The better one of an offer and what a stop of so much more way serves within its room."""
        spare, left = self._spare(day) - more, self._left(day)
        if spot.home is not None:
            visit = spot.home
            work = minutes_at(visit, self.held.rules)
            if visit in self.visited or visit.doses > left or work + 1 / 60 > spare or visit.ready > day.day:
                return best
            return _Offer(visit.weight / (more + work), people, at, None)
        several = people[: int(min(len(people), max(0.0, room)))]
        doses = self._due[several].cumsum()
        minutes = doses * self.held.rules.minutes_a_dose
        fits = int(np.searchsorted(doses, left, side="right"))
        fits = min(fits, int(np.searchsorted(minutes + 1 / 60, spare, side="right")))
        if not fits:
            return best
        worth = self._weight[several[:fits]].cumsum() / np.maximum(more + minutes[:fits], 1e-6)
        number = int(worth.argmax()) + 1
        if best is not None and best.worth >= worth[number - 1]:
            return best
        return _Offer(float(worth[number - 1]), several[:number], at, stop)

    def _gaps(self, day: Day, spot: Spot) -> list[int]:
        """Before which stops of a day a further one may be; where a team goes from commune to commune not all."""
        every = list(range(len(day.stops) + 1))
        if not self.given.question.rolling:
            return every
        if day.stands:
            return []
        own = [one for one in self.days if one.team is day.team and not one.stands]
        before = [stop.unit for one in own if one.day < day.day for stop in one.stops]
        after = [stop.unit for one in own if one.day > day.day for stop in one.stops]
        units = [*before, *(one.unit for one in day.stops), *after]
        found = []
        for gap in every:
            at = len(before) + gap
            sides = units[max(0, at - 1) : at + 1]
            between = len(sides) < 2 or at == 0 or sides[0] != sides[1]
            if spot.unit in sides or (spot.unit not in units and between):
                found.append(gap)
        return found

    def _take(self, offer: _Offer, spot: Spot, day: Day) -> None:
        """Hold it."""
        day.changed, day.stamp = True, day.stamp + 1
        if spot.home is not None:
            assert offer.at is not None
            day.stops.insert(offer.at, Stop(spot.home, spot.node, spot.unit))
            self.visited.append(spot.home)
            self.doses -= spot.home.doses
            return
        assert spot.place is not None and spot.planned is not None
        stop = offer.stop
        if stop is None:
            assert offer.at is not None
            self.sites -= not spot.used
            slot = Slot(day.day, team=day.team.name)
            spot.place.slots.append(slot)
            stop = Stop(SessionStop(spot.planned, 0, 0, day.day, 0.0), spot.node, spot.unit, slot, spot.place)
            day.stops.insert(offer.at, stop)
        assert stop.slot is not None
        ways_m = dict(zip(spot.who.tolist(), spot.far.tolist(), strict=True))
        comers = [replace(self.people[one], way_m=ways_m[one]) for one in offer.people.tolist()]
        stop.slot.doses = math.inf
        spot.place.ask(stop.slot, comers)
        self._open[offer.people] = False
        self.doses -= sum(one.doses for one in comers)


def _without(
    left: Mapping[Unserved, Sequence[HousePeople]], got: set[str]
) -> Mapping[Unserved, tuple[HousePeople, ...]]:
    """Those who still have no place."""
    found = {}
    for why, several in left.items():
        rest = [(house, tuple(one for one in people if one.id not in got)) for house, people in several]
        if some := tuple((house, people) for house, people in rest if people):
            found[why] = some
    return found
