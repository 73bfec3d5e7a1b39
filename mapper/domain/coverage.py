"""Coverage of a place: share, interval, bounds, and the verdict against a target."""

from __future__ import annotations

import math
from enum import StrEnum
from fractions import Fraction
from typing import NamedTuple

from mapper.errors import InvalidInput, mark

Z_95 = 1.959963984540054
"""Two-sided 95 % quantile of the standard normal distribution."""


class NoDenominator(InvalidInput):
    """Nobody is eligible: no data is not zero coverage."""


class Verdict(StrEnum):
    """A target against what is known; undecided where interval or bounds straddle it."""

    MET = "met"
    NOT_MET = "not_met"
    UNDECIDED = "undecided"


class Coverage(NamedTuple):
    """A share in 0..1 and its 95 % interval."""

    share: float
    low: float
    high: float


def coverage(vaccinated: int, eligible: int) -> Coverage:
    """Share of a place's eligible people who hold the dose, with its 95 % Wilson interval.

    vaccinated, eligible: people of the same group on the same date, 0 <= vaccinated <= eligible.
    Raises NoDenominator when eligible is 0, ValueError outside that range.
    Source: E. B. Wilson, JASA 22 (1927) 209-212.
    """
    if eligible == 0:
        raise NoDenominator(mark("Nobody is eligible here, so there is no coverage to state."))
    if not 0 <= vaccinated <= eligible:
        raise ValueError(f"{vaccinated} vaccinated of {eligible} eligible")
    share = vaccinated / eligible
    spread = Z_95**2 / eligible
    centre = (share + spread / 2) / (1 + spread)
    half = Z_95 / (1 + spread) * math.sqrt(share * (1 - share) / eligible + spread / (4 * eligible))
    low = 0.0 if vaccinated == 0 else max(0.0, centre - half)
    high = 1.0 if vaccinated == eligible else min(1.0, centre + half)
    return Coverage(share, low, high)


class Houses(NamedTuple):
    """Households of a place: expected by the hamlets' list (None where no list says), and what visits found.

    vacant: found empty for good, so nobody is missing there. unvisited: listed, and not visited yet; reckoned hamlet
    by hamlet, since one where more houses stand than the list says does not make up for another.
    unlisted: hamlets visited whose size no list says, so that nobody can know whether all was visited.
    """

    expected: int | None
    visited: int
    interviewed: int
    vacant: int
    unvisited: int = 0
    unlisted: int = 0

    @property
    def missing(self) -> int:
        """Households whose people nobody has asked about yet, as far as lists and visits tell."""
        return self.unvisited + self.visited - self.interviewed - self.vacant


class Assessment(NamedTuple):
    """What may be said of a place for one group and dose; None where a figure does not exist.

    low, high: the 95 % interval, as if the people known were drawn at random from all of the place: it holds only where
    the houses not asked are like the others. None where everybody is known: a census that is complete is no sample.
    worst, best: coverage if everybody unknown or not yet interviewed were unvaccinated, or vaccinated; always true.
    needed: people still to vaccinate among those known, to reach the target.
    Of a sample, which names neither who is missing nor who is needed, worst, best and needed are None, and low and high
    are the interval of its design, None where it says nothing of the place by itself.
    """

    coverage: float | None
    low: float | None
    high: float | None
    worst: float | None
    best: float | None
    needed: int | None
    verdict: Verdict | None

    @property
    def sampled(self) -> bool:
        """Whether the share is that of a sample."""
        return self.coverage is not None and self.worst is None

    @property
    def complete(self) -> bool:
        """Whether everybody is known, so that no chance is in the share."""
        return self.coverage is not None and self.low is None and not self.sampled


def missing_people(eligible: int, unknown: int, houses: Houses) -> int | None:
    """How many eligible people the houses not interviewed are taken to hold, at the mean of those interviewed.

    Rounded up; None when houses are missing and no interviewed house gives a mean.
    """
    unasked = houses.missing
    if unasked <= 0:
        return 0
    if houses.interviewed == 0:
        return None
    return -(-(eligible + unknown) * unasked // houses.interviewed)


def assess(vaccinated: int, eligible: int, unknown: int, houses: Houses, target: Fraction | None) -> Assessment:
    """Coverage, its worst and best case, its interval, and the verdict against the target.

    With everybody interviewed and known, in hamlets of known size, the share itself decides, and has no interval: no
    chance is in it. Otherwise the target is
    met only if both the interval and the worst case reach it, not met only if both the interval and the best case
    stay below.
    """
    missing = missing_people(eligible, unknown, houses)
    # Whole numbers, taken once: a country has ten thousands of places, and a Fraction's own arithmetic is slow.
    goal = None if target is None else target.as_integer_ratio()
    worst = best = None
    if missing is None:
        worst, best = 0.0, 1.0
    else:
        in_doubt = unknown + missing
        everybody = eligible + in_doubt
        if everybody > 0:
            worst, best = vaccinated / everybody, (vaccinated + in_doubt) / everybody
    if not eligible:
        undecided = goal is not None and (missing is None or in_doubt > 0)
        return Assessment(None, None, None, worst, best, None, Verdict.UNDECIDED if undecided else None)
    if missing is not None and in_doubt == 0 and not houses.unlisted:
        return _of_all(vaccinated, eligible, goal)
    share, low, high = coverage(vaccinated, eligible)
    if goal is None:
        return Assessment(share, low, high, worst, best, None, None)
    wanted, of = goal
    verdict = Verdict.UNDECIDED
    if missing is not None:
        reached = vaccinated * of >= wanted * everybody
        if reached and low >= wanted / of:
            verdict = Verdict.MET
        elif (vaccinated + in_doubt) * of < wanted * everybody and high < wanted / of:
            verdict = Verdict.NOT_MET
    return Assessment(share, low, high, worst, best, _needed(vaccinated, eligible, goal), verdict)


def assess_sample(
    vaccinated: int, eligible: int, interval: tuple[float, float] | None, target: Fraction | None
) -> Assessment:
    """What a sample says of a place: the share of those asked, and the verdict by the interval of the sample's design.

    interval: shares in 0..1; None where the sample says nothing of the place by itself, which leaves the verdict open.
    """
    if not eligible:
        return Assessment(None, None, None, None, None, None, None if target is None else Verdict.UNDECIDED)
    low, high = interval or (None, None)
    verdict = None
    if target is not None:
        verdict = Verdict.UNDECIDED
        if low is not None and low >= target.numerator / target.denominator:
            verdict = Verdict.MET
        elif high is not None and high < target.numerator / target.denominator:
            verdict = Verdict.NOT_MET
    return Assessment(vaccinated / eligible, low, high, None, None, None, verdict)


def _of_all(vaccinated: int, eligible: int, goal: tuple[int, int] | None) -> Assessment:
    """Of a place where everybody is known. goal: the target as numerator and denominator."""
    share = vaccinated / eligible
    if goal is None:
        return Assessment(share, None, None, share, share, None, None)
    needed = _needed(vaccinated, eligible, goal)
    return Assessment(share, None, None, share, share, needed, Verdict.NOT_MET if needed else Verdict.MET)


def _needed(vaccinated: int, eligible: int, goal: tuple[int, int]) -> int:
    wanted, of = goal
    return max(0, -(-wanted * eligible // of) - vaccinated)
