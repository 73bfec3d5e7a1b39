"""The schema on both databases: made by migrations, the same as the tables of the code, whoever comes first."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import inspect, text

from mapper.errors import Unavailable
from mapper.store import schema
from mapper.store.database import Database
from mapper.store.tables import metadata

CHECKOUT = Path(__file__).resolve().parents[2]

UPGRADE = """
import sys
from mapper.store import schema
from mapper.store.database import Database
database = Database(sys.argv[1])
sys.stdin.readline()
schema.upgrade(database)
database.close()
"""


@pytest.fixture
def fresh(database_url: str) -> Iterator[Database]:
    """Of each kind in turn, without any table."""
    opened = Database(database_url)
    yield opened
    opened.close()


def revision(database: Database) -> str:
    with database.read() as connection:
        return str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one())


def test_the_migrations_make_exactly_the_tables_of_the_code(fresh: Database) -> None:
    assert schema.differences(fresh) != []
    schema.upgrade(fresh)
    assert schema.differences(fresh) == []
    assert set(inspect(fresh.engine).get_table_names()) == {*metadata.tables, "alembic_version"}


def test_every_table_has_the_primary_key_of_the_code(database: Database) -> None:
    # Alembic compares columns and indexes, and says nothing of primary keys or their order.
    found = inspect(database.engine)
    keys = {name: found.get_pk_constraint(name)["constrained_columns"] for name in metadata.tables}
    assert keys == {name: [column.name for column in table.primary_key] for name, table in metadata.tables.items()}


def test_a_column_that_the_code_lacks_is_a_difference(fresh: Database) -> None:
    schema.upgrade(fresh)
    with fresh.write() as connection:
        connection.execute(text("ALTER TABLE hamlets ADD COLUMN elsewhere INTEGER"))
    (found,) = schema.differences(fresh)
    assert "elsewhere" in str(found)


def test_upgrading_twice_does_nothing_the_second_time(database: Database) -> None:
    with database.write() as connection:
        connection.execute(metadata.tables["facts"].insert().values(name="kept", value="yes"))
    before = revision(database)
    schema.upgrade(database)
    assert revision(database) == before
    with database.read() as connection:
        assert connection.execute(text("SELECT value FROM facts WHERE name = 'kept'")).scalar_one() == "yes"


def test_processes_that_start_at_once_make_one_schema(database_url: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    started = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", UPGRADE, database_url],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        for _ in range(2)
    ]
    for process in started:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in started:
        _, said = process.communicate(timeout=60)
        assert (process.returncode, said) == (0, "")
    database = Database(database_url)
    assert schema.differences(database) == []
    database.close()


def test_a_database_of_a_newer_release_is_refused_and_left_alone(fresh: Database) -> None:
    schema.upgrade(fresh)
    with fresh.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'from_tomorrow'"))
    with pytest.raises(Unavailable, match="written by a newer release"):
        schema.upgrade(fresh)
    assert revision(fresh) == "from_tomorrow"
    assert schema.differences(fresh) == []


def test_a_migration_that_fails_leaves_nothing_behind(fresh: Database) -> None:
    with fresh.write() as connection:
        connection.execute(text("CREATE TABLE units (of_somebody_else INTEGER)"))
    with pytest.raises(Exception, match=r"units|does not answer"):
        schema.upgrade(fresh)
    assert inspect(fresh.engine).get_table_names() == ["units"]
