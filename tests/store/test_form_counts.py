"""Submissions of each form version are counted once, however often somebody looks and however many there are."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from mapper.store import form_life, submissions
from mapper.store.database import Connection, Database
from mapper.store.form_life import SETTLED, VersionCount
from tests.store.test_submissions import FIRST, save

NOON = datetime(2022, 8, 15, 12, tzinfo=UTC)


def arrive(database: Database, version: str, *minutes: int, form_id: str = "census") -> None:
    """Submissions of a version that came so many minutes past one."""
    for minute in minutes:
        at = f"2022-08-15T01:{minute:02}:00.000+00:00"
        instance = f"uuid:{form_id}-{version}-{minute}"
        save(database, replace(FIRST, instance_id=instance, form_id=form_id, form_version=version, received_at=at))


def counted(database: Database) -> tuple[set[tuple[str, str, int, str]], int]:
    """(form, version, number, minute of the last) of every version, and how many were counted anew."""
    with database.read() as connection:
        every, fresh = form_life.counts(connection)
    return {(each.form_id, each.version, each.number, each.last_at[14:16]) for each in every}, fresh


def keep(database: Database, at: datetime) -> None:
    with database.write() as connection:
        form_life.keep_counts(database, connection, at)


def settle(database: Database, begin: datetime) -> datetime:
    """Keep the counts of all that is here, which PostgreSQL takes two looks for."""
    keep(database, begin)
    keep(database, begin + SETTLED)
    return begin + SETTLED


def test_every_version_is_counted_with_its_last_arrival(database: Database) -> None:
    assert counted(database) == (set(), 0)
    arrive(database, "1", 3, 5, 9)
    arrive(database, "2", 7)
    arrive(database, "1", 8, form_id="revisit")
    expected = {("census", "1", 3, "09"), ("census", "2", 1, "07"), ("revisit", "1", 1, "08")}
    assert counted(database) == (expected, 5)


def test_what_was_counted_is_not_counted_again(database: Database) -> None:
    arrive(database, "1", 3, 5, 9)
    settle(database, NOON)
    assert counted(database) == ({("census", "1", 3, "09")}, 0)
    arrive(database, "1", 11)
    arrive(database, "2", 12)
    assert counted(database) == ({("census", "1", 4, "11"), ("census", "2", 1, "12")}, 2)
    settle(database, NOON + timedelta(hours=1))
    assert counted(database) == ({("census", "1", 4, "11"), ("census", "2", 1, "12")}, 0)


def test_one_that_came_from_a_long_transaction_is_counted_too(database: Database) -> None:
    """On PostgreSQL a row may appear below the newest one; it appears before what was seen there is settled."""
    arrive(database, "1", 3)
    keep(database, NOON)
    keep(database, NOON + SETTLED - timedelta(seconds=1))
    if not database.is_sqlite:
        with database.write() as connection:
            connection.execute(text("DELETE FROM instances"))
            connection.execute(text("UPDATE submissions SET seq = seq + 100"))
            connection.execute(text("ALTER SEQUENCE submissions_seq_seq RESTART WITH 50"))
        keep(database, NOON + SETTLED - timedelta(seconds=1))
        assert counted(database)[1] == 1, "nothing is kept before it is settled"
    arrive(database, "2", 5)
    settle(database, NOON + timedelta(hours=1))
    settle(database, NOON + timedelta(hours=2))
    assert counted(database) == ({("census", "1", 1, "03"), ("census", "2", 1, "05")}, 0)


def plan(database: Database, connection: Connection) -> str:
    statement = "SELECT form_id, form_version, count(*), max(seq) FROM submissions WHERE seq > 900000 GROUP BY 1, 2"
    if database.is_sqlite:
        return "\n".join(row[3] for row in connection.execute(text(f"EXPLAIN QUERY PLAN {statement}")))
    connection.execute(text("SET LOCAL enable_seqscan = off"))  # of a small table it would read all
    return "\n".join(row[0] for row in connection.execute(text(f"EXPLAIN {statement}")))


def test_a_look_reads_the_rows_behind_what_is_kept_by_their_own_key(database: Database) -> None:
    arrive(database, "1", 3)
    with database.write() as connection:
        shown = plan(database, connection)
    assert ("SEARCH submissions USING INTEGER PRIMARY KEY (rowid>?)" in shown) or ("pk_submissions" in shown), shown


def test_counting_changes_no_submission(database: Database) -> None:
    arrive(database, "1", 3)
    settle(database, NOON)
    with database.read() as connection:
        assert submissions.count(connection) == 1
        assert form_life.counts(connection)[0] == [VersionCount("census", "1", 1, "2022-08-15T01:03:00.000+00:00")]
