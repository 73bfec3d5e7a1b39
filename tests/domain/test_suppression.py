"""Rows of a published table that are kept back: by hand, and against an attack by linear programming."""

from __future__ import annotations

import random

import pytest

from mapper.domain.suppression import Place, add_up, children, kept_back, leftover
from tests.attack import attack, narrow

HAND = (
    Place("all", None),
    Place("A", "all", ((3, 40),)),
    Place("B", "all", ((20, 30),)),
    Place("C", "all", ((50, 60),)),
)
"""Three communes; of A 3 people are vaccinated."""


def test_a_row_with_a_small_count_is_kept_back_and_the_smallest_row_beside_it() -> None:
    # Shown would be all 73/130, B and C: A = 73 - 20 - 50 = 3. With B kept back too, A is anything from 0 to 23.
    assert kept_back(HAND, 5) == {"A", "B"}
    assert kept_back(HAND, 5, complementary=False) == {"A"}


def test_a_row_whose_people_not_vaccinated_are_few_is_kept_back() -> None:
    rows = (Place("all", None), Place("A", "all", ((40, 4),)), Place("B", "all", ((30, 5),)))
    # The total has 9 not vaccinated, which two rows kept back share between 0 and 9.
    assert kept_back(rows, 5) == {"A", "B"}
    assert kept_back((rows[0], Place("A", "all", ((40, 5),)), rows[2]), 5) == frozenset()


def test_a_total_that_is_small_is_kept_back_with_all_below() -> None:
    rows = (Place("all", None), Place("A", "all", ((2, 40),)), Place("B", "all", ((2, 30),)))
    assert kept_back(rows, 5) == {"all", "A", "B"}


def test_two_small_rows_whose_sum_is_small_take_a_third_with_them() -> None:
    rows = (*HAND, Place("D", "all", ((1, 90),)))
    # A and D together have 4 vaccinated: a reader would know that each has 4 at most.
    assert kept_back(rows, 5) == {"A", "B", "D"}


def test_a_district_that_is_kept_back_alone_takes_a_commune_of_another_with_it() -> None:
    rows = (
        Place("all", None),
        Place("N", "all"),
        Place("S", "all"),
        Place("n1", "N", ((1, 40),)),
        Place("n2", "N", ((2, 40),)),
        Place("s1", "S", ((20, 30),)),
        Place("s2", "S", ((40, 50),)),
    )
    # N has 3: with S shown, N = 63 - 60. With S kept back, s1 and s2 shown would add up to it again.
    assert kept_back(rows, 5) == {"N", "n1", "n2", "S", "s1"}


def test_a_row_kept_back_for_one_dose_is_kept_back_for_all_doses_of_the_group() -> None:
    rows = (
        Place("all", None),
        Place("A", "all", ((30, 10), (3, 37))),
        Place("B", "all", ((20, 10), (10, 20))),
        Place("C", "all", ((90, 10), (50, 50))),
    )
    assert kept_back(rows, 5) == {"A", "B"}


def test_who_was_kept_back_stays_so_while_a_row_beside_is_small() -> None:
    # Today C has fewer people than B, yet B stays: showing B would tell what A was yesterday.
    today = (HAND[0], HAND[1], HAND[2], Place("C", "all", ((10, 10),)))
    assert kept_back(today, 5) == {"A", "C"}
    assert kept_back(today, 5, before={"A", "B"}) == {"A", "B"}
    grown = (HAND[0], Place("A", "all", ((8, 40),)), HAND[2], HAND[3])
    assert kept_back(grown, 5, before={"A", "B"}) == frozenset()


def test_a_threshold_below_five_and_broken_tables_are_refused() -> None:
    with pytest.raises(ValueError, match="threshold"):
        kept_back(HAND, 4)
    with pytest.raises(ValueError, match="no place X"):
        kept_back((Place("A", "X", ((1, 1),)),), 5)
    with pytest.raises(ValueError, match="different numbers"):
        kept_back((*HAND, Place("D", "all", ((9, 9), (9, 9)))), 5)


def invented(seed: int) -> list[Place]:
    """A province of districts of communes with counts of one to three doses, many of them small."""
    chance = random.Random(seed)
    doses, places = chance.randint(1, 3), [Place("all", None)]
    for district in range(chance.randint(1, 4)):
        places.append(Place(f"d{district}", "all"))
        for commune in range(chance.randint(1, 6)):
            eligible = chance.choice((0, 6, 15, 40, 200))
            had, pairs = eligible, []
            for _ in range(doses):
                had = round(had * chance.choice((0.0, 0.1, 0.5, 0.9, 0.97, 1.0)))
                pairs.append((had, eligible - had))
            places.append(Place(f"c{district}{commune}", f"d{district}", tuple(pairs)))
    return places


@pytest.mark.parametrize("seed", range(40))
def test_no_count_kept_back_can_be_worked_out(seed: int) -> None:
    places = invented(seed)
    sums, hidden = add_up(places), kept_back(places, 5)
    shown = {code: counts for code, counts in sums.items() if code not in hidden}
    assert not [code for code, counts in shown.items() if min(min(pair) for pair in counts) < 5]
    assert narrow(attack(places, shown, hidden, doses_in_order=True), 5) == []


def test_the_attack_works_out_small_counts_where_only_they_are_kept_back() -> None:
    broken = 0
    for seed in range(40):
        places = invented(seed)
        sums, hidden = add_up(places), kept_back(places, 5, complementary=False)
        shown = {code: counts for code, counts in sums.items() if code not in hidden}
        exact = [
            one
            for one in attack(places, shown, hidden, doses_in_order=True)
            if one.high - one.low < 0.5 and sums[one.code][one.pair][one.kind] < 5
        ]
        assert all(round(one.low) == sums[one.code][one.pair][one.kind] for one in exact)
        broken += bool(exact)
    assert broken >= 10


@pytest.mark.parametrize("seed", range(200))
def test_the_reckoning_of_what_is_left_over_holds_on_many_tables(seed: int) -> None:
    # By hand what the attack finds: each group of rows kept back has two at least, and no small sum.
    places = invented(1000 + seed)
    threshold = random.Random(seed).choice((5, 8, 10))
    sums, below, hidden = add_up(places), children(places), kept_back(places, threshold)
    assert hidden == kept_back(list(reversed(places)), threshold)
    for place in places:
        group = leftover(place.code, hidden, below) if place.code not in hidden else []
        if group:
            assert len(group) > 1
            for pair in zip(*(sums[code] for code in group), strict=True):
                assert min(sum(counts) for counts in zip(*pair, strict=True)) >= threshold
    assert all(min(pair) >= threshold for code, pairs in sums.items() if code not in hidden for pair in pairs)
