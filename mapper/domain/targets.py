"""Targets and deadlines: what is still needed, how much a day, and whether the pace of the last days will do.

Figures of a day hold what was done on it. So the days left are those after it, up to and including the deadline.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from fractions import Fraction

from mapper.domain.campaign import working_days_after
from mapper.domain.coverage import Assessment, Houses, Verdict
from mapper.domain.ledger import State

WINDOW_DAYS = 7
"""The pace is that of so many days: a whole week, with one Sunday whichever day it begins on."""

FARTHEST_DAYS = 3650
"""A day of reaching the target that lies farther ahead is none that anybody can plan for."""

STILL = (State.DUE, State.WAITING, State.DEFERRED)
"""Who can still be vaccinated without being won over first."""


@dataclass(frozen=True, slots=True)
class Goal:
    """What a place is to reach. share: of the eligible people, exact; None where no target is set.

    deadline: the last day for it, None where none is set. own: whether it was set for an area, and is not the
    campaign's. carried: the boundary set for whose units it was set, where that is another than the place's; about:
    whether people of whom nobody can tell where they live, or for whom none was set, could move it.
    """

    share: Fraction | None = None
    deadline: date | None = None
    own: bool = False
    carried: str = ""
    about: bool = False


NO_GOAL = Goal()


class Doubt(StrEnum):
    """Why it cannot be said whether a target is met.

    BOUNDS: the people not asked yet, or unknown, decide it: worst and best case lie on both sides of the target.
    INTERVAL: the 95 % interval reaches over it. BOTH of these. NOBODY: nobody eligible is known yet.
    SAMPLE: the interval of a sample reaches over it. SILENT: the sample says nothing of the place by itself.
    """

    BOUNDS = "bounds"
    INTERVAL = "interval"
    BOTH = "both"
    NOBODY = "nobody"
    SAMPLE = "sample"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class AtDeadline:
    """Who is in the group on the deadline if nobody is vaccinated of whom nothing is known yet.

    due: who can be vaccinated by then. waiting: whose turn comes after it only; deferred: beyond it; refused: who would
    have to be won over. These and the vaccinated are the eligible. contraindicated: not among them.
    share: the target.
    """

    vaccinated: int
    due: int
    waiting: int
    deferred: int
    refused: int
    contraindicated: int
    share: Fraction | None

    @property
    def eligible(self) -> int:
        """The denominator of that day."""
        return self.vaccinated + self.cannot + self.due

    @property
    def cannot(self) -> int:
        """How many of the eligible cannot be vaccinated by the deadline."""
        return self.waiting + self.deferred + self.refused

    @property
    def highest(self) -> Fraction | None:
        """The highest coverage that can still be reached by the deadline; None where nobody is eligible."""
        return Fraction(self.vaccinated + self.due, self.eligible) if self.eligible else None

    @property
    def missed(self) -> bool:
        """Whether the target cannot be reached by the deadline, however many are vaccinated each day."""
        return self.share is not None and self.highest is not None and self.highest < self.share


@dataclass(frozen=True, slots=True)
class Pace:
    """How many more people were in the state of vaccinated at the end of some days than before them.

    people: may be below zero: who grows out of the group, moves away or is corrected takes a vaccination along.
    days: how many, WINDOW_DAYS or, near the start of a campaign, fewer. until: the last of them.
    """

    people: int
    days: int
    until: date

    @property
    def per_day(self) -> Fraction:
        """People a day, exact."""
        return Fraction(self.people, self.days)


@dataclass(frozen=True, slots=True)
class Outlook:
    """Where a place stands before its goal on a day.

    needed: people still to vaccinate among those known, None where there is no target, or nobody is eligible.
    still: people who are due, wait for their interval or are deferred. refused: who would have to be won over.
    days_left: after this day, up to the deadline; 0 on the deadline itself, below 0 once it is over, None without one.
    working: of those, all but Sundays; 0 once it is over. pace: None where nothing tells it. projected: the day on
    which the target is reached at that pace, None where it is not, is met already, or cannot be. at_deadline: None
    without a deadline, or once it is over.
    """

    verdict: Verdict | None
    doubt: Doubt | None
    needed: int | None
    still: int
    refused: int
    goal: Goal
    days_left: int | None
    working: int
    pace: Pace | None
    projected: date | None
    at_deadline: AtDeadline | None = None

    @property
    def overdue(self) -> bool:
        """Whether the deadline is over and the target not known to be met."""
        return self.days_left is not None and self.days_left < 0 and self.verdict not in (None, Verdict.MET)

    @property
    def out_of_reach(self) -> bool:
        """Whether the target is missed even when all who are due, wait or are deferred are vaccinated."""
        return self.needed is not None and self.needed > self.still

    @property
    def too_late(self) -> bool:
        """Whether people are needed of whom too few can be vaccinated by the deadline."""
        return bool(self.needed) and self.at_deadline is not None and self.at_deadline.missed

    @property
    def wanted(self) -> int | None:
        """People to vaccinate by the deadline: those needed, or all who can be where these are too few."""
        if self.too_late and self.at_deadline is not None:
            return self.at_deadline.due
        return self.needed

    @property
    def per_day(self) -> Fraction | None:
        """People a day to vaccinate all who are ``wanted`` by the deadline, exact; on its own day all of them.

        None without a target or a deadline, or after it.
        """
        if self.wanted is None or self.days_left is None or self.days_left < 0:
            return None
        return Fraction(self.wanted, max(1, self.days_left))

    @property
    def per_working_day(self) -> Fraction | None:
        """The same by working days; None where none is left."""
        if self.per_day is None or self.wanted is None or not self.working:
            return None
        return Fraction(self.wanted, self.working)

    @property
    def fast_enough(self) -> bool | None:
        """Whether the pace of the last days reaches the target in time; None where that is no question."""
        if self.per_day is None or self.pace is None or not self.needed:
            return None
        return self.pace.per_day >= self.per_day and not self.out_of_reach and not self.too_late


def outlook(
    said: Assessment,
    states: Mapping[State, int],
    houses: Houses,
    goal: Goal,
    day: date,
    pace: Pace | None,
    then: Mapping[State, int] | None = None,
) -> Outlook:
    """Where a place stands on a day. said: of these people and houses against the same goal.

    then: people by state on the goal's deadline, if nobody more is vaccinated; None where nothing tells it.
    """
    still = sum(states[state] for state in STILL)
    left = None if goal.deadline is None else (goal.deadline - day).days
    working = 0 if goal.deadline is None or goal.deadline < day else working_days_after(day, goal.deadline)
    doubt = (
        why_undecided(said, states[State.UNKNOWN], houses, goal.share) if said.verdict == Verdict.UNDECIDED else None
    )
    projected = None
    if said.needed and said.needed <= still and pace is not None:
        projected = _reached(day, said.needed, pace)
    refused = states[State.REFUSED]
    at = _at_deadline(then, goal.share) if then is not None and left is not None and left >= 0 else None
    return Outlook(said.verdict, doubt, said.needed, still, refused, goal, left, working, pace, projected, at)


def _at_deadline(then: Mapping[State, int], share: Fraction | None) -> AtDeadline:
    return AtDeadline(
        then[State.VACCINATED],
        then[State.DUE],
        then[State.WAITING],
        then[State.DEFERRED],
        then[State.REFUSED],
        then[State.CONTRAINDICATED],
        share,
    )


def _reached(day: date, needed: int, pace: Pace) -> date | None:
    """The first day at whose end so many people more are vaccinated, if the pace goes on."""
    if pace.people <= 0:
        return None
    days = -(-needed * pace.days // pace.people)
    return day + timedelta(days=days) if days <= FARTHEST_DAYS and days <= (date.max - day).days else None


def why_undecided(said: Assessment, unknown: int, houses: Houses, target: Fraction | None) -> Doubt | None:
    """Which uncertainty lies on both sides of the target; None where none does."""
    if target is None:
        return None
    if said.coverage is None:
        return Doubt.NOBODY
    if said.sampled:
        return Doubt.SILENT if said.low is None else Doubt.SAMPLE
    goal = target.numerator / target.denominator
    interval = said.low is not None and said.high is not None and said.low < goal <= said.high
    # Nobody interviewed at all gives no mean to reckon with: everything is possible.
    bounds = said.worst is None or said.best is None or said.worst < goal <= said.best
    if bounds and interval:
        return Doubt.BOTH
    return Doubt.BOUNDS if bounds else Doubt.INTERVAL


def pace_window(start: date, day: date, last_data: date | None) -> tuple[date, date] | None:
    """The day before a pace's first day, and its last: the last day with data that is not after the one asked for.

    start: of the campaign; all that was before stands on that day, so that no pace begins earlier. None where no day
    is left, or there are no data.
    """
    if last_data is None:
        return None
    until = min(day, last_data)
    before = max(start, until - timedelta(days=WINDOW_DAYS)) if until > start else until
    return (before, until) if before < until else None
