"""The land on which a reader may look for places for sites: its outlines, and how far it reaches."""

from __future__ import annotations

from dataclasses import dataclass

from mapper.services.accounts import User, holds
from mapper.services.questions import default_set
from mapper.services.reference import Reference
from mapper.store import outlines

MOST_UNITS = 400
"""Outlines that a map of sites shows at most; of a larger area those of the units above."""

ZOOM = 11


@dataclass(frozen=True, slots=True)
class SiteArea:
    """bounds: west, south, east, north in degrees. outlines: GeoJSON geometry texts of the units within."""

    bounds: tuple[float, float, float, float]
    outlines: tuple[str, ...]


def site_area(reference: Reference, user: User, set_id: str = "") -> SiteArea | None:
    """The area of a user, all that is known where they have none; None without a boundary set.

    set_id: of the outlines, "" for the set of the lists of hamlets.
    """
    with reference.database.read() as connection:
        known = reference.known(connection)
        if not known.sets:
            return None
        places = default_set(known, set_id)
        own = {
            unit.code
            for unit in places.at_level(places.leaf)
            if holds(reference, connection, user, [(places.id, unit.code)])
        }
        every = [unit for unit in places.at_level(places.leaf) if unit.code in own or not own]
        if not every:
            return None
        for level in reversed(places.about.levels):
            codes = {places.above(unit.code, level) for unit in every}
            if len(codes) <= MOST_UNITS:
                break
        texts = outlines.shapes(connection, places.id, level, ZOOM)
    west, south, east, north = zip(*(unit.bounds for unit in every), strict=True)
    shown = tuple(text for code, text in texts if code in codes)
    return SiteArea((min(west), min(south), max(east), max(north)), shown)
