"""What a supervisor looks through: how the visits go on, and what is odd about them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from mapper.services.accounts import User, oversees, sees, visible_cells
from mapper.services.reference import Known, Reference
from mapper.services.strays import strays
from mapper.services.understanding import understand_stored
from mapper.store import accounts, register, submissions, tallies, visit_days
from mapper.store.database import Connection
from mapper.store.submissions import StoredSubmission

LAST_DAYS = 14
"""How many days with visits a supervisor looks back on."""


@dataclass(frozen=True, slots=True)
class VisitDay:
    """Houses visited, and of those interviewed, on one day."""

    day: date
    visited: int
    interviewed: int


@dataclass(frozen=True, slots=True)
class PlacedFinding:
    """Something odd in a submission that counts all the same; place is the hamlet and commune, as far as known.

    code: its kind. day, house, sender: when the household was visited, its number, and who sent the submission; None
    where nothing says. message and facts as in MapperError.
    """

    instance_id: str
    code: str
    place: str
    day: date | None
    house: str | None
    sender: str | None
    message: str
    facts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class TroubledSubmission:
    """A submission that does not count, and why; reason as message and facts for translation.

    sender_id, sender: who sent it, None where nobody knows.
    """

    instance_id: str
    form_id: str
    form_version: str
    received_at: str
    state: str
    message: str
    facts: Mapping[str, str]
    sender_id: int | None
    sender: str | None


def troubled(reference: Reference, user: User) -> list[TroubledSubmission]:
    """Submissions that do not count (received only, held or flagged) of the user's area, newest first.

    One whose answers can be read lies where it would count: by its position, else by the commune or hamlet chosen.
    One that tells no place is seen by whoever oversees its sender's whole area; where that is unknown or has no
    limits, only by users whose own has none.
    """
    with reference.database.read() as connection:
        found = submissions.waiting(connection)
        if user.areas:
            found = [each for each in found if concerns(reference, connection, user, each)]
        senders = {each.sender_id for each in found} - {None}
        names = {one.id: one.name for one in accounts.everyone(connection) if one.id in senders} if senders else {}
    return [
        TroubledSubmission(
            *(s.instance_id, s.form_id, s.form_version, s.received_at, s.state.value, *(s.reason or ("", {}))),
            s.sender_id,
            names.get(s.sender_id or 0),
        )
        for s in found
    ]


def concerns(reference: Reference, connection: Connection, user: User, stored: StoredSubmission) -> bool:
    """Whether a submission that does not count lies in a user's area; see ``troubled``."""
    known = reference.known(connection)
    place = told_place(reference, connection, known, stored)
    return oversees(reference, connection, user, stored.sender_id) if place is None else sees(known, user, place)


def told_place(
    reference: Reference, connection: Connection, known: Known, stored: StoredSubmission
) -> tallies.Cell | None:
    """Where a submission that does not count would count; None where it cannot be read, or tells no place."""
    try:
        told = understand_stored(reference, connection, known, stored)
    except Exception:  # whatever keeps it from being counted may keep it from being read
        return None
    if told.campaign is None or told.visit is None:
        return None
    hamlet, commune = told.visit.hamlet_code, told.visit.commune_code
    units = known.place(told.visit.whereabouts, told.campaign.accuracy_limit_m).units
    if hamlet not in known.hamlets and not any(units.values()):
        return None
    return tallies.Cell(0, hamlet, commune, units)


def visit_history(reference: Reference, user: User, campaign_id: str, last: int = LAST_DAYS) -> list[VisitDay]:
    """The latest days on which houses of the user's area were visited, the newest first."""
    with reference.database.read() as connection:
        visible = visible_cells(reference, connection, user)
        found = visit_days.houses_by_day(reference.database, connection, campaign_id, last, visible)
    return [VisitDay(*row) for row in found]


def latest_visit(reference: Reference, user: User, campaign_id: str) -> date | None:
    """The latest day on which a house of the user's area was visited; None where none was. Every page asks it."""
    with reference.database.read() as connection:
        visible = visible_cells(reference, connection, user)
        seen = None if visible is None else set(visible)
        houses = tallies.houses(reference.database, connection, campaign_id, None)
        changes = {row[0]: row[-1] for row in houses if row[1] and (seen is None or row[0] in seen)}
        era, _ = tallies.version(reference.database, connection)
        return reference.latest.of(reference.database, connection, era, campaign_id, changes)


def findings(reference: Reference, user: User, limit: int = 100) -> list[PlacedFinding]:
    """The newest findings of the user's area: rare kinds first, each with the newest submissions first.

    One birth in the next century would be lost among fifteen poor positions.
    """
    with reference.database.read() as connection:
        known = reference.known(connection)
        visible = visible_cells(reference, connection, user)
        found = register.findings(reference.database, connection, limit, visible)
        found += strays(reference, connection, known, visible)
        cells = reference.cells(connection)
    frequency = Counter(one.code for one in found)
    return [
        PlacedFinding(
            one.instance_id,
            one.code,
            place_name(known, cells.get(one.cell_id or 0)),
            one.visited_on,
            one.house_number,
            one.sender,
            one.message,
            one.facts,
        )
        for one in sorted(found, key=lambda one: (frequency[one.code], one.code))
    ]


def place_name(known: Known, cell: tallies.Cell | None) -> str:
    """Names of a cell's hamlet and, in the set that the hamlet list belongs to, its commune."""
    if cell is None:
        return ""
    hamlet = known.hamlets.get(cell.hamlet_code or "")
    names = [hamlet.label] if hamlet else []
    if known.home is not None:
        places = known.sets[known.home]
        unit = places.units.get((places.leaf, cell.units.get(places.id) or ""))
        names += [unit.name] if unit else []
    return ", ".join(names)
