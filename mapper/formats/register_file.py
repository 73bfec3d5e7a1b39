"""Lists of people for a register as Excel and CSV files, in whatever columns a layout asks for."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from io import BytesIO, StringIO

from mapper.formats.cells import harmless

Value = str | date | int | None
"""What is written in a cell."""

MEDIA_TYPES: Mapping[str, str] = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

_EXCEL_BEGINS = date(1899, 12, 30)
"""From here a workbook counts its days."""


def write_list(
    kind: str, header: Sequence[str], rows: Iterable[Sequence[Value]], sheet: str, date_format: str = "dd/mm/yyyy"
) -> bytes:
    """A list as a file of a kind of MEDIA_TYPES; no cell of it is a formula. date_format: as Excel writes it."""
    if kind == "csv":
        text = StringIO(newline="")
        writer = csv.writer(text, lineterminator="\r\n")
        writer.writerow([harmless(each) for each in header])
        for row in rows:
            writer.writerow([_text(cell, date_format) for cell in row])
        return b"\xef\xbb\xbf" + text.getvalue().encode()
    import xlsxwriter  # heavy: nothing for the start of a server

    content = BytesIO()
    book = xlsxwriter.Workbook(
        content,
        {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "in_memory": True},
    )
    page = book.add_worksheet(sheet)
    strong, day = book.add_format({"bold": True, "text_wrap": True}), book.add_format({"num_format": date_format})
    page.freeze_panes(1, 0)
    page.set_column(0, max(len(header) - 1, 0), 18)
    page.write_row(0, 0, header, strong)
    for number, row in enumerate(rows, 1):
        for place, cell in enumerate(row):
            if isinstance(cell, date):
                page.write_number(number, place, (cell - _EXCEL_BEGINS).days, day)
            elif isinstance(cell, int):
                page.write_number(number, place, cell)
            elif cell:
                page.write_string(number, place, cell[:32_000])
    book.close()
    return content.getvalue()


def _text(cell: Value, date_format: str) -> str:
    if isinstance(cell, date):
        day = date_format.lower().replace("yyyy", "%Y").replace("mm", "%m").replace("dd", "%d")
        return cell.strftime(day)
    return "" if cell is None else harmless(str(cell))
