"""What two names of one list say of their being one person's, where that list alone tells how rare a name is.

The two entries themselves are left out when a name is counted: a wrong word is rare because nobody else has it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from mapper.domain.places import fold
from mapper.linkage.comparing import Agreement
from mapper.linkage.rarity import RARE, USUAL, Words
from mapper.linkage.strokes import between

STROKE = 9.5
"""Bits against for a wrong stroke: one name in ten has one, and there are some seventy of them for each name."""

ORDER = 1.5
"""Bits against for words in another order or written as one."""

UNMARKED = 0.3
"""Share of people entered twice of whom one entry was written without any accent."""

_KNOWN = 20
"""So many names stand for what is known of words before any list is read."""

_MOST = 18.0

_Name = tuple[str, ...]


class Namesakes:
    """Shares of names in a list, and what agreeing on them is worth."""

    def __init__(self, names: Sequence[Words]) -> None:
        self._toned = _Shares([one.toned for one in names if one.toned])
        self._bare = _Shares([one.bare for one in names if one.bare])
        unmarked = (sum(one.unmarked for one in names) + 2) / (len(names) + 40)
        # Where many write without accents it says nothing that one of the two did.
        self._without_accents = math.log2(max(UNMARKED / unmarked, 1.0))

    def weigh(self, one: Words, other: Words) -> Agreement | None:
        """How two names agree: same, without_accents, other_order, joined, mistyped, different or untold.

        None for names of different length, which have to be compared word by word.
        """
        if not one.bare or not other.bare:
            return Agreement("name", "untold", 0.0)
        dropped = one.unmarked != other.unmarked
        if one.toned == other.toned:
            shares, name = (self._bare, one.bare) if one.unmarked else (self._toned, one.toned)
            return Agreement("name", "same", shares.bits(name, 2))
        if one.bare == other.bare and dropped:
            return Agreement("name", "without_accents", self._bare.bits(one.bare, 2) + self._without_accents)
        if strokes := between(one.toned, other.toned):
            return self._mistyped(self._toned, one.toned, other.toned, strokes)
        tones = dropped or sorted(one.toned) == sorted(other.toned)
        if sorted(one.bare) == sorted(other.bare) and tones:
            return Agreement("name", "other_order", self._rarer(self._bare, one.bare, other.bare, 2) - ORDER)
        if len(one.bare) != len(other.bare):
            if "".join(one.bare) == "".join(other.bare):
                return Agreement("name", "joined", self._rarer(self._bare, one.bare, other.bare, 1) - ORDER)
            return None
        if dropped and (strokes := between(one.bare, other.bare)):
            found = self._mistyped(self._bare, one.bare, other.bare, strokes)
            return Agreement("name", found.level, found.weight + self._without_accents)
        return Agreement("name", "different", -math.inf)

    def _mistyped(self, shares: _Shares, one: _Name, other: _Name, strokes: int) -> Agreement:
        # The wrong one of the two is the rarer: mistaken for a usual word, it is more likely somebody else's.
        return Agreement("name", "mistyped", self._rarer(shares, one, other, 1) - STROKE * strokes)

    @staticmethod
    def _rarer(shares: _Shares, one: _Name, other: _Name, own: int) -> float:
        return max(shares.bits(one, own), shares.bits(other, own))


class _Shares:
    """How often the names of a list stand in it: half as counted whole, half as their words would meet by chance."""

    def __init__(self, names: Sequence[_Name]) -> None:
        self._people = len(names)
        self._names = Counter(tuple(sorted(name)) for name in names)
        self._words: tuple[Counter[str], ...] = (Counter(), Counter(), Counter())
        for name in names:
            for place, word in _placed(name):
                self._words[place][word] += 1
        self._totals = tuple(each.total() for each in self._words)
        # A word of three is a third of all words.
        every = {word for each in self._words for word in each}
        self._before = {word: min(3 * USUAL.get(fold(word), RARE), 0.4) for word in every}

    def bits(self, name: _Name, own: int) -> float:
        """Bits that bearing a name of the list is worth; ``own`` of those who bear it are the two that are compared."""
        by_words = math.prod(self._word(place, word, own) for place, word in _placed(name))
        counted = max(self._names[tuple(sorted(name))] - own, 0)
        people = max(self._people, 1)
        return min(-math.log2((counted + people * by_words) / (max(self._people - own, 0) + people)), _MOST)

    def _word(self, place: int, word: str, own: int) -> float:
        counted = max(self._words[place][word] - own, 0)
        return (counted + _KNOWN * self._before[word]) / (max(self._totals[place] - own, 0) + _KNOWN)


def _placed(name: _Name) -> list[tuple[int, str]]:
    """The words of a name with what they are: 0 the family's, 1 a middle one, 2 the given one."""
    last = len(name) - 1
    return [(0 if at == 0 else 2 if at == last else 1, word) for at, word in enumerate(name)]
