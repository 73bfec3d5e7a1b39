"""Work in the background of one process, as another process over the same database tells it."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from mapper.domain.people import Dose, Finding
from mapper.domain.succession import Doubtful
from mapper.errors import InvalidInput
from mapper.services import erasing, integrity, notice_board, notice_boards
from mapper.services.background import Background, Progress, Stage, Standing
from mapper.services.notice_board import NoticeBoard
from mapper.services.register_comparison import compare_people
from mapper.services.register_entries import Compared
from mapper.services.succession_report import Report
from mapper.services.successions import Outcome, Taken
from mapper.store import reference as kept
from mapper.store.database import Database
from mapper.store.national_register import Decided
from tests.linkage.registers import mistyped, people
from tests.services import test_hot_spots, test_integrity
from tests.services.test_register_comparison import ours_of, theirs_of
from tests.services.town import EVERYTHING, Town

PATIENCE_S = 30


class Held:
    """Work that goes on when it is let go."""

    def __init__(self, result: str = "found") -> None:
        self.result, self.times = result, 0
        self.begun, self.let_go = threading.Event(), threading.Event()

    def __call__(self, progress: Progress) -> str:
        self.times += 1
        progress(0.5)
        self.begun.set()
        assert self.let_go.wait(PATIENCE_S)
        if not self.result:
            raise ValueError
        return self.result


def not_to_be_done(progress: Progress) -> str:
    raise AssertionError("it is done elsewhere")


Process = Callable[[], Background[str]]


@pytest.fixture
def process(town: Town) -> Iterator[Process]:
    """Makes what one more process of the installation has."""
    opened: list[Database] = []

    def made() -> Background[str]:
        opened.append(Database(town.reference.database.engine.url.render_as_string(hide_password=False)))
        runs: Background[str] = Background()
        runs.board = NoticeBoard(opened[-1], "a kind", str, str)
        return runs

    yield made
    for one in opened:
        one.close()


def ended(runs: Background[str]) -> None:
    if runs._thread is not None:
        runs._thread.join(PATIENCE_S)


def test_every_process_tells_how_far_it_is_and_hands_out_what_came_of_it(process: Process) -> None:
    one, other = process(), process()
    work = Held()
    assert one.ask("a", 1, work).stage in (Stage.WAITING, Stage.RUNNING)
    assert work.begun.wait(PATIENCE_S)
    assert other.look("a") == Standing(Stage.RUNNING, 0.5)
    assert other.ask("a", 1, not_to_be_done) == Standing(Stage.RUNNING, 0.5)
    assert other.look("b") is None
    work.let_go.set()
    ended(one)
    here, there = one.ask("a", 1, not_to_be_done), other.ask("a", 1, not_to_be_done)
    assert here == there
    assert (here.stage, here.made, here.made_from) == (Stage.DONE, "found", 1)
    # One that has just been started knows it too; another version is worked out anew, by whoever is asked.
    assert process().ask("a", 1, not_to_be_done).made == "found"
    newer = Held("newer")
    newer.let_go.set()
    assert other.ask("a", 2, newer).made == "found"
    ended(other)
    assert one.ask("a", 2, not_to_be_done).made == "newer"
    assert work.times == newer.times == 1


def test_a_process_that_fell_silent_is_taken_over_from(process: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = process(), process()
    work, again = Held(), Held("again")
    one.ask("a", 1, work)
    assert work.begun.wait(PATIENCE_S)
    assert other.ask("a", 1, not_to_be_done).stage is Stage.RUNNING
    monkeypatch.setattr(notice_board, "SILENT_S", -1)
    again.let_go.set()
    other.ask("a", 1, again)
    ended(other)
    assert other.look("a") is not None
    assert again.times == 1
    work.let_go.set()
    ended(one)


def test_a_failure_is_told_by_all_and_tried_again_when_asked(process: Process) -> None:
    one, other = process(), process()
    work = Held("")
    work.let_go.set()
    one.ask("a", 1, work)
    ended(one)
    assert other.ask("a", 1, not_to_be_done).stage is Stage.FAILED
    better = Held("better")
    better.let_go.set()
    other.ask("a", 1, better, again=True)
    ended(other)
    assert one.ask("a", 1, not_to_be_done, again=True).made == "better"


def test_what_nobody_asked_for_in_a_long_time_is_worked_out_anew(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, work = process(), Held()
    work.let_go.set()
    one.ask("a", 1, work)
    ended(one)
    monkeypatch.setattr(notice_board, "KEPT", -notice_board.KEPT)
    assert process().look("a") is None


def test_of_what_each_process_makes_for_itself_all_tell_how_far_the_first_is(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notice_board, "TOLD_S", 0)
    one, other = process(), process()
    for runs in (one, other):
        assert runs.board is not None
        runs.board = NoticeBoard(runs.board._database, "each", str, str, each=True)
    first, second = Held("of the first"), Held("of the second")
    one.ask("a", 1, first)
    assert first.begun.wait(PATIENCE_S)
    begun, let_go = threading.Event(), threading.Event()

    def slower(progress: Progress) -> str:
        progress(0.2)
        begun.set()
        assert let_go.wait(PATIENCE_S)
        return second.result

    other.ask("a", 1, slower)
    assert begun.wait(PATIENCE_S)
    assert one.ask("a", 1, not_to_be_done).share == other.ask("a", 1, not_to_be_done).share == 0.5
    first.let_go.set()
    ended(one)
    assert one.ask("a", 1, not_to_be_done).made == "of the first"
    assert other.ask("a", 1, not_to_be_done) == Standing(Stage.RUNNING, 0.2)
    let_go.set()
    ended(other)
    assert other.ask("a", 1, not_to_be_done).made == "of the second"


def test_any_process_stops_what_another_is_at_and_all_tell_so(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notice_board, "TOLD_S", 0)
    one, other = process(), process()
    begun, asked = threading.Event(), threading.Event()

    def work(progress: Progress) -> str:
        progress(0.5)
        begun.set()
        assert asked.wait(PATIENCE_S)
        progress(0.6)
        raise AssertionError("it was asked to stop")

    one.ask("a", 1, work)
    assert begun.wait(PATIENCE_S)
    other.stop("a")
    asked.set()
    ended(one)
    for runs in (one, other, process()):
        assert runs.ask("a", 1, not_to_be_done).stage is Stage.STOPPED
    anew = Held("anew")
    anew.let_go.set()
    other.ask("a", 1, anew, again=True)
    ended(other)
    assert process().ask("a", 1, not_to_be_done).made == "anew"


def test_what_was_begun_before_somebody_was_erased_is_not_handed_on(process: Process, town: Town) -> None:
    one, work = process(), Held()
    one.board = NoticeBoard(town.reference.database, notice_board.REGISTERS_COMPARED, str, str, personal=True)
    one.ask("a", 1, work)
    assert work.begun.wait(PATIENCE_S)
    erasing.sweep(town.reference)
    work.let_go.set()
    ended(one)
    assert one.ask("a", 1, not_to_be_done).made == "found"
    with town.reference.database.read() as connection:
        assert not kept.facts_named(connection, "work")


def test_once_somebody_is_erased_what_tells_of_houses_is_worked_out_anew(process: Process, town: Town) -> None:
    one, work = process(), Held()
    work.let_go.set()
    assert one.board is not None
    one.board._name = notice_board.FORMS_LOOKED_THROUGH
    one.ask("a", 1, work)
    ended(one)
    with town.reference.database.read() as connection:
        assert len(kept.facts_named(connection, "work")) == 2
    erasing.sweep(town.reference)
    with town.reference.database.read() as connection:
        assert not kept.facts_named(connection, "work")


def test_results_are_read_as_they_were_written(sqlite_town: Town) -> None:
    town = sqlite_town
    database = town.reference.database
    test_hot_spots.fill(town)
    clusters = test_hot_spots.found_in(town)
    assert clusters.spots
    test_integrity.work(town, test_integrity.canvasser(town, "Nhanh"), 12, 100, first=50)
    forms = integrity.examine(town.reference, EVERYTHING, test_integrity.PERIOD)
    assert forms.newest
    assert forms.told
    of_clusters, of_forms = notice_boards.hot_spots(database), notice_boards.integrity(database)
    assert of_clusters._loads(of_clusters._dumps(clusters)) == clusters
    assert of_forms._loads(of_forms._dumps(forms)) == forms
    chance = random.Random(714)
    everybody = people(chance, 60, communes=3)
    theirs = [
        theirs_of(place, replace(one, name=mistyped(chance, one.name)) if place % 9 == 0 else one)
        for place, one in enumerate(everybody)
    ]
    theirs[4] = replace(theirs[4], born_on=date(1950, 1, 2), doses=(Dose("1", date(2021, 1, 2)), Dose("2")))
    decided = [Decided(1, "M5", "h/5", False, "station", "2022-08-22T00:00:00+00:00")]
    entries = compare_people(theirs, [ours_of(one) for one in everybody[8:] + everybody[:5]], decided)
    compared = Compared(3, tuple(entries), frozenset({"00000", "00001"}), datetime.now(UTC))
    sides = {type(side) for entry in entries for one in entry.differences for side in (one.theirs, one.ours)}
    assert {date, str, type(None)} <= sides
    of_registers = notice_boards.registers(database)
    assert of_registers._loads(of_registers._dumps(compared)) == compared
    finding = Finding("far_away", "Far: {place}.", (("place", "P"),))
    report = Report(
        4, 1, (finding,), (Doubtful("a", "b", {"outlines": True, "package": None}, 0.25),), ("outlines",), 0.01
    )
    tellings = notice_boards.successions(database)
    for outcome in (Outcome(Taken(3, report)), Outcome(None, InvalidInput("No {thing}.", thing="table"))):
        read = tellings._loads(tellings._dumps(outcome))
        assert read.taken == outcome.taken
        assert (type(read.problem), str(read.problem)) == (type(outcome.problem), str(outcome.problem))
