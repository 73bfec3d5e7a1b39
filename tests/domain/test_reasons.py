"""Why somebody stands where they do: always the state of the one rule, and the days and words behind it."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapper.domain.campaign import Group, Label, Period, ScheduledDose
from mapper.domain.ledger import State, state_on
from mapper.domain.people import Dose, Person
from mapper.domain.reasons import KINDS, Kind, Why, reason_key, why
from tests.domain.test_ledger_properties import Drawn

DAY = date(2022, 9, 1)
FIRST, SECOND = ScheduledDose("1"), ScheduledDose("2", after="1", interval=Period(days=28))
CHILDREN = Group(
    "5_11", Label("Trẻ"), (FIRST, SECOND), Period(months=60), Period(months=144), after_infection=Period(months=3)
)
BORN = date(2015, 1, 1)


def child(**facts: object) -> Person:
    return Person("p", date(2022, 8, 1), born_on=BORN, **facts)  # type: ignore[arg-type]


@given(st.integers())
def test_the_state_is_that_of_the_one_rule(seed: int) -> None:
    drawn = Drawn(seed)
    campaign = drawn.campaign()
    for _ in range(5):
        person = drawn.person()
        for day in drawn.telling_days(person, campaign):
            for group, dose in campaign.series:
                found = why(person, group, dose, day)
                assert found.state is state_on(person, group, dose, day)
                assert found.kind in KINDS.get(found.state, (Kind.PLAIN,))


@pytest.mark.parametrize(
    ("person", "dose", "found"),
    [
        (child(doses=(Dose("1", date(2022, 5, 2)),)), FIRST, Why(State.VACCINATED, day=date(2022, 5, 2))),
        (child(doses=(Dose("1"),)), FIRST, Why(State.VACCINATED)),
        (child(), FIRST, Why(State.DUE)),
        (child(doses=(Dose("1", date(2022, 7, 1)),)), SECOND, Why(State.DUE, day=date(2022, 7, 29))),
        (child(infected_on=date(2022, 5, 1)), FIRST, Why(State.DUE, day=date(2022, 8, 1))),
        (
            child(doses=(Dose("1", date(2022, 8, 20)),)),
            SECOND,
            Why(State.WAITING, Kind.INTERVAL, date(2022, 9, 17)),
        ),
        (child(), SECOND, Why(State.WAITING, Kind.EARLIER)),
        (child(refused=True, refusal_reason="fear"), FIRST, Why(State.REFUSED, reason="fear")),
        (child(contraindicated=True, contraindication="x"), FIRST, Why(State.CONTRAINDICATED, reason="x")),
        (
            child(residence="works_away", away_place="Bắc Ninh"),
            FIRST,
            Why(State.AWAY, Kind.WORKS_AWAY, reason="Bắc Ninh"),
        ),
        (child(residence="moved_out"), FIRST, Why(State.AWAY, Kind.MOVED_OUT)),
        (child(vaccination_unknown=True), FIRST, Why(State.UNKNOWN, Kind.DOSES)),
        (Person("p", DAY), FIRST, Why(State.UNKNOWN, Kind.AGE)),
        (Person("p", date(2022, 9, 5), born_on=BORN, doses=(Dose("1"),)), FIRST, Why(State.UNKNOWN, Kind.UNDATED)),
        (Person("p", DAY, born_on=date(1980, 1, 1)), FIRST, Why(State.OUTSIDE)),
    ],
)
def test_what_stands_behind_a_state(person: Person, dose: ScheduledDose, found: Why) -> None:
    assert why(person, CHILDREN, dose, DAY) == found


@pytest.mark.parametrize(
    ("days", "kind"),
    [(1, Kind.WEEK), (7, Kind.WEEK), (8, Kind.MONTH), (30, Kind.MONTH), (31, Kind.LATER)],
)
def test_a_deferral_is_told_by_how_far_its_day_is(days: int, kind: Kind) -> None:
    until = DAY + timedelta(days=days)
    person = child(deferred_until=until, deferral_reason="fever")
    assert why(person, CHILDREN, FIRST, DAY) == Why(State.DEFERRED, kind, until, "fever")
    # On its day it is over.
    assert why(person, CHILDREN, FIRST, until) == Why(State.DUE, day=until)


def test_a_time_after_an_infection_is_no_deferral_that_was_told() -> None:
    person = child(infected_on=date(2022, 7, 15), deferral_reason="fever")
    assert why(person, CHILDREN, FIRST, DAY) == Why(State.DEFERRED, Kind.INFECTION, date(2022, 10, 15))


def test_an_address_names_a_reason_without_its_words() -> None:
    one, other = reason_key(Kind.PLAIN, "Sợ con sốt"), reason_key(Kind.PLAIN, "Chờ bố mẹ")
    assert one != other
    assert one.isascii() and one.startswith("plain.") and len(one) == len("plain.") + 12
    assert reason_key(Kind.WORKS_AWAY, None) == reason_key(Kind.WORKS_AWAY, "") == "works_away.-"
