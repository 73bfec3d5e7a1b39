"""Which entries are worth comparing, and who of one register is who of the other: one to one, or nobody."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from mapper.linkage.comparing import Comparison, compare, compare_above
from mapper.linkage.rarity import LinkPerson, Rarity, digits, words

MATCH_AT = 3.3
"""Log odds (base 2) from which on two entries are taken for one person: ten to one."""

POSSIBLE_AT = 0.0
"""Log odds from which on somebody has to look."""

CONTRADICTED_AT = 6.0
"""The same where a word of the name contradicts: a twin, a sibling, or somebody mistaken for another."""

MARGIN = 2.5
"""Bits that the next best partner must be behind; else somebody has to look."""

BLOCK = 250
"""People of one register who may share what they are looked up by; of more it says too little."""

_SMALLEST = 64
"""Registers of fewer people are weighed as if they had so many."""

_EXACT = 60
"""A knot of so many entries is untied exactly; a larger one from the surest pair down."""


class Class(StrEnum):
    """What is held of a pair."""

    MATCH = "match"
    POSSIBLE = "possible"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Link:
    """A pair: places in the two lists, class, log odds (base 2) that it is one person, evidence.

    decided: by somebody, whatever the weight.
    """

    one: int
    other: int
    judged: Class
    odds: float
    comparison: Comparison
    decided: bool = False


def candidates(
    people: Sequence[LinkPerson], others: Sequence[LinkPerson] | None = None, block: int = BLOCK
) -> Iterator[tuple[int, int]]:
    """Pairs of places worth comparing, each once; within one list (the first before the second) without ``others``.

    block: people who may share a key; a name and commune that more share is looked up by the other keys only.
    """
    index: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for place, one in enumerate(people if others is None else others):
        for key in set(_keys(one)):
            index[key].append(place)
    for place, one in enumerate(people):
        near: set[int] = set()
        for key in set(_keys(one)):
            found = index.get(key, ())
            if len(found) <= block:
                near.update(found)
        for other in sorted(near):
            if others is not None or place < other:
                yield place, other


def _keys(one: LinkPerson) -> Iterator[tuple[str, ...]]:
    bare = words(one.name).bare
    name = "".join(sorted("".join(bare)))
    born = one.born_on
    if name:
        yield "name", name, one.commune
        if born is not None:
            yield "name and year", name, str(born.year)
    if born is not None and bare:
        year = str(born.year)
        for word in {bare[0], bare[-1]}:
            yield "word, year, commune", word, year, one.commune
            yield "word, day", word, *sorted((str(born.month), str(born.day)))
        if one.precision == "day":
            yield "day and commune", year, *sorted((str(born.month), str(born.day))), one.commune
    if phone := digits(one.phone):
        yield "phone", phone
    if known := digits(one.national_id):
        yield "national id", known


def log_odds(comparison: Comparison, size: int) -> float:
    """Log odds (base 2) that a pair is one person, where each has one partner at most among so many."""
    return log_odds_of(comparison.weight, size)


def log_odds_of(weight: float, size: int) -> float:
    """The same of the bits that speak for the pair."""
    return weight - math.log2(max(size, _SMALLEST))


def judge(comparison: Comparison, odds: float) -> Class:
    """The class of a pair by itself, without regard to others.

    Twins agree in all but the given name, so a name that contradicts is never a match, whatever else agrees.
    """
    contradicted = comparison.level("name") in ("different", "untold")
    if odds < (CONTRADICTED_AT if contradicted else POSSIBLE_AT):
        return Class.NONE
    return Class.POSSIBLE if contradicted or odds < MATCH_AT else Class.MATCH


def link(
    theirs: Sequence[LinkPerson],
    ours: Sequence[LinkPerson],
    same: Collection[tuple[int, int]] = (),
    different: Collection[tuple[int, int]] = (),
    progress: Callable[[float], None] | None = None,
) -> list[Link]:
    """Who is who: each entry in one pair at most, those that nothing speaks for in none; in the order of ``theirs``.

    same, different: pairs that somebody has decided, which stand whatever their weight. progress: told the share done.
    """
    rarity = Rarity([*theirs, *ours])
    settled = {one for one, _ in same}, {other for _, other in same}
    parted = set(different)
    size = max(len(theirs), len(ours))
    least = POSSIBLE_AT + math.log2(max(size, _SMALLEST))
    found: list[Link] = []
    for one, other in candidates(theirs, ours):
        if progress is not None and not one % 500:
            progress(0.95 * one / len(theirs))
        if one in settled[0] or other in settled[1] or (one, other) in parted:
            continue
        comparison = compare_above(theirs[one], ours[other], rarity, least)
        if comparison is None:
            continue
        odds = log_odds(comparison, size)
        judged = judge(comparison, odds)
        if judged is not Class.NONE:
            found.append(Link(one, other, judged, odds, comparison))
    chosen = _one_to_one(found)
    for one, other in same:
        comparison = compare(theirs[one], ours[other], rarity)
        chosen.append(Link(one, other, Class.MATCH, log_odds(comparison, size), comparison, decided=True))
    return sorted(chosen, key=lambda each: each.one)


def _one_to_one(found: Sequence[Link]) -> list[Link]:
    of_one: dict[int, list[Link]] = defaultdict(list)
    of_other: dict[int, list[Link]] = defaultdict(list)
    for each in found:
        of_one[each.one].append(each)
        of_other[each.other].append(each)
    chosen: list[Link] = []
    for knot in _knots(of_one, of_other):
        chosen += _untied(knot)
    taken = {each.one: each.other for each in chosen}, {each.other: each.one for each in chosen}
    return [_looked_at(each, of_one[each.one], of_other[each.other], taken) for each in chosen]


def _knots(of_one: dict[int, list[Link]], of_other: dict[int, list[Link]]) -> Iterator[list[Link]]:
    """Pairs that hang together by their entries."""
    seen: set[int] = set()
    for start in of_one:
        if start in seen:
            continue
        seen.add(start)
        pending, knot, others = [start], [], set()
        while pending:
            one = pending.pop()
            for each in of_one[one]:
                knot.append(each)
                if each.other not in others:
                    others.add(each.other)
                    for next_to in of_other[each.other]:
                        if next_to.one not in seen:
                            seen.add(next_to.one)
                            pending.append(next_to.one)
        yield knot


def _untied(knot: list[Link]) -> list[Link]:
    ones = {one: place for place, one in enumerate(dict.fromkeys(each.one for each in knot))}
    others = {other: place for place, other in enumerate(dict.fromkeys(each.other for each in knot))}
    if len(knot) == 1:
        return knot
    if max(len(ones), len(others)) <= _EXACT:
        worth = [[0.0] * len(others) for _ in ones]
        at = {}
        for each in knot:
            worth[ones[each.one]][others[each.other]] = each.odds - POSSIBLE_AT + 1e-6
            at[ones[each.one], others[each.other]] = each
        from scipy.optimize import linear_sum_assignment  # heavy: nothing for the start of a server

        rows, columns = linear_sum_assignment(worth, maximize=True)
        pairs = zip(rows.tolist(), columns.tolist(), strict=True)
        return [at[pair] for pair in pairs if pair in at]
    chosen: list[Link] = []
    used: tuple[set[int], set[int]] = set(), set()
    for each in sorted(knot, key=lambda each: (-each.odds, each.one, each.other)):
        if each.one not in used[0] and each.other not in used[1]:
            used[0].add(each.one)
            used[1].add(each.other)
            chosen.append(each)
    return chosen


def _looked_at(
    each: Link, of_one: Sequence[Link], of_other: Sequence[Link], taken: tuple[dict[int, int], dict[int, int]]
) -> Link:
    """A match whose next best partner, not better placed elsewhere, is nearly as good: somebody has to look."""
    if each.judged is not Class.MATCH:
        return each
    for rival in (*of_one, *of_other):
        if rival is each or rival.odds < each.odds - MARGIN:
            continue
        # A rival entry that has a partner of its own (a twin, a namesake) is explained by that one.
        if rival.one == each.one and rival.other in taken[1]:
            continue
        if rival.other == each.other and rival.one in taken[0]:
            continue
        return Link(each.one, each.other, Class.POSSIBLE, each.odds, each.comparison)
    return each
