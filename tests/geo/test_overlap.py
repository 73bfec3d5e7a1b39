"""Common ground of two boundary sets: squares worked out by hand, and the communes of 2022 in those of 2025."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
import shapely

from mapper.domain.succession import Heir, Succession, compare
from mapper.geo.overlap import overlaps


def square(west: float, south: float, east: float, north: float) -> bytes:
    return bytes(shapely.to_wkb(shapely.multipolygons([shapely.box(west, south, east, north)])))


def outlines(path: Path) -> dict[str, bytes]:
    features = json.loads(path.read_text("utf-8"))["features"]
    return {
        each["properties"]["commune_code"]: bytes(shapely.to_wkb(shapely.from_geojson(json.dumps(each["geometry"]))))
        for each in features
    }


def test_shares_of_common_ground() -> None:
    r"""
    +-A-+-B-+      +-X-----+
    |   |   |  ->  |       |
    +---+---+      +---+-Y-+   X has the upper three quarters of both
    """
    old = {"A": square(105, 0, 105.1, 0.1), "B": square(105.1, 0, 105.2, 0.1)}
    new = {"X": square(105, 0.025, 105.2, 0.1), "Y": square(105.1, 0, 105.2, 0.025)}
    found = {(one.old, one.new): one for one in overlaps(old, new)}
    assert set(found) == {("A", "X"), ("B", "X"), ("B", "Y")}, "what only touches has no common ground"
    assert found["A", "X"].share_of_old == pytest.approx(0.75, abs=1e-6)
    assert found["B", "X"].share_of_new == pytest.approx(0.5, abs=1e-6)
    assert found["B", "Y"].share_of_old == pytest.approx(0.25, abs=1e-6)
    assert found["B", "Y"].share_of_new == pytest.approx(1.0)
    assert found["A", "X"].area_km2 == pytest.approx(11.1 * 11.1 * 0.75, rel=0.01)
    assert overlaps({}, new) == []


def test_the_communes_of_2022_lie_in_those_of_2025_as_the_crosswalk_says(shared: Path) -> None:
    folder = shared / "geodata"
    old, new = (
        outlines(folder / name) for name in ("legacy2022_communes_4prov.geojson", "vn2025_communes_4prov.geojson")
    )
    with (folder / "crosswalk_2022_to_2025_4prov.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    told = Succession(tuple(Heir(r["legacy_code"], r["new_code"], r["relation"] == "full") for r in rows))
    found = overlaps(old, new)
    shares = {(one.old, one.new): one.share_of_old for one in found}
    for row in rows:
        assert shares.get((row["legacy_code"], row["new_code"]), 0.0) == pytest.approx(
            float(row["share_of_legacy"]), abs=2e-4
        )
    doubts = compare({"crosswalk": told}, ("outlines", shares), least=0.005)
    # Three parts are told of which the generalised outlines hold no ground, so that two units look whole.
    assert [(one.old, one.new) for one in doubts] == [
        ("06802", "06799"),
        ("06802", "06886"),
        ("06886", "06799"),
        ("07072", "07090"),
        ("07072", "07093"),
    ]
