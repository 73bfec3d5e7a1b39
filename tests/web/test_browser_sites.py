"""Sites on the map in a real browser: a click enters one, a dragged pin moves one once it is sent, as do keys."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from mapper.services import sites
from tests.browser import Pages
from tests.client.site import Site
from tests.web.contrast import weak_text
from tests.web.test_users import at_desk

pytestmark = pytest.mark.long


def where(site: Site) -> dict[str, tuple[float, float]]:
    return {one.name: (one.lat, one.lon) for one in sites.everywhere(site.reference)}


def on_screen(page: Page, lat: float, lon: float) -> tuple[float, float]:
    """Where a place lies in the window, once the map stands still."""
    seen: object = None
    for _ in range(30):
        before, seen = seen, page.evaluate("[map_sites.getBounds().toBBoxString(), map_sites.getSize().x]")
        if before == seen:
            break
        page.wait_for_timeout(300)
    page.locator("#map_sites").scroll_into_view_if_needed()
    box = page.locator("#map_sites").bounding_box()
    assert box is not None
    at = page.evaluate("place => map_sites.latLngToContainerPoint(place)", [lat, lon])
    return box["x"] + at["x"], box["y"] + at["y"]


def test_a_site_is_entered_by_a_click_and_moved_by_dragging(open_page: Pages, sqlite_site: Site) -> None:
    page = at_desk(open_page(), sqlite_site, "commune_supervisor", "00001")
    page.goto(f"{sqlite_site.url}/sites")
    page.mouse.click(*on_screen(page, 22.05, 105.05))
    assert float(page.get_by_label("Vĩ độ").input_value()) == pytest.approx(22.05, abs=0.002)
    page.get_by_label("Tên điểm tiêm").fill("Nhà văn hóa")
    page.get_by_label("Loại").select_option("mobile")
    page.get_by_role("button", name="Ghi", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("Nhà văn hóa")
    assert where(sqlite_site)["Nhà văn hóa"] == pytest.approx((22.05, 105.05), abs=0.002)

    lat, lon = where(sqlite_site)["Nhà văn hóa"]
    page.mouse.click(*on_screen(page, lat, lon))
    expect(page.get_by_label("Tên điểm tiêm")).to_have_value("Nhà văn hóa")
    page.mouse.move(*on_screen(page, lat, lon))
    x, y = on_screen(page, lat, lon)
    page.mouse.move(x, y - 12)
    page.mouse.down()
    x, y = on_screen(page, 22.07, 105.02)
    page.mouse.move(x, y - 12, steps=5)
    page.mouse.up()
    expect(page.locator("#site-hint")).to_contain_text("Nhà văn hóa sẽ ở 22.07")
    assert where(sqlite_site)["Nhà văn hóa"] == (lat, lon), "nothing is moved before it is sent"
    page.get_by_role("button", name="Lưu thay đổi").click()
    expect(page.get_by_role("status")).to_be_visible()
    assert where(sqlite_site) == {"Nhà văn hóa": pytest.approx((22.07, 105.02), abs=0.002)}


@pytest.mark.parametrize("width", [390, 1366])
def test_a_site_is_changed_with_the_keyboard_alone(open_page: Pages, sqlite_site: Site, width: int) -> None:
    page = at_desk(open_page(width=width), sqlite_site, "commune_supervisor", "00001")
    sites.take_file(sqlite_site.reference, None, "a.csv", b"code,name,kind,lat,lon\nT,Tram,fixed,22.05,105.05\n")
    page.goto(f"{sqlite_site.url}/sites")
    page.get_by_role("link", name="Thay đổi Tram").press("Enter")
    expect(page.get_by_label("Mã (có thể để trống)")).to_have_value("T")
    page.get_by_label("Kinh độ").fill("105,03")
    page.get_by_label("Kinh độ").press("Tab")
    assert page.evaluate("document.querySelectorAll('.site-pin').length") == 1
    page.get_by_label("Kinh độ").press("Enter")
    expect(page.get_by_role("status")).to_be_visible()
    assert where(sqlite_site) == {"Tram": (22.05, 105.03)}
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert weak_text(page) == []


def test_who_oversees_nothing_sees_the_map_and_changes_nothing(open_page: Pages, sqlite_site: Site) -> None:
    sites.take_file(sqlite_site.reference, None, "a.csv", b"code,name,kind,lat,lon\nX,Xa,fixed,22.05,105.15\n")
    page = at_desk(open_page(), sqlite_site, "commune_supervisor", "00001")
    page.goto(f"{sqlite_site.url}/sites?change=X")
    expect(page.get_by_label("Tên điểm tiêm")).to_have_value("")
    expect(page.get_by_role("link", name="Thay đổi Xa")).to_have_count(0)
