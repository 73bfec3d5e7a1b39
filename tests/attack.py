"""A suppression attack: what a reader of published rows can work out of those kept back, by linear programming.

The reader knows every shown row, that places add up, that no count is negative, and, of doses of one group, that nobody
has a later one without the earlier.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_array

from mapper.domain.suppression import Pair, Place, children


@dataclass(frozen=True)
class Recovered:
    """What a count that was kept back can be: from low to high. kind: 0 vaccinated, 1 not."""

    code: str
    pair: int
    kind: int
    low: float
    high: float


def leaves_of(code: str, below: Mapping[str, Sequence[str]]) -> list[str]:
    """The places at the bottom of a place, itself where it has none below."""
    return [leaf for each in below[code] for leaf in leaves_of(each, below)] if below[code] else [code]


def attack(
    places: Sequence[Place], shown: Mapping[str, Sequence[Pair]], hidden: Collection[str], doses_in_order: bool
) -> list[Recovered]:
    """The interval of every count of every row kept back. shown: the counts of the rows published."""
    below = children(places)
    bottom = [place.code for place in places if not below[place.code]]
    pairs = len(next(iter(shown.values()))) if shown else len(next(p.pairs for p in places if p.pairs))
    column = {(code, pair, kind): n for n, (code, pair, kind) in enumerate(
        (code, pair, kind) for code in bottom for pair in range(pairs) for kind in (0, 1)
    )}  # fmt: skip

    def row(code: str, pair: int, kind: int) -> list[int]:
        return [column[leaf, pair, kind] for leaf in leaves_of(code, below)]

    equal, equals = [], []
    for code, counts in shown.items():
        for pair in range(pairs):
            for kind in (0, 1):
                equal.append([(n, 1.0) for n in row(code, pair, kind)])
                equals.append(float(counts[pair][kind]))
    less = []
    if doses_in_order:
        for code in bottom:
            less += [[(column[code, p + 1, 0], 1.0), (column[code, p, 0], -1.0)] for p in range(pairs - 1)]
    known = {
        "A_eq": _matrix(equal, len(column)) if equal else None,
        "b_eq": equals if equal else None,
        "A_ub": _matrix(less, len(column)) if less else None,
        "b_ub": [0.0] * len(less) if less else None,
    }
    found = []
    for code in sorted(hidden):
        for pair in range(pairs):
            for kind in (0, 1):
                aim = np.zeros(len(column))
                aim[row(code, pair, kind)] = 1.0
                ends = []
                for sign in (1.0, -1.0):
                    answer = linprog(sign * aim, bounds=(0, None), method="highs", **known)
                    assert answer.status in (0, 3), answer.message  # 3: without end
                    ends.append(sign * answer.fun if answer.status == 0 else np.inf)
                found.append(Recovered(code, pair, kind, ends[0], ends[1]))
    return found


def _matrix(rows: Sequence[Sequence[tuple[int, float]]], wide: int) -> csr_array:
    spots = [(n, place, value) for n, row in enumerate(rows) for place, value in row]
    at, across, values = zip(*spots, strict=True)
    return csr_array((values, (at, across)), shape=(len(rows), wide))


def narrow(found: Sequence[Recovered], threshold: int) -> list[Recovered]:
    """Counts that the reader learns too well: an interval narrower than the threshold, or wholly below it."""
    return [one for one in found if one.high - one.low < threshold - 1e-6 or one.high < threshold - 1e-6]
