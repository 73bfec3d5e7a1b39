"""Hours that teams have left once people are asked to come: whoever has no place yet gets one there while they last.

Sessions are made longer, or put in between where a day has time for the way too, each time where most people by weight
are served in a minute that it takes. They are held at sites of the plan, and at further places while it has fewer sites
than it may have. A session is put in for no fewer people than fill its vials to the share that planning.toml tells,
and none is made longer for so few that its vials are filled less than that and less than before. Hours, doses, cold
boxes, crowds and walks hold as everywhere; nobody who has a place loses it.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mapper.domain.made_plan import Unserved
from mapper.domain.plan import Aim, PlanGiven
from mapper.domain.sites import SiteKind
from mapper.services.appointments import Appointed, Slot
from mapper.services.scenarios import Conditions
from mapper.services.site_plan import HousePeople, SitePlan
from mapper.services.spare_days import A_SECOND, Days
from mapper.services.spare_places import Day, Spot, Stop, lacking_of, spots_of, used
from mapper.services.spare_relief import Relief
from mapper.services.spare_vials import FilledVials
from mapper.services.team_plan import TeamPlan
from mapper.services.team_stops import HomeStop, SessionStop, minutes_at
from mapper.services.travel import Ways
from mapper.services.turns import Comer, Weights
from mapper.solve.team_days import Missed

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
    """A plan as it fills. open: of people, whether they have no place yet. sites: that there may be more."""

    held: Conditions
    people: Sequence[Comer]
    days: Days
    spots: Sequence[Spot]
    sites: float
    relief: Relief

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
        people = lacking_of(plan, appointed, weights)
        homes = [stop for stop, why in sent.missed if isinstance(stop, HomeStop) and why is Missed.NO_ROOM]
        if len(sent.idle) >= len(held.teams) or not (people or homes):
            return None
        spots = spots_of(given, plan, appointed, people, homes, weights, held, ways)
        days = Days.of(given, sent, appointed, spots, held, ways)
        held_now = [one for one in appointed.places if one.site.kind is SiteKind.FIXED or used(one)]
        asked = given.question.sites
        sites = math.inf if asked is None or given.question.aim is Aim.FEWEST_SITES else asked - len(held_now)
        return cls(held, people, days, spots, sites, Relief.of(appointed, days, weights, held, ways))

    def __post_init__(self) -> None:
        several = self.people
        self._vials = FilledVials(self.held.rules)
        self._open = np.ones(len(several), np.bool_)
        self._weight = np.array([one.weight for one in several], np.float64)
        self._due = np.array([one.doses for one in several], np.int64)
        self._doses = self._vials.doses(several)
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

    @property
    def waiting(self) -> int:
        """People and visits without a place."""
        return int(self._open.sum()) + sum(one.home is not None for one in self.spots) - len(self.visited)

    def relieve(self) -> None:
        """Ask people of a team's session to a station, or to another session of their site, where others wait."""
        self.relief.of_days([self._lacking(day) for day in self.days])

    def _lacking(self, day: Day) -> float:
        """Doses of those who wait for a day around its way."""
        if not day.stops:
            return 0.0
        places = [place for place, one in enumerate(self.spots) if one.home is None and self._may(one)]
        if not places:
            return 0.0
        more = self.days.more(day, np.array([self.spots[place].node for place in places], np.int64)).min(axis=0)
        near = [
            self._waiting(self.spots[places[one]], day) for one in np.argsort(more, kind="stable")[:AROUND].tolist()
        ]
        return float(self._due[np.unique(np.concatenate(near))].sum())

    def filled(self, plan: SitePlan, sent: TeamPlan, appointed: Appointed) -> Filled:
        """What became of the plan."""
        routes = {(one.day, one.team.name): one for one in sent.days}
        for day in self.days:
            if day.changed:
                routes[day.day, day.team.name] = self.days.laid(day)
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

    def _near(self, day: Day) -> list[int]:
        """Places at which a day could have a further stop, or a longer one."""
        places = [place for place, one in enumerate(self.spots) if self._may(one) and self._any(one, day)]
        nodes = np.array([self.spots[place].node for place in places], np.int64)
        more = self.days.more(day, nodes).min(axis=0)
        more[np.isin(nodes, [one.node for one in day.stops])] = 0.0
        near, spare = np.argsort(more, kind="stable")[:NEAREST], self.days.spare(day)
        return [places[one] for one in near.tolist() if more[one] < spare]

    def _may(self, spot: Spot) -> bool:
        """Whether a team may go there: to a house, to a site of the plan, or to one more where it may have more."""
        return spot.home is not None or spot.used or self.sites >= 1

    def _any(self, spot: Spot, day: Day) -> bool:
        return spot.home is not None or len(self._waiting(spot, day)) > 0

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
            gaps = self.days.gaps(day, spot.unit)
            if gaps and self._may(spot):
                more = self.days.more(day, np.array([spot.node]))[:, 0]
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
        spare, left = self.days.spare(day) - more, self.days.left(day)
        if spot.home is not None:
            visit = spot.home
            work = minutes_at(visit, self.held.rules)
            if visit in self.visited or visit.doses > left or work + A_SECOND > spare or visit.ready > day.day:
                return best
            return _Offer(visit.weight / (more + work), people, at, None)
        several = people[: int(min(len(people), max(0.0, room)))]
        doses = self._due[several].cumsum()
        minutes = doses * self.held.rules.minutes_a_dose
        fits = int(np.searchsorted(doses, left, side="right"))
        fits = min(fits, int(np.searchsorted(minutes + A_SECOND, spare, side="right")))
        if not fits:
            return best
        worth = self._weight[several[:fits]].cumsum() / np.maximum(more + minutes[:fits], 1e-6)
        worth[~self._fills(several[:fits], stop)] = 0.0
        number = int(worth.argmax()) + 1
        if not worth[number - 1]:
            return best
        if best is not None and best.worth >= worth[number - 1]:
            return best
        return _Offer(float(worth[number - 1]), several[:number], at, stop)

    def _fills(self, people: NDArray[np.int64], stop: Stop | None) -> NDArray[np.bool_]:
        """Of each number of some people whether vials are filled enough where so many more come to a session."""
        doses = self._doses[people].cumsum(axis=0)
        if stop is None or stop.slot is None:
            return self._vials.enough(doses)
        before = self._vials.doses(stop.slot.asked).sum(axis=0)
        return self._vials.enough(before + doses, before)

    def _take(self, offer: _Offer, spot: Spot, day: Day) -> None:
        """Hold it."""
        day.changed, day.stamp = True, day.stamp + 1
        if spot.home is not None:
            assert offer.at is not None
            self.days.put(Stop(spot.home, spot.node, spot.unit), day, offer.at)
            self.visited.append(spot.home)
            self.days.doses -= spot.home.doses
            return
        assert spot.place is not None and spot.planned is not None
        stop = offer.stop
        if stop is None:
            assert offer.at is not None
            self.sites -= not spot.used
            slot = Slot(day.day, team=day.team.name)
            spot.place.slots.append(slot)
            stop = Stop(SessionStop(spot.planned, 0, 0, day.day, 0.0), spot.node, spot.unit, slot, spot.place)
            self.days.put(stop, day, offer.at)
        assert stop.slot is not None
        ways_m = dict(zip(spot.who.tolist(), spot.far.tolist(), strict=True))
        comers = [self.people[one]._replace(way_m=ways_m[one]) for one in offer.people.tolist()]
        stop.slot.doses = math.inf
        spot.place.ask(stop.slot, comers)
        self._open[offer.people] = False
        self.days.doses -= sum(one.doses for one in comers)


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
