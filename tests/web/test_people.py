"""The people behind a figure, and why they are not vaccinated, over HTTP: who may see them, and what the pages say."""

from __future__ import annotations

import re
import time

import pytest
import requests
from sqlalchemy import update

from mapper.services import people_list, ways
from mapper.store import tables
from tests.client.site import House, Site
from tests.web.test_follow_up import said
from tests.web.test_forms_page import manager

DAY = "2022-08-31"
NOBODY_YET = (("Nông Thị Mỷ", "1980-05-04", ""),)
QUESTION = f"group=5_plus&dose=1&date={DAY}"
PAGES = (f"/people?{QUESTION}", f"/people?{QUESTION}&houses=visited", f"/reasons?{QUESTION}")


@pytest.fixture
def visited(site: Site) -> Site:
    """Thôn Đông: one due, one vaccinated, one where nobody was at home; one due in Bản Nam, the next commune."""
    phone = site.phone()
    phone.send(House("uuid:due", head="Nông Văn Đức", people=NOBODY_YET).form())
    phone.send(House("uuid:done", location="22.051 105.05 300 6.5").form())
    phone.send(
        House("uuid:absent", head="Lý Thị Hoa", location="22.052 105.05 300 6.5", outcome="absent", people=()).form()
    )
    there = (("Lý Văn Xa", "1990-05-04", ""),)
    phone.send(
        House("uuid:other", commune="00002", hamlet="0000201", location="22.05 105.15 300 6", people=there).form()
    )
    return site


def links(page: requests.Response, start: str) -> dict[str, str]:
    """Addresses that begin so, with what their links say."""
    found = re.findall(rf'<a [^>]*href="({re.escape(start)}[^"]*)"[^>]*>(.*?)</a>', page.text, re.S)
    return {address.replace("&amp;", "&"): re.sub(r"<[^>]+>", "", text).strip() for address, text in found}


def total(page: requests.Response) -> int:
    """How many the page says that there are."""
    assert page.status_code == 200, page.text
    found = re.search(r'<p class="lead"><b>([\d.,]+)', page.text)
    assert found is not None
    return int(re.sub(r"\D", "", found[1]))


@pytest.mark.parametrize("path", PAGES)
def test_these_pages_are_for_readers_who_signed_in(sqlite_site: Site, path: str) -> None:
    reply = sqlite_site.get(path)
    assert (reply.status_code, reply.headers["Location"][:8]) == (302, "/sign-in")
    assert sqlite_site.get(path, sqlite_site.user("canvasser", "001").token).status_code == 403
    found = sqlite_site.get(path, sqlite_site.user("commune_supervisor", "00001").token)
    assert (found.status_code, found.headers["Cache-Control"]) == (200, "private, no-store")


def test_a_supervisor_of_another_commune_finds_nobody_of_this_one(visited: Site) -> None:
    here, there = (visited.user("commune_supervisor", code).token for code in ("00001", "00002"))
    path = f"/people?{QUESTION}"
    mine, theirs = said(visited.get(path, here)), said(visited.get(path, there))
    assert "Nông Thị Mỷ" in mine and "Lý Văn Xa" not in mine
    assert "Nông Thị Mỷ" not in theirs and "Lý Văn Xa" in theirs
    for where in ("commune:00001", "hamlet:0000101", "commune:nowhere"):
        for page in (path, f"{path}&houses=visited", f"/reasons?{QUESTION}"):
            reply = visited.get(f"{page}&area={where}", there)
            assert reply.status_code == 404
            assert "Mỷ" not in reply.text and "Đông" not in reply.text


def test_a_list_says_who_where_which_doses_and_why(visited: Site) -> None:
    page = visited.get(f"/people?{QUESTION}&state=due&lang=en", visited.user("supervisor", "001").token)
    assert total(page) == 2
    text = said(page)
    for fact in ("2 people : due now", "Nông Thị Mỷ", "born 04/05/1980, 42 years old", "Thôn Đông", "no dose known"):
        assert fact in text, fact
    assert set(links(page, "/submission/").values()) == {"Filled form"}
    assert "/submission/uuid:due" in links(page, "/submission/")
    assert [address for address in links(page, "/follow-up?") if "hamlet=0000101" in address]
    given = said(visited.get(f"/people?{QUESTION}&state=vaccinated&lang=en", visited.user("supervisor", "001").token))
    assert "1 people : vaccinated" in given and "Dose 1" in given


@pytest.mark.parametrize(("role", "shown"), [("supervisor", True), ("planner", False)])
def test_only_who_oversees_canvassers_sees_telephones(visited: Site, role: str, shown: bool) -> None:
    with visited.reference.database.write() as connection:
        connection.execute(update(tables.households).values(phone="0900000123"))
    text = said(visited.get(f"/people?{QUESTION}&lang=en", visited.user(role, "001").token))
    assert ("tel. 0900000123" in text) is shown


def test_every_figure_on_the_page_leads_to_as_many_as_it_says(visited: Site) -> None:
    token = visited.user("supervisor", "001").token
    page = visited.get(f"/people?{QUESTION}&lang=en", token)
    figures = links(page, "/people?")
    seen = 0
    for address, text in figures.items():
        number = text.rpartition(" ")[2].replace(",", "")
        if "houses=never" in address or "houses=expected" in address:
            continue  # nobody knows who lives there
        assert total(visited.get(f"{address}&lang=en", token)) == int(number), address
        seen += 1
    assert seen == len(people_list.FIGURES) + len(people_list.HOUSES)


def test_houses_that_nobody_went_to_are_a_number_and_no_list(visited: Site) -> None:
    token = visited.user("supervisor", "001").token
    page = visited.get(f"/people?{QUESTION}&houses=never&lang=en", token)
    assert "who lives there is not known before somebody goes" in said(page)
    assert "<table" not in page.text
    shown = said(visited.get(f"/people?{QUESTION}&houses=closed&lang=en", token))
    assert "1 houses" in shown and "nobody at home" in shown and "Lý Thị Hoa" in shown


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ("state=dead", 400, "There is no figure dead"),
        ("houses=dead", 400, "There is no figure dead"),
        ("page=2", 404, "1 pages"),
        ("page=x", 404, "no page x"),
        ("state=not_vaccinated&reason=week", 400, "belongs to one state"),
    ],
)
def test_what_cannot_be_asked_is_told_with_the_cure(sqlite_site: Site, query: str, status: int, words: str) -> None:
    token = sqlite_site.user("supervisor", "001").token
    reply = sqlite_site.get(f"/people?{QUESTION}&{query}&lang=en", token)
    assert reply.status_code == status
    assert words in reply.text


def test_the_branches_of_why_not_add_up_and_lead_to_their_people(visited: Site) -> None:
    refusing = (("Hoàng Văn Từ", "1970-05-04", ""),)
    visited.phone().send(House("uuid:more", location="22.053 105.05 300 6.5", people=refusing).form())
    token = visited.user("supervisor", "001").token
    page = visited.get(f"/reasons?{QUESTION}&lang=en", token)
    text = said(page)
    assert "4 people of the group = 1 vaccinated + 3 not vaccinated" in text
    figures = {address: number for address, number in links(page, "/people?").items() if number.isdecimal()}
    branches = [int(n) for address, n in figures.items() if "state=due" in address and "area=" not in address]
    assert sum(branches) == 3
    for address, number in figures.items():
        assert total(visited.get(f"{address}&lang=en", token)) == int(number), address
    assert "1 houses were not asked" not in text
    assert re.search(r"\d+ houses were not asked", text)
    # Place by place, each with its own page and its own people.
    assert {"area=commune%3A00001" in a or "area=commune:00001" in a for a in links(page, "/reasons?")} >= {True}


def test_while_people_are_read_a_list_says_how_far_it_is_and_then_is_there(
    visited: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ways, "AT_ONCE", 0)
    token = visited.user("supervisor", "001").token
    address = f"/people?{QUESTION}&state=due&reason=plain&lang=en"
    first = visited.get(address, token)
    assert "For this list 3 people are read once" in said(first)
    assert "Mỷ" not in first.text
    until = time.monotonic() + 30
    while visited.get(f"/reasons/progress?{QUESTION}", token).json()["stage"] != "done":
        assert time.monotonic() < until
        time.sleep(0.05)
    shown = visited.get(address, token)
    assert total(shown) == 2
    assert "Mỷ" in shown.text


def test_a_seen_list_stands_in_the_audit_trail(visited: Site) -> None:
    chief = manager(visited)
    chief.get(f"/people?{QUESTION}&state=due&area=commune:00001")
    text = said(chief.get("/audit?action=people.listed"))
    assert "xem danh sách người hoặc nhà" in text
    assert "Mỷ" not in text


def test_no_address_of_these_pages_holds_what_was_said(visited: Site) -> None:
    token = visited.user("supervisor", "001").token
    for path in PAGES:
        page = visited.get(path, token)
        for address in re.findall(r'href="([^"]*)"', page.text):
            assert "M%E1%BB%B7" not in address and "Mỷ" not in address
