"""Outlines of a set simplified for each zoom of a map: made once and kept; who asks before that makes their own."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from mapper.geo.shapes import BANDS, simplified, simplified_bands
from mapper.services.reference import Reference
from mapper.store import outlines as drawn
from mapper.store.database import Connection
from mapper.store.reference import BoundarySet

_MAKING = threading.Lock()


def lacking(connection: Connection, about: BoundarySet) -> list[tuple[str, int]]:
    """Levels and bands of zooms whose outlines are not kept yet, the finest of each level first."""
    there = drawn.kept_shapes(connection, about.id)
    return [(level, band) for level in about.levels for band in reversed(BANDS) if (level, band) not in there]


def packed_one_by_one(reference: Reference, about: BoundarySet) -> Iterator[tuple[str, int, bytes]]:
    """What lacks: level, band, outlines as ``store.outlines.packed`` makes them; seconds each of a country."""
    with reference.database.read() as connection:
        wanted = lacking(connection, about)
    for level in about.levels:
        bands = [band for of, band in wanted if of == level]
        if bands:
            with reference.database.read() as connection:
                outlines = drawn.outlines(connection, about.id, level)
            for band, texts in simplified_bands(outlines, bands):
                yield level, band, drawn.packed(texts)


def shapes_of(reference: Reference, set_id: str, level: str, band: int) -> list[tuple[str, str]]:
    """(code, GeoJSON geometry text) of a level's units in a band of zooms; made here where they are not kept yet."""
    kept = _kept(reference, set_id, level, band)
    if kept is None:
        with _MAKING:  # one at a time: several ask for the same, and all of a country's take the whole processor
            kept = _kept(reference, set_id, level, band)
            if kept is None:
                with reference.database.read() as connection:
                    outlines = drawn.outlines(connection, set_id, level)
                kept = simplified(outlines, band)
    return kept


def _kept(reference: Reference, set_id: str, level: str, band: int) -> list[tuple[str, str]] | None:
    with reference.database.read() as connection:
        if (level, band) not in drawn.kept_shapes(connection, set_id):
            return None
        return drawn.shapes(connection, set_id, level, band)
