"""Forms in a real browser: filled with the line cut, kept in drafts, queued, and sent when the line is back."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect
from sqlalchemy import select

from mapper.store import tables
from tests.browser import Pages
from tests.client.site import VERSION, House, Site, write_house_check
from tests.web.contrast import weak_text

POINT = {"latitude": 22.0512, "longitude": 105.0487, "accuracy": 6}
FINISH, NEXT, GO_ON = "Hoàn tất phiếu", "Điền phiếu tiếp theo", "Điền tiếp"

DRAFT_HAS_FILE = """async () => {
  const name = (await indexedDB.databases())[0].name;
  const asked = (request) => new Promise((done) => { request.onsuccess = () => done(request.result); });
  const database = await asked(indexedDB.open(name));
  const drafts = await asked(database.transaction("drafts").objectStore("drafts").getAll());
  database.close();
  return drafts.some((draft) => draft.files.length === 1);
}"""
"""Whether the one picture is in a draft."""


def png(side: int = 1, noise: bytes = b"\x0e\x4a\x5c") -> bytes:
    """A picture of one colour; with noise of its full length it cannot be made smaller."""
    rows = b"".join(b"\0" + (noise * side)[: side * 3] for _ in range(side))

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(rows, 0)) + chunk(b"IEND", b"")


def at_the_door(page: Page) -> Page:
    """The page of a browser that may measure its position."""
    page.context.grant_permissions(["geolocation"])
    page.context.set_geolocation(POINT)
    return page


def key(site: Site, *areas: str) -> str:
    """The address of a new canvasser."""
    return f"{site.url}/key/{site.user('canvasser', *(areas or ('001',))).token}"


def kept_for_later(page: Page) -> None:
    """Wait until the browser keeps the pages for the way without a signal."""
    page.evaluate("navigator.serviceWorker.ready.then((each) => each.active.state)")
    page.wait_for_function("navigator.serviceWorker.controller !== null")


def open_list(page: Page, address: str) -> Page:
    page.goto(f"{address}/fill")
    expect(page.locator("#forms li")).to_have_count(2)
    kept_for_later(page)
    return page


def open_form(page: Page) -> None:
    """Choose the house check from the list."""
    page.get_by_role("link", name="Thăm nhà").first.click()
    expect(page.locator(".odk-form")).to_be_visible()


def question(page: Page, label: str) -> Locator:
    """The question of that label."""
    return page.locator(".question-container", has=page.get_by_text(label, exact=True)).last


def answer_house(page: Page, head: str) -> None:
    """Where, how it ended, and at whose house."""
    page.get_by_text("Xã Một", exact=True).click()
    page.get_by_text("Thôn Đông", exact=True).click()
    page.get_by_role("button", name="Đo vị trí").click()
    page.get_by_role("button", name="Giữ vị trí này").click()
    page.get_by_text("Đã gặp", exact=True).click()
    question(page, "Chủ hộ").locator("input").fill(head)
    expect(page.get_by_text("Vĩ độ: 22.0512")).to_be_visible()


def answer_person(page: Page, name: str, born: str, dose: str) -> None:
    """The only person there; dates as a Vietnamese writes them."""
    question(page, "Họ và tên").locator("input").fill(name)
    for label, day in (("Ngày sinh", born), ("Ngày tiêm mũi 1", dose)):
        field = question(page, label).locator("input")
        field.fill(day)
        field.press("Tab")
        expect(field).to_have_value(day)


def finish(page: Page) -> None:
    page.get_by_role("button", name=FINISH).click()
    expect(page.get_by_role("heading", name="Phiếu đã hoàn tất")).to_be_visible()


def sent_ids(site: Site) -> list[str]:
    """Ids of the submissions that the server keeps."""
    with site.reference.database.read() as connection:
        return sorted(connection.scalars(select(tables.submissions.c.instance_id)))


def only_the_lost_line(pages: Pages) -> None:
    """What went wrong on the pages is that there was no line, and no more."""
    wrong = [each for each in pages.problems if "ERR_INTERNET_DISCONNECTED" not in each and "ERR_FAILED" not in each]
    assert wrong == []
    pages.problems.clear()


def another_tab(context: BrowserContext, page: Page) -> Page:
    """The tab is closed and a new one opened."""
    page.close()
    return context.new_page()


def test_a_house_filled_without_a_signal_is_on_the_map_when_the_line_is_back(
    open_page: Pages, sqlite_site: Site, tmp_path: Path
) -> None:
    site, photo = sqlite_site, png(8)
    (tmp_path / "ảnh nhà.png").write_bytes(photo)
    page = at_the_door(open_page(390))
    context, address = page.context, key(site)
    open_list(page, address)

    context.set_offline(True)
    page.reload()
    expect(page.locator("#line")).to_contain_text("không có sóng")
    open_form(page)
    answer_house(page, "Nông Thị Mỷ")
    page.locator("#form input[type=file]").set_input_files(tmp_path / "ảnh nhà.png")
    expect(page.locator("#kept")).to_contain_text("Đã lưu trong trình duyệt")
    page.wait_for_function(DRAFT_HAS_FILE)

    page = another_tab(context, page)
    page.goto(f"{address}/fill")
    expect(page.locator("#drafts-count")).to_have_text("1")
    page.get_by_role("link", name=GO_ON).click()
    expect(question(page, "Chủ hộ").locator("input")).to_have_value("Nông Thị Mỷ")
    expect(page.get_by_text("Vĩ độ: 22.0512")).to_be_visible()
    answer_person(page, "Nông Thị Mỷ", "04/05/1980", "10/08/2021")
    finish(page)
    expect(page.locator("#done-text")).to_contain_text("Phiếu chờ trong trình duyệt này")
    assert sent_ids(site) == []

    page = another_tab(context, page)
    page.goto(f"{address}/fill")
    expect(page.locator("#waiting-count")).to_have_text("1")
    expect(page.locator("#drafts-count")).to_have_text("0")
    context.set_offline(False)
    expect(page.locator("#waiting-count")).to_have_text("0", timeout=15_000)
    expect(page.locator("#sent li")).to_have_count(1)
    only_the_lost_line(open_page)

    (instance_id,) = sent_ids(site)
    assert site.state(instance_id) == "processed"
    assert list(site.attachments(instance_id).values()) == [photo]
    supervisor = site.user("supervisor", "001", password="mười hai chữ cái")
    hamlet = site.coverage(supervisor.token)["0000101"]
    assert isinstance(hamlet, dict)
    assert (hamlet["visited"], hamlet["vaccinated"], hamlet["eligible"]) == (1, 1, 1)
    (household,) = site.rows("households")["households"]
    assert {22.0512, 105.0487} <= set(household)
