"""Where one person stands for one group and dose on one day: each state, which one goes first, and the edges."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from mapper.domain.campaign import Campaign, Group, Label, Period, ScheduledDose
from mapper.domain.ledger import ELIGIBLE, INSIDE, State, state_on, steps
from mapper.domain.people import Dose, Person

MONTH = Period(months=1)
NAME = Label("x")
FIRST = ScheduledDose("1")
SECOND = ScheduledDose("2", after="1", interval=Period(days=28), interval_by_vaccine={"az": Period(days=56)})
ADULTS = Group("adults", NAME, (FIRST, SECOND), from_age=Period(months=18 * 12))
CHILDREN = Group(
    "children", NAME, (FIRST, SECOND), Period(months=60), Period(months=144), after_infection=Period(months=3)
)
ANYBODY = Group("anybody", NAME, (FIRST, SECOND))

ASKED = date(2022, 8, 15)
"""The day of the interview in most of these."""
ADULT = Person("p", ASKED, born_on=date(1980, 3, 1))


def given(code: str, on: date | None, vaccine: str | None = None) -> Dose:
    return Dose(code, on, vaccine)


# Each state, by the simplest person who is in it


@pytest.mark.parametrize(
    ("person", "state"),
    [
        (replace(ADULT, born_on=date(2010, 1, 1)), State.OUTSIDE),
        (replace(ADULT, residence="works_away"), State.AWAY),
        (replace(ADULT, residence="moved_out"), State.AWAY),
        (replace(ADULT, doses=(given("1", date(2022, 1, 1)),)), State.VACCINATED),
        (replace(ADULT, contraindicated=True), State.CONTRAINDICATED),
        (replace(ADULT, refused=True), State.REFUSED),
        (replace(ADULT, deferred_until=date(2022, 12, 1)), State.DEFERRED),
        (replace(ADULT, vaccination_unknown=True), State.UNKNOWN),
        (replace(ADULT, born_on=None), State.UNKNOWN),
        (ADULT, State.DUE),
        (replace(ADULT, residence="absent"), State.DUE),
        (replace(ADULT, residence="moved_in"), State.DUE),
        (replace(ADULT, residence="a word of another form"), State.DUE),
    ],
)
def test_a_person_is_in_that_state_for_the_first_dose(person: Person, state: State) -> None:
    assert state_on(person, ADULTS, FIRST, date(2022, 9, 1)) is state


def test_whoever_lacks_the_dose_before_waits() -> None:
    assert state_on(ADULT, ADULTS, SECOND, date(2022, 9, 1)) is State.WAITING


def test_every_state_but_outside_is_a_column_and_five_of_them_are_eligible() -> None:
    assert set(INSIDE) == set(State) - {State.OUTSIDE}
    assert len(INSIDE) == 8
    assert {State.VACCINATED, State.REFUSED, State.DEFERRED, State.WAITING, State.DUE} == ELIGIBLE


# Which goes first


EVERYTHING = replace(
    ADULT,
    born_on=None,
    residence="works_away",
    doses=(given("1", date(2022, 1, 1)),),
    contraindicated=True,
    refused=True,
    deferred_until=date(2022, 12, 1),
    vaccination_unknown=True,
)


def test_of_all_that_is_true_of_a_person_the_first_of_the_list_holds() -> None:
    day, person = date(2022, 9, 1), EVERYTHING
    assert state_on(person, ADULTS, FIRST, day) is State.UNKNOWN
    assert state_on(replace(person, born_on=date(2010, 1, 1)), ADULTS, FIRST, day) is State.OUTSIDE
    person = replace(person, born_on=date(1980, 3, 1))
    assert state_on(person, ADULTS, FIRST, day) is State.AWAY
    person = replace(person, residence="here")
    assert state_on(person, ADULTS, FIRST, day) is State.VACCINATED
    person = replace(person, doses=())
    assert state_on(person, ADULTS, FIRST, day) is State.CONTRAINDICATED
    person = replace(person, contraindicated=False)
    assert state_on(person, ADULTS, FIRST, day) is State.REFUSED
    person = replace(person, refused=False)
    assert state_on(person, ADULTS, FIRST, day) is State.DEFERRED
    person = replace(person, deferred_until=None)
    assert state_on(person, ADULTS, FIRST, day) is State.UNKNOWN
    person = replace(person, vaccination_unknown=False)
    assert state_on(person, ADULTS, SECOND, day) is State.WAITING
    assert state_on(person, ADULTS, FIRST, day) is State.DUE


def test_unknown_goes_before_waiting_for_somebody_with_the_first_dose() -> None:
    person = replace(ADULT, doses=(given("1", date(2022, 8, 20)),), vaccination_unknown=True)
    assert state_on(person, ADULTS, FIRST, date(2022, 9, 1)) is State.VACCINATED
    assert state_on(person, ADULTS, SECOND, date(2022, 9, 1)) is State.UNKNOWN


# Ages


def test_a_child_joins_the_group_on_the_birthday_and_leaves_it_on_another() -> None:
    child = replace(ADULT, born_on=date(2015, 9, 10))
    assert state_on(child, CHILDREN, FIRST, date(2020, 9, 9)) is State.OUTSIDE
    assert state_on(child, CHILDREN, FIRST, date(2020, 9, 10)) is State.DUE
    assert state_on(child, CHILDREN, FIRST, date(2027, 9, 9)) is State.DUE
    assert state_on(child, CHILDREN, FIRST, date(2027, 9, 10)) is State.OUTSIDE


def test_whoever_is_born_on_29_february_has_their_birthday_on_the_28th_where_there_is_none() -> None:
    child = replace(ADULT, born_on=date(2016, 2, 29))
    assert state_on(child, CHILDREN, FIRST, date(2021, 2, 27)) is State.OUTSIDE
    assert state_on(child, CHILDREN, FIRST, date(2021, 2, 28)) is State.DUE
    # 12 years on is a leap year
    assert state_on(child, CHILDREN, FIRST, date(2028, 2, 28)) is State.DUE
    assert state_on(child, CHILDREN, FIRST, date(2028, 2, 29)) is State.OUTSIDE


def test_nobody_is_in_a_group_before_they_are_born() -> None:
    babies = replace(CHILDREN, from_age=None)
    baby = replace(ADULT, born_on=date(2022, 8, 20))
    assert state_on(baby, babies, FIRST, date(2022, 8, 19)) is State.OUTSIDE
    assert state_on(baby, babies, FIRST, date(2022, 8, 20)) is State.DUE


def test_without_an_age_a_person_is_unknown_only_where_the_group_asks_for_one() -> None:
    person = replace(ADULT, born_on=None)
    assert state_on(person, CHILDREN, FIRST, ASKED) is State.UNKNOWN
    assert state_on(person, replace(CHILDREN, from_age=None), FIRST, ASKED) is State.UNKNOWN
    assert state_on(person, replace(CHILDREN, to_age=None), FIRST, ASKED) is State.UNKNOWN
    assert state_on(person, ANYBODY, FIRST, ASKED) is State.DUE


def test_the_group_of_a_dose_is_the_group_on_the_day_that_is_asked_for() -> None:
    child = replace(ADULT, born_on=date(2010, 9, 10), doses=(given("1", date(2022, 5, 1)),))
    assert state_on(child, CHILDREN, FIRST, date(2022, 9, 9)) is State.VACCINATED
    assert state_on(child, CHILDREN, FIRST, date(2022, 9, 10)) is State.OUTSIDE


# Priorities

ILL = frozenset({"ill", "pregnant"})
ILL_ADULTS = Group("ill", NAME, (FIRST,), from_age=Period(months=18 * 12), priorities=ILL)
OLD_OR_ILL = Group("risk", NAME, (FIRST,), from_age=Period(months=65 * 12), priorities=ILL, either=True)
ILL_ANY_AGE = Group("ill_any_age", NAME, (FIRST,), priorities=ILL)


@pytest.mark.parametrize(
    ("born_on", "priorities", "both", "either", "any_age"),
    [
        (date(1980, 1, 1), ("ill",), State.DUE, State.DUE, State.DUE),
        (date(1980, 1, 1), ("frontline", "pregnant"), State.DUE, State.DUE, State.DUE),
        (date(1980, 1, 1), (), State.OUTSIDE, State.OUTSIDE, State.OUTSIDE),
        (date(1980, 1, 1), ("frontline",), State.OUTSIDE, State.OUTSIDE, State.OUTSIDE),
        (date(2015, 1, 1), ("ill",), State.OUTSIDE, State.DUE, State.DUE),
        (date(1950, 1, 1), (), State.OUTSIDE, State.DUE, State.OUTSIDE),
        (date(1950, 1, 1), ("ill",), State.DUE, State.DUE, State.DUE),
        (None, ("ill",), State.UNKNOWN, State.DUE, State.DUE),
        (None, (), State.OUTSIDE, State.UNKNOWN, State.OUTSIDE),
    ],
)
def test_priorities_join_with_the_age_by_and_or_by_or(
    born_on: date | None, priorities: tuple[str, ...], both: State, either: State, any_age: State
) -> None:
    person = replace(ADULT, born_on=born_on, priorities=priorities)
    assert state_on(person, ILL_ADULTS, FIRST, ASKED) is both
    assert state_on(person, OLD_OR_ILL, FIRST, ASKED) is either
    assert state_on(person, ILL_ANY_AGE, FIRST, ASKED) is any_age


def test_a_group_of_a_priority_or_no_age_at_all_is_that_priority() -> None:
    group = replace(ILL_ANY_AGE, either=True)
    assert state_on(replace(ADULT, priorities=("ill",)), group, FIRST, ASKED) is State.DUE
    assert state_on(ADULT, group, FIRST, ASKED) is State.OUTSIDE


def test_somebody_turns_65_into_the_group_of_the_old_or_ill() -> None:
    person = replace(ADULT, born_on=date(1957, 10, 1))
    assert state_on(person, OLD_OR_ILL, FIRST, date(2022, 9, 30)) is State.OUTSIDE
    assert state_on(person, OLD_OR_ILL, FIRST, date(2022, 10, 1)) is State.DUE


# Doses and their dates


def test_a_dose_counts_from_the_day_it_was_given_and_not_before() -> None:
    person = replace(ADULT, doses=(given("1", date(2022, 7, 3)),))
    assert state_on(person, ADULTS, FIRST, date(2022, 7, 2)) is State.DUE
    assert state_on(person, ADULTS, FIRST, date(2022, 7, 3)) is State.VACCINATED


def test_an_undated_dose_counts_from_the_interview_and_is_unknown_before() -> None:
    person = replace(ADULT, doses=(given("1", None),))
    assert state_on(person, ADULTS, FIRST, date(2022, 8, 14)) is State.UNKNOWN
    assert state_on(person, ADULTS, FIRST, date(2022, 8, 15)) is State.VACCINATED


def test_after_an_undated_dose_the_next_is_due_from_the_interview() -> None:
    person = replace(ADULT, doses=(given("1", None),))
    assert state_on(person, ADULTS, SECOND, date(2022, 8, 14)) is State.WAITING
    assert state_on(person, ADULTS, SECOND, date(2022, 8, 15)) is State.DUE


def test_the_next_dose_is_due_on_the_day_its_interval_ends() -> None:
    person = replace(ADULT, doses=(given("1", date(2022, 8, 1), "pfizer"),))
    assert state_on(person, ADULTS, SECOND, date(2022, 8, 28)) is State.WAITING
    assert state_on(person, ADULTS, SECOND, date(2022, 8, 29)) is State.DUE


def test_the_interval_follows_the_vaccine_of_the_dose_before() -> None:
    person = replace(ADULT, doses=(given("1", date(2022, 8, 1), "az"),))
    assert state_on(person, ADULTS, SECOND, date(2022, 9, 25)) is State.WAITING
    assert state_on(person, ADULTS, SECOND, date(2022, 9, 26)) is State.DUE
    # a vaccine that nobody knows waits as all others do
    person = replace(ADULT, doses=(given("1", date(2022, 8, 1)),))
    assert state_on(person, ADULTS, SECOND, date(2022, 8, 29)) is State.DUE


def test_a_dose_given_too_early_is_a_dose_given() -> None:
    person = replace(ADULT, doses=(given("1", date(2022, 8, 1)), given("2", date(2022, 8, 2))))
    assert state_on(person, ADULTS, SECOND, date(2022, 8, 1)) is State.WAITING
    assert state_on(person, ADULTS, SECOND, date(2022, 8, 2)) is State.VACCINATED


def test_a_second_dose_without_a_first_is_a_dose_given() -> None:
    person = replace(ADULT, doses=(given("2", date(2022, 8, 2)),))
    assert state_on(person, ADULTS, SECOND, date(2022, 9, 2)) is State.VACCINATED
    assert state_on(person, ADULTS, FIRST, date(2022, 9, 2)) is State.DUE


def test_of_a_dose_told_twice_the_earlier_date_counts_and_a_date_before_none() -> None:
    twice = replace(ADULT, doses=(given("1", date(2022, 7, 9)), given("1", date(2022, 7, 3))))
    assert state_on(twice, ADULTS, FIRST, date(2022, 7, 3)) is State.VACCINATED
    for doses in [(given("1", None), given("1", date(2022, 7, 3))), (given("1", date(2022, 7, 3)), given("1", None))]:
        half = replace(ADULT, doses=doses)
        assert state_on(half, ADULTS, FIRST, date(2022, 7, 2)) is State.DUE
        assert state_on(half, ADULTS, FIRST, date(2022, 7, 3)) is State.VACCINATED


# Series of three


THIRD = ScheduledDose("3", after="2", interval=Period(days=14), only_vaccines=frozenset({"abdala"}))
BOOSTER = ScheduledDose("b", after="2", after_by_vaccine={"abdala": "3", "janssen": "1"}, interval=Period(months=3))
SERIES = Group("series", NAME, (FIRST, SECOND, THIRD, BOOSTER))


def primary(vaccine: str | None, *days: date) -> Person:
    return replace(ADULT, doses=tuple(given(str(n), day, vaccine) for n, day in enumerate(days, 1)))


def test_a_dose_for_one_vaccine_concerns_nobody_else() -> None:
    day = date(2022, 9, 1)
    assert state_on(primary("abdala", date(2022, 1, 1), date(2022, 2, 1)), SERIES, THIRD, day) is State.DUE
    assert state_on(primary("pfizer", date(2022, 1, 1), date(2022, 2, 1)), SERIES, THIRD, day) is State.OUTSIDE
    assert state_on(primary(None, date(2022, 1, 1), date(2022, 2, 1)), SERIES, THIRD, day) is State.OUTSIDE
    assert state_on(primary("abdala", date(2022, 1, 1)), SERIES, THIRD, day) is State.OUTSIDE
    assert state_on(ADULT, SERIES, THIRD, day) is State.OUTSIDE


def test_somebody_who_got_that_dose_all_the_same_is_vaccinated() -> None:
    odd = primary("pfizer", date(2022, 1, 1), date(2022, 2, 1), date(2022, 3, 1))
    assert state_on(odd, SERIES, THIRD, date(2022, 9, 1)) is State.VACCINATED


def test_a_dose_for_one_vaccine_waits_its_interval_too() -> None:
    person = primary("abdala", date(2022, 7, 1), date(2022, 8, 1))
    assert state_on(person, SERIES, THIRD, date(2022, 8, 14)) is State.WAITING
    assert state_on(person, SERIES, THIRD, date(2022, 8, 15)) is State.DUE


def test_the_booster_follows_the_last_dose_of_the_series_begun() -> None:
    two = primary("pfizer", date(2022, 1, 1), date(2022, 2, 1))
    assert state_on(two, SERIES, BOOSTER, date(2022, 4, 30)) is State.WAITING
    assert state_on(two, SERIES, BOOSTER, date(2022, 5, 1)) is State.DUE
    # Abdala's series has three doses
    assert state_on(primary("abdala", date(2022, 1, 1), date(2022, 2, 1)), SERIES, BOOSTER, ASKED) is State.WAITING
    three = primary("abdala", date(2022, 1, 1), date(2022, 2, 1), date(2022, 3, 1))
    assert state_on(three, SERIES, BOOSTER, date(2022, 5, 31)) is State.WAITING
    assert state_on(three, SERIES, BOOSTER, date(2022, 6, 1)) is State.DUE
    # Janssen's has one
    assert state_on(primary("janssen", date(2022, 1, 1)), SERIES, BOOSTER, date(2022, 3, 31)) is State.WAITING
    assert state_on(primary("janssen", date(2022, 1, 1)), SERIES, BOOSTER, date(2022, 4, 1)) is State.DUE


def test_the_first_vaccine_is_that_of_the_earliest_dose_whatever_the_order_they_were_told_in() -> None:
    person = replace(ADULT, doses=(given("2", date(2022, 2, 1), "pfizer"), given("1", date(2022, 1, 1), "janssen")))
    assert state_on(person, SERIES, BOOSTER, date(2022, 4, 1)) is State.DUE
    assert state_on(person, SERIES, BOOSTER, date(2022, 3, 31)) is State.WAITING


def test_a_first_dose_without_a_date_is_still_the_first() -> None:
    person = replace(ADULT, doses=(given("1", None, "abdala"), given("2", date(2022, 1, 1), "pfizer")))
    assert state_on(person, SERIES, BOOSTER, ASKED) is State.WAITING  # for the third dose of abdala's series
    person = replace(ADULT, doses=(given("1", date(2022, 1, 1), "pfizer"), given("2", None, "abdala")))
    assert state_on(person, SERIES, BOOSTER, ASKED) is State.DUE


ONE_IS_ENOUGH = replace(SECOND, given_by_vaccine={"janssen": "1"})
WITH_JANSSEN = Group("series", NAME, (FIRST, ONE_IS_ENOUGH, BOOSTER))


def test_one_dose_of_a_vaccine_that_needs_no_second_is_the_second_as_well() -> None:
    person = primary("janssen", date(2022, 1, 1))
    assert state_on(person, WITH_JANSSEN, ONE_IS_ENOUGH, date(2021, 12, 31)) is State.WAITING
    for dose in (FIRST, ONE_IS_ENOUGH):
        assert state_on(person, WITH_JANSSEN, dose, date(2022, 1, 1)) is State.VACCINATED
    assert state_on(person, WITH_JANSSEN, BOOSTER, date(2022, 3, 31)) is State.WAITING
    assert state_on(person, WITH_JANSSEN, BOOSTER, date(2022, 4, 1)) is State.DUE
    boosted = replace(person, doses=(*person.doses, given("b", date(2022, 5, 1), "pfizer")))
    assert state_on(boosted, WITH_JANSSEN, ONE_IS_ENOUGH, date(2022, 5, 1)) is State.VACCINATED
    assert state_on(boosted, WITH_JANSSEN, BOOSTER, date(2022, 5, 1)) is State.VACCINATED


def test_one_dose_of_any_other_vaccine_is_not_the_second() -> None:
    for vaccine in ("pfizer", None):
        person = primary(vaccine, date(2022, 1, 1))
        assert state_on(person, WITH_JANSSEN, ONE_IS_ENOUGH, date(2022, 2, 28)) is State.DUE
    # nor is such a vaccine given second, which is a second dose like any other
    mixed = replace(ADULT, doses=(given("1", date(2022, 1, 1), "pfizer"), given("2", date(2022, 2, 1), "janssen")))
    assert state_on(mixed, WITH_JANSSEN, ONE_IS_ENOUGH, date(2022, 1, 31)) is State.DUE
    assert state_on(mixed, WITH_JANSSEN, ONE_IS_ENOUGH, date(2022, 2, 1)) is State.VACCINATED


def test_a_second_dose_that_was_not_needed_changes_nothing_of_the_first() -> None:
    person = primary("janssen", date(2022, 1, 1), date(2022, 2, 1))
    assert state_on(person, WITH_JANSSEN, ONE_IS_ENOUGH, date(2022, 1, 1)) is State.VACCINATED
    undated = primary("janssen", date(2022, 1, 1))
    undated = replace(undated, doses=(given("1", None, "janssen"),))
    assert state_on(undated, WITH_JANSSEN, ONE_IS_ENOUGH, undated.reported_on) is State.VACCINATED
    assert state_on(undated, WITH_JANSSEN, ONE_IS_ENOUGH, undated.reported_on - timedelta(days=1)) is State.UNKNOWN


AT_RISK = Group("at_risk", NAME, (FIRST,), Period(months=18 * 12), None, frozenset({"ill"}), False, Period(months=780))


def test_a_group_of_the_ill_from_one_age_takes_in_everybody_from_a_higher_one() -> None:
    def state(born: date | None, *priorities: str) -> State:
        person = replace(ADULT, born_on=born, priorities=priorities, doses=())
        return state_on(person, AT_RISK, FIRST, date(2022, 9, 1))

    assert state(date(2004, 9, 1), "ill") is State.DUE  # 18 today
    assert state(date(2004, 9, 2), "ill") is State.OUTSIDE
    assert state(date(1957, 9, 1)) is State.DUE  # 65 today
    assert state(date(1957, 9, 2)) is State.OUTSIDE
    assert state(date(1957, 9, 2), "pregnant") is State.OUTSIDE
    assert state(None) is State.UNKNOWN
    assert state(None, "ill") is State.UNKNOWN


# Infection, deferral, refusal


def test_after_an_infection_nothing_is_due_until_the_wait_is_over() -> None:
    child = replace(ADULT, born_on=date(2015, 1, 1), infected_on=date(2022, 5, 31))
    assert state_on(child, CHILDREN, FIRST, date(2022, 5, 30)) is State.DUE
    assert state_on(child, CHILDREN, FIRST, date(2022, 5, 31)) is State.DEFERRED
    assert state_on(child, CHILDREN, FIRST, date(2022, 8, 30)) is State.DEFERRED
    assert state_on(child, CHILDREN, FIRST, date(2022, 8, 31)) is State.DUE


def test_the_wait_after_an_infection_is_the_groups_own() -> None:
    person = replace(ADULT, infected_on=date(2022, 8, 1))
    assert state_on(person, ADULTS, FIRST, ASKED) is State.DUE
    assert state_on(person, replace(ADULTS, after_infection=MONTH), FIRST, ASKED) is State.DEFERRED


def test_a_dose_given_is_given_whatever_infection_followed() -> None:
    child = replace(
        ADULT, born_on=date(2015, 1, 1), infected_on=date(2022, 8, 1), doses=(given("1", date(2022, 7, 1)),)
    )
    assert state_on(child, CHILDREN, FIRST, ASKED) is State.VACCINATED
    assert state_on(child, CHILDREN, SECOND, ASKED) is State.DEFERRED


def test_a_deferral_holds_from_the_interview_until_its_last_day() -> None:
    person = replace(ADULT, deferred_until=date(2022, 9, 10))
    assert state_on(person, ADULTS, FIRST, date(2022, 8, 14)) is State.DUE
    assert state_on(person, ADULTS, FIRST, date(2022, 8, 15)) is State.DEFERRED
    assert state_on(person, ADULTS, FIRST, date(2022, 9, 9)) is State.DEFERRED
    assert state_on(person, ADULTS, FIRST, date(2022, 9, 10)) is State.DUE


def test_a_deferral_over_at_the_interview_never_holds() -> None:
    person = replace(ADULT, deferred_until=date(2022, 8, 15))
    for day in (date(2022, 8, 14), date(2022, 8, 15), date(2022, 8, 16)):
        assert state_on(person, ADULTS, FIRST, day) is State.DUE


def test_a_refusal_holds_from_the_interview_on() -> None:
    person = replace(ADULT, refused=True, deferred_until=date(2022, 9, 10))
    assert state_on(person, ADULTS, FIRST, date(2022, 8, 14)) is State.DUE
    assert state_on(person, ADULTS, FIRST, date(2022, 8, 15)) is State.REFUSED
    assert state_on(person, ADULTS, FIRST, date(2030, 1, 1)) is State.REFUSED


def test_a_contraindication_holds_on_every_day_without_the_dose() -> None:
    person = replace(ADULT, contraindicated=True)
    assert state_on(person, ADULTS, FIRST, date(2021, 3, 8)) is State.CONTRAINDICATED
    assert state_on(person, ADULTS, FIRST, date(2030, 1, 1)) is State.CONTRAINDICATED


# Steps


def campaign(*groups: Group) -> Campaign:
    return Campaign("c", NAME, date(2021, 3, 8), groups, {}, {}, {})


def told(person: Person, *groups: Group) -> list[tuple[int, date, State | None, State | None]]:
    return [
        (step.series, date.fromordinal(step.day), step.left, step.entered) for step in steps(person, campaign(*groups))
    ]


def test_a_childs_way_through_two_doses_is_seven_steps() -> None:
    child = replace(
        ADULT,
        born_on=date(2016, 9, 1),
        doses=(given("1", date(2022, 7, 1)),),
        deferred_until=date(2022, 9, 10),
    )
    assert told(child, CHILDREN) == [
        (0, date(2021, 9, 1), None, State.DUE),
        (0, date(2022, 7, 1), State.DUE, State.VACCINATED),
        (0, date(2028, 9, 1), State.VACCINATED, None),
        (1, date(2021, 9, 1), None, State.WAITING),
        (1, date(2022, 7, 29), State.WAITING, State.DUE),
        (1, date(2022, 8, 15), State.DUE, State.DEFERRED),
        (1, date(2022, 9, 10), State.DEFERRED, State.DUE),
        (1, date(2028, 9, 1), State.DUE, None),
    ]


def test_what_happened_before_the_campaign_is_in_the_first_step() -> None:
    person = replace(ADULT, doses=(given("1", date(2020, 12, 1)),))
    assert told(person, ADULTS) == [
        (0, date(2021, 3, 8), None, State.VACCINATED),
        (1, date(2021, 3, 8), None, State.DUE),
    ]


def test_what_happens_after_the_campaigns_last_day_is_no_step() -> None:
    person = replace(ADULT, doses=(given("1", date(2022, 1, 1)), given("2", date(2022, 3, 1))))
    ways = {
        until: [date.fromordinal(step.day) for step in steps(person, replace(campaign(ADULTS), until=until))]
        for until in (date(2021, 12, 31), date(2022, 1, 1), date(2022, 2, 28), date(2022, 3, 1))
    }
    start, first, ready, second = date(2021, 3, 8), date(2022, 1, 1), date(2022, 1, 29), date(2022, 3, 1)
    assert ways == {
        date(2021, 12, 31): [start, start],
        date(2022, 1, 1): [start, first, start],
        date(2022, 2, 28): [start, first, start, ready],
        date(2022, 3, 1): [start, first, start, ready, second],
    }


def test_whoever_joins_or_leaves_a_group_after_the_last_day_makes_no_step() -> None:
    children = replace(campaign(replace(CHILDREN, doses=(FIRST,))), until=date(2022, 12, 31))
    baby, pupil = replace(ADULT, born_on=date(2018, 1, 1)), replace(ADULT, born_on=date(2011, 1, 1))
    assert steps(baby, children) == []
    assert [step.entered for step in steps(pupil, children)] == [State.DUE]
    assert [step.entered for step in steps(pupil, replace(children, until=date(2023, 1, 1)))] == [State.DUE, None]


def test_whoever_was_in_the_group_only_before_the_campaign_makes_no_step() -> None:
    assert told(replace(ADULT, born_on=date(2009, 3, 8)), CHILDREN) == []
    assert told(replace(ADULT, born_on=date(2009, 3, 9)), CHILDREN) == [
        (0, date(2021, 3, 8), None, State.DUE),
        (0, date(2021, 3, 9), State.DUE, None),
        (1, date(2021, 3, 8), None, State.WAITING),
        (1, date(2021, 3, 9), State.WAITING, None),
    ]


def test_of_a_person_without_an_age_one_step_says_unknown_for_good() -> None:
    assert told(replace(ADULT, born_on=None), ADULTS) == [
        (0, date(2021, 3, 8), None, State.UNKNOWN),
        (1, date(2021, 3, 8), None, State.UNKNOWN),
    ]


def test_groups_that_share_a_schedule_keep_their_own_days() -> None:
    old = Group("old", NAME, (FIRST, SECOND), from_age=Period(months=65 * 12))
    person = replace(ADULT, born_on=date(1957, 10, 1), doses=(given("1", date(2022, 1, 1)),))
    assert told(person, ADULTS, old) == [
        (0, date(2021, 3, 8), None, State.DUE),
        (0, date(2022, 1, 1), State.DUE, State.VACCINATED),
        (1, date(2021, 3, 8), None, State.WAITING),
        (1, date(2022, 1, 29), State.WAITING, State.DUE),
        (2, date(2022, 10, 1), None, State.VACCINATED),
        (3, date(2022, 10, 1), None, State.DUE),
    ]


def test_a_dose_that_concerns_somebody_only_once_given_enters_from_outside() -> None:
    odd = primary("pfizer", date(2022, 1, 1), date(2022, 2, 1), date(2022, 3, 1))
    third_only = Group("third", NAME, (THIRD,))
    assert told(odd, third_only) == [
        (0, date(2021, 3, 8), None, State.WAITING),
        (0, date(2022, 2, 15), State.WAITING, State.DUE),
        (0, date(2022, 3, 1), State.DUE, State.VACCINATED),
    ]
    assert told(primary("pfizer", date(2022, 1, 1), date(2022, 2, 1)), third_only) == []
