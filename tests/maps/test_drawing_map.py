"""The map to draw on: its parts come from this server, and no name becomes a script."""

from __future__ import annotations

import json
import re

import pytest

from mapper.maps.coverage_map import MapParts
from mapper.maps.drawing_map import DrawingView, House, drawing_map
from mapper.maps.local_assets import serve_assets_locally

SQUARE = json.dumps({"type": "Polygon", "coordinates": [[[105, 22], [105.1, 22], [105.1, 22.1], [105, 22]]]})
EVIL = "`+alert(1)+`${alert(2)}</script><img src=x onerror=alert(3)>{{ 7 }}\\"


@pytest.fixture(autouse=True)
def assets() -> None:
    serve_assets_locally(lambda name: f"/assets/1/{name}")


def parts(name: str = "Tây") -> MapParts:
    words = {"draw": {"toolbar": {"buttons": {"polygon": "Vẽ khu vực"}}}}
    houses = [House(22.05, 105.05, "#1b7837", name)]
    return drawing_map(DrawingView((105.0, 22.0, 105.1, 22.1), [SQUARE], [(name, SQUARE)], houses, words))


def test_no_part_of_the_map_names_another_server() -> None:
    made = parts()
    everything = "\n".join((*made.scripts, *made.styles, made.html, made.script))
    assert re.findall(r"(?:https?:)?//[\w.-]+\.\w+", everything) == []
    assert "/assets/1/vendor/leaflet-draw/leaflet.draw.js" in made.scripts
    assert "/assets/1/vendor/leaflet-draw/leaflet.draw.css" in made.styles
    assert made.scripts[0] == "/assets/1/vendor/leaflet/leaflet.js"


def test_the_tools_speak_the_readers_language_before_they_are_made() -> None:
    script = parts().script
    assert 0 < script.index("L.drawLocal") < script.index("new L.Control.Draw")
    assert json.dumps("Vẽ khu vực").strip('"') in script or "Vẽ khu vực" in script


def test_a_name_is_shown_and_never_run() -> None:
    script = parts(EVIL).script
    assert "alert(1)" in script  # shown, as text
    for dangerous in ("`+alert", "${alert", "</script>", "<img", "\\`"):
        assert dangerous not in script
