"""Mending what submissions tell: every dose kept once, values corrected where they are still what was seen."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from mapper.domain.mending import (
    Act,
    Correction,
    SameHousehold,
    SamePerson,
    TwoPeople,
    apply,
    join_doses,
    join_people,
)
from mapper.domain.people import Dose, Person, Visit

DAY, LATER = date(2022, 8, 15), date(2022, 9, 1)
FIRST, SECOND = date(2021, 8, 10), date(2021, 9, 20)


def lan(identity: str, *doses: Dose, **facts: object) -> Person:
    return Person(identity, DAY, "Lan", doses=doses, **facts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kept", "other", "both"),
    [
        ([Dose("1", FIRST)], [Dose("1", FIRST), Dose("2", SECOND)], [Dose("1", FIRST), Dose("2", SECOND)]),
        ([Dose("1", FIRST)], [Dose("1", None, "pfizer")], [Dose("1", FIRST, "pfizer")]),
        ([Dose("1", FIRST)], [Dose("1", SECOND)], [Dose("1", FIRST), Dose("1", SECOND)]),
        ([Dose("1", FIRST, "a")], [Dose("1", FIRST, "b", "L1")], [Dose("1", FIRST, "a", "L1")]),
        ([Dose("1"), Dose("1", SECOND)], [Dose("1", SECOND)], [Dose("1"), Dose("1", SECOND)]),
        ([], [Dose("2", SECOND), Dose("2", SECOND)], [Dose("2", SECOND), Dose("2", SECOND)]),
    ],
    ids=["second added", "filled in", "two days", "one day, two vaccines", "the nearest", "the other's own"],
)
def test_every_dose_of_two_entries_is_kept_once(kept: list[Dose], other: list[Dose], both: list[Dose]) -> None:
    assert join_doses(tuple(kept), tuple(other)) == tuple(both)


def test_the_entry_that_stays_has_the_word_and_the_other_fills_in() -> None:
    kept = lan("a", sex="female", vaccination_unknown=True)
    other = lan("b", Dose("1", FIRST), sex="male", born_on=DAY, birth_precision="year", contraindicated=True)
    both = join_people(kept, other)
    assert (both.id, both.sex, both.born_on, both.birth_precision) == ("a", "female", DAY, "year")
    assert (both.contraindicated, both.vaccination_unknown, len(both.doses)) == (True, False, 1)


def test_acts_follow_one_another_and_leave_what_they_do_not_find() -> None:
    houses = {
        "h": Visit("h", DAY, "absent", head="Nam", people=()),
        "i": Visit("i", LATER, "interviewed", phone="09", people=(lan("a"), lan("b", Dose("1", FIRST)))),
    }
    acts: list[Act] = [
        SamePerson(("i", "a"), ("i", "b")),
        SamePerson(("i", "a"), ("i", "gone")),
        SameHousehold("h", "i"),
        Correction("i", ("", "head", ""), None, "nobody"),
        Correction("h", ("a", "name", ""), "Lan", "Lân"),
        Correction("h", ("a", "name", ""), "Lan", "another"),
        Correction("h", ("a", "dose_given_on", "1"), FIRST.isoformat(), SECOND.isoformat()),
    ]
    found, joined = apply(houses, acts)
    assert joined == {"i": "h"}
    (house,) = found.values()
    assert (house.household_id, house.head, house.phone, house.outcome, house.visited_on) == (
        *("h", "Nam", "09", "interviewed", LATER),
    )
    (person,) = house.people
    assert (person.name, person.doses) == ("Lân", (Dose("1", SECOND),))
    assert apply(houses, []) == (houses, {})


def test_a_dose_or_a_member_is_taken_out_by_what_it_was() -> None:
    houses = {"h": Visit("h", DAY, "interviewed", people=(lan("a", Dose("1", FIRST, "pfizer")), lan("b")))}
    taken, _ = apply(houses, [Correction("h", ("a", "dose", "1"), f"{FIRST} pfizer", None)])
    assert taken["h"].people[0].doses == ()
    assert apply(houses, [Correction("h", ("a", "dose", "1"), f"{SECOND} pfizer", None)])[0] == houses
    left, _ = apply(houses, [Correction("h", ("b", "member", ""), "Lan", None)])
    assert [person.id for person in left["h"].people] == ["a"]


def test_one_entry_becomes_two_people_who_have_every_dose_once() -> None:
    one, two = Dose("1", FIRST, "pfizer"), Dose("1", SECOND, "moderna")
    houses = {"h": Visit("h", DAY, "interviewed", people=(lan("b"), lan("a", one, two)))}
    act = TwoPeople("h", "a", "second", "Lân", (("1", f"{SECOND} moderna"),))
    (house,) = apply(houses, [act])[0].values()
    assert [(each.id, each.name, each.doses) for each in house.people] == [
        ("b", "Lan", ()),
        ("a", "Lan", (one,)),
        ("second", "Lân", (two,)),
    ]
    # What was told of the second since is theirs, and nobody is there twice.
    since = replace(lan("second", Dose("2", LATER)), name=None)
    houses = {"h": Visit("h", DAY, "interviewed", people=(since, lan("a", one, two)))}
    (house,) = apply(houses, [act])[0].values()
    assert [(each.id, each.name, each.doses) for each in house.people] == [
        ("a", "Lan", (one,)),
        ("second", "Lân", (two, Dose("2", LATER))),
    ]
    for gone in (TwoPeople("h", "x", "s", "Lân", ()), TwoPeople("h", "a", "s", "Lân", (("2", f"{SECOND} moderna"),))):
        assert apply(houses, [gone])[0] == houses
