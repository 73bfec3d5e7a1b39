"""Who stands twice in one list, such as a census: pairs of entries that are perhaps one person."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mapper.linkage.comparing import Comparison, compare
from mapper.linkage.pairing import candidates, log_odds
from mapper.linkage.rarity import LinkPerson, Rarity

SURE_AT = 6.0
"""Log odds (base 2) from which on two entries are shown as perhaps one person.

They are those of linking two registers, where nearly everybody has a partner; within one, one in a hundred has.
"""

YEAR_AT = 3.0
"""The same where the words of the name agree and one entry tells no more than the year of birth, which agrees.

Nobody can agree on a day that was not told, and here nothing speaks against the pair; where two days were told and
differ, or a word does, something does.
"""

MANY_PAIRS = 2_000_000
"""So many pairs of a list are compared at most."""

TYPED_AT = 9.0
"""The same where only the year agrees and a word is written otherwise as well: of old people many are so near."""

_SAME_WORDS = frozenset({"same", "without_accents", "other_order", "joined"})


@dataclass(frozen=True, slots=True)
class Twice:
    """Places of two entries, the first before the second, and the log odds (base 2) that they are one person."""

    one: int
    other: int
    odds: float


def twice(entries: Sequence[LinkPerson], houses: Sequence[str]) -> Iterator[Twice]:
    """Pairs of entries that are perhaps one person. houses: the household of each entry, in the same order.

    Brothers and sisters are of one house and of names alike, so there the day of birth has to agree as well.
    """
    rarity = Rarity(entries)
    for number, (left, right) in enumerate(candidates(entries)):
        if number > MANY_PAIRS:
            return
        one, other = entries[left], entries[right]
        same_house = houses[left] == houses[right]
        if same_house and one.key == other.key:
            continue
        comparison = compare(one, other, rarity)
        if same_house and comparison.level("born") not in ("same", "swapped", "month"):
            continue
        odds = log_odds(comparison, len(entries))
        if odds >= _least(comparison):
            yield Twice(left, right, odds)


def _least(comparison: Comparison) -> float:
    """Log odds from which on a pair is shown; twins and siblings, whom a word of the name tells apart, never are."""
    name = comparison.level("name")
    if name in ("different", "untold"):
        return math.inf
    if comparison.level("born") != "year":
        return SURE_AT
    return YEAR_AT if name in _SAME_WORDS else TYPED_AT
