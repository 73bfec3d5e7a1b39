"""Ways from demand points to sites by point, all of them or those to the sites of one plan; and seats without delay."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mapper.solve.siting import NOBODY, Floats, Ints

GLANCES = 40
"""How often points look for the next site with room when they are seated at once."""

EASE = 1e-9
"""By so much sums of people may be beyond a capacity, for their rounding."""


@dataclass(frozen=True, eq=False)
class Ways:
    """What each person of a demand point pays for each site within reach, by point; the last of a point is no site.

    Of point i the pairs ``start[i]:start[i + 1]``; sites: how many there are, and the number that stands for none.
    """

    start: Ints
    site: Ints
    cost: Floats
    people: Floats
    sites: int

    @classmethod
    def of(cls, start: Ints, site: Ints, cost: Floats, people: Floats, sites: int, left_out: Floats) -> Ways:
        """From pairs of points and sites only."""
        ends = start[1:]
        return cls(
            start + np.arange(len(start)),
            np.insert(site, ends, sites),
            np.insert(cost, ends, left_out),
            people,
            sites,
        )

    @cached_property
    def point(self) -> Ints:
        """The demand point of each pair."""
        return np.repeat(np.arange(len(self.people)), np.diff(self.start))

    def among(self, chosen: Ints) -> Columns:
        """Of these ways those to some sites; column c is the site ``chosen[c]``, the last one is none."""
        column = np.full(self.sites + 1, NOBODY, np.int64)
        column[chosen] = np.arange(len(chosen))
        column[self.sites] = len(chosen)
        each = column[self.site]
        near = np.flatnonzero(each >= 0)
        point = self.point[near]
        start = np.concatenate(([0], np.cumsum(np.bincount(point, minlength=len(self.people)))))
        return Columns(start, each[near], self.cost[near], point, self.people, len(chosen) + 1)


@dataclass(frozen=True, eq=False)
class Columns:
    """Ways to the columns of one plan, by point. The last column takes whoever finds no place."""

    start: Ints
    column: Ints
    cost: Floats
    point: Ints
    people: Floats
    columns: int

    def of(self, points: Ints) -> Columns:
        """Those of some points, which are numbered anew."""
        begin, size = self.start[points], np.diff(self.start)[points]
        start = np.concatenate(([0], np.cumsum(size)))
        pairs = np.repeat(begin - start[:-1], size) + np.arange(start[-1])
        point = np.repeat(np.arange(len(points)), size)
        return Columns(start, self.column[pairs], self.cost[pairs], point, self.people[points], self.columns)

    def cheapest(self, value: Floats) -> tuple[Ints, Floats]:
        """Of each point the pair of the least value, the first of several, and that value."""
        if not len(self.people):
            return np.zeros(0, np.int64), np.zeros(0)
        best = np.minimum.reduceat(value, self.start[:-1])
        pairs = np.flatnonzero(value == best[self.point])[::-1]
        own = np.zeros(len(self.people), np.int64)
        own[self.point[pairs]] = pairs
        return own, best

    def cost_of(self, seat: Ints) -> Floats:
        """What each person of a point pays at a column."""
        pairs = np.flatnonzero(self.column == seat[self.point])
        each = np.full(len(self.people), np.inf)
        each[self.point[pairs]] = self.cost[pairs]
        return each


def seat_at_once(site: Ints, point: Ints, cost: Floats, people: Floats, room: Floats) -> Ints:
    """A site for each demand point within moments, not at least cost; NOBODY where none has room.

    site, point, cost: pairs of an open site and a point that reaches it. room: of each site. The nearest points of each
    site go there as long as it has room, the others to their next one.
    """
    order = np.lexsort((cost, point))
    site, point, cost, room = site[order], point[order], cost[order], room.copy()
    found = np.full(len(people), NOBODY, np.int64)
    for _ in range(GLANCES):
        fits = (found[point] == NOBODY) & (people[point] <= room[site] + EASE)
        site, point, cost = site[fits], point[fits], cost[fits]
        if not len(site):
            break
        nearest = np.flatnonzero(np.diff(point, prepend=-1))
        nearest = nearest[np.lexsort((cost[nearest], site[nearest]))]
        at, size = site[nearest], people[point[nearest]]
        sum_of = np.cumsum(size)
        begin = np.searchsorted(at, at)
        inside = sum_of - (sum_of - size)[begin] <= room[at] + EASE
        found[point[nearest[inside]]] = at[inside]
        np.subtract.at(room, at[inside], size[inside])
    return found
