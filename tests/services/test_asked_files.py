"""Notes of files that were asked for, which one process keeps and every other reads."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mapper.domain.roles import Role
from mapper.errors import NotFound
from mapper.services import asked_files
from mapper.services.accounts import User
from mapper.services.asked_files import AskedFile, Noted, State
from mapper.services.background import Background, Progress
from mapper.services.files_to_fetch import Made, folder_of
from mapper.services.reference import Reference
from mapper.store.database import Database

LAN = User(1, "Lan", Role.SUPERVISOR, (("squares", "00001"),), 0)
QUERY = {"form": ["house_check"]}


@pytest.fixture
def reference(tmp_path: Path) -> Iterator[Reference]:
    database = Database(f"sqlite:///{tmp_path / 'empty.sqlite3'}")
    yield Reference(database, folder=tmp_path / "kept")
    database.close()


def noted(reference: Reference) -> Noted:
    note = Noted(reference, LAN, "house_check.zip", "application/zip", QUERY)
    note.waits()
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
    assert only_one(reference).state is State.EXPIRED
    with pytest.raises(NotFound, match="Ask for it again"):
        asked_files.path_of(reference, only_one(reference))


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
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    noted(reference)
    assert only_one(reference).state is State.WAITING
    for path in folder_of(reference).glob("*.json"):
        path.write_text(path.read_text("utf-8").replace(f'"process": {os.getpid()}', f'"process": {ended.pid}'))
    assert only_one(reference).state is State.FAILED


def test_a_note_of_another_release_or_half_a_note_is_passed_over(reference: Reference) -> None:
    noted(reference)
    folder = folder_of(reference)
    (folder / "a.json").write_text('{"id": "a"')
    (folder / "b.json").write_text('{"id": "b", "state": "waiting"}')
    (folder / "c.json").write_text("[]")
    assert only_one(reference).state is State.WAITING
