"""Notes of files that were asked for, which one process keeps and every other reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import sleep

import pytest
from sqlalchemy import insert

from mapper.domain.roles import Role
from mapper.errors import NotFound
from mapper.services import asked_files
from mapper.services.accounts import User
from mapper.services.asked_files import AskedFile, Noted, State
from mapper.services.background import Background, Progress
from mapper.services.files_to_fetch import Made, folder_of
from mapper.services.reference import Reference
from mapper.store import schema, tables
from mapper.store.asked_files import change, keep_piece, of_user, pieces
from mapper.store.database import Database

LAN = User(1, "Lan", Role.SUPERVISOR, (("squares", "00001"),), 0)
QUERY = {"form": ["house_check"]}


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """With nobody but Lan."""
    opened = Database(database_url)
    schema.upgrade(opened)
    lan = {"id": LAN.id, "name": LAN.name, "role": LAN.role.value, "active": True, "created_at": "2026-01-01"}
    lan |= {"session_epoch": 0, "token_epoch": 0}
    with opened.write() as connection:
        connection.execute(insert(tables.users).values(lan))
    yield opened
    opened.close()


@pytest.fixture
def reference(database: Database, tmp_path: Path) -> Reference:
    return Reference(database, folder=tmp_path / "kept")


@pytest.fixture
def other_machine(reference: Reference, database_url: str, tmp_path: Path) -> Iterator[Reference]:
    """Another over the same database, with a folder of its own."""
    opened = Database(database_url)
    yield Reference(opened, folder=tmp_path / "of the other")
    opened.close()


_waiting: list[Noted] = []


@pytest.fixture(autouse=True)
def nothing_left_waiting(reference: Reference) -> Iterator[None]:
    """What no test worked at says no longer that its process lives, once its database is gone."""
    yield
    while _waiting:
        note = _waiting.pop()
        note._over.set()
        assert note._thread is not None
        note._thread.join()


def noted(reference: Reference) -> Noted:
    note = Noted(reference, LAN, "house_check.zip", "application/zip", QUERY)
    note.waits()
    _waiting.append(note)
    return note


def only_one(reference: Reference) -> AskedFile:
    (one,) = asked_files.files_of(reference, LAN)
    return one


def write(reference: Reference, seen: Callable[[], None] = lambda: None) -> Callable[[Progress], Made]:
    """Work that writes a file of ten bytes, and half way looks about."""

    def work(progress: Progress) -> Made:
        progress(0.5)
        seen()
        path = folder_of(reference) / "written.zip"
        path.write_bytes(b"0123456789")
        progress(0.9)
        return Made(path, 3)

    return work


def test_a_note_follows_the_work_from_waiting_to_ready_and_to_the_end_of_the_file(reference: Reference) -> None:
    states = []

    def look() -> None:
        states.append((only_one(reference).state, only_one(reference).share))

    note = noted(reference)
    look()
    made = note.follow(write(reference, look), lambda share: None, lambda: None)
    assert states == [(State.WAITING, 0), (State.RUNNING, 0.5)]
    one = only_one(reference)
    assert (one.state, one.number, one.size, one.query) == (State.READY, 3, 10, QUERY)
    assert asked_files.path_of(reference, one) == made.path.resolve()
    made.path.unlink()
    if reference.database.is_sqlite:
        assert only_one(reference).state is State.EXPIRED
        with pytest.raises(NotFound, match="Ask for it again"):
            asked_files.path_of(reference, only_one(reference))
    else:  # the database has it too
        assert asked_files.path_of(reference, only_one(reference)).read_bytes() == b"0123456789"


def test_a_file_of_several_pieces_is_fetched_from_another_machine_until_its_user_asks_anew(
    reference: Reference, other_machine: Reference, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asked_files, "PIECE", 4)
    first, second = noted(reference), noted(reference)
    made = first.follow(write(reference), lambda share: None, lambda: None)
    if reference.database.is_sqlite:  # one machine, whose folder holds it
        pytest.skip("processes on one SQLite file share a folder")
    standing = asked_files.elsewhere(other_machine, LAN, "house_check.zip", QUERY, "", 60)
    assert standing is not None and standing.stage == "waiting"  # the newer of the two
    second.follow(write(reference), lambda share: None, lambda: None)
    made.path.unlink(missing_ok=True)
    one = only_one(other_machine)
    assert (one.id, one.state) == (second.id, State.READY)
    assert asked_files.path_of(other_machine, one).read_bytes() == b"0123456789"
    assert asked_files.elsewhere(other_machine, LAN, "house_check.zip", QUERY, "vi", 60) is None
    assert asked_files.elsewhere(other_machine, LAN, "house_check.zip", QUERY, "", 0) is None
    with reference.database.read() as connection:
        assert [*pieces(connection, first.id)] == []
        assert [*pieces(connection, second.id)] == [b"0123", b"4567", b"89"]


def test_what_another_process_was_asked_to_stop_is_stopped_where_it_is_made(reference: Reference) -> None:
    runs: Background[Made] = Background()
    note = noted(reference)

    def ask_to_stop() -> None:
        # As another process does, which knows nothing but the note.
        asked_files.ask_to_stop(reference, only_one(reference))
        assert only_one(reference).state is State.STOPPED

    work = write(reference, ask_to_stop)
    runs.ask("zip", 1, lambda progress: note.follow(work, progress, lambda: runs.stop("zip")))
    if runs._thread is not None:
        runs._thread.join(30)
    standing = runs.look("zip")
    assert standing is not None and standing.stage == "stopped"
    assert only_one(reference).state is State.STOPPED


def test_work_that_fails_or_whose_process_has_ended_is_told_as_failed(reference: Reference) -> None:
    def fails(progress: Progress) -> Made:
        raise ValueError("no room")

    with pytest.raises(ValueError, match="no room"):
        noted(reference).follow(fails, lambda share: None, lambda: None)
    assert only_one(reference).state is State.FAILED
    noted(reference)
    assert only_one(reference).state is State.WAITING
    with reference.database.write() as connection:
        before = datetime.now(UTC) - timedelta(seconds=asked_files.SILENT_S + 1)
        change(connection, only_one(reference).id, {"told_at": before.isoformat()})
    assert only_one(reference).state is State.FAILED


def test_the_process_that_makes_a_file_says_that_it_lives_while_nothing_is_told(
    reference: Reference, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asked_files, "PULSE_S", 0.01)
    note = noted(reference)
    with reference.database.write() as connection:
        change(connection, note.id, {"told_at": "2020-01-01T00:00:00+00:00"})
    for _ in range(500):
        if only_one(reference).state is State.WAITING:
            break
        sleep(0.01)
    assert only_one(reference).state is State.WAITING
    asked_files.ask_to_stop(reference, only_one(reference))
    assert only_one(reference).state is State.STOPPED


def test_what_nobody_fetched_for_long_is_taken_out_when_somebody_asks(reference: Reference) -> None:
    old = noted(reference)
    with reference.database.write() as connection:
        change(connection, old.id, {"asked_at": "2020-01-01T00:00:00+00:00"})
    new = noted(reference)
    with reference.database.read() as connection:
        assert [row.id for row in of_user(connection, LAN.id)] == [new.id]


def test_what_nobody_fetched_for_long_goes_though_nobody_asks_again(reference: Reference) -> None:
    old, new = noted(reference), noted(reference)
    with reference.database.write() as connection:
        change(connection, old.id, {"asked_at": "2020-01-01T00:00:00+00:00"})
        keep_piece(connection, old.id, 0, b"Lan")
    asked_files.forget_old(reference)
    with reference.database.read() as connection:
        assert [row.id for row in of_user(connection, LAN.id)] == [new.id]
        assert list(pieces(connection, old.id)) == []
