"""Plans that are kept: made in the background, stopped from anywhere, seen by area, chosen and taken away."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from mapper.domain.made_plan import MadePlan
from mapper.domain.people import Point
from mapper.domain.plan import FieldTeam, FixedSession, Scenario
from mapper.domain.roles import Role
from mapper.errors import Conflict, Forbidden, InvalidInput, InvalidQuestion, NotFound, TooLarge, Unavailable
from mapper.formats.plan_file import made_digest
from mapper.services import accounts, audit, plan_work, plans
from mapper.services.background import Background
from mapper.services.plans import PlanState
from mapper.services.reference import Reference
from mapper.store import plans as kept
from mapper.store.database import Connection, Database
from tests.services.kept_plans import (
    QUESTION,
    HeldMaking,
    commune,
    held,
    houses,
    made_of,
    reader_of,
    wait_for,
    working,
)
from tests.services.town import COMMUNES, EVERYTHING, Town, inside

__all__ = ["held"]


def people_in(made: MadePlan) -> set[str]:
    """Houses told of anywhere in a plan."""
    told = {house.id for site in made.sites for house in site.houses} | {house.id for house in made.homes}
    told |= {house.id for several in made.unserved.values() for house in several}
    return told | {stop.house for day in made.days for stop in day.stops if stop.house}


# Made


def test_a_plan_is_made_in_the_background_and_told_with_its_figures(town: Town) -> None:
    ids = houses(town)
    number = plans.ask(town.reference, EVERYTHING, replace(QUESTION, name="  Tuần  một "))
    waiting = plans.line(town.reference, EVERYTHING, number)
    assert (waiting.state, waiting.question.name, dict(waiting.summary)) == (PlanState.WAITING, "Tuần một", {})
    work: Background[int] = Background()
    plan_work.see_to(work, town.reference, waiting)
    wait_for(lambda: plans.line(town.reference, EVERYTHING, number).state is PlanState.DONE)
    found = plans.plan(town.reference, EVERYTHING, number)
    assert found.made is not None and found.made.complete
    assert people_in(found.made) == set(ids)
    assert found.line.summary == plans.summary(found.made)
    assert (found.line.summary["people"], found.line.row.share, found.line.whole) == (12, 1.0, True)
    assert [one.row.id for one in plans.lines(town.reference, EVERYTHING, "covid19")] == [number]
    assert plans.lines(town.reference, EVERYTHING, "measles") == []


def test_a_first_plan_is_shown_while_it_is_bettered(town: Town, held: HeldMaking) -> None:
    houses(town)
    number = plans.ask(town.reference, EVERYTHING, QUESTION)
    with working(town.reference, number):
        assert held.begun.wait(60)
        found = plans.plan(town.reference, EVERYTHING, number)
        assert found.line.state is PlanState.RUNNING
        assert found.made is not None and not found.made.complete
        assert found.line.summary["people"] == 12 and not found.line.summary["complete"]
        with pytest.raises(Conflict):
            plans.use(town.reference, EVERYTHING, number)
        held.let_go.set()
    assert plans.plan(town.reference, EVERYTHING, number).line.summary["complete"]


def test_who_waits_is_made_once_however_many_ask(town: Town, held: HeldMaking) -> None:
    houses(town, (0,))
    number = plans.ask(town.reference, EVERYTHING, QUESTION)
    with working(town.reference, number):
        assert held.begun.wait(60)
        held.begun.clear()
        plan_work.work_out(town.reference, number)  # another process, which finds that it does not wait any more
        assert not held.begun.is_set()
        held.let_go.set()


def test_a_stop_asked_in_one_process_is_heard_in_the_other_and_keeps_the_best_so_far(
    town: Town, town_url: str, held: HeldMaking
) -> None:
    houses(town)
    number = plans.ask(town.reference, EVERYTHING, QUESTION)
    other = Reference(Database(town_url))
    try:
        with working(town.reference, number):
            assert held.begun.wait(60)
            plans.stop(other, EVERYTHING, number)
        found = plans.plan(other, EVERYTHING, number)
    finally:
        other.database.close()
    assert held.heard
    assert found.line.state is PlanState.STOPPED
    assert found.made is not None and found.made.complete and found.made.people == 12


def test_a_plan_that_waits_is_stopped_at_once_and_can_be_asked_again(town: Town) -> None:
    houses(town, (0,))
    number = plans.ask(town.reference, EVERYTHING, QUESTION)
    plans.stop(town.reference, EVERYTHING, number)
    plan_work.work_out(town.reference, number)
    found = plans.plan(town.reference, EVERYTHING, number)
    assert (found.line.state, found.made) == (PlanState.STOPPED, None)
    plans.stop(town.reference, EVERYTHING, number)
    plans.ask_again(town.reference, EVERYTHING, number)
    plan_work.work_out(town.reference, number)
    assert plans.line(town.reference, EVERYTHING, number).state is PlanState.DONE
    with pytest.raises(Conflict, match="Ask for a new one"):
        plans.ask_again(town.reference, EVERYTHING, number)


def test_a_plan_whose_process_died_is_told_as_interrupted_and_can_be_asked_again(town: Town) -> None:
    houses(town, (0,))
    number = plans.ask(town.reference, EVERYTHING, QUESTION)
    long_ago = datetime.now(UTC) - timedelta(seconds=plans.SILENT_S + 1)
    with town.reference.database.write() as connection:
        told = {"state": "running", "worker": "gone", "told_at": long_ago.isoformat(timespec="milliseconds")}
        kept.change(connection, number, told)
    line = plans.line(town.reference, EVERYTHING, number)
    assert line.state is PlanState.FAILED and line.trouble is not None and "server stopped" in line.trouble.words
    plans.ask_again(town.reference, EVERYTHING, number)
    plan_work.work_out(town.reference, number)
    line = plans.line(town.reference, EVERYTHING, number)
    assert (line.state, line.trouble) == (PlanState.DONE, None)


def test_a_plan_left_waiting_is_found_by_every_process_and_made(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    houses(town, (0,))
    numbers = [plans.ask(town.reference, EVERYTHING, QUESTION) for _ in range(2)]
    assert plans.left_waiting(town.reference) == [], "whoever was asked may be about to begin"
    monkeypatch.setattr(plans, "LEFT_S", -1)
    plans.stop(town.reference, EVERYTHING, numbers[1])
    (line,) = plans.left_waiting(town.reference)
    assert line.row.id == numbers[0]
    work: Background[int] = Background()
    plan_work.see_to(work, town.reference, line)
    wait_for(lambda: plans.line(town.reference, EVERYTHING, numbers[0]).state is PlanState.DONE)
    assert plans.left_waiting(town.reference) == []


def test_plans_whose_process_died_keep_nobody_from_asking(town: Town) -> None:
    numbers = [plans.ask(town.reference, EVERYTHING, QUESTION) for _ in range(plans.MOST_WAITING)]
    long_ago = datetime.now(UTC) - timedelta(seconds=plans.SILENT_S + 1)
    with town.reference.database.write() as connection:
        for number in numbers:
            told = {"state": "running", "worker": "gone", "told_at": long_ago.isoformat(timespec="milliseconds")}
            kept.change(connection, number, told)
    assert plans.ask(town.reference, EVERYTHING, QUESTION) > numbers[-1]


def test_a_worker_whose_plan_another_took_over_writes_nothing(town: Town, held: HeldMaking) -> None:
    houses(town, (0,))
    number = plans.ask(town.reference, EVERYTHING, QUESTION)
    with working(town.reference, number):
        assert held.begun.wait(60)
        with town.reference.database.write() as connection:
            kept.change(connection, number, {"worker": "another"})
    assert held.heard, "it ends as soon as it hears"
    assert plans.line(town.reference, EVERYTHING, number).state is PlanState.RUNNING


def test_a_plan_that_is_taken_away_while_it_is_made_stays_away(town: Town, held: HeldMaking) -> None:
    houses(town, (0,))
    number = plans.ask(town.reference, EVERYTHING, QUESTION)
    with working(town.reference, number):
        assert held.begun.wait(60)
        plans.remove(town.reference, EVERYTHING, number)
    assert held.heard
    with pytest.raises(NotFound):
        plans.plan(town.reference, EVERYTHING, number)


def test_work_says_that_it_still_goes_on(town: Town, held: HeldMaking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan_work, "TELLS_S", 0.0)
    houses(town, (0,))
    number = plans.ask(town.reference, EVERYTHING, QUESTION)
    with working(town.reference, number):
        assert held.begun.wait(60)
        before = plans.line(town.reference, EVERYTHING, number).row.told_at
        wait_for(lambda: plans.line(town.reference, EVERYTHING, number).row.told_at > before)
        wait_for(lambda: plans.line(town.reference, EVERYTHING, number).row.share == 0.5)
        held.let_go.set()


def test_a_database_that_is_busy_for_long_costs_no_plan(
    town: Town, monkeypatch: pytest.MonkeyPatch, held: HeldMaking
) -> None:
    houses(town, (0,))
    number = plans.ask(town.reference, EVERYTHING, QUESTION)
    change, refused = kept.change, iter([True, True, True])

    def busy(connection: Connection, number: int, told: Mapping[str, object], **where: str) -> bool:
        if "worker" in where and next(refused, False):
            raise Unavailable("The database is busy.")
        return change(connection, number, told, **where)  # type: ignore[arg-type]

    held.let_go.set()
    monkeypatch.setattr(kept, "change", busy)
    plan_work.work_out(town.reference, number)
    assert not next(refused, False), "all three were refused"
    line = plans.line(town.reference, EVERYTHING, number)
    assert (line.state, line.summary["people"]) == (PlanState.DONE, 2)


def test_what_is_wrong_with_a_question_is_kept_and_told(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> MadePlan:
        raise InvalidQuestion("Name {number} teams.", number=3)

    monkeypatch.setattr(plan_work, "make", refuse)
    number = made_of(town)
    line = plans.line(town.reference, EVERYTHING, number)
    assert line.state is PlanState.FAILED and line.trouble is not None
    assert (line.trouble.words, dict(line.trouble.facts)) == ("Name {number} teams.", {"number": 3})


def test_a_fault_of_the_program_is_logged_without_what_it_says_of_people(
    town: Town, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> MadePlan:
        raise RuntimeError("Nông Thị Lan, 0912345678")

    monkeypatch.setattr(plan_work, "make", fail)
    with caplog.at_level(logging.ERROR):
        number = made_of(town)
    line = plans.line(town.reference, EVERYTHING, number)
    assert line.state is PlanState.FAILED and line.trouble is not None and "log tells more" in line.trouble.words
    assert "RuntimeError" in caplog.text and "Lan" not in caplog.text


# Asked


def test_a_user_keeps_only_so_many_plans_waiting(town: Town) -> None:
    planner = reader_of(town, "p", Role.PLANNER)
    numbers = [plans.ask(town.reference, planner, QUESTION) for _ in range(plans.MOST_WAITING)]
    with pytest.raises(TooLarge, match="5 of your plans wait"):
        plans.ask(town.reference, planner, QUESTION)
    plans.ask(town.reference, EVERYTHING, QUESTION)
    plans.stop(town.reference, planner, numbers[0])
    plans.ask(town.reference, planner, QUESTION)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"last": QUESTION.first - timedelta(days=1)}, InvalidQuestion),
        ({"last": QUESTION.first + timedelta(days=400)}, InvalidQuestion),
        ({"campaign_id": "flu"}, NotFound),
        ({"area": "commune:99999"}, NotFound),
        ({"area": "nonsense"}, NotFound),
        ({"set_id": "unknown", "area": "commune:1"}, NotFound),
        ({"name": "x" * 81}, InvalidInput),
        ({"follows": 77}, NotFound),
        ({"sites": 0}, InvalidQuestion),
        ({"seconds": 0.0}, InvalidQuestion),
        ({"seconds": float("nan")}, InvalidQuestion),
        ({"gap": 2.0}, InvalidQuestion),
        ({"doses": -1}, InvalidQuestion),
        ({"mobile_days": 0}, InvalidQuestion),
        ({"teams": (FieldTeam(" ", inside(0)),)}, InvalidInput),
        ({"teams": (FieldTeam("A", Point(91, 0)),)}, InvalidQuestion),
        ({"teams": (FieldTeam("A", inside(0), begin=900, end=600),)}, InvalidQuestion),
        ({"teams": (FieldTeam("A", inside(0), doses=0),)}, InvalidQuestion),
        ({"teams": (FieldTeam("A", inside(0)),) * 201}, InvalidQuestion),
        ({"teams": (FieldTeam("A", inside(0), days=(QUESTION.last + timedelta(days=1),)),)}, InvalidQuestion),
        ({"first": date.min, "last": date.min}, InvalidQuestion),
        ({"first": date.max, "last": date.max}, InvalidQuestion),
        ({"off": (QUESTION.first - timedelta(days=1),)}, InvalidQuestion),
        ({"farther": 0.0}, InvalidQuestion),
        ({"keeps": (FixedSession("S1", QUESTION.first, people=-1),)}, InvalidQuestion),
        ({"keeps": (FixedSession("S1", QUESTION.first),) * 20_001}, InvalidQuestion),
        ({"scenario": Scenario(level=5)}, InvalidQuestion),
        ({"scenario": Scenario(closed_from=0)}, InvalidQuestion),
        ({"scenario": Scenario(teams=-1)}, InvalidQuestion),
        ({"scenario": Scenario(doses_a_day=0)}, InvalidQuestion),
        ({"scenario": Scenario(crowd={3: -1})}, InvalidQuestion),
        ({"scenario": Scenario(weigh={9: 2.0})}, InvalidQuestion),
        ({"scenario": Scenario(weigh={4: 0.5})}, InvalidQuestion),
        ({"scenario": Scenario(levels=(("1", QUESTION.first, 7),))}, InvalidQuestion),
        ({"scenario": Scenario(levels=(("1", date.max, 3),))}, InvalidQuestion),
        ({"scenario": Scenario("no such")}, InvalidQuestion),
        ({"follows": 2**40}, NotFound),
    ],
)
def test_what_cannot_be_planned_is_refused_when_it_is_asked(
    town: Town, change: dict[str, object], error: type[Exception]
) -> None:
    with pytest.raises(error):
        plans.ask(town.reference, EVERYTHING, replace(QUESTION, **change))  # type: ignore[arg-type]
    assert plans.lines(town.reference, EVERYTHING) == []


def test_another_question_is_answered_from_the_same_census(town: Town) -> None:
    houses(town)
    number = made_of(town)
    houses(town, (3, 3, 3))  # come in later
    other = replace(QUESTION, teams=(), sites=1, area=f"commune:{COMMUNES[5]}", last=QUESTION.last + timedelta(days=3))
    variant = plans.line(town.reference, EVERYTHING, made_of(town, other, given_of=number))
    assert variant.summary["people"] == 12 and variant.row.given_of == number
    assert (variant.question.area, variant.question.last, variant.question.sites) == ("", QUESTION.last, 1)
    waiting = plans.ask(town.reference, EVERYTHING, QUESTION)
    with pytest.raises(Conflict, match="not made yet"):
        plans.ask(town.reference, EVERYTHING, other, waiting)


def test_the_same_plan_has_the_same_digest_however_long_it_took(town: Town) -> None:
    houses(town)
    sites_alone = replace(QUESTION, teams=(), seconds=60.0)
    one, two = (plans.plan(town.reference, EVERYTHING, made_of(town, sites_alone)).made for _ in range(2))
    assert one is not None and two is not None
    slower = replace(two, quality=replace(two.quality, seconds=99.0))
    assert made_digest(one) == made_digest(slower)
    assert made_digest(one) != made_digest(replace(two, homes=(), sites=()))


# Who sees what


def test_a_plan_is_seen_whole_by_those_whose_area_holds_it_and_by_nobody_else(town: Town) -> None:
    ids = houses(town)
    inner = replace(QUESTION, area=f"commune:{COMMUNES[0]}")
    number = made_of(town, inner)
    south = reader_of(town, "south", Role.SUPERVISOR, "squares:S")
    north = reader_of(town, "north", Role.SUPERVISOR, "squares:N")
    own = reader_of(town, "own", Role.COMMUNE_SUPERVISOR, commune(0))
    canvasser = reader_of(town, "canvasser", Role.CANVASSER, commune(0))
    for user in (south, own):
        found = plans.plan(town.reference, user, number)
        assert found.made is not None and people_in(found.made) == set(ids[:2]) and found.line.whole
        assert [one.row.id for one in plans.lines(town.reference, user)] == [number]
    for user in (north, canvasser):
        assert plans.lines(town.reference, user) == []
        with pytest.raises(NotFound, match="There is no plan"):
            plans.plan(town.reference, user, number)


def test_the_plan_in_use_is_seen_where_it_comes_to_with_the_houses_there_alone(town: Town) -> None:
    ids = houses(town)
    number = made_of(town, replace(QUESTION, area="district:S"))
    own = reader_of(town, "own", Role.COMMUNE_SUPERVISOR, commune(1))
    elsewhere = reader_of(town, "elsewhere", Role.COMMUNE_SUPERVISOR, commune(7))
    whole = plans.plan(town.reference, EVERYTHING, number).made
    with pytest.raises(NotFound):
        plans.plan(town.reference, own, number)
    plans.use(town.reference, EVERYTHING, number)
    found = plans.plan(town.reference, own, number)
    assert found.made is not None and whole is not None and not found.line.whole
    assert people_in(found.made) == set(ids[2:4])
    assert [one.sessions for one in found.made.sites] == [one.sessions for one in whole.sites]
    assert [(one.team, one.day, len(one.stops)) for one in found.made.days] == [
        (one.team, one.day, len(one.stops)) for one in whole.days
    ]
    assert found.made.needs == whole.needs
    for change in (plans.stop, plans.remove, plans.use, plans.unuse):
        with pytest.raises(Forbidden):
            change(town.reference, own, number)
    with pytest.raises(NotFound):
        plans.plan(town.reference, elsewhere, number)
    plans.unuse(town.reference, EVERYTHING, number)
    with pytest.raises(NotFound):
        plans.plan(town.reference, own, number)


def test_a_plan_is_made_of_what_its_asker_sees(town: Town) -> None:
    ids = houses(town)
    own = reader_of(town, "own", Role.COMMUNE_SUPERVISOR, commune(1))
    with pytest.raises(NotFound):
        plans.ask(town.reference, own, replace(QUESTION, area=f"commune:{COMMUNES[0]}"))
    for area in ("", f"commune:{COMMUNES[1]}", "district:S"):
        made = plans.plan(town.reference, own, made_of(town, replace(QUESTION, area=area), own)).made
        assert made is not None and people_in(made) == set(ids[2:4])
    assert len(plans.lines(town.reference, own)) == 3


def test_whoever_lost_access_gets_no_plan(town: Town) -> None:
    houses(town, (0,))
    own = reader_of(town, "own", Role.COMMUNE_SUPERVISOR, commune(0))
    number = plans.ask(town.reference, own, QUESTION)
    accounts.add_user(town.reference, "own", Role.CANVASSER.value, [commune(0)])
    plan_work.work_out(town.reference, number)
    line = plans.line(town.reference, EVERYTHING, number)
    assert line.state is PlanState.FAILED and line.trouble is not None and "may not see figures" in line.trouble.words


def test_a_plan_of_an_area_that_changed_meanwhile_is_about_what_it_was_made_of(town: Town) -> None:
    ids = houses(town)
    own = reader_of(town, "own", Role.COMMUNE_SUPERVISOR, commune(1))
    first = reader_of(town, "first", Role.SUPERVISOR, commune(1))
    number = plans.ask(town.reference, own, QUESTION)
    accounts.add_user(town.reference, "own", Role.COMMUNE_SUPERVISOR.value, [commune(0), commune(1)])
    plan_work.work_out(town.reference, number)
    made = plans.plan(town.reference, EVERYTHING, number).made
    assert made is not None and people_in(made) == set(ids[:4])
    with pytest.raises(NotFound):
        plans.plan(town.reference, first, number)


def test_what_if_of_a_plan_is_about_the_same_area_whoever_asks(town: Town) -> None:
    houses(town)
    own = reader_of(town, "own", Role.COMMUNE_SUPERVISOR, commune(1))
    number, elsewhere = made_of(town, user=own), made_of(town, replace(QUESTION, area=f"commune:{COMMUNES[0]}"))
    other = made_of(town, replace(QUESTION, doses=2), given_of=number)
    assert plans.line(town.reference, own, number).row.areas == plans.line(town.reference, EVERYTHING, other).row.areas
    plans.use(town.reference, EVERYTHING, elsewhere)
    plans.use(town.reference, EVERYTHING, other)
    assert plans.line(town.reference, EVERYTHING, elsewhere).row.in_use, "it is carried out in another commune"


# Chosen


def test_one_plan_is_in_use_for_an_area(town: Town) -> None:
    houses(town)
    first, second = made_of(town), made_of(town)
    apart = made_of(town, replace(QUESTION, area=f"commune:{COMMUNES[7]}"))
    south = made_of(town, replace(QUESTION, area="district:S"))

    def used() -> set[int]:
        return {one.row.id for one in plans.lines(town.reference, EVERYTHING) if one.row.in_use}

    plans.use(town.reference, EVERYTHING, first)
    plans.use(town.reference, EVERYTHING, second)
    assert used() == {second}
    supervisor = reader_of(town, "s", Role.SUPERVISOR, "squares:S")
    with pytest.raises(Conflict, match="wider area"):
        plans.use(town.reference, supervisor, south)
    plans.use(town.reference, EVERYTHING, apart)
    plans.use(town.reference, supervisor, south)
    assert used() == {apart, south}, "they do not meet"
    with pytest.raises(Conflict, match="in use"):
        plans.remove(town.reference, supervisor, south)
    planner = reader_of(town, "p", Role.PLANNER)
    with pytest.raises(Forbidden):
        plans.use(town.reference, planner, first)


def test_own_plans_are_named_and_taken_away_and_those_of_others_by_their_supervisors(town: Town) -> None:
    houses(town)
    planner = reader_of(town, "p", Role.PLANNER)
    other = reader_of(town, "q", Role.PLANNER)
    supervisor = reader_of(town, "s", Role.ADMINISTRATOR)
    number = made_of(town, user=planner)
    plans.rename(town.reference, planner, number, "Tuần hai")
    assert plans.line(town.reference, other, number).question.name == "Tuần hai"
    with pytest.raises(InvalidInput):
        plans.rename(town.reference, planner, number, " ")
    for act in (plans.remove, plans.stop):
        with pytest.raises(Forbidden, match="changed by whoever asked"):
            act(town.reference, other, number)
    plans.remove(town.reference, supervisor, number)
    assert plans.lines(town.reference, planner) == []
    with town.reference.database.read() as connection:
        assert kept.given(connection, number) is None


def test_the_trail_tells_who_asked_stopped_chose_saw_and_removed(town: Town) -> None:
    houses(town, (0,))
    one, two = made_of(town), made_of(town)
    waiting = plans.ask(town.reference, EVERYTHING, QUESTION)
    plans.stop(town.reference, EVERYTHING, waiting)
    plans.plan_with_people(town.reference, EVERYTHING, one)
    plans.use(town.reference, EVERYTHING, one)
    plans.use(town.reference, EVERYTHING, two)
    plans.unuse(town.reference, EVERYTHING, two)
    plans.rename(town.reference, EVERYTHING, two, "Đợt hai")
    plans.rename(town.reference, EVERYTHING, two, " Đợt  hai ")
    plans.remove(town.reference, EVERYTHING, one)
    told = [(e.action, int(e.subject)) for e in audit.entries(town.reference, 50) if e.action.startswith("plan.")]
    assert told[::-1] == [
        *(("plan.asked", number) for number in (one, two, waiting)),
        ("plan.stopped", waiting),
        ("plan.seen", one),
        ("plan.chosen", one),
        ("plan.put_aside", one),
        ("plan.chosen", two),
        ("plan.put_aside", two),
        ("plan.renamed", two),
        ("plan.removed", one),
    ], "the same name once more is no change"
    (renamed,) = [one for one in audit.entries(town.reference, 50) if one.action == "plan.renamed"]
    assert renamed.facts == {"campaign": "covid19", "before": "", "name": "Đợt hai"}
