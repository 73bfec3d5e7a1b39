"""Entries of the stock ledger as a table or a form tells them: a row an entry, refused with the row and the cure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from mapper.domain.places import fold
from mapper.domain.stock import Kind, WasteReason
from mapper.domain.whole import whole
from mapper.errors import InvalidInput, MapperError, mark
from mapper.formats.cells import harmless
from mapper.formats.level_table import RowFault, read_any_day
from mapper.formats.table_file import Cell, read_table

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "day": ("day", "date", "ngày"),
    "kind": ("kind", "loại", "nội dung", "nghiệp vụ"),
    "store": ("store", "kho", "nơi giữ"),
    "formulation": ("formulation", "vaccine", "vắc-xin", "vắc xin", "loại vắc-xin", "loại vắc xin"),
    "lot": ("lot", "lô", "số lô"),
    "expiry": ("expiry", "hạn dùng", "hạn sử dụng"),
    "doses": ("doses", "liều", "số liều"),
    "vials": ("vials", "lọ", "số lọ"),
    "reason": ("reason", "lý do", "lí do"),
    "other": ("to_store", "đến kho", "kho nhận"),
    "document": ("document", "chứng từ", "số chứng từ", "quyết định", "văn bản"),
    "undoes": ("undoes",),
}
"""Columns, and the names that a file may give them; the first is English. Accents may be missing where that leaves no
doubt: "so lo" may be a lot or a number of vials."""

_NEEDED = ("day", "kind", "store", "formulation")

KINDS: Mapping[str, Kind] = {
    **{kind.value: kind for kind in Kind},
    "phan bo": Kind.ALLOCATED,
    "nhan": Kind.RECEIVED,
    "nhap": Kind.RECEIVED,
    "nhap kho": Kind.RECEIVED,
    "da tiem": Kind.USED,
    "su dung": Kind.USED,
    "dung": Kind.USED,
    "huy": Kind.WASTED,
    "hao phi": Kind.WASTED,
    "chuyen": Kind.MOVED,
    "dieu chuyen": Kind.MOVED,
    "kiem ke": Kind.COUNTED,
}
"""Words for what an entry is, without accents."""

REASONS: Mapping[str, WasteReason] = {
    **{reason.value: reason for reason in WasteReason},
    "open vial": WasteReason.OPEN_VIAL,
    "cold chain": WasteReason.COLD_CHAIN,
    "lo mo do": WasteReason.OPEN_VIAL,
    "lo da mo": WasteReason.OPEN_VIAL,
    "vo": WasteReason.BROKEN,
    "do vo": WasteReason.BROKEN,
    "day chuyen lanh": WasteReason.COLD_CHAIN,
    "hong nhiet do": WasteReason.COLD_CHAIN,
    "het han": WasteReason.EXPIRED,
    "khac": WasteReason.OTHER,
}
"""The same for why doses were thrown away."""

MOST_DOSES = 10_000_000
LONGEST_LOT = 40
LONGEST_DOCUMENT = 200


@dataclass(frozen=True, slots=True)
class StockRow:
    """What is told of one entry. row: as the spreadsheet counts, 0 of a form. doses or vials is told, not both.

    store, other, formulation: as they were written, to be looked up.
    """

    row: int
    day: date
    kind: Kind
    store: str
    formulation: str
    lot: str
    expiry: date | None
    doses: int | None
    vials: int | None
    reason: WasteReason | None
    other: str
    document: str


def read_stock_table(name: str, data: bytes) -> tuple[list[StockRow], list[RowFault]]:
    """The entries of a CSV or workbook that can be read, and what is wrong with the other rows.

    Raises InvalidInput, TooLarge for what is no such table, naming the cure.
    """
    table = read_table(name, data)
    at = {column: place for place, column in reversed(list(enumerate(map(_column, table.header)))) if column}
    missing = [column for column in _NEEDED if column not in at]
    if missing or not {"doses", "vials"} & at.keys():
        raise InvalidInput(
            mark(
                "{name} lacks the column {columns}. Its first row names the columns: day, kind, store, formulation, "
                "lot, expiry, doses or vials, reason, to_store, document."
            ),
            name=name,
            columns=", ".join(missing) or "doses",
        )
    rows: list[StockRow] = []
    faults: list[RowFault] = []
    for number, cells in table.rows:
        try:
            rows.append(read_stock_row({column: cells[place] for column, place in at.items()}, number))
        except MapperError as fault:
            faults.append(RowFault(number, fault.message, fault.facts))
    if not rows and not faults:
        raise InvalidInput(mark("{name} has no row below the columns' names."), name=name)
    return rows, faults


def _column(header: str) -> str:
    """The one column that a heading may mean, "" for none or several."""
    plain = header.casefold()
    exact = {column for column, names in COLUMNS.items() if plain in names}
    folded = {column for column, names in COLUMNS.items() if plain in map(fold, names)}
    found = exact or folded
    return found.pop() if len(found) == 1 else ""


def read_stock_row(told: Mapping[str, Cell], row: int = 0) -> StockRow:
    """One entry by the names of COLUMNS. Raises InvalidInput with a sentence that stands alone or behind a row."""

    def text(column: str) -> str:
        cell = told.get(column, "")
        words = " ".join((cell if isinstance(cell, str) else cell.isoformat()).split())
        # As our own files keep spreadsheets from taking a text for a formula.
        return words[1:] if words.startswith("'") and harmless(words[1:]) == words else words

    if text("undoes"):
        raise InvalidInput(
            mark("This entry undoes entry {number} of another ledger. Leave both of them out."),
            number=text("undoes")[:20],
        )
    kind = KINDS.get(fold(text("kind")))
    if kind is None:
        raise _wrong(text("kind"), mark("{value} is no kind of entry. Write one of: {known}."), Kind)
    day = _day(told.get("day", ""), needed=True)
    assert day is not None
    reason = REASONS.get(fold(text("reason"))) if text("reason") else None
    if kind is Kind.WASTED and reason is None:
        raise _wrong(
            text("reason"), mark("{value} is no reason for throwing doses away. Write one of: {known}."), WasteReason
        )
    lot, document = text("lot"), text("document")
    if not lot and kind is not Kind.ALLOCATED:
        raise InvalidInput(mark("The lot is missing. Write what stands on the vials."))
    for words, most in ((lot, LONGEST_LOT), (document, LONGEST_DOCUMENT)):
        if len(words) > most or not words.isprintable():
            raise InvalidInput(mark("{value} is too long, or holds signs that cannot be printed."), value=words[:40])
    if not text("store"):
        raise InvalidInput(mark("The store is missing. Write the code of a unit or of a site."))
    if kind is Kind.MOVED and not text("other"):
        raise InvalidInput(mark("It is not told to which store the doses go. Fill in to_store."))
    return StockRow(
        row,
        day,
        kind,
        text("store"),
        text("formulation"),
        lot,
        _day(told.get("expiry", ""), needed=False),
        *_amount(text("doses"), text("vials"), kind),
        reason if kind is Kind.WASTED else None,
        text("other") if kind is Kind.MOVED else "",
        document,
    )


def _wrong(value: str, message: str, known: type[Kind] | type[WasteReason]) -> InvalidInput:
    return InvalidInput(message, value=value[:40] or "–", known=", ".join(one.value for one in known))


def _day(cell: Cell, needed: bool) -> date | None:
    day = read_any_day(cell)
    if day is None and (needed or cell):
        told = cell if isinstance(cell, str) else cell.isoformat()
        raise InvalidInput(mark("{date} is not a day. Write it as 31/08/2022."), date=told[:40] or "–")
    return day


def _amount(doses: str, vials: str, kind: Kind) -> tuple[int | None, int | None]:
    """Doses or vials, one of the two; none of them only where a count found nothing."""
    if bool(doses) == bool(vials):
        raise InvalidInput(mark("Tell the doses or the whole vials, one of the two."))
    told = doses or vials
    # As spreadsheets group thousands.
    plain = re.sub(r"(?<=\d)[.,\u00a0 ](?=\d{3}\b)", "", told)
    least = 0 if kind is Kind.COUNTED else 1
    number = whole(plain, MOST_DOSES)
    if number is None or number < least:
        raise InvalidInput(
            mark("{value} is no number of doses or vials. Write a whole number like 120."), value=told[:40]
        )
    return (number, None) if doses else (None, number)
