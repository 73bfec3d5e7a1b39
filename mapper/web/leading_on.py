"""An address that names a place which the boundary set has not: a page without a set leads on to the one that has it.

Programs, and pages that name their set, are told which sets have the code, and by which address, and led nowhere:
codes were given anew, so of addresses alike but for the code some would be answered of one set and some of another.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import Response, current_app, redirect, request

from mapper.errors import MapperError, NotFound
from mapper.services.accounts import User
from mapper.services.areas import read_area
from mapper.services.questions import HAMLET
from mapper.services.reference import Known, PlaceSet
from mapper.store.reference import UnitRow
from mapper.web.accounts import signed_in
from mapper.web.installation import installation
from mapper.web.outside import with_asked

CARRIED = ("set", "area_set", "commune_set", "unit")
"""Parts of an address that say of which set it is, or that it is about several places."""


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A place of the code asked for in another set. address: what was asked, of that set."""

    places: PlaceSet
    unit: UnitRow
    address: str


def lead_on(problem: MapperError) -> Response | None:
    """Where a page that found nothing is led; None where no set has what its address names, or it names a set.

    Of several sets that have it the newest is taken, of those on trial only where no other has it: an address from
    before communes changed, or of a set that has ended, still opens.
    """
    if _for_programs() or "set_id" in (request.view_args or {}) or any(_asked(name) for name in CARRIED):
        return None
    found = elsewhere(problem)
    return current_app.make_response(redirect(found[0].address, 302)) if found else None


def elsewhere(problem: MapperError) -> list[Elsewhere]:
    """The places of the code that was not found, in other sets, the newest first and those on trial last.

    A place outside the reader's area is not there for them, in whatever set.
    """
    if request.method not in ("GET", "HEAD") or not isinstance(problem, NotFound) or request.endpoint is None:
        return []
    parts: dict[str, Any] = request.view_args or {}
    commune, area = _asked("commune"), _asked("area")
    if "set_id" in parts and "level" in parts:
        area = f"{parts['level']}:{parts['code']}"
    told = " ".join(map(str, problem.facts.values()))
    if (area or commune).rpartition(":")[2] not in told:
        return []  # something else is not there
    named = str(parts.get("set_id", "") or _asked("set"))
    found = [(one, unit) for one, unit in _sets_with(commune, area) if one.id != named]
    return [Elsewhere(one, unit, _address(one.id)) for one, unit in found]


def _address(set_id: str) -> str:
    """This request's address, asked in another set."""
    parts: dict[str, Any] = request.view_args or {}
    asked: dict[str, list[str]] = request.args.to_dict(flat=False)
    if "set_id" in parts:
        return with_asked(request.endpoint or "", parts | {"set_id": set_id}, asked)
    return with_asked(request.endpoint or "", parts, asked | {"set": [set_id]})


def _asked(name: str) -> str:
    """A part of this request's address, whether or not its view reads it."""
    asked: dict[str, list[str]] = request.args.to_dict(flat=False)
    return asked.get(name, [""])[0]


def _for_programs() -> bool:
    return f"{request.path}/".startswith(("/api/", "/odata/"))


def _sets_with(commune: str, area: str) -> list[tuple[PlaceSet, UnitRow]]:
    """The sets that have a place within the reader's area, with it."""
    try:
        named = read_area(area)
    except NotFound:
        return []
    reference, user = installation().reference, signed_in()
    if user is None or not user.reads_figures or (named is not None and named.level == HAMLET):
        return []
    with reference.database.read() as connection:
        known = reference.known(connection)
    found = []
    for one in known.sets.values():
        unit = one.units.get((named.level, named.code) if named is not None else (one.leaf, commune))
        if unit is not None and _is_theirs(known, user, one, unit.code):
            found.append((one, unit))
    return sorted(
        found,
        key=lambda pair: (not pair[0].about.trial, pair[0].about.valid_from or date.min, pair[0].id),
        reverse=True,
    )


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
