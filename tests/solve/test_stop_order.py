"""The order of a day's stops: less way, never more time, and communes where they were."""

from __future__ import annotations

import itertools
import random

import numpy as np
from numpy.typing import NDArray

from mapper.solve.stop_order import TOO_MANY, shorter_order

LINE = np.abs(np.subtract.outer(np.arange(6), np.arange(6))) * 1_000.0
"""Six places on a road, a kilometre from each to the next."""


def length(ways: NDArray[np.float64], way: list[int], order: list[int]) -> float:
    stops = [way[1 + one] for one in order]
    return float(sum(ways[here, there] for here, there in itertools.pairwise([way[0], *stops, way[-1]])))


def places(seed: int, number: int) -> NDArray[np.float64]:
    """Ways between places by chance, there not as long as back."""
    chance = np.random.default_rng(seed)
    at = chance.uniform(0, 10_000, (number, 2))
    straight = np.hypot(*(at[:, None] - at[None]).transpose(2, 0, 1))
    found: NDArray[np.float64] = np.ceil(straight * chance.uniform(1, 1.4, straight.shape))
    return found


def test_a_way_to_and_fro_becomes_one_along_the_road() -> None:
    way = [0, 3, 1, 5, 2, 4, 0]
    order = shorter_order(LINE, LINE / 500, way)
    assert length(LINE, way, order) == 10_000, "out to the last and back"
    assert length(LINE, way, [0, 1, 2, 3, 4]) == 3_000 + 2_000 + 4_000 + 3_000 + 2_000 + 4_000


def test_an_order_that_is_best_stays_and_so_do_one_stop_and_none() -> None:
    assert shorter_order(LINE, LINE / 500, [0, 1, 2, 3, 4, 5, 0]) == [0, 1, 2, 3, 4]
    assert shorter_order(LINE, LINE / 500, [0, 3, 0]) == [0]
    assert shorter_order(LINE, LINE / 500, [0, 0]) == []


def test_communes_keep_the_order_in_which_a_team_goes_through_them() -> None:
    way, apart = [0, 5, 4, 1, 2, 0], ["far", "far", "near", "near"]
    order = shorter_order(LINE, LINE / 500, way, apart)
    assert [apart[one] for one in order] == apart
    assert sorted(order) == [0, 1, 2, 3]
    # Of the four orders left, two by two: 0-4-5-2-1-0 and 0-4-5-1-2-0 are 10 and 12 km, 0-5-4-2-1-0 is 10.
    assert length(LINE, way, order) == 10_000


def test_a_way_that_is_shorter_but_slower_is_not_taken() -> None:
    minutes = LINE / 500
    minutes[2, 3] = minutes[3, 2] = 600.0
    way = [0, 3, 1, 2, 0]
    order = shorter_order(LINE, minutes, way)
    assert length(minutes, way, order) <= length(minutes, way, [0, 1, 2])
    assert length(LINE, way, order) <= length(LINE, way, [0, 1, 2])


def test_of_few_stops_it_is_mostly_the_best_order_of_all_and_never_a_longer_one() -> None:
    best = 0
    for seed in range(60):
        ways = places(seed, 8)
        way = [0, *random.Random(seed).sample(range(1, 8), 6), 0]
        order = shorter_order(ways, ways / 400, way)
        assert sorted(order) == list(range(6))
        found = length(ways, way, order)
        assert found <= length(ways, way, list(range(6)))
        least = min(length(ways, way, list(each)) for each in itertools.permutations(range(6)))
        best += found == least
    assert best >= 48


def test_more_stops_than_a_team_has_in_a_day_stay_as_they_are() -> None:
    ways = places(1, TOO_MANY + 2)
    assert shorter_order(ways, ways / 400, [*range(TOO_MANY + 2), 0]) == list(range(TOO_MANY + 1))
