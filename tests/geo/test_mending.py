"""Squares that overlap, leave gaps or cross themselves: counted, mended where that is safe, else refused.

A step of the drawing is 0.01 degree: 1.11 km from south to north, 1.03 km from west to east.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from mapper.errors import InvalidBoundaries
from mapper.geo.boundary_file import BoundaryFile, read_boundaries
from mapper.geo.mending import mend
from tests.geo.drawing import codes_of, commune, square, told, write_geojson


def read(tmp_path: Path, *outlines: Any) -> BoundaryFile:
    rows = [commune(f"{n:05d}", outline, f"Xã {n}") for n, outline in enumerate(outlines, start=1)]
    return read_boundaries(write_geojson(tmp_path / "a.geojson", rows))


def shapes(found: BoundaryFile) -> Any:
    return shapely.from_wkb(np.array([leaf.wkb for leaf in found.leaves], dtype=object))


def test_squares_that_meet_are_left_exactly_as_they_are(tmp_path: Path) -> None:
    outlines = [square(0, 0), square(1, 0), square(0, 1, width=2)]
    outlines[2] = shapely.Polygon([*outlines[2].exterior.coords[:3], (106.0, 22.01), (106.01, 22.01)])  # shared corner
    found = read(tmp_path, *outlines)
    assert found.findings == ()
    assert found.changes == ()
    assert all(a.equals(b) for a, b in zip(shapes(found), outlines, strict=True))


def test_a_narrow_overlap_goes_to_one_of_the_two(tmp_path: Path) -> None:
    """One tenth of a step, some 103 m by 1,107 m, is claimed by both."""
    found = read(tmp_path, square(0, 0, width=1.1), square(1, 0))
    assert told(found.findings, "overlaps") == {"count": "1", "area_km2": "0.11", "one": "00001", "other": "00002"}
    one, other = shapes(found)
    assert one.intersection(other).area == 0
    assert shapely.coverage_is_valid([one, other])
    assert one.union(other).equals(square(0, 0, width=2))


def test_a_narrow_gap_is_closed(tmp_path: Path) -> None:
    """A ring of four squares around a slit of 0.1 by 1 step, some 103 m wide."""
    around = [square(0, 0, 1, 3), square(1.1, 0, 1, 3), square(1, 0, 0.1, 1), square(1, 2, 0.1, 1)]
    found = read(tmp_path, *around)
    facts = told(found.findings, "gaps")
    assert (facts["count"], facts["area_km2"], facts["closed"], facts["kept"]) == ("1", "0.11", "1", "0")
    assert shapely.union_all(shapes(found)).equals(square(0, 0, 2.1, 3))
    assert len(found.changes) == 1
    grown = found.changes[0]
    assert grown.after_km2 - grown.before_km2 == pytest.approx(0.1143, abs=1e-3)


def test_a_wide_gap_stays_and_is_reported(tmp_path: Path) -> None:
    """The hole of one step by one could be a lake, or a commune that the file lacks."""
    around = [square(0, 0, 3, 1), square(0, 2, 3, 1), square(0, 1), square(2, 1)]
    found = read(tmp_path, *around)
    facts = told(found.findings, "gaps")
    assert (facts["count"], facts["closed"], facts["kept"]) == ("1", "0", "1")
    assert shapely.union_all(shapes(found)).area == pytest.approx(8e-4)


def test_a_unit_inside_a_hole_of_another_is_no_gap(tmp_path: Path) -> None:
    ring = square(0, 0, 3, 3).difference(square(1, 1))
    assert read(tmp_path, ring, square(1, 1)).findings == ()


def test_a_bow_tie_is_mended_and_named(tmp_path: Path) -> None:
    west, south, east, north = square(0, 0).bounds
    bow = shapely.Polygon([(west, south), (east, north), (east, south), (west, north)])
    found = read(tmp_path, bow, square(5, 5))
    assert told(found.findings, "invalid_rings") == {"count": "1", "codes": "00001"}
    (mended, _) = shapes(found)
    assert mended.is_valid
    assert mended.area == pytest.approx(0.5e-4)  # the two triangles are half the square
    assert found.changes[0].code == "00001"
    assert "area_changed" in codes_of(found.findings)


def test_an_outline_without_area_is_refused(tmp_path: Path) -> None:
    flat = shapely.Polygon([(106, 22), (106.01, 22.01), (106, 22)])
    with pytest.raises(InvalidBoundaries, match="00002 encloses no area"):
        read(tmp_path, square(0, 0), flat)


@pytest.mark.parametrize(
    "second",
    [
        square(0.5, 0),  # half of each, 516 m wide
        square(0.2, 0.2, 0.2, 0.2),  # small, but wholly inside the other
        square(0, 0),  # the very same ground
        square(0.4, -5, 0.55, 11),  # a strip of 568 m by 1.1 km, a small part of the second
    ],
)
def test_ground_that_two_units_claim_in_earnest_is_refused(tmp_path: Path, second: Any) -> None:
    with pytest.raises(InvalidBoundaries, match="00001 and 00002 claim the same"):
        read(tmp_path, square(0, 0), second)


def test_a_small_unit_overlapped_by_under_a_third_is_mended(tmp_path: Path) -> None:
    small = square(1, 0, 0.3, 0.3)
    found = read(tmp_path, square(0, 0, width=1.09), small)  # 0.09 of 0.3 steps: 30 %
    assert told(found.findings, "overlaps")["count"] == "1"
    with pytest.raises(InvalidBoundaries):
        read(tmp_path, square(0, 0, width=1.11), small)  # 37 %


def test_borders_that_do_not_meet_point_by_point_are_joined(tmp_path: Path) -> None:
    """The corner between two squares lies on the long side of the third, which has no point there."""
    outlines = [square(0, 0), square(1, 0), square(0, 1, width=2)]
    assert not shapely.coverage_is_valid(outlines)
    found = read(tmp_path, *outlines)
    assert codes_of(found.findings) == ["edges"]
    assert shapely.coverage_is_valid(shapes(found))
    assert (106.01, 22.01) in {tuple(xy) for xy in shapely.get_coordinates(shapes(found)[2]).round(9).tolist()}


def test_islands_far_apart_are_no_fault(tmp_path: Path) -> None:
    found = read(tmp_path, shapely.MultiPolygon([square(0, 0), square(40, 40)]), square(80, 0))
    assert found.findings == ()


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(-0.04, 0.04), min_size=36, max_size=36))
def test_a_jittered_grid_is_mended_to_a_coverage_of_the_same_ground(jitter: list[float]) -> None:
    """Nine squares, each side moved by up to some 40 m on its own: slips of drawing, all of them mended."""
    drawn = []
    for n in range(9):
        west, south, east, north = (n % 3 + jitter[4 * n], n // 3 + jitter[4 * n + 1], 0.0, 0.0)
        east, north = n % 3 + 1 + jitter[4 * n + 2], n // 3 + 1 + jitter[4 * n + 3]
        drawn.append(square(west, south, east - west, north - south))
    mended = mend(np.array(drawn, dtype=object), [f"{n:05d}" for n in range(9)])
    assert shapely.is_valid(mended.shapes).all()
    assert shapely.coverage_is_valid(mended.shapes)
    ground, before = shapely.union_all(mended.shapes), shapely.union_all(drawn)
    assert before.difference(ground.buffer(1e-7)).area < 1e-12  # no ground is lost
    assert not any(len(part.interiors) for part in shapely.get_parts(ground))
    for old, new in zip(drawn, mended.shapes, strict=True):
        assert old.symmetric_difference(new).area < 0.4 * 1e-4
