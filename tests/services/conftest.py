"""The town of squares, on each database in turn; the forms are published once a test process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection, delete, insert, select, text

from mapper.formats.writer import InstanceWriter
from mapper.services import publish
from mapper.services.reference import Reference
from mapper.store import reference as kept
from mapper.store import schema, tables
from mapper.store.database import Database
from tests.postgres import Server
from tests.ready import (
    editable_audit,
    filled_postgres,
    filled_sqlite,
    forms_checked_once,
    quick_passwords,
    sqlite_copy,
)
from tests.services.town import FORMS, Town


@pytest.fixture(scope="module", autouse=True)
def passwords() -> Iterator[None]:
    """Hashed quickly; tests/test_command_line.py sees how they are in service."""
    with quick_passwords():
        yield


@pytest.fixture(scope="module", autouse=True)
def checks() -> Iterator[None]:
    """A form that is published for many tests is checked for the first of them."""
    with forms_checked_once():
        yield


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
def town_postgres(postgres_server: Server, town_file: Path) -> Iterator[LentTown]:
    """The town on PostgreSQL, for one test after another."""
    with filled_postgres(postgres_server, schema.upgrade) as url:
        lent = LentTown(url, town_file)
        yield lent
        lent.database.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def town_url(request: pytest.FixtureRequest, town_file: Path, tmp_path: Path) -> str:
    """The address of the town, on each kind of database in turn; as it was for every test."""
    if request.param == "sqlite":
        return sqlite_copy(town_file, tmp_path)
    lent: LentTown = request.getfixturevalue("town_postgres")
    lent.restore()
    return lent.url


@pytest.fixture(scope="session")
def writers() -> dict[str, InstanceWriter]:
    """Writers of submissions, which take longer to make than to use; the forms are the same in every town."""
    return {}


@pytest.fixture
def town(town_url: str, tmp_path: Path, writers: dict[str, InstanceWriter]) -> Iterator[Town]:
    """The town, nobody visited yet."""
    database = Database(town_url)
    yield Town(Reference(database), tmp_path, writers)
    database.close()


@pytest.fixture
def new_town(town_file: Path, tmp_path: Path, writers: dict[str, InstanceWriter]) -> Iterator[Callable[[], Town]]:
    """Towns on SQLite, for what does not depend on the database; each call gives another, nobody visited yet."""
    opened: list[Database] = []

    def another() -> Town:
        folder = tmp_path / str(len(opened))
        folder.mkdir()
        opened.append(Database(sqlite_copy(town_file, folder)))
        return Town(Reference(opened[-1]), folder, writers)

    yield another
    for database in opened:
        database.close()


@pytest.fixture
def sqlite_town(new_town: Callable[[], Town]) -> Town:
    """The town on SQLite alone."""
    return new_town()


REFERENCE = ("campaigns", "series", "forms", "form_media", "blobs", "hamlets", "boundary_sets", "units")
"""Tables that few tests change; who does raises the revision."""


class LentTown:
    """A PostgreSQL database that is the town again for every test."""

    def __init__(self, url: str, town_file: Path) -> None:
        self.url = url
        self.database = Database(url)
        with closing_database(f"sqlite:///{town_file}") as source, source.read() as reader:
            self.rows = {
                table: [dict(row) for row in reader.execute(select(table)).mappings()]
                for table in tables.metadata.sorted_tables
            }
            self.revision = kept.revision(source, reader)

    def restore(self) -> None:
        """Take out what a test wrote; where it changed reference data, put those back too."""
        with self.database.write() as connection, editable_audit(connection):
            changed = kept.revision(self.database, connection) != self.revision
            for table in reversed(self.rows):
                if changed or table.name not in REFERENCE:
                    connection.execute(delete(table))
            for table, rows in self.rows.items():
                if rows and (changed or table.name not in REFERENCE):
                    connection.execute(insert(table), rows)
            if changed:
                _count_on(connection)


@contextmanager
def closing_database(url: str) -> Iterator[Database]:
    """A database, closed in the end."""
    database = Database(url)
    yield database
    database.close()


def _count_on(connection: Connection) -> None:
    """PostgreSQL's counters go on behind the rows that were put in with their numbers."""
    for table, column in (("series", "id"), ("cells", "id"), ("users", "id"), ("submissions", "seq")):
        highest = f"(SELECT coalesce(max({column}), 1) FROM {table})"
        connection.execute(text(f"SELECT setval(pg_get_serial_sequence('{table}', '{column}'), {highest})"))
