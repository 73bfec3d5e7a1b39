"""Epidemic levels 1 to 4 of communes: a level holds from a day until a later entry says another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from mapper.errors import mark

LEVELS: Mapping[int, str] = {
    1: mark("Level 1: green area"),
    2: mark("Level 2: yellow area"),
    3: mark("Level 3: orange area"),
    4: mark("Level 4: red area"),
}
"""Number of a level to the words for it, the safest first."""


@dataclass(frozen=True, slots=True)
class LevelEntry:
    """What was entered for a unit. source: the decision that says so; seq: rises with every entry."""

    unit_code: str
    from_day: date
    level: int
    source: str
    seq: int = 0


def levels_on(entries: Iterable[LevelEntry], day: date) -> dict[str, LevelEntry]:
    """The entry in force for each unit on a day: of the latest day, of several of one day the one entered last."""
    found: dict[str, LevelEntry] = {}
    for entry in sorted(entries, key=lambda one: (one.from_day, one.seq)):
        if entry.from_day <= day:
            found[entry.unit_code] = entry
    return found
