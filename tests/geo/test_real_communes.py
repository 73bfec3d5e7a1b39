"""The real communes of four provinces, before and after 2025-07-01: imported whole, points placed rightly in both."""

from __future__ import annotations

import json
from collections import Counter
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from mapper.errors import InvalidBoundaries
from mapper.geo.boundary_file import BoundaryFile, read_boundaries
from mapper.geo.placing import Placer
from mapper.geo.shapes import simplified
from tests.geo.drawing import told

pytestmark = pytest.mark.long

POINTS = 20_000


@pytest.fixture(scope="module")
def geodata(shared: Path) -> Path:
    return shared / "geodata"


@pytest.fixture(scope="module")
def legacy(geodata: Path) -> BoundaryFile:
    return read_boundaries(geodata / "legacy2022_communes_4prov.geojson")


@pytest.fixture(scope="module")
def new(geodata: Path) -> BoundaryFile:
    return read_boundaries(geodata / "vn2025_communes_4prov.geojson")


def outlines(found: BoundaryFile) -> Any:
    return shapely.from_wkb(np.array([leaf.wkb for leaf in found.leaves], dtype=object))


@lru_cache(maxsize=4)
def placer_of(found: BoundaryFile) -> Placer:
    """The placer of a file, read back from its kept bytes; built once a file."""
    built = Placer.build([leaf.unit.code for leaf in found.leaves], [leaf.wkb for leaf in found.leaves])
    return Placer.from_bytes(built.to_bytes())


def in_the_file(path: Path) -> list[tuple[str, Any]]:
    """Codes and outlines read with nothing of the product."""
    return [
        (feature["properties"]["commune_code"], shapely.from_geojson(json.dumps(feature["geometry"])))
        for feature in json.loads(path.read_text("utf-8"))["features"]
    ]


def test_all_523_communes_of_2022_import_with_their_districts_and_provinces(
    legacy: BoundaryFile, geodata: Path
) -> None:
    assert Counter(shape.unit.level for shape in legacy.units) == {"province": 4, "district": 42, "commune": 523}
    assert legacy.findings == ()
    assert Counter(shape.unit.parent_code for shape in legacy.units if shape.unit.level == "district") == {
        "06": 8,
        "11": 10,
        "22": 13,
        "94": 11,
    }
    # provinces of the communes: Bắc Kạn 108, Điện Biên 129, Quảng Ninh 177, Sóc Trăng 109
    provinces = {shape.unit.code: shape.unit.parent_code for shape in legacy.units if shape.unit.level == "district"}
    assert Counter(provinces[leaf.unit.parent_code or ""] for leaf in legacy.leaves) == {
        "06": 108,
        "11": 129,
        "22": 177,
        "94": 109,
    }
    stated = {
        feature["properties"]["commune_code"]: feature["properties"]["area_km2"]
        for feature in json.loads((geodata / "legacy2022_communes_4prov.geojson").read_text("utf-8"))["features"]
    }
    for leaf in legacy.leaves:
        assert leaf.area_km2 == pytest.approx(stated[leaf.unit.code], rel=0.005, abs=0.001)


def test_dissolved_districts_are_those_of_the_districts_file(legacy: BoundaryFile, geodata: Path) -> None:
    districts = read_boundaries(geodata / "legacy2022_districts_4prov.geojson")
    ours = {shape.unit: shape for shape in legacy.units if shape.unit.level == "district"}
    assert {leaf.unit for leaf in districts.leaves} == set(ours)
    for leaf in districts.leaves:
        assert ours[leaf.unit].area_km2 == pytest.approx(leaf.area_km2, rel=1e-6)


def test_all_179_communes_of_2025_import(new: BoundaryFile) -> None:
    assert Counter(shape.unit.level for shape in new.units) == {"province": 4, "commune": 179}
    assert new.findings == ()
    assert Counter(leaf.unit.parent_code for leaf in new.leaves) == {"19": 37, "11": 45, "22": 54, "92": 43}


@pytest.mark.parametrize("vintage", ["legacy2022_communes_4prov.geojson", "vn2025_communes_4prov.geojson"])
def test_20000_points_drawn_in_known_communes_are_placed_in_them_in_both_sets(
    vintage: str, legacy: BoundaryFile, new: BoundaryFile, geodata: Path
) -> None:
    """Points are drawn in the outlines of one file; the other set's answer is checked against its file's outlines."""
    known = in_the_file(geodata / vintage)
    rng = np.random.default_rng(20220717)
    drawn = rng.integers(0, len(known), POINTS)
    points = np.empty((POINTS, 2))
    for n in np.unique(drawn):
        outline = known[n][1]
        shapely.prepare(outline)
        west, south, east, north = outline.bounds
        wanted = np.flatnonzero(drawn == n)
        inside = np.empty((0, 2))
        while len(inside) < len(wanted):
            some = rng.uniform([west, south], [east, north], (4 * len(wanted) + 20, 2))
            inside = np.concatenate([inside, some[shapely.contains_xy(outline, some[:, 0], some[:, 1])]])
        points[wanted] = inside[: len(wanted)]

    for found, path in (
        (legacy, geodata / "legacy2022_communes_4prov.geojson"),
        (new, geodata / "vn2025_communes_4prov.geojson"),
    ):
        placer = placer_of(found)
        index = placer.place(points[:, 0], points[:, 1])
        answers = [placer.codes[n] if n >= 0 else None for n in index.tolist()]
        if path.name == vintage:
            assert answers == [known[n][0] for n in drawn]
        else:
            other = in_the_file(path)
            tree = shapely.STRtree([outline for _, outline in other])
            point, unit = tree.query(shapely.points(points), predicate="intersects")
            expected: dict[int, str] = {}
            for p, u in zip(point.tolist(), unit.tolist(), strict=True):
                expected[p] = min(expected.get(p, "99999"), other[u][0])
            assert answers == [expected.get(n) for n in range(POINTS)]
        singly = [placer.place_one(x, y)[0] for x, y in points[:2000].tolist()]
        assert singly == answers[:2000]


def test_corners_of_real_communes_go_to_the_lowest_code_that_touches_them(legacy: BoundaryFile) -> None:
    shapes = outlines(legacy)
    placer = placer_of(legacy)
    corners = np.unique(shapely.get_coordinates(shapes), axis=0)
    corners = np.random.default_rng(5).permutation(corners)[:3000]
    point, unit = shapely.STRtree(shapes).query(shapely.points(corners), predicate="intersects")
    lowest = np.full(len(corners), len(shapes))
    np.minimum.at(lowest, point, unit)  # the leaves stand in the order of their codes
    assert placer.place(corners[:, 0], corners[:, 1]).tolist() == lowest.tolist()
    assert (np.bincount(point) > 1).sum() > 1000  # these are shared
    for n in range(0, 3000, 10):
        assert placer.place_one(*corners[n].tolist()) == (placer.codes[lowest[n]], True)


@pytest.mark.parametrize(
    ("lon", "lat"),
    [(0.0, 0.0), (108.5, 20.0), (105.84, 21.03), (107.2, 22.8), (22.2, 105.9)],
)
def test_the_gulf_hanoi_china_and_swapped_axes_lie_in_no_commune(
    lon: float, lat: float, legacy: BoundaryFile, new: BoundaryFile
) -> None:
    for found in (legacy, new):
        assert placer_of(found).place_one(lon, lat) == (None, False)


def test_the_raw_outlines_are_reported_and_mended(geodata: Path) -> None:
    found = read_boundaries(geodata / "legacy2022_communes_4prov_raw_lowres.geojson")
    overlaps, gaps = told(found.findings, "overlaps"), told(found.findings, "gaps")
    assert (overlaps["count"], overlaps["area_km2"]) == ("963", "51.96")
    assert (gaps["count"], gaps["area_km2"], gaps["kept"]) == ("1749", "56.49", "0")
    shapes = outlines(found)
    assert len(shapes) == 523
    assert shapely.is_valid(shapes).all()
    assert shapely.coverage_is_valid(shapes)
    whole = shapely.coverage_union_all(shapes)
    assert sum(len(part.interiors) for part in shapely.get_parts(whole)) == 0
    # 31513 Phường 1 shares 0.066 km2 of its 0.275 with 31516, the largest share of any
    worst = found.changes[0]
    assert (worst.code, round(worst.before_km2, 3), round(worst.after_km2, 3)) == ("31513", 0.275, 0.209)
    assert sum(leaf.area_km2 for leaf in found.leaves) == pytest.approx(23588.7, abs=0.1)


def test_points_of_interest_are_no_boundary_set(geodata: Path) -> None:
    with pytest.raises(InvalidBoundaries, match="596 Point"):
        read_boundaries(geodata / "osm_poi_4prov.geojson")


def test_names_of_2025_that_two_lists_spell_differently_are_found(
    new: BoundaryFile, geodata: Path, tmp_path: Path
) -> None:
    """The file carries the map's spelling beside the list's: read with that, each difference in tone is named."""
    data = json.loads((geodata / "vn2025_communes_4prov.geojson").read_text("utf-8"))
    differing = [
        p["commune_code"] for p in (f["properties"] for f in data["features"]) if p["commune_name"] != p["name_on_map"]
    ]
    for feature in data["features"]:
        feature["properties"]["commune_name"] = feature["properties"]["name_on_map"]
    path = tmp_path / "map.geojson"
    path.write_text(json.dumps(data), "utf-8")
    again = read_boundaries(path, known=[leaf.unit for leaf in new.leaves])
    reported = [dict(f.facts)["code"] for f in again.findings if f.code == "name_tone"]
    assert set(reported) <= set(differing)
    assert len(reported) > 5


@pytest.mark.parametrize("zoom", [5, 8, 11])
def test_simplified_communes_stay_a_coverage_and_none_is_lost(zoom: int, legacy: BoundaryFile) -> None:
    found = simplified([(leaf.unit.code, leaf.wkb) for leaf in legacy.leaves], zoom)
    shapes = shapely.from_geojson(np.array([text for _, text in found], dtype=object))
    assert [code for code, _ in found] == [leaf.unit.code for leaf in legacy.leaves]
    assert shapely.is_valid(shapes).all()
    assert not shapely.is_empty(shapes).any()
    apart = ~shapely.is_empty(shapely.coverage_invalid_edges(shapes))
    assert apart.sum() <= 10  # wards smaller than a pixel, kept with finer corners than their neighbours
