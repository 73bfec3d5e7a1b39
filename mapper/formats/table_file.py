"""A table that somebody made in a spreadsheet: CSV as it is saved anywhere, or the first sheet of an .xlsx workbook."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date, datetime
from io import BytesIO, StringIO
from unicodedata import normalize

from openpyxl.reader.excel import load_workbook

from mapper.errors import InvalidInput, TooLarge, mark
from mapper.formats.workbook import check_workbook

MOST_ROWS = 20_000
MOST_COLUMNS = 1_000
"""More than any table has; names of columns are compared with one another."""

Cell = str | date
"""What stands in a cell: a day where a workbook holds one, else text without blanks around it."""


@dataclass(frozen=True, slots=True)
class TableFile:
    """The columns' names, and each filled row with its number as the spreadsheet shows it."""

    header: tuple[str, ...]
    rows: tuple[tuple[int, tuple[Cell, ...]], ...]


def read_table(name: str, data: bytes, most_rows: int = MOST_ROWS) -> TableFile:
    """Read a table whose first filled row names the columns. Raises InvalidInput, TooLarge, naming the cure.

    most_rows: that are taken at once, the columns' names among them.
    """
    rows = _sheet(name, data) if data[:2] == b"PK" or name.lower().endswith((".xlsx", ".xls")) else _csv(name, data)
    filled = [(number, row) for number, row in rows if any(row)]
    if not filled:
        raise InvalidInput(mark("{name} is empty. Its first row names the columns."), name=name)
    if len(filled) > most_rows:
        raise TooLarge(
            mark("{name} has {rows} rows; {limit} are taken at once. Divide it into several files."),
            name=name,
            rows=len(filled),
            limit=most_rows,
        )
    header = tuple(cell if isinstance(cell, str) else cell.isoformat() for cell in filled[0][1])
    wide = len(header)
    if wide > MOST_COLUMNS:
        raise TooLarge(
            mark("{name} has {columns} columns; {limit} are read. Delete what does not belong to the table."),
            name=name,
            columns=wide,
            limit=MOST_COLUMNS,
        )
    return TableFile(header, tuple((n, (*row[:wide], *[""] * (wide - len(row)))) for n, row in filled[1:]))


def _sheet(name: str, data: bytes) -> list[tuple[int, tuple[Cell, ...]]]:
    check_workbook(name, data)
    try:
        book = load_workbook(BytesIO(data), read_only=True, data_only=True)
        try:
            rows = book.worksheets[0].iter_rows(values_only=True)
            return [(number, tuple(map(_cell, row))) for number, row in enumerate(rows, 1)]
        finally:
            book.close()
    except Exception as fault:
        # openpyxl meets what other programs wrote with errors of many kinds.
        raise InvalidInput(
            mark("{name} is no workbook that can be read. Save it as CSV UTF-8, and upload that."), name=name
        ) from fault


def _cell(value: object) -> Cell:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None else _clean(str(value))


def _csv(name: str, data: bytes) -> list[tuple[int, tuple[Cell, ...]]]:
    try:
        text = data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise InvalidInput(mark("{name} is not in UTF-8. Save it as CSV UTF-8 and upload it again."), name=name)
    first = text.partition("\n")[0]
    # As Excel separates them where the comma is the decimal sign, and as it saves Unicode text.
    separator = max(",;\t", key=first.count)
    reader = csv.reader(StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        return [(reader.line_num, tuple(_clean(cell) for cell in row)) for row in reader]
    except csv.Error as fault:
        raise InvalidInput(
            mark("{name}, line {line}: {reason}. Correct the quotes of that line."),
            name=name,
            line=reader.line_num,
            reason=str(fault),
        ) from None


def _clean(text: str) -> str:
    return " ".join(normalize("NFC", text).split())
