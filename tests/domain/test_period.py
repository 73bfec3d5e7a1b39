"""Calendar arithmetic: what "5 years", "3 months" and "28 days" after a day are."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapper.domain.campaign import Campaign, Group, Label, Period, ScheduledDose


@pytest.mark.parametrize(
    ("period", "start", "end"),
    [
        (Period(), date(2022, 5, 17), date(2022, 5, 17)),
        (Period(days=28), date(2022, 2, 1), date(2022, 3, 1)),
        (Period(days=28), date(2020, 2, 1), date(2020, 2, 29)),
        (Period(months=3), date(2022, 5, 17), date(2022, 8, 17)),
        (Period(months=1), date(2022, 12, 31), date(2023, 1, 31)),
        (Period(months=12), date(2022, 12, 1), date(2023, 12, 1)),
        (Period(months=6), date(2021, 8, 31), date(2022, 2, 28)),
        (Period(months=6), date(2023, 8, 31), date(2024, 2, 29)),
        (Period(months=1), date(2022, 3, 31), date(2022, 4, 30)),
        (Period(months=1), date(2022, 1, 29), date(2022, 2, 28)),
        (Period(months=1), date(2022, 1, 28), date(2022, 2, 28)),
        (Period(months=60), date(2016, 2, 29), date(2021, 2, 28)),
        (Period(months=48), date(2016, 2, 29), date(2020, 2, 29)),
        (Period(months=1, days=1), date(2022, 1, 31), date(2022, 3, 1)),
        (Period(months=-1), date(2022, 3, 31), date(2022, 2, 28)),
        (Period(months=-12), date(2022, 1, 1), date(2021, 1, 1)),
    ],
)
def test_a_period_ends_on_that_day(period: Period, start: date, end: date) -> None:
    assert period.after(start) == end


def test_a_period_beyond_the_calendar_ends_on_its_last_day() -> None:
    assert Period(months=12).after(date(9999, 1, 1)) == date.max
    assert Period(days=40).after(date(9999, 12, 1)) == date.max
    assert Period(months=12 * 200).after(date(9900, 2, 1)) == date.max
    assert Period(days=30).after(date(9999, 12, 1)) == date.max
    assert Period(days=29).after(date(9999, 12, 1)) == date(9999, 12, 30)


@given(
    st.dates(date(1900, 1, 1), date(2100, 1, 1)),
    st.integers(0, 1500),
    st.integers(0, 400),
    st.dates(max_value=date(2100, 1, 1)),
)
def test_whoever_starts_later_never_ends_earlier(start: date, months: int, days: int, other: date) -> None:
    period = Period(months, days)
    first, second = sorted((start, other))
    assert period.after(first) <= period.after(second)
    assert period.after(start) >= start + timedelta(days=days)


def dose(code: str, **facts: object) -> ScheduledDose:
    return ScheduledDose(code, **facts)  # type: ignore[arg-type]


def campaign(*groups: Group) -> Campaign:
    return Campaign("c", Label("c"), date(2021, 1, 1), groups, {}, {}, {})


def test_doses_that_differ_in_target_alone_follow_one_rule() -> None:
    adults = Group("adults", Label("a"), (dose("1", vaccines=("x",)), dose("2", after="1", interval=Period(days=28))))
    old = Group(
        "old", Label("o"), (dose("1"), dose("2", after="1", interval=Period(days=28), deadline=date(2022, 9, 1)))
    )
    ill = Group("ill", Label("i"), (dose("2", after="1", interval=Period(days=21)),), after_infection=Period(3))
    schedule = campaign(adults, old, ill).schedule
    assert [group.code for group, _ in schedule] == ["adults", "old", "ill"]
    assert [[(series, rule) for series, rule, _ in doses] for _, doses in schedule] == [
        [(0, 0), (1, 1)],
        [(2, 0), (3, 1)],
        [(4, 2)],
    ]


def test_the_wait_after_an_infection_makes_another_rule() -> None:
    one = Group("one", Label("1"), (dose("1"),))
    two = Group("two", Label("2"), (dose("1"),), after_infection=Period(months=3))
    assert [rule for _, doses in campaign(one, two).schedule for _, rule, _ in doses] == [0, 1]


def test_a_series_is_found_by_its_two_codes_or_not_at_all() -> None:
    adults = Group("adults", Label("a"), (dose("1"), dose("2")))
    children = Group("children", Label("c"), (dose("1"),))
    both = campaign(adults, children)
    assert both.find("children", "1") == (children, children.doses[0])
    assert both.find("children", "2") is None
    assert both.find("1", "children") is None
    assert both.series == ((adults, adults.doses[0]), (adults, adults.doses[1]), (children, children.doses[0]))


def test_a_label_without_english_is_vietnamese_in_both_languages() -> None:
    assert (Label("Mũi 1", "Dose 1")["vi"], Label("Mũi 1", "Dose 1")["en"]) == ("Mũi 1", "Dose 1")
    assert (Label("Pfizer")["vi"], Label("Pfizer")["en"]) == ("Pfizer", "Pfizer")
