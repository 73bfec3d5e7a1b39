"""The trail of who did what: rows that are added and never changed, each bound to the one before it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, func, or_, select

from mapper.store import audit_aside, tables
from mapper.store.database import Database

_a = tables.audit
START = "0" * 64
"""What stands before the first entry."""

_PORTION = 2000
_LOCK = "audit"


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the trail. seq: from 1 on, without gaps; chain: SHA-256 over this row and the chain before it."""

    seq: int
    at: str
    user_id: int | None
    user_name: str
    action: str
    subject: str
    facts: str
    chain: str

    def bound_to(self, previous: str) -> str:
        """The chain that this row must carry behind a row of that chain."""
        told = [previous, self.seq, self.at, self.user_id, self.user_name, self.action, self.subject, self.facts]
        return hashlib.sha256(json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class About:
    """Submissions and households that entries are asked for of: as their subjects, or households as their facts."""

    submissions: Collection[str]
    households: Collection[str]


def _entry(row: Row[Any]) -> Entry:
    return Entry(**row._mapping)


def append(
    database: Database,
    connection: Connection,
    at: str,
    user_id: int | None,
    user_name: str,
    action: str,
    subject: str,
    facts: Mapping[str, object],
) -> None:
    """Add a row to the trail, in the caller's transaction, and make all others wait with theirs until it ends.

    What waits aside was done before, and comes first.
    """
    take_in(database, connection)
    _add(connection, at, user_id, user_name, action, subject, _written(facts))


def append_aside(
    database: Database,
    at: str,
    user_id: int | None,
    user_name: str,
    action: str,
    subject: str,
    facts: Mapping[str, object],
) -> None:
    """Keep a row for the trail where it waits for nobody; on the disk when this returns. Only beside a SQLite file."""
    audit_aside.set_aside(database, at, user_id, user_name, action, subject, _written(facts))


def take_in(database: Database, connection: Connection) -> None:
    """Add what waits aside to the trail, in the caller's transaction, and hold the trail until that ends."""
    database.lock(connection, _LOCK)
    for one in audit_aside.take(database, connection):
        _add(connection, one.at, one.user_id, one.user_name, one.action, one.subject, one.facts)


def _written(facts: Mapping[str, object]) -> str:
    return json.dumps(dict(facts), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _add(
    connection: Connection, at: str, user_id: int | None, user_name: str, action: str, subject: str, facts: str
) -> None:
    last = connection.execute(select(_a.c.seq, _a.c.chain).order_by(_a.c.seq.desc()).limit(1)).first()
    seq, previous = (last.seq + 1, last.chain) if last else (1, START)
    row = Entry(seq, at, user_id, user_name, action, subject, facts, "")
    connection.execute(
        _a.insert().values(
            seq=seq,
            at=at,
            user_id=user_id,
            user_name=user_name,
            action=action,
            subject=subject,
            facts=facts,
            chain=row.bound_to(previous),
        )
    )


def newest(
    connection: Connection,
    limit: int,
    before: int | None = None,
    action: str = "",
    user_id: int | None = None,
    between: tuple[str, str] | None = None,
    about: About | None = None,
) -> list[Entry]:
    """Entries, the newest first.

    before: only those of a lower number; action: of that kind; user_id: by that user; between: from the first time on,
    and before the second; about: only those that name one of its submissions or households.
    """
    wanted = select(_a).order_by(_a.c.seq.desc()).limit(limit)
    if before is not None:
        wanted = wanted.where(_a.c.seq < before)
    if action:
        wanted = wanted.where(_a.c.action == action)
    if user_id is not None:
        wanted = wanted.where(_a.c.user_id == user_id)
    if between is not None:
        wanted = wanted.where(_a.c.at >= between[0], _a.c.at < between[1])
    if about is not None:
        facts = [_written({"household": each})[1:-1] for each in about.households]
        named = [_a.c.facts.contains(fact, autoescape=True) for fact in facts]
        wanted = wanted.where(or_(_a.c.subject.in_(sorted({*about.submissions, *about.households})), *named))
    return [_entry(row) for row in connection.execute(wanted)]


def size(connection: Connection) -> int:
    """How many entries there are; they are numbered without gaps."""
    return connection.scalar(select(func.max(_a.c.seq))) or 0


def stream(connection: Connection) -> Iterator[Entry]:
    """Every entry, the oldest first; never all at once in memory."""
    after = -1
    while rows := connection.execute(select(_a).where(_a.c.seq > after).order_by(_a.c.seq).limit(_PORTION)).all():
        yield from map(_entry, rows)
        after = rows[-1].seq
