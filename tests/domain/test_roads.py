"""What the tags of a way say, by the wiki of OpenStreetMap."""

from __future__ import annotations

import pytest

from mapper.domain.roads import FERRY_KMH, passage


def test_a_road_is_for_all_and_a_path_for_feet_and_motorbikes() -> None:
    road, path = passage({"highway": "tertiary"}), passage({"highway": "path"})
    assert road is not None
    assert (road.on_foot, road.by_car, road.by_motorbike, road.forward, road.backward, road.kmh) == (*[True] * 5, 35.0)
    assert path is not None
    assert (path.on_foot, path.by_car, path.by_motorbike) == (True, False, True)
    steps, motorway = passage({"highway": "steps"}), passage({"highway": "motorway"})
    assert steps is not None
    assert (steps.on_foot, steps.by_car, steps.by_motorbike) == (True, False, False)
    assert motorway is not None
    assert (motorway.on_foot, motorway.by_car, motorway.backward) == (False, True, False)


@pytest.mark.parametrize(
    "tags",
    [
        {},
        {"building": "yes"},
        {"highway": "construction"},
        {"highway": "proposed"},
        {"highway": "path", "access": "no"},
        {"route": "bus"},
        {"route": "ferry", "motor_vehicle": "no"},
    ],
)
def test_what_nobody_goes_along_is_no_way(tags: dict[str, str]) -> None:
    assert passage(tags) is None


@pytest.mark.parametrize(
    ("tags", "foot", "car", "motorbike"),
    [
        ({"highway": "residential", "foot": "no"}, False, True, True),
        ({"highway": "residential", "motor_vehicle": "no"}, True, False, False),
        ({"highway": "residential", "motorcar": "no"}, True, False, True),
        ({"highway": "service", "access": "private"}, True, False, False),
        ({"highway": "track", "access": "no", "foot": "yes"}, True, False, False),
        ({"highway": "path", "motorcycle": "no"}, True, False, False),
        ({"highway": "pedestrian", "area": "yes"}, True, False, False),
        ({"highway": "secondary", "access": "no", "motor_vehicle": "yes"}, False, True, True),
    ],
)
def test_the_narrower_word_on_access_holds(tags: dict[str, str], foot: bool, car: bool, motorbike: bool) -> None:
    found = passage(tags)
    assert found is not None
    assert (found.on_foot, found.by_car, found.by_motorbike) == (foot, car, motorbike)


@pytest.mark.parametrize(
    ("tags", "forward", "backward"),
    [
        ({"oneway": "yes"}, True, False),
        ({"oneway": "1"}, True, False),
        ({"oneway": "-1"}, False, True),
        ({"oneway": "no"}, True, True),
        ({"junction": "roundabout"}, True, False),
        ({"junction": "roundabout", "oneway": "no"}, True, True),
    ],
)
def test_one_way_streets(tags: dict[str, str], forward: bool, backward: bool) -> None:
    found = passage({"highway": "residential", **tags})
    assert found is not None
    assert (found.forward, found.backward) == (forward, backward)


@pytest.mark.parametrize(
    ("told", "kmh"),
    [
        ("30", 30.0),
        ("30 km/h", 30.0),
        ("20 mph", pytest.approx(32.19, abs=0.01)),
        ("30;50", 30.0),
        ("walk", 5.0),
        ("VN:urban", 40.0),
        ("90", 40.0),
        ("none", 40.0),
        ("0", 40.0),
        ("fast", 40.0),
        ("", 40.0),
    ],
)
def test_a_limit_lowers_the_speed_and_never_raises_it(told: str, kmh: float) -> None:
    found = passage({"highway": "secondary", "maxspeed": told})
    assert found is not None
    assert found.kmh == kmh


def test_a_link_is_half_as_fast_as_its_road() -> None:
    found = passage({"highway": "primary_link"})
    assert found is not None
    assert found.kmh == 25.0


@pytest.mark.parametrize(
    ("told", "minutes"),
    [
        ("20", 20.0),
        ("0:20", 20.0),
        ("01:05:30", 65.5),
        ("PT1H5M", 65.0),
        ("PT30S", 0.5),
        ("", None),
        ("PT", None),
        ("0", None),
        ("soon", None),
    ],
)
def test_a_ferry_takes_vehicles_so_long_as_it_says(told: str, minutes: float | None) -> None:
    found = passage({"route": "ferry", "duration": told})
    assert found is not None
    assert (found.on_foot, found.by_car, found.kmh, found.minutes) == (False, True, FERRY_KMH, minutes)
