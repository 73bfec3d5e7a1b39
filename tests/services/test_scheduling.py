"""One process of several looks after what is left behind; another does once it is dead, or cut off."""

from __future__ import annotations

import os
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from mapper.services.scheduling import Scheduler
from mapper.store import election
from mapper.store.database import Database
from tests.postgres import Server

CHECKOUT = Path(__file__).resolve().parents[2]

STANDS = """
import sys, time
from mapper.services.scheduling import Scheduler
from mapper.store.database import Database
scheduler = Scheduler(Database(sys.argv[1]), looks_s=0.05)
works = scheduler.alone(lambda: print("works", flush=True))
while True:
    works()
    time.sleep(0.02)
"""


def until(true: Callable[[], bool], seconds: float = 30) -> bool:
    ends = time.monotonic() + seconds
    while not true() and time.monotonic() < ends:
        time.sleep(0.02)
    return true()


class Process:
    """A process of its own that works whenever it is elected."""

    def __init__(self, url: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", STANDS, url],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        )
        self.worked = 0
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for _ in self._process.stdout:
            self.worked += 1

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


@pytest.fixture
def process() -> Iterator[Callable[[str], Process]]:
    made: list[Process] = []

    def start(url: str) -> Process:
        made.append(Process(url))
        return made[-1]

    yield start
    for one in made:
        if one._process.poll() is None:
            one.kill()


def test_of_two_processes_one_works_and_the_other_takes_over_when_it_is_killed(
    database_url: str, process: Callable[[str], Process]
) -> None:
    first = process(database_url)
    assert until(lambda: first.worked > 0)
    second = process(database_url)
    before = first.worked
    assert until(lambda: first.worked > before + 30)
    time.sleep(0.5)
    assert second.worked == 0
    first.kill()
    assert until(lambda: second.worked > 0)


def test_who_leaves_is_followed_by_another(database_url: str) -> None:
    database = Database(database_url)
    one = Scheduler(database, looks_s=0.02)
    assert until(lambda: one.elected)
    other = Scheduler(database, looks_s=0.02)
    time.sleep(0.1)
    assert not other.elected
    one.close()
    assert until(lambda: other.elected) and not one.elected
    other.close()
    database.close()


def test_a_session_that_the_server_ended_is_noticed_and_elected_anew(postgres_server: Server) -> None:
    with postgres_server.database() as url:
        database = Database(url)
        scheduler = Scheduler(database, looks_s=0.02)
        assert until(lambda: scheduler.elected)
        thrown_out = "SELECT pid, pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
        with database.write() as connection:
            ((before, _),) = connection.execute(text(thrown_out)).all()
        holders = text("SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND pid <> :before")
        with database.write() as connection:
            assert until(lambda: bool(connection.scalars(holders, {"before": before}).all()))
        assert until(lambda: scheduler.elected)
        scheduler.close()
        database.close()


class Line:
    """A line to a server that can be cut, so that bytes go nowhere and neither end is told."""

    def __init__(self, port: int) -> None:
        self._port, self.cut, self._over = port, threading.Event(), threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        other: dict[socket.socket, socket.socket] = {}
        while not self._over.wait(0.005):
            ready, _, _ = select.select([self._listener, *other], [], [], 0.05)
            if self.cut.is_set():
                time.sleep(0.05)
                continue
            for each in ready:
                if each is self._listener:
                    near, _ = self._listener.accept()
                    far = socket.create_connection(("127.0.0.1", self._port))
                    other |= {near: far, far: near}
                elif each in other:
                    try:
                        content = each.recv(65536)
                        other[each].sendall(content)
                    except OSError:
                        content = b""
                    if not content:
                        for end in (other.pop(other[each]), other.pop(each)):
                            end.close()
        for end in (self._listener, *other):
            end.close()

    def close(self) -> None:
        self._over.set()
        self._thread.join()


def test_a_process_cut_off_from_the_database_notices_before_another_is_elected(
    postgres_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(election, "ANSWER_S", 1)
    monkeypatch.setattr(election, "_SETTINGS", ("SET idle_session_timeout = '2s'",))
    line = Line(postgres_server.port)
    with postgres_server.database() as url:
        near, far = Database(url), Database(make_url(url).set(port=line.port).render_as_string(hide_password=False))
        cut_off = Scheduler(far, looks_s=0.05)
        assert until(lambda: cut_off.elected)
        other = Scheduler(near, looks_s=0.05)
        time.sleep(0.2)
        assert not other.elected
        line.cut.set()
        both = False

        def taken_over() -> bool:
            nonlocal both
            both |= cut_off.elected and other.elected
            return other.elected

        assert until(taken_over)
        assert not both
        line.cut.clear()  # back again, it stands behind the other
        time.sleep(1.5)
        assert [one.elected for one in (other, cut_off)] == [True, False]
        for one in (other, cut_off):
            one.close()
        near.close()
        far.close()
    line.close()
