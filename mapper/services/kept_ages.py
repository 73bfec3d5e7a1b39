"""Steps of people with birth and sex, by cell; remembered in this process for as long as nothing is counted there.

From steps any day is answered. Each cell carries a number that rises with every change of its tallies; what was read
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

Steps = NDArray[np.int32]
"""A row a step: day, place in MOVES, birth as yyyymmdd or 0, place in SEXES or the number of SEXES."""

Cells = dict[int, tuple[int, Steps]]
"""Cell to its changes when it was read, and its steps."""


class Key(NamedTuple):
    """Of what steps are: era of the tallies, and series."""

    era: str
    series_id: int


class KeptAges:
    """Steps by cell of the series asked for last. Safe for threads.

    room: steps remembered in all, 16 bytes each; the series least lately asked for go first.
    """

    def __init__(self, room: int = 4_000_000) -> None:
        self.room = room
        self._kept: OrderedDict[Key, tuple[Campaign, Cells]] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, key: Key, campaign: Campaign, changes: Mapping[int, int]) -> dict[int, Steps]:
        """Steps of those of the cells that hold still: of this campaign as it reads, and with as many changes."""
        with self._lock:
            cells = self._cells(key, campaign)
            known = {cell: cells[cell] for cell in changes if cell in cells}
            return {cell: steps for cell, (number, steps) in known.items() if changes[cell] == number}

    def keep(self, key: Key, campaign: Campaign, cells: Cells) -> None:
        """Remember, and forget what there is no more room for: series by series, never the one just read."""
        with self._lock:
            kept = self._cells(key, campaign)
            kept.update(cells)
            self._kept[key] = campaign, kept
            self._kept.move_to_end(key)
            held = sum(len(steps) for _, each in self._kept.values() for _, steps in each.values())
            while held > self.room and len(self._kept) > 1:
                _, (_, gone) = self._kept.popitem(last=False)
                held -= sum(len(steps) for _, steps in gone.values())

    def _cells(self, key: Key, campaign: Campaign) -> Cells:
        if key not in self._kept or self._kept[key][0] != campaign:
            return {}
        self._kept.move_to_end(key)
        return self._kept[key][1]
