"""Who stands twice in one census: found however it was written, while twins, siblings and namesakes are left alone."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date

from mapper.domain.places import same_name
from mapper.linkage.rarity import LinkPerson
from mapper.linkage.within import twice
from tests.linkage.censuses import census, mistyped, shown, telex

MY = LinkPerson("1", "Vừ Thị Mỷ", date(2016, 4, 9), "day", "female", "", "17000", "3")


def test_twins_of_a_house_are_two_and_one_entered_twice_there_is_one() -> None:
    twins = [MY, replace(MY, key="2", name="Vừ Thị Sua")]
    assert list(twice(twins, ["a", "a"])) == []
    again = [MY, replace(MY, key="2", name="Vu Thi My")]
    assert [(one.one, one.other) for one in twice(again, ["a", "a"])] == [(0, 1)]


def test_a_year_alone_does_not_speak_against_a_pair_and_another_day_does() -> None:
    year = replace(MY, key="2", born_on=date(2016, 1, 1), precision="year")
    assert len(list(twice([MY, year], ["a", "b"]))) == 1
    other_day = replace(MY, key="2", born_on=date(2016, 11, 27))
    assert list(twice([MY, other_day], ["a", "b"])) == []


def test_keys_of_telex_are_the_words_again_but_for_a_wrong_stroke() -> None:
    for name in ("Nguyễn", "Thuỳ", "Đậu", "Xồng", "Hương", "Trường", "Hoà", "Lữ"):
        assert same_name(shown(telex(name)), name)
    chance = random.Random(3)
    assert all(mistyped(chance, "Nguyễn Thị Hương") for _ in range(50))


def test_in_a_commune_never_tuned_on_nearly_all_are_found_and_nearly_none_is_wrong() -> None:
    made = census(seed=2023, households=700, share=0.03)
    found = {(one.one, one.other) for one in twice(made.entries, made.houses)}
    right = found & set(made.true)
    assert len(right) / len(found) >= 0.98
    assert len(right) / len(made.true) >= 0.95
