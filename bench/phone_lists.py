"""What a canvasser's phone costs that looks for news: form list, manifest and the lists of households and people.

python bench/phone_lists.py [--hamlets 600] [--houses 500] [--times 20] [--database-url postgres] [--keep FOLDER]

Fills a province whose hamlets have so many households each (300,000 unless told otherwise), with the people and doses
that the intake would have left; the households of one hamlet are worked out and repeated in the others under ids of
their own, strewn over the whole register as phones' ids are. Then the canvasser of one hamlet asks over HTTP, in three
situations: the process remembers nothing of any list ("first"), a household of the hamlet was counted since
("counted"), nothing was ("again": the phone tells the ETags that it has).

Prints the median and the slowest wall time and the least CPU time, in milliseconds, of the form list with all that
follows it, and how much slower than quiet the cores were. --whole NUMBER measures also the lists of a user of so many
households, with the memory they take. --keep leaves the database for the next run.
"""

from __future__ import annotations

import argparse
import random
import resource
import sys
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit
from xml.etree import ElementTree

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.households import Hamlet, Inventor
from bench.intake import told
from bench.province import add_place, opened, province, settle, timed
from bench.service import CHECKOUT, SET_ID
from mapper.domain.campaign import Campaign
from mapper.domain.household import HOUSE_COUNTS, house_counts
from mapper.domain.people import Outcome, Point, Visit
from mapper.formats.openrosa import FORM_LIST, MANIFEST
from mapper.services import accounts, boundaries, publish
from mapper.services.kept_lists import KeptLists
from mapper.services.reference import Reference
from mapper.settings import Settings
from mapper.store import reference as kept
from mapper.store import register, tallies
from server import create_app

AGAIN_MS, FIRST_MS = 20, 200
"""Aims: where nothing changed, and where the lists are made."""
COMMUNES = 100
EVENING = 12
"""Households that a phone sends at a time."""
DAY = date(2022, 9, 8).toordinal()


def models(campaign: Campaign, hamlet: Hamlet, houses: int) -> list[Visit]:
    """The households of a hamlet."""
    inventor = Inventor(campaign, [hamlet])
    found = []
    for number in range(houses):
        answers, people = inventor.household(number)
        visited, point = answers["visit.date"], answers["household.point"]
        assert isinstance(visited, date)
        assert isinstance(point, Point)
        members = tuple(
            replace(told(one, visited), name=str(one["person.name"]), sex=str(one["person.sex"])) for one in people
        )
        found.append(
            Visit(
                "",
                visited,
                Outcome.INTERVIEWED,
                house_number=str(number + 1),
                head=members[0].name,
                phone=str(answers["household.phone"]),
                point=point,
                people=members,
            )
        )
    return found


def fill(reference: Reference, hamlets: int, houses: int) -> None:
    """Campaign and form, communes, hamlets, and their households in the register."""
    database = reference.database
    publish.publish(reference, CHECKOUT / "forms" / "covid19")
    units, places = province(COMMUNES, hamlets, hamlets * houses)
    boundaries.add_set(reference, boundaries.SetFacts(SET_ID, "Province"), ["district", "commune"], units)
    with database.write() as connection:
        kept.save_hamlets(
            database, connection, [kept.Hamlet(h.code, f"Thôn {h.code}", h.commune, houses) for h in places]
        )
        kept.raise_revision(database, connection)
    with database.read() as connection:
        campaign = reference.known(connection).campaigns["covid19"]
    chance = random.Random(7)
    patterns = models(campaign, places[0], houses)
    start = time.perf_counter()
    with database.write() as connection:
        cells = [
            tallies.cell(database, connection, hamlet.code, hamlet.commune, {SET_ID: hamlet.commune})
            for hamlet in places
        ]
        totals = [sum(column) for column in zip(*map(house_counts, patterns), strict=True)]
        tallies.add(database, connection, [], {(campaign.id, cell, DAY): [*totals] for cell in cells})
    # As a census grows: every hamlet's phone brings an evening's houses, and then another evening's.
    seq = 0
    for first in range(0, houses, EVENING):
        with database.write() as connection:
            entries = []
            for hamlet, cell in zip(places, cells, strict=True):
                for pattern in patterns[first : first + EVENING]:
                    seq += 1
                    entries.append(entry(seq, campaign, hamlet, cell, pattern, chance))
            register.enter(database, connection, entries)
        print(f"{seq:,} households", file=sys.stderr, flush=True)
    print(f"{hamlets * houses:,} households in {hamlets} hamlets, filled in {time.perf_counter() - start:.0f} s")


def entry(
    seq: int, campaign: Campaign, hamlet: Hamlet, cell: int, pattern: Visit, chance: random.Random
) -> register.HouseholdEntry:
    """A household of a hamlet as the register writes it; its dated steps are left out, since no list reads them."""
    visit = replace(
        pattern,
        household_id=new_id(chance),
        hamlet_code=hamlet.code,
        commune_code=hamlet.commune,
        people=tuple(replace(one, id=new_id(chance)) for one in pattern.people),
    )
    rows = register.visit_rows(visit, [], house_counts(visit))
    return register.HouseholdEntry(seq, campaign.id, visit.household_id, "uuid:bench", rows, "usable", cell, {}, [])


def new_id(chance: random.Random) -> str:
    """A UUID as phones make them."""
    return str(uuid.UUID(int=chance.getrandbits(128), version=4))


class Phone:
    """A canvasser's phone as ODK Collect looks for news."""

    def __init__(self, settings: Settings, reference: Reference, *areas: str) -> None:
        self.reference = reference
        self.token = accounts.add_user(reference, "canvasser", "canvasser", areas, None).token
        self.client = create_app(settings, reference).test_client()
        self.tags: dict[str, str] = {}
        self.fetched = 0

    def look(self) -> None:
        """Form list, the manifest of every form, and each of its files once: two forms share the lists."""
        self.fetched = 0
        seen: set[tuple[str | None, str | None]] = set()
        for form in ElementTree.fromstring(self.get(f"/key/{self.token}/formList")):
            manifest = form.findtext(f"{{{FORM_LIST}}}manifestUrl")
            for file in ElementTree.fromstring(self.get(manifest)) if manifest else ():
                same = file.findtext(f"{{{MANIFEST}}}filename"), file.findtext(f"{{{MANIFEST}}}hash")
                if same not in seen:
                    seen.add(same)
                    self.get(file.findtext(f"{{{MANIFEST}}}downloadUrl") or "")

    def get(self, address: str) -> bytes:
        """What stands at an address; nothing where the phone has it."""
        path = urlsplit(address).path
        headers = {"If-None-Match": self.tags[path]} if path in self.tags else {}
        answer = self.client.get(path, headers=headers)
        if answer.status_code not in (200, 304):
            sys.exit(f"{path}: {answer.status_code}")
        if answer.status_code == 200 and "ETag" in answer.headers:
            self.tags[path] = answer.headers["ETag"]
        self.fetched += len(answer.data)
        content: bytes = answer.data
        return content

    def forget(self) -> None:
        """A process that was asked for no list yet, and a phone that has none."""
        self.reference.lists = KeptLists()
        self.tags.clear()

    def count(self, cell: int) -> Callable[[], None]:
        """A household of the hamlet is counted anew, to the same figures as before."""

        def one_more() -> None:
            database = self.reference.database
            with database.write() as connection:
                tallies.add(database, connection, [], {("covid19", cell, DAY): [0] * len(HOUSE_COUNTS)})
            self.tags.clear()

        return one_more


def main() -> None:
    """Fill, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hamlets", type=int, default=600)
    parser.add_argument("--houses", type=int, default=500)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--whole", type=int, default=0, help="households of a user whose lists are measured too")
    add_place(parser)
    options = parser.parse_args()
    with opened(options, lambda reference: fill(reference, options.hamlets, options.houses)) as (settings, reference):
        with reference.database.read() as connection:
            cells = list(reference.cells(connection).values())
        cell = cells[len(cells) // 2]
        phone = Phone(settings, reference, f"hamlet:{cell.hamlet_code}")
        phone.look()
        print(f"the lists of {options.houses} households and all other media: {phone.fetched:,} bytes")
        yardstick = settle()
        situations = (("first", phone.forget), ("counted", phone.count(cell.id)), ("again", lambda: None))
        print("milliseconds: median, slowest wall time, least CPU")
        for name, before in situations:
            made = reference.lists.made
            median, slowest, cpu = timed(before, phone.look, options.times)
            aim = AGAIN_MS if name == "again" else FIRST_MS
            unmade = name == "again" and reference.lists.made == made
            print(
                f"{name:10}{median:10.1f}{slowest:10.1f}{cpu:10.1f}   aim below {aim} ms"
                + (", no list made" if unmade else ""),
                flush=True,
            )
        print(f"cores {yardstick.slower():.2f} times slower than quiet")
        if options.whole:
            codes = [f"hamlet:{one.hamlet_code}" for one in cells[: -(-options.whole // options.houses)]]
            large = Phone(settings, reference, *codes)
            large.forget()
            before_mb = peak_mb()
            median, _, cpu = timed(lambda: None, large.look, 1)
            print(
                f"{len(codes) * options.houses:,} households: {median:.0f} ms ({cpu:.0f} ms CPU), "
                f"{large.fetched:,} bytes, at most {before_mb:.0f} MB of memory before and {peak_mb():.0f} MB after"
            )


def peak_mb() -> float:
    """The most memory that this process ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
