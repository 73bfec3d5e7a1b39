"""Forms in a real browser: filled with the line cut, kept in drafts, queued, and sent when the line is back."""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect
from sqlalchemy import select

from mapper.services import intake, publish
from mapper.store import tables
from tests.browser import HEIGHTS, Pages
from tests.client.site import NEXT_VERSION, SURVEY, Site, write_house_check
from tests.web.test_browser_sheets import fits, sign_in

pytestmark = pytest.mark.long

POINT = {"latitude": 22.0512, "longitude": 105.0487, "accuracy": 6}
FINISH, NEXT, GO_ON = "Hoàn tất phiếu", "Điền phiếu tiếp theo", "Điền tiếp"

KEPT = """async () => {
  const name = (await indexedDB.databases())[0].name;
  const asked = (request) => new Promise((done) => { request.onsuccess = () => done(request.result); });
  const database = await asked(indexedDB.open(name));
  const kept = await asked(database.transaction("STORE").objectStore("STORE").getAll());
  database.close();
  return kept.length > 0 && CHECK;
}"""
"""What the browser's database holds, asked over its head."""
DRAFT_HAS_FILE = KEPT.replace("STORE", "drafts").replace("CHECK", "kept.some((draft) => draft.files.length === 1)")
HAS_LISTS = KEPT.replace("STORE", "forms").replace("CHECK", "kept.some((form) => form.media['hamlets.csv'])")
NO_LISTS = KEPT.replace("STORE", "forms").replace("CHECK", "kept.every((form) => !Object.keys(form.media).length)")


def png(side: int = 1, noise: bytes = b"\x0e\x4a\x5c") -> bytes:
    """A picture of one colour; with noise of its full length it cannot be made smaller."""
    rows = b"".join(b"\0" + (noise * side)[: side * 3] for _ in range(side))

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(rows, 0)) + chunk(b"IEND", b"")


def at_the_door(page: Page) -> Page:
    """The page of a browser that may measure its position, and send with no page open as every Chromium may."""
    page.context.grant_permissions(["geolocation", "background-sync"])
    page.context.set_geolocation(POINT)
    return page


def key(site: Site, *areas: str) -> str:
    """The address of a new canvasser."""
    return f"{site.url}/key/{site.user('canvasser', *(areas or ('001',))).token}"


def until(page: Page, holds: str | Callable[[], object]) -> None:
    """Wait until a script gives something true, a promise's outcome included, or something here does."""
    for _ in range(400):
        if page.evaluate(holds) if isinstance(holds, str) else holds():
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"it never came to hold: {holds}")


def kept_for_later(page: Page) -> None:
    """Wait until the browser keeps the pages for the way without a signal."""
    page.evaluate("navigator.serviceWorker.ready.then((each) => each.active.state)")
    until(page, "navigator.serviceWorker.controller !== null")


def open_list(page: Page, address: str, query: str = "") -> Page:
    """The list of the forms, all of it kept for the way without a signal."""
    page.goto(f"{address}/fill{query}")
    expect(page.locator("#forms li")).to_have_count(2)
    expect(page.locator("#forms")).to_have_attribute("aria-busy", "false")
    kept_for_later(page)
    return page


def to_list(page: Page) -> None:
    """Back to the list, until it has asked the server."""
    page.locator(".fill-bar a").click()
    expect(page.locator("#forms")).to_have_attribute("aria-busy", "false")


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
    until(page, DRAFT_HAS_FILE)

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
    expect(page.locator("#waiting-count")).to_have_text("0")
    expect(page.locator("#sent li")).to_have_count(1)
    only_the_lost_line(open_page)

    (instance_id,) = sent_ids(site)
    assert site.state(instance_id) == "processed"
    assert list(site.attachments(instance_id).values()) == [photo]
    (household,) = site.rows("households")["households"]
    assert {POINT["latitude"], POINT["longitude"]} <= set(household)
    hamlet = site.coverage(site.user("supervisor", "001").token, day=intake.today().isoformat())["0000101"]
    assert isinstance(hamlet, dict)
    assert (hamlet["households_visited"], hamlet["people"], hamlet["vaccinated"]) == (1, 1, 1)
    map_page = sign_in(open_page(), site)
    expect(map_page.locator("tr.unit", has_text="Đông")).to_contain_text("1/1")


def test_a_form_may_follow_another_and_knows_nothing_of_it(open_page: Pages, sqlite_site: Site) -> None:
    page = at_the_door(open_page(390))
    open_list(page, key(sqlite_site))
    open_form(page)
    for number, head in enumerate(("Nông Thị Mỷ", "Lý Văn Páo"), start=1):
        expect(question(page, "Chủ hộ").locator("input")).to_have_value("")
        answer_house(page, head)
        finish(page)
        expect(page.locator("#done-text")).to_have_text("Phiếu đã tới máy chủ.")
        assert len(sent_ids(sqlite_site)) == number
        page.get_by_role("button", name=NEXT).click()
        expect(page.locator(".odk-form")).to_be_visible()
    to_list(page)
    expect(page.locator("#sent li")).to_have_count(2)
    expect(page.locator("#drafts-count")).to_have_text("0")


def test_a_reply_lost_on_the_way_leaves_one_record(open_page: Pages, sqlite_site: Site) -> None:
    page = at_the_door(open_page(390))
    # Background sending is forbidden here, as in a browser that has none: only the page sends.
    page.context.clear_permissions()
    page.context.grant_permissions(["geolocation"])
    open_list(page, key(sqlite_site))
    open_form(page)
    answer_house(page, "Nông Thị Mỷ")

    line = page.context.new_cdp_session(page)
    line.on(
        "Fetch.requestPaused",
        lambda paused: line.send(
            "Fetch.failRequest", {"requestId": paused["requestId"], "errorReason": "InternetDisconnected"}
        ),
    )
    line.send("Fetch.enable", {"patterns": [{"urlPattern": "*/submission?*", "requestStage": "Response"}]})
    with page.expect_event("requestfailed", lambda request: "/submission?" in request.url):
        finish(page)
    expect(page.locator("#done-text")).to_contain_text("Phiếu chờ trong trình duyệt này")
    assert len(sent_ids(sqlite_site)) == 1
    line.send("Fetch.disable")
    to_list(page)
    expect(page.locator("#sent li")).to_have_count(1)
    expect(page.locator("#waiting-count")).to_have_text("0")
    assert len(sent_ids(sqlite_site)) == 1
    only_the_lost_line(open_page)


def test_a_form_that_the_server_refuses_stays_with_the_reason_and_the_next_one_goes(
    open_page: Pages, sqlite_site: Site, tmp_path: Path
) -> None:
    (tmp_path / "large.png").write_bytes(png(1300, random.Random(7).randbytes(3 * 1300)))  # 5 MB, the server takes 4
    page = at_the_door(open_page(390))
    open_list(page, key(sqlite_site))
    open_form(page)
    answer_house(page, "Nông Thị Mỷ")
    page.locator("#form input[type=file]").set_input_files(tmp_path / "large.png")
    finish(page)
    expect(page.locator("#done-text")).to_contain_text("Phiếu chờ trong trình duyệt này")
    page.get_by_role("button", name=NEXT).click()
    answer_house(page, "Lý Văn Páo")
    finish(page)
    to_list(page)
    expect(page.locator("#waiting .card-reason")).to_contain_text("4 MB")
    expect(page.locator("#waiting-count")).to_have_text("1")
    expect(page.locator("#sent li")).to_have_count(1)
    assert len(sent_ids(sqlite_site)) == 1
    with page.expect_console_message(lambda message: "413" in message.text):
        page.get_by_role("button", name="Gửi ngay").click()
    expect(page.locator("#waiting-count")).to_have_text("1")
    assert all("413" in each for each in open_page.problems), open_page.problems
    open_page.problems.clear()


def test_a_form_with_faults_is_not_finished_and_says_where(open_page: Pages, sqlite_site: Site, tmp_path: Path) -> None:
    head = next(line for line in SURVEY.splitlines() if "household.head" in line)
    survey = SURVEY.replace("choice_filter", "choice_filter | required", 1).replace(
        head, f"{head.rstrip('| ')} | | yes"
    )
    publish.publish(sqlite_site.reference, write_house_check(tmp_path / "stricter", NEXT_VERSION, survey))
    page = open_page(390)
    open_list(page, key(sqlite_site))
    open_form(page)
    page.get_by_role("button", name=FINISH).click()
    expect(page.get_by_text("Cần trả lời câu này.")).to_be_visible()
    expect(page.get_by_role("heading", name="Phiếu đã hoàn tất")).to_be_hidden()
    assert sent_ids(sqlite_site) == []


def test_a_key_that_is_no_longer_valid_keeps_what_was_filled_and_lets_the_lists_go(
    open_page: Pages, sqlite_site: Site
) -> None:
    site, page = sqlite_site, at_the_door(open_page(390))
    user = site.user("canvasser", "001", name="Tẩn Mẩy")
    open_list(page, f"{site.url}/key/{user.token}")
    open_form(page)
    page.context.set_offline(True)
    answer_house(page, "Nông Thị Mỷ")
    finish(page)
    until(page, HAS_LISTS)
    renewed = site.user("canvasser", "001", name="Tẩn Mẩy")
    page.context.set_offline(False)
    page.locator(".fill-bar a").click()
    expect(page.get_by_text("Hãy xin giám sát viên mã QR mới")).to_be_visible()
    until(page, NO_LISTS)
    assert sent_ids(site) == []
    open_list(page, f"{site.url}/key/{renewed.token}")
    expect(page.locator("#sent li")).to_have_count(1)
    assert len(sent_ids(site)) == 1
    assert all("403" in each or "ERR_INTERNET_DISCONNECTED" in each for each in open_page.problems), open_page.problems
    open_page.problems.clear()


@pytest.mark.parametrize("language", ["vi", "en"])
def test_the_pages_fit_every_screen_and_can_be_read(open_page: Pages, sqlite_site: Site, language: str) -> None:
    page = at_the_door(open_page(390, language))

    def fits_every_screen() -> None:
        for width, height in HEIGHTS.items():
            page.set_viewport_size({"width": width, "height": height})
            assert fits(page), width

    open_list(page, key(sqlite_site), f"?lang={language}")
    fits_every_screen()
    page.get_by_role("link", name="Thăm nhà").click()
    expect(page.locator(".odk-form")).to_be_visible()
    expect(page.get_by_role("button", name=FINISH if language == "vi" else "Finish the form")).to_be_visible()
    fits_every_screen()
