"""What a browser keeps for a canvasser: sent with every page closed, refused, carried away, shared, renewed, erased."""

from __future__ import annotations

import json
import random
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Request, expect
from sqlalchemy import select

from mapper.services import drafts, importing, publish
from mapper.services.accounts import by_id
from mapper.store import tables
from mapper.web import fill
from tests.browser import Pages
from tests.client.site import (
    CAMPAIGN,
    CHOICES,
    COMMUNES,
    HAMLETS,
    NEXT_VERSION,
    SURVEY,
    VERSION,
    Site,
    workbook,
    write_house_check,
)
from tests.web.test_browser_fill import (
    GO_ON,
    KEPT,
    NEXT,
    another_tab,
    answer_house,
    at_the_door,
    finish,
    key,
    only_the_lost_line,
    open_form,
    open_list,
    png,
    question,
    sent_ids,
    until,
)
from tests.web.test_browser_sheets import fits

pytestmark = pytest.mark.long

SEND, SAVE, REMOVE = "Gửi ngay", "Lưu thành tệp", "Bỏ khỏi máy này"
ERASE = "Xoá dữ liệu trên máy này"
HAS_DRAFT = KEPT.replace("STORE", "drafts").replace("CHECK", "true")
TAGS = "navigator.serviceWorker.ready.then((each) => each.sync.getTags())"


def posts(page: Page) -> list[str]:
    """Addresses of the submissions that pages and workers of this browser send from now on."""
    seen: list[str] = []

    def note(request: Request) -> None:
        if request.method == "POST":
            seen.append(request.url)

    page.context.on("request", note)
    return seen


def settled(page: Page) -> None:
    """Wait until the list has asked the server all it wants."""
    expect(page.locator("#forms")).to_have_attribute("aria-busy", "false")


def filled(page: Page, head: str = "Nông Thị Mỷ") -> None:
    """One house more, finished."""
    open_form(page)
    answer_house(page, head)
    finish(page)


def without_line(page: Page, address: str) -> Page:
    """The list, with the line cut after all was kept."""
    open_list(page, address)
    page.context.set_offline(True)
    return page


def test_with_every_page_closed_the_browser_sends_what_waits(open_page: Pages, sqlite_site: Site) -> None:
    page, address = at_the_door(open_page(390)), key(sqlite_site)
    without_line(page, address)
    filled(page)
    until(page, f"{TAGS}.then((tags) => tags.join() === 'send')")
    # An empty page stays, for it is through one that the line is cut and joined again.
    elsewhere = another_tab(page.context, page)
    assert [each.url for each in elsewhere.context.pages] == ["about:blank"]
    assert sent_ids(sqlite_site) == []
    elsewhere.context.set_offline(False)
    until(elsewhere, lambda: len(sent_ids(sqlite_site)) == 1)
    assert [each.url for each in elsewhere.context.pages] == ["about:blank"]
    elsewhere.goto(f"{address}/fill")
    expect(elsewhere.locator("#waiting-count")).to_have_text("0")
    expect(elsewhere.locator("#sent li")).to_have_count(1)
    settled(elsewhere)
    only_the_lost_line(open_page)


def test_two_pages_and_the_worker_send_a_form_only_once(open_page: Pages, sqlite_site: Site) -> None:
    page, address = at_the_door(open_page(390)), key(sqlite_site)
    without_line(page, address)
    filled(page)
    until(page, f"{TAGS}.then((tags) => tags.join() === 'send')")
    name = page.evaluate("`${JSON.parse(document.getElementById('page-data').textContent).store} send`")
    locks = "navigator.locks.query().then(({ held, pending }) => [...held, ...pending].filter(NAMED).length)"
    locks = locks.replace("NAMED", f"(lock) => lock.name === {json.dumps(name)}")
    # Somebody is sending, so that all the others come to wait for their turn.
    page.evaluate(f"void navigator.locks.request({json.dumps(name)}, () => new Promise((go) => {{ window.go = go; }}))")
    until(page, "'go' in window")
    other = page.context.new_page()
    seen = posts(page)
    page.context.set_offline(False)
    other.goto(f"{address}/fill")
    expect(other.locator("#waiting-count")).to_have_text("1")
    until(other, f"{locks}.then((number) => number === 4)")  # this one, both pages, and the worker
    assert seen == []
    page.evaluate("go()")
    expect(other.locator("#waiting-count")).to_have_text("0")
    expect(page.locator("#done-text")).to_have_text("Phiếu đã tới máy chủ.")
    until(other, f"{locks}.then((number) => number === 0)")
    assert len(seen) == 1
    settled(other)
    only_the_lost_line(open_page)


def test_what_the_server_refuses_is_saved_as_a_file_that_the_office_takes_in(
    open_page: Pages, sqlite_site: Site, tmp_path: Path
) -> None:
    site, photo = sqlite_site, png(1300, random.Random(7).randbytes(3 * 1300))  # 5 MB, the server takes 4
    (tmp_path / "nhà lớn.png").write_bytes(photo)
    page = at_the_door(open_page(390))
    open_list(page, key(site))
    open_form(page)
    answer_house(page, "Nông Thị Mỷ")
    page.locator("#form input[type=file]").set_input_files(tmp_path / "nhà lớn.png")
    finish(page)
    page.locator(".fill-bar a").click()
    card = page.locator("#waiting li")
    expect(card.locator(".card-reason")).to_contain_text("4 MB")
    expect(card).to_contain_text("Thăm nhà")
    expect(card).to_contain_text("kèm 1 ảnh")
    expect(card).not_to_contain_text("Mỷ")
    expect(card.get_by_role("button", name=REMOVE)).to_be_hidden()
    assert fits(page)

    with page.expect_download() as downloading:
        card.get_by_role("button", name=SAVE).click()
    saved = tmp_path / downloading.value.suggested_filename
    downloading.value.save_as(saved)
    assert zipfile.ZipFile(saved).testzip() is None
    page.once("dialog", lambda dialog: dialog.dismiss())
    card.get_by_role("button", name=REMOVE).click()
    expect(page.locator("#waiting-count")).to_have_text("1")
    page.once("dialog", lambda dialog: dialog.accept())
    card.get_by_role("button", name=REMOVE).click()
    expect(page.locator("#waiting-count")).to_have_text("0")
    assert sent_ids(site) == []

    outcomes = [each.outcome for each in importing.take(site.reference, importing.find(saved))]
    assert outcomes == ["taken", "taken"]
    (instance_id,) = sent_ids(site)
    assert list(site.attachments(instance_id).values()) == [photo]
    assert all("413" in each for each in open_page.problems), open_page.problems
    open_page.problems.clear()


def test_a_key_that_is_no_longer_valid_says_what_to_do_on_the_open_page(open_page: Pages, sqlite_site: Site) -> None:
    site, page = sqlite_site, at_the_door(open_page(390))
    user = site.user("canvasser", "001", name="Tẩn Mẩy")
    without_line(page, f"{site.url}/key/{user.token}")
    filled(page)
    page.locator(".fill-bar a").click()
    expect(page.locator("#waiting li")).to_contain_text("Đang chờ có sóng.")
    expect(page.locator("#dead")).to_be_hidden()
    site.user("canvasser", "001", name="Tẩn Mẩy")
    page.context.set_offline(False)
    expect(page.locator("#dead")).to_contain_text("Hãy xin giám sát viên mã QR mới")
    expect(page.locator("#waiting li .card-reason")).to_contain_text("không còn hiệu lực")
    expect(page.locator("#forms li")).to_have_count(0)
    seen = posts(page)
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(page.locator("#forms")).to_have_attribute("aria-busy", "false")
    assert seen == [], "what the server refused is not sent again by itself"
    assert all("403" in each or "ERR_INTERNET" in each for each in open_page.problems), open_page.problems
    open_page.problems.clear()


def test_little_room_is_said_before_a_picture_is_lost(open_page: Pages, sqlite_site: Site) -> None:
    page, address = open_page(390), key(sqlite_site)
    open_list(page, address)
    expect(page.locator("#full")).to_be_hidden()
    expect(page.locator("#room")).to_contain_text("MB")
    line = page.context.new_cdp_session(page)
    # Chromium tells pages of ten gigabytes whatever the disk has; only writing shows how much there is.
    line.send("Storage.overrideQuotaForOrigin", {"origin": sqlite_site.url, "quotaSize": 9_000_000})
    page.reload()
    expect(page.locator("#full")).to_contain_text("Bộ nhớ gần đầy")
    assert fits(page)
    settled(page)


def test_a_draft_is_open_in_one_tab_only(open_page: Pages, sqlite_site: Site) -> None:
    page, address = at_the_door(open_page(390)), key(sqlite_site)
    open_list(page, address)
    open_form(page)
    question(page, "Chủ hộ").locator("input").fill("Nông Thị Mỷ")
    until(page, HAS_DRAFT)
    expect(page.locator("#kept")).to_contain_text("Đã lưu trong trình duyệt")
    other = page.context.new_page()
    other.goto(f"{address}/fill")
    expect(other.locator("#drafts-count")).to_have_text("1")
    told: list[str] = []
    other.once("dialog", lambda dialog: (told.append(dialog.message), dialog.accept()))
    other.locator("#drafts li button").click()
    until(other, lambda: bool(told))
    assert "đang mở ở một thẻ khác" in told[0]
    other.get_by_role("link", name=GO_ON).click()
    expect(other.locator("#trouble")).to_contain_text("đang mở ở một thẻ khác")
    expect(other.locator(".odk-form")).to_have_count(0)
    page.close()
    other.reload()
    expect(question(other, "Chủ hộ").locator("input")).to_have_value("Nông Thị Mỷ")
    expect(other.locator("#trouble")).to_be_hidden()


def test_a_draft_goes_on_in_the_version_it_was_begun_in(open_page: Pages, sqlite_site: Site, tmp_path: Path) -> None:
    site, page = sqlite_site, at_the_door(open_page(390))
    address = key(site)
    open_list(page, address)
    open_form(page)
    answer_house(page, "Nông Thị Mỷ")
    until(page, HAS_DRAFT)
    expect(page.locator("#kept")).to_contain_text("Đã lưu trong trình duyệt")
    longer = SURVEY + "text | remarks | Ghi chú | |\n"
    publish.publish(site.reference, write_house_check(tmp_path / "longer", NEXT_VERSION, longer))
    page.goto(f"{address}/fill")
    expect(page.locator("#forms")).to_contain_text(NEXT_VERSION)
    expect(page.locator("#forms li")).to_have_count(2)
    page.get_by_role("link", name=GO_ON).click()
    expect(question(page, "Chủ hộ").locator("input")).to_have_value("Nông Thị Mỷ")
    expect(page.get_by_text("Ghi chú")).to_have_count(0)
    finish(page)
    expect(page.locator("#done-text")).to_have_text("Phiếu đã tới máy chủ.")
    page.get_by_role("button", name=NEXT).click()
    expect(page.get_by_text("Ghi chú")).to_be_visible()
    with site.reference.database.read() as connection:
        assert list(connection.scalars(select(tables.submissions.c.form_version))) == [VERSION]


def test_new_code_takes_over_and_loses_nothing(
    open_page: Pages, sqlite_site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, address = at_the_door(open_page(390)), key(sqlite_site)
    without_line(page, address)
    filled(page)
    page.get_by_role("button", name=NEXT).click()
    question(page, "Chủ hộ").locator("input").fill("Lý Văn Páo")
    until(page, HAS_DRAFT)
    expect(page.locator("#kept")).to_contain_text("Đã lưu trong trình duyệt")

    before = fill.version()
    monkeypatch.setattr(fill, "version", lambda: "next")
    monkeypatch.setattr(fill, "asset_url", lambda name: f"/assets/next/{name}")
    submissions = page.context.new_cdp_session(page)
    submissions.send("Network.enable")
    submissions.send("Network.setBlockedURLs", {"urls": ["*/submission?*"]})
    other = page.context.new_page()
    page.context.set_offline(False)
    other.goto(f"{address}/fill")
    until(other, "caches.keys().then((names) => names.some((name) => name.endsWith(' next')))")
    until(other, "navigator.serviceWorker.getRegistration().then((each) => !each.installing && !each.waiting)")
    kept = other.evaluate("caches.keys()")
    assert [name.rpartition(" ")[2] for name in kept] == [before, "next"], "pages still open may need the one before"
    other.close()
    page.context.set_offline(True)
    page.goto(f"{address}/fill")
    expect(page.locator("#drafts-count")).to_have_text("1")
    page.get_by_role("link", name=GO_ON).click()
    expect(question(page, "Chủ hộ").locator("input")).to_have_value("Lý Văn Páo")
    page.context.set_offline(False)
    page.goto(f"{address}/fill")
    expect(page.locator("#waiting-count")).to_have_text("0")
    assert len(sent_ids(sqlite_site)) == 1
    settled(page)
    open_page.problems.clear()


def keeps(page: Page) -> dict[str, list[str]]:
    """What of anybody's this browser has: databases, and caches by key."""
    return page.evaluate(
        """async () => ({
          databases: (await indexedDB.databases()).map((each) => each.name),
          caches: [...new Set((await caches.keys()).map((name) => name.split(" ")[1]))],
        })"""
    )


def test_another_canvasser_at_the_same_computer_sees_nothing_and_erasing_leaves_the_other(
    open_page: Pages, sqlite_site: Site
) -> None:
    site, page = sqlite_site, at_the_door(open_page(1366))
    first, second = site.user("canvasser", "001"), site.user("canvasser", "001")
    without_line(page, f"{site.url}/key/{first.token}")
    filled(page)
    page.get_by_role("button", name=NEXT).click()
    question(page, "Chủ hộ").locator("input").fill("Lý Văn Páo")
    until(page, HAS_DRAFT)

    told: list[str] = []
    page.locator(".fill-bar a").click()
    expect(page.locator("#waiting-count")).to_have_text("1")
    page.once("dialog", lambda dialog: (told.append(dialog.message), dialog.accept()))
    page.get_by_role("button", name=ERASE).click()
    until(page, lambda: bool(told))
    assert "còn 1 phiếu đã hoàn tất chưa gửi" in told[0]
    expect(page.locator("#waiting-count")).to_have_text("1")

    page.close()
    page = at_the_door(open_page.contexts[0].new_page())
    page.context.set_offline(False)
    open_list(page, f"{site.url}/key/{second.token}")
    for name in ("waiting", "drafts"):
        expect(page.locator(f"#{name}-count")).to_have_text("0")
    expect(page.locator("#sent li")).to_have_count(0)

    own = page.context.new_page()
    own.goto(f"{site.url}/key/{first.token}/fill")
    expect(own.locator("#waiting-count")).to_have_text("0")
    expect(own.locator("#drafts-count")).to_have_text("1")
    assert len(sent_ids(site)) == 1
    tab = page.context.new_page()
    tab.goto(f"{site.url}/key/{first.token}/fill/plain")
    expect(tab.locator(".odk-form")).to_be_visible()
    expect(own.locator("#forms")).to_have_attribute("aria-busy", "false")
    assert sorted(keeps(page)["databases"]) == [f"fill-{first.id}", f"fill-{second.id}"]
    own.once("dialog", lambda dialog: (told.append(dialog.message), dialog.accept()))
    own.get_by_role("button", name=ERASE).click()
    expect(own.get_by_role("heading", name="Đã xoá")).to_be_visible()
    expect(tab.get_by_role("heading", name="Đã xoá")).to_be_visible()
    assert "1 bản nháp" in told[1]
    until(page, "indexedDB.databases().then((each) => each.length === 1)")
    left = keeps(page)
    assert left["databases"] == [f"fill-{second.id}"]
    assert len(left["caches"]) == 1
    assert page.evaluate("navigator.serviceWorker.getRegistrations().then((each) => each.length)") >= 1
    page.context.set_offline(True)
    page.reload()
    expect(page.locator("#forms li")).to_have_count(2)
    settled(page)
    only_the_lost_line(open_page)


def trial_of(site: Site, survey: str) -> tuple[Any, str]:
    """An administrator, and the address where a draft of the house check is tried."""
    user = by_id(site.reference, site.user("administrator").id)
    assert user is not None
    files: dict[str, bytes | str] = {
        "house_check.xlsx": workbook("house_check", "Thăm nhà", NEXT_VERSION, survey, CHOICES),
        "campaign.toml": CAMPAIGN,
        "communes.csv": COMMUNES,
        "hamlets.csv": HAMLETS,
    }
    drafts.make(
        site.reference, user, {name: one.encode() if isinstance(one, str) else one for name, one in files.items()}
    )
    return user, f"{site.url}/test/{drafts.draft_page(site.reference, user, 'house_check', 'vi').token}"


def test_a_draft_of_a_form_is_tried_in_the_browser_and_counts_nowhere(open_page: Pages, sqlite_site: Site) -> None:
    site, page = sqlite_site, at_the_door(open_page(390))
    user, address = trial_of(site, SURVEY + "text | remarks | Ghi chú | |\n")
    page.goto(f"{address}/fill")
    expect(page.locator("#forms li")).to_have_count(1)
    expect(page.locator(".notice-trial")).to_contain_text("không được tính")
    assert fits(page)
    open_form(page)
    expect(page.locator(".notice-trial")).to_contain_text("Thăm nhà")
    answer_house(page, "Nông Thị Mỷ")
    question(page, "Ghi chú").locator("input").fill("thử")
    finish(page)
    expect(page.locator("#done-text")).to_have_text("Phiếu đã tới máy chủ.")
    assert sent_ids(site) == []
    (tried,) = drafts.draft_page(site.reference, user, "house_check", "vi").tried
    assert "'thử'" in repr(tried.lines)

    # Changed under the same version, as happens while a form is being made.
    trial_of(site, SURVEY + "text | remarks | Lời nhắn | |\n")
    page.goto(f"{address}/fill")
    expect(page.locator("#forms")).to_have_attribute("aria-busy", "false")
    open_form(page)
    expect(page.get_by_text("Lời nhắn")).to_be_visible()
    drafts.delete(site.reference, user, "house_check")
    page.goto(f"{address}/fill")
    expect(page.get_by_text("không còn được thử")).to_be_visible()
    assert all("403" in each for each in open_page.problems), open_page.problems
    open_page.problems.clear()


LAST = """
type | name   | label    | default
text | hamlet | Thôn nào | ${last-saved#hamlet}
text | head   | Chủ hộ   |
"""


@pytest.fixture
def remembering(sqlite_site: Site, tmp_path: Path) -> Iterator[Site]:
    """A form that begins as the one before ended."""
    folder = tmp_path / "last"
    folder.mkdir()
    (folder / "last.xlsx").write_bytes(workbook("last", "Như phiếu trước", "1", LAST))
    publish.publish(sqlite_site.reference, folder)
    yield sqlite_site


def test_a_form_that_asks_for_the_one_before_gets_it_and_no_other_is_kept(open_page: Pages, remembering: Site) -> None:
    page, address = at_the_door(open_page(390)), key(remembering)
    last_kept = KEPT.replace("STORE", "last").replace("CHECK", "kept.map((each) => each.formId).join()")
    page.goto(f"{address}/fill/last")
    expect(question(page, "Thôn nào").locator("input")).to_have_value("")
    question(page, "Thôn nào").locator("input").fill("Thôn Đông")
    question(page, "Chủ hộ").locator("input").fill("Nông Thị Mỷ")
    finish(page)
    page.goto(f"{address}/fill/house_check")
    expect(page.locator(".odk-form")).to_be_visible()
    answer_house(page, "Lý Văn Páo")
    finish(page)
    page.goto(f"{address}/fill/last")
    expect(question(page, "Thôn nào").locator("input")).to_have_value("Thôn Đông")
    expect(question(page, "Chủ hộ").locator("input")).to_have_value("")
    assert page.evaluate(last_kept) == "last", "the house check asks for none, so none of it stays"
    assert open_page.problems == []
