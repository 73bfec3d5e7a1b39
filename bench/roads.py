"""A road map of an invented town grid: how long it takes to make and read it, and to find ways over it.

    python -m bench.roads [streets]

Streets cross each other every 100 m, some of them one-way, some cut by a river with a bridge every kilometre; houses
and sites stand anywhere. Times are of one core, CPU seconds; memory is the most that the process held.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np

from mapper.domain.planning import PlanningRules
from mapper.services import road_map
from mapper.services.reference import Reference
from mapper.services.roads import RoadMap
from mapper.services.travel import Straight
from mapper.store import schema
from mapper.store.database import Database

WEST, SOUTH, STEP = 105.0, 21.0, 0.001
Made = TypeVar("Made")


def timed(what: str, work: Callable[[], Made]) -> Made:
    """Do it and say how long it took."""
    start, clock = time.process_time(), time.perf_counter()
    made = work()
    print(f"{what}: {time.process_time() - start:.2f} s CPU, {time.perf_counter() - clock:.2f} s", flush=True)
    return made


def write_town(path: Path, streets: int, random: np.random.Generator) -> None:
    """A grid of so many streets each way, as an extract."""
    import osmium
    from osmium.osm import mutable

    one_way = random.random((2, streets)) < 0.1
    with osmium.SimpleWriter(str(path), overwrite=True) as writer:
        for row in range(streets):
            for column in range(streets):
                place = (WEST + column * STEP, SOUTH + row * STEP)
                writer.add_node(mutable.Node(id=1 + row * streets + column, location=place, version=1))
        number = 0
        for across in (False, True):
            for street in range(streets):
                refs = [1 + (street * streets + at if across else at * streets + street) for at in range(streets)]
                tags = {"highway": "residential"} | ({"oneway": "yes"} if one_way[int(across), street] else {})
                middle = streets // 2
                bridge = across or street % 10 == 0
                for part in [refs] if bridge else [refs[:middle], refs[middle:]]:
                    number += 1
                    writer.add_way(mutable.Way(id=number, nodes=part, tags=tags, version=1))


def places(number: int, streets: int, random: np.random.Generator) -> np.ndarray:
    """Anywhere in the town, as longitudes and latitudes."""
    return np.array([WEST, SOUTH]) + random.uniform(0, (streets - 1) * STEP, (number, 2))


def main(streets: int) -> None:
    """Make it, read it, ask it."""
    random, rules = np.random.default_rng(5), PlanningRules()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_town(folder / "town.osm.pbf", streets, random)
        database = Database(f"sqlite:///{folder / 'one.sqlite3'}")
        schema.upgrade(database)
        reference = Reference(database)
        facts = timed(
            f"{streets * streets:,} crossings of an invented grid, read and made a road map",
            lambda: road_map.import_extract(reference, folder / "town.osm.pbf", folder / "roads.npz"),
        )
        size = (folder / "roads.npz").stat().st_size / 1e6
        print(f"{facts.edges:,} edges, {size:.1f} MB of road map")
        source = RoadMap(folder / "roads.npz")
        ways = timed("road map read", lambda: source.ways(rules))
        houses, sites, stops = (places(number, streets, random) for number in (10_000, 500, 200))
        walks = timed("10,000 houses x 500 sites on foot, 5 km", lambda: ways.walks(houses, sites, 5000.0))
        print(f"{len(walks.travel.far):,} pairs within 5 km by road")
        straight = timed("the same by straight lines", lambda: Straight(rules).walks(houses, sites, 5000.0))
        print(f"{len(straight.travel.far):,} pairs within 5 km by straight lines x 1.3")
        roads = timed("200 stops x 200 by vehicle", lambda: ways.drives(stops))
        print(f"{np.isfinite(roads.metres).mean():.1%} of them joined")
    print(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000:.0f} MB at most")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 450)
