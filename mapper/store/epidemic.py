"""Epidemic levels as they were entered: rows that are added and never changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, Row, select

from mapper.domain.epidemic import LevelEntry
from mapper.store import tables
from mapper.store.database import Database

_e, _u = tables.epidemic_levels, tables.users


@dataclass(frozen=True, slots=True)
class KeptLevel:
    """An entry with who made it (None: at the server itself) and when, ISO time in UTC."""

    entry: LevelEntry
    user_name: str | None
    at: str


def add(connection: Connection, set_id: str, entries: Sequence[LevelEntry], user_id: int | None, at: str) -> None:
    """Enter levels of units of a set."""
    connection.execute(
        _e.insert(),
        [
            {
                "set_id": set_id,
                "unit_code": one.unit_code,
                "from_day": one.from_day,
                "level": one.level,
                "source": one.source,
                "user_id": user_id,
                "at": at,
            }
            for one in entries
        ],
    )


def until(connection: Connection, set_id: str, day: date) -> list[LevelEntry]:
    """All entries of a set that hold from a day or an earlier one, in the order in which they were made."""
    rows = connection.execute(select(_e).where(_e.c.set_id == set_id, _e.c.from_day <= day).order_by(_e.c.seq))
    return [_entry(row) for row in rows]


def history(
    database: Database, connection: Connection, set_id: str, unit_codes: Sequence[str] | None, limit: int
) -> list[KeptLevel]:
    """What was entered for units of a set, None for all of them, the newest first."""
    statement = (
        select(_e, _u.c.name)
        .outerjoin(_u, _u.c.id == _e.c.user_id)
        .where(_e.c.set_id == set_id)
        .order_by(_e.c.seq.desc())
        .limit(limit)
    )
    if unit_codes is not None:
        statement = statement.where(database.among(_e.c.unit_code, unit_codes))
    return [KeptLevel(_entry(row), row.name, row.at) for row in connection.execute(statement)]


def sets(connection: Connection) -> list[str]:
    """The sets for which anything was entered."""
    return list(connection.scalars(select(_e.c.set_id).distinct().order_by(_e.c.set_id)))


def any_of(connection: Connection, set_id: str) -> bool:
    """Whether anything was entered for a set."""
    return connection.scalar(select(_e.c.seq).where(_e.c.set_id == set_id).limit(1)) is not None


def _entry(row: Row[tuple[object, ...]]) -> LevelEntry:
    return LevelEntry(row.unit_code, row.from_day, row.level, row.source, row.seq)
