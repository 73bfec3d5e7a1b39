"""How a report writes days, hours, numbers and shares, in one language."""

from __future__ import annotations

import math
from datetime import date, datetime

from babel.numbers import format_decimal

from mapper.domain.ranges import Range, ShareRange
from mapper.formats.paper import Cell
from mapper.language import translate
from mapper.services.audit import VIETNAM


def whole_day(day: date) -> str:
    """A day as official papers write it: the days below 10, January and February with a zero before."""
    return f"{day:%d}/{day.month:02d}/{day.year}" if day.month <= 2 else f"{day:%d}/{day.month}/{day.year}"


def hour(at: datetime) -> str:
    """The hour in Vietnam, as 17h05."""
    local = at.astimezone(VIETNAM)
    return f"{local.hour}h{local:%M}"


def _floored(share: float) -> float:
    return math.floor(share * 1000 + 1e-9) / 1000


def shown_share(share: float, language: str) -> str:
    """A share in per cent, rounded down: below a target it never looks like the target."""
    return f"{format_decimal(_floored(share) * 100, format='0.#', locale=language)}%"


class Writing:
    """Sentences, numbers and cells in one language."""

    def __init__(self, language: str) -> None:
        self.language = language

    def say(self, message: str, **facts: object) -> str:
        """A sentence."""
        return translate(message, self.language, **facts)

    def count(self, number: float) -> str:
        """A number within a sentence."""
        return str(format_decimal(number, locale=self.language))

    def number(self, number: int | Range | None, *counted: tuple[str, str]) -> Cell:
        """A number, or from where to where it may lie; counted: as ``Cell.counts``."""
        if isinstance(number, Range):
            return Cell(f"{self.count(number.least)}–{self.count(number.most)}", counts=counted)
        return Cell("–") if number is None else Cell(self.count(number), number, counts=counted)

    def change(self, number: int | None) -> Cell:
        """How many more, with its sign."""
        if number is None:
            return Cell("–")
        sign = "+" if number > 0 else "−" if number < 0 else ""
        return Cell(f"{sign}{self.count(abs(number))}", number)

    def share(self, share: float | ShareRange | None) -> Cell:
        """Rounded down, as on the map; or from where to where it may lie."""
        if share is None:
            return Cell("–")
        if isinstance(share, ShareRange):
            least, most = (shown_share(each, self.language) for each in (share.least, share.most))
            return Cell(least if least == most else f"{least.rstrip('%')}–{most}")
        return Cell(shown_share(share, self.language), _floored(share), share=True)
