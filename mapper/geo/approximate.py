"""Approximate outlines of units whose real ones may not be handed out: cells around their centres.

What comes of it is a drawing, marked approximate wherever it is shown, and no border of anything.
"""

from __future__ import annotations

import csv
import json
import math
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from mapper.errors import InvalidBoundaries, mark
from mapper.geo.measure import METRES_PER_DEGREE
from mapper.geo.shapes import feature_collection

_ROUNDS = 200
_NEAR_ENOUGH = 0.02
_STEP = 0.2
_DIGITS = 5


def approximate_set(centres_csv: Path, outline_geojson: Path) -> bytes:
    """A boundary file (GeoJSON) of approximate outlines, which read_boundaries takes like any other.

    centres_csv: columns lon, lat (of a unit's middle), area_km2 (about), and whatever fields the units shall carry:
    commune_code, commune_name, district_code, ... outline_geojson: one feature, the outline around all the units.
    Every feature gets the property approximate = true.
    """
    with centres_csv.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    outline = shapely.from_geojson(json.dumps(json.loads(outline_geojson.read_bytes())["features"][0]["geometry"]))
    try:
        numbers = np.array([[float(row[name]) for name in ("lon", "lat", "area_km2")] for row in rows])
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidBoundaries(
            mark("{file} needs the columns lon, lat and area_km2, with numbers in every row."), file=centres_csv.name
        ) from error
    cells = approximate_outlines(numbers[:, :2], numbers[:, 2], outline)
    features = []
    for row, cell in zip(rows, cells, strict=True):
        told = {name: value for name, value in row.items() if name not in ("lon", "lat", "area_km2")}
        features.append(({**told, "approximate": True}, str(shapely.to_geojson(cell))))
    return feature_collection(features)


def merged_set(boundary_file: bytes, heirs_csv: Path) -> bytes:
    """A boundary file (GeoJSON) of the units that others went into whole: the outlines of those as one.

    boundary_file: GeoJSON of the old units, with commune_code. heirs_csv: columns old_code, new_code, and the fields of
    the new units: new_name, new_province_code, new_province_name. Every feature has the property approximate = true.
    Raises InvalidBoundaries for an old unit that has no outline.
    """
    outlines = {
        one["properties"]["commune_code"]: shapely.from_geojson(json.dumps(one["geometry"]))
        for one in json.loads(boundary_file)["features"]
    }
    with heirs_csv.open(encoding="utf-8-sig", newline="") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: row["new_code"])
    features = []
    for code, several in groupby(rows, key=lambda row: row["new_code"]):
        told = list(several)
        missing = [row["old_code"] for row in told if row["old_code"] not in outlines]
        if missing:
            raise InvalidBoundaries(mark("There is no outline of {codes}."), codes=", ".join(missing))
        joined = shapely.union_all([outlines[row["old_code"]] for row in told])
        facts = {
            "commune_code": code,
            "commune_name": told[0]["new_name"],
            "province_code": told[0]["new_province_code"],
            "province_name": told[0]["new_province_name"],
            "approximate": True,
        }
        features.append((facts, str(shapely.to_geojson(joined))))
    return feature_collection(features)


def approximate_outlines(centres: NDArray[np.float64], areas: NDArray[np.float64], outline: Any) -> NDArray[np.object_]:
    """Divide an outline among centres in cells of about the wanted proportions.

    centres: longitude, latitude a row; areas: wanted, any unit; outline: polygon, EPSG:4326. Each cell is a polygon
    around its own centre, and together they are the outline, edge to edge. A centre too near to another cannot get
    all it wants. Raises InvalidBoundaries where a centre lies outside or two are the same.
    Method: a power diagram (Voronoi cells whose borders are moved by a weight a cell); the weights are raised for
    cells that are too small and lowered for the others.
    Source: F. Aurenhammer, SIAM J. Comput. 16 (1987) 78-96.
    """
    if len(np.unique(centres, axis=0)) < len(centres) or not shapely.covers(outline, shapely.points(centres)).all():
        raise InvalidBoundaries(mark("Every centre has to lie inside the outline, at a place of its own."))
    scale = np.array([math.cos(math.radians(float(centres[:, 1].mean()))), 1.0]) * METRES_PER_DEGREE / 1000
    points = centres * scale
    ground = shapely.transform(outline, lambda c: c * scale)
    wanted = areas / areas.sum() * shapely.area(ground)
    weights = np.zeros(len(points))
    best, least = _power_cells(points, weights, ground), math.inf
    for _ in range(_ROUNDS):
        cells = _power_cells(points, weights, ground)
        sizes = shapely.area(cells)
        miss = float(np.abs(sizes / wanted - 1).max())
        if miss < least and shapely.contains(cells, shapely.points(points)).all():
            best, least = cells, miss
        if least < _NEAR_ENOUGH:
            break
        weights = _keep_apart(points, weights + _STEP * (wanted - sizes))
    rounded = shapely.transform(_whole(best, points), lambda c: np.round(c / scale, _DIGITS))
    joined: NDArray[np.object_] = np.asarray(shapely.coverage_clean(rounded), dtype=object)
    return joined


def _power_cells(points: NDArray[np.float64], weights: NDArray[np.float64], ground: Any) -> NDArray[np.object_]:
    """The part of the ground that is nearest to each point, distance squared less the point's weight."""
    west, south, east, north = ground.bounds
    cells = []
    for here, weight in zip(points, weights, strict=True):
        corners = [(west, south), (east, south), (east, north), (west, north)]
        for there, other in zip(points, weights, strict=True):
            across = there - here
            if across.any():
                # |p - here|^2 - weight <= |p - there|^2 - other, with both squares written out
                limit = (there @ there - here @ here + weight - other) / 2
                corners = _clip(corners, float(across[0]), float(across[1]), float(limit))
        cells.append(shapely.polygons(corners))
    parts: NDArray[np.object_] = shapely.intersection(np.array(cells, dtype=object), ground)
    return parts


def _clip(corners: list[tuple[float, float]], a: float, b: float, limit: float) -> list[tuple[float, float]]:
    """The part of a convex polygon where a x + b y <= limit."""
    kept = []
    for (x0, y0), (x1, y1) in zip(corners, corners[1:] + corners[:1], strict=True):
        before, after = a * x0 + b * y0 - limit, a * x1 + b * y1 - limit
        if before <= 0:
            kept.append((x0, y0))
        if before * after < 0:
            share = before / (before - after)
            kept.append((x0 + share * (x1 - x0), y0 + share * (y1 - y0)))
    return kept


def _keep_apart(points: NDArray[np.float64], weights: NDArray[np.float64], share: float = 0.7) -> NDArray[np.float64]:
    """Weights drawn together until each point stays well inside its own cell: |wi - wj| <= share * distance squared."""
    apart = share * ((points[:, None] - points[None]) ** 2).sum(axis=2)
    for _ in range(len(points)):
        excess = weights[:, None] - weights[None] - apart
        np.fill_diagonal(excess, 0)
        if (excess <= 1e-9).all():
            break
        weights = weights - np.maximum(excess, 0).max(axis=1) / 2 + np.maximum(excess, 0).max(axis=0) / 2
    return weights


def _whole(cells: NDArray[np.object_], points: NDArray[np.float64]) -> NDArray[np.object_]:
    """Cells in one piece: a piece cut off from its centre by a bend of the outline goes to its longest neighbour."""
    pieces, owner = shapely.get_parts(cells, return_index=True)
    home = shapely.contains(pieces, shapely.points(points)[owner])
    kept = [[piece] for piece in pieces[home][np.argsort(owner[home])]]
    for piece in pieces[~home]:
        shared = [shapely.length(shapely.intersection(piece, own[0])) for own in kept]
        kept[int(np.argmax(shared))].append(piece)
    return np.array([shapely.union_all(own) for own in kept], dtype=object)
