"""The page of two maps as the server writes it: who may, which figures, and what stands where nothing is."""

from __future__ import annotations

import re

import pytest

from mapper.web import compare
from tests.client.site import House, Site

TWO = (("A B", "1980-05-04", "2022-08-20"), ("C D", "1980-05-04", ""))
ONE = (("E F", "1980-05-04", "2021-08-10"),)


def text_of(site: Site, token: str, **asked: str) -> str:
    answer = site.get("/map/compare", token, lang="en", **asked)
    assert answer.status_code == 200, answer.text
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))


@pytest.fixture
def visited(sqlite_site: Site) -> Site:
    phone = sqlite_site.phone()
    phone.send(House("uuid:two", today="2022-08-25", people=TWO).form())
    phone.send(House("uuid:one", commune="00002", hamlet="0000201", location="22.05 105.15 300 6.5", people=ONE).form())
    return sqlite_site


def test_the_units_stand_with_both_figures_and_their_change(visited: Site) -> None:
    reader = visited.user("administrator").token
    told = text_of(visited, reader, date="2022-08-31", date_left="2022-08-19", level="commune")
    # 1 of 3 on the nineteenth, 2 of 3 at the end: 33.3 points.
    assert "Coverage is 33.3 percentage points higher on the right map than on the left." in told
    figures = re.sub(r"\s*/\s*", "/", told)  # each of the two leads to its people
    assert "Xã Hai 0 100% 1/1 100% 1/1" in figures
    assert "Xã Một +50 0% 0/2 50% 1/2" in figures
    assert told.index("Xã Hai 0 ") < told.index("Xã Một +50"), "what rose least comes first"


def test_all_units_stand_in_the_table_page_by_page_in_the_order_asked_for(
    visited: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compare, "LISTED", 1)
    reader = visited.user("administrator").token
    asked = {"date": "2022-08-31", "date_left": "2022-08-19", "level": "commune", "layers": "heat"}
    first, second = (
        text_of(visited, reader, **asked, sort="name"),
        text_of(visited, reader, **asked, sort="name", page="2"),
    )
    assert ("Xã Hai 0 " in first, "Xã Một +50" in first, "Page 1 of 2" in first) == (True, False, True)
    assert ("Xã Hai 0 " in second, "Xã Một +50" in second, "Page 2 of 2" in second) == (False, True, True)
    assert "Xã Một +50" in text_of(visited, reader, **asked, sort="change", down="1")
    # What is not there is the nearest that is.
    assert "Page 2 of 2" in text_of(visited, reader, **asked, page="99")
    assert "Page 1 of 2" in text_of(visited, reader, **asked, page="-3", sort="rain")
    page = visited.get("/map/compare", reader, lang="en", **asked, sort="after", down="1").text
    assert 'aria-sort="descending"' in page
    link = re.findall(r'href="([^"]*page=2[^"]*)"', page)[0].replace("&amp;", "&")
    for part in ("sort=after", "down=1", "layers=heat", "date_left=2022-08-19", "level=commune"):
        assert part in link


def test_without_a_day_the_left_map_stands_two_weeks_before(visited: Site) -> None:
    reader = visited.user("administrator").token
    assert 'name="date_left" value="2022-08-17"' in visited.get("/map/compare", reader, date="2022-08-31").text
    assert 'name="date_left" value="2021-03-08"' in visited.get("/map/compare", reader, date="2021-03-09").text


def test_a_reader_compares_only_what_is_in_the_own_area(visited: Site) -> None:
    told = text_of(visited, visited.user("supervisor", "00002").token, date="2022-08-31", level="commune")
    assert "Xã Hai" in told
    assert "Xã Một" not in told
    assert "Coverage is the same on both maps." in told


def test_a_canvasser_s_token_opens_no_comparison_and_a_wrong_dose_is_told(visited: Site) -> None:
    assert visited.get("/map/compare", visited.user("canvasser", "0000101").token).status_code in (302, 403)
    reader = visited.user("administrator").token
    told = text_of(visited, reader, date="2022-08-31", dose_left="9")
    assert "This link names something that is not here (dose: 9)" in told
