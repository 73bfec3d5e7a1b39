"""Beside a long choice of areas stands a field that finds them by name, also by names of before."""

from __future__ import annotations

from datetime import date

import pytest
from playwright.sync_api import expect

from mapper.domain.places import Unit
from mapper.domain.succession import Heir, Succession
from mapper.services import boundaries, set_periods
from mapper.services.accounts import OPERATOR
from mapper.services.boundaries import SetFacts
from mapper.store import reference as kept
from mapper.store import successions
from mapper.store.successions import ToldSuccession
from tests.browser import Pages
from tests.client.site import Site
from tests.web.test_levels import shape
from tests.web.test_trends import visit

pytestmark = pytest.mark.long

PASSWORD = "mười hai chữ cái"
NAMES = ("Xã Hoà An", "Thị trấn Sỹ Hai", *(f"Phường {number}" for number in range(1, 15)))
Q = "campaign=mini&group=5_plus&dose=1&date=2026-11-01&set=today"


def add_today(site: Site) -> None:
    """A set of many communes in force today, into the second of which Xã Hai of before went whole."""
    side = 0.2 / len(NAMES)
    units = [shape(Unit("92", "Thành phố Cần Thơ", "province"), 105.0, 105.2)]
    units += [
        shape(Unit(f"{at:05}", name, "commune", "92"), 105.0 + at * side, 105.0 + (at + 1) * side)
        for at, name in enumerate(NAMES, start=0)
    ]
    set_periods.change(site.reference, OPERATOR, "squares", date(2020, 1, 1), date(2025, 6, 30))
    boundaries.add_set(site.reference, SetFacts("today", "Nay", date(2025, 7, 1)), ("province", "commune"), units)
    with site.reference.database.write() as connection:
        about = ToldSuccession("squares", "today", "crosswalk", "", "[]", "2026-11-01T00:00:00+00:00")
        successions.save(connection, about, Succession((Heir("00002", "00001", True),)))
        kept.raise_revision(site.reference.database, connection)


def test_an_area_is_found_by_name_and_chosen_by_keyboard_on_a_phone(open_page: Pages, sqlite_site: Site) -> None:
    visit(sqlite_site)
    add_today(sqlite_site)
    sqlite_site.user("administrator", name="giám sát", password=PASSWORD)
    page = open_page(width=390, signed_in=open_page.sign_in(sqlite_site.url, "giám sát", PASSWORD))
    page.goto(f"{sqlite_site.url}/targets?{Q}")
    chosen = page.locator("select[name=area]")
    search = page.get_by_role("searchbox", name="Tìm địa bàn theo tên")
    search.fill("si hai")
    row = page.get_by_role("button", name="Thị trấn Sỹ Hai")
    expect(row).to_have_text("Thị trấn Sỹ Hai Thành phố Cần Thơ")
    search.press("Enter")
    expect(row).to_be_focused()
    page.keyboard.press("Enter")
    expect(chosen).to_have_value("commune:00001")
    expect(chosen).to_be_focused()
    expect(row).to_be_hidden()
    # A name of before leads to where it lies now.
    search.fill("xa hai")
    page.get_by_role("button", name="nay, trước là Xã Hai").click()
    expect(chosen).to_have_value("commune:00001")
    search.fill("xyzzy")
    expect(page.get_by_text("Không có nơi nào mang tên này.")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
