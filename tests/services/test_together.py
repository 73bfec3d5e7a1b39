"""Jobs that wait at the same moment are done in one go, and a faulty one fails by itself."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest

from mapper.services.together import MOST, Then, Together


class Desk:
    """Doubles numbers, all of a batch or none, and remembers the batches. The first batch waits for ``open``."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.open = threading.Event()

    def work(self, numbers: Sequence[int]) -> list[int]:
        self.open.wait(10)
        self.batches.append(list(numbers))
        if any(number < 0 for number in numbers):
            raise ValueError(min(numbers))
        return [2 * number for number in numbers]


def crowd(desk: Desk, numbers: Sequence[int]) -> dict[int, object]:
    """Every number by a thread of its own, all waiting before the desk opens; what came of each."""
    together, found, threads = Together(), {}, []

    def come(number: int) -> None:
        try:
            found[number] = together.do(desk.work, number)
        except ValueError as fault:
            found[number] = fault

    for number in numbers:
        threads.append(threading.Thread(target=come, args=(number,)))
        threads[-1].start()
    while len(together._waiting) < len(numbers) - 1:
        threading.Event().wait(0.001)
    desk.open.set()
    for thread in threads:
        thread.join(10)
    return found


def test_a_job_alone_is_done_at_once() -> None:
    desk = Desk()
    desk.open.set()
    assert Together().do(desk.work, 21) == 42
    assert desk.batches == [[21]]


def test_what_waits_is_done_in_one_go_and_everybody_has_their_own_answer() -> None:
    desk = Desk()
    assert crowd(desk, range(10)) == {number: 2 * number for number in range(10)}
    assert len(desk.batches) <= 2
    assert sorted(number for batch in desk.batches for number in batch) == list(range(10))


def test_a_faulty_job_fails_alone() -> None:
    desk = Desk()
    found = crowd(desk, [1, 2, -3, 4])
    assert isinstance(found.pop(-3), ValueError)
    assert found == {1: 2, 2: 4, 4: 8}


def test_after_a_fault_the_next_job_is_done() -> None:
    desk, together = Desk(), Together()
    desk.open.set()
    with pytest.raises(ValueError, match="-1"):
        together.do(desk.work, -1)
    assert together.do(desk.work, 1) == 2


def test_no_batch_is_longer_than_the_most() -> None:
    desk = Desk()
    crowd(desk, range(MOST + 20))
    assert max(len(batch) for batch in desk.batches) <= MOST
    assert sum(len(batch) for batch in desk.batches) == MOST + 20


class Steps:
    """Counts a job up to three, a round each, and remembers the rounds."""

    def __init__(self) -> None:
        self.rounds: list[list[int]] = []
        self.open = threading.Event()

    def work(self, numbers: Sequence[int]) -> list[int | Then[int] | Exception]:
        self.open.wait(10)
        self.rounds.append(list(numbers))
        return [number if number >= 3 else Then(number + 1) for number in numbers]


def test_a_job_that_goes_on_does_so_in_a_later_round_before_those_that_came_after() -> None:
    steps, together = Steps(), Together()
    steps.open.set()
    assert together.do(steps.work, 1) == 3
    assert steps.rounds == [[1], [2], [3]]
    steps, together, found = Steps(), Together(), []
    threads = [threading.Thread(target=lambda: found.append(together.do(steps.work, 1))) for _ in range(5)]
    for thread in threads:
        thread.start()
    while len(together._waiting) < 4:
        threading.Event().wait(0.001)
    steps.open.set()
    for thread in threads:
        thread.join(10)
    assert found == [3] * 5
    assert steps.rounds == [[1], [2, 1, 1, 1, 1], [3, 2, 2, 2, 2], [3, 3, 3, 3]]


def test_an_exception_among_the_outcomes_is_raised_for_its_own_job_only() -> None:
    def work(numbers: Sequence[int]) -> list[int | Then[int] | Exception]:
        return [KeyError(number) if number == 2 else number for number in numbers]

    together = Together()
    assert together.do(work, 1) == 1
    with pytest.raises(KeyError):
        together.do(work, 2)


def test_a_thread_that_is_killed_while_it_leads_leaves_nobody_waiting() -> None:
    """Ctrl-C and the like end the round for all in it; the next to come is done as ever."""
    together, found, opened = Together(), [], threading.Event()

    def work(numbers: Sequence[int]) -> list[int]:
        opened.wait(10)
        if -1 in numbers:
            raise KeyboardInterrupt
        return list(numbers)

    def come(number: int) -> None:
        try:
            found.append(together.do(work, number))
        except KeyboardInterrupt:
            found.append("interrupted")

    threads = [threading.Thread(target=come, args=(number,)) for number in (1, -1, -1)]
    for thread in threads:
        thread.start()
    while len(together._waiting) < 2:
        threading.Event().wait(0.001)
    opened.set()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
    assert found.count("interrupted") == 2
    assert together.do(work, 5) == 5
