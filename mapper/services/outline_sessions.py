"""Sessions by numbers: what teams have to go to, and who is asked to which session of a site, hamlet by hamlet.

As ``team_stops`` and ``appointments`` have it house by house. Whoever was asked to a session that stands is known by
id, and asked to it again.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np

from mapper.domain.plan import FieldTeam, FixedSession, PlanGiven
from mapper.domain.sites import SiteKind
from mapper.services.appointments import Place, Slot, open_sessions
from mapper.services.outline_people import Bools, People
from mapper.services.outline_seats import Sat
from mapper.services.scenarios import Conditions
from mapper.services.site_plan import PlannedSite
from mapper.services.team_plan import able_teams
from mapper.services.team_stops import (
    SessionStop,
    apart,
    crowd_of,
    doses_a_session,
    sessions_of,
    standing,
    unit_of_site,
)
from mapper.services.turns import mostly_of
from mapper.solve.siting import NOBODY, Floats, Ints


@dataclass(frozen=True, eq=False)
class Coming:
    """Those who have a site, site by site in the order of their turns. row: of each among all people.

    begins: of each site the first of them, and the end.
    """

    people: People
    row: Ints
    ready: Ints
    way_m: Floats
    weight: Floats
    doses: Ints
    hamlet: Ints
    on: Ints
    begins: Ints
    _places: dict[int, Mapping[str, int]] = field(default_factory=dict)

    @classmethod
    def of_seats(cls, people: People, sat: Sat) -> Coming:
        """Who comes to which site in which turn, as ``turns.comers_of`` has it."""
        row = np.flatnonzero(sat.site != NOBODY)
        site, way_m = sat.site[row], sat.way_m[row]
        ready = people.ready(row, site, people.under.days[-1])
        weight, house = people.weight[row], people.house[row]
        turns, turn = np.unique(-weight, return_inverse=True)
        first = int(ready.min(initial=date.max.toordinal()))
        days = int(ready.max(initial=0)) - first + 1
        key = ((site * days + ready - first) * len(turns) + turn) * len(people.homes) + people.in_hamlets[house]
        order = np.argsort(key, kind="stable")
        return cls(
            people,
            row[order],
            ready[order],
            way_m[order],
            weight[order],
            people.doses[row][order],
            people.hamlet[house][order],
            people.crowd.on[row][order],
            np.searchsorted(site[order], np.arange(len(sat.chosen) + 1)),
        )

    def of(self, site: int) -> slice:
        """Of a site."""
        return slice(int(self.begins[site]), int(self.begins[site + 1]))

    def place_of(self, site: int) -> Mapping[str, int]:
        """Of each of the people of a site, by id, the place among them."""
        found = self._places.get(site)
        if found is None:
            ids, crowd = self.people.crowd.ids, self.people.crowd
            folk = crowd.folk[self.row[self.of(site)]].tolist()
            found = self._places[site] = {ids[one]: place for place, one in enumerate(folk)}
        return found

    def stops(self, given: PlanGiven, sites: Sequence[PlannedSite]) -> Iterator[SessionStop]:
        """Sessions that stand, and those at mobile sites in parts that a team can do in a day; see ``stops_of``."""
        under, days = self.people.under, given.question.mobile_days
        teams = able_teams(under)
        most = doses_a_session(teams, under.rules)
        stand = standing(given.question)
        for number, one in enumerate(sites):
            own, mobile = self.of(number), one.site.kind is SiteKind.MOBILE
            kept = [each for each in stand if each.site == one.site.code and (each.team or mobile)]
            people = own.stop - own.start
            if not kept and not (mobile and people):
                continue
            unit = unit_of_site(given, one)
            crowd, doses = crowd_of(under, one.site, unit), int(self.doses[own].sum())
            target = math.ceil(doses / max(sessions_of(one.site, people, doses, most, crowd, days), len(kept)))
            left = np.arange(own.start, own.stop)
            if kept:
                standing_now = _Standing(self, number, one, unit, under, teams, target)
                several, left = standing_now.stops(sorted(kept, key=lambda each: (each.day, each.team)))
                yield from several
            parts = self._parts(one, left, target, crowd) if mobile else []
            yield from apart(parts, people, crowd, days)

    def _parts(self, site: PlannedSite, left: Ints, target: int, crowd: int | None) -> list[SessionStop]:
        """These people from the first on, so many doses to each session."""
        until = np.concatenate(([0], np.cumsum(self.doses[left])))
        parts, begin = [], 0
        while begin < len(left):
            end = int(np.searchsorted(until, until[begin] + target, side="right")) - 1
            end = min(max(end, begin + 1), begin + (crowd or len(left)), len(left))
            parts.append(self.stop(site, left[begin:end]))
            begin = end
        return parts

    def stop(self, site: PlannedSite, some: Ints) -> SessionStop:
        """A session of these people, one at least."""
        ready = date.fromordinal(int(np.sort(self.ready[some])[mostly_of(len(some))]))
        return SessionStop(site, len(some), int(self.doses[some].sum()), ready, float(self.weight[some].sum()))

    def filled(self, place: Place, number: int) -> Ints:
        """The session of each of those who come to a site, as ``appointments.appoint`` asks them; NOBODY for none."""
        own = self.of(number)
        ready, on = self.ready[own], self.on[own]
        if place.open_days:
            late = ready > place.open_days[-1].toordinal()
            days, each = np.unique(np.where(late, on, ready), return_counts=True)
            come = Counter({date.fromordinal(day): one for day, one in zip(days.tolist(), each.tolist(), strict=True)})
            open_sessions(place, come, int(self.doses[own].sum()), self.people.under)
        found = np.full(len(ready), NOBODY, np.int64)
        if not place.slots or not len(ready):
            return found
        weight, doses, hamlet = self.weight[own], self.doses[own], self.hamlet[own]
        if any(one.before for one in place.slots):
            _as_before(place, self.place_of(number), on, doses, found)
        held = np.array([one.day.toordinal() for one in place.slots])
        first = np.searchsorted(held, ready)
        first = np.where(first == len(held), np.searchsorted(held, on), first)
        able = (first < len(held)) & (found == NOBODY)
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


@dataclass(frozen=True, eq=False)
class _Standing:
    """A site with sessions that stand, of whose people each is looked at. target: doses of a session."""

    coming: Coming
    number: int
    site: PlannedSite
    unit: str | None
    under: Conditions
    teams: Sequence[FieldTeam]
    target: int

    def stops(self, kept: Sequence[FixedSession]) -> tuple[list[SessionStop], Ints]:
        """These sessions, and the people who come to none of them."""
        coming, own, found = self.coming, self.coming.of(self.number), []
        asked = [self._asked(one) for one in kept]
        times = np.sum(asked, axis=0)
        left = np.arange(own.stop - own.start)
        for one, again in zip(kept, asked, strict=True):
            team = next((each for each in self.teams if each.name == one.team), None)
            room = self.under.room(self.site.site, self.unit, one.day)
            limit = min(len(left) if each is None else each for each in (one.people, room))
            able = doses_a_session(self.teams if team is None else [team], self.under.rules)
            doses = able if one.people is not None else min(self.target, able)
            free = left[again[left] | (times[left] == 0)]
            mine = free[np.argsort(~again[free], kind="stable")]
            some = self._taken(mine + own.start, limit, doses, one.day)
            left = left[~np.isin(left, some - own.start)]
            stop = coming.stop(self.site, some) if len(some) else SessionStop(self.site, 0, 0, one.day, 0.0)
            found.append(replace(stop, kept=one))
        return found, left + own.start

    def _asked(self, one: FixedSession) -> Bools:
        """Of the people of the site those who were asked to a session."""
        own, place_of = self.coming.of(self.number), self.coming.place_of(self.number)
        found = np.zeros(own.stop - own.start, np.bool_)
        found[[place_of[person] for person in one.asked if person in place_of]] = True
        return found

    def _taken(self, several: Ints, people: float, doses: float, day: date) -> Ints:
        """From the first on so many as there is room for, of those who are ready on the day."""
        ready = several[self.coming.ready[several] <= day.toordinal()]
        enough = int(np.searchsorted(np.cumsum(self.coming.doses[ready]), doses, side="right"))
        return ready[: max(0, min(enough, math.ceil(people)))]


def _as_before(place: Place, place_of: Mapping[str, int], on: Ints, doses: Ints, found: Ints) -> None:
    """Ask those again who were asked to a session that stands. place_of: of people by id, the place among them."""
    for at, slot in enumerate(place.slots):
        for one in sorted(place_of[person] for person in slot.before if person in place_of):
            again = on[one] <= slot.day.toordinal() and found[one] == NOBODY
            if again and place.room(slot) >= 1 and doses[one] <= slot.doses:
                _take(place, slot, 1, int(doses[one]))
                found[one] = at


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
