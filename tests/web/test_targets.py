"""The page of targets: what a supervisor reads there, enters, downloads and uploads, and what others may not."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator

import pytest
from lxml import html
from playwright.sync_api import expect

from tests.browser import HEIGHTS, Pages
from tests.client.site import House, Site
from tests.web.test_sign_in import Desk
from tests.web.test_users import at_desk

PASSWORD = "mật khẩu đủ dài"
DAY = "date=2022-08-31"
COMMUNE = f"/targets?{DAY}&area=commune:00001"
SERIES = {"campaign": "mini", "group": "5_plus", "dose": "1", "set": "squares", "date": "2022-08-31"}


@pytest.fixture
def open_desk(site: Site) -> Iterator[Callable[..., Desk]]:
    """A browser without scripts, signed in with a role and areas, on each kind of database."""
    opened: list[Desk] = []

    def sign_in(role: str, *areas: str) -> Desk:
        site.made += 1
        name = site.user(role, *areas, name=f"{role} {site.made}", password=PASSWORD).name
        opened.append(Desk(site))
        assert opened[-1].sign_in(name, PASSWORD).status_code == 302
        return opened[-1]

    yield sign_in
    for desk in opened:
        desk.session.close()


def visited(site: Site) -> None:
    """Three people in Xã Một, two vaccinated (one in the last week), and one in Xã Hai who is not."""
    people = (("A", "1980-05-04", "2021-08-10"), ("B", "1981-05-04", "2022-08-30"), ("C", "1982-05-04", ""))
    phone = site.phone()
    phone.send(House("uuid:one", today="2022-08-31", people=people).form())
    phone.send(
        House(
            "uuid:two",
            commune="00002",
            hamlet="0000201",
            location="22.05 105.15 300 6.5",
            today="2022-08-31",
            people=(("D", "1980-05-04", ""),),
        ).form()
    )


def words_of(page: str) -> str:
    return " ".join(" ".join(html.fromstring(page).xpath("//main//text()")).split())


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


def test_the_page_says_where_the_area_stands(site: Site, open_desk: Callable[..., Desk]) -> None:
    visited(site)
    desk = open_desk("supervisor", "001")
    # 90 % of 4 is 3.6, so 4 are wanted and 2 are there. One of the two had the dose in the last week.
    whole = words_of(desk.get(f"/targets?{DAY}&lang=en").text)
    assert "Undecided: 50% so far against a target of 90%, 2 more people needed; no deadline is set" in whole
    assert "in the last 7 days 0.1 people a day were vaccinated, to get there in a week takes 1 a day" in whole
    vietnamese = words_of(desk.get(f"/targets?{DAY}&lang=vi").text)
    assert "Chưa kết luận: đến nay 50 % trên 90 %, còn thiếu 2 người; không đặt hạn" in vietnamese
    assert "7 ngày qua tiêm 0,1 người/ngày, muốn đạt trong một tuần cần 1 người/ngày." in vietnamese
    commune = html.fromstring(desk.get(f"{COMMUNE}&lang=en").text)
    assert "66.6%" in " ".join(commune.xpath("//p[@class='standing-words']//text()"))
    # By hamlets, worst first: one hardly visited, one without data.
    assert [
        row.strip() for row in commune.xpath("//section[@aria-labelledby='ranking']//th[@scope='row']/a/text()")
    ] == [
        "Thôn Đông",
        "Thôn Tây",
    ]


def test_the_ranking_leads_into_units_and_to_the_people_due(site: Site, open_desk: Callable[..., Desk]) -> None:
    visited(site)
    desk = open_desk("supervisor", "001")
    page = html.fromstring(desk.get(f"/targets?{DAY}&level=commune").text)
    links = page.xpath("//section[@aria-labelledby='ranking']//tbody//a/@href")
    assert links
    for link in links:
        answer = desk.get(link)
        assert answer.status_code == 200
        assert "commune%3A0000" in link
    due = [link for link in links if "state=due" in link]
    assert [link.partition("?")[0] for link in due] == ["/people"] * 2
    assert [link.partition("?")[0] for link in links].count("/targets") == 2


def test_the_ranking_is_downloaded_as_a_table(site: Site, open_desk: Callable[..., Desk]) -> None:
    visited(site)
    rows = rows_of(open_desk("supervisor", "001").get(f"/targets.csv?{DAY}&level=commune&lang=en").text)
    assert [(row["Code"], row["Vaccinated"], row["Eligible"], row["Coverage"]) for row in rows] == [
        ("00002", "0", "1", "0.0000"),
        ("00001", "2", "3", "0.6667"),
    ]
    assert {row["Target"] for row in rows} == {"0.9000"}
    assert [row["Still needed"] for row in rows] == ["1", "1"]
    narrow = rows_of(open_desk("supervisor", "00002").get(f"/targets.csv?{DAY}&level=commune&lang=en").text)
    assert [row["Code"] for row in narrow] == ["00002"]


def test_a_target_of_its_own_is_set_on_the_page_and_taken_back(site: Site, open_desk: Callable[..., Desk]) -> None:
    visited(site)
    desk = open_desk("supervisor", "001")
    desk.get(COMMUNE)
    typed = SERIES | {"area": "commune:00001", "target": "66,6", "deadline": "2022-09-10"}
    assert desk.post("/targets/target", **typed).status_code == 302
    shown = words_of(desk.get(f"{COMMUNE}&lang=en").text)
    assert "against a target of 66.6%" in shown
    assert "10 days left until the deadline, 10 Sep 2022 (9 without Sundays)" in shown
    found = desk.get("/api/coverage?campaign=mini&group=5_plus&dose=1&level=commune&date=2022-08-31").json()
    assert {unit["code"]: unit.get("target") for unit in found["units"]} == {"00001": 0.666, "00002": None}
    assert next(unit for unit in found["units"] if unit["code"] == "00001")["deadline"] == "2022-09-10"
    assert desk.post("/targets/target", **(typed | {"target": "90"})).status_code == 302
    short = words_of(desk.get(f"{COMMUNE}&lang=en").text)
    assert "can be vaccinated by the deadline: 1" in short
    assert "refused: 0" not in short  # of whom there is nobody, nothing is said
    assert desk.post("/targets/target", **typed).status_code == 302
    refused = desk.post("/targets/target", **(typed | {"target": "120"}))
    assert refused.status_code == 400
    assert "120" in words_of(refused.text)
    assert "against a target of 66.6%" in words_of(desk.get(f"{COMMUNE}&lang=en").text)
    assert desk.post("/targets/target", **typed, remove="1").status_code == 302
    assert "against a target of 90%" in words_of(desk.get(f"{COMMUNE}&lang=en").text)


def test_nobody_else_sets_targets_or_names_people(site: Site, open_desk: Callable[..., Desk]) -> None:
    visited(site)
    typed = SERIES | {"area": "commune:00001"}
    before = site.rows("area_targets", "responsible")
    for role, areas in (("supervisor", ["00002"]), ("commune_supervisor", ["00002"]), ("planner", [])):
        desk = open_desk(role, *areas)
        desk.get(f"/targets?{DAY}")
        assert desk.post("/targets/target", **typed, target="50").status_code == 403, role
        assert desk.post("/targets/responsible", **typed, name="Nông Văn A").status_code == 403, role
        assert desk.get(f"{COMMUNE}").status_code == (404 if areas else 200)
    # A commune's own supervisor names who answers for it, but gives it no easier target.
    chief = open_desk("commune_supervisor", "00001")
    page = chief.get(COMMUNE).text
    assert 'action="/targets/target"' not in page
    assert 'action="/targets/responsible"' in page
    assert chief.post("/targets/target", **typed, target="50").status_code == 403
    assert site.rows("area_targets", "responsible") == before
    assert site.get("/targets").status_code == 302
    assert site.get("/targets", site.user("canvasser", "0000101").token).status_code == 403


def test_who_answers_is_shown_to_readers_and_the_phone_to_overseers(site: Site, open_desk: Callable[..., Desk]) -> None:
    visited(site)
    chief = open_desk("commune_supervisor", "00001")
    chief.get(COMMUNE)
    typed = SERIES | {"area": "commune:00001", "name": "Nông Văn Chủ", "position": "Chủ tịch xã"}
    assert chief.post("/targets/responsible", **typed, phone="12").status_code == 400
    assert chief.post("/targets/responsible", **typed, phone="0912 345 678").status_code == 302
    for desk, reads in ((chief, True), (open_desk("supervisor", "001"), True), (open_desk("planner"), False)):
        for address in (COMMUNE, f"/targets?{DAY}&level=commune"):
            shown = words_of(desk.get(address).text)
            assert "Nông Văn Chủ" in shown
            assert "Chủ tịch xã" in shown
            assert ("0912 345 678" in shown) == reads
    assert "Nông Văn Chủ" not in words_of(open_desk("supervisor", "00002").get(f"/targets?{DAY}&level=commune").text)
    table = open_desk("planner").get(f"/targets.csv?{DAY}&level=commune").text
    assert "Nông Văn Chủ" in table
    assert "0912" not in table


def test_a_list_is_downloaded_filled_in_and_uploaded(site: Site, open_desk: Callable[..., Desk]) -> None:
    visited(site)
    desk = open_desk("commune_supervisor", "00001")
    rows = list(
        csv.reader(io.StringIO(desk.get(f"/targets/responsible.csv?{DAY}&lang=vi").text.removeprefix("\ufeff")))
    )
    assert rows[0] == ["cấp", "mã", "nơi", "họ tên", "chức vụ", "điện thoại"]
    assert [row[1] for row in rows[1:]] == ["00001", "0000101", "0000102"]
    rows[1][3:] = ["Nông Văn Chủ", "Chủ tịch xã", "0912345678"]
    rows[2][3:] = ["Lý Thị Trưởng", "Trưởng thôn", ""]
    desk.get(f"/targets?{DAY}")

    def send(content: str) -> int:
        typed = SERIES | {"csrf_token": desk.csrf}
        files = {"file": ("list.csv", content.encode(), "text/csv")}
        address = f"{desk.url}/targets/responsible-list"
        return desk.session.post(address, data=typed, files=files, timeout=60, allow_redirects=False).status_code

    text = "\n".join(",".join(row) for row in rows)
    assert send(text + "\ncommune,00002,,Người khác,,") == 403
    assert send(text + "\ncommune,00009,,Người khác,,") == 400
    assert site.rows("responsible")["responsible"] == set()
    assert send(text) == 302
    shown = words_of(desk.get(COMMUNE).text)
    assert "Nông Văn Chủ" in shown
    assert "Lý Thị Trưởng" in shown
    assert open_desk("planner").get(f"/targets/responsible.csv?{DAY}").status_code == 403


def test_the_trail_tells_who_set_what_and_names_nobody(site: Site, open_desk: Callable[..., Desk]) -> None:
    visited(site)
    desk = open_desk("administrator")
    desk.get(COMMUNE)
    typed = SERIES | {"area": "commune:00001"}
    desk.post("/targets/target", **typed, target="80")
    desk.post("/targets/responsible", **typed, name="Nông Văn Chủ", phone="0912 345 678")
    trail = words_of(desk.get("/audit?lang=en").text)
    assert "target of an area set" in trail
    assert "person responsible named" in trail
    assert "Xã Một" in trail
    assert "80 %" in trail
    assert "Nông Văn Chủ" not in trail
    assert "0912" not in trail


@pytest.mark.parametrize("width", [1366, 390])
def test_a_supervisor_names_somebody_with_the_keyboard(open_page: Pages, sqlite_site: Site, width: int) -> None:
    visited(sqlite_site)
    page = at_desk(open_page(width), sqlite_site, "supervisor", "001")
    page.goto(f"{sqlite_site.url}{COMMUNE}")
    assert page.viewport_size == {"width": width, "height": HEIGHTS[width]}
    page.locator("summary", has_text="Người phụ trách Xã Một").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("Nông Văn Chủ")
    page.keyboard.press("Tab")
    page.keyboard.type("Chủ tịch xã")
    page.keyboard.press("Enter")
    expect(page.locator(".notice-good")).to_be_visible()
    expect(page.locator(".standing")).to_contain_text("Nông Văn Chủ")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert open_page.problems == []
