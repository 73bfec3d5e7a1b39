"""Sites for 2,000, 10,000 and 90,000 demand points: how soon there is a plan, how good it is in the end.

python bench/siting.py [--sizes S] [--questions cover,least] [--seconds 60] [--seed 1] [--spopt]

Houses lie around hamlets as wide apart as those of Bắc Kạn, candidates among them: S is 100 candidates and 2,000 demand
points, M 500 and 10,000, L 2,000 and 90,000. "cover" asks for the most people within 3 km by a twentieth of the
candidates; "least" for the least travel within 6 km by a tenth, which together have places for a fifth more people than
there are. Prints the pairs within reach, seconds to the first plan and to the last, how far each is from its bound,
people without a site, the most memory held so far, and how much slower than quiet the cores were meanwhile.

--spopt: right after each, spopt's model of the same question on the same HiGHS with one thread, as many seconds and a
process of its own, and the ratio of both. spopt and PuLP are wanted for that alone: ``pip install spopt pulp``.
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.province import settle
from mapper.solve.covering import most_covered
from mapper.solve.median import least_travel
from mapper.solve.siting import Candidate, Demand, Limits, Problem, Siting, Travel
from mapper.solve.watch import Watch

SIZES = {"S": (100, 2_000), "M": (500, 10_000), "L": (2_000, 90_000)}
AIMS = {
    ("cover", "S"): "proven in 5 s",
    ("cover", "M"): "0.5 % in 60 s",
    ("cover", "L"): "0.1 % in 90 s",
    ("least", "M"): "2 % in 60 s",
}
WALK_M = {"cover": 3_000, "least": 6_000}
SHARE = {"cover": 20, "least": 10}
"""Of the candidates one in so many may be chosen."""
APART_M = 1_900
HOUSES = 40
AROUND_M = 350
SPARE = 1.2
MODEL_KB = 3.0
"""Memory of a way in spopt's model of least travel, as measured at size S."""


def asked(question: str, size: str, seed: int) -> tuple[Problem, int]:
    """The question, and how many sites may be."""
    candidates, points = SIZES[size]
    random = np.random.default_rng(seed)
    hamlets = random.uniform(0, APART_M * (points / HOUSES) ** 0.5, (points // HOUSES, 2))
    houses, places = (
        hamlets[random.integers(0, len(hamlets), number)] + random.normal(0, AROUND_M, (number, 2))
        for number in (points, candidates)
    )
    people = 1.0 + random.poisson(2.4, points)
    sites = candidates // SHARE[question]
    room = np.round(random.uniform(0.7, 1.3, candidates) * SPARE * people.sum() / sites)
    each = tuple(Candidate(one if question == "least" else None) for one in room.tolist())
    return Problem(Demand.of(people), each, Travel.straight(houses, places, WALK_M[question])), sites


def cpu_s() -> float:
    """CPU seconds of this process, and of those it started that ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def measure(question: str, size: str, seconds: float, seed: int) -> Siting:
    """Print one line."""
    problem, sites = asked(question, size, seed)
    told: list[tuple[float, float, Siting]] = []
    began, cpu = time.perf_counter(), cpu_s()
    watch = Watch(
        Limits(seconds, 1e-4, seed=seed),
        incumbent=lambda plan: told.append((time.perf_counter() - began, cpu_s() - cpu, plan)),
    )
    plan = (most_covered if question == "cover" else least_travel)(problem, sites, watch)
    wall, worked = time.perf_counter() - began, cpu_s() - cpu
    everybody, left = problem.demand.people.sum(), problem.demand.people[list(plan.left)].sum()
    first = abs(told[0][2].objective - plan.bound) / plan.objective
    print(
        f"{question:5} {size} {len(problem.travel.far):9} pairs, "
        f"first plan {told[0][0]:6.2f} s, CPU {told[0][1]:5.2f} s, {100 * first:6.2f} % from the bound; "
        f"last {wall:6.1f} s, CPU {worked:6.1f} s, "
        f"{100 * plan.gap:6.3f} %, {plan.stopped}; {left:.0f} of {everybody:.0f} people without a site"
        + (f"; aim {AIMS[question, size]}" if (question, size) in AIMS else ""),
        flush=True,
    )
    return plan


def beside(question: str, size: str, seconds: float, seed: int, ours: Siting) -> None:
    """The same question as spopt asks it; print one line."""
    problem, sites = asked(question, size, seed)
    points, candidates = problem.travel.points, problem.travel.sites
    gigabytes = points * candidates * (MODEL_KB * 1024 if question == "least" else 24) / 2**30
    has = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    if gigabytes > has / 2:
        print(f"      spopt: {points * candidates:,} ways would take about {gigabytes:.0f} GB; there are {has:.0f}")
        return
    far = np.full((points, candidates), np.inf)
    far[problem.travel.point, problem.travel.site] = problem.travel.far
    given = pickle.dumps((question, far, problem.demand.people, problem.capacity, sites, seconds))
    script = Path(__file__).with_name("spopt_model.py")
    done = subprocess.run([sys.executable, script], input=given, capture_output=True, check=False)
    if done.returncode:
        why = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        print(f"      spopt: {' '.join(why)}; pip install spopt pulp")
        return
    told = json.loads(done.stdout.decode().splitlines()[-1])
    goal = told["objective"]
    print(
        f"      spopt: {told['status']} after {told['seconds']:.1f} s ({told['built']:.1f} s of them its model), CPU "
        f"{told['cpu']:.1f} s, {told['mb']:.0f} MB; "
        + ("no plan" if not goal else f"{goal:.0f} against {ours.objective:.0f}, {goal / ours.objective:.4f} of ours"),
        flush=True,
    )


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="S")
    parser.add_argument("--questions", default="cover,least")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--spopt", action="store_true")
    options = parser.parse_args()
    yardstick = settle()
    for size in options.sizes.split(","):
        for question in options.questions.split(","):
            ours = measure(question, size, options.seconds, options.seed)
            if options.spopt:
                beside(question, size, options.seconds, options.seed, ours)
    print(
        f"most memory held {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB, "
        f"cores {yardstick.slower():.2f} times slower than quiet"
    )


if __name__ == "__main__":
    main()
