"""What became of units: told by hand, composed over a set between, checked, and compared with what was measured.

Old A and B become X whole; C is divided, a quarter to X and the rest to Y; D is Z by another name; E stays E.
"""

from __future__ import annotations

from datetime import date

import pytest

from mapper.domain.succession import (
    Change,
    Doubtful,
    Heir,
    Period,
    Succession,
    check,
    compare,
    follows,
    in_order,
    shortest_way,
)
from mapper.errors import InvalidBoundaries

OLD = {"A": "Quân Hà", "B": "Lục Bình", "C": "Vi Hương", "D": "Sĩ Bình", "E": "Cẩm Giàng"}
NEW = {"X": "Bạch Thông", "Y": "Vĩnh Thông", "Z": "Sỹ Bình", "E": "Cẩm Giàng"}
TOLD = Succession(
    (
        Heir("A", "X", True),
        Heir("B", "X", True),
        Heir("C", "X", False, 0.25),
        Heir("C", "Y", False, 0.75),
        Heir("D", "Z", True),
        Heir("E", "E", True),
    )
)


@pytest.mark.parametrize(
    ("old", "change"),
    [
        ("A", Change.MERGED),
        ("C", Change.DIVIDED),
        ("D", Change.RENAMED),
        ("E", Change.SAME),
        ("F", Change.GONE),
    ],
)
def test_every_unit_has_one_fate(old: str, change: Change) -> None:
    assert TOLD.change(old, (OLD, NEW)) is change


def test_another_spelling_is_no_other_name() -> None:
    told = Succession((Heir("H", "H", True),))
    assert told.change("H", ({"H": "Xã Hoà Bình"}, {"H": "Xã Hòa Bình"})) is Change.SAME


def test_a_unit_knows_its_forebears() -> None:
    assert [one.old for one in TOLD.of_new["X"]] == ["A", "B", "C"]
    assert TOLD.reused() == set(), "E is E still"
    moved = Succession((Heir("A", "B", True), Heir("B", "C", True)))
    assert moved.reused() == {"B"}, "the code B means A's ground now"


def test_a_pair_told_twice_is_refused() -> None:
    with pytest.raises(InvalidBoundaries):
        Succession((Heir("A", "X", True), Heir("A", "X", False, 0.5)))


def test_over_a_set_between_shares_multiply_and_parts_that_meet_again_are_whole() -> None:
    later = Succession(
        (
            Heir("X", "P", True, source="NQ 2"),
            Heir("Y", "P", False, 0.4),
            Heir("Y", "Q", False, 0.6),
            Heir("Z", "Q", True),
            Heir("E", "Q", True),
        )
    )
    found = {(one.old, one.new): (one.whole, one.share) for one in TOLD.then(later).heirs}
    assert found == {
        ("A", "P"): (True, 1.0),
        ("B", "P"): (True, 1.0),
        ("C", "P"): (False, pytest.approx(0.25 + 0.75 * 0.4)),
        ("C", "Q"): (False, pytest.approx(0.75 * 0.6)),
        ("D", "Q"): (True, 1.0),
        ("E", "Q"): (True, 1.0),
    }
    joined = Succession((Heir("X", "P", True), Heir("Y", "P", True), Heir("Z", "Q", True), Heir("E", "Q", True)))
    assert {one.new: one.whole for one in TOLD.then(joined).of_old["C"]} == {"P": True}


def test_a_share_that_nobody_told_stays_unknown() -> None:
    first = Succession((Heir("C", "X", False), Heir("C", "Y", False)))
    later = Succession((Heir("X", "P", True), Heir("Y", "Q", True)))
    assert [one.share for one in first.then(later).heirs] == [None, None]


def test_what_is_wrong_with_a_crosswalk_is_told_unit_by_unit() -> None:
    assert check(TOLD, OLD, NEW) == []
    wrong = Succession(
        (Heir("A", "X", True), Heir("A", "Y", False, 0.2), Heir("B", "X", False), Heir("C", "X", False, 0.5))
    )
    found = {(one.code, dict(one.facts)["code"]) for one in check(wrong, OLD, NEW)}
    assert found == {
        ("no_heir", "D"),
        ("no_heir", "E"),
        ("no_forebear", "Z"),
        ("no_forebear", "E"),
        ("whole_and_more", "A"),
        ("part_alone", "B"),
        ("part_alone", "C"),
        ("shares", "C"),
    }


@pytest.mark.parametrize("heir", [Heir("?", "X", True), Heir("A", "?", True)])
def test_codes_that_neither_set_has_are_refused_and_named(heir: Heir) -> None:
    with pytest.raises(InvalidBoundaries) as refused:
        check(Succession((heir,)), OLD, NEW)
    assert refused.value.facts["code"] == "?"


def test_tellings_are_compared_pair_by_pair() -> None:
    shares = {
        ("A", "X"): 0.999,
        ("A", "Y"): 0.001,
        ("B", "X"): 0.9,
        ("B", "Y"): 0.1,
        ("C", "Y"): 1.0,
        ("D", "Z"): 1.0,
        ("E", "E"): 1.0,
    }
    assert compare({"told": TOLD}, ("measured", shares), least=0.01) == [
        Doubtful("B", "X", {"told": True, "measured": False}, 0.9),
        Doubtful("B", "Y", {"told": None, "measured": False}, 0.1),
        Doubtful("C", "X", {"told": False, "measured": None}, 0.0),
        Doubtful("C", "Y", {"told": False, "measured": True}, 1.0),
    ]


def test_a_telling_that_is_silent_about_a_unit_is_not_held_against_the_others() -> None:
    other = Succession((Heir("A", "Y", True), Heir("D", "Z", True)))
    assert compare({"told": TOLD, "other": other}) == [
        Doubtful("A", "X", {"told": True, "other": None}, None),
        Doubtful("A", "Y", {"told": None, "other": True}, None),
    ]
    assert compare({}) == []


@pytest.mark.parametrize(
    ("begins", "code", "days"),
    [
        (date(2025, 7, 1), None, "30/06/2025"),
        (date(2025, 7, 3), "period_gap", "30/06/2025"),
        (date(2025, 6, 30), "period_overlap", "30/06/2025"),
        (None, None, ""),
    ],
)
def test_a_set_follows_the_other_on_the_next_day(begins: date | None, code: str | None, days: str) -> None:
    found = follows(Period("old", date(2020, 1, 1), date(2025, 6, 30)), Period("new", begins, None))
    assert [one.code for one in found] == ([code] if code else [])
    assert all(dict(one.facts)["end"] == days for one in found)


def test_a_set_that_holds_before_the_other_does_not_follow_it() -> None:
    with pytest.raises(InvalidBoundaries):
        follows(Period("old", date(2025, 7, 1), None), Period("new", date(2020, 1, 1), date(2025, 6, 30)))


def test_periods_without_an_end_meet_whatever_comes_later() -> None:
    old, new = Period("old", None, date(2025, 6, 30)), Period("new", date(2025, 7, 1), None)
    assert not old.meets(new)
    assert not new.meets(old)
    assert Period("always", None, None).meets(old)
    assert new.meets(Period("next", date(2026, 1, 1), None))


def test_sets_stand_in_the_order_of_their_steps_and_a_circle_is_named() -> None:
    assert in_order([("2025", "2026"), ("2022", "2025")]) == ["2022", "2025", "2026"]
    with pytest.raises(InvalidBoundaries) as refused:
        in_order([("2022", "2025"), ("2025", "2026"), ("2026", "2022")])
    assert {"2022", "2025", "2026"} <= set(str(refused.value.facts["sets"]).split(" → "))


def test_the_shortest_way_over_sets() -> None:
    steps = [("2019", "2022"), ("2022", "2025"), ("2025", "2026"), ("2022", "2026")]
    assert shortest_way(steps, "2019", "2026") == ["2019", "2022", "2026"]
    assert shortest_way(steps, "2026", "2019") == []
    assert shortest_way(steps, "2022", "2022") == ["2022"]
