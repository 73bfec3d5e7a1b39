"""Places to choose for a filter, one step after another: what lies within what is chosen, as long as it can be read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mapper.services.areas import Area, read_area
from mapper.services.filtered import Filtered, Place

MOST_AT_ONCE = 400
"""Hamlets, or units, offered together."""


@dataclass(frozen=True, slots=True)
class Step:
    """A place to choose. area: as addresses name it. within: the areas chosen already that hold it."""

    area: str
    name: str
    within: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PlaceSteps:
    """Places with people, in the order of lists: innermost units, and hamlets with the name of theirs.

    too_many: whether hamlets are left out until a smaller place is chosen.
    """

    units: Sequence[Step]
    hamlets: Sequence[Step]
    too_many: bool


def place_steps(found: Filtered, areas: Sequence[str]) -> PlaceSteps:
    """What can be chosen next where these areas are. Of very many places only those within them are offered."""
    here = found.by_cell()
    units: dict[str, Place] = {}
    hamlets: dict[str, Place] = {}
    for cell in found.cells:
        if cell in here:
            place = found.place(cell)
            if place.unit_code:
                units.setdefault(place.unit_code, place)
            if place.hamlet_code:
                hamlets.setdefault(place.hamlet_code, place)
    chosen = {text: area for text in areas if (area := read_area(text))}
    leaf = found.places.leaf
    steps = [
        Step(f"hamlet:{place.hamlet_code}", f"{place.hamlet} ({place.unit})", _holding(found, chosen, place))
        for place in hamlets.values()
    ]
    offered = _few(steps)
    of_units = [Step(f"{leaf}:{code}", place.unit, _holding(found, chosen, place)) for code, place in units.items()]
    return PlaceSteps([one for one in _few(of_units) if one.area not in chosen], offered, bool(steps and not offered))


def _few(steps: Sequence[Step]) -> Sequence[Step]:
    """All of them, else those within what is chosen, else none: some at random would look like all."""
    within = [one for one in steps if one.within]
    return next((some for some in (steps, within) if len(some) <= MOST_AT_ONCE), ())


def _holding(found: Filtered, chosen: Mapping[str, Area], place: Place) -> tuple[str, ...]:
    """The chosen units that hold a place."""
    return tuple(
        text for text, area in chosen.items() if area.level in found.places.about.levels
        and area.holds(found.places, place.unit_code or None, None)
    )  # fmt: skip
