"""Very many people on one day: where they stand is worked out once for all of whom the same decides it.

A day of birth, of a dose or of an infection decides no more than whether some age, interval or wait is over by the day
asked. So most of a commune are of a few hundred kinds, and who of them is due, for what, need not be asked of each.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any

from mapper.domain.campaign import Campaign, Group, Period
from mapper.domain.follow_up import PersonState, Status, status
from mapper.domain.ledger import Course, Standing
from mapper.domain.people import AWAY, Person
from mapper.domain.plan import DuePerson
from mapper.domain.planning import PlanningRules
from mapper.store.follow_up import Deciding, DoseTold, day_told

MOST = 65_536
"""Kinds, or days, that are remembered."""


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
        self._born = _Spans(_over_by(ages, today) | planned)
        self._given = _Spans(_over_by(waits, today))
        self._infected = _Spans(_over_by((group.after_infection for group in campaign.groups), today))
        self._reported = self._deferred = _Spans({today.toordinal()})
        self._known: dict[tuple[Any, ...], Kind] = {}

    def of(self, one: Deciding) -> Kind:
        """What somebody is of."""
        _, reported, born, residence, priorities, barred, deferred, infected, refused, unknown, doses = one
        given = self._given
        key = (
            self._born[born],
            residence,
            priorities,
            barred,
            refused,
            unknown,
            self._reported[reported],
            self._deferred[deferred],
            self._infected[infected],
            *[(code, given[day], vaccine) for code, day, vaccine in doses],
            _order(doses) if len(doses) > 1 else (),
        )
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= MOST:
                self._known.clear()
            found = self._known[key] = self._made(one)
        return found

    def _made(self, one: Deciding) -> Kind:
        person = one.person()
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


class _Spans(dict[Any, int]):
    """Days as the driver gives them -> between which of some days they lie; each is read once."""

    def __init__(self, ends: Iterable[int]) -> None:
        self._ends = sorted(ends)

    def __missing__(self, told: Any) -> int:
        if len(self) >= MOST:
            self.clear()
        found = self[told] = -1 if told is None else bisect_left(self._ends, day_told(told).toordinal())
        return found


def _over_by(periods: Iterable[Period | None], day: date) -> set[int]:
    """The last days on which these may begin to be over by a day, and that day itself."""
    return {day.toordinal()} | {one.over_by(day) for one in set(periods) if one is not None}


def _order(doses: Sequence[DoseTold]) -> tuple[int, ...]:
    """Which of several doses came before which; nothing where they are told one after another, as nearly all are."""
    days = [day for _, day, _ in doses]
    if None not in days and all(one < next_ for one, next_ in pairwise(days)):
        return ()
    told = [date.max if day is None else day_told(day) for day in days]
    ranks = sorted(set(told))
    return tuple(ranks.index(day) for day in told)
