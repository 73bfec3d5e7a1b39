"""Rows of a published table that are kept back: by hand, and against an attack by linear programming."""

from __future__ import annotations

import random

import pytest

from mapper.domain.suppression import Place, add_up, children, kept_back, leftover, small_rows, sums_shown
from tests.attack import Page, attack, attack_pages, narrow, page_of_shown_sums, page_of_whole_sums

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
    for seed in range(16):
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
    assert broken >= 4


def settled(seed: int) -> list[Place]:
    """Two districts of communes with many people, two doses, and now and then a commune of which few are vaccinated."""
    chance = random.Random(seed)
    places = [Place("all", None), Place("d0", "all"), Place("d1", "all")]
    for district in ("d0", "d1"):
        for commune in range(chance.randint(2, 4)):
            eligible = chance.choice((60, 150, 400))
            first = 2 if chance.random() < 0.15 else round(eligible * chance.choice((0.3, 0.5, 0.7)))
            second = round(first * 0.6)
            places.append(
                Place(f"{district}c{commune}", district, ((first, eligible - first), (second, eligible - second)))
            )
    return places


def grown(places: list[Place], seed: int) -> list[Place]:
    """The same province a day later: a few people more here and there, and communes visited for the first time."""
    chance = random.Random(seed)
    later = []
    for place in places:
        eligible = sum(place.pairs[0]) + chance.choice((0, 0, 0, 1, 3, 12)) if place.pairs else 0
        had = eligible
        pairs = []
        for vaccinated, _ in place.pairs:
            had = min(had, vaccinated + chance.choice((0, 0, 1, 2, 8)))
            pairs.append((had, eligible - had))
        later.append(Place(place.code, place.parent, tuple(pairs)))
    for district in ("d0", "d1"):
        if chance.random() < 0.5:
            later.append(Place(f"{district} new", district, ((3, 40), (1, 42))))
    return later


def two_days(seed: int, *, whole_sums: bool) -> tuple[list[Page], list[list[Place]]]:
    """Two publications in a row, with sums of all rows or of those shown alone."""
    pages: list[Page] = []
    days = [settled(seed)]
    days.append(grown(days[0], seed))
    before: frozenset[str] = frozenset()
    small: frozenset[str] = frozenset()
    for places in days:
        before = kept_back(places, 5, before, small)
        small = small_rows(places, 5, small)
        if whole_sums:
            rows = {code: counts for code, counts in add_up(places).items() if code not in before}
            pages.append(page_of_whole_sums(places, rows, before))
        else:
            bottom = {place.code: place.pairs for place in places if place.pairs and place.code not in before}
            pages.append(page_of_shown_sums(places, sums_shown(places, bottom)[0], before))
    return pages, days


def recovered(seed: int, *, whole_sums: bool) -> int:
    """How many counts below five, of either day, the reader of both knows to be below five, or to the person."""
    pages, days = two_days(seed, whole_sums=whole_sums)
    found = attack_pages(pages, doses_in_order=True)
    exact = [add_up(places) for places in days]
    return sum(
        exact[day][one.code][one.pair][one.kind] < 5 for day, those in enumerate(found) for one in narrow(those, 5)
    )


@pytest.mark.parametrize("seed", range(8))
def test_two_publications_set_against_each_other_tell_no_small_count(seed: int) -> None:
    assert recovered(seed, whole_sums=False) == 0


def test_with_sums_of_all_rows_two_publications_tell_small_counts_that_neither_tells_alone() -> None:
    # A commune of 3 vaccinated is new: the sum of all grows by 3, and nobody else can have been added.
    before = [Place("all", None), Place("B", "all", ((20, 30),)), Place("C", "all", ((50, 60),))]
    today = [*before, Place("A", "all", ((3, 40),))]
    rows = add_up(today)
    pages = [
        page_of_whole_sums(before, add_up(before), ()),
        page_of_whole_sums(today, {"all": rows["all"], "C": rows["C"]}, {"A", "B"}),
    ]
    assert kept_back(before, 5) == frozenset()
    assert kept_back(today, 5) == {"A", "B"}
    (told,) = [one for one in attack_pages(pages, False)[1] if (one.code, one.kind) == ("A", 0)]
    assert (told.low, told.high) == (0, 3)
    alone = [one for one in attack_pages(pages[1:], False)[0] if (one.code, one.kind) == ("A", 0)]
    assert (alone[0].low, alone[0].high) == (0, 23)
    assert sum(recovered(seed, whole_sums=True) > 0 for seed in range(8)) >= 2


def test_a_row_that_was_small_is_shown_again_only_with_twice_the_threshold() -> None:
    rows = (Place("all", None), Place("A", "all", ((9, 40),)), Place("B", "all", ((20, 30),)))
    assert small_rows(rows, 5) == frozenset()
    assert small_rows(rows, 5, {"A"}) == {"A"}
    assert kept_back(rows, 5, {"A", "B"}, {"A"}) == {"A", "B"}
    ten = (rows[0], Place("A", "all", ((10, 40),)), rows[2])
    assert kept_back(ten, 5, {"A", "B"}, {"A"}) == frozenset()


def test_sums_are_of_the_rows_shown_and_say_of_how_many() -> None:
    sums, within = sums_shown(HAND, {"B": ((20, 30),), "C": ((50, 60),)})
    assert sums == {"B": ((20, 30),), "C": ((50, 60),), "all": ((70, 90),)}
    assert within == {"all": (2, 3), "A": (0, 1), "B": (1, 1), "C": (1, 1)}
    assert sums_shown(HAND, {})[0] == {}


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
