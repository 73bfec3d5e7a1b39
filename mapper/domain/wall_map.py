"""A map for the wall: what it shows, laid out in millimetres of an A3 sheet, for paper and screen alike."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mapper.domain.ranges import Range

WIDTH, HEIGHT, MARGIN = 420.0, 297.0, 10.0
FRAME = (10.0, 33.0, 288.0, 238.0)
"""Left, top, width and height of the map on the sheet."""

COLUMN = 304.0
"""Where the column with legend and table begins."""

HATCHES: tuple[tuple[float, bool], ...] = (
    *((1.4, True), (1.4, False), (2.6, False), (5.0, False)),
    *((0.0, False), (0.0, False)),
)
"""How each class of coverage, the lowest first, is hatched: millimetres between lines (0: not at all), crossed.

Paper is often black and white: what is low is known by its lines there, and by the number written on it.
"""

METRES_PER_DEGREE = 111_320.0

Spot = tuple[float, float]
Rings = Sequence[Sequence[Spot]]
Box = tuple[float, float, float, float]
"""Left, top, right and bottom."""

KEY_ROW, KEY_COLUMNS, MOST_KEYS = 3.8, 2, 48
"""Height of a line of the list of numbers, millimetres; its columns; and how many places it may hold."""

SCALE_BOX = (FRAME[0] + 3, FRAME[1] + FRAME[3] - 14, FRAME[0] + 70, FRAME[1] + FRAME[3])
NORTH_BOX = (FRAME[0] + FRAME[2] - 15, FRAME[1], FRAME[0] + FRAME[2], FRAME[1] + 25)
"""Where the scale bar and the north arrow stand."""


@dataclass(frozen=True, slots=True)
class Region:
    """A unit in degrees: rings of (longitude, latitude), where its name may stand, and what is written there."""

    name: str
    figure: str
    rings: Rings
    at: Spot
    band: int | None


@dataclass(frozen=True, slots=True)
class Shape:
    """A unit on the sheet. band: its class of coverage, None for no data. wide: room for its name, millimetres."""

    name: str
    figure: str
    rings: Rings
    at: Spot
    band: int | None
    wide: float


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table of the lowest: name, what is around it, people, and what else is told of them in words.

    code, parent: of the unit, and of the one around it.
    """

    name: str
    within: str
    vaccinated: int | Range
    eligible: int | Range
    others: tuple[str, ...]
    code: str | None
    parent: str | None

    @property
    def figures(self) -> tuple[str, ...]:
        """All figures in words."""
        return f"{_written(self.vaccinated)}/{_written(self.eligible)}", *self.others


def _written(number: int | Range) -> str:
    return f"{number.least}–{number.most}" if isinstance(number, Range) else str(number)


@dataclass(frozen=True, slots=True)
class Label:
    """Lines written in the middle of a box, the last one bold. size: points."""

    lines: tuple[str, ...]
    size: float
    box: Box


@dataclass(frozen=True, slots=True)
class Key:
    """A place that has a number on the map, and its name beside it."""

    number: int
    name: str
    figure: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """All that stands on the sheet, in the reader's words.

    shapes: units with their coverage; borders: outlines drawn over them; labels: what is written on both; keys: the
    list of those places that have a number there, numbers: its heading. metres_a_mm: the scale. classes: colour and
    words of each class, the lowest first; no_data: words.
    """

    language: str
    title: str
    lines: tuple[str, ...]
    shapes: tuple[Shape, ...]
    borders: tuple[Rings, ...]
    labels: tuple[Label, ...]
    keys: tuple[Key, ...]
    numbers: str
    metres_a_mm: float
    legend: str
    classes: tuple[tuple[str, str], ...]
    no_data: str
    marks: tuple[str, ...]
    table: str
    head: tuple[str, ...]
    rows: tuple[Row, ...]
    notices: tuple[str, ...]
    north: str
    foot: str

    @property
    def keys_top(self) -> float:
        """Where the list of numbers begins, at the foot of the column; the foot itself where there is none."""
        foot = HEIGHT - 12
        return foot - (6 + KEY_ROW * -(-len(self.keys) // KEY_COLUMNS) if self.keys else 0)

    def spots_of_keys(self) -> list[tuple[Key, Spot]]:
        """Each line of the list of numbers and where it begins, column by column."""
        rows = -(-len(self.keys) // KEY_COLUMNS)
        wide = (WIDTH - MARGIN - COLUMN) / KEY_COLUMNS
        top = self.keys_top + 5.5
        return [
            (key, (COLUMN + wide * (place // rows), round(top + KEY_ROW * (place % rows), 2)))
            for place, key in enumerate(self.keys)
        ]

    @property
    def bar(self) -> tuple[float, str]:
        """Length of the scale bar in millimetres, and what is written on it."""
        most = 60 * self.metres_a_mm
        power = 10.0 ** math.floor(math.log10(most))
        metres = next(step * power for step in (5, 2, 1) if step * power <= most * (1 + 1e-9))
        return metres / self.metres_a_mm, f"{metres / 1000:g} km" if metres >= 1000 else f"{metres:g} m"


class Projection:
    """Degrees to millimetres of the frame: north up, true to scale at the middle of what is shown."""

    def __init__(self, rings: Iterable[Sequence[Spot]]) -> None:
        corners = [corner for ring in rings for corner in ring] or [(105.0, 21.0), (106.0, 22.0)]
        west, east = min(lon for lon, _ in corners), max(lon for lon, _ in corners)
        south, north = min(lat for _, lat in corners), max(lat for _, lat in corners)
        self._squeeze = math.cos(math.radians((south + north) / 2))
        left, top, wide, high = FRAME
        across = max((east - west) * self._squeeze, 1e-4)
        up = max(north - south, 1e-4)
        self._mm_per_degree = min((wide - 12) / across, (high - 12) / up)
        self._west, self._north = west, north
        self._left = left + (wide - across * self._mm_per_degree) / 2
        self._top = top + (high - up * self._mm_per_degree) / 2

    @property
    def metres_a_mm(self) -> float:
        """Metres of the ground in a millimetre of the sheet."""
        return METRES_PER_DEGREE / self._mm_per_degree

    def spot(self, place: Spot) -> Spot:
        """Where a place stands on the sheet."""
        lon, lat = place
        x = self._left + (lon - self._west) * self._squeeze * self._mm_per_degree
        return round(x, 2), round(self._top + (self._north - lat) * self._mm_per_degree, 2)

    def rings(self, rings: Rings) -> tuple[tuple[Spot, ...], ...]:
        """Rings on the sheet, without corners that fall together."""
        found = []
        for ring in rings:
            spots = [self.spot(corner) for corner in ring]
            kept = [spot for at, spot in enumerate(spots) if at == 0 or spot != spots[at - 1]]
            if len(kept) > 3:
                found.append(tuple(kept))
        return tuple(found)

    def shape(self, region: Region) -> Shape:
        """A unit on the sheet."""
        rings = self.rings(region.rings)
        across = [x for ring in rings for x, _ in ring]
        wide = max(across) - min(across) if across else 0.0
        return Shape(region.name, region.figure, rings, self.spot(region.at), region.band, wide)
