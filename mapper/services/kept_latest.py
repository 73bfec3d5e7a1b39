"""On which day each cell was visited last, remembered while nothing is counted there."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from mapper.services.bounded import CellStore
from mapper.store import visit_days
from mapper.store.database import Connection, Database

ROOM = 100_000
"""Cells times campaigns that are remembered: about 20 MB a process."""


class KeptLatest:
    """Latest days by campaign and cell. Safe for threads. room: see ROOM."""

    def __init__(self, room: int = ROOM) -> None:
        self._kept: CellStore[tuple[str, str], int] = CellStore(room)

    def of(
        self, database: Database, connection: Connection, era: str, campaign_id: str, changes: Mapping[int, int]
    ) -> date | None:
        """The latest day on which a house of these cells was visited; None where none was.

        era: of the tallies; changes: of the cells. Both read in this transaction.
        """

        def read(missing: list[int]) -> Mapping[int, int]:
            few = len(missing) * 2 < len(changes)
            return visit_days.latest(database, connection, campaign_id, missing if few else None)

        latest = max(self._kept.of((era, campaign_id), changes, read, 0).values(), default=0)
        return date.fromordinal(latest) if latest else None
