"""Register and tallies anew from the raw submissions alone, with what intake would have kept as the result.

Reading is what takes longest; where there are many submissions, processes of their own do it (``reading_ahead``),
while this one counts in order of arrival and writes.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager

from mapper.domain.shelves import shelf_of_cell
from mapper.errors import Unavailable
from mapper.services.cluster import Cluster
from mapper.services.counting import EVERYTHING, Gathered, count, enter, write, write_entries
from mapper.services.reading_ahead import SELDOM, Batch, Raw, Read, ReadVisit, read_ahead, read_all, reference_for
from mapper.services.reference import Known, Reference
from mapper.services.understanding import reason, understand_stored
from mapper.store import edits, erasing, mendings, register, shelves, submissions, tallies
from mapper.store import reference as kept
from mapper.store.database import Connection
from mapper.store.submissions import StoredSubmission, SubmissionState

BATCH = 250
"""Submissions read at a time."""

TOGETHER = 4000
"""Households entered at a time, table by table: far fewer pages of the register are looked for."""

MANY = 4000
"""Submissions from which on processes of their own are worth their start."""

PATIENCE_S = 300
"""So long nothing may come of a cluster's workers."""

MOST_STEPS = 1_200_000
"""Steps of people gathered before they are summed and written, which bounds the memory that they take."""


def rebuild(
    reference: Reference,
    progress: Callable[[int], None] = lambda done: None,
    batch: int = BATCH,
    change: Callable[[Connection], None] = lambda connection: None,
    processes: int | None = None,
    cluster: Cluster | None = None,
    patience_s: float = PATIENCE_S,
) -> int:
    """Register and tallies anew from the raw submissions alone; how many submissions were read.

    Ends with what intake would have kept: an edit is counted after its original, whichever came first. Runs in one
    transaction, so that readers see the old figures until the new ones stand; uploads wait for it. progress: called
    with the number of submissions just done. change: of the reference data, made in the same transaction before
    anything is counted. processes: that read; None for one a core where there are many submissions.
    cluster: whose workers read in their place, with the same result; patience_s: so long none of them may answer.
    Raises Unavailable where the database or a reading process fails, or no worker answers; then everything is as it
    was: to go on alone might take days, during which no phone can send.
    """
    database = reference.database
    done = 0
    try:
        with _seldom_collecting(), database.write() as connection:
            database.lock(connection, EVERYTHING)
            change(connection)
            edits.forget_processing(connection)
            number = submissions.count(connection)
            if processes is None:
                processes = _cores() if number >= MANY else 1
            counting = _Recount(reference, connection)
            batches = submissions.stream(connection, batch)
            expected = -(-number // batch)
            patience = patience_s if cluster is not None else None
            with closing(
                read_ahead(batches, counting.task, counting.read, processes, expected, cluster, patience)
            ) as all_read:
                for stored, read in all_read:
                    counting.take(stored, read)
                    done += len(stored)
                    progress(len(stored))
            counting.finish()
        counting.known.cells.update(counting.gathered.new_cells)
        if number >= MANY:
            shelves.analyse(database)
    except BaseException:
        reference.forget()
        raise
    return done


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def _seldom_collecting() -> Iterator[None]:
    """Look for garbage in cycles seldom: hardly anything makes any here, and looking takes a quarter of the time."""
    usual = gc.get_threshold()
    gc.set_threshold(SELDOM, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)


class _Recount:
    """Counts submissions in order of arrival, each after what it edits.

    gathered: what is not written yet. processed: submissions that are in it, and the household each tells of.
    waiting: original to the edit that came before it. mended: households that supervisors corrected or joined.
    """

    def __init__(self, reference: Reference, connection: Connection) -> None:
        self.reference = reference
        self.connection = connection
        self.known: Known = reference.known(connection)
        reference.namespaces(connection, self.known)
        self.gathered = Gathered(alone=True)
        self.processed: list[submissions.Processed] = []
        self.waiting: dict[str, str] = {}
        self.mended = mendings.mended(connection)
        self._roles = -1
        self._reference_data = b""
        self._cleared = False

    def task(self, batch: Batch) -> tuple[bytes, list[Raw]]:
        """What another process needs to read a batch."""
        raws = self._raws(batch)
        if len(self.known.roles) != self._roles:
            self._roles, self._reference_data = len(self.known.roles), reference_for(self.known)
        return self._reference_data, raws

    def read(self, batch: Batch) -> list[Read]:
        """A batch, read in this process."""
        return read_all(self.known, self._raws(batch))

    def _raws(self, batch: Batch) -> list[Raw]:
        for form_id, version in {(one.form_id, one.form_version) for one, _ in batch}:
            self.reference.roles(self.connection, self.known, form_id, version)
        return [(one.form_id, one.form_version, xml, one.received_on, one.root_id) for one, xml in batch]

    def take(self, batch: Batch, all_read: Sequence[Read]) -> None:
        """Count a batch of submissions as they were read."""
        self._clear()
        told_of = self._in_register(all_read) | self.gathered.entries.keys()
        for (stored, _), read in zip(batch, all_read, strict=True):
            if stored.state is not SubmissionState.RECEIVED:
                continue
            household = read.household if read else None
            first = household not in told_of and household not in self.gathered.awaited
            alone = read is not None and stored.deprecated_id is None and not read.needs_base
            alone = alone and household not in self.mended
            if read and first and alone and self._enter(stored, read):
                # Nearly every submission: the first that tells of its household.
                self.processed.append((stored.instance_id, *read.household))
                self._go_on(stored)
            else:
                self._count(stored)
            told_of.add(household)
        if len(self.processed) >= TOGETHER:
            self._write_entries()
        if len(self.gathered.steps) > MOST_STEPS:
            self.finish()

    def finish(self) -> None:
        """Write all that was gathered."""
        self._clear()
        self._write_entries()
        write(self.reference, self.connection, self.gathered)

    def _clear(self) -> None:
        """Empty the register and the tallies, once; late, so that other processes read meanwhile."""
        if not self._cleared:
            self._cleared = True
            register.clear(self.reference.database, self.connection)
            tallies.clear(self.reference.database, self.connection)
            self._put_on_shelves()
            tallies.add(self.reference.database, self.connection, *erasing.counts_left(self.connection))

    def _put_on_shelves(self) -> None:
        """Cells that were made before their province was known go to its shelf, and their households with them."""
        database, connection, known = self.reference.database, self.connection, self.known
        there = shelves.there(database, connection)
        wanted = ((cell.id, known.shelf(cell.units)) for cell in (tallies.cells(connection) if len(there) > 1 else ()))
        moved = [(at, shelf) for at, shelf in wanted if shelf != shelf_of_cell(at) and shelf in there]
        if moved:
            shelves.put_cells(connection, moved)
            known.cells.clear()
            kept.raise_revision(database, connection)

    def _in_register(self, all_read: Sequence[Read]) -> set[tuple[str, str] | None]:
        """Those households of a batch that the register has."""
        told: dict[str, set[str]] = {}
        for read in all_read:
            if read:
                told.setdefault(read.campaign_id, set()).add(read.visit.household_id)
        database, connection = self.reference.database, self.connection
        return {
            (campaign_id, household_id)
            for campaign_id, ids in told.items()
            for household_id in register.among(database, connection, campaign_id, ids)
        }

    def _enter(self, stored: StoredSubmission, read: ReadVisit) -> bool:
        """Enter a household that nobody told of before; False where that fails, which ``_count`` then tells of."""
        try:
            enter(
                self.reference,
                self.connection,
                self.known,
                read.entering(self.known, stored.seq, stored.instance_id),
                self.gathered,
            )
        except Exception:
            return False
        return True

    def _count(self, stored: StoredSubmission) -> None:
        """Count a submission that may change what others told, or flag it; then the edit that waited for it."""
        reference, connection = self.reference, self.connection
        self._write_entries()
        original = stored.deprecated_id
        if original is not None and submissions.state_of(connection, original) is SubmissionState.RECEIVED:
            self.waiting[original] = stored.instance_id
            return
        one = Gathered(alone=True)
        try:
            with reference.database.attempt(connection):
                told = understand_stored(reference, connection, self.known, stored)
                count(reference, connection, stored, told, one)
        except Unavailable:
            raise
        except Exception as fault:
            message, facts = reason(fault)
            submissions.set_state(connection, stored.instance_id, SubmissionState.FLAGGED, message, facts)
        else:
            self.gathered.add(one)
        self._go_on(stored)

    def _go_on(self, original: StoredSubmission) -> None:
        """Count the edit that waited for a submission."""
        edit = self.waiting.pop(original.instance_id, None)
        if edit is None:
            return
        stored = submissions.read(self.reference.database, self.connection, edit)
        if stored is not None:
            self._count(stored)

    def _write_entries(self) -> None:
        write_entries(self.reference, self.connection, self.gathered)
        submissions.set_all_processed(self.reference.database, self.connection, self.processed)
        self.processed.clear()
