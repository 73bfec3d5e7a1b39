"""The ways of an OpenStreetMap extract that people or vehicles use; read by libosmium, one object after another."""

from __future__ import annotations

import tempfile
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mapper.domain.roads import passage
from mapper.errors import InvalidInput, mark

ENDINGS = (".osm.pbf", ".pbf", ".osm", ".osm.bz2", ".osm.gz")
SCALE = 1e-7
"""OpenStreetMap counts positions in ten-millionths of a degree."""

EVERY = 20_000
"""Ways between two words on how far the reading is."""

Bounds = tuple[float, float, float, float]
"""West, south, east, north in degrees."""


@dataclass(frozen=True, eq=False)
class DrawnWays:
    """Ways as they are drawn; their points one way after another.

    start: (ways + 1,) where the points of each begin. node: OSM's number of each point. position: (points, 2),
    longitude and latitude in ten-millionths of a degree. The others have one value a way, as ``domain.roads.Passage``
    has them; minutes is nan where the speed tells. dated: the extract's own date, "" where it tells none.
    """

    start: NDArray[np.int64]
    node: NDArray[np.int64]
    position: NDArray[np.int32]
    on_foot: NDArray[np.bool_]
    by_car: NDArray[np.bool_]
    by_motorbike: NDArray[np.bool_]
    forward: NDArray[np.bool_]
    backward: NDArray[np.bool_]
    ferry: NDArray[np.bool_]
    kmh: NDArray[np.float64]
    minutes: NDArray[np.float64]
    dated: str = ""


def read_ways(path: Path, bounds: Bounds | None = None, told: Callable[[int], None] = lambda ways: None) -> DrawnWays:
    """The ways of a file that touch the bounds, whole. told: how many ways were looked at until now.

    Positions of the file's nodes are kept on the disk meanwhile, 16 bytes each. Raises InvalidInput for what is no
    extract, or has no way there.
    """
    if not path.name.lower().endswith(ENDINGS):
        raise InvalidInput(
            mark("{file} is no extract of OpenStreetMap: its name ends neither in .osm.pbf nor in .osm. Take one."),
            file=path.name,
        )
    if not path.is_file():
        raise InvalidInput(mark("There is no file {file}. Look at its name and folder."), file=str(path))
    try:
        found = _read(path, bounds, told)
    except (RuntimeError, ValueError) as fault:
        raise InvalidInput(
            mark("{file} cannot be read as an extract of OpenStreetMap ({problem}). Download it again."),
            file=path.name,
            problem=str(fault)[:120],
        ) from fault
    if not len(found.kmh):
        raise InvalidInput(
            mark("{file} has no road or path here. Take the extract of this country or region."), file=path.name
        )
    return found


def _read(path: Path, bounds: Bounds | None, told: Callable[[int], None]) -> DrawnWays:
    import osmium

    kept = _Kept()
    with tempfile.TemporaryDirectory(prefix="roads") as folder:
        ways: Any = osmium.FileProcessor(path).with_locations(f"sparse_file_array,{folder}/nodes")
        ways.with_filter(osmium.filter.EntityFilter(osmium.osm.WAY))
        ways.with_filter(osmium.filter.KeyFilter("highway", "route"))
        dated = str(ways.header.get("osmosis_replication_timestamp") or ways.header.get("timestamp") or "")
        for number, way in enumerate(ways):
            kept.take(way, bounds)
            if number % EVERY == 0:
                told(number)
    return kept.drawn(dated)


class _Kept:
    """What was read until now."""

    def __init__(self) -> None:
        self.start, self.node, self.position = array("q", [0]), array("q"), array("i")
        self.about: list[tuple[bool, bool, bool, bool, bool, bool, float, float]] = []

    def take(self, way: Any, bounds: Bounds | None) -> None:
        """Keep a way, or the parts of it of which the file has the nodes, where it is one and touches the bounds."""
        tags = dict(way.tags)
        may = passage(tags)
        if may is None:
            return
        facts = (may.on_foot, may.by_car, may.by_motorbike, may.forward, may.backward, may.ferry, may.kmh)
        parts: list[list[tuple[int, int, int]]] = [[]]
        for node in way.nodes:
            if node.location.valid():
                parts[-1].append((node.ref, node.location.x, node.location.y))
            elif parts[-1]:
                parts.append([])
        for part in parts:
            if len(part) > 1 and (bounds is None or _touches(part, bounds)):
                for ref, x, y in part:
                    self.node.append(ref)
                    self.position.extend((x, y))
                self.start.append(len(self.node))
                whole = len(part) == len(way.nodes)
                self.about.append((*facts, may.minutes if may.minutes is not None and whole else float("nan")))

    def drawn(self, dated: str) -> DrawnWays:
        """All that was kept."""
        columns = list(zip(*self.about, strict=True)) or [()] * 8
        flags = [np.array(column, np.bool_) for column in columns[:6]]
        return DrawnWays(
            np.array(self.start, np.int64),
            np.array(self.node, np.int64),
            np.array(self.position, np.int32).reshape(-1, 2),
            flags[0],
            flags[1],
            flags[2],
            flags[3],
            flags[4],
            flags[5],
            np.array(columns[6], np.float64),
            np.array(columns[7], np.float64),
            dated,
        )


def _touches(part: list[tuple[int, int, int]], bounds: Bounds) -> bool:
    """Whether the box around a part meets the bounds."""
    west, south, east, north = bounds
    xs, ys = [x for _, x, _ in part], [y for _, _, y in part]
    across = min(xs) * SCALE <= east and max(xs) * SCALE >= west
    return across and min(ys) * SCALE <= north and max(ys) * SCALE >= south
