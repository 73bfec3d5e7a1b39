"""Plans over HTTP as programs ask for them: made in the background, stopped, varied, compared, measured, by area."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from mapper.services import audit, plans
from mapper.services.accounts import OPERATOR
from tests.client.site import SET_ID, Site
from tests.web.planned import FIRST, LAST, planned, settle
from tests.web.test_pages import reader

PATIENCE_S = 60.0
QUESTION = {
    "campaign_id": "mini",
    "name": "Tuần 36",
    "first": FIRST.isoformat(),
    "last": LAST.isoformat(),
    "set_id": SET_ID,
    "area": "district:001",
    "sites": 2,
    "teams": [{"name": "Đội 1", "start": {"lat": 22.05, "lon": 105.05}}],
    "seconds": 2,
}


@pytest.fixture
def site(sqlite_site: Site) -> Iterator[Site]:
    settle(sqlite_site)
    yield sqlite_site


class Program:
    """A program with a user's token."""

    def __init__(self, site: Site, role: str = "supervisor", *areas: str) -> None:
        self.url, token = site.url, site.user(role, *(areas or ("001",))).token
        self.headers = {"Authorization": f"Bearer {token}"}

    def ask(self, method: str, path: str, body: Any = None, **query: str) -> tuple[int, Any]:
        """Status and body."""
        reply = requests.request(
            method, f"{self.url}/api/plans{path}", json=body, params=query, headers=self.headers, timeout=60
        )
        return reply.status_code, reply.json() if reply.content else None

    def get(self, path: str, **query: str) -> Any:
        """What is answered with 200."""
        status, told = self.ask("GET", path, **query)
        assert status == 200, told
        return told

    def made(self, status: int, told: dict[str, Any]) -> dict[str, Any]:
        """A plan that was just asked for, once it is made."""
        assert status == 201, told
        for _ in range(int(PATIENCE_S / 0.1)):
            told = self.get(f"/{told['number']}")
            if told["state"] not in ("waiting", "running"):
                return told
            time.sleep(0.1)
        raise AssertionError("the plan is never made")


def test_a_plan_is_asked_for_made_in_the_background_and_told_whole(site: Site) -> None:
    program = Program(site)
    found = program.made(*program.ask("POST", "", QUESTION))
    assert (found["state"], found["share"], found["trouble"]) == ("done", 1.0, None), found
    assert found["summary"]["people"] == 7 and found["question"]["sites"] == 2
    told = program.get(f"/{found['number']}")["told"]
    assert told["headline"].startswith(f"{found['summary']['served']} trong 7 người đến hạn có chỗ tiêm"), told
    assert told["sites"] == "" and (told["binds"] or found["summary"]["served"] == 7)
    explained = found["explained"]
    assert (explained["people"], explained["houses"]) == (7, 5)
    assert explained["versions"] == explained["versions_now"] and len(explained["digest"]) == 64
    made = program.get(f"/{found['number']}/made")
    people = [one for place in made["sites"] for house in place["houses"] for one in house["people"]]
    people += [one for house in made["homes"] for one in house["people"]]
    assert len(people) == found["summary"]["served"] > 0
    assert "Lò" not in str(made), "ids alone"
    assert [one["number"] for one in program.get("", campaign="mini")["plans"]] == [found["number"]]
    assert program.get("", campaign="other") == {"plans": []}
    actions = [one.action for one in audit.entries(site.reference, 5)]
    assert actions[:2] == ["plan.seen", "plan.asked"]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"{", "no JSON: line 1"),
        (b"[1]", "JSON object"),
        (b'{"campaign_id": "mini"}', "field first"),
        ({**QUESTION, "wheels": 4}, "wheels"),
        ({**QUESTION, "first": "tomorrow"}, "field first"),
        ({**QUESTION, "sites": "many"}, "field sites"),
        ({**QUESTION, "teams": [{"name": "A"}]}, "field teams.0.start"),
        ({**QUESTION, "last": "2022-08-01"}, "1 to 366 days"),
        ({**QUESTION, "aim": "best"}, "field aim"),
        ({**QUESTION, "scenario": "none of it"}, "no scenario none of it"),
        ({**QUESTION, "scenario": {"level": 7}}, "scenario.level"),
    ],
)
def test_a_question_that_does_not_fit_is_refused_naming_the_field(site: Site, body: Any, says: str) -> None:
    program = Program(site)
    asked = {"data": body} if isinstance(body, bytes) else {"json": body}
    reply = requests.post(f"{site.url}/api/plans?lang=en", headers=program.headers, timeout=60, **asked)
    assert reply.status_code == 400
    assert says in reply.json()["error"]["message"]
    assert program.get("") == {"plans": []}


def test_where_houses_stand_is_told_to_overseers_alone(site: Site) -> None:
    number = planned(site.reference)
    for role, told in (("supervisor", True), ("planner", False)):
        made = Program(site, role).get(f"/{number}/made")
        houses = [house for place in made["sites"] for house in place["houses"]]
        assert houses and {house["point"] is not None for house in houses} == {told}


def test_a_number_beyond_all_numbers_is_no_plan(site: Site) -> None:
    program = Program(site)
    for number in (2**31, 10**25):
        assert program.ask("GET", f"/{number}")[0] == 404
        assert program.ask("POST", "", {**QUESTION, "follows": number})[0] in (400, 404)


def test_who_is_asked_to_a_session_that_stands_is_not_told_with_the_question(site: Site) -> None:
    keeps = [{"site": "TYT", "day": FIRST.isoformat(), "people": 9, "asked": ["uuid:somebody"]}]
    status, told = Program(site).ask("POST", "", {**QUESTION, "keeps": keeps})
    assert status == 201 and "uuid:somebody" not in str(told)
    assert told["question"]["keeps"] == [{"site": "TYT", "day": FIRST.isoformat(), "people": 9, "team": ""}]


def test_a_browser_s_session_needs_the_token_of_its_page_and_a_program_s_key_does_not(site: Site) -> None:
    who = reader(site, "001")
    number = planned(site.reference)
    refused = who.session.post(f"{site.url}/api/plans/{number}/use", timeout=60)
    assert refused.status_code == 400
    assert who.session.delete(f"{site.url}/api/plans/{number}", timeout=60).status_code == 400
    assert not plans.line(site.reference, OPERATOR, number).row.in_use
    assert who.get(f"/api/plans/{number}").status_code == 200
    assert Program(site).ask("POST", f"/{number}/use")[0] == 200
    assert site.get(f"/api/plans/{number}").status_code == 401
    assert site.get(f"/api/plans/{number}", site.user("canvasser", "001").token).status_code == 403


def test_a_plan_that_waits_is_stopped_and_made_again(site: Site) -> None:
    program = Program(site, "administrator", "001")
    number = plans.ask(site.reference, OPERATOR, plans_question(site))
    status, told = program.ask("POST", f"/{number}/stop")
    assert (status, told["state"], told["explained"]) == (200, "stopped", None)
    assert program.ask("GET", f"/{number}/made")[0] == 409
    status, told = program.ask("POST", f"/{number}/again")
    assert status == 200 and program.made(201, told)["state"] == "done"
    assert program.ask("POST", f"/{number}/again")[0] == 409


def plans_question(site: Site) -> Any:
    """The question of a plan that was made."""
    return plans.line(site.reference, OPERATOR, planned(site.reference)).question


def test_variants_are_made_of_the_same_census_and_set_beside_it(site: Site) -> None:
    program = Program(site)
    number = planned(site.reference)
    other = program.made(*program.ask("POST", f"/{number}/variants", {"sites": 1, "doses": 3}))
    assert (other["variant_of"], other["question"]["doses"], other["first"]) == (number, 3, FIRST.isoformat())
    assert other["summary"]["served"] <= 3
    found = program.get(f"/{number}/comparison", **{"with": str(other["number"])})
    assert [one["number"] for one in found["plans"]] == [number, other["number"]]
    assert found["plans"][0]["people"] == found["plans"][1]["people"] == 7
    assert found["differences"][0]["served"] == found["plans"][1]["served"] - found["plans"][0]["served"] < 0
    for wrong in ("", "x", "1,,2"):
        assert program.ask("GET", f"/{number}/comparison", **{"with": wrong})[0] == 400
    assert program.ask("GET", f"/{number}/comparison", **{"with": "999"})[0] == 404
    assert program.ask("POST", f"/{number}/variants", {"sites": -1.5})[0] == 400


def test_variants_are_listed_and_asked_for_by_their_codes(site: Site) -> None:
    program, number = Program(site), planned(site.reference)
    codes = [one["what_if"] for one in program.get(f"/{number}/variants")["variants"]]
    assert codes == ["site_less", "site_more", "farther"]
    for code, field, value in (("site_more", "sites", 3), ("doses:3", "doses", 3)):
        status, told = program.ask("POST", f"/{number}/variants", {"what_if": code})
        assert (status, told["variant_of"], told["question"][field]) == (201, number, value)
    assert program.ask("POST", f"/{number}/variants", {"what_if": "team_less"})[0] == 400


def test_progress_is_told_with_figures_that_add_up(site: Site) -> None:
    number = planned(site.reference)
    found = Program(site).get(f"/{number}/progress")
    assert found["total"]["asked"] + found["not_asked"]["asked"] == 7
    for parts in ("sites", "communes", "places", "teams"):
        assert sum(one["asked"] for one in found[parts]) == found["total"]["asked"]
    assert found["total"]["fates"] == {"not_seen": found["total"]["asked"]} or found["total"]["left"] > 0
    assert found["days"][0]["date"] == FIRST.isoformat()


def test_a_plan_that_is_over_has_no_tomorrow_and_days_to_keep_are_a_number(site: Site) -> None:
    program, number = Program(site), planned(site.reference)
    status, told = program.ask("POST", f"/{number}/tomorrow")
    assert status == 400 and "kế hoạch" in told["error"]["message"].lower()
    for wrong in ("two", -1, True, 1.5):
        assert program.ask("POST", f"/{number}/tomorrow", {"keep_days": wrong})[0] == 400
    assert program.ask("POST", f"/{number}/tomorrow", [1])[0] == 400


def test_a_plan_is_used_put_aside_and_taken_away_by_its_area_s_supervisors(site: Site) -> None:
    number, other = planned(site.reference), planned(site.reference)
    program, commune = Program(site), Program(site, "commune_supervisor", "00002")
    assert commune.ask("GET", f"/{number}")[0] == 404
    status, told = program.ask("POST", f"/{number}/use")
    assert (status, told["in_use"], told["whole"]) == (200, True, True)
    seen = commune.get(f"/{number}")
    assert (seen["in_use"], seen["whole"]) == (True, False)
    houses = [house for place in commune.get(f"/{number}/made")["sites"] for house in place["houses"]]
    assert {one["commune_code"] for one in houses} <= {"00002"}
    assert commune.ask("POST", f"/{number}/unuse")[0] == 403
    assert program.ask("DELETE", f"/{number}")[0] == 409
    assert program.ask("POST", f"/{other}/use")[0] == 200
    assert not program.get(f"/{number}")["in_use"]
    assert program.ask("DELETE", f"/{number}") == (204, None)
    assert program.ask("GET", f"/{number}")[0] == 404
    assert program.ask("POST", f"/{other}/unuse")[1]["in_use"] is False


def test_lists_are_as_long_as_asked(site: Site) -> None:
    numbers = [planned(site.reference) for _ in range(2)]
    program = Program(site)
    assert [one["number"] for one in program.get("", limit="1")["plans"]] == numbers[-1:]
    for wrong in ("0", "x", "501", "-1"):
        assert program.ask("GET", "", limit=wrong)[0] == 400
