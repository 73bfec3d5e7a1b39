"""Entries of the trail that wait beside a SQLite database, in a small file with a writer of its own.

SQLite lets one write at a time. Who only looks at a list must not queue behind whoever counts for long, and yet the
entry must be on the disk before a name is shown: it is, here, and the next transaction that adds to the trail takes it
in before its own. Each has a number in this file, and the trail knows the last it took: none is lost, none comes twice.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Column, Connection, Integer, MetaData, String, Table, Text, delete, inspect, select

from mapper.store import tables
from mapper.store.database import Database

NAME = "audit"
"""Of the file: it stands behind that of the database's own."""

_metadata = MetaData()
_w = Table(
    "waiting",
    _metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("at", String, nullable=False),
    Column("user_id", Integer),
    Column("user_name", String, nullable=False),
    Column("action", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("facts", Text, nullable=False),
    sqlite_autoincrement=True,
)
_files = Table("file", _metadata, Column("id", String, primary_key=True))
_facts = tables.facts
_TAKEN = "audit aside"


@dataclass(frozen=True, slots=True)
class Waiting:
    """An entry as it was set aside. facts: JSON."""

    number: int
    at: str
    user_id: int | None
    user_name: str
    action: str
    subject: str
    facts: str


def set_aside(
    database: Database, at: str, user_id: int | None, user_name: str, action: str, subject: str, facts: str
) -> None:
    """Put an entry where it waits; it is on the disk when this returns."""
    file = database.companion(NAME)
    with file.write() as connection:
        _metadata.create_all(connection)
        if connection.scalar(select(_files.c.id)) is None:
            connection.execute(_files.insert().values(id=secrets.token_hex(8)))
        connection.execute(
            _w.insert().values(at=at, user_id=user_id, user_name=user_name, action=action, subject=subject, facts=facts)
        )


def any_waits(database: Database, connection: Connection) -> bool:
    """Whether anything set aside is not in the trail yet, as this transaction sees it."""
    return bool(_waiting(database, connection)[1])


def take(database: Database, connection: Connection) -> Sequence[Waiting]:
    """What waits, in its order, for the caller to add to the trail in this transaction, which holds the one writer."""
    file_id, found, taken = _waiting(database, connection)
    if not found:
        return ()
    if taken:
        # That these are in the trail was committed before this transaction began.
        with database.companion(NAME).write() as aside:
            aside.execute(delete(_w).where(_w.c.number <= taken))
    value = f"{file_id}:{found[-1].number}"
    entering = database.insert(_facts).values(name=_TAKEN, value=value)
    connection.execute(entering.on_conflict_do_update(index_elements=[_facts.c.name], set_={"value": value}))
    return found


def _waiting(database: Database, connection: Connection) -> tuple[str, list[Waiting], int]:
    """The file's id, what waits in it, and the number of the last taken from it; nothing where there is no file."""
    if not database.has_companion(NAME):
        return "", [], 0
    with database.companion(NAME).read() as aside:
        if not inspect(aside).has_table(_w.name):
            return "", [], 0  # whoever made the file has not entered anything yet
        file_id = aside.scalar(select(_files.c.id))
        known = connection.scalar(select(_facts.c.value).where(_facts.c.name == _TAKEN)) or ""
        of, _, number = known.partition(":")
        # Numbers of another file, as after a copy was put back, mean nothing.
        taken = int(number) if of == file_id else 0
        rows = aside.execute(select(_w).where(_w.c.number > taken).order_by(_w.c.number))
        return file_id or "", [Waiting(*row) for row in rows], taken
