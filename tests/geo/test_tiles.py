"""Vector tiles, read back by the library that others read them with: what went in comes out."""

from __future__ import annotations

import json
import math
from typing import Any

import mapbox_vector_tile
import numpy as np
import pytest

from mapper.geo.tiles import BUFFER, EXTENT, Centres, Feature, Outlines, TileLayer, to_world, write_tile

ZOOM = 9
SQUARE = [(105.0, 22.0), (105.1, 22.0), (105.1, 22.1), (105.0, 22.1)]
HOLE = [(105.02, 22.02), (105.05, 22.02), (105.05, 22.05), (105.02, 22.05)]
ISLAND = [(105.2, 22.0), (105.25, 22.0), (105.2, 22.05)]


def geometry(*polygons: list[list[tuple[float, float]]]) -> str:
    closed = [[[*ring, ring[0]] for ring in polygon] for polygon in polygons]
    return json.dumps({"type": "MultiPolygon", "coordinates": closed})


def tile_of(lon: float, lat: float, zoom: int) -> tuple[int, int]:
    """As the tile names on the wiki of OpenStreetMap reckon it."""
    n = 2**zoom
    y = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2
    return int((lon + 180) / 360 * n), int(y * n)


def place_in(x: float, y: float, tile: tuple[int, int], zoom: int) -> tuple[float, float]:
    """Degrees of a step of a tile, y from the north."""
    n = 2**zoom
    lon = (tile[0] + x / EXTENT) / n * 360 - 180
    lat = math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * (tile[1] + y / EXTENT) / n))))
    return lon, lat


def decoded(*layers: TileLayer) -> dict[str, Any]:
    found: dict[str, Any] = mapbox_vector_tile.decode(write_tile(layers), default_options={"y_coord_down": True})
    return found


def test_polygons_with_holes_and_islands_come_out_where_they_went_in() -> None:
    outlines = Outlines.of(
        [("a", geometry([SQUARE, HOLE])), ("b", geometry([ISLAND], [[(x + 0.1, y) for x, y in ISLAND]]))]
    )
    tile = tile_of(105.05, 22.05, ZOOM)
    features = [Feature(3, commands, {"key": key}) for key, commands in outlines.cut(ZOOM, *tile)]
    communes = decoded(TileLayer("communes", features))["communes"]
    assert (communes["extent"], communes["version"]) == (EXTENT, 2)
    square, islands = communes["features"]
    assert (square["properties"], islands["properties"]) == ({"key": "a"}, {"key": "b"})
    assert square["geometry"]["type"] == "Polygon"
    assert [len(ring) for ring in square["geometry"]["coordinates"]] == [5, 5]
    for ring, went_in in zip(square["geometry"]["coordinates"], (SQUARE, HOLE), strict=True):
        back = {place_in(x, y, tile, ZOOM) for x, y in ring}
        assert len(back) == 4
        for lon, lat in went_in:
            # A step of this zoom is 0.00017 degrees wide.
            assert min(math.hypot(lon - a, lat - b) for a, b in back) < 0.0002
    assert islands["geometry"]["type"] == "MultiPolygon"
    assert len(islands["geometry"]["coordinates"]) == 2


def test_a_shape_is_cut_just_beyond_the_tile_and_left_out_of_tiles_that_it_does_not_touch() -> None:
    outlines = Outlines.of([("a", geometry([SQUARE]))])
    zoom = 14
    x, y = tile_of(105.05, 22.05, zoom)
    ((key, commands),) = outlines.cut(zoom, x, y)
    (whole,) = decoded(TileLayer("communes", [Feature(3, commands, {"key": key})]))["communes"]["features"]
    corners = {tuple(corner) for corner in whole["geometry"]["coordinates"][0]}
    low, high = -BUFFER, EXTENT + BUFFER
    assert corners == {(low, low), (high, low), (high, high), (low, high)}
    assert outlines.cut(zoom, x + 100, y) == []
    assert outlines.touching(zoom, x, y) == ["a"]
    assert outlines.touching(zoom, x + 100, y) == []


def test_what_is_smaller_than_a_step_is_left_out() -> None:
    speck = [(105.05, 22.05), (105.050001, 22.05), (105.05, 22.050001)]
    assert Outlines.of([("speck", geometry([speck]))]).cut(5, *tile_of(105.05, 22.05, 5)) == []


def test_no_shapes_and_no_points_make_an_empty_tile() -> None:
    outlines, centres = Outlines.of([]), Centres(np.empty((0, 2)))
    assert outlines.cut(3, 1, 1) == []
    assert centres.grouped(3, 1, 1).commands == []
    assert write_tile([TileLayer("communes", [])]) == b""


def test_points_too_near_to_be_told_apart_are_joined_in_their_middle_and_apart_from_near() -> None:
    centres = Centres(np.array([[105.049, 22.05], [105.051, 22.05], [105.3, 22.05], [120.0, 22.05]]))
    tile = tile_of(105.05, 22.05, ZOOM)
    found = centres.grouped(ZOOM, *tile)
    sizes = np.diff([*found.starts.tolist(), len(found.numbers)]).tolist()
    groups = {
        tuple(found.numbers[start : start + size].tolist()) for start, size in zip(found.starts, sizes, strict=True)
    }
    assert groups == {(0, 1), (2,)}
    features = [Feature(1, commands, {"number": size}) for commands, size in zip(found.commands, sizes, strict=True)]
    for feature in decoded(TileLayer("hamlets", features))["hamlets"]["features"]:
        lon, lat = place_in(*feature["geometry"]["coordinates"], tile, ZOOM)
        assert math.hypot(lon - (105.05 if feature["properties"]["number"] == 2 else 105.3), lat - 22.05) < 0.0003
    near = tile_of(105.049, 22.05, 16)
    assert [centres.grouped(16, *near).numbers.tolist(), centres.grouped(16, *near).starts.tolist()] == [[0, 1], [0, 1]]


def test_every_point_is_in_one_tile_of_a_zoom_and_no_other() -> None:
    chance = np.random.default_rng(1)
    places = np.column_stack((chance.uniform(104.9, 105.9, 500), chance.uniform(21.5, 22.5, 500)))
    centres = Centres(places)
    (west, south), (east, north) = tile_of(104.9, 21.5, 10), tile_of(105.9, 22.5, 10)
    found = [
        number
        for x in range(west, east + 1)
        for y in range(north, south + 1)
        for number in centres.grouped(10, x, y).numbers.tolist()
    ]
    assert sorted(found) == list(range(500))


@pytest.mark.parametrize("value", ["Thôn Nà Hoi", "", 0, 17, -3, 2**40, 0.8974, 0.0])
def test_a_property_comes_out_as_it_went_in(value: str | float) -> None:
    point = Feature(1, [9, 2, 2], {"key": "a", "value": value})
    (feature,) = decoded(TileLayer("hamlets", [point]))["hamlets"]["features"]
    assert feature["properties"] == {"key": "a", "value": value}
    assert type(feature["properties"]["value"]) is type(value)


def test_the_plane_of_the_tiles_is_web_mercator_with_the_world_one_wide() -> None:
    world = to_world(np.array([[-180.0, 85.0511287798], [0.0, 0.0], [180.0, -85.0511287798], [0.0, 90.0]]))
    assert np.allclose(world, [[0, 0], [0.5, 0.5], [1, 1], [0.5, 0]], atol=1e-6)
