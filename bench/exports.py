"""Lists of a province of 1,000,000 people as files, and its filter's count, from the copy of the register as columns.

python bench/exports.py [--people 1000000] [--hamlets 2500] [--communes 150] [--workbook 100000] [--times 5]
                        [--database-url postgres] [--keep FOLDER]

Writes such a copy, without the register that it would be one of: households and people of some hamlets again and again.
Then counts a filter of an age, a sex, a state and a vaccine, writes everybody as CSV and GeoParquet, and so many as
a workbook, GeoPackage and GeoJSON. Prints seconds, the most memory held, how much it grew meanwhile at its most, the
aims (500 ms for the count of 1,000,000, 20 s for their CSV, 30 s for a workbook of 100,000), how slow the cores were.
"""

from __future__ import annotations

import argparse
import gc
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.households import Hamlet, Inventor
from bench.intake import told
from bench.province import add_place, opened, province, settle, timed
from bench.service import CHECKOUT, SET_ID
from mapper.domain.campaign import Campaign
from mapper.domain.ledger import State
from mapper.domain.people import Point
from mapper.domain.people_filter import PeopleFilter
from mapper.domain.roles import Role
from mapper.formats.campaign import read_campaign
from mapper.services import boundaries, people_copy
from mapper.services.accounts import User
from mapper.services.exporting import Wish, make
from mapper.services.filtered import FilterQuestion, filtered
from mapper.services.reference import Reference
from mapper.store import reference as kept
from mapper.store import tables, tallies
from mapper.store.column_conditions import PERSON
from mapper.store.columns import CELLS_A_FILE, Rows

EVERYBODY = User(0, "bench", Role.ADMINISTRATOR, (), 0)
DAY = date(2022, 9, 8)
PATTERNS = 12
"""Hamlets whose households are invented; the others are theirs again."""

Hamlets = dict[int, tuple[Hamlet, int]]
"""By cell its hamlet and which pattern its households are of."""


def fill(reference: Reference, options: argparse.Namespace) -> None:
    """Campaign, communes, hamlets, their cells with numbers of people, and the copy."""
    toml = (CHECKOUT / "forms" / "covid19" / "campaign.toml").read_text("utf-8")
    campaign = read_campaign(toml)
    units, hamlets = province(options.communes, options.hamlets, round(options.people / 3.35))
    database, begun = reference.database, time.perf_counter()
    boundaries.add_set(reference, boundaries.SetFacts(SET_ID, "Province"), ["district", "commune"], units)
    patterns = [pattern(campaign, hamlet, 1000 * place) for place, hamlet in enumerate(hamlets[:PATTERNS])]
    cells: Hamlets = {}
    with database.write() as connection:
        series = [(group.code, dose.code) for group, dose in campaign.series]
        kept.save_campaign(database, connection, campaign.id, toml, series, "2022-09-08T00:00:00+00:00")
        listed = [kept.Hamlet(h.code, f"Thôn {h.code}", h.commune, h.households) for h in hamlets]
        kept.save_hamlets(database, connection, listed)
        kept.raise_revision(database, connection)
        totals = []
        for place, hamlet in enumerate(hamlets):
            cell = tallies.cell(database, connection, hamlet.code, hamlet.commune, {SET_ID: hamlet.commune})
            cells[cell] = hamlet, place % PATTERNS
            houses, people = patterns[place % PATTERNS][0], patterns[place % PATTERNS][1]
            counted = {"visited": len(houses), "interviewed": len(houses), "people": len(people)}
            others = dict.fromkeys(("vacant", "refused", "closed"), 0)
            totals.append({"campaign_id": campaign.id, "cell_id": cell, "changes": 1, **counted, **others})
        connection.execute(tables.house_totals.insert(), totals)
    copy = people_copy.copy_of(reference)
    with database.read() as connection:
        state = copy._state(reference, connection, reference.known(connection), campaign.id)
    copy.columns.write(campaign.id, state.made_of, files(cells, patterns))
    people = sum(row["people"] for row in totals)
    print(f"{people:,} people in {len(hamlets):,} hamlets: filled in {time.perf_counter() - begun:.0f} s", flush=True)


Pattern = tuple[list[list[Any]], list[list[Any]], list[list[Any]], list[list[Any]]]
"""Rows of houses, people, doses and standings of a hamlet, numbered from 1."""


def pattern(campaign: Campaign, hamlet: Hamlet, first: int) -> Pattern:
    """A hamlet's rows as its households were invented."""
    inventor = Inventor(campaign, [hamlet])
    houses: list[list[Any]] = []
    people: list[list[Any]] = []
    doses: list[list[Any]] = []
    standings: list[list[Any]] = []
    for house in range(1, hamlet.households + 1):
        answers, said = inventor.household(first + house)
        day, point = answers["visit.date"], answers["household.point"]
        assert isinstance(day, date) and isinstance(point, Point)
        number, order = str(house), people_copy.number_order(str(house))
        houses.append(
            [
                *(house, 0, "", "", day, "interviewed", number, order, "Nông Văn Nam", " nong van nam", None, ""),
                *(point.lat, point.lon, 5.0, "usable", None, ""),
            ]
        )
        for position, one in enumerate(said):
            person = told(one, day)
            at = house * PERSON + position
            name, sex = str(one["person.name"]), str(one["person.sex"])
            people.append(
                [
                    *(at, house, 0, "", name, people_copy._folded(name), person.born_on, person.birth_precision, sex),
                    *(str(person.residence), person.away_place, list(person.priorities), person.contraindicated),
                    *(person.contraindication, person.deferred_until, person.deferral_reason, person.infected_on),
                    *(person.refused, person.refusal_reason, person.vaccination_unknown, person.reported_on),
                ]
            )
            for place, dose in enumerate(person.doses):
                doses.append(
                    [at, 0, place, dose.code, dose.given_on, dose.vaccine, dose.lot, dose.place, dose.evidence]
                )
            way = people_copy.standings(person, campaign)
            each = people_copy.STANDING
            standings += [[at, 0, *way[first : first + each]] for first in range(0, len(way), each)]
    return houses, people, doses, standings


def files(cells: Hamlets, patterns: Sequence[Pattern]) -> Iterator[tuple[int, Mapping[int, int], Rows]]:
    """The copy's files, their rows those of a pattern under other numbers."""
    for number in sorted({cell // CELLS_A_FILE for cell in cells}):
        held = [cell for cell in sorted(cells) if cell // CELLS_A_FILE == number]
        rows: dict[str, list[Sequence[Any]]] = {name: [] for name in ("houses", "people", "doses", "standings")}
        for cell in held:
            houses, people, doses, standings = patterns[cells[cell][1]]
            shift = cell * 10_000
            far = shift * PERSON
            for row in houses:
                seq = row[0] + shift
                rows["houses"].append((seq, cell, f"house-{seq}", f"uuid:{seq}", *row[4:]))
            for row in people:
                rows["people"].append((row[0] + far, row[1] + shift, cell, f"person-{row[0] + far}", *row[4:]))
            rows["doses"] += [(row[0] + far, cell, *row[2:]) for row in doses]
            rows["standings"] += [(row[0] + far, cell, *row[2:]) for row in standings]
        rows["standings"].sort(key=lambda row: (row[2], row[0]))
        yield number, dict.fromkeys(held, 1), rows


class Grown:
    """How much memory the process holds at its most while something is done, MB. held: in all."""

    def __enter__(self) -> Grown:
        gc.collect()
        self._before, self.held, self._ends = _held(), 0.0, threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()
        return self

    def _look(self) -> None:
        while not self._ends.wait(0.05):
            self.held = max(self.held, _held())

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        self._thread.join()

    @property
    def most(self) -> float:
        """By how much it grew."""
        return max(0.0, self.held - self._before)


def _held() -> float:
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * 4096 / 1e6


def main() -> None:
    """Fill, count, write, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--hamlets", type=int, default=2500)
    parser.add_argument("--communes", type=int, default=150)
    parser.add_argument("--workbook", type=int, default=100_000)
    parser.add_argument("--times", type=int, default=5)
    add_place(parser)
    options = parser.parse_args()
    with opened(options, lambda reference: fill(reference, options)) as (_, reference):
        chosen = PeopleFilter(
            group="18_plus",
            dose="booster1",
            states=frozenset({State.DUE, State.WAITING}),
            sexes=("female",),
            age_from=30,
            vaccines=("astrazeneca",),
        )
        counted: list[int] = []

        def count() -> None:
            with filtered(reference, EVERYBODY, FilterQuestion("covid19", SET_ID, DAY, chosen)) as found:
                counted.append(found.count()[0])

        count()
        yardstick = settle()
        median, slowest, least = timed(lambda: None, count, options.times)
        print(
            f"count of {counted[0]:,}: median {median:.0f} ms, slowest {slowest:.0f}, least CPU {least:.0f} (aim 500)"
        )
        everybody, some = PeopleFilter(), some_of(reference, options.workbook)
        for kind, wanted, aim in (
            ("csv", some, "-"),
            ("csv", everybody, "20 s"),
            ("parquet", everybody, "-"),
            ("xlsx", some, "30 s"),
            ("gpkg", some, "-"),
            ("geojson", some, "-"),
        ):
            wish = Wish(FilterQuestion("covid19", SET_ID, DAY, wanted), kind, "vi", True)
            written(reference, wish, aim)
        print(f"these cores were {yardstick.slower():.2f} times slower than quiet")


def some_of(reference: Reference, people: int) -> PeopleFilter:
    """A filter of communes that has about so many people."""
    with filtered(reference, EVERYBODY, FilterQuestion("covid19", SET_ID, DAY, PeopleFilter())) as found:
        by_commune: Counter[str] = Counter()
        for cell, of_cell in found.by_cell().items():
            by_commune[found.place(cell).unit_code] += of_cell
    chosen, number = [], 0
    for code, of_commune in sorted(by_commune.items()):
        if number < people:
            chosen.append(f"commune:{code}")
            number += of_commune
    return PeopleFilter(areas=tuple(chosen))


def written(reference: Reference, wish: Wish, aim: str) -> None:
    """Write a file and print what it took."""
    work: Callable[[], Any] = lambda: make(reference, EVERYBODY, wish)  # noqa: E731
    with Grown() as grown:
        wall, cpu = time.perf_counter(), time.process_time()
        made = work()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    size = made.path.stat().st_size / 1e6
    print(
        f"{wish.kind} of {made.number:,} people: {wall:.1f} s, CPU {cpu:.1f} s (aim {aim}), {size:.0f} MB, "
        f"memory grew by {grown.most:.0f} MB to at most {grown.held:.0f} MB",
        flush=True,
    )


if __name__ == "__main__":
    main()
