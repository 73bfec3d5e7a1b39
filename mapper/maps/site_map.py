"""A map to enter sites on: outlines of the reader's area; the page's own script draws the sites of its table."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import folium

from mapper.maps.base_tiles import add_base_map
from mapper.maps.coverage_map import MapParts, take_apart

INK = "#0e4a5c"


@dataclass(frozen=True, slots=True)
class SiteMapView:
    """What the map shows. bounds: west, south, east, north in degrees. outlines: GeoJSON geometry texts.

    tile_url, tile_attribution, tile_options: the operator's base map; see ``base_tiles``.
    """

    bounds: tuple[float, float, float, float]
    outlines: Sequence[str]
    tile_url: str = ""
    tile_attribution: str = ""
    tile_options: Mapping[str, Any] = field(default_factory=dict)


def site_map(view: SiteMapView) -> MapParts:
    """The parts of a Folium map, found by scripts as ``map_sites``. ``serve_assets_locally`` must have run."""
    west, south, east, north = view.bounds
    figure_map = folium.Map(
        location=[(south + north) / 2, (west + east) / 2], tiles=None, zoom_start=11, max_zoom=19, prefer_canvas=True
    )
    figure_map._id = "sites"
    add_base_map(figure_map, view)
    style = {"color": INK, "weight": 1.5, "fillColor": INK, "fillOpacity": 0.04, "interactive": False}
    features = [{"type": "Feature", "properties": {}, "geometry": json.loads(outline)} for outline in view.outlines]
    if features:
        whole = {"type": "FeatureCollection", "features": features}
        folium.GeoJson(whole, style_function=lambda _: style, zoom_on_click=False).add_to(figure_map)
    figure_map.fit_bounds([[south, west], [north, east]])
    return take_apart(figure_map)
