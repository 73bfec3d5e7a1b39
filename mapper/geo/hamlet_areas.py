"""Areas of hamlets, which no register draws, from where their households stand."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from mapper.geo.measure import METRES_PER_DEGREE

REACH_M = 400.0
"""Ground farther than this from every household is nobody's: forest, fields, water."""

_GRID_M = 0.5  # households nearer than this to each other count as one place
_APART_M = 2.0  # how far households of several hamlets in one place are moved apart
_INSET_DEGREES = 1e-7  # about a centimetre inside the commune, so that no rounding reaches over its border


def hamlet_areas(
    hamlets: Sequence[str],
    lon: NDArray[np.float64],
    lat: NDArray[np.float64],
    commune_wkb: bytes,
    reach_m: float = REACH_M,
) -> dict[str, bytes]:
    """The area of each hamlet of one commune: the ground nearest to one of its households.

    hamlets: the hamlet's code of each household; lon, lat: where it stands, degrees; any order gives the same.
    reach_m: ground farther from every household is left out.
    Areas are MultiPolygons (WKB, EPSG:4326, by code); they do not overlap and lie within the commune. A hamlet whose
    households all stand farther than reach_m outside the commune has none.
    Method: Voronoi cells of the households, joined by hamlet, cut to discs of reach_m and to the commune.
    """
    commune = shapely.from_wkb(commune_wkb)
    inset = commune.buffer(-_INSET_DEGREES, join_style="mitre")
    commune = commune if inset.is_empty else inset
    centre_lat = (commune.bounds[1] + commune.bounds[3]) / 2
    scale = np.array([METRES_PER_DEGREE * math.cos(math.radians(centre_lat)), METRES_PER_DEGREE])

    codes, xy = _places(hamlets, np.column_stack((lon, lat)) * scale)
    near = shapely.dwithin(shapely.transform(commune, lambda c: c * scale), shapely.points(xy), reach_m)
    codes, xy = [code for code, is_near in zip(codes, near, strict=True) if is_near], xy[near]
    if not codes:
        return {}
    reach = shapely.union_all(shapely.buffer(shapely.points(xy), reach_m, quad_segs=8))
    ground = shapely.intersection(commune, shapely.transform(reach, lambda c: c / scale))
    cells: dict[str, list[Any]] = defaultdict(list)
    for code, cell in zip(codes, _cells(xy, reach_m), strict=True):
        cells[code].append(cell)
    ordered = sorted(cells)
    joined = np.array([shapely.union_all(cells[code]) for code in ordered], dtype=object)
    cut = shapely.intersection(shapely.transform(joined, lambda c: c / scale), ground)
    areas = np.array([_polygons(area) for area in cut], dtype=object)
    # cutting rounds neighbours apart by a few last digits; this joins them again, vertex to vertex
    areas = np.asarray(shapely.coverage_clean(areas), dtype=object)
    return {
        code: bytes(shapely.to_wkb(_polygons(area)))
        for code, area in zip(ordered, areas, strict=True)
        if not area.is_empty
    }


def _places(hamlets: Sequence[str], xy: NDArray[np.float64]) -> tuple[list[str], NDArray[np.float64]]:
    """One point a hamlet and place, in a fixed order, no two the same.

    Households of one house, or with the same copied position, are one place. Where several hamlets meet in one
    place, each gets a point a little aside, so that none loses all its ground.
    """
    at: dict[tuple[int, int], Counter[str]] = defaultdict(Counter)
    for code, (x, y) in zip(hamlets, xy.tolist(), strict=True):
        if math.isfinite(x) and math.isfinite(y):
            at[round(x / _GRID_M), round(y / _GRID_M)][code] += 1
    codes: list[str] = []
    points: list[tuple[float, float]] = []
    for (column, row), found in sorted(at.items()):
        for turn, code in enumerate(sorted(found)):
            angle = 2 * math.pi * turn / len(found)
            aside = _APART_M if len(found) > 1 else 0.0
            codes.append(code)
            points.append((column * _GRID_M + aside * math.cos(angle), row * _GRID_M + aside * math.sin(angle)))
    return codes, np.array(points, dtype=float).reshape(-1, 2)


def _cells(xy: NDArray[np.float64], reach_m: float) -> list[Any]:
    """The Voronoi cell of each point, out to twice the reach around them all; one point has the whole of it."""
    low, high = xy.min(axis=0) - 2 * reach_m, xy.max(axis=0) + 2 * reach_m
    frame = shapely.box(low[0], low[1], high[0], high[1])
    cells = shapely.voronoi_polygons(shapely.multipoints(xy), extend_to=frame, ordered=True)
    return list(shapely.get_parts(cells))


def _polygons(shape: Any) -> Any:
    """The areas of a shape as one MultiPolygon; cutting can also leave points and lines where outlines touch."""
    return shapely.multipolygons([part for part in shapely.get_parts(shape) if part.geom_type == "Polygon"])
