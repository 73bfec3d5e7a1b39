"""Who is vaccinated and who is due, by age and sex: worked out person by person once, and remembered by cell.

Tallies know no ages, so the register's people are read, with the ledger's own steps, for one group and dose.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

from mapper.domain.campaign import Campaign, Group, ScheduledDose
from mapper.domain.ledger import MOVES, State, moves
from mapper.domain.people import Person
from mapper.services.accounts import User
from mapper.services.areas import Area, cells_in
from mapper.services.kept_ages import Key, Steps
from mapper.services.reference import Reference
from mapper.services.reporting import Question, default_set, find_series
from mapper.store import members, tallies
from mapper.store.database import Connection

WIDTH = 5
"""Years of a band."""

BANDS = 21
"""The last of them is open: 100 years and older."""

SEXES = ("female", "male")
"""As the register writes them; any other word, or none, is not known."""

AT_ONCE = 3_000
"""People who are read while a reader waits; more are read in the background."""

CHUNK = 4_000
"""People read in one transaction."""

_STATES = (State.VACCINATED, State.DUE)
_CHANGES = np.array(
    [
        [*((entered is state) - (left is state) for state in _STATES), (entered is not None) - (left is not None)]
        for left, entered in MOVES
    ],
    np.int64,
)
"""What a step changes in the people vaccinated, due, and in the group at all."""


@dataclass(frozen=True, slots=True)
class Pyramid:
    """People of a group on a day. counts: by sex (SEXES, then not known), band (BANDS, then not known), and

    vaccinated, due, all others of the group.
    """

    day: date
    group: Group
    dose: ScheduledDose
    counts: NDArray[np.int64]

    @property
    def total(self) -> tuple[int, int, int]:
        """People vaccinated, due, and others."""
        vaccinated, due, others = self.counts.sum(axis=(0, 1)).tolist()
        return vaccinated, due, others


@dataclass(frozen=True, slots=True)
class Missing:
    """People who have to be read first: too many for a reader to wait; ``read`` reads them."""

    key: Key
    people: int
    campaign: Campaign
    group: Group
    dose: ScheduledDose
    cells: tuple[int, ...]


def pyramid(reference: Reference, user: User, question: Question, area: Area | None = None) -> Pyramid | Missing:
    """Who of an area is vaccinated and due by age and sex; Missing where too many people have to be read for it first.

    The sums are the states that ``reporting.coverage`` gives. Raises as it does.
    """
    with reference.database.read() as connection:
        known = reference.known(connection)
        campaign, group, dose, series_id = find_series(known, question)
        places = default_set(known, question.set_id, question.day)
        cell_ids = cells_in(reference, connection, known, user, places, area)
        people, changes = _held(reference, connection, campaign.id, cell_ids)
        key = Key(tallies.version(reference.database, connection)[0], series_id)
        found = reference.ages.of(key, campaign, changes)
        missing = [cell for cell in changes if cell not in found]
        if sum(people[cell] for cell in missing) > AT_ONCE:
            number = sum(people[cell] for cell in missing)
            return Missing(key, number, campaign, group, dose, tuple(missing))
        read = _read(reference, connection, campaign, group, dose, missing)
        reference.ages.keep(key, campaign, {cell: (changes[cell], read[cell]) for cell in missing})
    return Pyramid(question.day, group, dose, _counted([*found.values(), *read.values()], question.day))


def read(reference: Reference, missing: Missing, progress: Callable[[float], None]) -> None:
    """Read what was missing, some cells in each transaction; whoever asks then finds it remembered."""
    left = list(missing.cells)
    while left:
        with reference.database.read() as connection:
            campaign = missing.campaign
            if tallies.version(reference.database, connection)[0] != missing.key.era:
                return  # a rebuild has begun to count anew
            people, changes = _held(reference, connection, campaign.id, None)
            some: list[int] = []
            while left and (not some or sum(people.get(cell, 0) for cell in some) < CHUNK):
                some.append(left.pop())
            some = [cell for cell in some if cell in changes]
            steps = _read(reference, connection, campaign, missing.group, missing.dose, some)
        reference.ages.keep(missing.key, campaign, {cell: (changes[cell], steps[cell]) for cell in some})
        progress(1 - len(left) / len(missing.cells))


def _held(
    reference: Reference, connection: Connection, campaign_id: str, cell_ids: Sequence[int] | None
) -> tuple[dict[int, int], dict[int, int]]:
    """People registered in each cell that has any houses, and its changes."""
    rows = [row for row in tallies.houses(reference.database, connection, campaign_id, cell_ids) if any(row[1:-1])]
    return {row[0]: row[-2] for row in rows}, {row[0]: row[-1] for row in rows}


def _read(
    reference: Reference,
    connection: Connection,
    campaign: Campaign,
    group: Group,
    dose: ScheduledDose,
    cells: Sequence[int],
) -> dict[int, Steps]:
    """The steps of one group and dose of everybody in some cells; every one of the cells has an entry."""
    alone = replace(campaign, groups=(replace(group, doses=(dose,)),))
    ((earliest, latest),) = alone.births
    first, last = date.fromordinal(earliest), date.fromordinal(latest)
    rows: dict[int, list[int]] = {cell: [] for cell in cells}

    def in_reach(born: date | None) -> bool:
        return born is None or first <= born <= last

    for cell, person in members.of_cells(reference.database, connection, campaign.id, cells, in_reach) if cells else ():
        way = moves(person, alone)
        if way:
            born, sex = _birth(person), _sex(person)
            for place in range(0, len(way), 3):
                rows[cell] += (way[place + 1], way[place + 2], born, sex)
    return {cell: np.array(numbers, np.int32).reshape(-1, 4) for cell, numbers in rows.items()}


def _birth(person: Person) -> int:
    born = person.born_on
    return 0 if born is None else born.year * 10_000 + born.month * 100 + born.day


def _sex(person: Person) -> int:
    return SEXES.index(person.sex) if person.sex in SEXES else len(SEXES)


def _counted(parts: Sequence[Steps], day: date) -> NDArray[np.int64]:
    steps = np.concatenate([part for part in parts if len(part)] or [np.zeros((0, 4), np.int32)])
    steps = steps[steps[:, 0] <= day.toordinal()]
    # Who was born on 29 February is a year older on 28 February of a year without that day, as ``Period.after`` has it.
    leap = day.month == 2 and day.day == 28 and not _has_29_february(day.year)
    today = day.year * 10_000 + day.month * 100 + (29 if leap else day.day)
    age = (today - steps[:, 2]) // 10_000
    band = np.where(steps[:, 2] == 0, BANDS, np.clip(age // WIDTH, 0, BANDS - 1))
    place = steps[:, 3] * (BANDS + 1) + band
    shape = (len(SEXES) + 1, BANDS + 1)
    sums = [
        np.bincount(place, weights=_CHANGES[steps[:, 1], kind], minlength=shape[0] * shape[1]).reshape(shape)
        for kind in range(3)
    ]
    vaccinated, due, everybody = (np.rint(one).astype(np.int64) for one in sums)
    return np.stack((vaccinated, due, everybody - vaccinated - due), axis=2)


def _has_29_february(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def band_name(band: int) -> str:
    """What a band is called: 0-4, ... 100+."""
    return f"{band * WIDTH}+" if band == BANDS - 1 else f"{band * WIDTH}–{band * WIDTH + WIDTH - 1}"
