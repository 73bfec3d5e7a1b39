"""What ways are reckoned by here, a routing server, a road map or straight lines, and how that is said."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mapper.domain.planning import PlanningRules
from mapper.errors import Conflict, mark
from mapper.formats.osm_extract import SCALE, Bounds
from mapper.formats.road_file import read_about, read_roads
from mapper.services.travel import ByRoadMap, Straight, Ways
from mapper.solve.road_graph import RoadGraph

if TYPE_CHECKING:
    from mapper.services.routing_server import RoutingServer

CREDIT = "© OpenStreetMap contributors, ODbL"
"""To be shown wherever ways by roads are."""

WHOLE_NUMBERS = {"a": np.int32, "b": np.int32, "shape_start": np.int64}
"""How arrays of whole numbers are kept in the file."""


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


def _unpacked(arrays: Mapping[str, NDArray[Any]]) -> RoadGraph:
    told: dict[str, Any] = {one.name: arrays[one.name] for one in fields(RoadGraph)}
    told |= {name: told[name].astype(np.int64) for name in WHOLE_NUMBERS}
    return RoadGraph(**{**told, "shape": told["shape"] * SCALE, "nodes": int(told["nodes"])})


@dataclass(frozen=True)
class RoadSource:
    """What ways of plans are reckoned by: a routing server where one is set, else the road map, else straight lines."""

    map: RoadMap = field(default_factory=RoadMap)
    server: RoutingServer | None = None

    def ways(self, rules: PlanningRules) -> Ways:
        """Ways of today. Raises InvalidInput where the road map cannot be read."""
        own = self.map.ways(rules)
        if self.server is None:
            return own
        from mapper.services.asked_ways import ByServer  # loads what speaks HTTP, which most installations never do

        return ByServer(self.server, rules, own)

    def again(self, written: str, rules: PlanningRules) -> Ways:
        """Ways as a plan had them, by what was written with it. Raises Conflict where they are there no more."""
        told = json.loads(written or "{}")
        kind = told.get("kind", "straight")
        if kind == "straight":
            return Straight(rules)
        ways = self.ways(rules) if kind == "server" else self.map.ways(rules)
        same = {name: ways.told().get(name) for name in ("kind", "fingerprint", "dialect", "asked")}
        if kind == "server" and same != {name: told.get(name) for name in same}:
            raise Conflict(
                mark("The plan's ways were asked of the routing server {server}, which is set no more. Plan anew."),
                server=told.get("asked", ""),
            )
        if kind == "road_map" and same["fingerprint"] != told.get("fingerprint"):
            raise Conflict(
                mark("The plan's ways follow the road map {extract} of {dated}, which is here no more. Plan anew."),
                extract=told.get("extract", ""),
                dated=day_of(str(told.get("dated", ""))),
            )
        return ways


def written(ways: Ways) -> str:
    """What ways are reckoned by, to be kept with a plan."""
    return json.dumps(ways.told(), sort_keys=True, ensure_ascii=False)


def follow_roads(text: str) -> bool:
    """Whether ways written so are drawn along roads, so that the roads' own credit is due."""
    told = json.loads(text or "{}")
    return told.get("kind") in ("road_map", "server")


def in_words(text: str) -> list[tuple[str, dict[str, object]]]:
    """What ways of a plan were reckoned by: sentences to be translated, with their facts; none where it is unknown."""
    if not text:
        return []
    told = json.loads(text)
    found: list[tuple[str, dict[str, object]]] = []
    if trouble := told.get("trouble"):
        found.append((trouble["message"], trouble["facts"]))
    for name in ("walking", "driving"):
        if name in told:
            found.append((_ONLY[name], {}))
            found.append(_kind(told[name]))
    return [_kind(told), *found]


_ONLY: Mapping[str, str] = {
    "walking": mark("It was not asked about ways on foot:"),
    "driving": mark("It was not asked about vehicles:"),
}


def _kind(told: Mapping[str, Any]) -> tuple[str, dict[str, object]]:
    if told["kind"] == "road_map":
        facts = {"extract": told.get("extract", ""), "dated": day_of(str(told.get("dated", "")))}
        return mark("Ways follow the roads of {extract} of {dated}."), facts
    if told["kind"] == "server":
        return mark("Ways are those of the routing server {server}."), {"server": told["asked"]}
    return mark("Ways are straight lines times {detour}."), {"detour": told["detour"]}


def day_of(dated: str) -> str:
    """Day of an extract's ISO time as pages show it; "?" where it told none."""
    day = dated[:10].split("-")
    return "/".join(reversed(day)) if len(day) == 3 else "?"
