"""Databases that are ready for use: filled once a test process, then lent to one test after another.

Making the schema takes a second and publishing a form several. A SQLite file is copied for every test; on PostgreSQL
copying costs more than a test, so that one database is lent and what a test wrote is taken out again.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from sqlalchemy import Connection, delete, text

from mapper.formats import validate
from mapper.services import accounts
from mapper.store import tables
from mapper.store.database import Database
from tests.postgres import Server

Fill = Callable[[Database], object]


def filled_sqlite(folder: Path, fill: Fill) -> Path:
    """A database file in that folder, filled and closed."""
    path = folder / "ready.sqlite3"
    _fill(f"sqlite:///{path}", fill)
    return path


def sqlite_copy(filled: Path, folder: Path) -> str:
    """The address of a copy in that folder."""
    shutil.copyfile(filled, folder / "test.sqlite3")
    return f"sqlite:///{folder / 'test.sqlite3'}"


@contextmanager
def filled_postgres(server: Server, fill: Fill) -> Iterator[str]:
    """The address of a filled database."""
    with server.database() as url:
        _fill(url, fill)
        yield url


@contextmanager
def editable_audit(connection: Connection) -> Iterator[None]:
    """Let rows of the audit trail go, as only the owner of a PostgreSQL database can."""
    connection.execute(text("ALTER TABLE audit DISABLE TRIGGER USER"))
    yield
    connection.execute(text("ALTER TABLE audit ENABLE TRIGGER USER"))


def empty(url: str) -> None:
    """Take every row out of every table of a PostgreSQL, the audit trail's too, which only its owner can."""
    database = Database(url)
    with database.write() as connection, editable_audit(connection):
        for table in reversed(tables.metadata.sorted_tables):
            connection.execute(delete(table))
    database.close()


def _fill(url: str, fill: Fill) -> None:
    database = Database(url)
    fill(database)
    database.close()


@contextmanager
def quick_passwords() -> Iterator[None]:
    """Argon2 is slow by design; for a while it is as quick as it can be. What is kept says how it was made."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(accounts, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        yield


@contextmanager
def forms_checked_once() -> Iterator[None]:
    """ODK Validate needs a Java of its own for each form; what it said of one it says again of the same bytes.

    Only what it said is kept, so that a check that fails or is refused runs anew. tests/formats lets it run every time.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(validate, "_run", _said_once)
        yield


_said_once = cache(validate._run)
