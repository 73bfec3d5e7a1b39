"""What goes to other health systems: reporting periods, figures by data element, and the codes that a mapping names."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import NamedTuple

from mapper.domain.campaign import Label
from mapper.domain.ledger import INSIDE
from mapper.errors import InvalidQuestion, mark

FIGURES: tuple[str, ...] = ("people", "eligible", "needed", "outside", *(state.value for state in INSIDE))
"""Figures of a unit, group and dose that can be sent, as ``/api/coverage`` calls them."""


class PeriodKind(StrEnum):
    """How long a reporting period is."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    QUARTERLY = "quarterly"
    YEARLY = "yearly"


_LENGTHS = {
    PeriodKind.DAILY: "P1D",
    PeriodKind.WEEKLY: "P7D",
    PeriodKind.MONTHLY: "P1M",
    PeriodKind.QUARTERLY: "P3M",
    PeriodKind.YEARLY: "P1Y",
}


@dataclass(frozen=True, slots=True)
class ReportPeriod:
    """A reporting period from its first day on."""

    kind: PeriodKind
    first: date

    @property
    def last(self) -> date:
        """Its last day."""
        first, kind = self.first, self.kind
        if kind is PeriodKind.DAILY:
            return first
        if kind is PeriodKind.WEEKLY:
            return first + timedelta(days=6)
        month = {PeriodKind.MONTHLY: first.month, PeriodKind.QUARTERLY: first.month + 2}.get(kind, 12)
        return date(first.year, month, monthrange(first.year, month)[1])

    @property
    def dhis2(self) -> str:
        """As DHIS2 writes it: 20220831, 2022W35, 202208, 2022Q3, 2022."""
        first = self.first
        if self.kind is PeriodKind.DAILY:
            return f"{first:%Y%m%d}"
        if self.kind is PeriodKind.WEEKLY:
            year, week, _ = first.isocalendar()
            return f"{year}W{week}"
        if self.kind is PeriodKind.MONTHLY:
            return f"{first:%Y%m}"
        return f"{first:%Y}" if self.kind is PeriodKind.YEARLY else f"{first:%Y}Q{(first.month + 2) // 3}"

    @property
    def adx(self) -> str:
        """As ADX writes it, first day and length: 2022-07-01/P3M."""
        return f"{self.first.isoformat()}/{_LENGTHS[self.kind]}"


def period_around(kind: PeriodKind, day: date) -> ReportPeriod:
    """The period of a kind that holds a day; weeks begin on Monday."""
    if kind is PeriodKind.WEEKLY:
        return ReportPeriod(kind, day - timedelta(days=day.weekday()))
    if kind is PeriodKind.MONTHLY:
        return ReportPeriod(kind, day.replace(day=1))
    if kind is PeriodKind.QUARTERLY:
        return ReportPeriod(kind, date(day.year, day.month - (day.month - 1) % 3, 1))
    return ReportPeriod(kind, day.replace(month=1, day=1) if kind is PeriodKind.YEARLY else day)


_DHIS2 = re.compile(r"(\d{4})(?:(\d\d)(\d\d)?|W(\d{1,2})|Q([1-4]))?", re.ASCII)
_ADX = re.compile(r"(\d{4}-\d\d-\d\d)/(P1D|P7D|P1W|P1M|P3M|P1Y)", re.ASCII)


def read_period(text: str) -> ReportPeriod:
    """The period that DHIS2 or ADX writes so. Raises InvalidQuestion."""
    try:
        if match := _ADX.fullmatch(text):
            length = "P7D" if match[2] == "P1W" else match[2]
            kind = next(kind for kind, each in _LENGTHS.items() if each == length)
            first = date.fromisoformat(match[1])
            found = period_around(kind, first)
            if found.first == first:
                return found
        elif match := _DHIS2.fullmatch(text):
            year, month, day, week, quarter = (int(part) if part else 0 for part in match.groups())
            if match[4]:
                return ReportPeriod(PeriodKind.WEEKLY, date.fromisocalendar(year, week, 1))
            if match[5]:
                return ReportPeriod(PeriodKind.QUARTERLY, date(year, 3 * quarter - 2, 1))
            if match[3]:
                return ReportPeriod(PeriodKind.DAILY, date(year, month, day))
            if match[2]:
                return ReportPeriod(PeriodKind.MONTHLY, date(year, month, 1))
            return ReportPeriod(PeriodKind.YEARLY, date(year, 1, 1))
    except ValueError:
        pass
    raise InvalidQuestion(
        mark("{period} is no reporting period. Write it like 20220831, 2022W35, 202208, 2022Q3 or 2022."),
        period=text[:40],
    )


class DataValue(NamedTuple):
    """One figure as DHIS2 takes it; combos "" for its default ones."""

    element: str
    period: str
    unit: str
    combo: str
    attribute_combo: str
    value: int


class Code(NamedTuple):
    """A code of a public or national list. source: where the mapping took it from."""

    system: str
    code: str
    display: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class ExchangeMapping:
    """What a campaign's exchange.toml says.

    period_kind: how long the periods of the data set are, None where it is not told.
    elements: data element by figure, or by ``figure.group.dose``, which then needs no category option combo. combos:
    category option combo by (group, dose). scheme: of data elements, combos and data set; unit_scheme: of organisation
    units; both UID or CODE. group_dimension, dose_dimension: ADX attributes, with the codes of groups and doses.
    vaccines: codes by vaccine; diseases: what the campaign protects from. source: of all of it.
    """

    data_set: str = ""
    period_kind: PeriodKind | None = None
    scheme: str = "CODE"
    unit_scheme: str = "UID"
    attribute_combo: str = ""
    elements: Mapping[str, str] = field(default_factory=dict)
    combos: Mapping[tuple[str, str], str] = field(default_factory=dict)
    group_dimension: str = ""
    dose_dimension: str = ""
    groups: Mapping[str, str] = field(default_factory=dict)
    doses: Mapping[str, str] = field(default_factory=dict)
    vaccines: Mapping[str, tuple[Code, ...]] = field(default_factory=dict)
    diseases: tuple[Code, ...] = ()
    source: Label | None = None

    def element(self, figure: str, group: str, dose: str) -> tuple[str, str] | None:
        """Data element and category option combo of a figure, combo "" for the default one; None where unmapped."""
        own = self.elements.get(f"{figure}.{group}.{dose}")
        if own:
            return own, ""
        element, combo = self.elements.get(figure), self.combos.get((group, dose))
        return (element, combo) if element and combo else None

    def dimensions(self, combo: str) -> dict[str, str] | None:
        """The ADX attributes of a category option combo; None where they are not mapped."""
        if not combo:
            return {}
        for (group, dose), each in self.combos.items():
            if each == combo:
                codes = self.groups.get(group), self.doses.get(dose)
                if not (self.group_dimension and self.dose_dimension) or None in codes:
                    return None
                return {self.group_dimension: codes[0] or "", self.dose_dimension: codes[1] or ""}
        return None

    def combo_of(self, dimensions: Mapping[str, str]) -> str | None:
        """The category option combo of ADX attributes, "" where there are none; None where unmapped."""
        if not dimensions:
            return ""
        return next((combo for combo in self.combos.values() if self.dimensions(combo) == dict(dimensions)), None)
