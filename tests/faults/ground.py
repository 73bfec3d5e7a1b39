"""A real server that is killed and brought up again while phones send, and what has to be true afterwards.

Phones send until each form is answered 201 or 202, as ODK Collect does. Whatever was answered so has to be there, byte
for byte, with every photo; what counts has to be what a rebuild from the submissions makes.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import requests
from sqlalchemy import select, text

from mapper.services import accounts, rebuilding
from mapper.services.reference import Reference
from mapper.store import submissions, tables, tallies
from mapper.store.database import Database
from mapper.store.sealing import Sealing
from tests.client.collect import Accepted, Collect, FilledForm, NotAccepted, chunks, multipart
from tests.client.site import House, fill_database
from tests.ready import forms_checked_once
from tests.services import town

CHECKOUT = Path(__file__).resolve().parents[2]
PATIENCE_S = 40.0
PHOTO_BYTES = 600_000
HAMLETS = (("00001", "0000101", 105.02), ("00001", "0000102", 105.07), ("00002", "0000201", 105.15))


def free_port() -> int:
    """A port of this machine that nobody listens on now, and that the system gives nobody while its server is gone.

    It hands out those above 32767: to other servers that ask for any, and to whoever connects, phones that try again
    among them.
    """
    while True:
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", random.SystemRandom().randint(15_000, 32_000)))
            return int(probe.getsockname()[1])


class Nursery:
    """The process that servers are forked from. before: a command that it runs under; environment: more variables."""

    def __init__(self, before: Sequence[str] = (), environment: Mapping[str, str] | None = None) -> None:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("MAPPER_", "PROMETHEUS_"))}
        self.process = subprocess.Popen(
            [*before, sys.executable, "-m", "tests.faults.nursery"],
            cwd=CHECKOUT,
            env=clean | dict(environment or {}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._answer() == "ready"

    def _answer(self) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the nursery has ended"
        return line.strip()

    def start(self, told: Mapping[str, object]) -> int:
        """Start a server; the number of its process."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(told) + "\n")
        self.process.stdin.flush()
        return int(self._answer())

    def close(self) -> None:
        """End the nursery; its servers are ended by whoever started them."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(30)
        self.process.kill()  # it has nothing to lose, and ends slowly where the machine is busy
        self.process.wait()
        self.process.stdout.close()


@contextmanager
def nursery(before: Sequence[str] = (), environment: Mapping[str, str] | None = None) -> Iterator[Nursery]:
    """A nursery, ended afterwards."""
    made = Nursery(before, environment)
    try:
        yield made
    finally:
        made.close()


@dataclass
class Ground:
    """One installation: its database, its address, and the process that serves it now, if one does."""

    nursery: Nursery
    database_url: str
    folder: Path
    workers: int = 1
    settings: dict[str, object] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    process: int | None = None

    @property
    def url(self) -> str:
        """Where the server is, or will be again."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        """What all its servers wrote."""
        return self.folder / "server.log"

    def start(self, wait: bool = True) -> None:
        """Start a server. wait: until it answers."""
        settings = {
            "data_dir": str(self.folder),
            "database_url": self.database_url,
            "chunk_mb": 1,
            "max_submission_mb": 4,
            "disk_floor_mb": 0,
            "log": "json",
            **self.settings,
        }
        self.process = self.nursery.start(
            {
                "settings": settings,
                "port": self.port,
                "workers": self.workers,
                "threads": 6,
                "log": str(self.log),
            }
        )
        if wait:
            self.wait()

    def wait(self) -> None:
        """Return once the server answers."""
        until(self.answers, lambda: f"the server did not start:\n{self.log.read_text()[-2000:]}")

    def answers(self) -> bool:
        """Whether the server answers at all."""
        with suppress(OSError):
            return requests.get(f"{self.url}/healthz", timeout=5).status_code == 200
        return False

    def kill(self) -> None:
        """The server is gone from one moment to the next, all its processes."""
        self._signal(signal.SIGKILL)
        self._ended()

    def stop(self) -> None:
        """The server is told to end, and ends."""
        if self.process is not None:
            try:
                os.kill(self.process, signal.SIGTERM)
            except ProcessLookupError:
                raise AssertionError(f"the server had ended by itself:\n{self.log.read_text()[-4000:]}") from None
            self._ended()

    def _signal(self, number: int) -> None:
        assert self.process is not None
        with suppress(ProcessLookupError):
            os.killpg(self.process, number)

    def alive(self) -> bool:
        """Whether any process of the server is still there."""
        if self.process is None:
            return False
        try:
            os.killpg(self.process, 0)
        except ProcessLookupError:
            return False
        return True

    def _ended(self) -> None:
        until(lambda: not self.alive(), lambda: "the server did not end")
        self.process = None


def until(holds: Callable[[], bool], why: Callable[[], str], seconds: float = PATIENCE_S) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, why()
        time.sleep(0.01)


@contextmanager
def ground(database_url: str, folder: Path, started: Nursery, **options: object) -> Iterator[Ground]:
    """An installation with the squares and the small form; whatever serves it is ended afterwards."""
    folder.mkdir(parents=True, exist_ok=True)
    made = Ground(started, database_url, folder, **options)  # type: ignore[arg-type]
    _fill(database_url, folder)
    try:
        yield made
    finally:
        if made.alive():
            made.kill()


def _fill(database_url: str, folder: Path) -> None:
    """The squares and the small form; on SQLite they are copied, on PostgreSQL its forms are checked once."""
    file = database_url.removeprefix("sqlite:///")
    if file != database_url:
        shutil.copyfile(Path(_filled().name) / "filled.sqlite3", file)
        return
    with forms_checked_once():
        fill_database(database_url, folder)


@cache
def _filled() -> TemporaryDirectory[str]:
    """The folder of a filled file to copy, made once a process and gone with it."""
    made = TemporaryDirectory(prefix="tungnha-filled-")
    with forms_checked_once():
        fill_database(f"sqlite:///{made.name}/filled.sqlite3", Path(made.name))
    return made


# Phones


def sqlite_in(folder: Path) -> str:
    """Address of the file in a data folder."""
    folder.mkdir(parents=True, exist_ok=True)
    return f"sqlite:///{folder / 'tungnha.sqlite3'}"


@dataclass
class Promise:
    """What a phone was told is received. files: those of POSTs that were answered 201 or 202."""

    xml: bytes
    files: dict[str, bytes] = field(default_factory=dict)
    statuses: list[int] = field(default_factory=list)


class Phone(Collect):
    """A phone that remembers what it was promised, POST by POST."""

    def __init__(self, server_url: str, promises: dict[str, Promise]) -> None:
        super().__init__(server_url, timeout_s=30)
        self._promises = promises
        self.sending = False
        self.instance = ""

    def _send_once(self, form: FilledForm) -> Accepted:
        limit = self.may_send()
        statuses, message = [], ""
        for turn, (files, last) in enumerate(chunks(form, limit)):
            boundary = f"b{turn}of{len(form.xml)}x{random.random():.17f}"
            self.sending = True
            try:
                status, message = self._post(multipart(form, files, last, boundary), boundary)
            finally:
                self.sending = False
            if status not in (201, 202):
                raise NotAccepted(status, message)
            statuses.append(status)
            promise = self._promises.setdefault(self.instance, Promise(form.xml))
            promise.files |= {name: form.files[name] for name in files}
            promise.statuses.append(status)
        return Accepted(tuple(statuses), message)


@dataclass
class Crowd:
    """Phones that send without end, each form until it is received; one in ten edits, photos in one in eight.

    pause_s: between two forms of a phone.
    """

    ground: Ground
    token: str
    number: int = 6
    seed: int = 0
    promises: dict[str, Promise] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    faults: int = 0
    answers_503: int = 0
    photo_bytes: int = PHOTO_BYTES
    pause_s: float = 0.0
    _over: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)
    _phones: list[Phone] = field(default_factory=list)

    def start(self) -> None:
        """Begin to send."""
        for place in range(self.number):
            phone = Phone(f"{self.ground.url}/key/{self.token}", self.promises)
            self._phones.append(phone)
            self._threads.append(threading.Thread(target=self._send, args=(place, phone)))
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Finish the forms under way, and stop."""
        self._over.set()
        for thread in self._threads:
            thread.join()
        for phone in self._phones:
            phone.close()

    def sending(self) -> int:
        """How many POSTs are on their way at this moment."""
        return sum(phone.sending for phone in self._phones)

    def _send(self, place: int, phone: Phone) -> None:
        chance = random.Random(f"{self.seed} {place}")
        earlier: House | None = None
        turn = 0
        while not self._over.wait(self.pause_s):
            turn += 1
            house, files = self._next(chance, f"uuid:{self.seed}-{place}-{turn}", earlier)
            phone.instance = house.instance_id
            if not self._deliver(phone, house.form(files)):
                continue
            earlier = house if not house.deprecated_id else None
            if chance.random() < 0.05:
                self._deliver(phone, house.form(files))  # the reply was lost on the way

    def _next(self, chance: random.Random, number: str, earlier: House | None) -> tuple[House, dict[str, bytes]]:
        if earlier is not None and chance.random() < 0.15:
            return earlier.edited(number, head=f"Chủ hộ sửa {number}"), {}
        commune, hamlet, east = chance.choice(HAMLETS)
        people = tuple(
            (f"Người {one}", f"{chance.randint(1950, 2015)}-05-04", chance.choice(("", "2021-08-10", "2022-01-15")))
            for one in range(chance.randint(1, 5))
        )
        location = f"{22.01 + chance.random() * 0.08:.6f} {east + chance.random() * 0.02:.6f} 300 6.5"
        house = House(number, head=f"Chủ hộ {number}", commune=commune, hamlet=hamlet, location=location, people=people)
        if chance.random() < 0.03:
            house = house.but(version="2099010101")  # not published: kept, and answered 202
        files = {}
        if chance.random() < 0.12:
            files = {f"anh{one}.jpg": chance.randbytes(self.photo_bytes) for one in range(2)}
            house = house.but(photo="anh0.jpg")
        return house, files

    def _deliver(self, phone: Phone, form: FilledForm) -> bool:
        """Send a form until it is received; False where the phone gives up since it is refused, or all is over."""
        give_up = 0.0
        while True:
            try:
                phone.send(form)
                return True
            except NotAccepted as answer:
                if answer.status < 500:
                    self.refused.append(f"{phone.instance}: {answer}")
                    return False
                self.faults += 1
                self.answers_503 += answer.status == 503
            except (requests.RequestException, OSError):
                self.faults += 1
            if self._over.is_set():
                give_up = give_up or time.monotonic() + PATIENCE_S
                if time.monotonic() > give_up:
                    return False
            time.sleep(0.05)


def token_of(database_url: str, sealing: Sealing | None = None) -> str:
    """The key of a new canvasser's phone."""
    reference = Reference(Database(database_url, sealing))
    made = accounts.add_user(reference, f"canvasser {time.monotonic_ns()}", "canvasser", ["001"], None)
    reference.database.close()
    return made.token


# What has to be true


@dataclass(frozen=True)
class Found:
    """What is there in the end. states: number of submissions by state."""

    submissions: int
    attachments: int
    states: dict[str, int]


def check(database_url: str, promises: Mapping[str, Promise], sealing: Sealing | None = None) -> Found:
    """Every promise is kept, nothing waits uncounted, and a rebuild gives what counts already."""
    reference = Reference(Database(database_url, sealing))
    try:
        kept, states = _kept(reference)
        lost = sorted(set(promises) - set(kept))
        assert not lost, (
            f"{len(lost)} of {len(promises)} submissions that phones hold for received are gone: {lost[:5]}"
        )
        changed = [one for one, promise in promises.items() if kept[one] != promise.xml]
        assert not changed, f"other bytes than were sent: {changed[:5]}"
        files = _files(reference)
        for one, promise in promises.items():
            for name, content in promise.files.items():
                assert files.get((one, name)) == content, f"{one} lost {name}"
        assert states.get("received", 0) == 0, f"not counted: {states}"
        before = derived(reference)
        rebuilding.rebuild(reference)
        again = derived(reference)
        assert again == before, "a rebuild from the submissions gives other tallies, or another register"
        if reference.database.is_sqlite:
            with reference.database.read() as connection:
                assert connection.execute(text("PRAGMA integrity_check")).scalar() == "ok"
                assert connection.execute(text("PRAGMA foreign_key_check")).all() == []
        return Found(len(kept), len(files), states)
    finally:
        reference.database.close()


def derived(reference: Reference) -> dict[str, object]:
    """All that is worked out from the submissions, by lasting names."""
    with reference.database.read() as connection:
        return {"tallies": tallies.snapshot(connection), "register": town._register(connection)}


def _kept(reference: Reference) -> tuple[dict[str, bytes], dict[str, int]]:
    kept: dict[str, bytes] = {}
    states: dict[str, int] = {}
    with reference.database.read() as connection:
        for some in submissions.stream(connection):
            for stored, xml in some:
                assert stored.instance_id not in kept, "twice"
                kept[stored.instance_id] = xml
                states[stored.state.value] = states.get(stored.state.value, 0) + 1
    return kept, states


def _files(reference: Reference) -> dict[tuple[str, str], bytes]:
    a, b = tables.attachments, tables.blobs
    with reference.database.read() as connection:
        rows = connection.execute(
            select(a.c.instance_id, a.c.name, b.c.content).join(b, a.c.sha256 == b.c.sha256).order_by(a.c.turn)
        )
        return {(row.instance_id, row.name): bytes(row.content) for row in rows}
