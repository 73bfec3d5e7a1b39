"""Where a person and a house stand on a day: which word goes first, since when a dose is due, and with what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapper.domain.campaign import Campaign, Group, Label, Period, ScheduledDose
from mapper.domain.follow_up import DueDose, HouseState, PersonState, Status, house_state, status
from mapper.domain.ledger import State, state_on
from mapper.domain.people import Dose, Person

NAME = Label("x")
FIRST = ScheduledDose("1", vaccines=("az", "pfizer", "moderna"))
SECOND = ScheduledDose(
    "2",
    after="1",
    interval=Period(days=28),
    interval_by_vaccine={"az": Period(days=56)},
    vaccines=("az", "pfizer", "moderna"),
)
CHILD_SECOND = replace(SECOND, vaccines=("pfizer", "moderna"), same_vaccine=True)
ADULTS = Group("adults", NAME, (FIRST, SECOND), from_age=Period(months=18 * 12))
CHILDREN = Group(
    "children",
    NAME,
    (replace(FIRST, vaccines=("pfizer", "moderna")), CHILD_SECOND),
    Period(months=5 * 12),
    Period(months=12 * 12),
    after_infection=Period(months=3),
)
OLD = Group("old", NAME, (replace(FIRST, vaccines=("pfizer", "sputnik")),), from_age=Period(months=65 * 12))
CAMPAIGN = Campaign(
    "c",
    NAME,
    date(2021, 3, 8),
    (CHILDREN, ADULTS, OLD),
    {"2": NAME, "1": NAME},
    {},
    {},
    until=date(2031, 3, 8),
)
"""Its doses are told in the order 2, 1, to see that this order is kept."""

ASKED = date(2022, 8, 15)
ADULT = Person("p", ASKED, born_on=date(1980, 3, 1))
CHILD = Person("k", ASKED, born_on=date(2014, 6, 30))
ONE_AZ = (Dose("1", date(2022, 7, 1), "az"),)
"""Its second dose falls due 56 days later: on 26 August."""
BOTH = (*ONE_AZ, Dose("2", date(2022, 8, 26), "az"))


def stands(person: Person, day: date = ASKED) -> Status:
    return status(person, CAMPAIGN, day)


# One word a person


@pytest.mark.parametrize(
    ("person", "state"),
    [
        (ADULT, PersonState.DUE),
        (replace(ADULT, residence="works_away"), PersonState.AWAY),
        (replace(ADULT, residence="moved_out"), PersonState.AWAY),
        (replace(ADULT, residence="absent"), PersonState.DUE),
        (replace(ADULT, refused=True), PersonState.REFUSED),
        (replace(ADULT, deferred_until=date(2022, 8, 16)), PersonState.DEFERRED),
        (replace(ADULT, deferred_until=ASKED), PersonState.DUE),
        (replace(ADULT, contraindicated=True), PersonState.CONTRAINDICATED),
        (replace(ADULT, vaccination_unknown=True), PersonState.UNKNOWN),
        (replace(ADULT, born_on=None), PersonState.UNKNOWN),
        (replace(ADULT, doses=ONE_AZ), PersonState.WAITING),
        (replace(ADULT, doses=(*BOTH[:1], Dose("2"))), PersonState.DONE),
        (replace(ADULT, doses=BOTH), PersonState.WAITING),
        (replace(CHILD, born_on=date(2019, 1, 1)), PersonState.DONE),
        (replace(CHILD, infected_on=date(2022, 6, 1)), PersonState.DEFERRED),
    ],
)
def test_a_person_stands_under_that_word(person: Person, state: PersonState) -> None:
    assert stands(person).state is state


def test_who_has_every_dose_is_done_whatever_was_refused_or_deferred() -> None:
    person = replace(ADULT, doses=BOTH, refused=True, deferred_until=date(2023, 1, 1))
    assert stands(person, date(2022, 8, 26)) == Status(PersonState.DONE)


def test_refused_goes_before_deferred_and_away_before_all() -> None:
    person = replace(ADULT, refused=True, deferred_until=date(2022, 12, 1), contraindicated=True)
    assert stands(person).state is PersonState.CONTRAINDICATED
    assert stands(replace(person, contraindicated=False)).state is PersonState.REFUSED
    assert stands(replace(person, residence="works_away")).state is PersonState.AWAY


def test_too_young_is_nobody_of_the_campaign_until_the_birthday() -> None:
    small = replace(CHILD, born_on=date(2018, 2, 28))
    assert stands(small) == Status(PersonState.DONE, (), date(2023, 2, 28), grouped=False)
    assert stands(small, date(2023, 2, 27)).state is PersonState.DONE
    due = stands(small, date(2023, 2, 28))
    assert due.state is PersonState.DUE
    assert due.due == (DueDose("1", date(2023, 2, 28), ("pfizer", "moderna")),)


# What is due, since when, with what


def test_a_second_dose_is_due_from_the_end_of_its_interval_and_not_a_day_before() -> None:
    person = replace(ADULT, doses=ONE_AZ)
    assert stands(person, date(2022, 8, 25)) == Status(PersonState.WAITING, (), date(2022, 8, 26))
    assert stands(person, date(2022, 8, 26)) == Status(
        PersonState.DUE, (DueDose("2", date(2022, 8, 26), ("az", "pfizer", "moderna")),)
    )
    assert stands(person, date(2023, 1, 1)).due[0].since == date(2022, 8, 26)


def test_a_deferred_person_is_due_again_on_that_very_day() -> None:
    person = replace(ADULT, deferred_until=date(2022, 9, 5))
    assert stands(person, date(2022, 9, 4)) == Status(PersonState.DEFERRED, (), date(2022, 9, 5))
    assert stands(person, date(2022, 9, 5)).due == (DueDose("1", date(2022, 9, 5), ("az", "pfizer", "moderna")),)


def test_a_child_takes_the_vaccine_of_the_first_dose_and_no_other() -> None:
    child = replace(CHILD, doses=(Dose("1", date(2022, 7, 1), "moderna"),))
    assert stands(child, date(2022, 7, 29)).due == (DueDose("2", date(2022, 7, 29), ("moderna",)),)
    nameless = replace(CHILD, doses=(Dose("1", date(2022, 7, 1)),))
    assert stands(nameless, date(2022, 7, 29)).due == (DueDose("2", date(2022, 7, 29), ("pfizer", "moderna")),)


def test_who_is_in_two_groups_may_have_what_both_allow_since_the_earlier_day() -> None:
    # 65 on 1 September 2022: an adult since long, and old from then on.
    person = replace(ADULT, born_on=date(1957, 9, 1))
    assert stands(person).due == (DueDose("1", CAMPAIGN.start, ("az", "pfizer", "moderna")),)
    assert stands(person, date(2022, 9, 1)).due == (DueDose("1", CAMPAIGN.start, ("pfizer",)),)


def test_days_outside_the_campaign_are_taken_as_its_first_and_last() -> None:
    assert stands(ADULT, date(2020, 1, 1)) == stands(ADULT, CAMPAIGN.start)
    assert stands(ADULT, date(2040, 1, 1)) == stands(ADULT, CAMPAIGN.until)


# One word a house


@pytest.mark.parametrize(
    ("outcome", "people", "state"),
    [
        ("interviewed", "due refused deferred away done", HouseState.SOMEONE_DUE),
        ("interviewed", "unknown refused", HouseState.SOMEONE_DUE),
        ("interviewed", "refused deferred away", HouseState.REFUSED),
        ("refused", "", HouseState.REFUSED),
        ("refused", "due", HouseState.SOMEONE_DUE),
        ("interviewed", "deferred away done", HouseState.DEFERRED),
        ("interviewed", "away away", HouseState.AWAY),
        ("interviewed", "away done", HouseState.ALL_DONE),
        ("moved_away", "", HouseState.AWAY),
        ("moved_away", "away", HouseState.AWAY),
        ("absent", "", HouseState.NOT_MET),
        ("locked", "", HouseState.NOT_MET),
        ("interviewed", "", HouseState.ALL_DONE),
        ("interviewed", "waiting contraindicated done", HouseState.ALL_DONE),
    ],
)
def test_a_house_stands_under_that_word(outcome: str, people: str, state: HouseState) -> None:
    assert house_state(outcome, [Status(PersonState(word)) for word in people.split()]) is state


# The same as the ledger says, dose by dose

DAYS = st.dates(date(2021, 1, 1), date(2024, 1, 1))
DOSES = st.lists(
    st.builds(Dose, st.sampled_from(["1", "2"]), st.none() | DAYS, st.sampled_from([None, "az", "pfizer"])), max_size=3
).map(tuple)
PEOPLE = st.builds(
    Person,
    st.just("p"),
    DAYS,
    born_on=st.none() | st.dates(date(1950, 1, 1), date(2019, 1, 1)),
    residence=st.sampled_from(["here", "works_away"]),
    contraindicated=st.booleans(),
    deferred_until=st.none() | DAYS,
    infected_on=st.none() | DAYS,
    refused=st.booleans(),
    vaccination_unknown=st.booleans(),
    doses=DOSES,
)


def of_the_ledger(person: Person, day: date) -> set[tuple[str, State]]:
    """(dose, state) by the one rule, over every group."""
    return {(dose.code, state_on(person, group, dose, day)) for group, dose in CAMPAIGN.series}


def due_then(person: Person, days: Sequence[date]) -> list[bool]:
    return [any(state is State.DUE for _, state in of_the_ledger(person, day)) for day in days]


@given(PEOPLE, st.dates(date(2021, 3, 8), date(2025, 1, 1)))
def test_what_is_told_of_anybody_is_what_the_ledger_says(person: Person, day: date) -> None:
    told, kept = stands(person, day), of_the_ledger(person, day)
    if person.residence == "works_away":
        assert told.state is PersonState.AWAY
        return
    assert {dose.code for dose in told.due} == {code for code, state in kept if state is State.DUE}
    states = {state for _, state in kept}
    if State.DUE in states:
        assert told.state is PersonState.DUE
    else:
        order = (State.REFUSED, State.DEFERRED, State.CONTRAINDICATED, State.UNKNOWN, State.WAITING)
        assert told.state == next((state.value for state in order if state in states), "done")
    for dose in told.due:
        assert (dose.code, State.DUE) in of_the_ledger(person, dose.since)


@given(PEOPLE, st.dates(date(2021, 3, 8), date(2023, 6, 1)))
def test_the_next_day_is_the_first_on_which_a_dose_falls_due_that_was_not(person: Person, day: date) -> None:
    told = stands(person, day)
    if person.residence == "works_away" or told.state is PersonState.DUE:
        return
    span = [day + timedelta(days=number) for number in range(1, 800)]
    due = due_then(person, span)
    first = span[due.index(True)] if True in due else None
    if told.next_on is None or told.next_on > span[-1]:
        assert first is None
    else:
        assert told.next_on == first
