"""A boundary file's bytes become one table of fields and polygons in EPSG:4326.

What a file is, its first bytes say, never its name; only the three kinds below are handed to a parser, and
an archive only after its contents were counted. Nothing is mended here.
"""

# pyogrio carries no annotations
# mypy: allow-untyped-calls

from __future__ import annotations

import shutil
import tempfile
import warnings
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray
from pyproj.exceptions import CRSError
from shapely.errors import ShapelyError  # type: ignore[attr-defined]

from mapper.errors import InvalidBoundaries, mark
from mapper.geo.geojson import read_geojson
from mapper.geo.layer import WGS84, Layer, Limits, as_array, too_large

_POLYGONAL = ("Polygon", "MultiPolygon")
_SHAPEFILE_PARTS = (".shp", ".shx", ".dbf", ".prj", ".cpg")
_BROKEN_ARCHIVE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, RuntimeError, ValueError)
_GEOPACKAGE_IDS = (b"GPKG", b"GP10", b"GP11")


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
        too_large(limits)
    if head.startswith(b"PK"):
        found = _read_archive(path, layer, encoding, limits)
    elif head.startswith(b"SQLite format 3\0") and head[68:72] in _GEOPACKAGE_IDS:
        found = _read_geopackage(path, layer, limits)
    elif head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InvalidBoundaries(mark("The file is text in UTF-16. Save it again as UTF-8."))
    elif head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{"):
        found = read_geojson(path, limits)
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


# --- GeoPackage and Shapefile ----------------------------------------------------------------------------


def _read_geopackage(path: Path, layer: str | None, limits: Limits) -> Layer:
    import pyogrio  # loads pandas and Arrow, which no page needs

    with tempfile.TemporaryDirectory() as folder, _quiet():
        # a copy: SQLite writes files beside a database even to read it, and GDAL looks at the name's ending
        copy = Path(shutil.copyfile(path, Path(folder) / "units.gpkg"))
        try:
            layers = [str(name) for name, geometry_type in pyogrio.list_layers(copy) if geometry_type]
        except _unreadable_source() as error:
            raise InvalidBoundaries(mark("The GeoPackage is damaged or cut short. Copy or export it again.")) from error
        return _read_ogr("GeoPackage", copy, _choose_layer(layers, layer), None, limits)


@contextmanager
def _quiet() -> Iterator[None]:
    """What GDAL remarks on a file it can read all the same is for nobody: its texts name temporary files."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


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
                too_large(limits)
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
        with _quiet():
            return _read_ogr("Shapefile", path, None, encoding, limits)
    except (UnicodeDecodeError, LookupError) as error:
        raise InvalidBoundaries(
            mark(
                "The names in the Shapefile cannot be read as {encoding}. Export it as UTF-8 with a .cpg, "
                "or say its encoding."
            ),
            encoding=encoding or ".cpg",
        ) from error


def _unreadable_source() -> tuple[type[Exception], ...]:
    from pyogrio import errors

    return (
        errors.DataSourceError,
        errors.DataLayerError,
        errors.FeatureError,
        errors.GeometryError,
        errors.FieldError,
        UnboundLocalError,  # pyogrio 0.13 on a .prj that is read but cannot be written again as WKT
    )


def _read_ogr(kind: str, path: Path, layer: str | None, encoding: str | None, limits: Limits) -> Layer:
    import pyogrio

    try:
        info = pyogrio.read_info(path, layer=layer, encoding=encoding)
        if info["features"] > limits.max_units:
            too_large(limits)
        meta, _, wkbs, columns = pyogrio.raw.read(path, layer=layer, encoding=encoding, force_2d=True)
        shapes = as_array(list(shapely.from_wkb(wkbs)), limits)
    except _unreadable_source() as error:
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
