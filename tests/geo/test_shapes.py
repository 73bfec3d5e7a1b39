"""Outlines for a map: coarser when seen from afar, borders still shared, valid, and none lost."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from mapper.geo.shapes import ZOOM_BANDS, feature_collection, simplified, simplified_bands, zoom_band
from tests.geo.drawing import square


def wkbs(outlines: list[Any]) -> list[tuple[str, bytes]]:
    return [(f"{n:05d}", bytes(shapely.to_wkb(outline))) for n, outline in enumerate(outlines)]


def shapes(outlines: list[Any], zoom: int) -> Any:
    found = simplified(wkbs(outlines), zoom)
    assert [key for key, _ in found] == [f"{n:05d}" for n in range(len(outlines))]
    return shapely.from_geojson(np.array([text for _, text in found], dtype=object))


def crinkled(rng: np.random.Generator, side: int = 4, points: int = 40) -> list[Any]:
    """side x side squares of 0.1 degree, their common borders crinkled by up to some 200 m."""
    lines = {}
    for r in range(side + 1):
        for c in range(side + 1):
            for name, step in (("across", (1, 0)), ("up", (0, 1))):
                t = np.linspace(0, 1, points)[:, None]
                noise = rng.uniform(-0.02, 0.02, (points, 2)) * (np.minimum(t, 1 - t) > 0)
                lines[name, r, c] = np.array([106.0, 22.0]) + (np.array([c, r]) + t * np.array(step) + noise) * 0.1
    outlines = []
    for r in range(side):
        for c in range(side):
            ring = [lines["across", r, c], lines["up", r, c + 1][1:], lines["across", r + 1, c][::-1][1:]]
            outlines.append(shapely.Polygon(np.concatenate([*ring, lines["up", r, c][::-1][1:]])))
    return list(shapely.coverage_clean(shapely.make_valid(outlines, method="structure", keep_collapsed=False)))


def test_zooms_share_bands() -> None:
    assert [zoom_band(zoom) for zoom in (-3, 0, 5, 6, 7, 8, 12, 13, 14, 18, 99)] == [
        5,
        5,
        5,
        7,
        7,
        9,
        13,
        13,
        14,
        14,
        14,
    ]
    for zoom in range(25):
        assert zoom_band(zoom_band(zoom)) == zoom_band(zoom)  # the band itself may be asked for
    assert simplified(wkbs([square(0, 0)]), 6) == simplified(wkbs([square(0, 0)]), 7)


@pytest.mark.parametrize("zoom", [*ZOOM_BANDS, 14])
@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_neighbours_keep_their_common_borders(zoom: int, seed: int) -> None:
    """A pixel of the band bounds both how far borders move and what may lie between two neighbours."""
    outlines = crinkled(np.random.default_rng(seed))
    assert shapely.coverage_is_valid(outlines)
    found = shapes(outlines, zoom)
    pixel = 360 / 256 / 2 ** zoom_band(zoom)
    assert shapely.is_valid(found).all()
    assert not shapely.is_empty(found).any()
    left, right = shapely.STRtree(found).query(found, predicate="intersects")
    apart = left < right
    common = shapely.area(shapely.intersection(found[left[apart]], found[right[apart]]))
    assert common.max() < (pixel / 5) ** 2
    whole, before = shapely.union_all(found), shapely.union_all(outlines)
    holes = [shapely.Polygon(ring) for part in shapely.get_parts(whole) for ring in part.interiors]
    assert sum(hole.area for hole in holes) < pixel**2
    assert shapely.hausdorff_distance(whole.boundary, before.boundary) < 20 * pixel


def test_less_is_sent_from_afar_and_everything_from_near() -> None:
    outlines = crinkled(np.random.default_rng(3))
    sizes = [sum(len(text) for _, text in simplified(wkbs(outlines), zoom)) for zoom in (5, 7, 9, 11, 13, 14)]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1] / 20
    for shown, outline in zip(shapes(outlines, 14), outlines, strict=True):
        assert shown.symmetric_difference(outline).area < 1e-6 * outline.length * 2


def test_a_unit_smaller_than_a_pixel_is_still_shown() -> None:
    ward = square(0.5, 0.5, 0.002, 0.002)  # two metres
    around = square(0, 0).difference(ward)
    for zoom in (0, 9, 14):
        found = shapes([around, ward], zoom)
        assert shapely.is_valid(found).all()
        assert not shapely.is_empty(found).any()
        assert found[1].distance(ward) < 1e-6


def test_islands_below_a_pixel_go_as_long_as_something_stays() -> None:
    islands = [square(3 + n, 3, 0.05, 0.05) for n in range(20)]  # some 50 m
    mainland = shapely.MultiPolygon([square(0, 0), *islands])
    archipelago = shapely.MultiPolygon([square(40 + n, 3, 0.05 + n / 1000, 0.05) for n in range(20)])
    far, near = shapes([mainland, archipelago], 7), shapes([mainland, archipelago], 14)
    assert [len(shape.geoms) for shape in near] == [21, 20]
    assert [len(shape.geoms) for shape in far] == [1, 1]


def test_no_units_give_no_shapes() -> None:
    assert simplified([], 9) == []


def test_a_feature_collection_carries_properties_and_either_kind_of_geometry() -> None:
    text = simplified(wkbs([square(0, 0)]), 14)[0][1]
    made = feature_collection(
        [
            ({"key": "1", "name": 'Xã "Đôn" \\ Phong', "parent": None}, text),
            ({"key": "2"}, shapely.to_wkb(square(1, 0))),
        ]
    )
    assert "Đôn" in made.decode("utf-8")
    data = json.loads(made)
    assert data["type"] == "FeatureCollection"
    assert [feature["properties"] for feature in data["features"]] == [
        {"key": "1", "name": 'Xã "Đôn" \\ Phong', "parent": None},
        {"key": "2"},
    ]
    assert [f["geometry"]["type"] for f in data["features"]] == ["Polygon", "Polygon"]
    assert json.loads(feature_collection([])) == {"type": "FeatureCollection", "features": []}


def test_bands_made_one_after_the_other_are_as_by_themselves_to_less_than_a_pixel() -> None:
    given = wkbs(crinkled(np.random.default_rng(5)))
    bands = [9, 14, 11, 5]
    made = dict(simplified_bands(given, bands))
    assert list(made) == sorted(bands, reverse=True)
    assert made[14] == simplified(given, 14)
    for band in bands:
        pixel = 360 / (256 * 2**band)
        ours, alone = (
            shapely.from_geojson(np.array([text for _, text in texts], dtype=object))
            for texts in (made[band], simplified(given, band))
        )
        assert shapely.is_valid(ours).all()
        assert not shapely.is_empty(ours).any()
        assert (shapely.hausdorff_distance(ours, alone) < 1.5 * pixel).all()
    assert dict(simplified_bands([], [5, 7])) == {5: [], 7: []}
