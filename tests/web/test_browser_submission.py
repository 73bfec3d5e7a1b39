"""The pages of a submission, of forms and of a draft in a real browser: on a phone and on a desk, in both languages."""

from __future__ import annotations

import base64

import pytest
from playwright.sync_api import Page, expect

from tests.browser import Pages
from tests.client.site import NEXT_VERSION, House, Site
from tests.web.test_browser_sheets import PASSWORD, fits
from tests.web.test_forms_page import MOVED, draft, house_check, manager, phone

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
HOUSE = House("uuid:3f1c8c1e-4c0f-4c1d-9a51-0d6c1a0f5a11", photo="1668912345678.png")


def sign_in(page: Page, site: Site) -> None:
    name = site.user("administrator", name=f"quản trị {site.made}", password=PASSWORD).name
    page.goto(f"{site.url}/sign-in")
    page.locator("[name=name]").fill(name)
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("main button[type=submit]").click()


@pytest.mark.parametrize("width", [390, 1366])
@pytest.mark.parametrize("language", ["vi", "en"])
def test_pages_of_submissions_and_forms_fit_every_screen(
    open_page: Pages, sqlite_site: Site, width: int, language: str
) -> None:
    site, page = sqlite_site, open_page(width, language)
    edit = HOUSE.edited("uuid:9a1c8c1e-4c0f-4c1d-9a51-0d6c1a0f5a12", outcome="absent", location="22.05 105.15 300 6.5")
    site.phone().send(HOUSE.form({HOUSE.photo: PIXEL}))
    site.phone().send(edit.form())
    trier = phone(site, draft(manager(site), house_check(survey=MOVED)))
    trier.send(HOUSE.but(version=NEXT_VERSION).form())
    sign_in(page, site)
    paths = (f"/submission/{edit.instance_id}", "/submissions", "/forms", "/form/house_check/draft")
    for path in paths:
        page.goto(f"{site.url}{path}?lang={language}")
        for details in page.locator("main details").all():
            details.evaluate("each => { each.open = true; }")
        assert fits(page), path
    page.goto(f"{site.url}{paths[0]}")
    photo = page.locator("img.photo")
    photo.scroll_into_view_if_needed()
    expect(photo).to_have_js_property("naturalWidth", 1)


def test_a_supervisor_approves_with_a_comment(open_page: Pages, sqlite_site: Site) -> None:
    site, page = sqlite_site, open_page(390)
    site.phone().send(HOUSE.form())
    sign_in(page, site)
    page.goto(f"{site.url}/submissions")
    page.locator("#received ~ ul a").first.click()
    page.get_by_label("Tình trạng duyệt").select_option("approved")
    page.get_by_role("textbox", name="Ý kiến").fill("Đã gọi lại, đúng.")
    page.get_by_role("button", name="Lưu").click()
    expect(page.get_by_role("status")).to_have_text("Đã lưu.")
    expect(page.locator(".remarks")).to_contain_text("Đã gọi lại, đúng.")
    expect(page.locator(".lead .tag-approved")).to_be_visible()


def test_a_draft_cannot_be_published_before_its_lost_roles_are_ticked(open_page: Pages, sqlite_site: Site) -> None:
    site, page = sqlite_site, open_page()
    draft(manager(site), house_check(survey=MOVED))
    sign_in(page, site)
    page.goto(f"{site.url}/form/house_check/draft")
    button = page.get_by_role("button", name="Phát hành bản thử này")
    button.click()
    expect(page).to_have_url(f"{site.url}/form/house_check/draft")
    page.locator(".tick input").check()
    button.click()
    expect(page.get_by_role("status")).to_contain_text("Đã phát hành.")
    expect(page.locator(".is-offered").first).to_contain_text(NEXT_VERSION)
