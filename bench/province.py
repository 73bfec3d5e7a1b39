"""What the benches of a whole province share: its communes and hamlets, the database they lie in, and the clock."""

from __future__ import annotations

import argparse
import atexit
import gc
import random
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import shapely

from bench.households import Hamlet
from bench.phones import Target
from bench.service import installation
from bench.yardstick import Yardstick
from mapper.domain.places import Unit, UnitShape
from mapper.services.reference import Reference
from mapper.settings import Settings
from mapper.store import reference as kept
from server import open_reference

WEST, SOUTH, SIDE = 104.0, 20.0, 0.09
"""South-west corner of the province, and the side of a commune, degrees."""


def province(communes: int, hamlets: int, households: int) -> tuple[list[UnitShape], list[Hamlet]]:
    """Square communes in districts of about ten, and hamlets strewn over them."""
    chance = random.Random(7)
    columns = round(communes**0.5)
    rows = -(-communes // columns)
    units, boxes = [], {}
    for number in range(rows * columns):
        west, south = WEST + number % columns * SIDE, SOUTH + number // columns * SIDE
        code = f"{number:05d}"
        boxes[code] = west, south
        district = f"{number // 10:03d}"
        shape = shapely.MultiPolygon([shapely.box(west, south, west + SIDE, south + SIDE)])
        middle = west + SIDE / 2, south + SIDE / 2
        units.append(
            UnitShape(Unit(code, f"Xã {code}", "commune", district), bytes(shape.wkb), 100.0, shape.bounds, middle)
        )
    for district in sorted({unit.unit.parent_code or "" for unit in units}):
        whole = shapely.union_all([shapely.from_wkb(u.wkb) for u in units if u.unit.parent_code == district])
        whole = whole if whole.geom_type == "MultiPolygon" else shapely.MultiPolygon([whole])
        middle = whole.representative_point()
        unit = Unit(district, f"Huyện {district}", "district", None)
        units.append(UnitShape(unit, bytes(whole.wkb), 1000.0, whole.bounds, (middle.x, middle.y)))
    codes = sorted(boxes)
    made = []
    for number in range(hamlets):
        code = codes[number % len(codes)]
        west, south = boxes[code]
        made.append(
            Hamlet(
                f"{code}{number // len(codes):02d}",
                code,
                west + chance.uniform(0.05, 0.95) * SIDE,
                south + chance.uniform(0.05, 0.95) * SIDE,
                max(5, round(chance.gauss(households / hamlets, households / hamlets / 4))),
                min(0.99, chance.gauss(0.88, 0.08)),
                chance.randrange(120),
            )
        )
    return units, made


Times = tuple[float, float, float]
"""Median and slowest wall time, and least CPU time; milliseconds."""


def timed(before: Callable[[], object], work: Callable[[], object], times: int) -> Times:
    """Times of so many calls, each after a call of ``before`` that does not count."""
    walls, cpus = [], []
    for _ in range(times):
        before()
        wall, cpu = time.perf_counter(), time.thread_time()
        work()
        walls.append((time.perf_counter() - wall) * 1000)
        cpus.append((time.thread_time() - cpu) * 1000)
    return statistics.median(walls), max(walls), min(cpus)


def add_place(parser: argparse.ArgumentParser) -> None:
    """The options that say where the database is."""
    parser.add_argument("--database-url", default="", help="empty: SQLite; postgres: a server of this run's own")
    parser.add_argument("--keep", type=Path, default=None, help="folder of the database, used again if it is there")


@contextmanager
def opened(options: argparse.Namespace, fill: Callable[[Reference], None]) -> Iterator[tuple[Settings, Reference]]:
    """The installation of these options; filled where nothing is in it yet."""
    with installation(options.database_url, options.keep) as here:
        settings = Settings(data_dir=here.data_dir, database_url=here.database_url)
        reference = open_reference(settings)
        with reference.database.read() as connection:
            empty = not kept.campaigns(connection)
        if empty:
            fill(reference)
        yield settings, reference


def settle() -> Yardstick:
    """Go on as a server does: what stands at the start is no garbage, and not looked through again and again."""
    gc.collect()
    gc.freeze()
    atexit.register(gc.unfreeze)  # DuckDB would else report all that is left of it
    gc.set_threshold(20_000, 50, 100)
    return Yardstick(Target("http://127.0.0.1").post(b"<data/>" * 900))
