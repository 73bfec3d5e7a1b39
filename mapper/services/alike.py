"""Very many people on one day: where they stand is worked out once for all of whom the same decides it.

A day of birth, of a dose or of an infection decides no more than whether some age, interval or wait is over by the day
asked. So most of a commune are of a few hundred kinds, and who of them is due, for what, need not be asked of each.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from mapper.domain.campaign import Campaign, Group, Period
from mapper.domain.follow_up import PersonState, Status, status
from mapper.domain.ledger import Course, Standing
from mapper.domain.people import AWAY, Person
from mapper.domain.plan import DuePerson
from mapper.domain.planning import PlanningRules
from mapper.services.kept_people import NEVER, OTHERS, Days, Facts, Folk

MOST = 65_536
"""Kinds that are remembered."""

LARGEST = 2**62
"""So many combinations are told apart by one number."""


@dataclass(frozen=True, slots=True)
class Kind:
    """People of whom the same holds on a day. settled: nothing falls due on any later day. due: one of them, if due."""

    stands: Status
    settled: bool
    due: DuePerson | None


class Kinds:
    """The kinds of a campaign's people on a day, each worked out when somebody is first seen who is of it."""

    def __init__(self, campaign: Campaign, rules: PlanningRules, day: date) -> None:
        self._campaign, self._rules, self._day = campaign, rules, day
        # As ``status`` has it: days before the campaign's first or after its last are taken as those.
        today = max(campaign.start, min(day, campaign.until))
        self._today = today
        ages = [age for group in campaign.groups for age in (group.from_age, group.to_age, group.also_from_age)]
        held = [*(one.ages for one in rules.formulations), *(one.ages for one in rules.precedences)]
        planned = _over_by((limit for one in held for limit in (one.start, one.end)), day)
        doses = [dose for _, dose in campaign.series]
        waits = [wait for dose in doses for wait in (dose.interval, *dose.interval_by_vaccine.values())]
        now = {today.toordinal()}
        born = _over_by(ages, today) | planned
        infected = _over_by((group.after_infection for group in campaign.groups), today)
        # As the columns of days come: reported, born, deferred until, infected; then of each dose.
        self._ends = [np.array(sorted(one), np.int32) for one in (now, born, now, infected)]
        self._given = np.array(sorted(_over_by(waits, today)), np.int32)
        self._known: dict[tuple[Facts, bytes], Kind] = {}
        self._stands: dict[tuple[Facts, bytes], Status] = {}

    def of(self, folk: Folk) -> tuple[NDArray[np.int64], list[Kind]]:
        """The kind of each of the people, by its number, and the kinds."""
        spans = self._spans(folk.days)
        one_of, number = _alike(folk.facts, spans)
        if len(self._known) > MOST:
            self._known.clear()
        found = []
        for row, facts in zip(one_of.tolist(), folk.facts[one_of].tolist(), strict=True):
            # Doses that others have and these have not are no part of what they are.
            key = folk.kinds[facts], spans[row, : OTHERS + len(folk.kinds[facts].doses)].tobytes()
            kind = self._known.get(key)
            if kind is None:
                kind = self._known[key] = self._made(folk.person(row))
            found.append(kind)
        return number, found

    def stands(self, folk: Folk, row: int) -> Status:
        """Where somebody stands of whom their kind does not say when they fall due; remembered too."""
        key = folk.kinds[folk.facts[row]], folk.days[row].tobytes()
        found = self._stands.get(key)
        if found is None:
            if len(self._stands) >= MOST:
                self._stands.clear()
            found = self._stands[key] = status(folk.person(row), self._campaign, self._day)
        return found

    def _spans(self, days: Days) -> NDArray[np.int16]:
        """Between which of some days each lies; 0 where none was told."""
        ends = [*self._ends, *[self._given] * (days.shape[1] - OTHERS)]
        found = np.empty(days.shape, np.int16)
        for column, limits in enumerate(ends):
            of_column = days[:, column]
            found[:, column] = np.where(of_column == NEVER, 0, np.searchsorted(limits, of_column) + 1)
        return found

    def _made(self, person: Person) -> Kind:
        stands = status(person, self._campaign, self._day)
        due = due_on(person, stands, self._rules, self._day) if stands.state is PersonState.DUE else None
        return Kind(stands, self._settled(person), due)

    def _settled(self, person: Person) -> bool:
        """Whether nothing that may still come makes a dose due: by what all of a kind have in common alone."""
        if person.residence in AWAY or person.contraindicated or person.vaccination_unknown:
            return True
        today = self._today
        if person.refused and person.reported_on <= today:
            return True
        course = Course(person)
        given = {code for code, dose in course.by_code.items() if dose.given_on is not None and dose.given_on <= today}
        return all(
            dose.code in given or Standing(course, dose, group.after_infection).not_for_them
            for group in self._campaign.groups
            if not self._out_of(person, group)
            for dose in group.doses
        )

    def _out_of(self, person: Person, group: Group) -> bool:
        """Whether somebody is too old for a group, or never has what it asks for."""
        if group.either:
            return False
        if group.priorities and not person.priorities and group.also_from_age is None:
            return True
        born, to_age = person.born_on, group.to_age
        return born is not None and to_age is not None and to_age.after(born) <= self._today


def due_on(person: Person, stands: Status, rules: PlanningRules, day: date) -> DuePerson:
    """Somebody who is due on a day, as a plan sees them."""
    given = ((dose.code, rules.formulation_for(dose.vaccines, person.born_on, day)) for dose in stands.due)
    vials = {code: one.code for code, one in given if one is not None}
    return DuePerson(person.id, day, tuple(dose.code for dose in stands.due), vials, rules.precedences_of(person, day))


def _over_by(periods: Iterable[Period | None], day: date) -> set[int]:
    """The last days on which these may begin to be over by a day, and that day itself."""
    return {day.toordinal()} | {one.over_by(day) for one in set(periods) if one is not None}


def _alike(facts: NDArray[np.int32], spans: NDArray[np.int16]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows alike in everything: the first of each sort, and the sort of each row."""
    number, many = facts.astype(np.int64), int(facts.max(initial=0)) + 1
    for column in spans.T:
        wide = int(column.max(initial=0)) + 1
        if many * wide > LARGEST:
            _, number = np.unique(number, return_inverse=True)
            many = int(number.max(initial=0)) + 1
        number = number * wide + column
        many *= wide
    _, first, sort = np.unique(number, return_index=True, return_inverse=True)
    return first, sort
