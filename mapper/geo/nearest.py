"""Places beside lines: which line is the nearest, how far along it, and how far off."""

from __future__ import annotations

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

from mapper.geo.measure import on_plane

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def nearest_lines(lon_lat: Floats, start: Ints, shape: Floats) -> tuple[Ints, Floats, Floats, Floats]:
    """Of each place the nearest line, the share of it before the place, metres off it, and its metres on a plane.

    lon_lat: (places, 2) in degrees. start: (lines + 1,) where the corners of each line begin in shape, (corners, 2).
    Of lines equally near the first is taken. Without lines they are -1 and infinitely far.
    """
    places = len(lon_lat)
    plane = on_plane(*np.concatenate([lon_lat, shape]).T)
    xy, corners = plane[:places], plane[places:]
    line, share, off = np.full(places, -1, np.int64), np.zeros(places), np.full(places, np.inf)
    if len(start) > 1 and places:
        of_corner = np.repeat(np.arange(len(start) - 1), np.diff(start))
        lines = np.asarray(shapely.linestrings(corners, indices=of_corner), dtype=object)
        spots = np.asarray(shapely.points(xy), dtype=object)
        (at, found), far = shapely.STRtree(lines).query_nearest(spots, return_distance=True)
        order = np.lexsort((found, at))
        at, found, far = at[order], found[order], far[order]
        first = np.concatenate(([True], np.diff(at) > 0))
        line[at[first]], off[at[first]] = found[first], far[first]
        share = np.asarray(shapely.line_locate_point(lines[line], spots, normalized=True), np.float64)
    return line, np.clip(np.nan_to_num(share), 0.0, 1.0), off, xy


def steps_m(lon_lat: Floats) -> Floats:
    """Metres on the ellipsoid from each place, (n, 2) in degrees, to the next; 0 from the last."""
    found = np.zeros(len(lon_lat))
    if len(lon_lat) > 1:
        lon, lat = lon_lat.T
        found[:-1] = pyproj.Geod(ellps="WGS84").inv(lon[:-1], lat[:-1], lon[1:], lat[1:])[2]
    return found
