"""Ways as a routing server tells them; where it does not answer, by what this server has, which is then said."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike

from mapper.domain.people import Point
from mapper.domain.planning import PlanningRules
from mapper.domain.roads import Vehicle
from mapper.errors import MapperError, Unavailable
from mapper.geo.measure import on_plane
from mapper.services.routing_server import BLOCK, Going, RoutingServer
from mapper.services.travel import LonLat, NoWay, Told, Walks, Ways
from mapper.solve.road_ways import OffRoad, Spots, shortest_pairs, straight_pairs
from mapper.solve.siting import Floats, Ints, Travel
from mapper.solve.team_days import Roads

Found = TypeVar("Found")

_BLOCK_M = 1_000.0
"""Houses of one square of this side are asked about together."""


class ByServer:
    """Ways of a server, or those of ``otherwise`` from the moment on at which it does not answer.

    trouble: why it was not asked any more; None while it answers.
    """

    square_m = 1.0

    def __init__(self, server: RoutingServer, rules: PlanningRules, otherwise: Ways) -> None:
        self.server, self.rules, self.otherwise = server, rules, otherwise
        self.trouble: MapperError | None = None

    def walks(self, houses: LonLat, sites: LonLat, limits: ArrayLike) -> Walks:
        """As Ways has it."""
        limit = np.broadcast_to(np.asarray(limits, np.float64), (len(houses),))
        if not (self.server.goes(Going.ON_FOOT) and len(houses) and len(sites)):
            return self.otherwise.walks(houses, sites, limits)
        return self._asked(
            lambda: self._walks(houses, sites, limit), lambda: self.otherwise.walks(houses, sites, limits)
        )

    def drives(self, places: LonLat) -> Roads:
        """As Ways has it."""
        if not self.server.goes(self._vehicle):
            return self.otherwise.drives(places)
        return self._asked(lambda: self._drives(places), lambda: self.otherwise.drives(places))

    def paths(self, legs: Sequence[tuple[Point, Point]]) -> list[list[Point]]:
        """As Ways has it."""
        if not self.server.goes(self._vehicle):
            return self.otherwise.paths(legs)
        return self._asked(lambda: [self._path(*leg) for leg in legs], lambda: self.otherwise.paths(legs))

    def told(self) -> Told:
        """As Ways has it."""
        otherwise = self.otherwise.told()
        if self.trouble is not None:
            trouble = {"message": self.trouble.message, "facts": self.trouble.facts}
            return {**otherwise, "asked": self.server.named, "trouble": trouble}
        told: dict[str, object] = {"kind": "server", "dialect": self.server.dialect.value, "asked": self.server.named}
        every = (("walking", Going.ON_FOOT), ("driving", Going.CAR))
        return told | {name: otherwise for name, going in every if not self.server.goes(going)}

    @property
    def _vehicle(self) -> Going:
        return Going.CAR if self.rules.vehicle is Vehicle.CAR else Going.MOTORBIKE

    def _asked(self, ask: Callable[[], Found], otherwise: Callable[[], Found]) -> Found:
        if self.trouble is None:
            try:
                return ask()
            except Unavailable as trouble:
                self.trouble = trouble
        return otherwise()

    def _walks(self, houses: LonLat, sites: LonLat, limit: Floats) -> Walks:
        xy = on_plane(*np.concatenate([houses, sites]).T)
        here, stands = xy[: len(houses)], xy[len(houses) :]
        near = Travel.straight(here, stands, float(limit.max())).within(limit)
        off_house, off_site = np.full(len(houses), np.inf), np.full(len(sites), np.inf)
        found: list[tuple[Ints, Ints, Floats]] = []
        for block in _blocks(here, np.flatnonzero(np.diff(near.start) > 0)):
            reached = np.unique(near.site[np.isin(near.point, block)])
            answer = self.server.table(Going.ON_FOOT, houses[block], sites[reached])
            off_house[block] = np.minimum(off_house[block], answer.off_from)
            off_site[reached] = np.minimum(off_site[reached], answer.off_to)
            far = answer.metres + self._off(answer.off_from)[:, None] + self._off(answer.off_to)
            row, column = np.nonzero(np.isfinite(far))
            found.append((block[row], reached[column], far[row, column]))
        rules = self.rules
        off_road = OffRoad(rules.off_road_m * rules.detour, rules.detour, rules.walking_kmh)
        places = _beside(off_house * rules.detour, here), _beside(off_site * rules.detour, stands)
        house, site, metres = shortest_pairs([straight_pairs(*places, limit, off_road), *found])
        within = metres <= limit[house]
        travel = Travel.of_pairs(house[within], site[within], metres[within], (len(houses), len(sites)))
        return Walks(travel, self._why(near, limit, off_house, house))

    def _why(self, near: Travel, limit: Floats, off: Floats, joined: Ints) -> dict[int, NoWay]:
        """Of houses that have no way to any site, though one stands within their limit as the crow flies."""
        without = np.zeros(near.points, np.bool_)
        without[near.point[near.far * self.rules.detour <= limit[near.point]]] = True
        without[joined] = False
        return {
            house: NoWay.OFF_ROADS if off[house] > self.rules.off_road_m else NoWay.CUT_OFF
            for house in np.flatnonzero(without).tolist()
        }

    def _off(self, off: Floats) -> Floats:
        """Metres off the roads as they are gone; inf where nobody goes so far."""
        return np.where(off <= self.rules.off_road_m, off * self.rules.detour, np.inf)

    def _drives(self, places: LonLat) -> Roads:
        rules = self.rules
        answer = self.server.table(self._vehicle, places, places)
        walk = 60 / 1000 / rules.walking_kmh
        off = self._off(answer.off_from)[:, None] + self._off(answer.off_to)
        metres, minutes = answer.metres + off, answer.minutes + off * walk
        metres[np.isinf(minutes)] = minutes[np.isinf(metres)] = np.inf
        spots = _beside(answer.off_from * rules.detour, on_plane(*places.T))
        off_road = OffRoad(rules.off_road_m * rules.detour, rules.detour, rules.walking_kmh)
        point, other, straight = straight_pairs(spots, spots, np.full(len(places), np.inf), off_road)
        shorter = straight * walk <= minutes[point, other]
        point, other, straight = point[shorter], other[shorter], straight[shorter]
        metres[point, other], minutes[point, other] = straight, straight * walk
        np.fill_diagonal(metres, 0.0)
        np.fill_diagonal(minutes, 0.0)
        return Roads(metres, minutes)

    def _path(self, start: Point, end: Point) -> list[Point]:
        way = self.server.path(self._vehicle, (start.lon, start.lat), (end.lon, end.lat))
        return [start, *(Point(lat, lon) for lon, lat in way), end]


def _blocks(xy: Floats, some: Ints) -> list[Ints]:
    """Houses by the square they stand in, so many at a time as one question holds."""
    square = np.floor(xy[some] / _BLOCK_M)
    order = some[np.lexsort((square[:, 1], square[:, 0]))]
    return [order[first : first + BLOCK] for first in range(0, len(order), BLOCK)]


def _beside(off_m: Floats, xy: Floats) -> Spots:
    """Places of which is known how far off the roads they stand, and no more."""
    return Spots(np.zeros(len(off_m), np.int64), np.zeros(len(off_m)), off_m, xy)
