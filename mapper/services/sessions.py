"""Sessions of browsers: begun by signing in, ended by signing out, by time, and with the password they began with.

They stand in the database and not in the cookie, so that ending one ends it wherever its cookie is.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from mapper.errors import Unavailable
from mapper.services.accounts import User, as_user, token_hash
from mapper.services.audit import record
from mapper.services.reference import Reference
from mapper.store import accounts
from mapper.store import sessions as kept
from mapper.store.database import Connection

LONGEST_S = 12 * 3600
"""So long after signing in a session ends, however much it was used."""

NOTED_S = 120
"""A session's use is noted no more often than this."""

LONGEST_BROWSER = 200


@dataclass(frozen=True, slots=True)
class SignedIn:
    """One of a user's sessions as its user is shown it. here: whether it is the one that asks."""

    begun: datetime
    seen: datetime
    browser: str
    here: bool


def begin(reference: Reference, user: User, browser: str, idle_s: float) -> str:
    """Begin a session, and clear away those whose time is over; its key, which is told to the browser alone."""
    key, now = secrets.token_urlsafe(32), time.time()
    browser = "".join(c for c in browser if c.isprintable())[:LONGEST_BROWSER]
    with reference.database.write() as connection:
        kept.end_old(connection, now - idle_s, now - LONGEST_S)
        kept.begin(connection, kept.Session(token_hash(key), user.id, user.session_epoch, now, now, browser))
    return key


def user_of(reference: Reference, key: str, idle_s: float, *, by_hand: bool = True) -> User | None:
    """The user of a living session, or None.

    idle_s: seconds without use after which it ends. by_hand: whether somebody asks, and not an open page by itself:
    that alone keeps no session alive.
    """
    now, hashed = time.time(), token_hash(key)
    with reference.database.read() as connection:
        session = kept.find(connection, hashed)
        if session is None or now - session.begun_at > LONGEST_S or now - session.seen_at > idle_s:
            return None
        account = accounts.by_id(connection, session.user_id)
    if account is None or not account.active or account.session_epoch != session.epoch:
        return None
    unnoted = now - session.seen_at
    if by_hand and unnoted > min(NOTED_S, idle_s / 4):
        _note(reference, hashed, now, urgent=unnoted > idle_s / 2)
    return as_user(account)


def _note(reference: Reference, hashed: str, now: float, *, urgent: bool) -> None:
    """Note a session's use; where phones are being written down just now, the next request may do."""
    database = reference.database
    try:
        with database.write() if urgent else database.write_at_once() as connection:
            kept.seen(connection, hashed, now)
    except Unavailable:
        if urgent:
            raise


def end(reference: Reference, key: str) -> None:
    """End a session."""
    with reference.database.write() as connection:
        kept.end(connection, [token_hash(key)])


def end_others(reference: Reference, user: User, key: str) -> int:
    """End every session of a user but this one; how many."""
    with reference.database.write() as connection:
        others = [one.key_sha256 for one in kept.of_user(connection, user.id) if one.key_sha256 != token_hash(key)]
        kept.end(connection, others)
        record(reference, connection, user.id, user.name, "user.signed_out", str(user.id), {"number": len(others)})
    return len(others)


def of_user(reference: Reference, user: User, key: str, idle_s: float) -> list[SignedIn]:
    """A user's living sessions, the one used last first."""
    with reference.database.read() as connection:
        living = _living(connection, user, time.time(), idle_s)
    return [
        SignedIn(
            datetime.fromtimestamp(one.begun_at, UTC),
            datetime.fromtimestamp(one.seen_at, UTC),
            one.browser,
            one.key_sha256 == token_hash(key),
        )
        for one in living
    ]


def _living(connection: Connection, user: User, now: float, idle_s: float) -> list[kept.Session]:
    return [
        one
        for one in kept.of_user(connection, user.id)
        if one.epoch == user.session_epoch and now - one.begun_at <= LONGEST_S and now - one.seen_at <= idle_s
    ]
