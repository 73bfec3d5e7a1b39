"""The town of squares, on each database in turn; the forms are published once a test process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import delete, insert, select, text

from mapper.formats.writer import InstanceWriter
from mapper.services import boundaries, publish
from mapper.services.boundaries import SetFacts
from mapper.services.reference import Reference
from mapper.store import schema, tables
from mapper.store.database import Database
from tests.postgres import Server
from tests.ready import (
    Lent,
    editable_audit,
    filled_postgres,
    filled_sqlite,
    forms_checked_once,
    made_once,
    quick_passwords,
    sqlite_copy,
)
from tests.services.town import FORMS, VINTAGES, Town


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
def both_vintages(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the real communes of four provinces, of 2022 and of 2025."""
    folder = shared / "geodata"
    if not folder.is_dir():
        pytest.skip("the shared test data hold no geodata")

    def fill(database: Database) -> None:
        schema.upgrade(database)
        for set_id, (name, begins, ends) in VINTAGES.items():
            facts = SetFacts(set_id, f"Xã {set_id}", begins, ends)
            boundaries.import_file(Reference(database), folder / name, facts)

    return made_once(tmp_path_factory, "both-vintages", lambda made: filled_sqlite(made, fill))


@pytest.fixture(scope="session")
def town_postgres(postgres_server: Server, town_file: Path) -> Iterator[Lent]:
    """The town on PostgreSQL, for one test after another."""

    def fill(database: Database) -> None:
        schema.upgrade(database)
        copy_rows(town_file, database)

    with filled_postgres(postgres_server, fill) as url, closing(Lent(url)) as lent:
        yield lent


@pytest.fixture(params=["sqlite", "postgresql"])
def town_url(request: pytest.FixtureRequest, town_file: Path, tmp_path: Path) -> str:
    """The address of the town, on each kind of database in turn; as it was for every test."""
    if request.param == "sqlite":
        return sqlite_copy(town_file, tmp_path)
    lent: Lent = request.getfixturevalue("town_postgres")
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


def copy_rows(town_file: Path, database: Database) -> None:
    """All rows of the town's file; PostgreSQL's counters go on behind those that bring their numbers."""
    with (
        closing(Database(f"sqlite:///{town_file}")) as source,
        source.read() as reader,
        database.write() as connection,
        editable_audit(connection),
    ):
        for table in reversed(tables.metadata.sorted_tables):
            connection.execute(delete(table))
        for table in tables.metadata.sorted_tables:
            if rows := [dict(row) for row in reader.execute(select(table)).mappings()]:
                connection.execute(insert(table), rows)
        for table, column in (("series", "id"), ("cells", "id"), ("users", "id"), ("submissions", "seq")):
            highest = f"(SELECT coalesce(max({column}), 1) FROM {table})"
            connection.execute(text(f"SELECT setval(pg_get_serial_sequence('{table}', '{column}'), {highest})"))
