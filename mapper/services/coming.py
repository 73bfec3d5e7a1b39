"""How many doses fall due by cell and day, remembered in this process for as long as nothing is counted in the cell.

Nobody is named: people are read without their names, and only numbers are kept.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from weakref import WeakKeyDictionary

from mapper.domain.campaign import Campaign
from mapper.domain.forecast import ANYBODY, UNKNOWN, ComingDose, Horizon, doses_coming
from mapper.domain.household import HOUSE_COUNTS
from mapper.domain.planning import PlanningRules
from mapper.errors import Unavailable, mark
from mapper.services.background import Background, Progress, Standing
from mapper.services.bounded import BoundedStore
from mapper.services.reference import Reference
from mapper.store import members, tallies
from mapper.store.database import Connection

AT_ONCE = 20_000
"""People read while somebody waits; more are read in the background."""

CHUNK = 10_000
"""People read in one transaction there."""

ROOM = 2_000_000
"""Numbers that are remembered."""

Numbers = Mapping[ComingDose, int]
NONE: Numbers = {}


class BeingRead(Unavailable):
    """People are being read; ``standing`` says how far that is."""

    def __init__(self, standing: Standing[int]) -> None:
        super().__init__(
            mark("The people of this area are being read, {percent} % so far. Try again in a moment."),
            percent=round(100 * standing.share),
        )
        self.standing = standing


class _Kept:
    """What one process remembers. Safe for threads."""

    def __init__(self) -> None:
        self.numbers: BoundedStore[tuple[object, ...], dict[int, tuple[int, Numbers]]] = BoundedStore(
            ROOM, lambda cells: sum(1 + len(numbers) for _, numbers in cells.values())
        )
        self.work: Background[int] = Background()


_KEPT: WeakKeyDictionary[Reference, _Kept] = WeakKeyDictionary()


def coming(
    reference: Reference,
    connection: Connection,
    campaign: Campaign,
    rules: PlanningRules,
    horizon: Horizon,
    cells: Sequence[int] | None,
    wait: bool = False,
) -> dict[int, Numbers]:
    """Doses by day, dose and formulation in each of the cells, None for all. wait: however many people there are.

    Of the dose ANYBODY are the people who are due on the first day.

    Raises BeingRead where too many have to be read first; they are read from then on.
    """
    kept = _KEPT.setdefault(reference, _Kept())
    era, _ = tallies.version(reference.database, connection)
    key = era, reference.known(connection).revision, campaign.id, repr(rules.formulations), horizon
    rows = [row for row in tallies.houses(reference.database, connection, campaign.id, cells) if any(row[1:-1])]
    changes = {row[0]: row[-1] for row in rows}
    people = {row[0]: row[1 + HOUSE_COUNTS.index("people")] for row in rows}
    held = kept.numbers.get(key) or {}
    missing = [cell for cell, changed in changes.items() if cell not in held or held[cell][0] != changed]
    if not wait and sum(people[cell] for cell in missing) > AT_ONCE:
        version = sum(changes.values())

        def work(progress: Progress) -> int:
            return _read_all(reference, kept, key, campaign, rules, horizon, (missing, people), progress)

        raise BeingRead(kept.work.ask((*key, frozenset(missing)), version, work))
    if missing:
        read = _read(reference, connection, campaign, rules, horizon, missing)
        held = {**held, **{cell: (changes[cell], read.get(cell, NONE)) for cell in missing}}
        with kept.numbers.alone(key):
            kept.numbers.keep(key, {**(kept.numbers.get(key) or {}), **held})
    return {cell: held[cell][1] for cell in changes}


def _read_all(
    reference: Reference,
    kept: _Kept,
    key: tuple[object, ...],
    campaign: Campaign,
    rules: PlanningRules,
    horizon: Horizon,
    wanted: tuple[Sequence[int], Mapping[int, int]],
    progress: Progress,
) -> int:
    """Read and remember cells, some in each transaction; how many people. wanted: cells, and people by cell."""
    missing, people = wanted
    left, done = list(missing), 0
    while left:
        some: list[int] = []
        while left and (not some or sum(people[cell] for cell in some) < CHUNK):
            some.append(left.pop())
        with reference.database.read() as connection:
            changes = {row[0]: row[-1] for row in tallies.houses(reference.database, connection, campaign.id, some)}
            read = _read(reference, connection, campaign, rules, horizon, some)
        with kept.numbers.alone(key):
            found = {cell: (changes[cell], read.get(cell, NONE)) for cell in some if cell in changes}
            kept.numbers.keep(key, {**(kept.numbers.get(key) or {}), **found})
        done += sum(people[cell] for cell in some)
        progress(1 - len(left) / len(missing))
    return done


def _read(
    reference: Reference,
    connection: Connection,
    campaign: Campaign,
    rules: PlanningRules,
    horizon: Horizon,
    cells: Sequence[int],
) -> dict[int, Counter[ComingDose]]:
    found: defaultdict[int, Counter[ComingDose]] = defaultdict(Counter)
    for cell, _, person in members.of_cells(reference.database, connection, campaign.id, cells, _anybody):
        doses = doses_coming(person, campaign, rules, horizon)
        found[cell].update(doses)
        if doses and doses[0].day == horizon.first:
            found[cell][ComingDose(horizon.first, ANYBODY, UNKNOWN)] += 1
    return found


def _anybody(born: date | None) -> bool:
    return True
