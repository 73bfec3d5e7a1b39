"""The server's own road map: made from an extract of OpenStreetMap, kept as one file, read when first asked for."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mapper.domain.planning import PlanningRules
from mapper.formats.osm_extract import SCALE, Bounds, DrawnWays, read_ways
from mapper.formats.road_file import read_about, read_roads, write_roads
from mapper.geo.measure import METRES_PER_DEGREE
from mapper.geo.nearest import steps_m
from mapper.services import audit
from mapper.services.reference import Reference
from mapper.services.travel import ByRoadMap, Straight, Ways
from mapper.solve.road_graph import RoadGraph, build

FILE = "roads.npz"
"""Name of the file in the data folder where the settings name none."""

AROUND_M = 20_000.0
"""So far beyond the boundary sets roads are kept: the way from one commune to the next may lead through another."""

FRAGMENT_M = 500.0
"""Roads that no other meets are left out where they are shorter in all."""

CREDIT = "© OpenStreetMap contributors, ODbL"
"""To be shown wherever ways by this road map are."""

_WHOLE_NUMBERS = {"a": np.int32, "b": np.int32, "shape_start": np.int64}


@dataclass(frozen=True, slots=True)
class RoadMapFacts:
    """What is known of a road map. extract: name of its file; dated: the extract's own ISO time, "" where it told none.

    made: ISO time. fingerprint: of the roads themselves. walking_km, riding_km: of ways for each. islands: pieces on
    foot beside the largest. bounds: west, south, east, north of what was kept, None for the whole extract.
    """

    extract: str
    dated: str
    made: str
    fingerprint: str
    edges: int
    walking_km: float
    riding_km: float
    islands: int
    bounds: Bounds | None


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
    return arrays | {name: arrays[name].astype(kind) for name, kind in _WHOLE_NUMBERS.items()}


def _unpacked(arrays: Mapping[str, NDArray[Any]]) -> RoadGraph:
    told: dict[str, Any] = {one.name: arrays[one.name] for one in fields(RoadGraph)}
    told |= {name: told[name].astype(np.int64) for name in _WHOLE_NUMBERS}
    return RoadGraph(**{**told, "shape": told["shape"] * SCALE, "nodes": int(told["nodes"])})


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


class RoadMap:
    """The road map of a file, which may come, go or change while the server runs."""

    def __init__(self, file: Path | None = None) -> None:
        self.file = file
        self._lock = threading.Lock()
        self._held: tuple[object, RoadGraph, RoadMapFacts] | None = None

    def facts(self) -> RoadMapFacts | None:
        """What is known of it; None where there is none. Raises InvalidInput."""
        if self.file is None or self._stamp() is None:
            return None
        return _facts(read_about(self.file))

    def ways(self, rules: PlanningRules) -> Ways:
        """Ways by the road map, by straight lines where there is none. Raises InvalidInput."""
        held = self._read()
        if held is None:
            return Straight(rules)
        _, graph, facts = held
        about = {"extract": facts.extract, "dated": facts.dated, "fingerprint": facts.fingerprint}
        return ByRoadMap(graph, rules, about)

    def _stamp(self) -> object:
        try:
            stat = self.file.stat() if self.file else None
        except OSError:
            return None
        return (stat.st_size, stat.st_mtime_ns) if stat else None

    def _read(self) -> tuple[object, RoadGraph, RoadMapFacts] | None:
        stamp = self._stamp()
        if stamp is None or self.file is None:
            return None
        with self._lock:
            if self._held is None or self._held[0] != stamp:
                arrays, about = read_roads(self.file)
                self._held = (stamp, _unpacked(arrays), _facts(about))
            return self._held


def _facts(about: Mapping[str, Any]) -> RoadMapFacts:
    told = {one.name: about[one.name] for one in fields(RoadMapFacts)}
    bounds = told["bounds"]
    return RoadMapFacts(**{**told, "bounds": None if bounds is None else tuple(bounds)})
