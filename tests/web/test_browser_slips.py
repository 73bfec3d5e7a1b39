"""A slip's code opened on a phone, and the page that checks slips with the line cut."""

from __future__ import annotations

import re
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from mapper.domain.roles import Role
from mapper.services import slips
from mapper.services.accounts import User
from mapper.services.intake import today
from mapper.services.slips import Choice
from tests.browser import Pages
from tests.client.site import House, Site
from tests.web.test_sign_in import NAME, PASSWORD
from tests.web.test_slips import PEOPLE, household

EVERYTHING = User(0, "all", Role.ADMINISTRATOR, (), 0)


def two_slips(site: Site) -> list[slips.Given]:
    site.phone().send(House("uuid:1", people=PEOPLE).form())
    return slips.give(site.reference, EVERYTHING, "mini", {household(site): None}, Choice(), today())


def ask(page: Page, text: str) -> str:
    page.locator("textarea").fill(text)
    page.get_by_role("button", name="Kiểm tra").click()
    shown = page.locator("#slip-result")
    expect(shown).to_be_visible()
    page.wait_for_timeout(150)
    return shown.inner_text()


def test_a_phone_that_scans_a_slip_is_told_what_it_says_and_keeps_nothing_in_its_history(
    open_page: Pages, sqlite_site: Site
) -> None:
    first, _ = two_slips(sqlite_site)
    page = open_page(390)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{sqlite_site.url}/slips/check#{first.text}")
    expect(page.locator("#verdict")).to_contain_text("Phiếu thật")
    expect(page.locator(".slip")).to_contain_text("Nông Thị Mỷ")
    expect(page.locator(".slip")).to_contain_text("10/08/2021")
    assert page.url == f"{sqlite_site.url}/slips/check"
    assert not [each for each in asked if first.text[-20:] in each.partition("#")[0]]


def test_the_page_that_is_kept_on_a_phone_checks_slips_with_the_line_cut(
    open_page: Pages, sqlite_site: Site, tmp_path: Path
) -> None:
    first, second = two_slips(sqlite_site)
    slips.revoke(sqlite_site.reference, EVERYTHING, second.slip.id, "lost")
    kept = tmp_path / "slips.html"
    kept.write_text(sqlite_site.get("/slips/offline.html", lang="vi").text, "utf-8")
    assert "Nông" not in kept.read_text("utf-8")
    page = open_page(390)
    page.context.set_offline(True)
    page.goto(kept.as_uri())
    good = ask(page, f"{sqlite_site.url}/slips/check#{first.text}")
    assert "Chữ ký thật" in good
    assert re.search(r"Nông Thị Mỷ\s+sinh 04/05/1980\s+Mũi 1 · 10/08/2021", good)
    assert "không phải giấy chứng nhận tiêm chủng chính thức" in page.locator("main").inner_text()
    assert "Phiếu này đã bị thu hồi" in ask(page, second.text)
    version, key, told, proof = first.text.split(".")
    forged = told[:30] + ("A" if told[30] != "A" else "B") + told[31:]
    assert "Chữ ký không khớp" in ask(page, ".".join((version, key, forged, proof)))
    other = ("A" if proof[30] != "A" else "B").join((proof[:30], proof[31:]))
    assert "Chữ ký không khớp" in ask(page, ".".join((version, key, told, other)))
    assert "Phiếu này được ký ở nơi khác" in ask(page, first.text.replace(key, "0" * 8))
    assert "không phải phiếu" in ask(page, "https://tiem.example.vn/")
    # Once it has expired; the page is old by then, and says so.
    page.clock.set_fixed_time((first.slip.until + timedelta(days=1)).isoformat())
    page.reload()
    assert "đã hết hạn" in ask(page, first.text)
    expect(page.locator("#slip-stale")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_slips_of_many_appear_on_the_page_that_waits_for_them(
    open_page: Pages, sqlite_site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    sqlite_site.phone().send(House("uuid:1", people=PEOPLE).form())
    monkeypatch.setattr(slips, "MOST_AT_ONCE", 1)
    sqlite_site.user("supervisor", "001", name=NAME, password=PASSWORD)
    page = open_page(390, signed_in=open_page.sign_in(sqlite_site.url, NAME, PASSWORD))
    page.goto(f"{sqlite_site.url}/slips/people?campaign=mini&date=2022-08-31")
    page.get_by_role("button", name="Làm phiếu (zip)").click()
    fetch = page.get_by_role("link", name="Tải phiếu về (zip)")
    expect(fetch).to_be_visible(timeout=30_000)
    expect(page.locator("#live")).to_contain_text("Đã lập xong 2 phiếu")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    with page.expect_download() as fetched:
        fetch.click()
    with zipfile.ZipFile(fetched.value.path()) as zipped:
        assert len(zipped.namelist()) == 1
    assert re.fullmatch(r"slips-\d{4}-\d\d-\d\d\.zip", fetched.value.suggested_filename)
