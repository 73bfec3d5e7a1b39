"""Ranges: where households without a point may be, how likely, and what may then be said of a place."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest

from mapper.domain.coverage import Houses, Verdict, assess
from mapper.domain.household import HOUSE_COUNTS
from mapper.domain.ledger import INSIDE, State
from mapper.domain.ranges import Maybe, OneOf, apportioned, forebears, heirs, needed, widened
from mapper.domain.succession import Heir, Succession

AREAS = {"A": 30.0, "B": 10.0, "C": 5.0, "X": 20.0, "Y": 25.0, "Z": 5.0}.get
# A went whole to X, B to X and Y, C in part to Z, and nobody told where the rest is.
TOLD = Succession(
    (
        Heir("A", "X", True, 1.0),
        Heir("B", "X", False, 0.25),
        Heir("B", "Y", False, 0.75),
        Heir("C", "Z", False, 0.6),
        Heir("D", "Y", True),
    )
)


def people(vaccinated: int = 0, due: int = 0, unknown: int = 0) -> tuple[int, ...]:
    states = {State.VACCINATED: vaccinated, State.DUE: due, State.UNKNOWN: unknown}
    return tuple(states.get(state, 0) for state in INSIDE)


def houses(visited: int, interviewed: int | None = None) -> tuple[int, ...]:
    return (visited, visited if interviewed is None else interviewed, *[0] * (len(HOUSE_COUNTS) - 2))


# Heirs and forebears


def test_a_unit_that_went_whole_to_one_is_there() -> None:
    assert heirs(TOLD, "A", AREAS) == "X"


def test_a_divided_unit_is_in_one_of_its_heirs() -> None:
    assert heirs(TOLD, "B", AREAS) == OneOf("B", ("X", "Y"), (0.25, 0.75))


def test_a_unit_with_one_heir_of_a_part_may_be_elsewhere() -> None:
    assert heirs(TOLD, "C", AREAS) == OneOf("C", ("Z",), (0.6,), elsewhere=True)


def test_a_unit_without_heirs_or_with_unknown_ones_is_nowhere() -> None:
    assert heirs(TOLD, "E", AREAS) is None
    assert heirs(TOLD, "A", {}.get) is None


def test_a_unit_of_one_forebear_lies_in_it_though_that_was_divided() -> None:
    assert forebears(TOLD, "Z", AREAS) == "C"


def test_a_unit_of_several_forebears_is_in_one_of_them_by_their_ground() -> None:
    # X: all 30 km² of A, and a quarter of B's 10
    assert forebears(TOLD, "X", AREAS) == OneOf("X", ("A", "B"), (30.0, 2.5))
    assert forebears(TOLD, "W", AREAS) is None


# Weights


def test_households_that_are_placed_tell_before_the_ground_does() -> None:
    where = OneOf("B", ("X", "Y"), (0.25, 0.75))
    assert where.weights([{"X": 3, "Y": 1}, {"X": 1, "Y": 9}]) == ((3, 1), 4)
    assert where.weights([{}, {"X": 1, "Y": 9}]) == ((1, 9), 10)
    # those that lie in no heir tell nothing of the heirs
    parts, of = where.weights([{"W": 5}, {}])
    assert [Fraction(part, of) for part in parts] == [Fraction(1, 4), Fraction(3, 4)]


def test_without_households_and_ground_all_are_alike() -> None:
    assert OneOf("B", ("X", "Y"), None).weights([]) == ((1, 1), 2)
    assert OneOf("C", ("Z",), None, elsewhere=True).weights([]) == ((1,), 2)
    parts, of = OneOf("C", ("Z",), (0.6,), elsewhere=True).weights([])
    assert Fraction(parts[0], of) == Fraction(3, 5)


def test_parts_of_a_number_make_it_up() -> None:
    assert apportioned(10, (1, 1, 1), 3) == [4, 3, 3]
    assert apportioned(0, (1, 2), 3) == [0, 0]
    assert apportioned(10, (3,), 5) == [6]
    draw = random.Random(7)
    for _ in range(200):
        weights = [draw.randrange(9) for _ in range(draw.randrange(1, 6))] + [1]
        number = draw.randrange(300)
        parts = apportioned(number, weights, sum(weights))
        assert sum(parts) == number
        assert all(abs(part - number * one / sum(weights)) < 1 for part, one in zip(parts, weights, strict=True))


def test_numbers_told_together_are_not_all_rounded_to_the_same_side() -> None:
    owed = [0, 0]
    assert [apportioned(1, (1, 1), 2, owed) for _ in range(4)] == [[1, 0], [0, 1], [1, 0], [0, 1]]
    draw = random.Random(8)
    for _ in range(200):
        weights = [draw.randrange(9) for _ in range(draw.randrange(1, 6))] + [1]
        owed, numbers = [0] * len(weights), [draw.randrange(30) for _ in range(8)]
        parts = [apportioned(number, weights, sum(weights), owed) for number in numbers]
        assert [sum(one) for one in parts] == numbers
        assert min(map(min, parts)) >= 0
        assert all(abs(each) <= 2 * sum(weights) for each in owed)


# What may be said


def test_coverage_lies_between_the_worst_and_the_best_that_may_come() -> None:
    # 60 of 100 for certain; of the 10 who may come 5 are vaccinated, and 4 are likely here, 3 of them vaccinated
    maybe = Maybe(people(5, 5), houses(3), people(3, 1), houses(1))
    found = maybe.coverage(60, 100)
    assert found is not None
    assert found == pytest.approx((60 / 105, 63 / 104, 65 / 105))


def test_nobody_at_all_has_no_coverage_and_where_nobody_is_certain_there_is_a_range() -> None:
    nobody = Maybe(people(), houses(1), people(), houses(0))
    assert nobody.coverage(0, 0) is None
    assert Maybe(people(2, 2), houses(1), people(1, 1), houses(1)).coverage(0, 0) == (0.0, 0.5, 1.0)
    assert Maybe(people(2, 0), houses(1), people(0, 0), houses(0)).coverage(0, 0) == (1.0, 1.0, 1.0)


def test_a_verdict_stands_only_where_whoever_comes_leaves_it() -> None:
    goal = Fraction(9, 10)
    all_asked = Houses(None, 40, 40, 0)
    assert assess(95, 100, 0, all_asked, goal).verdict is Verdict.MET
    few = widened(people(95, 5), all_asked, Maybe(people(1, 1), houses(1), people(1, 0), houses(0)), goal)
    assert few.verdict is Verdict.MET
    many = widened(people(95, 5), all_asked, Maybe(people(0, 20), houses(6), people(0, 10), houses(3)), goal)
    assert many.verdict is Verdict.UNDECIDED
    assert not many.complete
    assert (many.worst, many.best) == pytest.approx((95 / 120, 95 / 100))
    assert (many.low, many.high) == pytest.approx((95 / 120, 95 / 100))
    # 90 % of 110 are 99
    assert many.needed == 4
    assert needed(people(95, 5), Maybe(people(0, 20), houses(6), people(0, 10), houses(3)), goal) == (0, 13)


def test_houses_that_were_not_asked_stay_in_doubt_beside_those_that_may_come() -> None:
    # one of the two that may come was not asked, and may hold whom the mean of a house tells
    maybe = Maybe(people(2, 0), houses(2, 1), people(), houses(0, 0))
    found = widened(people(5, 5), Houses(None, 5, 5, 0), maybe, None)
    assert found.worst is not None
    assert found.best is not None
    assert found.worst < 0.5
    assert found.best > 7 / 12
