"""A place within a chosen one takes its turn, on the page of lists in a real browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from mapper.services import place_steps
from tests.browser import Pages
from tests.client.site import House, Site
from tests.web.test_browser_map import NAME, PASSWORD


def test_of_many_hamlets_one_is_found_through_its_commune(
    open_page: Pages, sqlite_site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place_steps, "MOST_AT_ONCE", 2)
    sqlite_site.user("supervisor", "001", name=NAME, password=PASSWORD)
    phone = sqlite_site.phone()
    phone.send(House("uuid:east").form())
    phone.send(House("uuid:west", hamlet="0000102").form())
    phone.send(House("uuid:other", commune="00002", hamlet="0000201", location="22.05 105.15 300 6").form())
    page = open_page(390, "vi", signed_in=open_page.sign_in(sqlite_site.url, NAME, PASSWORD))
    page.goto(f"{sqlite_site.url}/list?date=2022-08-31")
    place, count = page.locator("select[name=areas]"), page.locator("#count")
    expect(page.get_by_text("Quá nhiều thôn để liệt kê")).to_be_visible()
    expect(place.locator("option[value^='hamlet:']")).to_have_count(0)
    place.select_option("commune:00001")
    expect(count).to_contain_text("2 người")
    page.get_by_role("button", name="Xem danh sách").click()
    expect(page.get_by_text("Quá nhiều thôn để liệt kê")).to_be_hidden()
    expect(place.locator("option[value^='hamlet:']")).to_have_count(2)
    place.select_option("hamlet:0000102")
    expect(count).to_contain_text("1 người")
    page.get_by_role("button", name="Xem danh sách").click()
    expect(page.locator("p.lead")).to_contain_text("1 người")
    expect(page.locator(".chip")).to_have_count(1)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
