"""Tables as a workbook: a sheet a table, numbers as numbers, days as days, and texts that no spreadsheet runs."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time

Value = str | int | float | date | None

LONGEST = 32_767
"""Letters in a cell."""
LONGEST_NAME = 31


@dataclass(frozen=True, slots=True)
class TableSheet:
    """A table. columns: what each is called, and how many letters wide it is."""

    name: str
    columns: tuple[tuple[str, int], ...]
    rows: Iterable[Sequence[Value]]


def write_tables(sheets: Sequence[TableSheet], title: str, foot: str) -> bytes:
    """The workbook. foot: below each printed page."""
    import xlsxwriter  # loads in half a second, which no page needs

    file = io.BytesIO()
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    book = xlsxwriter.Workbook(file, options)
    book.set_properties({"title": title[:250]})
    head = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1, "bg_color": "#E8F0EC"})
    # Text stays text also when somebody goes into a cell and out again.
    text, day = book.add_format({"num_format": "@"}), book.add_format({"num_format": "dd/mm/yyyy"})
    for one in sheets:
        sheet = book.add_worksheet(one.name[:LONGEST_NAME])
        sheet.freeze_panes(1, 0)
        sheet.repeat_rows(0)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.set_footer(f"&L{foot.replace('&', '&&')[:200]}&R&P / &N")
        for place, (name, width) in enumerate(one.columns):
            sheet.set_column(place, place, width)
            sheet.write_string(0, place, name, head)
        last = 0
        for last, row in enumerate(one.rows, 1):
            for place, value in enumerate(row):
                if isinstance(value, date):
                    sheet.write_datetime(last, place, datetime.combine(value, time()), day)
                elif isinstance(value, int | float):
                    sheet.write_number(last, place, value)
                elif value:
                    sheet.write_string(last, place, _plain(value), text)
        sheet.autofilter(0, 0, max(1, last), len(one.columns) - 1)
        sheet.ignore_errors({"number_stored_as_text": f"A1:XFD{last + 1}"})
    book.close()
    return file.getvalue()


def _plain(value: str) -> str:
    """A text without the characters that no workbook holds."""
    return "".join(c if c.isprintable() else " " for c in value)[:LONGEST]
