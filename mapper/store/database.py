"""One database, SQLite or PostgreSQL: its transactions, the connections they borrow, and statements prepared once.

The few statements of the intake run on the driver's own connection, from text that SQLAlchemy compiled once for
the dialect: the same schema, a tenth of the Python a statement.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, Protocol

import psycopg
from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Table,
    any_,
    bindparam,
    cast,
    delete,
    event,
    func,
    select,
)
from sqlalchemy import Connection as Connection
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql import ClauseElement

from mapper.errors import NoRoom, Unavailable, mark
from mapper.store.database_faults import faults
from mapper.store.engine import BUSY_TIMEOUT_MS, file_of, open_engine
from mapper.store.prepared import Prepared
from mapper.store.sealing import Sealing

_AT_ONCE = f"PRAGMA busy_timeout=0; BEGIN IMMEDIATE; PRAGMA busy_timeout={BUSY_TIMEOUT_MS}"
"""Begins to write, where no other process does."""

_PATIENT = f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}"

_NOT_FLUSHED, _FLUSHED = "PRAGMA synchronous=NORMAL", f"PRAGMA synchronous=FULL; {_PATIENT}"

_DURABLE = ("fsync", "synchronous_commit", "full_page_writes")


class Aside(Protocol):
    """A copy of the database that some transactions read from; ``mapper.store.replica`` has it."""

    database: Database

    @property
    def is_asked(self) -> bool:
        """Whether those of this thread do now."""

    def close(self) -> None:
        """Close its connections."""


class Database:
    """The engine with its two kinds of transaction. One a process; safe for threads.

    url: a SQLAlchemy address; ``postgresql://`` means the psycopg 3 driver. Raises InvalidInput for an address of no
    database that this product keeps its data in, Unavailable where the folder of a file cannot be made. sealing: keys
    that names and phones are sealed with; None where they are kept as they are.
    """

    def __init__(self, url: str, sealing: Sealing | None = None) -> None:
        # Transactions are begun and ended here, in one statement each; connections wait in self._idle.
        self.engine = open_engine(url)
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        self._opened: set[int] = set()
        event.listen(self.engine, "connect", self._note_opened)
        event.listen(self.engine, "close", self._note_closed)
        self._file = file_of(self.engine)
        self._companions: dict[str, Database] = {}
        self.aside: Aside | None = None
        self._opening = threading.Lock()
        self._idle: deque[Connection] = deque()
        self._over = False
        self.lacks_room = False
        self._writer: Any = threading.Lock() if self.is_sqlite else nullcontext()
        self._prepared: dict[object, Prepared] = {}
        self._positional: Dialect = (
            self.engine.dialect if self.is_sqlite else PGDialect_psycopg(paramstyle="format")  # type: ignore[no-untyped-call]
        )
        self.sealing = sealing
        for dialect in (self.engine.dialect, self._positional):
            dialect.sealing = sealing  # type: ignore[attr-defined]

    def prepared(self, key: object, build: Callable[[], ClauseElement]) -> Prepared:
        """The statement that ``build`` makes, compiled for this database and kept under ``key``."""
        found = self._prepared.get(key)
        if found is None:
            found = self._prepared[key] = Prepared(build(), self._positional)
        return found

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads: one consistent view, a replica's for who has turned to one."""
        if self.aside is not None and self.aside.is_asked:
            with self.aside.database.read() as found:
                yield found
            return
        # READ COMMITTED, PostgreSQL's default, would let every statement of a reader see another moment.
        with self._transaction(
            "BEGIN" if self.is_sqlite else "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
        ) as found:
            yield found

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that writes; durable (fsynced) when it has ended without an exception.

        On SQLite writers of this process queue on a lock, which is fairer and cheaper than SQLite's own polling.
        """
        with self._writer, self._transaction("BEGIN IMMEDIATE" if self.is_sqlite else "BEGIN") as connection:
            yield connection

    @contextmanager
    def write_at_once(self, patience: float = 0, *, done_again: bool = False) -> Iterator[Connection]:
        """The same, for what may be left undone. Raises Unavailable where somebody else is writing on SQLite.

        patience: seconds that it waits for its turn among the writers of this process. done_again: what it writes is
        found to be lacking and written again if the power fails, so nothing waits until it is on the disk; all that
        others write later is there only together with it.
        """
        if not self.is_sqlite:
            with self.write() as connection:
                if done_again:
                    driver_of(connection).execute("SET LOCAL synchronous_commit TO off")
                yield connection
            return
        if not self._writer.acquire(timeout=patience):
            raise Unavailable(mark("The database does not answer. Try again in a moment."))
        try:
            begin, end = (f"{_NOT_FLUSHED}; {_AT_ONCE}", _FLUSHED) if done_again else (_AT_ONCE, _PATIENT)
            with self._transaction(begin, end) as connection:
                yield connection
        finally:
            self._writer.release()

    @contextmanager
    def _transaction(self, begin: str, end: str = "") -> Iterator[Connection]:
        with self._knowing_room(), faults():
            connection = self._borrow(begin, end)
            try:
                yield connection
                driver_of(connection).commit()
                if connection.in_transaction():
                    connection.rollback()
                if end:
                    _execute_all(driver_of(connection), end)
            except BaseException:
                self._undo(connection, end)
                raise
            self._lay_back(connection)

    @contextmanager
    def _knowing_room(self) -> Iterator[None]:
        try:
            yield
        except NoRoom:
            self.lacks_room = True
            raise

    def _lay_back(self, connection: Connection) -> None:
        """Keep it for whoever comes next, unless nobody will."""
        self._idle.append(connection)
        if self._over:
            self._close_idle()

    def _borrow(self, begin: str, end: str = "") -> Connection:
        """A connection on which the transaction has begun; where one died while idle, so have they all.

        end: what puts a connection right again on which it could not begin, as somebody else is writing: it is kept,
        with the pages and statements that it remembers.
        """
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self.engine.connect()
        else:
            try:
                _execute_all(driver_of(connection), begin)
                return connection
            except psycopg.OperationalError:
                self._throw_away(connection)
                while self._idle:
                    self._throw_away(self._idle.pop())
                connection = self.engine.connect()
            except sqlite3.OperationalError:
                if end:
                    self._undo(connection, end)
                else:
                    self._throw_away(connection)
                raise
        try:
            _execute_all(driver_of(connection), begin)
        except BaseException:
            self._throw_away(connection)
            raise
        return connection

    @staticmethod
    def _throw_away(connection: Connection) -> None:
        connection.invalidate()
        connection.close()

    def _undo(self, connection: Connection, end: str = "") -> None:
        """Roll back; a connection that cannot is thrown away."""
        try:
            driver_of(connection).rollback()
            if connection.in_transaction():
                connection.rollback()
            if end:
                _execute_all(driver_of(connection), end)
        except (DBAPIError, sqlite3.Error, psycopg.Error):
            self._throw_away(connection)
        else:
            self._lay_back(connection)

    def put_by(self) -> None:
        """Bring what SQLite's log holds into its file while nobody waits, so that no writer who ends has to.

        Stops no reader and no writer; what they still need stays in the log. On PostgreSQL nothing.
        """
        if self.is_sqlite:
            with faults():
                connection = self._borrow("PRAGMA wal_checkpoint(PASSIVE)")
                self._lay_back(connection)

    @contextmanager
    def attempt(self, connection: Connection) -> Iterator[None]:
        """Part of a transaction: what it wrote is undone where it raises, and the rest can go on.

        Raises Unavailable where the database itself failed, as a transaction does.
        """
        driver = driver_of(connection)
        with faults():
            driver.execute("SAVEPOINT attempt")
            try:
                yield
            except Exception:
                driver.execute("ROLLBACK TO SAVEPOINT attempt")
                raise
            finally:
                driver.execute("RELEASE SAVEPOINT attempt")

    def insert(self, table: Table) -> postgresql.Insert | sqlite.Insert:
        """The dialect's INSERT, which knows ON CONFLICT."""
        return sqlite.insert(table) if self.is_sqlite else postgresql.insert(table)

    def adding(self, table: Table, columns: Sequence[str]) -> Prepared:
        """An INSERT that adds ``columns`` to a row already there under the table's primary key."""

        def build() -> ClauseElement:
            statement = self.insert(table)
            return statement.on_conflict_do_update(
                index_elements=list(table.primary_key.columns),
                set_={name: table.c[name] + statement.excluded[name] for name in columns},
            )

        return self.prepared(("adding", table.name), build)

    def entering(self, table: Table) -> Prepared:
        """An INSERT of whole rows, values in the order of the table's columns."""
        return self.prepared(("entering", table.name), lambda: self.insert(table))

    def empty(self, connection: Connection, *tables: Table) -> None:
        """Take every row out of some tables; those that refer to another of them come first."""
        if not self.is_sqlite:
            for table in tables:
                connection.execute(delete(table))
            return
        # SQLite takes out row by row where a row could be referred to, or lies in its key's own tree.
        for table in tables:
            table.drop(connection)
        for table in reversed(tables):
            table.create(connection)

    def among(self, column: ColumnElement[Any], values: Sequence[int] | Sequence[str]) -> ColumnElement[bool]:
        """Whether a column is one of these values, however many they are: they travel as one."""
        if self.is_sqlite:
            each = func.json_each(json.dumps(list(values))).table_valued("value")
            return column.in_(select(each.c.value))
        return column == any_(cast(list(values), ARRAY(column.type)))

    def among_given(self, column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
        """The same in a prepared statement, whose value of this name ``given`` makes."""
        if self.is_sqlite:
            return column.in_(select(func.json_each(bindparam(name)).table_valued("value").c.value))
        return column == any_(cast(bindparam(name), ARRAY(column.type)))

    def given(self, values: Sequence[int] | Sequence[str]) -> str | list[int] | list[str]:
        """The value of ``among_given``."""
        return json.dumps(values) if self.is_sqlite else list(values)  # type: ignore[return-value]

    def lock(self, connection: Connection, name: str, *, shared: bool = False) -> None:
        """Hold a named lock until the transaction ends, so that two processes do not work on one thing at once.

        shared: together with all others that share it, against whoever wants it alone.
        """
        if not self.is_sqlite:
            take = "pg_advisory_xact_lock_shared" if shared else "pg_advisory_xact_lock"
            driver_of(connection).execute(f"SELECT {take}(hashtextextended(%s, 0))", [name])

    def companion(self, name: str) -> Database:
        """Another SQLite database in a file beside this one's, with a writer of its own; made where there is none."""
        with self._opening:
            found = self._companions.get(name)
            if found is None:
                found = self._companions[name] = Database(f"sqlite:///{self._beside(name)}", self.sealing)
            return found

    def has_companion(self, name: str) -> bool:
        """Whether such a file was ever made."""
        return self._file is not None and self._beside(name).exists()

    @property
    def keeps_files(self) -> bool:
        """Whether companions can stand beside it."""
        return self._file is not None

    @property
    def folder(self) -> Path | None:
        """Where a file of SQLite lies."""
        return self._file.parent if self._file is not None else None

    def _beside(self, name: str) -> Path:
        assert self._file is not None
        return self._file.with_name(f"{self._file.stem}-{name}{self._file.suffix}")

    def _note_opened(self, driver: object, _record: object) -> None:
        self._opened.add(id(driver))

    def _note_closed(self, driver: object, _record: object) -> None:
        self._opened.discard(id(driver))

    def connections(self) -> tuple[int, int]:
        """How many connections of this process wait to be used, and how many are in use."""
        idle = len(self._idle)
        return idle, max(0, len(self._opened) - idle)

    def check_durable(self) -> None:
        """Raise Unavailable where PostgreSQL says that something is kept before its disk holds it.

        A phone deletes what it was told is received. SQLite's own settings are made by this program.
        """
        if self.is_sqlite:
            return
        with self.read() as connection:
            driver = driver_of(connection)
            lax = [name for name in _DURABLE if driver.execute(f"SHOW {name}").fetchone() == ("off",)]
        if lax:
            raise Unavailable(
                mark(
                    "This PostgreSQL answers before its disk holds what was written: {settings} is off, and a power "
                    "cut would lose forms that phones hold for received. Set it on, for the server and for this role."
                ),
                settings=", ".join(lax),
            )

    def close(self) -> None:
        """Close every connection; one that a thread is still using, as soon as it has done."""
        self._over = True
        for companion in self._companions.values():
            companion.close()
        self.hang_up()

    def hang_up(self) -> None:
        """Close every connection that nobody is using; whoever asks next opens another."""
        if self.aside is not None:
            self.aside.close()
        for companion in self._companions.values():
            companion.hang_up()
        self._close_idle()
        self.engine.dispose()

    def _close_idle(self) -> None:
        while self._idle:
            with suppress(IndexError):  # another thread took it
                self._idle.pop().close()


def _execute_all(driver: Any, statements: str) -> None:
    for statement in statements.split("; "):
        driver.execute(statement)


def driver_of(connection: Connection) -> Any:
    """The driver's own connection (sqlite3 or psycopg) inside the same transaction."""
    return connection.connection.driver_connection
