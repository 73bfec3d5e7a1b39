"""On which day each cell was visited last, remembered while nothing is counted there."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import date

from mapper.store import visit_days
from mapper.store.database import Connection, Database


class KeptLatest:
    """Latest days by campaign and cell. Safe for threads."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], dict[int, tuple[int, int]]] = {}
        self._lock = threading.Lock()

    def of(
        self, database: Database, connection: Connection, era: str, campaign_id: str, changes: Mapping[int, int]
    ) -> date | None:
        """The latest day on which a house of these cells was visited; None where none was.

        era: of the tallies; changes: of the cells. Both read in this transaction.
        """
        with self._lock:
            for past in [key for key in self._kept if key[0] != era]:
                del self._kept[past]
            known = self._kept.setdefault((era, campaign_id), {})
            missing = [cell for cell, changed in changes.items() if known.get(cell, (None,))[0] != changed]
            if missing:
                few = len(missing) * 2 < len(changes)
                found = visit_days.latest(database, connection, campaign_id, missing if few else None)
                known.update((cell, (changes[cell], found.get(cell, 0))) for cell in missing)
            latest = max((known[cell][1] for cell in changes), default=0)
        return date.fromordinal(latest) if latest else None
