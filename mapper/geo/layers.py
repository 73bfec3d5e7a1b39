"""A boundary file's bytes become one table of fields and polygons in EPSG:4326.

What a file is, its first bytes say, never its name; only the three kinds below are handed to a parser, and
an archive only after its contents were counted. Nothing is mended here.
"""

# pyogrio carries no annotations
# mypy: allow-untyped-calls

from __future__ import annotations

import json
import tempfile
import zipfile
import zlib
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pyproj
import shapely
from numpy.typing import NDArray
from pyproj.exceptions import CRSError
from shapely.errors import ShapelyError  # type: ignore[attr-defined]
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from mapper.errors import InvalidBoundaries, TooLarge, mark

Geometries = NDArray[np.object_]

WGS84 = "EPSG:4326"
_POLYGONAL = ("Polygon", "MultiPolygon")
_SHAPEFILE_PARTS = (".shp", ".shx", ".dbf", ".prj", ".cpg")
_MAX_FIELDS = 1000
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
_BROKEN_ARCHIVE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, RuntimeError, ValueError)
_GEOPACKAGE_IDS = (b"GPKG", b"GP10", b"GP11")


@dataclass(frozen=True, slots=True)
class Limits:
    """What an import may cost. max_bytes: of the file, and of an archive's unpacked contents."""

    max_bytes: int = 500_000_000
    max_units: int = 200_000
    max_vertices: int = 30_000_000


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of a file: fields by name, each a value a row; shapes, a polygon, multipolygon or None a row.

    kind: "GeoJSON", "GeoPackage" or "Shapefile". crs: as the file declares it, None where it declares none;
    the shapes of a layer that read_layer returns are in EPSG:4326.
    """

    kind: str
    fields: dict[str, list[Any]]
    shapes: Geometries
    crs: pyproj.CRS | None

    def __len__(self) -> int:
        return len(self.shapes)


def read_layer(
    path: Path,
    *,
    layer: str | None = None,
    encoding: str | None = None,
    crs: str | None = None,
    limits: Limits | None = None,
) -> Layer:
    """The polygons of a GeoJSON, GeoPackage or zipped Shapefile with their fields, in EPSG:4326.

    layer: which layer of a GeoPackage, which shapefile of an archive; needed where there are several.
    encoding: of a Shapefile's names, where it does not say and they are not UTF-8.
    crs: reference system of a file that declares none, as "EPSG:3405"; a declared one is never overruled.
    Raises InvalidBoundaries or TooLarge; the message names the cure.
    """
    limits = limits or Limits()
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(100)
    except OSError as error:
        raise InvalidBoundaries(mark("The file {file} cannot be opened."), file=path.name) from error
    if size > limits.max_bytes:
        _too_large(limits)
    if head.startswith(b"PK"):
        found = _read_archive(path, layer, encoding, limits)
    elif head.startswith(b"SQLite format 3\0") and head[68:72] in _GEOPACKAGE_IDS:
        found = _read_geopackage(path, layer, limits)
    elif head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InvalidBoundaries(mark("The file is text in UTF-16. Save it again as UTF-8."))
    elif head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{"):
        found = _read_geojson(path, limits)
    else:
        raise InvalidBoundaries(
            mark(
                "{file} is not a boundary file. Give a GeoJSON, a GeoPackage, or a Shapefile with its .shp, .shx, "
                ".dbf and .prj zipped together."
            ),
            file=path.name,
        )
    _check_kinds(found)
    return _to_wgs84(found, crs)


def _too_large(limits: Limits) -> None:
    raise TooLarge(
        mark(
            "The boundary file is over a limit: {bytes} bytes (unpacked), {units} units, {vertices} points. "
            "Simplify the outlines or import fewer units."
        ),
        bytes=limits.max_bytes,
        units=limits.max_units,
        vertices=limits.max_vertices,
    )


# --- GeoJSON ---------------------------------------------------------------------------------------------


def _read_geojson(path: Path, limits: Limits) -> Layer:
    try:
        data = json.loads(path.read_bytes().decode("utf-8-sig"))
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
    features = data.get("features") if data.get("type") == "FeatureCollection" else None
    if data.get("type") == "Feature":
        features = [data]
    if not isinstance(features, list):
        raise InvalidBoundaries(
            mark(
                "The JSON is no GeoJSON FeatureCollection (its type is {type}). "
                "Export the units as features with codes."
            ),
            type=str(data.get("type"))[:40],
        )
    if len(features) > limits.max_units:
        _too_large(limits)
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
    return Layer("GeoJSON", fields, _as_array(shapes, limits), _geojson_crs(data))


def _geojson_shape(geometry: object, row: int) -> BaseGeometry | None:
    if geometry is None:
        return None
    try:
        flat: BaseGeometry = shapely.force_2d(shape(geometry))
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


# --- GeoPackage and Shapefile ----------------------------------------------------------------------------


def _read_geopackage(path: Path, layer: str | None, limits: Limits) -> Layer:
    try:
        layers = [str(name) for name, geometry_type in pyogrio.list_layers(path) if geometry_type]
    except pyogrio.errors.DataSourceError as error:
        raise InvalidBoundaries(mark("The GeoPackage is damaged or cut short. Copy or export it again.")) from error
    return _read_ogr("GeoPackage", path, _choose_layer(layers, layer), None, limits)


def _choose_layer(layers: list[str], wanted: str | None) -> str:
    if not layers:
        raise InvalidBoundaries(mark("The file holds no layer with geometry. Export the units' polygons."))
    if wanted is None and len(layers) == 1:
        return layers[0]
    if wanted not in layers:
        raise InvalidBoundaries(
            mark("Say which layer of the file to import. It has: {layers}."), layers=", ".join(sorted(layers))[:400]
        )
    return wanted


def _read_archive(path: Path, layer: str | None, encoding: str | None, limits: Limits) -> Layer:
    with tempfile.TemporaryDirectory() as folder:
        endings = _unpack(path, layer, Path(folder), limits)
        return _read_shapefile(Path(folder) / "units.shp", ".cpg" in endings, encoding, limits)


def _unpack(path: Path, layer: str | None, folder: Path, limits: Limits) -> set[str]:
    """Unpack the parts of one shapefile, and nothing else, under names of ours; their endings are returned."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = [m for m in archive.infolist() if not m.is_dir() and not m.filename.startswith("__MACOSX/")]
            if len(members) > 10_000 or sum(m.file_size for m in members) > limits.max_bytes:
                _too_large(limits)
            chosen = _shapefile_of(members, layer)
            for ending, member in chosen.items():
                # read() hands out no more than the declared size, which was counted above
                (folder / f"units{ending}").write_bytes(archive.read(member))
            return set(chosen)
    except _BROKEN_ARCHIVE as error:  # RuntimeError: a password is wanted
        raise InvalidBoundaries(
            mark("The zip archive is damaged, cut short or locked with a password. Zip the Shapefile again.")
        ) from error


def _shapefile_of(members: list[zipfile.ZipInfo], layer: str | None) -> dict[str, zipfile.ZipInfo]:
    parts: dict[str, dict[str, zipfile.ZipInfo]] = {}
    for member in members:
        stem, _, ending = member.filename.rpartition(".")
        if f".{ending.lower()}" in _SHAPEFILE_PARTS:
            parts.setdefault(stem, {})[f".{ending.lower()}"] = member
    whole = {stem: found for stem, found in parts.items() if ".shp" in found}
    if not whole:
        raise InvalidBoundaries(mark("The archive holds no Shapefile. Zip the .shp with its .shx, .dbf and .prj."))
    by_name = {stem.rpartition("/")[2]: found for stem, found in whole.items()}
    if len(by_name) < len(whole):  # the same file name in several folders
        by_name = whole
    chosen = by_name[_choose_layer(list(by_name), layer)]
    missing = [ending for ending in (".shx", ".dbf") if ending not in chosen]
    if missing:
        raise InvalidBoundaries(
            mark("The Shapefile came without its {missing}. Zip all its parts together."), missing=", ".join(missing)
        )
    return chosen


def _read_shapefile(path: Path, says_encoding: bool, encoding: str | None, limits: Limits) -> Layer:
    """Names are read as the .cpg says, else as the caller says, else as UTF-8, which garbles nothing silently."""
    if not says_encoding:
        encoding = encoding or "UTF-8"
    try:
        return _read_ogr("Shapefile", path, None, encoding, limits)
    except (UnicodeDecodeError, LookupError) as error:
        raise InvalidBoundaries(
            mark(
                "The names in the Shapefile cannot be read as {encoding}. Export it as UTF-8 with a .cpg, "
                "or say its encoding."
            ),
            encoding=encoding or ".cpg",
        ) from error


def _read_ogr(kind: str, path: Path, layer: str | None, encoding: str | None, limits: Limits) -> Layer:
    try:
        info = pyogrio.read_info(path, layer=layer, encoding=encoding)
        if info["features"] > limits.max_units:
            _too_large(limits)
        meta, _, wkbs, columns = pyogrio.raw.read(path, layer=layer, encoding=encoding, force_2d=True)
        shapes = _as_array(list(shapely.from_wkb(wkbs)), limits)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, pyogrio.errors.FeatureError) as error:
        raise InvalidBoundaries(
            mark("The {kind} is damaged or cut short. Copy or export it again."), kind=kind
        ) from error
    except ShapelyError as error:
        raise InvalidBoundaries(
            mark("The {kind} holds geometry that cannot be read ({reason}). Export plain polygons."),
            kind=kind,
            reason=str(error)[:120],
        ) from error
    fields = {str(name): _plain(column) for name, column in zip(meta["fields"], columns, strict=True)}
    try:
        crs = pyproj.CRS.from_user_input(meta["crs"]) if meta["crs"] else None
    except CRSError:
        crs = None
    return Layer(kind, fields, shapes, crs)


def _plain(column: NDArray[Any]) -> list[Any]:
    """A column as plain values; what numpy writes as NaN for "no value" becomes None."""
    return [None if isinstance(v, float) and np.isnan(v) else v for v in column.tolist()]


# --- checks that hold for every kind -----------------------------------------------------------------------


def _as_array(shapes: list[BaseGeometry | None], limits: Limits) -> Geometries:
    array = np.empty(len(shapes), dtype=object)
    array[:] = shapes
    if len(array) > limits.max_units or int(shapely.get_num_coordinates(array).sum()) > limits.max_vertices:
        _too_large(limits)
    return array


def _check_kinds(layer: Layer) -> None:
    kinds = Counter(g.geom_type for g in layer.shapes if g is not None)
    if not kinds:
        raise InvalidBoundaries(mark("The file holds no outline at all. Export the units' polygons."))
    others = {kind: count for kind, count in kinds.items() if kind not in _POLYGONAL}
    if others:
        raise InvalidBoundaries(
            mark("A boundary set is made of polygons only, and the file also holds: {found}. Export the areas alone."),
            found=", ".join(f"{count} {kind}" for kind, count in sorted(others.items())),
        )


def _to_wgs84(layer: Layer, given: str | None) -> Layer:
    crs = layer.crs
    if crs is None or not (crs.is_geographic or crs.is_projected):
        if given is None:
            raise InvalidBoundaries(
                mark(
                    "The {kind} does not say its coordinate reference system. Add the .prj, set the system in the "
                    "program that made the file and export again, or name it on import (for instance EPSG:3405)."
                ),
                kind=layer.kind,
            )
        try:
            crs = pyproj.CRS.from_user_input(given)
        except CRSError as error:
            raise InvalidBoundaries(
                mark("{crs} is no coordinate reference system. Give a code such as EPSG:4326."), crs=given[:60]
            ) from error
    xy = shapely.get_coordinates(layer.shapes)
    if crs.is_geographic:
        _check_range(xy)
    if not crs.equals(pyproj.CRS.from_user_input(WGS84), ignore_axis_order=True):
        x, y = pyproj.Transformer.from_crs(crs, WGS84, always_xy=True).transform(xy[:, 0], xy[:, 1])
        xy = np.column_stack((x, y))
    _check_range(xy)
    # set_coordinates works in place, on geometries that this module alone has made
    return replace(layer, shapes=shapely.set_coordinates(layer.shapes, xy), crs=crs)


def _check_range(xy: NDArray[np.float64]) -> None:
    fine = np.isfinite(xy).all(axis=1) & (np.abs(xy[:, 0]) <= 180) & (np.abs(xy[:, 1]) <= 90)
    if not fine.all():
        x, y = xy[int(np.argmin(fine))]
        raise InvalidBoundaries(
            mark(
                "The point {x}, {y} is no longitude, latitude. Either latitude and longitude are swapped, or the file "
                "is in another reference system than it declares: export it again in WGS 84 (EPSG:4326)."
            ),
            x=f"{x:.6g}",
            y=f"{y:.6g}",
        )
