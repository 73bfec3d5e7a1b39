"""How rare a name, a commune or a hamlet is among the people compared: to agree on a rare one says more."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from mapper.domain.places import fold, name_key

USUAL: Mapping[str, float] = {
    "nguyen": 0.1,
    "thi": 0.12,
    "van": 0.09,
    "tran": 0.035,
    "le": 0.03,
    "pham": 0.022,
    "hoang": 0.02,
    "vu": 0.013,
    "phan": 0.013,
    "lo": 0.012,
    "quang": 0.012,
    "giang": 0.01,
    "duc": 0.012,
    "minh": 0.012,
    "anh": 0.012,
    "hung": 0.008,
    "hoa": 0.01,
    "huong": 0.008,
}
"""Shares of all words of names, roughly, where few people are compared; whatever is not here is RARE."""

RARE = 0.003
"""Share of a word of names that nothing is known of."""

_WORDS_KNOWN = 600
_NAMES_KNOWN = 300


@dataclass(frozen=True, slots=True)
class LinkPerson:
    """A person as one register knows them. key: what the caller calls them; "" and None where nothing is known.

    precision: "day", "month" or "year": how much of the birth date was told. sex: "male", "female" or "". told: the
    visit that first told of them. doses: code and day of each dose of a known day.
    """

    key: str
    name: str
    born_on: date | None = None
    precision: str = "day"
    sex: str = ""
    phone: str = ""
    commune: str = ""
    hamlet: str = ""
    national_id: str = ""
    told: str = ""
    doses: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Words:
    """A name taken apart. toned: syllables with their tones last; bare: without any mark."""

    toned: tuple[str, ...]
    bare: tuple[str, ...]

    @property
    def unmarked(self) -> bool:
        """Whether it was written without any accent."""
        return self.toned == self.bare


@lru_cache(maxsize=1 << 18)
def words(name: str) -> Words:
    """The words of a name, whatever their Unicode form, case, tone placement and punctuation."""
    cleaned = "".join(c if c.isalpha() or not c.isascii() else " " for c in name)
    toned = tuple(name_key(cleaned).split())
    return Words(toned, tuple(fold(one) for one in toned))


@lru_cache(maxsize=1 << 18)
def digits(text: str) -> str:
    """The digits of a phone or identity number, the country's code as the leading zero it stands for."""
    found = "".join(c for c in text if c.isascii() and c.isdigit())
    return f"0{found[2:]}" if found.startswith("84") and len(found) == 11 else found


class Rarity:
    """Shares of names and places among some people."""

    def __init__(self, people: Iterable[LinkPerson] = ()) -> None:
        self._words: Counter[str] = Counter()
        self._names: Counter[tuple[str, ...]] = Counter()
        self._communes: Counter[str] = Counter()
        self._hamlets: Counter[tuple[str, str]] = Counter()
        for one in people:
            bare = words(one.name).bare
            self._words.update(bare)
            self._names[tuple(sorted(bare))] += 1
            self._communes[one.commune] += 1
            self._hamlets[one.commune, one.hamlet] += 1
        self._all_words = self._words.total()
        self._people = self._names.total()
        self._kept: dict[str, float] = {}
        self._kept_names: dict[tuple[str, ...], float] = {}

    def word(self, bare: str) -> float:
        """Bits that agreeing on a word of a name is worth."""
        bits = self._kept.get(bare)
        if bits is None:
            share = (self._words[bare] + _WORDS_KNOWN * USUAL.get(bare, RARE)) / (self._all_words + _WORDS_KNOWN)
            bits = self._kept[bare] = -math.log2(share)
        return bits

    def name(self, bare: tuple[str, ...]) -> float:
        """Bits that agreeing on a whole name is worth, whatever the order of its words."""
        bits = self._kept_names.get(bare)
        if bits is None:
            by_words: float = 2.0 ** -sum(map(self.word, bare)) * math.factorial(min(len(bare), 3))
            # Whoever stands in both registers is counted twice.
            seen = self._names[tuple(sorted(bare))] / 2
            share = (seen + _NAMES_KNOWN * by_words) / (self._people / 2 + _NAMES_KNOWN)
            bits = self._kept_names[bare] = min(-math.log2(share), 18.0)
        return bits

    def commune(self, code: str) -> float:
        """Bits that being of one commune is worth."""
        return _bits(self._communes[code], self._people)

    def hamlet(self, commune: str, hamlet: str) -> float:
        """Bits that being of one hamlet is worth to people of one commune."""
        return _bits(self._hamlets[commune, hamlet], self._communes[commune])


def _bits(some: int, people: int) -> float:
    return min(math.log2((people + 4) / (some + 2)), 8.0)
