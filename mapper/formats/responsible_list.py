"""The list of who answers for which place: a CSV that was downloaded, filled in by hand or in a spreadsheet."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from io import StringIO
from unicodedata import normalize

from mapper.errors import InvalidInput, mark

COLUMNS: dict[str, tuple[str, ...]] = {
    "level": ("level", "cấp"),
    "code": ("code", "mã"),
    "place": ("place", "nơi"),
    "name": ("name", "họ tên"),
    "position": ("position", "chức vụ"),
    "phone": ("phone", "điện thoại"),
}
"""Columns and the names that the first line may give them; the first is English, the second Vietnamese."""

NEEDED = ("level", "code", "name")
LONGEST = 80
MOST_LINES = 100_000

_NAME = (
    mark("A name has 1 to {most} characters. Write the person's name."),
    mark("Line {line} of the list: a name has 1 to {most} characters. Shorten it."),
)
_POSITION = (
    mark("A position has at most {most} characters. Shorten it."),
    mark("Line {line} of the list: a position has at most {most} characters. Shorten it."),
)
_NUMBER = (
    mark("A telephone number has 8 to 15 digits, for example 0912 345 678. Correct it or leave it empty."),
    mark(
        "Line {line} of the list: a telephone number has 8 to 15 digits, for example 0912 345 678. Correct it or leave "
        "it empty."
    ),
)

_PHONE = re.compile(r"\+?[\d .()-]{8,24}")


@dataclass(frozen=True, slots=True)
class ListedPerson:
    """One line. name "": nobody was filled in. place: what the place is called, "" where the line does not say."""

    line: int
    level: str
    code: str
    name: str
    position: str
    phone: str
    place: str = ""


def read_responsible(data: bytes) -> list[ListedPerson]:
    """Read the list: columns level, code, name, position, phone, in English or Vietnamese; others are passed over.

    Lines without a name are those that nobody filled in. Raises InvalidInput, naming the line and the cure.
    """
    try:
        text = normalize("NFC", data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise InvalidInput(mark("The list is not in UTF-8. Save it as CSV UTF-8 and upload it again."))
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        rows = [(reader.line_num, cells) for cells in reader if any(cell.strip() for cell in cells)]
    except csv.Error as error:
        raise InvalidInput(
            mark("Line {line} of the list: {reason}. Correct the quotes of that line."),
            line=reader.line_num,
            reason=str(error),
        ) from None
    if len(rows) > MOST_LINES:
        raise InvalidInput(mark("The list has more than {most} lines. Upload it in parts."), most=MOST_LINES)
    return _read(rows)


def _read(rows: list[tuple[int, list[str]]]) -> list[ListedPerson]:
    header = [cell.strip().casefold() for cell in rows[0][1]] if rows else []
    at = {
        column: next(header.index(name) for name in names if name in header)
        for column, names in COLUMNS.items()
        if set(names) & set(header)
    }
    missing = [" / ".join(COLUMNS[column]) for column in NEEDED if column not in at]
    if missing:
        raise InvalidInput(
            mark(
                "The list lacks the column {columns}. Its first line names the columns: level, code, name, position, "
                "phone. Download the list of this page and fill that in."
            ),
            columns=", ".join(missing),
        )
    found = []
    lines: dict[tuple[str, str], int] = {}
    for line, cells in rows[1:]:
        told = {column: cells[place].strip() if place < len(cells) else "" for column, place in at.items()}
        # An apostrophe stands before what a spreadsheet would take for a formula.
        told = {column: text.removeprefix("'") for column, text in told.items()}
        one = ListedPerson(line, told["level"], told["code"], "", "", "")
        if told["name"]:
            name = checked_name(told["name"], line)
            one = ListedPerson(
                line,
                told["level"],
                told["code"],
                name,
                checked_position(told.get("position", ""), line),
                checked_phone(told.get("phone", ""), line),
                told.get("place", ""),
            )
        key = (one.level, one.code or told.get("place", ""))
        if key in lines:
            raise InvalidInput(
                mark("Lines {first} and {line} of the list: {level} {code} stands twice. Leave one of them."),
                first=lines[key],
                line=line,
                level=one.level,
                code=one.code,
            )
        lines[key] = line
        found.append(one)
    return found


def checked_name(text: str, line: int | None = None) -> str:
    """A person's name. Raises InvalidInput."""
    name = " ".join(normalize("NFC", text).split())
    if not name or len(name) > LONGEST or not name.isprintable():
        raise _wrong(line, *_NAME, most=LONGEST)
    return name


def checked_position(text: str, line: int | None = None) -> str:
    """What somebody is, as "head of the hamlet"; may be empty. Raises InvalidInput."""
    position = " ".join(normalize("NFC", text).split())
    if len(position) > LONGEST or not position.isprintable():
        raise _wrong(line, *_POSITION, most=LONGEST)
    return position


def checked_phone(text: str, line: int | None = None) -> str:
    """A telephone number; may be empty. Raises InvalidInput."""
    phone = " ".join(text.split())
    if not phone:
        return ""
    digits = sum(letter.isdigit() for letter in phone)
    if not phone.isascii() or not _PHONE.fullmatch(phone) or not 8 <= digits <= 15:
        raise _wrong(line, *_NUMBER)
    # Spreadsheets take the zero off that every number in Viet Nam begins with.
    return f"0{phone}" if phone.isdigit() and digits == 9 and phone[0] != "0" else phone


def _wrong(line: int | None, typed: str, listed: str, **facts: object) -> InvalidInput:
    """What is wrong with an entry that was typed into a form, or that stands in a line."""
    return InvalidInput(typed, **facts) if line is None else InvalidInput(listed, line=line, **facts)
