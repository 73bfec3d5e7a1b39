"""Maps on which the same cases fall by chance alone: person by person, or in whole households.

Members of a household refuse, move away or go to be vaccinated together. Dealt out one by one, cases lie far more
evenly than families ever bring about, and places that hold one family more look like clusters. Here households keep
their members and change places: among all households of one size, those with cases are drawn anew. Every place keeps
its households and its people, and the map keeps its cases; where all households are of one person it is the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Households:
    """Households one by one: the position of the place each is in, its people and the cases among them."""

    places: Ints
    people: Ints
    cases: Ints

    @classmethod
    def of(cls, places: ArrayLike, people: ArrayLike, cases: ArrayLike) -> Households:
        """Three numbers a household; raises ValueError for ones that cannot be."""
        one = cls(np.asarray(places, np.int64), np.asarray(people, np.int64), np.asarray(cases, np.int64))
        if not one.places.shape == one.people.shape == one.cases.shape or one.places.ndim != 1:
            raise ValueError(f"{one.places.shape} places, {one.people.shape} people, {one.cases.shape} cases")
        if (one.places < 0).any() or (one.cases < 0).any() or (one.cases > one.people).any():
            raise ValueError("of the people of a household no more than all are cases")
        return one

    def by_place(self, number: int) -> tuple[Ints, Ints]:
        """People and cases of each of so many places."""
        people = np.bincount(self.places, self.people, number).astype(np.int64)
        return people, np.bincount(self.places, self.cases, number).astype(np.int64)

    def design_effect(self) -> float:
        """How many times more the cases of places vary than if each person decided alone; 1 or more.

        With m the share of cases: sum over households of (cases - m people)^2, over m (1 - m) times all people.
        """
        everybody = int(self.people.sum())
        share = self.cases.sum() / everybody if everybody else 0.0
        if not 0 < share < 1:
            return 1.0
        spread = float(((self.cases - share * self.people) ** 2).sum())
        return max(1.0, spread / (everybody * share * (1 - share)))


def in_households(
    households: Households, places: int, replications: int, random: np.random.Generator
) -> NDArray[np.int32]:
    """Cases by place (row) on maps (column) on which the households of each size have changed places."""
    maps = np.zeros((places, replications), np.int32)
    for size in np.unique(households.people[households.cases > 0]).tolist():
        alike = households.people == size
        homes, cases = households.places[alike], households.cases[alike]
        cases = cases[cases > 0]
        for one in range(replications):
            # Those without a case need no drawing; the ones with cases come in random order, so theirs may be in any.
            drawn = homes[random.choice(len(homes), len(cases), replace=False)]
            maps[:, one] += np.bincount(drawn, cases, places).astype(np.int32)
    return maps


def one_by_one(
    people: NDArray[np.float64], total: int, replications: int, random: np.random.Generator, *, rare: bool
) -> NDArray[np.int32]:
    """The same where each case falls on a person alone: on anybody again and again if ``rare``, else on each once."""
    if rare:
        drawn = random.multinomial(total, people / people.sum(), size=replications)
    else:
        drawn = random.multivariate_hypergeometric(
            people.astype(np.int64), total, size=replications, method="marginals"
        )
    return np.ascontiguousarray(drawn.T.astype(np.int32))
