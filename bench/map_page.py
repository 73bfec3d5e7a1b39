"""The map of a country's communes in Chromium: bytes, requests, and the time until every commune is coloured.

python bench/map_page.py [--file COMMUNES.geojson] [--hamlets 1] [--opens 7] [--width 1366]

Serves 3,321 communes with invented figures and opens the page as a signed-in supervisor does, from another process on
the same machine: with an empty browser cache each time, then again with a full one. Usable is the moment at which
nearly all communes carry the colour of a figure and the frame that shows it has been drawn, counted from the click
on the link. Without --file the shared boundary set is taken where it lies beside the checkout, else as many squares.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import secrets
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from playwright.sync_api import Browser, BrowserContext, sync_playwright

from bench.phones import Target
from bench.service import CHECKOUT, SET_ID, Installation, installation, serving
from bench.yardstick import Yardstick
from mapper.domain.ledger import INSIDE, State
from mapper.formats.campaign import read_campaign
from mapper.services.reference import Reference
from mapper.settings import Settings
from mapper.store import reference as kept
from mapper.store import tallies
from server import open_reference
from tests import browser

AIM_HTML, AIM_S = 300_000, 1.5
UNITS = 3321
SHARED = "geodata/vn2025_communes_national_simplified.geojson"
NAME = "supervisor"
QUERY = f"set={SET_ID}&level=commune&group=18_plus&dose=1&date=2022-09-08"

WATCH = """
window.usable = null;
(function look() {
  const parts = window.L && L.coverage && L.coverage.parts;
  const paths = parts && parts.areas && parts.areas._paths;
  if (paths && paths.size >= UNITS * 0.95) {
    const grey = "#b9c0c6";
    let coloured = 0;
    for (const path of paths.values()) coloured += Boolean(path.options.fillColor && path.options.fillColor !== grey);
    if (coloured >= UNITS * 0.95) {
      requestAnimationFrame(() => requestAnimationFrame(() => { window.usable = performance.now(); }));
      return;
    }
  }
  requestAnimationFrame(look);
})();
"""
TIMES = """() => [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")].map(
  (each) => [each.name.replace(location.origin, "").slice(0, 60), each.startTime, each.requestStart, each.responseStart,
    each.responseEnd])"""
INKED = """() => {
  const { _ctx: context, _container: canvas } = map_coverage.unitRenderer;
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  let inked = 0;
  for (let i = 3; i < data.length; i += 4) inked += data[i] > 0;
  return inked;
}"""


def squares(units: int) -> bytes:
    """A boundary file of so many squares on the extent of Viet Nam."""
    columns = round(units**0.5 / 1.5)
    features = []
    for number in range(units):
        west, south = 102.2 + number % columns * 7 / columns, 8.5 + number // columns * 7 / columns
        east, north = west + 7 / columns, south + 7 / columns
        ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
        facts = {"commune_code": f"{number:05d}", "commune_name": f"Xã {number}"}
        geometry = {"type": "Polygon", "coordinates": [[[round(x, 6), round(y, 6)] for x, y in ring]]}
        features.append({"type": "Feature", "properties": facts, "geometry": geometry})
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()


def fill(reference: Reference, hamlets_each: int, with_one_more: int = 0) -> int:
    """Campaign, hamlets and invented figures for every commune of the set; how many communes.

    with_one_more: so many communes, the first ones, have a hamlet more than the others.
    """
    toml = (CHECKOUT / "forms" / "covid19" / "campaign.toml").read_text("utf-8")
    campaign = read_campaign(toml)
    chance = random.Random(3)
    database = reference.database
    with database.read() as connection:
        places = reference.known(connection).sets[SET_ID]
        codes = [unit.code for unit in places.at_level(places.leaf)]
    with database.write() as connection:
        series = [(group.code, dose.code) for group, dose in campaign.series]
        kept.save_campaign(database, connection, campaign.id, toml, series, "2022-09-08T00:00:00+00:00")
        lists = [
            kept.Hamlet(f"{code}{number:02d}", f"Thôn {number + 1}", code, 60)
            for place, code in enumerate(codes)
            for number in range(hamlets_each + (place < with_one_more))
        ]
        kept.save_hamlets(database, connection, lists)
        kept.raise_revision(database, connection)
    people: list[tuple[int, ...]] = []
    houses: tallies.HouseChanges = {}
    visited_on, dosed_on = date(2022, 8, 20).toordinal(), date(2022, 2, 1).toordinal()
    with database.write() as connection:
        known = reference.known(connection)
        numbers = known.series[campaign.id]
        for hamlet in lists:
            units = {SET_ID: hamlet.commune_code}
            # On its province's shelf, as cells that intake makes: their numbers begin far behind one.
            cell = tallies.cell(database, connection, hamlet.code, hamlet.commune_code, units, shelf=known.shelf(units))
            visited, reach = chance.randrange(10, 60), chance.uniform(0.3, 1)
            houses[campaign.id, cell, visited_on] = [visited, visited, 0, 0, 0, 4 * visited]
            for number in numbers:
                row = [0] * len(INSIDE)
                row[INSIDE.index(State.DUE)] = 3 * visited
                people.append((cell, number, campaign.start.toordinal(), *row))
                dosed = round(3 * visited * reach)
                row = [0] * len(INSIDE)
                row[INSIDE.index(State.DUE)], row[INSIDE.index(State.VACCINATED)] = -dosed, dosed
                people.append((cell, number, dosed_on, *row))
        tallies.add(database, connection, [people], houses)
    return len(codes)


@dataclass(frozen=True, slots=True)
class Opened:
    """One opening of the page: bytes of HTML as read and as sent, of everything sent; requests; milliseconds."""

    html: int
    html_sent: int
    sent: int
    requests: int
    usable_ms: float
    inked: int
    times: list[tuple[str, float, float, float, float]]


def open_page(context: BrowserContext, address: str, units: int) -> Opened:
    """Open the map in a new page and wait until it is usable."""
    page = context.new_page()
    page.add_init_script(WATCH.replace("UNITS", str(units)))
    wire = context.new_cdp_session(page)
    wire.send("Network.enable")
    sizes: dict[str, float] = {}
    documents: list[str] = []
    wire.on("Network.loadingFinished", lambda event: sizes.update({event["requestId"]: event["encodedDataLength"]}))

    def asked(event: dict[str, Any]) -> None:
        if event["type"] == "Document":
            documents.append(event["requestId"])

    wire.on("Network.requestWillBeSent", asked)
    response = page.goto(address, wait_until="commit")
    assert response is not None
    page.wait_for_function("() => window.usable !== null", timeout=120_000)
    usable = float(page.evaluate("() => window.usable"))
    inked = int(page.evaluate(INKED))
    html = len(response.body())
    times = page.evaluate(TIMES)
    page.wait_for_load_state("networkidle")
    page.close()
    return Opened(html, int(sizes[documents[-1]]), int(sum(sizes.values())), len(sizes), usable, inked, times)


def sign_in(context: BrowserContext, url: str, password: str) -> None:
    """A session for everything that follows in this context."""
    page = context.new_page()
    page.goto(f"{url}/sign-in")
    page.locator("[name=name]").fill(NAME)
    page.locator("[name=password]").fill(password)
    page.locator("main button[type=submit]").click()
    page.wait_for_load_state("networkidle")
    page.close()


def prepare(here: Installation, file: Path | None, hamlets: int) -> tuple[str, int]:
    """Boundaries, figures and a user; the password, and the number of communes."""
    shared = Path(os.environ.get("MAPPER_SHARED") or CHECKOUT.parent / "shared") / SHARED
    if file is None and shared.is_file():
        file = shared
    elif file is None:
        file = here.data_dir / "squares.geojson"
        file.write_bytes(squares(UNITS))
    here.command("boundaries", "import", str(file), "--id", SET_ID, "--label", file.stem, "--level", "commune")
    reference = open_reference(Settings(data_dir=here.data_dir, database_url=here.database_url))
    units = fill(reference, hamlets)
    reference.database.close()
    password = secrets.token_urlsafe(12)
    here.command("users", "add", NAME, "--role", "administrator", "--password", MAPPER_NEW_PASSWORD=password)
    return password, units


def main() -> None:
    """Prepare, serve, open, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--file", type=Path, default=None, help="a GeoJSON of communes")
    parser.add_argument("--hamlets", type=int, default=1, help="hamlets of each commune")
    parser.add_argument("--opens", type=int, default=7, help="openings with an empty cache, and again with a full one")
    parser.add_argument("--width", type=int, default=1366, help="of the window, pixels")
    parser.add_argument("--times", action="store_true", help="also list when each file of an opening came")
    options = parser.parse_args()
    with installation() as here:
        password, units = prepare(here, options.file, options.hamlets)
        post = Target("http://127.0.0.1").post(b"<data/>" * 900)
        with serving(here) as server, sync_playwright() as playwright:
            started = browser.launch(playwright)
            address = f"{server.url}/map?{QUERY}"
            print(f"{units:,} communes with {options.hamlets} hamlet(s) each, window {options.width} px wide")
            print("cache   HTML bytes  HTML sent  all sent  requests  usable after ms (slower than quiet)")

            def empty() -> Opened:
                return one_empty(started, server.url, password, address, units, options.width)

            show("first", *many(empty, 1, post))
            show("empty", *many(empty, options.opens, post))
            context = started.new_context(viewport={"width": options.width, "height": 800})
            sign_in(context, server.url, password)
            open_page(context, address, units)
            show("full", *many(lambda: open_page(context, address, units), options.opens, post))
            if options.times:
                print("the last opening, ms:  begun  asked  first byte  last byte")
                for name, *moments in open_page(context, address, units).times:
                    print(f"{name:60}" + "".join(f"{moment:8.0f}" for moment in moments))
            started.close()
        print(f"aim: HTML below {AIM_HTML:,} bytes, usable after {AIM_S} s")


def one_empty(started: Browser, url: str, password: str, address: str, units: int, width: int) -> Opened:
    """An opening in a session of its own, with nothing in the browser's cache but what signing in left there."""
    context = started.new_context(viewport={"width": width, "height": 800})
    sign_in(context, url, password)
    wire = context.new_cdp_session(context.new_page())
    wire.send("Network.clearBrowserCache")
    opened = open_page(context, address, units)
    context.close()
    return opened


def many(work: Callable[[], Opened], times: int, post: bytes) -> tuple[list[Opened], float]:
    """So many openings, and how much slower than quiet the cores were meanwhile."""
    yardstick = Yardstick(post)
    time.sleep(0.3)
    opened = [work() for _ in range(times)]
    return opened, yardstick.slower()


def show(name: str, opened: list[Opened], slower: float) -> None:
    """A row of the table."""
    times = [one.usable_ms for one in opened]
    one = opened[-1]
    if min(each.inked for each in opened) < 1000:
        sys.exit("the map's canvas is empty")
    print(
        f"{name:6}  {one.html:10,}  {one.html_sent:9,}  {one.sent:8,}  {one.requests:8}  "
        f"median {statistics.median(times):.0f}, {min(times):.0f} to {max(times):.0f} ({slower:.2f}x)",
        flush=True,
    )


if __name__ == "__main__":
    main()
