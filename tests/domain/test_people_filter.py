"""A filter and its address say the same; what an address cannot say is refused by name."""

from __future__ import annotations

from datetime import date

import pytest

from mapper.domain.ledger import State
from mapper.domain.people_filter import Entering, Obstacle, PeopleFilter, read_filter
from mapper.errors import InvalidInput

FULL = PeopleFilter(
    text="nguyễn đức 1980",
    areas=("commune:01969", "hamlet:0196901"),
    within=((22.1, 105.8), (22.2, 105.8), (22.2, 105.9)),
    group="18_plus",
    dose="booster1",
    states=frozenset({State.DUE, State.REFUSED}),
    age_from=18,
    age_to=59,
    sexes=("female",),
    residences=("here", "moved_in"),
    priorities=("pregnant",),
    given=("1", "2"),
    vaccines=("pfizer",),
    lots=("L 12/3",),
    given_from=date(2021, 9, 1),
    given_to=date(2022, 2, 28),
    entering=Entering.DUE,
    entering_from=date(2022, 9, 1),
    entering_to=date(2022, 9, 30),
    reasons=((Obstacle.REFUSED, None), (Obstacle.DEFERRED, "fever"), (Obstacle.AWAY, "")),
    outcomes=("interviewed",),
    senders=(3, 17),
    reviews=("", "approved"),
    visited_from=date(2022, 7, 1),
    visited_to=date(2022, 7, 31),
    invited_from=date(2022, 8, 15),
    invited_to=date(2022, 8, 19),
    invited_sites=("TYT", "m 1"),
)


def values(address: list[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in address:
        found.setdefault(name, []).append(value)
    return found


def test_every_criterion_survives_its_address() -> None:
    assert all(getattr(FULL, name) != getattr(PeopleFilter(), name) for name in PeopleFilter.__slots__)
    assert read_filter(values(FULL.address())) == FULL
    assert FULL.address()[0] == ("text", "nguyễn đức 1980")
    assert ("reasons", "away:") in FULL.address() and ("reasons", "refused") in FULL.address()


def test_an_address_without_criteria_wants_everybody() -> None:
    assert PeopleFilter().address() == []
    assert read_filter({"text": ["  "], "age_from": [""], "sexes": [""], "page": ["2"]}).is_empty
    assert not FULL.is_empty


@pytest.mark.parametrize(
    ("address", "names"),
    [
        ({"age_from": ["-1"]}, "age_from"),
        ({"age_to": ["151"]}, "age_to"),
        ({"given_from": ["31/12/2021"]}, "given_from"),
        ({"states": ["asleep"], "group": ["g"], "dose": ["1"]}, "states"),
        ({"reasons": ["tired:x"]}, "reasons"),
        ({"senders": ["me"]}, "senders"),
        ({"within": ["22 105,91 105,22 106"]}, "within"),
        ({"text": ["a" * 201]}, "text"),
    ],
)
def test_a_value_that_means_nothing_is_refused_with_its_field(address: dict[str, list[str]], names: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_filter(address)
    assert refused.value.facts["name"] == names


@pytest.mark.parametrize(
    ("address", "word"),
    [
        ({"age_from": ["20"], "age_to": ["10"]}, "leave nobody"),
        ({"visited_from": ["2022-02-01"], "visited_to": ["2022-01-01"]}, "ends before it begins"),
        ({"states": ["due"], "group": ["18_plus"]}, "Choose both"),
        ({"entering": ["due"], "group": ["18_plus"]}, "Choose both"),
        ({"entering": ["group"], "group": ["18_plus"], "entering_from": ["2022-01-01"]}, "between two days"),
        ({"within": ["22.1 105.8,22.2 105.9"]}, "three corners"),
    ],
)
def test_what_contradicts_itself_is_refused_with_the_cure(address: dict[str, list[str]], word: str) -> None:
    with pytest.raises(InvalidInput, match=word):
        read_filter(address)
