"""Databases that are ready for use: filled once a test process, then lent to one test after another.

Making the schema takes a second and publishing a form several. A SQLite file is copied for every test; on PostgreSQL
copying costs more than a test, so that one database is lent and what a test wrote is taken out again.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import psycopg
import pytest
from argon2 import PasswordHasher
from sqlalchemy import Connection, text

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


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], Path]) -> Path:
    """A file to copy, made by the first process of a test run that wants it; the others wait and have it too.

    make: given an empty folder, makes the file there and says its path, with nothing left open.
    """
    among = factory.getbasetemp().parent if "PYTEST_XDIST_WORKER" in os.environ else factory.getbasetemp()
    with (among / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        told = among / f"{name}.path"
        if not told.exists():
            folder = among / name
            folder.mkdir(exist_ok=True)
            told.write_text(str(make(folder)), "utf-8")
        return Path(told.read_text("utf-8"))


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


class Lent:
    """A PostgreSQL database that tests use one after another; it holds for each what it held when it was first lent.

    Making it anew would cost more than most tests, and so would a statement for every table: the server puts it back by
    a function of a session that stays open, with plans that it keeps and without asking whether keys are met. Rows that
    one such transaction put in, and that are as many as they were, are the same rows.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._session = psycopg.connect(url.replace("+psycopg", ""), autocommit=True)
        # Neither the audit trail's guard nor foreign keys: only the owner may, and only here.
        self._session.execute("SET session_replication_role = replica")
        self._session.execute("CREATE TEMP TABLE kept_by (name text PRIMARY KEY, transaction xid, rows bigint)")
        lines = []
        for name in (table.name for table in reversed(tables.metadata.sorted_tables)):
            if self._one(f"SELECT EXISTS (SELECT FROM {name})"):
                self._session.execute(f"CREATE TEMP TABLE kept_{name} AS TABLE {name}")
                self._session.execute(f"INSERT INTO kept_by SELECT '{name}', '0', count(*) FROM {name}")
                lines.append(_PUT_BACK.format(name=name))
            else:
                lines.append(f"DELETE FROM {name};")
        self._session.execute(
            "CREATE FUNCTION pg_temp.restore() RETURNS void LANGUAGE plpgsql AS $$ DECLARE known kept_by; BEGIN\n"
            + "\n".join(lines)
            + "\nEND $$"
        )
        self.restore()

    def restore(self) -> None:
        """Take out what a test wrote, and put back what it took out or changed."""
        self._session.execute("SELECT pg_temp.restore()")

    def close(self) -> None:
        """End the session; what was kept goes with it."""
        self._session.close()

    def _one(self, statement: str) -> object:
        row = self._session.execute(statement).fetchone()
        return row[0] if row else None


_PUT_BACK = """
SELECT * INTO known FROM kept_by WHERE name = '{name}';
IF known.rows <> (SELECT count(*) FROM {name}) OR EXISTS (SELECT FROM {name} WHERE xmin <> known.transaction) THEN
  DELETE FROM {name};
  INSERT INTO {name} SELECT * FROM kept_{name};
  UPDATE kept_by SET transaction = pg_current_xact_id()::xid WHERE name = '{name}';
END IF;"""


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
