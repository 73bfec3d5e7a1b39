"""Tallies by innermost unit and hamlet: houses and what lists expect there, and the people of any series.

Where houses stand, and how many are expected, is the same whatever is asked about the people in them: it is read once
and serves every group, dose and day.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from operator import add
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from mapper.domain.campaign import Campaign
from mapper.domain.household import HOUSE_COUNTS
from mapper.domain.ranges import Leaf, OneOf
from mapper.services.accounts import User, visible_cells
from mapper.services.kept_states import NOBODY
from mapper.services.listed import visible_expected, visited_in
from mapper.services.reference import Known, PlaceSet, Reference
from mapper.store import tallies
from mapper.store.database import Connection
from mapper.store.reference import Hamlet

Row = tuple[Leaf, str | None]
"""(leaf unit code or one of several, hamlet code), either None where a household has none."""

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

    era: of the tallies. everywhere: these are all cells that have any households. apart: rows in one of several units
    that the user may not see, with houses of lists there, and apart_rows their cells, of which no more is told than
    that they may be in another.
    placed: households whose point tells where they are, by unit: of a unit of the home set and hamlet, and with a
    hamlet of None of the whole unit; only of those units of which some are in one of several here.
    """

    sums: Mapping[Row, RowSum]
    rows: Mapping[int, Row]
    changes: Mapping[int, int]
    era: str
    everywhere: bool
    apart: Mapping[Row, RowSum]
    apart_rows: Mapping[int, Row]
    placed: Mapping[tuple[str, str | None], Mapping[str, int]]


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
    apart: dict[Row, RowSum] = {}
    apart_changes: dict[int, int] = {}
    apart_rows: dict[int, Row] = {}
    set_id, hamlets = places.id, known.hamlets
    for of_cell in houses:
        cell_id, counts = of_cell[0], of_cell[1:-1]
        if not any(counts):
            continue
        cell = cells[cell_id]
        unit, code = cell.units.get(set_id), cell.hamlet_code
        if code is not None:
            lying = visited.setdefault(code, {})
            lying[unit] = lying.get(unit, 0) + counts[0]
        row: Row = (unit if unit is not None else known.leaf(cell, places), code)
        if seen is not None and cell_id not in seen:
            if isinstance(row[0], OneOf):
                held = apart.setdefault(row, RowSum())
                held.houses = list(map(add, held.houses, counts))
                apart_rows[cell_id], apart_changes[cell_id] = row, of_cell[-1]
            continue
        into = sums.get(row)
        if into is None:
            listed = code is None or (code in hamlets and hamlets[code].households is not None)
            sums[row] = RowSum(NOBODY, counts, None, 0, 0 if listed else 1)
        else:
            into.houses = list(map(add, into.houses, counts))
        rows[cell_id] = row
        changes[cell_id] = of_cell[-1]

    def hidden(hamlet: Hamlet, leaf: OneOf, part: tuple[int | None, int]) -> None:
        into = apart.setdefault((leaf, hamlet.code), RowSum())
        into.expected, into.unvisited = part

    for hamlet, parts in visible_expected(
        known, places, user, lambda at: visited if at == set_id else visited_in(cells, houses, at), hidden
    ):
        for leaf, (expected, unvisited) in parts.items():
            into = sums.setdefault((leaf, hamlet.code), RowSum())
            into.expected, into.unvisited = expected, unvisited
            if expected is None and hamlet.code in visited:
                into.unlisted = 1
    era, _ = tallies.version(reference.database, connection)
    doubtful = {leaf.source for leaf, _ in (*sums, *apart) if isinstance(leaf, OneOf)}
    placed = placed_near(known, places, cells, houses, doubtful) if doubtful else {}
    # Those apart come last, so that a row of the ground and one of its people have one number.
    return Ground(sums, rows, changes | apart_changes, era, visible is None, apart, apart_rows, placed)


def placed_near(
    known: Known,
    places: PlaceSet,
    cells: Mapping[int, tallies.Cell],
    houses: Sequence[Sequence[int]],
    sources: Container[str],
) -> dict[tuple[str, str | None], dict[str, int]]:
    """Houses by unit of those that are known to be in one, by the home unit that they are in and by hamlet, None for
    all. sources: only of these home units."""
    found: dict[tuple[str, str | None], dict[str, int]] = {}
    for cell_id, visited, *_ in houses:
        cell = cells[cell_id]
        source, unit = cell.units.get(known.home or ""), cell.units.get(places.id)
        if source is not None and unit is not None and source in sources:
            for hamlet in {cell.hamlet_code, None}:
                counts = found.setdefault((source, hamlet), {})
                counts[unit] = counts.get(unit, 0) + visited
    return found


def with_states(
    at: Ground, reference: Reference, connection: Connection, series_id: int, day: date
) -> Mapping[Row, RowSum]:
    """The rows with their people of one series on a day; the ground is used up for it."""
    found = reference.states.on(
        reference.database, connection, at.era, series_id, day.toordinal(), at.changes, everywhere=at.everywhere
    )
    for cell_id, states in found.items():
        row = at.rows.get(cell_id)
        into = at.sums[row] if row is not None else at.apart[at.apart_rows[cell_id]]
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


def apart_of_series(at: Ground, people: NDArray[np.int32], series: int) -> dict[Row, RowSum]:
    """The rows apart with their people of one of the series that ``people_of`` read."""
    found = {row: replace(one) for row, one in at.apart.items()}
    for number, row in enumerate(at.apart_rows.values(), len(at.rows)):
        found[row].states = list(map(add, found[row].states, people[number, series].tolist()))
    return found
