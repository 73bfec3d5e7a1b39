"""The sheet of a draw for second interviews: A4 pages, two houses on each, how to find them and room for the answers.

Nothing that the first interview told about the people stands on it, not even how many there are. Millimetres from the
top left corner throughout.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mapper.formats.pdf import REGULAR, Pen, use_fonts, wrap

WIDTH, HEIGHT, MARGIN = 210.0, 297.0, 14.0
INNER = WIDTH - 2 * MARGIN
FIRST_TOP, NEXT_TOP, HOUSE_HIGH = 68.0, 20.0, 105.0
QR_SIDE = 22.0
ROWS, ROW = 8, 6.0
"""Lines for people, as many for each house, so that their number tells nothing."""

BOX = 3.6


@dataclass(frozen=True, slots=True)
class SheetHouse:
    """A house. number: on the page of the draw; facts: how to find it; position: "geo:" address, "" where unknown."""

    number: int
    title: str
    facts: tuple[str, ...]
    position: str


@dataclass(frozen=True, slots=True)
class CheckSheet:
    """A draw on paper. lines: below its title; houses: in the order of going."""

    title: str
    lines: tuple[str, ...]
    houses: tuple[SheetHouse, ...]


@dataclass(frozen=True, slots=True)
class CheckWords:
    """What stands on every sheet, in one language. columns: (heading, share of the width); page: with {page}, {pages}.

    questions: each with the boxes behind it. signs: who signs. motto: two lines, office: left of it.
    """

    language: str
    office: str
    motto: tuple[str, str]
    questions: tuple[tuple[str, tuple[str, ...]], ...]
    columns: tuple[tuple[str, float], ...]
    remark: str
    scan: str
    signs: tuple[str, str]
    sign_below: str
    page: str
    foot: str


def draw_check_sheet(sheet: CheckSheet, words: CheckWords, fonts: Path) -> bytes:
    """The PDF; the same bytes for the same draw. Raises Unavailable where the fonts are missing."""
    use_fonts(fonts)
    pen = Pen(WIDTH, HEIGHT, words.language, sheet.title, words.foot)
    # Below two houses the first page has no room to sign.
    first = 2 if len(sheet.houses) > 2 else 1
    rest = sheet.houses[first:]
    pages = [sheet.houses[:first], *(rest[at : at + 2] for at in range(0, len(rest), 2))]
    for number, houses in enumerate(pages, 1):
        pen.next_page()
        pen.text(MARGIN, HEIGHT - 9, words.foot, 7.5, grey=0.35, fit=INNER - 25)
        pen.text(WIDTH - MARGIN, HEIGHT - 9, words.page.format(page=number, pages=len(pages)), 8, align=1)
        top = NEXT_TOP
        if number == 1:
            _draw_head(pen, sheet, words)
            top = FIRST_TOP
        else:
            pen.text(MARGIN, MARGIN + 2, sheet.title, 9.5, True, fit=INNER)
        for house in houses:
            _draw_house(pen, house, top, words)
            top += HOUSE_HIGH + 2
        if number == len(pages):
            _draw_signs(pen, words, top + 6)
    return pen.finish()


def _draw_head(pen: Pen, sheet: CheckSheet, words: CheckWords) -> None:
    left, right = MARGIN + INNER * 0.22, MARGIN + INNER * 0.72
    pen.text(left, MARGIN + 4, words.office, 10, True, align=0.5, fit=INNER * 0.42)
    pen.line([(left - 13, MARGIN + 6), (left + 13, MARGIN + 6)])
    pen.text(right, MARGIN + 4, words.motto[0], 9.5, True, align=0.5, fit=INNER * 0.55)
    pen.text(right, MARGIN + 8.8, words.motto[1], 10, True, align=0.5)
    pen.line([(right - 20, MARGIN + 11), (right + 20, MARGIN + 11)])
    pen.text(WIDTH / 2, MARGIN + 20, sheet.title, 13, True, align=0.5, fit=INNER)
    at = MARGIN + 26.5
    for line in sheet.lines:
        for part in wrap(line, INNER, REGULAR, 9):
            pen.text(MARGIN, at, part, 9)
            at += 4.5


def _draw_house(pen: Pen, house: SheetHouse, top: float, words: CheckWords) -> None:
    pen.box(MARGIN, top, INNER, HOUSE_HIGH, 0.6)
    left, room = MARGIN + 3, INNER - 6
    if house.position:
        pen.qr_code(WIDTH - MARGIN - QR_SIDE - 1, top + 1, QR_SIDE, house.position)
        pen.text(WIDTH - MARGIN - QR_SIDE / 2 - 1, top + QR_SIDE + 3, words.scan, 6.5, align=0.5, fit=QR_SIDE + 6)
        room -= QR_SIDE + 4
    pen.text(left, top + 6, f"{house.number}. {house.title}", 11, True, fit=room)
    at = top + 11
    for fact in house.facts:
        pen.text(left, at, fact, 9, grey=0.15, fit=room)
        at += 4.5
    at = top + 29
    for question, answers in words.questions:
        pen.text(left, at, question, 9.5)
        x = MARGIN + INNER * 0.42
        for answer in answers:
            if answer:
                pen.box(x, at - BOX + 0.6, BOX, BOX, 0.8)
                pen.text(x + BOX + 1.5, at, answer, 9)
            else:
                pen.line([(x, at + 0.8), (x + 30, at + 0.8)], 0.5, 0.4)
            x += 38
        at += 5.4
    at = _draw_people(pen, at - 2.2, words.columns)
    pen.text(left, at + 5.2, words.remark, 9)
    pen.line([(left + 22, at + 6), (WIDTH - MARGIN - 3, at + 6)], 0.5, 0.4)


def _draw_people(pen: Pen, top: float, columns: Sequence[tuple[str, float]]) -> float:
    """The empty table of people; how far down it reaches."""
    left, wide = MARGIN + 3, INNER - 6
    whole, x = sum(share for _, share in columns), left
    pen.box(left, top, wide, ROW, 0.5, 0.3, 0.92)
    for heading, share in columns:
        pen.text(x + 1.2, top + 4.1, heading, 8, True, fit=share / whole * wide - 2)
        x += share / whole * wide
    for row in range(1, ROWS + 2):
        pen.line([(left, top + row * ROW), (left + wide, top + row * ROW)], 0.4, 0.5)
    x = left
    for share in (0.0, *(share for _, share in columns)):
        x += share / whole * wide
        pen.line([(x, top), (x, top + (ROWS + 1) * ROW)], 0.4, 0.5)
    for row in range(1, ROWS + 1):
        pen.text(left + 1.2, top + row * ROW + 4.1, f"{row}.", 8, grey=0.4)
    return top + (ROWS + 1) * ROW


def _draw_signs(pen: Pen, words: CheckWords, top: float) -> None:
    for place, who in enumerate(words.signs):
        middle = MARGIN + INNER * (place + 0.5) / len(words.signs)
        pen.text(middle, top, who, 10, True, align=0.5)
        pen.text(middle, top + 4.5, words.sign_below, 8, align=0.5)
