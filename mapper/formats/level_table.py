"""Epidemic levels as annexes of decisions list them: a row a commune, with its level, from which day, by what."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from mapper.domain.places import fold
from mapper.errors import InvalidInput, mark
from mapper.formats.table_file import Cell, read_table

LEVEL_WORDS: Mapping[str, int] = {
    "green": 1,
    "yellow": 2,
    "orange": 3,
    "red": 4,
    "xanh": 1,
    "vang": 2,
    "cam": 3,
    "do": 4,
}
_ANY_DAY = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})")

# Folded beginnings, the better ones first; a column is taken once.
_CODES = ("commune code", "code", "ma xa", "ma don vi", "ma phuong", "ma dvhc", "maxa", "ma")
_NAMES = ("commune name", "commune", "name", "ten xa", "ten don vi", "ten", "xa", "phuong", "don vi", "dia phuong")
_AROUND: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("district_code", ("district code", "ma huyen", "ma quan", "ma qh", "ma quan huyen", "ma huyen quan")),
    (
        "district",
        ("district name", "district", "ten huyen", "ten quan", "quan huyen", "huyen quan", "huyen", "quan", "qh"),
    ),
    ("province_code", ("province code", "ma tinh", "ma tp", "ma thanh pho", "ma tinh thanh")),
    (
        "province",
        ("province name", "province", "ten tinh", "ten thanh pho", "tinh thanh", "tinh thanh pho", "tinh tp", "tinh"),
    ),
)
"""What a row tells of the units around its own."""
_LEVELS = ("level", "cap do dich", "cap do", "muc do", "cap", "vung", "mau")
_DAYS = ("from day", "from", "tu ngay", "ngay ap dung", "hieu luc", "ngay", "date", "day")
_SOURCES = ("source", "decision", "quyet dinh", "van ban", "so van ban", "so quyet dinh", "nguon", "can cu", "cong bo")


@dataclass(frozen=True, slots=True)
class LevelColumns:
    """Which column holds what, as the importer says; None is guessed from its name."""

    code: str | None = None
    name: str | None = None
    level: str | None = None
    from_day: str | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class LevelRow:
    """One unit's level. row: as the spreadsheet counts; code or name is told; from_day, source: where the row says.

    around: code and name, as far as they are told, of each unit around it.
    """

    row: int
    code: str
    name: str
    level: int
    from_day: date | None
    source: str
    around: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class RowFault:
    """What is wrong with a row, and its cure: a sentence that goes on behind the row's number, with its facts."""

    row: int
    message: str
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LevelTable:
    """The rows that can be read, and what is wrong with the others."""

    rows: tuple[LevelRow, ...]
    faults: tuple[RowFault, ...]


def read_levels(name: str, data: bytes, columns: LevelColumns) -> LevelTable:
    """Read a table of levels. Raises InvalidInput, TooLarge for what is no such table at all, naming the cure."""
    table = read_table(name, data)
    places = _places(table.header, columns)
    rows: list[LevelRow] = []
    faults: list[RowFault] = []
    for number, cells in table.rows:
        told = {what: cells[at] for what, at in places.items()}
        read = _row(number, told)
        if isinstance(read, LevelRow):
            rows.append(read)
        else:
            faults.append(read)
    if not rows and not faults:
        raise InvalidInput(mark("{name} has no row below the columns' names."), name=name)
    return LevelTable(tuple(rows), tuple(faults))


def _places(header: Sequence[str], columns: LevelColumns) -> dict[str, int]:
    """Where each column stands, by what it holds."""
    found: dict[str, int] = {}
    wanted = (
        ("code", columns.code, _CODES),
        ("level", columns.level, _LEVELS),
        ("from_day", columns.from_day, _DAYS),
        ("source", columns.source, _SOURCES),
        ("name", columns.name, _NAMES),
    )
    for what, said, _ in wanted:
        if said:
            folded = [fold(cell) for cell in header]
            if fold(said) not in folded:
                raise InvalidInput(
                    mark("The table has no column {column}. It has: {columns}."),
                    column=said,
                    columns=", ".join(filter(None, header))[:400],
                )
            found[what] = folded.index(fold(said))
    for what, words in _AROUND:
        at = _guess(header, words, set(found.values()))
        if at is not None:
            found[what] = at
    for what, said, words in wanted:
        at = None if said else _guess(header, words, set(found.values()))
        if at is not None:
            found[what] = at
    if "level" not in found or not ({"code", "name"} & found.keys()):
        raise InvalidInput(
            mark(
                "The table needs a column with the code or the name of the commune and one with the level. "
                "It has: {columns}. Name its columns commune_code, level, from, source, or say below which is which."
            ),
            columns=", ".join(filter(None, header))[:400] or "-",
        )
    return found


def _guess(header: Sequence[str], words: Sequence[str], taken: set[int]) -> int | None:
    folded = [re.sub(r"[^a-z0-9]+", " ", fold(cell)).strip() for cell in header]
    for exactly in (True, False):
        for word in words:
            for at, cell in enumerate(folded):
                if at not in taken and (cell == word if exactly else cell.startswith(f"{word} ")):
                    return at
    return None


def _row(number: int, told: Mapping[str, Cell]) -> LevelRow | RowFault:
    code, name, source = (_text(told.get(what, "")) for what in ("code", "name", "source"))
    if not code and not name:
        return RowFault(number, mark("it names no commune. Give its code or its name."))
    level = _level(_text(told.get("level", "")))
    if level is None:
        return RowFault(
            number,
            mark("{level} is no epidemic level. Write 1, 2, 3 or 4, or the colour."),
            {"level": _text(told.get("level", ""))[:40] or "-"},
        )
    written = told.get("from_day", "")
    day = read_any_day(written)
    if day is None and written:
        return RowFault(number, mark("{date} is not a day. Write it as 31/08/2022."), {"date": _text(written)[:40]})
    around = [(_text(told.get(f"{what}_code", "")), _text(told.get(what, ""))) for what in ("district", "province")]
    return LevelRow(number, code, name, level, day, source, tuple(pair for pair in around if any(pair)))


def _text(cell: Cell) -> str:
    return cell if isinstance(cell, str) else cell.isoformat()


def _level(text: str) -> int | None:
    """The level that a cell says: 2, "Cấp 2", "Cấp độ 2 (vùng vàng)", "vùng vàng", "Yellow"; None for anything else."""
    written = re.findall(r"[^\W\d]+|\d+", text.casefold())
    words = [fold(word) for word in written]
    said = {int(word) for word in words if word.isdecimal() and len(word) < 3}
    # "cap do 2": without accents "do" may belong to the word for level; red stands behind "vung" or "mau", or alone.
    colours = {
        LEVEL_WORDS[word]
        for place, word in enumerate(words)
        if word in LEVEL_WORDS
        and (word != "do" or (written[place] != "độ" and (place == 0 or words[place - 1] in ("vung", "mau"))))
    }
    found = said | colours
    return next(iter(found)) if len(found) == 1 and found <= {1, 2, 3, 4} else None


def read_any_day(cell: Cell) -> date | None:
    """A day as a spreadsheet holds it or as it is written, 31/08/2022 or 2022-08-31; None for anything else."""
    if isinstance(cell, date):
        return cell
    try:
        found = _ANY_DAY.fullmatch(cell)
        if found:
            return date(int(found[3]), int(found[2]), int(found[1]))
        return date.fromisoformat(cell)
    except ValueError:
        return None
