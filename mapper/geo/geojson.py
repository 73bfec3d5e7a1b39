"""GeoJSON text becomes a table of fields and shapes; only the reference system it names is left to obey."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyproj
import shapely
from pyproj.exceptions import CRSError
from shapely.errors import ShapelyError  # type: ignore[attr-defined]
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from mapper.errors import InvalidBoundaries, mark
from mapper.geo.layer import WGS84, Layer, Limits, as_array, too_large

_MAX_FIELDS = 1000
_GEOMETRIES = ("Polygon", "MultiPolygon", "Point", "MultiPoint", "LineString", "MultiLineString")
# what shapely raises for coordinates of the wrong nesting, too few points in a ring, text for a number
_UNREADABLE = (
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
    ShapelyError,
)


def read_geojson(path: Path, limits: Limits) -> Layer:
    """The features of a GeoJSON file. Raises InvalidBoundaries or TooLarge; the message names the cure."""
    try:
        data = json.loads(path.read_text("utf-8-sig"), object_hook=_at_once)
    except UnicodeDecodeError as error:
        raise InvalidBoundaries(
            mark("The GeoJSON is not UTF-8 (byte {position}). Save it again as UTF-8."), position=error.start
        ) from error
    except json.JSONDecodeError as error:
        raise InvalidBoundaries(
            mark("The GeoJSON breaks off or is malformed at line {line}, column {column}. Copy or export it again."),
            line=error.lineno,
            column=error.colno,
        ) from error
    except (RecursionError, ValueError) as error:  # ValueError: a number of thousands of digits
        raise InvalidBoundaries(mark("The GeoJSON is nested too deeply or holds impossible numbers.")) from error
    kind = data.get("type") if isinstance(data, dict) else getattr(data, "geom_type", None)
    features = data.get("features") if kind == "FeatureCollection" else None
    if kind == "Feature":
        features = [data]
    if not isinstance(features, list):
        raise InvalidBoundaries(
            mark(
                "The JSON is no GeoJSON FeatureCollection (its type is {type}). "
                "Export the units as features with codes."
            ),
            type=str(kind)[:40],
        )
    if len(features) > limits.max_units:
        too_large(limits)
    fields: dict[str, list[Any]] = {}
    shapes: list[BaseGeometry | None] = []
    for row, feature in enumerate(features, start=1):
        properties = feature.get("properties") if isinstance(feature, dict) else None
        if not isinstance(feature, dict) or not isinstance(properties, dict | None):
            raise InvalidBoundaries(mark("Feature {row} of the GeoJSON is no feature. Export the file again."), row=row)
        for name, value in (properties or {}).items():
            fields.setdefault(name, [None] * (row - 1)).append(value)
        if len(fields) > _MAX_FIELDS:
            raise InvalidBoundaries(
                mark("The file has over {count} fields. Export codes and names only."), count=_MAX_FIELDS
            )
        for values in fields.values():
            if len(values) < row:
                values.append(None)
        shapes.append(_geojson_shape(feature.get("geometry"), row))
    return Layer("GeoJSON", fields, as_array(shapes, limits), _geojson_crs(data))


@dataclass(frozen=True, slots=True)
class _Unreadable:
    """A geometry that is none. why: as shapely says it."""

    why: str


def _at_once(told: dict[str, Any]) -> object:
    """A geometry as soon as it is read: as lists of numbers the outlines of a whole file take ten times its memory."""
    if "coordinates" not in told or told.get("type") not in _GEOMETRIES:
        return told
    try:
        return shapely.force_2d(shape(told))
    except _UNREADABLE as error:
        return _Unreadable(str(error)[:120])


def _geojson_shape(geometry: object, row: int) -> BaseGeometry | None:
    if geometry is None:
        return None
    try:
        if isinstance(geometry, _Unreadable):
            raise ValueError(geometry.why)
        flat: BaseGeometry = geometry if isinstance(geometry, BaseGeometry) else shapely.force_2d(shape(geometry))
        return flat
    except _UNREADABLE as error:
        raise InvalidBoundaries(
            mark("The geometry of feature {row} cannot be read ({reason}). Export the file again."),
            row=row,
            reason=str(error)[:120],
        ) from error


def _geojson_crs(data: dict[str, Any]) -> pyproj.CRS | None:
    """RFC 7946: always WGS 84. The older GeoJSON of 2008 could name another system, or null for an unknown one."""
    if "crs" not in data:
        return pyproj.CRS.from_user_input(WGS84)
    declared = data["crs"]
    if declared is None:
        return None
    try:
        return pyproj.CRS.from_user_input(declared["properties"]["name"])
    except (CRSError, KeyError, TypeError) as error:
        raise InvalidBoundaries(
            mark(
                'The "crs" of the GeoJSON cannot be understood: {crs}. '
                'Export it in WGS 84 (EPSG:4326), without a "crs".'
            ),
            crs=json.dumps(declared)[:120],
        ) from error
