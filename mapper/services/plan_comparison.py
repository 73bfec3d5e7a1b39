"""Made plans side by side: whom each serves, with what, and who has a place in one and not in another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from mapper.domain.made_plan import MadePlan, Unserved
from mapper.domain.plan import PlanGiven
from mapper.errors import InvalidQuestion, mark
from mapper.services.scenarios import unit_of_house

FEWEST, MOST = 2, 4
"""Plans that stand side by side."""

K = TypeVar("K")

Key = tuple[str, str]
"""Ids of a house and of a person."""


@dataclass(frozen=True, slots=True)
class Part:
    """People due of whom one thing holds, and how many of them are served."""

    due: int
    served: int


@dataclass(frozen=True, slots=True)
class Figures:
    """A plan in figures.

    days: on which anybody is vaccinated. vials: by formulation, those kept ready among them. way_m: of all teams.
    precedences: by position of those of planning.toml, None for people of none; somebody may be of several. units: by
    innermost unit, "" where none is known.
    """

    label: str
    people: int
    served: int
    at_home: int
    sites: int
    sessions: int
    days: int
    team_days: int
    doses: int
    vials: Mapping[str, int]
    way_m: float
    gap: float
    precedences: Mapping[int | None, Part]
    units: Mapping[str, Part]
    unserved: Mapping[Unserved, int]


@dataclass(frozen=True, slots=True)
class Difference:
    """What another plan has more than the first one; less is below 0.

    gained: people with a place in the other alone; lost: in the first alone. moved: people with another site, or who
    are visited instead; other_day: who keep their site and come on another day. Ids of house and person, in order.
    """

    people: int
    served: int
    sites: int
    team_days: int
    doses: int
    way_m: float
    vials: Mapping[str, int]
    precedences: Mapping[int | None, int]
    units: Mapping[str, int]
    gained: tuple[Key, ...]
    lost: tuple[Key, ...]
    moved: tuple[Key, ...]
    other_day: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Plans side by side. differences: of each but the first, in their order, from the first."""

    figures: tuple[Figures, ...]
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class Compared:
    """A plan to be set beside others. label: as its reader knows it."""

    label: str
    given: PlanGiven
    made: MadePlan


def compare(plans: Sequence[Compared]) -> Comparison:
    """Two to four plans side by side. Raises InvalidQuestion for fewer or more."""
    if not FEWEST <= len(plans) <= MOST:
        raise InvalidQuestion(
            mark("Choose {fewest} to {most} plans to set side by side, not {number}."),
            fewest=FEWEST,
            most=MOST,
            number=len(plans),
        )
    figures = tuple(figures_of(one) for one in plans)
    seats = [_seats(one.made) for one in plans]
    return Comparison(
        figures,
        tuple(
            _difference(figures[0], other, seats[0], seated)
            for other, seated in zip(figures[1:], seats[1:], strict=True)
        ),
    )


def figures_of(plan: Compared) -> Figures:
    """One plan in figures."""
    given, made = plan.given, plan.made
    seats = _seats(made)
    due_by, served_by = Counter[int | None](), Counter[int | None]()
    due_in, served_in = Counter[str](), Counter[str]()
    for house in given.houses:
        unit = unit_of_house(house) or ""
        for person in house.people:
            has = (house.id, person.id) in seats
            due_in[unit] += 1
            served_in[unit] += has
            for place in person.precedences or (None,):
                due_by[place] += 1
                served_by[place] += has
    visits = {person.day for house in made.homes for person in house.people if person.day is not None}
    sessions = [session.day for site in made.sites for session in site.sessions]
    return Figures(
        plan.label,
        made.people,
        made.served,
        sum(len(house.people) for house in made.homes),
        len(made.sites),
        len(sessions),
        len({*sessions, *visits}),
        len(made.days),
        sum(len(person.due) for house, _ in made.houses() for person in house.people),
        {need.formulation: need.ready for need in made.needs},
        made.way_m,
        made.quality.gap,
        {place: Part(due_by[place], served_by[place]) for place in sorted(due_by, key=_last_none)},
        {unit: Part(due_in[unit], served_in[unit]) for unit in sorted(due_in)},
        made.by_why(),
    )


def _last_none(place: int | None) -> tuple[bool, int]:
    return place is None, place or 0


def _seats(made: MadePlan) -> dict[Key, tuple[str, date | None]]:
    """The site of each person, "" at home, and the day."""
    return {
        (house.id, person.id): (site.site.code if site is not None else "", person.day)
        for house, site in made.houses()
        for person in house.people
    }


def _difference(
    first: Figures,
    other: Figures,
    before: Mapping[Key, tuple[str, date | None]],
    after: Mapping[Key, tuple[str, date | None]],
) -> Difference:
    both = sorted(before.keys() & after.keys())
    return Difference(
        other.people - first.people,
        other.served - first.served,
        other.sites - first.sites,
        other.team_days - first.team_days,
        other.doses - first.doses,
        other.way_m - first.way_m,
        _less(first.vials, other.vials),
        _less(_served(first.precedences), _served(other.precedences)),
        _less(_served(first.units), _served(other.units)),
        tuple(sorted(after.keys() - before.keys())),
        tuple(sorted(before.keys() - after.keys())),
        tuple(one for one in both if before[one][0] != after[one][0]),
        tuple(one for one in both if before[one][0] == after[one][0] and before[one][1] != after[one][1]),
    )


def _served(parts: Mapping[K, Part]) -> Mapping[K, int]:
    return {key: part.served for key, part in parts.items()}


def _less(first: Mapping[K, int], other: Mapping[K, int]) -> dict[K, int]:
    """What the other has more than the first, key by key, without those alike."""
    keys: Iterable[K] = [*first, *(key for key in other if key not in first)]
    return {key: more for key in keys if (more := other.get(key, 0) - first.get(key, 0))}
