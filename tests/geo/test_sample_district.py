"""The sample district: 14 communes by name and code, approximate outlines, invented hamlets well inside them."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import shapely

from mapper.errors import InvalidBoundaries
from mapper.geo.approximate import approximate_outlines, approximate_set, merged_set
from mapper.geo.boundary_file import BoundaryFile, read_boundaries
from mapper.geo.measure import areas_km2, in_metres
from tests.geo.drawing import STEP, place, square

CHECKOUT = Path(__file__).resolve().parents[2]
CENTRES = CHECKOUT / "geodata" / "bach_thong_communes.csv"
OUTLINE = CHECKOUT / "geodata" / "bach_thong_outline.geojson"
HEIRS = CHECKOUT / "geodata" / "bach_thong_successors_2025.csv"
CAMPAIGNS = ("covid19", "measles")


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def made() -> bytes:
    return approximate_set(CENTRES, OUTLINE)


@pytest.fixture(scope="module")
def district(made: bytes, tmp_path_factory: pytest.TempPathFactory) -> BoundaryFile:
    path = tmp_path_factory.mktemp("sample") / "bach_thong.geojson"
    path.write_bytes(made)
    return read_boundaries(path)


def test_the_sample_imports_like_any_boundary_file(district: BoundaryFile) -> None:
    assert district.levels == ("province", "district", "commune")
    assert district.findings == ()
    assert [shape.unit.name for shape in district.units[:2]] == ["Tỉnh Bắc Kạn", "Huyện Bạch Thông"]
    assert [shape.unit.code for shape in district.units[:2]] == ["06", "063"]
    assert len(district.leaves) == 14
    assert {leaf.unit.parent_code for leaf in district.leaves} == {"063"}


def test_every_outline_says_that_it_is_approximate(made: bytes) -> None:
    features = json.loads(made)["features"]
    assert len(features) == 14
    assert all(feature["properties"]["approximate"] is True for feature in features)
    assert not any({"lon", "lat", "area_km2"} & feature["properties"].keys() for feature in features)


def test_outlines_are_made_the_same_every_time(made: bytes) -> None:
    assert approximate_set(CENTRES, OUTLINE) == made


def test_each_cell_holds_its_own_centre_in_one_piece_of_about_its_size(district: BoundaryFile) -> None:
    rows = {row["commune_code"]: row for row in table(CENTRES)}
    assert [leaf.unit.code for leaf in district.leaves] == sorted(rows)
    total = sum(float(row["area_km2"]) for row in rows.values())
    drawn = district.units[0].area_km2
    for leaf in district.leaves:
        row, shape = rows[leaf.unit.code], shapely.from_wkb(leaf.wkb)
        assert leaf.unit.name == row["commune_name"]
        assert shape.contains(shapely.Point(float(row["lon"]), float(row["lat"])))
        assert len(shape.geoms) == 1
        assert leaf.area_km2 == pytest.approx(float(row["area_km2"]) * drawn / total, rel=0.1)


def test_the_drawn_outline_is_rough() -> None:
    corners = json.loads(OUTLINE.read_bytes())["features"][0]["geometry"]["coordinates"][0]
    assert 25 <= len(corners) - 1 <= 40
    assert all(round(value, 2) == value for corner in corners for value in corner)


def test_communes_are_those_of_the_official_list_of_2022(shared: Path) -> None:
    official = table(shared / "geodata" / "legacy2022_units.csv")
    names = ("province_code", "province_name", "district_code", "district_name", "commune_code", "commune_name")
    expected = [{name: row[name] for name in names} for row in official if row["district_code"] == "063"]
    assert [{name: row[name] for name in names} for row in table(CENTRES)] == expected


def test_the_outlines_are_no_copy_of_real_ones(district: BoundaryFile, shared: Path) -> None:
    real = read_boundaries(shared / "geodata" / "legacy2022_communes_4prov.geojson")
    ours, theirs = (
        {tuple(xy) for leaf in found.leaves for xy in shapely.get_coordinates(shapely.from_wkb(leaf.wkb)).tolist()}
        for found in (district, real)
    )
    assert len(theirs) > 100_000
    assert not ours & theirs


def test_hamlets_stand_well_inside_their_communes(district: BoundaryFile) -> None:
    outlines = {leaf.unit.code: shapely.from_wkb(leaf.wkb) for leaf in district.leaves}
    hamlets = table(CHECKOUT / "geodata" / "bach_thong_hamlets.csv")
    assert len(hamlets) == len({row["code"] for row in hamlets}) == 56
    for row in hamlets:
        outline = outlines[row["code"][:5]]
        point = shapely.Point(float(row["lon"]), float(row["lat"]))
        metric = in_metres(np.array([outline.boundary, point], dtype=object))
        assert outline.contains(point)
        assert shapely.distance(metric[0], metric[1]) > 700


@pytest.mark.parametrize("campaign", CAMPAIGNS)
def test_hamlet_and_commune_lists_agree_with_the_district(campaign: str) -> None:
    communes = table(CHECKOUT / "forms" / campaign / "communes.csv")
    assert communes == [
        {"name": row["commune_code"], "label": row["commune_name"], "district": row["district_code"]}
        for row in table(CENTRES)
    ]
    hamlets = table(CHECKOUT / "forms" / campaign / "hamlets.csv")
    placed = table(CHECKOUT / "geodata" / "bach_thong_hamlets.csv")
    assert [row["name"] for row in hamlets] == [row["code"] for row in placed]
    assert all(row["name"][:5] == row["commune"] and len(row["name"]) == 7 for row in hamlets)
    assert {row["commune"] for row in hamlets} == {row["name"] for row in communes}
    assert len({(row["commune"], row["label"]) for row in hamlets}) == 56
    assert all(18 <= int(row["households"]) <= 50 for row in hamlets)
    assert sum(int(row["households"]) for row in hamlets) == 1750


def test_cells_take_the_proportions_asked_for() -> None:
    """A field of 10 by 10 steps between two centres, one to have three times the ground of the other."""
    centres = np.array([place(3, 5), place(9, 5)])
    cells = approximate_outlines(centres, np.array([3.0, 1.0]), square(0, 0, 10, 10))
    areas = areas_km2(cells)
    assert areas[0] / areas[1] == pytest.approx(3, rel=0.1)
    assert shapely.coverage_is_valid(cells)
    assert cells[0].bounds[2] == pytest.approx(place(7.5, 5)[0], abs=0.2 * STEP)


def test_a_centre_stays_in_its_cell_even_where_its_neighbour_wants_more() -> None:
    """One to a thousand would put the border beyond the small cell's centre: it stops short of it."""
    centres = np.array([place(3, 5), place(7, 5)])
    cells = approximate_outlines(centres, np.array([1000.0, 1.0]), square(0, 0, 10, 10))
    assert shapely.contains(cells, shapely.points(centres)).all()
    assert cells[0].area > cells[1].area


def test_a_cell_cut_in_two_by_the_outline_gives_its_far_piece_away() -> None:
    """Two arms of a U: the cell of the left arm's centre reaches across into the right arm, which has its own."""
    outline = square(0, 0, 10, 10).difference(square(4, 0, 2, 8))
    centres = np.array([place(1, 1), place(7, 1), place(5, 9)])
    cells = approximate_outlines(centres, np.array([60.0, 10.0, 10.0]), outline)
    assert [len(shapely.get_parts(cell)) for cell in cells] == [1, 1, 1]
    assert shapely.union_all(cells).symmetric_difference(outline).area < 1e-9
    assert shapely.contains(cells, shapely.points(centres)).all()


@pytest.mark.parametrize("centres", [[place(1, 1), place(1, 1)], [place(1, 1), place(11, 1)]])
def test_centres_outside_or_twice_are_refused(centres: list[tuple[float, float]]) -> None:
    with pytest.raises(InvalidBoundaries, match="inside the outline"):
        approximate_outlines(np.array(centres), np.array([1.0, 1.0]), square(0, 0, 10, 10))


def test_a_list_of_centres_without_numbers_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "centres.csv"
    path.write_text("commune_code,lon,lat,area_km2\n00001,106,,5\n", "utf-8")
    with pytest.raises(InvalidBoundaries, match=r"centres\.csv needs the columns"):
        approximate_set(path, OUTLINE)


def test_the_communes_of_2025_are_those_of_2022_joined(
    made: bytes, district: BoundaryFile, tmp_path: Path, shared: Path
) -> None:
    path = tmp_path / "thai_nguyen.geojson"
    path.write_bytes(merged_set(made, HEIRS))
    later = read_boundaries(path)
    assert later.levels == ("province", "commune"), "districts are no more"
    assert later.findings == ()
    old, new = ({leaf.unit.code: leaf for leaf in one.leaves} for one in (district, later))
    heirs = {row["old_code"]: row["new_code"] for row in table(HEIRS)}
    assert heirs.keys() == old.keys()
    assert set(heirs.values()) == new.keys() == {"01849", "01969", "01981", "02008", "02014"}
    for code, leaf in new.items():
        together = sum(old[one].area_km2 for one, heir in heirs.items() if heir == code)
        assert leaf.area_km2 == pytest.approx(together, rel=1e-6)
    with (shared / "geodata" / "crosswalk_202503_to_202507_national.csv").open(encoding="utf-8", newline="") as file:
        told = {row["legacy_code"]: row for row in csv.DictReader(file) if row["legacy_district_code"] == "063"}
    assert heirs == {code: row["new_code"] for code, row in told.items()}
    assert {row["new_code"]: row["new_name"] for row in table(HEIRS)} == {
        row["new_code"]: row["new_name"] for row in told.values()
    }


def test_a_unit_without_an_outline_is_named(made: bytes, tmp_path: Path) -> None:
    heirs = tmp_path / "heirs.csv"
    heirs.write_text("old_code,new_code,new_name,new_province_code,new_province_name\n99999,1,X,19,Y\n", "utf-8")
    with pytest.raises(InvalidBoundaries, match="99999"):
        merged_set(made, heirs)
