"""Tables of a TOML file, read value by value; whatever cannot be meant is refused with its place and the cure."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from datetime import date, datetime
from difflib import get_close_matches
from fractions import Fraction
from typing import NoReturn

from mapper.domain.campaign import Label, Period
from mapper.errors import InvalidCampaign, mark

_PERIOD = re.compile(r"(\d{1,5})\s*(year|month|week|day)s?")
_SHARE = re.compile(r"(\d{1,3}(?:[.,]\d{1,6})?)\s*%")
_UNITS = {"year": (12, 0), "month": (1, 0), "week": (0, 7), "day": (0, 1)}


def read_period(text: str) -> Period | None:
    """A length such as "5 years", "8 weeks", "1 year and 6 months"; None when it is none."""
    months = days = 0
    for part in text.strip().lower().split(" and "):
        match = _PERIOD.fullmatch(part.strip())
        if match is None:
            return None
        month, day = _UNITS[match[2]]
        months += int(match[1]) * month
        days += int(match[1]) * day
    return Period(months, days) if months <= 12 * 200 and days <= 366 * 200 else None


class Table:
    """One table of the file with the place it stands at, for messages."""

    __slots__ = ("entries", "where")

    def __init__(self, entries: Mapping[str, object], where: str) -> None:
        self.entries = entries
        self.where = where

    @classmethod
    def of_file(cls, text: str, file: str) -> Table:
        """The whole of a file of that name; the mark that Windows puts before a text is passed over.

        Raises InvalidCampaign with the line that is no TOML.
        """
        try:
            return cls(tomllib.loads(text.removeprefix("\ufeff")), file)
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            raise InvalidCampaign(
                mark("{file} is not valid TOML: {problem}. Mend that line."), file=file, problem=str(error) or "nesting"
            ) from error

    def allow(self, known: Collection[str]) -> None:
        for key in self.entries:
            if key in known:
                continue
            nearest = get_close_matches(key, known, 1, 0.6)
            if nearest:
                raise InvalidCampaign(
                    mark("{where}: the key {key} is unknown. Did you mean {nearest}?"),
                    where=self.where,
                    key=key,
                    nearest=nearest[0],
                )
            raise InvalidCampaign(
                mark("{where}: the key {key} is unknown. Known are: {known}."),
                where=self.where,
                key=key,
                known=", ".join(known),
            )

    def missing(self, key: str, example: str) -> NoReturn:
        raise InvalidCampaign(
            mark("{where}: {key} is missing. Add it, for example {key} = {example}."),
            where=self.where,
            key=key,
            example=example,
        )

    def wrong(self, key: str, value: object, example: str) -> NoReturn:
        raise InvalidCampaign(
            mark("{where}: {key} cannot be {value}. Write it like {example}."),
            where=self.where,
            key=key,
            value=_shown(value),
            example=example,
        )

    def text(self, key: str, example: str, pattern: re.Pattern[str] | None = None) -> str:
        value = self.entries.get(key)
        if value is None:
            self.missing(key, example)
        if not isinstance(value, str) or not value.strip() or (pattern and not pattern.fullmatch(value)):
            self.wrong(key, value, example)
        return value

    def label(self, key: str) -> Label:
        if key not in self.entries:
            self.missing(key, '{ vi = "...", en = "..." }')
        return label_of(self.entries[key], key, self)

    def day(self, key: str) -> date | None:
        value = self.entries.get(key)
        if value is None:
            return None
        if not isinstance(value, date) or isinstance(value, datetime):
            self.wrong(key, value, "2022-08-31")
        return value

    def number(self, key: str, default: float, example: str) -> float:
        value = self.entries.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e6:
            self.wrong(key, value, example)
        return float(value)

    def flag(self, key: str) -> bool:
        value = self.entries.get(key, False)
        if not isinstance(value, bool):
            self.wrong(key, value, "true")
        return value

    def period(self, key: str, example: str) -> Period | None:
        value = self.entries.get(key)
        if value is None:
            return None
        period = read_period(value) if isinstance(value, str) else None
        return period if period is not None else self.wrong(key, value, f'"{example}"')

    def share(self, key: str) -> Fraction | None:
        value = self.entries.get(key)
        if value is None:
            return None
        match = _SHARE.fullmatch(value.strip()) if isinstance(value, str) else None
        share = Fraction(match[1].replace(",", ".")) / 100 if match else None
        return share if share is not None and share <= 1 else self.wrong(key, value, '"95 %" (0 to 100 %)')

    def words(self, key: str, example: str) -> tuple[str, ...]:
        value = self.entries.get(key, [])
        if not isinstance(value, list) or not all(isinstance(word, str) and word.strip() for word in value):
            self.wrong(key, value, example)
        refuse_twice(value, self.where, key)
        return tuple(value)

    def table(self, key: str, example: str) -> Table:
        value = self.entries.get(key, {})
        if not isinstance(value, dict):
            self.wrong(key, value, example)
        return Table(value, f"{self.where}, {key}")

    def tables(self, key: str) -> Iterator[Table]:
        value = self.entries.get(key, [])
        if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
            self.wrong(key, value, f"[[{key}]]")
        for number, row in enumerate(value, 1):
            yield Table(row, f"{self.where}, {key} {number}")


def label_of(value: object, key: str, table: Table) -> Label:
    if isinstance(value, str) and value.strip():
        return Label(value, value)
    example = '{ vi = "...", en = "..." }'
    if not isinstance(value, dict):
        table.wrong(key, value, example)
    inner = Table(value, f"{table.where}, {key}")
    inner.allow(("vi", "en"))
    return Label(inner.text("vi", '"Mũi 1"'), inner.text("en", '"Dose 1"') if "en" in value else "")


def refuse_twice(codes: Collection[str], where: str, key: str) -> None:
    seen: set[str] = set()
    for code in codes:
        if code in seen:
            raise InvalidCampaign(
                mark("{where}: {code} stands twice in {key}. Keep one of them."), where=where, code=code, key=key
            )
        seen.add(code)


def _shown(value: object) -> str:
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= 80 else text[:79] + "…"
