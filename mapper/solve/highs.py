"""HiGHS on one model, in the process that asks or in one of its own that can be ended at any moment.

``serve`` is what that process does: it reads a pickled task and writes pickled messages; only ``solve.milp`` starts it.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mapper.solve.siting import Floats, Ints, Stop


@dataclass(frozen=True, eq=False)
class Model:
    """Least ``cost @ x`` with ``least <= A x <= most`` and ``lower <= x <= upper``.

    Row r of A holds ``value[k]`` in column ``column[k]`` for k from ``start[r]`` up to ``start[r + 1]``. whole: which
    columns take whole numbers.
    """

    cost: Floats
    upper: Floats
    lower: Floats
    whole: NDArray[np.bool_]
    start: Ints
    column: Ints
    value: Floats
    least: Floats
    most: Floats


@dataclass(frozen=True, slots=True)
class Task:
    """A model, an allowed answer to start from, and when to be content. asks: of HiGHS whether to go on,
    after which it ends."""

    model: Model
    given: Floats
    seconds: float
    gap: float
    step: float
    seed: int
    nodes: int | None
    asks: int


@dataclass(frozen=True, slots=True)
class Told:
    """Costs of the best answer so far and what none can better, infinite where not known."""

    cost: float
    bound: float


@dataclass(frozen=True, eq=False)
class Better:
    """A better answer."""

    x: Floats


@dataclass(frozen=True, eq=False)
class Ended:
    """x: the best answer, None where HiGHS has none. bound: no answer costs less. stopped: why it ended."""

    x: Floats | None
    bound: float
    stopped: Stop


def run(task: Task, tell: Callable[[Told | Better], bool]) -> Ended:
    """Solve. tell: each message; once it says no the solve ends at the next occasion, between linear programs."""
    # Loaded here, since only who plans needs it.
    import highspy

    solver = _loaded(task.model, highspy)
    solver.setOptionValue("time_limit", max(task.seconds, 0.01))
    solver.setOptionValue("mip_rel_gap", task.gap)
    solver.setOptionValue("mip_abs_gap", max(task.step * 0.999, 1e-9))
    solver.setOptionValue("random_seed", task.seed % (2**31))
    if task.nodes is not None:
        solver.setOptionValue("mip_max_nodes", task.nodes)
    given = highspy.HighsSolution()
    given.col_value = task.given.tolist()
    solver.setSolution(given)
    stopped: Stop | None = None
    asks = 0

    def ask(event: Any) -> None:
        nonlocal stopped, asks
        asks += 1
        data = event.data_out
        if not tell(Told(float(data.mip_primal_bound), float(data.mip_dual_bound))):
            stopped = Stop.CANCELLED
            event.interrupt()
        elif asks > task.asks:
            stopped = Stop.ROUNDS
            event.interrupt()

    solver.cbMipInterrupt += ask
    solver.cbMipImprovingSolution += lambda event: tell(Better(np.array(event.data_out.mip_solution)))
    solver.run()
    info, status = solver.getInfo(), solver.getModelStatus()
    found = np.array(solver.getSolution().col_value) if info.primal_solution_status == 2 else None
    whole = bool(task.model.whole.any())
    bound = float(info.mip_dual_bound) if whole else float(info.objective_function_value)
    if not whole and status != highspy.HighsModelStatus.kOptimal:
        bound = -np.inf
    return Ended(found, bound, stopped or _stopped(status, found, task.model, bound, highspy.HighsModelStatus))


def _loaded(model: Model, highs: Any) -> Any:
    lp = highs.HighsLp()
    lp.num_col_, lp.num_row_ = len(model.cost), len(model.least)
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = model.cost, model.lower, model.upper
    lp.row_lower_, lp.row_upper_ = model.least, model.most
    lp.a_matrix_.format_ = highs.MatrixFormat.kRowwise
    lp.a_matrix_.num_col_, lp.a_matrix_.num_row_ = len(model.cost), len(model.least)
    lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = model.start, model.column, model.value
    kinds = {False: highs.HighsVarType.kContinuous, True: highs.HighsVarType.kInteger}
    lp.integrality_ = [kinds[each] for each in model.whole.tolist()]
    solver = highs.Highs()
    solver.silent()
    # One thread: which of several finds an answer first would change from run to run.
    solver.setOptionValue("threads", 1)
    solver.setOptionValue("parallel", "off")
    solver.passModel(lp)
    return solver


def _stopped(status: Any, found: Floats | None, model: Model, bound: float, kinds: Any) -> Stop:
    if status == kinds.kInterrupt:
        return Stop.CANCELLED
    if status == kinds.kTimeLimit:
        return Stop.TIME
    if status == kinds.kOptimal and found is not None:
        cost = float(model.cost @ found)
        return Stop.OPTIMAL if cost - bound <= max(1e-6, 1e-6 * abs(cost)) else Stop.GAP
    return Stop.ROUNDS


def serve() -> None:
    """One task from standard input, its messages to standard output, which nobody else may write to."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)

    def tell(message: Told | Better | Ended) -> bool:
        try:
            pickle.dump(message, out)
            out.flush()
        except OSError:
            # Nobody listens any more.
            os._exit(1)
        return True

    tell(run(pickle.load(sys.stdin.buffer), tell))  # noqa: S301 (both ends are this program)
