"""Looking again at canvassers' work: houses drawn for a second interview, and how far both interviews agree."""

from __future__ import annotations

import math
import random
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Agreement:
    """How often two interviews of the same people gave the same answer. kappa: None where it says nothing.

    kappa: Cohen's, (agreed - by chance) / (1 - by chance); J. Cohen, Educ. Psychol. Meas. 20 (1960) 37-46.
    """

    question: str
    same: int
    of: int
    kappa: float | None

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the share that agrees (Wilson, J. Am. Stat. Assoc. 22 (1927) 209-212)."""
        share, more = self.same / self.of, _NORMAL**2 / self.of
        middle = share + more / 2
        half = _NORMAL * math.sqrt(share * (1 - share) / self.of + more / (4 * self.of))
        return max(0.0, (middle - half) / (1 + more)), min(1.0, (middle + half) / (1 + more))


_NORMAL = statistics.NormalDist().inv_cdf(0.975)


def agreement(question: str, answers: Sequence[tuple[str, str]], graded: bool = False) -> Agreement:
    """Compare answers, each first and second. graded: of a few categories, so that kappa makes sense."""
    of, same = len(answers), sum(one == other for one, other in answers)
    kappa = None
    if graded and of:
        first, second = Counter(one for one, _ in answers), Counter(other for _, other in answers)
        expected = sum(first[word] * second[word] for word in first) / of**2
        if expected < 1:
            kappa = (same / of - expected) / (1 - expected)
    return Agreement(question, same, of, kappa)


def draw(keys: Iterable[str], number: int, seed: str) -> list[str]:
    """So many of the houses, each as likely as any other; the same for the same seed, in whatever order they come."""
    ordered = sorted(keys)
    return random.Random(seed).sample(ordered, min(number, len(ordered)))  # noqa: S311


@dataclass(frozen=True, slots=True)
class Stratum:
    """A canvasser's part of a draw: the houses drawn, of how many, and the seed that draws them again."""

    drawn: tuple[str, ...]
    of: int
    seed: str


def draw_shares(
    frames: Mapping[int, Sequence[str]], share: float, least: int, most: int, seed: str
) -> dict[int, Stratum]:
    """Stratified: of each canvasser's houses the same share by simple random sampling, without replacement.

    frames: houses by canvasser. share: of them, rounded up, but ``least`` to ``most`` houses, as far as there are any.
    Canvassers are drawn apart, each with a seed of their own, so that nobody's draw depends on who else is there.
    """
    found = {}
    for number, keys in frames.items():
        own = f"{seed}-{number}"
        wanted = min(most, max(least, math.ceil(share * len(keys) - 1e-9)))
        found[number] = Stratum(tuple(draw(keys, wanted, own)), len(keys), own)
    return found


def ring(people: Iterable[int], seed: str) -> dict[int, int]:
    """Who goes to whose houses: everybody to those of one other, in a ring by lot; nobody where there is but one."""
    order = sorted(people)
    random.Random(seed).shuffle(order)  # noqa: S311
    return dict(zip(order, [*order[1:], *order[:1]], strict=True)) if len(order) > 1 else {}
