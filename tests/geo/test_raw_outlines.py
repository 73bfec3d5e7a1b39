"""Outlines of 523 communes as a crude digitisation left them: what is wrong is counted, mended, and booked."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from mapper.geo.boundary_file import BoundaryFile, read_boundaries
from mapper.geo.measure import areas_km2, in_metres
from mapper.geo.placing import NO_UNIT, Placer
from tests.geo.drawing import codes_of, told

Outlines = tuple[list[str], Any]


@pytest.fixture(scope="module")
def raw_file(shared: Path) -> Path:
    return shared / "geodata" / "legacy2022_communes_4prov_raw_lowres.geojson"


@pytest.fixture(scope="module")
def raw(raw_file: Path) -> Outlines:
    """Codes and outlines as the file has them, read without the product."""
    features = json.loads(raw_file.read_text("utf-8"))["features"]
    features.sort(key=lambda each: each["properties"]["commune_code"])
    texts = [json.dumps(each["geometry"]) for each in features]
    return [each["properties"]["commune_code"] for each in features], shapely.from_geojson(
        np.array(texts, dtype=object)
    )


@pytest.fixture(scope="module")
def mended(raw_file: Path) -> BoundaryFile:
    return read_boundaries(raw_file)


def outlines(found: BoundaryFile) -> Any:
    return shapely.from_wkb(np.array([leaf.wkb for leaf in found.leaves], dtype=object))


def test_963_overlaps_and_1749_gaps_are_found(raw: Outlines, mended: BoundaryFile) -> None:
    """Counted here again: pairs whose common ground is above a square metre, and holes of all units together."""
    _, shapes = raw
    pairs = [
        (one, other) for one, other in shapely.STRtree(shapes).query(shapes, predicate="intersects").T if one < other
    ]
    common = in_metres(np.array([shapes[one].intersection(shapes[other]) for one, other in pairs], dtype=object))
    areas = shapely.area(common)
    assert (areas > 1).sum() == 963
    whole = shapely.union_all(shapely.make_valid(in_metres(shapes), method="structure", keep_collapsed=False))
    holes = [shapely.polygons(ring) for part in shapely.get_parts(whole) for ring in part.interiors]
    assert len(holes) == 1749
    overlaps, gaps = told(mended.findings, "overlaps"), told(mended.findings, "gaps")
    assert (overlaps["count"], gaps["count"]) == ("963", "1749")
    assert float(overlaps["area_km2"]) == pytest.approx(areas[areas > 1].sum() / 1e6, abs=0.006)
    assert float(gaps["area_km2"]) == pytest.approx(sum(hole.area for hole in holes) / 1e6, abs=0.006)
    assert (overlaps["area_km2"], gaps["area_km2"]) == ("51.96", "56.49")


def test_mended_they_neither_overlap_nor_leave_a_gap(mended: BoundaryFile) -> None:
    shapes = outlines(mended)
    assert len(shapes) == 523
    assert shapely.is_valid(shapes).all()
    assert shapely.coverage_is_valid(shapes)
    assert (told(mended.findings, "gaps")["closed"], told(mended.findings, "gaps")["kept"]) == ("1749", "0")
    assert sum(len(part.interiors) for part in shapely.get_parts(shapely.coverage_union_all(shapes))) == 0


def test_what_mending_did_to_areas_is_told_of_each_unit_and_in_all(raw: Outlines, mended: BoundaryFile) -> None:
    codes, shapes = raw
    before = dict(zip(codes, areas_km2(shapes).tolist(), strict=True))
    after = {leaf.unit.code: leaf.area_km2 for leaf in mended.leaves}
    changed = {change.code: change for change in mended.changes}
    for code in codes:
        if code in changed:
            assert (changed[code].before_km2, changed[code].after_km2) == pytest.approx((before[code], after[code]))
        else:
            assert after[code] == pytest.approx(before[code], rel=1e-8)
    largest = told(mended.findings, "area_changed")
    assert (largest["code"], largest["count"]) == (mended.changes[0].code, "52")
    shares = {code: abs(after[code] - before[code]) / after[code] for code in codes}
    assert max(shares, key=shares.__getitem__) == largest["code"]
    assert sum(share > 0.01 for share in shares.values()) == 52
    total = told(mended.findings, "area_total")
    gained = sum(after[code] - before[code] for code in codes if after[code] > before[code])
    lost = sum(before[code] - after[code] for code in codes if after[code] < before[code])
    assert (float(total["gained_km2"]), float(total["lost_km2"])) == pytest.approx((gained, lost), abs=0.006)
    assert float(total["before_km2"]) == pytest.approx(sum(before.values()), abs=0.006)
    assert float(total["after_km2"]) == pytest.approx(sum(after.values()), abs=0.006)
    # The books balance: ground that two claimed is counted once now, and what nobody had is somebody's.
    overlaps, gaps = told(mended.findings, "overlaps"), told(mended.findings, "gaps")
    assert gained - lost == pytest.approx(float(gaps["area_km2"]) - float(overlaps["area_km2"]), abs=0.1)


def test_mending_does_the_same_whatever_the_order_of_the_rows(
    raw_file: Path, mended: BoundaryFile, tmp_path: Path
) -> None:
    content = json.loads(raw_file.read_text("utf-8"))
    random.Random(5).shuffle(content["features"])
    shuffled = tmp_path / "shuffled.geojson"
    shuffled.write_text(json.dumps(content), "utf-8")
    again = read_boundaries(shuffled)
    assert [(leaf.unit.code, leaf.wkb) for leaf in again.leaves] == [
        (leaf.unit.code, leaf.wkb) for leaf in mended.leaves
    ]
    assert codes_of(again.findings) == codes_of(mended.findings)


def test_a_house_in_a_gap_or_an_overlap_is_in_one_unit_once_that_is_mended(raw: Outlines, mended: BoundaryFile) -> None:
    """Middles of all gaps lay in nobody's outline, middles of overlaps in two; now each is in the one that has it."""
    _, shapes = raw
    whole = shapely.union_all(shapely.make_valid(shapes))
    holes = [shapely.polygons(ring) for part in shapely.get_parts(whole) for ring in part.interiors]
    pairs = [
        (one, other) for one, other in shapely.STRtree(shapes).query(shapes, predicate="intersects").T if one < other
    ]
    common = np.array([shapes[one].intersection(shapes[other]) for one, other in pairs], dtype=object)
    crossing = common[shapely.area(common) > 1e-8]
    middles = shapely.point_on_surface(np.array([*holes, *crossing], dtype=object))
    lon, lat = shapely.get_x(middles), shapely.get_y(middles)
    leaves = outlines(mended)
    placer = Placer.build([leaf.unit.code for leaf in mended.leaves], [leaf.wkb for leaf in mended.leaves])
    found = placer.place(lon, lat)
    assert (found != NO_UNIT).all()
    assert shapely.intersects_xy(leaves[found], lon, lat).all()
    assert len(holes) > 1000
    assert len(crossing) > 900
