"""Epidemic levels of communes for one plan, as its form has them: a line each, like ``Xã Một; 3; 26/11/2022``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date

from mapper.domain.epidemic import LEVELS
from mapper.errors import InvalidInput, mark
from mapper.services.place_matching import found_by_name

Levels = tuple[tuple[str, date, int], ...]
"""Unit, day from which it holds, level; as of ``domain.plan.Scenario``."""

_BETWEEN = re.compile(r"\s*[;,\t]\s*")
_DAY = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})")
_YEARS = range(2000, 2101)


def read_levels(text: str, units: Mapping[str, str], first: date | None) -> Levels:
    """The levels of such lines. units: names by code. first: day that a line without one means; None for none.

    Raises InvalidInput naming the line.
    """
    found: dict[tuple[str, date], int] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        parts = _BETWEEN.split(line)
        if not 2 <= len(parts) <= 3 or parts[1] not in map(str, LEVELS):
            words = mark("{line}: write commune, level 1 to 4 and the day it holds from, like Xã Một; 3; 26/11/2022.")
            raise InvalidInput(words, line=line[:60])
        day = first if len(parts) == 2 else _day(parts[2])
        if day is None:
            raise InvalidInput(mark("{line}: write the day from which it holds like 26/11/2022."), line=line[:60])
        found[found_by_name(units, parts[0]), day] = int(parts[1])
    return tuple((unit, day, level) for (unit, day), level in sorted(found.items()))


def written_levels(levels: Levels, units: Mapping[str, str]) -> str:
    """Levels as such lines: units by name, by code where several are called the same."""
    names = list(units.values())
    told = {code: name for code, name in units.items() if names.count(name) == 1 and not _BETWEEN.search(name)}
    return "\n".join(f"{told.get(unit, unit)}; {level}; {day:%d/%m/%Y}" for unit, day, level in levels)


def _day(written: str) -> date | None:
    told = _DAY.fullmatch(written)
    if told is None or int(told[3]) not in _YEARS:
        return None
    try:
        return date(int(told[3]), int(told[2]), int(told[1]))
    except ValueError:
        return None
