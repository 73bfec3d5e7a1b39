"""The map in a real browser with the network cut: colours, clicks, the table, languages, the width of a phone.

Three hamlets, on 31 August 2022, target 90 %:

    Thôn Đông (10 houses)  8 visited and interviewed, 8 people, 4 vaccinated: 50 %, Wilson 21.5 - 78.5 %, 4 more needed
    Thôn Tây  (5 houses)   2 visited and interviewed, 2 people, both vaccinated: 100 %, and hardly visited (2 of 5)
    Bản Nam   (8 houses)   1 visited, nobody at home: no data
    all       (23 houses)  11 visited, 10 people, 6 vaccinated: 60 %, 3 more needed
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import FloatRect, Locator, Page, Route, expect

from mapper.settings import Settings
from tests.browser import Pages
from tests.client.site import House, Site, running
from tests.web.contrast import weak_text

PASSWORD = "mười hai chữ cái"
NAME = "giám sát"
ONCE = "2021-08-10"
QUERY = "date=2022-08-31"

EAST = [f"22.0{4 + n // 3} 105.0{2 + n % 3} 300 6.5" for n in range(8)]
WEST = ["22.035 105.08 300 6.5", "22.036 105.081 300 6.5"]
SOUTH = "22.05 105.15 300 6.5"


def houses() -> Iterator[House]:
    for number, location in enumerate(EAST):
        person = (f"Người {number}", "1980-05-04", ONCE if number < 4 else "")
        yield House(f"uuid:east-{number}", location=location, people=[person])
    for number, location in enumerate(WEST):
        people = [(f"Người tây {number}", "1980-05-04", ONCE)]
        yield House(f"uuid:west-{number}", hamlet="0000102", location=location, people=people)
    yield House(
        "uuid:south", commune="00002", hamlet="0000201", location=SOUTH, outcome="absent", people=(), today="2022-08-12"
    )


@pytest.fixture(scope="module")
def site(filled_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("map")
    (folder / "map.sqlite3").write_bytes(filled_sqlite.read_bytes())
    with running(Settings(data_dir=folder), f"sqlite:///{folder / 'map.sqlite3'}") as made:
        made.user("supervisor", "001", name=NAME, password=PASSWORD)
        phone = made.phone()
        for house in houses():
            phone.send(house.form())
        yield made


def sign_in(page: Page, site: Site, path: str) -> Page:
    page.goto(f"{site.url}/sign-in")
    page.locator("[name=name]").fill(NAME)
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("main button[type=submit]").click()
    page.goto(site.url + path)
    return page


def open_map(open_page: Pages, site: Site, query: str = QUERY, width: int = 1366, language: str = "vi") -> Page:
    """The map page, everything drawn."""
    page = sign_in(open_page(width, language), site, f"/map?lang={language}&{query}")
    settle(page)
    return page


def settle(page: Page) -> None:
    """Wait until figures and outlines are there and the map stands still."""
    expect(page.locator("tr.unit").first).to_be_attached()
    page.wait_for_load_state("networkidle")
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def at_rest(locator: Locator) -> FloatRect:
    """Where something stands once it no longer moves, as a popup does while the map makes room for it."""
    place = locator.bounding_box()
    for _ in range(30):
        locator.page.wait_for_timeout(400)
        before, place = place, locator.bounding_box()
        if place is not None and place == before:
            return place
    pytest.fail("It goes on moving.")


def drawn(page: Page, layer: str = "hamlets") -> dict[str, dict[str, Any]]:
    """How each unit of a layer is drawn: its fill, pattern and strength."""
    script = """(layer) => [...(L.coverage.parts[layer]._paths || [])].map(([key, path]) => [key, {
        fill: path.options.fillColor, pattern: path.options.pattern, strength: path.options.fillOpacity}])"""
    return dict(page.evaluate(script, layer))


def point_of(page: Page, key: str, layer: str = "hamlets") -> dict[str, float]:
    """Where a unit's middle is on the screen."""
    script = """([layer, key]) => {
        const box = map_coverage.getContainer().getBoundingClientRect();
        const at = map_coverage.latLngToContainerPoint(L.coverage.parts[layer].path(key).getBounds().getCenter());
        return {x: box.x + at.x, y: box.y + at.y}; }"""
    found: dict[str, float] = page.evaluate(script, [layer, key])
    return found


def pixels(page: Page, key: str) -> list[list[float]]:
    """Red, green, blue of the canvas on white, of the 8 x 8 pixels (one tile of a pattern) in a hamlet's middle."""
    script = """(key) => {
        const renderer = map_coverage.unitRenderer;
        const at = map_coverage.latLngToLayerPoint(L.coverage.parts.hamlets.path(key).getBounds().getCenter())
            .subtract(renderer._bounds.min);
        const scale = renderer._container.width / renderer._bounds.getSize().x;
        const {data} = renderer._ctx.getImageData((at.x - 4) * scale, (at.y - 4) * scale, 8, 8);
        const found = [];
        for (let i = 0; i < data.length; i += 4) {
            found.push([0, 1, 2].map((j) => 255 + (data[i + j] - 255) * data[i + 3] / 255));
        }
        return found; }"""
    found: list[list[float]] = page.evaluate(script, key)
    return found


def test_hamlets_are_coloured_by_coverage_and_thin_visiting_is_hatched(open_page: Pages, site: Site) -> None:
    hamlets = drawn(open_map(open_page, site))
    assert hamlets["00001/0000101"]["fill"] == "#fc8d59"  # 50 %: the class from 50 to 70
    assert hamlets["00001/0000101"]["pattern"] is None
    assert hamlets["00001/0000101"]["strength"] == pytest.approx(0.5 + 0.42 * 0.3 / 0.4)  # 8 of 10 houses
    assert hamlets["00001/0000102"]["fill"] == "#4575b4"  # 100 %
    assert hamlets["00001/0000102"]["pattern"] == "hatch"  # 2 of 5 houses
    assert hamlets["00002/0000201"] == {"fill": "#b9c0c6", "pattern": "dots", "strength": 0.75}


def test_the_colours_are_on_the_canvas_and_not_only_in_the_options(open_page: Pages, site: Site) -> None:
    page = open_map(open_page, site)
    orange, hatched, empty = (pixels(page, key) for key in ("00001/0000101", "00001/0000102", "00002/0000201"))
    assert all(red > blue + 40 for red, _, blue in orange)
    assert max(blue - red for red, _, blue in hatched) > 25
    assert max(map(sum, hatched)) - min(map(sum, hatched)) > 120, "light and dark lines"
    assert all(max(colour) - min(colour) < 30 for colour in empty), "grey"


def test_communes_stand_faint_behind_their_hamlets_and_full_without_them(open_page: Pages, site: Site) -> None:
    page = open_map(open_page, site)
    assert drawn(page, "areas")["00001"]["strength"] < 0.3
    page.locator("select[name=level]").select_option("commune")
    settle(page)
    # Xã Một: 6 of 10 vaccinated, 10 of 15 houses visited.
    assert drawn(page, "areas")["00001"] == {
        "fill": "#fc8d59",
        "pattern": None,
        "strength": pytest.approx(0.5 + 0.42 * (10 / 15 - 0.5) / 0.4),
    }
    assert drawn(page, "areas")["00002"]["pattern"] == "dots"
    assert drawn(page) == {}


def test_a_click_on_a_hamlet_shows_its_figures_and_marks_its_row(open_page: Pages, site: Site) -> None:
    page = open_map(open_page, site)
    at = point_of(page, "00001/0000101")
    page.mouse.click(at["x"], at["y"])
    popup = page.locator(".leaflet-popup")
    expect(popup).to_contain_text("Thôn Đông")
    expect(popup).to_contain_text("Xã Một")
    expect(popup).to_contain_text("50\u202f%")
    expect(popup).to_contain_text("4 trên 8 người")
    expect(popup).to_contain_text("21–79\u202f%")
    expect(popup).to_contain_text("8/10 (80\u202f%), hỏi được 8")
    expect(popup).to_contain_text("Chưa đạt")
    expect(popup).to_contain_text("Cần tiêm thêm 4 người để đạt 90\u202f%.")
    expect(page.locator("tr.unit[aria-current]")).to_have_attribute("data-key", "00001/0000101")
    assert "unit=00001%2F0000101" in page.url


def test_a_click_on_a_row_zooms_to_the_hamlet_and_opens_its_figures(open_page: Pages, site: Site) -> None:
    page = open_map(open_page, site)
    before = page.evaluate("map_coverage.getZoom()")
    page.locator(".row-button", has_text="Tây").click()
    popup = page.locator(".leaflet-popup")
    expect(popup).to_contain_text("Thôn Tây")
    expect(popup).to_contain_text("Mới đến quá ít nhà, chưa kết luận được.")
    assert page.evaluate("map_coverage.getZoom()") > before
    box, frame = popup.bounding_box(), page.locator("#map-box").bounding_box()
    assert box
    assert frame
    assert box["y"] >= frame["y"], "the popup is whole"


def test_a_commune_behind_its_hamlets_can_be_asked_too(open_page: Pages, site: Site) -> None:
    page = open_map(open_page, site)
    frame = page.locator("#map-box").bounding_box()
    assert frame
    corner = page.evaluate(
        "(() => { const at = map_coverage.latLngToContainerPoint([22.095, 105.005]); return [at.x, at.y]; })()"
    )
    page.mouse.click(frame["x"] + corner[0], frame["y"] + corner[1])
    popup = page.locator(".leaflet-popup")
    expect(popup).to_contain_text("Xã Một")
    expect(popup).to_contain_text("6 trên 10 người")
    expect(page.locator("tr.unit")).to_have_count(3)
    at_rest(popup)
    page.get_by_role("button", name="Chỉ xem các thôn của xã này trong bảng").click()
    expect(page.locator("tr.unit")).to_have_count(2)


def test_a_hamlet_without_data_says_so_and_claims_no_coverage(open_page: Pages, site: Site) -> None:
    page = open_map(open_page, site)
    page.locator(".row-button", has_text="Bản Nam").click()
    popup = page.locator(".leaflet-popup")
    expect(popup).to_contain_text("Ở đây chưa hỏi được nhà nào.")
    expect(popup.locator(".popup-figure")).to_have_count(0)


def test_the_keyboard_reaches_a_row_walks_on_and_opens_it(open_page: Pages, site: Site) -> None:
    page = open_map(open_page, site)
    page.locator("#filter").focus()
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.className") == "row-button":
            break
    expect(page.locator(".row-button").first).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.locator(".row-button").nth(1)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".leaflet-popup")).to_contain_text("Thôn Tây")


def test_the_table_ranks_low_first_and_keeps_the_hardly_visited_apart(open_page: Pages, site: Site) -> None:
    page = open_map(open_page, site)
    names = page.locator("tr.group-head, tr.unit th").all_inner_texts()
    assert [re.sub(r"\s+\d+$", "", name.strip()) for name in names if name.strip()] == [
        "Đã đến đủ nhà để kết luận, tỷ lệ thấp xếp trước",
        "Đông",
        "Mới đến dưới một nửa số nhà: số liệu chưa nói lên nhiều",
        "Tây",
        "Chưa có số liệu",
        "Bản Nam",
    ] or names
    row = page.locator("tr[data-key='00001/0000101'] td").all_inner_texts()
    assert [text.strip() for text in row] == ["Một", "50\u202f%", "4/8", "8/10", "4", "Chưa đạt"]


def test_a_name_is_found_without_accents(open_page: Pages, site: Site) -> None:
    page = open_map(open_page, site)
    page.locator("#filter").fill("dong")
    expect(page.locator("tr.unit")).to_have_count(1)
    expect(page.locator("tr.unit")).to_contain_text("Đông")
    page.locator("#filter").fill("xa hai")
    expect(page.locator("tr.unit")).to_contain_text("Bản Nam")
    page.locator("#filter").fill("sapa")
    expect(page.locator("#units")).to_contain_text("Không có tên nào khớp")
    page.keyboard.press("Escape")
    expect(page.locator("tr.unit")).to_have_count(3)


def test_the_whole_area_is_one_figure_and_one_plain_sentence(open_page: Pages, site: Site) -> None:
    page = open_map(open_page, site)
    expect(page.locator(".summary-number")).to_have_text("60\u202f%")
    expect(page.locator("#summary")).to_contain_text("6 trên 10 người")
    # 12 houses are not interviewed; at ten people in ten houses, the best case is 18 + 4 of 22.
    expect(page.locator("#everybody")).to_contain_text("6 đã tiêm")
    expect(page.locator("#everybody")).to_contain_text("4 đến hạn, chưa tiêm")


def test_another_day_changes_colours_without_asking_for_outlines_again(open_page: Pages, site: Site) -> None:
    page = open_map(open_page, site)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.locator("#date").fill("2021-08-09")
    settle(page)
    expect(page.locator(".summary-number")).to_have_text("0\u202f%")
    assert drawn(page)["00001/0000101"]["fill"] == "#d73027"
    assert [url for url in asked if "/api/shapes" in url] == []
    assert "date=2021-08-09" in page.url
    page.locator("[data-day='1']").click()
    expect(page.locator(".summary-number")).to_have_text("60\u202f%")
    assert "date=2021-08-10" in page.url


def test_the_heat_map_asks_only_when_it_is_switched_on(open_page: Pages, site: Site) -> None:
    page = open_map(open_page, site)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.locator(".leaflet-control-layers-toggle").click()
    with page.expect_response(lambda reply: "/api/heat" in reply.url) as answer:
        page.get_by_label("Nơi còn người đến hạn chưa tiêm").check()
    points = answer.value.json()["points"]
    assert sum(weight for _, _, weight in points) == 4
    expect(page.locator(".leaflet-heatmap-layer")).to_be_visible()
    expect(page.locator(".legend-heat")).to_be_visible()
    page.get_by_label("Nơi còn người đến hạn chưa tiêm").uncheck()
    expect(page.locator(".legend-heat")).to_be_hidden()
    assert len([url for url in asked if "/api/heat" in url]) == 1


def test_a_shared_address_shows_the_same(open_page: Pages, site: Site) -> None:
    page = open_map(open_page, site)
    page.locator(".row-button", has_text="Đông").click()
    expect(page.locator(".leaflet-popup")).to_contain_text("Thôn Đông")
    shared = page.url
    other = sign_in(open_page(), site, shared.removeprefix(site.url))
    settle(other)
    expect(other.locator("tr.unit[aria-current]")).to_have_attribute("data-key", "00001/0000101")
    expect(other.locator(".leaflet-popup")).to_contain_text("Thôn Đông")


@pytest.mark.parametrize("late", ["coverage", "shapes"])
def test_a_shared_address_shows_the_same_whichever_answer_comes_last(open_page: Pages, site: Site, late: str) -> None:
    page = sign_in(open_page(), site, "/submissions")

    def after_a_while(route: Route) -> None:
        time.sleep(1.5)
        route.continue_()

    page.route(f"**/api/{late}*", after_a_while)
    page.goto(f"{site.url}/map?{QUERY}&unit=00001/0000101")
    expect(page.locator(".leaflet-popup")).to_contain_text("Thôn Đông", timeout=20_000)


def test_a_shared_address_opens_on_a_phone_with_its_figures_in_sight(open_page: Pages, site: Site) -> None:
    page = open_map(open_page, site, f"{QUERY}&unit=00001/0000101", width=390)
    figures = page.locator(".popup-figure")
    expect(figures).to_contain_text("4 trên 8 người")
    expect(figures).to_be_in_viewport()
    expect(page.locator("tr.unit[aria-current]")).to_have_attribute("data-key", "00001/0000101")


def test_escape_closes_the_figures_from_the_table_too(open_page: Pages, site: Site) -> None:
    page = open_map(open_page, site)
    page.locator(".row-button", has_text="Đông").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".leaflet-popup")).to_contain_text("Thôn Đông")
    page.keyboard.press("Escape")
    expect(page.locator(".leaflet-popup")).to_have_count(0)


def test_the_language_switch_keeps_what_is_shown(open_page: Pages, site: Site) -> None:
    page = open_map(open_page, site, "date=2022-08-31&level=commune")
    expect(page.locator("#summary")).to_contain_text("trên 10 người")
    page.get_by_role("link", name="English").click()
    settle(page)
    expect(page.locator(".summary-number")).to_have_text("60%")
    expect(page.locator("#summary")).to_contain_text("6 of 10 people")
    assert "level=commune" in page.url
    assert "date=2022-08-31" in page.url
    page.get_by_role("link", name="Tiếng Việt").click()
    settle(page)
    expect(page.locator(".summary-number")).to_have_text("60\u202f%")


def test_a_language_in_the_address_stays_when_the_page_is_loaded_again(open_page: Pages, site: Site) -> None:
    page = open_map(open_page, site, language="en")
    page.locator("#date").fill("2022-08-30")
    settle(page)
    assert "lang=en" in page.url
    page.reload()
    settle(page)
    expect(page.locator("#summary")).to_contain_text("6 of 10 people")


@pytest.mark.parametrize("language", ["vi", "en"])
def test_a_phone_shows_map_and_cards_without_scrolling_sideways(open_page: Pages, site: Site, language: str) -> None:
    page = open_map(open_page, site, width=390, language=language)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    frame, card = page.locator("#map-box").bounding_box(), page.locator("tr.unit").first.bounding_box()
    assert frame
    assert card
    assert frame["y"] < 420, "the map is on the first screen"
    assert card["y"] > frame["y"] + frame["height"]
    assert card["width"] > 340
    assert not page.locator("#controls").is_visible()
    page.locator("#controls-open").click()
    expect(page.locator("select[name=group]")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_on_a_phone_a_row_brings_the_map_into_view_and_the_popup_leads_back(open_page: Pages, site: Site) -> None:
    page = open_map(open_page, site, width=390)
    page.locator(".row-button", has_text="Tây").click()
    popup = page.locator(".leaflet-popup")
    expect(popup).to_contain_text("Thôn Tây")
    box = at_rest(popup)
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    page.get_by_role("button", name="Xem trong bảng").click()
    expect(page.locator("tr.unit[aria-current]")).to_be_in_viewport()


def test_a_lost_line_keeps_the_old_figures_and_says_so(open_page: Pages, site: Site) -> None:
    page = open_map(open_page, site)
    page.route("**/api/coverage?*", lambda route: route.abort("internetdisconnected"))
    page.locator("#date").fill("2021-08-09")
    expect(page.locator("#trouble")).to_contain_text("Máy chủ không trả lời")
    expect(page.locator(".summary-number")).to_have_text("60\u202f%")
    page.unroute("**/api/coverage?*")
    page.get_by_role("button", name="Thử lại").click()
    expect(page.locator(".summary-number")).to_have_text("0\u202f%")
    expect(page.locator("#trouble")).to_be_hidden()
    assert open_page.problems
    assert all("ERR_INTERNET_DISCONNECTED" in problem for problem in open_page.problems), open_page.problems
    open_page.problems.clear()


def test_when_the_line_comes_back_the_page_asks_by_itself(open_page: Pages, site: Site) -> None:
    page = open_map(open_page, site)
    page.context.set_offline(True)
    page.locator("#date").fill("2021-08-09")
    expect(page.locator("#trouble")).to_be_visible()
    page.context.set_offline(False)
    expect(page.locator(".summary-number")).to_have_text("0\u202f%")
    assert all("ERR_INTERNET_DISCONNECTED" in problem for problem in open_page.problems), open_page.problems
    open_page.problems.clear()


def test_an_ended_sign_in_is_said_and_the_way_back_keeps_the_page(open_page: Pages, site: Site) -> None:
    page = open_map(open_page, site)
    page.context.clear_cookies()
    page.locator("#date").fill("2021-08-09")
    expect(page.locator("#trouble")).to_contain_text("Phiên đăng nhập đã hết")
    back = page.locator("#trouble a").get_attribute("href")
    assert back
    assert back.startswith("/sign-in?next=%2Fmap%3F")
    assert "2021-08-09" in back
    assert open_page.problems
    assert all("401" in problem for problem in open_page.problems), open_page.problems
    open_page.problems.clear()


def test_on_paper_stand_the_question_the_map_and_every_row_but_no_buttons(open_page: Pages, site: Site) -> None:
    page = open_map(open_page, site)
    page.emulate_media(media="print")
    expect(page.locator("#chosen")).to_have_text("Mũi 1 · Từ 5 tuổi · 31/8/2022")
    expect(page.locator(".folium-map")).to_be_visible()
    expect(page.locator("tr.unit")).to_have_count(3)
    for gone in ("#controls", "#filter", ".top-nav", ".leaflet-control-zoom"):
        expect(page.locator(gone)).to_be_hidden()


def test_text_stands_out_from_its_ground(open_page: Pages, site: Site) -> None:
    for width in (1366, 390):
        page = open_map(open_page, site, width=width)
        assert weak_text(page) == []


def test_every_control_has_a_name(open_page: Pages, site: Site) -> None:
    page = open_map(open_page, site)
    nameless = page.evaluate("""() => [...document.querySelectorAll("button, select, input, a[href]")].filter((each) =>
        !(each.getAttribute("aria-label") || each.textContent.trim() || each.title || each.labels?.length
          || each.type === "hidden")).map((each) => each.outerHTML)""")
    assert nameless == []
