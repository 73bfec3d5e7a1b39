"""Pages of plans: the form keeps what was typed and names the field; a plan says what it does; names only to whom they
may be shown."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from mapper.domain.people import Point
from mapper.domain.plan import FieldTeam, FixedSession, Scenario
from mapper.errors import InvalidQuestion
from mapper.formats.plan_file import write_made
from mapper.services import audit, demand, intake, plans, withdrawing
from mapper.services.accounts import OPERATOR
from mapper.services.outline import outline
from mapper.services.plan_figures import rules_for
from mapper.services.plan_given import gather
from mapper.services.plans import PlanState
from mapper.services.travel import Straight
from mapper.store import plans as kept
from mapper.store.plans import Part
from tests.client.site import House, Site
from tests.web.planned import FIRST, HOUSES, LAST, planned, question, settle
from tests.web.test_boundary_sets import a_later_set
from tests.web.test_pages import PASSWORD, Reader, reader

FORM = {
    "campaign": "mini",
    "first": FIRST.isoformat(),
    "last": LAST.isoformat(),
    "aim": "most_people",
    "sites": "2",
    "proposed": "1",
    "mobile_days": "1",
    "as_entered": "1",
    "seconds": "1",
    "gap": "0.1",
    "seed": "1",
    "team_name-0": "Đội một",
    "team_begin-0": "07:00",
    "team_end-0": "16:30",
}


@pytest.fixture
def site(sqlite_site: Site) -> Iterator[Site]:
    settle(sqlite_site)
    yield sqlite_site


def ask(who: Reader, **typed: str) -> tuple[int, str]:
    """Status and page, or the address that is led to."""
    reply = who.post("/plans?lang=en", who.get("/plans").text, **FORM | typed)
    return reply.status_code, reply.headers.get("Location", reply.text)


def text_of(page: str) -> str:
    """What a page says, without its tags."""
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def test_a_plan_for_nobody_says_so_with_its_days_in_the_reader_s_words(sqlite_site: Site) -> None:
    person = ("Lò Mai", "1985-01-02", "2022-01-02")
    sqlite_site.phone().send(House("uuid:one", location="22.055 105.055 300 5", people=(person,)).form())
    number = planned(sqlite_site.reference)
    who = reader(sqlite_site, "001")
    for language, first, last in (("vi", "05/09/2022", "07/09/2022"), ("en", "5 Sep 2022", "7 Sep 2022")):
        page = text_of(who.get(f"/plans/{number}", lang=language).text)
        assert re.search(f"{first} (đến|to) {last}, (và|and)", page), page


def test_a_form_that_nobody_touched_is_a_plan_from_the_next_working_day_on(site: Site) -> None:
    who = reader(site, "001")
    page = who.get("/plans", lang="en").text
    assert '<details class="drop" id="new" open>' in page, "there is no plan yet"
    typed = dict(re.findall(r'<input[^>]* name="([\w-]+)" value="([^"]*)"', page))
    first, last = date.fromisoformat(typed["first"]), date.fromisoformat(typed["last"])
    assert first.weekday() != 6 and 4 <= (last - first).days <= 8
    assert typed["team_name-0"] == "Team 1" and typed["team_name-1"] == "Team 2" and typed["team_name-2"] == ""
    assert "the station nearest to the middle of the area" in page


def test_a_plan_is_asked_for_and_its_page_says_what_it_does(site: Site) -> None:
    who = reader(site, "001")
    status, where = ask(who, name="Tuần 36")
    assert (status, where) == (303, "/plans/1")
    question = plans.plan(site.reference, OPERATOR, 1).line.question
    (team,) = question.teams
    assert (team.name, team.start.lat, team.start.lon) == ("Đội một", 22.05, 105.05)
    assert (team.begin, team.end, question.sites, question.seconds) == (420, 990, 2, 1.0)
    number = planned(site.reference)
    page = text_of(who.get(f"/plans/{number}", lang="en").text)
    assert "6 of 7 people due have a place: at 2 sites, and 0 at home." in page
    assert "1 no position known" in page
    assert "Trạm y tế Xã Một" in page and "Đội 1" in page
    assert "No choice of sites is better for this aim" in page
    for name in ("Páo", "Triệu", "Ma Thị"):
        assert name not in page, "a plan names nobody"
    line = text_of(who.get("/plans", lang="en").text)
    assert "Most people with 2 sites" in line and "/ 7" in line


def test_without_a_number_of_sites_there_are_as_many_as_teams_have_days_for_and_the_page_says_how_many(
    site: Site,
) -> None:
    who = reader(site, "001")
    assert ask(who, sites="")[0] == 303
    assert plans.plan(site.reference, OPERATOR, 1).line.question.sites is None
    number = planned(site.reference, sites=None)
    page = text_of(who.get(f"/plans/{number}", lang="en").text)
    assert "2 sites are used, 1 fixed and 1 mobile: with these everybody has one within their walk" in page
    assert "Most people with as many sites as the teams" in text_of(who.get("/plans", lang="en").text)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"last": "2022-09-01"}, "The last day lies before the first."),
        ({"last": "2023-09-01"}, "A plan is of 62 days at most."),
        ({"sites": "viele"}, "viele is no whole number from 1 to 2000."),
        ({"seconds": "9999"}, "9999 is no number from 1 to 3600."),
        ({"campaign": "other"}, "Choose a campaign of the list."),
        ({"area": "commune:00009"}, "Choose an area of the list."),
        ({"closed": "00009"}, "Choose closed communes of the list."),
        ({"scenario": "storm"}, "Choose a scenario of the list."),
        ({"team_end-0": "06:00"}, "Đội một comes back before it sets out."),
        ({"team_name-1": "đội một"}, "Two teams are called đội một."),
        ({"team_doses-1": "100"}, "Give this team a name, or empty its row."),
        ({"team_start-0": "point", "team_lat-0": "22"}, "Write latitude and longitude"),
        ({"team_start-0": "site:GONE"}, "This site is not in the list any more."),
        ({"team_off-0": "24/12"}, "24/12 is no day of this plan."),
        ({"team_off-0": "5/9, 6/9, 7/9"}, "This team has no working day left."),
    ],
)
def test_what_cannot_be_is_told_at_its_field_and_all_that_was_typed_stays(
    site: Site, typed: dict[str, str], words: str
) -> None:
    who = reader(site, "001")
    status, page = ask(who, **{"name": "Giữ lại", "team_vehicle-0": "xe máy"} | typed)
    assert status == 400
    (field,) = re.findall(r'<small class="field-wrong" id="wrong-([\w-]+)">([^<]*)', page)
    assert field[1].startswith(words)
    assert 'value="Giữ lại"' in page and 'value="xe máy"' in page
    for name, value in typed.items():
        if not name.endswith(("campaign", "area", "closed", "scenario")) and "start" not in name:
            assert f'name="{name}" value="{value}"' in page
    assert plans.lines(site.reference, OPERATOR) == []


def test_days_off_of_a_team_and_of_everybody(site: Site) -> None:
    who = reader(site, "001")
    assert ask(who, off="06/09", **{"team_off-0": "5/9/2022"})[0] == 303
    question = plans.plan(site.reference, OPERATOR, 1).line.question
    assert question.off == (date(2022, 9, 6),)
    assert question.teams[0].days == (date(2022, 9, 7),)
    page = who.get("/plans", **{"from": "1", "lang": "en"}).text
    assert 'name="team_off-0" value="05/09/2022"' in page and 'name="off" value="06/09/2022"' in page
    assert '<option value="site:TYT" selected>' in page, "a start is known again by its site"


def test_whom_a_site_serves_is_named_to_those_who_may_see_it_and_that_is_entered(site: Site) -> None:
    number = planned(site.reference)
    district = reader(site, "001")
    page = text_of(district.get(f"/plans/{number}/sites/TYT", lang="en").text)
    assert "Nông Văn Páo" in page or "Ma Thị Xuân" in page
    entry = audit.entries(site.reference, 1)[0]
    assert entry.action == "people.listed" and entry.facts["plan"] == str(number)
    elsewhere = reader(site, "00002", role="commune_supervisor")
    assert elsewhere.get(f"/plans/{number}/sites/TYT").status_code == 404
    assert elsewhere.get(f"/plans/{number}").status_code == 404
    assert district.get(f"/plans/{number}/sites/NONE").status_code == 404


def test_a_plan_in_use_shows_a_commune_its_own_people_alone(site: Site) -> None:
    number = planned(site.reference)
    plans.use(site.reference, OPERATOR, number)
    elsewhere = reader(site, "00002", role="commune_supervisor")
    page = elsewhere.get(f"/plans/{number}/sites/TYT", lang="en").text
    assert "Trạm y tế Xã Một" in page
    for name in ("Páo", "Ún", "Xuân"):
        assert name not in page
    assert "the plan is about more" in elsewhere.get(f"/plans/{number}", lang="en").text
    waiting = elsewhere.get(f"/plans/{number}/people", why="no_position", lang="en").text
    assert "Triệu Thị Hạ" in waiting


def test_lists_of_those_without_a_place(site: Site) -> None:
    number = planned(site.reference)
    who = reader(site, "001")
    page = who.get(f"/plans/{number}", lang="en").text
    (address,) = re.findall(r'href="(/plans/\d+/people\?why=no_position[^"]*)"', page)
    listed = text_of(who.get(address.replace("&amp;", "&"), lang="en").text)
    assert "Triệu Thị Hạ" in listed and "1 people" in listed
    for wrong in ("why=bad", "why=full", "why=no_position&hamlet=0000101", "why=no_position&page=2"):
        assert who.get(f"/plans/{number}/people?{wrong}").status_code == 404


def test_a_plan_is_chosen_renamed_and_taken_away_by_those_who_may(site: Site) -> None:
    number = planned(site.reference)
    who, planner = reader(site, "001"), reader(site, "001", role="planner")
    page = who.get(f"/plans/{number}").text
    assert who.post(f"/plans/{number}/change", page, act="use").status_code == 303
    assert "This plan is carried out from now on." in who.get(f"/plans/{number}", lang="en").text
    assert plans.line(site.reference, OPERATOR, number).row.in_use
    assert planner.post(f"/plans/{number}/change", page_of(planner, number), act="unuse").status_code == 403
    assert who.post(f"/plans/{number}/change", page, act="remove").status_code == 409
    assert who.post(f"/plans/{number}/change", page, act="rename", name="Đợt một").status_code == 303
    assert "<h1>Đợt một</h1>" in who.get(f"/plans/{number}").text
    assert who.post(f"/plans/{number}/change", page, act="dance").status_code == 400
    assert who.post(f"/plans/{number}/change", page, act="unuse").status_code == 303
    assert who.post(f"/plans/{number}/change", page, act="remove").status_code == 303
    assert who.get(f"/plans/{number}").status_code == 404


def page_of(who: Reader, number: int) -> str:
    return who.get(f"/plans/{number}").text


@pytest.mark.parametrize("path", ["/plans", "/plans/1/change", "/plans/1/what-if"])
def test_nothing_is_done_without_the_page_s_own_form(site: Site, path: str) -> None:
    number = planned(site.reference)
    who = reader(site, "001")
    reply = who.session.post(f"{site.url}{path}", data=FORM | {"act": "remove", "what": "site_more"}, timeout=60)
    assert reply.status_code == 400
    assert [one.row.id for one in plans.lines(site.reference, OPERATOR)] == [number]


def test_what_if_asks_for_the_same_with_one_thing_other_from_the_same_people(site: Site) -> None:
    number = planned(site.reference)
    who = reader(site, "001")
    page = page_of(who, number)
    assert "One team less" not in who.get(f"/plans/{number}", lang="en").text, "there is but one team"
    for what, told in (("site_more", {}), ("site_less", {}), ("doses", {"doses": "2"})):
        reply = who.post(f"/plans/{number}/what-if?lang=en", page, what=what, **told)
        assert reply.status_code == 303
    found = {one.row.name: one for one in plans.lines(site.reference, OPERATOR)}
    assert found["Tuần 36: one site more"].question.sites == 3
    assert found["Tuần 36: one site less"].question.sites == 1
    assert found["Tuần 36: 2 doses only"].question.doses == 2
    assert {one.row.given_of for one in found.values()} == {None, number}
    for wrong in ({"what": "team_less"}, {"what": "doses", "doses": ""}, {"what": "doses", "doses": "x"}, {"what": ""}):
        assert who.post(f"/plans/{number}/what-if", page, **wrong).status_code == 400


def test_a_plan_at_work_is_told_to_the_page_s_script_and_can_be_stopped(site: Site) -> None:
    number = plans.ask(site.reference, OPERATOR, question())
    who = reader(site, "001")
    # Another process has begun it; this one leaves it alone.
    with site.reference.database.write() as connection:
        told = {"state": PlanState.RUNNING, "worker": "w", "share": 0.25, "told_at": plans.now()}
        kept.change(connection, number, told)
    assert who.get(f"/plans/{number}/stage").json() == {"stage": "running", "share": 0.25, "seen": ""}
    page = who.get(f"/plans/{number}", lang="en").text
    assert "The plan is being worked out" in page and 'value="0.25"' in page
    assert who.get(f"/plans/{number}/sites/TYT").status_code == 404
    assert who.post(f"/plans/{number}/change", page, act="stop").status_code == 303
    assert plans.line(site.reference, OPERATOR, number).row.to_stop


def test_two_plans_side_by_side_say_what_the_other_does_more(site: Site) -> None:
    first = planned(site.reference)
    other = planned(site.reference, given_of=first, sites=1, name="Một điểm")
    who = reader(site, "001")
    page = text_of(who.get("/plans/compare", a=str(first), b=str(other), lang="en").text)
    assert "The second plan has a place for 1 fewer people" in page
    assert "1 people have a place only in the first plan." in page
    assert "Xã Hai 1 0 −1" in page and "Xã Một 5 5 the same" in page
    assert "made from different people" not in page
    same = planned(site.reference, given_of=first)
    assert "The two plans are the same" in who.get("/plans/compare", a=str(first), b=str(same), lang="en").text
    elsewhere = reader(site, "00002", role="commune_supervisor")
    assert elsewhere.get(f"/plans/compare?a={first}&b={other}").status_code == 404
    assert who.get(f"/plans/compare?a={first}&b=x").status_code == 404
    waiting = plans.ask(site.reference, OPERATOR, question())
    assert who.get(f"/plans/compare?a={first}&b={waiting}").status_code == 409


def test_what_came_in_stands_beside_what_was_planned(site: Site) -> None:
    number = planned(site.reference)
    came = (("Nông Văn Páo", "1980-05-04", "2022-09-06"),)
    site.phone().send(HOUSES[0].edited("uuid:later", people=came, today="2022-09-06").form())
    who = reader(site, "001")
    page = text_of(who.get(f"/plans/{number}/progress", lang="en").text)
    assert "1 of 6 people asked to come are vaccinated" in page
    assert "Trạm y tế Xã Một 5 1 4 1 20%" in page
    assert "The last day of this plan is over." in page
    for name in ("Páo", "Xuân"):
        assert name not in page


def test_a_plan_is_made_anew_from_tomorrow_on(site: Site) -> None:
    tomorrow = intake.today() + timedelta(days=1)
    number = planned(site.reference, first=intake.today(), last=tomorrow + timedelta(days=4))
    who = reader(site, "001")
    page = who.get(f"/plans/{number}/progress", lang="en").text
    assert "Plan anew from tomorrow on" in page and '<select name="keep">' in page
    assert who.post(f"/plans/{number}/again", page, keep="some").status_code == 400
    reply = who.post(f"/plans/{number}/again?lang=en", page, keep="0")
    assert reply.status_code == 303
    line = plans.line(site.reference, OPERATOR, number + 1)
    assert (line.question.first, line.question.follows, line.question.keeps) == (tomorrow, number, ())
    assert line.row.name == "Tuần 36, anew"
    over = planned(site.reference)
    refused = who.post(f"/plans/{over}/again?lang=en", page, keep="all")
    assert refused.status_code == 400 and "is over" in refused.text


def test_the_papers_that_a_plan_s_pages_lead_to_are_there(site: Site) -> None:
    number = planned(site.reference)
    who = reader(site, "001")
    pages = [who.get(f"/plans/{number}").text, who.get(f"/plans/{number}/sites/TYT").text]
    files = {
        one.replace("&amp;", "&") for page in pages for one in re.findall(r'href="(/plans/\d+/files/[^"]+)"', page)
    }
    assert len(files) == 9
    for file in files:
        assert who.get(file).status_code == 200, file


def test_a_first_plan_is_shown_while_it_is_still_bettered(site: Site) -> None:
    number = planned(site.reference)
    with site.reference.database.write() as connection:
        kept.change(
            connection, number, {"state": PlanState.RUNNING, "worker": "w", "share": 0.5, "told_at": plans.now()}
        )
    who = reader(site, "001")
    assert who.get(f"/plans/{number}/stage").json() == {"stage": "running", "share": 0.5, "seen": "plan"}
    page = who.get(f"/plans/{number}", lang="en").text
    assert "This is a first plan that can be used." in page and "6 of 7 people due" in page
    assert "What if?" not in page and "Carry this plan out" not in page


def test_a_plan_that_failed_says_why_and_offers_the_question_again(site: Site) -> None:
    number = plans.ask(site.reference, OPERATOR, question())
    told = plans.told_trouble(InvalidQuestion("There is no plan {number}. Choose one from the list.", number=7))
    with site.reference.database.write() as connection:
        kept.change(connection, number, {"state": PlanState.FAILED, "trouble": told, "told_at": plans.now()})
    who = reader(site, "001")
    page = who.get(f"/plans/{number}", lang="en").text
    assert "There is no plan 7." in page and f'href="/plans?from={number}#new"' in page
    assert "There is no plan 7." in who.get("/plans", lang="en").text


RULES = """
walk_limit_km = 5
[[scenario]]
code = "outbreak"
label = { vi = "Có dịch", en = "Outbreak" }
closed_from = 4
"""


def test_scenarios_of_planning_toml_are_offered_and_closed_communes_are_told(site: Site) -> None:
    with site.reference.database.write() as connection:
        campaign = site.reference.known(connection).campaign("mini")
        demand.keep_rules(site.reference, connection, campaign, RULES)
    who = reader(site, "001")
    assert '<option value="outbreak" >Outbreak</option>' in who.get("/plans", lang="en").text
    assert ask(who, scenario="outbreak", closed="00002", sites="1")[0] == 303
    scenario = plans.plan(site.reference, OPERATOR, 1).line.question.scenario
    assert (scenario.code, scenario.closed, scenario.closed_from) == ("outbreak", ("00002",), 4)
    number = planned(site.reference, sites=1, scenario=scenario)
    page = who.get(f"/plans/{number}", lang="en").text
    assert "Closed communes" in page and "Xã Hai" in text_of(page)
    assert '"closed":[{"type"' in page, "the closed commune is on the map"
    reply = who.post(f"/plans/{number}/what-if?lang=en", page, what="scenario", scenario="")
    assert reply.status_code == 303
    other = plans.line(site.reference, OPERATOR, number + 1)
    assert (other.row.name, other.question.scenario.code) == ("Tuần 36: without a scenario", "")
    assert who.post(f"/plans/{number}/what-if", page, what="scenario", scenario="storm").status_code == 400


def test_a_canvasser_finds_no_plans(site: Site) -> None:
    token = site.user("canvasser", "001").token
    assert site.get("/plans", token).status_code == 403
    assert site.get("/plans").status_code == 302


def test_a_question_asked_again_keeps_its_sessions_and_levels(site: Site) -> None:
    who = reader(site, "001")
    keeps = (FixedSession("TYT", LAST, people=50, asked=("uuid:somebody",)),)
    scenario = Scenario(levels=(("00001", FIRST, 3),), closed=("00002",), crowd={3: 40}, level=1)
    teams = tuple(FieldTeam(f"Đội {number}", Point(22.05, 105.05)) for number in range(12))
    number = planned(site.reference, keeps=keeps, scenario=scenario, teams=teams)
    page = who.get("/plans", **{"from": str(number), "lang": "en"}).text
    assert "Keep 1 sessions that stand already" in text_of(page) and "uuid:somebody" not in page
    assert f'name="like" value="{number}"' in page and "Xã Một; 3; 05/09/2022" in page and "Đội 11" in page
    again = {"like": str(number), "keeps": "1", "levels": "Xã Một; 3; 05/09/2022\n00002; 4", "closed": "00002"}
    status, address = ask(who, **again)
    assert status == 303, text_of(address)
    made = plans.line(site.reference, OPERATOR, int(address.rpartition("/")[2])).question
    assert made.keeps == keeps
    levels = (("00001", FIRST, 3), ("00002", FIRST, 4))
    assert made.scenario == replace(scenario, levels=levels)
    _, address = ask(who, like=str(number))
    made = plans.line(site.reference, OPERATOR, int(address.rpartition("/")[2])).question
    assert made.keeps == () and made.scenario == replace(scenario, levels=(), closed=()), "unticked and emptied"


@pytest.mark.parametrize(
    ("levels", "says"),
    [
        ("Xã Một", "write commune, level 1 to 4"),
        ("Xã Một; 5; 05/09/2022", "write commune, level 1 to 4"),
        ("Xã Một; 3; 31/02/2022", "write the day"),
        ("Xã Ba; 3", "there is no Xã Ba here"),
    ],
)
def test_levels_that_cannot_be_are_named_at_their_field(site: Site, levels: str, says: str) -> None:
    status, page = ask(reader(site, "001"), levels=levels)
    assert status == 400 and says in text_of(page) and 'id="wrong-levels"' in page


def test_a_form_that_begins_with_a_plan_of_somebody_else_is_no_way_to_its_question(site: Site) -> None:
    number = planned(site.reference, area="commune:00002")
    status, _ = ask(reader(site, "00001"), like=str(number), keeps="1")
    assert status == 404


def test_the_page_of_a_plan_says_that_its_set_was_withdrawn_and_the_form_begins_with_another(
    site: Site, tmp_path: Path
) -> None:
    a_later_set(site, tmp_path)
    who = Reader(site, site.user("administrator", name="whole", password=PASSWORD).name)
    number = planned(site.reference, set_id="later", area="commune:00002")
    sentence = "on which this plan was made, has been withdrawn"
    page = who.get(f"/plans/{number}?lang=en")
    assert page.status_code == 200 and sentence not in page.text
    withdrawing.withdraw(site.reference, "later", anyway=True)
    assert sentence in who.get(f"/plans/{number}?lang=en").text
    assert who.get(f"/plans?from={number}").status_code == 200


def test_a_first_plan_by_numbers_shows_sites_and_says_that_nobody_is_asked_yet(site: Site) -> None:
    number = planned(site.reference)
    gathered = gather(site.reference, OPERATOR, plans.line(site.reference, OPERATOR, number).question)
    rules = rules_for(site.reference, "mini")
    shown = outline(gathered.bare, gathered.crowd, rules, Straight(rules), lambda: False)
    assert shown is not None
    told = {"state": PlanState.RUNNING, "worker": "w", "share": 0.02, "told_at": plans.now()}
    with site.reference.database.write() as connection:
        kept.change(connection, number, told | {"summary": json.dumps(plans.summary(shown))})
        kept.keep(connection, number, Part.MADE, write_made(shown))
    who = reader(site, "001")
    assert who.get(f"/plans/{number}/stage").json()["seen"] == "outline"
    page = who.get(f"/plans/{number}", lang="en").text
    assert 'data-seen="outline"' in page and "This is a first plan by numbers" in page and "6 of 7 people due" in page
    assert f"/plans/{number}/sites/" not in page and f"/plans/{number}/people" not in page and ".pdf" not in page
    assert "Vials and what goes with them" in page and "1 people have none" in page
    for path in ("sites/TYT", "progress", "people?why=home"):
        reply = who.get(f"/plans/{number}/{path}", lang="en")
        assert reply.status_code in (404, 409) and "6 of 7" not in reply.text, path
    assert "Who is asked to come when is still being written" in who.get(f"/plans/{number}/sites/TYT", lang="en").text
    with site.reference.database.write() as connection:
        kept.change(connection, number, {"told_at": "2022-08-15T00:00:00.000+00:00"})
    page = who.get(f"/plans/{number}", lang="en").text
    assert "The server stopped while it made this plan" in page and "first plan by numbers" not in page
    assert "6 of 7 people due" not in page and 'value="again"' in page
