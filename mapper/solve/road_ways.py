"""The shortest ways over a road graph: on foot within a limit, by vehicle between all places, and how they run.

Places stand beside the graph's edges: each has an edge, the share of the edge before it, and how far off it stands.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mapper.solve.road_graph import LEAST_M, NO_EDGE, Flags, RoadGraph
from mapper.solve.siting import Floats, Ints

AT_ONCE = 8_000_000
"""Numbers of one table of distances held in memory: 64 MB."""

SAME_EDGE = -1
"""In place of the last node of a way: it never leaves the edge that it begins on."""

METRES_PER_KM = 1000.0


@dataclass(frozen=True, eq=False)
class Spots:
    """Where places stand. edge: NO_EDGE where none is near enough; share: of the edge that lies before it, 0..1.

    off_m: metres to the edge as somebody goes them, or to the nearest one where that is too far. xy: (n, 2), metres on
    a plane, of the place itself.
    """

    edge: Ints
    share: Floats
    off_m: Floats
    xy: Floats

    def __len__(self) -> int:
        return len(self.edge)

    def some(self, chosen: Any) -> Spots:
        """Those chosen, in that order."""
        return Spots(self.edge[chosen], self.share[chosen], self.off_m[chosen], self.xy[chosen])


@dataclass(frozen=True, slots=True)
class OffRoad:
    """How the land beside the roads is gone. most_m: the farthest that anybody goes over it, as it is gone.

    detour: by how much a way over it is longer than the straight line. walking_kmh: of who goes it.
    """

    most_m: float
    detour: float
    walking_kmh: float


@dataclass(frozen=True, eq=False)
class Net:
    """A graph as somebody may go it. weight: of going along each edge. there, back: whether from a to b, b to a."""

    graph: RoadGraph
    weight: Floats
    there: Flags
    back: Flags

    @classmethod
    def on_foot(cls, graph: RoadGraph) -> Net:
        """In metres."""
        return cls(graph, graph.metres, graph.on_foot, graph.on_foot)

    @classmethod
    def by_vehicle(cls, graph: RoadGraph, may: Flags) -> Net:
        """In minutes. may: edges that the vehicle takes."""
        return cls(graph, np.maximum(graph.ride_minutes, LEAST_M), may & graph.forward, may & graph.backward)

    @cached_property
    def links(self) -> tuple[Ints, Ints, Ints]:
        """From, to and edge of each way to go, of several between the same nodes the best alone; by from and to."""
        graph = self.graph
        there, back = np.flatnonzero(self.there), np.flatnonzero(self.back)
        edge = np.concatenate([there, back])
        from_ = np.concatenate([graph.a[there], graph.b[back]])
        to = np.concatenate([graph.b[there], graph.a[back]])
        best = _first_of_each(from_, to, self.weight[edge])
        return from_[best], to[best], edge[best]

    @cached_property
    def _link_keys(self) -> Ints:
        from_, to, _ = self.links
        return from_ * self.graph.nodes + to

    def edges_between(self, from_: Ints, to: Ints) -> Ints:
        """The edge of each link that there is."""
        return self.links[2][np.searchsorted(self._link_keys, from_ * self.graph.nodes + to)]

    def from_spots(self, spots: Spots, limit: float = np.inf, tree: bool = False) -> tuple[Floats, Any]:
        """(spots, nodes): weights from each to each, inf beyond the limit, and with tree the node before on the way.

        In the tree the spots themselves are the numbers from ``graph.nodes`` on.
        """
        from scipy.sparse import csr_array
        from scipy.sparse.csgraph import dijkstra

        from_, to, edge = self.links
        nodes, number = self.graph.nodes, len(spots)
        own, first, weight = self.out_of(spots)
        begins = np.concatenate(
            [np.searchsorted(from_, np.arange(nodes)), len(from_) + np.searchsorted(own, range(number))]
        )
        indptr = np.concatenate([begins, [len(from_) + len(own)]])
        weights = np.concatenate([self.weight[edge], weight])
        matrix = csr_array((weights, np.concatenate([to, first]), indptr), (nodes + number,) * 2)
        found = dijkstra(matrix, indices=np.arange(number) + nodes, limit=limit, return_predecessors=tree)
        far, before = found if tree else (found, None)
        return far[:, :nodes], before

    def out_of(self, spots: Spots) -> tuple[Ints, Ints, Floats]:
        """Of each spot, by its number, the nodes that its edge leads to, and the weights until there."""
        at, graph = spots.edge, self.graph
        on, home = (np.flatnonzero(may) for may in self._leaves(spots))
        own = np.concatenate([on, home])
        first = np.concatenate([graph.b[at[on]], graph.a[at[home]]])
        share = np.concatenate([1 - spots.share[on], spots.share[home]])
        # What is nothing would be no way to scipy.
        weight = np.maximum(share * self.weight[at[own]], 1e-9)
        best = _first_of_each(own, first, weight)
        return own[best], first[best], weight[best]

    def _leaves(self, spots: Spots) -> tuple[Flags, Flags]:
        """Whether each spot is left to the b of its edge, to the a; who stands on a junction is there already."""
        return self.there[spots.edge] | (spots.share == 1), self.back[spots.edge] | (spots.share == 0)

    def _is_reached(self, spots: Spots) -> tuple[Flags, Flags]:
        """Whether each spot is come to from the a of its edge, from the b."""
        return self.there[spots.edge] | (spots.share == 0), self.back[spots.edge] | (spots.share == 1)

    def out_to(self, spots: Spots, node: Ints) -> Floats:
        """Which share of its edge lies between each spot and the node by which it is left."""
        return self._share(spots, node, *reversed(self._leaves(spots)))

    def in_from(self, spots: Spots, node: Ints) -> Floats:
        """Which share of its edge lies between the node by which each spot is come to, and the spot."""
        return self._share(spots, node, *self._is_reached(spots))

    def by_b(self, spot: Spots, node: Ints, out: bool) -> bool:
        """Whether the best way between one spot and a node at an end of its edge lies by the edge's b."""
        share, best = spot.share[0], (self.out_to if out else self.in_from)(spot, node)[0]
        may = (self._leaves(spot)[0] if out else self._is_reached(spot)[1])[0]
        return bool(may and self.graph.b[spot.edge[0]] == node[0] and best == 1 - share)

    def _share(self, spots: Spots, node: Ints, by_a: Flags, by_b: Flags) -> Floats:
        before = np.where(by_a & (self.graph.a[spots.edge] == node), spots.share, np.inf)
        behind = np.where(by_b & (self.graph.b[spots.edge] == node), 1 - spots.share, np.inf)
        return np.minimum(before, behind)

    def to_spots(self, far: Floats, sources: Spots, spots: Spots) -> tuple[Floats, Ints]:
        """(sources, spots): weights on to each spot, and the node by which it is reached, SAME_EDGE for none.

        far: as ``from_spots`` tells for the sources.
        """
        graph, at = self.graph, spots.edge
        along, rest = spots.share * self.weight[at], (1 - spots.share) * self.weight[at]
        from_a, from_b = self._is_reached(spots)
        by_a = np.where(from_a, far[:, graph.a[at]] + along, np.inf)
        by_b = np.where(from_b, far[:, graph.b[at]] + rest, np.inf)
        best, last = np.minimum(by_a, by_b), np.where(by_a <= by_b, graph.a[at], graph.b[at])
        source, spot = np.nonzero(sources.edge[:, None] == at[None, :])
        edge, gone = at[spot], spots.share[spot] - sources.share[source]
        may = np.where(gone > 0, self.there[edge], self.back[edge]) | (gone == 0)
        straight = np.where(may, np.abs(gone) * self.weight[edge], np.inf)
        shorter = straight <= best[source, spot]
        best[source[shorter], spot[shorter]] = straight[shorter]
        last[source[shorter], spot[shorter]] = SAME_EDGE
        return best, last


def _first_of_each(one: Ints, other: Ints, weight: Floats) -> Ints:
    """Places of the least weight of each pair, by pair."""
    order = np.lexsort((weight, other, one))
    new = np.ones(len(order), np.bool_)
    new[1:] = (np.diff(one[order]) != 0) | (np.diff(other[order]) != 0)
    return order[new]


def walked(net: Net, spots: Spots, sites: Spots, limits: Floats, off_road: OffRoad) -> tuple[Ints, Ints, Floats]:
    """Pairs of a spot and a site within the spot's limit, each once, with the metres between them on foot.

    Who stands nearer to a site than both stand to a road goes straight there.
    """
    graph, longest = net.graph, float(limits.max(initial=0.0))
    on, stands = np.flatnonzero(spots.edge != NO_EDGE), np.flatnonzero(sites.edge != NO_EDGE)
    here = spots.some(on)
    found = [straight_pairs(spots, sites, limits, off_road)]
    for part in _parts(len(stands), max(graph.nodes, 8 * len(on))):
        some = sites.some(stands[part])
        far, _ = net.from_spots(some, longest)
        metres = net.to_spots(far, some, here)[0] + some.off_m[:, None] + here.off_m
        site, point = np.nonzero(metres <= limits[on])
        found.append((on[point], stands[part][site], metres[site, point]))
    return shortest_pairs(found)


def shortest_pairs(found: Sequence[tuple[Ints, Ints, Floats]]) -> tuple[Ints, Ints, Floats]:
    """Pairs and their metres, of several of one pair the shortest alone."""
    point, site, metres = (np.concatenate(several) for several in zip(*found, strict=True))
    best = _first_of_each(point, site, metres)
    return point[best], site[best], metres[best]


def _parts(number: int, width: int) -> Iterator[slice]:
    """So many at a time that their table fits into memory."""
    step = max(1, AT_ONCE // max(width, 1))
    return (slice(first, first + step) for first in range(0, number, step))


def straight_pairs(spots: Spots, sites: Spots, limits: Floats, off_road: OffRoad) -> tuple[Ints, Ints, Floats]:
    """Pairs that stand nearer to each other than both stand to a road."""
    from scipy.spatial import KDTree

    none = np.empty(0, np.int64)
    if not (len(spots) and len(sites)):
        return none, none, np.empty(0)
    reach = off_road.most_m / off_road.detour
    near = KDTree(spots.xy).sparse_distance_matrix(KDTree(sites.xy), reach, output_type="coo_matrix")
    point, site, metres = near.row.astype(np.int64), near.col.astype(np.int64), near.data * off_road.detour
    short = (metres <= spots.off_m[point] + sites.off_m[site]) & (metres <= limits[point])
    return point[short], site[short], metres[short]


def driven(net: Net, spots: Spots, off_road: OffRoad) -> tuple[Floats, Floats]:
    """(spots, spots): metres and minutes of the quickest ways between all, inf where there is none.

    net: weighed in minutes. Land off the roads is gone on foot.
    """
    number = len(spots)
    metres, minutes = np.full((number, number), np.inf), np.full((number, number), np.inf)
    on = np.flatnonzero(spots.edge != NO_EDGE)
    here = spots.some(on)
    walk = 60 / METRES_PER_KM / off_road.walking_kmh
    for part in _parts(len(on), 2 * net.graph.nodes + 8 * len(on)):
        some = here.some(part)
        far, before = net.from_spots(some, tree=True)
        ridden, last = net.to_spots(far, some, here)
        off = some.off_m[:, None] + here.off_m
        at = np.ix_(on[part], on)
        minutes[at] = ridden + off * walk
        metres[at] = _metres_of(net, some, here, ridden, last, before) + off
    point, other, straight = straight_pairs(spots, spots, np.full(number, np.inf), off_road)
    shorter = straight * walk <= minutes[point, other]
    point, other, straight = point[shorter], other[shorter], straight[shorter]
    metres[point, other], minutes[point, other] = straight, straight * walk
    np.fill_diagonal(metres, 0.0)
    np.fill_diagonal(minutes, 0.0)
    return metres, minutes


def _metres_of(net: Net, sources: Spots, spots: Spots, ridden: Floats, last: Ints, before: Any) -> Floats:
    """(sources, spots): metres of the ways that the tree holds, all followed back at once."""
    graph, nodes = net.graph, net.graph.nodes
    found = np.where(np.isfinite(ridden), 0.0, np.inf)
    source, spot = np.nonzero(np.isfinite(ridden))
    node, edge = last[source, spot], spots.edge[spot]
    share = np.where(
        node == SAME_EDGE,
        np.abs(spots.share[spot] - sources.share[source]),
        net.in_from(spots.some(spot), node),
    )
    found[source, spot] = share * graph.metres[edge]
    going = np.flatnonzero(node != SAME_EDGE)
    source, spot, node = source[going], spot[going], node[going]
    while len(node):
        previous = before[source, node].astype(np.int64)
        start = previous >= nodes
        first = sources.edge[source[start]]
        part = net.out_to(sources.some(source[start]), node[start])
        found[source[start], spot[start]] += part * graph.metres[first]
        source, spot, node, previous = (each[~start] for each in (source, spot, node, previous))
        found[source, spot] += graph.metres[net.edges_between(previous, node)]
        node = previous
    return found


def ways_between(net: Net, spots: Spots, legs: Sequence[tuple[int, int]]) -> list[Floats | None]:
    """How the best way of each leg runs along the roads, (points, 2) as the graph's shape; None where there is none.

    legs: numbers of the spots that each leads from and to. What lies off the roads is no part of it.
    """
    ways: list[Floats | None] = [None] * len(legs)
    begins = sorted({from_ for from_, to in legs if spots.edge[from_] != NO_EDGE and spots.edge[to] != NO_EDGE})
    for part in _parts(len(begins), 2 * net.graph.nodes):
        sources = spots.some(begins[part])
        far, before = net.from_spots(sources, tree=True)
        for number, (from_, to) in enumerate(legs):
            if from_ in begins[part] and spots.edge[to] != NO_EDGE:
                row = begins[part].index(from_)
                ways[number] = _way(net, sources.some([row]), spots.some([to]), far[[row]], before[row])
    return ways


def _way(net: Net, source: Spots, spot: Spots, far: Floats, before: Any) -> Floats | None:
    graph, nodes = net.graph, net.graph.nodes
    ridden, last = net.to_spots(far, source, spot)
    if not np.isfinite(ridden[0, 0]):
        return None
    at, start = spot.edge, source.edge
    if last[0, 0] == SAME_EDGE:
        return _part(graph, int(at[0]), float(source.share[0]), float(spot.share[0]))
    chain = [int(last[0, 0])]
    while (previous := int(before[chain[-1]])) < nodes:
        chain.append(previous)
    chain.reverse()
    first, end = np.array(chain[:1]), np.array(chain[-1:])
    share = float(source.share[0])
    pieces = [_part(graph, int(start[0]), share, 1.0 if net.by_b(source, first, out=True) else 0.0)]
    for from_, to in pairwise(chain):
        edge = int(net.edges_between(np.array([from_]), np.array([to]))[0])
        onward = net.there[edge] and graph.a[edge] == from_
        pieces.append(_part(graph, edge, 0.0 if onward else 1.0, 1.0 if onward else 0.0))
    share = float(spot.share[0])
    pieces.append(_part(graph, int(at[0]), 1.0 if net.by_b(spot, end, out=False) else 0.0, share))
    way = np.concatenate(pieces)
    moved = np.ones(len(way), np.bool_)
    moved[1:] = (np.diff(way, axis=0) != 0).any(axis=1)
    return way[moved]


def _part(graph: RoadGraph, edge: int, begin: float, end: float) -> Floats:
    """The shape of an edge from one share of its length to another, turned round where the second comes first."""
    shape = graph.shape[graph.shape_start[edge] : graph.shape_start[edge + 1]]
    scale = np.array([np.cos(np.radians(shape[0, 1])), 1.0])
    along: NDArray[np.float64] = np.concatenate(([0.0], np.cumsum(np.hypot(*(np.diff(shape, axis=0) * scale).T))))
    along /= along[-1] or 1.0
    low, high = min(begin, end), max(begin, end)
    between = (along > low) & (along < high)
    ends = [[np.interp(share, along, shape[:, axis]) for axis in (0, 1)] for share in (low, high)]
    part = np.vstack([ends[:1], shape[between], ends[1:]])
    return part if begin <= end else part[::-1]
