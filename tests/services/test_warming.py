"""What a server sums as soon as it has come up."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from mapper.domain.ledger import State
from mapper.services import reporting
from mapper.services.kept_states import KeptStates
from mapper.services.reference import Reference
from mapper.services.reporting import Question
from mapper.services.warming import warm
from mapper.store import tallies
from tests.services.town import DAY, EVERYTHING, Town, person

QUESTION = Question("covid19", "18_plus", "1", DAY, "hamlet", "squares")


def populate(town: Town) -> None:
    for commune in (0, 1):
        town.send(town.write(people=[person(), person(doses=[("1", date(2021, 9, 1), "pfizer")])], commune=commune))


def test_the_first_reader_after_a_start_has_no_tallies_added_up(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    populate(town)
    started, other = Reference(town.reference.database), Reference(town.reference.database)
    with town.reference.database.read() as connection:
        series = town.reference.known(connection).series["covid19"]
    assert warm(started) == len(series)
    expected = reporting.coverage(other, EVERYTHING, QUESTION)
    assert (expected.total.eligible, expected.total.states[State.VACCINATED]) == (4, 2)

    asked: list[int] = []
    read = tallies.states_on

    def counted(*args: Any) -> Any:
        asked.append(args[3])
        return read(*args)

    monkeypatch.setattr(tallies, "states_on", counted)
    assert reporting.coverage(started, EVERYTHING, QUESTION) == expected
    assert asked == []
    reporting.coverage(started, EVERYTHING, replace(QUESTION, day=DAY + timedelta(days=400)))
    assert len(asked) == 1, "of a day far away nothing was summed beforehand"


def test_nothing_is_summed_where_nobody_was_visited(town: Town) -> None:
    assert warm(town.reference) == 0


def test_no_more_is_summed_than_there_is_room_for(town: Town) -> None:
    populate(town)
    started = Reference(town.reference.database)
    started.states = KeptStates(room=5)
    assert warm(started) == 2, "two cells a series"
