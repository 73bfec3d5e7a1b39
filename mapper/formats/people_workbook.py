"""Lists of people as workbooks, whose rows are made column by column: a cell at a time would take ten times as long.

The workbook around the rows, its styles, headings, filters and the sheet that tells of what it is, is xlsxwriter's; the
rows go into it as they come.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from mapper.formats.people_columns import Words, by_value
from mapper.formats.people_files import NOT_TEXT, About, Column, Kind

MOST_ROWS = 1_048_575
"""Rows below the headings that a sheet holds; whoever is left over stands on the next."""

TOGETHER = 2000
"""Rows made at once."""

LONGEST_CELL = 32_767

_FIRST_DAY = date(1900, 1, 1)
"""The first one that a workbook knows as a day; what was before stands there as text."""
_EPOCH = 25_569
"""Workbooks count days so many more than Arrow, and one less before the 29 February 1900 that they think there was."""
_BEFORE_LEAP = 60


def write_xlsx(path: Path, columns: Sequence[Column], tables: Iterable[pa.Table], about: About, people: int) -> None:
    """A workbook: headings that stay in sight and filter, days as days, all else as text; a last sheet says of what.

    people: how many rows will come.
    """
    frame = _Frame(columns, about, people)
    slices = groupby(_slices(tables, columns, frame.styles), lambda one: one.sheet)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as book:
        for name, content in frame.parts.items():
            if name not in frame.sheets:
                book.writestr(name, content)
        for name, (_, rows) in zip(frame.sheets, slices, strict=True):
            head, tail = frame.around(name)
            with book.open(name, "w", force_zip64=True) as sheet:
                sheet.write(head)
                for some in rows:
                    sheet.write(some.xml())
                sheet.write(tail)


class _Frame:
    """The workbook without its rows. styles: of the columns' cells; sheets: parts that rows go into."""

    def __init__(self, columns: Sequence[Column], about: About, people: int) -> None:
        made = io.BytesIO()
        number = max(1, -(-people // MOST_ROWS))
        _write_frame(made, columns, about, [min(MOST_ROWS, people - MOST_ROWS * place) for place in range(number)])
        with zipfile.ZipFile(made) as archive:
            self.parts = {name: archive.read(name) for name in archive.namelist()}
        self.sheets = [f"xl/worksheets/sheet{place + 1}.xml" for place in range(number)]
        self.styles = [int(style) for style in re.findall(rb' s="(\d+)"', self._pattern(self.sheets[0])[0])]

    def around(self, sheet: str) -> tuple[bytes, bytes]:
        """What stands before and behind the rows of a sheet."""
        pattern, content = self._pattern(sheet), self.parts[sheet]
        filtered = re.search(rb'<autoFilter ref="([^"]+)"', content)
        assert filtered is not None
        head = re.sub(rb'<dimension ref="[^"]+"', b'<dimension ref="%s"' % filtered[1], content[: pattern.start()])
        return head, content[pattern.end() :]

    def _pattern(self, sheet: str) -> re.Match[bytes]:
        """The row that shows how cells are laid out; were it the last one, xlsxwriter would count up to it."""
        found = re.search(rb'<row r="2".*</row>', self.parts[sheet], re.DOTALL)
        assert found is not None
        return found


def _write_frame(file: io.BytesIO, columns: Sequence[Column], about: About, rows: Sequence[int]) -> None:
    import xlsxwriter

    book = xlsxwriter.Workbook(file, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    heading = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1, "bg_color": "#E8F0EC"})
    # Text stays text also when somebody goes into a cell and out again.
    layouts = {
        Kind.TEXT: book.add_format({"num_format": "@"}),
        Kind.DAY: book.add_format({"num_format": "dd/mm/yyyy"}),
        Kind.NUMBER: book.add_format({"num_format": "0"}),
    }
    title, last = about.title[:26], len(columns) - 1
    for number, below in enumerate(rows, 1):
        sheet = book.add_worksheet(title if number == 1 else f"{title} {number}")
        sheet.freeze_panes(1, 0)
        sheet.repeat_rows(0)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.set_footer(f"&L{about.sentence.replace('&', '&&')[:200]}&R&P / &N")
        sheet.set_row(0, 45)
        end = max(1, below)
        for place, one in enumerate(columns):
            sheet.set_column(place, place, one.width)
            sheet.write_string(0, place, one.heading, heading)
            sheet.write_blank(1, place, None, layouts[one.kind])
        sheet.autofilter(0, 0, end, last)
        sheet.ignore_errors({"number_stored_as_text": f"A1:XFD{end + 1}"})
    sheet = book.add_worksheet(about.sheet[:31])
    sheet.set_column(0, 0, 24)
    sheet.set_column(1, 1, 90, book.add_format({"text_wrap": True, "valign": "top"}))
    for row, (what, value) in enumerate(about.lines):
        sheet.write_string(row, 0, what)
        sheet.write_string(row, 1, value)
    book.set_properties({"title": about.title, "comments": about.sentence[:250]})
    book.close()


@dataclass(frozen=True, slots=True)
class _Slice:
    """Some rows. sheet: on which they stand, from 0; first: number of the first row there; cells: by column."""

    sheet: int
    first: int
    cells: Sequence[tuple[str, Any]]

    def xml(self) -> Any:
        """The rows as a sheet has them."""
        length = len(self.cells[0][1])
        numbers = pa.array(range(self.first, self.first + length)).cast(pa.string())
        made = [pc.binary_join_element_wise(f'<c r="{name}', numbers, inner, "") for name, inner in self.cells]
        rows = pc.binary_join_element_wise(
            '<row r="', numbers, '">', *made, "</row>", "", null_handling="replace", null_replacement=""
        )
        # What stands behind the texts in their buffer is no part of them.
        return rows.buffers()[2][: pc.sum(pc.binary_length(rows)).as_py() or 0]


def _slices(tables: Iterable[pa.Table], columns: Sequence[Column], styles: Sequence[int]) -> Iterator[_Slice]:
    """The rows some at a time; at least one slice, of no rows where there are none."""
    names = [_letters(place) for place in range(len(columns))]
    done = 0
    for table in tables:
        # What the cells of a column hold is worked out for each different value once.
        words = [_cells(table[one.key], one.kind, style) for one, style in zip(columns, styles, strict=True)]
        at = 0
        while at < table.num_rows:
            sheet, row = divmod(done, MOST_ROWS)
            length = min(TOGETHER, table.num_rows - at, MOST_ROWS - row)
            cells = [(name, one.some(at, length)) for name, one in zip(names, words, strict=True)]
            yield _Slice(sheet, row + 2, cells)
            at, done = at + length, done + length
    if not done:
        yield _Slice(0, 2, [(name, pa.array([], pa.string())) for name in names])


def _letters(place: int) -> str:
    """A column's name: A, B, ..., Z, AA, ..."""
    before, last = divmod(place, 26)
    return (_letters(before - 1) if before else "") + chr(ord("A") + last)


def _cells(values: Any, kind: Kind, style: int) -> Words:
    """Cells behind the number of their row; null where there is none."""
    return by_value(values, lambda different: _as_cells(different, kind, style))


def _as_cells(values: Any, kind: Kind, style: int) -> Any:
    if kind is Kind.TEXT:
        return _texts(values, style)
    if kind is Kind.NUMBER:
        return _numbers(values.cast(pa.string()), style)
    days = pc.add(values.cast(pa.int32()), _EPOCH)
    days = pc.subtract(days, pc.less_equal(days, _BEFORE_LEAP).cast(pa.int32()))
    known = pc.greater_equal(values, pa.scalar(_FIRST_DAY))
    return pc.if_else(known, _numbers(days.cast(pa.string()), style), _texts(values.cast(pa.string()), style))


def _numbers(values: Any, style: int) -> Any:
    return pc.binary_join_element_wise(f'" s="{style}"><v>', values, "</v></c>", "")


def _texts(values: Any, style: int) -> Any:
    clean = pc.utf8_slice_codeunits(pc.replace_substring_regex(values, NOT_TEXT, ""), 0, LONGEST_CELL)
    # What looks like the way in which workbooks write a sign by its number, and a lone carriage return.
    clean = pc.replace_substring_regex(clean, "_(x[0-9A-Fa-f]{4}_)", r"_x005F_\1")
    for sign, written in (("\r", "_x000D_"), ("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        clean = pc.replace_substring(clean, sign, written)
    made = pc.binary_join_element_wise(
        f'" s="{style}" t="inlineStr"><is><t xml:space="preserve">', clean, "</t></is></c>", ""
    )
    return pc.if_else(pc.equal(clean, ""), pa.scalar(None, pa.string()), made)
