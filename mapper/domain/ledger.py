"""The ledger: for a group, a dose and a day, every person is in exactly one state.

``state_on`` is the one rule. ``steps`` writes a person's way through a campaign as dated changes of that
state, so that a running sum of steps answers any day, past or coming, and always agrees with the rule.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import NamedTuple

from mapper.domain.campaign import Campaign, Group, Period, ScheduledDose
from mapper.domain.people import AWAY, Dose, Person


class State(StrEnum):
    """Where a person stands for one group and dose on one day."""

    OUTSIDE = "outside"
    AWAY = "away"
    VACCINATED = "vaccinated"
    CONTRAINDICATED = "contraindicated"
    REFUSED = "refused"
    DEFERRED = "deferred"
    UNKNOWN = "unknown"
    WAITING = "waiting"
    DUE = "due"


INSIDE: tuple[State, ...] = tuple(state for state in State if state is not State.OUTSIDE)
"""The states a tally counts, in the order of its columns; people outside the group are the rest."""

ELIGIBLE = frozenset({State.VACCINATED, State.REFUSED, State.DEFERRED, State.WAITING, State.DUE})
"""The denominator of coverage: in the group, here, free to be vaccinated, and known."""


NEVER = date.max.toordinal()
"""A day that does not come: the end of what does not end."""

MOVES: tuple[tuple[State | None, State | None], ...] = tuple(
    (left, entered) for left in (*INSIDE, None) for entered in (*INSIDE, None)
)
"""Every way from one state into another, (left, entered), where None is outside the group; ``moves`` numbers them."""

# States by number, in the order of INSIDE and then outside, since a number is found and compared in no time.
_AWAY, _VACCINATED, _CONTRAINDICATED, _REFUSED, _DEFERRED, _UNKNOWN, _WAITING, _DUE, _OUTSIDE = range(9)
_STATES: tuple[State, ...] = (*INSIDE, State.OUTSIDE)
_LASTING = frozenset({_AWAY, _VACCINATED, _OUTSIDE})
"""States that someone in a group stays in whatever the day."""


def _day(dose: Dose) -> date:
    """The day of a dose; an undated one comes after all others."""
    return dose.given_on or date.max


class Course:
    """What holds of a person in every group, looked up once: doses by code, and days as ordinals.

    free: nothing but doses, given and to be given, decides where the person stands.
    Where a code stands twice the earlier date counts, and a dated dose before an undated one. The series was begun
    with the earliest dose, or with the one told first where that has no date.
    """

    __slots__ = ("away", "by_code", "deferred_until", "first_vaccine", "free", "person", "reported")

    def __init__(self, person: Person) -> None:
        self.person = person
        self.away = person.residence in AWAY
        self.reported = person.reported_on.toordinal()
        self.deferred_until = person.deferred_until.toordinal() if person.deferred_until else 0
        hindered = person.contraindicated or person.refused or self.deferred_until or person.vaccination_unknown
        self.free = not (self.away or hindered or person.infected_on)
        self.by_code: dict[str, Dose] = {}
        first: Dose | None = None
        for dose in person.doses:
            held = self.by_code.get(dose.code)
            if held is None or _day(dose) < _day(held):
                self.by_code[dose.code] = dose
            if first is None or (first.given_on is not None and _day(dose) < first.given_on):
                first = dose
        self.first_vaccine = (first.vaccine or "") if first else ""


def _given(course: Course, dose: ScheduledDose) -> Dose | None:
    """The person's dose that counts as the scheduled one: the earliest, where an earlier one may stand for it."""
    given = course.by_code.get(dose.code)
    for vaccine, code in dose.given_by_vaccine.items():
        other = course.by_code.get(code)
        if other is not None and other.vaccine == vaccine and (given is None or _day(other) < _day(given)):
            given = other
    return given


def _turn(course: Course, dose: ScheduledDose, given: Dose | None) -> tuple[bool, int]:
    """Whether a dose is not for the person, and the day, as ordinal, from which it may be given."""
    before = dose.after_by_vaccine.get(course.first_vaccine, dose.after) if dose.after_by_vaccine else dose.after
    previous = course.by_code.get(before) if before is not None else None
    if dose.only_vaccines and given is None:
        not_for_them = previous is None or (previous.vaccine or "") not in dose.only_vaccines
    else:
        not_for_them = False
    if before is None:
        return not_for_them, 0
    if previous is None:
        return not_for_them, NEVER
    if previous.given_on is None:
        return not_for_them, course.reported
    interval = dose.interval
    if dose.interval_by_vaccine:
        interval = dose.interval_by_vaccine.get(previous.vaccine or "", interval)
    return not_for_them, interval.after(previous.given_on).toordinal()


class Membership:
    """The days, as ordinals from ``start`` up to but not including ``end``, on which a person is in a group.

    unknown: nobody can say, since the group asks for an age and the person has none; then the days are all.
    An empty span means never.
    """

    __slots__ = ("end", "start", "unknown")

    def __init__(self, person: Person, group: Group) -> None:
        self.start, self.end, self.unknown = 1, NEVER, False
        from_age = group.from_age
        asks_age = from_age is not None or group.to_age is not None
        if group.priorities:
            has_priority = not group.priorities.isdisjoint(person.priorities)
            if has_priority and group.either:
                return
            if not has_priority and group.also_from_age is not None:
                from_age, asks_age = group.also_from_age, True
            elif not has_priority and not (group.either and asks_age):
                self.end = self.start
                return
        if not asks_age:
            return
        born = person.born_on
        if born is None:
            self.unknown = True
            return
        self.start = (from_age.after(born) if from_age else born).toordinal()
        self.end = group.to_age.after(born).toordinal() if group.to_age else NEVER


class Standing:
    """One person before one dose of a schedule: every day that matters, as ordinals, worked out once.

    ``on`` is the rule of the ledger for somebody who is in the group.
    """

    __slots__ = ("course", "given", "infected_end", "infected_start", "not_for_them", "ready", "undated")

    def __init__(self, course: Course, dose: ScheduledDose, after_infection: Period | None) -> None:
        person = course.person
        self.course = course
        self.infected_start = self.infected_end = NEVER
        if after_infection is not None and person.infected_on is not None:
            self.infected_start = person.infected_on.toordinal()
            self.infected_end = after_infection.after(person.infected_on).toordinal()
        given = _given(course, dose)
        self.undated = given is not None and given.given_on is None
        self.given = NEVER if given is None else (given.given_on or person.reported_on).toordinal()
        self.not_for_them, self.ready = _turn(course, dose, given)

    def on(self, day: int) -> int:
        """The number of the state on a day, the first that holds of those that ``state_on`` lists."""
        course = self.course
        person = course.person
        if self.not_for_them:
            return _OUTSIDE
        if course.away:
            return _AWAY
        if self.given <= day:
            return _VACCINATED
        if self.undated:
            return _UNKNOWN
        if person.contraindicated:
            return _CONTRAINDICATED
        if day >= course.reported:
            if person.refused:
                return _REFUSED
            if day < course.deferred_until:
                return _DEFERRED
        if self.infected_start <= day < self.infected_end:
            return _DEFERRED
        if person.vaccination_unknown:
            return _UNKNOWN
        return _WAITING if day < self.ready else _DUE

    def since(self, first: int) -> list[tuple[int, int]]:
        """The states from a day on: (day, number of the state entered), in order, each unlike the one before."""
        states = [(first, self.on(first))]
        if states[0][1] in _LASTING:
            return states
        course = self.course
        days = {self.given, self.ready}
        if course.person.refused or course.deferred_until:
            days.update((course.reported, course.deferred_until))
        if self.infected_start != NEVER:
            days.update((self.infected_start, self.infected_end))
        for day in sorted(days):
            if first < day < NEVER:
                state = self.on(day)
                if state != states[-1][1]:
                    states.append((day, state))
        return states


def state_on(person: Person, group: Group, dose: ScheduledDose, day: date) -> State:
    """The state of one person for one group and dose on one day.

    The first that holds: unknown, when the group asks for an age and there is none; outside the group; away or
    moved out; vaccinated; contraindicated; refused; deferred (until a date, or after an infection); unknown;
    waiting for an earlier dose or for its interval; due. A refusal or deferral holds from the day it was
    reported; an undated dose counts from then, and is unknown before. A dose for which the schedule lets an earlier
    one stand is given on the day of that one. What is known of a person is what the latest interview says, on every
    day asked.
    """
    return standing_on(person, group, dose, day)[0]


def standing_on(person: Person, group: Group, dose: ScheduledDose, day: date) -> tuple[State, Standing | None]:
    """The same with what it was found by; None for somebody who is not in the group, or of whom nobody can say."""
    member = Membership(person, group)
    if member.unknown:
        return State.UNKNOWN, None
    if not member.start <= day.toordinal() < member.end:
        return State.OUTSIDE, None
    standing = Standing(Course(person), dose, group.after_infection)
    return _STATES[standing.on(day.toordinal())], standing


class Step(NamedTuple):
    """On ``day`` a person leaves one state of a series and enters another; None is outside the group.

    series: position in ``Campaign.series``. day: proleptic ordinal, ``date.toordinal``.
    """

    series: int
    day: int
    left: State | None
    entered: State | None


def steps(person: Person, campaign: Campaign) -> list[Step]:
    """A person's way through every series of a campaign, from its first day on.

    The sum of the steps up to a day puts the person into ``state_on`` of that day, for every day from
    ``campaign.start`` to ``campaign.until``; what happened before is in the first step.
    """
    way = iter(moves(person, campaign))
    return [Step(series, day, *MOVES[move]) for series, day, move in zip(way, way, way, strict=True)]


def moves(person: Person, campaign: Campaign) -> list[int]:
    """The same steps as plain numbers, one after another: series, day, place in MOVES."""
    course = Course(person)
    first, last = campaign.start.toordinal(), campaign.until.toordinal()
    ways: dict[int, list[tuple[int, int]]] = {}
    found: list[int] = []
    born = person.born_on.toordinal() if person.born_on else 0
    for (group, scheduled), (earliest, latest) in zip(campaign.schedule, campaign.births, strict=True):
        if born and not earliest <= born <= latest:
            continue
        member = Membership(person, group)
        start, end = max(member.start, first), member.end
        if start >= end or start > last:
            continue
        for series, rule, dose in scheduled:
            if member.unknown:
                found += (series, first, 9 * _OUTSIDE + _UNKNOWN)
                continue
            way = ways.get(rule)
            if way is None:
                way = ways[rule] = _way(course, dose, group.after_infection, first)
            left = _OUTSIDE
            for place, (day, entered) in enumerate(way):
                if day >= end or day > last:
                    break
                if day < start:
                    if place + 1 < len(way) and way[place + 1][0] <= start:
                        continue
                    day = start
                if entered != left:
                    found += (series, day, 9 * left + entered)
                    left = entered
            if left != _OUTSIDE and end <= last and end < NEVER:
                found += (series, end, 9 * left + _OUTSIDE)
    return found


def _way(course: Course, dose: ScheduledDose, after_infection: Period | None, first: int) -> list[tuple[int, int]]:
    """The states of a person before one dose from a day on, as ``Standing.since`` has them."""
    given = _given(course, dose) if course.free else None
    if not course.free or (given is not None and given.given_on is None):
        return Standing(course, dose, after_infection).since(first)
    # Nearly everybody: nothing but the days of doses decides.
    day = given.given_on.toordinal() if given is not None and given.given_on else NEVER
    if day <= first:
        return [(first, _VACCINATED)]
    not_for_them, ready = _turn(course, dose, given)
    if not_for_them:
        return [(first, _OUTSIDE)]
    way = [(first, _DUE if ready <= first else _WAITING)]
    if first < ready < day:
        way.append((ready, _DUE))
    if day < NEVER:
        way.append((day, _VACCINATED))
    return way
