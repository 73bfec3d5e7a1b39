"""A database of the previous release goes on with this one: every row stays, whatever cuts the upgrade off."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import MetaData, event, text

from mapper.errors import Unavailable
from mapper.store import schema, whole
from mapper.store.database import Database
from tests.postgres import Server
from tests.ready import filled_postgres, filled_sqlite
from tests.store.whole_rows import Values, everything, fill, reflected

CHECKOUT = Path(__file__).resolve().parents[2]
PREVIOUS = "0002"
"""The revision of the previous release, whose migrations never change again."""

GONE: dict[str, str] = {"placements": "the unit of a household in each set is that of its cell, in cell_units"}
"""Tables of the previous release that this one has no more, and why nothing is lost with them."""

MOVED: dict[tuple[str, str], tuple[str, str, str]] = {
    ("boundary_sets", "placer"): ("point_indexes", "set_id", "content")
}
"""Columns of the previous release that stand in a table of their own now, with that one's key and column."""


def of_previous_release(database: Database) -> None:
    """Its schema, and rows in every table."""
    with database.write() as connection:
        schema.make(connection, PREVIOUS)
    with database.write() as connection:
        found = reflected(connection)
        fill(connection, found)
        whole.go_on_numbering(database, connection, whole.shapes(found))


def rows(database: Database) -> tuple[MetaData, dict[str, list[Values]]]:
    with database.read() as connection:
        found = reflected(connection)
        return found, everything(connection, found)


def at(database: Database) -> str | None:
    with database.read() as connection:
        return schema.revision(connection)


@pytest.fixture(scope="module")
def old_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file of the previous release."""
    return filled_sqlite(tmp_path_factory.mktemp("previous"), of_previous_release)


@pytest.fixture(scope="module")
def old_postgres(postgres_server: Server) -> Iterator[str]:
    """The address of the same on PostgreSQL, that copies are made of."""
    with filled_postgres(postgres_server, of_previous_release) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def old_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database of the previous release, of each kind in turn."""
    if request.param == "sqlite":
        shutil.copyfile(request.getfixturevalue("old_file"), tmp_path / "test.sqlite3")
        yield f"sqlite:///{tmp_path / 'test.sqlite3'}"
    else:
        template = request.getfixturevalue("old_postgres").rsplit("/", 1)[1]
        with request.getfixturevalue("postgres_server").database(template) as url:
            yield url


@pytest.fixture
def old(old_url: str) -> Iterator[Database]:
    opened = Database(old_url)
    yield opened
    opened.close()


def check_kept(before: dict[str, list[Values]], after: dict[str, list[Values]]) -> None:
    """Every row of before is there with all its values; new tables are empty."""
    assert set(before) - set(after) == set(GONE)
    for name, old_rows in before.items():
        if name not in GONE:
            for row in after[name]:
                for (_, column), (into, key, at_) in (item for item in MOVED.items() if item[0][0] == name):
                    row[column] = next(other[at_] for other in after[into] if other[key] == row["id"])
            kept = [{column: row[column] for column in old_rows[0]} for row in after[name]]
            assert sorted(kept, key=repr) == old_rows, name
    filled = {into for into, _, _ in MOVED.values()}
    assert not any(after[name] for name in after.keys() - before.keys() - filled)


def test_every_row_of_the_previous_release_is_there_after_the_upgrade(old: Database) -> None:
    tables, before = rows(old)
    assert len(before) == 59
    assert all(before.values()), "a table without rows proves nothing"
    for name in tables.tables:
        empty = [column for column in before[name][0] if all(row[column] is None for row in before[name])]
        assert empty == (["undoes"] if name == "stock_entries" else []), name
    schema.upgrade(old)
    _, after = rows(old)
    assert schema.differences(old) == []
    check_kept(before, after)


def test_the_upgraded_database_gives_new_rows_new_numbers(old: Database) -> None:
    schema.upgrade(old)
    with old.write() as connection:
        connection.execute(
            text("INSERT INTO saved_filters (user_id, name, query, shared, at) VALUES (1, 'n', 'q', false, 't')")
        )
    _, after = rows(old)
    assert len({row["id"] for row in after["saved_filters"]}) == 4


def test_a_sqlite_file_is_copied_as_it_was_before_it_is_upgraded(old_file: Path, tmp_path: Path) -> None:
    file = tmp_path / "tungnha.sqlite3"
    shutil.copyfile(old_file, file)
    database = Database(f"sqlite:///{file}")
    before = rows(database)[1]
    schema.upgrade(database)
    copy = tmp_path / f"tungnha-of-{PREVIOUS}.sqlite3"
    assert copy.stat().st_mode & 0o777 == 0o600
    kept = Database(f"sqlite:///{copy}")
    assert (at(kept), rows(kept)[1]) == (PREVIOUS, before)
    schema.upgrade(database)  # up to date: nothing is copied again
    assert {path.name for path in tmp_path.iterdir() if path.suffix == ".sqlite3"} == {file.name, copy.name}
    kept.close()
    database.close()


def test_without_room_for_the_copy_nothing_is_upgraded(
    old_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "tungnha.sqlite3"
    shutil.copyfile(old_file, file)
    database = Database(f"sqlite:///{file}")

    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", full)
        with pytest.raises(Unavailable, match="Make room in"):
            schema.upgrade(database)
    assert at(database) == PREVIOUS
    assert list(tmp_path.glob("*.part")) == []
    schema.upgrade(database)
    assert at(database) == schema.head()
    database.close()


def test_a_database_of_a_newer_release_is_refused(old: Database, revision: str = "9999") -> None:
    with old.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :number"), {"number": revision})
    before = rows(old)[1]
    with pytest.raises(Unavailable, match="written by a newer release"):
        schema.upgrade(old)
    assert (at(old), rows(old)[1]) == (revision, before)


KILLED = """
import os, signal, sys
from sqlalchemy import event
from mapper.store import schema, whole
from mapper.store.database import Database

database, last = Database(sys.argv[1]), int(sys.argv[2])
changes = 0

@event.listens_for(database.engine, "after_cursor_execute")
def count(connection, cursor, statement, parameters, context, many):
    global changes
    if statement.lstrip().upper().startswith(("CREATE", "ALTER", "DROP", "INSERT", "UPDATE", "DELETE")):
        changes += 1
        if changes == last:
            os.kill(os.getpid(), signal.SIGKILL)

schema.upgrade(database)
print(changes)
"""


@pytest.mark.parametrize(
    ("old_url", "change"), [("sqlite", 1), ("sqlite", -1), ("postgresql", -1)], indirect=["old_url"]
)
def test_an_upgrade_killed_in_the_middle_is_begun_anew(old_url: str, change: int) -> None:
    """Killed behind its first change of the database, and behind its last, which has more to undo."""
    if change < 0:
        change = changes_of_an_upgrade(old_url)
    database = Database(old_url)
    before = rows(database)[1]
    database.close()
    process = upgrade_in_a_process(old_url, change)
    assert process.returncode == -signal.SIGKILL, process.stderr
    assert (at(database), rows(database)[1]) == (PREVIOUS, before)
    schema.upgrade(database)
    _, after = rows(database)
    assert schema.differences(database) == []
    check_kept(before, after)
    database.close()


def upgrade_in_a_process(url: str, change: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", KILLED, url, str(change)],
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def changes_of_an_upgrade(url: str) -> int:
    """How many statements change something until an upgrade is whole; it is undone again."""
    database = Database(url)
    changes: list[str] = []

    def count(connection: object, cursor: object, statement: str, *more: object) -> None:
        if statement.lstrip().upper().startswith(("CREATE", "ALTER", "DROP", "INSERT", "UPDATE", "DELETE")):
            changes.append(statement)

    event.listen(database.engine, "after_cursor_execute", count)
    with pytest.raises(_Enough), database.write() as connection:
        schema.make(connection, schema.head())
        raise _Enough
    database.close()
    return len(changes)


class _Enough(Exception):
    pass
