"""One's own files that took a while: how each stands, fetching and stopping it, and that nobody else sees it."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from html import unescape

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from mapper.services import asked_files, exporting
from mapper.services.accounts import by_id
from mapper.store import tables
from mapper.web import exports
from tests.browser import Pages
from tests.client.collect import Collect
from tests.client.site import Site
from tests.web.test_exports import ASKED, HOUSES
from tests.web.test_sign_in import PASSWORD, Desk


@pytest.fixture
def full(sqlite_site: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A server with five people, for which one is many."""
    monkeypatch.setattr(exports, "AT_ONCE", 0)
    phone: Collect = sqlite_site.phone()
    for house in HOUSES:
        phone.send(house.form())
    yield sqlite_site


@pytest.fixture
def desk(full: Site) -> Iterator[Callable[..., Desk]]:
    """Makes users who are signed in, each at a browser of their own."""
    made: list[Desk] = []

    def signed_in(role: str = "administrator", *areas: str) -> Desk:
        user = full.user(role, *areas, password=PASSWORD)
        made.append(Desk(full))
        made[-1].sign_in(user.name, PASSWORD)
        return made[-1]

    yield signed_in
    for one in made:
        one.session.close()


def listed(at: Desk, *while_it_says: str) -> str:
    """The page of one's own files once it says none of these."""
    for _ in range(600):
        page = at.get("/export/files").text
        if not any(word in page for word in while_it_says):
            break
        time.sleep(0.05)
    return page


def ask(at: Desk, kind: str, **asked: str) -> None:
    address = f"{at.url}/export/people.{kind}"
    at.session.get(address, params=ASKED | asked, headers={"Accept": "text/html"})


def fetch_address(page: str) -> str:
    (address,) = re.findall(r'href="(/export/files/\w+)"', page)
    return str(address)


def test_a_file_stands_in_the_list_of_who_asked_for_it_and_of_nobody_else(
    desk: Callable[..., Desk],
) -> None:
    mine, other = desk(), desk()
    assert "chưa yêu cầu tệp nào" in mine.get("/export/files").text
    ask(mine, "csv", age_from="18", text="Lý Sún")
    page = listed(mine, "đang chờ đến lượt", "đang ghi")
    assert "mini-2022-08-31.csv" in page and "đã xong" in page and "Chiến dịch nhỏ" in page
    assert "tuổi từ 18" in page
    assert "1 người" in page and " kB" in page
    address = fetch_address(page)
    answer = mine.get(address)
    assert "Lý Sún" in answer.content.decode() and "mini-2022-08-31.csv" in answer.headers["Content-Disposition"]
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert "mini" not in listed(other).split("<main")[1]
    for path in (address, f"{address}/progress"):
        assert other.get(path).status_code == 404
    assert other.post(f"{address}/stop").status_code == 404
    assert desk("canvasser", "squares:00001").get("/export/files").status_code in (302, 403)
    # The same asked for once more does not stand there twice.
    ask(mine, "csv", age_from="18", text="Lý Sún")
    assert listed(mine, "đang ghi").count("mini-2022-08-31.csv") == page.count("mini-2022-08-31.csv")


def test_a_file_that_was_deleted_says_so_and_can_be_written_anew(full: Site, desk: Callable[..., Desk]) -> None:
    mine = desk()
    ask(mine, "csv")
    address = fetch_address(listed(mine, "đang chờ đến lượt", "đang ghi"))
    with full.reference.database.read() as connection:
        (user,) = set(connection.scalars(select(tables.asked_files.c.user_id)))
    boss = by_id(full.reference, user)
    assert boss is not None
    asked_files.path_of(full.reference, asked_files.file_of(full.reference, boss, address.split("/")[-1])).unlink()
    page = listed(mine)
    assert "đã xóa vì hết hạn" in page and mine.get(address).status_code == 404
    (again,) = re.findall(r'href="([^"]*again=1[^"]*)"', page)
    mine.get(unescape(again))
    assert "đã xong" in listed(mine, "đang chờ đến lượt", "đang ghi")
    # Who sees less than when it was asked for does not get what they saw then.
    assert asked_files.files_of(full.reference, boss)
    assert asked_files.files_of(full.reference, replace(boss, areas=(("squares", "00002"),))) == []


def test_a_zip_of_submissions_stands_there_by_the_title_of_its_form(desk: Callable[..., Desk]) -> None:
    mine = desk()
    address = f"{mine.url}/export/submissions/house_check.zip?attachments=false"
    assert mine.session.get(address).headers["Content-Type"] == "application/zip"
    page = listed(mine)
    assert "Thăm nhà" in page and "không kèm các tệp gửi cùng phiếu" in page and "3 phiếu" in page
    assert mine.get(fetch_address(page)).content.startswith(b"PK")


def test_the_page_follows_a_file_until_it_is_ready(
    full: Site, desk: Callable[..., Desk], open_page: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_go_on = threading.Event()
    written = exporting.make

    def slowly(reference: object, user: object, wish: object, told: Callable[[float], None]) -> object:
        told(0.5)
        assert may_go_on.wait(60)
        return written(reference, user, wish, told)  # type: ignore[arg-type]

    monkeypatch.setattr(exporting, "make", slowly)
    name = full.user("administrator", password=PASSWORD).name
    page = open_page(390, signed_in=open_page.sign_in(full.url, name, PASSWORD))
    page.goto(f"{full.url}/export/people.csv?campaign=mini&date=2022-08-31")
    page.get_by_role("link", name="Tất cả tệp của tôi").click()
    expect(page.get_by_role("progressbar")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    may_go_on.set()
    with page.expect_download() as fetched:
        page.get_by_role("link", name="Tải về").click()
    assert fetched.value.suggested_filename == "mini-2022-08-31.csv"


def test_a_file_is_stopped_from_the_list(
    full: Site, desk: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, may_go_on = threading.Event(), threading.Event()
    written = exporting.make

    def slowly(reference: object, user: object, wish: object, told: Callable[[float], None]) -> object:
        told(0.5)
        begun.set()
        assert may_go_on.wait(60)
        told(0.6)
        return written(reference, user, wish, told)  # type: ignore[arg-type]

    monkeypatch.setattr(exporting, "make", slowly)
    mine = desk()
    ask(mine, "csv")
    assert begun.wait(60)
    ask(mine, "xlsx")
    page = mine.get("/export/files").text
    assert "đang ghi" in page and "đang chờ đến lượt" in page and 'value="0.5"' in page
    # The page's script follows the one that is being written.
    (followed,) = re.findall(r'data-url="([^"]+)"', page)
    assert mine.get(followed).json() == {"stage": "running", "share": 0.5}
    (stop,) = (one for one in re.findall(r'action="(/export/files/\w+/stop)"', page) if followed.split("/")[3] in one)
    assert mine.post(stop).headers["Location"].endswith("/export/files")
    assert "đã dừng" in mine.get("/export/files").text
    may_go_on.set()
    page = listed(mine, "đang chờ đến lượt", "đang ghi")
    assert (page.count("đã dừng"), page.count("đã xong")) == (1, 1)
    with full.reference.database.read() as connection:
        assert set(connection.scalars(select(tables.asked_files.c.state))) == {"stopped", "ready"}
