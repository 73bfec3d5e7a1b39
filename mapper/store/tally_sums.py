"""Tallies of a series as they were summed once: up to some days, and what changed around each of them.

What a process that has just started need not add up again. Everything of a series and day is one row, packed: whole
numbers of 32 bits, column after column, by zlib.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, func, select
from sqlalchemy.sql import ClauseElement

from mapper.store import tables
from mapper.store.database import Database, driver_of
from mapper.store.tables import STATE_COLUMNS

_sums = tables.tally_sums

APART_DAYS = 40
"""Sums are kept of every so many days: of a year, nine."""

AROUND_DAYS = APART_DAYS // 2
"""From kept sums to those of any day so near, before or after, lead the changes kept with them."""

Rows = NDArray[np.int32]


class KeptSums(NamedTuple):
    """A series as it was summed up to a day.

    cells: a row a cell, in order: the cell, its changes when it was summed, and people per state (STATE_COLUMNS).
    around: a row a tally of the days from AROUND_DAYS before, which is left out, to AROUND_DAYS after: its cell, its
    day and the change in people per state.
    """

    cells: Rows
    around: Rows


def keep(database: Database, connection: Connection, era: str, series_id: int, day: int, sums: KeptSums) -> None:
    """Keep the sums of a series on a day, in place of what was kept of it before."""
    changes = int(sums.cells[:, 1].sum(dtype=np.int64))
    values = {"era": era, "changes": changes, "cells": _packed(sums.cells), "around": _packed(sums.around)}

    def build() -> ClauseElement:
        statement = database.insert(_sums)
        told = {name: statement.excluded[name] for name in values}
        return statement.on_conflict_do_update(index_elements=[_sums.c.series_id, _sums.c.day], set_=told)

    row = {"series_id": series_id, "day": day, **values}
    database.prepared("keeping sums", build).run(driver_of(connection), row)


def days(connection: Connection, era: str, series: Sequence[int]) -> dict[int, int]:
    """The days of which sums of every one of these series are kept, and the fewest changes of all cells then."""
    asked = (
        select(_sums.c.day, func.min(_sums.c.changes))
        .where(_sums.c.series_id.in_(series), _sums.c.era == era)
        .group_by(_sums.c.day)
        .having(func.count() == len(series))
    )
    return {row[0]: row[1] for row in connection.execute(asked)}


def kept(connection: Connection, era: str, series: Sequence[int], day: int) -> Iterator[tuple[int, KeptSums]]:
    """What is kept of some series on a day; of each cell it holds while the cell's changes are the same."""
    wanted = _sums.c.series_id.in_(series), _sums.c.era == era, _sums.c.day == day
    for series_id, *packed in connection.execute(
        select(_sums.c.series_id, _sums.c.cells, _sums.c.around).where(*wanted)
    ):
        yield series_id, KeptSums(*map(_unpacked, packed))


def kept_of_all_days(connection: Connection, era: str, series_id: int) -> list[tuple[int, KeptSums]]:
    """Every day of which a series' sums are kept, the first one first, with what is kept of it."""
    found = select(_sums.c.day, _sums.c.cells, _sums.c.around).where(_sums.c.series_id == series_id, _sums.c.era == era)
    rows = connection.execute(found.order_by(_sums.c.day))
    return [(day, KeptSums(*map(_unpacked, packed))) for day, *packed in rows]


def _packed(rows: Rows) -> bytes:
    return zlib.compress(rows.T.astype("<i4").tobytes(), 1)


def _unpacked(content: bytes) -> Rows:
    return np.frombuffer(zlib.decompress(content), "<i4").reshape(2 + len(STATE_COLUMNS), -1).T
