"""Points of a GeoJSON or KML file with their fields, in EPSG:4326, for lists of sites."""

# pyogrio carries no annotations
# mypy: allow-untyped-calls

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import shapely

from mapper.errors import InvalidInput, TooLarge, mark

MOST_POINTS = 20_000
_ENDINGS = {".geojson": "GeoJSON", ".json": "GeoJSON", ".kml": "KML"}


@dataclass(frozen=True, slots=True)
class SitePoint:
    """A point as a file has it. number: its place in the file, from 1. lat, lon: degrees."""

    number: int
    lat: float
    lon: float
    fields: dict[str, str]


def is_site_layer(name: str) -> bool:
    """Whether a file of that name is read here."""
    return Path(name).suffix.lower() in _ENDINGS


def read_site_points(name: str, data: bytes) -> list[SitePoint]:
    """The points of a file. Raises InvalidInput, TooLarge, which name the cure."""
    import pyogrio  # loads Arrow, which no page needs

    found: list[SitePoint] = []
    with tempfile.TemporaryDirectory() as folder:
        # Under a name of ours: GDAL looks at the ending, and a name from outside could be a driver's prefix.
        path = Path(folder) / f"sites{Path(name).suffix.lower()}"
        path.write_bytes(data)
        try:
            for layer, _ in pyogrio.list_layers(path):
                info = pyogrio.read_info(path, layer=layer)
                if len(found) + info["features"] > MOST_POINTS:
                    raise TooLarge(
                        mark("{name} has more than {limit} points. Divide it into several files."),
                        name=name,
                        limit=MOST_POINTS,
                    )
                meta, _, shapes, columns = pyogrio.raw.read(path, layer=layer, force_2d=True)
                rows = zip(*columns, strict=True) if columns else ((),) * len(shapes)
                for shape, row in zip(shapes, rows, strict=True):
                    found.append(_point(name, len(found) + 1, shape, dict(zip(meta["fields"], row, strict=True))))
        # All errors of pyogrio are RuntimeErrors, but for text that is no UTF-8, which it decodes late.
        except (RuntimeError, UnicodeError, shapely.errors.GEOSException) as fault:  # type: ignore[attr-defined]
            raise InvalidInput(
                mark("{name} cannot be read as {kind}. Export the points again."),
                name=name,
                kind=_ENDINGS[path.suffix],
            ) from fault
    return found


def _point(name: str, number: int, shape: bytes | None, fields: dict[str, Any]) -> SitePoint:
    point = shapely.from_wkb(shape) if shape is not None else None
    if point is None or point.geom_type != "Point" or point.is_empty:
        raise InvalidInput(
            mark("{name}, place {number}: this is no point. Export points alone, one a site."),
            name=name,
            number=number,
        )
    told = {str(key): str(value).strip() for key, value in fields.items() if value is not None and value == value}
    return SitePoint(number, point.y, point.x, told)
