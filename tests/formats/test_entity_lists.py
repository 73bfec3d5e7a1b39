"""The files of entity lists, written by hand for speed: as the libraries would write and read them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapper.formats.entity_lists import (
    COLUMNS,
    EntityList,
    list_of,
    served_lists,
    write_features,
    write_map,
    write_rows,
)

HOUSE = {
    "name": "11111111-1111-4111-8111-111111111111",
    "label": 'Nhà "Ba", Nà Nghịu',
    "__version": "3",
    "geometry": "22.0500000 105.0500000 0 6.5",
    "state": "someone_due",
    "marker-color": "#b2182b",
}
CELLS = st.text(st.sampled_from("aế, \"';|\\"), max_size=8)


def row(**other: str) -> list[str]:
    told = HOUSE | other
    return [told.get(column, "") for column in COLUMNS[EntityList.HOUSEHOLDS]]


@given(st.lists(st.tuples(*[CELLS] * 4), max_size=6))
def test_rows_are_written_as_the_csv_library_writes_them(rows: list[tuple[str, ...]]) -> None:
    expected = io.StringIO()
    csv.writer(expected, lineterminator="\n").writerows(rows)
    assert write_rows(rows).decode() == expected.getvalue()


def test_what_would_break_a_line_is_a_blank() -> None:
    assert write_rows([["a\r\nb", "c\x00\td", ' "e",\x0bf'], ["", "", ""]]) == b'a b,c d," ""e"", f"\n,,\n'


def test_a_feature_is_a_point_with_the_other_columns_as_its_properties() -> None:
    told = json.loads(write_map([write_features([row(), row(geometry="", name="2")])]))
    (feature,) = told["features"]
    assert feature["id"] == HOUSE["name"]
    assert feature["geometry"] == {"type": "Point", "coordinates": [105.05, 22.05]}
    without = set(COLUMNS[EntityList.HOUSEHOLDS]) - {"geometry"}
    assert set(feature["properties"]) == without | {"title"}
    assert feature["properties"]["title"] == feature["properties"]["label"] == 'Nhà "Ba", Nà Nghịu'


@pytest.mark.parametrize("parts", [[], [b""], [b"", b""]])
def test_a_map_without_houses_is_an_empty_collection(parts: Sequence[bytes]) -> None:
    assert json.loads(write_map(parts)) == {"type": "FeatureCollection", "features": []}


def test_parts_of_a_map_without_houses_leave_no_gap() -> None:
    parts = [write_features([row()]), write_features([row(geometry="")]), write_features([row(), row()])]
    assert len(json.loads(write_map(parts))["features"]) == 3


def test_a_line_break_in_a_name_is_a_blank_on_the_map_too() -> None:
    (feature,) = json.loads(write_map([write_features([row(label="Ba\r\nNà\tNghịu")])]))["features"]
    assert feature["properties"]["label"] == "Ba Nà Nghịu"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("households.csv", EntityList.HOUSEHOLDS),
        ("households.geojson", EntityList.HOUSEHOLDS),
        ("measles_households.geojson", EntityList.HOUSEHOLDS),
        ("people.csv", EntityList.PEOPLE),
        ("people.geojson", None),
        ("households.json", None),
        ("households", None),
        ("trees.geojson", None),
    ],
)
def test_lists_are_known_by_the_names_of_their_files(name: str, kind: EntityList | None) -> None:
    assert list_of(name) == kind


def test_only_lists_that_a_form_declares_are_made_here() -> None:
    media = ["households.geojson", "people.csv", "measles_households.geojson", "hamlets.csv"]
    assert served_lists(media, {"households", "people"}) == {
        "households.geojson": EntityList.HOUSEHOLDS,
        "people.csv": EntityList.PEOPLE,
    }
    assert served_lists(media, set()) == {}
