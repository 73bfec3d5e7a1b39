"""Bring a database to the schema of this release, by Alembic's migrations."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from functools import cache
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Connection, text

from mapper.errors import Unavailable, mark
from mapper.store import map_views, shelves
from mapper.store.database import Database
from mapper.store.tables import metadata


def _scripts() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _config(connection: Connection) -> Config:
    config = _scripts()
    config.attributes["connection"] = connection
    return config


def upgrade(database: Database) -> None:
    """Make or migrate the schema; does nothing where it is up to date. Processes that start at once take turns.

    Of a SQLite file of an earlier release a copy is made beside it first. Raises Unavailable for a database that a
    newer release has written, or whose data were moved to another one, or perhaps were.
    """
    with database.write() as connection:
        database.lock(connection, "schema")
        there = revision(connection)
        if there == head():
            return
        if there is not None and there.startswith(_MOVED):
            raise Unavailable(
                mark(
                    "The data of this database were moved to another one. Set MAPPER_DATABASE_URL to that one; to go "
                    "on with this one all the same, run: python server.py move-database --undo"
                )
            )
        if there is not None and there.startswith(_MOVING):
            raise Unavailable(
                mark(
                    "Copying this database to another one was cut off, or is still going on. If it was finished, the "
                    "other one holds everything: set MAPPER_DATABASE_URL to it and look. If that one is empty, run: "
                    "python server.py move-database --undo; then this one is served again. Never serve both."
                )
            )
        if there is not None and there not in _known():
            raise _of_a_newer_release()
        if there is not None and database.keeps_files:
            _keep_copy(database, there)
        with map_views.set_aside(database, connection):
            make(connection, head())
            shelves.make_known(database, connection)


def make(connection: Connection, wanted: str) -> None:
    """Make or migrate the schema to a revision, in the caller's transaction; does nothing where it is there.

    Raises Unavailable for a revision that this release does not know.
    """
    if wanted not in _known():
        raise _of_a_newer_release()
    if revision(connection) == wanted:
        return
    try:
        command.upgrade(_config(connection), wanted)
    except CommandError as problem:
        raise _of_a_newer_release() from problem


def _of_a_newer_release() -> Unavailable:
    return Unavailable(mark("This database was written by a newer release. Update the program, or restore a backup."))


def revision(connection: Connection) -> str | None:
    """The revision of the schema that is there, or a mark in its place; None where there is no schema."""
    return MigrationContext.configure(connection).get_current_revision()


@cache
def _known() -> frozenset[str]:
    """Every revision that this release can go on from."""
    return frozenset(script.revision for script in ScriptDirectory.from_config(_scripts()).walk_revisions())


_MOVED, _MOVING = "moved ", "moving "


def mark_moving(connection: Connection) -> None:
    """Have every release refuse this database while it is copied, and after a copy that was cut off."""
    _set_revision(connection, f"{_MOVING}{revision(connection)}")


def mark_moved(connection: Connection) -> None:
    """Have every release refuse this database from now on: its data go on elsewhere."""
    _set_revision(connection, f"{_MOVED}{(revision(connection) or '').removeprefix(_MOVING)}")


def unmark_moved(connection: Connection) -> bool:
    """Take either mark away again; whether there was one."""
    there = revision(connection)
    if there is None or not there.startswith((_MOVED, _MOVING)):
        return False
    _set_revision(connection, there.removeprefix(_MOVED).removeprefix(_MOVING))
    return True


def _set_revision(connection: Connection, value: str) -> None:
    connection.execute(text("UPDATE alembic_version SET version_num = :value"), {"value": value})


def _keep_copy(database: Database, there: str) -> None:
    """Copy a SQLite file of an earlier release, as it was when it was last written to, before it is migrated.

    Raises Unavailable where there is no room for it: nothing is changed then.
    """
    file = Path(str(database.engine.url.database))
    copy = file.with_name(f"{file.stem}-of-{there}{file.suffix}")
    part = copy.with_name(copy.name + ".part")
    part.unlink(missing_ok=True)
    try:
        part.touch(mode=0o600)
        with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(part)) as target:
            source.backup(target)
        with part.open("rb+") as written:
            os.fsync(written.fileno())
        part.replace(copy)
    except (OSError, sqlite3.Error) as fault:
        part.unlink(missing_ok=True)
        raise Unavailable(
            mark(
                "Before it is brought up to date the database is copied beside itself, and that failed ({fault}). Make "
                "room in {folder} and start again; nothing was changed."
            ),
            fault=type(fault).__name__,
            folder=str(file.parent),
        ) from fault


def is_up_to_date(database: Database) -> bool:
    """Whether the database has the schema of this release. Raises Unavailable where it does not answer."""
    with database.read() as connection:
        return MigrationContext.configure(connection).get_current_revision() == head()


@cache
def head() -> str:
    """The newest revision of this release."""
    return str(ScriptDirectory.from_config(_scripts()).get_current_head())


def differences(database: Database) -> list[object]:
    """What the database lacks of the tables in the code, or has beyond them; empty where they agree."""

    def counts(_one: object, name: str | None, kind: str, *_more: object) -> bool:
        return database.is_sqlite or (kind, name) not in shelves.KEPT_BY_SHELF

    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": counts})
        return list(compare_metadata(context, metadata))
