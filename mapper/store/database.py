"""One database, SQLite or PostgreSQL: its engine, its transactions, and statements prepared once.

The few statements of the intake run on the driver's own connection, from text that SQLAlchemy compiled once for
the dialect: the same schema, a tenth of the Python a statement.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Integer,
    Table,
    any_,
    cast,
    create_engine,
    event,
    func,
    make_url,
    select,
)
from sqlalchemy import Connection as Connection
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import OperationalError
from sqlalchemy.sql import ClauseElement

from mapper.errors import Unavailable, mark

BUSY_TIMEOUT_MS = 30_000
"""How long a SQLite writer waits for another process before giving up."""


class Prepared:
    """A Core statement compiled once for a dialect, run on the driver's connection.

    Values pass through no SQLAlchemy type: dates as ISO text, booleans and numbers as they are.
    """

    __slots__ = ("_names", "sql")

    def __init__(self, statement: ClauseElement, dialect: Dialect) -> None:
        compiled: Any = statement.compile(dialect=dialect)
        self.sql = str(compiled)
        self._names: list[str] = list(compiled.positiontup)

    def rows(self, driver: Any, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """All rows of a SELECT, or of an INSERT with RETURNING."""
        found: list[tuple[Any, ...]] = driver.execute(self.sql, [values[name] for name in self._names]).fetchall()
        return found

    def run(self, driver: Any, values: Mapping[str, Any]) -> int:
        """Execute once; the number of rows written."""
        count: int = driver.execute(self.sql, [values[name] for name in self._names]).rowcount
        return count

    def run_many(self, driver: Any, rows: Sequence[Sequence[Any]]) -> None:
        """Execute for every row, in their order; an INSERT's values stand in the order of the table's columns."""
        cursor = driver.cursor()
        try:
            cursor.executemany(self.sql, rows)
        finally:
            cursor.close()


class Database:
    """The engine with its two kinds of transaction. One a process; safe for threads.

    url: a SQLAlchemy address; ``postgresql://`` means the psycopg 3 driver.
    """

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        address = make_url(url)
        self.is_sqlite = address.get_backend_name() == "sqlite"
        if self.is_sqlite:
            if address.database and address.database != ":memory:":
                Path(address.database).parent.mkdir(parents=True, exist_ok=True)
            self.engine = create_engine(
                address, hide_parameters=True, pool_size=pool_size, max_overflow=32, connect_args={"timeout": 30}
            )
            event.listen(self.engine, "connect", _prepare_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)
        else:
            if address.drivername in {"postgresql", "postgres"}:
                address = address.set(drivername="postgresql+psycopg")
            self.engine = create_engine(
                address, hide_parameters=True, pool_size=pool_size, max_overflow=32, pool_pre_ping=False
            )
        # READ COMMITTED, PostgreSQL's default, would let every statement of a reader see another moment.
        self._reading = (
            self.engine
            if self.is_sqlite
            else self.engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        )
        self._writer = threading.RLock()
        self._prepared: dict[object, Prepared] = {}
        self._positional: Dialect = (
            self.engine.dialect if self.is_sqlite else PGDialect_psycopg(paramstyle="format")  # type: ignore[no-untyped-call]
        )

    def prepared(self, key: object, build: Callable[[], ClauseElement]) -> Prepared:
        """The statement that ``build`` makes, compiled for this database and kept under ``key``."""
        found = self._prepared.get(key)
        if found is None:
            found = self._prepared[key] = Prepared(build(), self._positional)
        return found

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads: one consistent view."""
        with _faults(), self._reading.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that writes; durable (fsynced) when it has ended without an exception.

        On SQLite writers of this process queue on a lock, which is fairer and cheaper than SQLite's own polling.
        """
        if not self.is_sqlite:
            with _faults(), self.engine.begin() as connection:
                yield connection
            return
        with (
            _faults(),
            self._writer,
            self.engine.connect().execution_options(writes=True) as connection,
            connection.begin(),
        ):
            yield connection

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

    def among(self, column: ColumnElement[int], numbers: Sequence[int]) -> ColumnElement[bool]:
        """Whether a column is one of these numbers, however many they are: they travel as one value."""
        if self.is_sqlite:
            each = func.json_each(json.dumps(list(numbers))).table_valued("value")
            return column.in_(select(each.c.value))
        return column == any_(cast(list(numbers), ARRAY(Integer)))

    def lock(self, connection: Connection, name: str) -> None:
        """Hold a named lock until the transaction ends, so that two processes do not work on one thing at once."""
        if not self.is_sqlite:
            driver_of(connection).execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])

    def look_up(self, statement: Prepared, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Rows of one small SELECT, without a transaction around it."""
        with _faults():
            borrowed = self.engine.raw_connection()
            try:
                return statement.rows(borrowed.driver_connection, values)
            finally:
                borrowed.close()

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


def driver_of(connection: Connection) -> Any:
    """The driver's own connection (sqlite3 or psycopg) inside the same transaction."""
    return connection.connection.driver_connection


@contextmanager
def _faults() -> Iterator[None]:
    """A database that does not answer is a fault on this side: phones are to try again."""
    try:
        yield
    except (OperationalError, sqlite3.OperationalError, psycopg.OperationalError) as fault:
        raise Unavailable(mark("The database does not answer. Try again in a moment.")) from fault


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA cache_size=-65536")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
