"""The map of a whole country in Chromium, from the first look to one of 90,000 hamlets in 3,321 communes.

    python -m bench.national_map [--folder FOLDER] [--file COMMUNES.geojson] [--width 390] [--shots FOLDER]

Invents hamlets with some houses each, serves them, and measures three things as a signed-in reader meets them: the
first map; single tiles over HTTP, each asked for the first time, then again, then by its tag; and the way from the
country to a hamlet by the mouse wheel, with what it fetched and the longest time in which no frame was drawn. With
--folder the installation stays there and the next run takes it as it is. Without --file the shared boundary set is
taken where it lies beside the checkout, else as many squares, which have no provinces.
"""

from __future__ import annotations

import argparse
import gzip
import http.client
import json
import os
import secrets
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import shapely
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from sqlalchemy import insert, select

from bench.map_page import NAME, SHARED, UNITS, fill, sign_in, squares
from bench.phones import Target
from bench.service import CHECKOUT, SET_ID, Installation, installation, serving
from bench.yardstick import Yardstick
from mapper.geo.tiles import to_world
from mapper.services.reference import Reference
from mapper.settings import Settings
from mapper.store import outlines, tables, tallies
from server import open_reference
from tests import browser

HAMLETS, HOUSES = 90_000, 4
AIM_FIRST_S, AIM_TILE_MS, AIM_STALL_MS = 1.0, 50, 200
QUESTION = f"campaign=covid19&set={SET_ID}&group=18_plus&dose=1&date=2022-09-08"
ZOOMS = range(8, 17)
TILES = 40
TURNS, TURN_MS = 8, 900
"""Turns of the wheel from the country to a hamlet, and the pause that a reader makes between two."""

INLAND = 105.6, 21.1
SPOT = "(at) => { const { x, y } = map_coverage.latLngToContainerPoint(at); return [x, y]; }"

WATCH = """
window.usable = null;
window.stalls = [];
(function look(before) {
  requestAnimationFrame((now) => {
    if (before) window.stalls.push([before, now - before]);
    if (window.usable === null && window.coloured()) {
      requestAnimationFrame(() => requestAnimationFrame(() => { window.usable = performance.now(); }));
    }
    look(now);
  });
})(0);
window.coloured = () => {
  const paths = window.L && L.coverage && L.coverage.parts && L.coverage.parts.areas && L.coverage.parts.areas._paths;
  if (!paths || !paths.size) return false;
  const grey = "#b9c0c6";
  const done = [...paths.values()].filter((path) => path.options.fillColor && path.options.fillColor !== grey);
  return done.length >= paths.size * 0.95;
};
"""


@dataclass(frozen=True, slots=True)
class Kept:
    """What a folder with a country in it says of itself."""

    password: str
    token: str


def place_houses(reference: Reference, each: int) -> None:
    """So many houses of each hamlet around a middle of its own in its commune."""
    chance = np.random.default_rng(7)
    with reference.database.read() as connection:
        shapes = {code: shapely.from_wkb(wkb) for code, wkb in outlines.outlines(connection, SET_ID, "commune")}
        cells = tallies.cells(connection)
    rows: list[dict[str, Any]] = []
    for cell in cells:
        shape = shapes[cell.units[SET_ID] or ""]
        west, south, east, north = shape.bounds
        lon, lat = chance.uniform(west, east, 40), chance.uniform(south, north, 40)
        inside = np.flatnonzero(shapely.contains_xy(shape, lon, lat))
        within = shape.representative_point()
        middle = (float(lon[inside[0]]), float(lat[inside[0]])) if len(inside) else (within.x, within.y)
        around = np.array(middle) + chance.normal(0, 0.0008, (each, 2))
        around[~shapely.contains_xy(shape, *around.T)] = middle
        for x, y in around.tolist():
            number = len(rows) + 1
            name = f"uuid:{number}"
            house = {"seq": number, "campaign_id": "covid19", "id": name, "instance_id": name, "steps": "[]"}
            place = {"hamlet_code": cell.hamlet_code, "commune_code": cell.commune_code, "lat": y, "lon": x}
            visit = {"visited_on": "2022-08-20", "outcome": "interviewed", "point_state": "usable", "version": 1}
            rows.append(house | place | visit | {"cell_id": cell.id})
    for row in rows:
        row["visited_on"] = np.datetime64(row["visited_on"]).item()
    with reference.database.write() as connection:
        connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
        for start in range(0, len(rows), 50_000):
            connection.execute(insert(tables.households), rows[start : start + 50_000])


def some_house(reference: Reference, lon: float, lat: float) -> tuple[float, float]:
    """Longitude and latitude of the house nearest to a place, as far as degrees tell."""
    table = tables.households.c
    away = (table.lon - lon) * (table.lon - lon) + (table.lat - lat) * (table.lat - lat)
    with reference.database.read() as connection:
        found = connection.execute(select(table.lon, table.lat).order_by(away).limit(1)).one()
    return float(found.lon), float(found.lat)


def prepare(here: Installation, file: Path | None, hamlets: int, houses: int) -> Kept:
    """A country in a folder, or what stands there already."""
    told = here.data_dir / "country.json"
    if told.is_file():
        facts = json.loads(told.read_text())
        return Kept(facts["password"], facts["token"])
    shared = Path(os.environ.get("MAPPER_SHARED") or CHECKOUT.parent / "shared") / SHARED
    if file is None and shared.is_file():
        file = shared
    elif file is None:
        file = here.data_dir / "squares.geojson"
        file.write_bytes(squares(UNITS))
    words = ("boundaries", "import", str(file), "--id", SET_ID, "--label", file.stem, "--level", "commune")
    begun = time.perf_counter()
    here.command(*words, "--approximate")
    print(f"boundary set imported in {time.perf_counter() - begun:.1f} s", flush=True)
    reference = open_reference(Settings(data_dir=here.data_dir, database_url=here.database_url))
    units = fill(reference, hamlets // UNITS, hamlets % UNITS)
    place_houses(reference, houses)
    reference.database.close()
    password = secrets.token_urlsafe(12)
    here.command("users", "add", NAME, "--role", "administrator", "--password", MAPPER_NEW_PASSWORD=password)
    token = here.token("reader", "administrator")
    print(f"{units:,} communes, {hamlets:,} hamlets, {hamlets * houses:,} houses", flush=True)
    told.write_text(json.dumps({"password": password, "token": token}))
    return Kept(password, token)


class Traffic:
    """What a page has fetched since it was last asked: requests, and bytes as they were sent."""

    def __init__(self, context: BrowserContext, page: Page) -> None:
        self._wire = context.new_cdp_session(page)
        self._wire.send("Network.enable")
        self._sizes: list[float] = []
        self._wire.on("Network.loadingFinished", lambda event: self._sizes.append(event["encodedDataLength"]))

    def taken(self) -> tuple[int, int]:
        found = len(self._sizes), int(sum(self._sizes))
        self._sizes.clear()
        return found


def first_map(started: Browser, url: str, kept: Kept, width: int) -> tuple[int, int, float]:
    """Requests, bytes and seconds until the areas first shown are coloured; the browser's cache is empty."""
    context = started.new_context(viewport={"width": width, "height": 800}, locale="vi-VN")
    sign_in(context, url, kept.password)
    page = context.new_page()
    page.add_init_script(WATCH)
    traffic = Traffic(context, page)
    page.goto(f"{url}/map?{QUESTION}", wait_until="commit")
    page.wait_for_function("() => window.usable !== null", timeout=30_000)
    usable = float(page.evaluate("() => window.usable")) / 1000
    page.wait_for_load_state("networkidle")
    found = (*traffic.taken(), usable)
    context.close()
    return found


def zoom_way(
    started: Browser, url: str, kept: Kept, width: int, house: tuple[float, float], shots: Path | None
) -> None:
    """From the country to a hamlet, a zoom at a turn: print what each fetched and the longest time without a frame."""
    context = started.new_context(viewport={"width": width, "height": 800}, locale="vi-VN")
    sign_in(context, url, kept.password)
    page = context.new_page()
    page.add_init_script(WATCH)
    traffic = Traffic(context, page)
    page.goto(f"{url}/map?{QUESTION}", wait_until="commit")
    page.wait_for_function("() => window.usable !== null", timeout=30_000)
    page.wait_for_load_state("networkidle")
    traffic.taken()
    page.locator("#map_coverage").scroll_into_view_if_needed()
    box = page.locator("#map_coverage").bounding_box()
    assert box is not None
    print("zoom  requests  bytes     longest without a frame, ms  tiles all there after, ms")
    total, worst = [0, 0], 0.0
    for turn in range(TURNS):
        page.evaluate("() => { window.stalls.length = 0; }")
        # The wheel keeps the place under the pointer where it is.
        x, y = page.evaluate(SPOT, [house[1], house[0]])
        page.mouse.move(box["x"] + x, box["y"] + y)
        begun = time.perf_counter()
        page.mouse.wheel(0, -120)
        page.wait_for_timeout(TURN_MS)
        page.wait_for_load_state("networkidle")
        settled = (time.perf_counter() - begun) * 1000
        requests, size = traffic.taken()
        stall = max((each for _, each in page.evaluate("() => window.stalls")), default=0.0)
        zoom = page.evaluate("() => map_coverage.getZoom()")
        total[0] += requests
        total[1] += size
        worst = max(worst, stall)
        print(f"{zoom:4}  {requests:8}  {size:8,}  {stall:27.0f}  {settled:25.0f}", flush=True)
        if shots is not None:
            page.screenshot(path=shots / f"{width}_{turn:02d}_z{zoom}.png")
    print(f"all   {total[0]:8}  {total[1]:8,}  {worst:27.0f}   aim: {AIM_STALL_MS}")
    context.close()


def wait_until_ready(url: str, kept: Kept) -> None:
    """Ask for a tile until the server has what it draws from; print how long that took."""
    address = urlsplit(url)
    asking = http.client.HTTPConnection(address.hostname or "", address.port)
    begun, status = time.perf_counter(), 202
    while status == 202:
        asking.request("GET", f"/api/tiles/8/0/0.mvt?{QUESTION}", headers={"Authorization": f"Bearer {kept.token}"})
        reply = asking.getresponse()
        reply.read()
        status = reply.status
        time.sleep(0.1)
    print(f"what tiles are drawn from is there after {time.perf_counter() - begun:.1f} s", flush=True)


def tiles_over_http(url: str, kept: Kept, reference: Reference) -> None:
    """Single tiles of each zoom around hamlets taken at random: the first time, again, and by their tags."""
    with reference.database.read() as connection:
        found = connection.exec_driver_sql("SELECT lon, lat FROM households WHERE seq % 997 = 1").fetchall()
    world = to_world(np.array([tuple(row) for row in found]))
    chance = np.random.default_rng(3)
    address = urlsplit(url)
    connection_to = http.client.HTTPConnection(address.hostname or "", address.port)
    head = {"Authorization": f"Bearer {kept.token}", "Accept-Encoding": "gzip"}

    def ask(path: str, tag: str = "") -> tuple[float, int, bytes, str]:
        begun = time.perf_counter()
        connection_to.request("GET", path, headers=head | ({"If-None-Match": tag} if tag else {}))
        reply = connection_to.getresponse()
        body = reply.read()
        return (time.perf_counter() - begun) * 1000, reply.status, body, reply.headers.get("ETag", "")

    print("zoom  tiles   first p50, p95   again p50, p95   by tag p50, p95 ms   largest: sent, whole bytes")
    for zoom in ZOOMS:
        # What the map asks for at this zoom; below it the provinces are drawn from one file.
        layers = "borders,communes,hamlets" if zoom >= 11 else "borders,communes"
        places = np.unique(np.floor(world * 2.0**zoom).astype(int), axis=0)
        some = places[chance.permutation(len(places))[:TILES]].tolist()
        times: dict[str, list[float]] = {"first": [], "again": [], "tag": []}
        sent, whole = [], []
        for x, y in some:
            path = f"/api/tiles/{zoom}/{x}/{y}.mvt?{QUESTION}&layers={layers}"
            took, status, body, tag = ask(path)
            if status != 200:
                sys.exit(f"{path}: {status} {body[:200]!r}")
            times["first"].append(took)
            sent.append(len(body))
            whole.append(len(gzip.decompress(body)) if body[:2] == b"\x1f\x8b" else len(body))
            times["again"].append(ask(path)[0])
            took, _, _, _ = ask(path, tag)
            times["tag"].append(took)
        row = "".join(f"{statistics.median(each):9.1f}, {np.percentile(each, 95):6.1f}" for each in times.values())
        print(f"{zoom:4}  {len(some):5} {row}   {max(sent):,}, {max(whole):,}", flush=True)
    print(f"aim: first below {AIM_TILE_MS} ms")


def shot_folder(named: Path | None) -> Iterator[Path]:
    """The folder for screenshots, made where it is not there."""
    if named is not None:
        named.mkdir(parents=True, exist_ok=True)
        yield named


def main() -> None:
    """Prepare, serve, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=None, help="keeps the installation, and takes one that is there")
    parser.add_argument("--file", type=Path, default=None, help="a GeoJSON of communes with their provinces' codes")
    parser.add_argument("--hamlets", type=int, default=HAMLETS)
    parser.add_argument("--houses", type=int, default=HOUSES, help="of each hamlet")
    parser.add_argument("--opens", type=int, default=5, help="openings of the first map")
    parser.add_argument("--width", type=int, default=1366, help="of the window, pixels")
    parser.add_argument("--shots", type=Path, default=None, help="a folder for a screenshot of each zoom")
    parser.add_argument("--only", choices=("first", "tiles", "way"), default=None)
    options = parser.parse_args()
    shots = next(shot_folder(options.shots), None)
    with installation(folder=options.folder) as here:
        kept = prepare(here, options.file, options.hamlets, options.houses)
        reference = open_reference(Settings(data_dir=here.data_dir, database_url=here.database_url))
        post = Target("http://127.0.0.1").post(b"<data/>" * 900)
        with serving(here) as server, sync_playwright() as playwright:
            yardstick = Yardstick(post)
            started = browser.launch(playwright)
            if options.only in (None, "first"):
                for turn in range(options.opens + 1):
                    requests, size, usable = first_map(started, server.url, kept, options.width)
                    name = "first map" if turn else "first map, server just started"
                    print(f"{name}: {requests} requests, {size:,} bytes, coloured after {usable:.2f} s", flush=True)
                print(f"aim: coloured after {AIM_FIRST_S} s")
            wait_until_ready(server.url, kept)
            if options.only in (None, "tiles"):
                tiles_over_http(server.url, kept, reference)
            if options.only in (None, "way"):
                zoom_way(started, server.url, kept, options.width, some_house(reference, *INLAND), shots)
            started.close()
            print(f"cores {yardstick.slower():.2f} times slower than quiet")
        reference.database.close()


if __name__ == "__main__":
    main()
