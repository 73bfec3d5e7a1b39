"""A road graph as arrays: junctions, and the edges of roads and paths between them, made from ways as drawn."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mapper.solve.siting import Floats, Ints

Flags = NDArray[np.bool_]

NO_EDGE = -1
"""In place of an edge: none is near enough."""

LEAST_M = 1e-3
"""An edge has at least this length: what is nothing would be no edge to scipy."""


@dataclass(frozen=True, eq=False)
class RoadGraph:
    """Junctions, and the edges of roads and paths between them.

    a, b: (edges,) nodes that an edge leads between. metres, kmh: of it; minutes: nan where the speed tells. on_foot,
    by_car, by_motorbike: who may; forward, backward: whether vehicles may from a to b, from b to a; ferry: no place
    stands beside it. shape: (points, 2),
    longitude and latitude of the corners of all edges, ends included, those of edge i from shape_start[i].
    """

    nodes: int
    a: Ints
    b: Ints
    metres: Floats
    kmh: Floats
    minutes: Floats
    on_foot: Flags
    by_car: Flags
    by_motorbike: Flags
    forward: Flags
    backward: Flags
    ferry: Flags
    shape_start: Ints
    shape: Floats

    @property
    def edges(self) -> int:
        """How many."""
        return len(self.a)

    @cached_property
    def ride_minutes(self) -> Floats:
        """Of a vehicle on each edge."""
        return np.where(np.isnan(self.minutes), self.metres / 1000 / self.kmh * 60, self.minutes)

    @cached_property
    def boxes(self) -> Floats:
        """(edges, 4): west, south, east, north of each."""
        start = self.shape_start[:-1]
        low, high = (method.reduceat(self.shape, start, axis=0) for method in (np.minimum, np.maximum))
        return np.column_stack([low, high])

    def of(self, chosen: Flags) -> RoadGraph:
        """These edges alone, with the nodes that they lead between."""
        nodes, ends = np.unique(np.concatenate([self.a[chosen], self.b[chosen]]), return_inverse=True)
        number = int(chosen.sum())
        length = np.diff(self.shape_start)
        kept = np.repeat(chosen, length)
        same = {one.name: getattr(self, one.name)[chosen] for one in fields(self) if one.name in _EDGE_FACTS}
        return RoadGraph(
            nodes=len(nodes),
            a=ends[:number].astype(np.int64),
            b=ends[number:].astype(np.int64),
            shape_start=np.concatenate(([0], np.cumsum(length[chosen]))),
            shape=self.shape[kept],
            **same,
        )

    def within(self, west: float, south: float, east: float, north: float) -> RoadGraph:
        """The edges whose boxes meet this one."""
        box = self.boxes
        return self.of((box[:, 0] <= east) & (box[:, 2] >= west) & (box[:, 1] <= north) & (box[:, 3] >= south))

    def pieces(self, chosen: Flags) -> Ints:
        """The connected piece of each chosen edge, whichever way it may be gone; NO_EDGE for the others."""
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        some = np.flatnonzero(chosen)
        links = coo_array((np.ones(len(some)), (self.a[some], self.b[some])), (self.nodes, self.nodes))
        _, of_node = connected_components(links.tocsr(), directed=False)
        return np.where(chosen, of_node[self.a], NO_EDGE).astype(np.int64)


_EDGE_FACTS = frozenset(
    {"metres", "kmh", "minutes", "on_foot", "by_car", "by_motorbike", "forward", "backward", "ferry"}
)


def build(
    start: Ints, node: Ints, lon_lat: Floats, step_m: Floats, facts: dict[str, NDArray[Any]], fragment_m: float
) -> RoadGraph:
    """The graph of drawn ways: cut where they meet, the points between becoming the shape of an edge.

    start: (ways + 1,) where the points of each begin. node: of each point, the same where ways meet. lon_lat: of each.
    step_m: from each point to the next one of its way; that of the last does not matter. facts: one value a way, as
    RoadGraph has them; minutes are shared out by length. fragment_m: a piece of ways that no other meets and which is
    shorter in all is left out: it is more often a slip of whoever drew it than an island.
    """
    way_of = np.repeat(np.arange(len(start) - 1), np.diff(start))
    first, last = start[:-1], start[1:] - 1
    _, number = np.unique(node, return_inverse=True)
    met = np.bincount(number)
    met[number[first]] += 1
    met[number[last]] += 1
    cut = met[number] > 1
    cut[first] = cut[last] = True
    # Edges lead from each cut to the next of the same way.
    at = np.flatnonzero(cut)
    same = way_of[at[:-1]] == way_of[at[1:]]
    begin, end = at[:-1][same], at[1:][same]
    before = np.concatenate(([0.0], np.cumsum(step_m)))
    metres = np.maximum(before[end] - before[begin], LEAST_M)
    way = way_of[begin]
    whole = np.maximum(before[last] - before[first], LEAST_M)[way]
    length = end - begin + 1
    offset = np.concatenate(([0], np.cumsum(length)))
    points = np.arange(offset[-1]) - np.repeat(offset[:-1], length) + np.repeat(begin, length)
    nodes, ends = np.unique(np.concatenate([number[begin], number[end]]), return_inverse=True)
    told = {name: values[way] for name, values in facts.items()}
    told["minutes"] = told["minutes"] * metres / whole
    graph = RoadGraph(
        nodes=len(nodes),
        a=ends[: len(begin)].astype(np.int64),
        b=ends[len(begin) :].astype(np.int64),
        metres=metres,
        shape_start=offset,
        shape=lon_lat[points],
        **told,
    )
    return _without_fragments(graph, fragment_m)


def _without_fragments(graph: RoadGraph, fragment_m: float) -> RoadGraph:
    """Each way of going loses the pieces that are too short for it; an edge of none of them is left out."""
    kept = {}
    for name in ("on_foot", "by_car", "by_motorbike"):
        piece = graph.pieces(getattr(graph, name))
        on = piece != NO_EDGE
        total = np.bincount(piece[on], graph.metres[on], graph.nodes)
        kept[name] = on & (total[piece] >= fragment_m)
    some = np.logical_or.reduce(list(kept.values()))
    held = {one.name: getattr(graph, one.name) for one in fields(graph)} | kept
    return RoadGraph(**held).of(some)
