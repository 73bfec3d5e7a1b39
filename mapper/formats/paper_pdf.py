"""Reports as PDF: A4 pages with embedded fonts, each report from the top of a page on.

Millimetres from the top left corner throughout.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mapper.formats.paper import Cell, Letterhead, Paper, PaperWords, Section, Table, numbered
from mapper.formats.pdf import BOLD, REGULAR, Pen, use_fonts, width_mm, wrap

WIDTH, HEIGHT, LEFT, RIGHT, TOP, END = 210.0, 297.0, 18.0, 14.0, 14.0, 282.0
INNER = WIDTH - LEFT - RIGHT
TEXT, SMALL, LINE = 9.2, 7.6, 4.5
CELL, CELL_LINE, GAP = 7.8, 3.5, 1.0


def draw_papers(papers: Sequence[Paper], words: PaperWords, fonts: Path) -> bytes:
    """The PDF; the same bytes for the same papers. fonts: folder of ``pdf.FONT_FILES``; Unavailable if missing."""
    use_fonts(fonts)
    counted = [_Pages(words, None) for _ in papers]
    for pages, paper in zip(counted, papers, strict=True):
        pages.draw(paper, 0)
    drawn = _Pages(words, Pen(WIDTH, HEIGHT, words.language, papers[0].title, words.author))
    for paper, pages in zip(papers, counted, strict=True):
        drawn.draw(paper, pages.page)
    assert drawn.pen is not None
    return drawn.pen.finish()


class _Pages:
    """The document while it is drawn, or, without a pen, while its pages are counted. at: how far down it has come."""

    def __init__(self, words: PaperWords, pen: Pen | None) -> None:
        self.words, self.pen = words, pen
        self.at = 0.0
        self.page = self.pages = 0
        self.name = ""

    def draw(self, paper: Paper, pages: int) -> None:
        """One report, from the top of a page on."""
        self.page, self.pages, self.name = 0, pages, paper.name
        self._next()
        if paper.letterhead is not None:
            self._head(paper.letterhead)
        for line in wrap(paper.title, INNER, BOLD, 13):
            self._text(WIDTH / 2, self.at + 4.5, line, 13, bold=True, align=0.5)
            self.at += 5.8
        for line in (part for whole in paper.lines for part in wrap(whole, INNER, REGULAR, 10)):
            self._text(WIDTH / 2, self.at + 4, line, 10, align=0.5)
            self.at += 4.8
        self.at += 1.5
        for number, section in numbered(paper.sections):
            self._section(number, section)
        self.at += 1.5
        for note in paper.notes:
            self._sentence(f"* {note}", SMALL, 3.5, grey=0.25)
        if paper.letterhead is not None:
            self._signs(paper.letterhead)

    def _next(self) -> None:
        self.page += 1
        self.at = TOP
        if self.pen is None:
            return
        self.pen.next_page()
        told = self.words.page.format(page=self.page, pages=self.pages)
        self.pen.text(WIDTH - RIGHT, HEIGHT - 8, told, SMALL, grey=0.3, align=1)
        self.pen.text(LEFT, HEIGHT - 8, f"{self.name} · {self.words.author}", SMALL, grey=0.3, fit=INNER - 30)

    def _room(self, high: float) -> bool:
        """Begin a page where no more room is left; whether one was begun."""
        if self.at + high <= END:
            return False
        self._next()
        return True

    def _text(
        self, x: float, y: float, text: str, size: float, bold: bool = False, grey: float = 0.0, *, align: float = 0.0
    ) -> None:
        if self.pen is not None:
            self.pen.text(x, y, text, size, bold, grey, align=align)

    def _line(self, left: float, right: float, y: float, thick: float = 0.5, grey: float = 0.0) -> None:
        if self.pen is not None:
            self.pen.line([(left, y), (right, y)], thick, grey)

    def _head(self, head: Letterhead) -> None:
        left, right, wide = LEFT + INNER * 0.22, LEFT + INNER * 0.72, (INNER * 0.42, INNER * 0.55)
        at = self.at
        for text, bold in ((head.above, False), (head.body, True)):
            for line in wrap(text, wide[0], BOLD if bold else REGULAR, 10) if text else ():
                self._text(left, at + 4, line, 10, bold, align=0.5)
                at += 4.6
        self._line(left - 13, left + 13, at + 1.2)
        self._text(left, at + 6, head.number, 9.5, align=0.5)
        self._text(right, self.at + 4, head.motto[0], 10, bold=True, align=0.5)
        self._text(right, self.at + 8.8, head.motto[1], 10.5, bold=True, align=0.5)
        self._line(right - 20, right + 20, self.at + 10.4)
        self._text(right, self.at + 15.6, head.place_and_day, 9.5, align=0.5)
        self.at = max(at + 8, self.at + 18) + 3

    def _signs(self, head: Letterhead) -> None:
        self._room(30)
        self.at += 4
        for place, (who, how) in enumerate(head.signs):
            middle = LEFT + INNER * (place + 0.5) / len(head.signs)
            self._text(middle, self.at + 4, who, 10, bold=True, align=0.5)
            self._text(middle, self.at + 8.5, how, SMALL, align=0.5)
        self.at += 28

    def _section(self, number: str, section: Section) -> None:
        self._room(14)
        self.at += 1.5
        self._text(LEFT, self.at + 4, f"{number}. {section.title}", 10, bold=True)
        self.at += 5.6
        for sentence in section.sentences:
            self._sentence(sentence, TEXT, LINE)
        if section.table is not None:
            self._table(section.table)
        for point in section.points:
            self._sentence(f"- {point}", TEXT, LINE)

    def _sentence(self, text: str, size: float, high: float, grey: float = 0.0) -> None:
        for line in wrap(text, INNER, REGULAR, size):
            self._room(high)
            self._text(LEFT, self.at + high * 0.78, line, size, grey=grey)
            self.at += high

    def _table(self, table: Table) -> None:
        whole = sum(column.wide for column in table.columns)
        widths = [INNER * column.wide / whole for column in table.columns]
        head = [Cell(column.title) for column in table.columns]
        self._row(table, head, widths, bold=True)
        for row in table.rows:
            if self._room(self._height(row, widths, bold=False)):
                self._row(table, head, widths, bold=True)
            self._row(table, row, widths, bold=False)
        self.at += 1.5

    def _lines(self, row: Sequence[Cell], widths: Sequence[float], bold: bool) -> list[list[str]]:
        font = BOLD if bold else REGULAR
        return [
            wrap(cell.text, width - 2 * GAP, font, _size(cell.text, width, font))
            for cell, width in zip(row, widths, strict=True)
        ]

    def _height(self, row: Sequence[Cell], widths: Sequence[float], bold: bool) -> float:
        return max(len(lines) for lines in self._lines(row, widths, bold)) * CELL_LINE + 1.3

    def _row(self, table: Table, row: Sequence[Cell], widths: Sequence[float], bold: bool) -> None:
        high = self._height(row, widths, bold)
        self._room(high)
        if self.pen is not None:
            font = BOLD if bold else REGULAR
            x = LEFT
            for column, cell, width, lines in zip(
                table.columns, row, widths, self._lines(row, widths, bold), strict=True
            ):
                self.pen.box(x, self.at, width, high, 0.35, 0.45, 0.93 if bold else 1.0)
                for place, line in enumerate(lines):
                    y = self.at + 3.1 + place * CELL_LINE
                    size = _size(cell.text, width, font)
                    align = 1.0 if column.numbers and not bold else 0.5 if column.numbers else 0.0
                    at = {0.0: x + GAP, 0.5: x + width / 2, 1.0: x + width - GAP}[align]
                    self.pen.text(at, y, line, size, bold, align=align)
                x += width
        self.at += high


def _size(text: str, width: float, font: str) -> float:
    """The size of letters by which no word of a cell is cut, down to one that can still be read."""
    longest = max((width_mm(word, font, CELL) for word in text.split()), default=0.0)
    room = width - 2 * GAP
    return CELL if longest <= room else max(6.0, CELL * room / longest - 0.01)
