"""The page of who walks where, in a real browser: a move, and an area drawn with the mouse."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from mapper.services import accounts
from tests.browser import Pages
from tests.client.site import House, Site
from tests.web.contrast import weak_text
from tests.web.test_sign_in import Desk
from tests.web.test_users import at_desk, desks  # noqa: F401

pytestmark = pytest.mark.long

HOME = "/assignment?commune=00001&campaign=mini"
EAST, WEST = "hamlet:0000101", "hamlet:0000102"


def areas(site: Site, name: str) -> set[tuple[str, str]]:
    user = accounts.by_name(site.reference, name)
    assert user is not None
    return set(user.areas)


def two_canvassers(site: Site) -> None:
    site.user("canvasser", EAST, name="Hoa")
    site.user("canvasser", WEST, name="Sơn")
    due = (("Nông Thị Mỷ", "1980-05-04", ""),)
    site.phone().send(House("uuid:1", location="22.05 105.02 300 6.5", people=due).form())
    site.phone().send(House("uuid:2", location="22.05 105.08 300 6.5", people=due).form())


def drag_over(page: Page, share: float) -> None:
    """A rectangle over the western part of what the map shows, once it stands still."""
    seen = ""
    for _ in range(30):
        before, seen = seen, page.evaluate("map_assignment.getBounds().toBBoxString()")
        if before == seen:
            break
        page.wait_for_timeout(400)
    page.get_by_title("Vẽ hình chữ nhật").click()
    box = page.locator(".draw-map").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 60, box["y"] + 5)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * share, box["y"] + box["height"] - 5, steps=5)
    page.wait_for_timeout(300)  # the corner follows the mouse with the next frames
    page.mouse.move(box["x"] + box["width"] * share, box["y"] + box["height"] - 6)
    page.wait_for_timeout(300)
    page.mouse.up()


def test_a_hamlet_is_moved_with_one_choice(open_page: Pages, sqlite_site: Site) -> None:
    two_canvassers(sqlite_site)
    page = at_desk(open_page(), sqlite_site, "commune_supervisor", "00001")
    page.goto(f"{sqlite_site.url}{HOME}")
    page.get_by_label("Thôn Đông: giao cho").select_option(label="Sơn")
    page.get_by_role("row", name="Thôn Đông").get_by_role("button", name="Chuyển").click()
    expect(page.get_by_role("status")).to_contain_text("Đã chuyển")
    assert areas(sqlite_site, "Sơn") == {("", "0000101"), ("", "0000102")}
    assert areas(sqlite_site, "Hoa") == {("idle", ":0000101")}
    expect(page.get_by_role("row", name="Hoa").first).to_contain_text("chưa được giao việc")


def test_an_area_drawn_on_the_map_is_given_with_the_houses_in_it(open_page: Pages, sqlite_site: Site) -> None:
    """The west half of the square holds the house at 105.02 and not the one at 105.08."""
    two_canvassers(sqlite_site)
    page = at_desk(open_page(), sqlite_site, "commune_supervisor", "00001")
    page.goto(f"{sqlite_site.url}{HOME}")
    expect(page.get_by_role("button", name="Giao khu vực này")).to_be_disabled()
    drag_over(page, 0.5)
    page.get_by_label("Tên khu vực").fill("Nửa phía tây")
    page.locator("#draw-form [name=to]").select_option(label="Sơn")
    page.get_by_role("button", name="Giao khu vực này").click()
    expect(page.get_by_role("status")).to_contain_text("Đã lưu và giao")
    row = page.get_by_role("region", name="Khu vực vẽ trên bản đồ").get_by_role("row", name="Nửa phía tây")
    expect(row).to_contain_text("Sơn")
    assert [cell.inner_text() for cell in row.locator("td.number").all()] == ["–", "1", "1"]
    assert ("drawn", "1") in areas(sqlite_site, "Sơn")


def test_without_a_drawing_nothing_is_given(open_page: Pages, sqlite_site: Site) -> None:
    two_canvassers(sqlite_site)
    page = at_desk(open_page(), sqlite_site, "commune_supervisor", "00001")
    page.goto(f"{sqlite_site.url}{HOME}")
    drag_over(page, 0.5)
    expect(page.get_by_role("button", name="Giao khu vực này")).to_be_enabled()
    page.get_by_title("Xoá hình đã vẽ").click()
    page.get_by_title("Xoá hết hình đã vẽ").click()
    expect(page.get_by_role("button", name="Giao khu vực này")).to_be_disabled()
    expect(page.get_by_text("Hãy vẽ trên bản đồ trước.")).to_be_visible()


@pytest.mark.parametrize("width", [390, 1366])
@pytest.mark.parametrize("language", ["vi", "en"])
def test_the_page_fits_every_screen(open_page: Pages, sqlite_site: Site, width: int, language: str) -> None:
    two_canvassers(sqlite_site)
    sqlite_site.user("canvasser", EAST, name="Một người có cái tên rất dài để xem có tràn ra ngoài trang hay không")
    page = at_desk(open_page(width, language), sqlite_site, "supervisor", "001")
    page.goto(f"{sqlite_site.url}{HOME}&lang={language}")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert weak_text(page) == []


def test_only_who_oversees_others_opens_the_page(sqlite_site: Site, desks: Callable[..., Desk]) -> None:  # noqa: F811
    assert sqlite_site.get("/assignment").status_code == 302
    assert desks("planner").get("/assignment").status_code == 403
    desk = desks("commune_supervisor", "00001")
    assert desk.get("/assignment").status_code == 200
    assert desk.get("/assignment?commune=00002").status_code == 404
    assert desk.get("/assignment?campaign=nowhere").status_code == 404
    assert "/assignment" not in desks("administrator").get("/submissions").text.partition("<main")[2]


@pytest.mark.parametrize(
    ("path", "fields", "status"),
    [
        ("move", {"place": EAST}, 400),
        ("move", {"place": EAST, "to": "x"}, 404),
        ("move", {"place": EAST, "to": "999999999999"}, 404),
        ("move", {"place": "hamlet:0000201", "to": "1"}, 404),
        ("move", {"to": "1"}, 404),
        ("draw", {"label": "x", "outline": "{}", "to": "1"}, 400),
        ("draw", {"label": "x"}, 400),
        ("remove", {"place": "drawn:7"}, 404),
        ("remove", {"place": EAST}, 409),
        ("move", {"place": EAST, "to": "1", "csrf_token": "wrong"}, 400),
    ],
)
def test_what_cannot_be_done_is_refused_and_changes_nothing(
    sqlite_site: Site,
    desks: Callable[..., Desk],  # noqa: F811
    path: str,
    fields: dict[str, str],
    status: int,
) -> None:
    sqlite_site.user("canvasser", EAST, name="Hoa")
    desk = desks("commune_supervisor", "00001")
    desk.get("/assignment")
    before = sqlite_site.rows("user_areas", "drawn_areas", "audit")
    assert desk.post(f"/assignment/{path}", **fields).status_code == status
    assert sqlite_site.rows("user_areas", "drawn_areas", "audit") == before


def test_a_phone_follows_when_it_next_asks(sqlite_site: Site, desks: Callable[..., Desk]) -> None:  # noqa: F811
    hoa = sqlite_site.user("canvasser", EAST, name="Hoa")
    son = sqlite_site.user("canvasser", WEST, name="Sơn")
    desk = desks("commune_supervisor", "00001")
    desk.get("/assignment")

    def hamlets(token: str) -> str:
        phone = sqlite_site.phone(token)
        (form,) = [form for form in phone.form_list() if form.form_id == "house_check"]
        return phone.download(form).media["hamlets.csv"].decode()

    assert ("Thôn Đông" in hamlets(hoa.token), "Thôn Đông" in hamlets(son.token)) == (True, False)
    assert desk.post("/assignment/move", place=EAST, **{"from": str(hoa.id), "to": str(son.id)}).status_code == 302
    assert ("Thôn Đông" in hamlets(hoa.token), "Thôn Đông" in hamlets(son.token)) == (False, True)
