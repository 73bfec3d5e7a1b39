"""Views with geometry for map programs: what of the plans in use is drawn there, and who may see it."""

from __future__ import annotations

from collections.abc import Iterator

from mapper.domain.made_plan import MadePlan, TeamDay
from mapper.formats.plan_file import read_made
from mapper.services.reference import Reference
from mapper.store import map_views as kept
from mapper.store import plans
from mapper.store.database import Connection
from mapper.store.map_views import Route


def make(reference: Reference, houses: bool = False) -> list[str]:
    """Make the views anew, ways of the plans in use as of now; names of roles that an administrator has to make.

    houses: whether views of single houses are made too; without it those of before are taken out.
    """
    database = reference.database
    with database.write() as connection:
        routes = [] if database.is_sqlite else list(_routes(reference, connection))
        return kept.make(database, connection, routes, houses)


def _routes(reference: Reference, connection: Connection) -> Iterator[Route]:
    for campaign_id in reference.known(connection).campaigns:
        for row in plans.used(connection, campaign_id):
            content = plans.made(connection, row.id)
            if content is not None:
                made = read_made(content)
                for day in made.days:
                    path = _path(made, day)
                    if len(path) > 1:
                        at_houses = any(stop.house for stop in day.stops)
                        told = row.id, day.team, day.day, day.begin, day.end, day.way_m / 1000
                        yield Route(*told, path, at_houses)


def _path(made: MadePlan, day: TeamDay) -> list[tuple[float, float]]:
    """The way itself, or where none is known straight lines from stop to stop."""
    if len(day.path) > 1:
        return list(day.path)
    sites = {one.site.code: (one.site.lon, one.site.lat) for one in made.sites}
    houses = {one.id: (one.point.lon, one.point.lat) for one in made.homes if one.point is not None}
    found = (sites.get(stop.site) if stop.site else houses.get(stop.house) for stop in day.stops)
    return [spot for spot in found if spot is not None]
