"""What changed day by day in many cells together: from what is kept in the database, and what was counted since.

A province has hundreds of thousands of tallies of one question. Those around each day of which sums are kept
(``warming``) are kept with them; of cells in which something was counted since they are read anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from mapper.domain.ledger import INSIDE
from mapper.services.kept_states import people_by_row
from mapper.store import tallies, tally_sums
from mapper.store.database import Connection, Database
from mapper.store.tally_sums import APART_DAYS, AROUND_DAYS, KeptSums

MANY = 100
"""The tallies of fewer cells are read sooner than what is kept of all."""


def changes_by_day(
    database: Database,
    connection: Connection,
    era: str,
    series_id: int,
    changes: Mapping[int, int],
    first: date,
    last: date,
) -> NDArray[np.int64]:
    """A row a day from the first to the last, the change in people per state; the first holds all that was before it.

    changes: of the cells that are asked about, and era: of the tallies, both in this transaction.
    """
    since, until = first.toordinal(), last.toordinal()
    found = np.zeros((until - since + 1, len(INSIDE)), np.int64)

    def read(cells: Sequence[int], after: int = 0) -> None:
        if cells and after < until:
            for day, *of_day in tallies.by_day(database, connection, series_id, cells, until, after):
                found[max(0, day - since)] += of_day

    kept = tally_sums.kept_of_all_days(connection, era, series_id) if len(changes) >= MANY else []
    if not kept or kept[0][0] - AROUND_DAYS > since or any(b - a != APART_DAYS for (a, _), (b, _) in pairwise(kept)):
        read([*changes])
        return found
    cells = _holding([sums for _, sums in kept], changes)
    holding = set(cells.tolist())
    read([cell for cell in changes if cell not in holding])
    day, sums = kept[0]
    until_then = sums.cells[np.isin(sums.cells[:, 0], cells), 2:].sum(axis=0, dtype=np.int64)
    around = sums.around[np.isin(sums.around[:, 0], cells) & (sums.around[:, 1] <= day)]
    found[max(0, day - AROUND_DAYS - since)] += until_then - around[:, 2:].sum(axis=0, dtype=np.int64)
    for day, sums in kept:
        if day - AROUND_DAYS < until:
            around = sums.around[np.isin(sums.around[:, 0], cells) & (sums.around[:, 1] <= until)]
            found += people_by_row(np.maximum(around[:, 1] - since, 0), around[:, 2:], len(found))
    read(cells.tolist(), after=kept[-1][0] + AROUND_DAYS)
    return found


def _holding(kept: Sequence[KeptSums], changes: Mapping[int, int]) -> NDArray[np.int32]:
    """Cells, in order, in which nothing was counted since any of these sums."""
    asked = np.array(sorted(changes.items()), np.int32).reshape(-1, 2)
    for sums in kept:
        places = np.minimum(np.searchsorted(sums.cells[:, 0], asked[:, 0]), len(sums.cells) - 1)
        asked = asked[(sums.cells[places, :2] == asked).all(axis=1)]
    return asked[:, 0]
