"""The page of a unit, and the same for programs: figures, history, least access; on two boundary sets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import html
from playwright.sync_api import expect

from mapper.domain.succession import Heir, Succession
from mapper.store import reference as kept
from mapper.store import successions
from mapper.store.successions import ToldSuccession
from tests.browser import Pages, stands
from tests.client.site import House, Site
from tests.web.test_every_set import import_later, main_of
from tests.web.test_menu import PASSWORD, at_desk
from tests.web.test_sign_in import Desk
from tests.web.test_trends import visit

DECREE = "Nghị quyết thử 5"
Q = "campaign=mini&group=5_plus&dose=1&lang=en"


@pytest.fixture
def site(sqlite_site: Site, tmp_path: Path) -> Site:
    """Four houses, the second set, and what became of the two communes: each went whole, under another code."""
    visit(sqlite_site)
    import_later(sqlite_site, tmp_path)
    heirs = Succession((Heir("00001", "00005", True, 1.0, DECREE), Heir("00002", "00001", True, 1.0, DECREE)))
    database = sqlite_site.reference.database
    with database.write() as connection:
        about = ToldSuccession("squares", "later", "crosswalk", DECREE, "[]", "2026-01-01T00:00:00")
        successions.save(connection, about, heirs)
        kept.raise_revision(database, connection)
    return sqlite_site


@pytest.fixture
def desk(site: Site) -> Iterator[Desk]:
    with at_desk(site, "administrator") as made:
        yield made


def words(page: str) -> str:
    return " ".join(html.fromstring(page).xpath("//main")[0].text_content().split())


def test_a_unit_s_page_tells_what_it_was_with_the_way_there_and_warns_of_a_code_of_two_places(desk: Desk) -> None:
    page = desk.get(f"/unit/later/commune/00005?{Q}&date=2022-08-31").text
    told = words(page)
    assert "Tỉnh Mới › Xã Tây" in told
    assert f"Until 30 Jun 2025 (Hai ô vuông): Xã Một of Huyện A, Tỉnh B. Source: {DECREE}" in told
    link = html.fromstring(page).xpath("//a[text()='Xã Một']/@href")[0]
    assert link.startswith("/unit/squares/commune/00001?") and "date=2022-08-31" in link
    old = words(desk.get(link).text)
    assert "From 1 Jul 2025 (Từ tháng 7): Xã Tây of Tỉnh Mới" in old
    assert "The code 00001 was given to two places: in Từ tháng 7 (from 1 Jul 2025) it means Phường Đông" in old
    # The same people, told of the new ground and of the old.
    row = re.compile(r"5 and older, Dose 1 (\d+) (\d+) ([\d.]+%)")
    assert row.findall(told) == row.findall(old) != []


def test_figures_of_the_page_are_those_of_the_map_and_lead_to_the_people(desk: Desk) -> None:
    unit = next(
        one
        for one in desk.get(f"/api/coverage?{Q}&level=commune&set=later&date=2022-08-31").json()["units"]
        if one["code"] == "00005"
    )
    page = desk.get(f"/unit/later/commune/00005?{Q}&date=2022-08-31").text
    told = words(page)
    assert f"5 and older, Dose 1 {unit['vaccinated']} {unit['eligible']}" in told
    (address,) = {
        each
        for each in html.fromstring(page).xpath("//section[@aria-labelledby='figures']//a[@class='figure']/@href")
        if "state=eligible" in each
    }
    assert f"<b>{unit['eligible']} people</b>" in desk.get(f"{address}&lang=en").text
    # What lies within are its hamlets.
    assert "Thôn Đông" in told and "Thôn Tây" in told and "Bản Nam" not in told
    for link in html.fromstring(page).xpath("//section[@aria-labelledby='figures']//p[@class='picks']/a/@href"):
        assert desk.get(link).status_code == 200, link


def test_the_curve_marks_the_day_of_the_change_and_is_the_same_on_both_sides_of_it(site: Site, desk: Desk) -> None:
    site.phone().send(House("uuid:late", today="2025-09-01", people=(("H", "1990-01-01", "2025-08-30"),)).form())
    pages = {
        set_id: desk.get(f"/trends/coverage.csv?{Q}&date=2025-09-10&set={set_id}&area=commune:{code}").text
        for set_id, code in (("squares", "00001"), ("later", "00005"))
    }
    old, new = ([line for line in text.splitlines() if re.match(r"\d{4}-", line)] for text in pages.values())
    assert old == new and len(old) > 1000
    drawn = desk.get(f"/trends/coverage.svg?{Q}&date=2025-09-10&set=later&area=commune:00005").text
    assert 'id="change"' in drawn and "New boundaries 1 Jul 2025" in drawn
    assert 'id="change"' not in desk.get(f"/trends/coverage.svg?{Q}&date=2022-08-31&set=later").text


def test_programs_get_the_same_history(site: Site) -> None:
    token = site.user("planner").token
    told = site.get("/api/units/later/commune/00005", token).json()
    assert (told["name"], told["level"], told["set"]["valid_from"]) == ("Xã Tây", "commune", "2025-07-01")
    assert told["around"] == [{"level": "province", "code": "02", "name": "Tỉnh Mới"}]
    assert told["history"] == [
        {
            "set": {"id": "squares", "label": "Hai ô vuông", "valid_from": "2020-01-01", "valid_to": "2025-06-30"},
            "later": False,
            "measured": False,
            "units": [
                {
                    "level": "commune",
                    "code": "00001",
                    "name": "Xã Một",
                    "around": ["Huyện A", "Tỉnh B"],
                    "whole": True,
                    "share": 1.0,
                    "sources": [DECREE],
                }
            ],
        }
    ]
    assert told["same_code"] == []
    (same,) = site.get("/api/units/later/commune/00001", token).json()["same_code"]
    assert (same["name"], same["elsewhere"]) == ("Xã Một", True)
    for address in ("later/commune/00009", "mars/commune/00005", "later/street/1", "later/hamlet/0000101"):
        assert site.get(f"/api/units/{address}", token).status_code == 404, address
    assert site.get("/api/units/later/commune/00005").status_code == 401


def test_who_may_see_one_commune_opens_its_pages_of_every_set_and_no_other_s(site: Site) -> None:
    site.user("commune_supervisor", "squares:00001", name="one", password=PASSWORD)
    token = site.user("commune_supervisor", "squares:00001").token
    desk = Desk(site)
    desk.sign_in("one", PASSWORD)
    with desk.session:
        for address, status in (
            ("squares/commune/00001", 200),
            ("later/commune/00005", 200),
            ("squares/district/001", 200),
            ("squares/commune/00002", 404),
            ("later/commune/00001", 404),
        ):
            assert desk.get(f"/unit/{address}?{Q}&date=2022-08-31").status_code == status, address
            assert site.get(f"/api/units/{address}", token).status_code == status, address
        # Of the district it sees a part, and is told so; of the other commune there is nothing.
        shown = main_of(desk.get(f"/unit/squares/district/001?{Q}&date=2022-08-31").text)
        assert "You see a part of this place alone" in shown
        assert "Xã Hai" not in shown


def test_who_sees_the_half_of_a_new_commune_finds_it_with_their_own_people_alone(site: Site, tmp_path: Path) -> None:
    site.user("supervisor", "hamlet:0000102", name="half", password=PASSWORD)
    desk = Desk(site)
    desk.sign_in("half", PASSWORD)
    with desk.session:
        page = desk.get(f"/unit/later/commune/00005?{Q}&date=2022-08-31").text
        assert "You see a part of this place alone" in page
        assert "Thôn Tây" in page and "Thôn Đông" not in page
        assert '<option value="commune:00005"' in desk.get(f"/people?{Q}&set=later&date=2022-08-31").text


def test_a_canvasser_opens_no_page_of_a_unit(site: Site) -> None:
    token = site.user("canvasser", "squares:00001").token
    assert site.get("/api/units/squares/commune/00001", token).status_code == 403
    assert site.get("/unit/squares/commune/00001", token).status_code in (302, 403)


@pytest.mark.long
def test_the_map_keeps_a_set_over_a_change_of_the_day_says_so_and_leads_to_the_unit(
    open_page: Pages, site: Site
) -> None:
    site.user("administrator", name="an", password=PASSWORD)
    page = open_page(1366)
    page.goto(f"{site.url}/sign-in?next=/map%3F{Q.replace('&', '%26')}%26date=2022-08-31%26level=commune%26set=squares")
    page.locator("[name=name]").fill("an")
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("main button[type=submit]").click()
    chosen = page.locator("select[name=set]")
    expect(chosen.locator("option")).to_have_text(["Từ tháng 7 (from 1 Jul 2025)", "Hai ô vuông (until 30 Jun 2025)"])
    expect(chosen).to_have_value("squares")
    note = page.locator("#set-note")
    expect(note).to_be_hidden()
    page.locator("#date").fill("2025-08-31")
    expect(note).to_contain_text("which were not in force on")
    expect(chosen).to_have_value("squares")
    expect(page.locator("a[href='/targets?set=squares']")).to_have_count(1)
    note.get_by_role("button").click()
    expect(chosen).to_have_value("later")
    expect(note).to_be_hidden()
    expect(page.locator("a[href='/targets']")).to_have_count(1)
    open_page.settle(page)
    page.locator(".row-button", has_text="Tây").click()
    link = page.get_by_role("link", name="About this place")
    stands(link)  # the map makes room for what opened
    link.hover()
    page.mouse.down()
    page.evaluate("document.getElementById('date').value = '2025-08-30'")
    with page.expect_response(lambda answer: "date=2025-08-30" in answer.url and "/api/coverage" in answer.url):
        page.locator("#date").dispatch_event("change")
    open_page.settle(page)
    page.mouse.up()  # figures that came between press and release have not taken the link away
    expect(page.locator("h1")).to_have_text("Xã Tây")
