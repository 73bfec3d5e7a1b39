"""On which days a place with staff of its own holds sessions: few and full ones, and nobody waits long.

Whoever is due when the plan begins is asked to the first days, as many in a row as it takes by the place's room a day.
Whoever falls due later is asked to what room there is left on those, or to the fewest further days in a row by which
all of them are due, the earliest such. So an opened vial is used for many, and nobody waits longer than the plan.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import date


def session_days(
    ready: Mapping[date, int], days: Sequence[date], room: Mapping[date, int], standing: Iterable[date] = ()
) -> list[date]:
    """The days of a place. ready: people by the day from which they can come; room: people on each of the days.

    standing: days on which it holds a session in any case. As many as can be are served; the rest find no room.
    """
    chosen = sorted(set(standing) & set(days))
    spare = {day: room[day] for day in chosen}
    if not days or _fit(ready, spare):
        return chosen
    backlog = sum(people for on, people in ready.items() if on <= days[0])
    later = {on: people for on, people in ready.items() if on > days[0]}
    for day in [*chosen, *days]:
        if backlog <= 0:
            break
        if room[day] > 0:
            taken = min(backlog, spare.get(day, room[day]))
            spare[day] = spare.get(day, room[day]) - taken
            backlog -= taken
    more = _fewest(later, days, room, spare)
    return sorted({*spare, *more})


def room_of(limit: Mapping[date, int | None], people: int, staff: int) -> dict[date, int]:
    """People to be asked to each day: the limit where there is one, else what staff can do, or as many as must."""
    free = sum(1 for one in limit.values() if one is None)
    bound = sum(one for one in limit.values() if one is not None)
    each = max(staff, math.ceil(max(0, people - bound) / free)) if free else 0
    return {day: each if one is None else one for day, one in limit.items()}


def _fewest(
    later: Mapping[date, int], days: Sequence[date], room: Mapping[date, int], spare: Mapping[date, int]
) -> list[date]:
    """Further days in a row, the fewest that suffice; all on which anybody is due where none do."""
    if _fit(later, spare):
        return []
    for number in range(1, len(days) + 1):
        for first in range(len(days) - number + 1):
            more = [day for day in days[first : first + number] if day not in spare and room[day] > 0]
            if more and _fit(later, {**spare, **{day: room[day] for day in more}}):
                return more
    return [day for day in days if room[day] > 0 and day >= min(later)]


def _fit(ready: Mapping[date, int], room: Mapping[date, int]) -> bool:
    """Whether all find room on the day from which they can come or a later one."""
    waiting = left = 0
    for day in sorted({*ready, *room}, reverse=True):
        left += room.get(day, 0)
        waiting += ready.get(day, 0)
        if waiting > left:
            return False
    return True
