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


@dataclass(frozen=True)
class Page:
    """One publication as its reader has it. shown: counts of rows; of: the rows at the bottom that each is the sum of;
    hidden: the rows kept back.
    """

    places: Sequence[Place]
    shown: Mapping[str, Sequence[Pair]]
    of: Mapping[str, Sequence[str]]
    hidden: Collection[str]

    @property
    def bottom(self) -> list[str]:
        """Codes of the rows at the bottom."""
        below = children(self.places)
        return [place.code for place in self.places if not below[place.code]]


def page_of_whole_sums(places: Sequence[Place], shown: Mapping[str, Sequence[Pair]], hidden: Collection[str]) -> Page:
    """A page on which every sum is of all rows below it, those kept back among them."""
    below = children(places)
    return Page(places, shown, {place.code: leaves_of(place.code, below) for place in places}, hidden)


def page_of_shown_sums(places: Sequence[Place], shown: Mapping[str, Sequence[Pair]], hidden: Collection[str]) -> Page:
    """A page on which every sum is of the rows shown below it."""
    below = children(places)
    of = {place.code: [leaf for leaf in leaves_of(place.code, below) if leaf not in hidden] for place in places}
    return Page(places, shown, of, hidden)


def attack(
    places: Sequence[Place], shown: Mapping[str, Sequence[Pair]], hidden: Collection[str], doses_in_order: bool
) -> list[Recovered]:
    """The interval of every count of every row kept back. shown: the counts of the rows published, of all below."""
    return attack_pages([page_of_whole_sums(places, shown, hidden)], doses_in_order)[0]


def attack_pages(pages: Sequence[Page], doses_in_order: bool) -> list[list[Recovered]]:
    """By page, the interval of every count kept back, for who has kept all of them, in the order of their days.

    The reader knows besides that who is vaccinated stays so, and that of a row never fewer people are known.
    """
    pairs = max(len(counts) for page in pages for counts in [*page.shown.values(), *(p.pairs for p in page.places)])
    column: dict[tuple[int, str, int, int], int] = {}
    for day, page in enumerate(pages):
        for code in page.bottom:
            for pair in range(pairs):
                for kind in (0, 1):
                    column[day, code, pair, kind] = len(column)

    equal: list[list[tuple[int, float]]] = []
    equals: list[float] = []
    less: list[list[tuple[int, float]]] = []
    for day, page in enumerate(pages):
        for code, counts in page.shown.items():
            for pair in range(pairs):
                for kind in (0, 1):
                    equal.append([(column[day, leaf, pair, kind], 1.0) for leaf in page.of[code]])
                    equals.append(float(counts[pair][kind]))
        for code in page.bottom:
            if doses_in_order:
                less += [
                    [(column[day, code, p + 1, 0], 1.0), (column[day, code, p, 0], -1.0)] for p in range(pairs - 1)
                ]
            for pair in range(pairs):
                if (day - 1, code, pair, 0) in column:
                    then, now = ([column[at, code, pair, kind] for kind in (0, 1)] for at in (day - 1, day))
                    less.append([(then[0], 1.0), (now[0], -1.0)])
                    less.append([(then[0], 1.0), (then[1], 1.0), (now[0], -1.0), (now[1], -1.0)])
    known = {
        "A_eq": _matrix(equal, len(column)) if equal else None,
        "b_eq": equals if equal else None,
        "A_ub": _matrix(less, len(column)) if less else None,
        "b_ub": [0.0] * len(less) if less else None,
    }
    found: list[list[Recovered]] = []
    for day, page in enumerate(pages):
        below = children(page.places)
        found.append([])
        for code in sorted(page.hidden):
            for pair in range(pairs):
                for kind in (0, 1):
                    aim = np.zeros(len(column))
                    aim[[column[day, leaf, pair, kind] for leaf in leaves_of(code, below)]] = 1.0
                    ends = []
                    for sign in (1.0, -1.0):
                        answer = linprog(sign * aim, bounds=(0, None), method="highs", **known)
                        assert answer.status in (0, 3), answer.message  # 3: without end
                        ends.append(sign * answer.fun if answer.status == 0 else np.inf)
                    found[-1].append(Recovered(code, pair, kind, ends[0], ends[1]))
    return found


def _matrix(rows: Sequence[Sequence[tuple[int, float]]], wide: int) -> csr_array:
    spots = [(n, place, value) for n, row in enumerate(rows) for place, value in row]
    at, across, values = zip(*spots, strict=True)
    return csr_array((values, (at, across)), shape=(len(rows), wide))


def narrow(found: Sequence[Recovered], threshold: int) -> list[Recovered]:
    """Counts that the reader learns too well: an interval narrower than the threshold, or wholly below it."""
    return [one for one in found if one.high - one.low < threshold - 1e-6 or one.high < threshold - 1e-6]
