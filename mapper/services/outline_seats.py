"""Who has which site by numbers: sites that were chosen, seats within what they can have, doses that do not suffice.

As ``site_plan`` has it house by house, by the same rules and in the same order, for a crowd in whole arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np

from mapper.domain.made_plan import Unserved
from mapper.domain.plan import Aim, PlanGiven
from mapper.services.dose_limit import shares_of
from mapper.services.outline_people import Bools, People
from mapper.services.seats import seated
from mapper.services.site_number import sites_at_first
from mapper.services.site_places import Place, places
from mapper.services.site_plan import choose
from mapper.services.site_problem import Groups, SiteProblem, numbers_of
from mapper.services.stations_first import AtHome
from mapper.services.travel import Ways
from mapper.solve.siting import NOBODY, Floats, Ints, Limits, Siting
from mapper.solve.watch import Watch

Told = Callable[[], bool]

REASONS = tuple(Unserved)
"""Why somebody has no place, by its position here."""

_NO_POSITION, _NO_DOSES = REASONS.index(Unserved.NO_POSITION), REASONS.index(Unserved.NO_DOSES)


@dataclass(frozen=True, eq=False)
class Sat:
    """Everybody of a crowd, a row each. chosen: the sites.

    site: position among them, NOBODY for none; way_m: to it; why: there is none, as position in REASONS, NOBODY where a
    site or a visit is theirs; stays: whether a team comes to them. units: of the sites, by code, in which most of their
    groups live.
    """

    found: Siting
    chosen: Sequence[Place]
    site: Ints
    way_m: Floats
    why: Ints
    stays: Bools
    units: dict[str, str]

    @classmethod
    def of(cls, people: People, ways: Ways, unwanted: Told) -> Sat | None:
        """None where nobody could have a site."""
        given, under, wish = people.given, people.under, people.given.question
        asking = _Asking.of(people, places(given, people.proposals()), ways)
        asked = asking.asked
        found = _first_sites(given, asked, sites_at_first(given, under, asked.kept), unwanted)
        if found is None:
            return None
        homes = AtHome(len(np.unique(people.house[people.stays])), int(people.doses[people.stays].sum()))
        watch = Watch(Limits(0.0), cancelled=unwanted)
        seats = seated(asked, found, asking.some, homes, under, wish.aim, ways, watch, first=True)
        chosen = [asked.places[site] for site in found.chosen]
        number = {one.site.code: place for place, one in enumerate(chosen)}
        site_of = np.array([number.get(one.site.code, NOBODY) for one in seats.places] + [NOBODY], np.int64)
        groups = len(asking.groups.people)
        site, way_m = np.full(groups, NOBODY, np.int64), np.zeros(groups)
        site[asking.among], way_m[asking.among] = site_of[seats.place], seats.way_m
        why_of = np.full(groups, NOBODY, np.int64)
        why_of[asking.waiting] = _NO_DOSES
        for one, reason in seats.why.items():
            why_of[asking.among[one]] = REASONS.index(reason)
        every = len(people.crowd)
        sat = cls(
            found,
            chosen,
            *(np.full(every, NOBODY, np.int64), np.zeros(every), np.full(every, NOBODY, np.int64)),
            people.stays.copy(),
            {},
        )
        rows, group = people.walks, asking.group
        sat.site[rows], sat.way_m[rows], sat.why[rows] = site[group], way_m[group], why_of[group]
        sat.why[~people.placed] = _NO_POSITION
        if wish.doses is not None:
            left = sat._given_out(people, wish.doses)
            sat._filled_up(people, asking, left)
        sat.units.update(sat._mostly(people, asking))
        return sat

    def _given_out(self, people: People, doses: int) -> int:
        """Doses to those who have a site or a visit, as ``dose_limit.who_gets`` gives them; how many are left."""
        rows = np.flatnonzero((self.site != NOBODY) | self.stays)
        turn = people.house[rows], self.way_m[rows], self.stays[rows], -people.weight[rows]
        order = np.lexsort(turn)
        until = np.cumsum(people.doses[rows[order]])
        whole = int(np.searchsorted(until, doses, side="right"))
        if whole == len(order):
            return doses - int(until[-1] if whole else 0)
        # Up to the house in whose midst they run out it is all the same who of a house is first.
        fresh = np.ones(len(order), np.bool_)
        fresh[1:] = np.any([np.diff(each[order].astype(np.float64)) != 0 for each in turn], axis=0)
        begin = int(np.flatnonzero(fresh[: whole + 1])[-1])
        left = doses - int(until[begin - 1] if begin else 0)
        without: list[int] = []
        ids, folk = people.crowd.ids, people.crowd.folk
        rest = zip(rows[order[begin:]].tolist(), np.cumsum(fresh[begin:]).tolist(), strict=True)
        for _, several in groupby(rest, lambda each: each[1]):
            for row in sorted((row for row, _ in several), key=lambda each: ids[int(folk[each])]):
                due = int(people.doses[row])
                if due <= left:
                    left -= due
                else:
                    without.append(row)
        self.site[without], self.stays[without], self.why[without] = NOBODY, False, _NO_DOSES
        return left

    def _filled_up(self, people: People, asking: _Asking, doses: int) -> None:
        """Seat those who waited at the nearest site with room, as long as there are doses."""
        if not doses or not len(asking.waiting):
            return
        capacity = asking.asked.problem.capacity
        room = [float(capacity[site]) for site in self.found.chosen]
        for site, number in enumerate(np.bincount(self.site[self.site != NOBODY], minlength=len(room)).tolist()):
            room[site] -= number
        number = {one.site.code: place for place, one in enumerate(self.chosen)}
        near = _near(asking.every, number)
        points = asking.every.point_of[asking.waiting].tolist()
        weight = (asking.groups.weight / asking.groups.people)[asking.waiting].tolist()
        turns = sorted(
            (-of, min(near.get(point, _NOWHERE)), group)
            for of, point, group in zip(weight, points, asking.waiting.tolist(), strict=True)
        )
        by_group = np.argsort(asking.group, kind="stable")
        begins = np.searchsorted(asking.group[by_group], np.arange(len(asking.groups.people) + 1))
        for *_, group in turns:
            if doses <= 0:
                break
            several = near.get(int(asking.every.point_of[group]), ())
            far, code = next(((far, code) for far, code in several if room[number[code]] >= 1), (0.0, ""))
            if not code:
                continue
            site = number[code]
            for row in people.walks[by_group[begins[group] : begins[group + 1]]].tolist():
                due = int(people.doses[row])
                if room[site] >= 1 and due <= doses:
                    doses -= due
                    room[site] -= 1
                    self.site[row], self.way_m[row], self.why[row] = site, far, NOBODY

    def _mostly(self, people: People, asking: _Asking) -> dict[str, str]:
        """Of sites the unit of most groups that go there, by code; the first one of several."""
        units = asking.groups.units
        codes = sorted({unit for unit in units if unit is not None})
        place = {code: number for number, code in enumerate(codes)}
        unit_of = np.array([place.get(one or "", NOBODY) for one in units], np.int64)
        site = self.site[people.walks]
        going, first = np.unique(asking.group[site != NOBODY], return_index=True)
        at, unit = site[site != NOBODY][first], unit_of[going]
        known, shape = unit != NOBODY, (len(self.chosen), len(codes))
        counted = np.bincount(at[known] * shape[1] + unit[known], minlength=shape[0] * shape[1]).reshape(shape)
        some = np.flatnonzero(counted.any(axis=1)).tolist()
        return {self.chosen[one].site.code: codes[int(counted[one].argmax())] for one in some}


_NOWHERE = ((np.inf, ""),)


@dataclass(frozen=True, eq=False)
class _Asking:
    """A question taken apart, as ``site_plan`` does. groups: of all who walk; group: of each of them.

    every: the question of them all; asked: of those among them for whom doses may suffice: some, which are groups at
    positions among; waiting: positions of the others.
    """

    groups: Groups
    group: Ints
    every: SiteProblem
    asked: SiteProblem
    some: Groups
    among: Ints
    waiting: Ints

    @classmethod
    def of(cls, people: People, where: Sequence[Place], ways: Ways) -> _Asking:
        wish, under = people.given.question, people.under
        groups, group = people.groups()
        days = wish.mobile_days if wish.aim is Aim.LEAST_TRAVEL else max(len(under.days), wish.mobile_days)
        every = numbers_of(groups, where, under, wish.aim, days, ways)
        number = len(groups.people)
        whole = cls(groups, group, every, every, groups, np.arange(number), np.zeros(0, np.int64))
        if wish.doses is None:
            return whole
        near = every.problem.reachable[every.point_of]
        _, first = np.unique(group, return_index=True)
        weight = people.weight[people.walks[first]]
        claims = np.concatenate([people.walks[near[group]], np.flatnonzero(people.stays)])
        weights, which = np.unique(people.weight[claims], return_inverse=True)
        wanted = np.bincount(which, people.doses[claims], len(weights)).astype(np.int64)
        share = shares_of(dict(zip(weights.tolist(), wanted.tolist(), strict=True)), wish.doses)
        hope = np.array([share.get(one, 0.0) for one in weight.tolist()], np.float64)
        hope = np.where(near, hope, 1.0)
        among, waiting = np.flatnonzero(hope), np.flatnonzero(hope == 0)
        units = [groups.units[one] for one in among.tolist()]
        some = Groups(
            groups.at[among], groups.limit_m[among], groups.people[among], (groups.weight * hope)[among], units
        )
        if min(share.values(), default=0.0) >= 1 and not len(waiting):
            return replace(whole, some=some)
        asked = numbers_of(some, where, under, wish.aim, days, ways)
        return cls(groups, group, every, asked, some, among, waiting)


def _near(every: SiteProblem, number: dict[str, int]) -> dict[int, list[tuple[float, str]]]:
    """Of each point the sites that were chosen, the nearest first."""
    travel, codes = every.problem.travel, [one.site.code for one in every.places]
    is_chosen = np.array([code in number for code in codes], np.bool_)[travel.site]
    told = zip(*(each[is_chosen].tolist() for each in (travel.point, travel.far, travel.site)), strict=True)
    near: dict[int, list[tuple[float, str]]] = {}
    for point, far, site in told:
        near.setdefault(point, []).append((far, codes[site]))
    for several in near.values():
        several.sort()
    return near


def _first_sites(given: PlanGiven, asked: SiteProblem, number: int, unwanted: Told) -> Siting | None:
    """The first sites that a search finds; the same as those with which the plan by name begins."""
    question, told = given.question, list[Siting]()
    limits = Limits(question.seconds, question.gap, seed=question.seed)
    watch = Watch(limits, incumbent=told.append, cancelled=lambda: bool(told) or unwanted())
    choose(asked, question.aim, number, watch)
    return told[0] if told else None
