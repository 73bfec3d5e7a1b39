"""Sheets of a plan to print: who is asked to come to a site on a day, or is visited by a team, with boxes to tick.

Millimetres from the top left corner throughout.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mapper.formats.pdf import BOLD, REGULAR, Pen, use_fonts, width_mm, wrap

WIDTH, HEIGHT, MARGIN = 210.0, 297.0, 12.0
INNER = WIDTH - 2 * MARGIN
FOOT = HEIGHT - MARGIN - 5
QR_SIDE = 30.0
TITLE_LINE, LINE = 7.0, 4.7
ROW, PART_ROW, FACTS_ROW, HEAD_ROW, NEED_ROW = 8.2, 7.0, 4.2, 9.0, 5.6
CLOSING = 18.0
BOX = 4.0
NAME, BORN, PLACE, DOSE, VACCINE, CAME, DONE, DEFERRED = 20.0, 64.0, 75.0, 91.0, 116.0, 140.0, 150.5, 161.0
"""Where the columns begin."""
COUNT_WIDTH = 24.0


@dataclass(frozen=True, slots=True)
class SheetNeed:
    """What is to be taken of a vaccine. counts: in the order of the words' columns."""

    name: str
    counts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SheetRow:
    """A person. born: a year, or less; place: house number; all in words."""

    name: str
    born: str
    place: str
    dose: str
    vaccine: str


@dataclass(frozen=True, slots=True)
class SheetPart:
    """People of one hamlet, or of one house that is visited. facts: in small letters below its label."""

    label: str
    facts: str
    rows: tuple[SheetRow, ...]


@dataclass(frozen=True, slots=True)
class PlanSheet:
    """One site's day, or one team's visits of a day. address: what the QR code holds. nothing: where nobody comes.

    when: the day, said again on later pages. more: said after the last person, "" for nothing.
    """

    title: str
    when: str
    lines: tuple[str, ...]
    address: str
    needs: tuple[SheetNeed, ...]
    parts: tuple[SheetPart, ...]
    nothing: str
    more: str = ""


@dataclass(frozen=True, slots=True)
class PageWords:
    """What stands on every page, in one language. page: with the places {page} and {pages}; foot: below each page."""

    language: str
    title: str
    scan: str
    take: str
    counts: tuple[str, ...]
    continued: str
    page: str
    foot: str


@dataclass(frozen=True, slots=True)
class PlanSheetWords:
    """The same, and what the columns are called. closing: lines to fill in at the end."""

    pages: PageWords
    number: str
    name: str
    born: str
    place: str
    dose: str
    vaccine: str
    came: str
    done: str
    deferred: str
    closing: tuple[str, ...]


def draw_plan_sheets(sheets: Sequence[PlanSheet], words: PlanSheetWords, fonts: Path) -> bytes:
    """The PDF, each sheet from the top of a page on, with its own numbers of pages; the same bytes for the same sheets.

    fonts: the folder of ``pdf.FONT_FILES``. Raises Unavailable where they are missing.
    """
    return draw_sheets(words.pages, fonts, lambda pen: [_People(pen, sheet, words) for sheet in sheets])


def draw_sheets(words: PageWords, fonts: Path, sheets_of: Callable[[Pen], Sequence[Pages]]) -> bytes:
    """The PDF of sheets, one after another, each with its own numbers of pages.

    sheets_of: the sheets, drawn by a pen. Raises Unavailable where the fonts are missing.
    """
    use_fonts(fonts)
    pen = Pen(WIDTH, HEIGHT, words.language, words.title, words.foot)
    for sheet in sheets_of(pen):
        sheet.draw()
    return pen.finish()


class Pages(ABC):
    """The pages of one sheet while they are drawn. at: how far down the page it has come."""

    def __init__(
        self,
        pen: Pen,
        words: PageWords,
        title: str,
        when: str,
        lines: Sequence[str],
        address: str,
        needs: Sequence[SheetNeed],
    ) -> None:
        beside = INNER - QR_SIDE - 6
        self.pen, self.words, self.needs = pen, words, needs
        self.name = f"{title} · {when}"
        self.address = address
        self.title = wrap(title, beside, BOLD, 15)
        self.lines = [part for line in lines for part in wrap(line, beside, REGULAR, 9.5)]
        self.at = 0.0
        self.page = 0

    @abstractmethod
    def draw(self) -> None:
        """All pages."""

    def head_height(self, page: int) -> float:
        """Where on a page its table begins."""
        if page > 1:
            return MARGIN + 7
        told = TITLE_LINE * len(self.title) + LINE * len(self.lines) + 3
        needs = NEED_ROW * (len(self.needs) + 1) + 3 if self.needs else 0
        return MARGIN + max(told, QR_SIDE + 5) + needs

    def next_page(self, pages: int) -> None:
        """Begin a page, with what stands on each."""
        self.pen.next_page()
        self.page += 1
        pen, words = self.pen, self.words
        pen.text(MARGIN, HEIGHT - MARGIN, words.foot, 7.5, grey=0.35, fit=INNER - 25)
        pen.text(WIDTH - MARGIN, HEIGHT - MARGIN, words.page.format(page=self.page, pages=pages), 8.5, align=1)
        self.at = self.head_height(self.page)
        if self.page > 1:
            pen.text(MARGIN, MARGIN + 4, f"{self.name} ({words.continued})", 10, True, fit=INNER)
            return
        y = MARGIN
        for line in self.title:
            pen.text(MARGIN, y + 5.5, line, 15, True)
            y += TITLE_LINE
        for line in self.lines:
            pen.text(MARGIN, y + 4, line, 9.5, grey=0.1)
            y += LINE
        pen.qr_code(WIDTH - MARGIN - QR_SIDE, MARGIN - 2, QR_SIDE, self.address)
        pen.text(WIDTH - MARGIN - QR_SIDE / 2, MARGIN + QR_SIDE, words.scan, 7.5, align=0.5, fit=QR_SIDE + 4)
        if self.needs:
            self._needs(self.at - NEED_ROW * (len(self.needs) + 1) - 3)

    def _needs(self, top: float) -> None:
        pen, words = self.pen, self.words
        first = INNER - COUNT_WIDTH * len(words.counts)
        for place, need in enumerate((SheetNeed(words.take, words.counts), *self.needs)):
            y = top + NEED_ROW * place
            head = place == 0
            pen.box(MARGIN, y, INNER, NEED_ROW, 0.4, 0.5, 0.93 if head else 1)
            pen.text(MARGIN + 1.5, y + 3.9, need.name, 8.5, bold=True, fit=first - 3)
            for column, told in enumerate(need.counts):
                x = MARGIN + first + COUNT_WIDTH * column
                pen.line([(x, y), (x, y + NEED_ROW)], 0.3, 0.6)
                size = 7.5 if head else 9.5
                pen.text(x + COUNT_WIDTH / 2, y + 3.9, told, size, head, align=0.5, fit=COUNT_WIDTH - 2)

    def cell(self, x: float, top: float, text: str, wide: float, high: float, size: float = 8.5) -> None:
        """A text in a cell: on one line, else on two smaller ones."""
        if width_mm(text, REGULAR, size) <= wide:
            self.pen.text(x, top + high / 2 + 1.2, text, size)
            return
        first, *others = wrap(text, wide, REGULAR, size - 1.3)
        if not others:
            self.pen.text(x, top + high / 2 + 1.2, first, size - 1.3)
            return
        self.pen.text(x, top + high / 2 - 0.4, first, size - 1.3)
        self.pen.text(x, top + high / 2 + 2.7, " ".join(others), size - 1.3, fit=wide)

    def columns(self, top: float, high: float, named: Sequence[tuple[float, str, float]]) -> None:
        """The head of a table: where each column begins, what it is called, and how wide it is."""
        self.pen.box(MARGIN, top, INNER, high, 0.5, 0.4, 0.92)
        for x, text, wide in named:
            lines = wrap(text, wide - 1.5, BOLD, 7.8)[:2]
            y = top + high / 2 + (1.1 if len(lines) == 1 else -0.4)
            for place, line in enumerate(lines):
                self.pen.text(x + 0.7, y + 3.2 * place, line, 7.8, True, fit=wide - 1.2)


class _People(Pages):
    """A sheet of people."""

    def __init__(self, pen: Pen, sheet: PlanSheet, words: PlanSheetWords) -> None:
        super().__init__(pen, words.pages, sheet.title, sheet.when, sheet.lines, sheet.address, sheet.needs)
        self._sheet, self._columns = sheet, words

    def draw(self) -> None:
        """All pages; how many there are is found by the same steps as drawing."""
        laid = list(self._laid_out())
        number = 0
        for place, rows in enumerate(laid):
            self.next_page(len(laid))
            if not self._sheet.parts:
                self.pen.text(MARGIN, self.at + 6, self._sheet.nothing, 10.5)
                self.at += 8
            elif rows:
                self._head()
            for part, row in rows:
                if row is None:
                    self._label(part)
                else:
                    number += 1
                    self._row(number, row)
            if place == len(laid) - 1:
                self._close()

    def _laid_out(self) -> Iterator[Sequence[tuple[SheetPart, SheetRow | None]]]:
        """The rows of each page; None for the label of a part, which stands over its first row on every page."""
        page: list[tuple[SheetPart, SheetRow | None]] = []
        at, number = self.head_height(1) + HEAD_ROW, 1
        for part in self._sheet.parts:
            label = _label_height(part)
            for place, row in enumerate(part.rows):
                opens = place == 0 or not page
                if at + ROW + (label if opens else 0) > FOOT:
                    yield page
                    number += 1
                    page, at, opens = [], self.head_height(number) + HEAD_ROW, True
                if opens:
                    page.append((part, None))
                    at += label
                page.append((part, row))
                at += ROW
        if at + CLOSING + (6 if self._sheet.more else 0) > FOOT:
            yield page
            page = []
        yield page

    def _head(self) -> None:
        words = self._columns
        named = (
            (MARGIN, words.number, NAME - MARGIN),
            (NAME, words.name, BORN - NAME),
            (BORN, words.born, PLACE - BORN),
            (PLACE, words.place, DOSE - PLACE),
            (DOSE, words.dose, VACCINE - DOSE),
            (VACCINE, words.vaccine, CAME - VACCINE),
            (CAME, words.came, DONE - CAME),
            (DONE, words.done, DEFERRED - DONE),
            (DEFERRED, words.deferred, WIDTH - MARGIN - DEFERRED),
        )
        self.columns(self.at, HEAD_ROW, named)
        self.at += HEAD_ROW

    def _label(self, part: SheetPart) -> None:
        self.pen.text(MARGIN, self.at + 5, part.label, 10, True, fit=INNER)
        if part.facts:
            self.pen.text(MARGIN, self.at + 9, part.facts, 8, grey=0.2, fit=INNER)
        self.at += _label_height(part)

    def _row(self, number: int, row: SheetRow) -> None:
        pen, top = self.pen, self.at
        pen.line([(MARGIN, top), (WIDTH - MARGIN, top)], 0.4, 0.6)
        pen.text(NAME - 1.5, top + ROW / 2 + 1.2, str(number), 8.5, grey=0.25, align=1, fit=NAME - MARGIN - 1.5)
        pen.text(NAME, top + ROW / 2 + 1.3, row.name, 9.5, True, fit=BORN - NAME - 1)
        for left, text, wide in (
            (BORN, row.born, PLACE - BORN),
            (PLACE, row.place, DOSE - PLACE),
            (DOSE, row.dose, VACCINE - DOSE),
            (VACCINE, row.vaccine, CAME - VACCINE),
        ):
            self.cell(left + 0.7, top, text, wide - 1.4, ROW)
        for left in (CAME, DONE, DEFERRED):
            pen.box(left + 2.5, top + (ROW - BOX) / 2, BOX, BOX, 0.8)
        pen.line([(DEFERRED + 8.5, top + ROW - 2), (WIDTH - MARGIN, top + ROW - 2)], 0.3, 0.65)
        self.at += ROW

    def _close(self) -> None:
        if self._sheet.more:
            self.pen.text(MARGIN, self.at + 4.5, self._sheet.more, 9, grey=0.15, fit=INNER)
            self.at += 6
        for place, line in enumerate(self._columns.closing):
            self.pen.text(MARGIN, self.at + 8 + 7 * place, line, 9.5, fit=INNER)


def _label_height(part: SheetPart) -> float:
    return PART_ROW + (FACTS_ROW if part.facts else 0)
