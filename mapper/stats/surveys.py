"""Cluster surveys: a share of people vaccinated, and how sure a sample of whole clusters makes it.

People of one village are alike, so that forty asked in one place tell less than forty asked in forty places. The
variance is therefore worked out between clusters (Taylor linearisation; clusters drawn with replacement within strata),
as Stata's ``svy`` and R's ``survey`` do, and the figures are defined as in WHO's Vaccination Coverage Quality
Indicators, whose command ``svypd`` follows N. Dean and M. Pagano, J. Survey Statistics and Methodology 3 (2015)
484-503; WHO, Vaccination Coverage Cluster Surveys: Reference Manual (2018).
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

LEVEL = 0.95
"""How often an interval is to hold the truth."""


class Interval(NamedTuple):
    """Shares in 0..1."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Cluster:
    """What was found in one cluster.

    people: who were asked, at least 1; vaccinated: of them, 0..people. weight: the sum of their weights;
    vaccinated_weight: of the vaccinated. stratum: what the cluster was drawn within; clusters of different strata are
    never the same.
    """

    people: int
    vaccinated: int
    weight: float
    vaccinated_weight: float
    stratum: Hashable = None

    @classmethod
    def unweighted(cls, people: int, vaccinated: int, stratum: Hashable = None) -> Cluster:
        """One in which everybody stands for as many others."""
        return cls(people, vaccinated, float(people), float(vaccinated), stratum)


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a cluster survey says of a share.

    share: weighted, 0..1. people, clusters, strata: how many were asked. freedom: degrees of freedom, clusters less
    strata. error: standard error of the share, None where the design gives none (one cluster in each stratum).
    deff: the variance over that of a simple random sample with replacement of as many people, share (1 - share) /
    (people - 1), as ``estat effects`` without a finite population, and ``svymean(deff = "replace")``, have it.
    effective: people of a simple random sample that would tell as much, share (1 - share) / error**2; it is
    (people - 1) / deff. icc: how alike people of one cluster are, one-way analysis of variance, unweighted; None where
    it has no value. wilson, logit: 95 % intervals, None where the design gives none.
    alike: clusters did not differ at all (everybody vaccinated, nobody, or the same share in each), so that the
    sample says nothing of its own error; deff is then taken as 1 and effective as people, as WHO's tools do, and
    ``cautious`` is what would hold if each cluster told no more than one person.
    """

    share: float
    people: int
    clusters: int
    strata: int
    freedom: int
    error: float | None
    deff: float | None
    effective: float | None
    icc: float | None
    wilson: Interval | None
    logit: Interval | None
    alike: bool
    cautious: Interval | None


def gather(
    vaccinated: Sequence[int],
    clusters: Sequence[Hashable],
    strata: Sequence[Hashable] | None = None,
    weights: Sequence[float] | None = None,
) -> list[Cluster]:
    """People one by one -> clusters, in the order in which they first occur.

    vaccinated: 0 or 1 of each person. clusters, strata, weights: of the same length; without strata there is one, and
    without weights everybody weighs the same. Raises ValueError for lengths that differ, for another number than 0
    and 1, and for a weight that is not positive and finite.
    """
    given: list[Sequence[object]] = [vaccinated, clusters]
    given += [each for each in (strata, weights) if each is not None]
    if len({len(each) for each in given}) > 1:
        raise ValueError("as many clusters, strata and weights as people are needed")
    sums: dict[tuple[Hashable, Hashable], list[float]] = {}
    for place, (told, cluster) in enumerate(zip(vaccinated, clusters, strict=True)):
        weight = 1.0 if weights is None else float(weights[place])
        if told not in (0, 1) or not 0 < weight < math.inf:
            raise ValueError(f"person {place + 1}: vaccinated {told}, weight {weight}")
        into = sums.setdefault((None if strata is None else strata[place], cluster), [0, 0, 0.0, 0.0])
        for column, value in enumerate((1, told, weight, weight * told)):
            into[column] += value
    return [
        Cluster(int(people), int(hit), weight, hit_weight, stratum)
        for (stratum, _), (people, hit, weight, hit_weight) in sums.items()
    ]


def estimate(clusters: Sequence[Cluster]) -> Estimate:
    """The share vaccinated, its error and its intervals.

    clusters: at least one, each at least one person; a cluster in which nobody was asked is left out. A stratum of one
    cluster counts with its distance from the mean of all (``survey.lonely.psu = "adjust"``), which is cautious.
    Raises ValueError for no cluster, or for numbers out of range.
    """
    if not clusters or not all(
        0 <= one.vaccinated <= one.people and one.people > 0 and 0 < one.weight < math.inf for one in clusters
    ):
        raise ValueError("each cluster needs people, and no more vaccinated than people")
    people, total = sum(one.people for one in clusters), math.fsum(one.weight for one in clusters)
    vaccinated = sum(one.vaccinated for one in clusters)
    # One of the two ends exactly, which a sum of many weights might miss by a hair.
    share = float(bool(vaccinated))
    if 0 < vaccinated < people:
        share = math.fsum(one.vaccinated_weight for one in clusters) / total
    strata: dict[Hashable, list[float]] = {}
    for one in clusters:
        strata.setdefault(one.stratum, []).append((one.vaccinated_weight - share * one.weight) / total)
    freedom = len(clusters) - len(strata)
    shape = (share, people, len(clusters), len(strata), freedom)
    icc = intracluster(clusters)
    if freedom < 1:
        return Estimate(*shape, None, None, None, icc, None, None, False, None)
    variance = math.fsum(_between(scores) for scores in strata.values())
    spread = share * (1 - share)
    if spread == 0 or variance < SAME * spread / people:
        quantile = _student(people - 1)
        cautious = wilson(share, len(clusters), _student(freedom))
        exact = clopper_pearson(share * people, people)
        return Estimate(*shape, 0.0, 1.0, people, icc, wilson(share, people, quantile), exact, True, cautious)
    error, effective, quantile = math.sqrt(variance), spread / variance, _student(freedom)
    score = wilson(share, min(effective, people), quantile)
    deff = variance * (people - 1) / spread
    return Estimate(*shape, error, deff, effective, icc, score, logit(share, error, quantile), False, None)


SAME = 1e-12
"""A variance below this part of a simple random sample's is none: what rounding leaves of clusters all alike."""


def _between(scores: Sequence[float]) -> float:
    """A stratum's part of the variance, from its clusters' linearised scores."""
    number = len(scores)
    if number == 1:
        return scores[0] ** 2
    mean = math.fsum(scores) / number
    return number / (number - 1) * math.fsum((score - mean) ** 2 for score in scores)


def wilson(share: float, effective: float, quantile: float) -> Interval:
    """Wilson's interval with an effective number of people, and Student's quantile in place of the normal one.

    ``estimate`` takes no more than the number of people for it: a sample of few clusters that looks better than a
    simple random one mostly does so by chance. Source: Dean and Pagano (2015), after E. B. Wilson, JASA 22 (1927).
    """
    spread = quantile**2 / effective
    centre, half = share + spread / 2, math.sqrt(spread * (share * (1 - share) + spread / 4))
    low = 0.0 if share == 0 else max(0.0, (centre - half) / (1 + spread))
    high = 1.0 if share == 1 else min(1.0, (centre + half) / (1 + spread))
    return Interval(low, high)


def logit(share: float, error: float, quantile: float) -> Interval:
    """The interval that is even about the logarithm of the odds; 0 < share < 1.

    As ``svyciprop(method = "logit")``. Source: E. L. Korn and B. I. Graubard, Survey Methodology 24 (1998) 193-201.
    """
    odds, reach = math.log(share / (1 - share)), quantile * error / (share * (1 - share))
    return Interval(1 / (1 + math.exp(reach - odds)), 1 / (1 + math.exp(-reach - odds)))


def clopper_pearson(vaccinated: float, people: float) -> Interval:
    """The exact binomial interval, which stands in for the logit one where clusters are all alike."""
    from scipy.special import betaincinv

    tail = (1 - LEVEL) / 2
    low = betaincinv(vaccinated, people - vaccinated + 1, tail) if vaccinated > 0 else 0.0
    high = betaincinv(vaccinated + 1, people - vaccinated, 1 - tail) if vaccinated < people else 1.0
    return Interval(float(low), float(high))


def intracluster(clusters: Sequence[Cluster]) -> float | None:
    """How alike people of one cluster are: 0 not at all, 1 wholly; a little below 0 by chance.

    The one-way analysis of variance's estimator for clusters of unequal size, people unweighted, strata not looked at:
    (MSB - MSW) / (MSB + (m - 1) MSW) with m = (n - sum of squared sizes / n) / (clusters - 1). None where nobody
    differs from anybody, or where there are not two clusters and a third person.
    Source: A. Donner and J. J. Koval, Biometrics 36 (1980) 19-25.
    """
    number, people = len(clusters), sum(one.people for one in clusters)
    if number < 2 or people <= number:
        return None
    share = sum(one.vaccinated for one in clusters) / people
    between = math.fsum(one.people * (one.vaccinated / one.people - share) ** 2 for one in clusters) / (number - 1)
    within = math.fsum(one.vaccinated * (1 - one.vaccinated / one.people) for one in clusters) / (people - number)
    size = (people - sum(one.people**2 for one in clusters) / people) / (number - 1)
    whole = between + (size - 1) * within
    return (between - within) / whole if whole > 0 else None


def _student(freedom: int) -> float:
    """The two-sided 95 % quantile of Student's distribution."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, 1 - (1 - LEVEL) / 2)) if freedom > 0 else math.inf
