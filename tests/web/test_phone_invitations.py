"""What phones and lists say of the plan in use: when and where somebody is asked to come, and no more than that."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import date, timedelta
from urllib.parse import urlencode

import requests

from mapper.domain.follow_up import DueDose, PersonState, Status
from mapper.domain.plan import PlanQuestion
from mapper.services.intake import today
from mapper.services.kept_invitations import STAYS, Invitation
from tests.formats.test_sheet import Reader
from tests.services import made_plans
from tests.services.made_plans import hall, made_of, of_house, planned, session
from tests.web.test_phone_lists import CHILD, HOUSES, MOTHER, Field, made_field, sqlite_walk, walk

__all__ = ["made_field", "sqlite_walk", "walk"]
BORN = date(1980, 5, 4)


def ask(field: Field, *people: str, day: date, in_use: bool = True, place: str = "Nhà văn hoá Nà Pái") -> int:
    """A plan by which these people of the first house are asked to come on a day."""
    house = of_house(HOUSES[0], [planned(one, day) for one in people])
    made = made_of(hall(place, [house], [session(day, len(people))]))
    return made_plans.keep(field.site.reference, made, PlanQuestion("mini", day, day), in_use=in_use)


def told(field: Field, hamlet: str = "0000101") -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """The first house's row, and its people's by id."""
    token = field.token(hamlet)
    house = field.rows(token, "households.csv")[0]
    return house, {row["name"]: row for row in field.rows(token, "people.csv")}


def test_a_phone_is_told_when_and_where_who_is_due_is_asked_to_come(walk: Field) -> None:
    walk.visit("0000101", HOUSES[0], (MOTHER, "Nông Thị Mỷ", BORN, None), (CHILD, "Lý Văn Đức", BORN, None))
    day = today() + timedelta(days=2)
    ask(walk, MOTHER, day=day)
    house, people = told(walk)
    words = f"mời ngày {day:%d/%m/%Y} 07:30–11:00 tại Nhà văn hoá Nà Pái"
    assert people[MOTHER]["due_text"] == f"Mũi 1 từ 08/03/2021; {words}"
    assert people[CHILD]["due_text"] == "Mũi 1 từ 08/03/2021", "who is in no plan"
    assert house["state_text"] == f"2 người đến hạn tiêm; {words}"
    assert house["due_text"].count("Mũi 1") == 2


def test_only_a_plan_in_use_is_told(walk: Field) -> None:
    walk.visit("0000101", HOUSES[0], (MOTHER, "Nông Thị Mỷ", BORN, None))
    number = ask(walk, MOTHER, day=today(), in_use=False)
    assert "mời" not in told(walk)[1][MOTHER]["due_text"]
    made_plans.change(walk.site.reference, number, in_use=True)
    assert "mời ngày" in told(walk)[1][MOTHER]["due_text"]
    made_plans.change(walk.site.reference, number, in_use=False)
    assert "mời" not in told(walk)[1][MOTHER]["due_text"]


def test_a_row_rises_in_version_only_where_its_invitation_changed(sqlite_walk: Field) -> None:
    walk = sqlite_walk
    walk.visit("0000101", HOUSES[0], (MOTHER, "Nông Thị Mỷ", BORN, None), (CHILD, "Lý Văn Đức", BORN, None))
    before, people_before = told(walk)
    day = today() + timedelta(days=1)
    number = ask(walk, MOTHER, day=day)
    after, people = told(walk)
    assert int(after["__version"]) > int(before["__version"])
    assert int(people[MOTHER]["__version"]) > int(people_before[MOTHER]["__version"])
    assert people[CHILD] == people_before[CHILD]
    # The plan was touched, and asks the same: nothing comes anew.
    made_plans.change(walk.site.reference, number, told_at="later")
    assert told(walk) == (after, people)
    # Another plan takes its place on another day.
    made_plans.change(walk.site.reference, number, in_use=False)
    ask(walk, MOTHER, day=day + timedelta(days=1))
    again, people_again = told(walk)
    assert int(again["__version"]) > int(after["__version"])
    assert f"{day + timedelta(days=1):%d/%m/%Y}" in people_again[MOTHER]["due_text"]
    assert people_again[CHILD] == people_before[CHILD]


def test_an_unchanged_plan_makes_no_list_anew_and_is_read_once(sqlite_walk: Field) -> None:
    walk = sqlite_walk
    walk.visit("0000101", HOUSES[0], (MOTHER, "Nông Thị Mỷ", BORN, None))
    ask(walk, MOTHER, day=today())
    told(walk)
    made = walk.site.reference.lists.made
    first = walk.get(walk.token("0000101"), "media/people.csv")
    again = walk.get(walk.token("0000101"), "media/people.csv", **{"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, walk.site.reference.lists.made) == (304, made)
    told(walk, "0000102")
    assert len(walk.site.reference.invited) == 1


def test_who_was_vaccinated_meanwhile_is_invited_no_more(sqlite_walk: Field) -> None:
    walk = sqlite_walk
    walk.visit("0000101", HOUSES[0], (MOTHER, "Nông Thị Mỷ", BORN, None))
    ask(walk, MOTHER, day=today())
    assert "mời ngày" in told(walk)[1][MOTHER]["due_text"]
    walk.visit("0000101", HOUSES[0], (MOTHER, "Nông Thị Mỷ", BORN, date(2022, 8, 9)))
    house, people = told(walk)
    assert (people[MOTHER]["state"], "mời" in people[MOTHER]["due_text"]) == ("done", False)
    assert house["state_text"] == "Hôm nay không cần làm gì"


def test_the_page_and_the_sheet_of_follow_up_say_the_same(sqlite_walk: Field) -> None:
    walk = sqlite_walk
    walk.visit("0000101", HOUSES[0], (MOTHER, "Nông Thị Mỷ", BORN, None))
    ask(walk, MOTHER, day=date(2022, 8, 20), place="Trường Nà Pái")
    token = walk.site.user("commune_supervisor", "00001").token
    for language, words in (
        ("vi", "mời ngày 20/08/2022 07:30–11:00 tại Trường Nà Pái"),
        ("en", "invite on 20/08/2022 07:30–11:00 to Trường Nà Pái"),
    ):
        path = f"/follow-up?hamlet=0000101&date=2022-08-19&lang={language}"
        page = requests.get(walk.site.url + path, headers={"Authorization": f"Bearer {token}"}, timeout=60)
        assert words in page.text
        past = page.url.replace("2022-08-19", "2022-08-22")
        later = requests.get(past, headers={"Authorization": f"Bearer {token}"}, timeout=60)
        assert {"vi": "đã mời ngày 20/08/2022", "en": "was invited on 20/08/2022"}[language] in later.text


def test_those_invited_are_a_list_of_follow_up_by_day_and_site(sqlite_walk: Field) -> None:
    walk = sqlite_walk
    walk.visit("0000101", HOUSES[0], (MOTHER, "Nông Thị Mỷ", BORN, None), (CHILD, "Lý Văn Đức", BORN, None))
    token = walk.site.user("commune_supervisor", "00001").token

    def page(**asked: str) -> str:
        reply = walk.site.get("/follow-up", token, hamlet="0000101", date="2022-08-19", lang="en", **asked)
        assert reply.status_code == 200, reply.text
        return reply.text

    assert "Invited by the plan in use" not in page(), "no plan is in use"
    ask(walk, MOTHER, day=date(2022, 8, 20), place="Trường Nà Pái")
    assert "Invited by the plan in use" in page()
    shown = page(list="invited")
    assert ("Nông Thị Mỷ" in shown, "Lý Văn Đức" in shown) == (True, False)
    assert '<option value="nvh" >Trường Nà Pái</option>' in shown
    assert "Nông Thị Mỷ" in page(list="invited", invited="2022-08-20", site="nvh")
    for other in ({"invited": "2022-08-21"}, {"site": "elsewhere"}, {"invited": "2022-08-20", "site": "elsewhere"}):
        assert "Nông Thị Mỷ" not in page(list="invited", **other)
    printed = walk.site.get(
        "/follow-up/sheets.pdf", token, hamlet="0000101", date="2022-08-19", list="invited", invited="2022-08-20"
    )
    assert "Nông Thị Mỷ" in Reader(printed.content).text()
    assert walk.site.get("/follow-up", token, hamlet="0000101", list="invited", invited="20/8").status_code == 400


def test_lists_by_filter_say_it_too_on_the_page_and_on_paper(sqlite_walk: Field) -> None:
    walk = sqlite_walk
    walk.visit("0000101", HOUSES[0], (MOTHER, "Nông Thị Mỷ", BORN, None), (CHILD, "Lý Văn Đức", BORN, None))
    ask(walk, MOTHER, day=date(2022, 8, 20), place="Trường Nà Pái")
    token = walk.site.user("commune_supervisor", "00001").token
    asked = {"campaign": "mini", "date": "2022-08-19", "view": "people", "lang": "vi"}
    for path in ("/list", "/list/paper"):
        for _ in range(100):
            page = walk.site.get(path, token, **asked)
            if "Nông Thị Mỷ" in page.text:
                break
            time.sleep(0.1)
        assert page.text.count("mời ngày 20/08/2022 07:30–11:00 tại Trường Nà Pái") == 1, path


def test_who_falls_due_by_the_day_is_on_the_list_of_those_invited(sqlite_walk: Field) -> None:
    walk = sqlite_walk
    day = date(2022, 8, 20)
    # Five years old on the day itself, as the campaign asks.
    walk.visit("0000101", HOUSES[0], (CHILD, "Lý Văn Đức", date(2017, 8, 20), None))
    ask(walk, CHILD, day=day)
    token = walk.site.user("commune_supervisor", "00001").token
    shown = walk.site.get("/follow-up", token, hamlet="0000101", date="2022-08-19", list="invited").text
    assert "Lý Văn Đức" in shown
    assert "mời ngày 20/08/2022" in shown
    usual = walk.site.get("/follow-up", token, hamlet="0000101", date="2022-08-19").text
    assert "Lý Văn Đức" not in usual


# When an invitation holds

DAY = date(2022, 8, 15)
ASKED = Invitation(DAY, "truong", "Trường", 450.0, 660.0, ("1",))


def test_an_invitation_holds_for_its_dose_until_a_week_after_its_day() -> None:
    due = Status(PersonState.DUE, (DueDose("1", DAY, ()),))
    other = Status(PersonState.DUE, (DueDose("2", DAY, ()),))
    assert ASKED.holds(due, DAY)
    assert ASKED.holds(due, DAY + STAYS)
    assert not ASKED.holds(due, DAY + STAYS + timedelta(days=1))
    assert not ASKED.holds(other, DAY)


def test_who_falls_due_until_the_day_is_invited_and_who_falls_due_later_is_not() -> None:
    before = DAY - timedelta(days=3)
    for state in (PersonState.WAITING, PersonState.DEFERRED, PersonState.DONE):
        assert ASKED.holds(Status(state, (), DAY), before)
        assert not ASKED.holds(Status(state, (), DAY + timedelta(days=1)), before)
    for state in (PersonState.REFUSED, PersonState.CONTRAINDICATED, PersonState.AWAY):
        assert not ASKED.holds(Status(state, (), DAY), before)
    assert not ASKED.holds(replace(Status(PersonState.WAITING), next_on=None), before)
    assert not ASKED.holds(Status(PersonState.DONE), before)


def test_lists_by_filter_offer_days_and_sites_of_the_plan_in_use_and_find_whom_it_asks(sqlite_walk: Field) -> None:
    walk = sqlite_walk
    walk.visit("0000101", HOUSES[0], (MOTHER, "Nông Thị Mỷ", BORN, None), (CHILD, "Lý Văn Đức", BORN, None))
    day = today() + timedelta(days=2)
    reads = walk.site.user("supervisor", "001").token

    def seen(path: str, **asked: str) -> requests.Response:
        query = urlencode({"campaign": "mini", "lang": "vi", **asked})
        return walk.site.get(f"{path}?{query}", reads)

    assert 'name="invited_from"' not in seen("/list").text, "no plan is in use"
    ask(walk, MOTHER, day=day)
    assert '<option value="nvh" >Nhà văn hoá Nà Pái</option>' in seen("/list").text
    on_day = {"invited_from": day.isoformat(), "invited_to": day.isoformat()}
    for asked in (on_day, {"invited_sites": "nvh"}):
        assert seen("/api/people/count", **asked).json()["people"] == 1
        page = seen("/list", view="people", **asked).text
        assert "Nông Thị Mỷ" in page and "Lý Văn Đức" not in page
    chosen = seen("/list", invited_sites="nvh").text
    assert "mời đến điểm Nhà văn hoá Nà Pái" in chosen
    assert seen("/api/people/count", invited_sites="other").json()["people"] == 0
    assert seen("/api/people/count", invited_from="2022-02-31").status_code == 400
