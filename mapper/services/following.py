"""Households without a point, placed anew where what is told of their commune's heirs has changed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mapper.services.counting import EVERYTHING
from mapper.services.reference import Known, PlaceSet, Reference
from mapper.services.set_cells import Part, in_unit, move, on_the_way
from mapper.store import placements, tallies
from mapper.store import reference as kept
from mapper.store.database import Connection

AT_ONCE = 4000
"""Households moved at a time."""


@contextmanager
def telling(reference: Reference) -> Iterator[Connection]:
    """A transaction in which what is told of successions changes; at its end households without a point follow it.

    Uploads wait for it: who has no point is seldom, and the tellings change seldom.
    """
    try:
        with reference.database.write() as connection:
            reference.database.lock(connection, EVERYTHING)
            yield connection
            kept.raise_revision(reference.database, connection)
            known = reference.known(connection)
            for places in known.every_set.values():
                if places.id != known.home:
                    _follow(reference, connection, known, places)
    except BaseException:
        # What was read in this transaction is not true if it failed.
        reference.forget()
        raise


def _follow(reference: Reference, connection: Connection, known: Known, places: PlaceSet) -> None:
    """Move those households of a set whose point lies in none of its units."""
    database = reference.database
    for cell in tallies.cells(connection):
        # A cell without the set is still to be placed in it, by what is told then.
        if places.id not in cell.units:
            continue
        now, wanted = cell.units[places.id], known.without_point(cell.units.get(known.home or ""), places)
        if now == wanted:
            continue
        points = placements.points_of(database, connection, [cell.id])
        leave = points.seq[places.placer.place(points.lon, points.lat) < 0].tolist()
        for first in range(0, len(leave), AT_ONCE):
            part = Part(cell.id, in_unit(cell, places.id, wanted), leave[first : first + AT_ONCE])
            move(database, connection, known, on_the_way(database, connection, [part]))
