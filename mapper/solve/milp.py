"""Linear programs with whole numbers, by HiGHS: one model in, the best answer with its bound out.

Source: Q. Huangfu and J. A. J. Hall, Mathematical Programming Computation 10 (2018) 119-142.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mapper.solve.siting import Floats, Ints, Stop
from mapper.solve.watch import Watch


@dataclass(frozen=True, eq=False)
class Model:
    """Least ``cost @ x`` with ``least <= A x <= most`` and ``0 <= x <= upper``.

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
    to what the watch tells. Nobody is asked within a linear program, which may take seconds, or a quarter of a minute
    for a province: who must end a solve at once runs it in a process of its own.
    """
    solver, highs = _load(model)
    limits = watch.limits
    whole = bool(model.whole.any())
    solver.setOptionValue("time_limit", max(watch.remaining, 0.01))
    solver.setOptionValue("mip_rel_gap", limits.gap)
    solver.setOptionValue("mip_abs_gap", max(step * 0.999, 1e-9))
    solver.setOptionValue("random_seed", limits.seed % (2**31))
    if limits.rounds is not None:
        solver.setOptionValue("mip_max_nodes", limits.rounds)
    given = highs.HighsSolution()
    given.col_value = start.tolist()
    solver.setSolution(given)

    def ask(event: Any) -> None:
        if watch.over() is Stop.CANCELLED:
            event.interrupt()
        if event.callback_type == highs.cb.HighsCallbackType.kCallbackMipInterrupt:
            primal, dual = event.data_out.mip_primal_bound, event.data_out.mip_dual_bound
            watch.tell(*(say(bound) if np.isfinite(bound) else None for bound in (primal, dual)))

    def improved(event: Any) -> None:
        if better is not None:
            better(np.array(event.data_out.mip_solution))

    solver.cbMipInterrupt += ask
    solver.cbSimplexInterrupt += ask
    solver.cbMipImprovingSolution += improved
    solver.run()
    info, status = solver.getInfo(), solver.getModelStatus()
    found = np.array(solver.getSolution().col_value) if info.primal_solution_status == 2 else None
    bound = float(info.mip_dual_bound) if whole else float(info.objective_function_value)
    if not whole and status != highs.HighsModelStatus.kOptimal:
        bound = -np.inf
    if step and np.isfinite(bound):
        bound = float(np.ceil(bound / step - 1e-6) * step)
    return Answer(found, bound, _stopped(status, found, model, bound, highs))


def _load(model: Model) -> tuple[Any, Any]:
    # Loaded here, since only who plans needs it.
    import highspy

    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = len(model.cost), len(model.least)
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = model.cost, model.lower, model.upper
    lp.row_lower_, lp.row_upper_ = model.least, model.most
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.num_col_, lp.a_matrix_.num_row_ = len(model.cost), len(model.least)
    lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = model.start, model.column, model.value
    kinds = {False: highspy.HighsVarType.kContinuous, True: highspy.HighsVarType.kInteger}
    lp.integrality_ = [kinds[each] for each in model.whole.tolist()]
    solver = highspy.Highs()
    solver.silent()
    # One thread: which of several finds an answer first would change from run to run.
    solver.setOptionValue("threads", 1)
    solver.setOptionValue("parallel", "off")
    solver.passModel(lp)
    return solver, highspy


def _stopped(status: Any, found: Floats | None, model: Model, bound: float, highs: Any) -> Stop:
    kinds = highs.HighsModelStatus
    if status == kinds.kInterrupt:
        return Stop.CANCELLED
    if status == kinds.kTimeLimit:
        return Stop.TIME
    if status == kinds.kOptimal and found is not None:
        cost = float(model.cost @ found)
        return Stop.OPTIMAL if cost - bound <= max(1e-6, 1e-6 * abs(cost)) else Stop.GAP
    return Stop.ROUNDS
