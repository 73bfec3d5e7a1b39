"""The coverage map as Folium draws it: a page of constant size, whatever the number of units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import folium
from branca.element import CssLink, JavascriptLink

from mapper.maps import palette
from mapper.maps.base_tiles import add_base_map
from mapper.maps.elements import Fit, HeatLayer, Kept, Legend, Notes, Overlay, UnitLayer

HAMLETS_FROM_ZOOM = 8
"""Below this zoom hamlets are specks; the communes are drawn in full instead."""

DETAIL_BANDS = (5, 7, 9, 11, 13)
"""Zooms that outlines are fetched for; a zoom in between uses the band below, so few files are asked for."""


@dataclass(frozen=True, slots=True)
class MapView:
    """What the map needs to know before any figure is fetched.

    bounds: west, south, east, north in degrees, shown first.
    areas, hamlets: the query of each layer's outlines (set, level, campaign), so that the browser can ask for them
    before the page's own scripts are there; None where there is nothing to ask for.
    shapes_url, heat_url: addresses of the outlines and of the points of people due.
    words: the sentences that the map itself shows, already in the reader's language: "areas", "hamlets",
    "heat", "base_map" (names of layers) and those of the legend (see ``LEGEND_WORDS``).
    overlays: what may be laid over the areas: kind, name in the reader's language, address of its figures.
    tile_url, tile_attribution, tile_options: the operator's base map; see ``base_tiles``.
    """

    bounds: tuple[float, float, float, float]
    shapes_url: str
    heat_url: str
    words: Mapping[str, str]
    areas: Mapping[str, str] | None = None
    hamlets: Mapping[str, str] | None = None
    overlays: Sequence[tuple[str, str, str]] = ()
    tile_url: str = ""
    tile_attribution: str = ""
    tile_options: Mapping[str, Any] = field(default_factory=dict)


LEGEND_WORDS = ("legend", "no_data", "thin", "faded", "due_few", "due_many", "heat")


@dataclass(frozen=True, slots=True)
class MapParts:
    """A Folium map taken apart, to be set into a page of ours.

    links: addresses of scripts and styles, in their order; html: the map's element; script: JavaScript
    without its tag.
    """

    scripts: tuple[str, ...]
    styles: tuple[str, ...]
    html: str
    script: str


def coverage_map(view: MapView) -> MapParts:
    """The parts of a Folium map with its coverage layers, heat layer, layer control and legend.

    Holds no geometry and no figure. ``serve_assets_locally`` must have run.
    """
    figure_map = base_map(view, "coverage")
    for layer in unit_layers(view):
        layer.add_to(figure_map)
    HeatLayer(view.words["heat"], {"url": view.heat_url, "gradient": palette.heat_gradient()}).add_to(figure_map)
    for kind, name, url in view.overlays:
        Overlay(kind, name, url, palette.OVERLAY_COLOURS[kind]).add_to(figure_map)
    control = folium.LayerControl(collapsed=True)
    control.add_to(figure_map)
    Kept("layers", control).add_to(figure_map)
    coverage_legend(view).add_to(figure_map)
    Notes("notes", {"position": "bottomleft"}).add_to(figure_map)
    Fit(view.bounds).add_to(figure_map)
    return take_apart(figure_map)


def base_map(view: MapView, name: str) -> folium.Map:
    """A map with the operator's base map and nothing else; the page's scripts find it as ``map_<name>``."""
    west, south, east, north = view.bounds
    figure_map = folium.Map(
        location=[(south + north) / 2, (west + east) / 2],
        tiles=None,
        zoom_start=10,
        min_zoom=4,
        max_zoom=18,
        zoom_snap=0.5,
        world_copy_jump=False,
    )
    figure_map._id = name
    add_base_map(figure_map, view, view.words["base_map"])
    return figure_map


def unit_layers(view: MapView, side: str = "") -> tuple[UnitLayer, UnitLayer]:
    """The areas and the hamlets. side: before their names in the page, where it has more than one map."""
    drawing = {
        "shapesUrl": view.shapes_url,
        "bands": DETAIL_BANDS,
        "measures": measures(),
        "noData": palette.NO_DATA,
        "thin": palette.THIN_VISITING,
        "full": palette.FULL_VISITING,
    }
    hamlets = {**drawing, "place": view.hamlets, "fromZoom": HAMLETS_FROM_ZOOM}
    return (
        UnitLayer("areas", view.words["areas"], {**drawing, "place": view.areas}, side),
        UnitLayer("hamlets", view.words["hamlets"], hamlets, side),
    )


def coverage_legend(view: MapView) -> Legend:
    """What the colours of coverage mean, until the page's script says what else they show."""
    return Legend(
        "legend",
        {
            "position": "bottomleft",
            "classes": measures()["coverage"]["classes"],
            "noData": palette.NO_DATA,
            "gradient": list(palette.heat_gradient().values()),
            "words": {word: view.words[word] for word in LEGEND_WORDS},
        },
    )


def measures() -> dict[str, dict[str, Any]]:
    """Colours of each figure that units may be coloured by: classes of a share, or the colours of a count."""
    found: dict[str, dict[str, Any]] = {
        "coverage": {"classes": [asdict(each) for each in palette.coverage_classes()]},
        "visited": {"classes": [asdict(each) for each in palette.visited_classes()]},
    }
    return found | {each: {"colours": palette.count_colours(each)} for each in palette.COUNT_SCALES}


def take_apart(figure_map: folium.Map) -> MapParts:
    """Render and keep what a page of our own needs.

    Folium's own header is left out: it forbids pinch zoom and sizes the whole page as if the map were alone.
    """
    figure: Any = figure_map.get_root()
    figure.render()
    links = figure.header._children.values()
    return MapParts(
        scripts=tuple(link.url for link in links if isinstance(link, JavascriptLink)),
        styles=tuple(link.url for link in links if isinstance(link, CssLink)),
        html=figure.html.render(),
        script=figure.script.render(),
    )
