"""People of a filter by hamlet, laid over the map of coverage; their houses for those who may see positions."""

from __future__ import annotations

from dataclasses import dataclass

from mapper.domain.roles import OVERSEERS
from mapper.services import filter_lists
from mapper.services.accounts import User
from mapper.services.filter_lists import Counted, OnMap
from mapper.services.filtered import FilterQuestion
from mapper.services.reference import Reference

Place = tuple[float, float, int]
"""Latitude, longitude, people."""


@dataclass(frozen=True, slots=True)
class FilterLayer:
    """What is laid over a map. houses: None where the user may not see positions, or where they are too many."""

    of: Counted
    hamlets: tuple[OnMap, ...]
    houses: tuple[Place, ...] | None


def layer(reference: Reference, user: User, question: FilterQuestion) -> FilterLayer:
    """The layer of a filter. Raises what ``filtered`` raises."""
    shown = filter_lists.on_map(reference, user, question)
    houses = None
    if user.role in OVERSEERS and shown.dots is not None:
        houses = tuple((dot.lat, dot.lon, dot.people) for dot, _ in shown.dots)
    return FilterLayer(shown.of, shown.spots, houses)
