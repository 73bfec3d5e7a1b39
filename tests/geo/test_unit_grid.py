"""Units on grids of a few cells, small enough to count by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely

from mapper.geo.unit_grid import Frame, UnitGrid, draw


def drawn(cells: int, *outlines: Any) -> UnitGrid:
    """Cells of one degree, from 0, 0; ranks are the outlines' order."""
    return draw(np.array(outlines, dtype=object), np.arange(len(outlines)), Frame(0.0, 0.0, 1.0, 1.0, cells, 1e-9))


def reaching(grid: UnitGrid) -> dict[int, list[int]]:
    """The units that reach into each cell on a border."""
    return {
        cell: grid.ranks[grid.starts[at] : grid.starts[at + 1]].tolist() for at, cell in enumerate(grid.border.tolist())
    }


def held(grid: UnitGrid) -> list[tuple[int, int, int]]:
    """First cell, the one after the last, and holder of each run without a border."""
    return list(zip(*(each.tolist() for each in (*grid.free, grid.holder)), strict=True))


def square(start: float, end: float) -> Any:
    return shapely.box(start, start, end, end)


def test_cells_on_a_border_have_its_units_and_the_others_whoever_covers_them() -> None:
    grid = drawn(5, square(0.5, 4.5), square(1.5, 3.5))
    outer = {cell: [0] for cell in range(25) if cell % 5 in (0, 4) or cell // 5 in (0, 4)}
    assert reaching(grid) == outer | {cell: [0, 1] for cell in (6, 7, 8, 11, 13, 16, 17, 18)}
    # both cover the cell in the middle: the lower one has it
    assert held(grid) == [(12, 13, 0)]


def test_a_unit_of_parts_with_a_hole_holds_what_is_in_them_alone() -> None:
    ring = square(0.5, 6.5).difference(square(1.5, 5.5))
    assert held(drawn(7, ring)) == [(16, 19, -1), (23, 26, -1), (30, 33, -1)]
    assert held(drawn(7, shapely.MultiPolygon([ring, square(2.5, 4.5)]))) == [(24, 25, 0)]
    # parts that lie on each other, as only a spoilt file has them, do not undo each other
    assert held(drawn(5, shapely.MultiPolygon([square(0.5, 4.5), square(0.4, 4.4)])))[0] == (6, 9, 0)


def test_what_no_border_comes_near_ends_with_its_row() -> None:
    assert held(drawn(3, square(1.2, 1.8))) == [(0, 3, -1), (3, 4, -1), (5, 6, -1), (6, 9, -1)]


def test_a_segment_across_many_cells_is_on_the_border_of_each() -> None:
    outline = shapely.Polygon([(0.2, 0.4), (8.8, 5.4), (8.8, 5.6), (0.2, 0.6)])
    grid = drawn(9, outline)
    cells = shapely.box(*np.array([(cell % 9, cell // 9, cell % 9 + 1, cell // 9 + 1) for cell in range(81)]).T)
    crossed = np.flatnonzero(shapely.intersects(cells, outline.exterior)).tolist()
    assert len(crossed) > 12
    assert set(crossed) <= set(reaching(grid))
    assert all(holder == -1 for *_, holder in held(grid))
