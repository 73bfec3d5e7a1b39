"""The days of a column, in every way that spreadsheets write them; the order of day and month is one for a column."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from mapper.domain.places import fold
from mapper.errors import mark
from mapper.formats.register_table import Raw


class Order(StrEnum):
    """How a column writes days. SWAPPED: day first, but a spreadsheet took those it could for month first."""

    DAY_FIRST = "day_first"
    MONTH_FIRST = "month_first"
    SWAPPED = "swapped"


@dataclass(frozen=True, slots=True)
class Told:
    """A day with how much of it was told: "day", "month" or "year"."""

    on: date
    precision: str = "day"


_PARTS = re.compile(r"(\d{1,2})\s*[/.\-]\s*(\d{1,2})\s*[/.\-]\s*(\d{4})(?:[ T,]+\d{1,2}[:h]\d{2}.*)?")
_ISO = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[ T]+\d{1,2}:\d{2}.*)?")
_MONTH = re.compile(r"(\d{1,2})[/.\-](\d{4})")
_WORDS = re.compile(r"(?:ngay )?(\d{1,2}) (?:thang )?(\d{1,2})(?: nam)? (\d{4})")
_SERIALS = range(1, 73_051)
"""Days as Excel counts them, up to the end of 2099."""

_YEARS = range(1900, 2100)


UNKNOWN_DAY = "đã tiêm, không rõ ngày"
"""Written in the place of a day for a dose that was given nobody knows when."""

_GIVEN = frozenset(
    ("da tiem khong ro ngay", "da tiem", "khong ro ngay", "khong nho ngay", "co", "co tiem", "x", "roi", "given", "yes")
)


def says_given(cell: Raw) -> bool:
    """Whether a cell for the day of a dose says only that it was given."""
    return isinstance(cell, str) and " ".join(re.sub(r"[,.]", " ", fold(cell)).split()) in _GIVEN


class OrderSeen:
    """What the cells of a column, looked at one after the other, prove about the order of its days and months."""

    def __init__(self) -> None:
        self._day_first = self._month_first = self._open = 0
        self._real = self._text = 0
        self._beyond = False

    def look(self, row: int, cell: Raw) -> None:
        """Look at the cell of a row."""
        if isinstance(cell, date):
            self._real += 1
            self._beyond = self._beyond or cell.day > 12
            return
        found = _PARTS.fullmatch(cell) if isinstance(cell, str) else None
        if found is None:
            return
        self._text += 1
        one, other = int(found[1]), int(found[2])
        if one > 12 and other <= 12:
            self._day_first = self._day_first or row
        elif other > 12 and one <= 12:
            self._month_first = self._month_first or row
        elif one != other:
            self._open = self._open or row

    def told(self) -> tuple[Order | None, tuple[int, int] | None]:
        """The order that is proved, None where it is left open; else two rows that contradict each other.

        Open is also a column of real days of which none is behind the 12th beside text of which all are: a
        spreadsheet has taken day for month wherever it could.
        """
        day_first, month_first = self._day_first, self._month_first
        if day_first and month_first:
            return None, (day_first, month_first)
        if self._real >= 5 and self._text and not self._beyond and not self._open and day_first:
            return None, None
        if day_first or month_first:
            return (Order.DAY_FIRST if day_first else Order.MONTH_FIRST), None
        return (None if self._open else Order.DAY_FIRST), None


def order_of(cells: Iterable[tuple[int, Raw]]) -> tuple[Order | None, tuple[int, int] | None]:
    """What a column's cells prove, given with their rows; see ``OrderSeen.told``."""
    seen = OrderSeen()
    for row, cell in cells:
        seen.look(row, cell)
    return seen.told()


def read_told(cell: Raw, order: Order) -> Told | None:
    """The day of a cell; None for what is none. A year alone is the first of January, precision "year"."""
    try:
        if isinstance(cell, date):
            return Told(date(cell.year, cell.day, cell.month) if order is Order.SWAPPED else cell)
        text = str(cell).strip()
        if re.fullmatch(r"\d+(\.0+)?", text):
            return _number(int(float(text)), text)
        if found := _ISO.fullmatch(text):
            return Told(date(int(found[1]), int(found[2]), int(found[3])))
        found = _PARTS.fullmatch(text) or _WORDS.fullmatch(" ".join(re.sub(r"[,.]", " ", fold(text)).split()))
        if found:
            one, other, year = int(found[1]), int(found[2]), int(found[3])
            return Told(date(year, one, other) if order is Order.MONTH_FIRST else date(year, other, one))
        if found := _MONTH.fullmatch(text):
            return Told(date(int(found[2]), int(found[1]), 1), "month")
        if found := re.fullmatch(r"\d+\.\d+", text):  # a moment: the day and the hour as its fraction
            return _number(int(float(text)), "")
    except ValueError:
        return None
    return None


def _number(number: int, text: str) -> Told | None:
    if len(text) == 8:
        return Told(date(number // 10_000, number // 100 % 100, number % 100))
    if len(text) == 4 and number in _YEARS:
        return Told(date(number, 1, 1), "year")
    # Excel believes that there was a 29 February 1900, its day 60.
    return Told(date(1899, 12, 30 if number > 60 else 31) + timedelta(days=number)) if number in _SERIALS else None


ORDERS = {
    Order.DAY_FIRST: mark("day first: 05/09/2021 is 5 September"),
    Order.MONTH_FIRST: mark("month first: 05/09/2021 is 9 May"),
    Order.SWAPPED: mark("day first, but the spreadsheet has exchanged day and month of its real dates"),
}
"""What can be said of a column, in words."""
