"""Doses that do not suffice for everybody: who comes first gets them, by weight and then by the shortest way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mapper.domain.plan import DuePerson

Key = tuple[str, str]
"""Ids of a house and of a person."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Somebody who could be vaccinated. way_m: to their site. at_home: a team comes to them, which takes longer."""

    house: str
    person: DuePerson
    weight: float
    way_m: float = 0.0
    at_home: bool = False

    @property
    def key(self) -> Key:
        """The person."""
        return self.house, self.person.id

    @property
    def turn(self) -> tuple[float, bool, float, str, str]:
        """Those of more weight first, then those who come to a site, then those of shorter ways."""
        return -self.weight, self.at_home, self.way_m, self.house, self.person.id


def shares(claims: Iterable[Claim], doses: int) -> Mapping[float, float]:
    """As ``shares_of`` has it of these."""
    wanted = Counter[float]()
    for one in claims:
        wanted[one.weight] += len(one.person.due)
    return shares_of(wanted, doses)


def shares_of(wanted: Mapping[float, int], doses: int) -> Mapping[float, float]:
    """By weight the share of those of it for whom doses suffice, once all of more weight have theirs; none of no share.

    wanted: doses by weight. Where doses suffice for everybody it is 1 for each weight.
    """
    found = {}
    for weight in sorted(wanted, reverse=True):
        if doses <= 0:
            break
        found[weight] = min(1.0, doses / wanted[weight])
        doses -= wanted[weight]
    return found


def who_gets(claims: Iterable[Claim], doses: int) -> tuple[set[Key], int]:
    """Who is given all doses due, one after another in their turn; and how many doses are left."""
    found = set()
    for one in sorted(claims, key=lambda each: each.turn):
        if len(one.person.due) <= doses:
            doses -= len(one.person.due)
            found.add(one.key)
    return found, doses
