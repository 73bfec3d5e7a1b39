"""Which fields tell codes, names and levels, and codes that a spreadsheet has shortened."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mapper.domain.places import Unit
from mapper.errors import InvalidBoundaries
from mapper.geo.boundary_file import BoundaryFile, read_boundaries
from mapper.geo.fields import LevelFields, ReadOptions, choose_fields, guess_level
from tests.geo.drawing import codes_of, commune, square, told, write_geojson


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (
            "commune_code commune_name commune_type district_code district_name province_code province_name pop_2009",
            [
                ("commune", "commune_code", "commune_name"),
                ("district", "district_code", "district_name"),
                ("province", "province_code", "province_name"),
            ],
        ),
        (
            "MA_XA TEN_XA MA_HUYEN TEN_HUYEN MA_TINH TEN_TINH",
            [
                ("commune", "MA_XA", "TEN_XA"),
                ("district", "MA_HUYEN", "TEN_HUYEN"),
                ("province", "MA_TINH", "TEN_TINH"),
            ],
        ),
        ("maXa tenXa maTinh", [("commune", "maXa", "tenXa"), ("province", "maTinh", None)]),
        ("Mã xã|Tên xã", [("commune", "Mã xã", "Tên xã")]),
        (
            "GID_1 NAME_1 GID_2 NAME_2 VARNAME_2",
            [("district", "GID_2", "NAME_2"), ("province", "GID_1", "NAME_1")],
        ),
        (
            "ADM2_VI ADM2_PCODE ADM1_VI ADM1_PCODE",
            [("district", "ADM2_PCODE", "ADM2_VI"), ("province", "ADM1_PCODE", "ADM1_VI")],
        ),
        ("ward_code ward_name legacy_province_code", [("commune", "ward_code", "ward_name")]),
        ("code name", [("", "code", "name")]),
        ("id", [("", "id", None)]),
    ],
)
def test_fields_are_guessed_from_their_names(fields: str, expected: list[tuple[str, str, str | None]]) -> None:
    found = choose_fields(fields.split("|") if "|" in fields else fields.split(), ReadOptions())
    assert found == [LevelFields(*one) for one in expected]


def test_what_the_importer_says_goes_before_the_guess() -> None:
    fields = ["commune_code", "commune_name", "old_code", "old_name", "group", "group_name", "province_code"]
    assert choose_fields(fields, ReadOptions(code="old_code", name="old_name", level="ward"))[0] == LevelFields(
        "ward", "old_code", "old_name"
    )
    options = ReadOptions(parent="group", parent_name="group_name", parent_level="cluster")
    assert choose_fields(fields, options) == [
        LevelFields("commune", "commune_code", "commune_name"),
        LevelFields("cluster", "group", "group_name"),
    ]


@pytest.mark.parametrize(
    ("fields", "options", "message"),
    [
        (["area", "perimeter"], ReadOptions(), "No field looks like a code"),
        ([], ReadOptions(), "No field looks like a code"),
        (["code"], ReadOptions(code="ma"), "has no field ma"),
        (["code"], ReadOptions(name="ten"), "has no field ten"),
        (["code", "up"], ReadOptions(parent="up"), "Say what level the parent field up holds"),
        (["code"], ReadOptions(parent="up"), "has no field up"),
    ],
)
def test_fields_that_do_not_tell_are_refused(fields: list[str], options: ReadOptions, message: str) -> None:
    with pytest.raises(InvalidBoundaries, match=message):
        choose_fields(fields, options)


def test_a_level_is_guessed_from_the_official_width_of_its_codes() -> None:
    assert [guess_level(codes) for codes in (["01", "06"], ["058", "063"], ["01834", "01969"])] == [
        "province",
        "district",
        "commune",
    ]
    for codes in (["1", "22"], ["A01", "B02"], ["1234"], []):
        with pytest.raises(InvalidBoundaries, match="Say what level"):
            guess_level(codes)


def read(tmp_path: Path, codes: list[Any], known: tuple[Unit, ...] = (), field: str = "commune_code") -> BoundaryFile:
    rows = [({field: code, "name": f"Xã {n}"}, square(n, 0)) for n, code in enumerate(codes)]
    return read_boundaries(write_geojson(tmp_path / "a.geojson", rows), known=known)


@pytest.mark.parametrize(
    ("codes", "expected", "lost"),
    [
        (["01834", "31513"], ["01834", "31513"], None),
        ([1834, 31513], ["01834", "31513"], "1"),  # numbers
        ([1834, 1837], ["01834", "01837"], "2"),
        ([1834.0, 31513.0], ["01834", "31513"], "1"),
        (["1834", "31513"], ["01834", "31513"], "1"),  # text out of a spreadsheet
        (["26", "027", "1834"], ["00026", "00027", "01834"], "3"),
        ([31513, 31516], ["31513", "31516"], None),
        (["A1", "B22"], ["A1", "B22"], None),
        ([" 01834 ", "01837"], ["01834", "01837"], None),
    ],
)
def test_lost_leading_zeros_are_put_back_and_reported(
    tmp_path: Path, codes: list[Any], expected: list[str], lost: str | None
) -> None:
    found = read(tmp_path, codes)
    assert [leaf.unit.code for leaf in found.leaves] == expected
    if lost is None:
        assert "codes_lost_zeros" not in codes_of(found.findings)
    else:
        assert told(found.findings, "codes_lost_zeros")["count"] == lost


def test_short_codes_of_one_length_are_left_but_reported(tmp_path: Path) -> None:
    found = read(tmp_path, ["1834", "1837"])
    assert [leaf.unit.code for leaf in found.leaves] == ["1834", "1837"]
    assert told(found.findings, "codes_short")["width"] == "5"


def test_known_codes_say_how_long_codes_are(tmp_path: Path) -> None:
    known = (Unit("0000012", "Xã 0", "commune"),)
    assert [leaf.unit.code for leaf in read(tmp_path, [12, 13], known).leaves] == ["0000012", "0000013"]


def test_codes_that_meet_once_their_zeros_are_back_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidBoundaries, match="Code 01834 stands 2 times"):
        read(tmp_path, ["1834", "01834"])


@pytest.mark.parametrize("code", [True, 1.5, ["01834"], {"a": 1}])
def test_what_is_no_code_is_refused(tmp_path: Path, code: object) -> None:
    with pytest.raises(InvalidBoundaries, match="is no code"):
        read(tmp_path, ["01834", code])


@pytest.mark.parametrize("code", [None, "", "  "])
def test_a_unit_without_code_is_refused(tmp_path: Path, code: object) -> None:
    with pytest.raises(InvalidBoundaries, match="Row 2 has no code"):
        read(tmp_path, ["01834", code])


def test_a_plain_file_needs_its_level_unless_the_codes_tell(tmp_path: Path) -> None:
    assert read(tmp_path, ["01834", "01837"], field="code").leaf_level == "commune"
    rows = [({"code": "X1", "name": "A"}, square(0, 0))]
    path = write_geojson(tmp_path / "b.geojson", rows)
    with pytest.raises(InvalidBoundaries, match="Say what level"):
        read_boundaries(path)
    assert read_boundaries(path, ReadOptions(level="zone")).levels == ("zone",)


def test_unit_and_parent_cannot_be_of_one_level(tmp_path: Path) -> None:
    path = write_geojson(tmp_path / "a.geojson", [commune("00001", square(0, 0), group="001")])
    with pytest.raises(InvalidBoundaries, match="cannot both be"):
        read_boundaries(path, ReadOptions(parent="group", parent_level="commune"))
    assert read_boundaries(path, ReadOptions(parent="group", parent_level="group")).levels == ("group", "commune")
