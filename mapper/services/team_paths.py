"""How teams' days run along the roads, to be drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from mapper.domain.made_plan import TeamDay
from mapper.domain.people import Point
from mapper.services.travel import Straight, Ways

DECIMALS = 5
"""Of a degree: a metre."""


def along_roads(
    days: Sequence[TeamDay],
    starts: Mapping[str, Point],
    sites: Mapping[str, Point],
    houses: Mapping[str, Point],
    ways: Ways,
) -> list[TeamDay]:
    """The days with their paths from the start over all stops and back; without one where ways are straight lines.

    starts: of teams by name; sites by code, houses by id.
    """
    if isinstance(ways, Straight) or not days:
        return list(days)
    legs: list[tuple[Point, Point]] = []
    spans = []
    for day in days:
        stops = [sites.get(stop.site) if stop.site else houses.get(stop.house) for stop in day.stops]
        places = [one for one in (starts.get(day.team), *stops, starts.get(day.team)) if one is not None]
        own = list(pairwise(places))
        spans.append(slice(len(legs), len(legs) + len(own)))
        legs += own
    drawn = ways.paths(legs)
    if all(len(leg) == 2 for leg in drawn):
        return list(days)
    return [replace(day, path=_joined(drawn[span])) for day, span in zip(days, spans, strict=True)]


def _joined(legs: Sequence[Sequence[Point]]) -> tuple[tuple[float, float], ...]:
    found: list[tuple[float, float]] = []
    for leg in legs:
        for place in leg:
            spot = round(place.lon, DECIMALS), round(place.lat, DECIMALS)
            if not found or found[-1] != spot:
                found.append(spot)
    return tuple(found)
