"""Demand points that reach the same candidates are one: a tenth of the points, and the same plans."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mapper.solve.siting import Floats, Ints, Travel


@dataclass(frozen=True, eq=False)
class Groups:
    """Group g is reached by the candidates ``site[start[g]:start[g + 1]]``, ascending, and weighs ``weight[g]``."""

    start: Ints
    site: Ints
    weight: Floats
    sites: int

    @classmethod
    def of(cls, travel: Travel, weight: Floats, kept: Sequence[int]) -> tuple[Groups, float]:
        """The groups that no kept candidate reaches, and what the points weigh that one does reach."""
        there = np.zeros(travel.sites, np.bool_)
        there[list(kept)] = True
        covered = np.zeros(travel.points, np.bool_)
        covered[travel.point[there[travel.site]]] = True
        numbers: dict[bytes, int] = {}
        rows: list[Ints] = []
        weights: list[float] = []
        for point in np.flatnonzero(~covered & (np.diff(travel.start) > 0)).tolist():
            row = travel.site[travel.start[point] : travel.start[point + 1]]
            number = numbers.setdefault(row.tobytes(), len(rows))
            if number == len(rows):
                rows.append(row)
                weights.append(0.0)
            weights[number] += weight[point]
        start = np.concatenate(([0], np.cumsum([len(row) for row in rows]))).astype(np.int64)
        site = np.concatenate(rows) if rows else np.zeros(0, np.int64)
        return cls(start, site, np.array(weights, np.float64), travel.sites), float(weight[covered].sum())

    @property
    def number(self) -> int:
        """Of groups."""
        return len(self.weight)

    @cached_property
    def group(self) -> Ints:
        """The group of each pair."""
        return np.repeat(np.arange(self.number), np.diff(self.start))

    @cached_property
    def _by_site(self) -> tuple[Ints, Ints]:
        order = np.argsort(self.site, kind="stable")
        return np.concatenate(([0], np.cumsum(np.bincount(self.site, minlength=self.sites)))), self.group[order]

    def of_site(self, site: int) -> Ints:
        """Groups that a candidate reaches."""
        start, group = self._by_site
        return group[start[site] : start[site + 1]]

    def sites_of(self, groups: Ints) -> tuple[Ints, Floats]:
        """The candidates that reach any of some groups, one for each pair, and the weight of its group."""
        wanted = np.zeros(self.number, np.bool_)
        wanted[groups] = True
        pairs = wanted[self.group]
        return self.site[pairs], self.weight[self.group[pairs]]

    def reached(self, chosen: Sequence[int]) -> NDArray[np.int64]:
        """By how many of the chosen candidates each group is reached."""
        open_ = np.zeros(self.sites, np.bool_)
        open_[list(chosen)] = True
        return np.bincount(self.group[open_[self.site]], minlength=self.number)
