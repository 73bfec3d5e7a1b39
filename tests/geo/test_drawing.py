"""Areas as somebody drew them on the map."""

from __future__ import annotations

import json

import pytest
import shapely

from mapper.errors import InvalidInput
from mapper.geo.drawing import MOST_CORNERS, as_geojson, cut, lies_within, read_drawing

SQUARE = [[105.0, 22.0], [105.1, 22.0], [105.1, 22.1], [105.0, 22.1], [105.0, 22.0]]
WHOLE = shapely.to_wkb(shapely.box(105.0, 22.0, 105.1, 22.1))
NEXT_DOOR = shapely.to_wkb(shapely.box(105.1, 22.0, 105.2, 22.1))


def polygon(*rings: object) -> str:
    return json.dumps({"type": "Polygon", "coordinates": rings})


def area(wkb: bytes) -> float:
    return round(shapely.from_wkb(wkb).area, 8)


@pytest.mark.parametrize(
    "text",
    [
        polygon(SQUARE),
        json.dumps({"type": "MultiPolygon", "coordinates": [[SQUARE]]}),
        json.dumps({"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": [SQUARE]}}),
        polygon([[*corner, 300.0] for corner in SQUARE]),
    ],
    ids=["polygon", "several", "feature", "with heights"],
)
def test_a_drawn_square_becomes_an_area(text: str) -> None:
    shape = shapely.from_wkb(read_drawing(text))
    assert shape.geom_type == "MultiPolygon"
    assert not shape.has_z
    assert round(shape.area, 8) == 0.01
    assert json.loads(as_geojson(read_drawing(text)))["type"] == "MultiPolygon"


def test_lines_that_cross_are_the_two_areas_beside_the_crossing() -> None:
    """A bow tie of two triangles, each with base 0.1 and height 0.05: 0.0025 each."""
    tie = [[105.0, 22.0], [105.1, 22.1], [105.1, 22.0], [105.0, 22.1], [105.0, 22.0]]
    assert area(read_drawing(polygon(tie))) == 0.005


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "No area was drawn"),
        ("{}", "No area was drawn"),
        ("[]", "No area was drawn"),
        ("null", "No area was drawn"),
        ("{" * 50_000, "No area was drawn"),
        ('{"type": "Point", "coordinates": [105, 22]}', "No area was drawn"),
        ('{"type": "Polygon", "coordinates": [[[105, 22], [105, 23]]]}', "No area was drawn"),
        ('{"type": "Polygon", "coordinates": []}', "only a line"),
        (polygon([[105.0, 22.0], [105.1, 22.0], [105.2, 22.0], [105.0, 22.0]]), "only a line"),
        (polygon([[1050.0, 22.0], [105.1, 22.0], [105.1, 22.1], [1050.0, 22.0]]), "outside the world"),
        ('{"type": "Polygon", "coordinates": [[[105, 22], [105, 1e999], [106, 22], [105, 22]]]}', "outside the world"),
        (
            '{"type": "Polygon", "coordinates": [[[NaN, 22], [105.1, 22], [105.1, 22.1], [NaN, 22]]]}',
            "No area was drawn",
        ),
        (polygon([[105 + number / 1e6, 22.0] for number in range(MOST_CORNERS)] + [[105, 23], [105, 22]]), "corners"),
    ],
)
def test_what_is_no_area_is_refused_with_the_cure(text: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        read_drawing(text)


def test_what_sticks_out_is_cut_off_and_what_lies_outside_refused() -> None:
    drawn = read_drawing(polygon([[105.05, 22.0], [105.15, 22.0], [105.15, 22.1], [105.05, 22.1], [105.05, 22.0]]))
    assert area(drawn) == 0.01
    assert area(cut(drawn, [WHOLE])) == 0.005
    assert area(cut(drawn, [WHOLE, NEXT_DOOR])) == 0.01
    with pytest.raises(InvalidInput, match="outside yours"):
        cut(read_drawing(polygon([[x + 1, y] for x, y in SQUARE])), [WHOLE])
    with pytest.raises(InvalidInput, match="outside yours"):  # only the border in common
        cut(NEXT_DOOR, [WHOLE])


def test_what_was_cut_lies_within_and_its_whole_does_not() -> None:
    drawn = read_drawing(polygon([[105.03, 22.01], [105.17, 22.04], [105.02, 22.09], [105.03, 22.01]]))
    assert not lies_within(drawn, [WHOLE])
    assert lies_within(cut(drawn, [WHOLE]), [WHOLE])
    assert lies_within(drawn, [WHOLE, NEXT_DOOR])
    assert not lies_within(drawn, [])
