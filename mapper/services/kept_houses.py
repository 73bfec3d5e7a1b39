"""Where the houses of cells stand on a day, remembered in this process for as long as nothing is counted there.

Only cells in which something was counted since are read again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

from mapper.domain.campaign import Campaign
from mapper.domain.follow_up import HouseState, PersonState, house_state, status
from mapper.services.bounded import CellStore
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


NO_HOUSES: Mapping[str, Stands] = {}

Key = tuple[str, int, str, date]
"""(era of the tallies, revision of the reference data, campaign, day)"""

ROOM = 150_000
"""Households that are remembered, a question's each counted: about 40 MB a process."""


class KeptHouses:
    """Households by cell of the questions asked last. Safe for threads. room: see ROOM."""

    def __init__(self, room: int = ROOM) -> None:
        self._kept: CellStore[Key, Mapping[str, Stands]] = CellStore(room, len)

    def on(
        self, database: Database, connection: Connection, key: Key, campaign: Campaign, changes: Mapping[int, int]
    ) -> dict[int, Mapping[str, Stands]]:
        """The households of every cell in ``changes``: the cells' changes, in this same transaction.

        key: of the campaign as it is given, and of the day asked for.
        """
        return self._kept.of(
            key, changes, lambda missing: _read(database, connection, campaign, key[-1], missing), NO_HOUSES
        )


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
