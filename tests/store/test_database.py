"""Durable, shared and honest about its faults: the database itself, of both kinds."""

from __future__ import annotations

import sqlite3
import threading
import time
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Connection, text

from mapper.errors import Unavailable
from mapper.store import reference, schema, tables
from mapper.store.database import Database, driver_of
from mapper.store.engine import BUSY_TIMEOUT_MS


@pytest.fixture
def embedded(tmp_path: Path) -> Database:
    database = Database(f"sqlite:///{tmp_path / 'folder' / 'test.sqlite3'}")
    schema.upgrade(database)
    return database


def scalar(database: Database, sql: str) -> object:
    with database.read() as connection:
        return connection.execute(text(sql)).scalar_one()


# Durability


def test_sqlite_writes_ahead_and_syncs_every_commit(embedded: Database) -> None:
    assert scalar(embedded, "PRAGMA journal_mode") == "wal"
    assert scalar(embedded, "PRAGMA synchronous") == 2  # FULL
    assert scalar(embedded, "PRAGMA foreign_keys") == 1
    with embedded.write() as connection:
        assert connection.execute(text("PRAGMA synchronous")).scalar_one() == 2
    embedded.close()


def test_every_connection_of_the_pool_syncs(embedded: Database) -> None:
    with embedded.read() as one, embedded.read() as two, embedded.read() as three:
        assert len({id(driver_of(connection)) for connection in (one, two, three)}) == 3
        for connection in (one, two, three):
            assert connection.execute(text("PRAGMA synchronous")).scalar_one() == 2
    embedded.close()


def test_postgresqls_durability_is_not_weakened(database: Database) -> None:
    if database.is_sqlite:
        assert scalar(database, "PRAGMA synchronous") == 2
        return
    for name, value in {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}.items():
        assert scalar(database, f"SHOW {name}") == value
    with database.write() as connection:
        assert connection.execute(text("SHOW synchronous_commit")).scalar_one() == "on"


def test_what_was_committed_is_there_for_the_next_process(migrated_url: str) -> None:
    database = Database(migrated_url)
    with database.write() as connection:
        reference.set_fact(database, connection, "kept", "đã lưu")
    database.close()
    again = Database(migrated_url)
    with again.read() as connection:
        assert reference.fact(connection, "kept") == "đã lưu"
    again.close()


def test_an_exception_takes_back_the_whole_transaction(database: Database) -> None:
    with pytest.raises(RuntimeError), database.write() as connection:
        reference.set_fact(database, connection, "half", "yes")
        raise RuntimeError
    with database.read() as connection:
        assert reference.fact(connection, "half") is None


def test_a_foreign_key_that_points_nowhere_is_refused(database: Database) -> None:
    with pytest.raises(Exception, match=r"(?i)foreign key"), database.write() as connection:
        connection.execute(
            tables.series.insert().values(campaign_id="none", group_code="g", dose_code="1"),
        )


# Facts


def test_a_fact_is_set_kept_or_missing(database: Database) -> None:
    with database.write() as connection:
        assert reference.fact(connection, "key") is None
        assert reference.keep_fact(database, connection, "key", "first") == "first"
        assert reference.keep_fact(database, connection, "key", "second") == "first"
        reference.set_fact(database, connection, "key", "third")
        assert reference.fact(connection, "key") == "third"


def test_the_revision_rises_with_every_change(database: Database) -> None:
    with database.write() as connection:
        assert reference.revision(database, connection) == 0
        reference.raise_revision(database, connection)
        reference.raise_revision(database, connection)
        assert reference.revision(database, connection) == 2


# Many at once


def test_writers_at_once_lose_nothing(database: Database) -> None:
    def count_up() -> None:
        for _ in range(10):
            with database.write() as connection:
                database.lock(connection, "counter")
                now = int(reference.fact(connection, "counter") or 0)
                reference.set_fact(database, connection, "counter", str(now + 1))

    threads = [threading.Thread(target=count_up) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as connection:
        assert reference.fact(connection, "counter") == "80"


def test_a_reader_sees_one_state_of_things_while_others_write(database: Database) -> None:
    with database.write() as connection:
        reference.set_fact(database, connection, "left", "1")
        reference.set_fact(database, connection, "right", "1")
    with database.read() as reader:
        assert reference.fact(reader, "left") == "1"
        with database.write() as writer:
            reference.set_fact(database, writer, "left", "2")
            reference.set_fact(database, writer, "right", "2")
        assert (reference.fact(reader, "left"), reference.fact(reader, "right")) == ("1", "1")
    with database.read() as reader:
        assert (reference.fact(reader, "left"), reference.fact(reader, "right")) == ("2", "2")


def test_a_reader_cannot_write_on_postgresql(database: Database) -> None:
    if database.is_sqlite:
        return  # SQLite's readers are not told apart from writers
    with pytest.raises(Exception, match="read-only"), database.read() as connection:
        reference.set_fact(database, connection, "x", "1")


def test_the_next_transaction_on_a_reading_connection_may_write(migrated_url: str) -> None:
    database = Database(migrated_url)
    with database.read() as connection:
        reference.fact(connection, "x")
    with database.write() as connection:
        reference.set_fact(database, connection, "x", "1")
    with database.read() as connection:
        assert reference.fact(connection, "x") == "1"
    database.close()


# Faults: phones are to try again


def test_a_database_locked_by_another_process_is_unavailable(
    embedded: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mapper.store.engine.BUSY_TIMEOUT_MS", 50)
    path = embedded.engine.url.database
    assert path is not None
    impatient = Database(f"sqlite:///{path}")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable, match="Try again in a moment"), impatient.write():
        pass
    with impatient.read() as connection:
        assert reference.fact(connection, "readers go on") is None
    other.execute("ROLLBACK")
    other.close()
    with impatient.write() as connection:
        reference.set_fact(impatient, connection, "after", "yes")
    impatient.close()
    embedded.close()


def test_what_may_be_left_undone_waits_for_no_writer_of_this_process_nor_of_another(embedded: Database) -> None:
    path = embedded.engine.url.database
    assert path is not None
    begun = time.monotonic()
    with embedded.write(), pytest.raises(Unavailable), embedded.write_at_once():
        pass
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with embedded.read():
        pass
    waiting = embedded.connections()
    for again in (False, True):
        with pytest.raises(Unavailable), embedded.write_at_once(done_again=again):
            pass
        assert embedded.connections() == waiting, "what a connection remembers is not lost with one try"
    other.execute("ROLLBACK")
    other.close()
    assert time.monotonic() - begun < BUSY_TIMEOUT_MS / 1000
    with embedded.write_at_once() as connection:
        reference.set_fact(embedded, connection, "after", "yes")
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == BUSY_TIMEOUT_MS
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
    with embedded.read() as connection:
        assert reference.fact(connection, "after") == "yes"
    embedded.close()


def test_what_the_log_holds_is_put_by_while_others_read_and_write(embedded: Database) -> None:
    path = embedded.engine.url.database
    assert path is not None
    with embedded.write() as connection:
        reference.set_fact(embedded, connection, "put", "by")
    with embedded.read(), embedded.write() as connection:
        reference.set_fact(embedded, connection, "not", "yet")
        embedded.put_by()
    # The file alone, without its log, has what was committed before.
    alone = sqlite3.connect(f"file:{path}?immutable=1", uri=True)
    assert alone.execute("SELECT value FROM facts WHERE name = 'put'").fetchone() == ("by",)
    assert alone.execute("SELECT value FROM facts WHERE name = 'not'").fetchone() is None
    alone.close()
    with embedded.read() as connection:
        assert reference.fact(connection, "not") == "yet"
    embedded.close()


def test_only_what_is_done_again_does_not_wait_for_the_disk(database: Database) -> None:
    setting = "PRAGMA synchronous" if database.is_sqlite else "SHOW synchronous_commit"
    flushed, not_flushed = (2, 1) if database.is_sqlite else ("on", "off")
    if not database.is_sqlite:
        with database.read() as connection:
            flushed = connection.exec_driver_sql(setting).scalar()

    def now(connection: Connection) -> object:
        return connection.exec_driver_sql(setting).scalar()

    with database.write_at_once(done_again=True) as connection:
        assert now(connection) == not_flushed
        reference.set_fact(database, connection, "done", "again")
    with database.write() as connection:
        assert now(connection) == flushed
        assert reference.fact(connection, "done") == "again"
    with pytest.raises(ZeroDivisionError), database.write_at_once(done_again=True):
        raise ZeroDivisionError
    with database.write_at_once() as connection:
        assert now(connection) == flushed


def test_on_postgresql_whatever_is_written_waits_for_its_own_rows_alone(database: Database) -> None:
    if database.is_sqlite:
        pytest.skip("SQLite has one writer at a time")
    with database.write() as first, database.write_at_once() as second:
        reference.set_fact(database, first, "one", "1")
        reference.set_fact(database, second, "two", "2")


def test_a_full_disk_is_unavailable_and_what_was_there_stays(embedded: Database) -> None:
    with embedded.write() as connection:
        reference.set_fact(embedded, connection, "small", "kept")
    with embedded.engine.connect() as connection:
        pages = connection.execute(text("PRAGMA page_count")).scalar_one()
    with pytest.raises(Unavailable), embedded.write() as connection:
        connection.execute(text(f"PRAGMA max_page_count = {pages + 2}"))
        reference.set_fact(embedded, connection, "large", "x" * 1_000_000)
    with embedded.read() as connection:
        assert reference.fact(connection, "small") == "kept"
        assert reference.fact(connection, "large") is None
    embedded.close()


def test_a_folder_that_cannot_hold_the_database_is_unavailable(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'is_a_folder'}")
    (tmp_path / "is_a_folder").mkdir()
    with pytest.raises(Unavailable), database.read():
        pass
    database.close()


def test_a_server_that_is_not_there_is_unavailable() -> None:
    database = Database("postgresql://nobody:x@127.0.0.1:1/none?connect_timeout=2")
    with pytest.raises(Unavailable), database.read():
        pass
    database.close()


def test_after_the_server_hung_up_the_next_transactions_work(database: Database) -> None:
    if database.is_sqlite:
        return
    with database.read() as connection:
        pid = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
    with psycopg.connect(database.engine.url.set(drivername="postgresql").render_as_string(False)) as administrator:
        administrator.execute("SELECT pg_terminate_backend(%s)", [pid])
    with database.write() as connection:
        reference.set_fact(database, connection, "x", "2")
    with database.read() as connection:
        assert reference.fact(connection, "x") == "2"


# A schema that is not there


def test_a_connection_still_used_when_all_is_closed_closes_with_its_transaction(database: Database) -> None:
    with database.read() as first:
        database.close()
        assert first.execute(text("SELECT 1")).scalar_one() == 1
        assert database.connections() == (0, 1)
    assert database.connections() == (0, 0)
    with database.write() as late:
        late.execute(text("SELECT 1"))
    assert database.connections() == (0, 0)


@pytest.mark.parametrize(
    "sql", ["SELECT value FROM no_such_facts", "SELECT no_such_value FROM facts", "DELETE FROM no_such_facts"]
)
def test_a_table_that_is_not_there_is_told_with_its_cure_whichever_way_it_is_asked_for(
    database: Database, sql: str
) -> None:
    def through_sqlalchemy(connection: Connection) -> None:
        connection.execute(text(sql))

    def through_the_driver(connection: Connection) -> None:
        driver_of(connection).execute(sql)

    for ask in (through_sqlalchemy, through_the_driver):
        with pytest.raises(Unavailable, match="lacks a table of this release") as told, database.write() as connection:
            ask(connection)
        assert "restart the server" in str(told.value)
        assert "restore a backup" in str(told.value)
    with database.read() as connection:
        assert reference.fact(connection, "kept") is None


def test_an_empty_database_is_mended_by_what_the_server_does_when_it_starts(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'new.sqlite3'}")
    with pytest.raises(Unavailable, match="lacks a table of this release"), database.read() as connection:
        reference.fact(connection, "kept")
    schema.upgrade(database)
    with database.read() as connection:
        assert reference.fact(connection, "kept") is None
    database.close()
