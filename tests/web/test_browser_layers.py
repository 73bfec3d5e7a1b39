"""What the map shows besides coverage, in a real browser: other figures, overlays, days, two maps, live figures.

The houses are those of test_browser_map.py, on 31 August 2022, target 90 %:

    Thôn Đông (10 houses)  8 visited, 8 people, 4 vaccinated: 4 still needed, 4 due
    Thôn Tây  (5 houses)   2 visited, 2 people, both vaccinated: nobody needed, nobody due
    Bản Nam   (8 houses)   1 visited, nobody at home: no data

All of them were 41 or older, so that all belong to the group that comes first as well.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Page, expect

from mapper.services import intake, publish
from mapper.settings import Settings
from tests.browser import Pages
from tests.client.site import CHOICES, NEXT_VERSION, SURVEY, House, Site, running, workbook, write_house_check
from tests.web.contrast import weak_text
from tests.web.test_browser_map import EAST, NAME, PASSWORD, QUERY, drawn, houses, point_of, settle

pytestmark = pytest.mark.long

EAST_KEY, WEST_KEY, SOUTH_KEY = "00001/0000101", "00001/0000102", "00002/0000201"
ILL = "select_multiple illness | ill | Bệnh nền | person.priority |"
ILLNESS = "illness | underlying_disease | Có bệnh nền"
FIRST = """
[[groups]]
code = "first"
label = { vi = "Người có bệnh nền", en = "People who are ill" }
from_age = "5 years"
priorities = ["underlying_disease"]
also_from_age = "40 years"
[[groups.doses]]
dose = "1"
target = "90 %"
"""


@pytest.fixture(scope="module")
def site(filled_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("layers")
    (folder / "map.sqlite3").write_bytes(filled_sqlite.read_bytes())
    with running(Settings(data_dir=folder), f"sqlite:///{folder / 'map.sqlite3'}") as made:
        again = write_house_check(folder / "again", NEXT_VERSION)
        ill = SURVEY.replace("end_repeat", f"{ILL}\nend_repeat")
        form = workbook("house_check", "Thăm nhà", NEXT_VERSION, ill, f"{CHOICES}{ILLNESS}\n")
        (again / "house_check.xlsx").write_bytes(form)
        with (again / "campaign.toml").open("a", encoding="utf-8") as campaign:
            campaign.write(FIRST)
        publish.publish(made.reference, again)
        made.user("supervisor", "001", name=NAME, password=PASSWORD)
        phone = made.phone(made.user("canvasser", "001", name="Nông Thị Hoa").token)
        for house in houses():
            phone.send(house.form())
        yield made


@pytest.fixture(scope="module")
def session(site: Site) -> dict[str, str]:
    """Cookies of a supervisor who is signed in; signing in anew takes as long as a test."""
    with requests.Session() as browser:
        form = browser.get(f"{site.url}/sign-in", timeout=60).text
        token = re.findall(r'name="csrf_token" value="([^"]+)"', form)[0]
        browser.post(
            f"{site.url}/sign-in", {"csrf_token": token, "name": NAME, "password": PASSWORD}, timeout=60
        ).raise_for_status()
        return browser.cookies.get_dict()


@pytest.fixture
def open_map(open_page: Pages, site: Site, session: dict[str, str]) -> Callable[..., Page]:
    def opened(query: str = QUERY, width: int = 1366) -> Page:
        page = open_page(width)
        page.context.add_cookies([{"name": name, "value": value, "url": site.url} for name, value in session.items()])
        page.goto(f"{site.url}/map?{query}")
        settle(page)
        return page

    return opened


def open_layers(page: Page) -> None:
    page.locator(".leaflet-control-layers-toggle").click()


def test_the_colours_the_legend_and_the_popup_say_the_figure_that_was_chosen(open_map: Callable[..., Page]) -> None:
    page = open_map("date=2022-08-31&show=needed")
    # Of at most 4: classes begin at 0, 1 and 2; the pale colour is nobody's.
    assert drawn(page)[EAST_KEY] == {"fill": "#993404", "pattern": None, "strength": 0.92}
    assert drawn(page)[WEST_KEY] == {"fill": "#ffffd4", "pattern": "hatch", "strength": 0.92}
    assert drawn(page)[SOUTH_KEY]["pattern"] == "dots"
    legend = page.locator(".map-legend")
    expect(legend.locator("summary")).to_have_text("Số người còn thiếu (theo thôn, bản)")
    assert legend.locator(".legend-edge").all_inner_texts() == ["0", "1", "2", "4"]
    at = point_of(page, EAST_KEY)
    page.mouse.click(at["x"], at["y"])
    expect(page.locator(".popup-shown")).to_have_text("4người còn thiếu để đạt 90\u202f%")
    open_layers(page)
    page.get_by_label("Tỷ lệ nhà đã đến").check()
    assert "show=visited" in page.url
    expect(page.locator(".popup-shown")).to_have_text("80\u202f%số nhà đã đến")
    # 8 of 10, 2 of 5 and 1 of 8 houses; what was visited is not hatched for being little visited.
    assert {key: each["fill"] for key, each in drawn(page).items()} == {
        EAST_KEY: "#31a354",
        WEST_KEY: "#a1d99b",
        SOUTH_KEY: "#edf8e9",
    }
    assert {each["pattern"] for each in drawn(page).values()} == {None}
    expect(legend.locator("summary")).to_have_text("Tỷ lệ nhà đã đến, %")
    assert weak_text(page) == []
    page.reload()
    settle(page)
    assert drawn(page)[EAST_KEY]["fill"] == "#31a354"


def test_an_address_with_a_figure_that_is_none_shows_coverage_and_says_so(open_map: Callable[..., Page]) -> None:
    page = open_map("date=2022-08-31&show=rain")
    expect(page.locator("main > .notice").first).to_contain_text("rain")
    assert drawn(page)[EAST_KEY]["fill"] == "#fc8d59"


def test_a_priority_group_is_one_tap_away_with_its_people_due(open_map: Callable[..., Page]) -> None:
    page = open_map(width=390)
    open_layers(page)
    group = page.locator(".layer-group", has_text="Người có bệnh nền")
    expect(group).to_contain_text("4 đến hạn")
    group.click()
    expect(group).to_have_attribute("aria-pressed", "true")
    assert "group=first" in page.url
    assert "show=due" in page.url
    settle(page)
    assert drawn(page)[EAST_KEY]["fill"] == "#810f7c"
    assert drawn(page)[WEST_KEY]["fill"] == "#edf8fb"
    page.keyboard.press("Escape")
    expect(group).to_be_hidden()
    expect(page.locator(".leaflet-control-layers-toggle")).to_be_focused()
    expect(page.locator(".leaflet-control-layers-toggle")).to_contain_text("Số người đến hạn")


def test_overlays_ask_only_when_they_are_switched_on(open_map: Callable[..., Page]) -> None:
    page = open_map()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    open_layers(page)
    for name, address in (
        ("Cụm người chưa tiêm", "/api/hot-spots"),
        ("Cấp độ dịch của từng xã", "/api/epidemic-levels"),
        ("Đường đi của người rà soát", "/api/tracks"),
    ):
        assert not [url for url in asked if address in url]
        with page.expect_response(lambda reply, address=address: address in reply.url):  # type: ignore[misc]
            page.get_by_label(name).check()
    legend = page.locator(".map-legend")
    expect(legend).to_contain_text("Không thấy cụm chưa tiêm nào")
    expect(legend).to_contain_text("Ngày này chưa nhập cấp độ dịch")
    expect(legend).to_contain_text("Ngày này không có người rà soát nào đến nhà")
    page.get_by_label("Cấp độ dịch của từng xã").uncheck()
    expect(legend).not_to_contain_text("cấp độ dịch")
    # The address holds them: whoever opens it, or comes back from the page beside it, sees the same map.
    assert "layers=hot_spots.tracks" in page.url
    for way in ("So sánh hai bản đồ", "Bản đồ treo tường"):
        page.get_by_role("link", name=way).click()
        page.get_by_role("button", name="Xem").first.click()
        page.get_by_role("link", name="Về bản đồ").click()
        settle(page)
        expect(legend).to_contain_text("Không thấy cụm chưa tiêm nào")
        expect(legend).to_contain_text("Ngày này không có người rà soát nào đến nhà")
    open_layers(page)
    expect(page.get_by_label("Cụm người chưa tiêm")).to_be_checked()
    expect(page.get_by_label("Cấp độ dịch của từng xã")).not_to_be_checked()


def test_levels_stand_on_the_map_as_numbers_and_ways_as_lines(open_map: Callable[..., Page], site: Site) -> None:
    today = intake.today().isoformat()
    phone = site.phone(site.user("canvasser", "001", name="Lường Văn Páo").token)
    for number, location in enumerate(("22.051 105.051 300 6.5", "22.061 105.061 300 6.5")):
        phone.send(House(f"uuid:way-{number}", location=location, today=today, people=()).form())
    page = open_map(f"date={today}")
    token = page.evaluate("document.querySelector('[name=csrf_token]').value")
    form = {"csrf_token": token, "unit": "00001", "set": "squares", "level": "3", "from": today, "source": "QĐ 1"}
    assert page.request.post(f"{site.url}/epidemic-levels", form=form).ok
    open_layers(page)
    page.get_by_label("Cấp độ dịch của từng xã").check()
    expect(page.locator(".leaflet-marker-pane .epidemic-badge")).to_have_text("3")
    page.get_by_label("Đường đi của người rà soát").check()
    expect(page.locator(".map-legend")).to_contain_text("Lường Văn Páo")
    lines = page.evaluate("""() => { const found = [];
        L.coverage.parts.tracks.eachLayer((group) => group.eachLayer((each) => {
            if (each instanceof L.Polyline) found.push(each.getLatLngs().map(({lat, lng}) => [lat, lng])); }));
        return found; }""")
    assert lines == [[[22.051, 105.051], [22.061, 105.061]]]


def test_a_planner_is_not_offered_the_ways_of_canvassers(open_page: Pages, site: Site) -> None:
    site.user("planner", name="kế hoạch", password=PASSWORD)
    page = open_page()
    page.goto(f"{site.url}/sign-in")
    page.locator("[name=name]").fill("kế hoạch")
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("main button[type=submit]").click()
    settle(page)
    open_layers(page)
    expect(page.get_by_label("Cấp độ dịch của từng xã")).to_be_visible()
    expect(page.get_by_label("Đường đi của người rà soát")).to_have_count(0)


def test_the_slider_recolours_by_keyboard_and_plays(open_map: Callable[..., Page]) -> None:
    page = open_map()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    view = page.evaluate("[map_coverage.getCenter(), map_coverage.getZoom()]")
    page.get_by_role("button", name="Xem theo ngày").click()
    slider = page.get_by_label("Ngày hiện trên bản đồ")
    expect(page.locator(".days-words")).to_contain_text("31/08/2022: 60\u202f% (6 trên 10 người)")
    expect(page.locator(".days-words")).to_contain_text("1 trên 2 nơi đạt từ 90\u202f%")
    expect(slider).to_be_focused()
    page.keyboard.press("Home")
    # On 8 March 2021, or a few days later, nobody was vaccinated.
    expect(page.locator(".days-words")).to_contain_text("0\u202f% (0 trên 10 người)")
    assert drawn(page)[EAST_KEY]["fill"] == "#d73027"
    assert drawn(page)[WEST_KEY]["fill"] == "#d73027"
    expect(page.locator(".summary-number")).to_have_text("60\u202f%")
    page.get_by_role("button", name="Chạy").click()
    expect(page.get_by_role("button", name="Dừng", exact=False).first).to_be_visible()
    before = int(slider.input_value())
    expect(slider).not_to_have_value(str(before), timeout=5000)
    page.locator(".days-play").click()
    page.get_by_role("button", name="Xem theo ngày").click()
    expect(slider).to_be_hidden()
    assert drawn(page)[EAST_KEY]["fill"] == "#fc8d59"
    assert view == page.evaluate("[map_coverage.getCenter(), map_coverage.getZoom()]")
    assert not [url for url in asked if "/api/shapes" in url or "/api/coverage?" in url]
    assert len([url for url in asked if "/api/coverage-by-day" in url]) == 2


def test_a_place_is_found_without_accents_and_opened_by_keyboard_on_a_phone(open_map: Callable[..., Page]) -> None:
    page = open_map(width=390)
    search = page.get_by_role("combobox", name="Tìm nơi trên bản đồ")
    search.fill("thon")
    expect(page.get_by_role("option")).to_have_count(2)
    page.keyboard.press("ArrowDown")
    expect(page.locator("[role=option][aria-selected=true]")).to_contain_text("Thôn Tây")
    page.keyboard.press("Enter")
    expect(page.locator(".leaflet-popup")).to_contain_text("Thôn Tây")
    expect(page.locator(".popup-figure").first).to_be_in_viewport()
    search.fill("xa hai")
    page.get_by_role("option", name="Xã Hai", exact=True).click()
    expect(page.locator(".leaflet-popup h3")).to_have_text("Xã Hai")
    search.fill("sapa")
    expect(page.locator("#place-list")).to_contain_text("Không có nơi nào tên này")
    page.keyboard.press("Escape")
    expect(page.locator("#place-list")).to_be_hidden()
    expect(page.locator(".leaflet-popup h3")).to_have_text("Xã Hai")
    # Of other levels and sets the server knows, however they are spelled; choosing one leads to its map.
    with page.expect_response(lambda reply: "/api/places" in reply.url):
        search.fill("x. mot")
    row = page.locator("#place-list").get_by_role("option", name=re.compile("^Xã Một"))
    expect(row).to_be_visible()
    row.click()
    page.wait_for_url(re.compile("level=commune.*unit=00001"))
    expect(page.locator(".leaflet-popup h3")).to_have_text("Xã Một")


LOOK = "document.dispatchEvent(new Event('visibilitychange'))"


def test_what_is_counted_meanwhile_is_drawn_without_moving_anything(open_map: Callable[..., Page], site: Site) -> None:
    page = open_map(f"{QUERY}&layers=hot_spots")
    expect(page.locator(".map-legend")).to_contain_text("Không thấy cụm chưa tiêm nào")
    clusters = "window.clusters === L.coverage.parts.hot_spots.getLayers()[0]"
    page.evaluate("() => { window.clusters = L.coverage.parts.hot_spots.getLayers()[0]; }")
    searched: list[str] = []
    page.on("request", lambda request: searched.extend([request.url] * ("/api/hot-spots" in request.url)))
    at = point_of(page, EAST_KEY)
    page.mouse.click(at["x"], at["y"])
    popup = page.locator(".leaflet-popup")
    expect(popup).to_contain_text("4 trên 8 người")
    expect(page.locator("#live")).to_contain_text("cập nhật lúc")
    page.wait_for_timeout(500)  # the map makes room for the popup
    view = page.evaluate("[map_coverage.getCenter(), map_coverage.getZoom()]")
    page.evaluate("""() => { window.redrawn = [];
        for (const [key, path] of L.coverage.parts.hamlets._paths) {
            const redraw = path.redraw;
            path.redraw = function () { window.redrawn.push(key); return redraw.call(this); };
        } }""")
    phone = site.phone()
    phone.send(House("uuid:live", location=EAST[0], people=[("Người mới", "1980-05-04", "")] * 2).form())
    page.evaluate(LOOK)
    # 4 of 10 now: 40 % is another class.
    expect(popup).to_contain_text("4 trên 10 người")
    expect(page.locator(".summary-number")).to_have_text("50\u202f%")
    assert drawn(page)[EAST_KEY]["fill"] == "#d73027"
    assert page.evaluate("window.redrawn") == [EAST_KEY]
    assert view == page.evaluate("[map_coverage.getCenter(), map_coverage.getZoom()]")
    # Clusters are asked for again, though not at once, and only what is new is drawn.
    assert searched == []
    page.evaluate("L.coverage.parts.hot_spots.options.every = 0")
    with page.expect_response(lambda reply: "/api/hot-spots" in reply.url):
        page.evaluate(LOOK)
    assert page.evaluate(clusters)
    page.get_by_role("button", name="Dừng tự cập nhật").click()
    expect(page.locator("#live")).to_contain_text("không cập nhật")
    phone.send(House("uuid:live-2", location=EAST[0], people=[("Người nữa", "1980-05-04", "")]).form())
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.evaluate(LOOK)
    page.get_by_role("button", name="Tự cập nhật lại").click()
    expect(popup).to_contain_text("4 trên 11 người")
    assert len([url for url in asked if "/api/version" in url]) == 1, "asked only after it was wanted again"


def test_two_maps_move_together_and_open_the_same_place(open_map: Callable[..., Page], site: Site) -> None:
    page = open_map()
    page.get_by_role("link", name="So sánh hai bản đồ").click()
    page.goto(f"{site.url}/map/compare?date=2022-08-31&date_left=2021-08-09&level=hamlet")
    page.wait_for_load_state("networkidle")
    fills = """() => ["left", "right"].map((side) =>
        L.coverage.parts[`${side}_hamlets`].path("00001/0000102").options.fillColor)"""
    assert page.evaluate(fills) == ["#d73027", "#4575b4"]  # nobody the day before; both on the last of August
    places = "() => [map_left, map_right].map((map) => [map.getCenter().lat, map.getCenter().lng, map.getZoom()])"
    page.locator(".compare-maps .leaflet-control-zoom-in").first.click()
    page.wait_for_timeout(600)
    left, right = page.evaluate(places)
    assert left == pytest.approx(right)
    page.evaluate("map_right.panBy([40, 25], {animate: false})")
    left, right = page.evaluate(places)
    assert left == pytest.approx(right)
    page.evaluate("map_left.fitBounds(L.coverage.parts.left_hamlets.path('00001/0000102').getBounds())")
    page.wait_for_timeout(500)
    box = page.locator("#map_left").bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(page.locator("#map_left .leaflet-popup")).to_contain_text("0 trên 2 người")
    expect(page.locator("#map_right .leaflet-popup")).to_contain_text("2 trên 2 người")
    assert weak_text(page) == []
