"""Vector tiles (Mapbox Vector Tile 2.1) of a national map: outlines and points of any number, cut to 4096 steps a side.

Shapes are kept in the plane of the tiles: Web Mercator (EPSG:3857) with the whole world one unit wide, y growing to the
south. Geometry is worked out for all shapes of a tile at once; the library's own writer takes them one by one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

EXTENT = 4096
"""Steps along each side of a tile."""

BUFFER = 64
"""Steps that shapes reach over a tile's edge, so that no line is drawn along it."""

GRID = 32
"""Points are joined that fall into one of so many squares along a tile's side: as wide as a dot, 8 pixels of 256."""

MAX_ZOOM = 18
_MOVE, _LINE, _CLOSE = 1, 2, 7 | 1 << 3

Value = str | float | int
Properties = Mapping[str, Value]


class Feature(NamedTuple):
    """One thing of a tile. commands: its geometry as the format writes it; kind: 1 for points, 3 for polygons."""

    kind: int
    commands: list[int]
    properties: Properties


@dataclass(frozen=True, slots=True)
class TileLayer:
    """A named layer of a tile."""

    name: str
    features: Sequence[Feature]


def to_world(lon_lat: NDArray[np.float64]) -> NDArray[np.float64]:
    """Degrees, a row a place, to the plane of the tiles."""
    lon, lat = lon_lat[:, 0], np.clip(lon_lat[:, 1], -85.0511, 85.0511)
    y = 0.5 - np.arcsinh(np.tan(np.radians(lat))) / (2 * np.pi)
    return np.column_stack((lon / 360 + 0.5, y))


class Outlines:
    """Shapes in the plane of the tiles, with an index to find those of a tile."""

    def __init__(self, keys: Sequence[str], shapes: NDArray[np.object_]) -> None:
        self.keys = keys
        self._shapes = _oriented(shapes)
        self._tree = shapely.STRtree(self._shapes)
        self._bounds = shapely.bounds(self._shapes)

    @classmethod
    def of(cls, outlines: Sequence[tuple[str, str]]) -> Outlines:
        """Of (key, GeoJSON geometry text in degrees)."""
        shapes = shapely.from_geojson(np.array([text for _, text in outlines], dtype=object))
        world = shapely.transform(shapes, to_world) if len(shapes) else shapes
        return cls([key for key, _ in outlines], np.asarray(world, dtype=object))

    def touching(self, zoom: int, x: int, y: int) -> list[str]:
        """Keys of the shapes whose boxes touch a tile."""
        return [self.keys[place] for place in self._found(zoom, x, y)]

    def cut(self, zoom: int, x: int, y: int) -> list[tuple[str, list[int]]]:
        """Each shape's part of a tile, in the order of the keys given; those without any are left out."""
        places = self._found(zoom, x, y)
        west, north, east, south = edges = _edges(zoom, x, y)
        bounds = self._bounds[places]
        across = np.any(bounds < (west, north, -1, -1), axis=1) | np.any(bounds > (2, 2, east, south), axis=1)
        shapes = self._shapes[places]
        shapes[across] = _oriented(shapely.clip_by_rect(shapes[across], *edges))
        return [(self.keys[places[at]], commands) for at, commands in _commands(shapes, zoom, x, y)]

    def _found(self, zoom: int, x: int, y: int) -> NDArray[np.int64]:
        found: NDArray[np.int64] = np.sort(self._tree.query(shapely.box(*_edges(zoom, x, y))))
        return found


def _edges(zoom: int, x: int, y: int) -> tuple[float, float, float, float]:
    """West, north, east, south of a tile and what lies just outside of it."""
    side = 2.0**-zoom
    more = side * BUFFER / EXTENT
    return x * side - more, y * side - more, (x + 1) * side + more, (y + 1) * side + more


def _oriented(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    """The same, their outer rings with an area above nought, holes below, where y grows to the south."""
    turned: NDArray[np.object_] = np.asarray(shapely.orient_polygons(shapes, exterior_cw=False), dtype=object)
    return turned


def _commands(shapes: NDArray[np.object_], zoom: int, x: int, y: int) -> list[tuple[int, list[int]]]:
    """Place of each of these shapes that has an area in a tile, and the commands that draw it."""
    parts, of = shapely.get_parts(shapes, return_index=True)
    areal = shapely.get_type_id(parts) == shapely.GeometryType.POLYGON
    parts, of = parts[areal], of[areal]
    rings, of_part = shapely.get_rings(parts, return_index=True)
    places, of_ring = shapely.get_coordinates(rings, return_index=True)
    if not len(places):
        return []
    steps = np.rint((places * 2.0**zoom - (x, y)) * EXTENT).astype(np.int64)
    changed = np.r_[True, np.any(steps[1:] != steps[:-1], axis=1) | (of_ring[1:] != of_ring[:-1])]
    steps, of_ring = steps[changed], of_ring[changed]
    # A ring is closed by a command: its last place, which is its first, goes.
    last = np.r_[of_ring[1:] != of_ring[:-1], True]
    steps, of_ring = steps[~last], of_ring[~last]
    number, first = np.unique(of_ring, return_index=True)
    lengths = np.diff(np.r_[first, len(of_ring)])
    wide = lengths > 2
    keep = np.repeat(wide, lengths)
    steps, number, lengths = steps[keep], number[wide], lengths[wide]
    if not len(steps):
        return []
    feature = of[of_part[number]]
    starts = np.r_[0, np.cumsum(lengths)[:-1]]
    deltas = np.diff(steps, axis=0, prepend=np.zeros((1, 2), np.int64))
    opening = starts[np.r_[True, feature[1:] != feature[:-1]]]
    deltas[opening] = steps[opening]
    zigzag = ((deltas << 1) ^ (deltas >> 63)).ravel().tolist()
    found: dict[int, list[int]] = {}
    for of_feature, start, length in zip(feature.tolist(), starts.tolist(), lengths.tolist(), strict=True):
        commands = found.setdefault(of_feature, [])
        at = 2 * start
        commands += (_MOVE | 1 << 3, *zigzag[at : at + 2], _LINE | (length - 1) << 3)
        commands += zigzag[at + 2 : at + 2 * length]
        commands.append(_CLOSE)
    return list(found.items())


class Grouped(NamedTuple):
    """Points of a tile in groups. commands: of each group, which draw it in the middle of its points.

    numbers: of all these points, group by group. starts: where in them each group begins.
    """

    commands: list[list[int]]
    numbers: NDArray[np.int64]
    starts: NDArray[np.int64]


class Centres:
    """Points in the plane of the tiles, in the order given."""

    def __init__(self, lon_lat: NDArray[np.float64]) -> None:
        self._world = to_world(lon_lat.reshape(-1, 2))
        self._by_x = np.argsort(self._world[:, 0], kind="stable")
        self._x = self._world[self._by_x, 0]

    def grouped(self, zoom: int, x: int, y: int, among: NDArray[np.bool_] | None = None) -> Grouped:
        """The points of a tile, those that lie too near to be told apart together. among: whether each counts."""
        first, last = np.searchsorted(self._x, (x * 2.0**-zoom, (x + 1) * 2.0**-zoom))
        numbers = np.sort(self._by_x[first:last])
        local = self._world[numbers] * 2.0**zoom - (x, y)
        inside = (local[:, 1] >= 0) & (local[:, 1] < 1)
        if among is not None:
            inside &= among[numbers]
        numbers, local = numbers[inside], local[inside]
        if not len(numbers):
            return Grouped([], numbers, numbers)
        square = np.floor(local * GRID).astype(np.int64) @ (1, GRID)
        order = np.argsort(square, kind="stable")
        starts = np.flatnonzero(np.diff(square[order], prepend=-1))
        middle = np.add.reduceat(local[order], starts) / np.diff(np.r_[starts, len(order)])[:, None]
        steps = np.rint(middle * EXTENT).astype(np.int64) * 2
        return Grouped([[_MOVE | 1 << 3, *at] for at in steps.tolist()], numbers[order], starts)


def write_tile(layers: Sequence[TileLayer]) -> bytes:
    """A tile as it is sent. Layers without features are left out; the same layers give the same bytes."""
    from mapbox_vector_tile.Mapbox import vector_tile_pb2  # takes a fifth of a second, and not every server needs it

    # protobuf makes its classes when it is loaded, so no checker sees them.
    tile: Any = vars(vector_tile_pb2)["tile"]()
    for told in layers:
        if not told.features:
            continue
        layer = tile.layers.add(name=told.name, version=2, extent=EXTENT)
        names: dict[str, int] = {}
        values: dict[tuple[type, Value], int] = {}
        for each in told.features:
            tags: list[int] = []
            for name, value in each.properties.items():
                tags += (names.setdefault(name, len(names)), values.setdefault((type(value), value), len(values)))
            layer.features.add(type=each.kind, geometry=each.commands, tags=tags)
        layer.keys.extend(names)
        for kind, value in values:
            layer.values.add(**{_FIELDS[kind]: value})
    content: bytes = tile.SerializeToString(deterministic=True)
    return content


_FIELDS: Mapping[type, Any] = {str: "string_value", float: "double_value", int: "sint_value"}
