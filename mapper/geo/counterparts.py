"""Which unit of another boundary set holds the ground of a unit: told by positions, since codes are given anew."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mapper.geo.placing import Placer

SIDE = 16
"""Points a side of a unit's bounding box that are asked for."""

WHOLE = 0.9
"""Share of a unit's points that one unit must hold for the unit to have gone there as a whole: two drawings of one
border never agree wholly, and of a unit that was divided only each household's own position tells where it belongs."""

_AT_ONCE = 2000  # units, so that the points of a country need no memory to speak of


def counterparts(
    bounds: Mapping[str, tuple[float, float, float, float]], placer: Placer, other: Placer
) -> dict[str, str]:
    """For each unit that lies as good as whole in one unit of another set the code of that one.

    bounds: west, south, east, north in degrees (EPSG:4326) of the units of placer, by code; other: of the other set.
    Units that the other set divides, or holds no part of, are left out.
    """
    steps = (np.arange(SIDE) + 0.5) / SIDE
    number = {code: index for index, code in enumerate(placer.codes)}
    wanted = [code for code in bounds if code in number]
    found: dict[str, str] = {}
    for start in range(0, len(wanted), _AT_ONCE):
        some = wanted[start : start + _AT_ONCE]
        west, south, east, north = np.array([bounds[code] for code in some]).T[:, :, None, None]
        shape = (len(some), SIDE, SIDE)
        lon = np.broadcast_to(west + (east - west) * steps, shape).reshape(-1)
        lat = np.broadcast_to(south + (north - south) * steps[:, None], shape).reshape(-1)
        unit = np.repeat(np.arange(len(some)), SIDE * SIDE)
        own = np.array([number[code] for code in some])
        inside = placer.place(lon, lat) == own[unit]
        unit, there = unit[inside], other.place(lon[inside], lat[inside])
        points = np.bincount(unit, minlength=len(some))
        pairs, counts = np.unique(np.stack([unit, there]), axis=1, return_counts=True)
        for (one, code), count in zip(pairs.T.tolist(), counts.tolist(), strict=True):
            if code >= 0 and count >= WHOLE * points[one]:
                found[some[one]] = other.codes[code]
    return found
