"""Attack the readers of what comes from outside, the API by its own description, and every page and form.

python bench/attack.py [--minutes 10] [--only multipart,instance] [--first 1]

Each reader of ``tests/attacks.py`` gets spoiled files for so many minutes of its own (14 readers: 10 minutes each are
140), in rounds of 200 whose numbers begin with ``--first``, so that a fault can be met again; then the addresses under
``/api`` are asked by schemathesis for as long, by a supervisor's key, over two communes; then an administrator in a
browser asks every address, and sends every form, with odd values (``tests/web/page_attack.py``). Prints inputs, CPU
seconds and the highest memory by reader, and every fault; ends with 1 where there was one. A process may take 4 GB.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.web.every_role import World

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

ROUND = 200
QUESTIONS = 5000
MOST_MEMORY = 4_000_000_000


def main() -> int:
    """Attack, and say what was found."""
    from tests.attacks import attack, targets

    asked = argparse.ArgumentParser(description="Attack the readers and the API.")
    asked.add_argument("--minutes", type=float, default=10)
    asked.add_argument("--only", default="")
    asked.add_argument("--first", type=int, default=1)
    told = asked.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    faults = 0
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        wanted = told.only.split(",") if told.only else [*targets(folder), *SERVED]
        for name in wanted:
            if name in SERVED:
                faults += SERVED[name](folder, told.minutes, told.first)
                continue
            target, rounds, until = targets(folder)[name], 0, time.monotonic() + told.minutes * 60
            before, wrong = time.process_time(), 0
            while time.monotonic() < until:
                try:
                    attack(target, ROUND, told.first + rounds)
                except Exception as fault:
                    wrong += 1
                    print(
                        f"  {name}, round {told.first + rounds}: {type(fault).__name__}: {str(fault)[:300]}", flush=True
                    )
                rounds += 1
            _say(name, rounds * ROUND, before, wrong)
            faults += wrong
    return 1 if faults else 0


def _api(folder: Path, minutes: float, first: int) -> int:
    from mapper.settings import Settings
    from server import create_app, open_reference
    from tests.api_attack import ask_all
    from tests.client.site import fill_database

    settings = Settings(data_dir=folder, database_url=f"sqlite:///{folder / 'site.sqlite3'}")
    fill_database(f"sqlite:///{folder / 'site.sqlite3'}", folder)
    reference = open_reference(settings)
    app = create_app(settings, reference)
    before, rounds, wrong, until = time.process_time(), 0, 0, time.monotonic() + minutes * 60
    while time.monotonic() < until:
        for fault in ask_all(app, reference, 20, first + rounds):
            wrong += 1
            print(f"  api, round {first + rounds}: {fault}", flush=True)
        rounds += 1
    _say("api (rounds of 20 an address)", rounds, before, wrong)
    return wrong


def _pages(folder: Path, minutes: float, first: int) -> int:
    from mapper.settings import Settings
    from tests.client.site import fill_database, running
    from tests.web.every_role import world

    folder = Path(tempfile.mkdtemp(dir=folder))
    url = f"sqlite:///{folder / 'site.sqlite3'}"
    fill_database(url, folder)
    settings = Settings(data_dir=folder, chunk_mb=1, max_submission_mb=4)
    with running(settings, url) as site:
        here = world(site, folder / "site.sqlite3", folder)
    rounds, wrong, until = 0, 0, time.monotonic() + minutes * 60
    seen: Counter[int] = Counter()
    # A round has a process of its own, which begins where something of everything is still there.
    with ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1) as pool:
        while time.monotonic() < until:
            found, statuses = pool.submit(_round, here, first + rounds).result()
            seen.update(statuses)
            wrong += len(found)
            for fault in found:
                print(f"  pages, round {first + rounds}: {fault}", flush=True)
            rounds += 1
    told = ", ".join(f"{number} times {status}" for status, number in sorted(seen.items()))
    print(f"pages: {rounds} rounds, {seen.total()} questions ({told}), {wrong} faults", flush=True)
    return wrong


def _round(here: World, number: int) -> tuple[list[str], dict[int, int]]:
    from tests.web.every_role import walk
    from tests.web.page_attack import attack_pages

    seen: dict[int, int] = {}
    with tempfile.TemporaryDirectory() as folder, walk(here, Path(folder), "admin") as walker:
        return list(attack_pages(walker, number, QUESTIONS, seen)), seen


SERVED = {"api": _api, "pages": _pages}


def _say(name: str, inputs: int, before: float, wrong: int) -> None:
    seconds, memory = time.process_time() - before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1000
    print(f"{name}: {inputs} inputs, {seconds:.0f} s of CPU, at most {memory} MB so far, {wrong} faults", flush=True)


if __name__ == "__main__":
    sys.exit(main())
