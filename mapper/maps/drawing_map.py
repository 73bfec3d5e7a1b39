"""A map to draw an area on: outlines of units, the houses known there, and the tools of Leaflet.draw."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

import folium
from folium.plugins import Draw

from mapper.maps import palette
from mapper.maps.base_tiles import add_base_map
from mapper.maps.coverage_map import MapParts, take_apart
from mapper.maps.elements import DrawWords

INK, HOUSE, DRAWN = "#0e4a5c", "#18242c", "#a3231b"
HOLDER_COLOURS = palette.HOLDERS
"""Colours of who has a house, in turn; the table beside the map names them."""


@dataclass(frozen=True, slots=True)
class House:
    """A house on the map. colour: of who has it; grey where nobody does."""

    lat: float
    lon: float
    colour: str
    label: str


@dataclass(frozen=True, slots=True)
class DrawingView:
    """What the map shows. bounds: west, south, east, north in degrees.

    outlines: units that may be drawn in, GeoJSON geometry text; drawn: areas already given, (name, GeoJSON).
    words: for ``L.drawLocal``. tile_url, tile_attribution, tile_options: the operator's base map; see ``base_tiles``.
    """

    bounds: tuple[float, float, float, float]
    outlines: Sequence[str]
    drawn: Sequence[tuple[str, str]]
    houses: Sequence[House]
    words: Mapping[str, Any]
    tile_url: str = ""
    tile_attribution: str = ""
    tile_options: Mapping[str, Any] = field(default_factory=dict)


def drawing_map(view: DrawingView) -> MapParts:
    """The parts of a Folium map with the drawing tools; what is drawn is found in ``drawnItems_draw_control_areas``.

    ``serve_assets_locally`` must have run.
    """
    west, south, east, north = view.bounds
    figure_map = folium.Map(
        location=[(south + north) / 2, (west + east) / 2], tiles=None, zoom_start=13, max_zoom=19, prefer_canvas=True
    )
    figure_map._id = "assignment"
    add_base_map(figure_map, view)
    for outline in view.outlines:
        _shape(outline, INK, 0.04).add_to(figure_map)
    for name, outline in view.drawn:
        _shape(outline, DRAWN, 0.10, name).add_to(figure_map)
    for house in view.houses:
        folium.CircleMarker(
            [house.lat, house.lon], radius=4, color=house.colour, weight=1, fill=True, fill_opacity=0.85,
            tooltip=_plain(house.label),
        ).add_to(figure_map)  # fmt: skip
    DrawWords(view.words).add_to(figure_map)
    polygon = {"allowIntersection": False, "shapeOptions": {"color": DRAWN, "weight": 3}}
    tools = Draw(
        draw_options={
            "polygon": polygon,
            "rectangle": {"shapeOptions": polygon["shapeOptions"], "showArea": False},
            "polyline": False,
            "circle": False,
            "marker": False,
            "circlemarker": False,
        },
        show_geometry_on_click=False,
    )
    tools._id = "areas"
    tools.add_to(figure_map)
    figure_map.fit_bounds([[south, west], [north, east]])
    return take_apart(figure_map)


def _shape(outline: str, colour: str, fill: float, name: str = "") -> folium.GeoJson:
    style = {"color": colour, "weight": 2, "fillColor": colour, "fillOpacity": fill, "interactive": bool(name)}
    feature = {"type": "Feature", "properties": {}, "geometry": json.loads(outline)}
    tooltip = folium.Tooltip(_plain(name)) if name else None
    return folium.GeoJson(feature, style_function=lambda _: style, tooltip=tooltip, zoom_on_click=False)


def _plain(text: str) -> str:
    """A text that means nothing to the browser, and nothing to the script that Folium sets it into."""
    safe = escape(text)
    for letter in "`$\\{}":
        safe = safe.replace(letter, f"&#{ord(letter)};")
    return safe
