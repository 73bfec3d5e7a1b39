"""A plan on a map: sites as large as their people, whence these come, the ways of teams, and who has no place."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

import folium
from folium.elements import JSCSSMixin
from folium.map import Layer
from folium.template import Template

from mapper.maps.base_tiles import add_base_map
from mapper.maps.coverage_map import MapParts, take_apart
from mapper.maps.palette import HOLDERS

INK, FIXED, MOBILE, WAITING, CLOSED = "#3d4a52", "#0e4a5c", "#e08214", "#b2182b", "#4d004b"
TEAM_COLOURS = HOLDERS
"""Colours of teams, in turn; names stand beside them."""


@dataclass(frozen=True, slots=True)
class SiteMark:
    """A site. people: by day in ISO, of the station's staff or of whichever team; address: of its page, "" for none.

    teams: names of those that come, by day.
    """

    name: str
    lat: float
    lon: float
    fixed: bool
    people: Mapping[str, int]
    teams: Mapping[str, Sequence[str]]
    told: Sequence[str]
    address: str


@dataclass(frozen=True, slots=True)
class Reach:
    """Whence people come to a site: the middle of a hamlet. site: place among the sites."""

    site: int
    lat: float
    lon: float
    people: int
    told: str


@dataclass(frozen=True, slots=True)
class Way:
    """A team's way on a day. points: lat, lon; straight: drawn as the crow flies; stops: where it stays."""

    team: str
    day: str
    colour: str
    points: Sequence[tuple[float, float]]
    straight: bool
    stops: Sequence[tuple[float, float]]
    told: str


@dataclass(frozen=True, slots=True)
class Without:
    """People of a hamlet who have no place in the plan."""

    lat: float
    lon: float
    people: int
    told: Sequence[str]


@dataclass(frozen=True, slots=True)
class PlanMapView:
    """What the map shows. bounds: west, south, east, north, degrees.

    outlines, closed: GeoJSON geometry text of units, and of those among them that are closed. words: "open_site".
    tile_url, tile_attribution, tile_options: the operator's base map; see ``base_tiles``.
    """

    bounds: tuple[float, float, float, float]
    sites: Sequence[SiteMark]
    reaches: Sequence[Reach]
    ways: Sequence[Way]
    without: Sequence[Without]
    outlines: Sequence[str]
    closed: Sequence[str]
    words: Mapping[str, str]
    tile_url: str = ""
    tile_attribution: str = ""
    tile_options: Mapping[str, Any] = field(default_factory=dict)


class PlanLayer(JSCSSMixin, Layer):
    """All of a plan; ``js/plan_layer.js`` draws it, and shows a day or a team of it alone."""

    scripts: ClassVar[tuple[str, ...]] = ("js/plan_layer.js",)
    _template = Template(
        """
        {% macro script(this, kwargs) %}
            var {{ this.get_name() }} = L.planLayer({{ this.told }}).addTo({{ this._parent.get_name() }});
        {% endmacro %}
        """
    )

    def __init__(self, options: dict[str, Any]) -> None:
        super().__init__(name="plan", overlay=True, control=False, show=True)
        self._name = "plan"
        self._id = "layer"
        self.told = script_json(options)


def script_json(value: object) -> str:
    """A value as JSON that a script may hold, whatever is told in it.

    Folium renders what it made once more as a template: braces within texts are escaped as angle brackets are.
    """
    written = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return _TEXT.sub(lambda text: "".join(_ESCAPED.get(letter, letter) for letter in text[0]), written)


_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"')
_ESCAPED = {letter: f"\\u{ord(letter):04x}" for letter in "{}<>&'\u2028\u2029"}


def plan_map(view: PlanMapView) -> MapParts:
    """The parts of a Folium map; the page's script finds it as ``map_plan``, and what is drawn as ``plan_layer``.

    ``serve_assets_locally`` must have run.
    """
    west, south, east, north = view.bounds
    figure_map = folium.Map(
        location=[(south + north) / 2, (west + east) / 2],
        tiles=None,
        zoom_start=12,
        max_zoom=18,
        zoom_snap=0.5,
        prefer_canvas=True,
    )
    figure_map._id = "plan"
    add_base_map(figure_map, view)
    PlanLayer(
        {
            "sites": [asdict(one) for one in view.sites],
            "reaches": [asdict(one) for one in view.reaches],
            "ways": [asdict(one) for one in view.ways],
            "without": [asdict(one) for one in view.without],
            "outlines": [json.loads(one) for one in view.outlines],
            "closed": [json.loads(one) for one in view.closed],
            "words": dict(view.words),
            "colours": {"ink": INK, "fixed": FIXED, "mobile": MOBILE, "without": WAITING, "closed": CLOSED},
        }
    ).add_to(figure_map)
    figure_map.fit_bounds([[south, west], [north, east]], padding=(20, 20))
    return take_apart(figure_map)
