"""Areas and lengths on the ellipsoid, for outlines kept in degrees."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import pyproj
import shapely
from numpy.typing import ArrayLike, NDArray

METRES_PER_DEGREE = 111_320.0
"""Of latitude, and of longitude on the equator."""


@lru_cache(maxsize=64)
def _transformer(epsg: int) -> pyproj.Transformer:
    return pyproj.Transformer.from_crs(4326, epsg, always_xy=True)


def _projected(shapes: NDArray[np.object_], epsg: int) -> NDArray[np.object_]:
    transformer = _transformer(epsg)

    def project(xy: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack(transformer.transform(xy[:, 0], xy[:, 1]))

    projected: NDArray[np.object_] = np.asarray(shapely.transform(shapes, project), dtype=object)
    return projected


def areas_km2(shapes: NDArray[np.object_]) -> NDArray[np.float64]:
    """Area of each shape (EPSG:4326) in km2, by the equal-area projection EPSG:6933; the same in every zone."""
    areas: NDArray[np.float64] = shapely.area(_projected(shapes, 6933)) / 1e6
    return areas


def in_metres(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    """The shapes (EPSG:4326) in the UTM zone of the middle of them all: one plane, so that neighbours still meet."""
    if not len(shapes):
        return shapes
    west, south, east, north = shapely.total_bounds(shapes)
    zone = min(int((west + east) / 2 + 180) // 6 + 1, 60)
    return _projected(shapes, (32600 if south + north >= 0 else 32700) + zone)


def widths_m(shapes: NDArray[np.object_]) -> NDArray[np.float64]:
    """Diameter of the largest circle inside each polygonal shape, in the shapes' own unit, to a tenth part."""
    return np.array([_width(shape) for shape in shapes], dtype=float)


def _width(shape: Any) -> float:
    width = 0.0
    for part in shapely.get_parts(shape):
        if part.geom_type == "Polygon" and part.area > 0:
            tolerance = max(part.area**0.5 / 50, 1e-3)
            width = max(width, 2 * shapely.length(shapely.maximum_inscribed_circle(part, tolerance=tolerance)))
    return width


def points_m(lat_lon: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points in degrees, one (latitude, longitude) a row, as (east, north) in metres of the zone of their middle.

    Distances between them are right to a thousandth within a province.
    """
    shapes = np.asarray(shapely.points(lat_lon[:, 1], lat_lon[:, 0]), dtype=object)
    return np.asarray(shapely.get_coordinates(in_metres(shapes)), np.float64)


def on_plane(lon: ArrayLike, lat: ArrayLike) -> NDArray[np.float64]:
    """Positions in degrees (EPSG:4326) as metres east and north, (n, 2), in the UTM zone of the middle of them all."""
    x, y = np.asarray(lon, np.float64), np.asarray(lat, np.float64)
    if not len(x):
        return np.empty((0, 2))
    zone = min(int((x.min() + x.max()) / 2 + 180) // 6 + 1, 60)
    transformer = _transformer((32600 if y.min() + y.max() >= 0 else 32700) + zone)
    return np.column_stack(transformer.transform(x, y))
