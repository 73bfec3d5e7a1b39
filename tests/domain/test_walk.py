"""The order of a walk: worked out by hand on streets, and against every other order of a few houses."""

from __future__ import annotations

import math
from itertools import pairwise, permutations
from random import Random

import pytest

from mapper.domain.people import Point
from mapper.domain.walk import Stop, length_m, number_key, shortest_way, to_scale, walk


def street(*numbers: str, lat: float = 22.0) -> list[Stop]:
    """Houses every thousandth of a degree eastward, in the order of the street."""
    return [Stop(f"id-{n}", Point(lat, 105.0 + place / 1000), n) for place, n in enumerate(numbers)]


def numbers(stops: list[Stop]) -> list[str | None]:
    return [stops[place].house_number for place in walk(stops)]


def length(spots: list[tuple[float, float]], way: list[int]) -> float:
    return sum(math.dist(spots[one], spots[other]) for one, other in pairwise(way))


def test_a_street_is_walked_from_the_end_with_the_lower_number() -> None:
    houses = street("9", "7", "5", "3", "1")
    assert numbers(houses) == ["1", "3", "5", "7", "9"]
    assert numbers(houses[::-1]) == ["1", "3", "5", "7", "9"]


def test_two_sides_of_a_river_are_not_walked_in_turns() -> None:
    # Five houses a side, 111 m apart along it and 2 km across: one crossing, whatever the numbers say.
    south = street("1", "3", "5", "7", "9")
    north = street("2", "4", "6", "8", "10", lat=22.018)
    walked = numbers(south + north)
    assert walked in (
        ["1", "3", "5", "7", "9", "10", "8", "6", "4", "2"],
        ["9", "7", "5", "3", "1", "2", "4", "6", "8", "10"],
    )


def test_houses_without_a_point_come_last_in_the_order_of_their_numbers() -> None:
    houses = [*(Stop(f"x{n}", None, n) for n in ("10", "2", "2A", None)), *street("8", "7")]
    assert numbers(houses) == ["7", "8", "2", "2A", "10", None]


def test_flats_of_one_house_follow_one_another_by_number() -> None:
    flats = [Stop(f"f{n}", Point(22.0, 105.0005), n) for n in ("12/10", "12/2", "12")]
    assert numbers([*street("20", "1"), *flats]) == ["1", "12", "12/2", "12/10", "20"]


def test_nobody_and_one_house_are_walks_too() -> None:
    assert walk([]) == []
    assert walk(street("5")) == [0]
    assert walk([Stop("a", None)]) == [0]


def test_the_walk_does_not_depend_on_the_order_in_which_houses_are_told() -> None:
    random = Random(7)
    houses = [
        Stop(f"h{n:03}", Point(22 + random.random() / 100, 105 + random.random() / 100), str(n % 40))
        for n in range(120)
    ]
    told = [houses[place].id for place in walk(houses)]
    assert sorted(told) == sorted(house.id for house in houses)
    for _ in range(5):
        random.shuffle(houses)
        assert [houses[place].id for place in walk(houses)] == told


@pytest.mark.parametrize("seed", range(40))
def test_of_seven_houses_no_order_is_much_shorter(seed: int) -> None:
    random = Random(seed)
    spots = [(random.random() * 1000, random.random() * 1000) for _ in range(7)]
    shortest = min(length(spots, list(order)) for order in permutations(range(7)))
    way = shortest_way(spots)
    assert sorted(way) == list(range(7))
    assert shortest - 1e-9 <= length(spots, way) <= 1.06 * shortest


def test_a_grid_of_three_hundred_houses_is_walked_almost_without_a_detour() -> None:
    # 20 columns of 15 houses, 10 m apart: no way is shorter than 299 steps of 10 m.
    spots = [(10.0 * x, 10.0 * y) for x in range(20) for y in range(15)]
    Random(3).shuffle(spots)
    assert 2990 <= length(spots, shortest_way(spots)) <= 1.06 * 2990


def test_a_town_beyond_the_size_of_a_hamlet_is_walked_whole() -> None:
    spots = [(50.0 * x, 50.0 * y) for x in range(60) for y in range(30)]
    way = shortest_way(spots)
    assert sorted(way) == list(range(1800))
    assert length(spots, way) <= 1.1 * 50 * 1799


def test_the_length_of_a_walk_is_in_metres() -> None:
    # A degree of latitude is 111.195 km on the sphere of 6,371 km, one of longitude cos(60 degrees) = half of it.
    assert length_m([Point(60.0, 105.0), Point(60.0, 105.02)]) == pytest.approx(1111.95, rel=1e-4)
    assert length_m([Point(22.0, 105.0), Point(22.01, 105.0), Point(22.0, 105.0)]) == pytest.approx(2223.9, rel=1e-4)
    assert length_m([Point(22.0, 105.0)]) == 0


def test_house_numbers_sort_as_people_count() -> None:
    told = ["12/10", None, "2", "12A", "", "số 3", "12", "12/3", "10", "9" * 30, "²"]
    assert sorted(told, key=number_key)[:7] == ["2", "10", "12", "12/3", "12/10", "12A", "9" * 30]
    assert sorted(told, key=number_key)[-2:] in ([None, ""], ["", None])


def test_a_map_to_scale_keeps_its_border_free_and_north_up() -> None:
    # 0.02 degrees of longitude at 60 degrees north are 1,112 m: they fill the 80 between the borders, 13.9 m a unit.
    spots, metres = to_scale([Point(60.0, 105.0), Point(60.001, 105.01), Point(60.0, 105.02)], 100, 50, 10)
    assert metres == pytest.approx(13.9, abs=0.01)
    assert [round(x) for x, _ in spots] == [10, 50, 90]
    # 0.001 degrees of latitude are 111.2 m, 8 units, half of them above the middle.
    assert [round(y) for _, y in spots] == [29, 21, 29]


def test_a_tall_hamlet_is_fitted_by_its_height_and_one_house_stands_in_the_middle() -> None:
    spots, metres = to_scale([Point(22.0, 105.0), Point(22.03, 105.0)], 100, 50, 10)
    assert metres == pytest.approx(0.03 * 111_195 / 30)
    assert spots == [pytest.approx((50, 40)), pytest.approx((50, 10))]
    assert to_scale([Point(22.0, 105.0)], 100, 50, 10) == ([(50, 25)], 1.0)
