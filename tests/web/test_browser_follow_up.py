"""Follow-up lists and fieldwork in a real browser: on phone and desk, in both languages, and while forms arrive."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser import Pages
from tests.client.site import House, Site
from tests.web.test_browser_sheets import fits, sign_in

pytestmark = pytest.mark.long

NOBODY_YET = (("Nông Thị Mỷ", "1980-05-04", ""), ("Nông Văn Đức", "2010-01-01", ""))


@pytest.mark.parametrize("width", [390, 1366])
@pytest.mark.parametrize("language", ["vi", "en"])
def test_the_pages_fit_every_screen(open_page: Pages, sqlite_site: Site, width: int, language: str) -> None:
    site, page = sqlite_site, open_page(width, language)
    site.user("canvasser", "0000101", name="Người có một cái tên khá dài để xem bảng có vừa không")
    phone = site.phone()
    phone.send(House("uuid:1", people=NOBODY_YET).form())
    phone.send(House("uuid:2", outcome="absent", people=(), location="").form())
    phone.send(House("uuid:a-rather-long-instance-id-of-some-other-client-software", version="1999").form())
    page.goto(f"{site.url}/sign-in?lang={language}")
    sign_in(page, site)
    page.goto(f"{site.url}/follow-up?commune=00001&lang={language}")
    expect(page.locator("tbody tr")).to_have_count(2)
    assert fits(page)
    page.locator("tbody a").first.click()
    expect(page.locator(".walk > li")).to_have_count(2)
    expect(page.locator(".walk-people li")).to_have_count(2)
    page.goto(f"{page.url}&lang={language}")
    assert fits(page)
    page.goto(f"{site.url}/fieldwork?commune=00001&lang={language}")
    expect(page.locator("tbody tr")).to_have_count(2)
    assert fits(page)


def test_a_list_is_chosen_and_the_hamlet_stays(open_page: Pages, sqlite_site: Site) -> None:
    site, page = sqlite_site, open_page()
    site.phone().send(House("uuid:1", people=NOBODY_YET).form())
    site.phone().send(House("uuid:2", outcome="absent", people=()).form())
    sign_in(page, site)
    page.goto(f"{site.url}/follow-up?hamlet=0000101")
    expect(page.locator(".walk > li")).to_have_count(2)
    page.get_by_label("Danh sách").select_option("not_met")
    page.get_by_role("button", name="Xem").click()
    expect(page.locator(".walk > li")).to_have_count(1)
    expect(page.get_by_role("heading", level=1)).to_have_text("Thôn Đông")
    page.get_by_role("link", name="Xem trên bản đồ").click()
    expect(page.locator(".unit-popup")).to_contain_text("Thôn Đông")


def test_fieldwork_shows_what_arrives_while_it_is_open_and_says_when_the_line_is_cut(
    open_page: Pages, sqlite_site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mapper.web.follow_up.EVERY_S", 0.3)
    site, page = sqlite_site, open_page()
    lan = site.user("canvasser", "0000101", name="Lan")
    sign_in(page, site)
    page.goto(f"{site.url}/fieldwork?commune=00001")
    row = page.locator("tbody tr")
    expect(row).to_contain_text("chưa lần nào")
    expect(page.locator("#live-note")).to_have_text("Trang tự cập nhật.")
    site.phone(lan.token).send(House("uuid:1").form())
    expect(row).to_contain_text("1 / 10")
    expect(row).not_to_contain_text("bặt tin")
    page.context.set_offline(True)
    expect(page.locator("#live-note")).to_have_text("Không kết nối được máy chủ; số liệu có thể đã cũ.")
    page.context.set_offline(False)
    expect(page.locator("#live-note")).to_have_text("Trang tự cập nhật.")
    assert all("ERR_INTERNET_DISCONNECTED" in problem for problem in open_page.problems), open_page.problems
    open_page.problems.clear()
