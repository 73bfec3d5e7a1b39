"""The area that somebody works in on foot: cells of hamlets and units, and whatever lies in a drawn outline."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from mapper.domain.whole import whole
from mapper.geo.drawn import bounds, meets_any, overlap, within_any
from mapper.services.accounts import DRAWN, User
from mapper.services.reference import Known, Reference
from mapper.store import follow_up, tallies
from mapper.store import outlines as drawn
from mapper.store.database import Connection
from mapper.store.reference import Hamlet


class Located(Protocol):
    """A household as far as its place goes."""

    @property
    def id(self) -> str:
        """Of the household."""

    @property
    def cell_id(self) -> int:
        """Of the cell that it is counted in."""

    @property
    def point_usable(self) -> bool:
        """Whether its position is good enough to place it."""

    @property
    def lon(self) -> float | None:
        """Degrees."""

    @property
    def lat(self) -> float | None:
        """Degrees."""


Row = TypeVar("Row", bound=Located)


@dataclass(frozen=True, slots=True)
class FieldArea:
    """Where a user's households are.

    cells: numbers of the cells that lie in the area whole; None for all there are. outlines: drawn areas, WKB.
    touched: cells of which households may stand in an outline.
    """

    cells: frozenset[int] | None
    outlines: tuple[bytes, ...] = ()
    touched: frozenset[int] = frozenset()

    @property
    def readable(self) -> list[int] | None:
        """Every cell that has to be looked into, in order; None for all."""
        return None if self.cells is None else sorted(self.cells | self.touched)

    def hold(self, rows: Sequence[Row]) -> list[Row]:
        """Those of the households that lie in the area. A position that is no good lies in no outline."""
        if self.cells is None:
            return list(rows)
        apart = [row for row in rows if row.cell_id not in self.cells and row.point_usable]
        points = [(row.lon or 0.0, row.lat or 0.0) for row in apart]
        drawn = {row.id for row, inside in zip(apart, within_any(self.outlines, points), strict=True) if inside}
        return [row for row in rows if row.cell_id in self.cells or row.id in drawn]


def field_area(reference: Reference, connection: Connection, known: Known, user: User) -> FieldArea:
    """The area of a user, drawn ones among them."""
    if not user.areas:
        return FieldArea(None)
    every = reference.cells(connection)
    index = reference.lists.value(("cells", len(every)), lambda: _Index(every.values()))
    cells = frozenset(number for area in user.areas for number in index.within(known, area))
    outlines = drawn_outlines(reference, connection, user)
    if not outlines:
        return FieldArea(cells)
    boxes = [bounds(outline) for outline in outlines]

    def near(cell: tallies.Cell) -> bool:
        """Whether an outline may hold households of a cell: it meets the units that the cell's points lie in."""
        for set_id, code in cell.units.items():
            places = known.sets.get(set_id)
            unit = places.units.get((places.leaf, code)) if places is not None and code is not None else None
            if unit is not None and not any(overlap(unit.bounds, box) for box in boxes):
                return False
        return True

    return FieldArea(cells, outlines, frozenset(cell.id for cell in every.values() if near(cell)) - cells)


class _Index:
    """The cells by hamlet and by innermost unit, since a province has thousands of them and a canvasser a few."""

    def __init__(self, cells: Iterable[tallies.Cell]) -> None:
        self._by_hamlet: dict[str, list[int]] = {}
        self._by_unit: dict[str, dict[str, list[int]]] = {}
        self._apart: dict[str, list[tallies.Cell]] = {}
        for cell in cells:
            if cell.hamlet_code:
                self._by_hamlet.setdefault(cell.hamlet_code, []).append(cell.id)
            for set_id, code in cell.units.items():
                if code is None:
                    self._apart.setdefault(set_id, []).append(cell)
                else:
                    self._by_unit.setdefault(set_id, {}).setdefault(code, []).append(cell.id)

    def within(self, known: Known, area: tuple[str, str]) -> list[int]:
        """Numbers of the cells that lie in an area, by the rule of ``accounts.sees``."""
        set_id, code = area
        if not set_id:
            return self._by_hamlet.get(code, [])
        places = known.every_set.get(set_id)
        if places is None:
            return []
        units = self._by_unit.get(set_id, {})
        found = [number for unit, numbers in units.items() if code in places.line(unit) for number in numbers]
        # Of those in one of several units the index is kept, but not what was told of heirs, which may change.
        apart = self._apart.get(set_id, ())
        return found + [cell.id for cell in apart if code in places.line(known.leaf(cell, places))]


def hamlets_met(connection: Connection, known: Known, outlines: Sequence[bytes]) -> list[Hamlet]:
    """The listed hamlets of communes in which some ground of an outline lies; of hamlets themselves no map is kept."""
    if not outlines or known.home is None:
        return []
    places = known.sets[known.home]
    units = drawn.outlines(connection, places.id, places.leaf)
    met = meets_any(outlines, [outline for _, outline in units])
    communes = {code for (code, _), is_met in zip(units, met, strict=True) if is_met}
    return [hamlet for hamlet in known.hamlets.values() if hamlet.commune_code in communes]


def drawn_outlines(reference: Reference, connection: Connection, user: User) -> tuple[bytes, ...]:
    """The outlines that were drawn for a user, WKB; one that was taken away again is left out."""
    told = (whole(code) for set_id, code in user.areas if set_id == DRAWN)
    numbers = [number for number in told if number is not None]
    if not numbers:
        return ()
    return tuple(outline for _, outline in follow_up.drawn_areas(reference.database, connection, numbers))
