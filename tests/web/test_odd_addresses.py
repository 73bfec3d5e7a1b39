"""Addresses that somebody wrote by hand, of whom nobody knows what they wanted: answered in words, never by a fault."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from server import create_app
from tests.client.site import Site
from tests.web.every_role import World, rules, walk
from tests.web.page_attack import attack_pages
from tests.web.test_every_role import here  # noqa: F401
from tests.web.test_forms_page import manager

DATED = ("/map", "/map/compare", "/integrity", "/integrity/progress", "/upcoming", "/targets", "/stock", "/forecast")
TOO_HIGH = ("2147483648", "9" * 5000)
NUL = "a%00b"


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_the_first_and_the_last_day_there_is_are_days(sqlite_site: Site, day: str) -> None:
    chief = manager(sqlite_site)
    answered = {path: chief.session.get(f"{sqlite_site.url}{path}?date={day}").status_code for path in DATED}
    # 400, with the reason in words, where a campaign has no figures of that day.
    assert {path: status for path, status in answered.items() if status not in (200, 400)} == {}


def test_what_no_database_holds_is_not_asked_of_it(site: Site) -> None:
    chief, wrong, tried = manager(site), [], 0
    for row in rules(create_app(site.settings, site.reference)):
        method, _, template = row.partition(" ")
        numbers = re.sub(r"<int:\w+>", "{}", template)
        if method != "GET" or template.startswith(("/static", "/assets")):
            continue
        for odd in TOO_HIGH if "{}" in numbers else ():
            tried += 1
            path = re.sub(r"<[^>]*>", "1", numbers.replace("{}", odd))
            if chief.session.get(site.url + path).status_code not in (400, 404):
                wrong.append(path[:80])
    assert tried > 20
    for path in (f"/submission/{NUL}", f"/odata/{NUL}.svc", f"/boundary-sets/import/{NUL}", f"/key/{NUL}/formList"):
        assert chief.session.get(site.url + path).status_code == 404
    assert wrong == []
    for path in (
        f"/audit.csv?about={NUL}",
        f"/list?text={NUL}",
        f"/follow-up?commune={NUL}",
        f"/api/people?campaign={NUL}",
        f"/map?{NUL}=1",
    ):
        answer = chief.session.get(site.url + path)
        assert answer.status_code in (200, 400, 404), path
    assert "NUL" in chief.post("/sites", chief.get("/sites?lang=en").text, name="a\0b").text
    token = re.search(r'name="csrf_token" value="([^"]+)"', chief.get("/account").text)
    assert token
    program = {"X-CSRFToken": token[1], "Content-Type": "application/json"}
    for path in ("/api/stock/entries/1/undo?campaign=mini", "/api/plans"):
        for odd in (rb'{"document": "a\u0000"}', rb'{"campaign": "\ud800"}', b"[" * 20_000):
            answer = chief.session.post(site.url + path, data=odd, headers=program)
            assert (answer.status_code, "JSON" in answer.text) == (400, True), (path, odd[:20])


ENDS = (
    "date={}",
    "date={}&age_from=5",
    "date={}&age_to=9",
    "day={}",
    "visited_from={0}&visited_to={0}",
    "from={0}&to={0}",
)


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_no_page_breaks_at_an_end_of_the_calendar(sqlite_site: Site, day: str) -> None:
    chief, broken, tried = manager(sqlite_site), {}, 0
    for row in rules(create_app(sqlite_site.settings, sqlite_site.reference)):
        method, _, template = row.partition(" ")
        if method != "GET" or template.startswith(("/static", "/assets")):
            continue
        for asked in ENDS:
            path = f"{re.sub(r'<[^>]*>', '1', template)}?campaign=mini&{asked.format(day)}"
            status = chief.session.get(sqlite_site.url + path).status_code
            tried += 1
            if status >= 500:
                broken[path] = status
    assert tried > 500
    assert broken == {}


def test_no_odd_question_is_a_fault(here: World, tmp_path: Path) -> None:  # noqa: F811
    seen: dict[int, int] = {}
    with walk(here, tmp_path, "admin") as walker:
        wrong = list(attack_pages(walker, 1, 1500, seen))
    assert not wrong, "\n".join(wrong)
    assert min(seen.get(status, 0) for status in (200, 302, 400, 404)) > 20, seen
