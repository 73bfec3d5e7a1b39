"""The page of clusters: who sees it, the search behind it, what it says of each cluster, and the same for the map."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from lxml import html

from mapper.language import translate
from mapper.services import hot_spots as service
from mapper.services.background import Progress
from mapper.services.hot_spots import Found, Overview, Spot
from mapper.services.reference import Reference
from mapper.web.hot_spots import bare, percent, tonight, why
from tests.browser import Pages
from tests.client.site import House, Site
from tests.services.town import EVERYTHING
from tests.web.test_browser_fill import until
from tests.web.test_sign_in import NAME, PASSWORD, Desk

DAY = "2022-08-31"
PATIENCE_S = 60


def house(number: int, hamlet: str, vaccinated: int, of: int, **other: str) -> House:
    people = tuple((f"Người {n}", "1980-05-04", "2021-08-10" if n < vaccinated else "") for n in range(of))
    return House(f"uuid:{number}", hamlet=hamlet, commune=hamlet[:5], people=people, **other)


def visit(site: Site) -> None:
    """In four houses of three nobody is vaccinated in 0000101; everybody is in five of each of the other hamlets."""
    phone = site.phone()
    for number in range(14):
        if number < 4:
            one = house(number, "0000101", 0, 3)
        elif number < 9:
            one = house(number, "0000102", 3, 3, location="22.02 105.08 300 6.5")
        else:
            one = house(number, "0000201", 3, 3, location="22.05 105.15 300 6.5")
        phone.send(one.form())


@pytest.fixture
def desk(sqlite_site: Site) -> Iterator[Desk]:
    """A supervisor of the district, signed in."""
    sqlite_site.user("supervisor", "001", name=NAME, password=PASSWORD)
    made = Desk(sqlite_site)
    assert made.sign_in().status_code == 302
    yield made
    made.session.close()


def searched(desk: Desk, **asked: str) -> dict[str, Any]:
    """What the map gets when the search is over."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        answer = desk.get("/api/hot-spots", date=DAY, **asked)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        if body["stage"] == "done":
            return body
        time.sleep(0.05)
    raise AssertionError("the search never ended")


def text_of(page: str) -> str:
    return " ".join(html.fromstring(page).text_content().split())


def test_a_cluster_is_told_in_one_sentence_with_its_hamlets_and_people(sqlite_site: Site, desk: Desk) -> None:
    visit(sqlite_site)
    body = searched(desk)
    page = desk.get("/hot-spots", date=DAY)
    assert page.status_code == 200
    # Of the 1001 ways of choosing four of the fourteen houses this is one.
    told_why = (
        "Thôn Đông (Xã Một): 12 trong 12 người chưa tiêm, nơi khác không ai; nếu chỉ do tình cờ thì không quá 1 trong "
        "1.000 lần các gia đình mới dồn lại như vậy. "
    )
    to_do = "Tối nay: giao danh sách 4 nhà có 12 người tiêm được ngay."
    assert told_why + to_do in text_of(page.text)
    assert "Tính tình cờ theo cả gia đình (14 nhà)" in text_of(page.text)
    assert "chưa đi hết nhà, chưa chắc" in text_of(page.text)
    assert "private, no-store" in page.headers["Cache-Control"]
    (feature,) = body["features"]
    told = feature["properties"]
    assert told["sentence"] == told_why + to_do
    assert feature["geometry"] == {"type": "Point", "coordinates": [105.05, 22.05]}
    assert (told["hamlets"], told["unvaccinated"], told["eligible"], told["due"]) == (["0000101"], 12, 12, 12)
    assert (told["radius_m"], told["expected"], told["relative_risk"], told["p"]) == (250, 3.4, None, 0.001)
    # Four houses of ten were asked.
    assert told["unfinished"] == ["0000101"]
    assert (body["type"], body["current"]) == ("FeatureCollection", True)
    for name in ("Người 1", "1980"):
        assert name not in page.text


def test_an_area_is_searched_alone_and_too_few_hamlets_say_so(sqlite_site: Site, desk: Desk) -> None:
    visit(sqlite_site)
    assert searched(desk, area="commune:00001")["features"] == []
    page = text_of(desk.get("/hot-spots", date=DAY, area="commune:00001").text)
    assert "Chỉ 2 thôn có số liệu" in page
    assert "Bản Nam" not in page
    assert desk.get("/hot-spots", date=DAY, area="commune:99999").status_code == 404


def test_forms_that_came_in_since_are_told_and_searched_when_asked(sqlite_site: Site, desk: Desk) -> None:
    visit(sqlite_site)
    searched(desk)
    sqlite_site.phone().send(house(14, "0000101", 0, 3).form())
    assert searched(desk)["current"] is False
    page = desk.get("/hot-spots", date=DAY).text
    assert "Từ đó đã có thêm phiếu gửi về" in text_of(page)
    (again,) = html.fromstring(page).xpath("//section[@aria-labelledby='clusters']//a[contains(., 'Tìm lại')]/@href")
    assert desk.get(again).status_code == 200
    assert searched(desk)["current"] is True
    assert searched(desk)["features"][0]["properties"]["unvaccinated"] == 15


def test_hamlets_where_nobody_went_are_no_cluster_but_without_figures(sqlite_site: Site, desk: Desk) -> None:
    visit(sqlite_site)
    asked = {"date": "2021-03-08"}
    page = text_of(desk.get("/hot-spots", date=DAY).text)
    assert "Chưa có số liệu" not in page
    for number in range(4):
        absent = house(number, "0000101", 0, 3).edited(f"uuid:9{number}", outcome="absent", people=())
        sqlite_site.phone().send(absent.form())
    page = text_of(desk.get("/hot-spots", date=DAY).text)
    assert "Chưa có số liệu 1 Các thôn này chưa hỏi được nhà nào." in page
    assert "Thôn Đông (Xã Một)." in page
    assert desk.get("/hot-spots", **asked).status_code == 200


def test_a_search_that_fails_is_told_and_tried_again(
    sqlite_site: Site, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit(sqlite_site)

    def fail(*_: object) -> Found:
        raise RuntimeError

    with monkeypatch.context() as while_broken:
        while_broken.setattr(service, "search", fail)
        desk.get("/hot-spots", date=DAY)
        end = time.monotonic() + PATIENCE_S
        while desk.get("/hot-spots/progress", date=DAY).json()["stage"] != "failed":
            assert time.monotonic() < end
        page = desk.get("/hot-spots", date=DAY)
        assert "Máy chủ tìm không thành công" in text_of(page.text)
        assert "Mọi thôn, thấp nhất trước" in text_of(page.text)
    (again,) = html.fromstring(page.text).xpath("//p[contains(@class, 'notice-trouble')]/a/@href")
    desk.get(again)
    assert len(searched(desk)["features"]) == 1


def test_a_day_without_figures_is_refused_before_a_search_is_begun(
    sqlite_site: Site, desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    for day, said in (("1999-01-01", "begin on"), ("2999-01-01", "end on")):
        for address in ("/api/hot-spots", "/hot-spots/progress", "/hot-spots"):
            answer = desk.get(address, date=day, lang="en")
            assert (answer.status_code, said in answer.text) == (400, True), answer.text
    assert not [one for one in caplog.records if "background" in one.message]


def test_only_who_reads_figures_sees_clusters_and_only_of_their_area(sqlite_site: Site) -> None:
    visit(sqlite_site)
    assert sqlite_site.get("/hot-spots").status_code == 302
    assert sqlite_site.get("/hot-spots/progress").status_code == 302
    assert sqlite_site.get("/api/hot-spots").status_code == 401
    canvasser = sqlite_site.user("canvasser", "001").token
    assert sqlite_site.get("/api/hot-spots", canvasser).status_code == 403
    other = sqlite_site.user("commune_supervisor", "00002", name="Xã Hai", password=PASSWORD)
    desk = Desk(sqlite_site)
    assert desk.sign_in(other.name).status_code == 302
    for path in ("/hot-spots", "/api/hot-spots"):
        seen = desk.get(path, date=DAY).text
        assert "Đông" not in seen
        assert "0000101" not in seen
        assert desk.get(path, date=DAY, area="commune:00001").status_code == 404
    assert searched(desk)["features"] == []
    desk.session.close()


def test_the_page_shows_how_far_the_search_is_and_then_its_clusters(
    sqlite_site: Site, open_page: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit(sqlite_site)
    go_on, search = threading.Event(), service.search

    def slow(reference: Reference, user: Any, of: Overview, progress: Progress) -> Found:
        progress(0.4)
        assert go_on.wait(PATIENCE_S)
        return search(reference, user, of)

    monkeypatch.setattr(service, "search", slow)
    sqlite_site.user("supervisor", "001", name=NAME, password=PASSWORD)
    page = open_page()
    page.goto(f"{sqlite_site.url}/sign-in?next=/hot-spots?date={DAY}")
    page.locator("[name=name]").fill(NAME)
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("main button[type=submit]").click()
    page.wait_for_url("**/hot-spots*")
    bar = page.get_by_role("progressbar")
    assert bar.is_visible()
    assert "999" in page.locator("label[for=work-share]").inner_text()
    # The figures are there meanwhile.
    assert page.get_by_role("row", name="Thôn Đông").is_visible()
    until(page, "document.getElementById('work-share').value === 0.4")
    go_on.set()
    page.locator(".hot-spot-why").first.wait_for()
    assert (
        page.locator(".hot-spot-why").first.inner_text().startswith("Thôn Đông (Xã Một): 12 trong 12 người chưa tiêm")
    )
    assert page.locator("progress").count() == 0
    page.locator(".hot-spot summary").focus()
    page.keyboard.press("Enter")
    assert page.locator(".hot-spot tbody tr").is_visible()


@pytest.fixture
def spot(sqlite_site: Site) -> Spot:
    """A flagged hamlet."""
    visit(sqlite_site)
    question = service.Question("mini", "5_plus", "1", date.fromisoformat(DAY), "hamlet")
    return service.search(
        sqlite_site.reference, EVERYTHING, service.overview(sqlite_site.reference, EVERYTHING, question)
    ).spots[0]


def test_the_sentence_names_the_hamlets_the_share_elsewhere_the_chance_and_what_to_do(spot: Spot) -> None:
    wide = replace(spot, rows=spot.rows * 5, unvaccinated=31, eligible=60, relative_risk=2.149, p=0.001)
    assert why(wide, 999) == (
        "5 thôn (Đông, Đông, Đông, Đông, …): 31 trong 60 người chưa tiêm, gấp 2,1 lần nơi khác; "
        "nếu chỉ do tình cờ thì không quá 1 trong 1.000 lần các gia đình mới dồn lại như vậy."
    )
    likely = replace(wide, rows=spot.rows, p=0.013, relative_risk=1.96, due=1200, due_houses=310)
    assert why(likely, 999) == (
        "Thôn Đông (Xã Một): 31 trong 60 người chưa tiêm, gấp 2,0 lần nơi khác; "
        "nếu chỉ do tình cờ thì khoảng 13 trong 1.000 lần các gia đình mới dồn lại như vậy."
    )
    assert tonight(likely) == "Tối nay: giao danh sách 310 nhà có 1.200 người tiêm được ngay."
    assert tonight(replace(spot, due=0, due_houses=0)) == (
        "Tối nay: ở đó chưa có ai tiêm được ngay; xem vì sao, rồi cử người đến nói chuyện."
    )


def test_what_is_no_cluster_and_what_is_too_little_to_say_are_told_apart(sqlite_site: Site, desk: Desk) -> None:
    phone = sqlite_site.phone()
    sites = {"0000101": "22.05 105.05 300 6.5", "0000102": "22.02 105.08 300 6.5", "0000201": "22.05 105.15 300 6.5"}
    for number, (hamlet, at) in enumerate(sites.items()):
        phone.send(house(number, hamlet, 3, 3, location=at).form())
    assert searched(desk)["features"] == []
    assert "Trong các nhà đã hỏi ở 3 thôn này, không còn ai chưa tiêm." in text_of(
        desk.get("/hot-spots", date=DAY).text
    )
    phone.send(house(7, "0000101", 0, 3).form())
    desk.get("/hot-spots", date=DAY, again=1)
    searched(desk)
    assert "Chỉ còn 1 nhà có người chưa tiêm: quá ít" in text_of(desk.get("/hot-spots", date=DAY).text)
    for number, (hamlet, at) in enumerate(sites.items(), 10):
        phone.send(house(number, hamlet, 2, 3, location=at).form())
    desk.get("/hot-spots", date=DAY, again=1)
    searched(desk)
    assert "Không có cụm: ở 3 thôn này" in text_of(desk.get("/hot-spots", date=DAY).text)


def test_numbers_are_written_as_readers_write_them() -> None:
    assert [percent(each) for each in (None, 0, 0.5, 0.9999, 1, 0.123)] == [
        "–",
        "0\u202f%",
        "50\u202f%",
        "99,9\u202f%",
        "100\u202f%",
        "12,3\u202f%",
    ]
    assert [bare(each) for each in ("Thôn Lủng Cáng", "Bản Nam", "Thôn 1", "Phố Mới")] == [
        "Lủng Cáng",
        "Nam",
        "Thôn 1",
        "Phố Mới",
    ]


def test_english_readers_get_the_same_in_english(sqlite_site: Site, desk: Desk) -> None:
    visit(sqlite_site)
    searched(desk)
    page = text_of(desk.get("/hot-spots", date=DAY, lang="en").text)
    assert "12 of 12 people not vaccinated, and nobody elsewhere" in page
    assert "bring families together like this at most 1 in 1,000 times. Tonight: hand out 4 houses" in page
    assert translate("Every hamlet, the lowest first", "en") in page
