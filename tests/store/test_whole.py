"""Every table read as typed rows and entered elsewhere: the same values whichever database they come from or go to."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from mapper.domain.table_digest import Fingerprint, TableDigest
from mapper.errors import Conflict, InvalidInput
from mapper.store import schema, whole
from mapper.store.database import Database
from mapper.store.filling import be_alone, filling, held
from mapper.store.tables import metadata
from mapper.store.tables.origin import DERIVED, DERIVED_COLUMNS, INPUT, PASSING
from mapper.store.whole import Column, Shape
from tests.postgres import Server
from tests.ready import sqlite_copy
from tests.store.whole_rows import everything, fill


@pytest.fixture
def filled(database: Database) -> Database:
    """Of each kind in turn, with rows in every table."""
    with database.write() as connection:
        fill(connection, metadata)
        whole.go_on_numbering(database, connection, whole.shapes())
    return database


@pytest.fixture
def source(migrated_sqlite: Path, tmp_path: Path) -> Iterator[Database]:
    """The same on SQLite alone."""
    with opened(sqlite_copy(migrated_sqlite, tmp_path)) as database:
        with database.write() as connection:
            fill(connection, metadata)
        yield database


@pytest.fixture(params=["sqlite", "postgresql"])
def target_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database without any table, of each kind in turn."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'target' / 'there.sqlite3'}"
    else:
        server: Server = request.getfixturevalue("postgres_server")
        with server.database() as url:
            yield url


def test_every_table_is_input_or_derived_or_passing() -> None:
    groups = (INPUT, DERIVED, PASSING)
    assert metadata.tables.keys() == INPUT | DERIVED | PASSING
    assert sum(map(len, groups)) == len(metadata.tables)
    for name, columns in DERIVED_COLUMNS.items():
        assert name in INPUT
        assert set(columns) <= set(metadata.tables[name].columns.keys())


def test_no_table_that_is_kept_refers_to_one_that_passes() -> None:
    for table in metadata.sorted_tables:
        if table.name not in PASSING:
            assert not {key.column.table.name for key in table.foreign_keys} & PASSING, table.name


def copy(source: Database, url: str, replace: bool = False) -> str:
    """Everything that is kept, into another database; where what was there is now."""
    with source.read() as connection, filling(url, schema.head(), replace=replace) as made:
        for shape in whole.shapes():
            whole.enter(made.database, made.connection, shape, whole.rows(source, connection, shape))
        whole.go_on_numbering(made.database, made.connection, whole.shapes())
        return made.aside


@contextmanager
def opened(url: str) -> Iterator[Database]:
    database = Database(url)
    yield database
    database.close()


def fingerprints(database: Database) -> dict[str, Fingerprint]:
    found = {}
    with database.read() as connection:
        for shape in whole.shapes():
            digest = TableDigest(shape.kinds)
            for some in whole.rows(database, connection, shape):
                digest.add(some)
            found[shape.name] = digest.fingerprint()
    return found


def test_what_is_entered_elsewhere_is_what_was_read(filled: Database, target_url: str) -> None:
    copy(filled, target_url)
    with opened(target_url) as there:
        assert schema.differences(there) == []
        ours, theirs = fingerprints(filled), fingerprints(there)
        assert theirs == ours
        assert all(one.rows == 3 for one in ours.values())
        with filled.read() as one, there.read() as other:
            rows, copied = everything(one, metadata), everything(other, metadata)
        for name in rows:
            assert copied[name] == ([] if name in PASSING else rows[name]), name
        with there.write() as connection:
            assert whole.broken_references(there, connection) == []
            connection.execute(
                text("INSERT INTO saved_filters (user_id, name, query, shared, at) VALUES (1, 'n', 'q', false, 't')")
            )


def test_one_other_value_anywhere_is_another_fingerprint(filled: Database) -> None:
    before = fingerprints(filled)
    with filled.write() as connection:
        connection.execute(text("UPDATE people SET name = name || ' ' WHERE household_seq = 1"))
    after = fingerprints(filled)
    assert {name for name in before if before[name] != after[name]} == {"people"}


def test_a_copy_that_fails_leaves_nothing_behind(source: Database, target_url: str) -> None:
    with pytest.raises(ZeroDivisionError), filling(target_url, schema.head()) as made:
        shape = whole.shapes()[0]
        with source.read() as connection:
            whole.enter(made.database, made.connection, shape, whole.rows(source, connection, shape))
        raise ZeroDivisionError
    with opened(target_url) as there, there.write() as connection:
        assert schema.revision(connection) is None
    if target_url.startswith("sqlite"):
        assert [path.name for path in Path(target_url.removeprefix("sqlite:///")).parent.iterdir()] == ["there.sqlite3"]


def test_a_database_that_holds_anything_is_not_filled(source: Database, target_url: str) -> None:
    with opened(target_url) as there:
        schema.upgrade(there)
        with there.write() as connection:
            connection.execute(text("INSERT INTO facts (name, value) VALUES ('key', 'of a first start')"))
    copy(source, target_url)  # a start alone leaves no data
    before = fingerprints(source)
    with pytest.raises(Conflict, match="There are data in this database already"):
        copy(source, target_url)
    with opened(target_url) as there:
        assert fingerprints(there) == before


def test_what_is_replaced_is_kept_aside_unless_somebody_has_it_open(source: Database, target_url: str) -> None:
    names = "SELECT DISTINCT name FROM {}people"
    copy(source, target_url)
    with source.write() as connection:
        connection.execute(text("UPDATE people SET name = 'new'"))
    with opened(target_url) as server, server.read() as connection:
        assert len(connection.execute(text(names.format(""))).all()) > 1
        with pytest.raises(Conflict, match=r"still has this database open|1 other sessions"):
            copy(source, target_url, replace=True)
    aside = copy(source, target_url, replace=True)
    with opened(target_url) as there:
        assert schema.differences(there) == []
        with there.read() as connection:
            assert connection.execute(text(names.format(""))).all() == [("new",)]
            if there.is_sqlite:
                with closing(sqlite3.connect(aside)) as old:
                    assert len(old.execute(names.format("")).fetchall()) > 1
            else:
                assert len(connection.execute(text(names.format(f"{aside}."))).all()) > 1


def test_what_a_server_kept_that_was_started_meanwhile_is_not_written_over(source: Database, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'there.sqlite3'}"
    there_are_data = pytest.raises(Conflict, match="There are data in this database already")
    with there_are_data, filling(url, schema.head()), opened(url) as server:
        schema.upgrade(server)
        with server.write() as connection:
            fill(connection, metadata)
    with opened(url) as there:
        assert fingerprints(there) == fingerprints(source)


def test_what_is_replaced_must_not_be_opened_meanwhile(source: Database, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'there.sqlite3'}"
    copy(source, url)
    with opened(url) as server:
        in_use = pytest.raises(Conflict, match="still has this database open")
        with in_use, filling(url, schema.head(), replace=True), server.write() as connection:
            connection.execute(text("UPDATE people SET name = 'came meanwhile'"))
        with server.read() as connection:
            assert connection.execute(text("SELECT DISTINCT name FROM people")).all() == [("came meanwhile",)]
    assert [path.name for path in tmp_path.glob("*there*")] == ["there.sqlite3"]


def test_who_holds_a_database_is_alone_with_it(target_url: str) -> None:
    with opened(target_url) as one, opened(target_url) as server:
        schema.upgrade(one)
        with one.write() as connection:
            fill(connection, metadata)
        with server.read(), pytest.raises(Conflict), held(one):
            pass
        server.close()
        with held(one) as connection:
            assert whole.number_of_rows(connection, whole.shapes()[0]) == 3
        be_alone(one)


@pytest.mark.parametrize("name", ['x" (SELECT', "Tables", "", "a b", "x;"])
def test_a_name_that_would_become_part_of_a_statement_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match="none of this program's"):
        Shape(name, ())
    with pytest.raises(InvalidInput, match="none of this program's"):
        Shape("people", (Column(name, "text"),))


def test_a_value_of_another_kind_in_a_sqlite_file_is_told_with_its_table(tmp_path: Path) -> None:
    with opened(f"sqlite:///{tmp_path / 'odd.sqlite3'}") as odd:
        schema.upgrade(odd)
        with odd.write() as connection:
            fill(connection, metadata)
            connection.execute(text("UPDATE lots SET day = 'yesterday'"))
        with pytest.raises(InvalidInput, match="Table lots holds a value"):
            fingerprints(odd)


def test_a_text_that_postgresql_cannot_keep_is_told_with_its_table(tmp_path: Path, postgres_server: Server) -> None:
    with opened(f"sqlite:///{tmp_path / 'odd.sqlite3'}") as odd, postgres_server.database() as url:
        schema.upgrade(odd)
        with odd.write() as connection:
            fill(connection, metadata)
            connection.execute(text("UPDATE sites SET name = 'a' || char(0)"))
        with pytest.raises(InvalidInput, match="Table sites holds a value that PostgreSQL cannot keep"):
            copy(odd, url)
