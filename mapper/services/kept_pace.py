"""How many more people were vaccinated after some days than before, by cell and series; remembered while it holds.

A page of targets asks it of every series at once. Like the sums of ``kept_states`` it is read again only of cells in
which something was counted since.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

from mapper.store import tallies
from mapper.store.database import Connection, Database

Gains = Mapping[int, int]
"""Series to people gained; one that gained none may be missing."""

_Window = tuple[str, tuple[int, ...], int, int]
"""(era of the tallies, series, day before the first, last day)"""


class KeptPace:
    """Gains of the windows asked last. Safe for threads.

    windows: how many are remembered; most readers ask for the same one.
    """

    def __init__(self, windows: int = 4) -> None:
        self.windows = windows
        self._kept: dict[_Window, dict[int, tuple[int, Gains]]] = {}
        self._lock = threading.Lock()

    def on(
        self,
        database: Database,
        connection: Connection,
        era: str,
        series: Sequence[int],
        before: int,
        until: int,
        changes: Mapping[int, int],
    ) -> dict[int, Gains]:
        """Gains after the day ``before`` up to ``until`` of every cell in ``changes``: the cells' changes, read here.

        era: of the tallies, in this transaction too.
        """
        window = (era, tuple(series), before, until)
        # One at a time: who comes second finds what the first has read.
        with self._lock:
            known = self._kept.pop(window, {})
            missing = [cell for cell, changed in changes.items() if known.get(cell, (None,))[0] != changed]
            if missing:
                asked = None if len(missing) * 2 > len(changes) else missing
                found: dict[int, dict[int, int]] = {}
                for cell, of_series, people in tallies.gained(database, connection, series, before, until, asked):
                    found.setdefault(cell, {})[of_series] = people
                known.update((cell, (changes[cell], found.get(cell, {}))) for cell in missing)
            self._kept[window] = known
            for oldest in list(self._kept)[: -self.windows]:
                del self._kept[oldest]
            return {cell: known[cell][1] for cell in changes}
