"""Shares of small places, drawn towards the share of all by as much as their small numbers ask for.

PySAL's ``esda.smoothing.Empirical_Bayes`` does this for rare events (Poisson). Coverage is a share of people who are
either vaccinated or not, often 90 % of them: a Poisson variance would take it for ten times as uncertain as it is and
level nearly every difference, and would not give the same for the vaccinated as for the unvaccinated. So the binomial
has its own formula here; the Poisson one equals PySAL's, which a test says, but never turns round below zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray


class Events(StrEnum):
    """What is counted: people of whom each has it or has not, or rare events."""

    BINOMIAL = "binomial"
    POISSON = "poisson"


@dataclass(frozen=True, slots=True)
class Shrunken:
    """Shares drawn together. mean: share of all. between: variance of the true shares from place to place; 0 where
    chance alone explains all differences. weights: how much each place's own figure counts, 0..1.
    """

    shares: NDArray[np.float64]
    mean: float
    between: float
    weights: NDArray[np.float64]


def shrink(events: ArrayLike, people: ArrayLike, kind: Events = Events.BINOMIAL) -> Shrunken:
    """Empirical-Bayes estimate of every place's share: weight x own share + (1 - weight) x share of all.

    events, people: one number a place, 0 <= events <= people (people > 0); raises ValueError otherwise.
    With p_i = events_i / people_i, m = share of all, n = mean of people, s2 = sum(people_i (p_i - m)^2) / (n x places):
    binomial: between = (s2 - m (1 - m) / n) / (1 - 1 / n),
    weight_i = between / (between + (m (1 - m) - between) / people_i);
    Poisson: between = s2 - m / n, weight_i = between / (between + m / people_i).
    A negative ``between`` is taken as 0.
    Sources: J. C. Kleinman, JASA 68 (1973) 46-54; R. J. Marshall, Applied Statistics 40 (1991) 283-294.
    """
    had, of = np.asarray(events, np.float64), np.asarray(people, np.float64)
    if had.shape != of.shape or had.ndim != 1:
        raise ValueError(f"events and people of different places: {had.shape}, {of.shape}")
    if not had.size:
        return Shrunken(had, 0.0, 0.0, had)
    if (of <= 0).any() or (had < 0).any() or (kind is Events.BINOMIAL and (had > of).any()):
        raise ValueError("events outside 0..people, or a place without people")
    own = had / of
    mean, size = float(had.sum() / of.sum()), float(of.mean())
    spread = float((of * (own - mean) ** 2).sum() / of.sum())
    if kind is Events.POISSON:
        between = max(0.0, spread - mean / size)
        within = mean / of
    else:
        chance = mean * (1 - mean)
        # Of places of one person each nothing tells how they differ.
        between = min(max(0.0, (spread - chance / size) / (1 - 1 / size)), chance) if size > 1 else 0.0
        within = (chance - between) / of
    weights = np.zeros_like(of) if between == 0 else between / (between + within)
    return Shrunken(weights * own + (1 - weights) * mean, mean, between, weights)
