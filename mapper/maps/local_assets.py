"""Folium's scripts and styles from this server instead of the internet."""

from __future__ import annotations

from collections.abc import Callable

import folium
from folium.plugins import Draw

from mapper.maps import base_tiles, elements, plan_map

LEAFLET_JS = "vendor/leaflet/leaflet.js"
LEAFLET_CSS = "vendor/leaflet/leaflet.css"
LEAFLET_DRAW_JS = "vendor/leaflet-draw/leaflet.draw.js"
LEAFLET_DRAW_CSS = "vendor/leaflet-draw/leaflet.draw.css"


def serve_assets_locally(static_url: Callable[[str], str]) -> None:
    """Point every Folium element in use at local files; called once, when the app starts.

    static_url: from a path below the static folder to the address a browser asks for.
    Folium names its content networks on the classes themselves, so the classes are changed. Of what a Map
    wants by default only Leaflet is used here: jQuery, Bootstrap and the marker fonts serve Folium's own
    popups and markers, which no page of ours draws.
    """
    folium.Map.default_js = [("leaflet", static_url(LEAFLET_JS))]
    folium.Map.default_css = [("leaflet_css", static_url(LEAFLET_CSS))]
    Draw.default_js = [("leaflet_draw_js", static_url(LEAFLET_DRAW_JS))]
    Draw.default_css = [("leaflet_draw_css", static_url(LEAFLET_DRAW_CSS))]
    for element in (
        elements.UnitLayer,
        elements.HeatLayer,
        elements.Overlay,
        elements.Legend,
        elements.Notes,
        base_tiles.VectorBase,
        plan_map.PlanLayer,
    ):
        element.default_js = [(name, static_url(name)) for name in element.scripts]
        element.default_css = []
