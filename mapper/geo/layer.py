"""What every kind of boundary file becomes: one table of fields and shapes, within limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from mapper.errors import TooLarge, mark

Geometries = NDArray[np.object_]

WGS84 = "EPSG:4326"


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


def too_large(limits: Limits) -> NoReturn:
    """Refuse a file, naming the limits."""
    raise TooLarge(
        mark(
            "The boundary file is over a limit: {bytes} bytes (unpacked), {units} units, {vertices} points. "
            "Simplify the outlines or import fewer units."
        ),
        bytes=limits.max_bytes,
        units=limits.max_units,
        vertices=limits.max_vertices,
    )


def as_array(shapes: list[BaseGeometry | None], limits: Limits) -> Geometries:
    """Shapes as an array, unless they are too many or have too many points."""
    array = np.empty(len(shapes), dtype=object)
    array[:] = shapes
    if len(array) > limits.max_units or int(shapely.get_num_coordinates(array).sum()) > limits.max_vertices:
        too_large(limits)
    return array
