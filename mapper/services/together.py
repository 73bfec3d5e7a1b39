"""Group commit: what several threads want written at the same moment goes into one transaction.

A phone's submission is small and a disk's flush is slow. The first thread to come does the work of all that are
waiting; the others find theirs done. A thread alone waits for nobody.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

Job = TypeVar("Job")
Result = TypeVar("Result")

MOST = 64
"""Jobs of one transaction, so that nobody waits for a very long one."""


class _Waiting:
    """A job in its queue, and what came of it."""

    __slots__ = ("done", "fault", "job", "result")

    def __init__(self, job: Any) -> None:
        self.job = job
        self.done = False
        self.result: Any = None
        self.fault: BaseException | None = None


class Together:
    """The jobs that wait, and the lock of the thread that is doing them. Safe for threads."""

    def __init__(self) -> None:
        self._waiting: deque[_Waiting] = deque()
        self._busy = threading.Lock()

    def do(self, work: Callable[[Sequence[Job]], Sequence[Result]], job: Job) -> Result:
        """The result of a job, done together with others that wait at the same moment.

        work: the same for every caller; does all the jobs it is given, in their order, in one transaction, or raises
        and has done none; then each job is tried alone, so that a faulty one fails by itself. What it raises for a
        job alone is raised here.
        """
        mine = _Waiting(job)
        self._waiting.append(mine)
        with self._busy:
            while not mine.done:
                _finish(work, [self._waiting.popleft() for _ in range(min(MOST, len(self._waiting)))])
        if mine.fault is not None:
            raise mine.fault
        result: Result = mine.result
        return result


def _finish(work: Callable[[Sequence[Any]], Sequence[Any]], some: list[_Waiting]) -> None:
    """Do some jobs at once; where that fails, one by one."""
    if len(some) > 1:
        try:
            results = work([each.job for each in some])
        except Exception:
            for each in some:
                _finish(work, [each])
            return
        for each, result in zip(some, results, strict=True):
            each.result, each.done = result, True
        return
    for each in some:
        try:
            each.result = work([each.job])[0]
        except Exception as fault:
            each.fault = fault
        finally:
            each.done = True
