"""Who comes to a site, from which day on, and whose turn is first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple

from mapper.domain.plan import DueHouse, DuePerson
from mapper.services.scenarios import Conditions, unit_of_house
from mapper.services.site_plan import PlannedSite, Served

TOGETHER_DAYS = 7
"""Nobody waits longer than this for others of their house to fall due."""

MOSTLY = 0.9
"""A team comes once so large a share of the people is due; the others come to a later session or another site."""


class Comer(NamedTuple):
    """Somebody who is to come to a site. ready: from this day on, with those of their house. way_m: to the site.

    doses: that they are due.
    """

    house: DueHouse
    person: DuePerson
    way_m: float
    weight: float
    ready: date
    doses: int


class Weights:
    """How many others somebody counts as, and how far they walk; reckoned once for all of whom the same holds."""

    def __init__(self, held: Conditions) -> None:
        self._held = held
        self._known: dict[str | None, dict[tuple[object, date], tuple[float, float]]] = {}

    def of(self, house: DueHouse, person: DuePerson) -> float:
        """As how many they count."""
        return self._of(house, person)[0]

    def walk_m(self, house: DueHouse, person: DuePerson) -> float:
        """How far they walk at most."""
        return self._of(house, person)[1]

    def of_each(self, house: DueHouse, people: Sequence[DuePerson]) -> list[float]:
        """As how many each of a house's people counts."""
        known = self._known.get(unit_of_house(house), {})
        return [(known.get((one.precedences, one.on)) or self._of(house, one))[0] for one in people]

    def farthest_m(self, house: DueHouse, people: Iterable[DuePerson]) -> float:
        """How far those of a house walk at most who walk farthest."""
        known = self._known.get(unit_of_house(house), {})
        return max([(known.get((one.precedences, one.on)) or self._of(house, one))[1] for one in people])

    def _of(self, house: DueHouse, person: DuePerson) -> tuple[float, float]:
        unit = unit_of_house(house)
        of_unit = self._known.get(unit)
        if of_unit is None:
            of_unit = self._known[unit] = {}
        known = of_unit.get(key := (person.precedences, person.on))
        if known is None:
            limit = self._held.rules.needs(person.precedences).walk_limit_m
            known = of_unit[key] = self._held.weight(person, unit), limit
        return known


def comers_of(site: PlannedSite, weights: Weights, last: date) -> list[Comer]:
    """Whoever is to come to a site: who is ready first, then whose weight is highest; a hamlet together.

    last: day of the plan, after which nobody waits for anybody.
    """
    houses: dict[str, list[Served]] = {}
    for some in site.served:
        houses.setdefault(some.house.id, []).append(some)
    # Hamlet by hamlet and house by house, and then by turn: of turns there are few, of which each is sorted already.
    turns: dict[tuple[date, float], list[Comer]] = {}
    for several in sorted(houses.values(), key=lambda each: (each[0].house.hamlet_code or "", each[0].house.id)):
        people = several[0].people if len(several) == 1 else [one for some in several for one in some.people]
        ready = together(people, last)
        far = [some.way_m for some in several for _ in some.people]
        house = several[0].house
        coming = [
            Comer(house, one, way_m, weight, day, len(one.due))
            for one, way_m, weight, day in zip(people, far, weights.of_each(house, people), ready, strict=True)
        ]
        if len(coming) > 1:
            coming.sort(key=_by_id)
        for comer in coming:
            turn = comer.ready, -comer.weight
            if turn in turns:
                turns[turn].append(comer)
            else:
                turns[turn] = [comer]
    return [one for turn in sorted(turns) for one in turns[turn]]


def _by_id(one: Comer) -> str:
    return one.person.id


def together(people: Sequence[DuePerson], last: date) -> list[date]:
    """From which day on each of a house is ready: all at once, or where that is too late each for themselves."""
    days = [one.on for one in people]
    if days.count(days[0]) == len(days):
        return days
    latest = max(days)
    if latest <= last and (latest - min(days)).days <= TOGETHER_DAYS:
        return [latest] * len(days)
    return days


def mostly_ready(days: Iterable[date]) -> date:
    """The first day by which so many are ready that a team comes."""
    ordered = sorted(days)
    return ordered[mostly_of(len(ordered))]


def mostly_of(people: int) -> int:
    """Whose day that is, of so many in the order of their days."""
    return max(0, -int(-MOSTLY * people // 1) - 1)
