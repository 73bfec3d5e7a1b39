"""Shares, Wilson intervals, worst and best cases and verdicts, each worked out by hand."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapper.domain.coverage import Houses, NoDenominator, Verdict, assess, assess_sample, coverage, missing_people

P95, P90 = Fraction(95, 100), Fraction(90, 100)


def houses(expected: int | None, visited: int, interviewed: int, vacant: int = 0) -> Houses:
    """Those of one hamlet."""
    return Houses(
        expected,
        visited,
        interviewed,
        vacant,
        unvisited=max(0, (expected or 0) - visited),
        unlisted=int(expected is None and visited > 0),
    )


ALL = houses(10, 10, 10)


@pytest.mark.parametrize(
    ("vaccinated", "eligible", "low", "high"),
    [
        # Newcombe, Statistics in Medicine 17 (1998), table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        # by symmetry
        (20, 20, 0.8389, 1.0),
        (28, 29, 0.8282, 0.9939),
    ],
)
def test_the_interval_is_wilsons(vaccinated: int, eligible: int, low: float, high: float) -> None:
    figure = coverage(vaccinated, eligible)
    assert figure.share == vaccinated / eligible
    assert (round(figure.low, 4), round(figure.high, 4)) == (low, high)


def test_no_data_is_not_zero_coverage() -> None:
    with pytest.raises(NoDenominator, match="Nobody is eligible"):
        coverage(0, 0)
    assert coverage(0, 1).share == 0


@pytest.mark.parametrize(("vaccinated", "eligible"), [(2, 1), (-1, 5), (0, -1)])
def test_numbers_that_cannot_be_are_refused(vaccinated: int, eligible: int) -> None:
    with pytest.raises(ValueError, match=f"{vaccinated} vaccinated of {eligible} eligible"):
        coverage(vaccinated, eligible)


@given(st.integers(1, 10**7).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_share_lies_within_its_interval_and_both_within_0_and_1(numbers: tuple[int, int]) -> None:
    figure = coverage(*numbers)
    assert 0 <= figure.low <= figure.share <= figure.high <= 1
    assert (figure.low == 0) == (numbers[0] == 0)
    assert (figure.high == 1) == (numbers[0] == numbers[1])


# Houses


def test_missing_houses_are_those_of_the_list_neither_interviewed_nor_vacant() -> None:
    assert houses(80, 3, 3).missing == 77
    assert houses(80, 60, 50, 4).missing == 26
    assert houses(10, 10, 9, 1).missing == 0


def test_one_hamlet_larger_than_its_list_does_not_make_up_for_another() -> None:
    # 2 of 10 houses in one hamlet, 18 where the list says 10 in the other: 8 are missing, and not none
    assert Houses(20, 20, 20, 0, unvisited=8).missing == 8


def test_where_more_houses_stand_than_the_list_says_those_visited_count() -> None:
    assert houses(5, 8, 6).missing == 2
    assert houses(None, 8, 6, 1).missing == 1
    assert houses(None, 0, 0).missing == 0


def test_missing_people_are_reckoned_at_the_mean_of_the_interviewed_rounded_up() -> None:
    # 30 eligible and 2 unknown in 20 houses: 1.6 a house, 16.0 in 10 and 17.6 in 11
    assert missing_people(30, 2, houses(30, 20, 20)) == 16
    assert missing_people(30, 2, houses(31, 20, 20)) == 18
    assert missing_people(30, 2, houses(20, 20, 20)) == 0
    assert missing_people(0, 0, houses(30, 20, 20)) == 0


def test_nobody_knows_how_many_people_are_missing_where_no_house_was_interviewed() -> None:
    assert missing_people(0, 0, houses(30, 5, 0)) is None
    assert missing_people(0, 0, houses(30, 0, 0)) is None
    assert missing_people(0, 0, houses(None, 0, 0)) == 0


# What may be said of a place


def test_a_hamlet_visited_whole_states_its_share_alone() -> None:
    found = assess(18, 20, 0, ALL, P90)
    assert (found.coverage, found.worst, found.best, found.needed) == (0.9, 0.9, 0.9, 0)
    assert found.verdict is Verdict.MET
    # All were asked: no chance is in the figure, and it has no sampling interval, with a target or without.
    assert (found.low, found.high) == (None, None)
    assert assess(18, 20, 0, ALL, None) == (0.9, None, None, 0.9, 0.9, None, None)


@pytest.mark.parametrize(
    ("unknown", "where"),
    [(1, ALL), (0, houses(31, 30, 30)), (0, houses(None, 30, 30))],
    ids=["somebody unknown", "a house not visited", "nobody says how many houses there are"],
)
def test_where_somebody_may_be_missing_the_interval_stands_beside_worst_and_best_case(
    unknown: int, where: Houses
) -> None:
    found = assess(18, 20, unknown, where, P90)
    assert (round(found.low or 0, 4), round(found.high or 0, 4)) == (0.699, 0.9721)


@pytest.mark.parametrize(
    ("vaccinated", "eligible", "target", "verdict", "needed"),
    [
        (19, 20, P95, Verdict.MET, 0),
        (18, 20, P95, Verdict.NOT_MET, 1),
        (20, 20, P95, Verdict.MET, 0),
        # 0.95 x 21 = 19.95, so 20 people; 0.95 x 41 = 38.95, so 39
        (19, 21, P95, Verdict.NOT_MET, 1),
        (39, 41, P95, Verdict.MET, 0),
        (38, 41, P95, Verdict.NOT_MET, 1),
        # 0.1 + 0.2 is not 0.3 in floating point: thirds and tenths as fractions are exact
        (1, 3, Fraction(1, 3), Verdict.MET, 0),
        (7, 10, Fraction(7, 10), Verdict.MET, 0),
        (29, 100, Fraction(29, 100), Verdict.MET, 0),
        (57, 100, Fraction(57, 100), Verdict.MET, 0),
        (0, 5, Fraction(0), Verdict.MET, 0),
        (0, 5, Fraction(1), Verdict.NOT_MET, 5),
        (5, 5, Fraction(1), Verdict.MET, 0),
    ],
)
def test_the_target_itself_is_met_exactly(
    vaccinated: int, eligible: int, target: Fraction, verdict: Verdict, needed: int
) -> None:
    found = assess(vaccinated, eligible, 0, ALL, target)
    assert (found.verdict, found.needed) == (verdict, needed)


def test_three_of_three_in_a_hamlet_of_80_houses_is_no_news() -> None:
    # one house of 80 interviewed, 3 people there: 79 x 3 = 237 missing
    found = assess(3, 3, 0, houses(80, 1, 1), P95)
    assert (found.coverage, found.worst, found.best) == (1.0, 3 / 240, 1.0)
    assert found.verdict is Verdict.UNDECIDED
    assert found.needed == 0


def test_an_unvisited_hamlet_could_be_anything() -> None:
    found = assess(0, 0, 0, houses(40, 0, 0), P95)
    assert (found.coverage, found.low, found.high, found.worst, found.best) == (None, None, None, 0.0, 1.0)
    assert (found.needed, found.verdict) == (None, Verdict.UNDECIDED)


def test_a_hamlet_where_nobody_opened_could_be_anything_too() -> None:
    found = assess(0, 0, 0, houses(40, 40, 0), P95)
    assert (found.coverage, found.worst, found.best, found.verdict) == (None, 0.0, 1.0, Verdict.UNDECIDED)


def test_a_hamlet_visited_whole_without_anybody_of_the_group_has_no_figure_at_all() -> None:
    found = assess(0, 0, 0, ALL, P95)
    assert (found.coverage, found.low, found.high, found.worst, found.best) == (None,) * 5
    assert (found.needed, found.verdict) == (None, None)


def test_a_hamlet_of_vacant_houses_misses_nobody() -> None:
    found = assess(0, 0, 0, houses(5, 5, 0, 5), P95)
    assert (found.worst, found.best, found.verdict) == (None, None, None)


def test_where_no_list_says_how_many_houses_there_are_the_interval_decides() -> None:
    # 3 of 3: from 43.9 % to 100 %; 300 of 300: from 98.7 %; 100 of 200: from 43.1 % to 56.9 %
    assert assess(3, 3, 0, houses(None, 1, 1), P95).verdict is Verdict.UNDECIDED
    assert assess(300, 300, 0, houses(None, 90, 90), P95).verdict is Verdict.MET
    assert assess(100, 200, 0, houses(None, 90, 90), P95).verdict is Verdict.NOT_MET
    assert assess(3, 3, 0, houses(1, 1, 1), P95).verdict is Verdict.MET


def test_people_of_whom_nobody_knows_widen_the_bounds_and_leave_it_undecided() -> None:
    # 19 of 20 known; 2 unknown: 19/22 to 21/22
    found = assess(19, 20, 2, ALL, P95)
    assert (found.coverage, found.worst, found.best) == (0.95, 19 / 22, 21 / 22)
    assert found.verdict is Verdict.UNDECIDED
    assert found.needed == 0


def test_only_unknown_people_have_bounds_but_no_share() -> None:
    found = assess(0, 0, 4, ALL, P95)
    assert (found.coverage, found.worst, found.best, found.verdict) == (None, 0.0, 1.0, Verdict.UNDECIDED)


def test_with_houses_missing_both_interval_and_worst_case_must_reach_the_target() -> None:
    # 990 of 1000 in 500 of 505 houses: 2 a house, 10 missing; worst 990/1010 = 98.0 %, low 98.2 %
    met = assess(990, 1000, 0, houses(505, 500, 500), P95)
    assert met.worst == 990 / 1010
    assert met.verdict is Verdict.MET
    # the same shares of 20 people in 10 houses, none missing but one unknown: the interval is too wide
    assert assess(20, 20, 1, ALL, P95).verdict is Verdict.UNDECIDED
    # 100 houses missing: worst 990/1200 = 82.5 %
    assert assess(990, 1000, 0, houses(600, 500, 500), P95).verdict is Verdict.UNDECIDED
    # exactly at the target in the worst case: 969 of 1000 known and 20 missing, 969/1020 = 95.0 %; low is 95.6 %
    edge = assess(969, 1000, 0, houses(510, 500, 500), P95)
    assert edge.verdict is Verdict.MET
    assert assess(968, 1000, 0, houses(510, 500, 500), P95).verdict is Verdict.UNDECIDED


def test_with_houses_missing_both_interval_and_best_case_must_stay_below_the_target() -> None:
    # 500 of 1000; 20 missing: best 520/1020 = 51 %
    lost = assess(500, 1000, 0, houses(510, 500, 500), P95)
    assert lost.best == 520 / 1020
    assert lost.verdict is Verdict.NOT_MET
    # 5 of 10 in 5 of 100 houses: the rest could save it
    assert assess(5, 10, 0, houses(100, 5, 5), P95).verdict is Verdict.UNDECIDED
    # best 90 + 5 of 105 = 90.5 %, below 95 %, but the interval reaches 94.5 .. 95 %: 91/100 has high 95.2 %
    assert assess(91, 100, 0, houses(105, 100, 100), P95).verdict is Verdict.UNDECIDED
    assert assess(85, 100, 0, houses(105, 100, 100), P95).verdict is Verdict.NOT_MET


def test_the_best_case_exactly_at_the_target_is_not_lost() -> None:
    # 930 + 20 of 1020... the target 950/1020 exactly: the best case reaches it
    assert assess(930, 1000, 0, houses(510, 500, 500), Fraction(950, 1020)).verdict is Verdict.UNDECIDED


def test_without_a_target_there_is_neither_verdict_nor_need() -> None:
    found = assess(5, 10, 0, ALL, None)
    assert (found.coverage, found.needed, found.verdict) == (0.5, None, None)


@given(
    st.integers(0, 300),
    st.integers(0, 300),
    st.integers(0, 40),
    st.integers(0, 60),
    st.integers(0, 60),
    st.integers(0, 60),
    st.integers(0, 9),
    st.sampled_from([P95, P90, None, Fraction(1, 2)]),
)
def test_whatever_the_missing_turn_out_to_be_lies_within_worst_and_best(
    vaccinated: int,
    others: int,
    unknown: int,
    interviewed: int,
    closed: int,
    unvisited: int,
    vacant: int,
    target: Fraction | None,
) -> None:
    visited = interviewed + closed + vacant
    eligible = vaccinated + others if interviewed else 0
    vaccinated = vaccinated if interviewed else 0
    unknown = unknown if interviewed else 0
    found = assess(vaccinated, eligible, unknown, houses(visited + unvisited, visited, interviewed, vacant), target)
    if found.worst is not None and found.best is not None:
        assert 0 <= found.worst <= found.best <= 1
        if found.coverage is not None:
            assert found.worst <= found.coverage + 1e-12
            assert found.coverage <= found.best + 1e-12
    if found.verdict is Verdict.MET and found.worst is not None and target is not None:
        assert found.worst >= target - Fraction(1, 10**12)
    if found.verdict is Verdict.NOT_MET and target is not None:
        assert found.best is not None
        assert found.best < target
    assert (found.coverage is None) == (eligible == 0)
    if target is None:
        assert found.verdict is None


@pytest.mark.parametrize(
    ("interval", "verdict"),
    [
        ((0.9, 0.97), Verdict.MET),
        ((0.899, 0.97), Verdict.UNDECIDED),
        ((0.7, 0.9), Verdict.UNDECIDED),
        ((0.7, 0.899), Verdict.NOT_MET),
        (None, Verdict.UNDECIDED),
    ],
)
def test_a_sample_is_judged_by_the_interval_of_its_design_alone(
    interval: tuple[float, float] | None, verdict: Verdict
) -> None:
    said = assess_sample(18, 20, interval, P90)
    assert said == (0.9, *(interval or (None, None)), None, None, None, verdict)
    assert (said.sampled, said.complete) == (True, False)
    assert assess_sample(18, 20, interval, None).verdict is None


def test_a_census_is_no_sample_and_a_sample_of_nobody_says_nothing() -> None:
    assert (assess(18, 20, 0, ALL, P90).sampled, assess(18, 20, 0, ALL, P90).complete) == (False, True)
    assert (assess(18, 20, 2, ALL, P90).sampled, assess(18, 20, 2, ALL, P90).complete) == (False, False)
    assert assess_sample(0, 0, None, P90) == (None, None, None, None, None, None, Verdict.UNDECIDED)
