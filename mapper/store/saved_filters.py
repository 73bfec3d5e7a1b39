"""Filters that users keep by name."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, select, update

from mapper.store import tables

_f, _u = tables.saved_filters, tables.users


@dataclass(frozen=True, slots=True)
class SavedFilter:
    """One of them. query: the part of an address behind the question mark; shared: whether others see it."""

    id: int
    user_id: int
    user_name: str
    name: str
    query: str
    shared: bool


def seen_by(connection: Connection, user_id: int) -> list[SavedFilter]:
    """A user's own, and all that others share, by name."""
    rows = connection.execute(
        select(_f.c.id, _f.c.user_id, _u.c.name.label("user_name"), _f.c.name, _f.c.query, _f.c.shared)
        .join(_u, _u.c.id == _f.c.user_id)
        .where((_f.c.user_id == user_id) | (_f.c.shared & _u.c.active))
        .order_by(_f.c.name, _f.c.id)
    )
    return [SavedFilter(row.id, row.user_id, row.user_name, row.name, row.query, row.shared) for row in rows]


def number_of(connection: Connection, user_id: int) -> int:
    """How many a user keeps."""
    return connection.scalar(select(func.count()).select_from(_f).where(_f.c.user_id == user_id)) or 0


def save(connection: Connection, user_id: int, name: str, query: str, shared: bool, at: str) -> None:
    """Keep a filter; one of the same user and name is replaced."""
    values = {"query": query, "shared": shared, "at": at}
    own = (_f.c.user_id == user_id) & (_f.c.name == name)
    if not connection.execute(update(_f).where(own).values(values)).rowcount:
        connection.execute(_f.insert().values(user_id=user_id, name=name, **values))


def named(connection: Connection, user_id: int, name: str) -> int | None:
    """The number of a user's filter of a name."""
    found: int | None = connection.scalar(select(_f.c.id).where((_f.c.user_id == user_id) & (_f.c.name == name)))
    return found


def rename(connection: Connection, user_id: int, number: int, name: str) -> bool:
    """Give a filter of a user another name; whether there was one."""
    own = (_f.c.user_id == user_id) & (_f.c.id == number)
    return bool(connection.execute(update(_f).where(own).values(name=name)).rowcount)


def remove(connection: Connection, user_id: int, number: int) -> bool:
    """Delete a filter of a user; whether there was one."""
    own = (_f.c.user_id == user_id) & (_f.c.id == number)
    return bool(connection.execute(delete(_f).where(own)).rowcount)
