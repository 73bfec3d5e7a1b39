"""Why people of a group are not vaccinated: every branch with its people, down to what was said at the door.

The branches are the ledger's states, from tallies. What stands behind a state comes from everybody's way, which is read
in the background where people are many; until then the branches stand alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from mapper.domain.coverage import missing_people
from mapper.domain.ledger import State
from mapper.domain.reasons import KINDS, Kind, reason_key
from mapper.services.accounts import User
from mapper.services.area_ledger import MOST_REASONS, OTHERS, Counted, Told, counted, ranked, reasons_together, ways_of
from mapper.services.areas import Area
from mapper.services.questions import HAMLET, Question
from mapper.services.reference import Reference
from mapper.services.reporting import Answer, coverage, visible_rows
from mapper.services.ways import Missing
from mapper.store.database import Connection

BRANCHES = (
    State.DUE,
    State.WAITING,
    State.DEFERRED,
    State.REFUSED,
    State.CONTRAINDICATED,
    State.AWAY,
    State.UNKNOWN,
)
"""Every state of a group but the vaccinated, in the order in which something can be done about it."""


@dataclass(frozen=True, slots=True)
class Reason:
    """What was told at the door, and by how many people. text: None where nothing was told. key: for an address."""

    text: str | None
    number: int
    key: str


@dataclass(frozen=True, slots=True)
class KindOfReason:
    """A part of a branch. reasons: the most frequent; others, of how many other reasons: people of all the rest, which

    others_key asks for. None are named where nobody told any.
    """

    kind: Kind
    number: int
    reasons: tuple[Reason, ...]
    others: int
    other_reasons: int
    others_key: str


@dataclass(frozen=True, slots=True)
class Branch:
    """People in one state. kinds: None while they are being read; empty where the state says it all."""

    state: State
    number: int
    kinds: tuple[KindOfReason, ...] | None


@dataclass(frozen=True, slots=True)
class Tree:
    """A group of an area on a day.

    group: people of the group = vaccinated + not_vaccinated, and not_vaccinated = all branches. missing: people of the
    group whom the houses not asked are taken to hold, at the mean of those asked; None where no house gives a mean.
    not_asked: how many such houses. unread: people to be read before what stands behind the branches is known.
    """

    group: int
    vaccinated: int
    not_vaccinated: int
    branches: tuple[Branch, ...]
    missing: int | None
    not_asked: int
    answer: Answer
    unread: Missing | None


def tree(reference: Reference, user: User, question: Question, area: Area | None) -> Tree:
    """The tree of an area, with the figures of the units of the question's level in it. Raises as ``coverage`` does."""
    answer = coverage(reference, user, question, area)
    total = answer.total
    with reference.database.read() as connection:
        at = counted(reference, connection, user, question, area)
        branches, unread = _branches(reference, connection, at, question.day)
    group = sum(total.states.values())
    vaccinated = total.states[State.VACCINATED]
    houses = total.houses
    missing = missing_people(total.eligible, total.states[State.UNKNOWN], houses)
    return Tree(group, vaccinated, group - vaccinated, branches, missing, max(0, houses.missing), answer, unread)


def level_within(reference: Reference, user: User, set_id: str, area: Area | None) -> str:
    """The outermost level below an area of which a user sees more than one unit; hamlets where there is none."""
    with reference.database.read() as connection:
        known = reference.known(connection)
        places = known.sets[set_id]
        seen = visible_rows(reference, connection, known, places, user)
    levels = places.about.levels
    below = levels if area is None else levels[levels.index(area.level) + 1 :] if area.level in levels else ()
    leaves = [unit.code for unit in places.at_level(places.leaf) if seen is None or unit.code in seen]
    leaves = [leaf for leaf in leaves if area is None or area.holds(places, leaf, None)]
    return next((level for level in below if len({places.above(leaf, level) for leaf in leaves}) > 1), HAMLET)


def unread(reference: Reference, user: User, question: Question, area: Area | None) -> Missing | None:
    """Who has to be read before the tree of an area, and any list of it, is whole."""
    with reference.database.read() as connection:
        at = counted(reference, connection, user, question, area)
        found = ways_of(reference, connection, at, tuple(at.cells))
    return found if isinstance(found, Missing) else None


def _branches(
    reference: Reference, connection: Connection, at: Counted, day: date
) -> tuple[tuple[Branch, ...], Missing | None]:
    numbers = {state: sum(at.people(cell, frozenset({state})) for cell in at.cells) for state in BRANCHES}
    behind = [state for state in BRANCHES if state in KINDS and numbers[state]]
    found = reasons_together(reference, connection, at, behind, day) if behind else {}
    branches = []
    for state, number in numbers.items():
        kinds: tuple[KindOfReason, ...] | None = ()
        if state in behind:
            kinds = None if isinstance(found, Missing) else _kinds(state, found[state])
        branches.append(Branch(state, number, kinds))
    return tuple(branches), found if isinstance(found, Missing) else None


def _kinds(state: State, told: Mapping[Told, int]) -> tuple[KindOfReason, ...]:
    found = []
    for kind in KINDS[state]:
        order = ranked(told, kind)
        if not order:
            continue
        named = [Reason(reason, told[kind, reason], reason_key(kind, reason)) for reason in order[:MOST_REASONS]]
        rest = order[MOST_REASONS:]
        found.append(
            KindOfReason(
                kind,
                sum(told[kind, reason] for reason in order),
                () if order == [None] else tuple(named),
                sum(told[kind, reason] for reason in rest),
                len(rest),
                f"{kind}.{OTHERS}",
            )
        )
    return tuple(found)
