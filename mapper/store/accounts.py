"""Users with their roles, areas and secrets; secrets only as hashes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select, update

from mapper.store import tables
from mapper.store.database import Database, driver_of

_u, _a = tables.users, tables.user_areas


@dataclass(frozen=True, slots=True)
class Account:
    """A user as stored. areas: (set id, unit code), or ("", hamlet code); empty means everything."""

    id: int
    name: str
    role: str
    password_hash: str | None
    digest_ha1: str | None
    active: bool
    session_epoch: int
    areas: tuple[tuple[str, str], ...]


_COLUMNS = (_u.c.id, _u.c.name, _u.c.role, _u.c.password_hash, _u.c.digest_ha1, _u.c.active, _u.c.session_epoch)


def _account(connection: Connection, row: Sequence[object] | None) -> Account | None:
    if row is None:
        return None
    values: list[Any] = [*row, areas(connection, row[0])]
    return Account(*values)


def areas(connection: Connection, user_id: object) -> tuple[tuple[str, str], ...]:
    """The areas of the user of that number, by code; see Account."""
    rows = connection.execute(select(_a.c.set_id, _a.c.code).where(_a.c.user_id == user_id).order_by(_a.c.code))
    return tuple((row.set_id, row.code) for row in rows)


def by_id(connection: Connection, user_id: int) -> Account | None:
    """The user of that number, or None."""
    return _account(connection, connection.execute(select(*_COLUMNS).where(_u.c.id == user_id)).first())


def by_name(connection: Connection, name: str) -> Account | None:
    """The user of that name, or None."""
    return _account(connection, connection.execute(select(*_COLUMNS).where(_u.c.name == name)).first())


def by_token(connection: Connection, token_sha256: str) -> Account | None:
    """The user whose token has that SHA-256, or None."""
    return _account(connection, connection.execute(select(*_COLUMNS).where(_u.c.token_sha256 == token_sha256)).first())


def sender(database: Database, connection: Connection, token_sha256: str) -> int | None:
    """Number of the active user with that token: all that an upload needs to know."""
    rows = database.prepared(
        "sender", lambda: select(_u.c.id, _u.c.active).where(_u.c.token_sha256 == bindparam("token"))
    ).rows(driver_of(connection), {"token": token_sha256})
    return rows[0][0] if rows and rows[0][1] else None


def save(
    connection: Connection,
    name: str,
    role: str,
    areas: Sequence[tuple[str, str]],
    password_hash: str | None,
    token_sha256: str,
    digest_ha1: str,
    at: str,
) -> int:
    """Add a user, or give the user of that name these and no other role, areas and secrets; the number."""
    values = {"role": role, "password_hash": password_hash, "token_sha256": token_sha256, "digest_ha1": digest_ha1}
    user_id: int | None = connection.scalar(select(_u.c.id).where(_u.c.name == name))
    if user_id is None:
        user_id = connection.execute(
            _u.insert()
            .values(name=name, active=True, session_epoch=0, token_epoch=0, created_at=at, **values)
            .returning(_u.c.id)
        ).scalar_one()
    else:
        connection.execute(
            update(_u).where(_u.c.id == user_id).values(active=True, session_epoch=_u.c.session_epoch + 1, **values)
        )
        connection.execute(delete(_a).where(_a.c.user_id == user_id))
    if areas:
        connection.execute(_a.insert(), [{"user_id": user_id, "set_id": s, "code": c} for s, c in areas])
    return user_id
