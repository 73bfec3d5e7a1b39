"""An area as tallies know it, cell by cell: what lists of people and reasons begin with, and never a scan of all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from mapper.domain.campaign import Campaign, Group, ScheduledDose
from mapper.domain.household import HOUSE_COUNTS
from mapper.domain.ledger import INSIDE, State
from mapper.domain.reasons import Kind, reason_key, why
from mapper.services.accounts import User
from mapper.services.areas import Area, cells_in
from mapper.services.kept_states import NOBODY, States
from mapper.services.reference import Known, PlaceSet, Reference
from mapper.services.reporting import Question, default_set, find_series
from mapper.store import people_list, tallies
from mapper.store.database import Connection

Reasons = Mapping[int, Mapping[tuple[Kind, str | None], int]]
"""By cell, how many people there are of each kind and reason."""


NO_UNIT = "-"


@dataclass(frozen=True, slots=True)
class AreaWithin(Area):
    """What of an area lies in one innermost unit, as the rows of hamlets have it; NO_UNIT: in none.

    Of a hamlet whose houses stand in two communes there are two rows.
    """

    unit: str

    def holds(self, places: PlaceSet, leaf: str | None, hamlet: str | None) -> bool:
        """Whether households of a hamlet in an innermost unit of the set belong to it."""
        return (leaf or NO_UNIT) == self.unit and Area.holds(self, places, leaf, hamlet)


@dataclass(frozen=True, slots=True)
class Counted:
    """The cells of an area that a user may see, with what tallies say of each on a day."""

    known: Known
    places: PlaceSet
    campaign: Campaign
    group: Group
    dose: ScheduledDose
    cells: Mapping[int, tallies.Cell]
    houses: Mapping[int, Sequence[int]]
    states: Mapping[int, States]
    version: tuple[str, int]

    def people(self, cell: int, states: frozenset[State]) -> int:
        """How many people of a cell are in one of the states."""
        inside = sum(number for state, number in zip(INSIDE, self.states[cell], strict=True) if state in states)
        if State.OUTSIDE not in states:
            return inside
        return inside + self.houses[cell][HOUSE_COUNTS.index("people")] - sum(self.states[cell])


def counted(reference: Reference, connection: Connection, user: User, question: Question, area: Area | None) -> Counted:
    """What stands in the tallies about an area. Raises NotFound, InvalidQuestion."""
    database, known = reference.database, reference.known(connection)
    campaign, group, dose, series_id = find_series(known, question)
    places = default_set(known, question.set_id, question.day)
    among = cells_in(reference, connection, known, user, places, area)
    rows = {row[0]: row for row in tallies.houses(database, connection, campaign.id, among) if any(row[1:-1])}
    version = tallies.version(database, connection)
    states = reference.states.on(
        database,
        connection,
        version[0],
        series_id,
        question.day.toordinal(),
        {cell: row[-1] for cell, row in rows.items()},
        everywhere=among is None,
    )
    found = {cell: states.get(cell, NOBODY) for cell in rows}
    houses = {cell: row[1:-1] for cell, row in rows.items()}
    cells = reference.cells(connection)
    return Counted(
        *(known, places, campaign, group, dose), {cell: cells[cell] for cell in rows}, houses, found, version
    )


def reasons(reference: Reference, connection: Connection, at: Counted, state: State, day: date) -> Reasons:
    """Kinds and reasons of everybody in a state, person by person; remembered for as long as nothing is counted."""
    database, cells = reference.database, tuple(cell for cell in at.cells if at.people(cell, frozenset({state})))

    def look() -> Reasons:
        passing = people_list.sieve({state}, at.group, at.dose, day)
        found: dict[int, Counter[tuple[Kind, str | None]]] = {}
        for one in people_list.people(database, connection, at.campaign.id, cells, passing):
            stands = why(one.person, at.group, at.dose, day)
            if stands.state is state:
                found.setdefault(one.cell_id, Counter())[stands.kind, stands.reason] += 1
        return found

    key = ("reasons", at.version, at.known.revision, at.campaign.id, at.group.code, at.dose.code, day, state, cells)
    return reference.reasons.value(key, look)


def is_asked(wanted: str, kind: Kind, reason: str | None) -> bool:
    """Whether an address asks for a kind as a whole, or for just this reason of it."""
    return wanted in (kind.value, reason_key(kind, reason))
