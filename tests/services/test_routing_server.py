"""Ways asked of OSRM and Valhalla: their own answers over an invented town, and servers of ours that answer amiss."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import ExitStack
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest

from mapper.domain.people import Point
from mapper.domain.planning import PlanningRules
from mapper.domain.roads import Vehicle
from mapper.errors import InvalidInput, Unavailable
from mapper.services.asked_ways import ByServer
from mapper.services.routing_server import Going, RoutingServer
from mapper.services.travel import NoWay, Straight
from tests.formats.road_town import at, positions
from tests.services.routing_engines import engine, serving

EAST, NORTH = 103.1, 110.75
RULES = PlanningRules(detour=1.5, walking_kmh=4.0, off_road_m=300.0, vehicle=Vehicle.CAR)


@pytest.fixture(scope="module", params=["osrm", "valhalla"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RoutingServer]:
    with ExitStack() as stack:

        def start(name: str) -> str:
            return stack.enter_context(engine(name, tmp_path_factory.mktemp(name)))

        if request.param == "osrm":
            made = RoutingServer.of("osrm", start("osrm_car"), start("osrm_foot"))
        else:
            made = RoutingServer.of("valhalla", start("valhalla"))
        assert made is not None
        yield made


def by(server: RoutingServer, rules: PlanningRules = RULES) -> ByServer:
    return ByServer(server, rules, Straight(rules))


def test_both_engines_know_the_bridge(server: RoutingServer) -> None:
    ways = by(server)
    found = ways.walks(positions([(8, 4), (5, 0)]), positions([(8, 6)]), 3000.0).travel
    assert found.far.tolist() == [
        pytest.approx(16 * EAST + 2 * NORTH, rel=0.01),
        pytest.approx(13 * EAST + 6 * NORTH, rel=0.01),
    ]
    assert ways.trouble is None
    assert ways.told()["kind"] == "server"


def test_who_stands_off_the_roads_goes_to_them_or_has_no_way(server: RoutingServer) -> None:
    """80 m beside the path; and on a rock in the water, to which Valhalla would send people by the ferry's line."""
    houses = positions([(14, 80 / NORTH), (16, 20)])
    found = by(server).walks(houses, positions([(12, 0), (10, 10)]), 3000.0)
    assert found.travel.far[found.travel.point == 0][-1] == pytest.approx(80 * 1.5 + 2 * EAST, rel=0.02)
    assert found.why == {1: NoWay.OFF_ROADS}


def test_vehicles_take_the_ferry(server: RoutingServer) -> None:
    roads = by(server).drives(positions([(10, 10), (20, 30), (8, -100 / NORTH)]))
    assert roads.metres[0, 1] == pytest.approx(20 * NORTH + 10 * EAST, rel=0.01)
    assert 15 < roads.minutes[0, 1] < 35
    assert roads.metres[0, 2] == pytest.approx(150 + 28 * EAST, rel=0.25)
    assert roads.metres.diagonal().tolist() == [0.0, 0.0, 0.0]


def test_a_way_is_drawn_over_the_bridge(server: RoutingServer) -> None:
    (way,) = by(server).paths([(Point(22.204, 105.808), Point(22.206, 105.808))])
    assert any((one.lon, one.lat) == pytest.approx(at(0, 5), abs=1e-5) for one in way)
    assert (way[0], way[-1]) == (Point(22.204, 105.808), Point(22.206, 105.808))


def test_a_place_on_the_other_side_of_the_earth_has_no_way(server: RoutingServer) -> None:
    table = server.table(Going.CAR, positions([(0, 0)]), np.array([[-70.0, -30.0], at(1, 0)]))
    assert table.metres[0, 1] == pytest.approx(EAST, rel=0.01)
    assert not math.isfinite(table.metres[0, 0]) or table.off_to[0] > 1e6


def flat(method: str, path: str, body: str) -> tuple[int, str]:
    """An OSRM of the plane, which takes 100 places at once and knows no way to the one at latitude 0."""
    asked = urlsplit(path)
    places = [tuple(map(float, one.split(","))) for one in asked.path.rsplit("/", 1)[1].split(";")]
    if len(places) > 100:
        return 400, '{"code": "TooBig"}'
    if any(lat == 0 for _, lat in places):
        return 400, '{"code": "NoTable"}'
    query = parse_qs(asked.query)
    told = {name: list(map(int, query[name][0].split(";"))) for name in ("sources", "destinations")}
    far = [[math.dist(places[one], places[other]) * 1e5 for other in told["destinations"]] for one in told["sources"]]
    off = [[{"distance": 0.0} for _ in told[name]] for name in ("sources", "destinations")]
    answer = {"code": "Ok", "distances": far, "durations": far, "sources": off[0], "destinations": off[1]}
    return 200, json.dumps(answer)


def test_large_tables_are_asked_for_in_parts_and_who_has_no_way_spoils_nobody_elses() -> None:
    """130 x 70 places, which is more than a server takes at once; the 60th of the 130 has no way."""
    random = np.random.default_rng(3)
    sources, ends = random.uniform(1, 2, (130, 2)).round(6), random.uniform(1, 2, (70, 2)).round(6)
    sources[60, 1] = 0.0
    with serving(flat) as address:
        made = RoutingServer.of("osrm", address)
        assert made is not None
        found = made.table(Going.CAR, sources, ends)
    known = np.sqrt(((sources[:, None] - ends) ** 2).sum(axis=2)) * 1e5
    known[60] = np.inf
    assert np.allclose(found.metres, known)
    assert np.allclose(found.minutes, known / 60)


@pytest.mark.parametrize(
    ("status", "text", "told"),
    [
        (200, "<html>no routing server</html>", "no routing server of the kind"),
        (200, '{"code": "Ok"}', "no routing server of the kind"),
        (200, "[1, 2]", "no routing server of the kind"),
        (400, '{"code": "TooBig"}', "refuses the question"),
        (500, '{"error_code": 199}', "refuses the question"),
        (302, "", "no routing server of the kind"),
    ],
)
def test_a_server_that_answers_amiss_is_named_with_the_cure(status: int, text: str, told: str) -> None:
    with serving(lambda *asked: (status, text)) as address:
        for dialect in ("osrm", "valhalla"):
            made = RoutingServer.of(dialect, address)
            assert made is not None
            with pytest.raises(Unavailable, match=told):
                made.table(Going.CAR, positions([(0, 0)]), positions([(1, 0)]))


def test_a_redirect_leads_nowhere() -> None:
    asked: list[str] = []

    def elsewhere(method: str, path: str, body: str) -> tuple[int, str]:
        asked.append(path)
        return 302, "/where-houses-stand-is-not-told"

    with serving(elsewhere) as address:
        made = RoutingServer.of("osrm", address)
        assert made is not None
        with pytest.raises(Unavailable):
            made.table(Going.CAR, positions([(0, 0)]), positions([(1, 0)]))
    assert asked and not any("told" in each for each in asked)


def test_after_the_first_silence_nobody_waits_again() -> None:
    asked: list[str] = []

    def silent(method: str, path: str, body: str) -> tuple[int, str]:
        asked.append(path)
        return 400, '{"code": "InvalidUrl"}'

    with serving(silent) as address:
        made = RoutingServer.of("osrm", address, address)
        assert made is not None
        ways = by(made)
        places = positions([(0, 0), (1, 0)])
        assert (
            ways.walks(places, places, 500.0).travel.far.tolist()
            == Straight(RULES).walks(places, places, 500.0).travel.far.tolist()
        )
        assert ways.drives(places).metres.tolist() == Straight(RULES).drives(places).metres.tolist()
        assert len(ways.paths([(Point(22.2, 105.8), Point(22.2, 105.81))])[0]) == 2
    assert len(asked) == 1
    assert ways.told()["kind"] == "straight"
    assert ways.told()["trouble"]


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("https://router.project-osrm.org", "is a server of others"),
        ("https://valhalla1.openstreetmap.de/", "is a server of others"),
        ("http://osrm.example.vn", "must begin with https"),
        ("http://8.8.8.8:5000", "must begin with https"),
        ("ftp://127.0.0.1", "no address of a routing server"),
        ("5000", "no address of a routing server"),
    ],
)
def test_where_people_live_goes_to_no_stranger(address: str, told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        RoutingServer.of("osrm", address)
    with pytest.raises(InvalidInput, match=told):
        RoutingServer.of("osrm", "http://127.0.0.1:5000", address)


def test_a_server_of_ones_own_is_taken_and_none_is_none() -> None:
    assert RoutingServer.of("osrm", " ") is None
    for address in ("http://127.0.0.1:5000/", "http://10.1.2.3:8002", "http://routing", "https://osrm.example.vn/vn"):
        made = RoutingServer.of("osrm", address)
        assert made is not None and made.address == address.rstrip("/")
        assert made.goes(Going.CAR) and not made.goes(Going.ON_FOOT), "OSRM needs a second one for people on foot"
    valhalla = RoutingServer.of("valhalla", "https://secret:word@valhalla.example.vn")
    assert valhalla is not None and valhalla.goes(Going.ON_FOOT)
    assert valhalla.named == "valhalla.example.vn", "what opens the server is told to nobody"
