"""The sheet of a lot: A4 pages with the houses to go to in the order of walking, boxes to tick, and a QR code.

Millimetres from the top left corner throughout.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mapper.formats.pdf import REGULAR, Pen, use_fonts, wrap

WIDTH, HEIGHT, MARGIN = 210.0, 297.0, 12.0
INNER = WIDTH - 2 * MARGIN
FOOT = HEIGHT - MARGIN - 6
QR_SIDE = 30.0
ROW, LABEL_ROW, HEAD_ROW = 10.5, 8.5, 7.0
BADGE, BOX = 3.7, 4.0
HOUSE, SEEN, DONE, MISSED, REASON = 21.0, 106.0, 126.0, 148.0, 170.0
"""Where the columns begin."""


@dataclass(frozen=True, slots=True)
class LotRow:
    """A house. number: as the page of the lot has it; facts: in small letters below its title."""

    number: int
    title: str
    facts: str


@dataclass(frozen=True, slots=True)
class LotPart:
    """Houses of one hamlet in the order of walking, or those to spare, which say whose place they take."""

    label: str
    rows: tuple[LotRow, ...]
    spare: bool = False


@dataclass(frozen=True, slots=True)
class LotSheet:
    """A lot. lines: what is said below its title; reasons: in the order of their numbers; address: of its page."""

    title: str
    lines: tuple[str, ...]
    parts: tuple[LotPart, ...]
    reasons: tuple[str, ...]
    address: str


@dataclass(frozen=True, slots=True)
class LotWords:
    """What stands on every page, in one language. page: with the places {page} and {pages}."""

    language: str
    house: str
    seen: str
    vaccinated: str
    not_vaccinated: str
    reason: str
    reasons: str
    instead_of: str
    monitor: str
    scan: str
    continued: str
    page: str
    foot: str


def draw_lot_sheet(sheet: LotSheet, words: LotWords, fonts: Path) -> bytes:
    """The PDF; the same bytes for the same lot. fonts: the folder of ``pdf.FONT_FILES``.

    Raises Unavailable where the fonts are missing.
    """
    use_fonts(fonts)
    pages = _Pages(sheet, words)
    pages.draw()
    return pages.pen.finish()


class _Pages:
    """The document while it is drawn. at: how far down the page it has come."""

    def __init__(self, sheet: LotSheet, words: LotWords) -> None:
        self.pen = Pen(WIDTH, HEIGHT, words.language, sheet.title, words.foot)
        self._sheet, self._words = sheet, words
        self._lines = [part for line in sheet.lines for part in wrap(line, INNER - QR_SIDE - 6, REGULAR, 9.5)]
        self._reasons = wrap(
            f"{words.reasons} " + " · ".join(f"{n}={told}" for n, told in enumerate(sheet.reasons, 1)),
            INNER,
            REGULAR,
            8.5,
        )
        self._at = 0.0
        self._page = 0

    def draw(self) -> None:
        """All pages; first how many there are is found by the same steps as drawing."""
        laid = [list(page) for page in self._laid_out()]
        for rows in laid:
            self._new_page(len(laid))
            for part, row in rows:
                if row is None:
                    self._label(part)
                else:
                    self._row(part, row)

    def _laid_out(self) -> Iterator[Sequence[tuple[LotPart, LotRow | None]]]:
        """The rows of each page; None for the name of a part, which stands over its first row on every page."""
        page: list[tuple[LotPart, LotRow | None]] = []
        at = self._head_height(1)
        for part in self._sheet.parts:
            for place, row in enumerate(part.rows):
                opens = place == 0 or not page
                if at + ROW + (LABEL_ROW if opens else 0) > FOOT:
                    yield page
                    page, at, opens = [], self._head_height(2), True
                if opens:
                    page.append((part, None))
                    at += LABEL_ROW
                page.append((part, row))
                at += ROW
        yield page

    def _head_height(self, page: int) -> float:
        reasons = 4.2 * len(self._reasons) + 2
        if page > 1:
            return MARGIN + 8 + reasons + HEAD_ROW
        return MARGIN + max(8 + 4.7 * len(self._lines) + 9, QR_SIDE + 7) + reasons + HEAD_ROW

    def _new_page(self, pages: int) -> None:
        self.pen.next_page()
        self._page += 1
        pen, words = self.pen, self._words
        pen.text(MARGIN, HEIGHT - MARGIN, words.foot, 7.5, grey=0.35, fit=INNER - 25)
        pen.text(WIDTH - MARGIN, HEIGHT - MARGIN, words.page.format(page=self._page, pages=pages), 8.5, align=1)
        top = self._head_height(self._page) - HEAD_ROW - 4.2 * len(self._reasons) - 2
        if self._page == 1:
            beside = INNER - QR_SIDE - 6
            pen.text(MARGIN, MARGIN + 5.5, self._sheet.title, 17, True, fit=beside)
            for place, line in enumerate(self._lines):
                pen.text(MARGIN, MARGIN + 11.5 + 4.7 * place, line, 9.5, grey=0.15)
            pen.qr_code(WIDTH - MARGIN - QR_SIDE, MARGIN - 2, QR_SIDE, self._sheet.address)
            pen.text(WIDTH - MARGIN - QR_SIDE / 2, MARGIN + QR_SIDE, words.scan, 7.5, align=0.5, fit=QR_SIDE + 4)
            pen.text(MARGIN, top - 3.5, words.monitor, 9.5, fit=beside)
        else:
            pen.text(MARGIN, MARGIN + 4, f"{self._sheet.title} ({words.continued})", 10, True, fit=INNER)
        for place, line in enumerate(self._reasons):
            pen.text(MARGIN, top + 3.4 + 4.2 * place, line, 8.5, grey=0.15)
        self._at = self._head_height(self._page) - HEAD_ROW
        pen.box(MARGIN, self._at, INNER, HEAD_ROW, 0.5, 0.4, 0.92)
        for left, text, wide in (
            (HOUSE, words.house, SEEN - HOUSE),
            (SEEN, words.seen, DONE - SEEN),
            (DONE, words.vaccinated, MISSED - DONE),
            (MISSED, words.not_vaccinated, REASON - MISSED),
            (REASON, words.reason, WIDTH - MARGIN - REASON),
        ):
            pen.text(left + 1, self._at + 4.7, text, 8.5, True, fit=wide - 2)
        self._at += HEAD_ROW

    def _label(self, part: LotPart) -> None:
        self.pen.text(MARGIN, self._at + 6, f"{part.label} ({len(part.rows)})", 10.5, True, fit=INNER)
        self._at += LABEL_ROW

    def _row(self, part: LotPart, row: LotRow) -> None:
        pen, top = self.pen, self._at
        pen.line([(MARGIN, top), (WIDTH - MARGIN, top)], 0.4, 0.6)
        pen.dot(MARGIN + BADGE, top + ROW / 2, BADGE, 0.8, 1)
        pen.text(MARGIN + BADGE, top + ROW / 2 + 1.3, str(row.number), 9.5, True, align=0.5, fit=2 * BADGE - 1)
        facts = " · ".join(filter(None, (row.facts, self._words.instead_of if part.spare else "")))
        pen.text(HOUSE, top + (4.6 if facts else 6.4), row.title, 10, True, fit=SEEN - HOUSE - 2)
        if facts:
            pen.text(HOUSE, top + 8.6, facts, 8, grey=0.25, fit=SEEN - HOUSE - 2)
        for left in (SEEN, DONE, MISSED):
            pen.box(left + 3, top + (ROW - BOX) / 2, BOX, BOX, 0.8)
        pen.box(REASON + 2, top + 1.8, WIDTH - MARGIN - REASON - 3, ROW - 3.6, 0.6, 0.4)
        self._at += ROW
