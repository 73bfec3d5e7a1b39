"""A map for the wall as PDF: one A3 sheet, readable where the printer has black alone."""

from __future__ import annotations

from pathlib import Path

from mapper.domain.wall_labels import LINE
from mapper.domain.wall_map import COLUMN, FRAME, HATCHES, HEIGHT, KEY_COLUMNS, MARGIN, WIDTH, Sheet
from mapper.formats.pdf import BOLD, REGULAR, Pen, use_fonts, wrap

RIGHT = WIDTH - MARGIN
ROOM = RIGHT - COLUMN
FIGURE_WIDE = 15.0
ROW = 5.6


def draw_wall_map(sheet: Sheet, fonts: Path) -> bytes:
    """The sheet as PDF; the same bytes for the same sheet. Raises Unavailable where the fonts are missing."""
    use_fonts(fonts)
    pen = Pen(WIDTH, HEIGHT, sheet.language, sheet.title, sheet.foot)
    pen.next_page()
    pen.text(MARGIN, 17, sheet.title, 24, True, fit=RIGHT - MARGIN)
    for place, line in enumerate(sheet.lines):
        pen.text(MARGIN, 24 + 5.2 * place, line, 11, grey=0.15, fit=RIGHT - MARGIN)
    _map(pen, sheet)
    at = _legend(pen, sheet, FRAME[1] + 4)
    at = _notices(pen, sheet, at + 3)
    _table(pen, sheet, at + 5)
    _keys(pen, sheet)
    pen.text(MARGIN, HEIGHT - 8, sheet.foot, 8.5, grey=0.3, fit=RIGHT - MARGIN)
    return pen.finish()


def _map(pen: Pen, sheet: Sheet) -> None:
    left, top, wide, high = FRAME
    pen.box(left, top, wide, high, 0.8)
    for shape in sheet.shapes:
        colour = sheet.classes[shape.band][0] if shape.band is not None else ""
        pen.area(shape.rings, colour, HATCHES[shape.band] if shape.band is not None else None, 0.5)
    for rings in sheet.borders:
        pen.area(rings, None, None, 1.6)
    for label in sheet.labels:
        left, top, right, foot = label.box
        pen.plate(left, top, right - left, foot - top)
        step = label.size * LINE
        for place, line in enumerate(label.lines):
            bold = place == len(label.lines) - 1
            pen.text((left + right) / 2, top + step * (place + 0.85), line, label.size, bold, align=0.5)
    _north_and_scale(pen, sheet)


def _north_and_scale(pen: Pen, sheet: Sheet) -> None:
    left, top, wide, high = FRAME
    x, y = left + wide - 9, top + 14
    pen.shape([(x + dx, y + dy) for dx, dy in ((0, -10), (3.4, 2), (0, -0.6), (-3.4, 2))])
    pen.text(x, y + 7, sheet.north, 12, True, align=0.5)
    long, words = sheet.bar
    x, y = left + 6, top + high - 6
    pen.plate(x - 2, y - 7, long + 4, 9)
    pen.line([(x, y - 2), (x, y), (x + long, y), (x + long, y - 2)], 1.4)
    pen.text(x + long / 2, y - 2.2, words, 10, align=0.5)


def _legend(pen: Pen, sheet: Sheet, at: float) -> float:
    pen.text(COLUMN, at, sheet.legend, 12, True, fit=ROOM)
    at += 3
    for place in range(len(sheet.classes) - 1, -1, -1):
        colour, words = sheet.classes[place]
        pen.area([_square(COLUMN, at)], colour, HATCHES[place], 0.5)
        pen.text(COLUMN + 17, at + 4.8, words, 10.5, fit=ROOM - 17)
        at += 7.4
    pen.area([_square(COLUMN, at)], "", None, 0.5)
    pen.text(COLUMN + 17, at + 4.8, sheet.no_data, 10.5, fit=ROOM - 17)
    at += 10.5
    for words in sheet.marks:
        for line in wrap(words, ROOM, REGULAR, 9):
            pen.text(COLUMN, at, line, 9, grey=0.15)
            at += 4.2
    return at


def _square(x: float, y: float) -> list[tuple[float, float]]:
    return [(x, y), (x + 14, y), (x + 14, y + 6.4), (x, y + 6.4), (x, y)]


def _notices(pen: Pen, sheet: Sheet, at: float) -> float:
    if not sheet.notices:
        return at
    lines = [line for words in sheet.notices for line in wrap(words, ROOM - 6, BOLD, 11)]
    high = 5.2 * len(lines) + 3
    pen.box(COLUMN, at, ROOM, high, 1.4)
    for place, line in enumerate(lines):
        pen.text(COLUMN + 3, at + 5 + 5.2 * place, line, 11, True)
    return at + high


def _table(pen: Pen, sheet: Sheet, at: float) -> None:
    """The rows that have room, the lowest first."""
    if not sheet.rows:
        return
    pen.text(COLUMN, at, sheet.table, 12, True, fit=ROOM)
    at += 6.5
    columns = [RIGHT - FIGURE_WIDE * place for place in range(len(sheet.head) - 2, -1, -1)]
    pen.text(COLUMN, at, sheet.head[0], 8, grey=0.3)
    for x, words in zip(columns, sheet.head[1:], strict=True):
        pen.text(x, at, words, 8, grey=0.3, align=1, fit=FIGURE_WIDE - 1)
    for row in sheet.rows:
        if at + ROW > sheet.keys_top - 6:
            break
        pen.line([(COLUMN, at + 1.6), (RIGHT, at + 1.6)], 0.3, 0.6)
        at += ROW
        name = f"{row.name} · {row.within}" if row.within else row.name
        pen.text(COLUMN, at, name, 9, fit=ROOM - FIGURE_WIDE * len(columns) - 1)
        for x, words in zip(columns, row.figures, strict=True):
            pen.text(x, at, words, 9, True, align=1, fit=FIGURE_WIDE - 1)


def _keys(pen: Pen, sheet: Sheet) -> None:
    """Names of the places that have a number on the map."""
    if sheet.keys:
        pen.text(COLUMN, sheet.keys_top, sheet.numbers, 10.5, True, fit=ROOM)
    for key, (x, y) in sheet.spots_of_keys():
        pen.text(x + 7, y, f"({key.number})", 8, True, align=1)
        pen.text(x + 8.5, y, key.name, 8, fit=ROOM / KEY_COLUMNS - 21)
        pen.text(x + ROOM / KEY_COLUMNS - 3, y, key.figure, 8, True, align=1, fit=10)
