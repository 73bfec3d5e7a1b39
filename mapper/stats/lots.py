"""Lot quality assurance: a few people are looked at, and a lot is accepted unless too many of them are unvaccinated.

A rule names how many people to look at, n, and how many unvaccinated among them are still allowed, d. How often it is
wrong follows from the binomial distribution, or from the hypergeometric one where the lot itself is small. Source: WHO,
Assessing vaccination coverage levels using clustered lot quality assurance sampling (2012); H. F. Dodge and H. G.
Romig, Bell System Technical Journal 8 (1929) 613-631.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Rule:
    """A lot of which n people are looked at is accepted where at most d of them are unvaccinated.

    lower, upper: coverage, 0..1, that is bad and that is good. lot: people in the lot, None for a large one.
    """

    n: int
    d: int
    lower: float
    upper: float
    lot: int | None = None

    @property
    def wrongly_accepted(self) -> float:
        """How often a lot with coverage ``lower`` is accepted; worse lots are accepted more seldom."""
        return acceptance(self.n, self.d, self.lower, self.lot)

    @property
    def wrongly_refused(self) -> float:
        """How often a lot with coverage ``upper`` is not accepted; better lots are refused more seldom."""
        return 1 - acceptance(self.n, self.d, self.upper, self.lot)


class Verdict(StrEnum):
    """What the findings say of a lot; open while people are still to be looked at."""

    OPEN = "open"
    ACCEPTED = "accepted"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the findings say. rule: by which; with more people seen than planned, that of as many.

    lacking: people still to be looked at. now: the rule if nobody more were looked at, None where that is no question.
    """

    verdict: Verdict
    seen: int
    unvaccinated: int
    rule: Rule
    lacking: int
    now: Rule | None


def acceptance(n: int, d: int, coverage: float, lot: int | None = None) -> float:
    """How often at most d of n people are unvaccinated where that share of the lot is vaccinated.

    d: -1 accepts nothing. lot: people in it, for a lot that is not many times larger than n; its unvaccinated are
    rounded up to a whole number, against accepting. Raises ValueError for numbers out of range.
    """
    if n < 1 or not -1 <= d <= n or not 0 <= coverage <= 1 or (lot is not None and lot < n):
        raise ValueError(f"n = {n}, d = {d}, coverage {coverage}, lot {lot}")
    if lot is None:
        chances = (math.comb(n, bad) * (1 - coverage) ** bad * coverage ** (n - bad) for bad in range(d + 1))
        return min(1.0, math.fsum(chances))
    # A share such as 1 - 0.9 lies a hair above the tenth that is meant.
    bad_of_lot = math.ceil(lot * (1 - coverage) - 1e-9)
    ways = sum(math.comb(bad_of_lot, bad) * math.comb(lot - bad_of_lot, n - bad) for bad in range(d + 1))
    return ways / math.comb(lot, n)


def choose(n: int, lower: float, upper: float, risk: float, lot: int | None = None) -> Rule:
    """The rule for n people that accepts most lots of those that accept a bad one at most that often.

    risk: how often a lot with coverage ``lower`` may be accepted, 0..1. Where even d = 0 accepts it more often, d is
    -1: n people are too few to accept anything, and more are needed. Raises ValueError unless 0 <= lower < upper <= 1.
    """
    if not 0 <= lower < upper <= 1:
        raise ValueError(f"lower {lower}, upper {upper}")
    d = -1
    while d < n and acceptance(n, d + 1, lower, lot) <= risk:
        d += 1
    return Rule(n, d, lower, upper, lot)


def smallest(lower: float, upper: float, accepting: float, refusing: float, most: int = 2000) -> Rule | None:
    """The rule with the fewest people that keeps both risks; None where even ``most`` people are too few.

    accepting, refusing: how often a bad lot may be accepted, and a good one refused.
    """
    for n in range(1, most + 1):
        rule = choose(n, lower, upper, accepting)
        if rule.d >= 0 and rule.wrongly_refused <= refusing:
            return rule
    return None


def characteristic(rule: Rule, coverages: Sequence[float]) -> list[tuple[float, float]]:
    """The operating characteristic: each coverage with how often the rule accepts such a lot."""
    return [(coverage, acceptance(rule.n, rule.d, coverage, rule.lot)) for coverage in coverages]


def judge(rule: Rule, risk: float, seen: int, vaccinated: int) -> Judgement:
    """What findings say of a lot. risk: how often a bad lot may be accepted.

    With fewer people seen than planned a lot is refused as soon as more are unvaccinated than allowed, since the others
    cannot change it, and is open else. With more, the rule for as many people holds.
    """
    unvaccinated = seen - vaccinated
    if seen > rule.n:
        lot = rule.lot if rule.lot is not None and rule.lot >= seen else None
        rule = choose(seen, rule.lower, rule.upper, risk, lot)
    if unvaccinated > rule.d:
        return Judgement(Verdict.REFUSED, seen, unvaccinated, rule, max(0, rule.n - seen), None)
    if seen < rule.n:
        now = choose(seen, rule.lower, rule.upper, risk, rule.lot) if seen else None
        return Judgement(Verdict.OPEN, seen, unvaccinated, rule, rule.n - seen, now)
    return Judgement(Verdict.ACCEPTED, seen, unvaccinated, rule, 0, None)


def draw(frame: Mapping[str, Sequence[str]], number: int, seed: str) -> list[tuple[str, str]]:
    """Houses drawn at random, spread over the hamlets by their size; every house has the same chance.

    frame: the houses of each hamlet by lasting names. number: how many; all of them where there are no more. Returns
    (hamlet, house) in an order that is random too, so that any first part of it is a sample itself. One seed and one
    frame always give the same draw, on every machine and in every version: SHA-256 is all the chance there is.
    Method: the hamlets one after another, in each the houses in random order, and every k-th of all from a random
    start on (a systematic sample, so that a hamlet has its share rounded down or up).
    """
    line = [
        (hamlet, house)
        for hamlet in sorted(frame)
        for house in sorted(frame[hamlet], key=lambda house: (_chance(seed, "house", hamlet, house), house))
    ]
    if number >= len(line):
        chosen = line
    else:
        step, start = len(line) / number, _chance(seed, "start")
        chosen = [line[math.floor((start + place) * step)] for place in range(number)]
    return sorted(chosen, key=lambda one: (_chance(seed, "order", *one), one))


def fingerprint(frame: Mapping[str, Sequence[str]]) -> str:
    """SHA-256 of a frame: whether a later one is the same, without keeping it."""
    told = hashlib.sha256()
    for hamlet in sorted(frame):
        for house in sorted(frame[hamlet]):
            told.update(f"{hamlet}\t{house}\n".encode())
    return told.hexdigest()


def _chance(*words: str) -> float:
    """A number in 0..1 that looks random and is always the same for the same words."""
    made = hashlib.sha256("\t".join(words).encode()).digest()
    return int.from_bytes(made[:8], "big") / 2**64
