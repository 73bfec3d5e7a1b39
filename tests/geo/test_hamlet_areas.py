"""Areas of hamlets from their households: apart from each other, inside the commune, the same every time."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from mapper.geo.hamlet_areas import hamlet_areas
from mapper.geo.measure import areas_km2
from tests.geo.drawing import EAST, NORTH, STEP, place, square

COMMUNE = square(0, 0, 10, 10)


def areas(houses: list[tuple[str, float, float]], reach_m: float = 400, commune: Any = COMMUNE) -> dict[str, Any]:
    """Areas of houses given in steps of the drawing, about 1.03 km by 1.11 km."""
    points = np.array([place(column, row) for _, column, row in houses]).reshape(-1, 2)
    codes = [code for code, _, _ in houses]
    found = hamlet_areas(codes, points[:, 0], points[:, 1], shapely.to_wkb(commune), reach_m)
    return {code: shapely.from_wkb(wkb) for code, wkb in found.items()}


def check(found: dict[str, Any], commune: Any = COMMUNE) -> None:
    shapes = np.array(list(found.values()), dtype=object)
    assert shapely.is_valid(shapes).all()
    assert not shapely.is_empty(shapes).any()
    assert {shape.geom_type for shape in shapes} <= {"MultiPolygon"}
    assert shapely.covers(commune, shapes).all()
    assert shapely.coverage_is_valid(shapes)  # no two overlap, and neighbours share their border
    assert shapely.area(shapely.union_all(shapes)) == pytest.approx(shapely.area(shapes).sum(), rel=1e-9)


def km2(shape: Any) -> float:
    return float(areas_km2(np.array([shape], dtype=object))[0])


def test_one_house_alone_has_a_disc_of_the_reach() -> None:
    found = areas([("1", 5, 5)])
    check(found)
    assert km2(found["1"]) == pytest.approx(math.pi * 0.4**2, rel=0.02)
    assert found["1"].contains(shapely.Point(place(5, 5)))


def test_two_hamlets_meet_halfway() -> None:
    """Two houses 0.4 steps, some 413 m, apart: each keeps its own side of the middle line."""
    found = areas([("1", 5, 5), ("2", 5.4, 5)])
    check(found)
    assert found["1"].bounds[2] == pytest.approx(place(5.2, 5)[0], abs=1e-5)
    assert found["2"].bounds[0] == pytest.approx(place(5.2, 5)[0], abs=1e-5)
    assert km2(found["1"]) == pytest.approx(km2(found["2"]), rel=1e-3)


def test_ground_far_from_every_house_is_nobodys() -> None:
    found = areas([("1", 2, 5), ("2", 8, 5)])
    check(found)
    assert not any(shape.covers(shapely.Point(place(5, 5))) for shape in found.values())
    assert sum(km2(shape) for shape in found.values()) == pytest.approx(2 * math.pi * 0.4**2, rel=0.02)


def test_a_hamlet_of_two_clusters_has_two_parts() -> None:
    found = areas([("1", 2, 5), ("1", 8, 5), ("2", 5, 5)])
    check(found)
    assert len(found["1"].geoms) == 2


def test_areas_stop_at_the_commune() -> None:
    found = areas([("1", 0.05, 5), ("2", 10, 10)])
    check(found)
    assert km2(found["1"]) == pytest.approx(math.pi * 0.4**2 * 0.58, rel=0.05)  # little more than half a disc
    assert km2(found["2"]) == pytest.approx(math.pi * 0.4**2 / 4, rel=0.05)  # a quarter


def test_houses_outside_the_commune_count_only_within_their_reach() -> None:
    found = areas([("1", 5, 5), ("2", -0.1, 5), ("3", -2, 5)])
    check(found)
    assert set(found) == {"1", "2"}


@pytest.mark.parametrize(
    "houses",
    [
        [("1", 5, 5), ("1", 5, 5), ("1", 5, 5)],  # one house visited three times
        [("1", 5, 5), ("2", 5, 5), ("3", 5, 5)],  # three hamlets at one point, a copied position
        [("1", 5, 5), ("2", 5, 5), ("2", 5, 5), ("1", 5.01, 5)],
        [("1", 4 + n / 10, 5) for n in range(9)] + [("2", 5 + n / 10, 5) for n in range(9)],  # a road: all in line
        [("1", 5, 4 + n / 10) for n in range(9)],
        [("1", n, n) for n in range(1, 5)] + [("2", n + 0.5, n + 0.5) for n in range(1, 5)],
        [(str((i + j) % 2), 4 + i / 10, 4 + j / 10) for i in range(8) for j in range(8)],  # a chessboard
    ],
)
def test_identical_and_collinear_points_are_no_trouble(houses: list[tuple[str, float, float]]) -> None:
    found = areas(houses)
    check(found)
    assert set(found) == {code for code, _, _ in houses}


def test_no_houses_or_none_near_give_no_areas() -> None:
    assert areas([]) == {}
    assert areas([("1", 40, 40)]) == {}
    assert hamlet_areas(["1"], np.array([math.nan]), np.array([22.0]), shapely.to_wkb(COMMUNE)) == {}


def test_a_commune_thinner_than_the_inset_still_gets_its_areas() -> None:
    thin = square(0, 0, 10, 1e-6)
    found = areas([("1", 5, 0)], commune=thin)
    assert found["1"].area > 0
    assert thin.buffer(1e-9).covers(found["1"])


def crooked_commune() -> Any:
    corners = [(0, 0), (4, 1), (9, 0), (7, 4), (10, 9), (5, 6), (1, 10), (2, 5)]
    hole = [(4, 3), (5, 3), (5, 4), (4, 4)]
    return shapely.Polygon([place(*xy) for xy in corners], [[place(*xy) for xy in hole]])


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 80), st.integers(1, 6), st.sampled_from([60.0, 400.0, 5000.0]))
def test_areas_never_overlap_nor_leave_the_commune(seed: int, houses: int, hamlets: int, reach_m: float) -> None:
    rng = np.random.default_rng(seed)
    commune = crooked_commune()
    codes = [f"{n:02d}" for n in rng.integers(0, hamlets, houses)]
    lon = EAST + np.round(rng.uniform(-1, 11, houses), 3) * STEP
    lat = NORTH + np.round(rng.uniform(-1, 11, houses), 3) * STEP
    wkb = shapely.to_wkb(commune)
    found = hamlet_areas(codes, lon, lat, wkb, reach_m)
    check({code: shapely.from_wkb(area) for code, area in found.items()}, commune)
    inside = {code for code, x, y in zip(codes, lon, lat, strict=True) if commune.contains(shapely.Point(x, y))}
    assert inside <= set(found)  # whoever has a house in the commune has ground there
    order = rng.permutation(houses)
    assert found == hamlet_areas([codes[n] for n in order], lon[order], lat[order], wkb, reach_m)
