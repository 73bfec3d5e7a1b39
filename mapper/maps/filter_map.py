"""A map of the people whom a filter finds: a circle a hamlet, a dot a house, and the tools to draw an area."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from math import sqrt
from typing import Any

import folium
from folium.plugins import Draw

from mapper.maps.base_tiles import add_base_map
from mapper.maps.coverage_map import MapParts, take_apart
from mapper.maps.elements import DrawWords

CIRCLE, HOUSE, DRAWN = "#0e4a5c", "#b2182b", "#a3231b"
LEAST_RADIUS, MOST_RADIUS = 5.0, 26.0
"""Radius of a circle of one person, and of the largest one, pixels: its area is as its people are."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Something at a place. people: how many; label: what is said of it, which holds no name of a person."""

    lat: float
    lon: float
    people: int
    label: str


@dataclass(frozen=True, slots=True)
class FilterView:
    """What the map shows. bounds: west, south, east, north, degrees. within: corners of the area asked for, lat, lon.

    words: for ``L.drawLocal``. tile_url, tile_attribution, tile_options: the operator's base map; see ``base_tiles``.
    """

    bounds: tuple[float, float, float, float]
    hamlets: Sequence[Mark]
    houses: Sequence[Mark]
    within: Sequence[tuple[float, float]]
    words: Mapping[str, Any]
    tile_url: str = ""
    tile_attribution: str = ""
    tile_options: Mapping[str, Any] = field(default_factory=dict)


def filter_map(view: FilterView) -> MapParts:
    """The parts of the Folium map; what is drawn is found in ``drawnItems_draw_control_within``.

    ``serve_assets_locally`` must have run.
    """
    west, south, east, north = view.bounds
    figure_map = folium.Map(
        location=[(south + north) / 2, (west + east) / 2], tiles=None, zoom_start=12, max_zoom=19, prefer_canvas=True
    )
    figure_map._id = "filter"
    add_base_map(figure_map, view)
    if view.within:
        folium.Polygon([list(corner) for corner in view.within], color=DRAWN, weight=3, fill=False).add_to(figure_map)
    most = max((mark.people for mark in view.hamlets), default=1)
    for mark in sorted(view.hamlets, key=lambda one: -one.people):
        radius = LEAST_RADIUS + (MOST_RADIUS - LEAST_RADIUS) * sqrt(mark.people / most)
        _circle(mark, radius, CIRCLE, 0.35).add_to(figure_map)
    for mark in view.houses:
        _circle(mark, 4, HOUSE, 0.85).add_to(figure_map)
    DrawWords(view.words).add_to(figure_map)
    polygon = {"allowIntersection": False, "shapeOptions": {"color": DRAWN, "weight": 3}}
    others = ("polyline", "circle", "marker", "circlemarker")
    tools = Draw(
        draw_options={
            "polygon": polygon,
            "rectangle": {"shapeOptions": polygon["shapeOptions"], "showArea": False},
            **dict.fromkeys(others, False),
        },
        edit_options={"edit": False, "remove": False},
        show_geometry_on_click=False,
    )
    tools._id = "within"
    tools.add_to(figure_map)
    figure_map.fit_bounds([[south, west], [north, east]], max_zoom=16)
    return take_apart(figure_map)


def _circle(mark: Mark, radius: float, colour: str, fill: float) -> folium.CircleMarker:
    return folium.CircleMarker(
        [mark.lat, mark.lon], radius=round(radius, 1), color=colour, weight=1, fill=True, fill_opacity=fill,
        tooltip=_plain(mark.label),
    )  # fmt: skip


def _plain(text: str) -> str:
    """A text that means nothing to the browser, and nothing to the script that Folium sets it into."""
    safe = escape(text)
    for letter in "`$\\{}":
        safe = safe.replace(letter, f"&#{ord(letter)};")
    return safe
