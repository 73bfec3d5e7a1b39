"""What became of the units of boundary sets: kept as it was told or measured, between two sets at a time."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, select

from mapper.domain.succession import Heir, Succession
from mapper.store import tables


@dataclass(frozen=True, slots=True)
class ToldSuccession:
    """A succession without its heirs. told_by: crosswalk, package or outlines; report: findings and disagreements, as
    JSON."""

    old_set: str
    new_set: str
    told_by: str
    source: str
    report: str
    imported_at: str


def save(connection: Connection, about: ToldSuccession, succession: Succession) -> None:
    """Keep a succession, in place of the one that was told between its sets before."""
    remove(connection, about.old_set, about.new_set)
    connection.execute(
        tables.successions.insert().values(
            old_set=about.old_set,
            new_set=about.new_set,
            told_by=about.told_by,
            source=about.source,
            report=about.report,
            imported_at=about.imported_at,
        )
    )
    if succession.heirs:
        connection.execute(
            tables.unit_heirs.insert(),
            [
                {
                    "old_set": about.old_set,
                    "new_set": about.new_set,
                    "old_code": one.old,
                    "new_code": one.new,
                    "whole": one.whole,
                    "share": one.share,
                    "source": one.source,
                }
                for one in succession.heirs
            ],
        )


def remove(connection: Connection, old_set: str, new_set: str) -> bool:
    """Take a succession out; whether there was one."""
    for table in (tables.unit_heirs, tables.successions):
        gone = connection.execute(delete(table).where(table.c.old_set == old_set, table.c.new_set == new_set))
    return bool(gone.rowcount)


def told(connection: Connection) -> list[ToldSuccession]:
    """Every succession without its heirs, by the sets' ids."""
    s = tables.successions
    rows = connection.execute(
        select(s.c.old_set, s.c.new_set, s.c.told_by, s.c.source, s.c.report, s.c.imported_at).order_by(
            s.c.old_set, s.c.new_set
        )
    )
    return [ToldSuccession(*row) for row in rows]


def every(connection: Connection) -> dict[tuple[str, str], Succession]:
    """Every succession by the ids of its old and its new set; heirs by code."""
    h = tables.unit_heirs
    rows = connection.execute(
        select(h.c.old_set, h.c.new_set, h.c.old_code, h.c.new_code, h.c.whole, h.c.share, h.c.source).order_by(
            h.c.old_set, h.c.new_set, h.c.old_code, h.c.new_code
        )
    )
    heirs: dict[tuple[str, str], list[Heir]] = defaultdict(list)
    for old_set, new_set, *heir in rows:
        heirs[old_set, new_set].append(Heir(*heir))
    return {(one.old_set, one.new_set): Succession(tuple(heirs[one.old_set, one.new_set])) for one in told(connection)}


def visited_by_set(connection: Connection) -> dict[str, int]:
    """Households visited that a unit of a set holds, by the set; 0 is left out."""
    cells, houses = tables.cell_units, tables.house_totals
    rows = connection.execute(
        select(cells.c.set_id, func.sum(houses.c.visited))
        .join(houses, houses.c.cell_id == cells.c.cell_id)
        .where(cells.c.unit_code.is_not(None))
        .group_by(cells.c.set_id)
    )
    return {set_id: int(number) for set_id, number in rows if number}
