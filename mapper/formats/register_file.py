"""Lists of people for a register as Excel and CSV files, in whatever columns a layout asks for."""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from io import BytesIO, StringIO

from mapper.errors import InvalidInput, mark
from mapper.formats.cells import harmless

Value = str | date | int | None
"""What is written in a cell."""

MEDIA_TYPES: Mapping[str, str] = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

_EXCEL_BEGINS = date(1899, 12, 30)
"""From here a workbook counts its days."""

HOLDS = frozenset(
    (
        *("number", "code", "national_id", "name", "born", "year", "sex", "phone", "commune_code", "commune", "hamlet"),
        *("dose", "given", "vaccine", "lot", "place", "text"),
    )
)
"""What a column of a layout may hold besides "on:CODE", "vaccine:CODE" and "lot:CODE" of a dose."""


@dataclass(frozen=True, slots=True)
class LayoutColumn:
    """A column that the platform asks for. holds: of HOLDS, or of a dose; text: what stands in a column "text"."""

    name: str
    holds: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Layout:
    """The platform's import layout. rows: "person" or "dose"; words: codes of the census to the platform's words."""

    sheet: str
    rows: str
    date_format: str
    columns: tuple[LayoutColumn, ...]
    words: Mapping[str, Mapping[str, str]]


def read_layout(text: str) -> Layout:
    """Read a register_layout.toml. Raises InvalidInput, naming what is wrong with it."""
    try:
        told = tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        raise InvalidInput(mark("register_layout.toml: {reason}. Correct it."), reason=str(fault)) from None
    columns = []
    for number, each in enumerate(_list(told.get("columns")), 1):
        name, holds = each.get("name"), each.get("holds")
        part, _, code = str(holds).partition(":")
        known = holds in HOLDS or (code and part in ("on", "vaccine", "lot"))
        if not isinstance(name, str) or not name or not known:
            raise InvalidInput(
                mark("register_layout.toml: column {number} needs a name, and in holds one of: {holds}."),
                number=number,
                holds=", ".join(sorted(HOLDS)) + ", on:CODE, vaccine:CODE, lot:CODE",
            )
        columns.append(LayoutColumn(name, str(holds), str(each.get("text", ""))))
    rows, day = told.get("rows", "person"), str(told.get("date_format", "dd/mm/yyyy"))
    if not columns or rows not in ("person", "dose"):
        raise InvalidInput(mark('register_layout.toml needs [[columns]], and rows = "person" or "dose".'))
    words = {
        name: {str(key): str(value) for key, value in table.items()}
        for name, table in told.get("words", {}).items()
        if isinstance(table, dict)
    }
    return Layout(str(told.get("sheet", "Sheet1"))[:31], rows, day, tuple(columns), words)


def _list(value: object) -> list[dict[str, object]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


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
