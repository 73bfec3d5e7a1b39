"""An area as somebody drew it on the map: read, mended, and cut to where they may give work."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import shapely
from shapely.errors import ShapelyError  # type: ignore[attr-defined]
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from mapper.errors import InvalidInput, mark

MOST_CORNERS = 5000
SLIVER = 1e-6
"""Share of an area that may stick out of another and still counts as rounding."""

_UNREADABLE = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError, ShapelyError)


def read_drawing(text: str) -> bytes:
    """A drawn area, one GeoJSON geometry or feature -> WKB of a MultiPolygon, EPSG:4326, valid and not empty.

    Lines that cross are taken for the two areas beside the crossing. Raises InvalidInput.
    """
    try:
        told = json.loads(text)
        drawn = shapely.force_2d(shape(told.get("geometry", told)))
    except _UNREADABLE as error:
        raise InvalidInput(mark("No area was drawn. Draw its corners on the map, then save.")) from error
    if drawn.geom_type not in ("Polygon", "MultiPolygon"):
        raise InvalidInput(mark("No area was drawn. Draw its corners on the map, then save."))
    if shapely.get_num_coordinates(drawn) > MOST_CORNERS:
        raise InvalidInput(mark("The area has over {number} corners. Draw it more simply."), number=MOST_CORNERS)
    corners = shapely.get_coordinates(drawn)
    if not np.isfinite(corners).all() or (np.abs(corners) > (180, 90)).any():
        raise InvalidInput(mark("A corner of the area lies outside the world. Draw it anew."))
    return _areas(shapely.make_valid(drawn))


def _areas(drawn: BaseGeometry) -> bytes:
    """The parts of a geometry that have an area, as WKB. Raises InvalidInput where there are none."""
    parts = [part for part in _polygons(drawn) if part.area > 0]
    if not parts:
        raise InvalidInput(mark("The area is only a line or a point. Draw three corners or more."))
    wkb: bytes = shapely.to_wkb(shapely.multipolygons(parts))
    return wkb


def _polygons(drawn: BaseGeometry) -> list[BaseGeometry]:
    found: list[BaseGeometry] = []
    for part in shapely.get_parts(drawn):
        found += _polygons(part) if part.geom_type in ("MultiPolygon", "GeometryCollection") else [part]
    return found


def cut(drawn: bytes, outlines: Sequence[bytes]) -> bytes:
    """What of an area lies within these outlines; all WKB. Raises InvalidInput where nothing does."""
    inside = shapely.intersection(shapely.from_wkb(drawn), _whole(outlines))
    if not _polygons(inside) or not inside.area:
        raise InvalidInput(mark("The area lies outside yours. Draw it inside the outlines of your area."))
    return _areas(inside)


def lies_within(drawn: bytes, outlines: Sequence[bytes]) -> bool:
    """Whether an area lies within these outlines together, but for what rounding makes stick out; all WKB."""
    area = shapely.from_wkb(drawn)
    return bool(shapely.difference(area, _whole(outlines)).area <= SLIVER * area.area)


def _whole(outlines: Sequence[bytes]) -> BaseGeometry:
    whole: BaseGeometry = shapely.union_all(shapely.from_wkb(np.array(outlines, dtype=object)))
    return whole


def as_geojson(outline: bytes) -> str:
    """A stored outline (WKB) as GeoJSON geometry text, to a tenth of a metre."""
    return str(shapely.to_geojson(shapely.set_precision(shapely.from_wkb(outline), 1e-6)))
