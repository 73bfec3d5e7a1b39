"""Whole plans by roads: a river with one bridge, an island, and a routing server that does not answer."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from mapper.domain.made_plan import MadePlan, Unserved
from mapper.domain.people import Point
from mapper.domain.plan import PlanGiven
from mapper.errors import Conflict
from mapper.services import road_map, roads
from mapper.services.asked_ways import ByServer
from mapper.services.planning import make
from mapper.services.reference import Reference
from mapper.services.roads import RoadMap, RoadSource
from mapper.services.routing_server import RoutingServer
from mapper.services.travel import Straight, Ways
from mapper.store import schema
from mapper.store.database import Database
from tests.formats.road_town import Point as LonLat
from tests.formats.road_town import at, osm_xml, town_ways, write_extract
from tests.services import plan_cases as cases

RULES = replace(cases.RULES, walk_limit_m=1500.0, off_road_m=300.0, detour=1.3)


def place(east: float, north: float) -> Point:
    lon, lat = at(east, north)
    return Point(lat, lon)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> RoadSource:
    folder = tmp_path_factory.mktemp("roads")
    database = Database(f"sqlite:///{folder / 'one.sqlite3'}")
    schema.upgrade(database)
    extract = write_extract(folder / "town.osm.pbf", osm_xml(town_ways()))
    road_map.import_extract(Reference(database), extract, folder / "roads.npz")
    return RoadSource(RoadMap(folder / "roads.npz"))


def question() -> PlanGiven:
    """A station south of the river; houses beside it, across the river, on the island, and where no road is."""
    houses = [
        cases.house("near", place(6, 3), 4),
        cases.house("across", place(8, 7), 3),
        cases.house("island", place(12, 30), 2),
        cases.house("rock", place(14, 9), 1),
        cases.house("bed", place(2, 9), 1, precedences=(cases.AT_HOME,)),
    ]
    sites = [cases.fixed("T", place(8, 3)), cases.mobile("M", place(12, 26))]
    return cases.given(houses, sites, teams=(cases.team("Đội", place(8, 3)),), sites=2, seconds=2.0)


def by(ways: Ways | None) -> MadePlan:
    return make(question(), RULES, ways=ways)


def without(made: MadePlan) -> dict[str, Unserved]:
    return {house.id: why for why, several in made.unserved.items() for house in several}


def test_straight_lines_lead_over_the_river_and_roads_do_not(source: RoadSource) -> None:
    """Across is 440 m away as the crow flies and 1.9 km by the bridge, with 1.5 km to be walked at most."""
    straight, made = by(None), by(source.ways(RULES))
    assert "across" not in without(straight)
    assert without(made) == {"across": Unserved.UNREACHABLE, "island": Unserved.CUT_OFF, "rock": Unserved.OFF_ROADS}
    ways = [house.way_m for site in made.sites for house in site.houses if house.id == "near"]
    assert ways == [pytest.approx(2 * 103.1, rel=0.01)]
    told = " ".join(one.words for one in made.binds)
    assert "no road or path leads" in told and "off_road_m" in told
    assert made.people == straight.people == 11


def test_a_team_goes_over_the_bridge_and_its_way_is_drawn(source: RoadSource) -> None:
    made = by(source.ways(RULES))
    (day,) = [one for one in made.days if any(stop.house == "bed" for stop in one.stops)]
    bridge: LonLat = at(0, 5)
    assert any((lon, lat) == pytest.approx(bridge, abs=1e-5) for lon, lat in day.path)
    assert day.way_m == pytest.approx(2 * ((8 + 2) * 103.1 + 6 * 110.75), rel=0.01)
    assert by(None).days[0].path == ()


def test_the_same_roads_make_the_same_plan_again_and_other_roads_are_refused(source: RoadSource) -> None:
    made = by(source.ways(RULES))
    again = by(source.again(made.roads, RULES))
    assert replace(again, quality=made.quality) == made
    assert roads.in_words(made.roads)[0][1] == {"extract": "town.osm.pbf", "dated": "01/11/2026"}
    assert roads.follow_roads(made.roads) and not roads.follow_roads(by(None).roads)
    other = json.dumps(json.loads(made.roads) | {"fingerprint": "other"})
    with pytest.raises(Conflict, match=r"town\.osm\.pbf of 01/11/2026"):
        source.again(other, RULES)
    assert isinstance(source.again(by(None).roads, RULES), Straight)


@pytest.mark.parametrize("otherwise", ["straight", "road_map"])
def test_a_server_that_does_not_answer_is_told_and_the_plan_is_made_all_the_same(
    source: RoadSource, otherwise: str
) -> None:
    server = RoutingServer.of("osrm", "http://127.0.0.1:9", "http://127.0.0.1:9")
    assert server is not None
    own = Straight(RULES) if otherwise == "straight" else source.ways(RULES)
    made = by(ByServer(server, RULES, own))
    assert without(made) == without(by(own))
    told = json.loads(made.roads)
    assert (told["kind"], told["asked"]) == (otherwise, "127.0.0.1:9")
    words = [message for message, _ in roads.in_words(made.roads)]
    assert len(words) == 2 and "cannot be reached" in words[1]
    assert RoadSource(source.map, server).again(made.roads, RULES).told()["kind"] == otherwise
