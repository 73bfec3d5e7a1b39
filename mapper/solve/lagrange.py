"""A bound on what any plan of so many sites must cost, by the prices at which everybody asks for a place.

Each candidate takes the people who pay it more than they cost it, the best payers up to its capacity; the sum of what
everybody pays and of what the best candidates lose is a bound whatever the prices are, and they are moved to where it
is highest: to what the linear program gives, in a fraction of its time. Every value told as a bound was added up over
all demand points at one set of prices: no sample of them, no average. Source: M. Held, P. Wolfe and H. P. Crowder,
Mathematical Programming 6 (1974) 62-88; J. E. Beasley, European Journal of Operational Research 65 (1993) 383-399;
F. Barahona and R. Anbil, Mathematical Programming 87 (2000) 385-399.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mapper.solve.siting import Floats, Ints
from mapper.solve.watch import Watch

ROUNDS = 400
"""In which prices are moved, at most, each time that they set out."""

STALE = 12
"""Rounds without a better bound after which steps are shortened."""

SHORTER = 0.6
"""To this share."""

FORGETS = 0.1
"""Share that a round has in what the rounds so far chose on the average."""

TRY_EVERY = 40
"""Rounds after which the sites that most rounds chose are tried as a plan; to seat everybody takes longer than one."""

SMALLEST = 2e-3
"""Share of a full step from which on smaller ones are not worth it."""


@dataclass(frozen=True, eq=False)
class Bound:
    """value: no plan costs less. price: of each point, at which it was found; loss: of each candidate then."""

    value: float
    price: Floats
    loss: Floats


@dataclass(frozen=True, eq=False)
class Market:
    """Pairs of a candidate and a point that it reaches, by candidate. cost: of each person of the point."""

    start: Ints
    """Pairs of candidate s are ``start[s]:start[s + 1]``."""
    site: Ints
    point: Ints
    cost: Floats
    people: Floats
    capacity: Floats
    left_out: Floats
    """What each person of a point costs who has no site."""
    kept: NDArray[np.bool_]
    free: int
    """Sites that may be chosen besides those kept."""

    def pairs_of(self, sites: Ints) -> Ints:
        """Positions of all pairs of some candidates."""
        begin, size = self.start[sites], (self.start[1:] - self.start[:-1])[sites]
        ends = np.cumsum(size)
        return np.repeat(begin - (ends - size), size) + np.arange(ends[-1] if len(ends) else 0)

    def losses(self, price: Floats, among: Ints | None = None) -> tuple[Floats, Ints, Floats]:
        """What each candidate makes of these prices, from 0 downwards; the pairs that it takes, and people of them.

        among: positions of pairs that need to be looked at, all where it is not said; the others bring nothing.
        """
        if among is None:
            less = self.cost - price[self.point]
            pairs = np.flatnonzero(less < 0)
            less = less[pairs]
        else:
            less = self.cost[among] - price[self.point[among]]
            gain = np.flatnonzero(less < 0)
            pairs, less = among[gain], less[gain]
        site, people = self.site[pairs], self.people[self.point[pairs]]
        crowded = np.bincount(site, people, len(self.capacity)) > self.capacity
        # Only who has more askers than places has to look for the best of them.
        few = np.flatnonzero(crowded[site])
        if len(few):
            order = few[np.lexsort((less[few], site[few]))]
            at, size = site[order], people[order]
            before = np.cumsum(size) - size
            people[order] = np.clip(self.capacity[at] - (before - before[np.searchsorted(at, at)]), 0, size)
        return np.bincount(site, people * less, len(self.capacity)).astype(np.float64), pairs, people

    def chosen(self, loss: Floats) -> NDArray[np.bool_]:
        """Those kept, and the best of the others."""
        chosen = self.kept.copy()
        others = np.flatnonzero(~self.kept & (loss < 0))
        chosen[others[np.argsort(loss[others], kind="stable")[: self.free]]] = True
        return chosen


class Prices:
    """Prices on their way to the highest bound; they may be raised in several stretches."""

    def __init__(self, market: Market, price: Floats) -> None:
        self.market = market
        self.price = np.minimum(price, market.left_out)
        self.best = Bound(-np.inf, self.price, np.zeros(len(market.capacity)))
        self.often = market.kept.astype(np.float64)
        """How often the rounds of late chose each candidate, from 0 to 1."""

    def raised(self, watch: Watch, tried: Callable[[Ints, float], float], share: float = 1.0) -> Bound:
        """The highest bound found. tried: told sites to try, or none, and the bound; says the cost of the best plan.

        share: of a full step to begin with; less where prices are near their best already.
        """
        market = self.market
        everybody = market.people > 0
        stale = 0
        for number in range(ROUNDS):
            loss, pairs, taken = market.losses(self.price)
            chosen = market.chosen(loss)
            value = float((self.price * market.people).sum() + loss[chosen].sum())
            first = not np.isfinite(self.best.value)
            self.often += (1.0 if first else FORGETS) * (chosen - self.often)
            if first or value > self.best.value + 1e-9 * abs(self.best.value):
                stale, self.best = 0, Bound(value, self.price, loss)
            else:
                stale += 1
            trying = number % TRY_EVERY == TRY_EVERY - 1
            cost = tried(self.likely() if trying else np.zeros(0, np.int64), self.best.value)
            if share < SMALLEST or cost - self.best.value <= watch.limits.gap * abs(cost) or watch.over():
                break
            if stale >= STALE:
                share, stale, self.price = share * SHORTER, 0, self.best.price
                continue
            inside = chosen[market.site[pairs]]
            served = np.bincount(market.point[pairs[inside]], taken[inside], len(self.price))
            short = np.where(everybody, 1 - served / np.maximum(market.people, 1e-300), 0.0)
            short[(short > 0) & (self.price >= market.left_out)] = 0.0
            length = float((market.people * short**2).sum())
            if length <= 0:
                break
            self.price = np.minimum(self.price + share * (cost - value) / length * short, market.left_out)
        if np.isfinite(self.best.value):
            tried(self.likely(), self.best.value)
            tried(np.flatnonzero(market.chosen(self.best.loss)), self.best.value)
            self.price = self.best.price
        return self.best

    def likely(self) -> Ints:
        """As many sites as there may be, those that the rounds of late chose most often."""
        market = self.market
        others = np.flatnonzero(~market.kept & (self.often > 1e-3))
        order = others[np.argsort(-self.often[others], kind="stable")[: market.free]]
        return np.union1d(order, np.flatnonzero(market.kept)).astype(np.int64)
