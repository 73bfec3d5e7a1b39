"""The Folium map: its colours, its parts, and that it asks nothing of the internet."""

from __future__ import annotations

import itertools
import json
import re
from dataclasses import replace

import pytest

from mapper.maps.comparison_map import comparison_maps
from mapper.maps.coverage_map import LEGEND_WORDS, MapParts, MapView, coverage_map
from mapper.maps.local_assets import serve_assets_locally
from mapper.maps.palette import COUNT_SCALES, LEVELS, count_colours, coverage_classes, heat_gradient, visited_classes

WORDS = {"areas": "Xã", "hamlets": "Thôn", "heat": "Nơi chưa tiêm", "base_map": "Bản đồ nền"}
VIEW = MapView(
    bounds=(105.0, 22.0, 105.2, 22.1),
    shapes_url="/api/shapes",
    heat_url="/api/heat",
    words={**dict.fromkeys(LEGEND_WORDS, "lời"), **WORDS},
    areas={"set": "squares", "level": "commune"},
)


@pytest.fixture(autouse=True)
def assets() -> None:
    serve_assets_locally(lambda name: f"/assets/1/{name}")


def everything(parts: MapParts) -> str:
    return "\n".join((*parts.scripts, *parts.styles, parts.html, parts.script))


def test_the_classes_are_those_of_colorbrewer_low_red_high_blue() -> None:
    # RdYlBu with six classes, as colorbrewer2.org prints it.
    assert [(each.start, each.end, each.colour) for each in coverage_classes()] == [
        (0.0, 0.5, "#d73027"),
        (0.5, 0.7, "#fc8d59"),
        (0.7, 0.8, "#fee090"),
        (0.8, 0.9, "#e0f3f8"),
        (0.9, 0.95, "#91bfdb"),
        (0.95, 1.0, "#4575b4"),
    ]


def test_the_heat_has_colours_that_coverage_has_not() -> None:
    assert not set(heat_gradient().values()) & {each.colour for each in coverage_classes()}
    assert list(heat_gradient()) == sorted(heat_gradient())


def test_no_part_of_the_map_names_another_server() -> None:
    parts = coverage_map(VIEW)
    assert re.findall(r"(?:https?:)?//[\w.-]+\.\w+", everything(parts)) == []
    assert all(address.startswith("/assets/1/") for address in (*parts.scripts, *parts.styles))
    assert "/assets/1/vendor/leaflet/leaflet.js" in parts.scripts


def test_each_script_is_named_once_and_leaflet_comes_first() -> None:
    scripts = coverage_map(VIEW).scripts
    assert len(set(scripts)) == len(scripts)
    assert scripts[0].endswith("leaflet.js")


def test_pointing_the_assets_twice_is_as_good_as_once() -> None:
    before = coverage_map(VIEW).scripts
    serve_assets_locally(lambda name: f"/assets/1/{name}")
    assert coverage_map(VIEW).scripts == before


def test_the_base_map_is_the_operators_choice_and_nobody_elses() -> None:
    tiles = replace(VIEW, tile_url="https://tiles.example.vn/{z}/{x}/{y}.png", tile_attribution="Cục Bản đồ")
    with_tiles, without = coverage_map(tiles).script, coverage_map(VIEW).script
    assert "https://tiles.example.vn/{z}/{x}/{y}.png" in with_tiles
    assert "tileLayer" not in without


def test_the_layers_stand_in_folium_s_layer_control_under_the_reader_s_words() -> None:
    script = coverage_map(VIEW).script
    control = script[script.index("overlays") :]
    for word in ("Xã", "Thôn", "Nơi chưa tiêm"):
        assert f"{json.dumps(word)} : " in control


def test_what_the_layers_ask_for_first_is_told_to_them() -> None:
    script = coverage_map(VIEW).script
    assert '"place": {"level": "commune", "set": "squares"}' in script
    assert '"place": null' in script


def test_words_cannot_break_out_of_the_script() -> None:
    nasty = "</script><script>alert(1)</script>"
    parts = coverage_map(replace(VIEW, words=dict.fromkeys(VIEW.words, nasty)))
    assert "</script>" not in parts.script
    assert "<script>" not in parts.script


def test_two_maps_are_alike_so_that_a_page_may_be_compared() -> None:
    def names_taken_out(script: str) -> str:
        return re.sub(r"[0-9a-f]{32}", "", script)

    assert names_taken_out(coverage_map(VIEW).script) == names_taken_out(coverage_map(VIEW).script)


def lightness(colour: str) -> float:
    """Relative luminance of #rrggbb, 0 to 1. Source: WCAG 2.2."""
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("colours", [*map(count_colours, COUNT_SCALES), [each.colour for each in visited_classes()]])
def test_more_is_darker_by_steps_that_an_eye_without_colours_sees(colours: list[str]) -> None:
    steps = [lightness(colour) + 0.05 for colour in colours]
    assert all(a / b > 1.1 for a, b in itertools.pairwise(steps))


def test_an_epidemic_level_s_number_can_be_read_on_its_colour() -> None:
    assert [number for number, *_ in LEVELS] == ["1", "2", "3", "4"]
    for _, ground, ink in LEVELS:
        low, high = sorted((lightness(ground) + 0.05, lightness(ink) + 0.05))
        assert high / low > 4.5


def test_an_overlay_stands_in_the_layer_control_switched_off() -> None:
    parts = coverage_map(replace(VIEW, overlays=(("epidemic", "Cấp độ dịch", "/api/epidemic-levels"),)))
    control = parts.script[parts.script.index("overlays") :]
    assert f"{json.dumps('Cấp độ dịch')} : overlay_epidemic" in control
    assert "overlay_epidemic.addTo" not in parts.script
    assert "overlay_epidemic.js" not in " ".join(parts.scripts), "fetched when it is switched on"


def test_two_maps_have_layers_of_their_own_and_one_legend() -> None:
    left, right = comparison_maps(VIEW)
    for name, mine, other in (("left", left, right), ("right", right, left)):
        assert f'L.coverage.keep("{name}_areas"' in mine.script
        assert f'L.coverage.keep("{name}_areas"' not in other.script
        assert f"map_{name}" in mine.html
    assert "coverageLegend" in left.script
    assert "coverageLegend" not in right.script
    assert set(right.scripts) <= set(left.scripts), "a page that loads those of the left has them all"
