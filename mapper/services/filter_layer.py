"""People of a filter by hamlet, laid over the map of coverage; their houses for those who may see positions."""

from __future__ import annotations

from dataclasses import dataclass

from mapper.domain.roles import OVERSEERS
from mapper.services import filter_lists
from mapper.services.accounts import User
from mapper.services.filter_lists import Counted, OnMap
from mapper.services.filtered import FilterQuestion
from mapper.services.reference import Reference
from mapper.store import register

Place = tuple[float, float, int]
"""Latitude, longitude, people."""


@dataclass(frozen=True, slots=True)
class FilterLayer:
    """What is laid over a map. hamlets: the middle of each is that of all its houses, not only of those found.

    houses: None where the user may not see positions, or where they are too many.
    """

    of: Counted
    hamlets: tuple[OnMap, ...]
    houses: tuple[Place, ...] | None


def layer(reference: Reference, user: User, question: FilterQuestion) -> FilterLayer:
    """The layer of a filter. Where one house alone is found, its hamlet's middle does not tell where that house is.

    Raises what ``filtered`` raises.
    """
    shown = filter_lists.on_map(reference, user, question)
    houses = None
    if user.role in OVERSEERS and shown.dots is not None:
        houses = tuple((dot.lat, dot.lon, dot.people) for dot, _ in shown.dots)
    with reference.database.read() as connection:
        cells = reference.cells(connection)
        centres = register.cell_centres(reference.database, connection, question.campaign_id, None)
    middles: dict[tuple[str | None, str | None], tuple[float, float]] = {}
    for cell_id, centre in centres.items():
        cell = cells[cell_id]
        middles.setdefault((cell.units.get(shown.of.places.id), cell.hamlet_code), centre)
    hamlets = []
    for spot in shown.spots:
        at = middles.get((spot.place.unit_code or None, spot.place.hamlet_code or None))
        hamlets.append(OnMap(spot.place, spot.people, *(at or (None, None))))
    return FilterLayer(shown.of, tuple(hamlets), houses)
