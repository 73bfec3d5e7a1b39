"""Crosswalks: tables that tell which unit of an old boundary set went to which of the new one, a row a pair.

Columns are known by what they mean, in Vietnamese or English: the old and the new code, their names, whether the whole
unit went there or a part of it, which share, and the decree that says so. Columns that mean something else are passed
over.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from mapper.domain.places import fold
from mapper.errors import InvalidInput, MapperError, mark
from mapper.formats.level_table import RowFault
from mapper.formats.table_file import Cell, read_table

MOST_ROWS = 100_000
"""Ten times the pairs of the whole country in 2025: a crosswalk cannot be divided into several files."""

LONGEST_CODE = 40
LONGEST_SOURCE = 300

_OLD = {"old", "legacy", "former", "before", "from", "predecessor", "cu", "truoc"}
_NEW = {"new", "after", "to", "successor", "moi", "sau"}
_CODE = {"code", "ma"}
_NAME = {"name", "ten"}
_ABOVE = {"province", "district", "tinh", "huyen"}
_RELATION = ("relation", "quan he", "muc do", "hinh thuc", "phan chia")
_SHARE = ("share", "ty le", "ti le", "ty trong", "phan tram", "percent")
_SOURCE = ("decree", "source", "resolution", "nghi quyet", "quyet dinh", "nguon", "can cu", "van ban", "legal basis")

WHOLE = frozenset(
    (
        *("full", "whole", "entire", "all", "complete", "1", "rename", "renamed", "merge", "merged", "same"),
        *("toan bo", "toan phan", "nguyen ven", "nguyen trang", "sap nhap", "sap nhap toan bo", "nhap toan bo", "nhap"),
        *("doi ten", "giu nguyen", "khong doi"),
    )
)
"""Words for a whole unit that went to its heir, without accents."""
PART = frozenset(
    (
        *("part", "partial", "partly", "split", "divided"),
        *("mot phan", "phan", "chia", "chia tach", "tach", "tach mot phan", "nhap mot phan", "phan con lai"),
    )
)
"""The same for a part of it."""
GONE = "gone"
"""Stands in our own files for a unit that nobody took over; such a row tells of no pair."""


@dataclass(frozen=True, slots=True)
class CrosswalkRow:
    """What a row tells. row: as the spreadsheet counts; names and source "" and share None where it does not say."""

    row: int
    old: str
    new: str
    old_name: str
    new_name: str
    whole: bool
    share: float | None
    source: str


@dataclass(frozen=True, slots=True)
class CrosswalkTable:
    """The rows that can be read, and what is wrong with the others."""

    rows: tuple[CrosswalkRow, ...]
    faults: tuple[RowFault, ...]


def read_crosswalk(name: str, data: bytes) -> CrosswalkTable:
    """Read a crosswalk. Raises InvalidInput, TooLarge for what is no such table at all, naming the cure.

    A row that says neither whole nor part is whole where its old unit has no other row.
    """
    table = read_table(name, data, MOST_ROWS)
    at = _places(table.header)
    missing = [column for column in ("old_code", "new_code") if column not in at]
    if missing:
        raise InvalidInput(
            mark(
                "{name} lacks the column {columns}. Its first row names the columns: old_code, new_code, and as far as "
                "they are known old_name, new_name, relation (full, part), share, decree. It has: {found}."
            ),
            name=name,
            columns=", ".join(missing),
            found=", ".join(filter(None, table.header))[:400] or "-",
        )
    told = [(number, {column: _text(cells[place]) for column, place in at.items()}) for number, cells in table.rows]
    told = [(number, row) for number, row in told if row["new_code"] or row.get("relation") != GONE]
    percent = _in_percent(row.get("share", "") for _, row in told)
    heirs = Counter(row["old_code"] for _, row in told)
    rows: list[CrosswalkRow] = []
    faults: list[RowFault] = []
    first: dict[tuple[str, str], int] = {}
    for number, row in told:
        try:
            one = _row(number, row, percent, heirs[row["old_code"]] == 1)
            before = first.setdefault((one.old, one.new), number)
            if before != number:
                raise InvalidInput(
                    mark("{old} → {new} is told in row {before} already. Keep one of the two rows."),
                    old=one.old,
                    new=one.new,
                    before=before,
                )
            rows.append(one)
        except MapperError as fault:
            faults.append(RowFault(number, fault.message, fault.facts))
    if not rows and not faults:
        raise InvalidInput(mark("{name} has no row below the columns' names."), name=name)
    return CrosswalkTable(tuple(rows), tuple(faults))


def with_zeros(rows: Sequence[CrosswalkRow], old: Iterable[str], new: Iterable[str]) -> tuple[list[CrosswalkRow], int]:
    """The rows with the zeros that a spreadsheet took from the front of their codes, and how many codes had lost some.

    old, new: codes that there are. A code is filled up only where that makes it one of them.
    """
    known = frozenset(old), frozenset(new)
    widths = tuple(max(map(len, codes), default=0) for codes in known)
    mended = 0
    found = []
    for row in rows:
        codes = []
        for code, codes_there, width in zip((row.old, row.new), known, widths, strict=True):
            longer = code.zfill(width) if code.isdecimal() else code
            mended += (is_mended := code not in codes_there and longer in codes_there)
            codes.append(longer if is_mended else code)
        found.append(replace(row, old=codes[0], new=codes[1]))
    return found, mended


def _places(header: Sequence[str]) -> dict[str, int]:
    """Where each column stands, by what it holds; the first that means it."""
    found: dict[str, int] = {}
    for place, cell in enumerate(header):
        column = _column(cell)
        if column and column not in found:
            found[column] = place
    return found


def _column(header: str) -> str:
    """What a heading means, "" for nothing that is wanted here."""
    plain = re.sub(r"[^a-z0-9]+", " ", fold(header)).strip()
    words = set(plain.split())
    side = "old" if words & _OLD else "new" if words & _NEW else ""
    for column, beginnings in (("relation", _RELATION), ("share", _SHARE), ("source", _SOURCE)):
        if plain.startswith(beginnings):
            # A share of the new unit is another figure.
            return "" if column == "share" and side == "new" else column
    if side and not words & _ABOVE and not (words & _OLD and words & _NEW):
        if words & _CODE:
            return f"{side}_code"
        if words & _NAME:
            return f"{side}_name"
    return ""


def _text(cell: Cell) -> str:
    text = cell if isinstance(cell, str) else cell.isoformat()
    # As our own files, and careful people, keep spreadsheets from taking a text for a number or a formula.
    return text[1:].strip() if text.startswith("'") else text


def _in_percent(shares: Iterable[str]) -> bool:
    """Whether a column of shares counts in hundredths: one of them says so, or is more than a whole."""
    return any("%" in text or (_number(text) or 0) > 1.5 for text in shares)


def _number(text: str) -> float | None:
    plain = text.replace("%", "").replace(" ", "").replace(",", ".")
    return float(plain) if re.fullmatch(r"\d{1,3}(\.\d{0,12})?", plain) else None


def _row(number: int, told: Mapping[str, str], percent: bool, alone: bool) -> CrosswalkRow:
    for column, words in (
        ("old_code", mark("The code of the old unit is missing.")),
        ("new_code", mark("The code of the new unit is missing. Leave the row out where nobody took the unit over.")),
    ):
        code = told[column]
        if not code:
            raise InvalidInput(words)
        if len(code) > LONGEST_CODE or not code.isprintable():
            raise InvalidInput(mark("{value} is no code of a unit."), value=code[:LONGEST_CODE])
    share = _share(told.get("share", ""), percent)
    whole = _whole(told.get("relation", ""))
    if whole and share is not None and share < 0.99:
        raise InvalidInput(
            mark("The whole unit is told, and yet a share of {share} %. Correct one of the two."),
            share=f"{100 * share:g}",
        )
    if whole is None:
        whole = alone if share is None else share >= 0.9995
    return CrosswalkRow(
        number,
        told["old_code"],
        told["new_code"],
        told.get("old_name", ""),
        told.get("new_name", ""),
        whole,
        share,
        told.get("source", "")[:LONGEST_SOURCE],
    )


def _whole(text: str) -> bool | None:
    if not text:
        return None
    word = re.sub(r"[^a-z0-9]+", " ", fold(text)).strip()
    if word in WHOLE or word in PART:
        return word in WHOLE
    raise InvalidInput(
        mark("{value} is no relation. Write full or part; codes that were given to other units are found without it."),
        value=text[:40],
    )


def _share(text: str, percent: bool) -> float | None:
    if not text:
        return None
    number = _number(text)
    share = None if number is None else number / 100 if percent else number
    if share is None or share > 1.0005:
        raise InvalidInput(mark("{value} is no share. Write it as 25 % or 0.25."), value=text[:40])
    return min(share, 1.0)
