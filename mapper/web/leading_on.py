"""An address that names a place and no boundary set leads on to the set that has it, where the usual one has not."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import Response, current_app, redirect, request, url_for

from mapper.errors import MapperError, NotFound
from mapper.services.areas import read_area
from mapper.services.questions import HAMLET, default_set
from mapper.services.reference import PlaceSet
from mapper.web.installation import installation

CARRIED = ("set", "area_set", "commune_set", "unit")
"""Parts of an address that say of which set it is, or that it is about several places."""


def lead_on(problem: MapperError) -> Response | None:
    """Where a page that found nothing is led; None where it names a set, or where the usual or no set has that place.

    Of several sets that have it the newest is taken, of those on trial only where no other has it: an address from
    before communes changed, or of a set that has ended, still opens.
    """
    if request.method != "GET" or not isinstance(problem, NotFound) or request.endpoint is None:
        return None
    asked: dict[str, Any] = request.args.to_dict(flat=False)
    if any(asked.get(name, [""])[0] for name in CARRIED) or f"{request.path}/".startswith(("/api/", "/odata/")):
        return None
    found = _set_of(request.args.get("commune", ""), request.args.get("area", ""))
    if found is None:
        return None
    address = url_for(request.endpoint, **((request.view_args or {}) | asked | {"set": found.id}))
    return current_app.make_response(redirect(address, 302))


def _set_of(commune: str, area: str) -> PlaceSet | None:
    try:
        named = read_area(area)
    except NotFound:
        return None
    reference = installation().reference
    with reference.database.read() as connection:
        known = reference.known(connection)
    sets = known.sets.values()
    if named is not None and named.level != HAMLET:
        sets_with = [one for one in sets if (named.level, named.code) in one.units]
    else:
        sets_with = [one for one in sets if commune and (one.leaf, commune) in one.units]
    if any(one.id == known.home or one is default_set(known) for one in sets_with):
        return None  # the page has looked there
    return max(sets_with, key=lambda one: (not one.about.trial, one.about.valid_from or date.min, one.id), default=None)
