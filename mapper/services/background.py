"""Work that takes longer than a reader waits: done by one thread, one piece after another, and kept for the next."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Generic, TypeVar

from mapper.errors import trace
from mapper.services.notice_board import Notice, NoticeBoard

Made = TypeVar("Made")

Progress = Callable[[float], None]
"""Told now and then which share of the work is done."""

KEPT = 24
"""Results remembered, the least lately asked for going first."""

MOST_WAITING = 8
"""Pieces of work that may wait; more than these are asked for again later."""

FAILED_S = 30
"""So long a failure is told; whoever asks after that has it tried again."""


class Stage(StrEnum):
    """How far a piece of work is. busy: so much waits already that it was not taken on; stopped: by a reader."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    BUSY = "busy"
    STOPPED = "stopped"


class Stopped(Exception):
    """Ends work that is to be stopped, at the next share that it tells."""


@dataclass(frozen=True, slots=True)
class Standing(Generic[Made]):
    """A piece of work as it stands. share: done of it, 0..1. made: its result, or an older one while it is worked on.

    made_from: the version that the result belongs to. made_at: when it was done.
    """

    stage: Stage
    share: float
    made: Made | None = None
    made_from: Hashable = None
    made_at: datetime | None = None


@dataclass(slots=True)
class _Job(Generic[Made]):
    key: Hashable
    version: Hashable
    work: Callable[[Progress], Made]
    stage: Stage = Stage.WAITING
    share: float = 0.0
    failed_at: datetime | None = None
    to_stop: bool = False

    @property
    def ended(self) -> bool:
        """Whether it was stopped, or failed so short a while ago that trying again is of no use."""
        failed_lately = self.failed_at is not None and _seconds_since(self.failed_at) < FAILED_S
        return failed_lately or self.stage is Stage.STOPPED


def _seconds_since(moment: datetime) -> float:
    return (datetime.now(UTC) - moment).total_seconds()


class Background(Generic[Made]):
    """Results by key, each of one version; what is missing is worked out in a thread that ends when nothing waits.

    board: tells other processes, and tells of them, so that all of them say the same; None for work of one process.
    """

    def __init__(self, keep: int = KEPT, most_waiting: int = MOST_WAITING) -> None:
        self.board: NoticeBoard[Made] | None = None
        self._keep, self._most_waiting = keep, most_waiting
        self._lock = threading.Lock()
        self._jobs: dict[Hashable, _Job[Made]] = {}
        self._waiting: deque[_Job[Made]] = deque()
        self._results: OrderedDict[Hashable, tuple[Hashable, datetime, Made]] = OrderedDict()
        self._thread: threading.Thread | None = None

    def look(self, key: Hashable) -> Standing[Made] | None:
        """How it stands, without setting anything off; None where nothing was asked for."""
        elsewhere = self._elsewhere(key)
        with self._lock:
            return self._with_others(self._standing(key), elsewhere)

    def ask(
        self,
        key: Hashable,
        version: Hashable,
        work: Callable[[Progress], Made],
        fresh_s: float = 0,
        again: bool = False,
        taken: Callable[[], None] = lambda: None,
    ) -> Standing[Made]:
        """How it stands; work is set off where no result of this version is kept.

        fresh_s: so many seconds a result of another version will do. again: neither that nor a failure will, and what
        was stopped is begun anew. taken: called where the work is put into the queue.
        """
        elsewhere = self._elsewhere(key, version)
        with self._lock:
            kept, job = self._results.get(key), self._jobs.get(key)
            if kept is not None:
                self._results.move_to_end(key)
            running = job is not None and job.stage in (Stage.WAITING, Stage.RUNNING)
            ended = job is not None and job.version == version and job.ended and not again
            enough = kept is not None and self._will_do(kept, version, 0 if again else fresh_s)
            if elsewhere is not None and not running and not enough:
                busy = elsewhere.stage == Stage.RUNNING and not elsewhere.silent
                failed = elsewhere.stage == Stage.FAILED and elsewhere.seconds < FAILED_S
                over = failed or elsewhere.stage == Stage.STOPPED
                if busy or (over and not again and elsewhere.version == repr(version)):
                    return Standing(Stage(elsewhere.stage), elsewhere.share, *self._of(key))
            if not running and not ended and not enough:
                if len(self._waiting) >= self._most_waiting:
                    return Standing(Stage.BUSY, 0.0, *self._of(key))
                # Old failures of others are tried again when they are next asked for.
                self._jobs = {at: one for at, one in self._jobs.items() if one.stage is not Stage.FAILED}
                self._jobs[key] = job = _Job(key, version, work)
                self._waiting.append(job)
                taken()
                if self._thread is None:
                    self._thread = threading.Thread(target=self._go, name="background", daemon=True)
                    self._thread.start()
            standing = self._standing(key)
        assert standing is not None
        return self._with_the_first(key, version, standing)

    def stop(self, key: Hashable) -> None:
        """Stop work that waits or runs, the latter when it next tells its share; it stays so until asked for again.

        Whichever process is at it."""
        with self._lock:
            job = self._jobs.get(key)
            here = job is not None and job.stage in (Stage.WAITING, Stage.RUNNING)
            if job is not None and here:
                job.to_stop = True
                if job.stage is Stage.WAITING:
                    self._waiting.remove(job)
                    job.stage = Stage.STOPPED
        if not here and self.board is not None:
            self.board.stop(key)

    def _elsewhere(self, key: Hashable, version: Hashable = None) -> Notice | None:
        """How it stands with another process; a newer result of that is taken over. version: as of now, where known."""
        if self.board is None or self.board.each:
            return None
        with self._lock:
            kept, job = self._results.get(key), self._jobs.get(key)
        if job is not None and job.stage in (Stage.WAITING, Stage.RUNNING):
            return None
        notice = self.board.read(key)
        if notice is None or self.board.is_mine(notice):
            return None
        if notice.made_at is not None:
            made_at = datetime.fromisoformat(notice.made_at)
            of = version if notice.made_from == repr(version) else notice.made_from
            if kept is None or kept[1] < made_at or (kept[1] == made_at and kept[0] != of and of is version):
                made = self.board.result(key)
                if made is not None:
                    with self._lock:
                        self._jobs.pop(key, None)
                        self._keep_result(key, of, made_at, made)
        return notice

    def _with_the_first(self, key: Hashable, version: Hashable, standing: Standing[Made]) -> Standing[Made]:
        """Of work that each process does for itself, how far the first is; asked where a reader waits for it alone."""
        if self.board is None or not self.board.each or standing.made is not None or standing.stage is Stage.DONE:
            return standing
        first = self.board.read(key)
        if first is None or first.stage != Stage.RUNNING or first.silent or first.version != repr(version):
            return standing
        return replace(standing, share=max(standing.share, first.share))

    def _with_others(self, standing: Standing[Made] | None, elsewhere: Notice | None) -> Standing[Made] | None:
        at_work = standing is not None and standing.stage in (Stage.WAITING, Stage.RUNNING)
        if elsewhere is None or at_work or elsewhere.stage != Stage.RUNNING or elsewhere.silent:
            return standing
        older = (standing.made, standing.made_from, standing.made_at) if standing is not None else (None, None, None)
        return Standing(Stage.RUNNING, elsewhere.share, *older)

    def _keep_result(self, key: Hashable, version: Hashable, made_at: datetime, made: Made) -> None:
        self._results[key] = (version, made_at, made)
        self._results.move_to_end(key)
        while len(self._results) > self._keep:
            self._results.popitem(last=False)

    def _will_do(self, kept: tuple[Hashable, datetime, Made], version: Hashable, fresh_s: float) -> bool:
        return kept[0] == version or _seconds_since(kept[1]) < fresh_s

    def _of(self, key: Hashable) -> tuple[Made | None, Hashable, datetime | None]:
        kept = self._results.get(key)
        return (None, None, None) if kept is None else (kept[2], kept[0], kept[1])

    def _standing(self, key: Hashable) -> Standing[Made] | None:
        job, made = self._jobs.get(key), self._of(key)
        if job is not None:
            return Standing(job.stage, job.share, *made)
        return None if made[0] is None else Standing(Stage.DONE, 1.0, *made)

    def _go(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._thread = None
                    return
                job = self._waiting.popleft()
                job.stage = Stage.RUNNING
            self._work(job)

    def _work(self, job: _Job[Made]) -> None:
        board = self.board

        def progress(share: float) -> None:
            if job.to_stop:
                raise Stopped
            job.share = share
            if board is not None and not board.tell(job.key, job.version, share):
                job.to_stop = True
                raise Stopped

        if board is not None and not board.claim(job.key, job.version) and not board.each:
            with self._lock:
                del self._jobs[job.key]  # another process has begun it meanwhile, and tells of it
            return
        try:
            made = job.work(progress)
        except Exception as error:
            if board is not None:
                board.ended(job.key, job.version, Stage.STOPPED if job.to_stop else Stage.FAILED)
            # Libraries that call back pass on an error of their own.
            if job.to_stop:
                with self._lock:
                    job.stage = Stage.STOPPED
                return
            logging.getLogger(__name__).error("work in the background failed: %s", trace(error))
            with self._lock:
                job.stage, job.failed_at = Stage.FAILED, datetime.now(UTC)
            return
        made_at = datetime.now(UTC)
        if board is not None:
            board.done(job.key, job.version, made, made_at)
        with self._lock:
            del self._jobs[job.key]
            self._keep_result(job.key, job.version, made_at, made)
