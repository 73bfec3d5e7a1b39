"""What the sample of a cluster survey says of a part of it: hamlets are its clusters, communes their strata."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from mapper.domain.coverage import Assessment, assess_sample
from mapper.stats import surveys
from mapper.stats.surveys import Cluster, Estimate, Interval

AskedRow = tuple[str | None, str | None, int, int]
"""Innermost unit and hamlet (None where a household has none), people asked about, and those of them vaccinated."""


def estimate(rows: Iterable[AskedRow]) -> Estimate | None:
    """The estimate of rows together, everybody asked weighing the same; None where nobody was asked.

    A hamlet that lies in two communes is one cluster, of the commune of most of its people. People of a commune who
    told no hamlet are taken as one cluster of it.
    """
    people: dict[tuple[str | None, str | None], list[int]] = {}
    strata: dict[tuple[str | None, str | None], tuple[int, str | None]] = {}
    for leaf, hamlet, asked, vaccinated in rows:
        if asked:
            cluster = (None, hamlet) if hamlet is not None else (leaf, None)
            into = people.setdefault(cluster, [0, 0])
            into[0], into[1] = into[0] + asked, into[1] + vaccinated
            strata[cluster] = max(strata.get(cluster, (0, None)), (asked, leaf), key=lambda one: one[0])
    clusters = [Cluster.unweighted(both[0], both[1], strata[cluster][1]) for cluster, both in people.items()]
    return surveys.estimate(clusters) if clusters else None


def interval(found: Estimate | None) -> Interval | None:
    """The interval that is shown and judged by, Wilson's with the design's effective number of people.

    Of clusters that are all alike, which tell nothing of their own error, the cautious one. None where the sample says
    nothing: fewer than two clusters in every stratum.
    """
    return None if found is None else found.cautious or found.wilson


def assess_rows(rows: Iterable[AskedRow], target: Fraction | None) -> Assessment:
    """What the sample says of rows together."""
    kept = list(rows)
    eligible, vaccinated = sum(row[2] for row in kept), sum(row[3] for row in kept)
    return assess_sample(vaccinated, eligible, interval(estimate(kept)), target)
