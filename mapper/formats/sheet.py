"""Sheets for a day without a phone: A4 pages with a hamlet's houses in walking order, a small map, and QR codes.

Millimetres from the top left corner throughout.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mapper.domain.people import Point
from mapper.domain.walk import to_scale
from mapper.formats.pdf import BOLD, REGULAR, Pen, Spot, use_fonts, width_mm, wrap

WIDTH, HEIGHT, MARGIN = 210.0, 297.0, 12.0
INNER = WIDTH - 2 * MARGIN
FOOT = HEIGHT - MARGIN - 6
MAP_HEIGHT, MAP_BORDER = 72.0, 9.0
QR_SIDE, TEXT_LEFT = 17.0, MARGIN + 11.0
TEXT_WIDTH = INNER - 11.0 - QR_SIDE - 4.0
LINE, ROW_TOP, ROW_END = 4.6, 2.6, 1.4
BADGE, DOT, TICK = 4.2, 1.1, 3.1
SCALE_BAR = 40.0

LEAST_PLACED = 2
"""Of one house alone there is no map to draw."""

MOST_LINES = 44
"""Lines of one house that a page has room for; what is longer goes on overleaf."""


@dataclass(frozen=True, slots=True)
class SheetPerson:
    """Somebody to see: who, and why; write_on: what is to be filled in by hand, "" for nothing."""

    who: str
    why: str
    write_on: str = ""


@dataclass(frozen=True, slots=True)
class SheetHouse:
    """A house of the walk. id: what its QR code holds. strong: whether its dot on the map is filled."""

    id: str
    title: str
    facts: str
    point: Point | None
    people: tuple[SheetPerson, ...] = ()
    strong: bool = True


@dataclass(frozen=True, slots=True)
class Sheet:
    """One hamlet: its name, what is said below it, its houses in walking order. nothing: said where there are none."""

    title: str
    lines: tuple[str, ...]
    houses: tuple[SheetHouse, ...]
    nothing: str


@dataclass(frozen=True, slots=True)
class SheetWords:
    """What stands on every page, in one language. page: with the places {page} and {pages}."""

    language: str
    title: str
    north: str
    legend: str
    no_position: str
    continued: str
    page: str
    foot: str


def draw_sheets(sheets: Sequence[Sheet], words: SheetWords, fonts: Path) -> bytes:
    """The PDF, each hamlet on one page of its own or several; the same bytes for the same sheets.

    fonts: the folder of ``pdf.FONT_FILES``. Raises Unavailable where they are missing.
    """
    use_fonts(fonts)
    pages = _Pages(words)
    for sheet in sheets:
        pages.hamlet(sheet)
    return pages.pen.finish()


@dataclass(frozen=True, slots=True)
class _Line:
    """One line of a row: its text, whether bold, whether a box to tick stands before it, how dark, how far in."""

    text: str
    bold: bool = False
    tick: bool = False
    grey: float = 0.0
    indent: float = 0.0

    @property
    def size(self) -> float:
        """Points."""
        return 10.5 if self.bold else 9.0


class _Pages:
    """The document while it is drawn. at: how far down the page it has come."""

    def __init__(self, words: SheetWords) -> None:
        self.pen = Pen(WIDTH, HEIGHT, words.language, words.title, words.foot)
        self._words = words
        self._at = 0.0
        self._page = self._pages = 0

    def hamlet(self, sheet: Sheet) -> None:
        """One hamlet, from the top of a page on."""
        rows = [self._lines(house) for house in sheet.houses]
        self._pages, self._page = _count_pages(sheet, [len(row) for row in rows]), 0
        self._new_page(sheet)
        placed = [
            (str(n), house.point, house.strong) for n, house in enumerate(sheet.houses, 1) if house.point is not None
        ]
        if len(placed) >= LEAST_PLACED:
            _Map(self.pen, self._words, self._at, placed).draw()
            self._at += MAP_HEIGHT + 7
        if not sheet.houses:
            self.pen.text(MARGIN, self._at + 5, sheet.nothing, 11)
        for number, (house, lines) in enumerate(zip(sheet.houses, rows, strict=True), 1):
            self._row(sheet, number, house, lines)

    def _new_page(self, sheet: Sheet) -> None:
        self.pen.next_page()
        self._page += 1
        words = self._words
        self.pen.text(MARGIN, HEIGHT - MARGIN, words.foot, 7.5, grey=0.35, fit=INNER - 25)
        shown = words.page.format(page=self._page, pages=self._pages)
        self.pen.text(WIDTH - MARGIN, HEIGHT - MARGIN, shown, 8.5, align=1)
        self._at = _head_height(sheet, self._page)
        if self._page > 1:
            self.pen.text(MARGIN, MARGIN + 4, f"{sheet.title} ({words.continued})", 10, True, fit=INNER)
            return
        self.pen.text(MARGIN, MARGIN + 5.5, sheet.title, 17, True, fit=INNER)
        for place, line in enumerate(sheet.lines):
            self.pen.text(MARGIN, MARGIN + 11.5 + 4.8 * place, line, 9.5, grey=0.2, fit=INNER)

    def _lines(self, house: SheetHouse) -> list[_Line]:
        """What a row says of a house, wrapped."""
        lines = [_Line(text, bold=True) for text in wrap(house.title, TEXT_WIDTH, BOLD, 10.5)]
        facts = house.facts if house.point else f"{house.facts} · {self._words.no_position}"
        lines += [_Line(text, grey=0.3) for text in wrap(facts, TEXT_WIDTH, REGULAR, 9)]
        for person in house.people:
            told = f"{person.who}: {person.why}" if person.why else person.who
            for place, text in enumerate(wrap(told, TEXT_WIDTH - 5, REGULAR, 9)):
                lines.append(_Line(text, tick=place == 0, indent=5))
            if person.write_on:
                lines += [_Line(t, grey=0.35, indent=5) for t in wrap(person.write_on, TEXT_WIDTH - 5, REGULAR, 9)]
        return lines

    def _row(self, sheet: Sheet, number: int, house: SheetHouse, lines: Sequence[_Line]) -> None:
        if self._at + _row_height(min(len(lines), MOST_LINES)) > FOOT:
            self._new_page(sheet)
        pen, top = self.pen, self._at
        pen.line([(MARGIN, top), (WIDTH - MARGIN, top)], 0.4, 0.7)
        pen.dot(MARGIN + BADGE, top + 6.2, BADGE, 0.9, 0.1 if house.strong else 1)
        pen.text(
            MARGIN + BADGE,
            top + 7.55,
            str(number),
            10,
            True,
            1.0 if house.strong else 0.0,
            align=0.5,
            fit=2 * BADGE - 1,
        )
        pen.qr_code(WIDTH - MARGIN - QR_SIDE, top + 1.6, QR_SIDE, house.id)
        least = top + QR_SIDE + 3.2
        self._at += ROW_TOP
        for place, line in enumerate(lines):
            if place and place % MOST_LINES == 0:
                self._new_page(sheet)
                pen.text(TEXT_LEFT, self._at + 3.4, f"{number} ({self._words.continued})", 9, True)
                self._at += LINE
                least = 0.0
            if line.tick:
                pen.box(TEXT_LEFT, self._at + 0.5, TICK, TICK, 0.7)
            pen.text(TEXT_LEFT + line.indent, self._at + 3.2, line.text, line.size, line.bold, line.grey)
            self._at += LINE
        self._at = max(self._at + ROW_END, least)


def _head_height(sheet: Sheet, page: int) -> float:
    return MARGIN + (10.5 + 4.8 * len(sheet.lines) if page == 1 else 7.0)


def _row_height(lines: int) -> float:
    return max(ROW_TOP + LINE * lines + ROW_END, QR_SIDE + 3.2)


def _count_pages(sheet: Sheet, rows: Sequence[int]) -> int:
    """How many pages a hamlet takes: the same steps as drawing it."""
    page, at = 1, _head_height(sheet, 1)
    if sum(house.point is not None for house in sheet.houses) >= LEAST_PLACED:
        at += MAP_HEIGHT + 7
    for lines in rows:
        if at + _row_height(min(lines, MOST_LINES)) > FOOT:
            page, at = page + 1, _head_height(sheet, 2)
        overleaf = (lines - 1) // MOST_LINES
        if overleaf:
            page += overleaf
            at = _head_height(sheet, 2) + LINE * (1 + lines - overleaf * MOST_LINES) + ROW_END
        else:
            at += _row_height(lines)
    return page


@dataclass(frozen=True, slots=True)
class _Map:
    """The points to scale with the way between them, numbered as the rows are. placed: number, point, filled."""

    pen: Pen
    words: SheetWords
    top: float
    placed: Sequence[tuple[str, Point, bool]]

    def draw(self) -> None:
        """Frame, way, dots, numbers, scale bar, north, legend."""
        pen, top = self.pen, self.top
        pen.box(MARGIN, top, INNER, MAP_HEIGHT, 0.5, 0.55, 0.985)
        found, metres_a_mm = to_scale([point for _, point, _ in self.placed], INNER, MAP_HEIGHT, MAP_BORDER)
        spots = [(MARGIN + x, top + y) for x, y in found]
        pen.line(spots, 0.7, 0.6)
        for (_, _, strong), (x, y) in zip(self.placed, spots, strict=True):
            pen.dot(x, y, DOT, 0.8, 0.1 if strong else 1)
        self._numbers(spots)
        self._scale_bar(metres_a_mm)
        east = WIDTH - MARGIN - 5
        pen.shape([(east + dx, top + 4.6 + dy) for dx, dy in ((0, -3.2), (1.5, 0.6), (0, -0.4), (-1.5, 0.6))])
        pen.text(east, top + 8.5, self.words.north, 9, True, align=0.5)
        pen.text(MARGIN, top + MAP_HEIGHT + 4, self.words.legend, 8, grey=0.25, fit=INNER)

    def _numbers(self, spots: Sequence[Spot]) -> None:
        """The houses' numbers beside their dots, the first and the last before others; none covers another."""
        taken = [(x - DOT, y - DOT, x + DOT, y + DOT) for x, y in spots]
        size, high = 7.5, 2.3
        ends = (0, len(spots) - 1)
        for place in sorted(range(len(spots)), key=lambda place: (place not in ends, place)):
            (x, y), text = spots[place], self.placed[place][0]
            wide = width_mm(text, BOLD, size)
            for dx, dy in ((1.6, -0.6), (1.6, 2.6), (-1.6 - wide, -0.6), (-1.6 - wide, 2.6), (-wide / 2, -1.7)):
                box = (x + dx, y + dy - high, x + dx + wide, y + dy)
                if not any(_touch(box, other) for other in taken):
                    taken.append(box)
                    self.pen.text(box[0], box[3], text, size, True)
                    break

    def _scale_bar(self, metres_a_mm: float) -> None:
        metres = round_length(SCALE_BAR * metres_a_mm)
        x, y, long = MARGIN + 4, self.top + MAP_HEIGHT - 4, metres / metres_a_mm
        self.pen.line([(x, y - 1.2), (x, y), (x + long, y), (x + long, y - 1.2)], 1)
        shown = f"{metres / 1000:g} km" if metres >= 1000 else f"{metres:g} m"
        self.pen.text(x + long / 2, y - 1.8, shown, 8, align=0.5)


def _touch(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def round_length(most_m: float) -> float:
    """The longest of 1, 2, 5, 10, 20, 50, ... that is no longer than that."""
    power = 10.0 ** math.floor(math.log10(most_m))
    return next(step * power for step in (5, 2, 1) if step * power <= most_m * (1 + 1e-9))
