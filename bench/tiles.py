"""How long one vector tile of the whole country takes: 90,000 invented hamlets in 3,321 communes.

    python -m bench.tiles [COMMUNES.geojson]

Of a file the outlines are real (a property ``code`` or any order); without one they are squares. What is measured is
the drawing of a tile that nobody asked for yet, its figures known; one asked for again is only looked up.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from pathlib import Path

import numpy as np
import shapely

from mapper.domain.coverage import Houses, assess
from mapper.domain.ledger import INSIDE, State
from mapper.geo.shapes import simplified, zoom_band
from mapper.geo.tiles import Centres, Outlines, TileLayer, to_world, write_tile
from mapper.services import tiles
from mapper.services.reporting import UnitFigures

COMMUNES, HAMLETS = 3321, 90_000
ZOOMS = range(5, 12)
TILES = 60


def outlines(path: Path | None) -> list[tuple[str, bytes]]:
    """Code and WKB of each commune."""
    if path is None:
        side = 0.12
        boxes = [shapely.box(lon, lat, lon + side, lat + side) for lon, lat in _corners(side)]
        return [(f"{number:05}", shapely.to_wkb(box)) for number, box in enumerate(boxes[:COMMUNES])]
    features = json.loads(path.read_bytes())["features"]
    shapes = shapely.from_geojson([json.dumps(feature["geometry"]) for feature in features])
    return [(f"{number:05}", shapely.to_wkb(shape)) for number, shape in enumerate(shapes)]


def _corners(side: float) -> list[tuple[float, float]]:
    return [(102.5 + side * x, 8.6 + side * y) for y in range(115) for x in range(29)]


def figures(key: str, code: str, parent: str | None, chance: np.random.Generator) -> UnitFigures:
    """Invented figures of a place of some 80 people."""
    eligible = int(chance.integers(20, 140))
    vaccinated = int(eligible * chance.uniform(0.4, 1))
    counts = [0] * len(INSIDE)
    counts[INSIDE.index(State.VACCINATED)] = vaccinated
    counts[INSIDE.index(State.DUE)] = eligible - vaccinated
    houses = Houses(30, 24, 22, 0, 6, 0)
    said = assess(vaccinated, eligible, 0, houses, None)
    return UnitFigures(key, code, f"Thôn {code}", parent, houses, eligible, tuple(counts), eligible, 0, said)


def main(path: Path | None) -> None:
    """Print the median and the slowest of the tiles of each zoom."""
    chance = np.random.default_rng(7)
    units = outlines(path)
    shapes = shapely.from_wkb([wkb for _, wkb in units])
    boxes = shapely.bounds(shapes)
    of = chance.integers(0, len(units), HAMLETS)
    lon = chance.uniform(boxes[of, 0], boxes[of, 2])
    lat = chance.uniform(boxes[of, 1], boxes[of, 3])
    keys = [f"{units[unit][0]}/{number:07}" for number, unit in enumerate(of)]
    hamlets = {key: figures(key, key[-7:], key[:5], chance) for key in keys}
    made = tiles._Prepared(
        "national",
        "",
        "commune",
        None,
        {code: figures(code, code, None, chance) for code, _ in units},
        hamlets,
        keys,
        Centres(np.column_stack((lon, lat))),
        np.array([tiles._numbers(hamlets[key]) for key in keys], np.int64),
        {},
    )
    write_tile([TileLayer("loads the library", [tiles.Feature(1, [9, 2, 2], {})])])
    for zoom in ZOOMS:
        begun = time.perf_counter()
        known = Outlines.of(simplified(units, zoom_band(zoom)))
        index = time.perf_counter() - begun
        places = np.floor(to_world(np.column_stack((lon, lat))) * 2.0**zoom).astype(int)
        wanted, counts = np.unique(places, axis=0, return_counts=True)
        busiest = wanted[np.argsort(-counts)][:TILES].tolist()
        times, sizes = [], []
        for x, y in busiest:
            begun = time.process_time()
            cut = known.cut(zoom, x, y)
            communes = [tiles.Feature(3, commands, tiles._told(code, made.units[code])) for code, commands in cut]
            points = tiles._points(made, zoom, x, y) if zoom >= tiles.HAMLETS_FROM_ZOOM else []
            content = write_tile([TileLayer("communes", communes), TileLayer("hamlets", points)])
            times.append((time.process_time() - begun) * 1000)
            sizes.append(len(content))
        print(
            f"zoom {zoom}: {len(busiest)} busiest tiles, CPU time: median {statistics.median(times):.0f} ms, "
            f"slowest {max(times):.0f} ms; largest {max(sizes) / 1000:.0f} kB; outlines ready once in {index:.1f} s"
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
