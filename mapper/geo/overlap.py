"""How much of each unit of one boundary set lies in each unit of another, by area."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import shapely

from mapper.geo.measure import areas_km2

_AT_ONCE = 500  # pairs whose common ground is in memory at a time


@dataclass(frozen=True, slots=True)
class Overlap:
    """Common ground of two units. share_of_old, share_of_new: of their areas, 0..1."""

    old: str
    new: str
    area_km2: float
    share_of_old: float
    share_of_new: float


def overlaps(
    old: Mapping[str, bytes], new: Mapping[str, bytes], share: Callable[[float], None] = lambda done: None
) -> list[Overlap]:
    """Every pair of units with common ground, by code. old, new: outlines by code, valid MultiPolygons as WKB in
    EPSG:4326. Areas are those of an equal-area projection. share: told how much is done, 0..1."""
    codes = list(old), list(new)
    shapes = tuple(np.asarray(shapely.from_wkb(list(each.values())), dtype=object) for each in (old, new))
    if not len(shapes[0]) or not len(shapes[1]):
        return []
    whole = areas_km2(shapes[0]), areas_km2(shapes[1])
    pairs = shapely.STRtree(shapes[1]).query(shapes[0], predicate="intersects")
    found = []
    for start in range(0, pairs.shape[1], _AT_ONCE):
        left, right = pairs[:, start : start + _AT_ONCE]
        common = areas_km2(np.asarray(shapely.intersection(shapes[0][left], shapes[1][right]), dtype=object))
        for one, two, area in zip(left.tolist(), right.tolist(), common.tolist(), strict=True):
            if area > 0:
                shares = area / whole[0][one], area / whole[1][two]
                found.append(Overlap(codes[0][one], codes[1][two], area, *map(float, shares)))
        share(min(1.0, (start + _AT_ONCE) / pairs.shape[1]))
    return sorted(found, key=lambda each: (each.old, each.new))
