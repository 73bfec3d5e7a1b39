"""Work in the background: one piece at a time, its progress, its result, its failure, and what waits."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from mapper.services import background
from mapper.services.background import Background, Progress, Stage, Standing

PATIENCE_S = 30


def finished(runs: Background[str], key: str) -> Standing[str]:
    """How a piece of work stands when nothing is under way any more."""
    thread = runs._thread
    if thread is not None:
        thread.join(PATIENCE_S)
    standing = runs.look(key)
    assert standing is not None
    return standing


class Held:
    """Work that goes on when it is let go."""

    def __init__(self, result: str) -> None:
        self.result = result
        self.begun, self.let_go = threading.Event(), threading.Event()

    def __call__(self, progress: Progress) -> str:
        progress(0.5)
        self.begun.set()
        assert self.let_go.wait(PATIENCE_S)
        return self.result


def at_once(result: str) -> Callable[[Progress], str]:
    return lambda progress: result


def failing(progress: Progress) -> str:
    raise ValueError("a name that no log may hold")


def test_nobody_waits_for_the_work_and_everybody_sees_how_far_it_is() -> None:
    runs: Background[str] = Background()
    work = Held("found")
    assert runs.look("a") is None
    runs.ask("a", 1, work)
    assert work.begun.wait(PATIENCE_S)
    assert runs.look("a") == Standing(Stage.RUNNING, 0.5)
    # Asked for again meanwhile, it is not begun again; another piece waits.
    assert runs.ask("a", 1, failing).stage is Stage.RUNNING
    assert runs.ask("b", 1, at_once("other")).stage is Stage.WAITING
    work.let_go.set()
    done = finished(runs, "a")
    assert (done.stage, done.share, done.made, done.made_from) == (Stage.DONE, 1, "found", 1)
    assert finished(runs, "b").made == "other"
    assert runs.ask("a", 1, failing).made == "found"


def test_a_result_of_older_figures_is_shown_until_the_new_one_is_there() -> None:
    runs: Background[str] = Background()
    runs.ask("a", 1, at_once("old"))
    finished(runs, "a")
    assert runs.ask("a", 2, failing, fresh_s=600).stage is Stage.DONE
    work = Held("new")
    asked = runs.ask("a", 2, work)
    assert (asked.made, asked.made_from) == ("old", 1)
    assert asked.stage in (Stage.WAITING, Stage.RUNNING)
    work.let_go.set()
    assert finished(runs, "a").made == "new"
    runs.ask("a", 3, at_once("newest"), fresh_s=600, again=True)
    assert finished(runs, "a").made == "newest"


def test_a_failure_is_told_kept_out_of_the_log_s_words_and_tried_again_when_asked(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs: Background[str] = Background()
    runs.ask("a", 1, failing)
    assert finished(runs, "a").stage is Stage.FAILED
    assert "ValueError" in caplog.text
    assert "a name" not in caplog.text
    assert runs.ask("a", 1, at_once("now")).stage is Stage.FAILED
    runs.ask("a", 1, at_once("now"), again=True)
    assert finished(runs, "a").made == "now"
    runs.ask("b", 1, failing)
    finished(runs, "b")
    runs.ask("b", 2, at_once("other figures"))
    assert finished(runs, "b").made == "other figures"
    runs.ask("c", 1, failing)
    finished(runs, "c")
    monkeypatch.setattr(background, "FAILED_S", 0)
    runs.ask("c", 1, at_once("a while later"))
    assert finished(runs, "c").made == "a while later"


def test_more_than_a_few_pieces_do_not_wait_and_old_results_are_forgotten() -> None:
    runs: Background[str] = Background(keep=2, most_waiting=2)
    work = Held("first")
    runs.ask("a", 1, work)
    assert work.begun.wait(PATIENCE_S)
    stages = [runs.ask(key, 1, at_once(key)).stage for key in "bcd"]
    assert stages == [Stage.WAITING, Stage.WAITING, Stage.BUSY]
    work.let_go.set()
    assert finished(runs, "c").made == "c"
    assert runs.look("a") is None
    assert runs.look("d") is None
    assert runs.ask("b", 1, failing).made == "b"


def test_work_that_was_stopped_stays_so_until_it_is_asked_for_again() -> None:
    runs: Background[str] = Background()
    begun, go_on = threading.Event(), threading.Event()

    def work(progress: Progress) -> str:
        begun.set()
        assert go_on.wait(PATIENCE_S)
        progress(0.5)
        return "made"

    runs.ask("a", 1, work)
    assert begun.wait(PATIENCE_S)
    runs.ask("b", 1, at_once("b"))
    runs.stop("a")
    runs.stop("b")
    go_on.set()
    assert finished(runs, "a").stage is finished(runs, "b").stage is Stage.STOPPED
    assert runs.ask("a", 1, at_once("a")).stage is Stage.STOPPED
    runs.ask("a", 1, at_once("a"), again=True)
    assert finished(runs, "a").made == "a"
