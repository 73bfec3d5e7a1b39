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
    token_epoch: int
    token_sha256: str | None
    areas: tuple[tuple[str, str], ...]


_COLUMNS = (
    _u.c.id,
    _u.c.name,
    _u.c.role,
    _u.c.password_hash,
    _u.c.digest_ha1,
    _u.c.active,
    _u.c.session_epoch,
    _u.c.token_epoch,
    _u.c.token_sha256,
)


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


def everyone(connection: Connection, role: str | None = None) -> list[Account]:
    """Every user by name; only those of a role, when given."""
    wanted = select(*_COLUMNS).order_by(_u.c.name, _u.c.id)
    if role is not None:
        wanted = wanted.where(_u.c.role == role)
    areas: dict[int, list[tuple[str, str]]] = {}
    for user_id, set_id, code in connection.execute(select(_a.c.user_id, _a.c.set_id, _a.c.code).order_by(_a.c.code)):
        areas.setdefault(user_id, []).append((set_id, code))
    return [Account(*row, tuple(areas.get(row.id, ()))) for row in connection.execute(wanted)]


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
    at: str,
) -> tuple[int, int]:
    """Add a user, or give the user of that name these and no other role, areas and secrets; number and token epoch.

    The token comes apart, with ``set_token``: it is made from both numbers.
    """
    values = {"role": role, "password_hash": password_hash}
    user_id: int | None = connection.scalar(select(_u.c.id).where(_u.c.name == name))
    if user_id is None:
        user_id = connection.execute(
            _u.insert()
            .values(name=name, active=True, session_epoch=0, token_epoch=0, created_at=at, **values)
            .returning(_u.c.id)
        ).scalar_one()
    else:
        connection.execute(update(_u).where(_u.c.id == user_id).values(session_epoch=_u.c.session_epoch + 1, **values))
    set_areas(connection, user_id, areas)
    return user_id, next_token(connection, user_id)


def set_areas(connection: Connection, user_id: int, areas: Sequence[tuple[str, str]]) -> None:
    """Give a user these areas and no others."""
    connection.execute(delete(_a).where(_a.c.user_id == user_id))
    if areas:
        connection.execute(_a.insert(), [{"user_id": user_id, "set_id": s, "code": c} for s, c in areas])


def next_token(connection: Connection, user_id: int) -> int:
    """Make the user active and void the present token; the epoch that the next one is made from."""
    epoch: int = connection.execute(
        update(_u)
        .where(_u.c.id == user_id)
        .values(active=True, token_epoch=_u.c.token_epoch + 1, token_sha256=None, digest_ha1=None)
        .returning(_u.c.token_epoch)
    ).scalar_one()
    return epoch


def set_token(connection: Connection, user_id: int, token_sha256: str, digest_ha1: str) -> None:
    """Keep what is to be known of a user's token."""
    connection.execute(update(_u).where(_u.c.id == user_id).values(token_sha256=token_sha256, digest_ha1=digest_ha1))


def set_password(connection: Connection, user_id: int, password_hash: str) -> None:
    """Give a user a password, and end every session begun with the one before."""
    connection.execute(
        update(_u).where(_u.c.id == user_id).values(password_hash=password_hash, session_epoch=_u.c.session_epoch + 1)
    )


def renew_hash(connection: Connection, user_id: int, before: str, now: str) -> None:
    """Keep a password's new hash, unless the password was changed meanwhile; sessions go on."""
    at = (_u.c.id == user_id) & (_u.c.password_hash == before)
    connection.execute(update(_u).where(at).values(password_hash=now))


def end(connection: Connection, user_id: int) -> None:
    """Let the user in no more, neither with a password nor with a token nor in a session."""
    connection.execute(update(_u).where(_u.c.id == user_id).values(active=False, session_epoch=_u.c.session_epoch + 1))
