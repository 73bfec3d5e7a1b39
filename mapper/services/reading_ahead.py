"""Submissions understood ahead of their counting, by several processes where there are many.

What one submission says depends on no other, so it can be worked out anywhere; what it changes is told by the one who
counts, in order of arrival. What travels between the two is small: rows as the register writes them, and what decides
where they count. Where several submissions tell of one household, who counts reads them again.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import pickle
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, ProcessPoolExecutor
from concurrent.futures import wait as wait_for
from dataclasses import replace
from datetime import date
from functools import lru_cache
from multiprocessing.connection import wait
from typing import NamedTuple

from mapper.domain.household import house_counts
from mapper.domain.people import Finding, Whereabouts
from mapper.errors import Unavailable, mark
from mapper.formats.instance import read_instance
from mapper.services.cluster import Cluster
from mapper.services.counting import Entering
from mapper.services.reference import Known
from mapper.services.understanding import understand
from mapper.store import register
from mapper.store.submissions import StoredSubmission

AHEAD = 16
"""Batches for each other process that it has before it, so that it goes on while this one writes."""

SELDOM = 200_000
"""Objects more than before, some batches' worth, at which garbage is looked for."""

Raw = tuple[str, str, bytes, date, str]
"""Of a submission: form, version, XML, day of receipt, and the first submission of its chain of edits."""

Batch = list[tuple[StoredSubmission, bytes]]
"""Submissions with their XML, in order of arrival."""


class ReadVisit(NamedTuple):
    """What one submission tells of a household; as little as can be, since all of it travels.

    needs_base: it means nothing without what was told of the household before.
    """

    campaign_id: str
    visit: Whereabouts
    needs_base: bool
    rows: register.VisitRows
    findings: Sequence[Finding]

    @property
    def household(self) -> tuple[str, str]:
        """Campaign and id."""
        return self.campaign_id, self.visit.household_id

    def entering(self, known: Known, arrival: int, instance_id: str) -> Entering:
        """The household as this submission alone tells of it. arrival, instance_id: the submission's seq and id."""
        houses, steps = register.read_steps(self.rows.steps)
        return Entering(
            arrival,
            known.campaigns[self.campaign_id],
            instance_id,
            self.visit,
            self.rows,
            steps,
            houses,
            [(instance_id, finding) for finding in self.findings],
            instance_id,
        )


Read = ReadVisit | None
"""What came of a submission; None for what tells of no household, or cannot be understood."""


def read_ahead(
    batches: Iterable[Batch],
    task: Callable[[Batch], tuple[bytes, list[Raw]]],
    read_here: Callable[[Batch], list[Read]],
    processes: int,
    expected: int,
    cluster: Cluster | None = None,
    patience_s: float | None = None,
) -> Generator[tuple[Batch, list[Read]], None, None]:
    """Every batch with what its submissions say, in order.

    task: what ``read_batch`` is to be handed in another process. read_here: reads a batch in this one. processes: that
    read, this one among them, which does whenever the others have enough before them. expected: so many batches;
    towards the last of them the others are given less, so that all are done at one time. Only so many batches are read
    ahead, so that memory stays flat. Close it to end the processes. cluster: whose workers read in place of other
    processes of this machine; it is left in the end. patience_s: so long nothing at all may come of what the others
    were given, None for ever: processes of this machine that end are noticed, workers behind a scheduler are not.
    Raises Unavailable where one of them ends by itself, as for want of memory, or none answers any more.
    """
    if processes < 2 and cluster is None:
        for batch in batches:
            yield batch, read_here(batch)
        return
    others = processes - 1 if cluster is None else cluster.workers
    pool = cluster or _pool(others)
    line: deque[tuple[Batch, Future[list[Read]]]] = deque()
    try:
        for number, batch in enumerate(batches):
            given = sum(not read.done() for _, read in line)
            if given < others * min(AHEAD, max(1, expected - number)):
                line.append((batch, _submit(pool, *task(batch))))
            else:
                line.append((batch, _done(read_here(batch))))
            while line and (line[0][1].done() or len(line) > 2 * AHEAD * (others + 1)):
                yield _next(line, patience_s)
        while line:
            yield _next(line, patience_s)
    except BrokenExecutor as fault:
        message = mark("A process that read submissions ended by itself, so nothing was changed. Try again.")
        raise Unavailable(message) from fault
    finally:
        pool.shutdown(cancel_futures=True)


def _pool(others: int) -> ProcessPoolExecutor:
    # Not forked from here: threads and connections of this process are no use to a copy of it.
    methods = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
    context.set_forkserver_preload(["__main__", __name__])
    return ProcessPoolExecutor(others, mp_context=context, initializer=_obey_the_parent)


def _submit(pool: ProcessPoolExecutor | Cluster, reference_data: bytes, raws: list[Raw]) -> Future[list[Read]]:
    try:
        return pool.submit(read_batch, reference_data, raws)
    except OSError as fault:
        # A pool that breaks while it starts one more process closes that one's channels under its hands.
        raise BrokenExecutor from fault


def _done(result: list[Read]) -> Future[list[Read]]:
    read: Future[list[Read]] = Future()
    read.set_result(result)
    return read


def _next(line: deque[tuple[Batch, Future[list[Read]]]], patience_s: float | None) -> tuple[Batch, list[Read]]:
    batch, read = line.popleft()
    while not read.done():
        # A worker that is gone costs its batch a second one; only where none ends anything are all of them gone.
        pending = [read, *(other for _, other in line if not other.done())]
        if not wait_for(pending, patience_s, FIRST_COMPLETED).done:
            raise Unavailable(
                mark(
                    "No worker of the Dask cluster has answered for {seconds} s, so nothing was changed. Start workers "
                    "again, or empty MAPPER_DASK to have this machine read alone; then run it once more."
                ),
                seconds=f"{patience_s:g}",
            )
    return batch, read.result()


def _obey_the_parent() -> None:
    """End when the parent does, however it ends, and leave interruptions from the keyboard to it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.set_threshold(SELDOM)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def end() -> None:
        wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=end, daemon=True).start()


def reference_for(known: Known) -> bytes:
    """What ``read_batch`` needs of the reference data, in which roles and namespaces are to be there."""
    return pickle.dumps(replace(known, hamlets={}, sets={}, every_set={}, home=None, cells={}))


@lru_cache(maxsize=1)
def _known(data: bytes) -> Known:
    known: Known = pickle.loads(data)  # noqa: S301 - written by reference_for, in memory
    return known


def read_batch(reference_data: bytes, raws: Sequence[Raw]) -> list[Read]:
    """What each submission says. reference_data: of ``reference_for``."""
    return read_all(_known(reference_data), raws)


def read_all(known: Known, raws: Sequence[Raw]) -> list[Read]:
    """The same, where the reference data are at hand."""
    return [_read(known, *raw) for raw in raws]


def _read(known: Known, form_id: str, version: str, xml: bytes, received_on: date, root_id: str) -> Read:
    try:
        instance = read_instance(xml, known.namespaces)
        told = understand(known, known.roles.get((form_id, version)), instance, received_on, root_id)
        campaign, visit = told.campaign, told.visit
        if campaign is None or visit is None:
            return None
        rows = register.visit_rows(visit, told.steps, house_counts(visit))
    except Exception:
        return None  # whoever counts it meets the same fault, and tells of it
    return ReadVisit(campaign.id, visit.whereabouts, visit.entity.needs_base, rows, told.findings)
