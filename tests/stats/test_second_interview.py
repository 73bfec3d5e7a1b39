"""Houses drawn for a second interview, each canvasser's share, and how far two interviews agree; worked out by hand."""

from __future__ import annotations

import pytest

from mapper.stats.second_interview import agreement, draw, draw_shares, ring


def test_agreement_of_two_interviews_and_what_chance_would_give() -> None:
    # 20 yes-yes, 5 yes-no, 10 no-yes, 15 no-no: 0.7 agree, 0.5 by chance, kappa 0.4.
    answers = [("y", "y")] * 20 + [("y", "n")] * 5 + [("n", "y")] * 10 + [("n", "n")] * 15
    found = agreement("consent", answers, graded=True)
    assert (found.same, found.of) == (35, 50)
    assert found.kappa == pytest.approx(0.4)
    assert found.interval == pytest.approx((0.562, 0.809), abs=0.001), "Wilson's of 35 in 50"
    assert agreement("consent", [("y", "y")] * 9, graded=True).kappa is None, "everybody says the same: nothing to tell"
    assert agreement("born", answers).kappa is None


def test_a_draw_is_kept_by_its_seed() -> None:
    keys = [f"uuid:{number}" for number in range(50)]
    assert draw(keys, 5, "a") == draw(reversed(keys), 5, "a")
    assert draw(keys, 5, "a") != draw(keys, 5, "b")
    assert sorted(draw(keys[:3], 5, "a")) == keys[:3]


def test_of_each_canvasser_the_same_share_is_drawn_whoever_else_is_there() -> None:
    frames = {
        number: [f"{number}-{house}" for house in range(houses)] for number, houses in ((1, 100), (2, 31), (3, 1))
    }
    found = draw_shares(frames, 0.1, 2, 50, "a")
    # 10 % of 100; of 31 rounded up; of one house, that one.
    assert [(len(one.drawn), one.of) for one in found.values()] == [(10, 100), (4, 31), (1, 1)]
    assert all(set(one.drawn) <= set(frames[number]) for number, one in found.items())
    assert found[2] == draw_shares({2: frames[2][::-1]}, 0.1, 2, 50, "a")[2]
    assert list(found[2].drawn) == draw(frames[2], 4, found[2].seed), "drawn again from its own seed alone"
    assert found[1].drawn != draw_shares(frames, 0.1, 2, 50, "b")[1].drawn
    assert len(draw_shares(frames, 0.9, 2, 50, "a")[1].drawn) == 50


def test_everybody_goes_to_the_houses_of_one_other() -> None:
    found = ring(range(7), "a")
    assert sorted(found) == sorted(found.values()) == list(range(7))
    assert all(one != other for one, other in found.items())
    at, seen = 0, set()
    while at not in seen:
        seen.add(at)
        at = found[at]
    assert len(seen) == 7, "one ring, so that no two check each other"
    assert (ring([5], "a"), ring([], "a")) == ({}, {})
    assert found == ring(reversed(range(7)), "a")
