"""A bound on what any plan of so many sites must cost, by the prices at which everybody asks for a place.

Each candidate takes the people who pay it more than they cost it, the best payers up to its capacity; the sum of what
everybody pays and of what the best candidates lose is a bound whatever the prices are, and they are moved to where it
is highest: to what the linear program gives, in a fraction of its time. Source: M. Held, P. Wolfe and H. P. Crowder,
Mathematical Programming 6 (1974) 62-88; J. E. Beasley, European Journal of Operational Research 65 (1993) 383-399.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mapper.solve.siting import Floats, Ints
from mapper.solve.watch import Watch

ROUNDS = 400
"""In which prices are moved, at most."""

STALE = 12
"""Rounds without a better bound after which steps are halved."""

TRY_EVERY = 50
"""Rounds after which the sites that prices choose are tried as a plan; to seat everybody takes longer than a round."""

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

    def losses(self, price: Floats) -> tuple[Floats, Ints, Floats]:
        """What each candidate makes of these prices, from 0 downwards; the pairs that it takes, and people of them."""
        less = self.cost - price[self.point]
        pairs = np.flatnonzero(less < 0)
        site, less, people = self.site[pairs], less[pairs], self.people[self.point[pairs]]
        if np.isfinite(self.capacity).any():
            order = np.lexsort((less, site))
            pairs, site, less, people = pairs[order], site[order], less[order], people[order]
            before = np.cumsum(people) - people
            first = np.searchsorted(site, site, side="left")
            people = np.clip(self.capacity[site] - (before - before[first]), 0, people)
        return np.bincount(site, people * less, len(self.capacity)).astype(np.float64), pairs, people

    def chosen(self, loss: Floats) -> NDArray[np.bool_]:
        """Those kept, and the best of the others."""
        chosen = self.kept.copy()
        others = np.flatnonzero(~self.kept & (loss < 0))
        chosen[others[np.argsort(loss[others], kind="stable")[: self.free]]] = True
        return chosen

    def raised(self, price: Floats, watch: Watch, tried: Callable[[Ints, float], float]) -> Bound:
        """The highest bound found. tried: told the sites of a round and its bound; says the cost of the best plan.

        price: to start from.
        """
        price = np.minimum(price, self.left_out)
        best = Bound(-np.inf, price, np.zeros(len(self.capacity)))
        everybody = self.people > 0
        share, stale = 1.0, 0
        for number in range(ROUNDS):
            loss, pairs, taken = self.losses(price)
            chosen = self.chosen(loss)
            value = float((price * self.people).sum() + loss[chosen].sum())
            if number == 0 or value > best.value + 1e-9 * abs(best.value):
                best, stale = Bound(value, price, loss), 0
            else:
                stale += 1
                if stale >= STALE:
                    share, stale, price = share / 2, 0, best.price
                    continue
            trying = number % TRY_EVERY == TRY_EVERY - 1
            cost = tried(np.flatnonzero(chosen) if trying else np.zeros(0, np.int64), best.value)
            if share < SMALLEST or cost - best.value <= watch.limits.gap * abs(cost) or watch.over():
                break
            inside = chosen[self.site[pairs]]
            served = np.bincount(self.point[pairs[inside]], taken[inside], len(price))
            short = np.where(everybody, 1 - served / np.maximum(self.people, 1e-300), 0.0)
            short[(short > 0) & (price >= self.left_out)] = 0.0
            length = float((self.people * short**2).sum())
            if length <= 0:
                break
            price = np.minimum(price + share * (cost - value) / length * short, self.left_out)
        tried(np.flatnonzero(self.chosen(best.loss)), best.value)
        return best
