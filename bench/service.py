"""The product as an operator runs it: commands and a server in processes of their own, their CPU and memory counted.

CPU is read from /proc (Linux): user and system time of a process, of its children that ended, and of those alive.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from mapper.geo.approximate import approximate_set

CHECKOUT = Path(__file__).resolve().parents[1]
TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
SET_ID = "bench"


@dataclass(frozen=True, slots=True)
class Installation:
    """A data folder and a database with their settings; empty until something is published.

    database_pid: of the PostgreSQL that was started for it. sealed: whether names are sealed with a key of its own.
    """

    data_dir: Path
    database_url: str
    database_pid: int | None = None
    sealed: bool = False

    @property
    def environment(self) -> dict[str, str]:
        """Settings for commands and the server; nothing of the caller's own MAPPER_* reaches them."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith("MAPPER_")}
        own = {"MAPPER_DATA_DIR": str(self.data_dir), "MAPPER_DATABASE_URL": self.database_url}
        key = {"MAPPER_FIELD_KEY": str(self.data_dir / "field.key"), "MAPPER_MEMORY_DIR": str(self.data_dir)}
        return clean | own | (key if self.sealed else {})

    def command(self, *words: str, **settings: str) -> str:
        """Run ``python server.py WORDS`` and return what it printed. settings: more environment variables."""
        done = subprocess.run(
            [sys.executable, "server.py", *words],
            cwd=CHECKOUT,
            env=self.environment | settings,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        return done.stdout

    def token(self, name: str, role: str, *areas: str) -> str:
        """The token of a new user."""
        words = [word for area in areas for word in ("--area", area)]
        return str(json.loads(self.command("users", "add", name, "--role", role, *words, "--json"))["token"])


@contextmanager
def installation(database_url: str = "", folder: Path | None = None) -> Iterator[Installation]:
    """An installation in a folder of its own, gone afterwards unless the folder is given.

    database_url: "" for SQLite in that folder, "postgres" for a server like the tests' own, or any address.
    """
    with ExitStack() as stack:
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tungnha-bench-")))
        folder.mkdir(parents=True, exist_ok=True)
        if database_url == "postgres":
            from tests import postgres

            server = postgres.start()
            stack.callback(server.stop)
            database_url = stack.enter_context(server.database())
            yield Installation(folder, database_url, server.process.pid)
            return
        yield Installation(folder, database_url)


def import_sample_outlines(here: Installation) -> None:
    """The sample district's communes as a boundary set, so that every household is placed by its point."""
    geodata = CHECKOUT / "geodata"
    file = here.data_dir / "communes.geojson"
    file.write_bytes(approximate_set(geodata / "bach_thong_communes.csv", geodata / "bach_thong_outline.geojson"))
    here.command("boundaries", "import", str(file), "--id", SET_ID, "--label", "Communes", "--approximate")


@dataclass(frozen=True, slots=True)
class Serving:
    """A running server: its address and its process."""

    url: str
    pid: int


@contextmanager
def serving(here: Installation, workers: int = 1, threads: int = 8) -> Iterator[Serving]:
    """``python server.py serve`` on a free port; stopped at the end."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = ["serve", "--port", str(port), "--workers", str(workers), "--threads", str(threads)]
    with (here.data_dir / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "server.py", *words], cwd=CHECKOUT, env=here.environment, stdout=log, stderr=log
        )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait(url, process, here.data_dir / "server.log")
        yield Serving(url, process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    give_up = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(f"{url}/sign-in", timeout=5):
                return
        except OSError:
            if process.poll() is not None or time.monotonic() > give_up:
                sys.exit(f"the server did not start:\n{log.read_text()}")
            time.sleep(0.1)


def tree(pid: int) -> set[int]:
    """A process and all below it."""
    found = {pid}
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found |= tree(int(child))
    return found


def cpu_ms(pids: Iterable[int]) -> float:
    """User and system time of these processes and all below them, in milliseconds."""
    ticks = 0
    for one in set().union(*(tree(pid) for pid in pids)):
        # utime, stime and those of children that ended: fields 14 to 17, counted behind the name in brackets.
        fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        ticks += sum(map(int, fields[11:15]))
    return ticks * 1000 / TICKS
