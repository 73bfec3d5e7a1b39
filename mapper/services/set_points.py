"""In which units of a set the points of households lie that are in cells without one: read, and nothing written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from mapper.services import placing_ahead
from mapper.services.reference import PlaceSet
from mapper.services.set_work import Share, Work
from mapper.store import placements, tallies
from mapper.store import reference as kept
from mapper.store.placements import Points, Standing

READ_AT_ONCE = 20_000
"""Households."""

WHOLE_SHARE = 0.3
"""Where more of the households than this are asked for, all are read as they lie, which is quicker a household."""


_BEFORE_ALL = -(2**53)
"""No household has so low a number; those that were divided from others have one below zero."""


@dataclass(frozen=True, slots=True)
class Placing:
    """Households of a cell, and the number of the unit that each one's point lies in, -1 for none."""

    standing: Standing
    seqs: NDArray[np.int64]
    units: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Found:
    """What is to be placed in a set, by cell, as of an era of the tallies."""

    era: str
    cells: list[Placing]


def find(work: Work, places: PlaceSet, told: Share = lambda done: None) -> Found:
    """Read and place the points of whoever is in a cell without a unit of the set.

    In many short reads: cells whose changes are still what they were before the first of them held no other households
    meanwhile.
    """
    database = work.reference.database
    with database.read() as connection:
        era, _ = tallies.version(database, connection)
        lacking = placements.lacking(connection, work.set_id)
        total = placements.count(connection)
    parts = []
    done = 0
    with placing_ahead.lent(work.reference.dask, sum(each.houses for each in lacking)) as cluster:
        packed = partial(_packed, work)
        with closing(placing_ahead.placed(_read(work, lacking, total), places.placer, packed, cluster)) as all_placed:
            for points, units in all_placed:
                parts.append(np.column_stack((points.cell, points.seq, units)))
                done += len(units)
                told(min(done / max(total, 1), 1.0))
                work.tell_now_and_then()
    rows = np.concatenate(parts) if parts else np.zeros((0, 3), np.int64)
    rows = rows[np.lexsort((rows[:, 1], rows[:, 0]))]
    of_cell = {each.cell.id: each for each in lacking}
    cells = []
    for some in np.split(rows, np.flatnonzero(np.diff(rows[:, 0])) + 1):
        if len(some):
            cells.append(Placing(of_cell[int(some[0, 0])], some[:, 1], some[:, 2]))
    return Found(era, cells)


def _packed(work: Work) -> bytes:
    """The index of the set as it is kept."""
    with work.reference.database.read() as connection:
        return kept.placer(connection, work.set_id) or b""


def _read(work: Work, lacking: list[Standing], total: int) -> Iterator[Points]:
    """Points of the households of these cells, some at a time."""
    database = work.reference.database
    if not lacking:
        return
    wanted = np.array([each.cell.id for each in lacking], np.int64)
    houses = sum(each.houses for each in lacking)
    if houses < WHOLE_SHARE * total:
        at_once = max(1, READ_AT_ONCE * len(lacking) // max(1, houses))
        for first in range(0, len(wanted), at_once):
            with database.read() as connection:
                yield placements.points_of(database, connection, wanted[first : first + at_once].tolist())
        return
    after = _BEFORE_ALL
    while True:
        with database.read() as connection:
            points = placements.points(database, connection, after, READ_AT_ONCE)
        place = np.minimum(np.searchsorted(wanted, points.cell), len(wanted) - 1)
        yield points.where(wanted[place] == points.cell)
        if len(points.seq) < READ_AT_ONCE:
            return
        after = int(points.seq[-1])
