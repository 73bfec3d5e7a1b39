"""Who of one register is who of another: names as they are written in Viet Nam, twins, namesakes, years only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest

from mapper.linkage.comparing import compare
from mapper.linkage.pairing import Class, candidates, link
from mapper.linkage.rarity import LinkPerson, Rarity
from tests.linkage.registers import Registers, registers
from tests.linkage.two_hands import two_registers

HOA = LinkPerson("1", "Nguyễn Thị Hoà", date(1980, 2, 11), "day", "female", "0912345678", "03000", "4")
UN = LinkPerson("2", "Lò Văn Ún", date(1951, 7, 30), "day", "male", "0987654321", "03000", "5")


@pytest.mark.parametrize(
    ("change", "field", "level"),
    [
        ({"name": "NGUYỄN THỊ HÒA"}, "name", "same"),
        ({"name": "Nguye\u0302\u0303n  Thi\u0323 Hoa\u0300"}, "name", "same"),
        ({"name": "nguyen thi hoa"}, "name", "without_accents"),
        ({"name": "Hoà Nguyễn Thị"}, "name", "other_order"),
        ({"name": "Nguyễn ThịHoà"}, "name", "joined"),
        ({"name": "Ngyuễn Thị Hoà"}, "name", "mistyped"),
        ({"name": "Nguyễn Hoà"}, "name", "part"),
        ({"name": "Nguyễn Thị Hoa"}, "name", "other_accents"),
        ({"name": "Nguyễn Thị Lan"}, "name", "different"),
        ({"born_on": date(1980, 11, 2)}, "born", "swapped"),
        ({"born_on": date(1980, 1, 1), "precision": "year"}, "born", "year"),
        ({"born_on": date(1980, 1, 1)}, "born", "year"),
        ({"born_on": date(1980, 2, 12)}, "born", "part"),
        ({"born_on": date(1981, 2, 11)}, "born", "part"),
        ({"born_on": date(1990, 5, 5)}, "born", "different"),
        ({"sex": "male"}, "sex", "different"),
        ({"phone": "+84 912 345 678"}, "phone", "same"),
        ({"phone": "0912345687"}, "phone", "mistyped"),
        ({"phone": "0312000111"}, "phone", "different"),
        ({"phone": ""}, "phone", ""),
        ({"commune": "03999"}, "commune", "different"),
        ({"hamlet": "5"}, "hamlet", "different"),
    ],
)
def test_how_each_field_agrees_is_told_by_name(change: dict[str, object], field: str, level: str) -> None:
    rarity = Rarity([HOA, UN] * 50)
    other = replace(HOA, **change)  # type: ignore[arg-type]
    assert compare(HOA, other, rarity).level(field) == level
    assert compare(other, HOA, rarity).level(field) == level
    assert compare(HOA, other, rarity).weight <= compare(HOA, HOA, rarity).weight


def test_a_rare_name_says_more_than_a_frequent_one() -> None:
    rarity = Rarity([HOA] * 30 + [UN] * 2)
    assert rarity.name(("lo", "van", "un")) > rarity.name(("nguyen", "thi", "hoa")) + 2


def test_twins_are_told_apart_and_a_twin_alone_is_nobody_else() -> None:
    twins = [replace(UN, key="a", name="Lò Văn Long"), replace(UN, key="b", name="Lò Văn Lâm")]
    written = [replace(twins[1], name="LO VAN LAM"), replace(twins[0], name="LO VAN LONG")]
    found = link(written, twins)
    assert [(each.one, each.other, each.judged) for each in found] == [(0, 1, Class.MATCH), (1, 0, Class.MATCH)]
    assert [each for each in link(written[:1], twins[:1]) if each.judged is Class.MATCH] == []


def test_of_namesakes_of_one_year_somebody_has_to_look_and_what_they_say_stands() -> None:
    ours = [
        replace(HOA, key="a", phone="", hamlet=""),
        replace(HOA, key="b", phone="", hamlet="", born_on=date(1980, 9, 9)),
    ]
    theirs = [replace(HOA, born_on=date(1980, 1, 1), precision="year", phone="", hamlet="")]
    (found,) = link(theirs, ours)
    assert found.judged is Class.POSSIBLE
    (decided,) = link(theirs, ours, same=[(0, 1)])
    assert (decided.other, decided.judged, decided.decided) == (1, Class.MATCH, True)
    assert link(theirs, ours, different=[(0, 0), (0, 1)]) == []


def test_within_one_list_each_pair_is_told_once() -> None:
    assert list(candidates([HOA, UN, replace(HOA, name="nguyen thi hoa", phone="")])) == [(0, 2)]


@pytest.mark.parametrize("made_by", [registers, two_registers])
def test_on_registers_never_tuned_on_nearly_all_pairs_are_found_and_nearly_none_is_wrong(
    made_by: Callable[[int, int, int], Registers],
) -> None:
    # The weights were looked at with the seed 1 of ``registers`` only, never with ``two_registers``.
    made = made_by(20220908, 2500, 4)
    matches = [each for each in link(made.theirs, made.ours) if each.judged is Class.MATCH]
    right = sum(made.true.get(each.one) == each.other for each in matches)
    assert right / len(matches) >= 0.98
    assert right / len(made.true) >= 0.95
    assert len({each.one for each in matches}) == len({each.other for each in matches}) == len(matches)
