"""What phones were handed lately is made once for all that ask at once, and forgotten when there is no room."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping

import pytest

from mapper.services.kept_lists import KeptLists, Made


class Maker:
    """Makes files of a size, and counts how often."""

    def __init__(self, size: int = 10, state: int | None = None) -> None:
        self.size, self.state, self.times = size, state, 0

    def __call__(self) -> Made:
        self.times += 1
        return Made({"a": b"a" * self.size, "b": b"b" * self.size}, self.state)


def test_hash_and_bytes_of_a_file_agree_and_are_made_once() -> None:
    lists, make = KeptLists(), Maker()
    assert lists.hashes("k", make)["a"] == hashlib.md5(b"a" * 10).hexdigest()
    assert lists.contents("k", make) == {"a": b"a" * 10, "b": b"b" * 10}
    assert (make.times, lists.made) == (1, 1)


def test_another_key_is_another_list() -> None:
    lists = KeptLists()
    assert lists.contents("k", Maker(1)) != lists.contents("l", Maker(2))
    assert lists.made == 2


def test_a_list_is_found_under_the_state_that_its_making_brought_about() -> None:
    lists, make = KeptLists(), Maker(state=2)
    assert lists.contents("k", make, 1) == lists.contents("k", make, 2)
    assert (lists.hashes("k", make, 2)["a"], make.times) == (hashlib.md5(b"a" * 10).hexdigest(), 1)
    lists.contents("k", make, 1)
    assert make.times == 2, "of the state before nothing is remembered"


def test_who_asks_while_a_list_is_being_made_waits_for_it() -> None:
    lists, make = KeptLists(), Maker()
    begun, go_on = threading.Event(), threading.Event()

    def slowly() -> Mapping[str, bytes]:
        begun.set()
        assert go_on.wait(30)
        return make()

    found: list[Mapping[str, bytes]] = []
    threads = [threading.Thread(target=lambda: found.append(lists.contents("k", slowly))) for _ in range(10)]
    for thread in threads:
        thread.start()
    assert begun.wait(30)
    go_on.set()
    for thread in threads:
        thread.join()
    assert (len(found), make.times) == (10, 1)


def test_the_least_lately_asked_lists_go_first_and_their_hashes_stay() -> None:
    lists = KeptLists(room_bytes=50)
    makers = {name: Maker(10) for name in "xyz"}
    for name in "xyx":
        lists.contents(name, makers[name])
    lists.contents("z", makers["z"])  # 20 bytes each: x and z fit, y was asked longest ago
    lists.hashes("y", makers["y"])
    lists.contents("x", makers["x"])
    assert [makers[name].times for name in "xyz"] == [1, 1, 1]
    lists.contents("y", makers["y"])
    assert makers["y"].times == 2


def test_a_list_larger_than_all_room_is_handed_out_all_the_same() -> None:
    lists, make = KeptLists(room_bytes=15), Maker(10)
    assert len(lists.contents("k", make)["a"]) == 10
    assert len(lists.contents("k", make)["a"]) == 10
    assert make.times == 2
    assert lists.hashes("k", make)
    assert make.times == 2


def test_a_list_that_could_not_be_made_is_made_by_the_next_who_asks() -> None:
    lists = KeptLists()

    def fails() -> Mapping[str, bytes]:
        raise OSError("no disk")

    with pytest.raises(OSError, match="no disk"):
        lists.hashes("k", fails)
    assert lists.hashes("k", Maker())


def test_other_values_are_kept_by_their_key_up_to_a_number() -> None:
    lists = KeptLists(values=2)
    made: list[str] = []

    def of(name: str) -> Callable[[], str]:
        return lambda: made.append(name) or name

    assert [lists.value(name, of(name)) for name in ("x", "y", "x", "z", "x", "y")] == ["x", "y", "x", "z", "x", "y"]
    assert made == ["x", "y", "z", "y"]
