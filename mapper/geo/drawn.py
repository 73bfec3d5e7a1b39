"""Areas that somebody drew on the map: what lies within them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import NDArray

Bounds = tuple[float, float, float, float]


def bounds(outline: bytes) -> Bounds:
    """West, south, east, north of an outline (WKB, EPSG:4326), degrees."""
    west, south, east, north = shapely.from_wkb(outline).bounds
    return west, south, east, north


def overlap(one: Bounds, other: Bounds) -> bool:
    """Whether two boxes (west, south, east, north) have a point in common."""
    return one[0] <= other[2] and other[0] <= one[2] and one[1] <= other[3] and other[1] <= one[3]


def within_any(outlines: Sequence[bytes], points: Sequence[tuple[float, float]]) -> NDArray[np.bool_]:
    """For each point (longitude, latitude) whether it lies within one of the outlines, or on its line.

    outlines: WKB, EPSG:4326.
    """
    found = np.zeros(len(points), dtype=bool)
    if len(points) == 0:
        return found
    lon, lat = np.asarray(points, dtype=float).T
    for outline in outlines:
        area = shapely.from_wkb(outline)
        shapely.prepare(area)
        found |= shapely.intersects_xy(area, lon, lat)
    return found


def meets_any(outlines: Sequence[bytes], others: Sequence[bytes]) -> NDArray[np.bool_]:
    """For each of the others whether it shares ground with one of the outlines; all WKB, EPSG:4326."""
    shapes = shapely.from_wkb(np.array(others, dtype=object))
    found = np.zeros(len(others), dtype=bool)
    for outline in outlines:
        area = shapely.from_wkb(outline)
        shapely.prepare(area)
        found |= shapely.intersects(area, shapes)
    return found


def polygon(corners: Sequence[tuple[float, float]]) -> bytes:
    """WKB of the area inside corners, latitude and longitude each; edges that cross are mended."""
    drawn = shapely.make_valid(shapely.polygons([(lon, lat) for lat, lon in corners]))
    found: bytes = shapely.to_wkb(drawn)
    return found
