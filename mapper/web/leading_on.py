"""An address that names a place and no boundary set leads on to the set that has it, where the usual one has not."""

from __future__ import annotations

from datetime import date

from flask import Response, current_app, redirect, request

from mapper.errors import MapperError, NotFound
from mapper.services.accounts import User
from mapper.services.areas import read_area
from mapper.services.questions import HAMLET
from mapper.services.reference import Known, PlaceSet
from mapper.web.accounts import signed_in
from mapper.web.installation import installation
from mapper.web.outside import with_asked

CARRIED = ("set", "area_set", "commune_set", "unit")
"""Parts of an address that say of which set it is, or that it is about several places."""


def lead_on(problem: MapperError) -> Response | None:
    """Where a page that found nothing is led; None where no set has what its address names, or it names a set.

    Of several sets that have it the newest is taken, of those on trial only where no other has it: an address from
    before communes changed, or of a set that has ended, still opens.
    """
    if request.method != "GET" or not isinstance(problem, NotFound) or request.endpoint is None:
        return None
    asked: dict[str, list[str]] = request.args.to_dict(flat=False)
    if any(asked.get(name, [""])[0] for name in CARRIED) or f"{request.path}/".startswith(("/api/", "/odata/")):
        return None
    commune, area = request.args.get("commune", ""), request.args.get("area", "")
    told = " ".join(map(str, problem.facts.values()))
    if (area or commune).rpartition(":")[2] not in told:
        return None  # something else is not there
    found = _set_of(commune, area)
    if found is None:
        return None
    address = with_asked(request.endpoint, request.view_args or {}, asked | {"set": [found.id]})
    return current_app.make_response(redirect(address, 302))


def _set_of(commune: str, area: str) -> PlaceSet | None:
    """The set to look in. A place outside the reader's area is not there for them, in whatever set."""
    try:
        named = read_area(area)
    except NotFound:
        return None
    reference, user = installation().reference, signed_in()
    if user is None or not user.reads_figures:
        return None
    with reference.database.read() as connection:
        known = reference.known(connection)
    above = named if named is not None and named.level != HAMLET else None
    sets_with = [
        one
        for one in known.sets.values()
        if (
            (above.level, above.code) in one.units and _is_theirs(known, user, one, above.code)
            if above is not None
            else (one.leaf, commune) in one.units and _is_theirs(known, user, one, commune)
        )
    ]
    return max(sets_with, key=lambda one: (not one.about.trial, one.about.valid_from or date.min, one.id), default=None)


def _is_theirs(known: Known, user: User, places: PlaceSet, code: str) -> bool:
    """Whether a unit lies in the areas of a reader, be they of this set or of another."""
    if not user.areas:
        return True
    for set_id, own in user.areas:
        others = known.every_set.get(set_id)
        if others is None:
            continue
        here = code if others is places else known.counterpart(places, code, others)
        if here is not None and own in others.line(here):
            return True
    return False
