"""The main menu: what each role finds there, and that every page it names opens for that reader."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from lxml import html
from playwright.sync_api import expect

from mapper.web.menu import MENU, Heading
from tests.browser import Pages
from tests.client.site import Site
from tests.web.test_sign_in import Desk

PASSWORD = "mật khẩu đủ dài"


@contextmanager
def at_desk(site: Site, role: str, *areas: str) -> Iterator[Desk]:
    name = site.user(role, *areas, name=f"{role} {' '.join(areas)}", password=PASSWORD).name
    desk = Desk(site)
    assert desk.sign_in(name, PASSWORD).status_code == 302
    yield desk
    desk.session.close()


def menu_of(page: str) -> dict[str, str | None]:
    """Address of every link of the menu, and what it says of being the open page."""
    return {
        str(link.get("href")): link.get("aria-current")
        for link in html.fromstring(page).xpath("//nav[@class='top-nav']//a")
    }


@pytest.mark.parametrize(
    ("role", "areas", "manages", "administers"),
    [
        ("commune_supervisor", ["00001"], True, False),
        ("planner", [], False, False),
        ("administrator", ["00001"], True, False),
        ("administrator", [], True, True),
    ],
)
def test_every_page_of_the_menu_opens_for_who_finds_it(
    sqlite_site: Site, role: str, areas: list[str], manages: bool, administers: bool
) -> None:
    with at_desk(sqlite_site, role, *areas) as desk:
        found = menu_of(desk.get("/map").text)
        assert found["/map"] == "page"
        assert list(found.values()).count("page") == 1
        assert ("/users" in found, "/assignment" in found) == (manages, manages)
        assert ("/forms" in found, "/audit" in found) == (administers, administers)
        for address in found:
            answer = desk.get(address)
            assert answer.status_code == 200, address
            assert menu_of(answer.text)[address] == "page", address


def test_no_page_stands_in_the_menu_twice() -> None:
    entries = [entry for one in MENU for entry in (one.entries if isinstance(one, Heading) else (one,))]
    assert len({entry.endpoint for entry in entries}) == len({entry.name for entry in entries}) == len(entries)


@pytest.mark.parametrize("width", [390, 1366])
def test_a_drawer_opens_by_keyboard_and_closes_on_escape_and_on_a_click_elsewhere(
    open_page: Pages, sqlite_site: Site, width: int
) -> None:
    sqlite_site.user("supervisor", "001", name="Giám sát", password=PASSWORD)
    page = open_page(width)
    page.goto(f"{sqlite_site.url}/sign-in?next=/submissions")
    page.get_by_label("Tên đăng nhập").fill("Giám sát")
    page.get_by_label("Mật khẩu").fill(PASSWORD)
    page.get_by_role("button", name="Đăng nhập").click()
    heading = page.locator(".drawer summary").first
    links = page.locator(".drawer").first.locator("a")
    expect(links.first).not_to_be_visible()
    heading.focus()
    page.keyboard.press("Enter")
    expect(links.first).to_be_in_viewport()
    page.keyboard.press("Tab")
    expect(links.first).to_be_focused()
    page.keyboard.press("Escape")
    expect(links.first).not_to_be_visible()
    expect(heading).to_be_focused()
    heading.click()
    expect(links.last).to_be_in_viewport()
    page.mouse.click(width - 4, 600)
    expect(links.first).not_to_be_visible()
