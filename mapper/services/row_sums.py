"""Tallies by innermost unit and hamlet: houses and what lists expect there, and the people of any series.

Where houses stand, and how many are expected, is the same whatever is asked about the people in them: it is read once
and serves every group, dose and day.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from operator import add
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from mapper.domain.campaign import Campaign
from mapper.domain.household import HOUSE_COUNTS
from mapper.services.accounts import User, visible_cells
from mapper.services.kept_states import NOBODY
from mapper.services.listed import main_unit, visible_hamlets, visited_in
from mapper.services.reference import Known, PlaceSet, Reference
from mapper.store import tallies
from mapper.store.database import Connection

Row = tuple[str | None, str | None]
"""(leaf unit code, hamlet code), either None where a household has none."""

Place = TypeVar("Place", bound=Hashable)

_NO_HOUSES = (0,) * len(HOUSE_COUNTS)


@dataclass(slots=True)
class RowSum:
    """A row: people per state, houses as tallies have them, houses expected and of these unvisited.

    unlisted: hamlets of which no list says how many houses they have.
    """

    states: Sequence[int] = NOBODY
    houses: Sequence[int] = _NO_HOUSES
    expected: int | None = None
    unvisited: int = 0
    unlisted: int = 0


def total_of(rows: Sequence[RowSum]) -> RowSum:
    """People, houses and expectations of several rows; column by column, which is quicker than row by row."""
    expected = [one.expected for one in rows if one.expected is not None]
    return RowSum(
        [sum(column) for column in zip(NOBODY, *(one.states for one in rows), strict=True)],
        [sum(column) for column in zip(_NO_HOUSES, *(one.houses for one in rows), strict=True)],
        sum(expected) if expected else None,
        sum(one.unvisited for one in rows),
        sum(one.unlisted for one in rows),
    )


@dataclass(frozen=True, slots=True)
class Ground:
    """What holds for every series. sums: rows without people. rows: by cell. changes: of cells, as ``KeptStates`` asks.

    era: of the tallies. everywhere: these are all cells that have any households.
    """

    sums: Mapping[Row, RowSum]
    rows: Mapping[int, Row]
    changes: Mapping[int, int]
    era: str
    everywhere: bool


def ground(
    reference: Reference, connection: Connection, known: Known, places: PlaceSet, campaign: Campaign, user: User
) -> Ground:
    """The rows of the cells that a user may see, with the households expected."""
    visible = visible_cells(reference, connection, user)
    seen = None if visible is None else set(visible)
    # All of them: how many houses of a hamlet are still to be visited does not depend on who asks.
    houses = tallies.houses(reference.database, connection, campaign.id, None)
    cells = reference.cells(connection)
    sums: dict[Row, RowSum] = {}
    rows: dict[int, Row] = {}
    visited: dict[str, dict[str | None, int]] = {}
    changes: dict[int, int] = {}
    set_id, hamlets = places.id, known.hamlets
    for of_cell in houses:
        cell_id, counts = of_cell[0], of_cell[1:-1]
        if not any(counts):
            continue
        cell = cells[cell_id]
        unit, code = row = cell.units.get(set_id), cell.hamlet_code
        if code is not None:
            lying = visited.setdefault(code, {})
            lying[unit] = lying.get(unit, 0) + counts[0]
        if seen is not None and cell_id not in seen:
            continue
        into = sums.get(row)
        if into is None:
            listed = code is None or (code in hamlets and hamlets[code].households is not None)
            sums[row] = RowSum(NOBODY, counts, None, 0, 0 if listed else 1)
        else:
            into.houses = list(map(add, into.houses, counts))
        rows[cell_id] = row
        changes[cell_id] = of_cell[-1]
    for hamlet in visible_hamlets(known, user, lambda set_id: visited_in(cells, houses, set_id)):
        unit = main_unit(known, places, hamlet, visited)
        into = sums.setdefault((unit, hamlet.code), RowSum())
        into.expected = hamlet.households
        if hamlet.households is not None:
            into.unvisited = max(0, hamlet.households - sum(visited.get(hamlet.code, {}).values()))
        elif hamlet.code in visited:
            into.unlisted = 1
    era, _ = tallies.version(reference.database, connection)
    return Ground(sums, rows, changes, era, visible is None)


def with_states(
    at: Ground, reference: Reference, connection: Connection, series_id: int, day: date
) -> Mapping[Row, RowSum]:
    """The rows with their people of one series on a day; the ground is used up for it."""
    found = reference.states.on(
        reference.database, connection, at.era, series_id, day.toordinal(), at.changes, everywhere=at.everywhere
    )
    for cell_id, states in found.items():
        into = at.sums[at.rows[cell_id]]
        into.states = states if into.states is NOBODY else list(map(add, into.states, states))
    return at.sums


def people_of(
    at: Ground, reference: Reference, connection: Connection, series: Sequence[int], day: date
) -> NDArray[np.int32]:
    """People per state of many series on a day: a row a cell of the ground, in it a row a series."""
    return reference.states.of_all(
        reference.database, connection, at.era, series, day.toordinal(), at.changes, everywhere=at.everywhere
    )


def cells_of(at: Ground, held: Sequence[Row], place_of: Callable[[Row], Place]) -> dict[Place, list[int]]:
    """Of some rows the numbers of their cells in the ground's order, by the place that each row belongs to."""
    places = {row: place_of(row) for row in held}
    found: dict[Place, list[int]] = {}
    for number, row in enumerate(at.rows.values()):
        if row in places:
            found.setdefault(places[row], []).append(number)
    return found


def of_series(at: Ground, held: Sequence[Row], people: NDArray[np.int32], series: int) -> dict[Row, RowSum]:
    """Some rows with their people of one of the series that ``people_of`` read."""
    among = cells_of(at, held, lambda row: row)
    return {
        row: replace(at.sums[row], states=people[among[row], series].sum(axis=0).tolist() if row in among else NOBODY)
        for row in held
    }
