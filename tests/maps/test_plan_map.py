"""The map of a plan: its parts come from this server, and nothing that is told becomes a script."""

from __future__ import annotations

import json
import re

import pytest

from mapper.maps.coverage_map import MapParts
from mapper.maps.local_assets import serve_assets_locally
from mapper.maps.plan_map import PlanMapView, Reach, SiteMark, Way, Without, plan_map

SQUARE = json.dumps({"type": "Polygon", "coordinates": [[[105, 22], [105.1, 22], [105.1, 22.1], [105, 22]]]})
EVIL = "`+alert(1)+`${alert(2)}</script><img src=x onerror=alert(3)>{{ 7 }}\\"


@pytest.fixture(autouse=True)
def assets() -> None:
    serve_assets_locally(lambda name: f"/assets/1/{name}")


def parts(name: str = "Trạm y tế") -> MapParts:
    site = SiteMark(name, 22.05, 105.05, True, {"2022-09-05": 3}, {"2022-09-05": [name]}, [name], "/plans/1/sites/A")
    return plan_map(
        PlanMapView(
            (105.0, 22.0, 105.1, 22.1),
            [site],
            [Reach(0, 22.04, 105.04, 3, name)],
            [Way(name, "2022-09-05", "#1b7837", [(22.0, 105.0), (22.05, 105.05)], True, [(22.05, 105.05)], name)],
            [Without(22.03, 105.03, 2, [name])],
            [SQUARE],
            [SQUARE],
            {"open_site": name, "closed": name},
        )
    )


def test_no_part_of_the_map_names_another_server() -> None:
    made = parts()
    everything = "\n".join((*made.scripts, *made.styles, made.html, made.script))
    assert re.findall(r"(?:https?:)?//[\w.-]+\.\w+", everything) == []
    assert made.scripts == ("/assets/1/vendor/leaflet/leaflet.js", "/assets/1/js/plan_layer.js")


def test_the_page_s_script_finds_the_map_and_what_is_drawn_by_name() -> None:
    script = parts().script
    assert "var map_plan = L.map(" in script and "var plan_layer = L.planLayer({" in script
    assert script.index("var map_plan") < script.index("var plan_layer")
    assert script.count('"coordinates"') == 2, "the outline, and once more as closed"


def test_nothing_that_is_told_ends_the_script_or_begins_another() -> None:
    script = parts(EVIL).script
    assert "</script" not in script and "<img" not in script
    told = json.loads(re.search(r"L\.planLayer\((\{.*\})\)\.addTo", script)[1])  # type: ignore[index]
    assert told["sites"][0]["name"] == told["without"][0]["told"][0] == told["words"]["closed"] == EVIL
