"""The commune's list of hamlets: the CSV that the phone offers as choices and the server counts houses by."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING
from unicodedata import normalize

from mapper.domain.whole import whole
from mapper.errors import InvalidInput, mark

if TYPE_CHECKING:
    from _csv import Reader

_NEEDED = ("name", "label", "commune")
_MAX_HOUSEHOLDS = 100_000


@dataclass(frozen=True, slots=True)
class HamletRow:
    """One hamlet. code: unique in the list; households: how many the commune expects, None where it does not say."""

    code: str
    name: str
    commune_code: str
    households: int | None


def read_hamlets(data: bytes) -> tuple[HamletRow, ...]:
    """Read hamlets.csv: columns name (the code), label, commune (its code), households (may be empty or absent).

    Other columns are left to the form. Raises InvalidInput, naming the line and the cure.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidInput(mark("The hamlet list is not in UTF-8. Save it as CSV UTF-8 and upload it again.")) from None
    if "\0" in text:
        raise InvalidInput(mark("The hamlet list is not in UTF-8. Save it as CSV UTF-8 and upload it again."))
    first = text.partition("\n")[0]
    if ";" in first and "," not in first:
        raise InvalidInput(
            mark("The hamlet list is separated by semicolons, which phones do not read. Save it with commas.")
        )
    reader = csv.reader(StringIO(normalize("NFC", text), newline=""), strict=True)
    try:
        return _read(reader)
    except csv.Error as error:
        raise InvalidInput(
            mark("Hamlet list, line {line}: {reason}. Correct the quotes and commas of that line."),
            line=reader.line_num,
            reason=str(error),
        ) from None


def _read(reader: Reader) -> tuple[HamletRow, ...]:
    header = [cell.strip() for cell in next(reader, [])]
    missing = [column for column in _NEEDED if column not in header]
    if missing:
        raise InvalidInput(
            mark(
                "The hamlet list lacks the column {columns}. Its first line names the columns: "
                "name (the code), label, commune, households."
            ),
            columns=", ".join(missing),
        )
    places = {column: header.index(column) for column in (*_NEEDED, "households") if column in header}
    rows: list[HamletRow] = []
    lines: dict[str, int] = {}
    for cells in reader:
        if not any(cell.strip() for cell in cells):
            continue
        line = reader.line_num
        told = {column: cells[at].strip() if at < len(cells) else "" for column, at in places.items()}
        for column in _NEEDED:
            if not told[column]:
                raise InvalidInput(
                    mark("Hamlet list, line {line}: the column {column} is empty. Fill it in."),
                    line=line,
                    column=column,
                )
        code = told["name"]
        if any(letter.isspace() for letter in code):
            raise InvalidInput(
                mark("Hamlet list, line {line}: the code {code} contains a space. Write it without."),
                line=line,
                code=code,
            )
        if code in lines:
            raise InvalidInput(
                mark("Hamlet list, lines {first} and {line}: the code {code} stands twice. Give each hamlet its own."),
                first=lines[code],
                line=line,
                code=code,
            )
        lines[code] = line
        rows.append(HamletRow(code, told["label"], told["commune"], _households(told.get("households", ""), line)))
    return tuple(rows)


def _households(text: str, line: int) -> int | None:
    if not text:
        return None
    number = whole(text, _MAX_HOUSEHOLDS)
    if number is None:
        raise InvalidInput(
            mark(
                "Hamlet list, line {line}: {value} is no number of households. Write a whole number, or leave it empty."
            ),
            line=line,
            value=text,
        )
    return number
