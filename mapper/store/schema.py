"""Bring a database to the schema of this release, by Alembic's migrations."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Connection

from mapper.errors import Unavailable, mark
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

    Raises Unavailable for a database that a newer release has written.
    """
    with database.write() as connection:
        database.lock(connection, "schema")
        config = _config(connection)
        head = ScriptDirectory.from_config(config).get_current_head()
        if MigrationContext.configure(connection).get_current_revision() == head:
            return
        try:
            command.upgrade(config, "head")
        except CommandError as problem:
            raise Unavailable(
                mark("This database was written by a newer release. Update the program, or restore a backup.")
            ) from problem


def is_up_to_date(database: Database) -> bool:
    """Whether the database has the schema of this release. Raises Unavailable where it does not answer."""
    head = _head()
    with database.read() as connection:
        return MigrationContext.configure(connection).get_current_revision() == head


@cache
def _head() -> str | None:
    return ScriptDirectory.from_config(_scripts()).get_current_head()


def differences(database: Database) -> list[object]:
    """What the database lacks of the tables in the code, or has beyond them; empty where they agree."""
    with database.read() as connection:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))
