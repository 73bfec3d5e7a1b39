"""What programs and fields to search in are told of places, and to whom."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.client.site import SET_ID, Site


@pytest.fixture(scope="module")
def site(standing_site: Site) -> Iterator[Site]:
    yield standing_site


def names(site: Site, bearer: str, **asked: str) -> list[str]:
    answer = site.get("/api/places", bearer, **asked)
    assert answer.status_code == 200, answer.text
    return [each["name"] for each in answer.json()["places"]]


def test_a_place_is_told_with_what_is_around_it(site: Site) -> None:
    answer = site.get("/api/places", site.user("planner").token, q="xa mot").json()
    place = answer["places"][0]
    assert {name: place[name] for name in ("set", "level", "code", "name", "near", "today")} == {
        "set": SET_ID,
        "level": "commune",
        "code": "00001",
        "name": "Xã Một",
        "near": False,
        "today": [],
    }
    assert [each["name"] for each in place["around"]] == ["Huyện A", "Tỉnh B"]
    assert place["bounds"] == pytest.approx([105.0, 22.0, 105.1, 22.1])


def test_codes_and_other_spellings_find_it_too(site: Site) -> None:
    bearer = site.user("planner").token
    assert names(site, bearer, q="00002")[0] == "Xã Hai"
    assert names(site, bearer, q="X. Một", limit="1") == ["Xã Một"]
    assert names(site, bearer, q="xyzzy") == []


def test_readers_find_places_of_their_own_area_alone(site: Site) -> None:
    here = site.user("commune_supervisor", "00001").token
    assert names(site, here, q="xa") == ["Xã Một"]
    assert names(site, here, q="00002") == [] and names(site, here, q="0000201") == []
    assert names(site, here, q="Huyện A") == ["Huyện A"]
    assert names(site, site.user("planner").token, q="0000201") != []


def test_who_is_unknown_or_walks_from_door_to_door_is_told_nothing(site: Site) -> None:
    assert site.get("/api/places", q="xa").status_code == 401
    assert site.get("/api/places", site.user("canvasser", "0000101").token, q="xa").status_code == 403


@pytest.mark.parametrize(
    "asked", [{}, {"q": " "}, {"q": "a" * 101}, {"q": "a", "set": "none"}, {"q": "a", "date": "x"}]
)
def test_a_question_that_cannot_be_is_told(site: Site, asked: dict[str, str]) -> None:
    answer = site.get("/api/places", site.user("planner").token, **asked)
    assert answer.status_code in (400, 404), answer.text
    assert names(site, site.user("planner").token, q="xa", limit="x") != []
