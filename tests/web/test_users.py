"""Accounts on pages: who may open them, what a QR code really holds, and what a revoked phone is told."""

from __future__ import annotations

import base64
import io
import json
import re
import zlib
from collections.abc import Callable, Iterator

import pypdfium2
import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Page, expect

from mapper.services import accounts, audit
from mapper.settings import Settings
from tests.browser import Pages
from tests.client.site import House, Site
from tests.web.contrast import weak_text
from tests.web.test_sign_in import Desk

PASSWORD = "mật khẩu đủ dài"
KNOWN = {
    "server_url": str,
    "form_update_mode": {"manual", "previously_downloaded", "match_exactly"},
    "autosend": {"off", "wifi_only", "cellular_only", "wifi_and_cellular"},
    "app_language": {"vi", "en"},
}
"""Keys of Collect's settings, part "general", that this product sets, with the values that Collect knows."""


@pytest.fixture
def desks(sqlite_site: Site) -> Iterator[Callable[..., Desk]]:
    """Opens a browser without scripts, signed in with a role and areas."""
    opened: list[Desk] = []

    def sign_in(role: str, *areas: str) -> Desk:
        name = sqlite_site.user(role, *areas, name=f"{role} at a desk", password=PASSWORD).name
        opened.append(Desk(sqlite_site))
        assert opened[-1].sign_in(name, PASSWORD).status_code == 302
        return opened[-1]

    yield sign_in
    for desk in opened:
        desk.session.close()


def number_of(site: Site, name: str) -> int:
    user = accounts.by_name(site.reference, name)
    assert user is not None
    return user.id


def decoded(picture: bytes) -> list[dict[str, dict[str, str]]]:
    """The settings in every QR code of a picture, as Collect reads them."""
    with Image.open(io.BytesIO(picture)) as image:
        found = zxingcpp.read_barcodes(image, formats=zxingcpp.BarcodeFormat.QRCode)
    return [json.loads(zlib.decompress(base64.b64decode(one.text))) for one in found]


def assert_settings_of_collect(settings: dict[str, dict[str, str]]) -> None:
    """Collect wants "general" and "admin"; a key or value that it does not know it drops, or refuses the code."""
    assert set(settings) == {"general", "admin", "project"}
    for key, value in settings["general"].items():
        known = KNOWN[key]
        assert isinstance(value, str) if known is str else value in known  # type: ignore[operator]
    assert set(settings["general"]) == set(KNOWN)
    assert settings["admin"] == {}
    assert set(settings["project"]) == {"name", "icon", "color"}
    assert re.fullmatch("#[0-9a-f]{6}", settings["project"]["color"])


def at_desk(page: Page, site: Site, role: str, *areas: str) -> Page:
    name = site.user(role, *areas, name=f"{role} {site.made}", password=PASSWORD).name
    page.goto(f"{site.url}/sign-in")
    page.locator("[name=name]").fill(name)
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("main button[type=submit]").click()
    page.wait_for_url("**/map*")
    return page


def test_a_supervisor_adds_a_canvasser_whose_code_sets_up_a_phone_that_sends(
    open_page: Pages, sqlite_site: Site
) -> None:
    site, page = sqlite_site, at_desk(open_page(), sqlite_site, "commune_supervisor", "00001")
    page.goto(f"{site.url}/users")
    page.get_by_label("Họ tên").first.fill("Nông Thị Hoa")
    page.get_by_label("Thôn Đông").check()
    page.get_by_role("button", name="Thêm và hiện mã QR").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Nông Thị Hoa")
    (settings,) = decoded(page.locator("svg.qr").screenshot())
    assert_settings_of_collect(settings)
    address = settings["general"]["server_url"]
    assert address.startswith(f"{site.url}/key/")
    page.get_by_text("Không có điện thoại Android?").click()
    with Image.open(io.BytesIO(page.locator("svg.address-qr").screenshot())) as picture:
        (code,) = zxingcpp.read_barcodes(picture, formats=zxingcpp.BarcodeFormat.QRCode)
    assert code.text == f"{address}/fill", "the same key opens the forms in a browser"
    phone = site.phone(address.rpartition("/")[2])
    assert [form.form_id for form in phone.form_list()] == ["house_check", "plain"]
    phone.send(House("uuid:1").form())
    assert site.state("uuid:1") == "processed"


def test_the_code_holds_the_public_address_and_the_projects_name(
    open_page: Pages, run_site: Callable[[Settings], Site], settings: Settings
) -> None:
    public = settings.model_copy(update={"public_url": "https://tiem.example.vn/", "project_name": "Tiêm Bạch Thông"})
    site = run_site(public)
    made = site.user("canvasser", "00001")
    page = at_desk(open_page(390), site, "supervisor", "001")
    page.goto(f"{site.url}/users/{made.id}")
    (found,) = decoded(page.locator("svg.qr").screenshot())
    assert found["general"]["server_url"] == f"https://tiem.example.vn/key/{made.token}"
    assert found["project"]["name"] == "Tiêm Bạch Thông"
    assert page.get_by_text("MAPPER_PUBLIC_URL").count() == 0


@pytest.mark.parametrize("media", ["screen", "print"])
def test_every_card_of_a_communes_sheet_can_be_read(open_page: Pages, sqlite_site: Site, media: str) -> None:
    site = sqlite_site
    made = [site.user("canvasser", f"hamlet:{code}") for code in ("0000101", "0000102", "0000101", "0000201")]
    page = at_desk(open_page(), site, "supervisor", "001")
    page.goto(f"{site.url}/users/cards?commune=00001")
    page.emulate_media(media=media)
    cards = page.locator(".qr-card")
    expect(cards).to_have_count(3)
    read = {decoded(card.screenshot())[0]["general"]["server_url"].rpartition("/")[2] for card in cards.all()}
    assert read == {one.token for one in made[:3]}
    (entry,) = audit.entries(site.reference, 5, action="user.cards")
    assert (entry.subject, entry.facts) == ("00001", {"number": "3"})


def test_no_card_is_cut_by_the_end_of_a_printed_page(open_page: Pages, sqlite_site: Site) -> None:
    """Eight cards on A4: six on the first page, two on the second, each whole enough to be read."""
    site = sqlite_site
    made = [site.user("canvasser", f"hamlet:{code}") for code in ("0000101", "0000102") * 4]
    page = at_desk(open_page(), site, "supervisor", "001")
    page.goto(f"{site.url}/users/cards?commune=00001")
    document = pypdfium2.PdfDocument(page.pdf(prefer_css_page_size=True, print_background=True))
    read = []
    for sheet in document:
        assert [round(side) for side in sheet.get_size()] in ([595, 842], [596, 842], [596, 843])
        picture = io.BytesIO()
        sheet.render(scale=3).to_pil().save(picture, "png")
        read.append([one["general"]["server_url"].rpartition("/")[2] for one in decoded(picture.getvalue())])
    document.close()
    assert [len(tokens) for tokens in read] == [6, 2]
    assert {token for tokens in read for token in tokens} == {one.token for one in made}


def test_a_lost_phone_is_out_at_once_and_the_new_code_lets_in(open_page: Pages, sqlite_site: Site) -> None:
    site, made = sqlite_site, sqlite_site.user("canvasser", "00001")
    lost = site.phone(made.token)
    lost.send(House("uuid:1").form())
    page = at_desk(open_page(), site, "supervisor", "001")
    page.goto(f"{site.url}/users/{made.id}")
    page.get_by_role("button", name="Cấp khoá mới").click()
    expect(page.get_by_role("status")).to_contain_text("Mã QR mới")
    (settings,) = decoded(page.locator("svg.qr").screenshot())
    assert site.get(f"/key/{made.token}/formList").status_code == 403
    new = settings["general"]["server_url"].rpartition("/")[2]
    assert site.get(f"/key/{new}/formList").status_code == 200
    page.get_by_role("button", name="Dừng quyền truy cập ngay").click()
    expect(page.get_by_role("status")).to_contain_text("Đã dừng")
    assert page.locator("svg.qr").count() == 0
    assert site.get(f"/key/{new}/formList").status_code == 403
    assert site.state("uuid:1") == "processed"


PAGES = ("/users", "/users/1", "/users/cards?commune=00001")
DEEDS = ("/users", "/users/1/renew", "/users/1/end", "/users/1/areas", "/users/1/password")


@pytest.mark.parametrize("path", [*PAGES, "/audit"])
def test_who_is_not_signed_in_is_led_to_the_sign_in(sqlite_site: Site, path: str) -> None:
    answer = sqlite_site.get(path)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/sign-in")


@pytest.mark.parametrize("path", PAGES)
def test_a_planner_and_a_canvassers_token_open_no_accounts(
    sqlite_site: Site, desks: Callable[..., Desk], path: str
) -> None:
    assert desks("planner").get(path).status_code == 403
    assert sqlite_site.get(path, sqlite_site.user("canvasser", "00001").token).status_code == 403


@pytest.mark.parametrize("path", DEEDS)
def test_a_form_of_another_site_does_nothing(sqlite_site: Site, desks: Callable[..., Desk], path: str) -> None:
    sqlite_site.user("canvasser", "00001")
    desk = desks("administrator")
    before = sqlite_site.rows("users", "user_areas", "audit")
    assert desk.post(path, csrf_token="wrong", name="x", area="hamlet:0000101").status_code == 400
    assert sqlite_site.rows("users", "user_areas", "audit") == before


def test_accounts_of_another_commune_are_not_there(sqlite_site: Site, desks: Callable[..., Desk]) -> None:
    other = sqlite_site.user("canvasser", "hamlet:0000201", name="Người Xã Hai")
    desk = desks("commune_supervisor", "00001")
    page = desk.get("/users")
    assert "Người Xã Hai" not in page.text and "Bản Nam" not in page.text
    assert "Người Xã Hai" not in desk.get("/users?commune=00002").text
    assert desk.get(f"/users/{other.id}").status_code == 404
    assert desk.get("/users/cards?commune=00002").status_code == 404
    for deed in ("renew", "end", "password"):
        assert desk.post(f"/users/{other.id}/{deed}").status_code == 404
    assert desk.post(f"/users/{other.id}/areas", area="hamlet:0000101").status_code == 404
    assert accounts.by_token(sqlite_site.reference, other.token) is not None


@pytest.mark.parametrize(
    ("fields", "status", "said"),
    [
        ({"name": "", "area": "hamlet:0000101"}, 400, "1 đến 80"),
        ({"name": "Hoa"}, 400, "trong địa bàn của mình"),
        ({"name": "Hoa", "area": "hamlet:0000201"}, 400, "trong địa bàn của mình"),
        ({"name": "Hoa", "area": "hamlet:0000101", "role": "supervisor"}, 400, "không được tạo"),
        ({"name": "commune_supervisor at a desk", "area": "hamlet:0000101"}, 400, "Đã có người dùng"),
        ({"name": "<script>alert(1)</script>", "area": "hamlet:0000101"}, 302, ""),
    ],
)
def test_what_cannot_be_made_is_said_above_the_form(
    sqlite_site: Site, desks: Callable[..., Desk], fields: dict[str, str], status: int, said: str
) -> None:
    desk = desks("commune_supervisor", "00001")
    desk.get("/users")
    answer = desk.post("/users", **{"role": "canvasser", "commune": "00001", **fields})
    assert answer.status_code == status
    assert said in answer.text
    assert "<script>alert" not in desk.get("/users").text
    assert (status == 302) == (len(sqlite_site.rows("users")["users"]) == 2)


def test_a_password_is_shown_once_and_kept_nowhere(sqlite_site: Site, desks: Callable[..., Desk]) -> None:
    desk = desks("supervisor", "001")
    desk.get("/users")
    answer = desk.post("/users", name="Lan", role="commune_supervisor", area="squares:00001")
    found = re.search(r'class="secret">([^<]+)<', answer.text)
    assert found is not None
    assert accounts.sign_in(sqlite_site.reference, "Lan", found[1]).name == "Lan"
    assert answer.headers["Cache-Control"] == "no-store"
    assert found[1] not in desk.get(f"/users/{number_of(sqlite_site, 'Lan')}").text
    assert found[1] not in str(desk.session.cookies) and found[1] not in str(sqlite_site.rows("users", "audit"))


def test_the_menu_leads_only_where_its_reader_may_go(desks: Callable[..., Desk]) -> None:
    for role, areas, users, trail in (
        ("planner", (), False, False),
        ("commune_supervisor", ("00001",), True, False),
        ("administrator", (), True, True),
    ):
        page = desks(role, *areas).get("/submissions").text
        assert ('href="/users"' in page) == users
        assert ('href="/audit"' in page) == trail


# The trail


def test_the_trail_shows_who_did_what_and_that_it_is_whole(sqlite_site: Site, desks: Callable[..., Desk]) -> None:
    made = sqlite_site.user("canvasser", "00001")
    desk = desks("administrator")
    desk.get("/users")
    assert desk.post(f"/users/{made.id}/renew").status_code == 302
    page = desk.get("/audit")
    assert "administrator at a desk" in page.text and "cấp khoá mới" in page.text
    assert "cấp khoá mới</td>" not in desk.get("/audit", action="user.added").text
    number = len(audit.entries(sqlite_site.reference, 50))
    assert number >= 3
    assert f"Cả {number} dòng" in desk.get("/audit", check="1").text
    assert desk.get("/audit?before=x&user=%00&action='").status_code == 200


def test_only_an_administrator_of_everything_reads_the_trail(sqlite_site: Site, desks: Callable[..., Desk]) -> None:
    assert desks("supervisor", "001").get("/audit").status_code == 403
    assert desks("administrator", "00001").get("/audit").status_code == 403
    assert sqlite_site.get("/audit", sqlite_site.user("administrator").token).status_code == 200


@pytest.mark.parametrize("width", [390, 1366])
@pytest.mark.parametrize("language", ["vi", "en"])
def test_pages_of_accounts_fit_every_screen(open_page: Pages, sqlite_site: Site, width: int, language: str) -> None:
    made = sqlite_site.user("canvasser", "hamlet:0000101", name="Nông Thị Hoa")
    sqlite_site.user("canvasser", "hamlet:0000201", name="Một người có cái tên rất dài để xem có tràn ra ngoài không")
    page = at_desk(open_page(width, language), sqlite_site, "administrator")
    for path in ("/users?", "/users?commune=00001&", f"/users/{made.id}?", "/users/cards?commune=00001&", "/audit?"):
        page.goto(f"{sqlite_site.url}{path}lang={language}")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        assert weak_text(page) == [], path
