"""An extract of OpenStreetMap -> the server's road map."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mapper.formats.osm_extract import SCALE, Bounds, DrawnWays, read_ways
from mapper.formats.road_file import write_roads
from mapper.geo.measure import METRES_PER_DEGREE
from mapper.geo.nearest import steps_m
from mapper.services import audit
from mapper.services.reference import Reference
from mapper.services.roads import WHOLE_NUMBERS, RoadMapFacts
from mapper.solve.road_graph import RoadGraph, build

AROUND_M = 20_000.0
"""So far beyond the boundary sets roads are kept: the way from one commune to the next may lead through another."""

FRAGMENT_M = 500.0
"""Roads that no other meets are left out where they are shorter in all."""


def import_extract(
    reference: Reference,
    extract: Path,
    file: Path,
    whole: bool = False,
    told: Callable[[int], None] = lambda ways: None,
) -> RoadMapFacts:
    """Make the road map of an extract in place of the one there is.

    Kept is what lies in or near the boundary sets; all of it where there are none, or whole is asked for. told: how
    many ways were looked at until now. Raises InvalidInput.
    """
    with reference.database.read() as connection:
        boxes = [places.bounds for places in reference.known(connection).sets.values() if places.units]
    bounds = _around(boxes) if boxes and not whole else None
    graph, dated = _graph(read_ways(extract, bounds, told))
    arrays = _packed(graph)
    piece = graph.pieces(graph.on_foot)
    facts = RoadMapFacts(
        extract.name,
        dated,
        datetime.now(UTC).isoformat(timespec="seconds"),
        _fingerprint(arrays),
        graph.edges,
        round(float(graph.metres[graph.on_foot].sum()) / 1000, 1),
        round(float(graph.metres[graph.by_motorbike].sum()) / 1000, 1),
        max(0, len(np.unique(piece[graph.on_foot])) - 1),
        bounds,
    )
    write_roads(file, arrays, asdict(facts))
    with reference.database.write() as connection:
        audit.record(
            reference, connection, None, audit.COMMAND_LINE, "roads.imported", extract.name, {"number": graph.edges}
        )
    return facts


def _graph(ways: DrawnWays) -> tuple[RoadGraph, str]:
    lon_lat: NDArray[np.float64] = np.asarray(ways.position * SCALE, np.float64)
    names = ("on_foot", "by_car", "by_motorbike", "forward", "backward", "ferry", "kmh", "minutes")
    facts: dict[str, NDArray[Any]] = {name: getattr(ways, name) for name in names}
    return build(ways.start, ways.node, lon_lat, steps_m(lon_lat), facts, FRAGMENT_M), ways.dated


def _packed(graph: RoadGraph) -> dict[str, NDArray[Any]]:
    arrays = {one.name: np.asarray(getattr(graph, one.name)) for one in fields(graph)}
    arrays["shape"] = np.round(graph.shape / SCALE).astype(np.int32)
    return arrays | {name: arrays[name].astype(kind) for name, kind in WHOLE_NUMBERS.items()}


def _fingerprint(arrays: Mapping[str, NDArray[Any]]) -> str:
    made = hashlib.sha256()
    for name in sorted(arrays):
        made.update(name.encode() + np.ascontiguousarray(arrays[name]).tobytes())
    return made.hexdigest()[:16]


def _around(boxes: list[Bounds]) -> Bounds:
    west, south, east, north = zip(*boxes, strict=True)
    up = AROUND_M / METRES_PER_DEGREE
    across = up / float(np.cos(np.radians(min(max(abs(min(south)), abs(max(north))), 80.0))))
    return min(west) - across, min(south) - up, max(east) + across, max(north) + up
