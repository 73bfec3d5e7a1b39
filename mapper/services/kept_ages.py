"""Spans of people's ways with age and sex, by cell; remembered in this process while nothing is counted there.

From spans any day is answered. Each cell carries a number that rises with every change of its tallies; what was read
under the same number is the same still, and only cells that changed are read again.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mapper.domain.campaign import Campaign
from mapper.domain.reasons import Deferral, Kind

Spans = NDArray[np.int32]
"""A row a span: first day, the day after its last, place in INSIDE, birth as yyyymmdd or 0, place in SEXES or their

number, the number that Words gave to what was told of it, seq of the household.
"""

Told = tuple[Kind, str | None] | Deferral
"""What stands behind a span: kind and reason, or what both follow from on a day."""

Cells = dict[int, tuple[int, Spans]]
"""Cell to its changes when it was read, and its spans."""


class Words:
    """What was told, by number; the same words have one number as long as the process lives. Safe for threads."""

    def __init__(self) -> None:
        self._told: list[Told] = [(Kind.PLAIN, None)]
        self._numbers: dict[Told, int] = {self._told[0]: 0}
        self._lock = threading.Lock()

    def number(self, told: Told) -> int:
        """The number of what was told, given where it is new."""
        found = self._numbers.get(told)
        if found is None:
            with self._lock:
                found = self._numbers.get(told)
                if found is None:
                    self._told.append(told)
                    found = self._numbers[told] = len(self._told) - 1
        return found

    def told(self, number: int) -> Told:
        """What has that number; 0 stands for nothing."""
        return self._told[number]


class Key(NamedTuple):
    """Of what spans are: era of the tallies, and series."""

    era: str
    series_id: int


class KeptAges:
    """Spans by cell of the series asked for last. Safe for threads.

    room: spans remembered in all, 28 bytes each; the series least lately asked for go first.
    """

    def __init__(self, room: int = 4_000_000) -> None:
        self.room = room
        self.words = Words()
        self._kept: OrderedDict[Key, tuple[Campaign, Cells]] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, key: Key, campaign: Campaign, changes: Mapping[int, int]) -> dict[int, Spans]:
        """Spans of those of the cells that hold still: of this campaign as it reads, and with as many changes."""
        with self._lock:
            cells = self._cells(key, campaign)
            known = {cell: cells[cell] for cell in changes if cell in cells}
            return {cell: spans for cell, (number, spans) in known.items() if changes[cell] == number}

    def keep(self, key: Key, campaign: Campaign, cells: Cells) -> None:
        """Remember, and forget what there is no more room for: series by series, never the one just read."""
        with self._lock:
            kept = self._cells(key, campaign)
            kept.update(cells)
            self._kept[key] = campaign, kept
            self._kept.move_to_end(key)
            held = sum(len(spans) for _, each in self._kept.values() for _, spans in each.values())
            while held > self.room and len(self._kept) > 1:
                _, (_, gone) = self._kept.popitem(last=False)
                held -= sum(len(spans) for _, spans in gone.values())

    def _cells(self, key: Key, campaign: Campaign) -> Cells:
        if key not in self._kept or self._kept[key][0] != campaign:
            return {}
        self._kept.move_to_end(key)
        return self._kept[key][1]
