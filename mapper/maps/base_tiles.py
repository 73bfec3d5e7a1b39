"""The operator's base map under a map of ours: pictures, or vector tiles that the browser draws pale."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol

import folium
from folium.elements import JSCSSMixin
from folium.map import Layer
from folium.template import Template


class TileView(Protocol):
    """What a view says of its base map.

    tile_url: {z}/{x}/{y} address; empty draws none. tile_options: ``vector``, and ``max_native_zoom`` beyond which
    tiles are stretched.
    """

    @property
    def tile_url(self) -> str: ...

    @property
    def tile_attribution(self) -> str: ...

    @property
    def tile_options(self) -> Mapping[str, Any]: ...


class VectorBase(JSCSSMixin, Layer):
    """A base map of vector tiles; ``js/base_map.js`` draws it."""

    scripts: ClassVar[tuple[str, ...]] = ("js/base_map.js",)
    _template = Template(
        """
        {% macro script(this, kwargs) %}
            var {{ this.get_name() }} = L.vectorBaseMap({{ this.url|tojson }}, {{ this.options|tojson }});
        {% endmacro %}
        """
    )

    def __init__(self, url: str, name: str | None, options: dict[str, Any]) -> None:
        super().__init__(name=name, overlay=True, control=name is not None, show=True)
        self._name = "VectorBase"
        self.url = url
        self.options = options


def add_base_map(figure_map: folium.Map, view: TileView, name: str | None = None) -> None:
    """Lay the base map of a view under all else. name: in the list of layers; None keeps it out of it."""
    if not view.tile_url:
        return
    deepest = view.tile_options.get("max_native_zoom")
    if view.tile_options.get("vector"):
        options = {"attribution": view.tile_attribution, "maxNativeZoom": deepest or 14}
        VectorBase(view.tile_url, name, options).add_to(figure_map)
        return
    more = {"max_native_zoom": deepest} if deepest else {}
    folium.TileLayer(
        tiles=view.tile_url,
        attr=view.tile_attribution or " ",
        name=name,
        overlay=True,
        control=name is not None,
        **more,
    ).add_to(figure_map)
