"""Households placed in one more boundary set: points read as arrays, cells given their unit, households moved.

A cell without a unit of a set holds households that were entered before it: whoever is entered later has one. What a
cell holds is the same for as long as its changes are, see ``store.tables.house_totals``, and the era of the tallies.
Afterwards two cells may be of the same places, see ``tallies.beside``: whoever reads cells adds up those of a place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import (
    Connection,
    Integer,
    Select,
    Table,
    bindparam,
    case,
    cast,
    exists,
    func,
    literal_column,
    select,
    update,
)

from mapper.domain.places import USABLE
from mapper.domain.shelves import UNKNOWN
from mapper.store import shelves, tables, tallies
from mapper.store.database import Database, driver_of
from mapper.store.register import Counted, read_steps
from mapper.store.tallies import Cell

_h, _f, _o, _v = tables.households, tables.findings, tables.oddities, tables.verdicts
_c, _cu = tables.cells, tables.cell_units
_totals = tables.house_totals
_usable_lat = case((_h.c.point_state == literal_column(f"'{USABLE}'"), _h.c.lat))


class Points(NamedTuple):
    """Households with their cells. lat, lon: degrees; lat is NaN where no point places the household."""

    seq: NDArray[np.int64]
    cell: NDArray[np.int64]
    lat: NDArray[np.float64]
    lon: NDArray[np.float64]

    def where(self, wanted: NDArray[np.bool_]) -> Points:
        """Those of them that are wanted."""
        return Points(self.seq[wanted], self.cell[wanted], self.lat[wanted], self.lon[wanted])


def _points(rows: Sequence[Sequence[Any]]) -> Points:
    seq, cell, lat, lon = np.array(rows, float).reshape(-1, 4).T  # a float holds every whole number below 2^53
    return Points(seq.astype(np.int64), cell.astype(np.int64), lat, lon)


def count(connection: Connection) -> int:
    """How many households the register has."""
    return connection.scalar(select(func.count()).select_from(_h)) or 0


def points(database: Database, connection: Connection, after: int, limit: int) -> Points:
    """The next households after a seq, in order of seq, whichever cell they are in."""
    rows = database.prepared(
        ("points to place", limit),
        lambda: (
            select(_h.c.seq, _h.c.cell_id, _usable_lat, _h.c.lon)
            .where(_h.c.seq > bindparam("after"))
            .order_by(_h.c.seq)
            .limit(literal_column(str(int(limit))))
            .offset(literal_column("0"))
        ),
    ).rows(driver_of(connection), {"after": after})
    return _points(rows)


def points_of(database: Database, connection: Connection, cell_ids: Sequence[int]) -> Points:
    """The households of some cells."""
    rows = connection.execute(
        select(_h.c.seq, _h.c.cell_id, _usable_lat, _h.c.lon).where(database.among(_h.c.cell_id, cell_ids))
    )
    return _points([tuple(row) for row in rows])


def _lacking(set_id: str) -> Select[Any]:
    placed = exists().where(_cu.c.cell_id == _c.c.id, _cu.c.set_id == set_id)
    return select(_c.c.id).where(~placed)


def is_left(connection: Connection, set_id: str) -> bool:
    """Whether any household is in a cell that has no unit of the set."""
    left = select(_h.c.seq).where(_h.c.cell_id.in_(_lacking(set_id))).limit(1)
    return connection.scalar(left) is not None


@dataclass(frozen=True, slots=True)
class Standing:
    """A cell without a unit of a set as it was. changes: of all campaigns together; houses: about how many."""

    cell: Cell
    signature: str
    changes: int
    houses: int


def lacking(connection: Connection, set_id: str) -> list[Standing]:
    """Cells in which something was counted and that have no unit of the set, in order; they may be empty by now."""
    without = _lacking(set_id).subquery()
    units: dict[int, dict[str, str | None]] = {}
    of_cells = select(_cu.c.cell_id, _cu.c.set_id, _cu.c.unit_code).where(_cu.c.cell_id.in_(select(without.c.id)))
    for cell_id, other_set, code in connection.execute(of_cells):
        units.setdefault(cell_id, {})[other_set] = code
    counted = (
        select(_totals.c.cell_id, func.sum(_totals.c.changes).label("changes"), func.sum(_totals.c.visited).label("n"))
        .group_by(_totals.c.cell_id)
        .subquery()
    )
    rows = connection.execute(
        select(_c.c.id, _c.c.hamlet_code, _c.c.commune_code, _c.c.signature, counted.c.changes, counted.c.n)
        .join(without, without.c.id == _c.c.id)
        .join(counted, counted.c.cell_id == _c.c.id)
        .order_by(_c.c.id)
    )
    return [
        Standing(Cell(number, hamlet, commune, units.get(number, {})), signature, int(changes), int(houses))
        for number, hamlet, commune, signature, changes, houses in rows
    ]


def stand(database: Database, connection: Connection, cell_ids: Sequence[int]) -> dict[int, tuple[str, int]]:
    """Signature and changes of some cells now."""

    def signatures() -> Select[Any]:
        return select(_c.c.id, _c.c.signature).where(database.among_given(_c.c.id, "cells"))

    def changes() -> Select[Any]:
        # campaign by campaign, as the key has it
        campaigns = _totals.c.campaign_id.in_(select(tables.campaigns.c.id))
        among = database.among_given(_totals.c.cell_id, "cells")
        return select(_totals.c.cell_id, _totals.c.changes).where(campaigns, among)

    driver, given = driver_of(connection), {"cells": database.given(cell_ids)}
    counted: dict[int, int] = {}
    for cell_id, number in database.prepared("changes of cells", changes).rows(driver, given):
        counted[cell_id] = counted.get(cell_id, 0) + int(number)
    found = database.prepared("signatures of cells", signatures).rows(driver, given)
    return {cell_id: (signature, counted.get(cell_id, 0)) for cell_id, signature in found}


def cells_of_signatures(database: Database, connection: Connection, signatures: Sequence[str]) -> dict[str, int]:
    """The cells that have one of these signatures, by it."""
    rows = database.prepared(
        "cells of signatures",
        lambda: select(_c.c.signature, _c.c.id).where(database.among_given(_c.c.signature, "signatures")),
    ).rows(driver_of(connection), {"signatures": database.given(signatures)})
    return dict(rows)


def make_cells(
    database: Database, connection: Connection, wanted: Mapping[str, Cell], shelf: Callable[[Cell], int]
) -> dict[str, int]:
    """Numbers of cells by signature, made where they are new; their own numbers do not count.

    shelf: that a new one belongs on, where there is that.
    """
    found = cells_of_signatures(database, connection, list(wanted))
    new = {signature: cell for signature, cell in wanted.items() if signature not in found}
    if new:
        driver = driver_of(connection)
        of_cell = {signature: shelf(cell) for signature, cell in new.items()}
        known = {each for each in of_cell.values() if shelves.has(database, connection, each)}
        rows = [
            {
                "shelf": of_cell[signature] if of_cell[signature] in known else UNKNOWN,
                "named": signature,
                "hamlet": cell.hamlet_code,
                "commune": cell.commune_code,
            }
            for signature, cell in new.items()
        ]
        database.prepared(
            "make cells",
            lambda: (
                database.insert(_c)
                .values(
                    id=tallies.new_number(database, cast(bindparam("shelf"), Integer)),
                    signature=bindparam("named"),
                    hamlet_code=bindparam("hamlet"),
                    commune_code=bindparam("commune"),
                )
                .inline()
            ),
        ).run_each(driver, rows)
        made = cells_of_signatures(database, connection, list(new))
        units = [(made[at], set_id, code) for at, cell in new.items() for set_id, code in cell.units.items()]
        database.entering(_cu).run_many(driver, units)
        found |= made
    return found


@dataclass(frozen=True, slots=True)
class Settled:
    """A cell all of whose households are in one unit of the set. after: its signature then, that no other has."""

    cell_id: int
    after: str
    unit_code: str | None


def settle(database: Database, connection: Connection, set_id: str, settled: Sequence[Settled]) -> None:
    """Give cells their unit of the set."""
    driver = driver_of(connection)
    if settled:
        database.prepared(
            "settle", lambda: update(_c).where(_c.c.id == bindparam("cell")).values(signature=bindparam("after"))
        ).run_each(driver, [{"cell": one.cell_id, "after": one.after} for one in settled])
        database.entering(_cu).run_many(driver, [(one.cell_id, set_id, one.unit_code) for one in settled])


class Leaving(NamedTuple):
    """A household that belongs in another cell, and what it adds to the tallies of the one it is in."""

    seq: int
    campaign_id: str
    household_id: str
    counted: Counted


def leaving(database: Database, connection: Connection, seqs: Sequence[int]) -> dict[int, Leaving]:
    """Some households by seq; those that are not in the register any more are not among them."""
    rows = database.prepared(
        "leaving",
        lambda: select(_h.c.seq, _h.c.campaign_id, _h.c.id, _h.c.cell_id, _h.c.visited_on, _h.c.steps).where(
            database.among_given(_h.c.seq, "seqs")
        ),
    ).rows(driver_of(connection), {"seqs": database.given(seqs)})
    found = {}
    for seq, campaign_id, household_id, cell_id, visited_on, text in rows:
        houses, steps = read_steps(text)
        day = visited_on if isinstance(visited_on, date) else date.fromisoformat(visited_on)
        found[seq] = Leaving(seq, campaign_id, household_id, Counted(cell_id, day.toordinal(), steps, houses))
    return found


def move(database: Database, connection: Connection, moved: Sequence[tuple[Leaving, int]]) -> None:
    """Put households into other cells, with what is kept of them by cell; each with its new cell."""
    driver = driver_of(connection)
    rows = [
        {
            "seq": one.seq,
            "campaign": one.campaign_id,
            "household": one.household_id,
            "before": one.counted.cell_id,
            "after": cell_id,
        }
        for one, cell_id in sorted(moved, key=lambda each: each[0].seq)
    ]
    database.prepared(
        "move households", lambda: update(_h).where(_h.c.seq == bindparam("seq")).values(cell_id=bindparam("after"))
    ).run_each(driver, rows)
    database.prepared(
        "move findings",
        lambda: update(_f).where(_f.c.household_seq == bindparam("seq")).values(cell_id=bindparam("after")),
    ).run_each(driver, rows)
    for table in (_o, _v):

        def follow(table: Table = table) -> Any:
            # One index for both; of verdicts a household has few.
            return (
                update(table)
                .where(
                    table.c.campaign_id == bindparam("campaign"),
                    table.c.cell_id == bindparam("before"),
                    table.c.household_id == bindparam("household"),
                )
                .values(cell_id=bindparam("after"))
            )

        database.prepared(("move", table.name), follow).run_each(driver, rows)
