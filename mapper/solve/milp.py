"""Linear programs with whole numbers, by HiGHS: one model in, the best answer with its bound out, at any moment.

HiGHS asks nobody while it solves a linear program, which may take seconds, or a quarter of a minute for a province. A
model that is large enough for that is solved in a process of its own, which is ended when its time is up or the plan is
not wanted any more. Source: Q. Huangfu and J. A. J. Hall, Mathematical Programming Computation 10 (2018) 119-142.
"""

from __future__ import annotations

import logging
import pickle
import queue
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mapper.solve.highs import Better, Ended, Model, Task, Told, run
from mapper.solve.siting import Floats, Stop
from mapper.solve.watch import Watch

log = logging.getLogger(__name__)

WORK = 20_000_000
"""Entries of the model times the occasions at which HiGHS asks whether to go on, after which a solve ends.

Unlike the clock, this is the same on every machine.
"""

FEWEST_ASKS = 100
"""Such occasions that a solve has, however large it is."""

AT_ONCE = 20_000
"""Entries of a model up to which each of its linear programs ends within moments."""

ASK_S = 0.1
"""So often it is asked whether a plan is still wanted."""

GRACE_S = 0.3
"""HiGHS may end by itself so long after its time is up."""


@dataclass(frozen=True, eq=False)
class Answer:
    """x: the best that was found, None where nothing better than the start was. bound: no x costs less."""

    x: Floats | None
    bound: float
    stopped: Stop


def solve(
    model: Model,
    start: Floats,
    watch: Watch,
    *,
    better: Callable[[Floats], None] | None = None,
    step: float = 0.0,
    say: Callable[[float], float] = float,
) -> Answer:
    """Improve ``start``, which has to be allowed, until the watch or its limits say stop.

    better: told each better x. step: costs of whole answers are multiples of it, 0 where unknown. say: from a cost
    to what the watch tells.
    """
    limits = watch.limits
    entries = max(len(model.value), 1)
    task = Task(
        model,
        start,
        watch.remaining,
        limits.gap,
        step,
        limits.seed,
        limits.rounds,
        max(WORK // entries, FEWEST_ASKS),
    )

    def hear(message: Told | Better) -> bool:
        if isinstance(message, Better):
            if better is not None:
                better(message.x)
        else:
            each = message.cost, message.bound
            watch.tell(*(say(one) if np.isfinite(one) else None for one in each))
        return watch.over() is not Stop.CANCELLED

    ended = run(task, hear) if entries <= AT_ONCE else _beside(task, hear, watch)
    bound = ended.bound
    if step and np.isfinite(bound):
        bound = float(np.ceil(bound / step - 1e-6) * step)
    return Answer(ended.x, bound, ended.stopped)


def _beside(task: Task, hear: Callable[[Told | Better], bool], watch: Watch) -> Ended:
    """Solve in a process of its own."""
    found: Floats | None = None
    bound = -np.inf
    messages: queue.SimpleQueue[Told | Better | Ended | None] = queue.SimpleQueue()
    with subprocess.Popen(
        [sys.executable, "-c", "from mapper.solve.highs import serve; serve()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).resolve().parents[2],
        # Ctrl-C is for who asked, and takes the best plan so far.
        start_new_session=True,
    ) as process:
        threading.Thread(target=_talk, args=(process, task, messages), daemon=True).start()
        try:
            while True:
                try:
                    message = messages.get(timeout=ASK_S)
                except queue.Empty:
                    message = Told(np.inf, bound)
                if message is None:
                    # The plan so far is worth more than none. What a machine without memory does is not repeatable.
                    log.error("HiGHS ended without an answer; is highspy installed, and memory left?")
                    return Ended(found, bound, Stop.TIME)
                if isinstance(message, Ended):
                    return message
                if isinstance(message, Better):
                    found = message.x
                else:
                    bound = max(bound, message.bound)
                if not hear(message):
                    return Ended(found, bound, Stop.CANCELLED)
                if watch.seconds > watch.limits.seconds + GRACE_S:
                    return Ended(found, bound, Stop.TIME)
        finally:
            process.kill()


def _talk(
    process: subprocess.Popen[bytes], task: Task, messages: queue.SimpleQueue[Told | Better | Ended | None]
) -> None:
    """Give the task, pass on what comes back; None once nothing comes any more."""
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        pickle.dump(task, process.stdin)
        process.stdin.close()
        while True:
            messages.put(pickle.load(process.stdout))  # noqa: S301 (both ends are this program)
    except (OSError, EOFError, ValueError, pickle.UnpicklingError):
        # It ended, or was ended.
        pass
    finally:
        messages.put(None)
