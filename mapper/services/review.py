"""What a supervisor looks through: how the visits go on, and what is odd about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from mapper.services.accounts import User, visible_cells
from mapper.services.reference import Known, Reference
from mapper.store import register, tallies, visit_days


@dataclass(frozen=True, slots=True)
class VisitDay:
    """Houses visited, and of those interviewed, on one day."""

    day: date
    visited: int
    interviewed: int


@dataclass(frozen=True, slots=True)
class PlacedFinding:
    """Something odd in a submission that counts all the same; place is the hamlet and commune, as far as known.

    message and facts as in MapperError.
    """

    instance_id: str
    place: str
    message: str
    facts: Mapping[str, str]


def visit_history(reference: Reference, user: User, campaign_id: str, last: int = 14) -> list[VisitDay]:
    """The latest days on which houses of the user's area were visited, the newest first."""
    with reference.database.read() as connection:
        visible = visible_cells(reference, connection, user)
        found = visit_days.houses_by_day(reference.database, connection, campaign_id, last, visible)
    return [VisitDay(*row) for row in found]


def findings(reference: Reference, user: User, limit: int = 100) -> list[PlacedFinding]:
    """Findings of the user's area, those of the newest submissions first."""
    with reference.database.read() as connection:
        known = reference.known(connection)
        visible = visible_cells(reference, connection, user)
        found = register.findings(reference.database, connection, limit, visible)
        cells = reference.cells(connection)
    return [
        PlacedFinding(one.instance_id, _place(known, cells.get(one.cell_id or 0)), one.message, one.facts)
        for one in found
    ]


def _place(known: Known, cell: tallies.Cell | None) -> str:
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
