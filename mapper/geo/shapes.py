"""Outlines as a map wants them: simplified for its zoom with shared edges kept together, as GeoJSON."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

ZOOM_BANDS = (5, 7, 9, 11, 13)
"""Zooms that geometry is made for; from the last one on it is not simplified."""

BANDS = (*ZOOM_BANDS, ZOOM_BANDS[-1] + 1)
"""Every answer of ``zoom_band``."""

_TILE_PIXELS = 256
_FULL_DIGITS = 6  # of a degree: a tenth of a metre


def zoom_band(zoom: int) -> int:
    """The zoom whose geometry serves this zoom: the same number for all zooms that share it, for caches."""
    return next((band for band in ZOOM_BANDS if zoom <= band), BANDS[-1])


def simplified(units: Sequence[tuple[str, bytes]], zoom: int) -> list[tuple[str, str]]:
    """Each unit's outline as GeoJSON geometry text, no finer than the zoom can show.

    units: key and WKB (EPSG:4326) of neighbours that make a coverage, all of them in one call: borders that two
    share stay shared. Every geometry is valid and none is empty; islands of less than a pixel are left out, as
    long as something of their unit stays.
    """
    return next((texts for _, texts in simplified_bands(units, [zoom_band(zoom)])), [])


def simplified_bands(
    units: Sequence[tuple[str, bytes]], bands: Collection[int]
) -> Iterator[tuple[int, list[tuple[str, str]]]]:
    """What ``simplified`` gives for several bands, each as soon as it is made, the finest first.

    A coarser one is made from the one before it, which has fewer vertices to read; that may move a border of it by less
    than a pixel.
    """
    if not units:
        yield from ((band, []) for band in bands)
        return
    shapes: NDArray[np.object_] = shapely.from_wkb(np.array([wkb for _, wkb in units], dtype=object))
    covering = shapes
    for band in sorted(bands, reverse=True):
        digits, thin = _FULL_DIGITS, shapes
        if band <= ZOOM_BANDS[-1]:
            pixel = 360 / (_TILE_PIXELS * 2**band)
            digits = int(np.ceil(-np.log10(pixel))) + 1
            covering = shapely.coverage_simplify(covering, pixel)
            thin = _without_specks(covering, pixel**2)
        rounded = _rounded(thin, digits)
        # a unit that is smaller than the rounding step is shown with more digits, in the end as it was given
        for attempt, finer in ((thin, digits + 1), (thin, _FULL_DIGITS), (shapes, _FULL_DIGITS + 2), (shapes, 15)):
            lost = shapely.is_empty(rounded)
            if not lost.any():
                break
            rounded[lost] = _rounded(attempt[lost], finer)
        texts = shapely.to_geojson(rounded)
        yield band, [(key, str(text)) for (key, _), text in zip(units, texts, strict=True)]


def _rounded(shapes: NDArray[np.object_], digits: int) -> NDArray[np.object_]:
    """Every vertex rounded, so that neighbours' common vertices stay common; always valid, perhaps empty.

    Rounding can fold a thin part onto itself or make a ring touch itself: what has no area goes, what is left is
    taken apart where it touches.
    """
    rounded: NDArray[np.object_] = np.asarray(shapely.transform(shapes, lambda xy: np.round(xy, digits)), dtype=object)
    bad = ~shapely.is_valid(rounded)
    rounded[bad] = shapely.make_valid(rounded[bad], method="structure", keep_collapsed=False)
    return np.asarray(shapely.remove_repeated_points(rounded), dtype=object)


def _without_specks(shapes: NDArray[np.object_], smallest: float) -> NDArray[np.object_]:
    """Multipolygons without parts under an area, except where nothing would be left; the largest part then stays."""
    parts, of = shapely.get_parts(shapes, return_index=True)
    area = shapely.area(parts)
    largest = np.zeros(len(shapes))
    np.maximum.at(largest, of, area)
    kept = (area >= smallest) | (area == largest[of])
    joined: NDArray[np.object_] = shapely.multipolygons(parts[kept], indices=of[kept])
    return joined


def feature_collection(features: Iterable[tuple[Mapping[str, Any], str | bytes]]) -> bytes:
    """A GeoJSON FeatureCollection, UTF-8. Each feature: its properties, and its geometry as GeoJSON text or WKB."""
    rows = []
    for properties, geometry in features:
        text = geometry if isinstance(geometry, str) else str(shapely.to_geojson(shapely.from_wkb(geometry)))
        told = json.dumps(dict(properties), ensure_ascii=False, separators=(",", ":"))
        rows.append(f'{{"type":"Feature","properties":{told},"geometry":{text}}}')
    return ('{"type":"FeatureCollection","features":[' + ",\n".join(rows) + "]}").encode()


def label_places(outlines: Sequence[str]) -> list[tuple[float, float]]:
    """A place inside each shape, (longitude, latitude), where its name may stand. outlines: GeoJSON geometry text."""
    if not outlines:
        return []
    points = shapely.point_on_surface(shapely.from_geojson(np.array(outlines, dtype=object)))
    return [(float(x), float(y)) for x, y in shapely.get_coordinates(points)]
