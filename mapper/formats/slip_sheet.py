"""Slips on paper: a card that is folded once to the size of a bank card, an A6 sheet, four of those on A4, or eight A7.

Millimetres from the top left corner throughout.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from mapper.formats.pdf import BOLD, LEAST_SIZE, REGULAR, Pen, use_fonts, width_mm, wrap

A4, A6 = (210.0, 297.0), (105.0, 148.5)
INSET = 5.0
QR_QUIET = 2.0
SMALL_QR = 50.0
SMALLER = 0.7
"""So small a share of its size a name may have before it takes two lines."""

LINE_MM = 0.43
"""From one line of a name to the next, in mm for each point of its letters."""

CUT = 3.0
"""How far a mark for cutting reaches."""


class Paper(StrEnum):
    """What slips are printed on."""

    A4 = "a4"
    CARD = "card"
    A6 = "a6"
    EIGHT = "eight"


@dataclass(frozen=True, slots=True)
class SlipCard:
    """A slip in words. facts: beside the QR code; address: what the code holds."""

    name: str
    born: str
    doses: tuple[str, ...]
    facts: tuple[str, ...]
    address: str


@dataclass(frozen=True, slots=True)
class SlipWords:
    """What stands on every slip. titles, notices: the same in each language, the reader's first."""

    language: str
    project: str
    titles: tuple[str, ...]
    notices: tuple[str, ...]
    no_dose: str
    fold: str


@dataclass(frozen=True, slots=True)
class _Form:
    """Where cards lie on a page. front, back: how high the two parts of each are; folded: between them.

    small: of one part, the code beside the words.
    """

    page: tuple[float, float]
    wide: float
    front: float
    back: float
    places: tuple[tuple[float, float], ...]
    folded: bool = False
    small: bool = False


_FORMS = {
    Paper.A6: _Form(A6, 105, 80, 68, ((0, 0),)),
    Paper.A4: _Form(A4, 105, 80, 68, tuple((x, y) for y in (0.0, 148.5) for x in (0.0, 105.0))),
    Paper.EIGHT: _Form(
        A4, 105, 74.25, 0, tuple((x, 74.25 * row) for row in range(4) for x in (0.0, 105.0)), small=True
    ),
    Paper.CARD: _Form(A4, 85.6, 54, 54, tuple((x, y) for y in (24.0, 150.0) for x in (14.0, 110.4)), folded=True),
}


def draw_slips(cards: Sequence[SlipCard], paper: Paper, words: SlipWords, fonts: Path) -> bytes:
    """The PDF of slips, in the order given. fonts: folder of the sheets' fonts."""
    use_fonts(fonts)
    form = _FORMS[paper]
    pen = Pen(*form.page, words.language, words.titles[0], words.project)
    for start in range(0, len(cards), len(form.places)):
        pen.next_page()
        if form.small:
            _draw_cuts(pen, form)
        elif len(form.places) > 1 and not form.folded:
            pen.line([(form.wide, 0), (form.wide, form.page[1])], 0.3, 0.7)
            pen.line([(0, form.page[1] / 2), (form.page[0], form.page[1] / 2)], 0.3, 0.7)
        for card, (x, y) in zip(cards[start : start + len(form.places)], form.places, strict=False):
            (_draw_small if form.small else _draw)(pen, card, x, y, form, words)
    return pen.finish()


def _draw(pen: Pen, card: SlipCard, x: float, y: float, form: _Form, words: SlipWords) -> None:
    left, room = x + INSET, form.wide - 2 * INSET
    if form.folded:
        pen.box(x, y, form.wide, form.front + form.back, 0.3, 0.6)
        for place in range(int(form.wide / 4)):
            pen.line([(x + 4 * place + 1, y + form.front), (x + 4 * place + 3, y + form.front)], 0.3, 0.6)
        pen.text(x, y - 1.5, words.fold, 6.5, grey=0.35)
    small = 6.5 if form.folded else 7.5
    step = 4.6 if form.folded else 6.0
    at = y + INSET + 2
    pen.text(left, at, words.project, small, grey=0.35, fit=room)
    at += step
    pen.text(left, at, words.titles[0], 10 if form.folded else 13, True, fit=room)
    for title in words.titles[1:]:
        at += step - 0.8
        pen.text(left, at, title, small + 0.5, grey=0.35, fit=room)
    at += 1.6
    pen.line([(left, at), (left + room, at)], 0.5, 0.4)
    at += step + 0.4
    at = _draw_name(pen, card.name, left, at, room, 11 if form.folded else 13) + step - 0.6
    pen.text(left, at, card.born, small + 1, fit=room)
    at += 1.4
    lines = card.doses or (words.no_dose,)
    each = min(6.2 if not form.folded else 4.6, (y + form.front - 2.5 - at) / len(lines))
    for line in lines:
        at += each
        pen.text(left, at, line, min(10.0 if not form.folded else 8.5, each * 2.2), bool(card.doses), fit=room)
    _draw_back(pen, card, x, y + form.front, form, words)


def _draw_name(pen: Pen, name: str, x: float, y: float, room: float, size: float) -> float:
    """A name, never cut: in smaller letters, or on more lines. The baseline of its last one."""
    size, lines = name_lines(name, room, size)
    for place, line in enumerate(lines):
        pen.text(x, y + place * size * LINE_MM, line, size, True)
    return y + (len(lines) - 1) * size * LINE_MM


def name_lines(name: str, room: float, size: float) -> tuple[float, list[str]]:
    """A name's size and lines, in a width in mm: one line down to SMALLER of its size, else two, else what it takes."""
    wide = width_mm(name, BOLD, size)
    if wide * SMALLER <= room:
        return (size, [name]) if wide <= room else (size * room / wide - 0.01, [name])
    for tenths in range(round(size * SMALLER * 10), round(LEAST_SIZE * 10), -1):
        if len(wrap(name, room, BOLD, tenths / 10)) <= 2:
            # As even as can be, so that no short word stands alone.
            tries = (wrap(name, room * share, BOLD, tenths / 10) for share in (0.6, 0.7, 0.8, 0.9, 1))
            return tenths / 10, next(lines for lines in tries if len(lines) <= 2)
    return LEAST_SIZE, wrap(name, room, BOLD, LEAST_SIZE)


def _draw_cuts(pen: Pen, form: _Form) -> None:
    """Marks where to cut: a cross where four slips meet, and at the edges."""
    wide, high = form.page
    for x in (0.0, form.wide, wide):
        for y in (form.front * row for row in range(round(high / form.front) + 1)):
            pen.line([(x - CUT, y), (x + CUT, y)], 0.3, 0.45)
            pen.line([(x, y - CUT), (x, y + CUT)], 0.3, 0.45)


def _draw_small(pen: Pen, card: SlipCard, x: float, y: float, form: _Form, words: SlipWords) -> None:
    """A slip of one part: the code at the left as large as on a card, the words beside and below it."""
    pen.qr_code(x + INSET - QR_QUIET, y + INSET - QR_QUIET, SMALL_QR, card.address)
    left, at = x + INSET - QR_QUIET + SMALL_QR + 1, y + INSET + 2.5
    room = x + form.wide - INSET - left
    pen.text(left, at, words.titles[0], 9.5, True, fit=room)
    for title in words.titles[1:]:
        at += 3.2
        pen.text(left, at, title, 6.5, grey=0.35, fit=room)
    at += 1.4
    pen.line([(left, at), (left + room, at)], 0.5, 0.4)
    at = _draw_name(pen, card.name, left, at + 5, room, 11) + 4
    pen.text(left, at, card.born, 7.5, fit=room)
    at += 1
    lines = [part for line in card.doses or (words.no_dose,) for part in _unbroken(line, room)]
    each = min(3.8, (y + INSET - QR_QUIET + SMALL_QR - at) / len(lines))
    for line in lines:
        at += each
        pen.text(left, at, line, min(7.5, each * 2.8), bool(card.doses), fit=room)
    left, room, at = x + INSET, form.wide - 2 * INSET, y + INSET - QR_QUIET + SMALL_QR + 2
    for text, grey in [(words.project, 0.35), (" · ".join(card.facts), 0.2)]:
        pen.text(left, at, text, 6.5, grey=grey, fit=room)
        at += 2.8
    for number, notice in enumerate(words.notices):
        for line in wrap(notice, room, REGULAR, LEAST_SIZE):
            pen.text(left, at, line, LEAST_SIZE, grey=0.35 if number else 0.0)
            at += 2.3


def _unbroken(line: str, room: float) -> list[str]:
    """A line that fits in the smallest letters, else as several."""
    return [line] if width_mm(line, BOLD, LEAST_SIZE) <= room else wrap(line, room, BOLD, LEAST_SIZE)


def _draw_back(pen: Pen, card: SlipCard, x: float, y: float, form: _Form, words: SlipWords) -> None:
    """The half with the QR code: large, since its squares are small."""
    side = 48.0 if form.folded else 56.0
    top = y + (form.back - side) / 2 if form.folded else y + 1
    pen.qr_code(x + QR_QUIET, top, side, card.address)
    left = x + QR_QUIET + side + 1
    room = x + form.wide - INSET + 1 - left
    size, at = (6.5, top + 5) if form.folded else (7.5, top + 6)
    for number, notice in enumerate(words.notices):
        for line in wrap(notice, room, REGULAR, size if not number else size - 0.5):
            pen.text(left, at, line, size if not number else size - 0.5, grey=0.0 if not number else 0.35)
            at += 3.0 if form.folded else 3.5
        at += 1.2
    at = max(at + 1, top + side - 4 - 3.2 * (len(card.facts) - 1))
    for fact in card.facts:
        pen.text(left, at, fact, size, grey=0.2, fit=room)
        at += 3.2
