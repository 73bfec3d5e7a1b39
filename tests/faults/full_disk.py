"""PostgreSQL on a small disk of its own, which runs full while phones send, and gets room again."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg
import requests
from psycopg import sql

from tests import postgres
from tests.faults.ground import Crowd, Found, Nursery, check, ground, token_of, until

LEFT_BYTES = {True: 12_000_000, False: 1_500_000}
"""What is left of the disk, by whether the log lies there too: tables have room then, its next 16 MB have none."""


class NoDisk(Exception):
    """No file system can be mounted here; the text says why."""


@contextmanager
def small_disk(megabytes: int) -> Iterator[Path]:
    """A file system of its own, that everybody may enter. Raises NoDisk."""
    place = Path(tempfile.mkdtemp(prefix="tung-nha-disk-"))
    words = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0755", "tmpfs", str(place)]
    done = subprocess.run(words, capture_output=True, text=True, check=False) if shutil.which("mount") else None
    try:
        place.chmod(0o755)
        if done is None or done.returncode:
            raise NoDisk(f"no file system can be mounted here: {done.stderr.strip() if done else 'no mount'}")
        try:
            yield place
        finally:
            subprocess.run(["umount", "--lazy", str(place)], check=True)
    finally:
        place.rmdir()


@dataclass(frozen=True)
class Seen:
    """What was seen: answers 503 until there was room, whether PostgreSQL ended by itself, and what is there."""

    answers_503: int
    ended: bool
    promised: int
    found: Found


def run_full(
    started: Nursery, folder: Path, *, with_log: bool, phones: int = 3, seed: int = 3, full_s: float = 0.0
) -> Seen:
    """Fill the disk of the database while phones send, keep it so, make room, and check what was promised.

    with_log: the write-ahead log lies on the full disk too, which PostgreSQL ends over; its keeper, here this function,
    starts it again once there is room. Else tables alone lie there. full_s: so long it stays full after the first 503.
    Raises NoDisk, and ``postgres.NoPostgres``.
    """
    with small_disk(220) as disk:
        server = postgres.start(disk=disk if with_log else None)
        try:
            with _database(server, disk, with_log=with_log) as url, ground(url, folder, started) as here:
                crowd = Crowd(here, token_of(url), number=phones, seed=seed, photo_bytes=300_000)
                here.start()
                crowd.start()
                try:
                    until(lambda: len(crowd.promises) > 5, lambda: "nothing is received")
                    ballast = disk / "ballast"
                    _fill(ballast, LEFT_BYTES[with_log])
                    until(lambda: crowd.answers_503 > 0, lambda: "no phone was told to come again")
                    until(lambda: _ready(here.url) == 503, lambda: "it says that it is ready")
                    assert requests.get(f"{here.url}/healthz", timeout=30).status_code == 200
                    time.sleep(full_s)
                    refused, before = crowd.answers_503, len(crowd.promises)
                    ballast.unlink()
                    ended = False

                    def goes_on() -> bool:
                        nonlocal ended
                        if server.process.poll() is not None:
                            ended = True
                            restart(server)
                        return len(crowd.promises) > before + 5

                    until(goes_on, lambda: "it does not go on once there is room")
                    until(lambda: _ready(here.url) == 200, lambda: "it does not find that there is room")
                finally:
                    crowd.end()
                here.stop()
                assert crowd.refused == []
                return Seen(refused, ended, len(crowd.promises), check(url, crowd.promises))
        finally:
            server.stop()


def _ready(url: str) -> int:
    return requests.get(f"{url}/readyz", timeout=60).status_code


def _fill(ballast: Path, left: int) -> None:
    """Fill a disk but for so many bytes."""
    with ballast.open("wb") as file, suppress(OSError):
        while shutil.disk_usage(ballast.parent).free > left:
            file.write(bytes(65536))
            file.flush()


@contextmanager
def _database(server: postgres.Server, disk: Path, *, with_log: bool) -> Iterator[str]:
    """An empty database whose tables lie on that disk."""
    if with_log:
        with server.database() as url:
            yield url
        return
    place = disk / "tables"
    place.mkdir(mode=0o700)
    shutil.chown(place, *postgres._owner())
    with psycopg.connect(server.url("postgres").replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE TABLESPACE small LOCATION {}").format(sql.Literal(str(place))))
        connection.execute("CREATE DATABASE small TABLESPACE small")
    yield server.url("small")


def restart(server: postgres.Server) -> None:
    """The same cluster on the same port, as whoever keeps it would start it."""
    with (server.folder / "log").open("ab") as log:
        server.process = subprocess.Popen(
            server.process.args,  # type: ignore[arg-type]
            cwd=server.folder,
            env=postgres._environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    postgres._wait(server)
