"""Coverage of a place: share, interval, bounds, and the verdict against a target."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

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


@dataclass(frozen=True, slots=True)
class Coverage:
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


@dataclass(frozen=True, slots=True)
class Houses:
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


@dataclass(frozen=True, slots=True)
class Assessment:
    """What may be said of a place for one group and dose; None where a figure does not exist.

    worst, best: coverage if everybody unknown or not yet interviewed were unvaccinated, or vaccinated.
    needed: people still to vaccinate among those known, to reach the target.
    """

    coverage: float | None
    low: float | None
    high: float | None
    worst: float | None
    best: float | None
    needed: int | None
    verdict: Verdict | None


def missing_people(eligible: int, unknown: int, houses: Houses) -> int | None:
    """How many eligible people the houses not interviewed are taken to hold, at the mean of those interviewed.

    Rounded up; None when houses are missing and no interviewed house gives a mean.
    """
    if houses.missing <= 0:
        return 0
    if houses.interviewed == 0:
        return None
    return -(-(eligible + unknown) * houses.missing // houses.interviewed)


def assess(vaccinated: int, eligible: int, unknown: int, houses: Houses, target: Fraction | None) -> Assessment:
    """Coverage, its interval, its worst and best case, and the verdict against the target.

    With everybody interviewed and known, in hamlets of known size, the share itself decides. Otherwise the target is
    met only if both the interval and the worst case reach it, not met only if both the interval and the best case
    stay below.
    """
    missing = missing_people(eligible, unknown, houses)
    worst = best = None
    if missing is not None and eligible + unknown + missing > 0:
        everybody = eligible + unknown + missing
        worst, best = vaccinated / everybody, (vaccinated + unknown + missing) / everybody
    elif missing is None:
        worst, best = 0.0, 1.0
    figure = coverage(vaccinated, eligible) if eligible else None
    return Assessment(
        coverage=figure.share if figure else None,
        low=figure.low if figure else None,
        high=figure.high if figure else None,
        worst=worst,
        best=best,
        needed=None if target is None or not eligible else max(0, _needed(target, eligible) - vaccinated),
        verdict=_verdict(vaccinated, eligible, unknown, missing, figure, target, not houses.unlisted),
    )


def _needed(target: Fraction, eligible: int) -> int:
    """The fewest people of those eligible that reach the target."""
    return -(-target.numerator * eligible // target.denominator)


def _reaches(part: int, whole: int, target: Fraction) -> bool:
    """Whether part of whole is at least the target, in whole numbers: 19 of 20 are 95 %."""
    return part * target.denominator >= target.numerator * whole


def _verdict(
    vaccinated: int,
    eligible: int,
    unknown: int,
    missing: int | None,
    figure: Coverage | None,
    target: Fraction | None,
    listed: bool,
) -> Verdict | None:
    if target is None or (figure is None and missing == 0 and unknown == 0):
        return None
    if figure is None or missing is None:
        return Verdict.UNDECIDED
    if missing == 0 and unknown == 0 and listed:
        return Verdict.MET if _reaches(vaccinated, eligible, target) else Verdict.NOT_MET
    everybody = eligible + unknown + missing
    if _reaches(vaccinated, everybody, target) and figure.low >= target.numerator / target.denominator:
        return Verdict.MET
    most = vaccinated + unknown + missing
    if not _reaches(most, everybody, target) and figure.high < target.numerator / target.denominator:
        return Verdict.NOT_MET
    return Verdict.UNDECIDED
