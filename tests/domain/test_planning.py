"""Who comes first in a plan, how far they walk, and from which vial a dose comes."""

from __future__ import annotations

from datetime import date

import pytest

from mapper.domain.campaign import Label, Period
from mapper.domain.people import Person
from mapper.domain.planning import Ages, Formulation, Needs, PlanningRules, Precedence

DAY = date(2022, 9, 8)
WORDS = Label("x")
RULES = PlanningRules(
    formulations=(
        Formulation("orange", "pfizer", WORDS, 10, 12, Ages(Period(60), Period(144))),
        Formulation("purple", "pfizer", WORDS, 6, 6, Ages(Period(144))),
        Formulation("moderna", "moderna", WORDS, 10, 6),
    ),
    precedences=(
        Precedence(WORDS, ages=Ages(Period(65 * 12)), weight=3, walk_limit_m=3000),
        Precedence(WORDS, ages=Ages(Period(85 * 12)), weight=2, at_home=True),
        Precedence(WORDS, frozenset({"ill", "pregnant"}), weight=4),
    ),
)


def person(born_on: date | None, *priorities: str) -> Person:
    return Person("p", DAY, born_on=born_on, priorities=priorities)


@pytest.mark.parametrize(
    ("born", "priorities", "needs"),
    [
        pytest.param(date(1980, 1, 1), (), Needs(1, 5000, False), id="like everybody"),
        pytest.param(date(1957, 9, 9), (), Needs(1, 5000, False), id="65 tomorrow"),
        pytest.param(date(1957, 9, 8), (), Needs(3, 3000, False), id="65 today"),
        pytest.param(date(1930, 1, 1), (), Needs(3, 3000, True), id="the most weight of all that hold"),
        pytest.param(date(1930, 1, 1), ("ill",), Needs(4, 3000, True), id="of all"),
        pytest.param(None, (), Needs(1, 5000, False), id="of no known age"),
        pytest.param(None, ("pregnant",), Needs(4, 5000, False), id="ill at any age"),
    ],
)
def test_everybody_is_owed_the_most_weight_and_the_shortest_walk(
    born: date | None, priorities: tuple[str, ...], needs: Needs
) -> None:
    assert RULES.needs(RULES.precedences_of(person(born, *priorities), DAY)) == needs


@pytest.mark.parametrize(
    ("vaccines", "born", "code"),
    [
        (("pfizer",), date(2012, 1, 1), "orange"),
        (("pfizer",), date(2010, 9, 8), "purple"),
        (("pfizer",), date(2010, 9, 9), "orange"),
        (("pfizer",), date(2018, 1, 1), None),
        (("pfizer",), None, None),
        (("pfizer", "moderna"), None, "moderna"),
        (("abdala",), date(1980, 1, 1), None),
        ((), date(1980, 1, 1), None),
    ],
)
def test_a_dose_comes_from_the_first_vial_that_may_be_given_at_that_age(
    vaccines: tuple[str, ...], born: date | None, code: str | None
) -> None:
    found = RULES.formulation_for(vaccines, born, DAY)
    assert (found.code if found else None) == code
