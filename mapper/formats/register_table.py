"""A table as registers give it out: titles above it, a header of one row or of two merged ones, any usual encoding.

Streamed cell by cell, so that a large workbook is refused or read within limits. What a formula gives is what the
spreadsheet last worked out; a formula without such a value is refused with its cell.
"""

from __future__ import annotations

import csv
import re
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from io import BytesIO, StringIO
from itertools import islice
from typing import Any
from unicodedata import normalize

from openpyxl.reader.excel import load_workbook

from mapper.errors import InvalidInput, TooLarge, mark
from mapper.formats.workbook import check_workbook

MOST_ROWS = 250_000
MOST_UNPACKED_MB = 400
MOST_COLUMNS = 200
_HEADER_WITHIN = 25
"""Rows at the top among which the columns' names are looked for."""

Raw = str | date | int | float
"""What stands in a cell: a day or a number where a workbook holds one, else text without blanks around it."""

Known = Callable[[str], bool]
"""Whether a column's name is one that is understood."""

_UNWORKED = re.compile(rb'<c r="([A-Z]+\d+)"[^>]*><f[^>]*?(?:/>|>[^<]*</f>)(?:<v\s*/>|<v></v>)?</c>')


@dataclass(frozen=True, slots=True)
class RegisterTable:
    """The columns' names, and each filled row below them with its number as the spreadsheet shows it."""

    header: tuple[str, ...]
    rows: tuple[tuple[int, tuple[Raw, ...]], ...]


def column_letter(place: int) -> str:
    """A column as a spreadsheet calls it: 0 is A, 26 is AA."""
    letters = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def read_register_table(name: str, data: bytes, known: Known) -> RegisterTable:
    """Read a table of people. known: tells columns' names from titles. Raises InvalidInput, TooLarge with the cure."""
    book = data[:2] == b"PK" or name.lower().endswith((".xlsx", ".xlsm", ".xls"))
    rows = _sheet(name, data, known) if book else _csv(name, data)
    filled = [(number, row) for number, row in rows if any(cell != "" for cell in row)]
    if not filled:
        raise InvalidInput(mark("{name} is empty. Its first row names the columns."), name=name)
    header, below = _header([row for _, row in filled[:_HEADER_WITHIN]], known)
    wide = len(header)
    if wide > MOST_COLUMNS:
        raise TooLarge(
            mark("{name} has {columns} columns; {limit} are understood. Delete those that are not needed."),
            name=name,
            columns=wide,
            limit=MOST_COLUMNS,
        )
    kept = filled[below:]
    if kept and _is_numbering(kept[0][1]):
        kept = kept[1:]
    if not kept:
        raise InvalidInput(mark("{name} has no row below the columns' names."), name=name)
    return RegisterTable(header, tuple((n, (*row[:wide], *[""] * (wide - len(row)))) for n, row in kept))


def _header(rows: Sequence[Sequence[Raw]], known: Known) -> tuple[tuple[str, ...], int]:
    """The columns' names, and how many rows end with them: the row, or two merged ones, with most known names."""
    best, found, below = 0, tuple(map(_words, rows[0])), 1
    for place, row in enumerate(rows):
        single = tuple(map(_words, row))
        tries = [(single, place + 1)]
        if place + 1 < len(rows):
            tries.append((_merged(single, tuple(map(_words, rows[place + 1]))), place + 2))
        for names, end in tries:
            score = len({each for each in names if each and known(each)})
            if score > best and score >= 2:
                best, found, below = score, names, end
    width = max((place for place, each in enumerate(found) if each), default=0) + 1
    return found[:width], below


def _merged(upper: Sequence[str], lower: Sequence[str]) -> tuple[str, ...]:
    """Two rows of names as one: what stands over several columns belongs to each of them."""
    wide = max(len(upper), len(lower))
    above, names = "", []
    for place in range(wide):
        own = upper[place] if place < len(upper) else ""
        below = lower[place] if place < len(lower) else ""
        above = own or (above if below else "")
        names.append(" ".join(filter(None, (above, below))))
    return tuple(names)


def _words(cell: Raw) -> str:
    return cell.isoformat() if isinstance(cell, date) else str(cell)


def _is_numbering(row: Sequence[Raw]) -> bool:
    """Whether a row below the names only numbers the columns: 1, 2, 3 or (1), (2), (3)."""
    written = [_words(cell).strip("()[] ") for cell in row if cell != ""]
    return len(written) >= 3 and written == [str(place) for place in range(1, len(written) + 1)]


def _sheet(name: str, data: bytes, known: Known) -> list[tuple[int, tuple[Raw, ...]]]:
    check_workbook(name, data, MOST_UNPACKED_MB, MOST_ROWS)
    _refuse_unworked(name, data)
    try:
        book = load_workbook(BytesIO(data), read_only=True, data_only=True)
        try:
            for each in book.worksheets:
                each.reset_dimensions()
            sheet = _with_people(name, book.worksheets, known)
            return [(number, tuple(map(_cell, row))) for number, row in enumerate(sheet.iter_rows(values_only=True), 1)]
        finally:
            book.close()
    except InvalidInput:
        raise
    except Exception as fault:
        # openpyxl meets what other programs wrote with errors of many kinds.
        raise InvalidInput(
            mark("{name} is no workbook that can be read. Save it as CSV UTF-8, and upload that."), name=name
        ) from fault


def _with_people(name: str, sheets: Sequence[Any], known: Known) -> Any:
    """The one sheet whose columns are known; without such a one the first that is shown and not empty."""
    shown = [one for one in sheets if one.sheet_state == "visible"] or list(sheets)
    rows = (islice(one.iter_rows(values_only=True), _HEADER_WITHIN) for one in shown)
    tops = [[tuple(map(_cell, row)) for row in top] for top in rows]
    people = [one for one, top in zip(shown, tops, strict=True) if _names_columns(top, known)]
    if len(people) > 1:
        raise InvalidInput(
            mark("{name} has several sheets with people: {sheets}. Save each as a file of its own, and upload these."),
            name=name,
            sheets=", ".join(one.title for one in people),
        )
    filled = [one for one, top in zip(shown, tops, strict=True) if any(cell != "" for row in top for cell in row)]
    return [*people, *filled, *shown][0]


def _names_columns(top: Sequence[Sequence[Raw]], known: Known) -> bool:
    return any(sum(cell != "" and known(_words(cell)) for cell in row) >= 2 for row in top)


def _refuse_unworked(name: str, data: bytes) -> None:
    with zipfile.ZipFile(BytesIO(data)) as archive:
        for part in archive.namelist():
            if not (part.startswith("xl/worksheets/") and part.endswith(".xml")):
                continue
            seam = b""
            with archive.open(part) as file:
                while block := file.read(1 << 20):
                    found = _UNWORKED.search(seam + block)
                    if found:
                        raise InvalidInput(
                            mark(
                                "{name}, cell {cell}: a formula that was never worked out. Open the file in Excel or "
                                "LibreOffice, save it, and upload it again."
                            ),
                            name=name,
                            cell=found[1].decode("ascii"),
                        )
                    seam = block[-4000:]


def _cell(value: object) -> Raw:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, int):
        return value
    return "" if value is None else _clean(str(value))


def _csv(name: str, data: bytes) -> list[tuple[int, tuple[Raw, ...]]]:
    text = _decoded(name, data)
    # As Excel separates them where the comma is the decimal sign, and as it saves Unicode text.
    top = "\n".join(text.splitlines()[:_HEADER_WITHIN])
    reader = csv.reader(StringIO(text, newline=""), delimiter=max(",;\t|", key=top.count), strict=True)
    rows: list[tuple[int, tuple[Raw, ...]]] = []
    try:
        for row in reader:
            rows.append((reader.line_num, tuple(map(_as_text, row))))
            if len(rows) > MOST_ROWS:
                raise TooLarge(
                    mark("{name} has more than {limit} rows. Divide it into several files, a commune each."),
                    name=name,
                    limit=MOST_ROWS,
                )
    except csv.Error as fault:
        raise InvalidInput(
            mark("{name}, line {line}: {reason}. Correct the quotes of that line."),
            name=name,
            line=reader.line_num,
            reason=str(fault),
        ) from None
    return rows


def _as_text(cell: str) -> str:
    """A cell; ="0912" is how some programs keep the zero of a phone."""
    kept = re.fullmatch(r'="(.*)"', cell.strip())
    return _clean(kept[1] if kept else cell)


def _decoded(name: str, data: bytes) -> str:
    """The text of a CSV: UTF-8, UTF-16 with or without its mark, or Windows-1258."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        tries: Iterable[str] = ("utf-16",)
    elif b"\0" in data[:2000]:
        even, odd = data[:2000:2].count(0), data[1:2000:2].count(0)
        tries = ("utf-16-le",) if odd > even else ("utf-16-be",)
    else:
        tries = ("utf-8-sig", "cp1258")
    for encoding in tries:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text and not (encoding == "cp1258" and _is_no_vietnamese(text)):
            return normalize("NFC", text)
    raise InvalidInput(
        mark("{name} is written in an encoding that is not known. Save it as CSV UTF-8 and upload it again."), name=name
    )


def _is_no_vietnamese(text: str) -> bool:
    """Whether a text read as Windows-1258 makes no sense: old fonts (TCVN3, VNI) give signs in the midst of words."""
    letters = [c for c in normalize("NFC", text) if not c.isascii()]
    strange = [c for c in letters if not (c.isalpha() and (c in "đĐăĂâÂêÊôÔơƠưƯ" or ord(c) >= 0x1EA0 or c in _PLAIN))]
    return len(strange) > 0.1 * max(len(letters), 1)


_PLAIN = "àáãèéìíĩòóõùúũýÀÁÃÈÉÌÍĨÒÓÕÙÚŨÝ–—“”‘’…"


def _clean(text: str) -> str:
    return " ".join(normalize("NFC", text).split())
