"""Epidemic levels that a plan was made with and that were entered for another boundary set: kept with it, and told."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from mapper.domain.made_plan import MadePlan
from mapper.domain.plan import PlanGiven
from mapper.errors import mark
from mapper.language import translate, written_day
from mapper.services.plan_figures import PlaceNames
from mapper.services.scenarios import unit_of_house

MOST_NAMED = 12
"""Units named in one sentence; of more their number is told."""


@dataclass(frozen=True, slots=True)
class CarriedLevel:
    """A level that a plan reckoned with in a unit. until: the day from which another takes its place, None for never.

    set_id: the boundary set for whose units it was entered.
    """

    unit: str
    from_day: date
    until: date | None
    level: int
    set_id: str

    def holds_on(self, day: date) -> bool:
        """Whether it is the level of its unit on a day."""
        return self.from_day <= day and (self.until is None or day < self.until)


def carried_into(given: PlanGiven, made: MadePlan) -> list[CarriedLevel]:
    """Those that counted in a plan: of units of its houses and sites, unless its scenario says another level there."""
    scenario = given.question.scenario
    if not scenario.as_entered:
        return []
    sets = {(unit, day): set_id for unit, day, set_id in given.carried}
    units = {unit_of_house(house) for house in given.houses} | {one.unit for one in made.sites} if sets else set()
    days: dict[str, list[date]] = {}
    for unit, day, _ in (*given.levels, *scenario.levels):
        days.setdefault(unit, []).append(day)
    wished = {unit: min(day for one, day, _ in scenario.levels if one == unit) for unit, _, _ in scenario.levels}
    found = []
    for unit, day, level in given.levels:
        set_id = sets.get((unit, day))
        until = min((other for other in days[unit] if other > day), default=None)
        replaced = unit in wished and wished[unit] <= max(day, given.question.first)
        if set_id and unit in units and not replaced:
            found.append(CarriedLevel(unit, day, until, level, set_id))
    return found


def written(levels: Sequence[CarriedLevel]) -> list[list[object]]:
    """As they are kept with a plan."""
    return [
        [one.unit, one.from_day.isoformat(), one.until and one.until.isoformat(), one.level, one.set_id]
        for one in levels
    ]


def carried_in(made_with: str | None) -> list[CarriedLevel]:
    """Those kept with a plan; none where it is not made, or was made before they were kept."""
    return [
        CarriedLevel(unit, date.fromisoformat(day), date.fromisoformat(until) if until else None, level, set_id)
        for unit, day, until, level, set_id in json.loads(made_with or "{}").get("carried", ())
    ]


def sentences(levels: Collection[CarriedLevel], names: PlaceNames, language: str) -> list[str]:
    """For each set from which levels were carried over, which units have which; empty where none were."""
    found = []
    for set_id in sorted({one.set_id for one in levels}):
        several = [one for one in levels if one.set_id == set_id]
        each = mark("{unit} level {level} from {day}")
        told = [
            translate(
                each, language, unit=names.unit(one.unit), level=one.level, day=written_day(one.from_day, language)
            )
            for one in several[:MOST_NAMED]
        ]
        if len(several) > MOST_NAMED:
            told.append(translate(mark("and {number} more"), language, number=len(several) - MOST_NAMED))
        words = mark("Epidemic levels entered for the boundaries {set} were carried over for this plan: {places}.")
        found.append(translate(words, language, set=_label(names, set_id), places="; ".join(told)))
    return found


def of_site(levels: Collection[CarriedLevel], unit: str | None, day: date, names: PlaceNames, language: str) -> str:
    """What is told of the level at a site on a day; "" unless it was carried over."""
    one = next((one for one in levels if one.unit == unit and one.holds_on(day)), None)
    if one is None:
        return ""
    words = mark("Epidemic level {level}, carried over from the boundaries {set}")
    return translate(words, language, level=one.level, set=_label(names, one.set_id))


def _label(names: PlaceNames, set_id: str) -> str:
    found = names.known.sets.get(set_id)
    return found.about.label if found else set_id
