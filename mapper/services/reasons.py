"""Why people of a group are not vaccinated: every branch with its people, down to what was said at the door.

The branches are the ledger's states, from tallies. What stands behind a state is worked out person by person, and only
where the people are not too many for a page.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from mapper.domain.coverage import missing_people
from mapper.domain.ledger import State
from mapper.domain.reasons import KINDS, Kind, reason_key
from mapper.services.accounts import User
from mapper.services.area_ledger import Counted, counted, reasons
from mapper.services.areas import Area
from mapper.services.reference import Reference
from mapper.services.reporting import HAMLET, Answer, Question, coverage, visible_rows
from mapper.store.database import Connection

MOST_ASKED = 5_000
"""People of one state whose reasons are looked at for a page; of more, a smaller area is to be chosen."""

MOST_REASONS = 8
"""Reasons of one kind that are named, the most frequent; the others together."""

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
    """A part of a branch. reasons: the most frequent; others, of how many other reasons: people of all the rest.

    None are named where nobody told any.
    """

    kind: Kind
    number: int
    reasons: tuple[Reason, ...]
    others: int
    other_reasons: int


@dataclass(frozen=True, slots=True)
class Branch:
    """People in one state. kinds: None where they are too many to be looked at; empty where the state says it all."""

    state: State
    number: int
    kinds: tuple[KindOfReason, ...] | None


@dataclass(frozen=True, slots=True)
class Tree:
    """A group of an area on a day.

    group: people of the group = vaccinated + not_vaccinated, and not_vaccinated = all branches. missing: people of the
    group whom the houses not asked are taken to hold, at the mean of those asked; None where no house gives a mean.
    not_asked: how many such houses.
    """

    group: int
    vaccinated: int
    not_vaccinated: int
    branches: tuple[Branch, ...]
    missing: int | None
    not_asked: int
    answer: Answer


def tree(reference: Reference, user: User, question: Question, area: Area | None) -> Tree:
    """The tree of an area, with the figures of the units of the question's level in it. Raises as ``coverage`` does."""
    answer = coverage(reference, user, question, area)
    total = answer.total
    with reference.database.read() as connection:
        at = counted(reference, connection, user, question, area)
        branches = tuple(_branch(reference, connection, at, question.day, state) for state in BRANCHES)
    group = sum(total.states.values())
    vaccinated = total.states[State.VACCINATED]
    houses = total.houses
    missing = missing_people(total.eligible, total.states[State.UNKNOWN], houses)
    return Tree(group, vaccinated, group - vaccinated, branches, missing, max(0, houses.missing), answer)


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


def _branch(reference: Reference, connection: Connection, at: Counted, day: date, state: State) -> Branch:
    number = sum(at.people(cell, frozenset({state})) for cell in at.cells)
    if state not in KINDS or not number:
        return Branch(state, number, ())
    if number > MOST_ASKED:
        return Branch(state, number, None)
    told: Counter[tuple[Kind, str | None]] = Counter()
    for found in reasons(reference, connection, at, state, day).values():
        told.update(found)
    return Branch(state, number, _kinds(state, told))


def _kinds(state: State, told: Mapping[tuple[Kind, str | None], int]) -> tuple[KindOfReason, ...]:
    found = []
    for kind in KINDS[state]:
        mine = {reason: number for (of, reason), number in told.items() if of is kind}
        if not mine:
            continue
        # What was not told is no reason, and comes last.
        ranked = sorted(mine, key=lambda reason: (not reason, -mine[reason], reason or ""))
        named = [Reason(reason or None, mine[reason], reason_key(kind, reason)) for reason in ranked[:MOST_REASONS]]
        rest = ranked[MOST_REASONS:]
        nothing_told = set(mine) <= {None, ""}
        found.append(
            KindOfReason(
                kind,
                sum(mine.values()),
                () if nothing_told else tuple(named),
                sum(mine[reason] for reason in rest),
                len(rest),
            )
        )
    return tuple(found)
