"""Epidemic levels 1 to 4 of communes: a level holds from a day until a later entry says another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
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
    """What was entered for a unit. source: the decision that says so; seq: rises with every entry.

    carried_from: the boundary set for whose units it was entered; "" for the unit's own.
    """

    unit_code: str
    from_day: date
    level: int
    source: str
    seq: int = 0
    carried_from: str = ""


def levels_on(entries: Iterable[LevelEntry], day: date) -> dict[str, LevelEntry]:
    """The entry in force for each unit on a day: of the latest day, of several of one day the one entered last."""
    found: dict[str, LevelEntry] = {}
    for entry in sorted(entries, key=lambda one: (one.from_day, one.seq)):
        if entry.from_day <= day:
            found[entry.unit_code] = entry
    return found


def carried_over(
    own: Iterable[LevelEntry], theirs: Iterable[LevelEntry], forebears: Mapping[str, Collection[str]], set_id: str
) -> list[LevelEntry]:
    """Entries for units before any of their own: on each day the highest level in force among their forebears.

    theirs: of the other set, set_id; forebears: its units by those that they are carried over to.
    """
    first: dict[str, date] = {}
    for entry in own:
        first[entry.unit_code] = min(entry.from_day, first.get(entry.unit_code, entry.from_day))
    of_unit: dict[str, list[LevelEntry]] = defaultdict(list)
    for entry in theirs:
        of_unit[entry.unit_code].append(entry)
    found = []
    for unit, codes in forebears.items():
        entries = [entry for code in codes for entry in of_unit.get(code, ())]
        until, last = first.get(unit, date.max), None
        for day in sorted({entry.from_day for entry in entries}):
            highest = max(levels_on(entries, day).values(), key=lambda one: (one.level, one.from_day, one.seq))
            if day < until and highest != last:
                # It holds from this day on here, though it may have begun before: another's was higher until now.
                found.append(replace(highest, unit_code=unit, from_day=day, seq=0, carried_from=set_id))
                last = highest
    return found
