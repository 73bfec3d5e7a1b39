"""Strokes of the keyboard between two writings of a name: one for what a hand mistypes, more for another name."""

from __future__ import annotations

import pytest

from mapper.linkage.rarity import words
from mapper.linkage.strokes import between, keys
from tests.linkage.censuses import MEN, SURNAMES, WOMEN, telex


def test_every_name_is_typed_as_the_hand_that_mistypes_it_types_it() -> None:
    for name in (*SURNAMES, *MEN.split(), *WOMEN.split()):
        # ươ is typed with one w or with two.
        assert keys(words(name).toned[0]) == telex(name).replace("uwow", "uow")


@pytest.mark.parametrize(
    ("one", "other", "strokes"),
    [
        ("Thuỷ", "Thủy", 0),
        ("Thành", "Thanhf", 1),
        ("Hoà", "Hoa", 1),
        ("Nam", "Năm", 1),
        ("Hồ", "Hofo", 1),
        ("Hằng", "Hlwngf", 1),
        ("Hùng", "Hưng", 2),
        ("Lan", "Vân", 2),
        ("Tùng", "Dũng", 2),
        ("Nguyễn Thị", "Nguyen Thi", None),
        ("Hoa", "Sen", None),
        ("Thu Hà", "Hà", None),
    ],
)
def test_a_slip_is_one_stroke_and_another_name_more(one: str, other: str, strokes: int | None) -> None:
    assert between(words(one).toned, words(other).toned) == strokes == between(words(other).toned, words(one).toned)
