"""`backup`, `restore`, `move-database`: seconds of CPU and of the clock, memory and room.

python bench/keeping.py [--households 14000] [--data FOLDER]

Makes the sample, or takes a copy of the database of a data folder; backs it up with and without proving it, restores it
into SQLite and into a PostgreSQL of its own, moves it there and back. Every command runs as an operator runs it, in a
process of its own, and proves by itself that nothing was lost: one that does not ends the bench.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests import postgres

CHECKOUT = Path(__file__).resolve().parents[1]
MB = 1e6


@dataclass(frozen=True, slots=True)
class Usage:
    """What a command took: seconds, CPU seconds of its own process, most memory in MB."""

    seconds: float
    cpu_s: float
    peak_mb: float


def run(data: Path, *arguments: str, database: str = "") -> Usage:
    """A command on a data folder and, where an address is given, on a PostgreSQL. Ends the program where it fails."""
    environment = {**os.environ, "MAPPER_DATA_DIR": str(data), "MAPPER_DATABASE_URL": database, "MAPPER_LANGUAGE": "en"}
    start = time.perf_counter()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            [sys.executable, "server.py", *arguments], cwd=CHECKOUT, env=environment, stdout=said, stderr=said
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - start
        if process.returncode:
            said.seek(0)
            sys.exit(said.read().decode(errors="replace"))
    return Usage(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--households", type=int, default=14_000)
    parser.add_argument("--data", type=Path, help="data folder with a SQLite database to take a copy of")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="keeping-") as name:
        folder = Path(name)
        data = folder / "data"
        data.mkdir()
        if asked.data is None:
            run(data, "sample", "--households", str(asked.households))
        else:
            shutil.copy(asked.data / "tungnha.sqlite3", data)
        measure(folder, data)


def measure(folder: Path, data: Path) -> None:
    """Every command in turn, a line each."""
    file = folder / "b.tungnha.zip"
    nothing = run(data, "--help")
    print(f"database {(data / 'tungnha.sqlite3').stat().st_size / MB:.0f} MB; load {os.getloadavg()[0]:.1f}")
    print(f"{'command':44}{'clock s':>10}{'CPU s':>10}{'most MB':>10}")
    tell("--help (start alone)", nothing)
    tell("backup", run(data, "backup", str(file)))
    tell("backup --verify", run(data, "backup", str(folder / "c.tungnha.zip"), "--verify"))
    tell("restore into SQLite", run(folder / "restored", "restore", str(file)))
    server = postgres.start()
    try:
        with server.database() as url:
            tell("restore into PostgreSQL", run(folder / "other", "restore", str(file), database=url))
            tell("backup of PostgreSQL", run(folder / "other", "backup", str(folder / "d.zip"), database=url))
        with server.database() as url:
            tell("move-database SQLite -> PostgreSQL", run(data, "move-database", "--to", url))
            back = f"sqlite:///{folder / 'back.sqlite3'}"
            tell("move-database PostgreSQL -> SQLite", run(data, "move-database", "--to", back, database=url))
    finally:
        server.stop()
    print(f"backup {file.stat().st_size / MB:.0f} MB; load {os.getloadavg()[0]:.1f}")


def tell(command: str, usage: Usage) -> None:
    """A line of the table."""
    print(f"{command:44}{usage.seconds:10.1f}{usage.cpu_s:10.1f}{usage.peak_mb:10.0f}", flush=True)


if __name__ == "__main__":
    main()
