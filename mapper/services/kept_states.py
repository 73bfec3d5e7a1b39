"""People per state of cells on a day, remembered in this process for as long as they hold.

A province has hundreds of thousands of tallies a question. Each cell carries a number that rises with every change of
its tallies, read in the same view of the database as they are: what was summed under the same number is the same
still, whichever process counted in between, and only cells that changed are summed again. What some process summed
on certain days is kept in the database too (``warming``), so that a new one begins with that.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from operator import add, sub

from mapper.domain.ledger import INSIDE
from mapper.store import tallies
from mapper.store.database import Connection, Database

States = Sequence[int]
"""People per state, in the order of INSIDE."""

NOBODY: States = (0,) * len(INSIDE)

NEAR_DAYS = 100
"""From the sums of a day so near, those of another are made by adding what changed between; cheaper than anew."""

Key = tuple[str, int, int]
"""(era of the tallies, series, day)"""
Cells = dict[int, tuple[int, States]]
"""Cell to its changes when it was summed, and the sum."""


class KeptStates:
    """Sums by cell of the questions asked last. Safe for threads.

    room: cells that are remembered in all, a question's each counted; the least lately asked are forgotten.
    """

    def __init__(self, room: int = 100_000) -> None:
        self.room = room
        self._kept: dict[Key, Cells] = {}
        self._lock = threading.Lock()
        self._summing: dict[int, threading.Lock] = {}

    def on(
        self,
        database: Database,
        connection: Connection,
        era: str,
        series_id: int,
        day: int,
        changes: Mapping[int, int],
        everywhere: bool,
    ) -> dict[int, States]:
        """People per state on a day of every cell in ``changes``: the cells' changes, in this same transaction.

        era: of the tallies, in this transaction too. everywhere: these are all cells that have any households.
        """
        key = (era, series_id, day)
        with self._lock:
            alone = self._summing.setdefault(series_id, threading.Lock())
        # Two levels of one question are asked at the same moment: the second finds what the first has summed.
        with alone:
            with self._lock:
                known = self._kept.pop(key, None)
                near, near_day = (known, day) if known is not None else self._nearest(key)
            if known is None:
                on_disk = tallies.days_summed(database, connection, era, series_id)
                closest = min(on_disk, key=lambda on: abs(on - day), default=None)
                if closest is not None and (not near or abs(closest - day) < abs(near_day - day)):
                    near, near_day = dict(tallies.kept_sums(connection, era, series_id, closest)), closest
            holding: Cells = {cell: one for cell, one in near.items() if changes.get(cell) == one[0]}
            if near_day != day and holding:
                holding = _moved(database, connection, series_id, near_day, day, holding)
            missing = [cell for cell in changes if cell not in holding]
            if missing:
                asked = None if everywhere and len(missing) * 2 > len(changes) else missing
                found = {
                    cell: tuple(states)
                    for cell, *states in tallies.states_on(database, connection, series_id, day, asked)
                }
                for cell in missing:
                    holding[cell] = changes[cell], found.get(cell, NOBODY)
            kept = {**known, **holding} if known else holding
            with self._lock:
                self._keep(key, kept)
        return {cell: holding[cell][1] for cell in changes}

    def _nearest(self, key: Key) -> tuple[Cells, int]:
        """The cells remembered of the nearest day of a series, and that day; none where all are too far away."""
        era, series_id, day = key
        days = [on for past, series, on in self._kept if (past, series) == (era, series_id)]
        near = min(days, key=lambda on: abs(on - day), default=None)
        if near is None or abs(near - day) > NEAR_DAYS:
            return {}, day
        return self._kept[era, series_id, near], near

    def _keep(self, key: Key, cells: Cells) -> None:
        """Remember, and forget what there is no more room for."""
        self._kept[key] = cells
        held = sum(len(each) for each in self._kept.values())
        for oldest in list(self._kept):
            if held <= self.room:
                break
            held -= len(self._kept.pop(oldest))


def _moved(database: Database, connection: Connection, series_id: int, before: int, day: int, cells: Cells) -> Cells:
    """The sums of one day made those of another, by what changed on the days between."""
    first, last, combine = (before, day, add) if before < day else (day, before, sub)
    between = {cell: change for cell, *change in tallies.states_on(database, connection, series_id, last, None, first)}
    return {
        cell: (changes, tuple(map(combine, states, between[cell])) if cell in between else states)
        for cell, (changes, states) in cells.items()
    }
