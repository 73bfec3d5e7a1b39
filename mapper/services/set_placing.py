"""Placing the households that were here before a boundary set in it, while phones go on sending.

From the moment the set is announced, intake places whoever it enters in it too. Those who stood before are in cells
that have no unit of the set: first their points are placed, some thousand at a time, then each such cell is given its
unit, or divided where its households are in several. Every step is a short transaction, safe to do twice and to cut
off; what is still to be done is told by the cells alone. Nobody sees the set before that. Its outlines for maps are
made last: who asks for some before makes them.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np

from mapper.errors import NotFound, mark
from mapper.services.reference import Known, PlaceSet, Reference
from mapper.services.set_cells import tell_apart
from mapper.services.set_outlines import lacking, packed_one_by_one
from mapper.services.set_work import Pace, Share, Work, place_rows
from mapper.store import outlines as drawn
from mapper.store import placements
from mapper.store import reference as kept
from mapper.store.database import Connection
from mapper.store.placements import Row
from mapper.store.reference import BoundarySet, SetState

READ_AT_ONCE = 8000
QUIET_S = 60
"""A placing of which nothing was heard for so long is gone on with by whoever finds it."""

READY_S = 3
"""A large set is announced so long after it is here, about: servers read its point index meanwhile."""

_READY_SHARE, _POINTS_SHARE, SHOWN_SHARE = 0.1, 0.6, 0.8


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
        _draw(work, about, (0.0, _READY_SHARE), time.monotonic() + READY_S)
        _announce(work)
        _place_points(work)
        while not _shown(work):
            _tell_cells_apart(work)
    share(SHOWN_SHARE)
    _draw(work, about, (SHOWN_SHARE, 1.0))
    _forget_mark(work)
    share(1.0)
    return _count(reference)


def left_behind(reference: Reference) -> list[str]:
    """Sets whose placing, or the drawing after it, was cut off: nobody has gone on with it for a while."""
    found = []
    with reference.database.read() as connection:
        for about in kept.boundary_sets(connection):
            shown = about.state is SetState.SHOWN
            if about.state is SetState.PLACING or (shown and lacking(connection, about)):
                at = _mark(connection, about.id).get("at", about.imported_at)
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


def _about(known: Known, set_id: str) -> PlaceSet:
    found = known.every_set.get(set_id)
    if found is None:
        raise _unknown(set_id, known.every_set)
    return found


def _count(reference: Reference) -> int:
    with reference.database.read() as connection:
        return placements.count(connection)


def _fact(set_id: str) -> str:
    return f"placing {set_id}"


def _mark(connection: Connection, set_id: str) -> dict[str, str]:
    """How far the points are placed ("upto", a seq), until where they are to be ("last"), and when that was ("at")."""
    text = kept.fact(connection, _fact(set_id))
    return json.loads(text) if text else {}


def _keep_mark(reference: Reference, connection: Connection, set_id: str, upto: int, last: int) -> None:
    told = {"upto": str(upto), "last": str(last), "at": datetime.now(UTC).isoformat(timespec="seconds")}
    kept.set_fact(reference.database, connection, _fact(set_id), json.dumps(told))


# Outlines, and the announcement


def _draw(work: Work, about: BoundarySet, shares: tuple[float, float], until: float = math.inf) -> None:
    """Keep the outlines simplified for each zoom, or some of them until a moment of the monotonic clock."""
    reference, (first, last) = work.reference, shares
    with reference.database.read() as connection:
        number = len(lacking(connection, about))
    for done, (level, band, content) in enumerate(packed_one_by_one(reference, about), 1):

        def write(connection: Connection, level: str = level, band: int = band, content: bytes = content) -> None:
            if (level, band) not in drawn.kept_shapes(connection, about.id):
                drawn.save_packed(connection, about.id, level, band, content)
            if told := _mark(connection, about.id):
                _keep_mark(reference, connection, about.id, int(told["upto"]), int(told["last"]))

        work.short(Pace(1), 1, write)
        work.share(first + (last - first) * done / number)
        if time.monotonic() > until:
            break


def _forget_mark(work: Work) -> None:
    with work.reference.database.read() as connection:
        told = _mark(connection, work.set_id)
    if told:
        work.short(Pace(1), 1, lambda connection: kept.forget_fact(connection, _fact(work.set_id)))


def _announce(work: Work) -> None:
    """From here on whoever counts a submission places in the set too; those entered until now are to be placed."""
    reference, set_id = work.reference, work.set_id

    def write(connection: Connection) -> None:
        if not _mark(connection, set_id):
            _keep_mark(reference, connection, set_id, 0, placements.last(connection))
            kept.raise_revision(reference.database, connection)

    work.short(Pace(1), 1, write)


# Points


def _place_points(work: Work) -> None:
    """Write where the points of all households lie that are in cells without a unit of the set."""
    reference, set_id = work.reference, work.set_id
    database = reference.database
    with database.read() as connection:
        places = _about(reference.known(connection), set_id)
        told = _mark(connection, set_id)
        upto, last = int(told.get("upto", 0)), int(told.get("last", placements.last(connection)))
        before = np.array(placements.cells_without(connection, set_id), np.int64)
    while upto < last and len(before):
        with database.read() as connection:
            found = placements.points(database, connection, upto, READ_AT_ONCE)
        end = int(found.seq[-1]) if len(found.seq) == READ_AT_ONCE else last
        stood = np.isin(found.cell, before)
        some = found.where(stood)
        rows, cells = place_rows(places, some), dict(zip(some.seq.tolist(), some.cell.tolist(), strict=True))
        first = 0
        while True:
            written = rows[first : first + work.points.rows]
            first += len(written)
            upto = written[-1][0] if first < len(rows) else end

            def write(
                connection: Connection,
                cells: dict[int, int] = cells,
                written: Sequence[Row] = written,
                upto: int = upto,
            ) -> None:
                placements.write(database, connection, cells, written)
                _keep_mark(reference, connection, set_id, upto, last)

            work.short(work.points, len(written), write)
            work.share(_READY_SHARE + (_POINTS_SHARE - _READY_SHARE) * min(upto / last, 1))
            if first == len(rows):
                break


# Cells, and the end


def _tell_cells_apart(work: Work) -> None:
    with work.reference.database.read() as connection:
        known = work.reference.known(connection)
    all_told = SHOWN_SHARE - _POINTS_SHARE
    tell_apart(work, known, _about(known, work.set_id), lambda done: work.share(_POINTS_SHARE + all_told * done))


def _shown(work: Work) -> bool:
    """Let readers see the set, unless there is still somebody to be placed."""
    reference = work.reference

    def write(connection: Connection) -> bool:
        if placements.is_left(connection, work.set_id):
            return False
        if _about(reference.known(connection), work.set_id).about.state is SetState.PLACING:
            kept.set_state(connection, work.set_id, SetState.SHOWN)
            kept.raise_revision(reference.database, connection)
        return True

    return work.short(Pace(1), 1, write)
