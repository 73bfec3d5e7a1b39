"""What a server sums as soon as it has come up."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from mapper.domain.ledger import State
from mapper.services import demand, rebuilding, reporting
from mapper.services.field_area import FieldArea
from mapper.services.intake import today
from mapper.services.kept_people import KeptPeople
from mapper.services.kept_states import KeptStates
from mapper.services.questions import Question
from mapper.services.reference import Reference
from mapper.services.warming import BACK, READ_WINDOWS, warm, warm_plans
from mapper.store import follow_up, tables, tallies, tally_sums
from tests.services.town import DAY, EVERYTHING, Town, person

QUESTION = Question("covid19", "18_plus", "1", DAY, "hamlet", "squares")


def populate(town: Town) -> None:
    for commune in (0, 1):
        town.send(town.write(people=[person(), person(doses=[("1", date(2021, 9, 1), "pfizer")])], commune=commune))


def test_the_first_reader_after_a_start_has_no_tallies_added_up(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    populate(town)
    started, other = Reference(town.reference.database), Reference(town.reference.database)
    assert warm(started) > len(BACK)
    expected = reporting.coverage(other, EVERYTHING, QUESTION)
    assert (expected.total.eligible, expected.total.states[State.VACCINATED]) == (4, 2)

    asked: list[int] = []
    read = tallies.states_on

    def counted(*args: Any) -> Any:
        asked.append(args[3])
        return read(*args)

    monkeypatch.setattr(tallies, "states_on", counted)
    monkeypatch.setattr(tallies, "states_of", counted)
    assert reporting.coverage(started, EVERYTHING, QUESTION) == expected
    assert asked == []


@pytest.mark.parametrize("later", [-300, 0, 16, 390])
def test_a_new_process_adds_up_only_cells_that_were_counted_in_since_whatever_the_day(
    town: Town, monkeypatch: pytest.MonkeyPatch, later: int
) -> None:
    populate(town)
    question = replace(QUESTION, day=DAY + timedelta(days=later))
    warm(Reference(town.reference.database))
    town.send(town.write(people=[person(), person(doses=[("1", DAY, "pfizer")])], commune=0))
    expected = reporting.coverage(summing_all(town), EVERYTHING, question)
    asked: list[object] = []
    read = tallies.states_on

    def seen(database: Any, connection: Any, series: int, day: int, cells: Any, after: int = 0) -> Any:
        asked.append(cells)
        return read(database, connection, series, day, cells, after)

    monkeypatch.setattr(tallies, "states_on", seen)
    assert reporting.coverage(Reference(town.reference.database), EVERYTHING, question) == expected
    # All of the one cell that was counted in since, and of no other.
    (counted,) = asked
    assert isinstance(counted, list) and len(counted) == 1


@pytest.mark.parametrize("far", [tally_sums.AROUND_DAYS + 1, 90, 300])
def test_beyond_all_kept_days_only_what_came_after_the_last_is_added(
    town: Town, monkeypatch: pytest.MonkeyPatch, far: int
) -> None:
    populate(town)
    warm(Reference(town.reference.database))
    with town.reference.database.write() as connection:
        kept = tables.tally_sums
        connection.execute(kept.delete().where(kept.c.day > DAY.toordinal()))
        (last,) = connection.execute(select(func.max(kept.c.day))).one()
    town.send(town.write(people=[person(doses=[("1", DAY + timedelta(days=30), "pfizer")])], commune=0))
    question = replace(QUESTION, day=date.fromordinal(last + far))
    expected = reporting.coverage(summing_all(town), EVERYTHING, question)
    spans: list[int] = []
    read = tallies.states_on

    def seen(database: Any, connection: Any, series: int, day: int, cells: Any, after: int = 0) -> Any:
        if cells is None:
            spans.append(day - after)
        return read(database, connection, series, day, cells, after)

    monkeypatch.setattr(tallies, "states_on", seen)
    assert reporting.coverage(Reference(town.reference.database), EVERYTHING, question) == expected
    assert spans == [far - tally_sums.AROUND_DAYS]


def summing_all(town: Town) -> Reference:
    """What finds nothing that was summed before."""
    with town.reference.database.write() as connection:
        kept = connection.execute(tables.tally_sums.select()).all()
        connection.execute(tables.tally_sums.delete())
    new = Reference(town.reference.database)
    reporting.coverage(new, EVERYTHING, QUESTION)
    with town.reference.database.write() as connection:
        connection.execute(tables.tally_sums.insert(), [row._asdict() for row in kept])
    return new


def test_sums_of_tallies_that_were_counted_anew_are_not_used(town: Town) -> None:
    populate(town)
    warm(town.reference)
    rebuilding.rebuild(town.reference)
    with town.reference.database.read() as connection:
        assert connection.execute(tables.tally_sums.select()).all() == []
    answer = reporting.coverage(Reference(town.reference.database), EVERYTHING, QUESTION)
    assert (answer.total.eligible, answer.total.states[State.VACCINATED]) == (4, 2)


def test_nothing_is_written_again_where_nothing_was_counted(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    populate(town)
    warm(town.reference)
    monkeypatch.setattr(tally_sums, "keep", lambda *_: pytest.fail("nothing new is to be kept"))
    warm(Reference(town.reference.database))


def test_nothing_is_summed_where_nobody_was_visited(town: Town) -> None:
    assert warm(town.reference) == 0


def test_no_more_is_summed_than_there_is_room_for(town: Town) -> None:
    populate(town)
    started = Reference(town.reference.database)
    with town.reference.database.read() as connection:
        series = len(town.reference.known(connection).series["covid19"])
    of_day = 2 * series  # two cells
    for room, days in ((of_day - 1, 0), (4 * of_day, 4), (5 * of_day - 1, 4)):
        started.states = KeptStates(room=room)
        assert warm(started) == days
        kept = sorted(key.day for key in started.states.kept.in_order())
        assert started.states.kept.held == days * of_day
        # The latest visit's day before all others.
        assert not days or DAY.toordinal() in kept


def test_what_is_kept_is_read_in_a_few_pieces_and_serves_the_days_that_are_remembered(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    populate(town)
    calls = {"changes_on": 0, "states_on": 0, "states_of": 0}

    def counted(name: str) -> None:
        read = getattr(tallies, name)

        def call(*args: Any) -> Any:
            calls[name] += 1
            return read(*args)

        monkeypatch.setattr(tallies, name, call)

    for name in calls:
        counted(name)
    started = Reference(town.reference.database)
    assert warm(started) > len(BACK)
    with town.reference.database.read() as connection:
        kept, last = connection.execute(select(func.count(), func.max(tables.tally_sums.c.day))).one()
        series = len(town.reference.known(connection).series["covid19"])
    assert calls["states_on"] == series
    assert calls["changes_on"] == series * math.ceil(kept / series / READ_WINDOWS)
    # All come from what is kept but the days of these years, in which this campaign is long over.
    remembered = [key.day for key in started.states.kept.in_order()]
    beyond = [day for day in remembered if day > last + tally_sums.AROUND_DAYS]
    assert calls["states_of"] == len(beyond) < len(remembered)


def test_the_first_plan_after_a_start_reads_nobody_from_the_register(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    populate(town)
    started = Reference(town.reference.database)
    assert warm_plans(started) == 4

    def read(*told: Any) -> Any:
        raise AssertionError(f"read {told[-1]}")

    monkeypatch.setattr(follow_up, "households", read)
    days = today(), today() + timedelta(days=9)
    with started.database.read() as connection:
        campaign = started.known(connection).campaign("covid19")
        rules = demand.rules_of(connection, campaign)
        found = demand.people_due(started, connection, campaign, rules, days, FieldArea(None))
    assert sum(len(one.people) for one in found) == 4


def test_of_more_people_than_can_be_remembered_none_are_read_ahead(town: Town) -> None:
    populate(town)
    started = Reference(town.reference.database)
    started.people = KeptPeople(room=3)
    assert warm_plans(started) == 0
