"""Everybody's way through one series: from which day until which in which state, why, of which age and sex.

Tallies know neither ages nor what was told at a door, so the register's people are read for that, once, with the
ledger's own steps; what was read is remembered by cell, and answers any day.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from mapper.domain import shelves
from mapper.domain.campaign import Campaign, Group, ScheduledDose, days_of
from mapper.domain.ledger import INSIDE, NEVER, State, moves
from mapper.domain.people import Person
from mapper.domain.reasons import KINDS, Deferral, Kind, why
from mapper.services.kept_ages import Key, Spans, Told
from mapper.services.reference import Reference
from mapper.store import members, tallies
from mapper.store.database import Connection

SEXES = ("female", "male")
"""As the register writes them; any other word, or none, is not known."""

AT_ONCE = 3_000
"""People who are read while a reader waits; more are read in the background."""

CHUNK = 4_000
"""People read in one transaction."""

COLUMNS = 8
FROM, UNTIL, STATE, BORN, SEX, TOLD, SHELF, ARRIVAL = range(COLUMNS)
"""Columns of Spans."""

NOBODY: Spans = np.zeros((0, COLUMNS), np.int32)


@dataclass(frozen=True, slots=True)
class Missing:
    """People who have to be read first: too many for a reader to wait; ``read`` reads them."""

    key: Key
    people: int
    campaign: Campaign
    group: Group
    dose: ScheduledDose
    cells: tuple[int, ...]


def of_cells(
    reference: Reference,
    connection: Connection,
    series: tuple[Campaign, Group, ScheduledDose, int],
    people: Mapping[int, int],
    changes: Mapping[int, int],
) -> dict[int, Spans] | Missing:
    """The spans of everybody in some cells; Missing where too many people have to be read for it first.

    people, changes: by cell, those registered and its changes, in this same transaction.
    """
    campaign, group, dose, series_id = series
    key = Key(tallies.version(reference.database, connection)[0], series_id)
    found = reference.ages.of(key, campaign, changes)
    missing = [cell for cell in changes if cell not in found]
    number = sum(people[cell] for cell in missing)
    if number > AT_ONCE:
        return Missing(key, number, campaign, group, dose, tuple(missing))
    read = _read(reference, connection, campaign, group, dose, missing)
    reference.ages.keep(key, campaign, {cell: (changes[cell], read[cell]) for cell in missing})
    return found | read


def read(reference: Reference, missing: Missing, progress: Callable[[float], None]) -> None:
    """Read what was missing, some cells in each transaction; whoever asks then finds it remembered."""
    left = list(missing.cells)
    while left:
        with reference.database.read() as connection:
            campaign = missing.campaign
            if tallies.version(reference.database, connection)[0] != missing.key.era:
                return  # a rebuild has begun to count anew
            people, changes = held(reference, connection, campaign.id, None)
            some: list[int] = []
            while left and (not some or sum(people.get(cell, 0) for cell in some) < CHUNK):
                some.append(left.pop())
            some = [cell for cell in some if cell in changes]
            spans = _read(reference, connection, campaign, missing.group, missing.dose, some)
        reference.ages.keep(missing.key, campaign, {cell: (changes[cell], spans[cell]) for cell in some})
        progress(1 - len(left) / len(missing.cells))


def held(
    reference: Reference, connection: Connection, campaign_id: str, cell_ids: Sequence[int] | None
) -> tuple[dict[int, int], dict[int, int]]:
    """People registered in each cell that has any houses, and its changes."""
    rows = [row for row in tallies.houses(reference.database, connection, campaign_id, cell_ids) if any(row[1:-1])]
    return {row[0]: row[-2] for row in rows}, {row[0]: row[-1] for row in rows}


def on(spans: Spans, day: date) -> Spans:
    """Those that hold on a day: one for each person of the group."""
    ordinal = day.toordinal()
    return spans[(spans[:, FROM] <= ordinal) & (ordinal < spans[:, UNTIL])]


def _read(
    reference: Reference,
    connection: Connection,
    campaign: Campaign,
    group: Group,
    dose: ScheduledDose,
    cells: Sequence[int],
) -> dict[int, Spans]:
    """The spans of one group and dose of everybody in some cells; every one of the cells has an entry."""
    alone = replace(campaign, groups=(replace(group, doses=(dose,)),))
    (births,) = alone.births
    first, last = days_of(births) or (date.max, date.min)
    rows: dict[int, list[int]] = {cell: [] for cell in cells}
    words = reference.ages.words

    def in_reach(born: date | None) -> bool:
        return born is None or first <= born <= last

    for cell, household, person in (
        members.of_cells(reference.database, connection, campaign.id, cells, in_reach) if cells else ()
    ):
        way = moves(person, alone)
        if not way:
            continue
        born, sex = _birth(person), _sex(person)
        shelf, came = shelves.shelf_of_household(household), shelves.arrival(household)
        for place in range(0, len(way), 3):
            day, entered = way[place + 1], way[place + 2] % (len(INSIDE) + 1)
            if entered == len(INSIDE):
                continue  # outside the group from here on
            until = way[place + 4] if place + 3 < len(way) else NEVER
            state = INSIDE[entered]
            told = words.number(_told(state, person, group, dose, day)) if state in KINDS else 0
            rows[cell] += (day, until, entered, born, sex, told, shelf, came)
    return {cell: np.array(numbers, np.int32).reshape(-1, COLUMNS) for cell, numbers in rows.items()}


def households(spans: Spans) -> list[int]:
    """The households of spans, each once, by number."""
    found: list[int] = np.unique(spans[:, SHELF].astype(np.int64) * shelves.HOUSES + spans[:, ARRIVAL]).tolist()
    return found


def _told(state: State, person: Person, group: Group, dose: ScheduledDose, day: int) -> Told:
    """What stands behind a state from a day on, for as long as it lasts."""
    if state is State.DEFERRED:
        return Deferral.of(person)
    found = why(person, group, dose, date.fromordinal(day))
    return found.kind, found.reason or None


def kind_and_reason(told: Told, day: date) -> tuple[Kind, str | None]:
    """What was told, as ``why`` words it on a day."""
    return told.on(day) if isinstance(told, Deferral) else told


def _birth(person: Person) -> int:
    born = person.born_on
    return 0 if born is None else born.year * 10_000 + born.month * 100 + born.day


def _sex(person: Person) -> int:
    return SEXES.index(person.sex) if person.sex in SEXES else len(SEXES)
