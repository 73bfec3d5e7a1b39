"""The page of a plan in a real browser: its map shows a day or a team alone; rows of teams come and go."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser import Pages
from tests.client.site import Site
from tests.web.planned import LAST, planned, settle

NAME, PASSWORD = "giám sát", "mười hai chữ cái"

DRAWN = """() => { const found = { circles: 0, lines: 0, dashed: 0, badges: 0 };
  window.plan_layer._moving.eachLayer((one) => {
    if (one instanceof L.CircleMarker) found.circles += one.options.weight === 2;
    else if (one instanceof L.Polyline) { found.lines += 1; found.dashed += !!one.options.dashArray; }
    else found.badges += 1;
  });
  return found; }"""
"""How many sites, lines of both kinds and badges are on the map."""


@pytest.fixture
def site(sqlite_site: Site) -> Iterator[Site]:
    settle(sqlite_site)
    sqlite_site.user("supervisor", "001", name=NAME, password=PASSWORD)
    yield sqlite_site


def opened(open_page: Pages, site: Site, path: str, width: int = 1366) -> Page:
    page = open_page(width, signed_in=open_page.sign_in(site.url, NAME, PASSWORD))
    page.goto(site.url + path)
    open_page.settle(page)
    return page


@pytest.mark.parametrize("width", [390, 1366])
def test_the_map_shows_sites_hamlets_and_ways_and_a_day_or_a_team_alone(
    open_page: Pages, site: Site, width: int
) -> None:
    number = planned(site.reference)
    page = opened(open_page, site, f"/plans/{number}", width)
    told = page.locator("#plan-shown")
    expect(told).to_have_text("Đang vẽ 6 người tại 2 điểm tiêm")
    # Two sites; three hamlets that come to them, and the way of the team as the crow flies.
    assert page.evaluate(DRAWN) == {"circles": 2, "lines": 4, "dashed": 1, "badges": 0}
    assert page.locator(".plan-map canvas").count() == 1, "nothing is an element of its own"
    page.locator("#plan-show [name=reaches]").uncheck()
    assert page.evaluate(DRAWN)["lines"] == 1
    page.locator("#plan-show [name=team]").select_option("Đội 1")
    expect(told).to_have_text("Đang vẽ 1 người tại 1 điểm tiêm")
    # On a day without the team its way is not there; on its own day the stops are numbered.
    (day,) = page.evaluate("window.plan_layer.options.ways.map((way) => way.day)")
    page.locator("#plan-show [name=day]").select_option(day)
    assert page.evaluate(DRAWN) == {"circles": 2, "lines": 1, "dashed": 1, "badges": 1}
    others = page.locator("#plan-show [name=day] option").evaluate_all("(all) => all.map((one) => one.value)")
    other = next((one for one in others if one and one != day), None)
    if other:
        page.locator("#plan-show [name=day]").select_option(other)
        assert page.evaluate(DRAWN)["lines"] == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_site_on_the_map_leads_to_whom_it_serves(open_page: Pages, site: Site) -> None:
    number = planned(site.reference)
    page = opened(open_page, site, f"/plans/{number}")
    page.evaluate("document.getElementById('plan-show').scrollIntoView()")
    page.evaluate(
        """window.plan_layer._moving.eachLayer((one) => {
          if (one.getPopup?.() && one.getRadius() > 18) one.openPopup(); })"""
    )
    popup = page.locator(".leaflet-popup-content")
    expect(popup).to_contain_text("Trạm y tế Xã Một")
    expect(popup).to_contain_text("5 người")
    popup.get_by_role("link", name="Điểm này phục vụ ai").click()
    page.wait_for_url(f"**/plans/{number}/sites/TYT")
    expect(page.locator("h1")).to_have_text("Trạm y tế Xã Một")


def test_rows_of_teams_are_added_and_taken_out_and_a_plan_is_waited_for(open_page: Pages, site: Site) -> None:
    page = opened(open_page, site, "/plans", 390)
    rows = page.locator(".team-row:visible")
    expect(rows).to_have_count(2)
    page.get_by_role("button", name="Thêm đội").click()
    expect(rows).to_have_count(3)
    expect(page.locator("[name=team_name-2]")).to_have_value("Đội 3")
    expect(page.locator("[name=team_lat-2]")).to_be_hidden()
    page.locator("[name=team_start-2]").select_option("point")
    expect(page.locator("[name=team_lat-2]")).to_be_visible()
    page.get_by_role("button", name="Bỏ Đội 3").click()
    page.get_by_role("button", name="Bỏ Đội 2").click()
    expect(rows).to_have_count(1)
    page.locator("[name=first]").fill(LAST.isoformat())
    page.locator("[name=last]").fill(LAST.isoformat())
    page.locator("[name=aim][value=fewest_sites]").check()
    expect(page.locator("[name=sites]")).to_be_hidden()
    page.locator("summary", has_text="Số liều có được").click()
    page.locator("[name=seconds]").fill("1")
    page.get_by_role("button", name="Lập kế hoạch", exact=True).click()
    page.wait_for_url("**/plans/1")
    # The page follows by itself until the plan is there.
    expect(page.locator(".standing-words")).to_contain_text("người đến hạn có chỗ tiêm", timeout=60_000)
    expect(page.locator("#plan-work")).to_have_count(0, timeout=60_000)
    expect(page.locator("h1")).to_have_text("Kế hoạch 1")
