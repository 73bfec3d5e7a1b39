"""What programs read: who may, which figures, and in which words a wrong question is answered."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from hypothesis import example, given
from hypothesis import strategies as st

from mapper.settings import Settings
from mapper.store import schema
from mapper.store.database import Database
from mapper.web.api import to_six_places
from tests.client.collect import Collect
from tests.client.site import SET_ID, House, Site, running

# Commune 00001: two houses in 0000101 (3 people of five and older, 2 vaccinated; one small child), one in 0000102
# where nobody was in. Commune 00002: one house in 0000201, nobody vaccinated.
HOUSES = (
    House("uuid:1", people=(("A B", "1980-05-04", "2021-08-10"), ("C D", "2020-01-01", ""))),
    House("uuid:2", people=(("E F", "1950-05-04", "2022-01-10"), ("G H", "2010-05-04", ""))),
    House("uuid:3", hamlet="0000102", outcome="absent", people=()),
    House(
        "uuid:4",
        commune="00002",
        hamlet="0000201",
        location="22.05 105.15 300 6.5",
        people=(("I K", "1990-05-04", ""), ("L M", "1991-05-04", "")),
    ),
)
ASKED = {"campaign": "mini", "group": "5_plus", "dose": "1", "date": "2022-08-31"}
PATHS = {
    "/api/campaigns": {},
    "/api/version": {},
    "/api/sets": {},
    "/api/coverage": ASKED,
    "/api/coverage-by-day": ASKED,
    "/api/shapes": {"level": "commune", "campaign": "mini"},
    "/api/heat": ASKED,
    "/api/places": {"q": "xa"},
}


@pytest.fixture(scope="module")
def api(standing_site: Site) -> Iterator[Site]:
    """A server with four houses; its tests only read, and users are added."""
    phone: Collect = standing_site.phone()
    for house in HOUSES:
        phone.send(house.form())
    yield standing_site


def token(site: Site, role: str, *areas: str) -> str:
    """A new user's token."""
    return site.user(role, *areas).token


def rows(site: Site, bearer: str, level: str, **other: str) -> dict[str | None, dict[str, Any]]:
    """Rows of an answer by code."""
    answer = site.get("/api/coverage", bearer, **ASKED | {"level": level} | other)
    assert answer.status_code == 200, answer.text
    return {unit["code"]: unit for unit in answer.json()["units"]}


def counts(row: dict[str, Any]) -> tuple[int, ...]:
    """(visited, interviewed, people, eligible, vaccinated, due, outside) of a row."""
    names = ("households_visited", "households_interviewed", "people", "eligible", "vaccinated", "due", "outside")
    return tuple(row[name] for name in names)


# Who may


@pytest.mark.parametrize("path", PATHS)
def test_without_a_token_there_is_nothing(api: Site, path: str) -> None:
    for bearer in ("", "wrong", "x" * 5000):
        answer = api.get(path, bearer, **PATHS[path])
        assert answer.status_code == 401
        assert answer.json()["error"]["status"] == 401
        assert answer.json()["error"]["message"]
        assert "WWW-Authenticate" not in answer.headers, "a browser would ask for a password in a window of its own"


@pytest.mark.parametrize("path", PATHS)
def test_token_of_a_canvasser_opens_no_figures(api: Site, path: str) -> None:
    answer = api.get(path, token(api, "canvasser", "001"), **PATHS[path])
    assert answer.status_code == 403
    assert answer.json()["error"]["message"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("role", ["commune_supervisor", "supervisor", "planner", "administrator"])
def test_readers_may_read(api: Site, path: str, role: str) -> None:
    assert api.get(path, token(api, role, "001"), **PATHS[path]).status_code == 200


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Basic YTpi", "Digest a", "\x80", "Bearer a b"])
def test_broken_header_is_no_sign_in(api: Site, header: str) -> None:
    answer = requests.get(f"{api.url}/api/campaigns", headers={"Authorization": header.encode("latin-1")})
    assert answer.status_code == 401


def test_renewed_token_ends_the_old_one(api: Site) -> None:
    first = api.user("supervisor", "001", name="renewed").token
    assert api.get("/api/sets", first).status_code == 200
    second = api.user("supervisor", "001", name="renewed").token
    assert api.get("/api/sets", first).status_code == 401
    assert api.get("/api/sets", second).status_code == 200


# Figures


def test_every_level_adds_up(api: Site) -> None:
    bearer = token(api, "administrator")
    hamlets = rows(api, bearer, "hamlet")
    assert {code: counts(row) for code, row in hamlets.items()} == {
        "0000101": (2, 2, 4, 3, 2, 1, 1),
        "0000102": (1, 0, 0, 0, 0, 0, 0),
        "0000201": (1, 1, 2, 2, 0, 2, 0),
    }
    communes = rows(api, bearer, "commune")
    assert {code: counts(row) for code, row in communes.items()} == {
        "00001": (3, 2, 4, 3, 2, 1, 1),
        "00002": (1, 1, 2, 2, 0, 2, 0),
    }
    whole = (4, 3, 6, 5, 2, 3, 1)
    for level, code in (("district", "001"), ("province", "01")):
        assert {code: counts(row) for code, row in rows(api, bearer, level).items()} == {code: whole}
    for level in ("hamlet", "commune", "district", "province"):
        total = api.get("/api/coverage", bearer, **ASKED, level=level).json()["total"]
        assert counts(total) == whole


def test_row_says_all_that_is_known(api: Site) -> None:
    row = rows(api, token(api, "administrator"), "commune")["00001"]
    # 15 houses are listed, 3 visited, 2 interviewed: 13 have 3 / 2 eligible people each, rounded up 20 more of them.
    assert row == {
        "key": "00001",
        "code": "00001",
        "name": "Xã Một",
        "parent": "001",
        "partial": False,
        "households_expected": 15,
        "households_visited": 3,
        "households_interviewed": 2,
        "households_unvisited": 12,
        "people": 4,
        "eligible": 3,
        "vaccinated": 2,
        "due": 1,
        "waiting": 0,
        "contraindicated": 0,
        "deferred": 0,
        "refused": 0,
        "away": 0,
        "unknown": 0,
        "outside": 1,
        "coverage": pytest.approx(2 / 3, abs=1e-6),
        # Wilson, 2 of 3.
        "low": pytest.approx(0.207660, abs=1e-6),
        "high": pytest.approx(0.938508, abs=1e-6),
        "worst": pytest.approx(2 / 23, abs=1e-6),
        "best": pytest.approx(22 / 23, abs=1e-6),
        "needed": 1,
        "verdict": "undecided",
    }


def test_hamlet_without_an_interview_has_no_coverage(api: Site) -> None:
    row = rows(api, token(api, "administrator"), "hamlet")["0000102"]
    assert (row["key"], row["parent"]) == ("00001/0000102", "00001")
    assert [row[name] for name in ("coverage", "low", "high", "needed")] == [None] * 4
    assert (row["worst"], row["best"], row["verdict"]) == (0, 1, "undecided")


@pytest.mark.parametrize(
    ("day", "eligible", "vaccinated"),
    [("2021-08-09", 5, 0), ("2021-08-10", 5, 1), ("2022-01-09", 5, 1), ("2022-01-10", 5, 2), ("2025-01-01", 6, 2)],
)
def test_figures_are_those_of_the_day(api: Site, day: str, eligible: int, vaccinated: int) -> None:
    """A B and E F are vaccinated on their days; the child born on 1 January 2020 is five on that day of 2025."""
    bearer = token(api, "administrator")
    total = api.get("/api/coverage", bearer, **ASKED | {"date": day, "level": "commune"}).json()["total"]
    assert (total["eligible"], total["vaccinated"]) == (eligible, vaccinated)


def test_figures_by_day_are_those_of_each_day(api: Site) -> None:
    bearer = token(api, "administrator")
    for level in ("hamlet", "commune"):
        body = api.get("/api/coverage-by-day", bearer, **ASKED | {"level": level}).json()
        assert body["days"][-1] == body["date"] == ASKED["date"]
        assert 2 <= len(body["days"]) <= 60
        for place in (0, len(body["days"]) // 2, -2, -1):
            answer = api.get("/api/coverage", bearer, **ASKED | {"date": body["days"][place], "level": level}).json()
            for name in ("vaccinated", "eligible"):
                told = {key: numbers[place] for key, numbers in zip(body["keys"], body[name], strict=True)}
                expected = {unit["key"]: unit[name] for unit in answer["units"] if unit[name] or unit["key"] in told}
                assert told == expected
                assert body["total"][name][place] == answer["total"][name]
    assert (body["target"], body["deadline"], body["level"], body["set"]) == (0.9, None, "commune", SET_ID)
    (one,) = api.get("/api/coverage-by-day", bearer, **ASKED, area="commune:00002").json()["keys"]
    assert one.startswith("00002/")
    assert api.get("/api/coverage-by-day", bearer, **ASKED, area="commune").status_code == 404


def test_question_is_told_back_with_its_defaults(api: Site) -> None:
    body = api.get("/api/coverage", token(api, "administrator"), campaign="mini", group="5_plus", dose="1").json()
    assert (body["campaign"], body["set"], body["level"], body["group"], body["dose"]) == (
        *("mini", SET_ID, "hamlet", "5_plus"),
        "1",
    )
    assert (body["target"], body["deadline"]) == (0.9, None)
    assert body["date"] >= "2026-01-01"


def test_campaigns_name_groups_and_doses_in_both_languages(api: Site) -> None:
    bearer = token(api, "administrator")
    (campaign,) = api.get("/api/campaigns", bearer).json()["campaigns"]
    assert (campaign["id"], campaign["label"], campaign["start"]) == ("mini", "Chiến dịch nhỏ", "2021-03-08")
    (group,) = campaign["groups"]
    assert group["priority"] is False
    assert (group["code"], group["labels"]) == ("5_plus", {"vi": "Từ 5 tuổi", "en": "5 and older"})
    (dose,) = group["doses"]
    assert (dose["code"], dose["label"], dose["target"], dose["deadline"]) == ("1", "Mũi 1", 0.9, None)
    (english,) = api.get("/api/campaigns", bearer, lang="en").json()["campaigns"]
    assert (english["label"], english["groups"][0]["doses"][0]["label"]) == ("Small campaign", "Dose 1")


def test_sets_name_their_levels_and_bounds(api: Site) -> None:
    (found,) = api.get("/api/sets", token(api, "administrator")).json()["sets"]
    assert found["id"] == SET_ID
    assert found["levels"] == ["province", "district", "commune"]
    assert (found["default"], found["approximate"]) == (True, False)
    assert (found["valid_from"], found["valid_to"]) == ("2020-01-01", None)
    assert found["bounds"] == pytest.approx([105.0, 22.0, 105.2, 22.1])


def test_shapes_are_the_units_asked_for(api: Site) -> None:
    bearer = token(api, "administrator")
    for level, codes in (("commune", ["00001", "00002"]), ("district", ["001"]), ("province", ["01"])):
        answer = api.get("/api/shapes", bearer, level=level, zoom="9")
        assert answer.headers["Content-Type"].startswith("application/geo+json")
        features = json.loads(answer.text)["features"]
        assert [feature["properties"]["code"] for feature in features] == codes
        assert {feature["geometry"]["type"] for feature in features} <= {"Polygon", "MultiPolygon"}
    hamlets = api.get("/api/shapes", bearer, level="hamlet", campaign="mini", zoom="12").json()["features"]
    assert [f["properties"]["key"] for f in hamlets] == ["00001/0000101", "00001/0000102", "00002/0000201"]


def test_heat_shows_people_due_where_they_live(api: Site) -> None:
    points = api.get("/api/heat", token(api, "administrator"), **ASKED).json()["points"]
    assert sorted(points) == [[22.05, 105.05, 1], [22.05, 105.15, 2]]


# Whose area


@pytest.mark.parametrize(
    ("area", "communes", "hamlets", "people"),
    [
        ("00001", ["00001"], ["0000101", "0000102"], 4),
        ("00002", ["00002"], ["0000201"], 2),
        ("0000101", ["00001"], ["0000101"], 4),
        ("0000102", ["00001"], ["0000102"], 0),
        ("001", ["00001", "00002"], ["0000101", "0000102", "0000201"], 6),
        ("01", ["00001", "00002"], ["0000101", "0000102", "0000201"], 6),
    ],
)
def test_area_limits_rows_shapes_and_heat(
    api: Site, area: str, communes: list[str], hamlets: list[str], people: int
) -> None:
    bearer = token(api, "supervisor", area)
    assert list(rows(api, bearer, "hamlet")) == hamlets
    assert list(rows(api, bearer, "commune")) == communes
    assert list(rows(api, bearer, "district")) == ["001"]
    for level in ("hamlet", "commune", "district", "province"):
        assert api.get("/api/coverage", bearer, **ASKED, level=level).json()["total"]["people"] == people
    shapes = api.get("/api/shapes", bearer, level="commune").json()["features"]
    assert [feature["properties"]["code"] for feature in shapes] == communes
    areas = api.get("/api/shapes", bearer, level="hamlet", campaign="mini").json()["features"]
    assert [feature["properties"]["code"] for feature in areas] == hamlets
    due = {"00001": 1, "00002": 2, "0000101": 1, "0000102": 0, "001": 3, "01": 3}[area]
    assert sum(weight for _, _, weight in api.get("/api/heat", bearer, **ASKED).json()["points"]) == due


@pytest.mark.parametrize(
    ("area", "partial"),
    [
        ("0000101", {"commune": {"00001"}, "district": {"001"}, "province": {"01"}}),
        ("00001", {"commune": set(), "district": {"001"}, "province": {"01"}}),
        # The province has no other district.
        ("001", {"commune": set(), "district": set(), "province": set()}),
        ("01", {"commune": set(), "district": set(), "province": set()}),
    ],
)
def test_unit_that_is_seen_in_part_says_so(api: Site, area: str, partial: dict[str, set[str]]) -> None:
    bearer = token(api, "supervisor", area)
    for level, units in partial.items():
        assert {code for code, row in rows(api, bearer, level).items() if row["partial"]} == units
    assert not any(row["partial"] for row in rows(api, bearer, "hamlet").values())


def test_two_areas_are_both_seen(api: Site) -> None:
    bearer = token(api, "supervisor", "0000102", "00002")
    assert list(rows(api, bearer, "hamlet")) == ["0000102", "0000201"]


# Wrong questions


@pytest.mark.parametrize(
    ("change", "status", "says"),
    [
        ({"campaign": ""}, 400, "campaign"),
        ({"group": ""}, 400, "group"),
        ({"dose": ""}, 400, "dose"),
        ({"campaign": "other"}, 404, "mini"),
        ({"set": "other"}, 404, SET_ID),
        ({"group": "other"}, 400, "5_plus 1"),
        ({"dose": "9"}, 400, "5_plus 1"),
        ({"level": "street"}, 400, "commune"),
        ({"date": "31/08/2022"}, 400, "2022-08-31"),
        ({"date": "2022-02-30"}, 400, "2022-08-31"),
        ({"date": "20220831"}, 200, ""),
        ({"date": "2021-03-07"}, 400, "2021-03-08"),
        ({"date": "0001-01-01"}, 400, "2021-03-08"),
        ({"campaign": "a\0b"}, 404, "mini"),
        ({"group": "'; --"}, 400, "5_plus 1"),
    ],
)
def test_question_without_an_answer_is_told_what_there_is(
    api: Site, change: dict[str, str], status: int, says: str
) -> None:
    bearer = token(api, "administrator")
    answer = api.get("/api/coverage", bearer, **ASKED | change)
    assert answer.status_code == status, answer.text
    if status != 200:
        assert says in answer.json()["error"]["message"]
    if not {"level", "set"} & set(change):
        assert api.get("/api/heat", bearer, **ASKED | change).status_code == status


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({}, 400),
        ({"level": "hamlet"}, 400),
        ({"level": "hamlet", "campaign": "other"}, 404),
        ({"level": "street"}, 400),
        ({"level": "commune", "set": "other"}, 404),
        ({"level": "commune", "zoom": "far"}, 200),
        ({"level": "commune", "zoom": "99999999999999999999"}, 200),
        ({"level": "commune", "zoom": "-5"}, 200),
    ],
)
def test_shapes_that_are_not_there_are_refused(api: Site, asked: dict[str, str], status: int) -> None:
    answer = api.get("/api/shapes", token(api, "administrator"), **asked)
    assert answer.status_code == status, answer.text
    if status != 200:
        assert answer.json()["error"]["message"]


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/nothing", "/api/coverage/more"])
def test_wrong_address_is_answered_in_json(api: Site, path: str) -> None:
    answer = api.get(path, token(api, "administrator"))
    assert answer.status_code == 404
    assert answer.json()["error"]["status"] == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_figures_are_only_read(api: Site, method: str) -> None:
    bearer = token(api, "administrator")
    answer = requests.request(method, f"{api.url}/api/campaigns", headers={"Authorization": f"Bearer {bearer}"})
    assert answer.status_code in (400, 405)
    assert answer.json()["error"]["message"]


def test_refusals_are_in_the_readers_language(api: Site) -> None:
    bearer = token(api, "administrator")
    english = api.get("/api/coverage", bearer, lang="en").json()["error"]["message"]
    assert english == "The address lacks campaign=."
    assert api.get("/api/coverage", bearer).json()["error"]["message"] != english


# Kept by the browser


def test_unchanged_answer_is_not_sent_again(api: Site) -> None:
    bearer = token(api, "administrator")
    for path in ("/api/coverage", "/api/shapes", "/api/heat"):
        first = api.get(path, bearer, **PATHS[path])
        assert "private" in first.headers["Cache-Control"]
        again = requests.get(
            f"{api.url}{path}",
            params=PATHS[path],
            headers={"Authorization": f"Bearer {bearer}", "If-None-Match": first.headers["ETag"]},
        )
        assert (again.status_code, again.content) == (304, b"")


def test_changed_figures_are_sent_again(sqlite_site: Site) -> None:
    bearer = token(sqlite_site, "administrator")
    first = sqlite_site.get("/api/coverage", bearer, **ASKED)
    before = sqlite_site.get("/api/version", bearer).json()
    assert sqlite_site.get("/api/version", bearer).json() == before
    sqlite_site.phone().send(HOUSES[0].form())
    again = requests.get(
        f"{sqlite_site.url}/api/coverage",
        params=ASKED,
        headers={"Authorization": f"Bearer {bearer}", "If-None-Match": first.headers["ETag"]},
    )
    assert again.status_code == 200
    assert again.json()["total"]["vaccinated"] == 1
    assert sqlite_site.get("/api/version", bearer).json() != before


def test_without_a_boundary_set_the_cure_is_said(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'empty.sqlite3'}"
    schema.upgrade(Database(url))
    with running(Settings(data_dir=tmp_path), url) as site:
        bearer = site.user("administrator").token
        assert site.get("/api/sets", bearer).json() == {"sets": []}
        assert site.get("/api/campaigns", bearer).json() == {"campaigns": []}
        assert site.get("/api/coverage", bearer, **ASKED).status_code == 404
        answer = site.get("/api/shapes", bearer, level="commune")
        assert answer.status_code == 404
        assert "boundaries import" in answer.json()["error"]["message"]


@given(st.integers(1, 10**7).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
@example((1, 640))  # 0.0015625: as good as half way between two of six places
@example((3, 640))
@example((1, 128))
@example((1, 2_000_000))
@example((999_999_5, 10_000_000))
def test_a_share_has_the_six_places_that_it_is_rounded_to(numbers: tuple[int, int]) -> None:
    part, whole = numbers
    found = to_six_places(np.array([[part / whole, np.nan]]))
    assert found[0, 0] == round(part / whole, 6)
    assert np.isnan(found[0, 1])
