"""Who stands twice in one list, such as a census: pairs of entries that are perhaps one person."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from mapper.linkage.comparing import YEARS, Agreement, besides_name, compare
from mapper.linkage.injections import Injections
from mapper.linkage.namesakes import Namesakes
from mapper.linkage.pairing import candidates, log_odds_of
from mapper.linkage.rarity import LinkPerson, Rarity, words

SURE_AT = 6.0
"""Log odds (base 2) from which on two entries are shown as perhaps one person.

They are those of linking two registers, where nearly everybody has a partner; within one, one in a hundred has.
"""

HOUSE = 6.0
"""Bits for a pair whose two houses share somebody else as well: such a house was entered twice."""

MANY_PAIRS = 2_000_000
"""So many pairs of a list are compared at most."""

_BOTH_BY_YEAR = 0.9
_ONE_BY_YEAR = 0.25
"""Shares of people entered twice who are known by their year in the second entry, where they were and were not in the
first."""

_SPAN = 5
"""Years of birth that are taken together when counting who is known by the year alone."""

_BEST_NAME = 24.0
"""More bits than a name is ever worth."""

_OTHER_DAY = -2.5
"""Bits against for days that were both told and differ, more than between registers: one census asked for both."""

_HABIT = 0.01
"""Where more entries than these have the first of January for a day of birth, it stands for a day nobody knew."""


@dataclass(frozen=True, slots=True)
class Twice:
    """Places of two entries, the first before the second, and the log odds (base 2) that they are one person."""

    one: int
    other: int
    odds: float


def twice(entries: Sequence[LinkPerson], houses: Sequence[str]) -> Iterator[Twice]:
    """Pairs of entries that are perhaps one person. houses: the household of each entry, in the same order.

    Brothers and sisters are of one house and of names alike, so there the day of birth has to agree as well, and a
    given name that differs by a tone or a letter is a twin's unless another visit told of it.
    """
    weighing = _Weighing(entries, houses)
    found = [
        pair
        for one, other in islice(candidates(entries), MANY_PAIRS)
        if (pair := weighing.pair(one, other)) is not None
    ]
    yield from (each for each in _rivalled(_house_by_house(found, houses)) if each.odds >= SURE_AT)


class _Weighing:
    """Entries of a list and what weighing two of them takes from all."""

    def __init__(self, entries: Sequence[LinkPerson], houses: Sequence[str]) -> None:
        self._entries, self._houses = entries, houses
        self._rarity = Rarity(entries)
        self._names = Namesakes([words(one.name) for one in entries])
        self._injections = Injections(entries)
        firsts = sum(_first_of_january(one) for one in entries)
        self._firsts_by_year = firsts > _HABIT * len(entries)
        born = [(one.born_on.year // _SPAN, self._by_year(one)) for one in entries if one.born_on is not None]
        self._born = Counter(span for span, _ in born)
        self._known_by_year = Counter(span for span, by_year in born if by_year)

    def pair(self, one: int, other: int) -> Twice | None:
        """Two entries weighed, None where they are not worth a further look."""
        mine, theirs = self._entries[one], self._entries[other]
        same_house = self._houses[one] == self._houses[other]
        if same_house and mine.key == theirs.key:
            return None
        besides = [self._born_within(mine, theirs, each) for each in besides_name(mine, theirs, self._rarity)]
        if (doses := self._injections.weigh(mine, theirs)) is not None:
            besides.append(doses)
        weight = sum(each.weight for each in besides)
        least = SURE_AT - HOUSE
        if log_odds_of(weight + _BEST_NAME, len(self._entries)) < least:
            return None
        name = self._names.weigh(words(mine.name), words(theirs.name))
        name = name or compare(mine, theirs, self._rarity).evidence[0]
        if name.level in ("different", "untold"):
            return None
        born = next((each.level for each in besides if each.field == "born"), "")
        if same_house and not (born in ("same", "swapped", "month") and _no_sibling(mine, theirs, name.level)):
            return None
        odds = log_odds_of(weight + name.weight, len(self._entries))
        return Twice(one, other, odds) if odds >= least else None

    def _born_within(self, one: LinkPerson, other: LinkPerson, said: Agreement) -> Agreement:
        """What birth dates say within one list, where it can be counted how many are known by their year alone.

        Of the old many are, of children hardly anybody: an entry of a child by the year was made by somebody else than
        who told the day.
        """
        if said.field != "born" or one.born_on is None or other.born_on is None:
            return said
        by_year = self._by_year(one) + self._by_year(other)
        if by_year and one.born_on.year == other.born_on.year:
            span = one.born_on.year // _SPAN
            usual = (self._known_by_year[span] + 1) / (self._born[span] + 20)
            share = _BOTH_BY_YEAR if by_year == 2 else _ONE_BY_YEAR
            return Agreement("born", "year", YEARS + math.log2(share / usual))
        if said.level in ("part", "year_only", "different"):
            return replace(said, weight=said.weight + _OTHER_DAY)
        return said

    def _by_year(self, one: LinkPerson) -> bool:
        """Whether no more than the year is known."""
        return one.precision == "year" or (self._firsts_by_year and _first_of_january(one))


def _first_of_january(one: LinkPerson) -> bool:
    return one.precision == "day" and one.born_on is not None and (one.born_on.month, one.born_on.day) == (1, 1)


def _no_sibling(one: LinkPerson, other: LinkPerson, name: str) -> bool:
    """Whether two of a house who were born on one day are rather one person than twins.

    Twins are called Hoà and Hoa, or Minh Anh and Anh Minh, and a visit that tells of both tells them apart. Only a
    visit that did not know what another had told enters somebody again.
    """
    if one.told and other.told and one.told != other.told:
        return name != "part"
    mine, theirs = words(one.name), words(other.name)
    if name == "without_accents":
        # More words than the given name have to have lost theirs.
        return mine.toned[:-1] != theirs.toned[:-1] or mine.toned[-1] == theirs.toned[-1]
    return name in ("same", "joined") or (name == "other_order" and mine.bare[0] != theirs.bare[0])


def _house_by_house(found: Sequence[Twice], houses: Sequence[str]) -> list[Twice]:
    """The pairs with what those between the same two houses say: each of the one is one of the other at most."""
    between: dict[tuple[str, str], list[Twice]] = defaultdict(list)
    for each in found:
        one, other = sorted((houses[each.one], houses[each.other]))
        between[one, other].append(each)
    kept: list[Twice] = []
    for (one, other), pairs in between.items():
        if one == other:
            kept += pairs
            continue
        chosen: list[Twice] = []
        for each in sorted(pairs, key=lambda pair: (-pair.odds, pair.one, pair.other)):
            if not any({each.one, each.other} & {of.one, of.other} for of in chosen):
                chosen.append(each)
        sure = sum(each.odds >= SURE_AT for each in chosen)
        kept += (replace(each, odds=each.odds + HOUSE * (sure - (each.odds >= SURE_AT) > 0)) for each in chosen)
    return sorted(kept, key=lambda each: (each.one, each.other))


def _rivalled(found: Sequence[Twice]) -> Iterator[Twice]:
    """The pairs, less where somebody else may be the partner; who was entered three times is no rival."""
    partners: dict[int, dict[int, float]] = defaultdict(dict)
    for each in found:
        partners[each.one][each.other] = partners[each.other][each.one] = each.odds
    for each in found:
        rivals = 0.0
        for mine, theirs in ((each.one, each.other), (each.other, each.one)):
            for rival, odds in partners[mine].items():
                if rival != theirs and partners[rival].get(theirs, -math.inf) < SURE_AT / 2:
                    rivals += 2.0 ** (odds - SURE_AT + 1)
        yield replace(each, odds=each.odds - math.log2(1 + rivals))
