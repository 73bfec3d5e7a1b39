"""Everybody of a campaign by what decides where they stand, in whole arrays by cell, remembered in this process.

A district's people are read from the database in a second and more, which nobody who asks for a plan is to wait for.
What is remembered is of no day, and so serves whatever days are asked: only cells in which something was counted since
are read again. Who may see whom is no part of it; whoever asks names the cells.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mapper.domain.people import Dose, Person, Point
from mapper.services.bounded import BoundedStore, CellStore
from mapper.services.kept_houses import AT_ONCE
from mapper.store import follow_up
from mapper.store.database import Connection, Database
from mapper.store.follow_up import Deciding, DoseTold, HouseholdRow, day_told

ROOM = 400_000
"""People that are remembered, all campaigns together: about 60 MB a process."""

NEVER = 0
"""In place of a day: none was told."""

Days = NDArray[np.int32]
"""Days as ``date.toordinal`` counts them, NEVER where none was told."""


class Facts(NamedTuple):
    """What decides where somebody stands beside days. doses: code and vaccine of each, as they were told.

    order: which of them came before which; empty where they were told one after another, as nearly all are.
    """

    residence: str
    priorities: tuple[str, ...]
    contraindicated: bool
    refused: bool
    unknown: bool
    doses: tuple[tuple[str, str | None], ...]
    order: tuple[int, ...] = ()


class Home(NamedTuple):
    """A household as a plan needs it. point: None where it has no position that can be trusted."""

    id: str
    hamlet_code: str | None
    commune_code: str | None
    point: Point | None
    cell_id: int

    @property
    def point_usable(self) -> bool:
        """Whether the point is good enough to place the house."""
        return self.point is not None

    @property
    def lon(self) -> float | None:
        """Of the point that can be trusted."""
        return self.point.lon if self.point is not None else None

    @property
    def lat(self) -> float | None:
        """Of the point that can be trusted."""
        return self.point.lat if self.point is not None else None


@dataclass(frozen=True, slots=True)
class Stand:
    """Where houses stand, a row each, as they are told one by one in Home.

    at: (houses, 2), longitude and latitude, nan where no position can be trusted. told: communes with their hamlets;
    pair: position of each house in them.
    """

    at: NDArray[np.float64]
    told: tuple[tuple[str | None, str | None], ...]
    pair: NDArray[np.int32]

    @classmethod
    def of(cls, homes: Sequence[Home]) -> Stand:
        """Of houses."""
        number: dict[tuple[str | None, str | None], int] = {}
        pair = [number.setdefault((one.commune_code, one.hamlet_code), len(number)) for one in homes]
        points = [(np.nan, np.nan) if one.point is None else (one.point.lon, one.point.lat) for one in homes]
        return cls(np.array(points, np.float64).reshape(-1, 2), tuple(number), np.array(pair, np.int32))

    @classmethod
    def together(cls, several: Sequence[Stand]) -> Stand:
        """One after another."""
        if not several:
            return cls.of(())
        number: dict[tuple[str | None, str | None], int] = {}
        pairs = []
        for one in several:
            pairs.append(np.array([number.setdefault(each, len(number)) for each in one.told], np.int32)[one.pair])
        return cls(np.concatenate([one.at for one in several]), tuple(number), np.concatenate(pairs))


@dataclass(frozen=True, slots=True)
class Folk:
    """People of some cells, a row each, those of a house one after another as they were told.

    stand: of homes. ids: of people. house: position in homes. facts: position in kinds of facts. days: reported, born,
    deferred until, infected, and that of each dose. Never changed once made: whoever was given them may still be
    reading.
    """

    homes: tuple[Home, ...]
    stand: Stand
    ids: tuple[str, ...]
    house: NDArray[np.int32]
    kinds: tuple[Facts, ...]
    facts: NDArray[np.int32]
    days: Days

    def person(self, row: int) -> Person:
        """The person of a row, of whom nothing else is known."""
        facts = self.kinds[self.facts[row]]
        reported, born, deferred, infected, *given = (_day(day) for day in self.days[row].tolist())
        assert reported is not None
        return Person(
            self.ids[row],
            reported,
            born_on=born,
            residence=facts.residence,
            priorities=facts.priorities,
            contraindicated=facts.contraindicated,
            deferred_until=deferred,
            infected_on=infected,
            refused=facts.refused,
            vaccination_unknown=facts.unknown,
            doses=tuple(Dose(code, day, vaccine) for (code, vaccine), day in zip(facts.doses, given, strict=False)),
        )


OTHERS = 4
"""Columns of days before those of doses."""

NOBODY = Folk((), Stand.of(()), (), np.zeros(0, np.int32), (), np.zeros(0, np.int32), np.zeros((0, OTHERS), np.int32))


class Key(NamedTuple):
    """Of whom: era of the tallies, revision of the reference data, campaign."""

    era: str
    revision: int
    campaign: str


class KeptPeople:
    """People by cell of the campaigns asked last. Safe for threads. room: see ROOM.

    known: what was worked out of kinds of them, as ``alike`` has it, a day of a campaign each.
    """

    def __init__(self, room: int = ROOM) -> None:
        self.room = room
        self._kept: CellStore[Key, Folk] = CellStore(room, lambda folk: len(folk.ids))
        self.known: BoundedStore[Hashable, Any] = BoundedStore(16)

    def of(self, database: Database, connection: Connection, key: Key, changes: Mapping[int, int]) -> Folk:
        """The people of every cell in ``changes``: the cells' changes, in this same transaction."""
        found = self._kept.of(key, changes, lambda missing: _read(database, connection, key.campaign, missing), NOBODY)
        return together([found[cell] for cell in changes])


def together(several: Sequence[Folk]) -> Folk:
    """People of several cells as one."""
    number: dict[Facts, int] = {}
    widest = max((one.days.shape[1] for one in several), default=OTHERS)
    many = sum(len(one.ids) for one in several)
    house, facts = np.zeros(many, np.int32), np.zeros(many, np.int32)
    days = np.full((many, widest), NEVER, np.int32)
    homes: list[Home] = []
    ids: list[str] = []
    for one in several:
        rows = slice(len(ids), len(ids) + len(one.ids))
        house[rows] = one.house + len(homes)
        facts[rows] = np.array([number.setdefault(each, len(number)) for each in one.kinds], np.int32)[one.facts]
        days[rows, : one.days.shape[1]] = one.days
        homes += one.homes
        ids += one.ids
    stand = Stand.together([one.stand for one in several])
    return Folk(tuple(homes), stand, tuple(ids), house, tuple(number), facts, days)


def _read(database: Database, connection: Connection, campaign: str, cells: Sequence[int]) -> dict[int, Folk]:
    by_cell: dict[int, list[HouseholdRow]] = {}
    for row in follow_up.households(database, connection, campaign, cells):
        by_cell.setdefault(row.cell_id, []).append(row)
    rows = [row for several in by_cell.values() for row in several]
    found: dict[int, list[tuple[HouseholdRow, Sequence[Deciding]]]] = {}
    made: dict[int, Folk] = {}
    for first in range(0, len(rows), AT_ONCE):
        some = rows[first : first + AT_ONCE]
        members = follow_up.deciding(database, connection, [row.seq for row in some])
        for row in some:
            found.setdefault(row.cell_id, []).append((row, members.get(row.seq, ())))
        # Cell after cell, so that few are in memory as they were read.
        for cell in [*found][: -1 if first + AT_ONCE < len(rows) else None]:
            made[cell] = folk(found.pop(cell))
    return made


def folk(houses: Iterable[tuple[HouseholdRow, Sequence[Deciding]]]) -> Folk:
    """People of houses as arrays."""
    homes: list[Home] = []
    ids: list[str] = []
    house: list[int] = []
    facts: list[int] = []
    number: dict[Facts, int] = {}
    days: list[list[int]] = []
    for row, members in houses:
        for one in members:
            _, reported, born, residence, priorities, barred, deferred, infected, refused, unknown, doses = one
            told = Facts(
                residence,
                tuple(priorities.split()) if priorities else (),
                bool(barred),
                bool(refused),
                bool(unknown),
                tuple([(code, vaccine) for code, _, vaccine in doses]),
                _order(doses) if len(doses) > 1 else (),
            )
            ids.append(one.id)
            house.append(len(homes))
            facts.append(number.setdefault(told, len(number)))
            days.append([_number(day) for day in (reported, born, deferred, infected, *[day for _, day, _ in doses])])
        point = row.point if row.point_usable else None
        homes.append(Home(row.id, row.hamlet_code, row.commune_code, point, row.cell_id))
    table = np.full((len(days), max(map(len, days), default=OTHERS)), NEVER, np.int32)
    for place, told_days in enumerate(days):
        table[place, : len(told_days)] = told_days
    rows = np.array(house, np.int32), np.array(facts, np.int32)
    return Folk(tuple(homes), Stand.of(homes), tuple(ids), rows[0], tuple(number), rows[1], table)


def _number(told: Any) -> int:
    return NEVER if told is None else day_told(told).toordinal()


def _day(number: int) -> date | None:
    return None if number == NEVER else date.fromordinal(number)


def _order(doses: Sequence[DoseTold]) -> tuple[int, ...]:
    """Which of several doses came before which; nothing where they are told one after another."""
    days = [day for _, day, _ in doses]
    if None not in days and all(one < next_ for one, next_ in pairwise(days)):
        return ()
    told = [date.max if day is None else day_told(day) for day in days]
    ranks = sorted(set(told))
    return tuple(ranks.index(day) for day in told)
