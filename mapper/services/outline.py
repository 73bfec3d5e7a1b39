"""The first that is shown of a plan: sites, days of teams, numbers of people, and vials; who is asked when comes after.

Nobody is looked at one by one: people are rows of arrays from the census to the sum of a session. Sites, seats and
routes are those of the first plan by name, by the same rules; whom a session has room for is counted hamlet by hamlet,
not house by house.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from mapper.domain.made_plan import MadePlan, PlannedPart, PlanSite, Unserved
from mapper.domain.plan import PlanGiven
from mapper.domain.planning import PlanningRules
from mapper.domain.sites import SiteKind
from mapper.services.appointments import Appointed, Order, Place
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
from mapper.services.outline_people import People
from mapper.services.outline_seats import REASONS, Sat
from mapper.services.outline_sessions import Coming
from mapper.services.planning import FIRST, LIKELY, places_of
from mapper.services.roads import written
from mapper.services.site_plan import PlannedSite, SitePlan, check
from mapper.services.team_plan import send_teams
from mapper.services.team_stops import (
    SessionStop,
    Stopover,
    visits,
)
from mapper.services.travel import Ways
from mapper.solve.siting import NOBODY, Ints
from mapper.solve.watch import Watch

Told = Callable[[], bool]


def outline(given: PlanGiven, crowd: Crowd, rules: PlanningRules, ways: Ways, unwanted: Told) -> MadePlan | None:
    """A plan of the people of a crowd, by numbers. The same given makes the same one.

    given: without houses. None where there is nobody, or nobody could have a site. Raises InvalidQuestion.
    """
    check(given.question)
    if not len(crowd):
        return None
    people = People.of(given, crowd, rules.farther(given.question.farther))
    seats = Seated.of(people, ways, unwanted)
    return seats.made(unwanted) if seats is not None else None


@dataclass(frozen=True, eq=False)
class Seated:
    """People with the sites that were chosen. given: with units of sites that nobody entered."""

    people: People
    given: PlanGiven
    sites: Sequence[PlannedSite]
    sat: Sat
    ways: Ways

    @classmethod
    def of(cls, people: People, ways: Ways, unwanted: Told) -> Seated | None:
        """None where nobody could have a site."""
        sat = Sat.of(people, ways, unwanted)
        if sat is None:
            return None
        sites = [PlannedSite(one.site, (), one.unit, one.planned) for one in sat.chosen]
        given = replace(people.given, units={**sat.units, **people.given.units})
        return cls(people, given, sites, sat, ways)

    @cached_property
    def coming(self) -> Coming:
        """Who comes to which site."""
        return Coming.of_seats(self.people, self.sat)

    def stops(self) -> Iterator[SessionStop]:
        """Sessions to which teams go."""
        return self.coming.stops(self.given, self.sites)

    def made(self, unwanted: Told) -> MadePlan:
        """Days of teams and sessions, with so many people and vials."""
        people, given, under, coming = self.people, self.given, self.people.under, self.coming
        at_home = np.flatnonzero(self.sat.stays)
        homes = [(house, house.people) for house in people.crowd.houses(at_home)]
        plan = SitePlan(given.question, under.rules, tuple(self.sites), tuple(homes), {}, None, self.sat.found)
        sent = None
        if given.question.teams:
            stops: list[Stopover] = [*self.stops(), *visits(homes, under)]
            sent = send_teams(given, stops, under, self.ways, Watch(FIRST, cancelled=unwanted), times=LIKELY)
        held = places_of(given, self.sites, under, sent)
        slot = np.full(len(coming.row), NOBODY, np.int64)
        for number, place in enumerate(held):
            slot[coming.of(number)] = coming.filled(place, number)
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
                if (people := int(by_sort.sum())) or session.kept:
                    by_code = (by_sort @ each).tolist()
                    of_code = {code: doses for code, doses in zip(codes, by_code, strict=True) if doses}
                    found[number, session.order] = Tally(people, sum(by_code), of_code)
        return found

    def _unserved(
        self, held: Sequence[Place], slot: Ints, at_home: Ints, in_vain: Mapping[tuple[str, str], Unserved]
    ) -> dict[Unserved, tuple[PlannedPart, ...]]:
        """Everybody without a place by why and hamlet."""
        people, coming, why = self.people, self.coming, self.sat.why.copy()
        for number, place in enumerate(held):
            own = coming.of(number)
            left = np.flatnonzero(slot[own] == NOBODY) + own.start
            last = max((one.day.toordinal() for one in place.slots), default=0)
            late = Unserved.DUE_LATER if place.slots else Unserved.FULL
            soon = Unserved.FULL
            if place.missed:
                soon = late = Unserved.NO_TEAM
            why[coming.row[left]] = np.where(coming.on[left] <= last, REASONS.index(soon), REASONS.index(late))
        if in_vain:
            homes, ids = people.crowd.homes, people.crowd.ids
            for row in at_home.tolist():
                vain = in_vain.get((homes[people.crowd.house[row]].id, ids[people.crowd.folk[row]]))
                if vain is not None:
                    why[row] = REASONS.index(vain)
        rows = np.flatnonzero(why != NOBODY)
        parts = people.parts(rows, why[rows], np.full(len(rows), np.nan))
        return {REASONS[one]: tuple(several) for one, several in sorted(parts.items())}
