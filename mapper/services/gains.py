"""How many more people were vaccinated after some days than before, by cell and series: from the sums of both days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mapper.domain.ledger import INSIDE, State
from mapper.services.kept_states import KeptStates
from mapper.store.database import Connection, Database

_VACCINATED = INSIDE.index(State.VACCINATED)

Gains = Mapping[int, int]
"""Series to people gained, or lost; one that did neither is missing."""


def gains_between(
    states: KeptStates,
    database: Database,
    connection: Connection,
    era: str,
    series: Sequence[int],
    before: int,
    until: int,
    changes: Mapping[int, int],
) -> dict[int, Gains]:
    """Gains after the day ``before`` up to ``until`` of every cell in ``changes``; all as ``KeptStates`` has them."""
    then, now = (
        states.of_all(database, connection, era, series, day, changes, everywhere=False)[:, :, _VACCINATED]
        for day in (before, until)
    )
    gained = now - then
    cells = list(changes)
    found: dict[int, dict[int, int]] = {cell: {} for cell in cells}
    for place, number in zip(*(each.tolist() for each in gained.nonzero()), strict=True):
        found[cells[place]][series[number]] = int(gained[place, number])
    return dict(found)
