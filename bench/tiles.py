"""How long one vector tile of the whole country takes: 90,000 invented hamlets in 3,321 communes.

    python -m bench.tiles [COMMUNES.geojson] [HAMLETS_EACH]

Of a file the outlines are real; without one they are squares. What is measured is the drawing of a tile that nobody
asked for yet, by the CPU time of its thread; what is made beside the requests is told apart.
"""

from __future__ import annotations

import gc
import statistics
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TypeVar

import numpy as np
import shapely
from sqlalchemy import insert

from bench.map_page import UNITS, fill, squares
from bench.phones import Target
from bench.service import SET_ID, installation
from bench.yardstick import Yardstick
from mapper.domain.roles import Role
from mapper.geo.shapes import BANDS
from mapper.geo.tiles import to_world
from mapper.services import tiles
from mapper.services.accounts import User
from mapper.services.hamlet_figures import hamlet_figures
from mapper.services.questions import Question
from mapper.services.reference import Reference
from mapper.settings import Settings
from mapper.store import outlines, tables, tallies
from server import open_reference

ZOOMS = range(4, 15)
TILES = 60
READER = User(0, "bench", Role.ADMINISTRATOR, (), 0)
QUESTION = Question("covid19", "18_plus", "1", date(2022, 9, 8), "commune", SET_ID)
POST = Target("http://127.0.0.1").post(b"<data/>" * 900)
Made = TypeVar("Made")


def place_houses(reference: Reference) -> None:
    """A house of each hamlet somewhere in its commune."""
    chance = np.random.default_rng(7)
    with reference.database.read() as connection:
        shapes = {code: shapely.from_wkb(wkb) for code, wkb in outlines.outlines(connection, SET_ID, "commune")}
        cells = tallies.cells(connection)
    rows = []
    for number, cell in enumerate(cells):
        shape = shapes[cell.units[SET_ID] or ""]
        west, south, east, north = shape.bounds
        lon, lat = chance.uniform(west, east, 40), chance.uniform(south, north, 40)
        inside = np.flatnonzero(shapely.contains_xy(shape, lon, lat))
        middle = shape.representative_point()
        x, y = (lon[inside[0]], lat[inside[0]]) if len(inside) else (middle.x, middle.y)
        name = f"uuid:{number}"
        house = {"seq": number + 1, "campaign_id": "covid19", "id": name, "instance_id": name, "steps": "[]"}
        place = {"hamlet_code": cell.hamlet_code, "commune_code": cell.commune_code, "lat": float(y), "lon": float(x)}
        visit = {"visited_on": date(2022, 8, 20), "outcome": "interviewed", "point_state": "usable", "version": 1}
        rows.append(house | place | visit | {"cell_id": cell.id})
    with reference.database.write() as connection:
        connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
        connection.execute(insert(tables.households), rows)


def timed(name: str, work: Callable[[], Made]) -> Made:
    """Do it and print the CPU seconds it took."""
    begun = time.thread_time()
    made = work()
    print(f"{name}: {time.thread_time() - begun:.1f} s of CPU time", flush=True)
    return made


def main(file: Path | None, hamlets: int) -> None:
    """Print what is made beside the requests, then the median and the slowest of the busiest tiles of each zoom."""
    with installation() as here:
        if file is None:
            file = here.data_dir / "squares.geojson"
            file.write_bytes(squares(UNITS))
        here.command("boundaries", "import", str(file), "--id", SET_ID, "--label", "bench", "--level", "commune")
        reference = open_reference(Settings(data_dir=here.data_dir, database_url=here.database_url))
        print(f"{fill(reference, hamlets):,} communes with {hamlets} hamlets each", flush=True)
        place_houses(reference)
        with reference.database.read() as connection:
            reference.cells(connection)
        figures = timed("figures, first", lambda: hamlet_figures(reference, READER, QUESTION))
        timed("figures, again", lambda: hamlet_figures(reference, READER, QUESTION, figures))
        of_set = reference, SET_ID, figures.imported_at, figures.leaf
        timed("outlines of every detail", lambda: [tiles._outlines(*of_set, band) for band in BANDS])
        grounds = tiles.Grounds()
        while (ground := grounds.ask(reference, READER, QUESTION).made) is None:
            time.sleep(0.1)
        # As the server does: what stands now stays.
        gc.collect()
        gc.freeze()
        gc.set_threshold(20_000, 50, 100)
        world = to_world(figures.middles)
        for layers in (("hamlets",), tiles.LAYERS):
            yardstick = Yardstick(POST)
            for zoom in ZOOMS:
                wanted, counts = np.unique(np.floor(world * 2.0**zoom).astype(int), axis=0, return_counts=True)
                busiest = wanted[np.argsort(-counts)][:TILES].tolist()
                times, sizes = [], []
                for x, y in busiest:
                    begun = time.thread_time()
                    content = tiles.tile(grounds, reference, ground, zoom, x, y, layers).content
                    times.append((time.thread_time() - begun) * 1000)
                    sizes.append(len(content))
                print(
                    f"{' and '.join(layers)}, zoom {zoom}: {len(busiest)} tiles, "
                    f"median {statistics.median(times):.0f} ms, "
                    f"slowest {max(times):.0f} ms; largest {max(sizes) / 1000:.0f} kB",
                    flush=True,
                )
            print(f"cores {yardstick.slower():.2f} times slower than quiet")
        reference.database.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None, int(sys.argv[2]) if len(sys.argv) > 2 else 27)
