"""Routes of teams for 200 stops: ours, PyVRP as it comes and OR-Tools, each so many seconds in a process of its own.

python bench/routes.py [--stops 200] [--seconds 10] [--seeds 1,2,3] [--with pyvrp,ortools]

Stops lie around invented hamlets, a station in the middle; every team leaves from there at 7:00, is back by 17:00 and
carries 160 doses; two stops of five have a window of three hours. There are a third more teams than doses and hours
ask for, so that all stops can be gone to. Prints the metres of each seed, and each one's metres as a share of ours.
OR-Tools is wanted for this alone: ``pip install ortools``; it cannot share a process with HiGHS.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.province import settle
from mapper.solve.routing import shortest_routes
from mapper.solve.siting import Limits
from mapper.solve.team_days import Halt, Roads, Shift, Team, Window
from mapper.solve.watch import Watch

WIDE_M = 24_000
STOPS_A_HAMLET = 8
AROUND_M = 700
DETOUR = 1.3
METRES_A_MINUTE = 400
BEGIN, END = 7 * 60, 17 * 60
DOSES = 160
SPARE = 4 / 3
WINDOW_MINUTES = 180


def asked(stops: int, seed: int) -> tuple[Roads, list[Halt], list[Team]]:
    """Place 0 is the station."""
    random = np.random.default_rng(seed)
    hamlets = random.uniform(-WIDE_M / 2, WIDE_M / 2, (max(1, stops // STOPS_A_HAMLET), 2))
    places = hamlets[random.integers(0, len(hamlets), stops)] + random.normal(0, AROUND_M, (stops, 2))
    places = np.concatenate(([[0.0, 0.0]], places))
    metres = np.ceil(DETOUR * np.hypot(*(places[:, None] - places).transpose(2, 0, 1)))
    # Whole seconds, so that all three count alike.
    seconds = np.ceil(60 * metres / METRES_A_MINUTE)
    halts = []
    for place in range(1, stops + 1):
        begin = float(random.choice([8 * 60, 10 * 60, 13 * 60]))
        windows = (Window(begin, begin + WINDOW_MINUTES),) if random.random() < 0.4 else ()
        halts.append(Halt(place, int(random.integers(2, 16)), float(random.integers(8, 26)), windows))
    work = sum(halt.minutes for halt in halts) + 2 * stops
    needed = max(sum(halt.doses for halt in halts) / DOSES, 1.4 * work / (END - BEGIN))
    teams = [Team(0, 0, (Shift(0, BEGIN, END),), DOSES)] * math.ceil(SPARE * needed)
    return Roads(metres, seconds / 60), halts, teams


def ours(roads: Roads, halts: list[Halt], teams: list[Team], seconds: float, seed: int) -> tuple[float, int]:
    """Metres, and stops that were not gone to."""
    found = shortest_routes(roads, halts, teams, Watch(Limits(seconds, seed=seed)))
    return found.metres, len(found.missed)


def pyvrp_alone(roads: Roads, halts: list[Halt], teams: list[Team], seconds: float, seed: int) -> tuple[float, int]:
    """The same question put to PyVRP by its own words."""
    import pyvrp
    from pyvrp.stop import MaxRuntime

    clients = [
        pyvrp.Client(
            halt.place,
            delivery=[halt.doses],
            service_duration=int(60 * halt.minutes),
            tw_early=int(60 * halt.windows[0].begin) if halt.windows else 0,
            tw_late=int(60 * halt.windows[0].end) if halt.windows else 86_400,
        )
        for halt in halts
    ]
    team = pyvrp.VehicleType(len(teams), [DOSES], tw_early=60 * BEGIN, tw_late=60 * END)
    metres, times = roads.metres.astype(np.int64), np.rint(60 * roads.minutes).astype(np.int64)
    where = [pyvrp.Location(0, 0) for _ in range(len(metres))]
    data = pyvrp.ProblemData(where, clients, [pyvrp.Depot(0)], [team], [metres], [times])
    found = pyvrp.solve(data, MaxRuntime(seconds), seed=seed, collect_stats=False, display=False).best
    return float(found.distance()), 0 if found.is_feasible() else len(halts)


def or_tools(roads: Roads, halts: list[Halt], teams: list[Team], seconds: float, seed: int) -> tuple[float, int]:
    """Guided local search from savings, of its ways to begin the one that ended best here; it knows no seed."""
    del seed
    from ortools.constraint_solver import pywrapcp, routing_enums_pb2

    metres, times = roads.metres.astype(int), np.rint(60 * roads.minutes).astype(int)
    work = [0, *(int(60 * halt.minutes) for halt in halts)]
    doses = [0, *(halt.doses for halt in halts)]
    nodes = pywrapcp.RoutingIndexManager(len(metres), len(teams), 0)
    model = pywrapcp.RoutingModel(nodes)
    leave = (times + np.array(work)[:, None]).tolist()
    way = model.RegisterTransitMatrix(metres.tolist())
    model.SetArcCostEvaluatorOfAllVehicles(way)
    model.AddDimension(model.RegisterUnaryTransitVector(doses), 0, DOSES, True, "doses")
    model.AddDimension(model.RegisterTransitMatrix(leave), 86_400, 60 * END, False, "time")
    clock = model.GetDimensionOrDie("time")
    for halt in halts:
        for window in halt.windows:
            clock.CumulVar(nodes.NodeToIndex(halt.place)).SetRange(int(60 * window.begin), int(60 * window.end))
    for number in range(len(teams)):
        clock.CumulVar(model.Start(number)).SetRange(60 * BEGIN, 60 * END)
    how = pywrapcp.DefaultRoutingSearchParameters()
    how.first_solution_strategy = routing_enums_pb2.FirstSolutionStrategy.SAVINGS
    how.local_search_metaheuristic = routing_enums_pb2.LocalSearchMetaheuristic.GUIDED_LOCAL_SEARCH
    how.time_limit.FromMilliseconds(int(1000 * seconds))
    found = model.SolveWithParameters(how)
    return (float(found.ObjectiveValue()), 0) if found else (math.inf, len(halts))


SOLVERS = {"ours": ours, "pyvrp": pyvrp_alone, "ortools": or_tools}


def one(name: str, stops: int, seconds: float, seed: int) -> None:
    """Solve in this process; print a line of JSON."""
    given = asked(stops, seed)
    began = time.perf_counter()
    metres, missed = SOLVERS[name](*given, seconds, seed)
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps([metres, missed, time.perf_counter() - began, used.ru_utime + used.ru_stime]))


def beside(name: str, stops: int, seconds: float, seed: int) -> tuple[float, int, float, float] | None:
    """Metres, stops missed, seconds, CPU seconds, from a process of its own; None where it could not."""
    command = [sys.executable, __file__, "--one", name, "--stops", str(stops), "--seconds", str(seconds)]
    done = subprocess.run([*command, "--seeds", str(seed)], capture_output=True, text=True, check=False)
    if done.returncode:
        why = done.stderr.strip().splitlines()[-1:]
        print(f"{name}: {' '.join(why)}; pip install {name}")
        return None
    metres, missed, wall, cpu = json.loads(done.stdout.splitlines()[-1])
    return metres, missed, wall, cpu


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stops", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--with", dest="others", default="pyvrp,ortools")
    parser.add_argument("--one", choices=SOLVERS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    seeds = [int(seed) for seed in options.seeds.split(",")]
    if options.one:
        one(options.one, options.stops, options.seconds, seeds[0])
        return
    yardstick = settle()
    shares: dict[str, list[float]] = {}
    for seed in seeds:
        best = 0.0
        for name in ["ours", *filter(None, options.others.split(","))]:
            found = beside(name, options.stops, options.seconds, seed)
            if found is None:
                continue
            metres, missed, wall, cpu = found
            best = best or metres
            shares.setdefault(name, []).append(metres / best)
            print(
                f"seed {seed} {name:8} {metres:9.0f} m, {missed} stops missed, {wall:5.1f} s, CPU {cpu:5.1f} s, "
                f"{metres / best:.4f} of ours",
                flush=True,
            )
    for name, each in shares.items():
        print(f"{name:8} {np.mean(each):.4f} of ours on the average of {len(each)}")
    print(f"cores {yardstick.slower():.2f} times slower than quiet")


if __name__ == "__main__":
    main()
