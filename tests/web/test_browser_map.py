"""The map in a real browser with the network cut: colours, clicks, the table, languages, the width of a phone.

Three hamlets, on 31 August 2022, target 90 %:

    Thôn Đông (10 houses)  8 visited and interviewed, 8 people, 4 vaccinated: 50 %, Wilson 21.5 - 78.5 %, 4 more needed
    Thôn Tây  (5 houses)   2 visited and interviewed, 2 people, both vaccinated: 100 %, and hardly visited (2 of 5)
    Bản Nam   (8 houses)   1 visited, nobody at home: no data
    all       (23 houses)  11 visited, 10 people, 6 vaccinated: 60 %, 3 more needed

To draw the page costs seconds: tests that change nothing look at one, and a walk takes several steps on another.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import FloatRect, Locator, Page, Route, StorageState, expect

from mapper.settings import Settings
from tests.browser import Pages
from tests.client.site import House, Site, running
from tests.web.contrast import weak_text

pytestmark = pytest.mark.long

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


@contextmanager
def with_houses(filled_sqlite: Path, folder: Path) -> Iterator[Site]:
    """A site with these houses, and a supervisor of all of them."""
    (folder / "map.sqlite3").write_bytes(filled_sqlite.read_bytes())
    with running(Settings(data_dir=folder), f"sqlite:///{folder / 'map.sqlite3'}") as made:
        made.user("supervisor", "001", name=NAME, password=PASSWORD)
        phone = made.phone()
        for house in houses():
            phone.send(house.form())
        yield made


@pytest.fixture(scope="module")
def site(filled_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with with_houses(filled_sqlite, tmp_path_factory.mktemp("map")) as made:
        yield made


@pytest.fixture(scope="module")
def signed_in(open_standing_page: Pages, site: Site) -> StorageState:
    return open_standing_page.sign_in(site.url, NAME, PASSWORD)


@pytest.fixture(scope="module")
def shown(open_standing_page: Pages, site: Site, signed_in: StorageState) -> Page:
    """The map as it opens, for tests that leave it so."""
    return open_map(open_standing_page(signed_in=signed_in), site)


@pytest.fixture
def page(open_page: Pages, signed_in: StorageState) -> Page:
    """An empty page, signed in."""
    return open_page(signed_in=signed_in)


def open_map(page: Page, site: Site, query: str = QUERY, language: str = "vi") -> Page:
    """The map on that page, everything drawn."""
    page.goto(f"{site.url}/map?lang={language}&{query}")
    settle(page)
    return page


def settle(page: Page) -> None:
    """Wait until figures and outlines are there and the map stands still."""
    expect(page.locator("tr.unit").first).to_be_attached()
    page.wait_for_load_state("networkidle")
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def at_rest(locator: Locator) -> FloatRect:
    """Where something stands once it has not moved for twenty frames, as a popup does when the map made room for it."""
    locator.evaluate("""(element) => new Promise((done) => {
        let before = "", still = 0;
        const look = () => {
            const {x, y} = element.getBoundingClientRect();
            still = `${x} ${y}` === before ? still + 1 : 0;
            before = `${x} ${y}`;
            if (still === 20) { done(); } else { requestAnimationFrame(look); }
        };
        look();
    })""")
    place = locator.bounding_box()
    assert place
    return place


def only(pages: Pages, expected: str) -> None:
    """What went wrong on the pages is this and no more."""
    assert pages.problems
    assert all(expected in problem for problem in pages.problems), pages.problems
    pages.problems.clear()


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


def test_hamlets_are_coloured_by_coverage_and_thin_visiting_is_hatched(shown: Page) -> None:
    hamlets = drawn(shown)
    assert hamlets["00001/0000101"]["fill"] == "#fc8d59"  # 50 %: the class from 50 to 70
    assert hamlets["00001/0000101"]["pattern"] is None
    assert hamlets["00001/0000101"]["strength"] == pytest.approx(0.5 + 0.42 * 0.3 / 0.4)  # 8 of 10 houses
    assert hamlets["00001/0000102"]["fill"] == "#4575b4"  # 100 %
    assert hamlets["00001/0000102"]["pattern"] == "hatch"  # 2 of 5 houses
    assert hamlets["00002/0000201"] == {"fill": "#b9c0c6", "pattern": "dots", "strength": 0.75}


def test_the_colours_are_on_the_canvas_and_not_only_in_the_options(shown: Page) -> None:
    orange, hatched, empty = (pixels(shown, key) for key in ("00001/0000101", "00001/0000102", "00002/0000201"))
    assert all(red > blue + 40 for red, _, blue in orange)
    assert max(blue - red for red, _, blue in hatched) > 25
    assert max(map(sum, hatched)) - min(map(sum, hatched)) > 120, "light and dark lines"
    assert all(max(colour) - min(colour) < 30 for colour in empty), "grey"


def test_the_table_ranks_low_first_and_keeps_the_hardly_visited_apart(shown: Page) -> None:
    names = shown.locator("tr.group-head, tr.unit th").all_inner_texts()
    assert [re.sub(r"\s*\d+$", "", name.strip()) for name in names if name.strip()] == [
        "Đã đến từ một nửa số nhà trở lên, tỷ lệ thấp xếp trước",
        "Đông",
        "Mới đến dưới một nửa số nhà: số liệu chưa nói lên nhiều",
        "Tây",
        "Chưa có số liệu",
        "Bản Nam",
    ]
    row = shown.locator("tr[data-key='00001/0000101'] td").all_inner_texts()
    assert [text.strip() for text in row] == ["Một", "50\u202f%", "4/8", "8/10", "4", "Chưa đạt"]


def test_the_whole_area_is_one_figure_and_one_plain_sentence(shown: Page) -> None:
    expect(shown.locator(".summary-number")).to_have_text("60\u202f%")
    expect(shown.locator("#summary")).to_contain_text("6 trên 10 người")
    # 12 houses are not interviewed; at ten people in ten houses, the best case is 18 + 4 of 22.
    expect(shown.locator("#everybody")).to_contain_text("6 đã tiêm")
    expect(shown.locator("#everybody")).to_contain_text("4 đến hạn, chưa tiêm")


def test_a_name_is_found_without_accents(shown: Page) -> None:
    shown.locator("#filter").fill("dong")
    expect(shown.locator("tr.unit")).to_have_count(1)
    expect(shown.locator("tr.unit")).to_contain_text("Đông")
    shown.locator("#filter").fill("xa hai")
    expect(shown.locator("tr.unit")).to_contain_text("Bản Nam")
    shown.locator("#filter").fill("sapa")
    expect(shown.locator("#units")).to_contain_text("Không có tên nào khớp")
    shown.keyboard.press("Escape")
    expect(shown.locator("tr.unit")).to_have_count(3)


def test_every_control_has_a_name(shown: Page) -> None:
    nameless = shown.evaluate("""() => [...document.querySelectorAll("button, select, input, a[href]")].filter((each) =>
        !(each.getAttribute("aria-label") || each.textContent.trim() || each.title || each.labels?.length
          || each.type === "hidden")).map((each) => each.outerHTML)""")
    assert nameless == []


def test_text_stands_out_from_its_ground(shown: Page) -> None:
    assert weak_text(shown) == []


def test_on_paper_stand_the_question_the_map_and_every_row_but_no_buttons(shown: Page) -> None:
    shown.emulate_media(media="print")
    expect(shown.locator("#chosen")).to_have_text("Mũi 1 · Từ 5 tuổi · 31/08/2022")
    expect(shown.locator(".folium-map")).to_be_visible()
    expect(shown.locator("tr.unit")).to_have_count(3)
    for gone in ("#controls", "#filter", ".top-nav", ".leaflet-control-zoom"):
        expect(shown.locator(gone)).to_be_hidden()
    shown.emulate_media(media="screen")


def test_a_hamlet_is_asked_by_a_click_on_it_or_on_its_row_and_its_address_shows_the_same(
    open_page: Pages, page: Page, site: Site, signed_in: StorageState
) -> None:
    open_map(page, site)
    # A click on a hamlet shows its figures and marks its row ...
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

    # ... its address shows the same elsewhere ...
    other = open_page(signed_in=signed_in)
    other.goto(page.url)
    settle(other)
    expect(other.locator("tr.unit[aria-current]")).to_have_attribute("data-key", "00001/0000101")
    expect(other.locator(".leaflet-popup")).to_contain_text("Thôn Đông")

    # ... and a click on a row zooms to another.
    before = page.evaluate("map_coverage.getZoom()")
    page.locator(".row-button", has_text="Tây").click()
    expect(popup).to_contain_text("Thôn Tây")
    expect(popup).to_contain_text("Mới đến quá ít nhà, chưa kết luận được.")
    box, frame = at_rest(popup), page.locator("#map-box").bounding_box()
    assert frame
    assert box["y"] >= frame["y"], "the popup is whole"
    assert page.evaluate("map_coverage.getZoom()") > before

    # A hamlet without data says so and claims no coverage.
    page.locator(".row-button", has_text="Bản Nam").click()
    expect(popup).to_contain_text("Ở đây chưa hỏi được nhà nào.")
    expect(popup.locator(".popup-figure")).to_have_count(0)


def test_the_keyboard_opens_figures_and_closes_them(page: Page, site: Site) -> None:
    open_map(page, site)
    # The keyboard reaches a row, walks on and opens it.
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

    # Escape closes the figures from the table too.
    page.locator(".row-button", has_text="Đông").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".leaflet-popup")).to_contain_text("Thôn Đông")
    page.keyboard.press("Escape")
    expect(page.locator(".leaflet-popup")).to_have_count(0)


def test_a_commune_stands_faint_behind_its_hamlets_and_can_be_asked_too(page: Page, site: Site) -> None:
    open_map(page, site)
    assert drawn(page, "areas")["00001"]["strength"] < 0.3
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


def test_communes_without_their_hamlets_stand_full_and_stay_in_either_language(page: Page, site: Site) -> None:
    open_map(page, site)
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


def test_a_language_in_the_address_stays_when_the_page_is_loaded_again(page: Page, site: Site) -> None:
    open_map(page, site, language="en")
    page.locator("#date").fill("2022-08-30")
    settle(page)
    assert "lang=en" in page.url
    page.reload()
    settle(page)
    expect(page.locator("#summary")).to_contain_text("6 of 10 people")


def test_the_heat_map_asks_only_when_it_is_switched_on_and_another_day_asks_for_no_outlines(
    page: Page, site: Site
) -> None:
    open_map(page, site)
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

    page.locator("#date").fill("2021-08-09")
    settle(page)
    expect(page.locator(".summary-number")).to_have_text("0\u202f%")
    assert drawn(page)["00001/0000101"]["fill"] == "#d73027"
    assert [url for url in asked if "/api/shapes" in url] == []
    assert "date=2021-08-09" in page.url
    page.locator("[data-day='1']").click()
    expect(page.locator(".summary-number")).to_have_text("60\u202f%")
    assert "date=2021-08-10" in page.url


@pytest.mark.parametrize(("late", "early"), [("coverage", "shapes"), ("shapes", "coverage")])
def test_a_shared_address_shows_the_same_whichever_answer_comes_last(
    page: Page, site: Site, late: str, early: str
) -> None:
    held: list[Route] = []
    page.route(f"**/api/{late}*", lambda route: held.append(route))
    with (
        page.expect_request(lambda asked: f"/api/{late}" in asked.url),
        page.expect_response(lambda answer: f"/api/{early}" in answer.url) as answered,
    ):
        page.goto(f"{site.url}/map?{QUERY}&unit=00001/0000101")
    answered.value.finished()
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert held
    expect(page.locator(".leaflet-popup")).to_have_count(0)
    for route in held:
        route.continue_()
    page.unroute(f"**/api/{late}*")
    expect(page.locator(".leaflet-popup")).to_contain_text("Thôn Đông", timeout=20_000)


def test_a_shared_address_opens_on_a_phone_in_sight_and_a_row_brings_the_map_back(
    open_page: Pages, site: Site, signed_in: StorageState
) -> None:
    page = open_map(open_page(390, signed_in=signed_in), site, f"{QUERY}&unit=00001/0000101")
    figures = page.locator(".popup-figure")
    expect(figures).to_contain_text("4 trên 8 người")
    expect(figures).to_be_in_viewport()
    expect(page.locator("tr.unit[aria-current]")).to_have_attribute("data-key", "00001/0000101")

    page.locator(".row-button", has_text="Tây").click()
    popup = page.locator(".leaflet-popup")
    expect(popup).to_contain_text("Thôn Tây")
    box = at_rest(popup)
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    page.get_by_role("button", name="Xem trong bảng").click()
    expect(page.locator("tr.unit[aria-current]")).to_be_in_viewport()


@pytest.mark.parametrize("language", ["vi", "en"])
def test_a_phone_shows_map_and_cards_without_scrolling_sideways(
    open_page: Pages, site: Site, signed_in: StorageState, language: str
) -> None:
    page = open_map(open_page(390, language, signed_in), site, language=language)
    assert weak_text(page) == []
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


def test_a_lost_line_or_sign_in_keeps_the_old_figures_and_says_so(open_page: Pages, page: Page, site: Site) -> None:
    open_map(page, site)
    page.route("**/api/coverage?*", lambda route: route.abort("internetdisconnected"))
    page.locator("#date").fill("2021-08-09")
    expect(page.locator("#trouble")).to_contain_text("Máy chủ không trả lời")
    expect(page.locator(".summary-number")).to_have_text("60\u202f%")
    page.unroute("**/api/coverage?*")
    page.get_by_role("button", name="Thử lại").click()
    expect(page.locator(".summary-number")).to_have_text("0\u202f%")
    expect(page.locator("#trouble")).to_be_hidden()
    only(open_page, "ERR_INTERNET_DISCONNECTED")

    # When the line comes back by itself, so do the figures.
    page.context.set_offline(True)
    page.locator("#date").fill("2021-08-10")
    expect(page.locator("#trouble")).to_be_visible()
    page.context.set_offline(False)
    expect(page.locator(".summary-number")).to_have_text("60\u202f%")
    only(open_page, "ERR_INTERNET_DISCONNECTED")

    # An ended sign-in says so, and the way back keeps the page.
    page.context.clear_cookies()
    page.locator("#date").fill("2021-08-08")
    expect(page.locator("#trouble")).to_contain_text("Phiên đăng nhập đã hết")
    back = page.locator("#trouble a").get_attribute("href")
    assert back
    assert back.startswith("/sign-in?next=%2Fmap%3F")
    assert "2021-08-08" in back
    only(open_page, "401")


def ranged(route: Route) -> None:
    """An answer of figures, each row with more people who may live there or in another part of a divided unit."""
    reply = route.fetch()
    told = reply.json()
    for row in told["units"]:
        row["ranges"] = {
            name: [value, value + 12, value + 2345]
            for name, value in row.items()
            if type(value) is int and name not in ("code", "key")
        }
        row["ranges"] |= {"coverage": [0.414, 0.5, 0.637], "needed": [1104, 1200, 2345]}
        row |= {"vaccinated": 1234, "eligible": 2468, "verdict": row["verdict"] or "undecided"}
    route.fulfill(response=reply, json=told)


def test_a_table_of_ranges_stands_in_its_box(page: Page, site: Site) -> None:
    page.route("**/api/coverage?*", ranged)
    for width in (1366, 390):
        page.set_viewport_size({"width": width, "height": 768})
        open_map(page, site)
        expect(page.locator("table.units-ranged")).to_have_count(1)
        assert "41–64" in page.locator("tr.unit .share").first.inner_text()
        box = page.locator(".units-box").evaluate("(box) => [box.scrollWidth, box.clientWidth]")
        assert box[0] <= box[1], (width, box)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_slider_tells_a_range_where_more_may_live(page: Page, site: Site) -> None:
    def more(route: Route) -> None:
        reply = route.fetch()
        told = reply.json()
        for row in (*told["more_eligible"], told["total"]["more_eligible"]):
            row[-1] = 2
        route.fulfill(response=reply, json=told)

    page.route("**/api/coverage-by-day?*", more)
    open_map(page, site, QUERY + "&level=hamlet")
    days = page.locator(".days-words")
    page.locator("#days-open").click()
    # 6 of 10 people, and two who are not vaccinated may live here too
    expect(days).to_contain_text("50–60")
    expect(days).to_contain_text("10–12")
