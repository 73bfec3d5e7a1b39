"""Shortest ways over a road graph against a plain calculation, where every place is a node of its own."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from mapper.solve.road_graph import NO_EDGE, RoadGraph, build
from mapper.solve.road_ways import Net, OffRoad, Spots, driven, walked, ways_between

ON_LAND = OffRoad(most_m=1.0, detour=1.0, walking_kmh=6.0)
"""So short that nobody goes straight, where a test is about roads."""


def graph_of(edges: list[tuple[int, int, float]], **facts: object) -> RoadGraph:
    """Edges as (a, b, metres), all free to everybody at 60 km/h, a metre a millionth of a degree on the equator."""
    number = len(edges)
    a, b = (np.array([edge[end] for edge in edges], np.int64) for end in (0, 1))
    told = {
        "ferry": np.zeros(number, np.bool_),
        "kmh": np.full(number, 60.0),
        "minutes": np.full(number, np.nan),
        **{name: np.ones(number, np.bool_) for name in ("on_foot", "by_car", "by_motorbike", "forward", "backward")},
    } | {name: np.asarray(values) for name, values in facts.items()}
    nodes = int(max(a.max(), b.max())) + 1
    shape = np.column_stack([np.stack([a, b], axis=1).ravel() * 1e-3, np.zeros(2 * number)])
    metres = np.array([edge[2] for edge in edges], np.float64)
    return RoadGraph(nodes=nodes, a=a, b=b, metres=metres, shape_start=np.arange(number + 1) * 2, shape=shape, **told)


def spots_at(places: list[tuple[int, float]], off_m: float = 0.0) -> Spots:
    """Places as (edge, share), far away from each other as the crow flies."""
    number = len(places)
    return Spots(
        np.array([edge for edge, _ in places], np.int64),
        np.array([share for _, share in places], np.float64),
        np.full(number, off_m),
        np.arange(number)[:, None] * np.array([[1e6, 0.0]]),
    )


def plain(net: Net, spots: Spots) -> np.ndarray:
    """(spots, spots): the least weights, by Floyd and Warshall over nodes and spots, each edge cut at its spots."""
    graph = net.graph
    size = graph.nodes + len(spots)
    far = np.full((size, size), np.inf)
    np.fill_diagonal(far, 0.0)
    for edge in range(graph.edges):
        stops = sorted((float(spots.share[spot]), graph.nodes + spot) for spot in np.flatnonzero(spots.edge == edge))
        chain = [(0.0, int(graph.a[edge])), *stops, (1.0, int(graph.b[edge]))]
        for (before, one), (after, other) in pairwise(chain):
            weight = (after - before) * net.weight[edge]
            if net.there[edge] or after == before:
                far[one, other] = min(far[one, other], weight)
            if net.back[edge] or after == before:
                far[other, one] = min(far[other, one], weight)
    for middle in range(size):
        far = np.minimum(far, far[:, [middle]] + far[[middle], :])
    return far[graph.nodes :, graph.nodes :]


def random_case(seed: int) -> tuple[RoadGraph, Spots]:
    """A graph with parallel edges, loops, one-ways and pieces apart, and places on it, some on one edge."""
    random = np.random.default_rng(seed)
    nodes, number = int(random.integers(2, 14)), int(random.integers(1, 30))
    edges = [
        (int(random.integers(nodes)), int(random.integers(nodes)), float(random.integers(1, 1000)))
        for _ in range(number)
    ]
    way = random.integers(0, 4, number)
    graph = graph_of(
        edges,
        kmh=random.choice([10.0, 30.0, 60.0], number),
        on_foot=random.random(number) < 0.9,
        forward=way != 1,
        backward=way != 2,
    )
    places = [(int(random.integers(number)), float(random.choice([0.0, 0.25, 0.7, 1.0]))) for _ in range(8)]
    return graph, spots_at(places)


@pytest.mark.parametrize("seed", range(200))
def test_ways_are_the_shortest_on_random_graphs(seed: int) -> None:
    graph, spots = random_case(seed)
    feet = Net.on_foot(graph)
    limits = np.random.default_rng(seed).choice([100.0, 700.0, 5000.0], len(spots))
    on = np.where(graph.on_foot[spots.edge], spots.edge, NO_EDGE)
    walkers = Spots(on, spots.share, spots.off_m, spots.xy)
    point, site, metres = walked(feet, walkers, walkers.some(slice(0, 4)), limits, ON_LAND)
    found = np.full((len(spots), 4), np.inf)
    found[point, site] = metres
    known = plain(feet, spots)[:, :4]
    known[(on == NO_EDGE), :], known[:, (on == NO_EDGE)[:4]] = np.inf, np.inf
    # A place has no way to itself but the straight one.
    known[known > limits[:, None]] = np.inf
    np.fill_diagonal(known, np.where(on[:4] == NO_EDGE, 0.0, known.diagonal()))
    assert np.allclose(found, known, atol=0.01)

    ride = Net.by_vehicle(graph, graph.by_car)
    ridden_m, minutes = driven(ride, spots, ON_LAND)
    assert np.allclose(minutes, plain(ride, spots), atol=0.01)
    straight = graph.metres / 1000 / graph.kmh * 60
    assert np.all(ridden_m[np.isfinite(minutes)] <= minutes[np.isfinite(minutes)] * 1000 + 0.1), straight
    assert np.array_equal(np.isfinite(ridden_m), np.isfinite(minutes))


@pytest.mark.parametrize("seed", range(60))
def test_a_way_runs_as_long_as_it_is_said_to(seed: int) -> None:
    """Its corners are those of a graph whose edges are as long as they are drawn."""
    random = np.random.default_rng(seed)
    nodes = random.uniform(0, 0.01, (9, 2))
    ends = random.integers(0, 9, (16, 2))
    ends = ends[ends[:, 0] != ends[:, 1]]
    shape = nodes[ends].reshape(-1, 2)
    degree_m = 111_320.0
    metres = np.hypot(*(nodes[ends[:, 0]] - nodes[ends[:, 1]]).T) * degree_m
    way = random.integers(0, 3, len(ends))
    graph = graph_of([(int(a), int(b), 1.0) for a, b in ends], forward=way != 1, backward=way != 2)
    graph = RoadGraph(
        **{name: getattr(graph, name) for name in graph.__dataclass_fields__} | {"metres": metres, "shape": shape}
    )
    places = [(int(random.integers(len(ends))), float(random.choice([0.0, 0.5, random.random()]))) for _ in range(5)]
    spots, net = spots_at(places), Net.by_vehicle(graph, graph.by_car)
    ridden_m, _ = driven(net, spots, ON_LAND)
    legs = [(one, other) for one in range(5) for other in range(5) if one != other]
    for (one, other), drawn in zip(legs, ways_between(net, spots, legs), strict=True):
        if not np.isfinite(ridden_m[one, other]):
            assert drawn is None
            continue
        assert drawn is not None
        assert np.hypot(*(np.diff(drawn, axis=0) * degree_m).T).sum() == pytest.approx(ridden_m[one, other], rel=1e-4)
        for place, end in ((one, drawn[0]), (other, drawn[-1])):
            edge, share = places[place]
            assert end == pytest.approx(shape[2 * edge] * (1 - share) + shape[2 * edge + 1] * share, abs=1e-7)


def test_parts_of_a_large_table_are_as_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    graph, spots = random_case(7)
    net = Net.by_vehicle(graph, graph.by_car)
    whole = driven(net, spots, ON_LAND)
    monkeypatch.setattr("mapper.solve.road_ways.AT_ONCE", 1)
    assert all(np.array_equal(one, other) for one, other in zip(whole, driven(net, spots, ON_LAND), strict=True))


def test_a_one_way_street_is_gone_round() -> None:
    """A triangle of 100 m sides, 0 -> 1 one way; from the middle of it back to its beginning it is 50 + 100 + 100."""
    graph = graph_of([(0, 1, 100.0), (1, 2, 100.0), (2, 0, 100.0)], backward=[False, True, True])
    spots = spots_at([(0, 0.5), (0, 0.0)])
    metres, minutes = driven(Net.by_vehicle(graph, graph.by_car), spots, ON_LAND)
    assert metres.tolist() == [[0.0, pytest.approx(250.0)], [pytest.approx(50.0), 0.0]]
    assert minutes[0, 1] == pytest.approx(0.25)
    _, _, on_foot = walked(Net.on_foot(graph), spots, spots.some([1]), np.array([1000.0, 1000.0]), ON_LAND)
    assert on_foot.tolist() == [pytest.approx(50.0), 0.0], "on foot nobody minds it"


def test_the_quickest_way_is_taken_and_its_metres_told() -> None:
    """800 m at 60 km/h take less than 500 m at 10 km/h."""
    graph = graph_of(
        [(0, 1, 500.0), (0, 2, 400.0), (2, 1, 400.0), (3, 0, 10.0), (1, 4, 10.0)], kmh=[10.0, 60, 60, 60, 60]
    )
    metres, minutes = driven(Net.by_vehicle(graph, graph.by_car), spots_at([(3, 0.0), (4, 1.0)]), ON_LAND)
    assert metres[0, 1] == pytest.approx(820.0)
    assert minutes[0, 1] == pytest.approx(0.82)


def test_what_lies_off_the_road_is_walked() -> None:
    graph = graph_of([(0, 1, 1000.0)])
    metres, minutes = driven(Net.by_vehicle(graph, graph.by_car), spots_at([(0, 0.0), (0, 1.0)], off_m=100.0), ON_LAND)
    assert metres[0, 1] == pytest.approx(1200.0)
    assert minutes[0, 1] == pytest.approx(1.0 + 2.0), "a minute by car, and 200 m at 6 km/h"


def test_who_stands_nearer_to_the_site_than_to_the_road_goes_straight() -> None:
    """A house 300 m and a site 250 m off the road, 200 m from each other: 200 m, and not 550 m by the road."""
    graph = graph_of([(0, 1, 1000.0)])
    house = Spots(np.array([0]), np.array([0.5]), np.array([300.0]), np.array([[0.0, 300.0]]))
    site = Spots(np.array([0]), np.array([0.5]), np.array([250.0]), np.array([[200.0, 300.0]]))
    limits = np.array([5000.0])
    *_, metres = walked(Net.on_foot(graph), house, site, limits, OffRoad(500.0, 1.0, 4.0))
    assert metres.tolist() == [200.0]
    *_, metres = walked(Net.on_foot(graph), house, site, limits, OffRoad(100.0, 1.0, 4.0))
    assert metres.tolist() == [550.0], "nobody goes farther off the roads than was said"


def test_a_house_that_no_road_comes_near_has_no_way() -> None:
    graph = graph_of([(0, 1, 1000.0)])
    far = Spots(np.array([NO_EDGE, 0]), np.zeros(2), np.array([np.inf, 0.0]), np.array([[0.0, 9e5], [0.0, 0.0]]))
    point, site, _ = walked(Net.on_foot(graph), far, far, np.full(2, 5000.0), ON_LAND)
    assert list(zip(point.tolist(), site.tolist(), strict=True)) == [(0, 0), (1, 1)], "each to itself alone"
    assert np.isinf(driven(Net.by_vehicle(graph, graph.by_car), far, ON_LAND)[0]).sum() == 2


def drawn(ways: list[list[int]], metres: float = 1000.0, **facts: list[object]) -> dict[str, object]:
    """Ways as lists of the numbers of their points, each so many metres from the next."""
    node = np.array([point for way in ways for point in way], np.int64)
    told = {
        "ferry": np.zeros(len(ways), np.bool_),
        "kmh": np.full(len(ways), 60.0),
        "minutes": np.full(len(ways), np.nan),
        **{name: np.ones(len(ways), np.bool_) for name in ("on_foot", "by_car", "by_motorbike", "forward", "backward")},
    } | {name: np.array(values) for name, values in facts.items()}
    return {
        "start": np.concatenate(([0], np.cumsum([len(way) for way in ways]))),
        "node": node,
        "lon_lat": np.column_stack([node, node]) * 1.0,
        "step_m": np.full(len(node), metres),
        "facts": told,
    }


def test_ways_are_cut_where_they_meet_and_nowhere_else() -> None:
    graph = build(**drawn([[1, 2, 3, 4], [9, 3, 8]], kmh=[60.0, 20.0]), fragment_m=0)
    assert (graph.nodes, graph.edges) == (5, 4)
    assert sorted(zip(graph.metres.tolist(), graph.kmh.tolist(), strict=True)) == [
        (1000.0, 20.0), (1000.0, 20.0), (1000.0, 60.0), (2000.0, 60.0)
    ]  # fmt: skip
    longest = int(graph.metres.argmax())
    assert graph.shape[graph.shape_start[longest] : graph.shape_start[longest + 1], 0].tolist() == [1.0, 2.0, 3.0]


def test_a_closed_way_and_one_that_crosses_itself_are_whole() -> None:
    graph = build(**drawn([[1, 2, 3, 1], [5, 6, 7, 8, 6, 9]]), fragment_m=0)
    assert sorted(graph.metres.tolist()) == [1000.0, 1000.0, 3000.0, 3000.0]
    assert (graph.a == graph.b).sum() == 2, "both rings begin where they end"


def test_the_minutes_of_a_ferry_are_shared_out_by_length() -> None:
    graph = build(**drawn([[1, 2, 3, 4], [3, 9]], minutes=[30.0, np.nan]), fragment_m=0)
    ferry = ~np.isnan(graph.minutes)
    assert sorted(graph.minutes[ferry].tolist()) == [pytest.approx(10.0), pytest.approx(20.0)]


def test_short_pieces_apart_are_left_out_and_islands_are_not() -> None:
    ways = [[1, 2, 3], [7, 8], [20, 21, 22]]
    graph = build(**drawn(ways), fragment_m=1500)
    assert graph.edges == 2
    assert len(set(graph.pieces(graph.on_foot).tolist())) == 2
    assert build(**drawn(ways), fragment_m=0).edges == 3


def test_a_way_on_foot_alone_does_not_join_what_cars_drive_on() -> None:
    """1-2 and 3-4 for all, 2-3 on foot alone: one piece on foot, two for cars, of which the shorter is too short."""
    ways, car = [[1, 5, 6, 2], [2, 3], [3, 4]], [True, False, True]
    graph = build(**drawn(ways, by_car=car, by_motorbike=car), fragment_m=1500)
    assert graph.on_foot.tolist() == [True, True, True]
    assert graph.by_car.tolist() == [True, False, False]
