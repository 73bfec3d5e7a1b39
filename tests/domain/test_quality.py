"""What is odd by rule: worked out by hand, each beside the nearest case that is not odd."""

from __future__ import annotations

from datetime import date

import pytest

from mapper.domain.campaign import Campaign
from mapper.domain.people import Dose, Person
from mapper.domain.quality import equal_points, far_houses, key, of_house, of_person, pair_key
from mapper.formats.campaign import read_campaign
from tests.conftest import CHECKOUT


@pytest.fixture(scope="module")
def campaign() -> Campaign:
    return read_campaign((CHECKOUT / "forms" / "covid19" / "campaign.toml").read_text("utf-8"))


def found(campaign: Campaign, born: date | None, *doses: Dose, precision: str = "day") -> list[str]:
    person = Person("p", date(2022, 8, 15), "Lan", born, precision if born else None, doses=doses)  # type: ignore[arg-type]
    return [odd.rule for odd in of_person(person, campaign)]


def dose(code: str, on: date | None, vaccine: str | None = "pfizer") -> Dose:
    return Dose(code, on, vaccine)


ADULT, TEEN = date(1980, 3, 4), date(2008, 1, 1)
FIRST = date(2021, 8, 10)


def test_a_dose_is_not_of_a_day_before_birth(campaign: Campaign) -> None:
    assert found(campaign, date(2021, 8, 11), dose("1", FIRST)) == ["dose_before_birth"]
    # Born in 2021, as far as is known: perhaps before that day, but then too young.
    assert found(campaign, date(2021, 7, 1), dose("1", FIRST), precision="year") == ["dose_at_age"]
    assert found(campaign, ADULT, dose("1", FIRST)) == []
    assert found(campaign, None, dose("1", FIRST)) == []


def test_a_dose_is_not_of_a_day_before_its_vaccine_was_given(campaign: Campaign) -> None:
    assert found(campaign, ADULT, dose("1", date(2021, 6, 11))) == ["dose_before_vaccine"]
    assert found(campaign, ADULT, dose("1", date(2021, 6, 12))) == []
    assert found(campaign, ADULT, dose("1", date(2021, 6, 30), "astrazeneca")) == []
    assert found(campaign, ADULT, dose("1", None)) == []


def test_a_dose_waits_for_its_interval_to_the_day(campaign: Campaign) -> None:
    """Children's second dose comes 28 days after the first: 1 June and 28 days is 29 June."""
    child = date(2015, 5, 5)
    first = dose("1", date(2022, 6, 1))
    assert found(campaign, child, first, dose("2", date(2022, 6, 28))) == ["dose_too_soon"]
    assert found(campaign, child, first, dose("2", date(2022, 6, 29))) == []
    assert found(campaign, child, dose("1", None), dose("2", date(2022, 6, 28))) == []


def test_children_get_two_doses_of_one_vaccine_and_none_of_those_for_adults(campaign: Campaign) -> None:
    child = date(2015, 5, 5)
    first, on = dose("1", date(2022, 6, 1)), date(2022, 7, 20)
    assert found(campaign, child, first, dose("2", on, "moderna")) == ["doses_mixed"]
    assert found(campaign, child, first, dose("2", on, "pfizer")) == []
    assert found(campaign, child, dose("1", date(2022, 6, 1), "astrazeneca")) == ["dose_at_age"]
    # Five years old on 1 June 2022 is who was born on 1 June 2017, and no later.
    assert found(campaign, date(2017, 6, 1), first) == []
    assert found(campaign, date(2017, 6, 2), first) == ["dose_at_age"]


def test_a_dose_of_two_days_is_told(campaign: Campaign) -> None:
    assert found(campaign, ADULT, dose("1", FIRST), dose("1", date(2021, 8, 12))) == ["dose_twice"]


@pytest.mark.parametrize(
    ("people", "expected", "odd"),
    [(4, 4, False), (4, 5, False), (4, 6, True), (0, None, True), (15, None, False), (16, 16, True)],
    ids=["as said", "one away", "two missing", "nobody", "many", "too many"],
)
def test_numbers_of_people(people: int, expected: int | None, odd: bool) -> None:
    assert (of_house("interviewed", people, expected) is not None) == odd
    assert of_house("absent", 0, None) is None


def test_a_house_is_far_that_lies_outside_its_hamlet() -> None:
    """Four houses some 111 m apart, and one 0.02 degrees, 2.2 km, north of them."""
    near = [(22.0, 105.0), (22.001, 105.0), (22.0, 105.001), (22.001, 105.001)]
    assert far_houses([*near, (22.02, 105.0)]).keys() == {4}
    assert far_houses([*near, (22.005, 105.0)]) == {}
    assert far_houses([*near[:3], (23.0, 105.0)]) == {}


def test_houses_of_one_position_are_told_with_the_first_of_them() -> None:
    one = (22.0, 105.0)
    assert equal_points([one, (22.1, 105.0), one, one]) == [(0, 2), (0, 3)]
    assert equal_points([one, (22.000001, 105.0)]) == []


def test_the_key_of_an_oddity_is_the_same_whichever_comes_first_and_tells_nothing() -> None:
    assert pair_key("same_person", "a", "b") == pair_key("same_person", "b", "a") != pair_key("same_person", "a", "c")
    assert key("dose_twice", "p", "1") != key("dose_twice", "p1")
    assert len(key("dose_twice", "Lan")) == 32
