"""Which doses will be asked for on which day: everybody's, by the same rule that says who is due today."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import NamedTuple

from mapper.domain.campaign import Campaign
from mapper.domain.follow_up import DueDose, status
from mapper.domain.people import Dose, Person
from mapper.domain.planning import PlanningRules

UNKNOWN = ""
"""Stands for the formulation of a dose that no vaccine of planning.toml may be given for."""


ANYBODY = ""
"""Stands for the dose where people who are due are counted, whatever for."""


class ComingDose(NamedTuple):
    """A dose from the first day on which it may be given. formulation: code in planning.toml, or UNKNOWN."""

    day: date
    dose: str
    formulation: str


@dataclass(frozen=True, slots=True)
class Horizon:
    """From which day to which doses are foreseen, both among them.

    follow: as if every dose were given on the day on which it falls due, so that the next ones follow by their
    intervals; else only what is known from the doses given so far.
    """

    first: date
    last: date
    follow: bool = False


def doses_coming(person: Person, campaign: Campaign, rules: PlanningRules, horizon: Horizon) -> list[ComingDose]:
    """The doses that somebody is due for on the first day, and those that fall due until the last; each once.

    The formulation is the first of planning.toml that the dose's vaccines and the age on that day allow.
    """
    found: dict[str, ComingDose] = {}
    on = horizon.first
    while True:
        stands = status(person, campaign, on)
        new = [dose for dose in stands.due if dose.code not in found]
        for dose in new:
            formulation = rules.formulation_for(dose.vaccines, person.born_on, on)
            found[dose.code] = ComingDose(on, dose.code, formulation.code if formulation else UNKNOWN)
        if new and horizon.follow:
            given = tuple(Dose(dose.code, on, _given(dose, person, rules, on)) for dose in new)
            person = replace(person, doses=(*_others(person.doses, new), *given))
            continue
        if stands.next_on is None or not on < stands.next_on <= horizon.last:
            return list(found.values())
        on = stands.next_on


def _given(dose: DueDose, person: Person, rules: PlanningRules, day: date) -> str | None:
    formulation = rules.formulation_for(dose.vaccines, person.born_on, day)
    return formulation.vaccine if formulation else next(iter(dose.vaccines), None)


def _others(doses: Sequence[Dose], new: Sequence[DueDose]) -> list[Dose]:
    """Doses without those that a plan puts a day to."""
    codes = {dose.code for dose in new}
    return [one for one in doses if one.code not in codes]
