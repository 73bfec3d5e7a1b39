"""What a scenario changes in what a plan is made from: levels by day, closed units, who comes first, crowds, teams."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from mapper.domain.plan import DueHouse, DuePerson, FieldTeam, PlanGiven, Scenario
from mapper.domain.planning import PlanningRules
from mapper.domain.sites import Site, SiteKind

STEP = 3.0
"""Whoever is named in a scenario's order counts as so many of those named next, the last as so many of those not named.

Sites are chosen by such weights, so that very many of the next may outweigh a few of the first; doses that do not
suffice go by them strictly.
"""


@dataclass(frozen=True, slots=True)
class Conditions:
    """What holds in the days of a plan. days: on which anybody works; levels: by unit, the days from which each holds.

    closed: units that nobody walks into or out of. teams: those that go out, with the doses that they may give.
    """

    scenario: Scenario
    rules: PlanningRules
    days: tuple[date, ...]
    levels: Mapping[str, tuple[tuple[date, int], ...]]
    closed: frozenset[str]
    teams: tuple[FieldTeam, ...]

    def level(self, unit: str | None, day: date) -> int | None:
        """Of an innermost unit on a day; None where none is known."""
        told = self.levels.get(unit, ()) if unit is not None else ()
        number = bisect_right(told, day, key=lambda one: one[0])
        return told[number - 1][1] if number else self.scenario.level

    def crowd(self, unit: str | None, day: date) -> int | None:
        """People at one site of a unit on a day at most; None for no such limit."""
        level = self.level(unit, day)
        return self.scenario.crowd.get(level) if level is not None else None

    def room(self, site: Site, unit: str | None, day: date) -> int | None:
        """People whom a site can have on a day, by its own capacity and the crowd that is allowed; None for any."""
        limits = [one for one in (site.capacity, self.crowd(unit, day)) if one is not None]
        return min(limits, default=None)

    def room_in_all(self, site: Site, unit: str | None, mobile_days: int) -> int | None:
        """People whom a site can have in the plan, None for any: a mobile one on whichever days a team comes."""
        rooms = [self.room(site, unit, day) for day in self.days]
        if site.kind is SiteKind.MOBILE:
            rooms = sorted(rooms, key=lambda one: math.inf if one is None else one)[:mobile_days]
        limits = [one for one in rooms if one is not None]
        return sum(limits) if len(limits) == len(rooms) else None

    def weight(self, person: DuePerson, unit: str | None) -> float:
        """How many others somebody counts as, by the scenario's order or planning.toml, and the level of their unit."""
        level = self.level(unit, person.on)
        return self._precedence(person.precedences) * (
            self.scenario.weigh.get(level, 1.0) if level is not None else 1.0
        )

    def _precedence(self, held: Sequence[int]) -> float:
        order = self.scenario.order
        if not order:
            return self.rules.needs(held).weight
        codes = {self.rules.precedences[place].code for place in held}
        first = next((place for place, code in enumerate(order) if code in codes), len(order))
        return STEP ** (len(order) - first)

    def crosses(self, home: str | None, other: str | None) -> bool:
        """Whether a way from one unit to another leads over the border of a closed one."""
        return home != other and (home in self.closed or other in self.closed)


def conditions(given: PlanGiven, rules: PlanningRules) -> Conditions:
    """What a question's scenario makes of the levels entered and of its teams.

    A unit that is of a closed level on any day of the plan is closed in all of it, so that the sites chosen hold
    whichever day people are asked to come on.
    """
    question, scenario = given.question, given.question.scenario
    told: dict[str, dict[date, int]] = {}
    own = {unit for unit, _, _ in scenario.levels}
    entered = given.levels if scenario.as_entered else ()
    # What a scenario says of a unit takes the place of all that was entered for it from its first day on.
    begins = {unit: min(day for one, day, _ in scenario.levels if one == unit) for unit in own}
    for unit, day, level in entered:
        if unit not in begins or day < begins[unit]:
            told.setdefault(unit, {})[day] = level
    for unit, day, level in scenario.levels:
        told.setdefault(unit, {})[day] = level
    levels = {unit: tuple(sorted(days.items())) for unit, days in sorted(told.items())}
    teams = tuple(_limited(one, scenario) for one in question.teams[: scenario.teams])
    made = Conditions(scenario, rules, tuple(question.working_days), levels, frozenset(scenario.closed), teams)
    if scenario.closed_from is None:
        return made
    lowest, every = scenario.closed_from, {*given.names, *levels, *given.units.values()}
    every |= {home for house in given.houses if (home := unit_of_house(house)) is not None}
    shut = {unit for unit in every if any((made.level(unit, day) or 0) >= lowest for day in made.days)}
    return replace(made, closed=made.closed | shut)


def own_days(team: FieldTeam, given: PlanGiven, held: Conditions) -> list[date]:
    """The days of a plan on which a team works: its own, or every working day."""
    question = given.question
    if team.days:
        return sorted({day for day in team.days if question.first <= day <= question.last})
    return list(held.days)


def _limited(team: FieldTeam, scenario: Scenario) -> FieldTeam:
    limits = [one for one in (team.doses, scenario.doses_a_day) if one is not None]
    return replace(team, doses=min(limits, default=None))


def unit_of_house(house: DueHouse) -> str | None:
    """The innermost unit of a house; the commune it was told in where its position says none."""
    return house.unit or house.commune_code
