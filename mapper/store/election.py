"""One process among all that share a database: who holds its lock, which ends with the process that held it.

On PostgreSQL a session holds an advisory lock: the server lets go of it when the session ends, or has been silent for
SILENCE_S, as one whose machine was cut off. On SQLite, where all processes are of one machine, the system holds a
lock on a file beside the database.
"""

from __future__ import annotations

import os
import selectors
import time
from contextlib import suppress
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from typing import Protocol

import psycopg
from sqlalchemy import Engine

from mapper.store.database import Database

SILENCE_S = 15
"""So long PostgreSQL keeps the lock of a session that says nothing (release 14 and later)."""

ANSWER_S = 5
"""Who holds the lock and is not answered for so long gives it up; shorter than SILENCE_S, so that two never hold it."""

_SETTINGS = (
    f"SET idle_session_timeout = '{SILENCE_S}s'",
    # Where the silent session's machine is gone without a word, and on releases that do not know the other.
    "SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 3; SET tcp_keepalives_count = 3",
)


class Lock(Protocol):
    """What one process at most holds."""

    def hold(self) -> bool:
        """Whether this process holds it now; takes it where it is free."""

    def release(self) -> None:
        """Give it up."""


def lock_of(database: Database, name: str) -> Lock:
    """The lock of this name among all processes on a database."""
    if not database.is_sqlite:
        return _SessionLock(database.engine, name)
    file = database.engine.url.database
    return _FileLock(Path(f"{file}-{name}.lock") if database.keeps_files else None)


class _SessionLock:
    """Held by a session of its own on PostgreSQL; a pooler between must not share sessions among transactions."""

    def __init__(self, engine: Engine, name: str) -> None:
        self._address = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._name = name
        self._session: psycopg.Connection[tuple[object, ...]] | None = None

    def hold(self) -> bool:
        try:
            if self._session is not None:
                if _answers(self._session, ANSWER_S):
                    return True
                self.release()
                return False
            self._session = self._taken()
            return self._session is not None
        except psycopg.Error:
            self.release()
            return False

    def _taken(self) -> psycopg.Connection[tuple[object, ...]] | None:
        session = psycopg.connect(
            self._address, autocommit=True, connect_timeout=ANSWER_S, tcp_user_timeout=ANSWER_S * 1000
        )
        try:
            for setting in _SETTINGS:
                with suppress(psycopg.errors.UndefinedObject):
                    session.execute(setting)
            row = session.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [self._name]).fetchone()
        except BaseException:
            session.close()
            raise
        if row is not None and row[0]:
            return session
        session.close()
        return None

    def release(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None


def _answers(session: psycopg.Connection[tuple[object, ...]], seconds: float) -> bool:
    """Whether the server answers in time: a line that was cut off leaves a question open for ever."""
    line, ends = session.pgconn, time.monotonic() + seconds
    line.send_query(b"SELECT 1")
    with selectors.DefaultSelector() as coming:
        coming.register(line.socket, selectors.EVENT_READ)
        while True:
            line.flush()
            if not coming.select(max(0.0, ends - time.monotonic())):
                return False
            line.consume_input()
            while not line.is_busy():
                if line.get_result() is None:
                    return True


class _FileLock:
    """Held on a file; None for a database that no other process can open."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._file: int | None = None

    def hold(self) -> bool:
        if self._path is None or self._file is not None:
            return True
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            flock(file, LOCK_EX | LOCK_NB)
        except OSError:
            os.close(file)
            return False
        self._file = file
        return True

    def release(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None
