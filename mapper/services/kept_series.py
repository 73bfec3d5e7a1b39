"""People per state of every series of a campaign on one day, by cell, in little memory: for pages that show them all.

``kept_states`` remembers series by series for maps; asked for twenty series, copying alone would take too long.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mapper.domain.ledger import INSIDE
from mapper.services.kept_states import KeptStates
from mapper.store import tallies
from mapper.store.database import Connection, Database

Numbers = NDArray[np.int64]

MOST_NUMBERS = 20_000_000
"""Of more cells and series than this makes, a day is worked out each time."""


@dataclass(slots=True)
class _Day:
    """A row a cell, in it a row a series with people per state. changes: of the cells when they were read."""

    series: int
    places: dict[int, int] = field(default_factory=dict)
    changes: dict[int, int] = field(default_factory=dict)
    people: NDArray[np.int32] = field(init=False)

    def __post_init__(self) -> None:
        self.people = np.zeros((0, self.series, len(INSIDE)), np.int32)

    def make_room(self, cells: Sequence[int]) -> None:
        """A row for each of these cells that has none."""
        new = [cell for cell in cells if cell not in self.places]
        if new:
            self.places.update(zip(new, range(len(self.places), len(self.places) + len(new)), strict=True))
            rows = np.zeros((len(new), *self.people.shape[1:]), np.int32)
            self.people = np.concatenate((self.people, rows))


class KeptSeries:
    """The days asked last. Safe for threads. days: how many are remembered."""

    def __init__(self, days: int = 3) -> None:
        self.days = days
        self._kept: dict[tuple[str, tuple[int, ...], int], _Day] = {}
        self._lock = threading.Lock()

    def totals(
        self,
        states: KeptStates,
        database: Database,
        connection: Connection,
        era: str,
        series: Sequence[int],
        day: int,
        changes: Mapping[int, int],
        cells: Sequence[int],
        everywhere: bool,
    ) -> Numbers:
        """People per state of some cells together: a row a series, a column a state in the order of INSIDE.

        changes: of all cells that may be asked for, read in this transaction; era and everywhere as in ``KeptStates``.
        """
        key = (era, tuple(series), day)
        # One at a time: who comes second finds what the first has read.
        with self._lock:
            kept = self._kept.pop(key, None) or _Day(len(series))
            missing = [cell for cell, changed in changes.items() if kept.changes.get(cell) != changed]
            if missing:
                kept.make_room(missing)
                rows = [kept.places[cell] for cell in missing]
                if len(missing) * 10 > len(changes):
                    for number, one in enumerate(series):
                        found = states.on(database, connection, era, one, day, changes, everywhere)
                        kept.people[rows, number] = [found[cell] for cell in missing]
                else:
                    number_of = {one: number for number, one in enumerate(series)}
                    kept.people[rows] = 0
                    for cell, one, *people in tallies.states_of(database, connection, series, day, missing):
                        kept.people[kept.places[cell], number_of[one]] = people
                kept.changes.update((cell, changes[cell]) for cell in missing)
            if kept.people.size <= MOST_NUMBERS:
                self._kept[key] = kept
            for oldest in list(self._kept)[: -self.days]:
                del self._kept[oldest]
            chosen = np.fromiter((kept.places[cell] for cell in cells), np.intp, len(cells))
            totals: Numbers = kept.people[chosen].sum(axis=0, dtype=np.int64)
            return totals
