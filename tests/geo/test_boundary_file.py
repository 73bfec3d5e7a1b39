"""Units of every level out of one file, and what is said about the names and codes in it."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
import shapely

from mapper.domain.places import Unit
from mapper.errors import InvalidBoundaries
from mapper.geo.boundary_file import BoundaryFile, read_boundaries
from mapper.geo.fields import ReadOptions, read_upper
from tests.geo.drawing import Row, codes_of, place, square, told, write_geojson


def leaf(code: str, column: int, name: str, district: str | None = "001", province: str | None = "01") -> Row:
    fields = {
        "commune_code": code,
        "commune_name": name,
        "district_code": district,
        "district_name": None if district is None else f"Huyện {district}",
        "province_code": province,
        "province_name": None if province is None else f"Tỉnh {province}",
    }
    return fields, square(column, 0)


#   | 00001 | 00002 | 00003 | 00004 |
#   |  district 001 |  002  |  003  |
#   |      province 01      |  02   |
FOUR = [
    leaf("00003", 2, "Xã C", "002"),
    leaf("00001", 0, "Xã A"),
    leaf("00004", 3, "Xã D", "003", "02"),
    leaf("00002", 1, "Xã B"),
]


def read(
    tmp_path: Path, rows: list[Row], options: ReadOptions | None = None, known: tuple[Unit, ...] = ()
) -> BoundaryFile:
    return read_boundaries(write_geojson(tmp_path / "a.geojson", rows), options, known)


def test_upper_units_are_dissolved_from_the_leaves(tmp_path: Path) -> None:
    found = read(tmp_path, FOUR)
    assert found.levels == ("province", "district", "commune")
    assert found.leaf_level == "commune"
    assert found.findings == ()
    assert [shape.unit for shape in found.units] == [
        Unit("01", "Tỉnh 01", "province", None),
        Unit("02", "Tỉnh 02", "province", None),
        Unit("001", "Huyện 001", "district", "01"),
        Unit("002", "Huyện 002", "district", "01"),
        Unit("003", "Huyện 003", "district", "02"),
        Unit("00001", "Xã A", "commune", "001"),
        Unit("00002", "Xã B", "commune", "001"),
        Unit("00003", "Xã C", "commune", "002"),
        Unit("00004", "Xã D", "commune", "003"),
    ]
    outlines = {shape.unit.code: shapely.from_wkb(shape.wkb) for shape in found.units}
    assert outlines["001"].equals(square(0, 0, width=2))
    assert outlines["01"].equals(square(0, 0, width=3))
    areas = {shape.unit.code: shape.area_km2 for shape in found.units}
    assert areas["01"] == pytest.approx(areas["00001"] + areas["00002"] + areas["00003"])


def test_upper_units_are_left_out_when_the_importer_says_so(tmp_path: Path) -> None:
    found = read(tmp_path, FOUR, ReadOptions(dissolve=False))
    assert found.levels == ("commune",)
    assert [shape.unit.parent_code for shape in found.units] == ["001", "001", "002", "003"]


def test_a_chosen_parent_field_replaces_the_guess(tmp_path: Path) -> None:
    options = ReadOptions(parent="province_code", parent_name="province_name", parent_level="province")
    found = read(tmp_path, FOUR, options)
    assert found.levels == ("province", "commune")
    assert [shape.unit.parent_code for shape in found.leaves] == ["01", "01", "01", "02"]


def test_a_unit_under_two_parents_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidBoundaries, match="district 001 stands under both 01 and 02"):
        read(tmp_path, [leaf("00001", 0, "Xã A"), leaf("00002", 1, "Xã B", "001", "02")])


def test_a_unit_without_parent_counts_in_none_and_that_is_said(tmp_path: Path) -> None:
    found = read(tmp_path, [leaf("00001", 0, "Xã A"), leaf("00002", 1, "Xã B", None, None)])
    assert [shape.unit.parent_code for shape in found.leaves] == ["001", None]
    alone = [dict(finding.facts) for finding in found.findings if finding.code == "no_parent"]
    assert alone == [
        {"count": "1", "level": level, "units": "00002 Xã B", "field": f"{level}_code"}
        for level in ("district", "province")
    ]
    assert {s.unit.code: s.area_km2 for s in found.units}["001"] == pytest.approx(found.leaves[0].area_km2)


def test_of_many_units_without_parent_the_first_are_named(tmp_path: Path) -> None:
    rows = [leaf("00000", 0, "Xã A"), *(leaf(f"{at:05}", at, f"Xã {at}", None, None) for at in range(1, 13))]
    facts = next(dict(one.facts) for one in read(tmp_path, rows).findings if one.code == "no_parent")
    assert facts["count"] == "12" and facts["units"].endswith("00010 Xã 10, …")


def test_units_directly_under_an_outer_one_have_one_in_between_and_that_is_said(tmp_path: Path) -> None:
    rows = [leaf("00001", 0, "Xã A"), leaf("00002", 1, "Đặc khu B", None), leaf("00003", 2, "Xã C", None, "02")]
    found = read(tmp_path, rows)
    assert found.levels == ("province", "district", "commune")
    units = {(shape.unit.level, shape.unit.code): shape for shape in found.units}
    assert [shape.unit.parent_code for shape in found.leaves] == ["001", "01-0", "02-0"]
    between = units["district", "01-0"]
    assert (between.unit.name, between.unit.parent_code) == ("Tỉnh 01 (trực thuộc)", "01")
    assert between.area_km2 == pytest.approx(units["commune", "00002"].area_km2)
    assert units["province", "01"].area_km2 == pytest.approx(between.area_km2 + units["district", "001"].area_km2)
    (first, _) = [finding for finding in found.findings if finding.code == "bridged"]
    assert dict(first.facts)["units"] == "00002"
    assert not [finding for finding in found.findings if finding.code in ("no_parent", "no_name")]


def test_levels_of_any_word_are_read_where_their_fields_are_told(tmp_path: Path) -> None:
    rows = [
        (fields | {"khu": f"K{at // 2}", "ten_khu": f"Khu {at // 2}", "mien": "M", "kv": "V"}, box)
        for at, (fields, box) in enumerate(leaf(f"0000{at}", at, f"Xã {at}") for at in range(4))
    ]
    upper = tuple(read_upper(one) for one in ("zone=khu=ten_khu", "area=mien", "country=kv"))
    found = read(tmp_path, rows, ReadOptions(upper=upper))
    assert found.levels == ("country", "area", "zone", "commune")
    assert {s.unit.code: s.unit.name for s in found.units if s.unit.level == "zone"} == {"K0": "Khu 0", "K1": "Khu 1"}
    assert [shape.unit.parent_code for shape in found.leaves] == ["K0", "K0", "K1", "K1"]


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("zone", "names no level with its fields"),
        ("zone=", "names no level with its fields"),
        ("zone=a=b=c", "names no level with its fields"),
        ("Khu vực=district_code", "Khu vực is no word for a level"),
        ("a:b=district_code", "a:b is no word for a level"),
        ("zone=nothing", "has no field nothing"),
        ("commune=district_code", "both be of the level commune"),
    ],
)
def test_a_level_that_cannot_be_is_refused(tmp_path: Path, written: str, message: str) -> None:
    with pytest.raises(InvalidBoundaries, match=message):
        read(tmp_path, FOUR, ReadOptions(upper=(read_upper(written),)))


def test_a_level_whose_field_is_empty_throughout_is_none_and_the_others_hold_together(tmp_path: Path) -> None:
    found = read(tmp_path, [leaf("00001", 0, "Xã A", None), leaf("00002", 1, "Xã B", None)])
    assert found.levels == ("province", "commune")
    assert [shape.unit.parent_code for shape in found.leaves] == ["01", "01"]
    assert told(found.findings, "no_such_level") == {"field": "district_code", "level": "district"}


def test_a_level_around_provinces_is_read_as_well(tmp_path: Path) -> None:
    several = (leaf(f"0000{at}", at, f"Xã {at}") for at in range(2))
    found = read(tmp_path, [(fields | {"MA_VUNG": "V1", "TEN_VUNG": "Vùng núi"}, box) for fields, box in several])
    assert found.levels == ("region", "province", "district", "commune")
    assert {s.unit.code: s.unit.name for s in found.units}["V1"] == "Vùng núi"


def test_the_same_code_with_the_same_outline_is_kept_once(tmp_path: Path) -> None:
    again = (FOUR[1][0], shapely.reverse(FOUR[1][1]))
    found = read(tmp_path, [*FOUR, again])
    assert len(found.leaves) == 4
    assert told(found.findings, "duplicate_rows") == {"code": "00001", "count": "2"}


@pytest.mark.parametrize(
    "other",
    [
        leaf("00001", 5, "Xã E"),
        leaf("00001", 5, "Xã A", "002"),
        leaf("00001", 5, "Xã A", None),
        leaf("00001", 5, "Xã A", "001", "02"),
    ],
    ids=["another name", "another district", "no district", "another province"],
)
def test_the_same_code_with_other_outlines_is_refused_where_name_or_parent_differ(tmp_path: Path, other: Row) -> None:
    with pytest.raises(InvalidBoundaries, match="Code 00001 stands 2 times with different outlines, and not always"):
        read(tmp_path, [*FOUR, other])


def test_the_same_code_without_any_name_is_no_unit_of_several_parts(tmp_path: Path) -> None:
    rows = [({"commune_code": "00001"}, square(0, 0)), ({"commune_code": "00001"}, square(5, 0))]
    with pytest.raises(InvalidBoundaries, match="choose the field that tells the units apart"):
        read(tmp_path, rows)


def test_islands_that_stand_in_rows_of_their_own_are_one_unit(tmp_path: Path) -> None:
    islands = [leaf("00004", 6, "Xã D", "003", "02"), leaf("00004", 8, "Xã  D", "003", "02")]
    found = read(tmp_path, [*FOUR, *islands, islands[0]])
    assert [shape.unit for shape in found.leaves] == [
        Unit("00001", "Xã A", "commune", "001"),
        Unit("00002", "Xã B", "commune", "001"),
        Unit("00003", "Xã C", "commune", "002"),
        Unit("00004", "Xã D", "commune", "003"),
    ]
    united = shapely.from_wkb(found.leaves[3].wkb)
    assert united.equals(shapely.union_all([square(3, 0), square(6, 0), square(8, 0)]))
    assert united.geom_type == "MultiPolygon"
    assert {s.unit.code: s.area_km2 for s in found.units}["02"] == pytest.approx(3 * found.leaves[0].area_km2, rel=1e-3)
    assert told(found.findings, "united_parts") == {"count": "1", "codes": "00004"}
    assert told(found.findings, "duplicate_rows") == {"code": "00004", "count": "2"}


def test_parts_that_touch_or_overlap_become_one_outline_without_a_seam(tmp_path: Path) -> None:
    fields = leaf("00009", 5, "Xã I")[0]
    parts = [(fields, square(5, 0)), (fields, square(6, 0)), (fields, square(5.5, 0))]
    found = read(tmp_path, [*FOUR, *parts])
    (united,) = (shapely.from_wkb(s.wkb) for s in found.leaves if s.unit.code == "00009")
    assert shapely.get_num_geometries(united) == 1
    assert united.equals(square(5, 0, width=2))


def test_a_faulty_part_is_mended_and_told_like_any_outline(tmp_path: Path) -> None:
    bow = shapely.Polygon([place(5, 0), place(6, 1), place(6, 0), place(5, 1)])
    fields = leaf("00009", 5, "Xã I")[0]
    found = read(tmp_path, [*FOUR, (fields, bow), (fields, square(8, 0))])
    (united,) = (shapely.from_wkb(s.wkb) for s in found.leaves if s.unit.code == "00009")
    assert united.is_valid
    assert united.covers(square(8, 0))
    assert {"united_parts", "invalid_rings"} <= {finding.code for finding in found.findings}


def test_a_unit_without_outline_is_left_out_and_named(tmp_path: Path) -> None:
    empty = [(leaf("00008", 0, "Xã H")[0], None), (leaf("00009", 0, "Xã I")[0], shapely.Polygon())]
    found = read(tmp_path, [*FOUR, *empty])
    assert len(found.leaves) == 4
    assert told(found.findings, "no_outline") == {"count": "2", "codes": "00008, 00009"}
    with pytest.raises(InvalidBoundaries, match="no outline at all"):
        read(tmp_path, empty)


def test_names_are_kept_composed_with_single_blanks(tmp_path: Path) -> None:
    name = unicodedata.normalize("NFD", "Xã  Hoà Bình ")
    assert read(tmp_path, [leaf("00001", 0, name)]).leaves[0].unit.name == "Xã Hoà Bình"


def test_siblings_whose_names_differ_only_in_tone_placement_are_reported(tmp_path: Path) -> None:
    rows = [leaf("00001", 0, "Xã Hoà An"), leaf("00002", 1, "Xã Hòa An"), leaf("00003", 2, "Xã Hòa An", "002")]
    found = read(tmp_path, rows)
    assert codes_of(found.findings) == ["siblings_tone"]
    assert told(found.findings, "siblings_tone") == {"codes": "00001, 00002", "names": "Xã Hoà An / Xã Hòa An"}


def test_siblings_of_one_name_are_reported_and_cousins_are_not(tmp_path: Path) -> None:
    rows = [leaf("00001", 0, "Phường 1"), leaf("00002", 1, "Phường 1"), leaf("00003", 2, "Phường 1", "002")]
    assert told(read(tmp_path, rows).findings, "siblings_same") == {"codes": "00001, 00002", "names": "Phường 1"}
    assert read(tmp_path, rows[1:]).findings == ()


def test_names_are_compared_with_the_known_list(tmp_path: Path) -> None:
    rows = [leaf("00001", 0, "Xã Thuỷ An"), leaf("00002", 1, "Xã Tây"), leaf("00003", 2, "Xã C")]
    known = (
        Unit("00001", "Xã Thủy An", "commune"),
        Unit("00002", "Xã Đông", "commune"),  # the code of another place by now
        Unit("00003", "Xã C", "commune"),
        Unit("00003", "XÃ C", "commune"),
        Unit("001", "Xã Thủy An", "district"),
    )
    found = read(tmp_path, rows, known=known)
    assert codes_of(found.findings) == ["name_tone"]
    assert told(found.findings, "name_tone") == {
        "level": "commune",
        "code": "00001",
        "names": "Xã Thuỷ An / Xã Thủy An",
    }


def test_an_upper_unit_of_several_names_takes_the_commonest(tmp_path: Path) -> None:
    rows = [leaf("00001", 0, "A"), leaf("00002", 1, "B"), leaf("00003", 2, "C")]
    rows[0][0]["district_name"] = "Huyện Thuỷ"
    rows[1][0]["district_name"] = rows[2][0]["district_name"] = "Huyện Thủy"
    rows[2][0]["province_name"] = "Tỉnh khác"
    found = read(tmp_path, rows)
    assert {s.unit.level: s.unit.name for s in found.units[:2]} == {"district": "Huyện Thủy", "province": "Tỉnh 01"}
    assert codes_of(found.findings) == ["name_tone", "name_differs"]


def test_a_unit_without_name_takes_the_one_known_or_shows_its_code(tmp_path: Path) -> None:
    rows = [({"ma_xa": f"0000{n}", "ma_huyen": "001"}, square(n, 0)) for n in (1, 2, 3)]
    known = (
        Unit("00001", "Xã A", "commune"),
        Unit("00003", "Xã C", "commune"),
        Unit("00003", "Xã Cũ", "commune"),
        Unit("001", "Huyện I", "district"),
    )
    found = read(tmp_path, rows, known=known)
    assert [shape.unit.name for shape in found.units] == ["Huyện I", "Xã A", "00002", "00003"]
    assert told(found.findings, "no_name")["codes"] == "00002, 00003"
