"""People per state of cells on a day, remembered in this process for as long as they hold.

A province has hundreds of thousands of tallies a question. Each cell carries a number that rises with every change of
its tallies, read in the same view of the database as they are: what was summed under the same number is the same
still, whichever process counted in between, and only cells that changed are summed again. From the sums of a near day
those of another are made by what changed between. What some process summed on certain days is kept in the database
too (``warming``), with what changed around them, so that a new one begins with that whatever the day.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mapper.domain.ledger import INSIDE
from mapper.services.bounded import BoundedStore
from mapper.store import tallies, tally_sums
from mapper.store.database import Connection, Database
from mapper.store.tally_sums import KeptSums

States = Sequence[int]
"""People per state, in the order of INSIDE."""

NOBODY: States = (0,) * len(INSIDE)

NEAR_DAYS = 100
"""From the sums of a day so near, those of another are made by adding what changed between; cheaper than anew."""

ROOM = 1_000_000
"""Cells times series that are remembered, 4 bytes a state: about 40 MB a process, twenty days of all that a province
of 2,500 cells is asked about."""

Numbers = NDArray[np.int64]


class Key(NamedTuple):
    """Of what sums are: era of the tallies, series, day."""

    era: str
    series: tuple[int, ...]
    day: int


@dataclass(frozen=True, slots=True)
class Sums:
    """Cells in order, the changes of each when it was summed, and people: a row a cell, a row a series in it.

    Never changed once they are remembered: whoever was given them may still be reading.
    """

    cells: Numbers
    changes: Numbers
    people: NDArray[np.int32]

    @classmethod
    def nothing(cls, series: int) -> Sums:
        """Of no cell."""
        none = np.zeros(0, np.int64)
        return cls(none, none, np.zeros((0, series, len(INSIDE)), np.int32))

    def places(self, cells: Numbers) -> NDArray[np.intp]:
        """In which row each of these cells stands; -1 where in none."""
        if not len(self.cells):
            return np.full(len(cells), -1, np.intp)
        found = np.minimum(np.searchsorted(self.cells, cells), len(self.cells) - 1)
        return np.where(self.cells[found] == cells, found, -1)

    def holding(self, cells: Numbers, changes: Numbers) -> NDArray[np.intp]:
        """The same, -1 too where the cell has changed since."""
        places = self.places(cells)
        return np.where((places >= 0) & (self.changes[places] == changes), places, -1) if len(self.cells) else places

    def with_others(self, other: Sums) -> Sums:
        """These, and those of the other's cells that are not among them."""
        more = self.places(other.cells) < 0
        cells = np.concatenate((self.cells, other.cells[more]))
        order = np.argsort(cells)
        changes = np.concatenate((self.changes, other.changes[more]))
        return Sums(cells[order], changes[order], np.concatenate((self.people, other.people[more]))[order])


class KeptStates:
    """Sums by cell of the days and series asked for last: of one series for maps, of all for pages that show them all.

    Safe for threads. room: see ROOM; the least lately asked are forgotten.
    """

    def __init__(self, room: int = ROOM) -> None:
        self.kept: BoundedStore[Key, Sums] = BoundedStore(
            room, lambda sums: sums.people.shape[0] * sums.people.shape[1]
        )
        self._opened: tuple[object, list[tuple[int, KeptSums]]] = (None, [])

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
        people = self.of_all(database, connection, era, (series_id,), day, changes, everywhere)
        return dict(zip(changes, people[:, 0].tolist(), strict=True))

    def of_all(
        self,
        database: Database,
        connection: Connection,
        era: str,
        series: Sequence[int],
        day: int,
        changes: Mapping[int, int],
        everywhere: bool,
    ) -> NDArray[np.int32]:
        """The same for several series: a row a cell in the order of ``changes``, in it a row a series."""
        key = Key(era, tuple(series), day)
        asked, changed = (np.fromiter(each, np.int64, len(changes)) for each in (changes, changes.values()))
        # Two levels of one question are asked at the same moment: the second finds what the first has summed.
        with self.kept.alone(key[:2]):
            known = self.kept.get(key)
            places = np.full(len(asked), -1) if known is None else known.holding(asked, changed)
            if known is None or (places < 0).any():
                order = np.argsort(asked)
                sums = self._summed(database, connection, key, known, asked[order], changed[order], everywhere)
                known = sums if known is None else sums.with_others(known)
                self.kept.keep(key, known)
                places = known.places(asked)
        return known.people[places]

    def _summed(
        self,
        database: Database,
        connection: Connection,
        key: Key,
        known: Sums | None,
        cells: Numbers,
        changes: Numbers,
        everywhere: bool,
    ) -> Sums:
        base, base_day = self._nearest(database, connection, key) if known is None else (known, key.day)
        places = base.holding(cells, changes)
        holds = places >= 0
        sums = Sums(cells, changes, np.zeros((len(cells), len(key.series), len(INSIDE)), np.int32))
        sums.people[holds] = base.people[places[holds]]
        if base_day != key.day and holds.any():
            first, last = sorted((base_day, key.day))
            _add(sums, holds, key, _read(database, connection, key.series, last, None, first), base_day < key.day)
        missing = cells[~holds].tolist()
        if missing:
            asked = None if everywhere and len(missing) * 2 > len(cells) else missing
            _add(sums, ~holds, key, _read(database, connection, key.series, key.day, asked), True)
        return sums

    def _nearest(self, database: Database, connection: Connection, key: Key) -> tuple[Sums, int]:
        """The sums of the nearest day, remembered here or kept in the database, and that day; of no cell if none is."""
        wanted = set(key.series)
        near = [one for one in self.kept.in_order() if one.era == key.era and wanted.issubset(one.series)]
        best = min(near, key=lambda one: (abs(one.day - key.day), len(one.series)), default=None)
        apart = abs(best.day - key.day) if best is not None else NEAR_DAYS + 1
        on_disk = tally_sums.days(connection, key.era, key.series) if apart else {}
        closest = min(on_disk, key=lambda day: abs(day - key.day), default=None)
        if closest is not None:
            reached = min(max(key.day, closest - tally_sums.AROUND_DAYS), closest + tally_sums.AROUND_DAYS)
            if reached == key.day or apart > NEAR_DAYS or abs(reached - key.day) < apart:
                kept = self._kept(connection, key._replace(day=closest), on_disk[closest])
                return led(kept, key._replace(day=reached), closest), reached
        found = self.kept.get(best) if best is not None and apart <= NEAR_DAYS else None
        if best is None or found is None:
            return Sums.nothing(len(key.series)), key.day
        if best.series == key.series:
            return found, best.day
        columns = [best.series.index(one) for one in key.series]
        return Sums(found.cells, found.changes, found.people[:, columns]), best.day

    def _kept(self, connection: Connection, key: Key, changes: int) -> list[tuple[int, KeptSums]]:
        """What is kept on a day, remembered until another is asked for: a page shows several days near each other.

        changes: with which it is kept; others when it was summed anew since.
        """
        asked, kept = self._opened
        if asked != (key, changes):
            kept = list(tally_sums.kept(connection, key.era, key.series, key.day))
            self._opened = (key, changes), kept
        return kept


def led(kept: Sequence[tuple[int, KeptSums]], key: Key, day: int) -> Sums:
    """What is kept of all the key's series on a day, led to the key's, which is near enough for that.

    Of those cells whose changes are the same for all of the series.
    """
    sums = Sums.nothing(len(key.series))
    number = {series_id: place for place, series_id in enumerate(key.series)}
    first, last = sorted((day, key.day))
    for series_id, of_one in kept:
        cells, changes = of_one.cells[:, 0].astype(np.int64), of_one.cells[:, 1].astype(np.int64)
        if not len(sums.cells):
            sums = Sums(cells, changes, np.zeros((len(cells), len(key.series), len(INSIDE)), np.int32))
        people = of_one.cells[:, 2:].copy()
        days = of_one.around[:, 1]
        between = of_one.around[(days > first) & (days <= last)]
        moved = people_by_row(np.searchsorted(cells, between[:, 0]), between[:, 2:], len(cells))
        people += moved if day < key.day else -moved
        places = sums.holding(cells, changes)
        sums.people[places[places >= 0], number[series_id]] = people[places >= 0]
        lacking = np.ones(len(sums.cells), np.bool_)
        lacking[places[places >= 0]] = False
        sums.changes[lacking] = -1
    return sums


def people_by_row(rows: NDArray[np.intp], changes: NDArray[np.int32], many: int) -> NDArray[np.int32]:
    """Changes per state added up by row: so many rows, of each change the row it belongs to."""
    sums = [np.bincount(rows, changes[:, state], many) for state in range(len(INSIDE))]
    return np.array(sums).T.astype(np.int32)


def _read(
    database: Database,
    connection: Connection,
    series: Sequence[int],
    day: int,
    cells: Sequence[int] | None,
    after: int = 0,
) -> NDArray[np.int64]:
    """A row a cell and series: cell, series, people per state, or what changed in them after a day."""
    if len(series) == 1:
        of_one = tallies.states_on(database, connection, series[0], day, cells, after)
        rows = [(cell, series[0], *states) for cell, *states in of_one]
    else:
        rows = [tuple(row) for row in tallies.states_of(database, connection, series, day, cells, after)]
    return np.array(rows, np.int64).reshape(-1, 2 + len(INSIDE))


def _add(sums: Sums, wanted: NDArray[np.bool_], key: Key, rows: NDArray[np.int64], forward: bool) -> None:
    """Add what was read to those of the cells that are wanted; take it away to go back in time."""
    places = sums.places(rows[:, 0])
    of_wanted = (places >= 0) & wanted[places] if len(sums.cells) else places >= 0
    rows, places = rows[of_wanted], places[of_wanted]
    number = {one: place for place, one in enumerate(key.series)}
    columns = np.fromiter((number[one] for one in rows[:, 1].tolist()), np.intp, len(rows))
    people = rows[:, 2:].astype(np.int32)
    sums.people[places, columns] += people if forward else -people
