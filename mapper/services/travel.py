"""What the ways of a plan are reckoned by: straight lines, a road map of the server's own, or a routing server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mapper.domain.people import Point
from mapper.domain.planning import PlanningRules
from mapper.domain.roads import Vehicle
from mapper.domain.sites import Site
from mapper.geo.measure import METRES_PER_DEGREE, on_plane
from mapper.geo.nearest import nearest_lines
from mapper.solve.road_graph import NO_EDGE, RoadGraph
from mapper.solve.road_ways import Net, OffRoad, Spots, driven, walked, ways_between
from mapper.solve.siting import Floats, Travel
from mapper.solve.team_days import Roads

METRES_PER_KM = 1000.0
MINUTES_PER_HOUR = 60.0

SLACK = 1.02
"""A box around a limit is so much wider, since degrees are not of one length."""

WHOLE = 600_000
"""Edges of a road map so many at most are all looked at for vehicles; of a larger one those around the places."""

AROUND_M = 20_000.0
"""So far around, at least."""

LonLat = NDArray[np.float64]
"""(n, 2): longitude and latitude in degrees."""

Told = Mapping[str, object]
"""What ways are reckoned by, as it is kept with a plan; JSON values."""


class NoWay(StrEnum):
    """Why a house has no way to any site, though one stands within its limit as the crow flies."""

    OFF_ROADS = "off_roads"
    """No road or path comes near the house."""
    CUT_OFF = "cut_off"
    """No road or path leads from those at the house to any that lead to a site: an island, or a gap in the map."""


@dataclass(frozen=True, eq=False)
class Walks:
    """Who reaches which site on foot within their limits. why: of houses that would without water or gaps."""

    travel: Travel
    why: Mapping[int, NoWay]


class Ways(Protocol):
    """What a plan asks of ways."""

    @property
    def square_m(self) -> float:
        """Houses of one square of this side may be reckoned as one point: they are told by their middle."""

    def walks(self, houses: LonLat, sites: LonLat, limits: ArrayLike) -> Walks:
        """On foot, within a limit in metres of each house."""

    def drives(self, places: LonLat) -> Roads:
        """By vehicle, from each place to each."""

    def paths(self, legs: Sequence[tuple[Point, Point]]) -> list[list[Point]]:
        """How vehicles go each leg, to be drawn."""

    def told(self) -> Told:
        """What the ways of a plan were reckoned by; to be asked when it is made."""


def lon_lat(places: Sequence[Point | Site]) -> LonLat:
    """Places as numbers."""
    return np.array([(one.lon, one.lat) for one in places], np.float64).reshape(-1, 2)


@dataclass(frozen=True, slots=True)
class Straight:
    """Straight lines times the rules' detour, at their speeds."""

    rules: PlanningRules
    square_m: float = 50.0

    def walks(self, houses: LonLat, sites: LonLat, limits: ArrayLike) -> Walks:
        """As Ways has it."""
        limit = np.asarray(limits, np.float64)
        if not (len(houses) and len(sites)):
            return Walks(Travel.of_matrix(np.empty((len(houses), len(sites)))), {})
        xy = on_plane(*np.concatenate([houses, sites]).T)
        near = Travel.straight(xy[: len(houses)], xy[len(houses) :], float(limit.max()), self.rules.detour)
        return Walks(near.within(limit), {})

    def drives(self, places: LonLat) -> Roads:
        """As Ways has it."""
        xy = on_plane(*places.T)
        metres, north = (np.subtract.outer(each, each) for each in xy.T)
        metres *= metres
        north *= north
        metres += north
        np.sqrt(metres, out=metres)
        metres *= self.rules.detour
        return Roads(metres, metres / METRES_PER_KM / self.rules.driving_kmh * MINUTES_PER_HOUR)

    def paths(self, legs: Sequence[tuple[Point, Point]]) -> list[list[Point]]:
        """As Ways has it."""
        return [list(leg) for leg in legs]

    def told(self) -> Told:
        """As Ways has it."""
        return {"kind": "straight", "detour": self.rules.detour}


@dataclass(frozen=True)
class ByRoadMap:
    """Shortest ways over a road map. about: of the map, as it is told."""

    graph: RoadGraph
    rules: PlanningRules
    about: Told = field(default_factory=dict)
    square_m: float = 1.0

    def walks(self, houses: LonLat, sites: LonLat, limits: ArrayLike) -> Walks:
        """As Ways has it. Ways off the roads are straight lines times the detour."""
        limit = np.broadcast_to(np.asarray(limits, np.float64), (len(houses),))
        if not (len(houses) and len(sites)):
            return Walks(Travel.of_matrix(np.empty((len(houses), len(sites)))), {})
        box = _box(houses, float(limit.max()))
        near = np.flatnonzero(_inside(sites, box))
        graph = self.graph.within(*box)
        spots = self._spots(graph, graph.on_foot, np.concatenate([houses, sites[near]]))
        here, stands = spots.some(slice(0, len(houses))), spots.some(slice(len(houses), None))
        point, site, metres = walked(Net.on_foot(graph), here, stands, limit, self._off_road)
        travel = Travel.of_pairs(point, near[site], metres, (len(houses), len(sites)))
        return Walks(travel, self._why(graph, here, stands, travel, limit))

    def drives(self, places: LonLat) -> Roads:
        """As Ways has it."""
        graph = self._around(places)
        may = self._may(graph)
        return Roads(*driven(Net.by_vehicle(graph, may), self._spots(graph, may, places), self._off_road))

    def paths(self, legs: Sequence[tuple[Point, Point]]) -> list[list[Point]]:
        """As Ways has it; a straight line where no road leads."""
        places = lon_lat([place for leg in legs for place in leg])
        if not len(places):
            return []
        graph = self._around(places)
        may = self._may(graph)
        spots = self._spots(graph, may, places)
        found = ways_between(Net.by_vehicle(graph, may), spots, [(2 * leg, 2 * leg + 1) for leg in range(len(legs))])
        return [
            [start, *(Point(lat, lon) for lon, lat in ([] if way is None else way.tolist())), end]
            for (start, end), way in zip(legs, found, strict=True)
        ]

    def told(self) -> Told:
        """As Ways has it."""
        return {"kind": "road_map", **self.about}

    @cached_property
    def _off_road(self) -> OffRoad:
        rules = self.rules
        return OffRoad(rules.off_road_m * rules.detour, rules.detour, rules.walking_kmh)

    def _may(self, graph: RoadGraph) -> NDArray[np.bool_]:
        return graph.by_car if self.rules.vehicle is Vehicle.CAR else graph.by_motorbike

    def _around(self, places: LonLat) -> RoadGraph:
        if self.graph.edges <= WHOLE:
            return self.graph
        span = float(np.ptp(places, axis=0).max()) * METRES_PER_DEGREE
        return self.graph.within(*_box(places, max(AROUND_M, span)))

    def _spots(self, graph: RoadGraph, may: NDArray[np.bool_], places: LonLat) -> Spots:
        """Where places stand beside the edges that somebody may go."""
        may = may & ~graph.ferry
        chosen = np.flatnonzero(may)
        length = np.diff(graph.shape_start)
        start = np.concatenate(([0], np.cumsum(length[chosen])))
        line, share, off, xy = nearest_lines(places, start, graph.shape[np.repeat(may, length)])
        near = off <= self.rules.off_road_m
        edge = np.where(near, chosen[line] if len(chosen) else NO_EDGE, NO_EDGE)
        return Spots(edge, share, off * self.rules.detour, xy)

    def _why(self, graph: RoadGraph, houses: Spots, sites: Spots, travel: Travel, limit: Floats) -> dict[int, NoWay]:
        """Of houses that reach no site, why those that have one within their limit as the crow flies do not."""
        from_here = np.flatnonzero(np.diff(travel.start) == 0)
        if not (len(from_here) and len(sites)):
            return {}
        straight = Travel.straight(houses.xy[from_here], sites.xy, float(limit.max()), self.rules.detour)
        straight = straight.within(limit[from_here])
        piece = np.append(graph.pieces(graph.on_foot), -2)
        of_site, of_house = piece[sites.edge], piece[houses.edge[from_here]]
        joined = np.zeros(len(from_here), np.bool_)
        np.logical_or.at(joined, straight.point, of_house[straight.point] == of_site[straight.site])
        found = {}
        for number in np.flatnonzero(np.diff(straight.start) > 0).tolist():
            house = int(from_here[number])
            if houses.edge[house] == NO_EDGE:
                found[house] = NoWay.OFF_ROADS
            elif not joined[number]:
                found[house] = NoWay.CUT_OFF
        return found


def _box(places: LonLat, around_m: float) -> tuple[float, float, float, float]:
    """West, south, east, north of places, so many metres wider on every side."""
    (west, south), (east, north) = places.min(axis=0), places.max(axis=0)
    up = around_m * SLACK / METRES_PER_DEGREE
    farthest = min(max(abs(south), abs(north)) + up, 89.0)
    across = up / float(np.cos(np.radians(farthest)))
    return float(west - across), float(south - up), float(east + across), float(north + up)


def _inside(places: LonLat, box: tuple[float, float, float, float]) -> NDArray[np.bool_]:
    west, south, east, north = box
    lon, lat = places.T
    inside: NDArray[np.bool_] = (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)
    return inside
