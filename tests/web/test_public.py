"""The public page: open to everybody only where an administrator says so, and leading nowhere else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import requests
from lxml import html
from playwright.sync_api import expect

from mapper.services.intake import today
from tests.browser import Pages
from tests.client.site import SET_ID, House, Site
from tests.web.test_sign_in import Desk

PASSWORD = "mật khẩu đủ dài"
SETTINGS = {"open": "yes", "campaign": "mini", "series": "mini 5_plus 1", "set": SET_ID, "threshold": "5", "text": ""}
SECRETS = ("Nông", "Thôn", "Bản Nam", "0000101", "22.037", "105.061", "/map?", "/sign-in", "/submission")
"""What stands in the database, and where readers go; nothing of it is on the page."""


def people(done: int, not_done: int) -> tuple[tuple[str, str, str], ...]:
    return tuple((f"Nông {n}", "1980-05-04", "2021-08-10" if n < done else "") for n in range(done + not_done))


@contextmanager
def at_desk(site: Site, role: str = "administrator", *areas: str) -> Iterator[Desk]:
    site.user(role, *areas, name=f"{role} {areas}", password=PASSWORD)
    desk = Desk(site)
    assert desk.sign_in(f"{role} {areas}", PASSWORD).status_code == 302
    yield desk
    desk.session.close()


def visited(site: Site) -> None:
    """Of the first commune 12 of 21 are vaccinated, of the second 9 of 20."""
    phone = site.phone()
    phone.send(House("uuid:1", location="22.037 105.061 300 6.5", people=people(12, 9)).form())
    second = House("uuid:2", commune="00002", hamlet="0000201", location="22.05 105.15 300 6.5", people=people(9, 11))
    phone.send(second.form())


def script_of(site: Site) -> str:
    """The map's script with its letters as they are."""
    text = site.get("/public/map.js").text
    return re.sub(r"\\u([0-9a-f]{4})", lambda found: chr(int(found[1], 16)), text)


def open_to_all(site: Site, **other: str) -> None:
    with at_desk(site) as desk:
        desk.get("/public/settings")
        answer = desk.post("/public/settings", **SETTINGS | other)
        assert answer.status_code == 302, answer.text


def rows(page: str) -> dict[str, str]:
    """Name of every row to what it says."""
    found = html.fromstring(page).xpath("//tbody/tr")
    return {row.xpath("string(th)").strip(): " ".join(row.xpath("string(td)").split()) for row in found}


def test_a_page_that_nobody_opened_is_not_there(site: Site) -> None:
    visited(site)
    for path in ("/public", "/public/map.js"):
        answer = site.get(path)
        assert answer.status_code == 404
        assert "không mở trang công khai" in answer.text
        assert "Xã Một" not in answer.text


def test_everybody_sees_communes_and_nothing_else(site: Site) -> None:
    visited(site)
    open_to_all(site, text="Trạm y tế <b>Xã Một</b>")
    page, script = site.get("/public"), script_of(site)
    assert page.status_code == 200
    assert "Set-Cookie" not in page.headers
    assert rows(page.text) == {
        "Huyện A": "51,2% 21 trên 41 người",
        "Xã Một": "57,1% 12 trên 21 người",
        "Xã Hai": "45% 9 trên 20 người",
    }
    assert "Trạm y tế &lt;b&gt;Xã Một" in page.text
    assert not [secret for secret in SECRETS if secret in page.text or secret in script]
    links = {str(link) for link in html.fromstring(page.text).xpath("//main//a/@href")}
    assert links == {"/public?show=5_plus.1"}
    assert "Xã Một: 57,1%" in script
    english = site.get("/public", lang="en")
    assert rows(english.text)["Xã Hai"].startswith("45% 9 of 20")


def test_a_small_commune_is_kept_back_on_page_and_map(site: Site) -> None:
    visited(site)
    small = House("uuid:3", commune="00002", hamlet="0000201", location="22.05 105.15 300 6.5", people=people(9, 3))
    site.phone().send(small.edited("uuid:4", people=people(9, 3)).but(deprecated_id="uuid:2").form())
    open_to_all(site)
    page, script = site.get("/public"), script_of(site)
    # Of the second commune 3 are not vaccinated, which a total known from elsewhere would tell were the first shown.
    assert rows(page.text) == {
        "Huyện A": "không công bố",
        "Xã Một": "không công bố",
        "Xã Hai": "không công bố",
    }
    assert "Xã Một: không công bố" in script
    assert "%" not in script


def test_the_answer_is_kept_and_asked_for_again_by_its_tag(sqlite_site: Site) -> None:
    visited(sqlite_site)
    open_to_all(sqlite_site)
    first = sqlite_site.get("/public")
    again = requests.get(f"{sqlite_site.url}/public", headers={"If-None-Match": first.headers["ETag"]}, timeout=60)
    assert (again.status_code, again.content) == (304, b"")
    sqlite_site.phone().send(House("uuid:9", people=people(30, 30)).form())
    assert sqlite_site.get("/public").text == first.text, "a day is published once"
    open_to_all(sqlite_site, text="Một lời ghi")
    changed = sqlite_site.get("/public")
    assert "Một lời ghi" in changed.text
    assert rows(changed.text) == rows(first.text)


def test_the_settings_are_for_administrators_of_everything_alone(sqlite_site: Site) -> None:
    assert sqlite_site.get("/public/settings").headers["Location"].startswith("/sign-in")
    for role, areas in (("supervisor", ("001",)), ("planner", ()), ("administrator", ("00001",))):
        with at_desk(sqlite_site, role, *areas) as desk:
            desk.get("/map")
            assert desk.get("/public/settings").status_code == 403
            assert desk.post("/public/settings", **SETTINGS).status_code == 403
            assert 'href="/public/settings"' not in desk.get("/map").text
    bare = requests.post(f"{sqlite_site.url}/public/settings", data=SETTINGS, timeout=60, allow_redirects=False)
    assert bare.status_code == 400, "without the page's own word"
    assert sqlite_site.get("/public").status_code == 404


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"threshold": "4"}, "từ 5 đến 100"),
        ({"threshold": "năm"}, "phải là một số"),
        ({"series": "mini 5_plus 9"}, "thuộc đợt tiêm này"),
        ({"series": "other 5_plus 1"}, "ít nhất một nhóm"),
        ({"set": "nowhere"}, "Không có bộ ranh giới nowhere"),
        ({"campaign": "nowhere", "series": "nowhere a b"}, "nowhere"),
    ],
)
def test_settings_that_cannot_be_are_told(sqlite_site: Site, wrong: dict[str, str], told: str) -> None:
    with at_desk(sqlite_site) as desk:
        desk.get("/public/settings")
        answer = desk.post("/public/settings", **SETTINGS | wrong)
        assert answer.status_code == 400
        assert told in answer.text
    assert sqlite_site.get("/public").status_code == 404


def test_opening_and_closing_stand_in_the_audit_trail(sqlite_site: Site) -> None:
    visited(sqlite_site)
    open_to_all(sqlite_site)
    closed = {name: value for name, value in SETTINGS.items() if name != "open"}
    with at_desk(sqlite_site) as desk:
        page = desk.get("/public/settings").text
        assert "hiện 2 xã, không công bố 0 xã" in page
        desk.post("/public/settings", **closed)
        trail = desk.get("/audit.csv").text
    assert trail.count("thiết lập trang công khai") == 2
    assert sqlite_site.get("/public").status_code == 404


@pytest.mark.parametrize("width", [390, 1366])
def test_the_page_in_a_browser(open_page: Pages, sqlite_site: Site, width: int) -> None:
    visited(sqlite_site)
    open_to_all(sqlite_site)
    page = open_page(width)
    page.goto(f"{sqlite_site.url}/public")
    expect(page.get_by_role("heading", level=1)).to_have_text("Tỷ lệ tiêm chủng theo xã")
    outlines = page.locator(".public-map path.leaflet-interactive")
    expect(outlines).to_have_count(2)
    outlines.first.hover()
    expect(page.locator(".leaflet-tooltip")).to_contain_text("Xã")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.locator(".language").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Vaccination coverage by commune")
    assert f"{sqlite_site.url}/public" in page.url
    assert today().year >= 2022
