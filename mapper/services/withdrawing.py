"""Withdrawing a boundary set: readers no longer see it, and nothing of it is deleted."""

from __future__ import annotations

import json

from mapper.domain.people import Finding
from mapper.errors import Conflict, NotFound, mark
from mapper.formats.plan_file import read_question
from mapper.services.public_page import read_settings
from mapper.services.questions import default_set
from mapper.services.reference import Known, PlaceSet, Reference
from mapper.store import accounts, epidemic, plans, targets
from mapper.store import reference as kept
from mapper.store.database import Connection
from mapper.store.reference import SetState


def uses(reference: Reference, set_id: str, chosen: str = "") -> list[Finding]:
    """Who still uses a set: plans, the choice of the set shown first, the public page, users by their areas.

    And what was told of its units, which is carried over to other sets only as long as readers see it. chosen: the
    operator's choice of that one. Raises NotFound.
    """
    public = read_settings(reference)
    with reference.database.read() as connection:
        known = reference.known(connection)
        _check(known, set_id)
        found = [*_plans(connection, known, set_id), *_users(connection, set_id), *_told(connection, known, set_id)]
    if chosen == set_id:
        found.append(Finding("default", mark("MAPPER_BOUNDARY_SET names it as the set shown first.")))
    if public is not None and public.is_open and public.set_id == set_id:
        found.append(Finding("public", mark("The public page shows it, and would be closed.")))
    return found


def withdraw(reference: Reference, set_id: str, chosen: str = "", *, anyway: bool = False) -> None:
    """Let readers no longer see a set. Intake goes on placing in it, so that ``set_placing.go_on`` can show it again.

    anyway: though plans and others use it, see ``uses``; plans made on it still open. Raises NotFound, and Conflict for
    a set that is in use, the set of the hamlet list, and one that is withdrawn already.
    """
    used = uses(reference, set_id, chosen)
    if used and not anyway:
        raise Conflict(
            mark(
                "Boundary set {set} is still used. Choose another one there first, or withdraw it all the same with "
                "--anyway: plans made on it still open."
            ),
            set=set_id,
        )
    with reference.database.write() as connection:
        known = reference.known(connection)
        places = _check(known, set_id)
        if places.about.state is SetState.WITHDRAWN:
            raise Conflict(mark("Boundary set {set} is withdrawn already."), set=set_id)
        if known.home == set_id:
            raise Conflict(
                mark(
                    "The list of hamlets has the commune codes of boundary set {set}: without it nobody would know "
                    "where households without a position are. It cannot be withdrawn."
                ),
                set=set_id,
            )
        kept.set_state(connection, set_id, SetState.WITHDRAWN)
        kept.raise_revision(reference.database, connection)


def _plans(connection: Connection, known: Known, set_id: str) -> list[Finding]:
    first = default_set(known).id if known.sets else ""
    found = []
    for row in plans.newest(connection, None):
        about = {area_set for area_set, _ in json.loads(row.areas)}
        if set_id in {read_question(row.question).set_id or first, *about}:
            facts = (("number", str(row.id)), ("name", row.name))
            found.append(Finding("plan", mark("Plan {number}, {name}, was made on it."), facts))
    return found


def _users(connection: Connection, set_id: str) -> list[Finding]:
    return [
        Finding("user", mark("The area of {name} is one of its units."), (("name", one.name),))
        for one in accounts.everyone(connection)
        if one.active and any(area_set == set_id for area_set, _ in one.areas)
    ]


def _told(connection: Connection, known: Known, set_id: str) -> list[Finding]:
    """Targets, people who answer for units, and levels of an epidemic."""
    aims = sum(place.set_id == set_id for of_series in known.targets.values() for place in of_series)
    answering = sum(place.set_id == set_id for place in targets.responsible(connection, set_id))
    found = []
    if aims:
        words = mark("{number} targets of its units would hold for nobody, on its map and on any other.")
        found.append(Finding("targets", words, (("number", str(aims)),)))
    if answering:
        words = mark("For {number} of its units it is told who answers for them.")
        found.append(Finding("responsible", words, (("number", str(answering)),)))
    if epidemic.any_of(connection, set_id):
        words = mark("Epidemic levels of its units would hold on no other map.")
        found.append(Finding("levels", words))
    return found


def _check(known: Known, set_id: str) -> PlaceSet:
    found = known.every_set.get(set_id)
    if found is None:
        raise NotFound(
            mark("There is no boundary set {set}. Choose one of: {sets}."),
            set=set_id,
            sets=", ".join(known.every_set) or "-",
        )
    return found
