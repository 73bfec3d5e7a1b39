"""Placing the households that were here before a boundary set in it, while phones go on sending.

First the points of all of them are read and placed, and nothing is written. Then the set is announced: from that moment
on intake places whoever it enters in it too. Those who stood before are in cells that have no unit of the set: each is
given its unit, or divided where its households are in several. Every step is a short transaction, safe to do twice and
to cut off; what is still to be done is told by the cells alone. Nobody sees the set before that. Its outlines for maps
are made last: who asks for some before makes them.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from mapper.errors import NotFound, mark
from mapper.services.reference import Reference
from mapper.services.set_cells import tell_apart
from mapper.services.set_outlines import lacking, packed_one_by_one
from mapper.services.set_points import find
from mapper.services.set_work import Pace, Share, Work, at_work, fact
from mapper.store import outlines as drawn
from mapper.store import placements, shelves
from mapper.store import reference as kept
from mapper.store.database import Connection
from mapper.store.reference import BoundarySet, SetState

QUIET_S = 60
"""A placing of which nothing was heard for so long is gone on with by whoever finds it."""

READY_S = 3
"""A large set is announced so long after it is here, at least: servers read its point index meanwhile."""

LARGE = 500
"""Units of a large set."""

MANY = 10_000
"""Households of which so many in other cells than before are worth a look of PostgreSQL at its tables."""

_POINTS_SHARE, SHOWN_SHARE = 0.4, 0.8


def go_on(reference: Reference, set_id: str, share: Share = lambda done: None) -> int:
    """Place in a set whoever is not placed in it yet, then let readers see it; how many households there are.

    From SHOWN_SHARE on they see it, and its outlines for maps are made, where they lack. Safe to call again after any
    end of it, and while another process does the same. A set that was withdrawn is shown again. Raises NotFound and
    Unavailable.
    """
    with reference.database.read() as connection:
        about = _kept(connection, set_id)
    if about.state is SetState.WITHDRAWN:
        with reference.database.write() as connection:
            kept.set_state(connection, set_id, SetState.PLACING)
            kept.raise_revision(reference.database, connection)
    work = Work(reference, set_id, share)
    if about.state is not SetState.SHOWN:
        _place(work)
    share(SHOWN_SHARE)
    _draw(work, about)
    _forget_mark(work)
    share(1.0)
    with reference.database.read() as connection:
        number = placements.count(connection)
    if number >= MANY and about.state is not SetState.SHOWN:
        shelves.analyse(reference.database)
    return number


def left_behind(reference: Reference) -> list[str]:
    """Sets whose placing, or the drawing after it, was cut off: nobody has gone on with it for a while."""
    found = []
    with reference.database.read() as connection:
        for about in kept.boundary_sets(connection):
            shown = about.state is SetState.SHOWN
            if about.state is SetState.PLACING or (shown and lacking(connection, about)):
                at = at_work(connection, about.id) or about.imported_at
                if datetime.now(UTC) - datetime.fromisoformat(at) > timedelta(seconds=QUIET_S):
                    found.append(about.id)
    return found


def _kept(connection: Connection, set_id: str) -> BoundarySet:
    sets = {about.id: about for about in kept.boundary_sets(connection) if about.state is not SetState.ARRIVING}
    if set_id not in sets:
        raise _unknown(set_id, sets)
    return sets[set_id]


def _unknown(set_id: str, sets: Iterable[str]) -> NotFound:
    return NotFound(
        mark("There is no boundary set {set}. Choose one of: {sets}."), set=set_id, sets=", ".join(sets) or "-"
    )


# Households


def _place(work: Work) -> None:
    """Place everybody, and let readers see the set."""
    begun = time.monotonic()
    places = work.reference.place_set(work.set_id)
    found = find(work, places, lambda done: work.share(_POINTS_SHARE * done))
    if len(places.placer.codes) >= LARGE:
        time.sleep(max(0.0, begun + READY_S - time.monotonic()))
    _announce(work)
    told = _POINTS_SHARE
    while True:
        # Whatever has changed since it was read is read again, ever less of it.
        first, told = told, (told + SHOWN_SHARE) / 2
        tell_apart(work, places, found, lambda done, a=first, b=told: work.share(a + (b - a) * done))  # type: ignore[misc]
        if _shown(work):
            return
        found = find(work, places)


def _announce(work: Work) -> None:
    """From here on whoever counts a submission places in the set too."""
    reference = work.reference

    def write(connection: Connection) -> None:
        work.tell(connection)
        kept.raise_revision(reference.database, connection)

    work.short(Pace(1), 1, write)


def _shown(work: Work) -> bool:
    """Let readers see the set, unless there is still somebody to be placed."""
    reference = work.reference

    def write(connection: Connection) -> bool:
        if placements.is_left(connection, work.set_id):
            return False
        if _kept(connection, work.set_id).state is SetState.PLACING:
            kept.set_state(connection, work.set_id, SetState.SHOWN)
            kept.raise_revision(reference.database, connection)
        return True

    return work.short(Pace(1), 1, write)


# Outlines


def _draw(work: Work, about: BoundarySet) -> None:
    """Keep the outlines simplified for each zoom."""
    reference = work.reference
    with reference.database.read() as connection:
        number = len(lacking(connection, about))
    for done, (level, band, content) in enumerate(packed_one_by_one(reference, about), 1):

        def write(connection: Connection, level: str = level, band: int = band, content: bytes = content) -> None:
            if (level, band) not in drawn.kept_shapes(connection, about.id):
                drawn.save_packed(connection, about.id, level, band, content)

        work.short(Pace(1), 1, write)
        work.share(SHOWN_SHARE + (1 - SHOWN_SHARE) * done / number)


def _forget_mark(work: Work) -> None:
    with work.reference.database.read() as connection:
        told = at_work(connection, work.set_id)
    if told:
        work.short(Pace(1), 1, lambda connection: kept.forget_fact(connection, fact(work.set_id)))
