"""What became of the units of one boundary set in the next: who took over what ground, told by decrees or measured.

Codes say nothing here: a code of the old set may be given to another unit in the new one.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from functools import cached_property
from graphlib import CycleError, TopologicalSorter

from mapper.domain.people import Finding
from mapper.domain.places import same_name
from mapper.errors import InvalidBoundaries, mark

ROUNDING = 0.005
"""By so much the shares of a unit's heirs may miss its whole, as figures of decrees are rounded."""


class Change(StrEnum):
    """What became of a unit. SAME: ground and name. RENAMED: ground alone. MERGED: whole, with others or parts of them,
    into one. DIVIDED: among several. GONE: nobody is told as its heir."""

    SAME = "same"
    RENAMED = "renamed"
    MERGED = "merged"
    DIVIDED = "divided"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Period:
    """The days on which a boundary set holds, both included; None without an end there. label: the set's."""

    label: str
    begins: date | None
    ends: date | None

    def meets(self, other: Period) -> bool:
        """Whether some day is in both."""
        return (self.begins or date.min) <= (other.ends or date.max) and (other.begins or date.min) <= (
            self.ends or date.max
        )


def shown_day(day: date) -> str:
    """A day as readers know it."""
    return f"{day:%d/%m/%Y}"


@dataclass(frozen=True, slots=True)
class Heir:
    """A unit of the new set that took over ground of one of the old. whole: all of it. share: of the old unit's area,
    0..1, None where nobody told. source: the decree, or by what it was measured."""

    old: str
    new: str
    whole: bool
    share: float | None = None
    source: str = ""


@dataclass(frozen=True)
class Succession:
    """From one boundary set to the next. Raises InvalidBoundaries for a pair of units that is told twice."""

    heirs: tuple[Heir, ...]

    def __post_init__(self) -> None:
        seen: set[tuple[str, str]] = set()
        for one in self.heirs:
            if (one.old, one.new) in seen:
                raise InvalidBoundaries(
                    mark("The crosswalk tells twice that {old} went to {new}. Keep one of the two rows."),
                    old=one.old,
                    new=one.new,
                )
            seen.add((one.old, one.new))

    @cached_property
    def of_old(self) -> Mapping[str, tuple[Heir, ...]]:
        """Heirs by the code of the old unit."""
        return _grouped((one.old, one) for one in self.heirs)

    @cached_property
    def of_new(self) -> Mapping[str, tuple[Heir, ...]]:
        """The same by the code of the new one: its forebears."""
        return _grouped((one.new, one) for one in self.heirs)

    def change(self, old: str, names: tuple[Mapping[str, str], Mapping[str, str]]) -> Change:
        """What became of an old unit. names: of the old and of the new units by code."""
        heirs = self.of_old.get(old, ())
        if not heirs:
            return Change.GONE
        if len(heirs) > 1 or not heirs[0].whole:
            return Change.DIVIDED
        new = heirs[0].new
        if len(self.of_new[new]) > 1:
            return Change.MERGED
        return Change.SAME if same_name(names[0].get(old, ""), names[1].get(new, "")) else Change.RENAMED

    def reused(self) -> set[str]:
        """Codes that mean other ground in the new set than in the old: no heir of the old unit has its code."""
        return {
            code
            for code in self.of_old.keys() & self.of_new.keys()
            if all(code != one.new for one in self.of_old[code])
        }

    def then(self, later: Succession) -> Succession:
        """Over a set between, to the set after next: shares multiply, and unknown ones stay so.

        Where a unit comes back to one heir by several ways, those add up.
        """
        found: dict[tuple[str, str], Heir] = {}
        for one in self.heirs:
            for two in later.of_old.get(one.new, ()):
                share = _times(1.0 if one.whole else one.share, 1.0 if two.whole else two.share)
                heir = Heir(one.old, two.new, one.whole and two.whole, share, "; ".join(_both(one.source, two.source)))
                before = found.get((heir.old, heir.new))
                found[heir.old, heir.new] = heir if before is None else _together(before, heir)
        several = _grouped((one.old, one) for one in found.values())
        ways = {old: len(self.of_old[old]) for old in several}
        # All parts of a divided unit may meet again in one heir, which then has it whole.
        return Succession(
            tuple(
                replace(one, whole=True, share=1.0) if not one.whole and _meets(self, later, one, ways) else one
                for heirs in several.values()
                for one in heirs
            )
        )


def _meets(first: Succession, later: Succession, heir: Heir, ways: Mapping[str, int]) -> bool:
    """Whether every way of an old unit ends, whole, in this heir."""
    ends = [later.of_old.get(one.new, ()) for one in first.of_old[heir.old]]
    return len(ends) == ways[heir.old] and all(
        len(end) == 1 and end[0].whole and end[0].new == heir.new for end in ends
    )


def _together(one: Heir, other: Heir) -> Heir:
    share = None if one.share is None or other.share is None else min(1.0, one.share + other.share)
    return replace(one, whole=one.whole or other.whole, share=share)


def _times(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one * other


def _both(one: str, other: str) -> Iterator[str]:
    yield from dict.fromkeys(each for each in (one, other) if each)


def _grouped(pairs: Iterable[tuple[str, Heir]]) -> dict[str, tuple[Heir, ...]]:
    found: dict[str, list[Heir]] = defaultdict(list)
    for key, one in pairs:
        found[key].append(one)
    return {key: tuple(several) for key, several in found.items()}


def check(told: Succession, old: Mapping[str, str], new: Mapping[str, str]) -> list[Finding]:
    """What is wrong with a succession between two sets. old, new: names of their units by code.

    Raises InvalidBoundaries for codes that neither set has: nothing can be reckoned by them.
    """
    for codes, known, words in (
        (
            told.of_old,
            old,
            mark("The old set has no unit of the code {code}. Correct the crosswalk, or take its row out."),
        ),
        (
            told.of_new,
            new,
            mark("The new set has no unit of the code {code}. Correct the crosswalk, or take its row out."),
        ),
    ):
        unknown = sorted(codes.keys() - known.keys())
        if unknown:
            raise InvalidBoundaries(words, code=", ".join(unknown[:5]))
    found = [
        _finding("no_heir", mark("{code} {name} has no heir."), code, old)
        for code in sorted(old.keys() - told.of_old.keys())
    ]
    found += [
        _finding("no_forebear", mark("{code} {name} has no forebear."), code, new)
        for code in sorted(new.keys() - told.of_new.keys())
    ]
    for code, heirs in sorted(told.of_old.items()):
        if len(heirs) > 1 and any(one.whole for one in heirs):
            found.append(
                _finding("whole_and_more", mark("{code} {name} went whole to one unit, and yet to others."), code, old)
            )
        if len(heirs) == 1 and not heirs[0].whole:
            found.append(
                _finding("part_alone", mark("{code} {name} went to one unit, and yet only in part."), code, old)
            )
        shares = [one.share for one in heirs if one.share is not None]
        if len(shares) == len(heirs) and abs(sum(shares) - 1) > ROUNDING:
            found.append(_finding("shares", mark("The shares of {code} {name} do not make up its whole."), code, old))
    return found


def _finding(code: str, words: str, unit: str, names: Mapping[str, str]) -> Finding:
    return Finding(code, words, (("code", unit), ("name", names.get(unit, ""))))


@dataclass(frozen=True, slots=True)
class Doubtful:
    """A pair of units of which several tellings do not say the same. says: by telling, True for the whole old unit,
    False for a part of it, None for nothing. share: of the old unit as its outline has it, None where none was looked
    at."""

    old: str
    new: str
    says: Mapping[str, bool | None]
    share: float | None


def compare(
    told: Mapping[str, Succession],
    measured: tuple[str, Mapping[tuple[str, str], float]] | None = None,
    least: float = 0.005,
) -> list[Doubtful]:
    """Every pair of units of which tellings disagree, by code. told: by their names.

    measured: the outlines' name among the tellings, with the share of every pair, however small. least: share from
    which a measured pair counts as one, and within which a whole may fall short: of two drawings of one border neither
    is exact. Of units that some telling says nothing about at all, the others are compared.
    """
    pairs = {name: {(one.old, one.new): one.whole for one in each.heirs} for name, each in told.items()}
    shares: Mapping[tuple[str, str], float] = {}
    if measured is not None:
        name, shares = measured
        pairs[name] = {pair: share >= 1 - least for pair, share in shares.items() if share >= least}
    speak_of = {name: {old for old, _ in each} for name, each in pairs.items()}
    found = []
    for pair in sorted(set().union(*pairs.values()) if pairs else ()):
        says = {name: each.get(pair) for name, each in pairs.items() if pair[0] in speak_of[name]}
        if len(set(says.values())) > 1:
            found.append(Doubtful(*pair, says, shares.get(pair, 0.0) if measured is not None else None))
    return found


def in_order(steps: Iterable[tuple[str, str]]) -> list[str]:
    """Sets so that each stands before those that follow it. steps: ids of a set and of the one after it.

    Raises InvalidBoundaries for steps that lead in a circle.
    """
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for old, new in sorted(steps):
        sorter.add(new, old)
    try:
        return list(sorter.static_order())
    except CycleError as circle:
        raise InvalidBoundaries(
            mark("Boundary sets follow one another in a circle: {sets}. Take one of these steps out."),
            sets=" → ".join(circle.args[1]),
        ) from None


def shortest_way(steps: Iterable[tuple[str, str]], old: str, new: str) -> list[str]:
    """The sets from one to a later one over the fewest steps, both included; empty where no way leads there."""
    following: dict[str, list[str]] = defaultdict(list)
    for before, after in sorted(steps):
        following[before].append(after)
    ways = deque([[old]])
    seen = {old}
    while ways:
        way = ways.popleft()
        if way[-1] == new:
            return way
        for after in following[way[-1]]:
            if after not in seen:
                seen.add(after)
                ways.append([*way, after])
    return []


def follows(old: Period, new: Period) -> list[Finding]:
    """What is wrong with the days of a set and of the one after it.

    Raises InvalidBoundaries where the later one holds before the earlier.
    """
    if old.begins and new.begins and new.begins < old.begins:
        raise InvalidBoundaries(
            mark("{new} holds from {new_begin} and {old} only from {old_begin}. Exchange the old set and the new one."),
            old=old.label,
            new=new.label,
            new_begin=shown_day(new.begins),
            old_begin=shown_day(old.begins),
        )
    if old.ends is None or new.begins is None:
        return []
    facts = (("old", old.label), ("new", new.label), ("end", shown_day(old.ends)), ("begin", shown_day(new.begins)))
    days = (new.begins - old.ends).days - 1
    if days > 0:
        words = mark("{old} ends on {end} and {new} begins on {begin}: in between no set holds. Correct the periods.")
        return [Finding("period_gap", words, facts)]
    if days < 0:
        words = mark("{old} ends on {end}, when {new} holds since {begin} already. Correct the periods.")
        return [Finding("period_overlap", words, facts)]
    return []
