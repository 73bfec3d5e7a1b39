"""The order in which to walk past the houses of a hamlet: a short way through their points, from door to door.

No map of paths exists, so the way is as the crow flies. It is the same for the same houses, however they are told.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from mapper.domain.people import Point

NEIGHBOURS = 10
"""Houses nearest to each that are tried as the next on the way."""

ROUNDS = 60
"""Improvements stop here at the latest; a hamlet is done after some ten rounds."""

MOST_MOVED = 1500
"""In up to so many houses single ones are moved along the way; a town's are only strung up well."""

CURVE_BITS = 12
METRES_A_DEGREE = 111_195.0
LEAST_MAP_M = 100.0
_LEAST_GAIN_M = 1e-6
_NUMBERS = re.compile(r"(\d+)")

Spot = tuple[float, float]
"""Metres east and north of the hamlet's middle."""


@dataclass(frozen=True, slots=True)
class Stop:
    """A house to pass. id: what orders houses that nothing else does. point: None where no usable one is known."""

    id: str
    point: Point | None
    house_number: str | None = None


def walk(stops: Sequence[Stop]) -> list[int]:
    """Places of the stops in the order to walk; those without a point come last, by house number.

    The way begins at whichever of its ends has the lower house number. Houses of one point stand together, by number.
    """
    order = sorted(range(len(stops)), key=lambda place: _by_number(stops[place]))
    doors: dict[Spot, list[int]] = {}
    for place in order:
        point = stops[place].point
        if point is not None:
            doors.setdefault((point.lat, point.lon), []).append(place)
    corners = sorted(doors)
    way = [corners[number] for number in shortest_way(_metres(corners))]
    if way and _by_number(stops[doors[way[-1]][0]]) < _by_number(stops[doors[way[0]][0]]):
        way.reverse()
    return [place for corner in way for place in doors[corner]] + [p for p in order if stops[p].point is None]


def length_m(points: Sequence[Point]) -> float:
    """Length of the way through these points, in metres, as the crow flies."""
    spots = _metres([(point.lat, point.lon) for point in points])
    return sum(math.dist(one, other) for one, other in pairwise(spots))


def to_scale(points: Sequence[Point], wide: float, high: float, border: float) -> tuple[list[Spot], float]:
    """Where points lie on a map of that size, right and down from its corner, and how many metres a unit is.

    North is up, the points lie in the middle, and the border stays free; the map shows LEAST_MAP_M across at least.
    """
    lats, lons = [point.lat for point in points], [point.lon for point in points]
    lat, lon = (min(lats) + max(lats)) / 2, (min(lons) + max(lons)) / 2
    shrink = max(0.01, math.cos(math.radians(lat)))
    across = (max(lons) - min(lons)) * METRES_A_DEGREE * shrink
    along = (max(lats) - min(lats)) * METRES_A_DEGREE
    scale = max(across / (wide - 2 * border), along / (high - 2 * border), LEAST_MAP_M / wide)
    return [
        (
            wide / 2 + (point.lon - lon) * METRES_A_DEGREE * shrink / scale,
            high / 2 - (point.lat - lat) * METRES_A_DEGREE / scale,
        )
        for point in points
    ], scale


def number_key(house_number: str | None) -> tuple[bool, list[tuple[int, int, str]]]:
    """A house number as it sorts: 2 before 10, 12 before 12A and 12/3; a house without one after all others."""
    text = (house_number or "").strip().casefold()
    parts = [part for part in _NUMBERS.split(text) if part]
    # A run of digits that no integer holds readily is compared as text, after numbers.
    return not text, [
        (0, int(part), "") if part.isascii() and part.isdecimal() and len(part) < 16 else (1, 0, part) for part in parts
    ]


def _by_number(stop: Stop) -> tuple[tuple[bool, list[tuple[int, int, str]]], str]:
    return number_key(stop.house_number), stop.id


def _metres(corners: Sequence[Spot]) -> list[Spot]:
    """Latitudes and longitudes as metres on the plane that touches their middle; right enough within a commune."""
    if not corners:
        return []
    lat = sum(corner[0] for corner in corners) / len(corners)
    lon = sum(corner[1] for corner in corners) / len(corners)
    shrink = math.cos(math.radians(lat))
    return [((x - lon) * METRES_A_DEGREE * shrink, (y - lat) * METRES_A_DEGREE) for y, x in corners]


def shortest_way(spots: Sequence[Spot]) -> list[int]:
    """A short open way through all spots, as their places: along a Hilbert curve, then 2-opt and Or-opt.

    Not always the shortest there is, but within a few per cent of it. Sources: G. A. Croes, Operations Research 6
    (1958) 791-812, for 2-opt; I. Or, Northwestern University (1976), for moving short runs of stops.
    """
    if len(spots) < 3:
        return list(range(len(spots)))
    way = _along_a_curve(spots)
    near = _nearest(spots)
    for _ in range(ROUNDS):
        turned = _turn_around(spots, near, way)
        if not turned + (_move_runs(spots, near, way) if len(spots) <= MOST_MOVED else 0):
            break
    return way


def _along_a_curve(spots: Sequence[Spot]) -> list[int]:
    """Places of the spots as a Hilbert curve over them passes."""
    west, south = (min(column) for column in zip(*spots, strict=True))
    side = max(max(column) - least for column, least in zip(zip(*spots, strict=True), (west, south), strict=True))
    scale = ((1 << CURVE_BITS) - 1) / side if side else 0.0

    def passed(place: int) -> tuple[int, int]:
        x, y = int((spots[place][0] - west) * scale), int((spots[place][1] - south) * scale)
        length, step = 0, 1 << (CURVE_BITS - 1)
        while step:
            right, up = int(x & step > 0), int(y & step > 0)
            length += step * step * ((3 * right) ^ up)
            if not up:
                if right:
                    x, y = step - 1 - (x & (step - 1)), step - 1 - (y & (step - 1))
                x, y = y, x
            step >>= 1
        return length, place

    return sorted(range(len(spots)), key=passed)


def _nearest(spots: Sequence[Spot]) -> list[list[int]]:
    """The nearest other spots of each, the nearest first, as found in the squares of a grid around it."""
    squares: dict[tuple[int, int], list[int]] = {}
    columns = list(zip(*spots, strict=True))
    extent = max(max(column) - min(column) for column in columns) or 1.0
    side = extent / max(1.0, math.sqrt(len(spots) / 3))
    for place, (x, y) in enumerate(spots):
        squares.setdefault((int(x // side), int(y // side)), []).append(place)
    found = []
    wanted = min(NEIGHBOURS, len(spots) - 1)
    for place, (x, y) in enumerate(spots):
        column, row = int(x // side), int(y // side)
        reach = 1
        while True:
            about = [
                other
                for i in range(column - reach, column + reach + 1)
                for j in range(row - reach, row + reach + 1)
                for other in squares.get((i, j), ())
                if other != place
            ]
            if len(about) >= wanted or reach * side > extent:
                break
            reach *= 2
        origin = spots[place]
        found.append(sorted(about, key=lambda other: (math.dist(origin, spots[other]), other))[:wanted])
    return found


def _turn_around(spots: Sequence[Spot], near: Sequence[Sequence[int]], way: list[int]) -> int:
    """Turn stretches of the way around where that shortens it (2-opt on an open way); how often it did."""
    at = [0] * len(way)
    for position, place in enumerate(way):
        at[place] = position
    last, turned = len(way) - 1, 0
    for place in range(len(spots)):
        for forward in (True, False):
            i = at[place]
            j = i + 1 if forward else i - 1
            # At an end of the way there is no step to save; turning from there still may bring a nearer house.
            step = math.dist(spots[place], spots[way[j]]) if 0 <= j <= last else 0.0
            for other in near[place]:
                joined = math.dist(spots[place], spots[other])
                if step and joined >= step:
                    break
                k = at[other]
                beyond = k + 1 if forward else k - 1
                dropped = math.dist(spots[other], spots[way[beyond]]) if 0 <= beyond <= last else 0.0
                closing = math.dist(spots[way[j]], spots[way[beyond]]) if step and dropped else 0.0
                if step + dropped - joined - closing > _LEAST_GAIN_M:
                    low, high = (min(i, k) + 1, max(i, k)) if forward else (min(i, k), max(i, k) - 1)
                    way[low : high + 1] = way[low : high + 1][::-1]
                    for position in range(low, high + 1):
                        at[way[position]] = position
                    turned += 1
                    break
    return turned


def _move_runs(spots: Sequence[Spot], near: Sequence[Sequence[int]], way: list[int]) -> int:
    """Move runs of one to three stops to where they lie on the way (Or-opt); how often that shortened it."""
    moved = 0
    for place in range(len(spots)):
        for count in (1, 2, 3):
            start = way.index(place)
            run = way[start : start + count]
            if len(run) < count or len(run) == len(way):
                break
            before = way[start - 1] if start else None
            after = way[start + count] if start + count < len(way) else None
            saved = _gap(spots, before, run[0]) + _gap(spots, run[-1], after) - _gap(spots, before, after)
            best = _better_place(spots, near, way, run, saved)
            if best is not None:
                target, follows, turned = best
                del way[start : start + count]
                position = way.index(target) + int(follows)
                way[position:position] = run[::-1] if turned else run
                moved += 1
                break
    return moved


def _better_place(
    spots: Sequence[Spot], near: Sequence[Sequence[int]], way: Sequence[int], run: Sequence[int], saved: float
) -> tuple[int, bool, bool] | None:
    """Beside which stop a run costs least, if less than it saves: the stop, whether after it, whether turned round."""
    best: tuple[int, bool, bool] | None = None
    gain = _LEAST_GAIN_M
    for end in (run[0], run[-1]):
        for other in near[end]:
            if other in run or math.dist(spots[end], spots[other]) >= saved:
                continue
            position = way.index(other)
            for follows in (True, False):
                beside = position + 1 if follows else position - 1
                next_to = way[beside] if 0 <= beside < len(way) else None
                if next_to in run:
                    # The run stands there already: what lies beyond it is what it would stand beside.
                    beside = beside + len(run) if follows else beside - len(run)
                    next_to = way[beside] if 0 <= beside < len(way) else None
                far = run[-1] if end == run[0] else run[0]
                cost = _gap(spots, other, end) + _gap(spots, far, next_to) - _gap(spots, other, next_to)
                if saved - cost > gain:
                    best, gain = (other, follows, (end == run[0]) != follows), saved - cost
    return best


def _gap(spots: Sequence[Spot], one: int | None, other: int | None) -> float:
    """The distance between two stops; none beyond an end of the way."""
    return 0.0 if one is None or other is None else math.dist(spots[one], spots[other])
