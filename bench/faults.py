"""Kills and cuts of power at random moments of intake: what phones were promised is there, figures are a rebuild's.

python bench/faults.py [--kills 200] [--database sqlite|postgres|both] [--phones 6] [--seed 1]
python bench/faults.py --cuts 2000 [--forms 40]
python bench/faults.py --full 20

Kills: a real server, whose processes are all gone from one moment to the next (SIGKILL) while phones send forms, edits
and photos in pieces; every tenth moment is perhaps amid a start. It is forked from a process that has everything
imported, so that two hundred starts take no hour; with --anew each is ``python server.py serve``, started by itself.
Full: the disk of a PostgreSQL is full for so many seconds, that of its tables alone, then that of its log too.
Cuts: strace writes down what a server on SQLite does to its files, and the files are made as a cut would leave them.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests import postgres
from tests.faults.cutting import cuts, traced
from tests.faults.full_disk import run_full
from tests.faults.ground import CHECKOUT, Crowd, Ground, check, ground, nursery, sqlite_in, token_of
from tests.faults.killing import Killed, kill_at_random
from tests.faults.power_cut import why_not


class Anew(Ground):
    """An installation whose every server is ``python server.py serve``, imports and all."""

    def start(self, wait: bool = True) -> None:
        """Start a server."""
        environment = self._clean() | {
            "MAPPER_DATA_DIR": str(self.folder),
            "MAPPER_DATABASE_URL": self.database_url,
            "MAPPER_CHUNK_MB": "1",
            "MAPPER_MAX_SUBMISSION_MB": "4",
            "MAPPER_DISK_FLOOR_MB": "0",
        }
        with self.log.open("ab") as log:
            started = subprocess.Popen(
                [sys.executable, "server.py", "serve", "--port", str(self.port), "--workers", str(self.workers)],
                cwd=CHECKOUT,
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._popen = started
        self.process = started.pid
        if wait:
            self.wait()

    @staticmethod
    def _clean() -> dict[str, str]:
        """Nothing of the caller's own settings."""
        return {name: value for name, value in os.environ.items() if not name.startswith(("MAPPER_", "PROMETHEUS_"))}

    def alive(self) -> bool:
        """Whether any of its processes is still there; the first is asked how it ended, lest it stay in the list."""
        if self.process is not None:
            self._popen.poll()
        return super().alive()


def kill(database: str, kills: int, phones: int, seed: int, workers: int, anew: bool) -> None:
    """Kill so often over one database, and check what is left."""
    began = time.monotonic()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tungnha-faults-"))) / "data"
        url = sqlite_in(folder)
        if database == "postgres":
            server = postgres.start()
            stack.callback(server.stop)
            url = stack.enter_context(server.database())
        started = stack.enter_context(nursery())
        here = stack.enter_context(ground(url, folder, started, workers=workers))
        if anew:
            here = Anew(started, url, folder, workers=workers)
        crowd = Crowd(here, token_of(url), number=phones, seed=seed, photo_bytes=300_000)

        def told(done: Killed) -> None:
            if done.kills % 20 == 0:
                print(f"  {done.kills} kills, {len(crowd.promises)} forms received", flush=True)

        done = kill_at_random(here, crowd, kills, random.Random(seed), told)
        promised = sum(len(promise.files) for promise in crowd.promises.values())
        found = check(url, crowd.promises)
    print(
        f"{database}: {done.kills} kills ({done.starting} of a server not up yet), {done.in_flight} POSTs under way, "
        f"{crowd.faults} tries broken off; {len(crowd.promises)} forms and {promised} photos promised, all there; "
        f"{found.submissions} kept, {found.states}; a rebuild gives the same; refused: {len(crowd.refused)}; "
        f"{time.monotonic() - began:.0f} s"
    )
    if crowd.refused:
        sys.exit("\n".join(crowd.refused[:10]))


def fill(seconds: float, phones: int, seed: int) -> None:
    """Fill the disk of a PostgreSQL for so long, twice."""
    with nursery() as started:
        for with_log in (False, True):
            with tempfile.TemporaryDirectory(prefix="tungnha-full-") as name:
                folder = Path(name) / "data"
                seen = run_full(started, folder, with_log=with_log, phones=phones, seed=seed, full_s=seconds)
            print(
                f"postgres, {'its whole disk' if with_log else 'the disk of its tables'} full: {seen.answers_503} "
                f"tries answered 503, PostgreSQL {'ended and was started again' if seen.ended else 'stayed'}; "
                f"{seen.promised} forms promised, all there; {seen.found.states}; a rebuild gives the same"
            )


def cut(number: int, forms: int, phones: int, seed: int) -> None:
    """Trace one server, and cut its power so often."""
    if reason := why_not():
        sys.exit(reason)
    with tempfile.TemporaryDirectory(prefix="tungnha-cuts-") as name:
        trace = traced(Path(name), phones, forms)
        found = cuts(trace, number, random.Random(seed), Path(name))
        lying = cuts(trace, number // 10, random.Random(seed), Path(name), syncs=False)
    print(
        f"sqlite: {found.cuts} cuts of power among {len(trace.happened)} writes, syncs and answers: "
        f"{found.answered} answered submissions looked for, {found.lost} lost, {found.damaged} files damaged "
        f"(on a disk that syncs nothing, {lying.lost} of {lying.answered} lost)"
    )
    if found.lost or found.damaged:
        sys.exit(1)


def main() -> None:
    """Read the options and go."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--kills", type=int, default=200)
    options.add_argument("--cuts", type=int, default=0)
    options.add_argument("--full", type=float, default=0)
    options.add_argument("--database", choices=("sqlite", "postgres", "both"), default="both")
    options.add_argument("--phones", type=int, default=6)
    options.add_argument("--forms", type=int, default=40)
    options.add_argument("--workers", type=int, default=1)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--anew", action="store_true")
    asked = options.parse_args()
    if asked.full:
        fill(asked.full, asked.phones, asked.seed)
        return
    if asked.cuts:
        cut(asked.cuts, asked.forms, asked.phones, asked.seed)
        return
    for database in ("sqlite", "postgres") if asked.database == "both" else (asked.database,):
        kill(database, asked.kills, asked.phones, asked.seed, asked.workers, asked.anew)


if __name__ == "__main__":
    main()
