"""Filling a database that another one is copied into: whole, or not at all.

On PostgreSQL everything happens in one transaction; on SQLite in a file beside, which takes its place in one step. A
copy that is cut off, by whatever, leaves what was there before it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from psycopg import sql
from sqlalchemy import Connection

from mapper.errors import Conflict, InvalidInput, mark
from mapper.store import audit, map_views, schema, shelves, tables, whole
from mapper.store.audit_aside import NAME as AUDIT_FILE
from mapper.store.database import Database, driver_of

PART = ".part"
"""Behind the name of a SQLite file that is being filled."""

_ASIDE = "before"


@dataclass(frozen=True, slots=True)
class Filling:
    """A database with the schema of a revision and no rows, in a transaction that ends when all is done.

    aside: where what was there before will be found; empty where there was nothing.
    """

    database: Database
    connection: Connection
    aside: str


@contextmanager
def filling(url: str, revision: str, *, replace: bool = False) -> Iterator[Filling]:
    """An empty database at this address, to be filled; it stands, at the newest revision, once this ends without fault.

    revision: of the schema that rows are entered in. replace: set aside what is there; else it must be empty.
    Raises Conflict where it is not, or where somebody uses a database that is to be replaced; InvalidInput.
    """
    database = Database(url)
    try:
        if database.is_sqlite:
            with _sqlite(database, revision, replace) as made:
                yield made
        else:
            with _postgresql(database, revision, replace) as made:
                yield made
            shelves.analyse(database, tables.metadata.tables)
    finally:
        database.close()


def file_of(database: Database) -> Path:
    """The file of a SQLite database. Raises InvalidInput where it has none."""
    name = database.engine.url.database
    if not database.keeps_files or not name:
        raise InvalidInput(mark("A database in memory cannot be moved, backed up or restored."))
    return Path(name)


@contextmanager
def _sqlite(there: Database, revision: str, replace: bool) -> Iterator[Filling]:
    file = file_of(there)
    aside: Path | None = None
    if file.exists():
        with there.read() as connection:
            empty = whole.is_empty(connection)
        if not empty:
            _may_replace(replace)
            aside = _unused(file)
        # Whoever has it open would go on writing to the old file.
        be_alone(there)
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(file.name + PART)
    _remove(part)
    made = Database(f"sqlite:///{part}")
    try:
        with made.write() as connection:
            schema.make(connection, revision)
        with made.write() as connection:
            driver_of(connection).execute("PRAGMA defer_foreign_keys=ON")
            yield Filling(made, connection, str(aside or ""))
        schema.upgrade(made)
        be_alone(made)
        if file.exists():
            part.chmod(file.stat().st_mode & 0o777)
        _sync(part)
        _still_so(there, file, aside)
        if aside is not None:
            _set_aside(there, file, aside)
        # In one step: at no moment is there no database, or half of one.
        part.replace(file)
        _sync(file.parent)
    finally:
        made.close()
        _remove(part)


def _still_so(there: Database, file: Path, aside: Path | None) -> None:
    """Raise Conflict where a server was started meanwhile: it has the database open, or has kept something in it."""
    if not file.exists():
        return
    if aside is None:
        with there.read() as connection:
            _may_replace(whole.is_empty(connection))
    be_alone(there)


def _set_aside(there: Database, file: Path, aside: Path) -> None:
    """The old database under its new name as well, with the entries of the trail that waited beside it."""
    if there.has_companion(AUDIT_FILE):
        with there.write() as connection:
            audit.take_in(there, connection)
        be_alone(there)
        waiting = Database(f"sqlite:///{_companion(file)}")
        be_alone(waiting)
        waiting.close()
        _companion(file).replace(_companion(aside))
    try:
        aside.hardlink_to(file)
    except OSError:  # a file system without links
        file.replace(aside)


def _companion(file: Path) -> Path:
    return file.with_name(f"{file.stem}-{AUDIT_FILE}{file.suffix}")


def _unused(file: Path) -> Path:
    at = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    return file.with_name(f"{file.stem}-{_ASIDE}-{at}{file.suffix}")


def _remove(file: Path) -> None:
    for end in ("", "-wal", "-shm", "-journal"):
        with suppress(FileNotFoundError):
            file.with_name(file.name + end).unlink()


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def be_alone(database: Database) -> None:
    """See that nobody else has a database open, and leave a SQLite one in its file alone.

    Raises Conflict where somebody has; on PostgreSQL any other session counts, for none tells what it will write.
    """
    database.hang_up()
    if database.is_sqlite:
        with database.engine.connect() as connection:
            driver = driver_of(connection)
            driver.execute("PRAGMA busy_timeout=500")
            # SQLite leaves write-ahead logging only for a connection that is the only one.
            with suppress(Exception):
                if driver.execute("PRAGMA journal_mode=DELETE").fetchone() == ("delete",):
                    return
        raise Conflict(
            mark("A server, or another program, still has this database open. Stop it first, then try again.")
        )
    with database.read() as connection:
        _no_other_session(connection)


def _no_other_session(connection: Connection) -> None:
    query = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
        "AND usesysid IS NOT NULL"
    )
    number = driver_of(connection).execute(query).fetchone()[0]
    if number:
        raise Conflict(
            mark(
                "{number} other sessions are connected to this database. Stop every server and close other programs "
                "first, then try again."
            ),
            number=number,
        )


@contextmanager
def _postgresql(database: Database, revision: str, replace: bool) -> Iterator[Filling]:
    # Views go on showing the tables that they were made over, under whatever name those lie.
    with database.write() as connection, map_views.set_aside(database, connection):
        database.lock(connection, "schema")
        there = schema.revision(connection)
        empty = whole.is_empty(connection)
        if not empty:
            _may_replace(replace)
        if there is not None:
            _no_other_session(connection)  # a server that was started on it once
        aside = ""
        if empty and there == revision:
            whole.forget_facts(connection)
        else:
            if there is not None:
                aside = _move_away(connection)
            schema.make(connection, revision)
        yield Filling(database, connection, aside)
        schema.make(connection, schema.head())


_OWN_RELATIONS = """
    SELECT o.relname, o.relkind::text FROM pg_class o
    WHERE o.relnamespace = current_schema()::regnamespace AND o.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
    AND (o.relispartition OR NOT EXISTS (
        SELECT 1 FROM pg_depend d
        WHERE d.classid = 'pg_class'::regclass AND d.objid = o.oid AND d.objsubid = 0
        AND d.deptype IN ('e', 'a', 'i')))
"""
"""All but what belongs to an extension, and sequences that go along with their table's column."""

_OWN_FUNCTIONS = """
    SELECT o.oid::regprocedure::text FROM pg_proc o
    WHERE o.pronamespace = current_schema()::regnamespace AND NOT EXISTS (
        SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = o.oid AND d.deptype = 'e')
"""


def _move_away(connection: Connection) -> str:
    """Put everything of the database's schema into another one, but what belongs to extensions; its name."""
    driver = driver_of(connection)
    name = f"{_ASIDE}_{datetime.now(UTC):%Y%m%dT%H%M%SZ}".lower()
    here = driver.execute("SELECT current_schema()").fetchone()[0]
    relations = driver.execute(_OWN_RELATIONS).fetchall()
    functions = driver.execute(_OWN_FUNCTIONS).fetchall()
    driver.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(name)))
    beside = shelves.folder(connection)
    if driver.execute("SELECT to_regnamespace(%s) IS NOT NULL", [beside]).fetchone() == (True,):
        renaming = sql.SQL("ALTER SCHEMA {} RENAME TO {}")
        driver.execute(renaming.format(sql.Identifier(beside), sql.Identifier(f"{name}_shelves")))
    word = {"v": "VIEW", "m": "MATERIALIZED VIEW", "f": "FOREIGN TABLE", "S": "SEQUENCE"}
    for relation, kind in relations:
        statement = sql.SQL("ALTER {} {}.{} SET SCHEMA {}").format(
            sql.SQL(word.get(kind, "TABLE")), sql.Identifier(here), sql.Identifier(relation), sql.Identifier(name)
        )
        driver.execute(statement)
    for (function,) in functions:
        driver.execute(sql.SQL("ALTER FUNCTION {} SET SCHEMA {}").format(sql.SQL(function), sql.Identifier(name)))
    return name


def _may_replace(may: bool) -> None:
    if not may:
        raise Conflict(
            mark(
                "There are data in this database already, and nothing was changed. Name an empty one; `restore "
                "--replace` sets aside what is there."
            )
        )


@contextmanager
def held(database: Database) -> Iterator[Connection]:
    """A transaction in which nobody else writes to a database, nor has it open: what is read is all there will be.

    Raises Conflict where a server still serves it.
    """
    be_alone(database)
    with database.write() as connection:
        if not database.is_sqlite:
            _no_other_session(connection)
            names = sql.SQL(", ").join(sql.Identifier(shape.name) for shape in whole.shapes())
            driver_of(connection).execute(sql.SQL("LOCK TABLE {} IN SHARE MODE").format(names))
        yield connection
