"""Units drawn on a grid of square cells: which of them reach into each cell on a border, and whose the others are.

Numbers of cells are row * cells + column, from the south-west corner; units are told by their rank among the codes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

Numbers = NDArray[np.int64]
Floats = NDArray[np.float64]

_PORTION = 1 << 18  # pieces of borders at a time


class Frame(NamedTuple):
    """Where a grid lies. margin: degrees within which a border counts as being on both sides of a cell's edge."""

    west: float
    south: float
    per_x: float
    per_y: float
    cells: int
    margin: float


class Inside(NamedTuple):
    """Cells begin to end - 1, of one row, whose middles a unit covers; one entry an unbroken stretch of its ground."""

    begin: Numbers
    end: Numbers
    rank: Numbers


class UnitGrid(NamedTuple):
    """Units on a grid.

    border: cells that a border comes near, and some more, ascending. starts, ranks: ranks[starts[i]:starts[i + 1]] are
    the units that reach into border[i], ascending. free: of each unbroken run of other cells in a row its first cell
    and the one after its last. holder: the lowest rank of a unit that covers the run, or -1.
    """

    border: Numbers
    starts: Numbers
    ranks: Numbers
    free: tuple[Numbers, Numbers]
    holder: Numbers


def draw(shapes: NDArray[np.object_], rank: Numbers, frame: Frame) -> UnitGrid:
    """Draw units on a grid. shapes: valid polygons, degrees, within the frame; rank: of each, 0 to their number - 1."""
    units, cells = len(shapes), frame.cells
    parts, unit_of_part = shapely.get_parts(shapes, return_index=True)
    rings, part_of_ring = shapely.get_rings(parts, return_index=True)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    x, y = (xy[:, 0] - frame.west) * frame.per_x, (xy[:, 1] - frame.south) * frame.per_y
    part = part_of_ring[ring]
    joined = np.flatnonzero(ring[1:] == ring[:-1])  # a segment goes from vertex joined to joined + 1
    rank_of_part = rank[unit_of_part]
    inside = _inside(x, y, joined, part, rank_of_part, cells)
    touched = _touched(x, y, joined, rank_of_part[part], frame)
    key = _distinct(np.concatenate([_distinct(_once(cell * units + of)) for cell, of in touched]))
    border = _distinct(key // units)
    # A unit that reaches into a cell either has its border there or covers the cell whole, and then its middle.
    at, stretch = _within(border, inside)
    key = _distinct(np.concatenate([key, _once(border[at] * units + inside.rank[stretch])]))
    cell, ranks = np.divmod(key, units)
    starts = np.append(np.flatnonzero(np.diff(cell, prepend=-1)), len(cell))
    begins, ends = _free_runs(border, cells)
    # No border passes between cells of such a run: what covers the middle of the first covers all of it.
    at, stretch = _within(begins, inside)
    lowest = np.full(len(begins), units)
    np.minimum.at(lowest, at, inside.rank[stretch])
    return UnitGrid(border, starts, ranks, (begins, ends), np.where(lowest < units, lowest, -1))


def _distinct(values: Numbers) -> Numbers:
    """Sorted, each once; np.unique hashes numbers since numpy 2.3, which took ten times as long on these."""
    ordered = np.sort(values)
    distinct: Numbers = ordered[np.diff(ordered, prepend=-1) != 0]
    return distinct


def _once(values: Numbers) -> Numbers:
    """Without what repeats the value before it."""
    once: Numbers = values[np.diff(values, prepend=-1) != 0]
    return once


def _inside(x: Floats, y: Floats, joined: Numbers, part: Numbers, rank_of_part: Numbers, cells: int) -> Inside:
    """The stretches of each row's middle line that lie within units.

    A line crosses the rings of a polygon an even number of times, and from each odd crossing to the next is within.
    Where a middle is that near to a border that rounding could tell, its cell is one on a border.
    """
    # A segment crosses the middle line of row r where r + 0.5 is between its ends, the lower one counted with it.
    row = np.ceil(y - 0.5).astype(np.int32)
    lowest, number = np.minimum(row[joined], row[joined + 1]), np.abs(row[joined] - row[joined + 1])
    crossing = np.flatnonzero(number)
    lowest, number, first = lowest[crossing], number[crossing], joined[crossing]
    of = np.repeat(np.arange(len(first)), number)
    line = lowest[of] + _counted(number)
    first = first[of]
    at = x[first] + (line + 0.5 - y[first]) / (y[first + 1] - y[first]) * (x[first + 1] - x[first])
    column = np.ceil(at - 0.5).astype(np.int64).clip(0, cells)  # the first one whose middle is not left of it
    parts = len(rank_of_part)
    ordered = np.sort((line.astype(np.int64) * parts + part[first]) * (cells + 1) + column)
    line_and_part, column = np.divmod(ordered, cells + 1)
    row_start, part = (line_and_part // parts * cells)[::2], (line_and_part % parts)[::2]
    wide = column[::2] < column[1::2]
    return Inside(
        (row_start + column[::2])[wide], (row_start + column[1::2])[wide], rank_of_part[part[wide]].astype(np.int64)
    )


def _counted(numbers: Numbers) -> Numbers:
    """0 to n - 1 for each of the numbers, one behind the other."""
    counted: Numbers = np.arange(numbers.sum()) - np.repeat(np.cumsum(numbers) - numbers, numbers)
    return counted


def _within(cells: Numbers, inside: Inside) -> tuple[Numbers, Numbers]:
    """Each pair of a cell, by its place among the ascending cells, and a stretch that its middle lies in."""
    first = np.searchsorted(cells, inside.begin)
    number = np.searchsorted(cells, inside.end) - first
    stretch = np.repeat(np.arange(len(first)), number)
    return first[stretch] + _counted(number), stretch


def _free_runs(border: Numbers, cells: int) -> tuple[Numbers, Numbers]:
    """Runs of cells in a row that are not on a border: of each its first cell, and the one after its last."""
    # A run begins at a row's start or behind a cell on a border, and ends before the next of these.
    begins = _distinct(np.concatenate([np.arange(cells) * cells, border + 1]))
    ends = _distinct(np.concatenate([np.arange(1, cells + 1) * cells, border]))
    is_free = np.ones(cells * cells + 1, dtype=bool)
    is_free[border] = is_free[-1] = False
    begins = begins[is_free[begins]]
    return begins, ends[np.searchsorted(ends, begins, side="right")]


def _touched(x: Floats, y: Floats, joined: Numbers, rank: Numbers, frame: Frame) -> Iterator[tuple[Numbers, Numbers]]:
    """Cells and the units whose border touches them, in portions, with repetitions."""
    cells, rank = frame.cells, rank.astype(np.int64)
    near = frame.margin * frame.per_x, frame.margin * frame.per_y
    low = [np.floor(v - by).astype(np.int32).clip(0, cells - 1) for v, by in zip((x, y), near, strict=True)]
    high = [np.floor(v + by).astype(np.int32).clip(0, cells - 1) for v, by in zip((x, y), near, strict=True)]
    first_x, first_y = (np.minimum(v[joined], v[joined + 1]) for v in low)
    wide, tall = (
        np.maximum(v[joined], v[joined + 1]) - first for v, first in zip(high, (first_x, first_y), strict=True)
    )
    cell, rank = first_y.astype(np.int64) * cells + first_x, rank[joined]
    # Most segments are so short that they lie in one cell, or in two beside each other: these are all that they touch.
    few = wide + tall <= 1
    yield cell[few], rank[few]
    two = few & (wide + tall == 1)
    yield (cell + wide + tall.astype(np.int64) * cells)[two], rank[two]
    first, rank = joined[~few], rank[~few]
    if not len(first):
        return
    step = x[first + 1] - x[first], y[first + 1] - y[first]
    # Cut into pieces of at most half a cell, whose bounding boxes then reach into few cells besides their own.
    pieces = np.maximum(np.ceil(2 * np.maximum(np.abs(step[0]), np.abs(step[1]))), 1).astype(np.int64)
    ends = np.cumsum(pieces)
    stops = np.searchsorted(ends, np.arange(_PORTION, ends[-1], _PORTION), side="right").tolist()
    for start, stop in zip([0, *stops], [*stops, len(pieces)], strict=True):
        n = pieces[start:stop]
        of = np.repeat(np.arange(start, stop), n)
        k = _counted(n)
        lowest, reach = [], []
        for v, by, far in zip((x, y), step, near, strict=True):
            a, b = (v[first[of]] + by[of] * (turn / pieces[of]) for turn in (k, k + 1))
            lowest.append(np.floor(np.minimum(a, b) - far).astype(np.int64).clip(0, cells - 1))
            reach.append(np.floor(np.maximum(a, b) + far).astype(np.int64).clip(0, cells - 1) - lowest[-1])
        for dx in range(int(reach[0].max(initial=0)) + 1):
            for dy in range(int(reach[1].max(initial=0)) + 1):
                reached = (dx <= reach[0]) & (dy <= reach[1])
                yield (lowest[1][reached] + dy) * cells + lowest[0][reached] + dx, rank[of[reached]]
