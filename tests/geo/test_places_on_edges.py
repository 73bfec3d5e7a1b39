"""Points on borders, in gaps, at sea and on islands: one rule, the same whatever the order of the units and the run.

A point belongs to the unit that covers it, borders included; of several the lowest code has it; what no unit covers
belongs to none, however near one is. Held here to testing every polygon, which knows no index.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from mapper.geo.boundary_file import read_boundaries
from mapper.geo.measure import METRES_PER_DEGREE
from mapper.geo.placing import Placer
from tests.geo.drawing import commune, place, square, write_geojson

CHECKOUT = Path(__file__).resolve().parents[2]
VINTAGES = ("legacy2022_communes_4prov", "vn2025_communes_4prov")


class Communes:
    """A vintage of real communes: codes in their order, outlines, and a placer of them."""

    def __init__(self, file: Path) -> None:
        self.leaves = read_boundaries(file).leaves
        self.codes = [leaf.unit.code for leaf in self.leaves]
        self.wkbs = [leaf.wkb for leaf in self.leaves]
        self.shapes = shapely.from_wkb(np.array(self.wkbs, dtype=object))
        self.placer = Placer.build(self.codes, self.wkbs)

    def placed(self, lon: Any, lat: Any) -> list[str | None]:
        return [self.codes[at] if at >= 0 else None for at in self.placer.place(lon, lat).tolist()]

    def by_every_polygon(self, lon: Any, lat: Any) -> list[str | None]:
        """The lowest code of all units that cover each point."""
        points = shapely.points(lon, lat)
        at, unit = shapely.STRtree(self.shapes).query(points, predicate="intersects")
        found: list[str | None] = [None] * len(points)
        for point, code in sorted(zip(at.tolist(), (self.codes[n] for n in unit), strict=True), reverse=True):
            found[point] = code
        return found


@pytest.fixture(scope="module", params=VINTAGES)
def communes(request: pytest.FixtureRequest, shared: Path) -> Communes:
    return Communes(shared / "geodata" / f"{request.param}.geojson")


def on_borders(communes: Communes) -> tuple[Any, Any, list[set[str]]]:
    """Vertices that two or more units share, and the units that have each."""
    holders: dict[tuple[float, float], set[str]] = {}
    for code, shape in zip(communes.codes, communes.shapes, strict=True):
        for x, y in shapely.get_coordinates(shape).tolist():
            holders.setdefault((x, y), set()).add(code)
    shared_by = [(at, codes) for at, codes in holders.items() if len(codes) > 1][::7]
    lon, lat = np.array([at for at, _ in shared_by]).T
    return lon, lat, [codes for _, codes in shared_by]


def test_a_house_on_a_corner_that_communes_share_is_in_the_one_of_the_lowest_code(communes: Communes) -> None:
    lon, lat, holders = on_borders(communes)
    assert len(holders) > 2000
    assert {len(codes) for codes in holders} >= {2, 3}
    placed = communes.placed(lon, lat)
    assert placed == [min(codes) for codes in holders]
    assert all(
        communes.placer.place_one(x, y) == (code, True)
        for x, y, code in list(zip(lon.tolist(), lat.tolist(), placed, strict=True))[::25]
    )


def test_a_house_on_a_border_line_is_in_one_of_its_two_communes_and_never_in_none(communes: Communes) -> None:
    """Middles of the lines between shared corners: rounding puts most of them a hair to one side or the other."""
    sides: dict[tuple[float, ...], set[str]] = {}
    for code, shape in zip(communes.codes, communes.shapes, strict=True):
        xy, ring = shapely.get_coordinates(shapely.get_rings(shapely.get_parts(shape)), return_index=True)
        for a, b, same in zip(xy[:-1].tolist(), xy[1:].tolist(), (ring[1:] == ring[:-1]).tolist(), strict=True):
            if same:
                sides.setdefault((*min(a, b), *max(a, b)), set()).add(code)
    between = [(line, codes) for line, codes in sides.items() if len(codes) == 2][::7]
    ends = np.array([line for line, _ in between])
    lon, lat = (ends[:, 0] + ends[:, 2]) / 2, (ends[:, 1] + ends[:, 3]) / 2
    placed = communes.placed(lon, lat)
    assert len(between) > 2000
    assert all(code in codes for code, (_, codes) in zip(placed, between, strict=True))
    assert placed == communes.by_every_polygon(lon, lat)


def test_a_boat_five_kilometres_off_the_coast_is_in_no_commune(communes: Communes) -> None:
    land = shapely.coverage_union_all(communes.shapes)
    rough = shapely.simplify(land, 500 / METRES_PER_DEGREE)
    around = shapely.get_coordinates(shapely.buffer(rough, 5500 / METRES_PER_DEGREE, quad_segs=2))[::3]
    near = np.array(shapely.get_parts(land), dtype=object)
    at = shapely.STRtree(near).nearest(shapely.points(around))
    off = shapely.distance(near[at], shapely.points(around)) * METRES_PER_DEGREE
    around = around[(off > 4900) & (off < 6100)]
    assert len(around) > 100
    assert set(communes.placed(*around.T)) == {None}


def test_a_raft_thirty_metres_from_the_shore_is_in_no_commune_either(communes: Communes) -> None:
    """No unit draws in what it does not cover: the commune that the canvasser chose counts there."""
    coast = shapely.get_coordinates(
        shapely.get_exterior_ring(shapely.get_parts(shapely.coverage_union_all(communes.shapes)))
    )
    turned = np.random.default_rng(2).uniform(0, 2 * np.pi, len(coast))
    near = (coast + np.column_stack((np.cos(turned), np.sin(turned))) * 30 / METRES_PER_DEGREE)[::11]
    placed = communes.placed(*near.T)
    assert placed == communes.by_every_polygon(*near.T)
    assert placed.count(None) > 500


def test_an_island_is_in_its_commune_and_the_water_around_it_in_none(communes: Communes) -> None:
    """Each lesser part of a commune of several, and the water half way from it to the nearest other ground."""
    parts, of = shapely.get_parts(communes.shapes, return_index=True)
    land = shapely.get_parts(shapely.coverage_union_all(communes.shapes))
    tree = shapely.STRtree(land)
    tried = 0
    for island, unit in zip(parts, of.tolist(), strict=True):
        (alone,) = tree.query(shapely.point_on_surface(island), predicate="intersects")
        if not land[alone].equals(island):
            continue
        x, y = shapely.get_coordinates(shapely.point_on_surface(island))[0]
        assert communes.placer.place_one(x, y) == (communes.codes[unit], False)
        others = np.delete(land, alone)
        nearest = others[shapely.STRtree(others).nearest(island)]
        if shapely.distance(island, nearest) * METRES_PER_DEGREE < 1:
            continue  # they touch in a corner
        water = shapely.get_coordinates(shapely.shortest_line(island, nearest)).mean(axis=0)
        assert communes.placer.place_one(*water.tolist()) == (None, False)
        tried += 1
    assert tried > 10


def test_the_order_of_the_units_and_another_run_change_nothing(communes: Communes, tmp_path: Path) -> None:
    lon, lat, _ = on_borders(communes)
    west, south, east, north = shapely.total_bounds(communes.shapes)
    chance = np.random.default_rng(11)
    lon = np.append(lon, chance.uniform(west, east, 20_000))
    lat = np.append(lat, chance.uniform(south, north, 20_000))
    first = communes.placed(lon, lat)
    assert first == communes.by_every_polygon(lon, lat)
    order = chance.permutation(len(communes.codes)).tolist()
    shuffled = Placer.build([communes.codes[n] for n in order], [communes.wkbs[n] for n in order])
    assert [shuffled.codes[at] if at >= 0 else None for at in shuffled.place(lon, lat).tolist()] == first
    # Another process, which reads the index as it is kept.
    (tmp_path / "placer").write_bytes(shuffled.to_bytes())
    np.save(tmp_path / "points.npy", np.column_stack((lon, lat)))
    work = (
        "import sys, numpy as np; from pathlib import Path; from mapper.geo.placing import Placer;"
        "placer = Placer.from_bytes(Path(sys.argv[1]).read_bytes()); points = np.load(sys.argv[2]);"
        "found = placer.place(points[:, 0].copy(), points[:, 1].copy());"
        "print('\\n'.join(placer.codes[at] if at >= 0 else '-' for at in found.tolist()))"
    )
    told = subprocess.run(
        [sys.executable, "-c", work, str(tmp_path / "placer"), str(tmp_path / "points.npy")],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert [None if code == "-" else code for code in told.stdout.split()] == first


def test_a_river_with_an_island_in_it(tmp_path: Path) -> None:
    """A wide river between two banks, and an island in it that is the southern commune's; the water is nobody's.

    A lake inside a commune, and a gap narrow enough to be closed by the import, are drawn beside it.
    """
    island, lake = square(1, 1.4, 0.6, 0.6), square(3.2, 0.2, 0.6, 0.6)
    south = shapely.union_all([square(0, 0, 5).difference(lake), island])
    north, east = square(0, 2.4, 5), square(5.1, 0, 1, 3.4)
    banks = [commune("00009", south, "Xã Nam"), commune("00002", north, "Xã Bắc"), commune("00005", east, "Xã Đông")]
    # A bridge at each end makes the slit between them and the eastern commune a gap.
    bridges = [commune("00007", square(5, 0, 0.1, 0.4), "Xã Cầu"), commune("00008", square(5, 3, 0.1, 0.4), "Xã Cống")]
    answers = []
    for name, rows in (("one", [*banks, *bridges]), ("two", [*bridges, *banks][::-1])):
        leaves = read_boundaries(write_geojson(tmp_path / f"{name}.geojson", rows)).leaves
        placer = Placer.build([leaf.unit.code for leaf in leaves], [leaf.wkb for leaf in leaves])
        spots = {
            "island": place(1.3, 1.7),
            "its shore": place(1, 1.7),
            "water beside it": place(1.8, 1.7),
            "water above it": place(1.3, 2.2),
            "southern bank": place(2, 1),
            "northern bank": place(2, 2.4),
            "lake": place(3.5, 0.5),
            "lake shore": place(3.2, 0.5),
            "off the coast": place(-0.01, 0.5),
        }
        answers.append({what: placer.place_one(*(round(v, 9) for v in at)) for what, at in spots.items()})
    assert answers[0] == {
        "island": ("00009", False),
        "its shore": ("00009", True),
        "water beside it": (None, False),
        "water above it": (None, False),
        "southern bank": ("00009", True),
        "northern bank": ("00002", True),
        "lake": (None, False),
        "lake shore": ("00009", True),
        "off the coast": (None, False),
    }
    assert answers[1] == answers[0]
