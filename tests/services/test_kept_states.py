"""Sums remembered by one process while others count: always those that the tallies give at that moment."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

import pytest

from mapper.domain.ledger import INSIDE, State
from mapper.services import questions, rebuilding, reporting
from mapper.services.accounts import User
from mapper.services.kept_states import KeptStates
from mapper.services.questions import Question
from mapper.services.reference import Reference
from mapper.services.reporting import Answer
from mapper.store import tallies
from mapper.store.database import Database
from tests.services.town import DAY, EVERYTHING, Town, person

FIRST = [("1", date(2021, 9, 1), "pfizer")]
QUESTION = Question("covid19", "18_plus", "1", DAY, "hamlet", "squares")


@pytest.fixture
def other(town: Town) -> Iterator[Reference]:
    """Another process over the same database: it reads, and the town counts."""
    database = Database(town.reference.database.engine.url.render_as_string(hide_password=False))
    yield Reference(database)
    database.close()


def ask(reference: Reference, level: str = "hamlet", day: date = DAY, user: User = EVERYTHING) -> Answer:
    return reporting.coverage(reference, user, replace(QUESTION, day=day, level=level))


def anew(reference: Reference, level: str = "hamlet", day: date = DAY, user: User = EVERYTHING) -> Answer:
    """The answer of a process that remembers nothing."""
    return ask(Reference(reference.database), level, day, user)


def test_what_another_process_counts_is_in_the_next_answer(town: Town, other: Reference) -> None:
    town.send(town.write(people=[person(), person(doses=FIRST)]))
    assert ask(other).total.eligible == 2
    town.send(town.write(people=[person()], commune=1))
    town.send(town.write(people=[person(doses=FIRST)]))
    found = ask(other)
    assert (found.total.eligible, found.total.states[State.VACCINATED]) == (4, 2)
    assert found == anew(town.reference)


def test_an_edit_that_leaves_no_trace_in_the_houses_is_in_the_next_answer(town: Town, other: Reference) -> None:
    first = town.new_instance()
    town.send(town.write(people=[person()], instance=first, entity="a"))
    assert ask(other).total.states[State.VACCINATED] == 0
    town.send(town.write(people=[person(doses=FIRST)], edits=first, entity="a"))
    assert ask(other).total.states[State.VACCINATED] == 1


def test_a_rebuild_is_in_the_next_answer_though_its_cells_count_from_one_again(town: Town, other: Reference) -> None:
    town.send(town.write(people=[person()]))
    before = ask(other)
    assert before.total.eligible == 1
    # Tallies as a fault may leave them, with as many changes as the rebuild will make.
    with town.reference.database.write() as connection:
        version = tallies.version(town.reference.database, connection)
        cell = next(iter(town.reference.cells(connection)))
        *_, series = questions.find_series(town.reference.known(connection), QUESTION)
        wrong = [7 if state is State.DUE else 0 for state in INSIDE]
        tallies.clear(town.reference.database, connection)
        tallies.add(
            town.reference.database,
            connection,
            [[(cell, series, DAY.toordinal(), *wrong)]],
            {("covid19", cell, DAY.toordinal()): [1, 1, 0, 0, 0, 7]},
        )
        assert tallies.version(town.reference.database, connection)[1] == version[1] == 1
    assert ask(other).total.states[State.DUE] == 7
    rebuilding.rebuild(town.reference)
    assert ask(other) == before


def test_each_user_is_told_of_their_own_area_from_the_same_sums(town: Town, other: Reference) -> None:
    for commune in (0, 0, 1, 8):
        town.send(town.write(people=[person()], commune=commune))
    north, south = (User(1, code, EVERYTHING.role, (("squares", code),), 0) for code in "NS")
    for user, eligible in ((south, 3), (EVERYTHING, 4), (north, 1), (south, 3), (EVERYTHING, 4)):
        assert ask(other, user=user).total.eligible == eligible
        assert ask(other, user=user) == anew(town.reference, user=user)
    town.send(town.write(people=[person()], commune=8))
    assert [ask(other, user=user).total.eligible for user in (south, north, EVERYTHING)] == [3, 2, 5]


def test_any_order_of_days_and_of_counting_gives_the_sums_of_the_tallies(town: Town, other: Reference) -> None:
    chance = random.Random(11)
    other.states = KeptStates(room=12)  # so little that questions push one another out
    days = [DAY + timedelta(days=chance.randrange(-400, 400)) for _ in range(6)]
    for _ in range(25):
        given = DAY - timedelta(days=chance.randrange(300))
        doses = [("1", given, "pfizer")] if chance.random() < 0.6 else []
        commune = chance.randrange(4)
        town.send(town.write(people=[person(doses=doses)], commune=commune, hamlet=chance.randrange(2)))
        for day in chance.sample(days, 2):
            day += timedelta(days=chance.randrange(-3, 4))
            assert ask(other, day=day) == anew(town.reference, day=day)


@pytest.mark.parametrize("shift", [-60, -1, 1, 60, 101, 365])
def test_sums_of_a_day_are_made_from_those_of_another(town: Town, other: Reference, shift: int) -> None:
    for given in (-50, -20, 0, 30, 200):
        dose = ("1", DAY + timedelta(days=given), "pfizer")
        town.send(town.write(people=[person(doses=[dose]), person()], commune=abs(given) % 3))
    ask(other)
    day = DAY + timedelta(days=shift)
    assert ask(other, day=day) == anew(town.reference, day=day)


def test_no_more_cells_are_remembered_than_there_is_room_for(town: Town) -> None:
    for commune in range(4):
        town.send(town.write(people=[person()], commune=commune))
    states = town.reference.states = KeptStates(room=10)
    for back in range(5):
        ask(town.reference, day=DAY - timedelta(days=back))
    assert [key.day for key in states.kept.in_order()] == [DAY.toordinal() - 3, DAY.toordinal() - 4]
    town.reference.states = KeptStates(room=3)  # less than one question
    assert ask(town.reference).total.eligible == 4
    assert not len(town.reference.states.kept)
