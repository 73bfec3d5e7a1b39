"""The first that is shown of a plan: sites, days of teams, numbers of people, and vials; who is asked when comes after.

Nobody is looked at one by one: people are rows of arrays from the census to the sum of a session. Sites, seats and
routes are those of the first plan by name, by the same rules; whom a session has room for is counted hamlet by hamlet,
not house by house.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property

import numpy as np

from mapper.domain.made_plan import MadePlan, PlannedPart, PlanSite, Unserved
from mapper.domain.plan import Aim, PlanGiven
from mapper.domain.planning import PlanningRules
from mapper.domain.sites import SiteKind
from mapper.services.appointments import Appointed, Order, Place, Slot, open_sessions
from mapper.services.demand import Crowd
from mapper.services.made import (
    Parts,
    Tally,
    in_order,
    quality_of,
    rounds_of,
    session_of,
    team_days,
    visits_of,
)
from mapper.services.outline_people import Bools, People
from mapper.services.planning import FIRST, LIKELY, places_of
from mapper.services.roads import written
from mapper.services.seats import Seats, seated
from mapper.services.site_number import sites_at_first
from mapper.services.site_places import places
from mapper.services.site_plan import PlannedSite, SitePlan, check, choose
from mapper.services.site_problem import SiteProblem, numbers_of
from mapper.services.stations_first import AtHome
from mapper.services.team_plan import able_teams, send_teams
from mapper.services.team_stops import (
    SessionStop,
    Stopover,
    apart,
    crowd_of,
    doses_a_session,
    sessions_of,
    unit_of_site,
    visits,
)
from mapper.services.travel import Ways
from mapper.services.turns import mostly_of
from mapper.solve.siting import NOBODY, Floats, Ints, Limits, Siting
from mapper.solve.watch import Watch

Told = Callable[[], bool]


def outline(given: PlanGiven, crowd: Crowd, rules: PlanningRules, ways: Ways, unwanted: Told) -> MadePlan | None:
    """A plan of the people of a crowd, by numbers. The same given makes the same one.

    given: without houses. None where doses are counted, or where sessions stand to which people were asked by name: who
    has a place then hangs on each of them; and where nobody could have a site. Raises InvalidQuestion.
    """
    question = given.question
    check(question)
    if question.doses is not None or question.keeps or not len(crowd):
        return None
    people = People.of(given, crowd, rules.farther(question.farther))
    seats = Seated.of(people, ways, unwanted)
    return seats.made(unwanted) if seats is not None else None


@dataclass(frozen=True, eq=False)
class Coming:
    """Those who have a site, site by site in the order of their turns. row: of each among all people.

    begins: of each site the first of them, and the end.
    """

    row: Ints
    ready: Ints
    way_m: Floats
    weight: Floats
    doses: Ints
    hamlet: Ints
    on: Ints
    begins: Ints

    def of(self, site: int) -> slice:
        """Of a site."""
        return slice(int(self.begins[site]), int(self.begins[site + 1]))


@dataclass(frozen=True, eq=False)
class Seated:
    """People with the sites that were chosen. group: of each of those who walk, as in seats."""

    people: People
    given: PlanGiven
    sites: Sequence[PlannedSite]
    found: Siting
    seats: Seats
    group: Ints
    ways: Ways

    @classmethod
    def of(cls, people: People, ways: Ways, unwanted: Told) -> Seated | None:
        given, under = people.given, people.under
        wish, (groups, group) = given.question, people.groups()
        where = places(given, people.proposals())
        days = wish.mobile_days if wish.aim is Aim.LEAST_TRAVEL else max(len(under.days), wish.mobile_days)
        asked = numbers_of(groups, where, under, wish.aim, days, ways)
        found = _first_sites(given, asked, sites_at_first(given, under, asked.kept), unwanted)
        if found is None:
            return None
        homes = AtHome(len(np.unique(people.house[people.stays])), int(people.doses[people.stays].sum()))
        watch = Watch(Limits(0.0), cancelled=unwanted)
        seats = seated(asked, found, groups, homes, under, wish.aim, ways, watch, first=True)
        chosen = [asked.places[site] for site in found.chosen]
        mostly = _mostly(seats, groups.units)
        sites = [PlannedSite(one.site, (), one.unit, one.planned) for one in chosen]
        return cls(people, replace(given, units={**mostly, **given.units}), sites, found, seats, group, ways)

    @cached_property
    def coming(self) -> Coming:
        """Who comes to which site in which turn, as ``turns.comers_of`` has it."""
        people, number = self.people, {one.site.code: place for place, one in enumerate(self.sites)}
        site_of = np.array([number.get(one.site.code, NOBODY) for one in self.seats.places] + [NOBODY], np.int64)
        site = site_of[self.seats.place][self.group]
        has = np.flatnonzero(site != NOBODY)
        row, site, way_m = people.walks[has], site[has], self.seats.way_m[self.group[has]]
        ready = people.ready(row, site, people.under.days[-1])
        weight, house = people.weight[row], people.house[row]
        turns, turn = np.unique(-weight, return_inverse=True)
        first = int(ready.min(initial=date.max.toordinal()))
        days = int(ready.max(initial=0)) - first + 1
        key = ((site * days + ready - first) * len(turns) + turn) * len(people.homes) + people.in_hamlets[house]
        order = np.argsort(key, kind="stable")
        return Coming(
            row[order],
            ready[order],
            way_m[order],
            weight[order],
            people.doses[row][order],
            people.hamlet[house][order],
            people.crowd.on[row][order],
            np.searchsorted(site[order], np.arange(len(self.sites) + 1)),
        )

    def stops(self) -> Iterator[SessionStop]:
        """Sessions at mobile sites in parts that a team can do in a day, as ``team_stops.stops_of`` has them."""
        under, coming, days = self.people.under, self.coming, self.given.question.mobile_days
        most = doses_a_session(able_teams(under), under.rules)
        for number, one in enumerate(self.sites):
            own = coming.of(number)
            people = own.stop - own.start
            if one.site.kind is SiteKind.FIXED or not people:
                continue
            crowd = crowd_of(under, one.site, unit_of_site(self.given, one))
            until = np.concatenate(([0], np.cumsum(coming.doses[own])))
            doses = int(until[-1])
            target = math.ceil(doses / sessions_of(one.site, people, doses, most, crowd, days))
            parts, begin = [], 0
            while begin < people:
                end = int(np.searchsorted(until, until[begin] + target, side="right")) - 1
                end = min(max(end, begin + 1), begin + (crowd or people), people)
                ready = date.fromordinal(int(coming.ready[own.start + begin + mostly_of(end - begin)]))
                weight = float(coming.weight[own.start + begin : own.start + end].sum())
                parts.append(SessionStop(one, end - begin, int(until[end] - until[begin]), ready, weight))
                begin = end
            yield from apart(parts, people, crowd, days)

    def made(self, unwanted: Told) -> MadePlan:
        """Days of teams and sessions, with so many people and vials."""
        people, given, under, coming = self.people, self.given, self.people.under, self.coming
        at_home = np.flatnonzero(people.stays)
        homes = [(house, house.people) for house in people.crowd.houses(at_home)]
        plan = SitePlan(given.question, under.rules, tuple(self.sites), tuple(homes), {}, None, self.found)
        sent = None
        if given.question.teams:
            stops: list[Stopover] = [*self.stops(), *visits(homes, under)]
            sent = send_teams(given, stops, under, self.ways, Watch(FIRST, cancelled=unwanted), times=LIKELY)
        held = places_of(given, self.sites, under, sent)
        slot = np.full(len(coming.row), NOBODY, np.int64)
        for number, place in enumerate(held):
            slot[coming.of(number)] = self._filled(place, number)
        parts = Parts(given, under, plan, sent, Appointed(held, {}, 0), self.ways)
        tallies = self._tallies(held, slot)
        days, visited = team_days(parts, tallies)
        rounds = rounds_of(parts, tallies, days, visited)
        visits_made, in_vain = visits_of(parts, visited)
        site = np.repeat(np.arange(len(held)), np.diff(coming.begins))
        asked = slot != NOBODY
        by_site = people.parts(coming.row[asked], site[asked], coming.way_m[asked])
        sites = []
        for number, place in enumerate(held):
            own = [(one, key) for one in place.slots if (key := (number, one.order)) in tallies]
            if own or place.site.kind is SiteKind.FIXED:
                sessions = tuple(session_of(parts, one, tallies[key], rounds.get(key, ())) for one, key in own)
                sites.append(PlanSite(place.site, place.unit, (), sessions, tuple(by_site.get(number, ()))))
        known = {(one.id, each.id): why for why, several in in_vain.items() for one, some in several for each in some}
        return MadePlan(
            tuple(sites),
            tuple(visits_made),
            tuple(replace(day, needs=rounds.get((day.team, day.day), ())) for day in days),
            {},
            quality_of(parts),
            in_order(parts, [need for several in rounds.values() for need in several]),
            roads=written(self.ways),
            complete=False,
            outline=True,
            unserved_parts=self._unserved(held, slot, at_home, known),
        )

    def _filled(self, place: Place, number: int) -> Ints:
        """The session of each of those who come to a site, as ``appointments.appoint`` asks them; NOBODY for none."""
        coming, own = self.coming, self.coming.of(number)
        ready, on = coming.ready[own], coming.on[own]
        if place.open_days:
            late = ready > place.open_days[-1].toordinal()
            days, each = np.unique(np.where(late, on, ready), return_counts=True)
            come = Counter({date.fromordinal(day): one for day, one in zip(days.tolist(), each.tolist(), strict=True)})
            open_sessions(place, come, int(coming.doses[own].sum()), self.people.under)
        found = np.full(len(ready), NOBODY, np.int64)
        if not place.slots or not len(ready):
            return found
        held = np.array([one.day.toordinal() for one in place.slots])
        first = np.searchsorted(held, ready)
        first = np.where(first == len(held), np.searchsorted(held, on), first)
        weight, doses, hamlet = coming.weight[own], coming.doses[own], coming.hamlet[own]
        able = first < len(held)
        able &= _admitted(place, first, weight, doses, able)
        some = np.flatnonzero(able)
        if not len(some):
            return found
        # Whoever has the fewest days to choose from comes first: those with more of them find room beside.
        key, block = np.unique(first[some] * (int(hamlet.max()) + 1) + hamlet[some], return_inverse=True)
        mean = np.bincount(block, weight[some]) / np.bincount(block)
        members = np.split(some[np.argsort(block, kind="stable")], np.cumsum(np.bincount(block))[:-1])
        begins = key // (int(hamlet.max()) + 1)
        for one in np.lexsort((key, -mean, -begins)).tolist():
            _ask(place, int(begins[one]), members[one], doses, found)
        return found

    def _tallies(self, held: Sequence[Place], slot: Ints) -> dict[tuple[int, Order], Tally]:
        """Who comes to each session, counted."""
        crowd, coming = self.people.crowd, self.coming
        codes = list(dict.fromkeys(one.vials.get(dose, "") for one in crowd.sorts for dose in one.due))
        each = np.zeros((len(crowd.sorts), len(codes)), np.int64)
        for sort, one in enumerate(crowd.sorts):
            for dose in one.due:
                each[sort, codes.index(one.vials.get(dose, ""))] += 1
        sort_of = crowd.sort[coming.row]
        found = {}
        for number, place in enumerate(held):
            own = coming.of(number)
            of, some = slot[own], slot[own] != NOBODY
            shape = len(place.slots), len(crowd.sorts)
            counted = np.bincount(of[some] * shape[1] + sort_of[own][some], minlength=shape[0] * shape[1])
            sorts = counted.reshape(shape)
            for session, by_sort in zip(place.slots, sorts, strict=True):
                if people := int(by_sort.sum()):
                    by_code = (by_sort @ each).tolist()
                    of_code = {code: doses for code, doses in zip(codes, by_code, strict=True) if doses}
                    found[number, session.order] = Tally(people, sum(by_code), of_code)
        return found

    def _unserved(
        self, held: Sequence[Place], slot: Ints, at_home: Ints, in_vain: Mapping[tuple[str, str], Unserved]
    ) -> dict[Unserved, tuple[PlannedPart, ...]]:
        """Everybody without a place by why and hamlet."""
        people, coming = self.people, self.coming
        reasons = list(Unserved)
        why = np.full(len(people.crowd), NOBODY, np.int64)
        why[~people.placed] = reasons.index(Unserved.NO_POSITION)
        of_group = np.full(len(self.seats.place), NOBODY, np.int64)
        for group, reason in self.seats.why.items():
            of_group[group] = reasons.index(reason)
        why[people.walks] = of_group[self.group]
        for number, place in enumerate(held):
            own = coming.of(number)
            left = np.flatnonzero(slot[own] == NOBODY) + own.start
            last = max((one.day.toordinal() for one in place.slots), default=0)
            late = Unserved.DUE_LATER if place.slots else Unserved.FULL
            soon = Unserved.FULL
            if place.missed:
                soon = late = Unserved.NO_TEAM
            why[coming.row[left]] = np.where(coming.on[left] <= last, reasons.index(soon), reasons.index(late))
        if in_vain:
            homes, ids = people.crowd.homes, people.crowd.ids
            for row in at_home.tolist():
                vain = in_vain.get((homes[people.crowd.house[row]].id, ids[people.crowd.folk[row]]))
                if vain is not None:
                    why[row] = reasons.index(vain)
        rows = np.flatnonzero(why != NOBODY)
        parts = people.parts(rows, why[rows], np.full(len(rows), np.nan))
        return {reasons[one]: tuple(several) for one, several in sorted(parts.items())}


def _first_sites(given: PlanGiven, asked: SiteProblem, number: int, unwanted: Told) -> Siting | None:
    """The first sites that a search finds; the same as those with which the plan by name begins."""
    question, told = given.question, list[Siting]()
    limits = Limits(question.seconds, question.gap, seed=question.seed)
    watch = Watch(limits, incumbent=told.append, cancelled=lambda: bool(told) or unwanted())
    choose(asked, question.aim, number, watch)
    return told[0] if told else None


def _mostly(seats: Seats, units: Sequence[str | None]) -> dict[str, str]:
    """Of places the unit of most groups that go there, by code; the first one of several."""
    codes = sorted({unit for unit in units if unit is not None})
    number = {code: place for place, code in enumerate(codes)}
    unit = np.array([number.get(one or "", NOBODY) for one in units], np.int64)
    known = (seats.place != NOBODY) & (unit != NOBODY)
    shape = len(seats.places), len(codes)
    counted = np.bincount(seats.place[known] * shape[1] + unit[known], minlength=shape[0] * shape[1]).reshape(shape)
    some = np.flatnonzero(counted.any(axis=1)).tolist()
    return {seats.places[place].site.code: codes[int(counted[place].argmax())] for place in some}


def _admitted(place: Place, first: Ints, weight: Floats, doses: Ints, able: Bools) -> Bools:
    """Those who find room, by weight; as ``appointments`` admits them, but for houses. first: session of each."""
    rooms = place.rooms()
    asked = (np.bincount(first[able], each, len(place.slots)) for each in (able[able].astype(float), doses[able]))
    wanted = [np.cumsum(each[::-1])[::-1] for each in asked]
    if all((want <= room).all() for want, room in zip(wanted, rooms, strict=True)):
        return able
    of_people, of_doses = ([float(one) for one in each] for each in rooms)
    found = np.zeros(len(able), np.bool_)
    some = np.flatnonzero(able)
    order = some[np.lexsort((doses[some], first[some], -weight[some]))]
    same = np.flatnonzero(np.any(np.diff([weight[order], first[order], doses[order]], prepend=-1.0) != 0, axis=0))
    for members in np.split(order, same[1:]):
        begin, each = int(first[members[0]]), int(doses[members[0]])
        number = min(len(members), *of_people[: begin + 1])
        if each:
            number = min(number, min(of_doses[: begin + 1]) // each)
        count = max(0, int(number))
        for one in range(begin + 1):
            of_people[one] -= count
            of_doses[one] -= count * each
        found[members[:count]] = True
    return found


def _ask(place: Place, begin: int, members: Ints, doses: Ints, found: Ints) -> None:
    """People of one hamlet to one session from one on; else to as many as it takes."""
    until = np.cumsum(doses[members])
    number, everything = len(members), int(until[-1])
    slots = list(enumerate(place.slots))[begin:]
    rooms = [place.room(one) for _, one in slots]
    whole = next((at for at, (_, one) in enumerate(slots) if number <= rooms[at] and everything <= one.doses), None)
    done = given = 0
    for (at, one), room in zip(slots, rooms, strict=True) if whole is None else [(slots[whole], rooms[whole])]:
        end = number if whole is not None else int(np.searchsorted(until, given + one.doses, side="right"))
        end = int(min(end, done + max(0.0, room)))
        if end <= done:
            continue
        found[members[done:end]] = at
        _take(place, one, end - done, int(until[end - 1]) - given)
        done, given = end, int(until[end - 1])
        if done == number:
            return


def _take(place: Place, slot: Slot, people: int, doses: int) -> None:
    slot.people -= people
    slot.doses -= doses
    place.asked[slot.day] += people
