"""Answers as an OData feed tells them: the type of each kind of question, and its values as JSON or as WKT."""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime
from typing import Any

TYPES = {
    "int": "Edm.Int64",
    "decimal": "Edm.Double",
    "boolean": "Edm.Boolean",
    "geopoint": "Edm.GeographyPoint",
    "geotrace": "Edm.GeographyLineString",
    "geoshape": "Edm.GeographyPolygon",
    "date": "Edm.Date",
    "dateTime": "Edm.DateTimeOffset",
}
"""Type of a question in a form to that in the feed; all others are Edm.String."""

_WHOLE = re.compile(r"[+-]?[0-9]{1,19}")
_TRUTHS = {"true": True, "1": True, "false": False, "0": False}


def value_of(kind: str, text: str | None, wkt: bool = False) -> Any:
    """An answer to a question of a kind; None for none, and for what is no value of its type.

    wkt: places as text, longitude first, instead of GeoJSON.
    """
    if not text:
        return None
    try:
        match kind:
            case "int":
                return _whole(text)
            case "decimal":
                number = float(text)
                return number if math.isfinite(number) else None
            case "boolean":
                return _TRUTHS.get(text.lower())
            case "date":
                return date.fromisoformat(text[:10]).isoformat()
            case "dateTime":
                moment = datetime.fromisoformat(text)
                return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat()
            case "geopoint" | "geotrace" | "geoshape":
                return _place(kind, text, wkt)
    except ValueError:
        return None
    return text


def _whole(text: str) -> int | None:
    number = int(text) if _WHOLE.fullmatch(text) else None
    return number if number is not None and -(2**63) <= number < 2**63 else None


def _place(kind: str, text: str, wkt: bool) -> Any:
    """A point, or a line or ring of points with semicolons between; each latitude, longitude, altitude, accuracy."""
    points = [[float(part) for part in one.split()] for one in text.split(";") if one.strip()]
    if not all(len(one) >= 2 and all(map(math.isfinite, one)) and abs(one[0]) <= 90 for one in points):
        return None
    at = [[lon, lat, *more[:1]] for lat, lon, *more in points]
    if kind == "geopoint":
        if len(at) != 1:
            return None
        if wkt:
            return f"POINT ({_told(at[0])})"
        accuracy = {"properties": {"accuracy": points[0][3]}} if len(points[0]) > 3 else {}
        return {"type": "Point", "coordinates": at[0], **accuracy}
    # A line needs two points, an area three besides the one that closes it.
    if len(at) < 2 or (kind == "geoshape" and (len(at) < 4 or at[0] != at[-1])):
        return None
    if len({len(one) for one in at}) > 1:
        at = [one[:2] for one in at]
    if wkt:
        all_points = ",".join(map(_told, at))
        return f"LINESTRING ({all_points})" if kind == "geotrace" else f"POLYGON (({all_points}))"
    if kind == "geotrace":
        return {"type": "LineString", "coordinates": at}
    return {"type": "Polygon", "coordinates": [at]}


def _told(point: list[float]) -> str:
    return " ".join(f"{part:.12g}" for part in point)
