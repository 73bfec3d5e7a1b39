"""Browsers that are signed in: keys only as hashes, times in seconds since 1970."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, delete, or_, select, update

from mapper.store import tables

_s = tables.sessions
_COLUMNS = (_s.c.key_sha256, _s.c.user_id, _s.c.epoch, _s.c.begun_at, _s.c.seen_at, _s.c.browser)


@dataclass(frozen=True, slots=True)
class Session:
    """One browser. epoch: session_epoch of its user when it began."""

    key_sha256: str
    user_id: int
    epoch: int
    begun_at: float
    seen_at: float
    browser: str


def begin(connection: Connection, session: Session) -> None:
    """Keep a new session."""
    values = {name: getattr(session, name) for name in Session.__slots__}
    connection.execute(_s.insert().values(**values))


def find(connection: Connection, key_sha256: str) -> Session | None:
    """The session of that key, or None."""
    row = connection.execute(select(*_COLUMNS).where(_s.c.key_sha256 == key_sha256)).first()
    return Session(*row) if row is not None else None


def of_user(connection: Connection, user_id: int) -> list[Session]:
    """A user's sessions, the one seen last first."""
    wanted = select(*_COLUMNS).where(_s.c.user_id == user_id).order_by(_s.c.seen_at.desc(), _s.c.key_sha256)
    return [Session(*row) for row in connection.execute(wanted)]


def seen(connection: Connection, key_sha256: str, at: float) -> None:
    """Note that a session was used."""
    connection.execute(update(_s).where(_s.c.key_sha256 == key_sha256).values(seen_at=at))


def end(connection: Connection, keys_sha256: Collection[str]) -> None:
    """End these sessions."""
    connection.execute(delete(_s).where(_s.c.key_sha256.in_(keys_sha256)))


def end_old(connection: Connection, seen_before: float, begun_before: float) -> None:
    """End what was not used since, or begun before."""
    connection.execute(delete(_s).where(or_(_s.c.seen_at < seen_before, _s.c.begun_at < begun_before)))
