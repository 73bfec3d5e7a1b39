"""Who is asked to come on which day: everybody to a session at their site, or to another one within their walk."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache, partial
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from mapper.domain.made_plan import Unserved
from mapper.domain.plan import HOUR, DueHouse, DuePerson
from mapper.domain.sites import Site
from mapper.services.scenarios import Conditions, unit_of_house
from mapper.services.site_plan import HousePeople
from mapper.services.station_days import room_of, session_days
from mapper.services.travel import Ways
from mapper.services.turns import Comer, Weights, mostly_ready

BEGIN, END = 7 * HOUR, 17 * HOUR
"""Hours of a place with staff of its own."""


Order = tuple[date, float, str, int]
"""Of sessions at one site: day, begin, team, and how many stops of the team's day are before it."""


@dataclass(eq=False)
class Slot:
    """A session as it fills. doses: that may still be given there. asked: who comes, with their way to the site.

    before: ids of people who were asked to it by an earlier plan.
    """

    day: date
    begin: float = BEGIN
    end: float = END
    team: str = ""
    people: float = math.inf
    doses: float = math.inf
    kept: bool = False
    turn: int = 0
    before: Collection[str] = ()
    asked: list[Comer] = field(default_factory=list)

    @property
    def order(self) -> Order:
        """Of sessions at one site."""
        return self.day, self.begin, self.team, self.turn


@dataclass(eq=False)
class Place:
    """A site with its sessions. limit: people a day, None for any number. missed: whether a team does not come.

    open_days: on which its own staff may hold sessions; most_days: on how many of them at most.
    """

    site: Site
    unit: str | None
    limit: Mapping[date, int | None]
    slots: list[Slot]
    open_days: Sequence[date] = ()
    most_days: int | None = None
    missed: bool = False
    asked: Counter[date] = field(default_factory=Counter)

    def room(self, slot: Slot) -> float:
        """People whom a session can still have."""
        limit = self.limit.get(slot.day)
        of_day = math.inf if limit is None else limit - self.asked[slot.day]
        return min(of_day, slot.people - len(slot.asked))

    def takes(self, slot: Slot, comers: Sequence[Comer]) -> bool:
        """Whether there is room for all of them."""
        return len(comers) <= self.room(slot) and sum(one.doses for one in comers) <= slot.doses

    def first_for(self, slots: Iterable[Slot], comers: Sequence[Comer]) -> Slot | None:
        """The first of some sessions that has room for all of them."""
        number, doses = len(comers), sum([one.doses for one in comers])
        return next((slot for slot in slots if doses <= slot.doses and number <= self.room(slot)), None)

    def ask(self, slot: Slot, comers: Sequence[Comer]) -> None:
        """Ask them to a session."""
        slot.asked += comers
        slot.doses -= sum([one.doses for one in comers])
        self.asked[slot.day] += len(comers)

    def rooms(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """People, and doses, for which there is room from each session on."""
        rest: dict[date, float] = {}
        people = np.zeros(len(self.slots))
        for number, slot in enumerate(self.slots):
            limit = self.limit.get(slot.day)
            free = math.inf if limit is None else limit - self.asked[slot.day]
            people[number] = min(slot.people - len(slot.asked), rest.get(slot.day, free))
            if limit is not None:
                rest[slot.day] = rest.get(slot.day, free) - people[number]
        doses = np.array([slot.doses for slot in self.slots], np.float64)
        return np.cumsum(people[::-1])[::-1], np.cumsum(doses[::-1])[::-1]

    def last_free(self) -> date | None:
        """The last day on which somebody more could come; None where there is none."""
        days = [slot.day for slot in self.slots if slot.doses >= 1 and self.room(slot) >= 1]
        if self.most_days is None or len(self.slots) < self.most_days:
            held = {slot.day for slot in self.slots}
            days += [day for day in self.open_days if day not in held and self.limit.get(day) != 0]
        return max(days, default=None)

    def open_for(self, comer: Comer) -> Slot | None:
        """A further session of the place's own staff, on the first day on which somebody can come."""
        if self.most_days is not None and len(self.slots) >= self.most_days:
            return None
        held = {slot.day for slot in self.slots}
        for day in self.open_days:
            limit = self.limit.get(day)
            if day >= comer.person.on and day not in held and (limit is None or limit > 0):
                slot = Slot(day)
                self.slots = sorted([*self.slots, slot], key=lambda one: one.order)
                return slot
        return None


@dataclass(frozen=True, eq=False)
class Appointed:
    """places: with whoever is asked to each of their sessions. unserved: people without one, by why."""

    places: Sequence[Place]
    unserved: Mapping[Unserved, Sequence[HousePeople]]
    moved: int


def appoint(
    places: Sequence[Place], comers: Sequence[Sequence[Comer]], held: Conditions, weights: Weights, ways: Ways
) -> Appointed:
    """Ask everybody to a day on which they are due, or to a later one.

    comers: of each place. People of a house come together where their days allow, hamlets on one day where it has room,
    those of higher weight first; where not all find room, they are the ones who do. Who finds none goes to the nearest
    of the other places within their walk that has a session with room for them.
    """
    left: list[tuple[int, Comer]] = []
    for number, (place, several) in enumerate(zip(places, comers, strict=True)):
        if place.open_days:
            last = place.open_days[-1]
            ready = Counter(one.ready if one.ready <= last else one.person.on for one in several)
            open_sessions(place, ready, sum(one.doses for one in several), held)
        left += [(number, one) for one in _fill(place, several)]
    unserved, moved = _moved(places, left, held, weights, ways)
    return Appointed(places, unserved, moved)


def open_sessions(place: Place, ready: Counter[date], doses_due: int, held: Conditions) -> None:
    """The sessions of a place's own staff; see ``session_days``. ready: its people by the day from which they come."""
    days, people = list(place.open_days), ready.total()
    standing = {slot.day: slot for slot in place.slots}
    doses = max(1.0, doses_due / max(1, people))
    a_person = doses * held.rules.minutes_a_dose
    limit = {day: place.limit.get(day) for day in {*days, *standing}}
    staff = math.floor((END - BEGIN) / max(a_person, 1.0)) if place.most_days is None else people
    room = room_of(limit, people, max(1, staff))
    for day, slot in standing.items():
        room[day] = int(min(room[day], slot.people, slot.doses / doses))
    chosen = session_days(ready, sorted(room), room, standing)
    if ready and place.most_days is not None and len(chosen) > place.most_days:
        # Days in a row from the first by which most are due.
        first = min(len(days) - 1, bisect_left(days, mostly_ready(ready.elements())))
        chosen = days[max(0, min(first, len(days) - place.most_days)) :][: place.most_days]
    for day in chosen:
        if day not in standing:
            place.slots.append(Slot(day, people=room[day]))
    place.slots.sort(key=lambda one: one.order)


def _fill(place: Place, comers: Sequence[Comer]) -> list[Comer]:
    """Ask the people of a place to its sessions; those who find no room."""
    slots, left = place.slots, []
    comers = _as_before(place, comers)
    blocks: dict[tuple[int, str], list[Comer]] = {}
    first_from = cache(partial(bisect_left, [slot.day for slot in slots]))
    for one in comers:
        first = first_from(one.ready)
        if first == len(slots):
            first = first_from(one.person.on)
        if first == len(slots):
            left.append(one)
        elif (key := (first, one.house.hamlet_code or "")) in blocks:
            blocks[key].append(one)
        else:
            blocks[key] = [one]
    admitted = _admitted(place, blocks)
    if admitted is not None:
        left += [one for several in blocks.values() for one in several if id(one) not in admitted]

    def rank(key: tuple[int, str]) -> tuple[float, ...]:
        several = blocks[key]
        return -key[0], -sum(one.weight for one in several) / len(several)

    # Whoever has the fewest days to choose from comes first: those with more of them find room beside.
    for key in sorted(blocks, key=lambda each: (rank(each), each[1])):
        several = blocks[key] if admitted is None else [one for one in blocks[key] if id(one) in admitted]
        left += _ask_block(place, slots[key[0] :], several)
    for slot in slots:
        if place.open_days and not slot.kept and not slot.team:
            slot.people = math.inf
    return left


def _as_before(place: Place, comers: Sequence[Comer]) -> Sequence[Comer]:
    """Ask those again who were asked to a session that stands; all others."""
    gone: set[int] = set()
    for slot in place.slots:
        before = frozenset(slot.before)
        for one in comers if before else ():
            again = one.person.id in before and one.person.on <= slot.day and id(one) not in gone
            if again and place.takes(slot, [one]):
                place.ask(slot, [one])
                gone.add(id(one))
    return [one for one in comers if id(one) not in gone]


def _admitted(place: Place, blocks: Mapping[tuple[int, str], Sequence[Comer]]) -> set[int] | None:
    """Those who find room, by weight: of nested choices of days nobody else could be served beside them.

    None where all do.
    """
    slots = place.slots
    rooms = place.rooms()
    asked = [np.zeros(len(slots)), np.zeros(len(slots))]
    for (first, _), several in blocks.items():
        asked[0][first] += len(several)
        asked[1][first] += sum([one.doses for one in several])
    wanted = [np.cumsum(each[::-1])[::-1] for each in asked]
    if all((want <= room).all() for want, room in zip(wanted, rooms, strict=True)):
        return None
    comers = [(first, one) for (first, _), several in blocks.items() for one in several]
    heaviest: dict[str, float] = {}
    for _, one in comers:
        house, weight = one.house.id, one.weight
        if heaviest.get(house, 0.0) <= weight:
            heaviest[house] = weight
    # Of a few sessions lists are read in a tenth of the time of arrays.
    of_people, of_doses = ([float(one) for one in each] for each in rooms)
    found = set()
    for first, one in sorted(
        comers, key=lambda each: (-heaviest[each[1].house.id], each[1].ready, each[1].house.id, each[1].person.id)
    ):
        if of_people[0] < 1:
            break
        if min(of_people[: first + 1]) >= 1 and min(of_doses[: first + 1]) >= one.doses:
            for number in range(first + 1):
                of_people[number] -= 1
                of_doses[number] -= one.doses
            found.add(id(one))
    return found


def _ask_block(place: Place, slots: Sequence[Slot], comers: Sequence[Comer]) -> list[Comer]:
    """People of one hamlet to one session; else house by house; else each for themselves. Those who find no room."""
    if not comers:
        return []
    number, doses = len(comers), sum(one.doses for one in comers)
    whole = next((slot for slot in slots if number <= place.room(slot) and doses <= slot.doses), None)
    if whole is not None:
        place.ask(whole, comers)
        return []
    # Whoever is asked makes no session roomier: one that is full for everybody stays so.
    fewest = min(one.doses for one in comers)
    free = [slot for slot in slots if slot.doses >= fewest and place.room(slot) >= 1]
    left: list[Comer] = []
    for several in _by_house(comers):
        slot = place.first_for(free, several)
        parts = [several] if slot is not None or len(several) == 1 else [[one] for one in several]
        for some in parts:
            if some is not several:
                slot = place.first_for(free, some)
            if slot is None:
                left += some
                continue
            place.ask(slot, some)
            if slot.doses < fewest or place.room(slot) < 1:
                free.remove(slot)
    return left


def _by_house(comers: Iterable[Comer]) -> list[list[Comer]]:
    """Those of a house together, the house of the highest weight first."""
    houses: dict[str, list[Comer]] = {}
    heaviest: dict[str, float] = {}
    for one in comers:
        house, weight = one.house.id, one.weight
        if house in houses:
            houses[house].append(one)
            heaviest[house] = max(heaviest[house], weight)
        else:
            houses[house] = [one]
            heaviest[house] = weight
    return [houses[house] for house in sorted(sorted(houses), key=heaviest.__getitem__, reverse=True)]


def _moved(
    places: Sequence[Place], left: Sequence[tuple[int, Comer]], held: Conditions, weights: Weights, ways: Ways
) -> tuple[Mapping[Unserved, Sequence[HousePeople]], int]:
    """Whoever found no room at their place, at another one; and why there is none."""
    unserved: dict[Unserved, dict[str, tuple[DueHouse, list[DuePerson]]]] = {}
    moved = 0
    free: dict[int, date | None] = {}
    whys: dict[tuple[int, date, int], Unserved] = {}
    houses: dict[tuple[int, str], list[Comer]] = {}
    heaviest: dict[tuple[int, str], float] = {}
    for number, one in left:
        key = number, one.house.id
        if key in houses:
            houses[key].append(one)
            heaviest[key] = max(heaviest[key], one.weight)
        else:
            houses[key] = [one]
            heaviest[key] = one.weight
    order = sorted(sorted(houses), key=heaviest.__getitem__, reverse=True)
    # A place that is full stays so: most of those left are near none but such.
    roomy = [one for one in places if one.last_free() is not None]
    reached = _reached(roomy, [houses[key][0].house for key in order], [houses[key] for key in order], weights, ways)
    with_room = {id(one) for one in roomy}
    for key, near in zip(order, reached, strict=True):
        own, comers = places[key[0]], houses[key]
        unit = unit_of_house(comers[0].house)
        open_ = [(own, comers[0].way_m)] if id(own) in with_room else []
        open_ += [(place, far) for place, far in near if place is not own]
        open_ = [(place, far) for place, far in open_ if free.get(id(place), date.max) is not None]
        if held.closed:
            open_ = [(place, far) for place, far in open_ if place is own or not held.crosses(unit, place.unit)]
        # With no place to try, those of a house who are due on one day have one reason.
        alike = not open_ and len({one.person.on for one in comers}) == 1
        for one in comers[:1] if alike else comers:
            found = _place_for(one, own, open_, weights.walk_m(one.house, one.person), free) if open_ else None
            if found is None:
                why = whys.get(told := (key[0], one.person.on, len(own.slots)))
                if why is None:
                    why = whys[told] = _why(one, own)
                of_why = unserved.setdefault(why, {})
                if one.house.id not in of_why:
                    of_why[one.house.id] = one.house, []
                of_why[one.house.id][1].extend([each.person for each in comers] if alike else [one.person])
                continue
            place, slot, far = found
            moved += place is not own
            free.pop(id(place))
            place.ask(slot, [one._replace(way_m=far)])
    return {
        why: [(house, tuple(people)) for house, people in unserved[why].values()] for why in Unserved if why in unserved
    }, moved


def _place_for(
    comer: Comer, own: Place, near: Sequence[tuple[Place, float]], limit: float, free: dict[int, date | None]
) -> tuple[Place, Slot, float] | None:
    """A session for somebody. free: the last day of each place on which there is room, as far as it is known."""
    for place, far in near:
        if place is not own and far > limit:
            continue
        if id(place) not in free:
            free[id(place)] = place.last_free()
        last = free[id(place)]
        if last is None or last < comer.person.on:
            continue
        slot = next((one for one in place.slots if one.day >= comer.person.on and place.takes(one, [comer])), None)
        slot = slot or place.open_for(comer)
        if slot is not None and place.takes(slot, [comer]):
            return place, slot, far
    return None


def _why(comer: Comer, own: Place) -> Unserved:
    on = comer.person.on
    if any(slot.day >= on for slot in own.slots):
        return Unserved.NO_TEAM if own.missed else Unserved.FULL
    if own.missed:
        return Unserved.NO_TEAM
    return Unserved.DUE_LATER if own.slots else Unserved.FULL


def _reached(
    places: Sequence[Place],
    houses: Sequence[DueHouse],
    comers: Sequence[Sequence[Comer]],
    weights: Weights,
    ways: Ways,
) -> list[list[tuple[Place, float]]]:
    """Of each house the places within its longest walk, the nearest first."""
    if not houses or not places:
        return [[] for _ in houses]
    ends = np.array([(one.point.lon, one.point.lat) for one in houses if one.point is not None], np.float64)
    sites = np.array([(one.site.lon, one.site.lat) for one in places], np.float64)
    limits = [weights.farthest_m(several[0].house, [one.person for one in several]) for several in comers]
    travel = ways.walks(ends, sites, limits).travel
    order = np.lexsort((travel.site, travel.far, travel.point))
    near = [
        (places[site], far) for site, far in zip(travel.site[order].tolist(), travel.far[order].tolist(), strict=True)
    ]
    start = travel.start.tolist()
    return [near[begin:end] for begin, end in pairwise(start)]
