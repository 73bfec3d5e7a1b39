"""Sign-in, submissions and problem pages in a real browser: on a phone and on a desk, in both languages."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser import Pages
from tests.client.site import House, Site
from tests.web.contrast import weak_text

PASSWORD = "mười hai chữ cái"


def sign_in(page: Page, site: Site) -> Page:
    name = site.user("supervisor", "001", name=f"reader {site.made}", password=PASSWORD).name
    page.goto(f"{site.url}/sign-in")
    page.locator("[name=name]").fill(name)
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("main button[type=submit]").click()
    return page


def fits(page: Page) -> bool:
    """Nothing to scroll sideways to, and every text readable."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth")) and weak_text(page) == []


@pytest.mark.parametrize("width", [390, 1366])
@pytest.mark.parametrize("language", ["vi", "en"])
def test_sheets_fit_every_screen(open_page: Pages, sqlite_site: Site, width: int, language: str) -> None:
    site, page = sqlite_site, open_page(width, language)
    page.goto(f"{site.url}/sign-in?lang={language}")
    assert fits(page)
    sign_in(page, site)
    site.phone().send(House("uuid:1").form())
    site.phone().send(House("uuid:a-rather-long-instance-id-of-some-other-client-software", version="1999").form())
    site.phone().send(House("uuid:2", location="22.05 105.15 300 6.5").form())
    page.goto(f"{site.url}/submissions?lang={language}")
    expect(page.locator(".card")).to_have_count(1)
    expect(page.locator(".findings").first.locator("li")).to_have_count(1)
    assert fits(page)
    page.goto(f"{site.url}/nowhere?lang={language}")
    assert fits(page)
    assert len([problem for problem in open_page.problems if "404" in problem]) == len(open_page.problems)
    open_page.problems.clear()


def test_signing_in_leads_to_the_map_and_out_again(open_page: Pages, sqlite_site: Site) -> None:
    page = sign_in(open_page(), sqlite_site)
    expect(page.locator(".folium-map")).to_be_visible()
    page.get_by_role("button", name="Thoát").click()
    expect(page.locator("[name=password]")).to_be_visible()
    page.goto(f"{sqlite_site.url}/map")
    expect(page.locator("[name=password]")).to_be_visible()


def test_a_wrong_password_is_said_and_the_name_kept(open_page: Pages, sqlite_site: Site) -> None:
    page = open_page()
    page.goto(f"{sqlite_site.url}/sign-in")
    page.locator("[name=name]").fill("ai đó")
    page.locator("[name=password]").fill("không phải")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("Tên đăng nhập hoặc mật khẩu không đúng.")
    expect(page.locator("[name=name]")).to_have_value("ai đó")
    expect(page.locator("[name=password]")).to_be_focused()
    assert all("401" in problem for problem in open_page.problems), open_page.problems
    open_page.problems.clear()


def test_a_submission_that_cannot_be_counted_is_tried_again_with_one_press(open_page: Pages, sqlite_site: Site) -> None:
    sqlite_site.phone().send(House("uuid:1", version="1999").form())
    page = sign_in(open_page(390), sqlite_site)
    page.goto(f"{sqlite_site.url}/submissions")
    expect(page.locator(".card")).to_contain_text("1999")
    page.get_by_role("button", name="Xử lý lại").click()
    expect(page.get_by_role("status")).to_have_text("Phiếu vẫn chưa tính được. Lý do ghi bên cạnh.")
    expect(page.locator(".card")).to_contain_text("uuid:1")


def test_the_content_can_be_reached_past_the_menu_by_keyboard(open_page: Pages, sqlite_site: Site) -> None:
    page = sign_in(open_page(), sqlite_site)
    page.goto(f"{sqlite_site.url}/submissions")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Tới nội dung chính")
    expect(skip).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
