"""Households placed in one more boundary set: points read as arrays, placements written, cells told apart.

A cell without a unit of a set holds households that were entered before it: whoever is entered later has one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Select, bindparam, exists, func, insert, literal_column, select, update

from mapper.store import tables
from mapper.store.database import Database, driver_of
from mapper.store.register import Counted, read_steps
from mapper.store.tallies import Cell

_h, _p, _f = tables.households, tables.placements, tables.findings
_c, _cu, _o, _v = tables.cells, tables.cell_units, tables.oddities, tables.verdicts

Row = tuple[int, str, str | None, str]
"""Household's seq, set id, unit code or None, the result as a word."""


class Points(NamedTuple):
    """Households in order of seq. lat, lon: degrees, NaN for none. state: why the point places nobody, or USABLE."""

    seq: NDArray[np.int64]
    cell: NDArray[np.int64]
    lat: NDArray[np.float64]
    lon: NDArray[np.float64]
    state: NDArray[np.object_]

    def where(self, wanted: NDArray[np.bool_]) -> Points:
        """Those of them that are wanted."""
        seq, cell, lat, lon, state = self
        return Points(seq[wanted], cell[wanted], lat[wanted], lon[wanted], state[wanted])


def count(connection: Connection) -> int:
    """How many households the register has."""
    return connection.scalar(select(func.count()).select_from(_h)) or 0


def last(connection: Connection) -> int:
    """The highest seq of a household; 0 where there is none."""
    return connection.scalar(select(func.max(_h.c.seq))) or 0


def points(database: Database, connection: Connection, after: int, limit: int) -> Points:
    """The next households after a seq, whichever cell they are in."""
    rows = database.prepared(
        ("points to place", limit),
        lambda: (
            select(_h.c.seq, _h.c.cell_id, _h.c.lat, _h.c.lon, _h.c.point_state)
            .where(_h.c.seq > bindparam("after"))
            .order_by(_h.c.seq)
            .limit(literal_column(str(int(limit))))
            .offset(literal_column("0"))
        ),
    ).rows(driver_of(connection), {"after": after})
    return _arrays(rows)


def unplaced(connection: Connection, set_id: str, cell_id: int) -> Points:
    """Households of a cell that have no placement in the set at all."""
    placed = exists().where(_p.c.household_seq == _h.c.seq, _p.c.set_id == set_id)
    rows = connection.execute(
        select(_h.c.seq, _h.c.cell_id, _h.c.lat, _h.c.lon, _h.c.point_state)
        .where(_h.c.cell_id == cell_id, ~placed)
        .order_by(_h.c.seq)
    )
    return _arrays([tuple(row) for row in rows])


def _arrays(rows: Sequence[tuple[Any, ...]]) -> Points:
    seq, cell, lat, lon, state = zip(*rows, strict=True) if rows else ((),) * 5
    return Points(
        np.array(seq, np.int64),
        np.array(cell, np.int64),
        np.array(lat, float),
        np.array(lon, float),
        np.array(state, object),
    )


def write(database: Database, connection: Connection, cells: Mapping[int, int], rows: Sequence[Row]) -> None:
    """Write placements, in order of seq, of those households that are still in the cell in which they were read.

    cells: by seq. The others were entered anew meanwhile, in this set too. One that is there already stays.
    """
    if not rows:
        return
    driver = driver_of(connection)
    now = database.prepared(
        "cells of households",
        lambda: select(_h.c.seq, _h.c.cell_id).where(_h.c.seq >= bindparam("first"), _h.c.seq <= bindparam("last")),
    ).rows(driver, {"first": rows[0][0], "last": rows[-1][0]})
    same = {seq for seq, cell in now if cells.get(seq) == cell}
    database.prepared("place in one more set", lambda: database.insert(_p).on_conflict_do_nothing()).run_many(
        driver, rows if len(same) == len(rows) else [row for row in rows if row[0] in same]
    )


def _lacking(set_id: str) -> Select[Any]:
    placed = exists().where(_cu.c.cell_id == _c.c.id, _cu.c.set_id == set_id)
    return select(_c.c.id).where(~placed)


def cells_without(connection: Connection, set_id: str) -> list[int]:
    """Cells that have no unit of the set, in order; they may be empty."""
    return list(connection.scalars(_lacking(set_id).order_by(_c.c.id)))


def is_left(connection: Connection, set_id: str) -> bool:
    """Whether any household is in a cell that has no unit of the set."""
    left = select(_h.c.seq).where(_h.c.cell_id.in_(_lacking(set_id))).limit(1)
    return connection.scalar(left) is not None


class Share(NamedTuple):
    """Households of a cell that are in one unit of the set. placed: whether they have a placement there at all."""

    cell_id: int
    unit_code: str | None
    placed: bool
    households: int


def shares(database: Database, connection: Connection, set_id: str, cell_ids: Sequence[int]) -> list[Share]:
    """In which units of the set the households of some cells are, by their points."""
    placed = _p.c.household_seq.is_not(None)
    rows = connection.execute(
        select(_h.c.cell_id, _p.c.unit_code, placed, func.count())
        .select_from(_h)
        .outerjoin(_p, (_p.c.household_seq == _h.c.seq) & (_p.c.set_id == set_id))
        .where(database.among(_h.c.cell_id, cell_ids))
        .group_by(_h.c.cell_id, _p.c.unit_code, placed)
    )
    return [Share(cell, unit, bool(is_placed), number) for cell, unit, is_placed, number in rows]


def cells_of(database: Database, connection: Connection, cell_ids: Sequence[int]) -> list[tuple[Cell, str]]:
    """Some cells as they are, each with its signature, in order."""
    units: dict[int, dict[str, str | None]] = {}
    of_cells = select(_cu.c.cell_id, _cu.c.set_id, _cu.c.unit_code).where(database.among(_cu.c.cell_id, cell_ids))
    for cell_id, set_id, code in connection.execute(of_cells):
        units.setdefault(cell_id, {})[set_id] = code
    rows = connection.execute(
        select(_c.c.id, _c.c.hamlet_code, _c.c.commune_code, _c.c.signature)
        .where(database.among(_c.c.id, cell_ids))
        .order_by(_c.c.id)
    )
    return [(Cell(row.id, row.hamlet_code, row.commune_code, units.get(row.id, {})), row[3]) for row in rows]


def known_signatures(database: Database, connection: Connection, signatures: Sequence[str]) -> set[str]:
    """Those of the signatures that a cell has."""
    return set(connection.scalars(select(_c.c.signature).where(database.among(_c.c.signature, signatures))))


@dataclass(frozen=True, slots=True)
class Settled:
    """A cell all of whose households are in one unit of the set. before, after: its signature without and with it."""

    cell_id: int
    before: str
    after: str
    unit_code: str | None


def settle(connection: Connection, set_id: str, settled: Sequence[Settled]) -> None:
    """Give cells their unit of the set; one whose signature has changed meanwhile is left as it is."""
    for one in settled:
        same = _c.c.id == one.cell_id, _c.c.signature == one.before
        if connection.execute(update(_c).where(*same).values(signature=one.after)).rowcount:
            connection.execute(insert(_cu).values(cell_id=one.cell_id, set_id=set_id, unit_code=one.unit_code))


class Leaving(NamedTuple):
    """A household that belongs in another cell. unit_code: that its point is in, if any."""

    seq: int
    campaign_id: str
    household_id: str
    unit_code: str | None
    counted: Counted


def leaving(
    connection: Connection, set_id: str, cell_id: int, fallback: str | None, stays: str | None, limit: int
) -> list[Leaving]:
    """Some households of a cell that are not in the unit which the cell is to have, in order of seq.

    fallback: the unit of those whose point is in none.
    """
    unit = func.coalesce(_p.c.unit_code, fallback)
    rows = connection.execute(
        select(_h.c.seq, _h.c.campaign_id, _h.c.id, unit, _h.c.visited_on, _h.c.steps)
        .join(_p, (_p.c.household_seq == _h.c.seq) & (_p.c.set_id == set_id))
        .where(_h.c.cell_id == cell_id, unit.is_distinct_from(stays))
        .order_by(_h.c.seq)
        .limit(limit)
    )
    found = []
    for seq, campaign_id, household_id, code, visited_on, text in rows:
        houses, steps = read_steps(text)
        day = visited_on if isinstance(visited_on, date) else date.fromisoformat(visited_on)
        found.append(Leaving(seq, campaign_id, household_id, code, Counted(cell_id, day.toordinal(), steps, houses)))
    return found


def move(database: Database, connection: Connection, before: int, to: Mapping[int, Sequence[Leaving]]) -> None:
    """Put households of a cell into others, with what is kept of them by cell. to: by the new cell."""
    for cell_id, some in to.items():
        seqs = [one.seq for one in some]
        connection.execute(update(_h).where(database.among(_h.c.seq, seqs)).values(cell_id=cell_id))
        connection.execute(update(_f).where(database.among(_f.c.household_seq, seqs)).values(cell_id=cell_id))
        for campaign_id in {one.campaign_id for one in some}:
            houses = [one.household_id for one in some if one.campaign_id == campaign_id]
            for table in (_o, _v):
                connection.execute(
                    update(table)
                    .where(
                        table.c.campaign_id == campaign_id,
                        table.c.cell_id == before,
                        database.among(table.c.household_id, houses),
                    )
                    .values(cell_id=cell_id)
                )
