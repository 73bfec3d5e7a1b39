"""Which unit of another set a unit went into, told by positions alone."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import shapely

from mapper.geo.boundary_file import BoundaryFile, read_boundaries
from mapper.geo.counterparts import counterparts
from mapper.geo.placing import Placer

Box = tuple[float, float, float, float]


def boxes(**units: Box) -> Placer:
    return Placer.build(list(units), [shapely.to_wkb(shapely.box(*box)) for box in units.values()])


ONE = {"a": (105.0, 22.0, 105.1, 22.1), "b": (105.1, 22.0, 105.2, 22.1), "c": (105.2, 22.0, 105.3, 22.1)}


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        ({"all": (105.0, 22.0, 105.3, 22.1)}, {"a": "all", "b": "all", "c": "all"}),
        # codes given anew: what is called a lies where b did
        ({"b": (105.0, 22.0, 105.1, 22.1), "a": (105.1, 22.0, 105.2, 22.1)}, {"a": "b", "b": "a"}),
        # b is divided in the middle
        ({"w": (105.0, 22.0, 105.15, 22.1), "e": (105.15, 22.0, 105.3, 22.1)}, {"a": "w", "c": "e"}),
        # the border is drawn a twentieth of a unit off, and then a fifth
        ({"w": (105.0, 22.0, 105.105, 22.1), "e": (105.105, 22.0, 105.3, 22.1)}, {"a": "w", "b": "e", "c": "e"}),
        ({"w": (105.0, 22.0, 105.12, 22.1), "e": (105.12, 22.0, 105.3, 22.1)}, {"a": "w", "c": "e"}),
        # half of b lies in no unit
        ({"w": (105.0, 22.0, 105.15, 22.1)}, {"a": "w"}),
        ({"far": (110.0, 22.0, 110.1, 22.1)}, {}),
    ],
)
def test_a_unit_goes_where_all_but_a_tenth_of_it_lies(others: dict[str, Box], expected: dict[str, str]) -> None:
    assert counterparts(ONE, boxes(**ONE), boxes(**others)) == expected


def test_what_a_unit_s_box_holds_beside_it_counts_for_nothing() -> None:
    corner = shapely.Polygon([(105.0, 22.0), (105.1, 22.0), (105.0, 22.1)])
    placer = Placer.build(["t"], [shapely.to_wkb(corner)])
    half = Placer.build(["h", "rest"], [shapely.to_wkb(corner), shapely.to_wkb(shapely.box(105.2, 22.0, 105.3, 22.1))])
    assert counterparts({"t": corner.bounds}, placer, half) == {"t": "h"}


@pytest.fixture(scope="module")
def vintages(shared: Path) -> tuple[BoundaryFile, BoundaryFile]:
    return (
        read_boundaries(shared / "geodata" / "legacy2022_communes_4prov.geojson"),
        read_boundaries(shared / "geodata" / "vn2025_communes_4prov.geojson"),
    )


def test_communes_of_2022_went_where_the_published_crosswalk_says(
    vintages: tuple[BoundaryFile, BoundaryFile], shared: Path
) -> None:
    old, new = vintages
    placers = [
        Placer.build([leaf.unit.code for leaf in one.leaves], [leaf.wkb for leaf in one.leaves]) for one in vintages
    ]
    found = counterparts({leaf.unit.code: leaf.bbox for leaf in old.leaves}, *placers)
    with (shared / "geodata" / "crosswalk_2022_to_2025_4prov.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    whole = {row["legacy_code"]: row["new_code"] for row in rows if float(row["share_of_legacy"]) >= 0.95}
    divided = {row["legacy_code"] for row in rows} - {
        row["legacy_code"] for row in rows if float(row["share_of_legacy"]) >= 0.85
    }
    assert len(whole) > 500
    assert divided
    assert {code: found.get(code) for code in whole} == whole
    assert divided.isdisjoint(found)
    assert set(found.values()) <= {leaf.unit.code for leaf in new.leaves}
