"""Targets: what is needed, the days left, the pace, and what they come to; every number worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from fractions import Fraction

import pytest

from mapper.domain.campaign import working_days_after
from mapper.domain.coverage import Houses, Verdict, assess
from mapper.domain.ledger import ELIGIBLE, INSIDE, State
from mapper.domain.targets import Doubt, Goal, Outlook, Pace, outlook, pace_window

DAY = date(2022, 9, 8)
"""A Thursday."""
DONE = Houses(100, 100, 100, 0)
GOAL = Goal(Fraction(95, 100), date(2022, 9, 30))


def look(
    goal: Goal = GOAL,
    pace: int | None = 14,
    houses: Houses = DONE,
    day: date = DAY,
    then: dict[str, int] | None = None,
    **people: int,
) -> Outlook:
    """The outlook of so many people by state; pace: people in 7 days. then: by state on the deadline."""
    states = {state: people.get(state.value, 0) for state in INSIDE}
    eligible = sum(states[state] for state in ELIGIBLE)
    said = assess(states[State.VACCINATED], eligible, states[State.UNKNOWN], houses, goal.share)
    at = None if then is None else {state: then.get(state.value, 0) for state in INSIDE}
    return outlook(said, states, houses, goal, day, None if pace is None else Pace(pace, 7, day), at)


def test_needed_days_left_and_a_day_against_the_pace() -> None:
    # 95 % of 367 is 348.65, so 349; 308 are there, 41 are missing. 22 days are left: 41 / 22 a day.
    found = look(vaccinated=308, due=59)
    assert (found.verdict, found.needed) == (Verdict.NOT_MET, 41)
    assert (found.days_left, found.overdue) == (22, False)
    assert found.per_day == Fraction(41, 22)
    # The 11th, 18th and 25th are Sundays.
    assert (found.working, found.per_working_day) == (19, Fraction(41, 19))
    # 2 a day: 41 people take 20.5 days, and are reached on the 21st, 29 September.
    assert (found.projected, found.fast_enough) == (date(2022, 9, 29), True)


def test_a_pace_that_is_too_slow_reaches_the_target_late() -> None:
    # 13 in 7 days: 41 people take 41 * 7 / 13 = 22.08 days, the 23rd is 1 October.
    found = look(pace=13, vaccinated=308, due=59)
    assert (found.projected, found.fast_enough) == (date(2022, 10, 1), False)


@pytest.mark.parametrize("people", [0, -3])
def test_without_gain_the_target_is_never_reached(people: int) -> None:
    found = look(pace=people, vaccinated=308, due=59)
    assert (found.projected, found.fast_enough) == (None, False)
    assert found.needed == 41


def test_a_day_too_far_ahead_is_none() -> None:
    # One person in 7 days: 520 people take 3640 days, 530 people 3710.
    assert look(Goal(Fraction(1)), pace=1, due=520).projected == date(2032, 8, 26)
    assert look(Goal(Fraction(1)), pace=1, due=530).projected is None


def test_without_a_deadline_nothing_is_needed_a_day() -> None:
    found = look(Goal(Fraction(95, 100)), vaccinated=308, due=59)
    assert (found.days_left, found.working, found.per_day, found.fast_enough) == (None, 0, None, None)
    assert (found.overdue, found.projected) == (False, date(2022, 9, 29))


def test_on_the_deadline_all_are_needed_and_after_it_the_target_is_overdue() -> None:
    on = look(replace(GOAL, deadline=DAY), vaccinated=308, due=59)
    assert (on.days_left, on.per_day, on.working, on.per_working_day, on.overdue) == (0, 41, 0, None, False)
    after = look(replace(GOAL, deadline=date(2022, 8, 31)), vaccinated=308, due=59)
    assert (after.days_left, after.per_day, after.overdue, after.working) == (-8, None, True, 0)
    met = look(replace(GOAL, deadline=date(2022, 8, 31)), vaccinated=95, due=5)
    assert (met.verdict, met.needed, met.overdue, met.projected) == (Verdict.MET, 0, False, None)


def test_more_needed_than_can_be_vaccinated_is_told() -> None:
    # 95 of 100 are wanted: 15 are missing, and 10 + 3 + 1 can be had without those who refused.
    found = look(vaccinated=80, due=10, waiting=3, deferred=1, refused=6)
    assert (found.needed, found.still, found.refused) == (15, 14, 6)
    assert (found.out_of_reach, found.projected, found.fast_enough) == (True, None, False)
    # One more who is due, in place of one who refused, and it can be reached just so.
    other = look(vaccinated=80, due=11, waiting=3, deferred=1, refused=5)
    assert (other.needed, other.still, other.out_of_reach) == (15, 15, False)
    assert other.projected == date(2022, 9, 16)  # 15 at 2 a day


def test_who_cannot_be_vaccinated_by_the_deadline_is_counted_apart() -> None:
    now = {"vaccinated": 308, "due": 25, "waiting": 20, "deferred": 9, "refused": 5, "contraindicated": 2}
    # By the deadline 10 of those who wait and 4 of the deferred have come due. 95 % of 367 is 348.65: 349.
    # 308 + 39 are 347, 94.5 %: two too few.
    late = look(then=now | {"due": 39, "waiting": 10, "deferred": 5}, pace=140, **now)
    at = late.at_deadline
    assert at is not None
    assert (at.due, at.waiting, at.deferred, at.refused, at.contraindicated) == (39, 10, 5, 5, 2)
    assert (at.eligible, at.cannot, at.highest) == (367, 20, Fraction(347, 367))
    assert (late.needed, late.too_late, late.fast_enough) == (41, True, False)
    # Nobody can do more in 22 days than vaccinate all 39 who can be.
    assert (late.wanted, late.per_day, late.per_working_day) == (39, Fraction(39, 22), Fraction(39, 19))
    # Two more come due in time, and the target can be reached just so.
    just = look(then=now | {"due": 41, "waiting": 8, "deferred": 5}, pace=140, **now)
    assert just.at_deadline is not None and just.at_deadline.highest == Fraction(349, 367)
    assert (just.too_late, just.wanted, just.per_day, just.fast_enough) == (False, 41, Fraction(41, 22), True)


def test_the_group_of_the_deadline_is_what_can_be_reached() -> None:
    # Ten children who are not vaccinated grow out of the group by then: 90 of 90 are left.
    found = look(then={"vaccinated": 90}, vaccinated=90, due=10)
    assert (found.needed, found.too_late) == (5, False)
    assert found.at_deadline is not None and found.at_deadline.highest == 1
    # Where nobody is left there is no coverage to reach, and after the deadline nothing to reach any more.
    gone = look(then={}, vaccinated=90, due=10)
    assert gone.at_deadline is not None and (gone.at_deadline.highest, gone.too_late) == (None, False)
    over = look(
        replace(GOAL, deadline=date(2022, 8, 31)), then={"vaccinated": 90, "waiting": 10}, vaccinated=90, due=10
    )
    assert (over.at_deadline, over.too_late) == (None, False)


def test_nobody_eligible_and_no_target_have_no_figures() -> None:
    empty = look(pace=None)
    assert (empty.verdict, empty.needed, empty.per_day, empty.projected) == (None, None, None, None)
    assert (empty.out_of_reach, empty.overdue) == (False, False)
    free = look(Goal(None, date(2022, 8, 31)), vaccinated=5, due=5)
    assert (free.verdict, free.needed, free.overdue, free.per_day) == (None, None, False, None)


def test_what_leaves_a_verdict_open_is_named() -> None:
    # 10 of 100 houses are left, at 1 eligible person each: worst 84/100, best 94/100; the interval of 84/90 goes over.
    houses = Houses(100, 90, 90, 0, 10)
    both = look(Goal(Fraction(93, 100)), houses=houses, vaccinated=84, due=6)
    assert (both.verdict, both.doubt) == (Verdict.UNDECIDED, Doubt.BOTH)
    # 1000 people in 990 houses: the interval of 70 % is 67.1 to 72.8; 11 more people make it 69.2 to 70.3 of 1011.
    tight = Houses(1000, 990, 990, 0, 10)
    bounds = assess(700, 1000, 0, tight, Fraction(7, 10))
    assert (round(bounds.worst or 0, 4), round(bounds.best or 0, 4)) == (0.6924, 0.7033)
    interval = look(Goal(Fraction(71, 100)), houses=tight, vaccinated=700, due=300)
    assert (interval.verdict, interval.doubt) == (Verdict.UNDECIDED, Doubt.INTERVAL)
    # Half of the houses are left: 0.35 to 0.85, while the interval of 700/1000 ends at 0.728.
    half = Houses(1000, 500, 500, 0, 500)
    open_ = look(Goal(Fraction(8, 10)), houses=half, vaccinated=700, due=300)
    assert (open_.verdict, open_.doubt) == (Verdict.UNDECIDED, Doubt.BOUNDS)
    nobody = look(houses=Houses(10, 2, 2, 0, 8), unknown=1)
    assert (nobody.verdict, nobody.doubt) == (Verdict.UNDECIDED, Doubt.NOBODY)
    assert look(vaccinated=308, due=59).doubt is None


def test_every_open_verdict_has_a_cause() -> None:
    for missing in (0, 1, 7, 40):
        for unlisted in (0, 1):
            for vaccinated in range(0, 61, 4):
                for wanted in (1, 50, 90, 95, 100):
                    houses = Houses(60, 60 - missing, 60 - missing, 0, missing, unlisted)
                    goal = Goal(Fraction(wanted, 100))
                    found = look(goal, houses=houses, vaccinated=vaccinated, due=60 - vaccinated)
                    assert (found.doubt is not None) == (found.verdict is Verdict.UNDECIDED)
                    if found.doubt is Doubt.INTERVAL:
                        said = assess(vaccinated, 60, 0, houses, goal.share)
                        assert said.low is not None and said.high is not None
                        assert said.low < wanted / 100 <= said.high


def test_working_days_are_all_but_sundays() -> None:
    thursday, saturday, sunday, monday = (date(2022, 9, day) for day in (8, 10, 11, 12))
    assert working_days_after(thursday, thursday) == 0
    assert working_days_after(thursday, saturday) == 2
    assert working_days_after(thursday, sunday) == 2
    assert working_days_after(thursday, monday) == 3
    assert working_days_after(saturday, sunday) == 0
    assert working_days_after(sunday, date(2022, 9, 18)) == 6


def test_the_pace_is_of_the_last_week_with_data() -> None:
    start = date(2022, 8, 1)
    assert pace_window(start, DAY, DAY) == (date(2022, 9, 1), DAY)
    # Nobody went out after the 3rd; nor do visits after the day count.
    assert pace_window(start, DAY, date(2022, 9, 3)) == (date(2022, 8, 27), date(2022, 9, 3))
    assert pace_window(start, DAY, date(2022, 12, 1)) == (date(2022, 9, 1), DAY)
    assert pace_window(start, DAY, None) is None


def test_a_pace_never_begins_before_its_campaign() -> None:
    # All doses given before stand on the first day: they were not given then.
    start = date(2022, 9, 5)
    assert pace_window(start, DAY, DAY) == (start, DAY)
    assert pace_window(DAY, DAY, DAY) is None
    assert pace_window(DAY, date(2022, 9, 20), date(2022, 9, 1)) is None
    assert Pace(6, 3, DAY).per_day == 2
