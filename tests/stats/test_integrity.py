"""Honest canvassers are left in peace, planted cheats are found, and the figures behind it, worked out by hand."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest

from mapper.stats.integrity import (
    ALL,
    EACH,
    TESTS,
    Form,
    alike,
    by_chance_alike,
    chance_of,
    discoveries,
    reads,
)

Cheat = Callable[[list[Form], random.Random], list[Form]]
VACCINES = ("AstraZeneca", "Pfizer", "Moderna")


def family(chance: random.Random, days: list[str]) -> tuple[tuple[tuple[str, ...], ...], tuple[int, ...]]:
    people, ages = [], []
    for _ in range(chance.choice((1, 2, 3, 3, 4, 4, 5, 6))):
        age = chance.randrange(1, 85)
        born = f"{2022 - age}-{chance.randrange(1, 13):02}-{chance.randrange(1, 29):02}"
        doses = tuple(f"{n}:{chance.choice(days)}:{chance.choice(VACCINES)}" for n in range(chance.randrange(4)))
        people.append((born, chance.choice("mf"), "here", "", "no", *doses))
        # Ages that a grandchild guesses are round more often than not.
        ages.append(5 * round(age / 5) if chance.random() < 0.05 else age)
    return tuple(people), tuple(ages)


def honest(number: int, chance: random.Random, houses: int = 45, place: str = "") -> list[Form]:
    """A week of honest work: a village of 400 m, 3 to 20 minutes a house, families that differ, doses on camp days."""
    forms: list[Form] = []
    clock, met_share = 8.0 * 3600, chance.betavariate(27, 3)
    days = [f"2021-0{chance.randrange(5, 10)}-{n:02}" for n in (4, 11, 18, 25)]
    east, north = 105 + chance.random() / 10, 22 + chance.random() / 10
    for house in range(houses):
        if house % 9 == 0:
            clock = house // 9 * 86400 + chance.uniform(7, 8.5) * 3600
        # One in ten stands in the yard of the one before.
        if house % 10 == 0 or chance.random() > 0.1:
            at = north + chance.gauss(0, 0.0018), east + chance.gauss(0, 0.0018)
        met = chance.random() < met_share
        people, ages = family(chance, days) if met else ((), ())
        # The way there; a few start the form on it.
        clock += chance.uniform(240, 900)
        took = chance.lognormvariate(0, 0.3) * (150 + 110 * len(people)) if met else chance.uniform(30, 90)
        forms.append(
            Form(
                f"{number}-{house}",
                number,
                place or str(number // 3),
                "a",
                clock,
                clock + took,
                clock / 3600 % 24,
                round(at[0] + chance.gauss(0, 4) / 111_000, 7),
                round(at[1] + chance.gauss(0, 4) / 103_000, 7),
                chance.choice((3.8, 4.0, 4.3, 5.0, 6.2, 9.7)),
                "met" if met else "unmet",
                True,
                people,
                ages,
                tuple(dose.split(":")[1] for person in people for dose in person[5:]),
            )
        )
        clock += took
    return forms


def at_one_point(forms: list[Form], chance: random.Random) -> list[Form]:
    """Two of three forms are filled at home, where the phone finds itself within some metres."""
    return [
        replace(form, lat=22.05 + chance.gauss(0, 2) / 111_000, lon=105.05 + chance.gauss(0, 2) / 103_000)
        if chance.random() < 0.67
        else form
        for form in forms
    ]


def copied(forms: list[Form], chance: random.Random) -> list[Form]:
    """Half of the families are the last one again, one answer changed."""
    found: list[Form] = []
    for form in forms:
        last = next((one for one in reversed(found) if len(one.people) > 1), None)
        if last is not None and chance.random() < 0.5:
            first = (last.people[0][0], "m" if last.people[0][1] == "f" else "f", *last.people[0][2:])
            form = replace(form, outcome="met", people=(first, *last.people[1:]), ages=last.ages)
        found.append(form)
    return found


def in_two_minutes(forms: list[Form], chance: random.Random) -> list[Form]:
    """Each takes about two minutes, however many people live there."""
    return [replace(form, end=(form.start or 0) + chance.uniform(95, 145)) for form in forms]


def area(seed: int, canvassers: int = 10, cheat: Cheat | None = None) -> list[Form]:
    chance = random.Random(seed)
    every = [honest(number, chance) for number in range(canvassers)]
    if cheat is not None:
        every[0] = cheat(every[0], chance)
    return [form for own in every for form in own]


def test_of_honest_canvassers_at_most_one_in_twenty_is_pointed_at_by_all_tests_together() -> None:
    pointed, areas = 0, 0
    for seed in range(40):
        found = {one.canvasser for one in reads(area(seed))[1] if one.shown}
        pointed += len(found)
        areas += bool(found)
    assert pointed <= 400 // 20
    assert areas <= 40 * ALL, "the page promises it of whole areas"


@pytest.mark.parametrize(
    ("cheat", "test"),
    [(at_one_point, "spot"), (copied, "copied"), (in_two_minutes, "short")],
    ids=["spot", "copied", "short"],
)
def test_nine_of_ten_planted_cheats_are_found_and_nobody_beside_them(cheat: Cheat, test: str) -> None:
    found, others = 0, 0
    for seed in range(100, 120):
        shown = [one for one in reads(area(seed, 6, cheat))[1] if one.shown]
        found += any(one.canvasser == 0 and one.test == test for one in shown)
        others += len({one.canvasser for one in shown} - {0})
    assert found >= 18
    assert others <= 20 * 5 // 20


def test_more_cheats_than_honest_are_still_found() -> None:
    chance = random.Random(7)
    every = [honest(number, chance) for number in range(3)]
    forms = [*in_two_minutes(every[0], chance), *in_two_minutes(every[1], chance), *every[2]]
    assert {one.canvasser for one in reads(forms)[1] if one.shown and one.test == "short"} <= {0, 1}
    alone = reads(in_two_minutes(honest(0, chance), chance))[1]
    assert [one.test for one in alone if one.shown] == ["short"], "nobody to compare with"


def planted(**changes: object) -> list[str]:
    """The tests that point at a canvasser all of whose forms were changed like this, among five honest ones."""
    forms = area(3, 6)
    made = [replace(form, **changes) if form.canvasser == 0 else form for form in forms]  # type: ignore[arg-type]
    return sorted({one.test for one in reads(made)[1] if one.shown and one.canvasser == 0})


def test_each_sign_is_seen_alone() -> None:
    assert planted() == []
    assert planted(hour=23.5) == ["night"]
    assert planted(hour=4.0) == ["night"]
    assert planted(hour=5.0) == []
    assert planted(outcome="unmet", people=(), ages=(), dose_days=(), end=None) == ["unmet"]
    assert "ages" in planted(ages=(30, 45, 60))
    assert "dates" in planted(dose_days=("2021-06-01",))
    assert "spot" in planted(lat=22.0512345, lon=105.0512345)


def test_positions_on_a_line_or_a_grid_are_seen() -> None:
    forms = area(3, 6)
    line = [
        replace(form, lat=22.0000004 + at * 2.34e-4, lon=105.0000007 + at * 1.23e-4)
        for at, form in enumerate(forms[:45])
    ]
    assert {one.test for one in reads([*line, *forms[45:]])[1] if one.shown} == {"line"}
    grid = [replace(form, lat=round(form.lat or 0, 4), lon=round(form.lon or 0, 4)) for form in forms[:45]]
    assert {one.test for one in reads([*grid, *forms[45:]])[1] if one.shown} == {"grid"}


def test_forms_that_overlap_or_lie_too_far_apart_are_seen() -> None:
    forms = area(3, 6)
    at_once = [replace(form, start=1000.0 + at, end=1300.0 + at) for at, form in enumerate(forms[:45])]
    (sign,) = [one for one in reads([*at_once, *forms[45:]])[1] if one.shown and one.test == "pace"]
    # Each names the form before it, which was still open.
    assert [(two.other, two.key) for two in sign.beside] == [
        (one.key, other.key) for one, other in pairwise(at_once) if other.key in sign.keys
    ]
    assert len(sign.beside) == sign.odd
    # Opened a second after the one before, which took 300.
    assert {two.gap_s for two in sign.beside} == {-299.0}
    # One kilometre in two minutes: no. The same with ten minutes: yes.
    for gap, told in ((120.0, {"pace"}), (600.0, set())):
        far = [
            replace(
                form,
                lat=22.0 + at % 2 * 0.02 + at * 1e-5 * (at % 7),
                lon=105.0 + at * 1.7e-4 * (at % 3),
                start=at * (900 + gap),
                end=at * (900 + gap) + 900,
            )
            for at, form in enumerate(forms[:45])
        ]
        assert {one.test for one in reads([*far, *forms[45:]])[1] if one.shown} & {"pace"} == told


def test_a_copied_household_names_the_one_most_like_it_and_how_many_answers_are_equal() -> None:
    forms = area(3, 6)
    own = sorted((form for form in forms if form.canvasser == forms[0].canvasser), key=lambda form: form.start or 0)
    families = [form for form in own if form.whole and len(form.people) > 1]
    first = families[0]
    copies = {form.key: replace(form, people=first.people, ages=first.ages) for form in families[1:]}
    (sign,) = [
        one for one in reads([copies.get(form.key, form) for form in forms])[1] if one.shown and one.test == "copied"
    ]
    assert [two.key for two in sign.beside] == list(sign.keys)
    assert {two.key for two in sign.beside} >= set(copies)
    told = {two.key: two for two in sign.beside}
    assert {told[key].share for key in copies} == {1.0}
    assert {told[key].other for key in copies} <= {first.key, *copies}
    assert all(two.key != two.other for two in sign.beside)


def test_chance_is_that_of_a_beta_binomial() -> None:
    # a = b = 1: every number of 0..3 is equally likely.
    assert chance_of(2, 3, 0.5, 2) == pytest.approx(0.5)
    assert chance_of(3, 3, 0.5, 2) == pytest.approx(0.25)
    # Canvassers that hardly differ: the binomial, 3 of 3 at a half.
    assert chance_of(3, 3, 0.5, 1e7) == pytest.approx(0.125, abs=1e-6)
    assert (chance_of(0, 3, 0.5), chance_of(3, 3, 1.0), chance_of(1, 3, 0.0)) == (1.0, 1.0, 0.0)


def test_discoveries_are_those_of_benjamini_and_hochberg() -> None:
    # Limits 0.0125, 0.025, 0.0375, 0.05: the third passes, and takes the second with it.
    assert discoveries([0.03, 0.2, 0.01, 0.026], 0.05) == [True, False, True, True]
    assert discoveries([0.03, 0.2, 0.02, 0.04], 0.05) == [False, False, False, False]
    assert discoveries([], 0.05) == []
    assert EACH * len(TESTS) == pytest.approx(ALL)


def test_likeness_is_the_share_of_equal_answers_of_families_whose_births_agree() -> None:
    one = Form("1", 1, people=(("1980-01-02", "m", "here"), ("1982-03-04", "f", "here")))
    two = replace(one, people=(("1980-01-02", "m", "here"), ("1982-03-04", "m", "here")))
    three = replace(one, people=(("1981-01-02", "m", "here"), ("1983-03-04", "f", "here")))
    assert alike(one, two) == pytest.approx(5 / 6)
    assert alike(one, three) == 0.0, "different people who live alike"
    assert alike(one, replace(one, people=one.people[:1])) == pytest.approx(3 / 6)
    assert alike(replace(one, people=one.people[:1]), replace(one, people=one.people[:1])) == 0.0
    assert by_chance_alike(area(5)) < 0.01
