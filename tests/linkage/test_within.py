"""Who stands twice in one census: found however it was written, while twins, siblings and namesakes are left alone."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest

from mapper.domain.places import same_name
from mapper.linkage.injections import Injections
from mapper.linkage.namesakes import Namesakes
from mapper.linkage.rarity import LinkPerson, words
from mapper.linkage.within import twice
from tests.linkage.censuses import Census, census, mistyped, shown, telex
from tests.linkage.two_hands import entered_twice

MY = LinkPerson("1", "Vừ Thị Mỷ", date(2016, 4, 9), "day", "female", "", "17000", "3")


def test_twins_of_a_house_are_two_and_one_entered_twice_there_is_one() -> None:
    twins = [MY, replace(MY, key="2", name="Vừ Thị Sua")]
    assert list(twice(twins, ["a", "a"])) == []
    again = [MY, replace(MY, key="2", name="Vu Thi My")]
    assert [(one.one, one.other) for one in twice(again, ["a", "a"])] == [(0, 1)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Trần Thị Hoà", "Trần Thị Hoa"),
        ("Trần Văn Nam", "Trần Văn Năm"),
        ("Bùi Thị Hương", "Bùi Thị Phương"),
        ("Cao Minh Hoà", "Cao Minh Hoa"),
        ("Trần Minh Anh", "Trần Anh Minh"),
    ],
)
def test_twins_whose_names_are_a_stroke_apart_are_two_where_one_visit_told_of_both(one: str, other: str) -> None:
    twin = replace(MY, name=one, told="2022-09-08")
    visits = {"2022-09-08": [], "": [], "2022-10-02": [(0, 1)]}
    for told, found in visits.items():
        # A visit that did not know what the first had told entered one of them again, and mistyped the name.
        again = replace(twin, key="2", name=other, told=told)
        assert [(each.one, each.other) for each in twice([twin, again], ["a", "a"])] == found


def test_of_a_house_entered_twice_each_twin_is_found_again_as_the_one_and_not_as_the_other() -> None:
    hoa, other_hoa = replace(MY, name="Trần Thị Hoà"), replace(MY, name="Trần Thị Hoa")
    house = [replace(one, key=str(at)) for at, one in enumerate([hoa, other_hoa, hoa, other_hoa])]
    assert [(each.one, each.other) for each in twice(house, ["a", "a", "b", "b"])] == [(0, 2), (1, 3)]


def test_whoever_else_of_both_houses_is_the_same_speaks_for_a_pair_that_nothing_else_does() -> None:
    mother, grandfather = MY, replace(MY, key="2", name="Nguyễn Văn Hùng", sex="male", born_on=date(1951, 2, 3))
    entries = [mother, grandfather, replace(mother, key="3"), replace(grandfather, key="4", born_on=date(1951, 8, 9))]
    assert [(each.one, each.other) for each in twice(entries, ["a", "a", "b", "b"])] == [(0, 2), (1, 3)]
    assert [(each.one, each.other) for each in twice(entries, ["a", "a", "b", "c"])] == [(0, 2)]


def test_a_namesake_of_the_year_is_not_shown_beside_the_person_of_that_very_day() -> None:
    again = replace(MY, key="2", hamlet="4")
    of_the_year = replace(MY, key="3", hamlet="5", born_on=date(2016, 1, 1), precision="year", phone="0912000111")
    pair = [replace(MY, phone="0987000222"), of_the_year]
    assert len(list(twice(pair, ["a", "c"]))) == 1
    assert [(each.one, each.other) for each in twice([pair[0], again, of_the_year], ["a", "b", "c"])] == [(0, 1)]


def test_a_dropped_accent_says_less_and_a_rare_word_more_the_more_or_fewer_write_so() -> None:
    marked = [words(f"Lê Thị {given}") for given in ("Hoa", "Lan", "Hương", "Thuỷ", "Huyền")] * 20
    bare = [words(f"Le Thi {given}") for given in ("Hoa", "Lan", "Huong", "Thuy", "Huyen")] * 20
    pair = words("Lê Thị Hương"), words("Le Thi Huong")
    found = [Namesakes([*pair, *others]).weigh(*pair) for others in (marked, [*marked[:50], *bare[:50]])]
    assert [each.level for each in found if each] == ["without_accents"] * 2
    assert found[0].weight > found[1].weight + 2


def test_a_slip_that_makes_a_usual_name_says_less_than_one_that_makes_none() -> None:
    usual = [words(f"Lê Thị {given}") for given in ("Hoa", "Hoà", "Hương", "Thuỷ", "Huyền")] * 20
    hoa, *slips = map(words, ("Lê Thị Hoa", "Lê Thị Hoà", "Lê Thị Hoaw"))
    found = [Namesakes([*usual, slip]).weigh(hoa, slip) for slip in slips]
    assert [each.level for each in found if each] == ["mistyped"] * 2
    to_usual, to_none = (each.weight for each in found if each)
    assert to_none > to_usual + 2


def test_a_year_alone_does_not_speak_against_a_pair_and_another_day_does() -> None:
    year = replace(MY, key="2", born_on=date(2016, 1, 1), precision="year")
    assert len(list(twice([MY, year], ["a", "b"]))) == 1
    other_day = replace(MY, key="2", born_on=date(2016, 11, 27))
    assert list(twice([MY, other_day], ["a", "b"])) == []


def test_doses_of_the_same_days_speak_for_one_person_unless_all_the_hamlet_had_them() -> None:
    both, first = frozenset({("1", "2021-08-10"), ("2", "2021-09-20")}), frozenset({("1", "2021-08-10")})
    later, none = frozenset({("1", "2021-08-17"), ("2", "2021-09-27")}), frozenset[tuple[str, str]]()
    one = replace(MY, doses=both)
    elsewhere = [replace(MY, hamlet="4", doses=later)] * 50

    def weighed(doses: frozenset[tuple[str, str]], neighbours: list[LinkPerson]) -> tuple[str, float] | None:
        other = replace(one, doses=doses)
        found = Injections([one, other, *neighbours]).weigh(one, other)
        return found and (found.level, found.weight)

    alone, usual = (weighed(both, neighbours) for neighbours in (elsewhere, [one] * 50))
    assert alone and usual and (alone[0], usual) == ("same", ("same", 0.0))
    assert alone[1] > 2
    assert weighed(later, elsewhere) == ("different", -4.0)
    assert weighed(both & later, elsewhere) is weighed(none, elsewhere) is None
    # A dose that came later says nothing.
    assert weighed(first, elsewhere) == ("part", 0.0)


def test_keys_of_telex_are_the_words_again_but_for_a_wrong_stroke() -> None:
    for name in ("Nguyễn", "Thuỳ", "Đậu", "Xồng", "Hương", "Trường", "Hoà", "Lữ"):
        assert same_name(shown(telex(name)), name)
    chance = random.Random(3)
    assert all(mistyped(chance, "Nguyễn Thị Hương") for _ in range(50))


@pytest.mark.parametrize("made_by", [census, entered_twice])
def test_in_communes_never_tuned_on_nearly_all_are_found_and_nearly_none_is_wrong(
    made_by: Callable[[int, int, float], Census],
) -> None:
    made = made_by(6001, 900, 0.03)
    found = {(one.one, one.other) for one in twice(made.entries, made.houses)}
    right = found & made.true.keys()
    assert len(made.true) > 150
    assert len(right) / len(found) >= 0.98
    assert len(right) / len(made.true) >= 0.95
