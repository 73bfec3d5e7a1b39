"""Small boundary files drawn by hand: squares on a grid of hundredths of a degree, near 22 N 106 E."""

from __future__ import annotations

import json
import warnings
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import geopandas
import shapely
from shapely.geometry import mapping

from mapper.domain.people import Finding

EAST, NORTH, STEP = 106.0, 22.0, 0.01
"""South-west corner of the drawing, and the side of a unit square in degrees (about a kilometre)."""


def square(column: float, row: float, width: float = 1, height: float = 1) -> shapely.Polygon:
    """A rectangle whose south-west corner is that many steps east and north of the drawing's."""
    west, south = EAST + column * STEP, NORTH + row * STEP
    return shapely.box(round(west, 9), round(south, 9), round(west + width * STEP, 9), round(south + height * STEP, 9))


def place(column: float, row: float) -> tuple[float, float]:
    """Longitude and latitude of a point in steps from the south-west corner."""
    return EAST + column * STEP, NORTH + row * STEP


Row = tuple[dict[str, Any], Any]


def commune(code: Any, outline: Any, name: str | None = "Xã Một", **more: Any) -> Row:
    """A feature with the fields commune_code and commune_name."""
    return {"commune_code": code, "commune_name": name, **more}, outline


def collection(rows: Sequence[Row], **more: Any) -> dict[str, Any]:
    """A GeoJSON FeatureCollection of the rows."""
    features = [
        {"type": "Feature", "properties": fields, "geometry": None if outline is None else mapping(outline)}
        for fields, outline in rows
    ]
    return {"type": "FeatureCollection", "features": features, **more}


def write_geojson(path: Path, rows: Sequence[Row], **more: Any) -> Path:
    """A GeoJSON file of the rows, with further members of the collection."""
    path.write_text(json.dumps(collection(rows, **more), ensure_ascii=False), "utf-8")
    return path


def frame(rows: Sequence[Row], crs: Any = 4326) -> geopandas.GeoDataFrame:
    """The rows as a table, declared to be in EPSG:4326 and brought to another system; None declares none."""
    table = geopandas.GeoDataFrame([fields for fields, _ in rows], geometry=[g for _, g in rows], crs=4326)
    return table.set_crs(None, allow_override=True) if crs is None else table.to_crs(crs)


def write_geopackage(path: Path, rows: Sequence[Row], crs: Any = 4326, layer: str = "communes") -> Path:
    """A GeoPackage, or one more layer in it."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "'crs' was not provided")  # asked for
        frame(rows, crs).to_file(path, driver="GPKG", layer=layer, mode="a" if path.exists() else "w")
    return path


def write_shapefile(
    path: Path, rows: Sequence[Row], crs: Any = 4326, without: Sequence[str] = (), encoding: str = "UTF-8"
) -> Path:
    """A zipped Shapefile, without the parts whose endings are named."""
    folder = path.parent / f"{path.stem}_parts"
    folder.mkdir()
    frame(rows, crs).to_file(folder / f"{path.stem}.shp", encoding=encoding)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for part in sorted(folder.iterdir()):
            if part.suffix not in without:
                archive.write(part, part.name)
    return path


def codes_of(findings: Sequence[Finding]) -> list[str]:
    """The findings' stable words."""
    return [finding.code for finding in findings]


def told(findings: Sequence[Finding], code: str) -> dict[str, str]:
    """The facts of the one finding of that code."""
    (found,) = [finding for finding in findings if finding.code == code]
    assert found.message.format(**dict(found.facts))
    return dict(found.facts)
