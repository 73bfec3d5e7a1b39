"""The scan statistic with 999 maps by chance, and all that a search for clusters does, by number of hamlets.

python bench/scan.py [--hamlets 12,500,3000] [--replications 999] [--seed 1]

Hamlets of 12 to 400 eligible people are strewn over a square as wide as that many hamlets of Bắc Kạn are apart; one in
six households is unvaccinated, and two in five around one of them. Circles hold up to half of all people, and chance
moves whole households, as the product has it. Prints seconds of wall and CPU time of the scan in both models, and of
Gi* with its permutations, the most memory held so far, and how much slower than quiet the cores were meanwhile.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.province import settle
from mapper.services.hot_spots import LARGEST
from mapper.stats import clusters, small_areas
from mapper.stats.chance import Households
from mapper.stats.scan import Model, scan

AIM_S = 10
AIM_HAMLETS = 500
APART_M = 1900
PLANTED = 6


def seconds(work: Callable[[], object]) -> tuple[float, float, object]:
    """Wall time, CPU time and the result."""
    wall, cpu = time.perf_counter(), time.process_time()
    made = work()
    return time.perf_counter() - wall, time.process_time() - cpu, made


def measure(number: int, replications: int, seed: int) -> float:
    """Print one line a piece of work; the slowest scan in seconds."""
    random = np.random.default_rng(seed)
    points = random.uniform(0, APART_M * number**0.5, (number, 2))
    wanted = random.integers(12, 400, number)
    missed = np.full(number, 1 / 6)
    missed[np.argsort(np.hypot(*(points - points[0]).T))[:PLANTED]] = 0.4
    places = np.repeat(np.arange(number), np.maximum(1, wanted // 4))
    sizes = 1 + random.poisson(3, len(places))
    homes = Households.of(places, sizes, sizes * (random.random(len(places)) < missed[places]))
    people, cases = homes.by_place(number)
    slowest = 0.0
    for model in Model:
        work = partial(
            scan, points, cases, people, model=model, largest=LARGEST, replications=replications, households=homes
        )
        wall, cpu, found = seconds(work)
        best = found.clusters[0]  # type: ignore[attr-defined]
        print(
            f"{number:6} hamlets, scan, {model:9} {wall:8.2f} s, CPU {cpu:8.2f} s; "
            f"{len(best.members)} hamlets, ratio {best.log_ratio:.2f}, p {best.p:.3f}",
            flush=True,
        )
        slowest = max(slowest, wall)

    def around() -> object:
        shares = small_areas.shrink(cases, people).shares
        return clusters.high_neighbourhoods(shares, clusters.nearest(points))

    wall, cpu, found = seconds(around)
    flags = int(found.flagged.sum())  # type: ignore[attr-defined]
    print(f"{number:6} hamlets, levelled and Gi*  {wall:8.2f} s, CPU {cpu:8.2f} s; {flags} flagged", flush=True)
    print(f"{number:6} hamlets, most memory held   {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:8.0f} MB")
    return slowest


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hamlets", default="12,500,3000")
    parser.add_argument("--replications", type=int, default=999)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    clusters.high_neighbourhoods([1, 2, 3, 4], clusters.nearest([(n, 0) for n in range(4)]))  # loads PySAL
    yardstick = settle()
    slowest = {each: measure(each, options.replications, options.seed) for each in map(int, options.hamlets.split(","))}
    print(f"cores {yardstick.slower():.2f} times slower than quiet")
    if AIM_HAMLETS in slowest:
        print(f"slowest scan of {AIM_HAMLETS} hamlets: {slowest[AIM_HAMLETS]:.1f} s, aim below {AIM_S} s")


if __name__ == "__main__":
    main()
