"""The pages that a supervisor of a province of 1,000,000 people opens, as the server makes them.

python bench/supervisor_pages.py [--people 1000000] [--hamlets 2500] [--communes 150] [--database-url postgres]
                                 [--keep FOLDER] [--only targets] [--times 10] [--standing]

Writes the tallies of such a province as ``bench/coverage.py`` does, signs a supervisor in whose area is all of its
districts, and asks each page over HTTP in this process, HTML and compression included, in four situations: a process
has just started over a database whose sums an earlier one kept ("cold"), it has since summed what it sums beside its
first requests ("first"), households of twenty hamlets were counted since the last answer ("counted"), and nothing was
("again"). Prints the median and the slowest wall time and the least
CPU time, in milliseconds, the bytes sent, and by how much the cores were slower than quiet meanwhile. A page that is
not there is left out.
"""

from __future__ import annotations

import argparse
import re
import secrets
import sys
import time
from collections.abc import Iterator
from datetime import date
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.coverage import fill
from bench.province import add_place, opened, settle, timed
from bench.service import SET_ID
from mapper.domain.household import HOUSE_COUNTS
from mapper.services import accounts, warming
from mapper.services.reference import Reference
from mapper.settings import Settings
from mapper.store import tallies
from mapper.web.installation import Installation
from server import create_app

AIM_MS = 300
NAME = "supervisor"
DAY = date(2022, 10, 5)
"""The day of the latest visit, with which pages open."""
ASKED = f"campaign=covid19&set={SET_ID}&group=18_plus&dose=booster1&date={DAY}"
OTHER = ASKED.replace(str(DAY), "2022-03-03")
"""A day that nobody opened, months before."""
COMMUNE = "00070"
PAGES = (
    ("targets", f"/targets?{ASKED}"),
    ("targets", f"/targets?{ASKED}&level=commune"),
    ("targets", f"/targets?{ASKED}&level=hamlet"),
    ("targets", f"/targets?{ASKED}&area=commune:{COMMUNE}"),
    ("trends", f"/trends?{ASKED}"),
    ("reasons", f"/reasons?{ASKED}"),
    ("report", f"/report?{ASKED}"),
    ("report", f"/report?{ASKED}&area=commune:{COMMUNE}"),
    ("people", f"/people?{ASKED}&state=due&area=commune:{COMMUNE}"),
    ("hot-spots", f"/hot-spots?{ASKED}"),
    ("targets", f"/targets?{OTHER}"),
    ("trends", f"/trends?{OTHER}"),
    ("report", f"/report?{OTHER}"),
    ("map", f"/map?{ASKED}"),
    ("map", f"/api/coverage?{ASKED}&level=hamlet"),
    ("map", f"/api/coverage?{ASKED}&level=commune"),
)


class Desk:
    """A supervisor's browser, and what makes the server forget or notice that something was counted."""

    def __init__(self, settings: Settings, reference: Reference) -> None:
        self.settings, self.reference = settings, reference
        self.app = create_app(settings, reference)
        self.client = self.app.test_client()
        with reference.database.read() as connection:
            places = reference.known(connection).sets[SET_ID]
            districts = [f"{SET_ID}:{unit.code}" for unit in places.at_level("district")]
            self.cells = [row[0] for row in tallies.houses(reference.database, connection, "covid19", None)]
        password = secrets.token_urlsafe(12)
        accounts.add_user(reference, NAME, "supervisor", districts, password)
        token = re.search(r'name="csrf_token" value="([^"]+)"', self.client.get("/sign-in").text)
        assert token is not None
        typed = {"csrf_token": token[1], "name": NAME, "password": password}
        assert self.client.post("/sign-in", data=typed).status_code == 302

    def forget(self) -> None:
        """Nothing was ever asked of this process; reference data stay."""
        fresh = Reference(self.reference.database)
        for name in ("states", "latest", "houses", "lists"):
            setattr(self.reference, name, getattr(fresh, name))
        self.app.extensions["mapper"] = Installation(self.settings, self.reference)

    def start(self) -> None:
        """A process has started, and has summed what it sums beside its first requests."""
        self.forget()
        warming.warm(self.reference)

    def count(self) -> None:
        """Households of so many hamlets as twenty phones visit are counted, to the same figures as before."""
        some = self.cells[:: max(1, len(self.cells) // 20)]
        changed = {("covid19", cell, DAY.toordinal()): [0] * len(HOUSE_COUNTS) for cell in some}
        with self.reference.database.write() as connection:
            tallies.add(self.reference.database, connection, [], changed)

    def open(self, path: str) -> int:
        """Status and bytes of a page."""
        answer = self.client.get(path, headers={"Accept-Encoding": "br"})
        if answer.status_code != 200:
            raise RuntimeError(f"{path}: {answer.status_code}")
        return len(answer.data)

    def pages(self, only: str) -> Iterator[str]:
        """The pages that are there."""
        for name, path in PAGES:
            if only in ("", name) and self.client.get(path).status_code == 200:
                yield path

    def rest(self) -> None:
        """Until what works beside the pages is done."""
        for _ in range(600):
            answer = self.client.get(f"/hot-spots/progress?{ASKED}")
            if answer.status_code != 200 or answer.get_json()["stage"] not in ("waiting", "running"):
                return
            time.sleep(0.5)


def main() -> None:
    """Fill, sign in, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--hamlets", type=int, default=2500)
    parser.add_argument("--communes", type=int, default=150)
    parser.add_argument("--patterns", type=int, default=250, help="hamlets worked out house by house")
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--processes", type=int, default=2, help="that work out the tallies")
    parser.add_argument("--only", default="", help="pages of this name alone")
    parser.add_argument("--standing", action="store_true", help="leave out what is asked of a process just started")
    add_place(parser)
    options = parser.parse_args()
    with opened(options, lambda reference: fill(reference, options)) as (settings, reference):
        warming.warm(reference)
        desk = Desk(settings, reference)
        pages = list(desk.pages(options.only))
        desk.rest()
        starts = (("cold", desk.forget), ("first", desk.start))
        situations = (*(() if options.standing else starts), ("counted", desk.count), ("again", lambda: None))
        yardstick = settle()
        print("milliseconds: median, slowest wall time, least CPU" + "".join(f"{name:>28}" for name, _ in situations))
        worst = 0.0
        for path in pages:
            sent = desk.open(path)
            desk.rest()
            row = [timed(before, partial(desk.open, path), options.times) for _, before in situations]
            desk.rest()
            shown = path.replace(f"{ASKED}", "…")
            print(f"{shown:38}{sent:9,} B " + "".join(f"{m:12.0f}{s:8.0f}{c:8.0f}" for m, s, c in row), flush=True)
            worst = max(worst, max(m for (m, *_), (name, _) in zip(row, situations, strict=True) if name != "cold"))
        print(f"cores {yardstick.slower():.2f} times slower than quiet")
        print(f"slowest median but for cold: {worst:.0f} ms, aim below {AIM_MS} ms")


if __name__ == "__main__":
    main()
