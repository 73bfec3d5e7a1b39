"""A question about sites as spopt asks HiGHS through PuLP; a process of its own, started by ``bench/siting.py``.

Reads a pickled question from standard input and writes what was found, a line of JSON, to standard output. spopt wants
the whole matrix of ways, those beyond the limit too.
"""

from __future__ import annotations

import io
import json
import pickle
import resource
import sys
import time
import warnings
from contextlib import redirect_stdout

import numpy as np

BEYOND = 10
"""Ways beyond the limit count so many times the longest within it, as those of people without a site do with us."""


def main() -> None:
    """Build the model, solve, add up what its plan really reaches."""
    warnings.simplefilter("ignore")
    import pulp
    from spopt.locate import MCLP, PMedian

    question, far, people, room, sites, seconds = pickle.load(sys.stdin.buffer)
    began, cpu = time.perf_counter(), time.process_time()
    if question == "cover":
        model = MCLP.from_cost_matrix(np.where(np.isfinite(far), far, 1e9), people, 1e8, sites)
    else:
        longest = far[np.isfinite(far)].max()
        ways = np.where(np.isfinite(far), far, BEYOND * longest)
        model = PMedian.from_cost_matrix(ways, people, sites, facility_capacities=room)
    built = time.perf_counter() - began
    with redirect_stdout(io.StringIO()):
        model.problem.solve(pulp.HiGHS(msg=False, timeLimit=seconds, gapRel=1e-4, threads=1))
    found = [each.value() for each in model.fac_vars]
    chosen = [site for site, value in enumerate(found) if value is not None and value > 0.5]
    if not chosen:
        goal = None
    elif question == "cover":
        goal = float(people[np.isfinite(far[:, chosen]).any(1)].sum())
    else:
        goal = pulp.value(model.problem.objective)
    print(
        json.dumps(
            {
                "objective": goal,
                "sites": len(chosen),
                "status": pulp.LpStatus[model.problem.status],
                "seconds": time.perf_counter() - began,
                "built": built,
                "cpu": time.process_time() - cpu,
                "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            }
        )
    )


if __name__ == "__main__":
    main()
