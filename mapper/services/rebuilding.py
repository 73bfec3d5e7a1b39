"""Register and tallies anew from the raw submissions alone, with what intake would have kept as the result."""

from __future__ import annotations

import gc
from collections.abc import Callable

from mapper.errors import MapperError
from mapper.services.counting import EVERYTHING, Gathered, count, understand_stored, write
from mapper.services.reference import Known, Reference
from mapper.store import register, submissions, tallies
from mapper.store.database import Connection
from mapper.store.submissions import StoredSubmission, SubmissionState


def rebuild(
    reference: Reference,
    progress: Callable[[int], None] = lambda done: None,
    batch: int = 500,
    change: Callable[[Connection], None] = lambda connection: None,
) -> int:
    """Register and tallies anew from the raw submissions alone; how many submissions were read.

    Ends with what intake would have kept: an edit is counted after its original, whichever came first. Runs in one
    transaction, so that readers see the old figures until the new ones stand. progress: called with the number of
    submissions just done. change: of the reference data, made in the same transaction before anything is counted.
    """
    database = reference.database
    collecting = gc.isenabled()
    gc.disable()  # once a batch is enough: little here refers to itself, and looking for it takes a quarter of the time
    try:
        with database.write() as connection:
            database.lock(connection, EVERYTHING)
            change(connection)
            register.clear(connection)
            tallies.clear(connection)
            submissions.forget_processing(connection)
            known = reference.known(connection)
            gathered = Gathered()
            waiting: dict[str, str] = {}
            done = 0
            for stored in submissions.stream(connection, batch):
                for one in stored:
                    _recount(reference, connection, known, one, gathered, waiting)
                write(reference, connection, gathered)
                done += len(stored)
                gc.collect(0)
                progress(len(stored))
        known.cells.update(gathered.new_cells)
    except BaseException:
        reference.forget()
        raise
    finally:
        if collecting:
            gc.enable()
    return done


def _recount(
    reference: Reference,
    connection: Connection,
    known: Known,
    stored: StoredSubmission,
    gathered: Gathered,
    waiting: dict[str, str],
) -> None:
    """Count one submission of a rebuild, then the edit that waited for it. waiting: original to its edit."""
    if stored.state is not SubmissionState.RECEIVED:
        return
    original = stored.deprecated_id
    if original is not None and submissions.state_of(connection, original) is SubmissionState.RECEIVED:
        waiting[original] = stored.instance_id
        return
    try:
        count(reference, connection, stored, understand_stored(reference, connection, known, stored), gathered)
    except MapperError as problem:
        submissions.set_state(connection, stored.instance_id, SubmissionState.FLAGGED, problem.message, problem.facts)
    edit = waiting.pop(stored.instance_id, None)
    if edit is not None:
        again = submissions.read(reference.database, connection, edit)
        if again is not None:
            _recount(reference, connection, known, again, gathered, waiting)
