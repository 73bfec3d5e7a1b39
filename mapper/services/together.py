"""Group commit: what several threads want written at the same moment goes into one transaction.

A phone's submission is small and a disk's flush is slow. One of the threads that come leads: it does the work of all
that wait, round after round, until its own is done, and hands on to the next; every other thread sleeps until its
work is done. A thread alone waits for nobody.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

Job = TypeVar("Job")
Result = TypeVar("Result")

MOST = 64
"""Jobs of one transaction, so that nobody waits for a very long one."""

GATHERING_S = 0.003
"""So long a leader waits, where others came at the same moment, for those who are just about to come."""


@dataclass(frozen=True, slots=True)
class Then(Generic[Job]):
    """The outcome of a job that goes on as another one in a later transaction; its thread sleeps on."""

    job: Job


class _Waiting:
    """A job in its queue, and what came of it."""

    __slots__ = ("done", "job", "result", "wake")

    def __init__(self, job: Any) -> None:
        self.job = job
        self.done = False
        self.result: Any = None
        self.wake = threading.Lock()
        self.wake.acquire()

    def end(self, result: Any) -> None:
        """Tell the thread that waits what came of its job."""
        self.result, self.done = result, True
        self.wake.release()


class Together:
    """The jobs that wait, and whether some thread is leading. Safe for threads."""

    def __init__(self) -> None:
        self._waiting: deque[_Waiting] = deque()
        self._led = False
        self._crowded = False
        self._change = threading.Lock()

    def do(self, work: Callable[[Sequence[Job]], Sequence[Result | Then[Job] | Exception]], job: Job) -> Result:
        """The result of a job, done together with others that wait at the same moment.

        work: the same for every caller; does all the jobs it is given, in their order, in one transaction, or raises
        and has done none; then each job is tried alone, so that a faulty one fails by itself. Its outcomes are results,
        jobs to go on with, or exceptions, which are raised here, as is what it raises for a job alone.
        """
        mine = _Waiting(job)
        with self._change:
            self._waiting.append(mine)
            leading, self._led = not self._led, True
        if not leading:
            mine.wake.acquire()
        if not mine.done:
            try:
                while not mine.done:
                    self._round(work)
            finally:
                self._hand_on()
        if isinstance(mine.result, BaseException):
            raise mine.result
        result: Result = mine.result
        return result

    def _hand_on(self) -> None:
        """Wake the thread that waits longest to lead; without one, the next to come leads."""
        with self._change:
            self._led = bool(self._waiting)
            if self._led:
                self._waiting[0].wake.release()

    def _round(self, work: Callable[[Sequence[Any]], Sequence[Any]]) -> None:
        """Do what waits now, in one go.

        Python runs one thread at a time, so while a leader works nobody else gets far: at once after a round hardly
        anybody waits. A short sleep lets them all come, and a transaction costs much the same for two as for eight.
        """
        if self._crowded and len(self._waiting) < MOST:
            time.sleep(GATHERING_S)
        some = [self._waiting.popleft() for _ in range(min(MOST, len(self._waiting)))]
        self._crowded = len(some) > 1
        try:
            again = _outcomes(work, some)
        except BaseException as fault:
            for each in some:
                if not each.done:
                    each.end(fault)
            raise
        self._waiting.extendleft(reversed(again))


def _outcomes(work: Callable[[Sequence[Any]], Sequence[Any]], some: list[_Waiting]) -> list[_Waiting]:
    """Do some jobs at once, or where that fails, one by one; those that go on."""
    try:
        results = work([each.job for each in some])
    except Exception as fault:
        if len(some) > 1:
            return [one for each in some for one in _outcomes(work, [each])]
        results = [fault]
    again = []
    for each, result in zip(some, results, strict=True):
        if isinstance(result, Then):
            each.job = result.job
            again.append(each)
        else:
            each.end(result)
    return again
