"""The commands of the road map: made of an extract, shown, and refused in one line with its cure."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from mapper.errors import InvalidInput
from mapper.settings import Settings
from server import command_line
from tests.formats.road_town import osm_xml, town_ways, write_extract


def run(folder: Path, *arguments: str, **settings: str) -> str:
    told = Settings(data_dir=folder, language="en", **settings)  # type: ignore[arg-type]
    done = CliRunner().invoke(command_line(told), list(arguments), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_a_road_map_is_made_and_shown(tmp_path: Path) -> None:
    assert "There is no road map" in run(tmp_path, "roads", "show")
    assert "straight lines times 1.3" in run(tmp_path, "roads", "show")
    extract = write_extract(tmp_path / "town.osm.pbf", osm_xml(town_ways()))
    made = run(tmp_path, "roads", "import", str(extract))
    assert made.startswith("town.osm.pbf of 01/11/2026: 192 stretches of road, ")
    assert (tmp_path / "roads.npz").exists()
    shown = run(tmp_path, "roads", "show")
    assert shown == made + "Ways follow the roads of town.osm.pbf of 01/11/2026.\n"
    assert "There is no road map" in run(tmp_path, "roads", "show", roads=str(tmp_path / "other.npz"))


def test_what_is_asked_of_a_routing_server_is_shown(tmp_path: Path) -> None:
    shown = run(tmp_path, "roads", "show", routing_url="http://127.0.0.1:5000")
    assert "Ways are those of the routing server 127.0.0.1:5000." in shown
    assert "It was not asked about ways on foot:\nWays are straight lines times 1.3." in shown
    valhalla = run(tmp_path, "roads", "show", routing_url="http://127.0.0.1:8002", routing_kind="valhalla")
    assert "on foot" not in valhalla


def test_what_cannot_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "town.osm.pbf").write_bytes(b"no extract")
    with pytest.raises(InvalidInput, match="Download it again"):
        run(tmp_path, "roads", "import", str(tmp_path / "town.osm.pbf"))
    assert not (tmp_path / "roads.npz").exists()
    with pytest.raises(InvalidInput, match="is a server of others"):
        run(tmp_path, "roads", "show", routing_url="https://router.project-osrm.org")
