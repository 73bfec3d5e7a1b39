"""The map of the public page: outlines of communes with their colours and what is said of each, as a Folium map."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

import folium

from mapper.maps.coverage_map import MapParts, take_apart
from mapper.maps.palette import NO_DATA, coverage_classes

KEPT_BACK = "#ffffff"
"""Of units whose figures are kept back; dashed besides."""


@dataclass(frozen=True, slots=True)
class PublicView:
    """What the map shows. outlines: a GeoJSON FeatureCollection with the property code.

    shares: coverage by code, None where it is kept back; a code that is missing has no data. words: what is said of a
    unit, by code.
    """

    bounds: tuple[float, float, float, float]
    outlines: bytes
    shares: Mapping[str, float | None]
    words: Mapping[str, str]
    tile_url: str = ""
    tile_attribution: str = ""


def colour_of(share: float) -> str:
    """The colour of a coverage, as on the map of the readers."""
    classes = coverage_classes()
    return next((each.colour for each in classes if share < each.end), classes[-1].colour)


def public_map(view: PublicView) -> MapParts:
    """The parts of a Folium map; ``serve_assets_locally`` must have run."""
    west, south, east, north = view.bounds
    figure_map = folium.Map(
        location=[(south + north) / 2, (west + east) / 2],
        tiles=None,
        zoom_start=9,
        min_zoom=4,
        max_zoom=13,
        zoom_snap=0.25,
        scrollWheelZoom=False,
    )
    figure_map._id = "public"
    if view.tile_url:
        folium.TileLayer(tiles=view.tile_url, attr=view.tile_attribution or " ").add_to(figure_map)
    collection = json.loads(view.outlines)
    for feature in collection["features"]:
        code = feature["properties"]["code"]
        feature["properties"] = {"words": escape(view.words.get(code, ""))}
        share = view.shares.get(code)
        style = {"color": "#3d4a52", "weight": 1.2, "fillOpacity": 0.9, "fillColor": NO_DATA}
        if share is not None:
            style["fillColor"] = colour_of(share)
        elif code in view.shares:
            style |= {"fillColor": KEPT_BACK, "dashArray": "5 4"}
        feature["properties"]["style"] = style
    if collection["features"]:
        folium.GeoJson(
            collection,
            style_function=lambda feature: feature["properties"]["style"],
            tooltip=folium.GeoJsonTooltip(["words"], labels=False, sticky=True),
            zoom_on_click=False,
        ).add_to(figure_map)
    figure_map.fit_bounds([[south, west], [north, east]])
    return take_apart(figure_map)
