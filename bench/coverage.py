"""Coverage of every hamlet of a province of 1,000,000 people, from tallies.

python bench/coverage.py [--people 1000000] [--hamlets 2500] [--communes 150] [--database-url postgres] [--keep FOLDER]

Writes the tallies that the intake of these people would have left: for --patterns hamlets worked out household by
household with the ledger's own steps and added up in memory; the other hamlets repeat one of these some days later.
Then asks, with the service itself and over HTTP (JSON, compressed), each question in four situations: nothing was ever
summed ("never summed"), a process has just started over a database whose sums an earlier one kept ("first"),
households of some hamlets were counted since the last answer ("counted"), and nothing was ("again"). Prints the median
and the slowest wall time and the least CPU time, in milliseconds, and by how much the cores were slower than quiet
meanwhile. --keep leaves the database for the next run.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from datetime import date
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.households import Hamlet, Inventor
from bench.intake import told
from bench.province import SIDE, SOUTH, WEST, add_place, opened, province, settle, timed
from bench.service import CHECKOUT, SET_ID
from mapper.domain.campaign import Campaign
from mapper.domain.household import HOUSE_COUNTS, house_counts, household_moves
from mapper.domain.ledger import INSIDE, MOVES, State
from mapper.domain.people import Outcome, Point, Visit
from mapper.domain.roles import Role
from mapper.formats.campaign import read_campaign
from mapper.services import accounts, boundaries, questions, reporting, warming
from mapper.services.kept_states import KeptStates
from mapper.services.reference import Reference
from mapper.settings import Settings
from mapper.store import reference as kept
from mapper.store import tables, tallies
from mapper.web.installation import Installation
from server import create_app

AIM_MS = 100
ASKED = (
    ("18_plus", "1", date(2022, 9, 8)),
    ("18_plus", "2", date(2021, 12, 31)),
    ("18_plus", "booster1", date(2022, 9, 8)),
    ("18_plus", "booster1", date(2023, 6, 30)),
    ("5_11", "2", date(2022, 9, 8)),
    ("65_plus", "booster2", date(2022, 9, 8)),
)
Offset = tuple[int, int]
"""Communes to the east and to the north of the hamlet's own, where some of its houses stand."""
States = dict[tuple[int, int], list[int]]


def tally(task: tuple[Campaign, Hamlet, int]) -> dict[Offset, States]:
    """What a hamlet's households add up to, by place; houses stand under the series -1. task: the last is a number."""
    campaign, hamlet, first = task
    inventor = Inventor(campaign, [hamlet])
    column, row = int((hamlet.lon - WEST) / SIDE), int((hamlet.lat - SOUTH) / SIDE)
    places: dict[Offset, States] = {}
    for number in range(first, first + hamlet.households):
        answers, people = inventor.household(number)
        visited, point = answers["visit.date"], answers["household.point"]
        assert isinstance(visited, date)
        assert isinstance(point, Point)
        visit = Visit("", visited, Outcome.INTERVIEWED, people=tuple(told(one, visited) for one in people))
        offset = int((point.lon - WEST) / SIDE) - column, int((point.lat - SOUTH) / SIDE) - row
        into = places.setdefault(offset, {})
        moves = household_moves(visit, campaign)
        for series, on, move in zip(moves[::3], moves[1::3], moves[2::3], strict=True):
            states = into.setdefault((series, on), [0] * len(INSIDE))
            left, entered = MOVES[move]
            if left:
                states[INSIDE.index(left)] -= 1
            if entered:
                states[INSIDE.index(entered)] += 1
        day = visited.toordinal()
        houses = into.get((-1, day), [0] * len(HOUSE_COUNTS))
        into[-1, day] = [a + b for a, b in zip(houses, house_counts(visit), strict=True)]
    return places


def fill(reference: Reference, options: argparse.Namespace) -> None:
    """Campaign, communes, hamlets, cells and tallies."""
    toml = (CHECKOUT / "forms" / "covid19" / "campaign.toml").read_text("utf-8")
    campaign = read_campaign(toml)
    units, hamlets = province(options.communes, options.hamlets, options.people // 4)
    models = [(campaign, hamlet, 1000 * number) for number, hamlet in enumerate(hamlets[: options.patterns])]
    database = reference.database
    with database.write() as connection:
        series = [(group.code, dose.code) for group, dose in campaign.series]
        kept.save_campaign(database, connection, campaign.id, toml, series, "2022-09-08T00:00:00+00:00")
        lists = [
            kept.Hamlet(h.code, f"Thôn {h.code}", h.commune, round(hamlets[n % len(models)].households / 0.95))
            for n, h in enumerate(hamlets)
        ]
        kept.save_hamlets(database, connection, lists)
        kept.raise_revision(database, connection)
    boundaries.add_set(reference, boundaries.SetFacts(SET_ID, "Province"), ["district", "commune"], units)
    communes = {unit.unit.code for unit in units if unit.unit.level == "commune"}
    columns = round(options.communes**0.5)
    start = time.perf_counter()
    with multiprocessing.get_context("fork").Pool(options.processes) as pool:
        patterns = pool.map(tally, models, chunksize=5)
    rows = households = 0
    first = campaign.start.toordinal()
    with database.write() as connection:
        numbers = reference.known(connection).series[campaign.id]
        for number, hamlet in enumerate(hamlets):
            people: dict[tuple[int, int, int], list[int]] = {}
            houses: tallies.HouseChanges = {}
            later = number // len(models) * 3 % 60
            own = int(hamlet.commune)
            for (east, north), states in patterns[number % len(models)].items():
                found = f"{own + north * columns + east:05d}"
                unit = found if found in communes else hamlet.commune
                cell = tallies.cell(database, connection, hamlet.code, hamlet.commune, {SET_ID: unit})
                for (one, day), row in states.items():
                    # What was before the campaign stands on its first day, in every hamlet.
                    moved = day if day == first else day + later
                    if one < 0:
                        houses[campaign.id, cell, moved] = row
                        households += row[0]
                    else:
                        people[cell, numbers[one], moved] = row
            tallies.add(database, connection, [[(*key, *people[key]) for key in sorted(people)]], houses)
            rows += len(people)
            if number % 250 == 249:
                print(f"{number + 1} of {len(hamlets)} hamlets", file=sys.stderr, flush=True)
    print(
        f"{households:,} households, {len(hamlets):,} hamlets in {len(communes)} communes, {rows:,} tallies: "
        f"filled in {time.perf_counter() - start:.0f} s"
    )


class Asking:
    """The product with its questions, and what makes it forget or notice that something was counted."""

    def __init__(self, settings: Settings, reference: Reference) -> None:
        self.settings, self.reference = settings, reference
        self.user = accounts.User(0, "bench", Role.ADMINISTRATOR, (), 0)
        self.app = create_app(settings, reference)
        self.client = self.app.test_client()
        token = accounts.add_user(reference, "reader", "administrator", [], None).token
        self.headers = {"Authorization": f"Bearer {token}", "Accept-Encoding": "br"}
        with reference.database.read() as connection:
            self.cells = [row[0] for row in tallies.houses(reference.database, connection, "covid19", None)]

    def forget(self) -> None:
        """Nothing was ever asked of this process; reference data stay."""
        self.reference.states = KeptStates()
        self.app.extensions["mapper"] = Installation(self.settings, self.reference)

    def lose(self) -> None:
        """Nor was anything ever summed and kept by another process."""
        self.forget()
        with self.reference.database.write() as connection:
            connection.execute(tables.tally_sums.delete())

    def keep(self) -> None:
        """What a server does beside its first requests; then its process ends."""
        start = time.process_time()
        series = warming.warm(self.reference)
        print(f"{series} series summed and kept beforehand, CPU {time.process_time() - start:.1f} s")
        self.forget()

    def count(self) -> None:
        """Households of so many hamlets as twenty phones visit are counted, to the same figures as before."""
        day = date(2022, 9, 8).toordinal()
        some = self.cells[:: max(1, len(self.cells) // 20)]
        changed = {("covid19", cell, day): [0] * len(HOUSE_COUNTS) for cell in some}
        with self.reference.database.write() as connection:
            tallies.add(self.reference.database, connection, [], changed)

    def service(self, group: str, dose: str, day: date, level: str) -> reporting.Answer:
        """The figures, as a page or another service asks for them."""
        return reporting.coverage(
            self.reference, self.user, questions.Question("covid19", group, dose, day, level, SET_ID)
        )

    def http(self, group: str, dose: str, day: date, level: str) -> int:
        """The same as JSON, as a program asks; bytes sent."""
        address = f"/api/coverage?campaign=covid19&set={SET_ID}&level={level}&group={group}&dose={dose}&date={day}"
        answer = self.client.get(address, headers=self.headers)
        if answer.status_code != 200:
            sys.exit(f"{address}: {answer.status_code}")
        return len(answer.data)


def ask(asking: Asking, times: int) -> float:
    """Every question in every situation; the slowest median of a first answer for hamlets, over HTTP."""
    situations = (("first", asking.forget), ("counted", asking.count), ("again", lambda: None))
    asking.keep()
    print("milliseconds: median, slowest wall time, least CPU" + "".join(f"{name:>28}" for name, _ in situations))
    worst = 0.0
    for group, dose, day in ASKED:
        for level in (questions.HAMLET, "commune"):
            asked = group, dose, day, level
            answer = asking.service(*asked)
            asking.http(*asked)
            shares = f"{answer.total.states[State.VACCINATED]:,} of {answer.total.eligible:,}"
            print(f"{group} {dose} on {day}: {len(answer.units)} {level}s, {shares}")
            for name, work in (("service", asking.service), ("HTTP", asking.http)):
                row = [timed(before, partial(work, *asked), times) for _, before in situations]
                print(f"    {name:46}" + "".join(f"{m:12.1f}{s:8.1f}{c:8.1f}" for m, s, c in row), flush=True)
                if name == "HTTP" and level == questions.HAMLET:
                    worst = max(worst, row[0][0])
    print("never summed, all hamlets over HTTP")
    for group, dose, day in ASKED:
        work = partial(asking.http, group, dose, day, questions.HAMLET)
        median, slowest, least = timed(asking.lose, work, times)
        print(f"    {f'{group} {dose} on {day}':46}{median:12.1f}{slowest:8.1f}{least:8.1f}", flush=True)
    return worst


def main() -> None:
    """Fill, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--hamlets", type=int, default=2500)
    parser.add_argument("--communes", type=int, default=150)
    parser.add_argument("--patterns", type=int, default=250, help="hamlets worked out house by house")
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--processes", type=int, default=2, help="that work out the tallies")
    add_place(parser)
    options = parser.parse_args()
    with opened(options, lambda reference: fill(reference, options)) as (settings, reference):
        asking = Asking(settings, reference)
        yardstick = settle()
        worst = ask(asking, options.times)
        slower = yardstick.slower()
        print(f"cores {slower:.2f} times slower than quiet")
        print(f"slowest median of a first answer for all hamlets, over HTTP: {worst:.0f} ms, aim below {AIM_MS} ms")


if __name__ == "__main__":
    main()
