"""Everybody due as rows of arrays, with what a plan asks of each: who walks, how far, and as how many they count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mapper.domain.made_plan import PlannedPart
from mapper.domain.people import Point
from mapper.domain.plan import PlanGiven
from mapper.domain.planning import PlanningRules
from mapper.services.demand import Crowd
from mapper.services.plan_figures import ROUGHLY
from mapper.services.scenarios import Conditions, conditions
from mapper.services.site_places import Place, proposal
from mapper.services.site_problem import Groups, rows_apart
from mapper.services.turns import TOGETHER_DAYS
from mapper.solve.siting import Floats, Ints

Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class People:
    """A crowd, a row each, as in ``crowd``.

    homes: houses with anybody due, by id, as positions in those of the crowd; house: of each of the people; at: (homes,
    2), longitude and latitude, nan where none is known; units: all there are, each once; unit: of each home. placed:
    whether their house has a position; stays: whether a team comes to them. limit_m, weight, doses: of each of them.
    """

    given: PlanGiven
    crowd: Crowd
    under: Conditions
    homes: Ints
    units: Sequence[str | None]
    unit: Ints
    house: Ints
    at: Floats
    placed: Bools
    stays: Bools
    limit_m: Floats
    weight: Floats
    doses: Ints

    @classmethod
    def of(cls, given: PlanGiven, crowd: Crowd, rules: PlanningRules) -> People:
        """given: without houses."""
        fresh = np.diff(crowd.house, prepend=-1) != 0
        house, homes = np.cumsum(fresh) - 1, crowd.house[fresh]
        units, unit = _units(crowd, homes)
        if given.question.scenario.closed_from is not None:
            given = replace(given, names={**{unit: unit for unit in units if unit}, **given.names})
        under = conditions(given, rules)
        at = crowd.stand.at[homes]
        stays, limit, weight = _needs(crowd, under, unit[house], units)
        doses = np.array([len(one.due) for one in crowd.sorts], np.int64)[crowd.sort]
        placed = ~np.isnan(at[:, 0])[house]
        return cls(given, crowd, under, homes, units, unit, house, at, placed, stays & placed, limit, weight, doses)

    @cached_property
    def walks(self) -> Ints:
        """Rows of those who walk to a site."""
        return np.flatnonzero(self.placed & ~self.stays)

    @cached_property
    def hamlet(self) -> Ints:
        """Of each house, by the order of codes; the first is that of no hamlet."""
        stand = self.crowd.stand
        order = {code: number for number, code in enumerate(sorted({"", *(hamlet or "" for _, hamlet in stand.told)}))}
        return np.array([order[hamlet or ""] for _, hamlet in stand.told], np.int64)[stand.pair[self.homes]]

    @cached_property
    def in_hamlets(self) -> Ints:
        """The rank of each house, hamlet by hamlet."""
        found = np.empty(len(self.homes), np.int64)
        found[np.argsort(self.hamlet, kind="stable")] = np.arange(len(self.homes))
        return found

    @cached_property
    def _pairs(self) -> tuple[list[tuple[str | None, str | None]], Ints]:
        """Communes with their hamlets, as they come, and that of each house."""
        stand = self.crowd.stand
        found, first, pair = np.unique(stand.pair[self.homes], return_index=True, return_inverse=True)
        order = np.argsort(first)
        rank = np.empty(len(order), np.int64)
        rank[order] = np.arange(len(order))
        return [stand.told[one] for one in found[order].tolist()], rank[pair]

    def _units_of(self, homes: Ints) -> list[str | None]:
        """Of some of the houses."""
        return [self.units[one] for one in self.unit[homes].tolist()]

    def groups(self) -> tuple[Groups, Ints]:
        """Those who walk by house and limit, and the group of each of them; where doses are counted by weight too."""
        walks = self.walks
        counted = self.given.question.doses is not None
        alike = [self.limit_m[walks], self.weight[walks]] if counted else [self.limit_m[walks]]
        sorts, sort = rows_apart(np.column_stack(alike))
        limits = sorts[:, 0]
        key, group = np.unique(self.house[walks] * max(1, len(limits)) + sort, return_inverse=True)
        house, sort = np.divmod(key, max(1, len(limits)))
        people = np.bincount(group, minlength=len(key)).astype(np.float64)
        weight = np.bincount(group, self.weight[self.walks], len(key)).astype(np.float64)
        return Groups(self.at[house], limits[sort], people, weight, self._units_of(house)), group

    def proposals(self) -> list[Place]:
        """As ``site_places.proposals`` has it."""
        people = np.bincount(self.house, minlength=len(self.homes)).astype(np.float64)
        there = np.flatnonzero(~np.isnan(self.at[:, 0]) & (self.hamlet > 0))
        there = there[np.argsort(self.hamlet[there], kind="stable")]
        parts = np.split(there, np.flatnonzero(np.diff(self.hamlet[there])) + 1) if len(there) else []
        found = []
        for part in parts:
            code = self.crowd.homes[int(self.homes[part[0]])].hamlet_code or ""
            units = self._units_of(part)
            found.append(proposal(code, self.given.hamlets.get(code, code), self.at[part], people[part], units))
        return found

    def ready(self, rows: Ints, site: Ints, last: date) -> Ints:
        """From which day on each of these is ready, with those of their house who go to the same site.

        As ``turns.together`` has it.
        """
        pair = site * len(self.homes) + self.house[rows]
        order = np.argsort(pair, kind="stable")
        on = self.crowd.on[rows]
        begins = np.flatnonzero(np.diff(pair[order], prepend=-1))
        if not len(begins):
            return on
        latest, first = (each.reduceat(on[order], begins) for each in (np.maximum, np.minimum))
        all_at_once = (latest <= last.toordinal()) & (latest - first <= TOGETHER_DAYS)
        found = np.empty(len(rows), np.int64)
        lengths = np.diff(np.append(begins, len(rows)))
        found[order] = np.where(np.repeat(all_at_once, lengths), np.repeat(latest, lengths), on[order])
        return found

    def parts(self, rows: Ints, label: Ints, way_m: Floats) -> dict[int, list[PlannedPart]]:
        """These by label and hamlet, the labels counted from 0. way_m: of each, nan for those who do not walk."""
        if not len(rows):
            return {}
        named, of_home = self._pairs
        house = self.house[rows]
        key = label * len(named) + of_home[house]
        order = np.lexsort((house, key))
        key, house = key[order], house[order]
        begins = np.flatnonzero(np.diff(key, prepend=-1))
        ends = np.append(begins[1:], len(key))
        fresh = np.diff(house, prepend=-1) != 0
        fresh[begins] = True
        houses = np.add.reduceat(fresh.astype(np.int64), begins)
        farthest = np.fmax.reduceat(way_m[order], begins)
        # Of a part those without a position come last.
        axes = []
        for axis in (1, 0):
            value = self.at[house, axis]
            axes.append(value[np.lexsort((value, key))])
        placed = np.add.reduceat((~np.isnan(self.at[house, 0])).astype(np.int64), begins)
        middle = begins + np.maximum(-(-placed // 2) - 1, 0)
        lat, lon = (np.round(values[middle], ROUGHLY).tolist() for values in axes)
        found: dict[int, list[PlannedPart]] = {}
        told = zip(
            key[begins].tolist(),
            (ends - begins).tolist(),
            houses.tolist(),
            farthest.tolist(),
            zip(lat, lon, placed.tolist(), strict=True),
            strict=True,
        )
        for one, people, own, far, (north, east, known) in told:
            of, pair = divmod(one, len(named))
            commune, hamlet = named[pair]
            way = None if np.isnan(far) else far
            part = PlannedPart(hamlet, commune, people, own, way, Point(north, east) if known else None)
            found.setdefault(of, []).append(part)
        return found


def _needs(crowd: Crowd, under: Conditions, unit: Ints, units: Sequence[str | None]) -> tuple[Bools, Floats, Floats]:
    """Of each whether they stay at home, how far they walk, and as how many they count: once for all who are alike."""
    if not len(crowd):
        return np.zeros(0, np.bool_), np.zeros(0), np.zeros(0)
    first, sorts = int(crowd.on.min()), len(crowd.sorts)
    days = int(crowd.on.max()) - first + 1
    key, which = np.unique((unit * days + crowd.on - first) * sorts + crowd.sort, return_inverse=True)
    needs = [under.rules.needs(one.precedences) for one in crowd.sorts]
    found = []
    for one in key.tolist():
        of_unit, sort = divmod(one, sorts)
        number, day = divmod(of_unit, days)
        owed = needs[sort]
        like = replace(crowd.sorts[sort], on=date.fromordinal(first + day))
        found.append((owed.at_home, owed.walk_limit_m, under.weight(like, units[number])))
    stays, limit, weights = (np.array(each)[which] for each in zip(*found, strict=True))
    return stays.astype(np.bool_), limit.astype(np.float64), weights.astype(np.float64)


def _units(crowd: Crowd, homes: Ints) -> tuple[list[str | None], Ints]:
    """The units of houses, each once, and which of them that of each is: where it stands, or else its commune."""
    stand, units = crowd.stand, crowd.units
    place = np.full(len(homes), -1, np.int64) if units is None else units.number[homes]
    key, which = np.unique((place + 1) * max(1, len(stand.told)) + stand.pair[homes], return_inverse=True)
    number: dict[str | None, int] = {}
    of_key = []
    for one in key.tolist():
        place_of, pair = divmod(one, len(stand.told))
        inside = units.codes[place_of - 1] if units is not None and place_of else None
        of_key.append(number.setdefault(inside or stand.told[pair][0], len(number)))
    return list(number), np.array(of_key, np.int64)[which]
