"""Colours of coverage: one scale that colour-blind eyes can order, and a grey for "no data"."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from branca.colormap import linear

THRESHOLDS = (0.5, 0.7, 0.8, 0.9, 0.95)
"""Coverage at which the next class begins."""

THIN_VISITING = 0.5
"""Below this share of the expected households a figure is hatched: it says little."""

FULL_VISITING = 0.9
"""From this share on a colour is drawn at full strength; between the two it fades."""

NO_DATA = "#b9c0c6"

VISITED_THRESHOLDS = (0.2, 0.4, 0.6, 0.8, 0.95)
"""Share of the houses visited at which the next class begins."""

COUNT_SCALES = {"needed": "YlOrBr_06", "due": "BuPu_06"}
"""Figures that count people: pale for nobody, dark for many."""


LEVELS = (
    ("1", "#1b7837", "#ffffff"),
    ("2", "#ffe14d", "#18242c"),
    ("3", "#f28e2b", "#18242c"),
    ("4", "#a50f15", "#ffffff"),
)
"""Epidemic levels as the ministry names them, green to red: number, ground, ink. The number is always written on it."""

HOLDERS = ("#1b7837", "#762a83", "#2166ac", "#b35806", "#01665e", "#c51b7d", "#4d4d4d", "#7f6000")
"""Colours of canvassers, in turn; names stand beside them."""

OVERLAY_COLOURS: dict[str, tuple[Any, ...]] = {
    "hot_spots": ("#7a0177",),
    "epidemic": LEVELS,
    "tracks": HOLDERS,
    "filter": ("#00441b",),
}


def _scale(name: str) -> Any:
    """A ColorBrewer scale by name and number of classes; branca makes these attributes when it is loaded."""
    return getattr(linear, name)


@dataclass(frozen=True, slots=True)
class ColourClass:
    """Coverage from ``start`` (inclusive) up to ``end`` (exclusive, the last one inclusive), 0..1."""

    start: float
    end: float
    colour: str


def coverage_classes() -> tuple[ColourClass, ...]:
    """Six classes, low first, in the colours of ColorBrewer's RdYlBu.

    Red to blue with a pale middle keeps its order in the common kinds of colour blindness, where red to
    green does not. Source: C. Brewer, colorbrewer2.org, as branca carries it.
    """
    return _classes("RdYlBu_06", THRESHOLDS)


def visited_classes() -> tuple[ColourClass, ...]:
    """Six classes of the share of houses visited, from pale to dark green; one hue, so lightness alone tells them."""
    return _classes("Greens_06", VISITED_THRESHOLDS)


def count_colours(measure: str) -> tuple[str, ...]:
    """Six colours of a figure that counts people, the first for nobody; where classes begin, its figures decide."""
    scale = _scale(COUNT_SCALES[measure])
    return tuple(scale.rgb_hex_str(index / 5) for index in range(6))


def _classes(name: str, thresholds: tuple[float, ...]) -> tuple[ColourClass, ...]:
    edges = (0.0, *thresholds, 1.0)
    scale = _scale(name)
    return tuple(
        ColourClass(start, end, scale.rgb_hex_str(index / (len(edges) - 2)))
        for index, (start, end) in enumerate(pairwise(edges))
    )


def heat_gradient() -> dict[float, str]:
    """Colours of the heat layer by intensity: purples, which the coverage scale has none of."""
    scale = _scale("RdPu_06")
    return {0.3: scale.rgb_hex_str(0.3), 0.6: scale.rgb_hex_str(0.65), 1.0: scale.rgb_hex_str(1.0)}
