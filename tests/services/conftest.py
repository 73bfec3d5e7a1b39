"""The town of squares, on each database in turn; the forms are published once a test process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert, select, text

from mapper.services import publish
from mapper.services.reference import Reference
from mapper.store import schema, tables
from mapper.store.database import Database
from tests.postgres import Server
from tests.ready import empty, filled_postgres, filled_sqlite, sqlite_copy
from tests.services.town import FORMS, Town


@pytest.fixture(scope="session")
def town_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the three published folders and the squares."""
    folder = tmp_path_factory.mktemp("town")

    def fill(database: Database) -> None:
        schema.upgrade(database)
        reference = Reference(database)
        for form in ("covid19", "measles", "village_water"):
            publish.publish(reference, FORMS / form)
        Town(reference, folder).import_squares()

    return filled_sqlite(folder, fill)


@pytest.fixture(scope="session")
def town_postgres(postgres_server: Server) -> Iterator[str]:
    """The address of a migrated PostgreSQL database, empty between tests."""
    with filled_postgres(postgres_server, schema.upgrade) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def town_url(request: pytest.FixtureRequest, town_file: Path, tmp_path: Path) -> Iterator[str]:
    """The address of the town, on each kind of database in turn; as it was for every test."""
    if request.param == "sqlite":
        yield sqlite_copy(town_file, tmp_path)
        return
    url: str = request.getfixturevalue("town_postgres")
    copy_rows(f"sqlite:///{town_file}", url)
    yield url
    empty(url)


@pytest.fixture
def town(town_url: str, tmp_path: Path) -> Iterator[Town]:
    """The town, nobody visited yet."""
    database = Database(town_url)
    yield Town(Reference(database), tmp_path)
    database.close()


@pytest.fixture
def new_town(town_file: Path, tmp_path: Path) -> Iterator[Callable[[], Town]]:
    """Towns on SQLite, for what does not depend on the database; each call gives another, nobody visited yet."""
    opened: list[Database] = []

    def another() -> Town:
        folder = tmp_path / str(len(opened))
        folder.mkdir()
        opened.append(Database(sqlite_copy(town_file, folder)))
        return Town(Reference(opened[-1]), folder)

    yield another
    for database in opened:
        database.close()


@pytest.fixture
def sqlite_town(new_town: Callable[[], Town]) -> Town:
    """The town on SQLite alone."""
    return new_town()


def copy_rows(source: str, target: str) -> None:
    """Every row of one database into another, which is empty; PostgreSQL's counters go on behind them."""
    here, there = Database(source), Database(target)
    with here.read() as reader, there.write() as writer:
        for table in tables.metadata.sorted_tables:
            rows = [dict(row) for row in reader.execute(select(table)).mappings()]
            if rows:
                writer.execute(insert(table), rows)
        _count_on(writer)
    here.close()
    there.close()


def _count_on(connection: Connection) -> None:
    for table, column in (("series", "id"), ("cells", "id"), ("users", "id"), ("submissions", "seq")):
        highest = f"(SELECT coalesce(max({column}), 1) FROM {table})"
        connection.execute(text(f"SELECT setval(pg_get_serial_sequence('{table}', '{column}'), {highest})"))
