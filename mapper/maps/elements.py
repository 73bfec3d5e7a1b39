"""Folium elements of our own: each emits one call, its code is a file below ``web/static/js``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from branca.element import Element, MacroElement
from folium.elements import JSCSSMixin
from folium.map import Layer
from folium.template import Template


class UnitLayer(JSCSSMixin, Layer):
    """Areas of one kind, coloured by coverage; outlines and figures are fetched by the browser, apart.

    role: "areas" (communes and what lies above) or "hamlets".
    options: given to ``L.unitLayer`` as they are. side: stands before the role in the layer's name in the page.
    """

    scripts: ClassVar[tuple[str, ...]] = ("js/pattern_canvas.js", "js/unit_labels.js", "js/unit_layer.js")
    _template = Template(
        """
        {% macro script(this, kwargs) %}
            var {{ this.get_name() }} = L.unitLayer({{ this.role|tojson }}, {{ this.options|tojson }});
            L.coverage.keep({{ this.kind|tojson }}, {{ this.get_name() }});
        {% endmacro %}
        """
    )

    def __init__(self, role: str, name: str, options: dict[str, Any], side: str = "") -> None:
        super().__init__(name=name, overlay=True, control=True, show=True)
        self._name = "UnitLayer"
        self._id = self.kind = f"{side}{role}"
        self.role = role
        self.options = options


class HeatLayer(JSCSSMixin, Layer):
    """Where the people still due live, as a heat map; its points are fetched when it is switched on."""

    scripts: ClassVar[tuple[str, ...]] = ("vendor/leaflet.heat/leaflet-heat.js", "js/heat_layer.js")
    _template = Template(
        """
        {% macro script(this, kwargs) %}
            var {{ this.get_name() }} = L.dueHeatLayer({{ this.options|tojson }});
            L.coverage.keep("heat", {{ this.get_name() }});
        {% endmacro %}
        """
    )

    def __init__(self, name: str, options: dict[str, Any]) -> None:
        super().__init__(name=name, overlay=True, control=True, show=False)
        self._name = "HeatLayer"
        self._id = "due"
        self.options = options


class Overlay(JSCSSMixin, Layer):
    """Something laid over the areas; its script and its figures are fetched when it is switched on.

    kind: the script is ``js/overlay_<kind>.js``, which draws the answer of ``url`` in ``colours``. side: before its
    name in the page, where that has more than one map.
    """

    scripts: ClassVar[tuple[str, ...]] = ("js/overlay_layer.js",)
    _template = Template(
        """
        {% macro script(this, kwargs) %}
            var {{ this.get_name() }} = L.overlayLayer({{ this.options|tojson }});
            L.coverage.keep({{ this.kind|tojson }}, {{ this.get_name() }});
        {% endmacro %}
        """
    )

    def __init__(self, kind: str, name: str, url: str, colours: Sequence[Any], side: str = "") -> None:
        super().__init__(name=name, overlay=True, control=True, show=False)
        self._name = "Overlay"
        self._id = self.kind = f"{side}{kind}"
        self.options = {"kind": kind, "url": url, "colours": colours}


class _Control(JSCSSMixin, MacroElement):
    """A Leaflet control made by one function of ``map_controls.js``."""

    scripts: ClassVar[tuple[str, ...]] = ("js/map_controls.js",)
    maker: ClassVar[str]
    _template = Template(
        """
        {% macro script(this, kwargs) %}
            L.coverage.keep({{ this.kind|tojson }},
                {{ this.maker }}({{ this.options|tojson }}).addTo({{ this._parent.get_name() }}));
        {% endmacro %}
        """
    )

    def __init__(self, kind: str, options: dict[str, Any]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._name = kind
        self._id = "control"
        self.kind = kind
        self.options = options


class Legend(_Control):
    """What the colours, the hatching and the fading mean."""

    maker = "L.control.coverageLegend"


class Notes(_Control):
    """What a reader must know of this map before believing it: approximate outlines, invented figures."""

    maker = "L.control.mapNotes"


class Kept(MacroElement):
    """Leaves an element of Folium's own where the page's script finds it under a name."""

    _template = Template(
        """
        {% macro script(this, kwargs) %}
            L.coverage.keep({{ this.kind|tojson }}, {{ this.element.get_name() }});
        {% endmacro %}
        """
    )

    def __init__(self, kind: str, element: Element) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._name = "Kept"
        self.kind = kind
        self.element = element


class Fit(MacroElement):
    """Shows bounds at once, in the room that the legend leaves; Folium's own FitBounds animates and knows no legend."""

    _template = Template(
        """
        {% macro script(this, kwargs) %}
            L.coverage.fit({{ this._parent.get_name() }}, {{ this.bounds|tojson }});
        {% endmacro %}
        """
    )

    def __init__(self, bounds: tuple[float, float, float, float]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._name = "Fit"
        self.bounds = bounds


class DrawWords(MacroElement):
    """What the tools of Leaflet.draw say, in the reader's language; stands before the tools themselves.

    words: sentences by their place in ``L.drawLocal``.
    """

    _template = Template(
        """
        {% macro script(this, kwargs) %}
            (function merge(into, words) {
                for (const name of Object.keys(words)) {
                    if (typeof words[name] === "string") into[name] = words[name]; else merge(into[name], words[name]);
                }
            })(L.drawLocal, {{ this.words|tojson }});
        {% endmacro %}
        """
    )

    def __init__(self, words: Mapping[str, Any]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._name = "DrawWords"
        self.words = words
