"""Two maps side by side, coloured on one scale: the same outlines under two questions."""

from __future__ import annotations

import folium

from mapper.maps import palette
from mapper.maps.coverage_map import MapParts, MapView, base_map, coverage_legend, take_apart, unit_layers
from mapper.maps.elements import Fit, Overlay

SIDES = ("left", "right")


def comparison_maps(view: MapView) -> tuple[MapParts, MapParts]:
    """The parts of the left and of the right map; their names in the page are ``map_left`` and ``map_right``.

    The legend stands on the left one, and means both. ``serve_assets_locally`` must have run.
    """
    left, right = (_map(view, side) for side in SIDES)
    return take_apart(left), take_apart(right)


def _map(view: MapView, side: str) -> folium.Map:
    figure_map = base_map(view, side)
    for layer in unit_layers(view, f"{side}_"):
        layer.add_to(figure_map)
    for kind, name, url in view.overlays:
        Overlay(kind, name, url, palette.OVERLAY_COLOURS[kind], f"{side}_").add_to(figure_map)
    if side == SIDES[0]:
        coverage_legend(view).add_to(figure_map)
    Fit(view.bounds).add_to(figure_map)
    return figure_map
