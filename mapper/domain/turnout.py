"""How many people come to a session: a number that is known, or chances of each number."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

BEYOND = 9
"""Numbers so many standard deviations off the mean, and as many people, are left out: less than one in a billion."""


@dataclass(frozen=True)
class Turnout:
    """chances: of ``first`` people, of one more and so on; they add up to 1."""

    first: int
    chances: tuple[float, ...]

    @classmethod
    def fixed(cls, people: int) -> Turnout:
        """Exactly so many. Raises ValueError below 0."""
        if people < 0:
            raise ValueError("people are a number from 0")
        return cls(people, (1.0,))

    @classmethod
    def poisson(cls, mean: float) -> Turnout:
        """Each of many people comes with a small chance; ``mean`` do on average. Raises ValueError below 0."""
        if not 0 <= mean < math.inf:
            raise ValueError("the mean of people is a number from 0")
        if mean == 0:
            return cls.fixed(0)
        return cls._of(mean, mean, None, lambda n: n * math.log(mean) - mean - math.lgamma(n + 1))

    @classmethod
    def invited(cls, people: int, share: float) -> Turnout:
        """Of so many who were invited each one comes with the same chance. Raises ValueError for what is no share."""
        if not 0 <= share <= 1 or people < 0:
            raise ValueError("of people from 0 a share from 0 to 1 comes")
        if people == 0 or share in (0, 1):
            return cls.fixed(people if share else 0)
        come, stay = math.log(share), math.log1p(-share)

        def log_chance(n: int) -> float:
            ways = math.lgamma(people + 1) - math.lgamma(n + 1) - math.lgamma(people - n + 1)
            return ways + n * come + (people - n) * stay

        return cls._of(people * share, people * share * (1 - share), people, log_chance)

    @classmethod
    def _of(cls, mean: float, variance: float, most: int | None, log_chance: Callable[[int], float]) -> Turnout:
        off = BEYOND * (math.sqrt(variance) + 1)
        first, last = max(0, math.floor(mean - off)), math.ceil(mean + off)
        last = last if most is None else min(last, most)
        chances = [math.exp(log_chance(n)) for n in range(first, last + 1)]
        total = math.fsum(chances)
        return cls(first, tuple(chance / total for chance in chances))

    def __iter__(self) -> Iterator[tuple[int, float]]:
        """Numbers of people with their chances."""
        return zip(range(self.first, self.first + len(self.chances)), self.chances, strict=True)

    @cached_property
    def mean(self) -> float:
        """People on average."""
        return math.fsum(people * chance for people, chance in self)

    def average(self, of: Callable[[int], float]) -> float:
        """The mean of what follows from the number of people."""
        return math.fsum(of(people) * chance for people, chance in self)

    def at_most(self, level: float) -> int:
        """The fewest people than whom with this chance no more come. level: above 0, below 1."""
        if not 0 < level < 1:
            raise ValueError("a level is above 0 and below 1")
        sum_of = 0.0
        for people, chance in self:
            sum_of += chance
            if sum_of >= level - 1e-12:
                return people
        return self.first + len(self.chances) - 1
