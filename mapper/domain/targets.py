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
    campaign's.
    """

    share: Fraction | None = None
    deadline: date | None = None
    own: bool = False


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
    which the target is reached at that pace, None where it is not, is met already, or cannot be.
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

    @property
    def overdue(self) -> bool:
        """Whether the deadline is over and the target not known to be met."""
        return self.days_left is not None and self.days_left < 0 and self.verdict not in (None, Verdict.MET)

    @property
    def out_of_reach(self) -> bool:
        """Whether the target is missed even when all who are due, wait or are deferred are vaccinated."""
        return self.needed is not None and self.needed > self.still

    @property
    def per_day(self) -> Fraction | None:
        """People a day needed to reach the target by the deadline, exact; on its own day all of them.

        None without a target or a deadline, or after it.
        """
        if self.needed is None or self.days_left is None or self.days_left < 0:
            return None
        return Fraction(self.needed, max(1, self.days_left))

    @property
    def per_working_day(self) -> Fraction | None:
        """The same by working days; None where none is left."""
        if self.per_day is None or self.needed is None or not self.working:
            return None
        return Fraction(self.needed, self.working)

    @property
    def fast_enough(self) -> bool | None:
        """Whether the pace of the last days reaches the target in time; None where that is no question."""
        if self.per_day is None or self.pace is None or not self.needed:
            return None
        return self.pace.per_day >= self.per_day and not self.out_of_reach


def outlook(
    said: Assessment, states: Mapping[State, int], houses: Houses, goal: Goal, day: date, pace: Pace | None
) -> Outlook:
    """Where a place stands on a day. said: of these people and houses against the same goal."""
    still = sum(states[state] for state in STILL)
    left = None if goal.deadline is None else (goal.deadline - day).days
    working = 0 if goal.deadline is None or goal.deadline < day else working_days_after(day, goal.deadline)
    doubt = (
        why_undecided(said, states[State.UNKNOWN], houses, goal.share) if said.verdict == Verdict.UNDECIDED else None
    )
    projected = None
    if said.needed and said.needed <= still and pace is not None:
        projected = _reached(day, said.needed, pace)
    return Outlook(said.verdict, doubt, said.needed, still, states[State.REFUSED], goal, left, working, pace, projected)


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
