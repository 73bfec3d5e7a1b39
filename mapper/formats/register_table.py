"""A table as registers give it out: titles above it, a header of one row or of two merged ones, any usual encoding.

Read row by row and kept aside, so that a large file is refused or read in a memory that does not grow with it.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from io import BytesIO, TextIOWrapper
from itertools import chain, islice
from unicodedata import normalize

from mapper.errors import InvalidInput, TooLarge, mark
from mapper.formats.large_workbook import sheet_rows
from mapper.formats.spool import Spool

MOST_ROWS = 250_000
MOST_UNPACKED_MB = 400
MOST_COLUMNS = 200
_HEADER_WITHIN = 25
"""Rows at the top among which the columns' names are looked for."""

Raw = str | date | int | float
"""What stands in a cell: a day or a number where a workbook holds one, else text without blanks around it."""

Known = Callable[[str], bool]
"""Whether a column's name is one that is understood."""


@dataclass(frozen=True, slots=True)
class RegisterTable:
    """The columns' names, and each filled row below them with its number as the spreadsheet shows it."""

    header: tuple[str, ...]
    rows: Sequence[tuple[int, tuple[Raw, ...]]]


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
    filled = ((number, row) for number, row in rows if any(cell != "" for cell in row))
    top = list(islice(filled, _HEADER_WITHIN))
    if not top:
        raise InvalidInput(mark("{name} is empty. Its first row names the columns."), name=name)
    # No more than one column too many is looked at: names are compared with all that are known.
    header, below = _header([row[: MOST_COLUMNS + 1] for _, row in top], known)
    wide = len(header)
    if wide > MOST_COLUMNS:
        wide = max(len(row) for _, row in top)
        raise TooLarge(
            mark("{name} has {columns} columns; {limit} are understood. Delete those that are not needed."),
            name=name,
            columns=wide,
            limit=MOST_COLUMNS,
        )
    if below < len(top) and _is_numbering(top[below][1]):
        below += 1
    kept = Spool((number, (*row[:wide], *[""] * (wide - len(row)))) for number, row in chain(top[below:], filled))
    if not kept:
        raise InvalidInput(mark("{name} has no row below the columns' names."), name=name)
    return RegisterTable(header, kept)


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


def _sheet(name: str, data: bytes, known: Known) -> Iterator[tuple[int, tuple[Raw, ...]]]:
    def with_people(top: Sequence[Sequence[object]]) -> bool:
        return any(sum(cell is not None and known(_words(_cell(cell))) for cell in row) >= 2 for row in top)

    rows = sheet_rows(name, data, MOST_UNPACKED_MB, MOST_ROWS, with_people, _HEADER_WITHIN)
    for number, row in enumerate(rows, 1):
        yield number, tuple(map(_cell, row))


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


def _csv(name: str, data: bytes) -> Iterator[tuple[int, tuple[Raw, ...]]]:
    encoding = _encoding(name, data)
    # As Excel separates them where the comma is the decimal sign, and as it saves Unicode text.
    top = "\n".join(islice(_lines(data, encoding), _HEADER_WITHIN))
    reader = csv.reader(_lines(data, encoding), delimiter=max(",;\t|", key=top.count), strict=True)
    try:
        for number, row in enumerate(reader, 1):
            if number > MOST_ROWS:
                raise TooLarge(
                    mark("{name} has more than {limit} rows. Divide it into several files, a commune each."),
                    name=name,
                    limit=MOST_ROWS,
                )
            yield reader.line_num, tuple(map(_as_text, row))
    except csv.Error as fault:
        raise InvalidInput(
            mark("{name}, line {line}: {reason}. Correct the quotes of that line."),
            name=name,
            line=reader.line_num,
            reason=str(fault),
        ) from None


def _lines(data: bytes, encoding: str) -> TextIOWrapper:
    return TextIOWrapper(BytesIO(data), encoding, newline="")


def _as_text(cell: str) -> str:
    """A cell; ="0912" is how some programs keep the zero of a phone."""
    kept = re.fullmatch(r'="(.*)"', cell.strip())
    return _clean(kept[1] if kept else cell)


def _encoding(name: str, data: bytes) -> str:
    """How a CSV is written: UTF-8, UTF-16 with or without its mark, or Windows-1258."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        tries: tuple[str, ...] = ("utf-16",)
    elif b"\0" in data[:2000]:
        even, odd = data[:2000:2].count(0), data[1:2000:2].count(0)
        tries = ("utf-16-le",) if odd > even else ("utf-16-be",)
    else:
        tries = ("utf-8-sig", "cp1258")
    found = next((encoding for encoding in tries if _makes_sense(data, encoding)), None)
    if found is None:
        raise InvalidInput(
            mark("{name} is written in an encoding that is not known. Save it as CSV UTF-8 and upload it again."),
            name=name,
        )
    return found


def _makes_sense(data: bytes, encoding: str) -> bool:
    """Whether a text read so is one; of Windows-1258: old fonts (TCVN3, VNI) give signs in the midst of words."""
    letters = strange = 0
    try:
        for line in _lines(data, encoding):
            if "\0" in line:
                return False
            if encoding == "cp1258":
                foreign = [c for c in normalize("NFC", line) if not c.isascii()]
                letters += len(foreign)
                strange += sum(not _is_vietnamese(c) for c in foreign)
    except UnicodeDecodeError:
        return False
    return strange <= 0.1 * max(letters, 1)


def _is_vietnamese(letter: str) -> bool:
    return letter.isalpha() and (letter in "đĐăĂâÂêÊôÔơƠưƯ" or ord(letter) >= 0x1EA0 or letter in _PLAIN)


_PLAIN = "àáãèéìíĩòóõùúũýÀÁÃÈÉÌÍĨÒÓÕÙÚŨÝ–—“”‘’…"


def _clean(text: str) -> str:
    return " ".join(normalize("NFC", text).split())
