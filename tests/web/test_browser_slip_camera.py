"""A slip's code read by camera and from a photo, in a browser that reads no codes by itself, with the line cut."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
import segno
from PIL import Image, ImageFilter
from playwright.sync_api import Page, expect

from mapper.services import slips
from mapper.services.intake import today
from mapper.services.slips import Choice
from tests.browser import FLAGS, Pages, find
from tests.client.site import House, Site
from tests.web.test_browser_slips import EVERYTHING
from tests.web.test_slips import household

NO_READER = "delete window.BarcodeDetector"
LONG = "Nguyễn Hoàng Thị Phương Quỳnh Như Nguyệt"


def seen_by_phone(site: Site) -> bytes:
    """A phone's picture of a new slip's code: 1,280 by 720 dots, tilted, blurred and grey, as JPEG."""
    site.phone().send(House("uuid:1", people=((LONG, "1980-05-04", "2021-08-10"),)).form())
    (given,) = slips.give(site.reference, EVERYTHING, "mini", {household(site): None}, Choice(), today())
    drawn = io.BytesIO()
    segno.make(f"{site.url}/slips/check#{given.text}", micro=False, error="m", boost_error=False).save(
        drawn, kind="png", scale=8, border=4
    )
    code = Image.open(drawn).convert("L").resize((600, 600), Image.Resampling.LANCZOS)
    paper = Image.new("L", (1280, 720), 235)
    paper.paste(code, (340, 60))
    tilted = paper.rotate(6, Image.Resampling.BICUBIC, fillcolor=190).filter(ImageFilter.GaussianBlur(0.9))
    photo = io.BytesIO()
    tilted.point(lambda grey: 35 + grey * 0.7).convert("RGB").save(photo, "JPEG", quality=85)
    return photo.getvalue()


def keep(site: Site, folder: Path) -> str:
    """Address of the page that is kept on a phone."""
    kept = folder / "slips.html"
    kept.write_text(site.get("/slips/offline.html", lang="vi").text, "utf-8")
    return kept.as_uri()


def choose(page: Page, photo: bytes) -> None:
    page.locator("#slip-photo input").set_input_files(
        {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": photo},
    )


def test_the_camera_reads_a_slip_on_the_page_that_is_kept_on_a_phone(
    open_page: Pages, sqlite_site: Site, tmp_path: Path
) -> None:
    film = tmp_path / "camera.mjpeg"
    film.write_bytes(seen_by_phone(sqlite_site) * 4)
    address = keep(sqlite_site, tmp_path)
    camera = (
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={film}",
    )
    started = open_page.browser.browser_type.launch(executable_path=find(), args=[*FLAGS, *camera])
    try:
        page = started.new_context(offline=True, viewport={"width": 390, "height": 844}).new_page()
        page.add_init_script(NO_READER)
        page.goto(address)
        page.locator("#slip-camera").click()
        expect(page.locator("#slip-result")).to_contain_text("Chữ ký thật", timeout=20_000)
        expect(page.locator("#slip-result")).to_contain_text(LONG)
        expect(page.locator("#slip-video")).to_be_hidden()
    finally:
        started.close()


@pytest.mark.parametrize("kept", [True, False], ids=["kept-on-the-phone", "of-the-server"])
def test_a_photo_is_read_by_the_page_itself_and_one_without_a_code_is_not(
    open_page: Pages, sqlite_site: Site, tmp_path: Path, kept: bool
) -> None:
    photo = seen_by_phone(sqlite_site)
    page = open_page(390)
    page.add_init_script(NO_READER)
    if kept:
        page.context.set_offline(True)
    page.goto(keep(sqlite_site, tmp_path) if kept else f"{sqlite_site.url}/slips/check")
    empty = io.BytesIO()
    Image.new("L", (640, 480), 200).save(empty, "JPEG")
    choose(page, empty.getvalue())
    expect(page.locator("#slip-trouble")).to_contain_text("Không tìm thấy mã")
    choose(page, photo)
    expect(page.locator(".slip-good")).to_contain_text(LONG)
