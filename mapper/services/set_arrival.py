"""The arrival of a boundary set: its units are written some at a time, and one import at a time writes those of an id.

An import that was cut off cannot be told from one that is at work: the later one takes over, and the earlier one, if it
still lives, ends at its next step. What could not be known before is looked at again when all of a set is written: that
no other one of its ground and days has come meanwhile, and that the list of hamlets still has the codes of the same
set.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from mapper.errors import Conflict, mark
from mapper.services import set_periods
from mapper.services.counting import EVERYTHING
from mapper.services.reference import PlaceSet, Reference, home_of
from mapper.services.set_work import Pace, Work
from mapper.store import placements
from mapper.store import reference as kept
from mapper.store.database import Connection
from mapper.store.reference import SetState, UnitRow

_BYTES_AT_ONCE = 250_000
"""Of outlines that one transaction writes; phones' submissions wait for it."""


def check_is_new(connection: Connection, set_id: str) -> None:
    """Whether a set of that id may come. Raises Conflict."""
    for existing in kept.boundary_sets(connection):
        if existing.id == set_id and existing.state is SetState.PLACING:
            raise Conflict(
                mark(
                    "There is a boundary set {id} already, in which households are still being placed. Go on with it: "
                    "python server.py boundaries place {id}"
                ),
                id=set_id,
            )
        if existing.id == set_id and existing.state is not SetState.ARRIVING:
            raise Conflict(mark("There is a boundary set {id} already. Give the new one another id."), id=set_id)


def begin(reference: Reference, connection: Connection, set_id: str) -> str:
    """Take over the arrival of an id: whatever is left of an earlier try goes. Returns what tells this import apart.

    Raises Conflict where the set is here already.
    """
    reference.database.lock(connection, EVERYTHING)
    check_is_new(connection, set_id)
    kept.remove_arriving(connection, set_id)
    mine = secrets.token_hex(8)
    kept.set_fact(reference.database, connection, _fact(set_id), mine)
    return mine


def forget(connection: Connection, set_id: str) -> None:
    """The set is here."""
    kept.forget_fact(connection, _fact(set_id))


def save(reference: Reference, places: PlaceSet, placer: bytes, rows: Sequence[tuple[UnitRow, bytes]]) -> None:
    """Write a set some units at a time. placer: its point index.

    Raises Conflict where another import of its id has begun since, or another set of its ground and days has come, or
    the list of hamlets has changed; nothing is left of it then.
    """
    database, about = reference.database, places.about
    with database.write() as connection:
        mine = begin(reference, connection, about.id)
        kept.save_boundary_set(connection, about, b"", ())
    some: list[tuple[UnitRow, bytes]] = []
    work, size = Work(reference, about.id, lambda done: None), 0
    for place, row in enumerate(rows, 1):
        some.append(row)
        size += len(row[1])
        if place == len(rows) or size > _BYTES_AT_ONCE:

            def write(connection: Connection, units: Sequence[tuple[UnitRow, bytes]] = tuple(some)) -> None:
                _check_is_mine(connection, about.id, mine)
                kept.save_units(connection, about.id, units)

            work.short(Pace(1), 1, write)
            some, size = [], 0
    try:
        with database.write() as connection:
            database.lock(connection, EVERYTHING)
            _check_is_mine(connection, about.id, mine)
            known = reference.here()
            set_periods.check(known, places)
            sets = list(known.every_set.values())
            homes = home_of(sets, known.hamlets.values()), home_of([*sets, places], known.hamlets.values())
            if homes[0] != homes[1] and placements.count(connection):
                raise Conflict(
                    mark(
                        "The list of hamlets was changed while boundary set {set} was being imported, and has this "
                        "set's commune codes now. Import the file again."
                    ),
                    set=about.id,
                )
            kept.arrived(connection, about.id, placer)
            forget(connection, about.id)
    except Conflict:
        with database.write() as connection:
            database.lock(connection, EVERYTHING)
            if kept.fact(connection, _fact(about.id)) == mine:
                kept.remove_arriving(connection, about.id)
                forget(connection, about.id)
        raise


def _check_is_mine(connection: Connection, set_id: str, mine: str) -> None:
    if kept.fact(connection, _fact(set_id)) != mine:
        raise Conflict(
            mark(
                "The import of boundary set {set} was begun anew elsewhere; this one was ended, and nothing of it is "
                "kept. Wait until the other is done."
            ),
            set=set_id,
        )


def _fact(set_id: str) -> str:
    return f"arriving {set_id}"
