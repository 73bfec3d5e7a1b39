"""On which days houses were visited, from the tallies of houses."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import Connection, func, select

from mapper.store import tables
from mapper.store.database import Database

_ht = tables.house_tallies


def houses_by_day(
    database: Database, connection: Connection, campaign_id: str, last: int, cell_ids: Sequence[int] | None
) -> list[tuple[date, int, int]]:
    """(day, houses visited, houses interviewed) of the latest days with a visit, ``last`` at most, the newest first.

    cell_ids: only these cells; None for all. A house counts on the day of the visit that counts for it.
    """
    visited = func.sum(_ht.c.visited)
    statement = (
        select(_ht.c.day, visited, func.sum(_ht.c.interviewed))
        .where(_ht.c.campaign_id == campaign_id)
        .group_by(_ht.c.day)
        .having(visited > 0)
        .order_by(_ht.c.day.desc())
        .limit(last)
    )
    if cell_ids is not None:
        statement = statement.where(database.among(_ht.c.cell_id, cell_ids))
    return [(date.fromordinal(day), seen, asked) for day, seen, asked in connection.execute(statement)]


def houses_between(
    database: Database,
    connection: Connection,
    campaign_id: str,
    after: int,
    until: int,
    cell_ids: Sequence[int] | None,
) -> list[tuple[int, int, int]]:
    """(cell id, houses visited, houses interviewed) of the days after one up to another, where there were any.

    cell_ids: only these cells; None for all. A house counts on the day of the visit that counts for it.
    """
    visited = func.sum(_ht.c.visited)
    statement = (
        select(_ht.c.cell_id, visited, func.sum(_ht.c.interviewed))
        .where(_ht.c.campaign_id == campaign_id, _ht.c.day > after, _ht.c.day <= until)
        .group_by(_ht.c.cell_id)
        .having(visited > 0)
    )
    if cell_ids is not None:
        statement = statement.where(database.among(_ht.c.cell_id, cell_ids))
    return [(cell, seen, asked) for cell, seen, asked in connection.execute(statement)]


def latest(
    database: Database, connection: Connection, campaign_id: str, cell_ids: Sequence[int] | None
) -> dict[int, int]:
    """The latest day, an ordinal, with a visit that counts, by cell. cell_ids: only these cells; None for all."""
    statement = (
        select(_ht.c.cell_id, func.max(_ht.c.day))
        .where(_ht.c.campaign_id == campaign_id, _ht.c.visited > 0)
        .group_by(_ht.c.cell_id)
    )
    if cell_ids is not None:
        statement = statement.where(database.among(_ht.c.cell_id, cell_ids))
    return {row[0]: row[1] for row in connection.execute(statement)}
