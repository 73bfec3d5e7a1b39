"""Lists of people, reasons and the age pyramid of a province of 1,000,000 people, from its register.

python bench/people_list.py [--people 1000000] [--hamlets 2500] [--communes 150] [--database-url postgres]
                            [--keep FOLDER] [--times 5]

Enters the households of such a province by the functions of a rebuild, those of some hamlets again and again; then asks
for the first, a middle and the last page of lists that many, few and very few people are on, for the tree of reasons
and the pyramid before anybody was read, for the reading in the background, and for all that follows from it. Prints
the median and the slowest wall time and the least CPU time in milliseconds, and by how much the cores were slower than
quiet meanwhile.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import partial
from itertools import count
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.households import Inventor
from bench.intake import told
from bench.province import add_place, opened, province, settle, timed
from bench.service import CHECKOUT, SET_ID
from mapper.domain.household import house_counts
from mapper.domain.people import Outcome, Point, Visit
from mapper.domain.roles import Role
from mapper.formats.campaign import read_campaign
from mapper.services import ages, boundaries, counting, people_list, reasons, warming, ways
from mapper.services.accounts import User
from mapper.services.counting import Entering, Gathered
from mapper.services.kept_ages import KeptAges
from mapper.services.questions import Question
from mapper.services.reference import Reference
from mapper.services.understanding import dated_steps
from mapper.services.ways import Missing
from mapper.store import reference as kept
from mapper.store import register

AIM_MS = 300
EVERYBODY = User(0, "bench", Role.ADMINISTRATOR, (), 0)
QUESTION = Question("covid19", "18_plus", "booster1", date(2022, 9, 8), "commune", SET_ID)
PATTERNS = 40
"""Hamlets whose households are invented; the others are theirs again."""
RARE = 4_001
"""One household in so many refuses for a reason of its own."""
TOGETHER = 20
"""Hamlets entered at once."""


def fill(reference: Reference, options: argparse.Namespace) -> None:
    """Campaign, communes, hamlets, and every household with its people in the register and the tallies."""
    toml = (CHECKOUT / "forms" / "covid19" / "campaign.toml").read_text("utf-8")
    campaign = read_campaign(toml)
    units, hamlets = province(options.communes, options.hamlets, round(options.people / 3.3))
    database, begun = reference.database, time.perf_counter()
    with database.write() as connection:
        series = [(group.code, dose.code) for group, dose in campaign.series]
        kept.save_campaign(database, connection, campaign.id, toml, series, "2022-09-08T00:00:00+00:00")
        rows = [kept.Hamlet(h.code, f"Thôn {h.code}", h.commune, h.households) for h in hamlets]
        kept.save_hamlets(database, connection, rows)
        kept.raise_revision(database, connection)
    boundaries.add_set(reference, boundaries.SetFacts(SET_ID, "Province"), ["district", "commune"], units)
    with database.read() as connection:
        known = reference.known(connection)
    patterns = []
    for number, hamlet in enumerate(hamlets[:PATTERNS]):
        inventor, visits = Inventor(campaign, [hamlet]), []
        for house in range(hamlet.households):
            answers, said = inventor.household(1000 * number + house)
            day, point = answers["visit.date"], answers["household.point"]
            assert isinstance(day, date) and isinstance(point, Point)
            people = tuple(
                replace(told(one, day), id=str(place), name=str(one["person.name"]), sex=str(one["person.sex"]))
                for place, one in enumerate(said)
            )
            visit = Visit("", day, Outcome.INTERVIEWED, people=people)
            visits.append((visit, point, dated_steps(known, campaign, visit), house_counts(visit)))
        patterns.append((hamlet, visits))
    numbers, total, gathered = count(1), 0, Gathered(alone=True)
    for place, hamlet in enumerate(hamlets):
        model, visits = patterns[place % PATTERNS]
        east, north = hamlet.lon - model.lon, hamlet.lat - model.lat
        with database.write() as connection:
            for house, (visit, point, steps, counts) in enumerate(visits[: hamlet.households], 1):
                seq = next(numbers)
                people = visit.people
                if seq % RARE == 0:
                    people = (replace(people[0], refusal_reason=f"reason {seq}"), *people[1:])
                there = replace(
                    visit,
                    household_id=f"house-{seq}",
                    hamlet_code=hamlet.code,
                    commune_code=hamlet.commune,
                    house_number=str(house),
                    point=replace(point, lon=point.lon + east, lat=point.lat + north),
                    people=people,
                )
                rows_of_visit = register.visit_rows(there, steps, counts)
                instance = f"uuid:{seq}"
                counting.enter(
                    reference,
                    connection,
                    known,
                    Entering(seq, campaign, instance, there.whereabouts, rows_of_visit, steps, counts, [], instance),
                    gathered,
                )
                total += len(people)
            counting.write(reference, connection, gathered)
    taken = time.perf_counter() - begun
    print(f"{total:,} people in {len(hamlets):,} hamlets: filled in {taken:.0f} s", flush=True)


def main() -> None:
    """Fill, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--hamlets", type=int, default=2500)
    parser.add_argument("--communes", type=int, default=150)
    parser.add_argument("--times", type=int, default=5)
    add_place(parser)
    options = parser.parse_args()
    with opened(options, lambda reference: fill(reference, options)) as (_, reference):
        warming.warm(reference)
        yardstick = settle()
        print("milliseconds: median, slowest wall time, least CPU")

        def row(name: str, before: Callable[[], object], work: Callable[[], object]) -> None:
            median, slowest, least = timed(before, work, options.times)
            print(f"{name:52}{median:10.0f}{slowest:10.0f}{least:10.0f}", flush=True)

        def forget() -> None:
            reference.ages = KeptAges()

        def nothing() -> None:
            return None

        def listed(figure: str, page: int = 1, reason: str = "") -> people_list.PeopleList | Missing:
            return people_list.people(reference, EVERYBODY, QUESTION, None, figure, page, reason)

        for figure in ("", "due", "vaccinated", "refused", "contraindicated"):
            found = listed(figure)
            if isinstance(found, Missing):
                print(f"{figure}: after everybody was read")
                continue
            for page in sorted({1, (found.pages + 1) // 2, found.pages}):
                name = f"{figure or 'everybody'} ({found.total:,}), page {page} of {found.pages}"
                row(name, forget, partial(listed, figure, page))
        row("closed houses", nothing, partial(people_list.houses, reference, EVERYBODY, QUESTION, None, "closed"))
        row("reasons, nobody read", forget, partial(reasons.tree, reference, EVERYBODY, QUESTION, None))
        row("pyramid, nobody read", forget, partial(ages.pyramid, reference, EVERYBODY, QUESTION))
        forget()
        missing = ages.pyramid(reference, EVERYBODY, QUESTION)
        if isinstance(missing, Missing):
            begun, cpu = time.perf_counter(), time.thread_time()
            ways.read(reference, missing, lambda _: None)
            wall, work = time.perf_counter() - begun, time.thread_time() - cpu
            print(f"{missing.people:,} people read in the background in {wall:.1f} s ({work:.1f} s of CPU time)")
        row("reasons", nothing, partial(reasons.tree, reference, EVERYBODY, QUESTION, None))
        row("pyramid", nothing, partial(ages.pyramid, reference, EVERYBODY, QUESTION))
        for figure in ("refused", "contraindicated"):
            row(f"{figure}, page 1", nothing, partial(listed, figure))
        row("refused, any reason told", nothing, partial(listed, "refused", 1, "plain"))
        row("refused, other answers", nothing, partial(listed, "refused", 1, "plain.others"))
        slower = yardstick.slower()
    print(f"aim: pages under {AIM_MS} ms; these cores were {slower:.2f} times slower than quiet")


if __name__ == "__main__":
    main()
