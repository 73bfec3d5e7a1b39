"""Very many hamlets in a real browser: drawn from tiles, told at a click, and no level of the table."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from mapper.services import tiles
from mapper.settings import Settings
from tests.browser import Pages
from tests.client.site import Site, running
from tests.web.test_browser_fill import until
from tests.web.test_browser_map import houses

PASSWORD = "mười hai chữ cái"
DRAWN = """() => [...document.querySelectorAll('.leaflet-hamletTiles-pane canvas')].some((tile) => {
  const { data } = tile.getContext('2d').getImageData(0, 0, tile.width, tile.height);
  return data.some((value, place) => place % 4 === 3 && value > 0); })"""


@pytest.fixture
def site(filled_sqlite: Path, tmp_path: Path) -> Iterator[Site]:
    (tmp_path / "map.sqlite3").write_bytes(filled_sqlite.read_bytes())
    with running(Settings(data_dir=tmp_path), f"sqlite:///{tmp_path / 'map.sqlite3'}") as made:
        made.user("supervisor", "001", name="giám sát", password=PASSWORD)
        phone = made.phone()
        for house in houses():
            phone.send(house.form())
        yield made


def test_hamlets_are_drawn_from_tiles_and_told_at_a_click(
    open_page: Pages, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiles, "MANY_HAMLETS", 2)
    page = open_page()
    page.goto(f"{site.url}/sign-in")
    page.locator("[name=name]").fill("giám sát")
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("main button[type=submit]").click()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{site.url}/map?date=2022-08-31&level=hamlet")
    until(page, DRAWN)
    assert any("/api/tiles/" in url for url in asked)
    assert not any("level=hamlet" in url and "/api/" in url for url in asked)
    levels = page.locator("[name=level] option").evaluate_all("all => all.map((each) => each.value)")
    assert levels == ["province", "district", "commune"]
    # The middle of the eight houses of Thôn Đông.
    page.evaluate("map_coverage.setView([22.0488, 105.0288], 13, { animate: false })")
    open_page.settle(page)
    until(page, DRAWN)
    spot = page.evaluate(
        "(() => { const p = map_coverage.latLngToContainerPoint([22.04, 105.02]); return [p.x, p.y]; })()"
    )
    box = page.locator("#map_coverage").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + spot[0], box["y"] + spot[1])
    popup = page.locator(".leaflet-popup-content")
    popup.wait_for()
    text = popup.inner_text()
    assert "Thôn Đông" in text
    assert "4 trên 8 người" in text
    # Side by side the same, for two days: nobody was vaccinated on the first; and the table holds the hamlets.
    page.goto(f"{site.url}/map/compare?date=2022-08-31&date_left=2021-08-09&level=hamlet")
    page.wait_for_load_state("networkidle")
    page.evaluate("map_left.setView([22.04, 105.02], 13, { animate: false })")
    open_page.settle(page)
    for side in ("left", "right"):
        until(page, DRAWN.replace("'.leaflet", f"'#map_{side} .leaflet"))
    box = page.locator("#map_left").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    for side, told in (("left", "0 trên 8 người"), ("right", "4 trên 8 người")):
        expect(page.locator(f"#map_{side} .leaflet-popup-content")).to_contain_text(told)
    expect(page.locator(".compare-table")).to_contain_text("Thôn Đông")
    assert open_page.problems == []


AREAS = """() => [...L.coverage.parts.areas._paths.values()].map((path) => path.options.stroke && path.options.fill)"""
SPOT = "([lat, lon]) => { const p = map_coverage.latLngToContainerPoint([lat, lon]); return [p.x, p.y]; }"


def test_a_whole_country_is_zoomed_from_provinces_to_communes_and_hamlets(
    open_page: Pages, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Provinces from one file, drawn until the tiles with their communes are all there, and again when those fail."""
    monkeypatch.setattr(tiles, "MANY_HAMLETS", 2)
    monkeypatch.setattr(tiles, "MANY_UNITS", 0)
    page = open_page()
    page.goto(f"{site.url}/sign-in")
    page.locator("[name=name]").fill("giám sát")
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("main button[type=submit]").click()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{site.url}/map?date=2022-08-31")
    expect(page.locator("[name=level]")).to_have_value("province")
    expect(page.locator("#units tr.unit")).to_have_count(1)
    page.evaluate("() => { map_coverage.setView([22.04, 105.02], 6, { animate: false }); }")
    until(page, f"() => ({AREAS})().every(Boolean)")
    assert not any("level=commune" in url or "level=hamlet" in url for url in asked)
    # Near enough, communes come from tiles, and the provinces go.
    asked.clear()
    page.evaluate("() => { map_coverage.setView([22.05, 105.05], 9, { animate: false }); }")
    until(page, f"() => ({AREAS})().every((drawn) => !drawn)")
    until(page, DRAWN)
    sent = [url for url in asked if "/api/tiles/9/" in url]
    assert sent
    assert all(url.endswith("layers=borders,communes") for url in sent)
    box = page.locator("#map_coverage").bounding_box()
    assert box is not None
    x, y = page.evaluate(SPOT, [22.05, 105.05])
    page.mouse.move(box["x"] + x - 2, box["y"] + y)
    page.mouse.move(box["x"] + x, box["y"] + y)
    expect(page.locator(".unit-tip")).to_contain_text("6 trên 10 người")
    page.mouse.click(box["x"] + x, box["y"] + y)
    expect(page.locator(".leaflet-popup-content")).to_contain_text("Xã Một")
    expect(page.locator(".leaflet-popup-content")).to_contain_text("6 trên 10 người")
    page.keyboard.press("Escape")
    # Nearer still, hamlets lie on their communes.
    page.evaluate("() => { map_coverage.setView([22.05, 105.05], 11, { animate: false }); }")
    with page.expect_response("**/api/tiles/11/**"):
        pass
    assert any(url.endswith("layers=borders,communes,hamlets") for url in asked if "/api/tiles/11/" in url)
    expect(page.locator("#trouble")).to_be_hidden()
    # A line that breaks leaves the provinces on the screen, and the page says so.
    page.route("**/api/tiles/**", lambda route: route.abort())
    page.evaluate("() => { map_coverage.setView([22.05, 105.05], 9.5, { animate: false }); }")
    page.evaluate("() => { map_coverage.setView([22.15, 105.35], 10, { animate: false }); }")
    expect(page.locator("#trouble")).to_be_visible()
    until(page, f"() => ({AREAS})().every(Boolean)")
    open_page.close()  # what the map asks once more in vain is told until then
    open_page.problems.clear()


def test_a_whole_country_is_compared_from_tiles(open_page: Pages, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiles, "MANY_UNITS", 0)
    page = open_page()
    page.goto(f"{site.url}/sign-in")
    page.locator("[name=name]").fill("giám sát")
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("main button[type=submit]").click()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{site.url}/map/compare?date=2022-08-31&date_left=2021-08-09&level=commune")
    page.wait_for_load_state("networkidle")
    asked.clear()
    page.evaluate("map_left.setView([22.05, 105.05], 11, { animate: false })")
    for side in ("left", "right"):
        until(page, DRAWN.replace("'.leaflet", f"'#map_{side} .leaflet"))
    # Each from tiles of its own day, and no file in detail.
    tiled = [url for url in asked if "/api/tiles/11/" in url]
    assert {day for day in ("2021-08-09", "2022-08-31") for url in tiled if f"date={day}" in url} == {
        "2021-08-09",
        "2022-08-31",
    }
    assert all(url.endswith("layers=borders,communes") for url in tiled)
    zooms = [int(found) for url in asked if "/api/shapes" in url for found in re.findall(r"zoom=(\d+)", url)]
    assert all(zoom <= 7 for zoom in zooms), zooms
    box = page.locator("#map_left").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    for side, told in (("left", "0 trên 10 người"), ("right", "6 trên 10 người")):
        expect(page.locator(f"#map_{side} .leaflet-popup-content")).to_contain_text(told)
    assert open_page.problems == []
