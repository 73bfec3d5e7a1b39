"""Extracts of OpenStreetMap are read as libosmium writes them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mapper.errors import InvalidInput
from mapper.formats.osm_extract import SCALE, read_ways
from tests.formats.road_town import DATED, at, osm_xml, town_ways, write_extract


@pytest.mark.parametrize("ending", [".osm.pbf", ".osm", ".osm.bz2"])
def test_ways_are_read_from_every_kind_of_file(tmp_path: Path, ending: str) -> None:
    found = read_ways(write_extract(tmp_path / f"town{ending}", osm_xml(town_ways())))
    assert len(found.kmh) == len(town_ways()) - 1, "a building is no way"
    assert (np.diff(found.start) > 1).all()
    assert found.position[0] * SCALE == pytest.approx(at(0, 0))
    ferry = ~np.isnan(found.minutes)
    assert found.minutes[ferry].tolist() == [15.0]
    assert not found.on_foot[ferry].any()
    assert found.dated == (DATED if ending == ".osm.pbf" else "")


def test_only_what_touches_the_bounds_is_kept(tmp_path: Path) -> None:
    path = write_extract(tmp_path / "town.osm.pbf", osm_xml(town_ways()))
    west, south = at(9.5, 29.5)
    east, north = at(30, 31)
    found = read_ways(path, (west, south, east, north))
    assert len(found.kmh) == 2, "the island's road, and the ferry whole"
    with pytest.raises(InvalidInput, match="no road or path here"):
        read_ways(path, (0.0, 0.0, 1.0, 1.0))


def test_a_way_whose_nodes_the_extract_lacks_is_kept_in_parts(tmp_path: Path) -> None:
    xml = osm_xml([([at(place, 0) for place in range(6)], {"highway": "path"})])
    without = xml.replace('<node id="3" version="1" lat="22.2" lon="105.802"/>', "")
    assert without != xml
    found = read_ways(write_extract(tmp_path / "cut.osm.pbf", without))
    assert found.node.tolist() == [1, 2, 4, 5, 6]
    assert found.start.tolist() == [0, 2, 5]


def test_a_file_that_is_no_extract_is_refused(tmp_path: Path) -> None:
    for name, content, why in (
        ("town.zip", b"", "ends neither in"),
        ("town.osm.pbf", b"no extract at all", "cannot be read"),
        ("town.osm", b"<osm><node", "cannot be read"),
        ("empty.osm", b'<osm version="0.6"></osm>', "no road or path"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InvalidInput, match=why):
            read_ways(tmp_path / name)
    with pytest.raises(InvalidInput, match="There is no file"):
        read_ways(tmp_path / "away.osm.pbf")


def test_a_file_cut_short_is_refused_and_not_half_read(tmp_path: Path) -> None:
    whole = write_extract(tmp_path / "town.osm.pbf", osm_xml(town_ways())).read_bytes()
    (tmp_path / "cut.osm.pbf").write_bytes(whole[: len(whole) - 40])
    with pytest.raises(InvalidInput, match="cannot be read"):
        read_ways(tmp_path / "cut.osm.pbf")
