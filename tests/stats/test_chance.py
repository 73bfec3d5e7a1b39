"""Maps by chance: what stays as it is, what moves, and how far households that decide together lie apart."""

from __future__ import annotations

import numpy as np
import pytest

from mapper.stats.chance import Households, in_households, one_by_one
from mapper.stats.scan import scan
from tests.stats.families import strewn


def test_households_of_one_size_change_places_and_nothing_else() -> None:
    # Two places with a couple and a family of five each; one couple and one family have cases.
    homes = Households.of([0, 0, 1, 1], [2, 5, 2, 5], [2, 3, 0, 0])
    maps = in_households(homes, 2, 4000, np.random.default_rng(1))
    assert set(maps.sum(axis=0).tolist()) == {5}
    # Both, only the family, only the couple or neither in the first place: each on a quarter of the maps.
    drawn, times = np.unique(maps[0], return_counts=True)
    assert drawn.tolist() == [0, 2, 3, 5]
    assert times == pytest.approx([1000] * 4, abs=4 * (4000 * 0.25 * 0.75) ** 0.5)


def test_people_who_live_alone_are_dealt_out_one_by_one() -> None:
    people = np.array([30, 50, 120])
    homes = Households.of(np.repeat([0, 1, 2], people), np.ones(200), [1] * 40 + [0] * 160)
    whole = in_households(homes, 3, 4000, np.random.default_rng(2))
    single = one_by_one(people.astype(np.float64), 40, 4000, np.random.default_rng(3), rare=False)
    # 40 of 200 drawn without putting back: mean 40 x 30 / 200, variance 40 x .15 x .85 x 160 / 199.
    for maps in (whole, single):
        assert maps[0].mean() == pytest.approx(6, abs=0.15)
        assert maps[0].var() == pytest.approx(40 * 0.15 * 0.85 * 160 / 199, rel=0.1)


def test_one_large_family_is_no_cluster_and_many_neighbours_are() -> None:
    line, points = [0] * 12, [(number, 0) for number in range(12)]
    people = [12] * 12
    line[3] = 12
    assert scan(points, line, people).clusters[0].p == 0.001
    family = Households.of(range(12), people, line)
    # Wherever the family lives, it is all there is.
    assert scan(points, line, people, households=family).clusters[0].p == 1
    neighbours = Households.of(np.repeat(range(12), 6), [2] * 72, [2 * (18 <= number < 24) for number in range(72)])
    assert scan(points, line, people, households=neighbours).clusters[0].p == 0.001


def test_the_design_effect_worked_out_by_hand() -> None:
    # All or nobody in five households of four: 16 of 20 x (4 - 4/5)^2 ... = (3.2^2 + 4 x .8^2) / (20 x .2 x .8) = 4.
    assert Households.of(range(5), [4] * 5, [4, 0, 0, 0, 0]).design_effect() == pytest.approx(4)
    assert Households.of(range(4), [1] * 4, [1, 0, 0, 1]).design_effect() == 1
    assert Households.of(range(2), [3, 3], [3, 3]).design_effect() == 1
    assert Households.of([], [], []).design_effect() == 1
    _, homes = strewn(np.random.default_rng(4), np.full(200, 0.2))
    assert 2.5 < homes.design_effect() < 4.5


@pytest.mark.parametrize(
    ("places", "people", "cases"), [([0], [1, 2], [0, 0]), ([-1], [1], [0]), ([0], [1], [2]), ([0], [1], [-1])]
)
def test_households_that_cannot_be_are_refused(places: list[int], people: list[int], cases: list[int]) -> None:
    with pytest.raises(ValueError, match="people"):
        Households.of(places, people, cases)
