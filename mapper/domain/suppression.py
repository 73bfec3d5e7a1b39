"""Which figures of a published table are kept back, so that nobody can work out a small number of people from it.

The table: places in a tree (communes in districts, districts in a province), each with several pairs of counts, people
vaccinated and people not. Every place is the sum of those directly below it. A row is shown whole or kept back whole:
with one count of a pair the other would follow. Pairs of one table belong to the same people (doses of a group, groups
that overlap), so a reader knows more of them than their sums, such as that nobody has dose 2 without dose 1. Rows are
therefore kept back for all pairs of a table alike.

Primary: a row with a count below the threshold in any pair, zeros too; and one that was small the last time, until its
counts have reached twice the threshold. Complementary: a row that is kept back to protect another from who knows the
true sum of a place. What the rows beside leave over of it is the sum of those kept back; where that is a single row, or
a sum below the threshold, a further row is kept back. Nothing more can be learnt of one day: each row of such a group
may hold nobody or the whole sum, in all pairs at once, and neither breaks a rule of the kind "no more than"; so every
count stays open over an interval as wide as the threshold at least.

Several days tell more: what a row was before, or is later, and that people once vaccinated stay so, narrow what sums
leave open. So the sums published are those of the rows shown (``sums_shown``): nothing published then depends on a
count that is kept back, and neither days nor doses can be set against each other to work one out.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

Pair = tuple[int, int]
"""(people vaccinated, people not vaccinated), both of the eligible."""

LEAST_THRESHOLD = 5
CALM = 2
"""A row that was small stays so until its counts have reached so many thresholds: it does not come and go."""


@dataclass(frozen=True, slots=True)
class Place:
    """A row of the table. parent: None for the root. pairs: its counts; empty where those below are to be added up."""

    code: str
    parent: str | None
    pairs: tuple[Pair, ...] = ()


def add_up(places: Sequence[Place]) -> dict[str, tuple[Pair, ...]]:
    """The counts of every place by code; of one that has places below, the sum of theirs.

    Raises ValueError where a place has another number of pairs than the rest, or no place of that parent is there.
    """
    below = children(places)
    of_leaves = {place.code: place.pairs for place in places if not below[place.code]}
    wide = {len(pairs) for pairs in of_leaves.values()}
    if len(wide) > 1:
        raise ValueError("places with different numbers of pairs")
    sums: dict[str, tuple[Pair, ...]] = {}

    def total(code: str) -> tuple[Pair, ...]:
        if code not in sums:
            rows = [total(each) for each in below[code]]
            sums[code] = (
                tuple((sum(v for v, _ in column), sum(u for _, u in column)) for column in zip(*rows, strict=True))
                if rows
                else of_leaves[code]
            )
        return sums[code]

    return {place.code: total(place.code) for place in places}


def children(places: Sequence[Place]) -> dict[str, list[str]]:
    """Codes of the places directly below each place."""
    below: dict[str, list[str]] = {place.code: [] for place in places}
    for place in places:
        if place.parent is not None:
            if place.parent not in below:
                raise ValueError(f"no place {place.parent} above {place.code}")
            below[place.parent].append(place.code)
    return below


def sums_shown(
    places: Sequence[Place], counts: Mapping[str, Sequence[Pair]]
) -> tuple[dict[str, tuple[Pair, ...]], dict[str, tuple[int, int]]]:
    """What may be published, by code: the rows at the bottom that are shown, and above them the sums of these alone.

    counts: of the rows at the bottom that are shown. With them by code, of how many rows each is the sum, of how many.
    """
    below = children(places)

    def bottom(code: str) -> list[str]:
        return [leaf for each in below[code] for leaf in bottom(each)] if below[code] else [code]

    sums: dict[str, tuple[Pair, ...]] = {}
    within: dict[str, tuple[int, int]] = {}
    for place in places:
        leaves = bottom(place.code)
        rows = [counts[leaf] for leaf in leaves if leaf in counts]
        within[place.code] = len(rows), len(leaves)
        if rows:
            sums[place.code] = tuple(
                (sum(v for v, _ in column), sum(u for _, u in column)) for column in zip(*rows, strict=True)
            )
    return sums, within


def small_rows(places: Sequence[Place], threshold: int, before: Collection[str] = ()) -> frozenset[str]:
    """Rows with a count below the threshold; of those that were small before, with one below CALM thresholds.

    Raises ValueError for a threshold below LEAST_THRESHOLD, and as ``add_up``.
    """
    if threshold < LEAST_THRESHOLD:
        raise ValueError(f"a threshold below {LEAST_THRESHOLD}")
    return frozenset(
        code
        for code, pairs in add_up(places).items()
        if any(min(pair) < threshold * (CALM if code in before else 1) for pair in pairs)
    )


def kept_back(
    places: Sequence[Place],
    threshold: int,
    before: Collection[str] = (),
    small_before: Collection[str] = (),
    *,
    complementary: bool = True,
) -> frozenset[str]:
    """Codes of the rows not to be shown; the same places give the same answer.

    threshold: smallest count shown, LEAST_THRESHOLD or more. before: rows kept back the last time; they stay so while a
    row beside them is small; small_before: those of them that were ``small_rows``. complementary: False leaves the
    second step out, for a test that shows what it is for.
    """
    small = small_rows(places, threshold, small_before)
    below, sums = children(places), add_up(places)
    above = {place.code: place.parent for place in places}
    hidden = set(small)
    if not complementary:
        return frozenset(hidden)
    for code, parent in above.items():
        if code in before and parent is not None and any(each in small for each in below[parent]):
            hidden.add(code)
    _close(hidden, below, sums)
    while True:
        unsafe = next((code for code in sorted(below) if not _safe(code, hidden, below, sums, threshold)), None)
        if unsafe is None:
            return frozenset(hidden)
        hidden |= _next(unsafe, hidden, below, sums, threshold)
        _close(hidden, below, sums)


def leftover(code: str, hidden: Collection[str], below: Mapping[str, Sequence[str]]) -> list[str]:
    """Rows without any below, kept back, whose sum a reader gets by taking the shown rows from a shown place."""
    found: list[str] = []
    for each in below[code]:
        if each in hidden:
            found += leftover(each, hidden, below) if below[each] else [each]
    return found


def _safe(
    code: str,
    hidden: Collection[str],
    below: Mapping[str, Sequence[str]],
    sums: Mapping[str, tuple[Pair, ...]],
    threshold: int,
) -> bool:
    """Whether a shown place tells too little of the rows kept back below it."""
    direct = [each for each in below[code] if each in hidden]
    if code in hidden or not direct:
        return True
    rows = [sums[each] for each in leftover(code, hidden, below)]
    return len(direct) > 1 and all(
        sum(c) >= threshold for pair in zip(*rows, strict=True) for c in zip(*pair, strict=True)
    )


def _next(
    code: str,
    hidden: Collection[str],
    below: Mapping[str, Sequence[str]],
    sums: Mapping[str, tuple[Pair, ...]],
    threshold: int,
) -> set[str]:
    """The rows to keep back next below an unsafe place: the one of fewest people that makes it safe, else the largest.

    Where nothing below is left, the place itself.
    """
    shown = [each for each in below[code] if each not in hidden]
    if not shown:
        return {code}

    def people(each: str) -> tuple[int, str]:
        return max((sum(pair) for pair in sums[each]), default=0), each

    for each in sorted(shown, key=people):
        with_it = {*hidden, each}
        _close(with_it, below, sums)
        if _safe(code, with_it, below, sums, threshold):
            return {each}
    return {max(shown, key=people)}


def _close(hidden: set[str], below: Mapping[str, Sequence[str]], sums: Mapping[str, tuple[Pair, ...]]) -> None:
    """A place kept back whose parts are all shown could be added up: keep its smallest part back as well."""
    again = True
    while again:
        again = False
        for code in sorted(hidden):
            if below[code] and not any(each in hidden for each in below[code]):
                hidden.add(min(below[code], key=lambda each: (max(map(sum, sums[each]), default=0), each)))
                again = True
