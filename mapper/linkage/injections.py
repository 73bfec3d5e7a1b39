"""What dates of doses say of two entries of one list: to have had all on the same days says much, unless many have."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable

from mapper.linkage.comparing import Agreement
from mapper.linkage.rarity import LinkPerson

_ALL_SAME = 0.6
"""Share of people entered twice of whom both entries tell the same doses of the same days."""

_OTHER_DAY = 2.0
"""Bits against for a dose of which the two tell different days; some are told from memory."""

_MOST = 6.0
"""More bits than these no doses are worth, for or against."""


class Injections:
    """How many people of a list had the same doses on the same days."""

    def __init__(self, people: Iterable[LinkPerson]) -> None:
        told = [one for one in people if one.doses]
        # Neighbours go to one session after another together, so those of one hamlet are counted there.
        self._alike = Counter((hamlet, one.doses) for one in told for hamlet in ("", one.hamlet))
        self._told = Counter(hamlet for one in told for hamlet in ("", one.hamlet))

    def weigh(self, one: LinkPerson, other: LinkPerson) -> Agreement | None:
        """How the doses of two people agree: same, part or different; None where no dose is told of both."""
        if one.doses == other.doses:
            if not one.doses:
                return None
            hamlet = one.hamlet if one.hamlet == other.hamlet else ""
            others = max(self._alike[hamlet, one.doses] - 2, 0)
            usual = (others + 1) / (max(self._told[hamlet] - 2, 0) + 10)
            return Agreement("doses", "same", max(0.0, min(math.log2(_ALL_SAME / usual), _MOST)))
        mine, theirs = dict(one.doses), dict(other.doses)
        both = mine.keys() & theirs.keys()
        if not both:
            return None
        apart = sum(mine[code] != theirs[code] for code in both)
        # What both tell is the same where one was asked earlier, before the next dose.
        return Agreement("doses", "different" if apart == len(both) else "part", max(-_OTHER_DAY * apart, -_MOST))
