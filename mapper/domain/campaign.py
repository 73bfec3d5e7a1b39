"""A campaign as its campaign.toml names it: groups, their doses with intervals, targets, deadlines.

Nothing here knows a vaccine or a question name; both are data of the campaign.
"""

from __future__ import annotations

import calendar
from bisect import bisect_right
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import StrEnum
from fractions import Fraction
from functools import cached_property, lru_cache


@dataclass(frozen=True, slots=True)
class Period:
    """A length of calendar time: whole months, then days. "3 months", "28 days", "12 years"."""

    months: int = 0
    days: int = 0

    def after(self, start: date) -> date:
        """The day this period ends when it begins on start.

        A day that the target month lacks becomes that month's last day (31 August + 6 months is 28 or
        29 February).
        """
        return _after(self.months, self.days, start)

    def over_by(self, end: date) -> int:
        """The last start, as ordinal, from which it is over by a day; ``after`` never falls while starts grow."""
        starts = range(1, date.max.toordinal() + 1)
        return bisect_right(starts, end, key=lambda start: self.after(date.fromordinal(start)))


def days_of(births: tuple[int, int]) -> tuple[date, date] | None:
    """The first and the last of some births as days; None where nobody's can lie there, at an end of the calendar."""
    first, last = births
    if first > date.max.toordinal() or last < date.min.toordinal():
        return None
    return date.fromordinal(first), date.fromordinal(last)


@lru_cache(maxsize=16_384)
def _after(months: int, days: int, start: date) -> date:
    """``Period.after``, kept since many groups ask for one birth's age, and whole hamlets share the day of a dose."""
    month = start.month - 1 + months
    year, month = start.year + month // 12, month % 12 + 1
    if year > date.max.year:
        return date.max
    day = start.day if start.day < 29 else min(start.day, calendar.monthrange(year, month)[1])
    end = date(year, month, day)
    if not days:
        return end
    return end + timedelta(days=days) if date.max - end > timedelta(days=days) else date.max


def working_days_after(day: date, last: date) -> int:
    """Days after one up to and including another that are not Sundays. last: not before ``day``."""
    later = (last - day).days
    # From Monday, day 0, on: Sundays among the days after this one.
    return later - (day.weekday() + later + 1) // 7 + (day.weekday() + 1) // 7


@dataclass(frozen=True, slots=True)
class Label:
    """A name in the interface's languages; Vietnamese stands in where another is missing."""

    vi: str
    en: str = ""

    def __getitem__(self, language: str) -> str:
        return (self.en or self.vi) if language == "en" else self.vi


@dataclass(frozen=True, slots=True)
class ScheduledDose:
    """One dose that a group is to receive.

    after: the dose that must come before, None for a first dose.
    interval: shortest wait after that dose; ``interval_by_vaccine`` overrides it by the vaccine of that dose.
    after_by_vaccine: another preceding dose for people whose first dose was of a given vaccine (a primary
    series of three).
    only_vaccines: when set, the dose concerns only people whose preceding dose was of one of these.
    given_by_vaccine: an earlier dose that already counts as this one where it was of a given vaccine (a primary series
    of one).
    target: share of the group to reach, exact; deadline: the day to reach it by.
    """

    code: str
    after: str | None = None
    interval: Period = Period()
    interval_by_vaccine: dict[str, Period] = field(default_factory=dict)
    after_by_vaccine: dict[str, str] = field(default_factory=dict)
    only_vaccines: frozenset[str] = frozenset()
    given_by_vaccine: dict[str, str] = field(default_factory=dict)
    vaccines: tuple[str, ...] = ()
    same_vaccine: bool = False
    target: Fraction | None = None
    deadline: date | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """People of an age, or of a priority, whose coverage is asked for.

    from_age inclusive, to_age exclusive, both None for any age. priorities: when set, people with one of them.
    either: True joins the two conditions with "or" (65 and older, or ill), False with "and".
    also_from_age: people without a priority who are this old belong to the group as well (18 and older, and ill or 65).
    after_infection: wait after an infection before any dose is due.
    """

    code: str
    label: Label
    doses: tuple[ScheduledDose, ...]
    from_age: Period | None = None
    to_age: Period | None = None
    priorities: frozenset[str] = frozenset()
    either: bool = False
    also_from_age: Period | None = None
    after_infection: Period | None = None

    def births(self, first: date, last: date) -> tuple[int, int]:
        """The first and the last birth, as ordinals, that its ages take in between two days; all if none is asked."""
        earliest, latest = 1, date.max.toordinal()
        if self.to_age and not self.either:
            earliest = self.to_age.over_by(first) + 1
        if self.from_age and not self.either:
            latest = max(age.over_by(last) for age in (self.from_age, self.also_from_age) if age)
        return earliest, latest


class Design(StrEnum):
    """Who is asked: everybody, or people of some hamlets that were drawn by chance."""

    CENSUS = "census"
    CLUSTER_SURVEY = "cluster_survey"


@dataclass(frozen=True)
class Campaign:
    """Everything a campaign.toml says, checked.

    start, until: the first and the last day that figures are kept for; earlier doses count as given by then.
    doses, vaccines: labels by code. values: by field ("residence", "outcome", ...), the form's choice name
    to the register's word.
    accuracy_limit_m: a point less accurate than this is not used to place the household.
    visits_until: the last day on which canvassers are to go from house to house, None where none is named.
    hamlets_file: the CSV beside the form that lists the hamlets (name, label, commune, households).
    design: whether figures are of everybody, or of a sample of hamlets within communes, and need its intervals.
    first_used: of a vaccine the first day on which it can have been given here; none before that can be true.
    """

    id: str
    label: Label
    start: date
    groups: tuple[Group, ...]
    doses: dict[str, Label]
    vaccines: dict[str, Label]
    values: dict[str, dict[str, str]]
    accuracy_limit_m: float = 100.0
    hamlets_file: str | None = None
    source: str = ""
    until: date = date.max
    visits_until: date | None = None
    design: Design = Design.CENSUS
    first_used: dict[str, date] = field(default_factory=dict)

    def working_days(self, day: date) -> int | None:
        """Working days from a day on, itself among them, to the last on which canvassers are to go out.

        Every day but Sundays, and a Sunday that is asked for. None where no last day is named, or it is over.
        """
        if self.visits_until is None or self.visits_until < day:
            return None
        return 1 + working_days_after(day, self.visits_until)

    @cached_property
    def series(self) -> tuple[tuple[Group, ScheduledDose], ...]:
        """Every (group, dose) that has a figure, in the order of the file."""
        return tuple((group, dose) for group in self.groups for dose in group.doses)

    @cached_property
    def births(self) -> tuple[tuple[int, int], ...]:
        """Of every group the first and the last birth, as ordinals, that its ages take in between start and until.

        All births where no age is asked, or where a priority stands in for it.
        """
        return tuple(group.births(self.start, self.until) for group in self.groups)

    @cached_property
    def schedule(self) -> tuple[tuple[Group, tuple[tuple[int, int, ScheduledDose], ...]], ...]:
        """Every group with its doses as (position in ``series``, number of the rule, dose).

        Doses of several groups that differ in nothing but target and deadline follow one rule, so that a person's
        way through it is worked out once.
        """
        rules: list[tuple[ScheduledDose, Period | None]] = []
        groups = []
        series = 0
        for group in self.groups:
            doses = []
            for dose in group.doses:
                rule = (
                    replace(dose, vaccines=(), same_vaccine=False, target=None, deadline=None),
                    group.after_infection,
                )
                if rule not in rules:
                    rules.append(rule)
                doses.append((series, rules.index(rule), dose))
                series += 1
            groups.append((group, tuple(doses)))
        return tuple(groups)

    def find(self, group_code: str, dose_code: str) -> tuple[Group, ScheduledDose] | None:
        """The group and its scheduled dose of these codes, or None."""
        for group, dose in self.series:
            if group.code == group_code and dose.code == dose_code:
                return group, dose
        return None
