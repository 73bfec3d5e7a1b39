"""An area as tallies know it, cell by cell: what lists of people and reasons begin with, and never a scan of all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from mapper.domain.campaign import Campaign, Group, ScheduledDose
from mapper.domain.household import HOUSE_COUNTS
from mapper.domain.ledger import INSIDE, State
from mapper.domain.ranges import Leaf
from mapper.domain.reasons import Kind, reason_key
from mapper.services import ways
from mapper.services.accounts import User
from mapper.services.areas import Area, cells_in
from mapper.services.kept_ages import Spans
from mapper.services.kept_states import NOBODY, States
from mapper.services.questions import Question, default_set, find_series
from mapper.services.reference import Known, PlaceSet, Reference
from mapper.services.ways import Missing
from mapper.store import tallies
from mapper.store.database import Connection

Told = tuple[Kind, str | None]
"""A kind and the reason told, None where none was."""

Reasons = Mapping[int, Mapping[Told, int]]
"""By cell, how many people there are of each kind and reason."""

MOST_REASONS = 8
"""Reasons of one kind that are named, the most frequent; the others together."""

OTHERS = "others"
"""Asks, behind a kind, for all the others together."""

NO_UNIT = "-"


@dataclass(frozen=True, slots=True)
class AreaWithin(Area):
    """What of an area lies in one innermost unit, as the rows of hamlets have it; NO_UNIT: in none.

    Of a hamlet whose houses stand in two communes there are two rows.
    """

    unit: str

    def holds(self, places: PlaceSet, leaf: Leaf, hamlet: str | None) -> bool:
        """Whether households of a hamlet in an innermost unit of the set belong to it."""
        unit = leaf if leaf and isinstance(leaf, str) else NO_UNIT
        return unit == self.unit and Area.holds(self, places, leaf, hamlet)


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
    changes: Mapping[int, int]
    series_id: int

    def people(self, cell: int, states: frozenset[State]) -> int:
        """How many people of a cell are in one of the states."""
        inside = sum(number for state, number in zip(INSIDE, self.states[cell], strict=True) if state in states)
        if State.OUTSIDE not in states:
            return inside
        return inside + self.registered(cell) - sum(self.states[cell])

    def registered(self, cell: int) -> int:
        """How many people of a cell are registered, of whichever group."""
        return self.houses[cell][HOUSE_COUNTS.index("people")]


def counted(reference: Reference, connection: Connection, user: User, question: Question, area: Area | None) -> Counted:
    """What stands in the tallies about an area. Raises NotFound, InvalidQuestion."""
    database, known = reference.database, reference.known(connection)
    campaign, group, dose, series_id = find_series(known, question)
    places = default_set(known, question.set_id, question.day)
    among = cells_in(reference, connection, known, user, places, area)
    rows = {row[0]: row for row in tallies.houses(database, connection, campaign.id, among) if any(row[1:-1])}
    changes = {cell: row[-1] for cell, row in rows.items()}
    states = reference.states.on(
        database,
        connection,
        tallies.version(database, connection)[0],
        series_id,
        question.day.toordinal(),
        changes,
        everywhere=among is None,
    )
    found = {cell: states.get(cell, NOBODY) for cell in rows}
    houses = {cell: row[1:-1] for cell, row in rows.items()}
    cells = reference.cells(connection)
    mine = {cell: cells[cell] for cell in rows}
    return Counted(known, places, campaign, group, dose, mine, houses, found, changes, series_id)


def reasons(reference: Reference, connection: Connection, at: Counted, state: State, day: date) -> Reasons | Missing:
    """Kinds and reasons of everybody in a state on a day; Missing where many people have to be read first."""
    found = ways_of(reference, connection, at, tuple(at.cells))
    if isinstance(found, Missing):
        return found
    counts: dict[int, Counter[Told]] = {}
    cells = tuple(found)
    for place, _, told, number in _counted(reference, found, (state,), day, apart=True):
        counts.setdefault(cells[place], Counter())[told] += number
    return counts


def reasons_together(
    reference: Reference, connection: Connection, at: Counted, states: Collection[State], day: date
) -> Mapping[State, Mapping[Told, int]] | Missing:
    """The same for several states, of all cells together."""
    found = ways_of(reference, connection, at, tuple(at.cells))
    if isinstance(found, Missing):
        return found
    counts: dict[State, Counter[Told]] = {state: Counter() for state in states}
    for _, state, told, number in _counted(reference, found, states, day, apart=False):
        counts[state][told] += number
    return counts


def _counted(
    reference: Reference, spans: Mapping[int, Spans], states: Collection[State], day: date, *, apart: bool
) -> Iterator[tuple[int, State, Told, int]]:
    """(place among the cells, state, what was told, how many people); all cells have place 0 unless ``apart``."""
    each = [ways.on(of_cell, day) for of_cell in spans.values()]
    now = np.concatenate(each or [ways.NOBODY])
    place = np.repeat(np.arange(len(each)), [len(one) for one in each]) if apart else np.zeros(len(now), np.int64)
    wanted = _wanted(now, states)
    # One number for the three, since numbers are sorted faster than rows.
    shape = (max(1, len(each)), len(INSIDE), int(now[:, ways.TOLD].max(initial=0)) + 1)
    keys = np.ravel_multi_index((place[wanted], now[wanted, ways.STATE], now[wanted, ways.TOLD]), shape)
    rows, times = np.unique(keys, return_counts=True)
    words = reference.ages.words
    for at, state, word, number in zip(
        *(one.tolist() for one in np.unravel_index(rows, shape)), times.tolist(), strict=True
    ):
        yield at, INSIDE[state], ways.kind_and_reason(words.told(word), day), number


def _wanted(spans: Spans, states: Collection[State]) -> NDArray[np.bool_]:
    """Which of the spans are of one of the states."""
    return np.isin(np.arange(len(INSIDE)), [INSIDE.index(state) for state in states])[spans[:, ways.STATE]]


def ways_of(
    reference: Reference, connection: Connection, at: Counted, cells: Sequence[int]
) -> Mapping[int, Spans] | Missing:
    """The ways of everybody in some cells of an area; Missing where many people have to be read first."""
    series = at.campaign, at.group, at.dose, at.series_id
    people = {cell: at.registered(cell) for cell in cells}
    return ways.of_cells(reference, connection, series, people, {cell: at.changes[cell] for cell in cells})


def households_of(spans: Mapping[int, Spans], states: Collection[State], day: date) -> list[int]:
    """Seqs of the households that somebody in one of the states belongs to on a day; OUTSIDE is no way's state."""
    now = np.concatenate([ways.on(of_cell, day) for of_cell in spans.values()] or [ways.NOBODY])
    return ways.households(now[_wanted(now, states)])


def ranked(told: Mapping[Told, int], kind: Kind) -> list[str | None]:
    """Reasons of a kind, the most frequent first; what was not told is no reason, and comes last."""
    mine = {reason: number for (of, reason), number in told.items() if of is kind}
    return sorted(mine, key=lambda reason: (not reason, -mine[reason], reason or ""))


def asked_for(wanted: str, told: Reasons) -> frozenset[Told]:
    """The kinds and reasons that an address asks for: a kind as a whole, one reason of it, or all but the most told."""
    together: Counter[Told] = Counter()
    for each in told.values():
        together.update(each)
    kind, _, which = wanted.partition(".")
    if which == OTHERS:
        return frozenset(
            (each, reason) for each in Kind if each == kind for reason in ranked(together, each)[MOST_REASONS:]
        )
    return frozenset(one for one in together if wanted in (one[0].value, reason_key(*one)))
