"""Where the houses of cells stand on a day, remembered in this process for as long as nothing is counted there.

Each cell carries a number that rises with every change of its tallies, read in the same view of the database as the
houses are: what was worked out under the same number is the same still, and only cells that changed are read again.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

from mapper.domain.campaign import Campaign
from mapper.domain.follow_up import HouseState, PersonState, house_state, status
from mapper.store import follow_up
from mapper.store.database import Connection, Database

AT_ONCE = 1_000
"""Households whose people are read at a time."""


class Stands(NamedTuple):
    """A household on a day. due: how many of its people are. visited_on, version: see ``HouseholdRow``."""

    state: HouseState
    due: int
    visited_on: date
    version: int


Key = tuple[str, int, str, date]
"""(era of the tallies, revision of the reference data, campaign, day)"""
Cells = dict[int, tuple[int, Mapping[str, Stands]]]
"""Cell to its changes when it was read, and its households by id."""


class KeptHouses:
    """Households by cell of the questions asked last. Safe for threads.

    room: households that are remembered in all, a question's each counted; the least lately asked are forgotten.
    """

    def __init__(self, room: int = 150_000) -> None:
        self._room = room
        self._kept: dict[Key, Cells] = {}
        self._lock = threading.Lock()
        self._reading: dict[str, threading.Lock] = {}

    def on(
        self, database: Database, connection: Connection, key: Key, campaign: Campaign, changes: Mapping[int, int]
    ) -> dict[int, Mapping[str, Stands]]:
        """The households of every cell in ``changes``: the cells' changes, in this same transaction.

        key: of the campaign as it is given, and of the day asked for.
        """
        with self._lock:
            alone = self._reading.setdefault(campaign.id, threading.Lock())
        # Two pages ask for one commune at the same moment: the second finds what the first has read.
        with alone:
            with self._lock:
                known = self._kept.pop(key, {})
            missing = [cell for cell, changed in changes.items() if cell not in known or known[cell][0] != changed]
            read = _read(database, connection, campaign, key[-1], missing)
            kept = {**known, **{cell: (changes[cell], read.get(cell, {})) for cell in missing}}
            with self._lock:
                self._keep(key, kept)
        return {cell: kept[cell][1] for cell in changes}

    def _keep(self, key: Key, cells: Cells) -> None:
        """Remember, and forget what there is no more room for."""
        self._kept[key] = cells
        held = {each: sum(len(houses) for _, houses in kept.values()) for each, kept in self._kept.items()}
        for oldest in list(self._kept):
            if sum(held.values()) <= self._room:
                break
            del self._kept[oldest], held[oldest]


def _read(
    database: Database, connection: Connection, campaign: Campaign, day: date, cells: Sequence[int]
) -> dict[int, dict[str, Stands]]:
    found: dict[int, dict[str, Stands]] = {}
    rows = follow_up.households(database, connection, campaign.id, cells) if cells else []
    for first in range(0, len(rows), AT_ONCE):
        some = rows[first : first + AT_ONCE]
        people = follow_up.people(database, connection, [row.seq for row in some])
        for row in some:
            statuses = [status(person, campaign, day) for person, _ in people.get(row.seq, ())]
            due = sum(each.state is PersonState.DUE for each in statuses)
            stands = Stands(house_state(row.outcome, statuses), due, row.visited_on, row.held.version)
            found.setdefault(row.cell_id, {})[row.id] = stands
    return found
