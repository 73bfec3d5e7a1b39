"""Lots: acceptance worked out by hand, rules that keep their risks, draws that can be repeated."""

from __future__ import annotations

import random
from collections import Counter
from math import comb

import pytest

from mapper.stats import lots
from mapper.stats.lots import Rule


@pytest.mark.parametrize(
    ("n", "d", "coverage", "accepted"),
    [
        (60, 3, 0.90, 0.1374),
        (60, 3, 0.95, 0.6473),
        # .9^10, and 10 x .1 x .9^9 more
        (10, 0, 0.90, 0.3487),
        (10, 1, 0.90, 0.7361),
        # 1/4, 3/4, all
        (2, 0, 0.50, 0.25),
        (2, 1, 0.50, 0.75),
        (2, 2, 0.50, 1.0),
        (5, -1, 1.00, 0.0),
        (5, 0, 1.00, 1.0),
        (5, 4, 0.00, 0.0),
        (5, 5, 0.00, 1.0),
    ],
)
def test_a_large_lot_is_accepted_as_the_binomial_distribution_says(
    n: int, d: int, coverage: float, accepted: float
) -> None:
    assert lots.acceptance(n, d, coverage) == pytest.approx(accepted, abs=5e-5)


def test_a_small_lot_is_accepted_as_the_hypergeometric_distribution_says() -> None:
    # Of ten people two are unvaccinated; five looked at hold none of them in C(8,5) of C(10,5) = 56/252 = 2/9 cases,
    # and exactly one in 2 x C(8,4) = 140 of 252.
    assert lots.acceptance(5, 0, 0.8, lot=10) == pytest.approx(2 / 9)
    assert lots.acceptance(5, 1, 0.8, lot=10) == pytest.approx(196 / 252)
    assert lots.acceptance(5, 2, 0.8, lot=10) == 1
    # Ten looked at of ten: no chance is left.
    assert [lots.acceptance(10, d, 0.8, lot=10) for d in (1, 2)] == [0, 1]
    # 12 % of 100 are 12, not 13, although 1 - .88 is a little more than .12; 12.5 % of them are rounded up.
    assert lots.acceptance(10, 0, 0.88, lot=100) == pytest.approx(comb(88, 10) / comb(100, 10))
    assert lots.acceptance(10, 0, 0.875, lot=100) == pytest.approx(comb(87, 10) / comb(100, 10))
    # A very large lot is as good as an endless one.
    assert lots.acceptance(60, 3, 0.9, lot=10**6) == pytest.approx(lots.acceptance(60, 3, 0.9), abs=1e-4)


def test_acceptance_is_that_of_many_draws() -> None:
    chance = random.Random(7)
    times = sum(sum(chance.random() >= 0.85 for _ in range(40)) <= 4 for _ in range(20_000))
    assert times / 20_000 == pytest.approx(lots.acceptance(40, 4, 0.85), abs=0.012)


@pytest.mark.parametrize(
    ("n", "risk", "d"),
    # n = 60 accepts 90 % with d = 2 in 5.3 %, with d = 3 in 13.7 % and with d = 4 in 27.1 % of cases
    [(60, 0.10, 2), (60, 0.15, 3), (60, 0.30, 4), (10, 0.10, -1), (22, 0.10, 0), (21, 0.10, -1), (60, 1.0, 60)],
)
def test_the_rule_accepts_all_it_may_and_a_bad_lot_no_more_often_than_asked(n: int, risk: float, d: int) -> None:
    rule = lots.choose(n, 0.90, 0.95, risk)
    assert (rule.n, rule.d) == (n, d)
    assert rule.wrongly_accepted <= risk
    if d < n:
        assert lots.acceptance(n, d + 1, 0.90) > risk


def test_a_rule_knows_both_its_risks() -> None:
    rule = Rule(60, 3, 0.90, 0.95)
    assert rule.wrongly_accepted == pytest.approx(0.1374, abs=5e-5)
    assert rule.wrongly_refused == pytest.approx(1 - 0.6473, abs=5e-5)
    assert lots.characteristic(rule, [0.9, 0.95, 1.0]) == [
        (0.9, rule.wrongly_accepted),
        (0.95, 1 - rule.wrongly_refused),
        (1.0, 1.0),
    ]


def test_the_smallest_rule_keeps_both_risks_and_one_person_fewer_keeps_not_both() -> None:
    rule = lots.smallest(0.80, 0.95, accepting=0.10, refusing=0.10)
    assert rule is not None
    assert rule.wrongly_accepted <= 0.10
    assert rule.wrongly_refused <= 0.10
    for n in range(1, rule.n):
        other = lots.choose(n, 0.80, 0.95, 0.10)
        assert other.d < 0 or other.wrongly_refused > 0.10
    assert lots.smallest(0.90, 0.91, 0.01, 0.01, most=100) is None


def test_rules_out_of_range_are_refused() -> None:
    for numbers in ((0, 0, 0.5), (5, 6, 0.5), (5, -2, 0.5), (5, 1, 1.1), (5, 1, 0.5, 4)):
        with pytest.raises(ValueError, match="coverage"):
            lots.acceptance(*numbers)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="lower"):
        lots.choose(5, 0.9, 0.9, 0.1)


FRAME = {
    "east": [f"e{it}" for it in range(50)],
    "west": [f"w{it}" for it in range(30)],
    "far": [f"f{it}" for it in range(20)],
}


def test_a_draw_is_spread_over_the_hamlets_by_their_size_and_no_house_comes_twice() -> None:
    drawn = lots.draw(FRAME, 20, "seed")
    assert len(set(drawn)) == 20
    assert Counter(hamlet for hamlet, _ in drawn) == {"east": 10, "west": 6, "far": 4}
    assert all(house in FRAME[hamlet] for hamlet, house in drawn)


def test_one_seed_always_gives_one_draw_whatever_order_the_houses_come_in() -> None:
    turned = {hamlet: FRAME[hamlet][::-1] for hamlet in reversed(FRAME)}
    assert lots.draw(turned, 20, "seed") == lots.draw(FRAME, 20, "seed") != lots.draw(FRAME, 20, "other")
    assert lots.fingerprint(turned) == lots.fingerprint(FRAME)
    assert lots.fingerprint(FRAME) != lots.fingerprint(FRAME | {"far": ["f0"]})
    # Written down once, so that a draw made today can be repeated by any later version.
    assert lots.draw({"a": ["1", "2", "3", "4"], "b": ["5", "6"]}, 3, "2022") == WRITTEN_DOWN


WRITTEN_DOWN = [("b", "6"), ("a", "4"), ("a", "3")]


def test_where_no_more_houses_are_all_of_them_are_drawn() -> None:
    assert sorted(lots.draw({"a": ["1"], "b": ["2"]}, 5, "seed")) == [("a", "1"), ("b", "2")]
    assert lots.draw({}, 5, "seed") == []


def test_every_house_has_the_same_chance() -> None:
    times = Counter(house for seed in range(3000) for _, house in lots.draw(FRAME, 7, str(seed)))
    # 7 of 100 each, 210 times; the standard deviation is about 14.
    assert len(times) == 100
    assert all(210 - 70 < count < 210 + 70 for count in times.values())
