"""Ways over a road map made from an invented town: a river with one bridge, an island, a ferry, a one-way street."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mapper.domain.people import Point
from mapper.domain.planning import PlanningRules
from mapper.domain.roads import Vehicle
from mapper.errors import InvalidInput
from mapper.formats.road_file import write_roads
from mapper.services import road_map
from mapper.services.reference import Reference
from mapper.services.roads import RoadMap
from mapper.services.travel import ByRoadMap, NoWay, Straight
from mapper.store import schema
from mapper.store.database import Database
from tests.formats.road_town import DATED, at, osm_xml, positions, town_ways, write_extract

EAST, NORTH = 103.1, 110.75
"""Metres of a street eastward and northward there, on the ellipsoid."""

RULES = PlanningRules(detour=1.5, walking_kmh=4.0, off_road_m=300.0, vehicle=Vehicle.CAR)


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Reference:
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('roads') / 'one.sqlite3'}")
    schema.upgrade(database)
    return Reference(database)


@pytest.fixture(scope="module")
def made(reference: Reference, tmp_path_factory: pytest.TempPathFactory) -> RoadMap:
    folder = tmp_path_factory.mktemp("town")
    ways = [*town_ways(), ([at(0, -3), at(5, -3)], {"highway": "primary", "oneway": "yes"})]
    ways += [([at(0, 0), at(0, -3)], {"highway": "primary"}), ([at(5, -3), at(5, 0)], {"highway": "primary"})]
    extract = write_extract(folder / "town.osm.pbf", osm_xml(ways))
    road_map.import_extract(reference, extract, folder / "roads.npz")
    return RoadMap(folder / "roads.npz")


def by_road(made: RoadMap, rules: PlanningRules = RULES) -> ByRoadMap:
    ways = made.ways(rules)
    assert isinstance(ways, ByRoadMap)
    return ways


def walk(made: RoadMap, house: tuple[float, float], site: tuple[float, float], limit: float = 9000.0) -> float | None:
    found = by_road(made).walks(positions([house]), positions([site]), limit)
    return float(found.travel.far[0]) if len(found.travel.far) else None


def test_who_lives_beyond_the_river_walks_over_the_bridge(made: RoadMap) -> None:
    """From (8, 4) to (8, 6), 220 m as the crow flies: 8 streets west, 2 over the river, 8 back."""
    assert walk(made, (8, 4), (8, 6)) == pytest.approx(16 * EAST + 2 * NORTH, rel=0.003)
    assert walk(made, (8, 4), (8, 6), limit=1500.0) is None
    straight = Straight(RULES).walks(positions([(8, 4)]), positions([(8, 6)]), 1500.0)
    assert straight.travel.far[0] == pytest.approx(2 * NORTH * 1.5, rel=0.003)


def test_a_house_beside_the_road_walks_to_it_first(made: RoadMap) -> None:
    """80 m north of row 0, a third of a street east of column 2: straight to the row times 1.5, then along it."""
    north = 80 / NORTH
    house = (12.4, north)
    assert walk(made, house, (12.0, 0)) == pytest.approx(80 * 1.5 + 0.4 * EAST, rel=0.005), "to the path's side"


def test_each_house_has_its_own_limit(made: RoadMap) -> None:
    houses, sites = positions([(0, 0), (0, 1), (5, 0)]), positions([(3, 0)])
    found = by_road(made).walks(houses, sites, np.array([3 * EAST + 1, 3 * EAST + 1, 2 * EAST - 1])).travel
    assert found.point.tolist() == [0], "the second is a street farther, and nobody goes beyond the limit"


def test_an_island_is_within_no_walk_and_the_reason_is_told(made: RoadMap) -> None:
    """An island with a road whose ferry nobody walks on, and a house where no road comes near."""
    houses = positions([(15, 30), (5, 0), (14, 20), (60, 60)])
    found = by_road(made).walks(houses, positions([(10, 10), (5, 1)]), 9000.0)
    assert found.travel.point.tolist() == [1, 1]
    assert found.why == {0: NoWay.CUT_OFF, 2: NoWay.OFF_ROADS}, "the last one has no site near either way"


def test_a_house_far_from_roads_but_beside_the_site_goes_straight_to_it(made: RoadMap) -> None:
    """400 m off all roads, which is too far; the site is 50 m away."""
    site = (14, 20)
    assert walk(made, (14.485, 20), site) == pytest.approx(50 * 1.5, rel=0.01)
    assert walk(made, (19, 20), site) is None


def test_an_island_on_its_own_has_its_own_sites(made: RoadMap) -> None:
    assert walk(made, (10, 30), (20, 30)) == pytest.approx(10 * EAST, rel=0.003)


def test_vehicles_take_the_ferry_so_long_as_it_takes(made: RoadMap) -> None:
    """From the quay by ferry, a quarter of an hour, then 10 streets at 25 km/h."""
    roads = by_road(made).drives(positions([(10, 10), (20, 30)]))
    assert roads.minutes[0, 1] == pytest.approx(15 + 10 * EAST / 1000 / 25 * 60, rel=0.003)
    assert roads.metres[1, 0] == pytest.approx(20 * NORTH + 10 * EAST, rel=0.003)


def test_nobody_stands_on_a_ferry(made: RoadMap) -> None:
    """A rock in the water, 200 m beside the ferry's way and far from every road."""
    roads = by_road(made).drives(positions([(12, 20), (10, 10)]))
    assert np.isinf(roads.metres[0, 1]) and np.isinf(roads.metres[1, 0])


def test_a_one_way_street_is_driven_one_way(made: RoadMap) -> None:
    """South of the town a street leads east alone; from its end to its beginning it is round by row 0."""
    there, back = by_road(made).drives(positions([(0, -3), (5, -3)])).metres[[0, 1], [1, 0]]
    assert there == pytest.approx(5 * EAST, rel=0.003)
    assert back == pytest.approx(5 * EAST + 6 * NORTH, rel=0.003)


def test_a_motorbike_takes_the_path_and_a_car_does_not(made: RoadMap) -> None:
    places = positions([(10, 0), (20, 0)])
    assert np.isinf(by_road(made).drives(places).metres[0, 1])
    motorbike = by_road(made, replace(RULES, vehicle=Vehicle.MOTORBIKE)).drives(places)
    assert motorbike.metres[0, 1] == pytest.approx(10 * EAST, rel=0.003)
    assert motorbike.minutes[0, 1] == pytest.approx(10 * EAST / 1000 / 10 * 60, rel=0.003)


def test_a_house_off_the_road_is_walked_to_by_the_team(made: RoadMap) -> None:
    roads = by_road(made).drives(positions([(8, 0), (8, -100 / NORTH)]))
    assert roads.metres[0, 1] == pytest.approx(150, rel=0.01)
    assert roads.minutes[0, 1] == pytest.approx(150 / 4000 * 60, rel=0.01)
    assert roads.metres.diagonal().tolist() == [0.0, 0.0]


def test_the_way_is_drawn_along_the_roads(made: RoadMap) -> None:
    legs = [(Point(22.204, 105.808), Point(22.206, 105.808)), (Point(22.2, 105.81), Point(22.26, 105.86))]
    over, none = by_road(made).paths(legs)
    assert over[0] == legs[0][0] and over[-1] == legs[0][1]
    bridge = at(0, 5)
    assert any((one.lon, one.lat) == pytest.approx(bridge, abs=1e-6) for one in over)
    assert none == list(legs[1]), "where no road leads a straight line is drawn"
    assert by_road(made).paths([]) == []


def test_a_stroke_of_road_that_nothing_meets_is_no_island(made: RoadMap) -> None:
    """A house on it, in the middle of a block, goes over the land to the next street."""
    assert walk(made, (4.5, 3.5), (4, 3.5)) == pytest.approx(0.5 * EAST * 1.5, rel=0.005)


def test_no_house_and_no_site_are_no_fault(made: RoadMap) -> None:
    for ways in (by_road(made), Straight(RULES)):
        assert ways.walks(positions([]), positions([(0, 0)]), np.empty(0)).travel.points == 0
        assert ways.walks(positions([(0, 0)]), positions([]), 1000.0).travel.sites == 0


def test_what_a_plan_is_told_of_its_roads(made: RoadMap) -> None:
    facts = made.facts()
    assert facts is not None
    assert (facts.extract, facts.dated, facts.islands) == ("town.osm.pbf", DATED, 1)
    assert by_road(made).told() == {
        "kind": "road_map",
        "extract": "town.osm.pbf",
        "dated": DATED,
        "fingerprint": facts.fingerprint,
    }
    assert Straight(RULES).told() == {"kind": "straight", "detour": 1.5}


def test_the_same_extract_has_the_same_fingerprint_and_another_one_another(
    reference: Reference, tmp_path: Path
) -> None:
    extract = write_extract(tmp_path / "town.osm.pbf", osm_xml(town_ways()))
    first, again = (road_map.import_extract(reference, extract, tmp_path / name) for name in ("one.npz", "two.npz"))
    assert first.fingerprint == again.fingerprint
    other = write_extract(tmp_path / "other.osm.pbf", osm_xml(town_ways()[:-4]))
    assert road_map.import_extract(reference, other, tmp_path / "one.npz").fingerprint != first.fingerprint


def test_a_new_road_map_is_seen_while_the_server_runs(reference: Reference, tmp_path: Path) -> None:
    file, roads = tmp_path / "roads.npz", RoadMap(tmp_path / "roads.npz")
    assert isinstance(roads.ways(RULES), Straight)
    assert roads.facts() is None
    for ways in (town_ways(), town_ways()[:-4]):
        extract = write_extract(tmp_path / "town.osm.pbf", osm_xml(ways))
        facts = road_map.import_extract(reference, extract, file)
        assert roads.ways(RULES).told()["fingerprint"] == facts.fingerprint
    assert roads.ways(RULES).graph is roads.ways(RULES).graph  # type: ignore[attr-defined]
    file.unlink()
    assert isinstance(roads.ways(RULES), Straight)


def test_a_failed_import_leaves_the_road_map_as_it_was(reference: Reference, tmp_path: Path) -> None:
    extract = write_extract(tmp_path / "town.osm.pbf", osm_xml(town_ways()))
    facts = road_map.import_extract(reference, extract, tmp_path / "roads.npz")
    (tmp_path / "broken.osm.pbf").write_bytes(extract.read_bytes()[:-30])
    with pytest.raises(InvalidInput):
        road_map.import_extract(reference, tmp_path / "broken.osm.pbf", tmp_path / "roads.npz")
    assert RoadMap(tmp_path / "roads.npz").facts() == facts


def test_a_file_that_is_no_road_map_is_told_with_its_cure(tmp_path: Path) -> None:
    for content in (b"", b"no archive", b"PK\x03\x04 cut"):
        (tmp_path / "roads.npz").write_bytes(content)
        with pytest.raises(InvalidInput, match="roads import"):
            RoadMap(tmp_path / "roads.npz").ways(RULES)
    write_roads(tmp_path / "roads.npz", {}, {})
    with np.load(tmp_path / "roads.npz") as held:
        assert b'"version": 1' in held["about"].tobytes()
    np.savez(tmp_path / "roads.npz", about=np.frombuffer(b'{"version": 99}', np.uint8))
    with pytest.raises(InvalidInput, match="roads import"):
        RoadMap(tmp_path / "roads.npz").facts()
