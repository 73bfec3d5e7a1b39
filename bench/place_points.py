"""27,000,000 points placed in 3,321 communes, streamed: the kept index against geopandas.sjoin, answers compared.

python bench/place_points.py [--points 27000000] [--units 3321] [--vertices 1185] [--sjoin-points 1000000] [--file FILE]

Without --file the communes are made up: a wobbling grid of about that many polygons with about that many vertices (the
communes of 2025 in real outlines have 1,185), on the extent of Viet Nam. Points come some at a time, as from a file,
and nothing of them is kept but the first ones, which sjoin then joins too; drawing them is part of neither time. Aims:
less than 2 GB at any time until sjoin begins, and at least 20 times the speed of sjoin. Ends with an error where an aim
is missed or an answer differs.
"""

from __future__ import annotations

import argparse
import multiprocessing
import pickle
import resource
import sys
import tempfile
import time
from pathlib import Path

import geopandas
import numpy as np
import shapely

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mapper.geo.placing import Placer

WEST, SOUTH, EAST, NORTH = 102.1, 8.4, 109.5, 23.4
AT_ONCE = 1_000_000
AIM_GB, AIM_TIMES = 2.0, 20


def wobbling_grid(units: int, vertices: int, rng: np.random.Generator) -> list[bytes]:
    """A coverage of about so many quadrilaterals whose sides are shared random lines."""
    rows = round((units * (NORTH - SOUTH) / (EAST - WEST)) ** 0.5)
    columns = round(units / rows)
    side = vertices // 4
    steps = np.linspace(0, 1, side + 1)[:, None]
    width, height = (EAST - WEST) / columns, (NORTH - SOUTH) / rows
    x, y = np.meshgrid(np.linspace(WEST, EAST, columns + 1), np.linspace(SOUTH, NORTH, rows + 1))
    corners = np.stack([x, y], axis=-1) + rng.uniform(-0.25, 0.25, (rows + 1, columns + 1, 2)) * [width, height]

    def line(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        drift = np.sin(steps * np.pi * rng.integers(2, 7)) * rng.uniform(0.02, 0.06)
        noise = rng.uniform(-0.004, 0.004, (side + 1, 2)) * np.sin(steps * np.pi) ** 0.5
        across = np.array([a[1] - b[1], b[0] - a[0]])
        return np.round(a + (b - a) * steps + across * drift + noise * [width, height], 6)

    flat = [[line(corners[r, c], corners[r, c + 1]) for c in range(columns)] for r in range(rows + 1)]
    upright = [[line(corners[r, c], corners[r + 1, c]) for c in range(columns + 1)] for r in range(rows)]
    cells = []
    for r in range(rows):
        for c in range(columns):
            ring = [flat[r][c][:-1], upright[r][c + 1][:-1], flat[r + 1][c][::-1][:-1], upright[r][c][::-1]]
            cells.append(shapely.Polygon(np.concatenate(ring)))
    shapes = np.array(cells)
    if not (shapely.is_valid(shapes).all() and shapely.coverage_is_valid(shapes)):
        shapes = shapely.coverage_clean(shapely.make_valid(shapes, method="structure", keep_collapsed=False))
    return [bytes(wkb) for wkb in shapely.to_wkb(shapes)]


def from_file(path: Path) -> list[bytes]:
    """The outlines of a boundary file, as they are."""
    return [bytes(wkb) for wkb in geopandas.read_file(path).geometry.to_wkb()]


def build(options: argparse.Namespace, file: Path) -> None:
    """Make the outlines and their index, and leave both in files."""
    rng = np.random.default_rng(20220930)
    wkbs = from_file(options.file) if options.file else wobbling_grid(options.units, options.vertices, rng)
    vertices = shapely.get_num_coordinates(shapely.from_wkb(np.array(wkbs, dtype=object))).mean()
    start, cpu = time.perf_counter(), time.process_time()
    placer = Placer.build([f"{i:05d}" for i in range(len(wkbs))], wkbs, options.cells)
    built, built_cpu = time.perf_counter() - start, time.process_time() - cpu
    kept = placer.to_bytes()
    file.write_bytes(pickle.dumps(wkbs))
    file.with_suffix(".index").write_bytes(kept)
    print(
        f"{len(wkbs):,} communes, {vertices:.0f} vertices on average; index built in {built:.1f} s "
        f"(CPU {built_cpu:.1f} s), kept in {len(kept) / 1e6:.1f} MB",
        flush=True,
    )


def main() -> None:
    """Build, place, join, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=27_000_000)
    parser.add_argument("--units", type=int, default=3321)
    parser.add_argument("--vertices", type=int, default=1185)
    parser.add_argument("--cells", type=int, default=None, help="cells a side of the grid; chosen by default")
    parser.add_argument("--sjoin-points", type=int, default=1_000_000, help="of them, that sjoin joins too")
    parser.add_argument("--file", type=Path, default=None, help="a GeoJSON of communes instead of made-up ones")
    options = parser.parse_args()
    rng = np.random.default_rng(20220930)

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "outlines"
        # In a process of its own, as an import is: who places has the kept index alone.
        building = multiprocessing.get_context("fork").Process(target=build, args=(options, file))
        building.start()
        building.join()
        start = time.perf_counter()
        placer = Placer.from_bytes(file.with_suffix(".index").read_bytes())
        loaded = time.perf_counter() - start
        shapes = shapely.from_wkb(np.array(pickle.loads(file.read_bytes()), dtype=object))
    west, south, east, north = shapely.total_bounds(shapes)
    print(f"index loaded in {loaded:.2f} s")

    joined = min(options.sjoin_points, options.points)
    lon, lat, found = np.empty(joined), np.empty(joined), np.empty(joined, np.int32)
    placing = placing_cpu = 0.0
    in_unit, per_unit = 0, np.zeros(len(placer.codes), np.int64)
    for first in range(0, options.points, AT_ONCE):
        number = min(AT_ONCE, options.points - first)
        x, y = rng.uniform(west, east, number), rng.uniform(south, north, number)
        start, cpu = time.perf_counter(), time.process_time()
        at = placer.place(x, y)
        placing += time.perf_counter() - start
        placing_cpu += time.process_time() - cpu
        in_unit += int((at >= 0).sum())
        per_unit += np.bincount(at[at >= 0], minlength=len(placer.codes))
        some = max(0, min(number, joined - first))
        lon[first : first + some], lat[first : first + some], found[first : first + some] = (
            x[:some],
            y[:some],
            at[:some],
        )
    print(
        f"placed {options.points:,} points in {placing:.2f} s (CPU {placing_cpu:.2f} s); "
        f"{in_unit / options.points:.1%} in a commune, in {(per_unit > 0).sum():,} communes"
    )
    singles = []
    for x, y in zip(lon[:100_000].tolist(), lat[:100_000].tolist(), strict=True):
        start = time.perf_counter()
        placer.place_one(x, y)
        singles.append(time.perf_counter() - start)
    middle, slow = np.percentile(singles, [50, 99]) * 1e6
    print(f"one point: p50 {middle:.1f} us, p99 {slow:.1f} us")
    peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"peak memory so far {peak_gb:.2f} GB, outlines for sjoin among it")

    units = geopandas.GeoDataFrame({"unit": np.arange(len(shapes))}, geometry=shapes, crs=4326)
    start, cpu = time.perf_counter(), time.process_time()
    points = geopandas.GeoDataFrame(geometry=geopandas.points_from_xy(lon[:joined], lat[:joined]), crs=4326)
    made = time.perf_counter() - start
    start = time.perf_counter()
    answer = geopandas.sjoin(points, units, predicate="within", how="left")
    joining, joining_cpu = time.perf_counter() - start, time.process_time() - cpu
    print(
        f"geopandas.sjoin of {joined:,} points: {joining:.2f} s, and {made:.2f} s to make its points "
        f"(CPU of both {joining_cpu:.2f} s)"
    )
    other = answer["unit"].groupby(level=0).min().fillna(-1).to_numpy().astype(np.int32)
    same = int((other == found[:joined]).sum())
    print(f"equal answers: {same:,} of {joined:,}")
    ratio = (joining / joined) / (placing / options.points)
    cpu_ratio = (joining_cpu / joined) / (placing_cpu / options.points)
    print(
        f"ratio sjoin / placer: {ratio:.1f} without making sjoin's points, {ratio * (1 + made / joining):.1f} with it; "
        f"in CPU time {cpu_ratio:.1f} with it"
    )
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")
    if same != joined:
        sys.exit("the answers differ")
    if peak_gb > AIM_GB or min(ratio, cpu_ratio) < AIM_TIMES:
        sys.exit(f"aim missed: {AIM_GB:g} GB at most, {AIM_TIMES} times as fast")


if __name__ == "__main__":
    main()
