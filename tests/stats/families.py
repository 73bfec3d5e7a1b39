"""Hamlets of households whose members decide together, strewn over a district; made up from a seed."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mapper.stats.chance import Households

ALIKE = 0.85
"""Share of households in which all do the same; in the others each member decides alone."""


def strewn(random: np.random.Generator, missed: ArrayLike) -> tuple[NDArray[np.float64], Households]:
    """Points of hamlets, one for each share of people missed, and their 4 to 40 households of 1 to 8 people."""
    shares = np.asarray(missed, np.float64)
    number = len(shares)
    places = np.repeat(np.arange(number), random.integers(4, 41, number))
    people = np.minimum(8, 1 + random.poisson(2.2, len(places)))
    together = people * (random.random(len(places)) < shares[places])
    alone = random.binomial(people, shares[places])
    cases = np.where(random.random(len(places)) < ALIKE, together, alone)
    return random.uniform(0, 20_000, (number, 2)), Households.of(places, people, cases)
