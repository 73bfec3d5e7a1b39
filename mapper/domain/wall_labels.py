"""Where names and numbers stand on the map for the wall: none on another, the largest places first, the rest by key."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from mapper.domain.wall_map import FRAME, Box, Key, Label, Rings, Shape, Spot

Measure = Callable[[str, float], float]
"""Width in millimetres of words in bold letters of a size in points."""

SIZES = (12.0, 10.0, 8.5, 7.0)
"""Sizes of a place's letters, points; from WIDE_FROM millimetres on each."""

WIDE_FROM = (60.0, 30.0, 18.0, 0.0)
NAME_SIZE = 10.5
LINE = 0.42
"""Millimetres from line to line for a point of size."""

NARROWEST = 12.0
"""A place narrower than this may be written over so far, millimetres."""

_ASIDE = sorted(
    ((5.0 * across, 3.5 * down) for across in range(-6, 7) for down in range(-8, 9)),
    key=lambda move: abs(move[0]) + abs(move[1]),
)
_WIDEST_KEY = "(888)"
_CELL = 20.0


class _Taken:
    """Boxes that are written in, found again by where they lie."""

    def __init__(self, boxes: Iterable[Box]) -> None:
        self._cells: dict[tuple[int, int], list[Box]] = {}
        for box in boxes:
            self.add(box)

    def add(self, box: Box) -> None:
        for cell in _cells(box):
            self._cells.setdefault(cell, []).append(box)

    def touches(self, box: Box) -> bool:
        return any(
            box[0] < other[2] and other[0] < box[2] and box[1] < other[3] and other[1] < box[3]
            for cell in _cells(box)
            for other in self._cells.get(cell, ())
        )


def _cells(box: Box) -> Iterator[tuple[int, int]]:
    for column in range(int(box[0] // _CELL), int(box[2] // _CELL) + 1):
        for row in range(int(box[1] // _CELL), int(box[3] // _CELL) + 1):
            yield column, row


def place_labels(
    shapes: Sequence[Shape],
    names: Sequence[tuple[str, Spot, Rings]],
    measure: Measure,
    taken: Iterable[Box] = (),
    most_keys: int = 0,
) -> tuple[list[Label], list[Key]]:
    """Labels that touch neither each other nor what is taken, and the list of those places that a number stands for.

    names: of what lies around the shapes, its middle and outline, written first. taken: boxes that must stay free,
    millimetres. most_keys: how long the list may be. The larger a place, the earlier it is written: with its name and
    figure, in smaller letters, or moved a little; else with a number and its figure; else with its figure alone; else
    not at all.
    """
    full = _Taken(taken)
    labels: list[Label] = []
    middles = _Taken((x - 6, y - 3, x + 6, y + 3) for x, y in (shape.at for shape in shapes))
    for name, at, rings in names:
        # Within its outline and beside the places that lie there, if there is room.
        half = measure(name, NAME_SIZE) / 2
        inside = [move for move in _ASIDE if _holds(rings, at, move)]
        whole = [move for move in inside if all(_holds(rings, at, (move[0] + side, move[1])) for side in (-half, half))]
        label = None
        for moves, spared in ((whole, middles), (inside, middles), (inside or _ASIDE, None)):
            label = label or _first(full, (name,), at, moves, NAME_SIZE, measure, spared)
        labels += [label] if label is not None else []
    keyed: list[tuple[Shape, Label]] = []
    for shape in sorted((each for each in shapes if each.rings), key=lambda each: (-each.wide, each.name, each.at)):
        label = _within(full, (shape.name, shape.figure), shape, measure, _sizes(shape))
        if label is None and len(keyed) < most_keys:
            label = _within(full, (_WIDEST_KEY, shape.figure), shape, measure, SIZES[-1:])
            if label is not None:
                keyed.append((shape, label))
                continue
        label = label or _within(full, (shape.figure,), shape, measure, SIZES[-1:])
        labels += [label] if label is not None else []
    # Numbered as the eye goes over the sheet, so that a number of the list is soon found on it.
    keyed.sort(key=lambda one: (one[1].box[1] // _CELL, one[1].box[0]))
    keys = []
    for number, (shape, label) in enumerate(keyed, 1):
        labels.append(replace(label, lines=(f"({number})", shape.figure)))
        keys.append(Key(number, shape.name, shape.figure))
    return labels, keys


def _sizes(shape: Shape) -> Sequence[float]:
    """Sizes to try for a place, the one that suits it first."""
    return SIZES[next(place for place, wide in enumerate(WIDE_FROM) if shape.wide > wide or not wide) :]


def _within(
    full: _Taken, lines: tuple[str, ...], shape: Shape, measure: Measure, sizes: Iterable[float]
) -> Label | None:
    """Lines in a place: in its middle, else a little beside it, as long as their own middle lies in it."""
    for size in sizes:
        if max(measure(line, size) for line in lines) > 1.3 * max(shape.wide, NARROWEST):
            continue
        step = size * LINE
        aside = shape.wide / 5
        moves = ((0.0, 0.0), (0.0, -step), (0.0, step), (-aside, 0.0), (aside, 0.0), (0.0, -2 * step), (0.0, 2 * step))
        inside = (move for move in moves if move == (0.0, 0.0) or _holds(shape.rings, shape.at, move))
        label = _first(full, lines, shape.at, inside, size, measure)
        if label is not None:
            return label
    return None


def _first(
    full: _Taken,
    lines: tuple[str, ...],
    at: Spot,
    moves: Iterable[Spot],
    size: float,
    measure: Measure,
    spared: _Taken | None = None,
) -> Label | None:
    """Lines at the first spot where nothing is written yet, which then is taken; None where there is none.

    spared: boxes to keep free as well.
    """
    half = max(measure(line, size) for line in lines) / 2 + 0.8
    high = size * LINE * len(lines) + 0.6
    left, top, wide, tall = FRAME
    for across, down in moves:
        x, y = at[0] + across, at[1] + down
        box = (x - half, y - high / 2, x + half, y + high / 2)
        inside = box[0] > left and box[2] < left + wide and box[1] > top and box[3] < top + tall
        if inside and not full.touches(box) and not (spared and spared.touches(box)):
            full.add(box)
            return Label(lines, size, box)
    return None


def _holds(rings: Rings, at: Spot, move: Spot) -> bool:
    """Whether a spot lies in rings, of which those within others are holes."""
    x, y = at[0] + move[0], at[1] + move[1]
    found = False
    for ring in rings:
        for (ax, ay), (bx, by) in pairwise(ring):
            if (ay > y) != (by > y) and x < (bx - ax) * (y - ay) / (by - ay) + ax:
                found = not found
    return found
