"""A filter of the lists laid over the map of coverage: who sees what of it, and the page in a real browser.

Of the houses of ``test_browser_map`` four people of Thôn Đông are due, each in a house of their own. The middle of all
its eight houses is 22.04875, 105.02875; that of the four would be 22.055, 105.03.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from playwright.sync_api import expect

from tests.browser import Pages
from tests.client.site import Site
from tests.web.test_browser_map import NAME, PASSWORD, QUERY, open_map, settle, with_houses

WANTED = "campaign=mini&group=5_plus&dose=1&states=due"
LAID = f"{QUERY}&level=hamlet&layers=filter&filter={quote(WANTED)}"


@pytest.fixture(scope="module")
def site(filled_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with with_houses(filled_sqlite, tmp_path_factory.mktemp("filter-layer")) as made:
        yield made


def laid(site: Site, role: str, area: str = "001") -> tuple[int, dict[str, Any]]:
    token = site.user(role, area).token
    while (reply := site.get(f"/api/people/by-hamlet?{WANTED}&{QUERY}", token)).status_code == 202:
        time.sleep(0.2)
    return reply.status_code, reply.json()


def test_who_may_not_see_positions_gets_sums_of_hamlets_alone(site: Site) -> None:
    _, overseer = laid(site, "supervisor")
    _, planner = laid(site, "planner")
    assert sorted(overseer["houses"]) == [
        [22.05, 105.03, 1],
        [22.05, 105.04, 1],
        [22.06, 105.02, 1],
        [22.06, 105.03, 1],
    ]
    assert planner["houses"] is None
    for told in (overseer, planner):
        ((lat, lon, people, name),) = told["hamlets"]
        assert (people, name, told["people"], told["households"]) == (4, "Thôn Đông", 4, 4)
        assert told["criteria"] == ["Từ 5 tuổi", "Mũi 1", "đến hạn, chưa tiêm"]
        assert (lat, lon) == (pytest.approx(22.04875, abs=6e-5), pytest.approx(105.02875, abs=6e-5))
    # Of another commune nothing at all; and a canvasser sees no figures.
    _, other = laid(site, "commune_supervisor", "00002")
    assert (other["people"], other["hamlets"], other["houses"]) == (0, [], [])
    assert laid(site, "canvasser", "hamlet:0000101")[0] == 403


@pytest.mark.parametrize("width", [390, 1366])
def test_a_filter_lies_over_the_map_through_other_days_and_levels_until_it_is_taken_off(
    open_page: Pages, site: Site, width: int
) -> None:
    page = open_map(open_page(width, signed_in=open_page.sign_in(site.url, NAME, PASSWORD)), site, LAID)
    told = page.locator("#laid-filter")
    expect(told).to_contain_text("Bộ lọc: 4 người · Từ 5 tuổi · Mũi 1 · đến hạn, chưa tiêm")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    circles = """() => { const found = []; L.coverage.parts.filter.eachLayer((one) => one.eachLayer((layer) =>
        layer.eachLayer((mark) => found.push(mark.getTooltip().getContent().textContent)))); return found; }"""
    assert page.evaluate(circles) == ["Thôn Đông: 4 người theo bộ lọc"]
    if width == 390:
        page.locator("#controls-open").click()
    page.locator("[name=level]").select_option("commune")
    settle(page)
    expect(told).to_contain_text("4 người")
    # On the first day of the campaign nobody had their first dose: eight and two are due.
    page.locator("#date").fill("2021-03-08")
    expect(told).to_contain_text("Bộ lọc: 10 người")
    assert "filter=campaign%3Dmini" in page.url
    page.reload()
    expect(told).to_contain_text("Bộ lọc: 10 người")
    told.get_by_role("button", name="Bỏ bộ lọc").click()
    expect(told).to_be_hidden()
    assert "filter" not in page.url
    settle(page)
    assert page.evaluate("map_coverage.hasLayer(L.coverage.parts.filter)") is False


def test_a_filter_that_cannot_be_read_is_told_and_the_map_stands(open_page: Pages, site: Site) -> None:
    page = open_map(
        open_page(1366, "en", signed_in=open_page.sign_in(site.url, NAME, PASSWORD)),
        site,
        f"{QUERY}&layers=filter&filter=age_from%3Dold",
        "en",
    )
    expect(page.locator("p.notice").first).to_contain_text("This link names something that is not here (filter:")
    expect(page.locator("#laid-filter")).to_be_hidden()


@pytest.mark.parametrize("width", [390, 1366])
def test_two_maps_show_the_filter_each_on_its_day_until_it_is_taken_off(
    open_page: Pages, site: Site, width: int
) -> None:
    page = open_page(width, signed_in=open_page.sign_in(site.url, NAME, PASSWORD))
    page.goto(f"{site.url}/map/compare?{LAID}&date_left=2021-03-08")
    left, right = page.locator("#laid-left"), page.locator("#laid-right")
    expect(left).to_contain_text("Bộ lọc: 10 người · Từ 5 tuổi · Mũi 1 · đến hạn, chưa tiêm")
    expect(right).to_contain_text("Bộ lọc: 4 người · Từ 5 tuổi · Mũi 1 · đến hạn, chưa tiêm")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    back = page.get_by_role("link", name="Về bản đồ")
    assert "filter=campaign%3Dmini%26group%3D5_plus" in (back.get_attribute("href") or "")
    assert page.locator("form.filters input[name=filter]").input_value().startswith("campaign=mini&group=5_plus")
    left.get_by_role("button", name="Bỏ bộ lọc").click()
    expect(page.locator(".laid-filter")).to_have_count(0)
    assert "date_left=2021-03-08" in page.url and "filter=" not in page.url


def test_the_sheet_for_the_wall_says_that_the_filter_is_left_out_and_leads_to_its_people(site: Site) -> None:
    token = site.user("supervisor", "001").token
    page = site.get(f"/map/print?{LAID}&lang=en", token).text
    assert "The sheet shows everybody: the filter on the map is left out." in page
    (people,) = re.findall(r'href="([^"]+)">The people of the filter', page)
    assert '<p class="lead"><b>4 people' in site.get(f"{unescape(people)}&view=people&lang=en", token).text
    (back,) = re.findall(r'href="(/map\?[^"]+)"[^>]*>Back to the map', page)
    assert parse_qs(urlsplit(unescape(back)).query)["filter"] == [WANTED]
    assert "left out" not in site.get(f"/map/print?{QUERY}&lang=en", token).text
