"""A plan for the days still to come, with what stands; and the same plan a second time."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from mapper.domain.made_plan import MadePlan
from mapper.domain.plan import FieldTeam
from mapper.domain.roles import Role
from mapper.domain.sites import Site, SiteKind
from mapper.errors import Conflict, Forbidden, InvalidQuestion, NotFound
from mapper.services import plan_again, plan_work, plans
from mapper.services.accounts import OPERATOR
from mapper.services.planning import Watched
from mapper.store import plans as kept
from mapper.store import sites
from tests.services.kept_plans import QUESTION, commune, houses, made_of, reader_of, vaccinate
from tests.services.town import DAY, EVERYTHING, Town, inside

TWO_TEAMS = replace(
    QUESTION, proposed=False, teams=(FieldTeam("Đội 1", inside(0)), FieldTeam("Đội 2", inside(2))), sites=3
)


def with_sites(town: Town) -> None:
    """A mobile site in the middle of each of three communes."""
    found = [
        Site(f"S{number}", f"Nhà văn hoá {number}", SiteKind.MOBILE, inside(number).lat, inside(number).lon)
        for number in (0, 1, 2)
    ]
    with town.reference.database.write() as connection:
        sites.save(town.reference.database, connection, found, None, "2022-08-01T00:00:00+00:00")


def made(town: Town, number: int) -> MadePlan:
    found = plans.plan(town.reference, EVERYTHING, number).made
    assert found is not None
    return found


def sessions(plan: MadePlan) -> set[tuple[str, object, str]]:
    return {(one.site.code, session.day, session.team) for one in plan.sites for session in one.sessions}


def days_of(plan: MadePlan) -> dict[str, tuple[str, date | None]]:
    """Site and day of everybody who is asked to one."""
    return {one.id: (site.site.code, one.day) for site in plan.sites for house in site.houses for one in house.people}


def asked(plan: MadePlan) -> set[str]:
    people = {one.id for house, _ in plan.houses() for one in house.people}
    return people | {one.id for several in plan.unserved.values() for house in several for one in house.people}


def test_whoever_was_vaccinated_on_the_first_day_is_not_asked_again_and_sessions_announced_stand(town: Town) -> None:
    with_sites(town)
    ids = houses(town, (0, 0, 1, 1, 2, 2))
    number = made_of(town, TWO_TEAMS)
    before = made(town, number)
    vaccinate(town, ids[::2], DAY)
    question = plan_again.question_again(town.reference, EVERYTHING, number, DAY)
    later = {one for one in sessions(before) if one[1] > DAY}
    assert {(one.site, one.day, one.team) for one in question.keeps} == later
    assert (question.first, question.last, question.follows) == (DAY + timedelta(days=1), TWO_TEAMS.last, number)
    again = made(town, made_of(town, question))
    assert len(asked(before)) == 12 and len(asked(again)) == 6 and asked(again) < asked(before)
    assert later <= sessions(again)


def test_whoever_was_asked_to_a_session_that_stands_is_asked_to_it_again(town: Town) -> None:
    with_sites(town)
    ids = houses(town, (0, 0, 0, 0, 0), people=2)
    slow = replace(TWO_TEAMS.teams[0], doses=3)
    number = made_of(town, replace(TWO_TEAMS, sites=1, teams=(slow,)))
    before = days_of(made(town, number))
    later = {one: at for one, at in before.items() if at[1] > DAY}
    assert len(before) == 10 and len({day for _, day in later.values()}) == 3, "three a day"
    tail = {house[-12:] for house in ids[:3]}
    gone = {one for one in later if one[-12:] in tail}
    assert gone and gone < later.keys(), "who is left could all come earlier"
    vaccinate(town, ids[:3], DAY)
    question = plan_again.question_again(town.reference, EVERYTHING, number, DAY)
    assert {one: (kept.site, kept.day) for kept in question.keeps for one in kept.asked} == later
    again = days_of(made(town, made_of(town, question)))
    assert again == {one: at for one, at in before.items() if one[-12:] not in tail and at[1] > DAY} | {
        one: again[one] for one in before if before[one][1] <= DAY and one in again
    }


def test_planned_anew_by_somebody_who_sees_more_it_is_about_the_same_area(town: Town) -> None:
    houses(town, (0, 1))
    own = reader_of(town, "own", Role.COMMUNE_SUPERVISOR, commune(1))
    number = made_of(town, QUESTION, own)
    before = asked(made(town, number))
    again = plan_again.question_again(town.reference, EVERYTHING, number, DAY - timedelta(days=1), 0)
    assert again.area.endswith(commune(1).partition(":")[2])
    assert asked(made(town, made_of(town, again))) == before
    assert plan_again.question_again(town.reference, own, number, DAY - timedelta(days=1), 0).area == ""


def test_teams_and_days_off_of_days_gone_by_are_not_asked_for_again(town: Town) -> None:
    with_sites(town)
    houses(town, (0, 1))
    early, late = TWO_TEAMS.teams
    teams = replace(early, days=(DAY,)), replace(late, days=(DAY, DAY + timedelta(days=2)))
    number = made_of(town, replace(TWO_TEAMS, teams=teams, off=(DAY + timedelta(days=1), DAY + timedelta(days=3))))
    question = plan_again.question_again(town.reference, EVERYTHING, number, DAY + timedelta(days=1))
    assert question.teams == teams[1:] and question.off == (DAY + timedelta(days=3),)
    assert plans.ask(town.reference, EVERYTHING, question) > number


def test_of_the_days_that_stand_only_so_many_are_kept(town: Town) -> None:
    with_sites(town)
    houses(town, (0, 0, 1, 1, 2, 2))
    number = made_of(town, TWO_TEAMS)
    every = sorted(one[1] for one in sessions(made(town, number)))
    yesterday = DAY - timedelta(days=1)
    for days in (0, 1, 3):
        question = plan_again.question_again(town.reference, EVERYTHING, number, yesterday, days)
        assert sorted(one.day for one in question.keeps) == [day for day in every if day < DAY + timedelta(days=days)]
        assert question.first == DAY
    early = plan_again.question_again(town.reference, EVERYTHING, number, DAY - timedelta(days=30))
    assert early.first == DAY and len(early.keeps) == len(every), "a plan that has not begun begins when it was to"


def test_a_plan_that_is_over_is_not_made_again(town: Town) -> None:
    houses(town, (0,))
    number = made_of(town)
    with pytest.raises(InvalidQuestion, match="is over"):
        plan_again.question_again(town.reference, EVERYTHING, number, QUESTION.last)
    with pytest.raises(NotFound):
        plan_again.question_again(town.reference, EVERYTHING, number + 1, DAY)


def test_the_same_given_makes_the_same_plan_though_the_register_went_on(town: Town) -> None:
    with_sites(town)
    ids = houses(town, (0, 0, 1, 1, 2, 2))
    number = made_of(town, replace(TWO_TEAMS, teams=()))
    vaccinate(town, ids, DAY)
    found = plan_again.repeat(town.reference, OPERATOR, number)
    assert found.same and found.before == found.again and not found.why
    told = plan_again.origin(town.reference, OPERATOR, number)
    assert (told.houses, told.people, told.sites, told.digest) == (6, 12, 3, found.before)
    assert told.rules and told.rules == told.rules_now and told.versions == told.versions_now
    assert set(told.versions) == {"tung-nha", "python", *plan_work.MADE_BY} and told.question.seed == 1


def test_a_plan_that_comes_out_otherwise_is_told_with_what_may_be_why(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    houses(town, (0, 1))
    number = made_of(town, replace(TWO_TEAMS, proposed=True, teams=()))
    make = plan_again.make

    def otherwise(*given: object) -> MadePlan:
        return replace(make(*given), homes=(), sites=())  # type: ignore[arg-type]

    monkeypatch.setattr(plan_again, "make", otherwise)
    found = plan_again.repeat(town.reference, OPERATOR, number, Watched())
    assert not found.same and [one.words for one in found.why] == [
        "nothing that is known of: tell those who look after the program"
    ]
    monkeypatch.setattr(plan_again, "versions", lambda: plan_work.versions() | {"highspy": "99"})
    (why,) = plan_again.repeat(town.reference, OPERATOR, number).why
    assert why.facts["program"] == "highspy" and why.facts["now"] == "99"
    with town.reference.database.write() as connection:
        kept.change(connection, number, {"state": "stopped"})
    assert "somebody stopped it" in plan_again.repeat(town.reference, OPERATOR, number).why[0].words


def test_only_whole_plans_that_are_made_are_repeated(town: Town) -> None:
    houses(town, (0, 1))
    number = made_of(town)
    plans.use(town.reference, EVERYTHING, number)
    with pytest.raises(Forbidden):
        plan_again.repeat(town.reference, reader_of(town, "own", Role.COMMUNE_SUPERVISOR, commune(0)), number)
    waiting = plans.ask(town.reference, EVERYTHING, QUESTION)
    for act in (plan_again.repeat, plan_again.origin):
        with pytest.raises(Conflict, match="not made yet"):
            act(town.reference, EVERYTHING, waiting)
