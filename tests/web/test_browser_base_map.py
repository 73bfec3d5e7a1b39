"""The operator's own base map drawn under the map in a real browser: vector tiles and pictures, from files made here.

Every vector tile holds the same: land, a lake in the north-west quarter, a road across the middle, and a name. Their
colours are looked for in what the browser drew.
"""

from __future__ import annotations

import gzip
import sqlite3
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import mapbox_vector_tile
import pytest
from playwright.sync_api import Page, expect

from mapper.settings import Settings
from tests.browser import Pages
from tests.client.site import House, running
from tests.web.test_browser_map import EAST, NAME, PASSWORD, settle

WATER, ROAD, LAND, GREEN = (198, 219, 230), (255, 255, 255), (230, 235, 221), (80, 160, 90)
ZOOMS = range(8, 13)
WEST_END, EAST_END = 104.0, 106.5

PIXELS = """() => { const found = {};
    for (const tile of document.querySelectorAll('.leaflet-tile-pane canvas, .leaflet-tile-pane img')) {
        const canvas = document.createElement('canvas');
        [canvas.width, canvas.height] = [256, 256];
        const pen = canvas.getContext('2d');
        pen.imageSmoothingEnabled = false;
        pen.drawImage(tile, 0, 0, 256, 256);
        const { data } = pen.getImageData(0, 0, 256, 256);
        for (let at = 0; at < data.length; at += 4) {
            if (data[at + 3] < 255) continue;
            const colour = [...data.slice(at, at + 3)].join(',');
            found[colour] = (found[colour] || 0) + 1;
        }
    }
    return found; }"""


def vector_tile() -> bytes:
    """One tile of 4096 units, y upwards."""
    square = "POLYGON((0 0, 4096 0, 4096 4096, 0 4096, 0 0))"
    lake = "POLYGON((300 2300, 1800 2300, 1800 3800, 300 3800, 300 2300))"
    layers = (
        ("landcover", square, {"class": "wood"}),
        ("water", lake, {"class": "lake"}),
        ("transportation", "LINESTRING(0 2048, 4096 2048)", {"class": "primary"}),
        ("place", "POINT(3000 1000)", {"name": "Pac Ngoi", "name:vi": "Pác Ngòi"}),
    )
    made = [{"name": name, "features": [{"geometry": where, "properties": told}]} for name, where, told in layers]
    content: bytes = mapbox_vector_tile.encode(made, default_options={"extents": 4096})
    return content


def picture() -> bytes:
    """A PNG of 256 by 256 pixels in one green."""
    rows = b"".join(b"\0" + bytes(GREEN) * 256 for _ in range(256))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 256, 256, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def column(lon: float, zoom: int) -> int:
    return int((lon + 180) / 360 * 2**zoom)


def mbtiles(path: Path, form: str, content: bytes) -> Path:
    """The same tile at every place of the zooms around the squares."""
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE metadata (name TEXT, value TEXT)")
        told = [("format", form), ("name", "nền"), ("attribution", "Cục Bản đồ")]
        connection.executemany("INSERT INTO metadata VALUES (?, ?)", told)
        connection.execute("CREATE TABLE tiles (zoom_level INT, tile_column INT, tile_row INT, tile_data BLOB)")
        connection.execute("CREATE UNIQUE INDEX tile_index ON tiles (zoom_level, tile_column, tile_row)")
        for zoom in ZOOMS:
            # Rows count from the south; some 21 to 23 degrees north are 0.56 to 0.57 of the way up.
            rows = range(int(2**zoom * 0.55), int(2**zoom * 0.58) + 1)
            places = [
                (zoom, x, row, content)
                for x in range(column(WEST_END, zoom), column(EAST_END, zoom) + 1)
                for row in rows
            ]
            connection.executemany("INSERT INTO tiles VALUES (?, ?, ?, ?)", places)
    connection.close()
    return path


@pytest.fixture
def shown(filled_sqlite: Path, tmp_path: Path, open_page: Pages) -> Iterator[Callable[[Path, int], Page]]:
    """The map of two houses over a base map, opened that wide."""
    (tmp_path / "map.sqlite3").write_bytes(filled_sqlite.read_bytes())

    def opened(base_map: Path, width: int) -> Page:
        settings = Settings(data_dir=tmp_path, basemap=str(base_map))
        site = stack.enter_context(running(settings, f"sqlite:///{tmp_path / 'map.sqlite3'}"))
        site.user("supervisor", "001", name=NAME, password=PASSWORD)
        phone = site.phone()
        for number, location in enumerate(EAST[:2]):
            phone.send(House(f"uuid:base-{number}", location=location).form())
        page = open_page(width, signed_in=open_page.sign_in(site.url, NAME, PASSWORD))
        page.goto(f"{site.url}/map?date=2022-08-31")
        settle(page)
        return page

    with ExitStack() as stack:
        yield opened


@pytest.mark.parametrize(("kind", "width"), [("vector", 1366), ("vector", 390), ("pictures", 390)])
def test_the_base_map_lies_under_the_figures_and_can_be_taken_away(
    shown: Callable[[Path, int], Page], tmp_path: Path, kind: str, width: int
) -> None:
    vector = kind == "vector"
    form, content = ("pbf", gzip.compress(vector_tile())) if vector else ("png", picture())
    page = shown(mbtiles(tmp_path / "nen.mbtiles", form, content), width)
    page.wait_for_function(f"({PIXELS})()['{','.join(map(str, LAND if vector else GREEN))}'] > 100")
    colours = page.evaluate(PIXELS)
    for colour in (WATER, ROAD, LAND) if vector else (GREEN,):
        assert colours.get(",".join(map(str, colour)), 0) > 100, colour
    expect(page.locator(".leaflet-control-attribution")).to_contain_text("Cục Bản đồ")
    # Figures lie over it: panes of tiles come before those of outlines, and outlines are still met by a click.
    assert page.evaluate("getComputedStyle(map_coverage.getPane('tilePane')).zIndex") == "200"
    assert page.evaluate("getComputedStyle(map_coverage.getPane('overlayPane')).zIndex") == "400"
    page.locator(".leaflet-control-layers-toggle").click()
    page.get_by_label("Bản đồ nền").uncheck()
    expect(page.locator(".leaflet-tile-pane .leaflet-tile")).to_have_count(0)
