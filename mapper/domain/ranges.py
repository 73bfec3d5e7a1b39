"""Figures of units of which some households may or may not be: those without a point, of a commune that was divided.

Such a household lies in one of the commune's heirs and nobody can tell in which. What is certain is counted; what may
be there stands beside it, as a range. Sums over all heirs stay whole: the likely parts of one number add up to it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from operator import add
from typing import NamedTuple

from mapper.domain.coverage import Assessment, Houses, Verdict, assess
from mapper.domain.household import HOUSE_COUNTS
from mapper.domain.ledger import ELIGIBLE, INSIDE, State
from mapper.domain.succession import Heir, Succession

PART_TOLD = 0.05
"""A unit of whose ground the heirs are told to hold less than all but this has more heirs than were told."""

_GRAIN = 10**6
"""Grounds are weighed in parts of so many."""

_VACCINATED, _UNKNOWN = INSIDE.index(State.VACCINATED), INSIDE.index(State.UNKNOWN)
_ELIGIBLE = tuple(INSIDE.index(state) for state in INSIDE if state in ELIGIBLE)


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of several innermost units of a set, and nobody can tell which.

    source: unit of the home set that households are known to be in. codes: where they may be, in order. grounds: how
    much of the source's ground each holds, None where nobody told of all. elsewhere: they may also be in no unit.
    """

    source: str
    codes: tuple[str, ...]
    grounds: tuple[float, ...] | None
    elsewhere: bool = False

    def weights(self, placed: Sequence[Mapping[str, int]]) -> tuple[tuple[int, ...], int]:
        """How likely each of the codes is, and of how much: all together, or less where the rest is elsewhere.

        placed: households of the same place whose point tells where they are, by code, the nearest place first; the
        first with any counts. Else the ground does, else nothing tells one from another.
        """
        for counts in placed:
            found = tuple(counts.get(code, 0) for code in self.codes)
            if any(found):
                return found, sum(found)
        grounds = tuple(round(ground * _GRAIN) for ground in self.grounds or ())
        if not any(grounds):
            return (1,) * len(self.codes), len(self.codes) + self.elsewhere
        return grounds, max(sum(grounds), _GRAIN if self.elsewhere else 0)


Leaf = str | OneOf | None
"""Where households are in a set: an innermost unit, one of several, or nobody knows at all."""


Areas = Callable[[str], float | None]
"""Of a set the area in km² of the innermost unit of a code; None where there is none."""


def heirs(told: Succession, source: str, areas: Areas) -> Leaf:
    """Where households of a unit of the old set are in the new one. areas: of the new set."""
    found = [one for one in told.of_old.get(source, ()) if areas(one.new) is not None]
    if len(found) == 1 and found[0].whole:
        return found[0].new
    if not found:
        return None
    shares = [_share(one) for one in found]
    grounds = tuple(share for share in shares if share is not None)
    all_told = len(grounds) == len(found)
    elsewhere = len(found) == 1 or (all_told and sum(grounds) < 1 - PART_TOLD)
    return OneOf(source, tuple(one.new for one in found), grounds if all_told else None, elsewhere)


def forebears(told: Succession, source: str, areas: Areas) -> Leaf:
    """Where households of a unit of the new set are in the old one: what made it up. areas: of the old set.

    A unit made of one forebear alone lies within it, which may have had more.
    """
    sizes = [(one, size) for one in told.of_new.get(source, ()) if (size := areas(one.old)) is not None]
    if len(sizes) == 1:
        return sizes[0][0].old
    if not sizes:
        return None
    grounds = tuple(share * size for one, size in sizes if (share := _share(one)) is not None)
    return OneOf(source, tuple(one.old for one, _ in sizes), grounds if len(grounds) == len(sizes) else None)


def _share(one: Heir) -> float | None:
    return 1.0 if one.whole else one.share


def apportioned(number: int, weights: Sequence[int], of: int, owed: list[int] | None = None) -> list[int]:
    """A number of people in whole parts by weights; they make up the number, or its part where weights make up less.

    By largest remainders, the first of equals first. owed: what rounding has kept from each part so far, of numbers
    that are told together; goes first, and is brought up to date.
    """
    owed = [0] * len(weights) if owed is None else owed
    parts, rests = zip(*(divmod(number * weight, of) for weight in weights), strict=True)
    found = list(parts)
    left = (2 * sum(rests) + of) // (2 * of)
    for at, rest in enumerate(rests):
        owed[at] += rest
    for at in sorted((at for at, rest in enumerate(rests) if rest), key=lambda at: (-owed[at], at))[:left]:
        found[at] += 1
        owed[at] -= of
    return found


class Range(NamedTuple):
    """A number that is at least and at most so much, and likely about so much."""

    least: int
    likely: int
    most: int


class ShareRange(NamedTuple):
    """The same of a share, 0..1."""

    least: float
    likely: float
    most: float


class Maybe(NamedTuple):
    """What may come to the figures of a unit, everything: people in the order of INSIDE, houses of HOUSE_COUNTS.

    likely_states, likely_houses: how much of it likely does.
    """

    states: tuple[int, ...]
    houses: tuple[int, ...]
    likely_states: tuple[int, ...]
    likely_houses: tuple[int, ...]

    def plus(self, other: Maybe) -> Maybe:
        """Both together."""
        return Maybe(*(tuple(map(add, mine, theirs)) for mine, theirs in zip(self, other, strict=True)))

    @property
    def eligible(self) -> int:
        """Of all who may come, those eligible."""
        return _eligible(self.states)

    @property
    def vaccinated(self) -> int:
        """Of all who may come, those vaccinated."""
        return self.states[_VACCINATED]

    def coverage(self, vaccinated: int, eligible: int) -> ShareRange | None:
        """The range of coverage, beside these who are certain; None where nobody is eligible even with all.

        Households come one by one, whoever lives in them: at worst those alone who are not vaccinated, at best the
        vaccinated alone.
        """
        with_none = eligible + self.eligible - self.vaccinated
        with_all = eligible + self.vaccinated
        if not eligible + self.eligible:
            return None
        least = vaccinated / with_none if with_none else 1.0
        most = (vaccinated + self.vaccinated) / with_all if with_all else 0.0
        likely = eligible + _eligible(self.likely_states)
        if not likely:
            return ShareRange(least, (least + most) / 2, most)
        share = (vaccinated + self.likely_states[_VACCINATED]) / likely
        return ShareRange(least, min(max(share, least), most), most)


class Unvisited(NamedTuple):
    """Houses of lists that may come to a unit, everything: hamlets nobody visited, of a commune that was divided.

    expected: all of them; unvisited: of these nobody was at. likely_expected, likely_unvisited: as many as likely do.
    """

    expected: int = 0
    unvisited: int = 0
    likely_expected: int = 0
    likely_unvisited: int = 0

    def plus(self, other: Unvisited) -> Unvisited:
        """Both together."""
        return Unvisited(*map(add, self, other))


NOBODY_MAY = Maybe((0,) * len(INSIDE), (0,) * len(HOUSE_COUNTS), (0,) * len(INSIDE), (0,) * len(HOUSE_COUNTS))
"""Nobody may come."""


def _eligible(states: Sequence[int]) -> int:
    return sum(states[at] for at in _ELIGIBLE)


def widened(
    states: Sequence[int], houses: Houses, maybe: Maybe, goal: Fraction | None, unvisited: int = 0
) -> Assessment:
    """What may be said of a place to whose people and houses more may come, and to its unvisited houses so many.

    Its share is the likely one, its interval and bounds reach over all that is possible, and its verdict stands only
    where it does whoever comes. needed: as many as are likely.
    """
    visited, interviewed, vacant, *_ = maybe.houses
    there = houses._replace(
        visited=houses.visited + visited,
        interviewed=houses.interviewed + interviewed,
        vacant=houses.vacant + vacant,
        unvisited=houses.unvisited + unvisited,
    )
    certain, vaccinated, unknown = _eligible(states), states[_VACCINATED], states[_UNKNOWN]
    more, most = maybe.eligible - maybe.vaccinated, unknown + maybe.states[_UNKNOWN]
    alone = assess(vaccinated, certain, unknown, houses, goal)
    worst = assess(vaccinated, certain + more, most, there, goal)
    best = assess(vaccinated + maybe.vaccinated, certain + maybe.vaccinated, most, there, goal)
    every = (alone, worst, best)
    share = maybe.coverage(vaccinated, certain)
    if share is None:
        return worst if unvisited else alone
    likely = assess(
        vaccinated + maybe.likely_states[_VACCINATED], certain + _eligible(maybe.likely_states), unknown, houses, goal
    )
    verdict = alone.verdict if len({one.verdict for one in every}) == 1 else Verdict.UNDECIDED
    return Assessment(
        share.likely,
        min(one.low if one.low is not None else one.coverage for one in every if one.coverage is not None),
        max(one.high if one.high is not None else one.coverage for one in every if one.coverage is not None),
        min((one.worst for one in every if one.worst is not None), default=None),
        max((one.best for one in every if one.best is not None), default=None),
        likely.needed,
        verdict if goal is not None else None,
    )


def needed(states: Sequence[int], maybe: Maybe, goal: Fraction) -> tuple[int, int]:
    """How many people are still to vaccinate at least and at most, to reach a goal."""
    certain, vaccinated = _eligible(states), states[_VACCINATED]
    wanted, of = goal.as_integer_ratio()

    def left(vaccinated: int, eligible: int) -> int:
        return max(0, -(-wanted * eligible // of) - vaccinated)

    return (
        left(vaccinated + maybe.vaccinated, certain + maybe.vaccinated),
        left(vaccinated, certain + maybe.eligible - maybe.vaccinated),
    )
