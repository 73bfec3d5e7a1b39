"""The stops of one day in an order of less way: parts of it turned round, or moved to elsewhere in it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

LONGEST = 3
"""Stops one after another that are moved together, at most."""

MANY, TOO_MANY = 40, 60
"""Of more stops than the first only single ones are moved; more than the second are left as they are."""


def shorter_order(
    metres: NDArray[np.float64], minutes: NDArray[np.float64], way: Sequence[int], apart: Sequence[str] = ()
) -> list[int]:
    """The order of the stops of a way, as their numbers in it; the one they have where none is shorter.

    metres, minutes: (places, places) from each to each. way: places from the start by the stops to the end. apart: of
    each stop a mark; an order has the marks in the order in which they are. No change makes the way take longer. Each
    time the best change is taken, until none is left, so that the same way has the same order.
    Source: G. A. Croes, Operations Research 6 (1958) 791-812 (turned round); I. Or, thesis, Northwestern University
    (1976) (moved).
    """
    number = len(way) - 2
    order = np.arange(number)
    if not 2 <= number <= TOO_MANY:
        return order.tolist()
    places, changes = np.array(way), _changes(number)
    marks = np.unique(np.array(apart or [""] * number), return_inverse=True)[1]
    changes = changes[(marks[changes] == marks).all(axis=1)]
    while len(changes):
        tried = order[changes]
        ways = np.hstack([np.full((len(tried), 1), places[0]), places[1 + tried], np.full((len(tried), 1), places[-1])])
        here, there = ways[:, :-1], ways[:, 1:]
        now = places[np.r_[0, 1 + order, number + 1]]
        far = float(metres[now[:-1], now[1:]].sum())
        lasts = float(minutes[now[:-1], now[1:]].sum())
        allowed = minutes[here, there].sum(axis=1) <= lasts + 1e-9
        found = np.where(allowed, metres[here, there].sum(axis=1), np.inf)
        best = int(found.argmin())
        if not found[best] < far - 0.5:
            break
        order = tried[best]
    return order.tolist()


@lru_cache(maxsize=32)
def _changes(number: int) -> NDArray[np.int64]:
    """(changes, number): orders of so many stops that one change makes of 0, 1, 2, ..."""
    stops = tuple(range(number))
    found = {
        stops[:begin] + stops[begin:end][::-1] + stops[end:] for begin in stops for end in range(begin + 2, number + 1)
    }
    for length in range(1, (1 if number > MANY else LONGEST) + 1):
        for begin in range(number - length + 1):
            moved, rest = stops[begin : begin + length], stops[:begin] + stops[begin + length :]
            for at in range(len(rest) + 1):
                found |= {rest[:at] + moved + rest[at:], rest[:at] + moved[::-1] + rest[at:]}
    return np.array(sorted(found - {stops}), np.int64)
