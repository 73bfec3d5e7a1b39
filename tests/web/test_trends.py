"""The page of the course over time: its numbers, its pictures and its files, and who sees them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping

import pytest
from lxml import html
from lxml.html import HtmlElement
from PIL import Image
from playwright.sync_api import expect

from mapper.services import ways
from mapper.store import reference as kept
from tests.browser import Pages
from tests.charts.test_pictures import Read
from tests.client.site import House, Site
from tests.web.test_browser_fill import until
from tests.web.test_sign_in import NAME, PASSWORD, Desk

DAY = "2022-08-31"
ASKED = {"campaign": "mini", "group": "5_plus", "dose": "1", "date": DAY, "set": "squares", "lang": "en"}
KINDS = ("coverage", "doses", "pyramid")


def visit(site: Site) -> None:
    """Four houses: three doses in the last days, one long before, two people without, a child of two."""
    phone = site.phone()
    for house in (
        House("uuid:1", today="2022-08-31", people=(("A", "1980-05-04", "2022-08-31"), ("B", "1990-01-01", ""))),
        House("uuid:2", today="2022-08-31", people=(("C", "2013-05-04", "2022-08-31"), ("D", "2020-01-01", ""))),
        House("uuid:3", today="2022-08-25", people=(("E", "1970-05-04", "2022-08-25"),), hamlet="0000102"),
        House(
            *("uuid:4", "", "F", "00002", "0000201", "22.05 105.15 300 6.5"),
            today="2022-08-10",
            people=(("F", "1950-05-04", "2021-08-10"), ("G", "1980-05-04", "")),
        ),
    ):
        phone.send(house.form())


@pytest.fixture
def desk(sqlite_site: Site) -> Iterator[Desk]:
    """A supervisor of the district, signed in."""
    visit(sqlite_site)
    sqlite_site.user("supervisor", "001", name=NAME, password=PASSWORD)
    made = Desk(sqlite_site)
    assert made.sign_in().status_code == 302
    yield made
    made.session.close()


def page(desk: Desk, **asked: str) -> HtmlElement:
    answer = desk.session.get(f"{desk.url}/trends", params=ASKED | asked, timeout=60)
    assert answer.status_code == 200, answer.text
    return html.fromstring(answer.text)


def words(found: HtmlElement) -> str:
    return " ".join(found.text_content().split())


def rows(table: HtmlElement) -> list[list[str]]:
    """Heads and rows of a table."""
    return [[words(cell) for cell in row.xpath("th|td")] for row in table.xpath(".//tr")]


def of_kind(found: HtmlElement, kind: str) -> HtmlElement:
    return found.xpath(f"//section[@aria-labelledby='{kind}']")[0]


def fetch(desk: Desk, path: str, **headers: str) -> tuple[int, bytes, Mapping[str, str]]:
    answer = desk.session.get(f"{desk.url}{path}", headers=headers, timeout=60, allow_redirects=False)
    return answer.status_code, answer.content, answer.headers


def as_shown(cell: str) -> str:
    """A cell of a file as the page writes it in English."""
    if cell == "":
        return "–"
    if len(cell) == 10 and cell[4] == cell[7] == "-":
        return f"{cell[8:]}/{cell[5:7]}/{cell[:4]}"
    return cell.replace("-", "−") if cell.lstrip("-").replace(".", "").isdigit() else cell


def test_the_page_tells_what_changed_and_how_coverage_moved(desk: Desk) -> None:
    found = page(desk)
    # Eligible are A, B, C, E, F and G; vaccinated A, C, E and F: two today and one six days ago.
    text = words(found)
    assert "On 31 Aug 2022, 4 of 6 people were vaccinated: 66.7%. Seven days before it was 16.7%." in text
    assert "To the target of 90%, 23.3 points are missing." in text
    assert "In the last 7 days, 0.4 more people a day hold the dose. In the 7 days before: 0.0." in text
    assert "Most on one day: 2, on 31 Aug 2022." in text
    assert "Since 30 Aug 2022: 2 more vaccinated, 2 fewer due; houses visited: 2." in text
    assert "Since 24 Aug 2022: 3 more vaccinated, 3 fewer due; houses visited: 3." in text
    assert "not on the day it was sent" in text
    (changed,) = of_kind(found, "changed").xpath(".//table")
    assert rows(changed) == [
        ["Area", "Vaccinated", "Due", "Refused", "Deferred", "Away", "Houses visited"],
        ["Xã Một", "+2", "−2", "0", "0", "0", "2"],
        ["All", "+2", "−2", "0", "0", "0", "2"],
    ]
    assert "Nothing changed in 1 other units." in text
    month = page(desk, since="30")
    assert rows(of_kind(month, "changed").xpath(".//table")[0])[1:] == [
        ["Xã Một", "+3", "−3", "0", "0", "0", "3"],
        ["Xã Hai", "0", "0", "0", "0", "0", "1"],
        ["All", "+3", "−3", "0", "0", "0", "4"],
    ]
    assert "4 vaccinated, 2 due, 0 others. Most of those due are" in words(of_kind(month, "pyramid"))


def test_the_table_behind_a_picture_is_the_file(desk: Desk) -> None:
    found = page(desk, span="30")
    for kind in ("changed", *KINDS):
        section = of_kind(found, kind)
        (address,) = section.xpath(".//a[contains(@href, '.csv')]/@href")
        (table,) = section.xpath(".//table")
        status, content, headers = fetch(desk, address)
        assert (status, headers["Content-Type"]) == (200, "text/csv; charset=utf-8")
        assert content.startswith(b"\xef\xbb\xbf")
        assert "attachment; filename=" in headers["Content-Disposition"]
        told, lines = [], csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""))
        for line in lines:
            if not line:
                break
            told.append(line)
        shown = [[as_shown(cell) for cell in line] for line in lines]
        if kind == "changed":
            shown = [shown[0], *([*row[:1], *(_signed(cell) for cell in row[1:-1]), row[-1]] for row in shown[1:])]
        assert shown == rows(table)
        assert ["Figures up to", DAY] in told
        assert ["Area", "All that you may see"] in told
        assert ["Boundaries", "Hai ô vuông (from 1 Jan 2020)"] in told
        assert ["Group", "5 and older"] in told
        assert ["Dose", "Dose 1"] in told
    assert len(rows(of_kind(found, "coverage").xpath(".//table")[0])) == 31


def _signed(cell: str) -> str:
    return f"+{cell}" if cell.isdigit() and cell != "0" else cell


def test_the_curve_is_that_of_every_day_by_itself(desk: Desk, sqlite_site: Site) -> None:
    table = rows(of_kind(page(desk, span="90"), "coverage").xpath(".//table")[0])
    assert table[0] == ["Day", "Vaccinated", "Eligible", "Coverage, %"]
    assert len(table) == 91
    token = sqlite_site.user("supervisor", "001").token
    for day, vaccinated, eligible, share in (*table[1:10], table[30], table[90]):
        total = sqlite_site.coverage(token, "commune", "-".join(reversed(day.split("/"))))["total"]
        assert isinstance(total, dict)
        assert (int(vaccinated), int(eligible)) == (total["vaccinated"], total["eligible"])
        assert share == (f"{100 * total['coverage']:.1f}" if total["eligible"] else "–")


def test_pictures_are_of_the_question_and_kept_by_the_browser(desk: Desk) -> None:
    found = page(desk, area="commune:00001")
    for kind in KINDS:
        section = of_kind(found, kind)
        (image,) = section.xpath(".//img")
        assert words(section.xpath(".//p[@class='finding']")[0]) in image.get("alt")
        wide, narrow = image.get("src"), section.xpath(".//source/@srcset")[0]
        for address in (wide, narrow):
            status, content, headers = fetch(desk, address)
            assert (status, headers["Content-Type"].partition(";")[0]) == (200, "image/svg+xml")
            assert headers["Cache-Control"] == "private, no-cache"
            texts = " ".join(Read(content).texts)
            assert "Xã Một · 5 and older · Dose 1" in texts
            assert "Figures up to 31 Aug 2022 · Hai ô vuông" in texts
            assert fetch(desk, address, **{"If-None-Match": headers["ETag"]})[0] == 304
        (saved,) = section.xpath(".//a[contains(@href, '.png')]/@href")
        status, content, headers = fetch(desk, saved)
        assert headers["Content-Disposition"] == f"attachment; filename={kind}-5_plus-1-00001-{DAY}.png"
        with Image.open(io.BytesIO(content)) as picture:
            assert picture.size == (1600, 840)
    assert "target" in Read(fetch(desk, of_kind(found, "coverage").xpath(".//img/@src")[0])[1]).ids


def test_what_is_counted_newly_is_in_the_next_picture(desk: Desk, sqlite_site: Site) -> None:
    address = of_kind(page(desk), "coverage").xpath(".//img/@src")[0]
    before = fetch(desk, address)
    sqlite_site.phone().send(House("uuid:5", today=DAY, people=(("H", "1980-05-04", DAY),)).form())
    after = fetch(desk, address, **{"If-None-Match": before[2]["ETag"]})
    assert after[0] == 200
    assert after[1] != before[1]
    assert "5 of 7 people were vaccinated" in words(page(desk))


def test_a_sample_says_so_in_the_picture_and_the_file(desk: Desk, sqlite_site: Site) -> None:
    reference = sqlite_site.reference
    with reference.database.write() as connection:
        kept.set_fact(reference.database, connection, "sample", "yes")
        kept.raise_revision(reference.database, connection)
    section = of_kind(page(desk), "doses")
    assert "Sample, not real" in Read(fetch(desk, section.xpath(".//img/@src")[0])[1]).texts
    assert b"Sample, not real" in fetch(desk, section.xpath(".//a[contains(@href, '.csv')]/@href")[0])[1]


def test_only_readers_see_them_and_only_their_own_area(desk: Desk, sqlite_site: Site) -> None:
    site = sqlite_site
    canvasser = site.user("canvasser", "0000101").token
    paths = ["/trends", "/trends/progress", "/trends/coverage.svg", "/trends/doses.csv", "/trends/pyramid.png"]
    for path in paths:
        assert site.get(path, **ASKED).status_code == 302
        assert site.get(path, canvasser, **ASKED).status_code in (302, 401, 403)
    site.user("commune_supervisor", "00002", name="xã hai", password=PASSWORD)
    other = Desk(site)
    assert other.sign_in("xã hai", PASSWORD).status_code == 302
    assert "1 of 2 people were vaccinated" in words(page(other))
    for path in paths:
        asked = ASKED | {"area": "commune:00001"}
        assert other.session.get(f"{site.url}{path}", params=asked, timeout=60).status_code == 404
    other.session.close()


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/trends?span=31", 400),
        ("/trends?since=x", 400),
        ("/trends/coverage.svg?span=-1", 400),
        ("/trends/coverage.gif", 404),
        ("/trends/changes.svg", 404),
        ("/trends/people.svg", 404),
        ("/trends?date=2020-01-01", 400),
    ],
)
def test_what_does_not_exist_is_told_so(desk: Desk, path: str, status: int) -> None:
    assert fetch(desk, path)[0] == status


def test_very_many_people_are_read_while_the_page_waits(
    open_page: Pages, desk: Desk, sqlite_site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ways, "AT_ONCE", 0)
    site, browser = sqlite_site, open_page()
    address = "/trends/pyramid.svg?" + "&".join(f"{name}={value}" for name, value in ASKED.items())
    status, told, _ = fetch(desk, address)
    assert status == 503
    assert b"still being read" in told
    browser.goto(f"{site.url}/sign-in")
    browser.locator("[name=name]").fill(NAME)
    browser.locator("[name=password]").fill(PASSWORD)
    browser.locator("main button[type=submit]").click()
    browser.wait_for_url("**/map*")
    browser.goto(f"{site.url}/trends?date={DAY}")
    expect(browser.locator("#live img")).to_have_attribute(
        "alt",
        "Hình: Đã tiêm và đến lượt tiêm theo tuổi. 4 người đã tiêm, 2 người đến lượt tiêm, 0 người khác. "
        "Người đến lượt tiêm nhiều nhất ở độ tuổi 30–34: 1 người.",
    )
    browser.locator("#live img").scroll_into_view_if_needed()
    until(browser, "[...document.images].every((each) => each.complete && each.naturalWidth > 0)")
    assert fetch(desk, address)[0] == 200
