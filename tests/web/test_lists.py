"""People and households of a filter over HTTP: page, count, program and map tell of the same people."""

from __future__ import annotations

import random
import re
import threading
import time
from typing import Any
from urllib.parse import urlencode

import pytest
import requests

from mapper.services import people_copy
from tests.client.site import House, Site
from tests.web.test_follow_up import said
from tests.web.test_forms_page import manager
from tests.web.test_people import visited

__all__ = ["visited"]

DAY = "2022-08-31"
AT = f"date={DAY}"


def number(pattern: str, text: str) -> int:
    found = re.search(pattern, text)
    assert found is not None, text[:3000]
    return int(re.sub(r"\D", "", found[1]))


def rows(page: requests.Response) -> int:
    """How many rows the list of a page has."""
    return page.text.count('<th scope="row">')


def criteria(chance: random.Random) -> list[tuple[str, str]]:
    """A filter of one to three criteria."""
    offered: list[list[tuple[str, str]]] = [
        [("group", "5_plus")],
        [("group", "5_plus"), ("dose", "1"), ("states", chance.choice(("due", "vaccinated", "outside")))],
        [("age_from", "20"), ("age_to", str(chance.choice((31, 43, 60))))],
        [("text", chance.choice(("nong", "nông mỷ", "ly", "1980", "xa van")))],
        [("areas", chance.choice(("commune:00001", "commune:00002", "hamlet:0000101", "district:001")))],
        [("outcomes", chance.choice(("interviewed", "absent")))],
        [("given", "1")],
        [("visited_to", chance.choice((DAY, "2021-01-01")))],
        [("within", "22.0 105.0,22.1 105.0,22.1 105.1,22.0 105.1")],
    ]
    return [pair for each in chance.sample(offered, chance.randrange(1, 4)) for pair in each]


def test_count_list_program_and_map_tell_of_the_same_people(visited: Site) -> None:
    user, chance, seen = visited.user("supervisor", "001"), random.Random(7), set()
    for _ in range(12):
        query = f"{AT}&{urlencode(criteria(chance))}"
        told = visited.get(f"/api/people/count?{query}", user.token).json()
        people, households = told["people"], told["households"]
        page = visited.get(f"/list?{query}&lang=en", user.token)
        assert number(r'<p class="lead"><b>([\d,.]+) people', page.text) == people, query
        assert rows(page) == people, query
        assert rows(visited.get(f"/list?{query}&view=houses", user.token)) == households, query
        program = visited.get(f"/api/people?{query}", user.token).json()
        assert len(program["results"]) == program["people"] == people, query
        assert len({one["household"]["id"] for one in program["results"]}) == households, query
        drawn = visited.get(f"/list?{query}&view=map&lang=en", user.token)
        cells = re.findall(r'data-title="Number of people">(?:<a [^>]*>)?(\d+)', drawn.text)
        assert sum(map(int, cells)) == people, query
        seen.add(people)
    assert len(seen) > 2


def test_the_paper_of_a_list_holds_its_people_by_hamlet_with_room_to_sign(visited: Site) -> None:
    token = visited.user("supervisor", "001").token
    page = visited.get(f"/list/paper?{AT}&group=5_plus&dose=1&lang=en", token)
    assert rows(page) == number(
        r'<p class="lead"><b>([\d,.]+) people',
        visited.get(f"/list?{AT}&group=5_plus&dose=1&lang=en&view=people", token).text,
    )
    assert page.text.count('<section class="paper-hamlet"') == 2
    assert page.text.count('<td class="paper-sign"></td>') == rows(page)
    assert "Dose 1. On 31 Aug 2022." in said(page)
    nobody = said(visited.get(f"/list/paper?{AT}&text=1900&lang=en", token))
    assert "Nobody." in nobody
    other = visited.get(f"/list/paper?{AT}", visited.user("commune_supervisor", "00002").token)
    assert rows(other) == 1 and "Lý Văn Xa" in other.text
    assert visited.get(f"/list/paper?{AT}", visited.user("canvasser", "001").token).status_code == 403


def test_the_pages_of_a_list_hold_everybody_once(visited: Site) -> None:
    token = visited.user("supervisor", "001").token
    pages = [visited.get(f"/api/people?{AT}&limit=2&page={page}", token).json() for page in (1, 2)]
    ids = [one["id"] for page in pages for one in page["results"]]
    assert len(ids) == len(set(ids)) == pages[0]["people"] == 3
    assert pages[0]["pages"] == 2
    assert visited.get(f"/api/people?{AT}&limit=2&page=3", token).status_code == 404
    assert visited.get(f"/api/people?{AT}&limit=0", token).status_code == 400


@pytest.mark.parametrize("path", ["/list", "/upcoming", "/api/people", "/api/people/count"])
def test_lists_are_for_readers(sqlite_site: Site, path: str) -> None:
    assert sqlite_site.get(path).status_code in (302, 401)
    assert sqlite_site.get(path, sqlite_site.user("canvasser", "001").token).status_code == 403
    found = sqlite_site.get(path, sqlite_site.user("commune_supervisor", "00001").token)
    assert (found.status_code, found.headers["Cache-Control"]) == (200, "private, no-store")


def test_nobody_finds_people_of_another_commune(visited: Site) -> None:
    there = visited.user("commune_supervisor", "00002").token
    for path in (f"/list?{AT}&view=people", f"/list?{AT}&view=houses", f"/list?{AT}&view=map", f"/api/people?{AT}"):
        text = visited.get(path, there).text
        assert "Đức" not in text and "Đông" not in text, path
    assert visited.get(f"/api/people/count?{AT}&areas=commune:00001", there).json()["people"] == 0


def test_fields_left_empty_leave_the_address_and_chips_take_out_one_criterion(visited: Site) -> None:
    token = visited.user("supervisor", "001").token
    page = visited.get(f"/list?{AT}&text=&age_from=20&group=5_plus&dose=&view=people&lang=en", token)
    assert page.history or page.status_code == 302 or "text=" not in page.url
    page = visited.get(f"/list?{AT}&age_from=20&group=5_plus&dose=1&states=due&view=people&lang=en", token)
    chips = re.findall(r'<a class="chip" href="([^"]*)"', page.text)
    assert len(chips) == 4
    # A state belongs to a group: without it neither dose nor state is asked.
    without = [one.replace("&amp;", "&") for one in chips if "group=" not in one]
    assert without == [one for one in without if "states=" not in one] and len(without) == 1
    for one in chips:
        assert visited.get(one.replace("&amp;", "&"), token).status_code == 200


def test_what_cannot_be_asked_is_told_with_the_cure(sqlite_site: Site) -> None:
    token = sqlite_site.user("supervisor", "001").token
    told = sqlite_site.get("/api/people/count?states=due&lang=en", token)
    assert (told.status_code, "Choose both" in told.text) == (400, True)
    assert sqlite_site.get("/list?group=gods", token).status_code == 404
    assert sqlite_site.get("/list?page=9&view=people", token).status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        *("/api/people", "/api/people/count", "/api/people/by-hamlet", "/list", "/list/paper"),
        "/export/people.csv",
    ],
)
def test_a_name_that_no_list_knows_is_refused_and_widens_nothing(visited: Site, path: str) -> None:
    user = visited.user("supervisor", "001")
    refused = visited.get(f"{path}?{AT}&group=5_plus&dose=1&state=due&lang=en", user.token)
    assert refused.status_code == 400
    assert "A list knows no state." in refused.text and "states" in refused.text


def test_a_filter_is_kept_by_name_and_shared_with_those_around(visited: Site) -> None:
    chief = manager(visited)
    form = chief.get(f"/list?{AT}&text=ly").text
    chief.post("/list/saved", form, name="Họ Lý", query=f"date={DAY}&text=ly&bad=1", shared="yes")
    chief.post("/list/saved", form, name="Riêng tôi", query="age_from=65")
    mine = said(chief.get("/list"))
    assert "Họ Lý" in mine and "Riêng tôi" in mine
    theirs = visited.get("/list", visited.user("commune_supervisor", "00002").token)
    assert "Họ Lý" in theirs.text and "Riêng tôi" not in theirs.text
    address = re.search(r'href="(/list\?[^"]*text=ly[^"]*)"', theirs.text)
    assert address is not None and "bad" not in address[1] and DAY not in address[1]
    number = re.findall(r"/list/saved/(\d+)", chief.get("/list").text)
    assert len(number) == 2
    chief.post(f"/list/saved/{number[0]}", form, act="delete")
    assert "Họ Lý" not in said(chief.get("/list"))
    chief.post(f"/list/saved/{number[1]}", form, act="rename", name="Người già")
    assert "Người già" in said(chief.get("/list"))


def test_who_becomes_a_member_stands_under_the_day_and_leads_to_the_list(visited: Site) -> None:
    child = (("Lý Văn Bé", "2017-09-03", ""),)
    visited.phone().send(House("uuid:child", location="22.054 105.05 300 6.5", people=child).form())
    token = visited.user("supervisor", "001").token
    # Five years old on 3 September.
    page = visited.get("/upcoming?kind=group&group=5_plus&dose=1&from=2022-09-01&to=2022-09-07&lang=en", token)
    assert "3/9" in page.text and "Xã Một" in said(page)
    link = re.search(r'<td class="number"><a href="(/list\?[^"]*entering_from=2022-09-03[^"]*)">1</a>', page.text)
    assert link is not None, page.text
    shown = visited.get(link[1].replace("&amp;", "&"), token)
    assert rows(shown) == 1 and "Lý Văn Bé" in shown.text
    empty = visited.get("/upcoming?kind=group&group=5_plus&dose=1&from=2022-09-04&to=2022-09-07&lang=en", token)
    assert "Nobody." in said(empty)


def test_a_list_that_was_seen_stands_in_the_audit_trail_without_what_was_typed(visited: Site) -> None:
    chief = manager(visited)
    chief.get(f"/list?{AT}&text=mỷ&view=people")
    text = said(chief.get("/audit?action=people.listed"))
    assert "xem danh sách người hoặc nhà" in text
    assert "mỷ" not in text.lower()


@pytest.mark.parametrize("figure", ["", "group", "not_vaccinated", "due", "outside"])
def test_a_figure_leads_to_the_same_people_as_a_filter(visited: Site, figure: str) -> None:
    token = visited.user("supervisor", "001").token
    page = visited.get(f"/people?{AT}&group=5_plus&dose=1&state={figure}&lang=en", token)
    link = re.search(r'href="(/list\?[^"]*date=[^"]*)">Narrow', page.text)
    assert link is not None
    shown = visited.get(f"{link[1].replace('&amp;', '&')}&lang=en", token)
    pattern = r'<p class="lead"><b>([\d,.]+) people'
    assert number(pattern, shown.text) == number(pattern, page.text)


def test_while_lists_are_prepared_pages_say_how_far_and_programs_are_told_when_to_ask(
    sqlite_site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    sqlite_site.phone().send(House("uuid:one").form())
    monkeypatch.setattr(people_copy, "READ_BESIDE", 0)
    token = sqlite_site.user("supervisor", "001").token
    told = sqlite_site.get(f"/api/people/count?{AT}", token)
    assert (told.status_code, told.headers["Retry-After"]) == (503, "2")
    until = time.monotonic() + 30
    while (page := sqlite_site.get(f"/list?{AT}&view=people&lang=en", token)).text.count("being prepared"):
        assert page.status_code == 200 and time.monotonic() < until
        sqlite_site.get(f"/list/progress?{AT}", token).json()
        time.sleep(0.05)
    assert rows(page) == 1


def test_no_page_waits_for_the_copy_of_the_register(sqlite_site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    sqlite_site.phone().send(House("uuid:one").form())
    may_go_on, read = threading.Event(), people_copy.read_rows

    def held(*asked: Any) -> Any:
        assert may_go_on.wait(60)
        return read(*asked)

    monkeypatch.setattr(people_copy, "READ_BESIDE", 0)
    monkeypatch.setattr(people_copy, "read_rows", held)
    token = sqlite_site.user("supervisor", "001").token
    # Each answers although the copy cannot come to an end meanwhile, lists by telling how far it is.
    for _ in range(2):
        page = sqlite_site.get(f"/list?{AT}&view=people&lang=en", token)
        assert page.status_code == 200 and "being prepared" in page.text
        assert sqlite_site.get(f"/list/progress?{AT}", token).json()["stage"] in ("waiting", "running")
        assert sqlite_site.get(f"/api/people?{AT}", token).status_code == 503
    for address in ("/map", "/targets", "/people", "/follow-up", "/submissions", "/report"):
        assert sqlite_site.get(f"{address}?{AT}", token).status_code == 200, address
    # What phones send meanwhile is counted, and is in the copy that is then made.
    sqlite_site.phone().send(House("uuid:two").form())
    may_go_on.set()
    until = time.monotonic() + 30
    while (page := sqlite_site.get(f"/list?{AT}&view=people&lang=en", token)).text.count("being prepared"):
        assert time.monotonic() < until
        time.sleep(0.05)
    assert rows(page) == 2
