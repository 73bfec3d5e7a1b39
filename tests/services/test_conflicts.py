"""Deciding between updates of one household, property by property: counted at once as a rebuild would count it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import func, select

from mapper.domain.roles import Role
from mapper.errors import Conflict, Forbidden, InvalidInput, NotFound
from mapper.services import conflicts
from mapper.services.conflicts import Choice, Contradiction
from mapper.store import tables
from tests.services.test_entities import (
    HOA,
    LAN,
    NAM,
    Phones,
    census,
    check_rebuild,
    days,
    dose,
    lan,
    nam,
    online,
    overseer,
    publish,
    revisit,
    told,
)
from tests.services.town import HAMLETS, Town

SIDES = ("uuid:a", "uuid:b")
PHONE, HAMLET = ("", "phone", ""), ("", "hamlet_code", "")
DOSE, MEMBER = (LAN, "dose", "2"), (HOA, "person", "")


def contradict(town: Town) -> None:
    """A house of which one canvasser has the right telephone, and the other the right dose, hamlet and new person."""
    publish(town)
    people = [lan(name="Lan", birth_date=date(1980, 1, 1)) | dose("1", days(0)), nam(name="Nam")]
    town.send(census("uuid:census", people, answers={"household.phone": "0900000000"}))
    a = revisit("uuid:a", days(30), [lan() | dose("2", days(30))], online(1, "a"), answers={"household.phone": "1"})
    answers = {"household.phone": "2", "household.hamlet": HAMLETS[0][1]}
    hoa = {"person.id": HOA, "person.name": "Hoa"}
    b = revisit("uuid:b", days(31), [lan() | dose("2", days(29)), hoa], online(1, "b"), answers=answers)
    town.send(a, days(32))
    town.send(b, days(32))


@pytest.fixture
def house(new_town: Callable[[], Town]) -> Town:
    town = new_town()
    contradict(town)
    return town


def the_one(town: Town) -> Contradiction:
    (one,) = conflicts.contradictions(town.reference, overseer(town))
    return one


def decide(town: Town, **choice: object) -> None:
    conflicts.decide(town.reference, overseer(town), "uuid:b", Choice(SIDES, **choice))  # type: ignore[arg-type]


def known(town: Town) -> tuple[object, ...]:
    """Telephone, hamlet, the day of Lan's second dose, and who lives there."""
    found = told(town)
    (row,) = found["households"]
    second = next((each["given_on"] for each in found["doses"] if each["code"] == "2"), None)
    return row["phone"], row["hamlet_code"], second, [person["name"] for person in found["people"]]


NOW = ("2", HAMLETS[0][1], days(29), ["Lan", "Nam", "Hoa"])


def test_each_contested_property_stands_with_both_sides_what_was_known_and_what_counts(house: Town) -> None:
    one = the_one(house)
    assert known(house) == NOW
    assert [side.instance_id for side in one.sides] == list(SIDES)
    assert {row.key: (row.values, row.otherwise, row.counts) for row in one.contested} == {
        PHONE: (("1", "2"), "0900000000", 1),
        HAMLET: ((None, HAMLETS[0][1]), HAMLETS[0][0], 1),
        DOSE: (((days(30), "pfizer"), (days(29), "pfizer")), None, 1),
        MEMBER: ((None, True), False, 1),
    }


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ({}, NOW),
        ({"of": {PHONE: "uuid:a"}}, ("1", *NOW[1:])),
        ({"of": {PHONE: "uuid:a", DOSE: "uuid:b"}}, ("1", *NOW[1:])),
        ({"of": {PHONE: "otherwise", DOSE: "uuid:a"}}, ("0900000000", NOW[1], days(30), NOW[3])),
        ({"of": {DOSE: "otherwise"}}, (*NOW[:2], None, NOW[3])),
        ({"of": {HAMLET: "otherwise", MEMBER: "otherwise"}}, ("2", HAMLETS[0][0], days(29), ["Lan", "Nam"])),
        ({"of": {PHONE: "now"}}, NOW),
        ({"all_of": "uuid:a"}, ("1", NOW[1], days(30), NOW[3])),
        ({"all_of": "uuid:b"}, NOW),
        ({"nothing_of": "uuid:b"}, ("1", HAMLETS[0][0], days(30), ["Lan", "Nam"])),
        ({"nothing_of": "uuid:a"}, NOW),
    ],
)
def test_what_is_right_of_each_side_counts_and_a_rebuild_agrees(
    house: Town, choice: dict[str, object], expected: tuple[object, ...]
) -> None:
    decide(house, **choice)
    assert known(house) == expected
    assert conflicts.contradictions(house.reference, overseer(house)) == []
    assert told(house)["households"][0]["version"] == 3  # phones hold it under this number
    check_rebuild(house)


def test_both_databases_take_what_is_right_of_each_side_and_take_it_back(town: Town) -> None:
    contradict(town)
    decide(town, of={PHONE: "uuid:a", MEMBER: "otherwise"})
    assert known(town) == ("1", *NOW[1:3], ["Lan", "Nam"])
    check_rebuild(town)
    conflicts.take_back(town.reference, overseer(town), "uuid:b")
    assert known(town) == NOW
    check_rebuild(town)


def test_both_databases_keep_to_whatever_was_decided_about_any_updates(town: Town) -> None:
    publish(town)
    phones = Phones(town, 1)
    phones.run(60)
    for _ in range(8):
        phones.retry_or_decide()
    assert phones.decided
    assert phones.taken_back
    check_rebuild(town)


def test_an_update_all_of_which_is_set_aside_one_by_one_is_set_aside_as_a_whole(new_town: Callable[[], Town]) -> None:
    town = new_town()
    publish(town)
    town.send(census("uuid:census", [lan(name="Lan")], answers={"visit.outcome": "absent"}))
    answers = {"visit.outcome": "refused"}
    town.send(revisit("uuid:a", days(1), [], online(1, "a"), answers=answers), days(3))
    town.send(revisit("uuid:b", days(2), [], online(1, "b"), answers={"visit.outcome": "locked"}), days(3))
    outcome = ("", "outcome", "")
    assert told(town)["households"][0]["outcome"] == "locked"
    decide(town, of={outcome: "uuid:a"})
    assert told(town)["households"][0]["outcome"] == "refused"
    (one,) = conflicts.decided(town.reference, overseer(town))
    assert one.decided is not None
    assert one.decided.said["uuid:b"] == {("", "", ""): False}
    check_rebuild(town)


def test_an_edit_of_an_update_opens_what_was_decided_again(house: Town) -> None:
    decide(house, of={PHONE: "uuid:b"})
    edit = revisit("uuid:c", days(30), [lan()], online(1, "a"), answers={"household.phone": "3"}, edits="uuid:a")
    house.send(edit, days(33))
    assert [side.instance_id for side in the_one(house).sides] == ["uuid:c", "uuid:b"]
    with pytest.raises(Conflict):
        decide(house, of={PHONE: "uuid:b"})
    choice = Choice(("uuid:c", "uuid:b"), {PHONE: "uuid:c"})
    conflicts.decide(house.reference, overseer(house), "uuid:b", choice)
    assert known(house)[0] == "3"
    check_rebuild(house)


def test_what_an_earlier_decision_set_aside_can_count_again_by_a_later_one(house: Town) -> None:
    decide(house, of={PHONE: "uuid:a"})
    third = revisit("uuid:c", days(40), [], online(2, "c"), answers={"household.phone": "3"})
    house.send(third, days(41))
    one = the_one(house)
    assert [side.instance_id for side in one.sides] == ["uuid:b", "uuid:c"]
    choice = Choice(("uuid:b", "uuid:c"), {PHONE: "uuid:b"})
    conflicts.decide(house.reference, overseer(house), "uuid:c", choice)
    assert known(house)[0] == "2"
    assert [each.about.instance_id for each in conflicts.decided(house.reference, overseer(house))] == [
        "uuid:c",
        "uuid:b",
    ]
    conflicts.take_back(house.reference, overseer(house), "uuid:c")
    assert known(house)[0] == "3"
    check_rebuild(house)


def test_decisions_are_listed_the_latest_first_some_at_a_time(house: Town) -> None:
    judge = overseer(house)
    assert conflicts.decided(house.reference, judge) == []
    decide(house, of={PHONE: "uuid:a"})
    (one,) = conflicts.decided(house.reference, judge)
    assert one.decided is not None
    assert (one.decided.user, [side.leaves_out(the) for side in one.sides for the in one.rows if the.key == PHONE]) == (
        "judge",
        [False, True],
    )
    assert conflicts.decided(house.reference, judge, 1, 1) == []
    conflicts.take_back(house.reference, judge, "uuid:b")
    assert conflicts.decided(house.reference, judge) == []
    with house.reference.database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(tables.decisions)) == 2


@pytest.mark.parametrize(
    ("choice", "error"),
    [
        (Choice(SIDES, nothing_of="uuid:census"), InvalidInput),
        (Choice(SIDES, all_of="uuid:else"), InvalidInput),
        (Choice(SIDES, {(HOA, "name", ""): "otherwise"}), InvalidInput),
        (Choice(SIDES, {HAMLET: "uuid:a"}), InvalidInput),
        (Choice(SIDES, {PHONE: "uuid:census"}), InvalidInput),
        (Choice(SIDES, {("", "", ""): "uuid:a"}), InvalidInput),
        (Choice(SIDES[:1]), Conflict),
        (Choice(()), Conflict),
    ],
)
def test_a_choice_that_there_is_not_is_refused_and_changes_nothing(
    house: Town, choice: Choice, error: type[Exception]
) -> None:
    judge, before = overseer(house), house.everything()
    with pytest.raises(error):
        conflicts.decide(house.reference, judge, "uuid:b", choice)
    assert house.everything() == before
    with house.reference.database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(tables.decisions)) == 0


@pytest.mark.parametrize("instance", ["uuid:a", "uuid:census", "uuid:none"])
def test_nothing_is_decided_or_taken_back_where_nothing_contradicts(house: Town, instance: str) -> None:
    judge = overseer(house)
    with pytest.raises(NotFound):
        conflicts.decide(house.reference, judge, instance, Choice(SIDES))
    with pytest.raises(NotFound):
        conflicts.take_back(house.reference, judge, instance)


def test_who_plans_neither_sees_nor_decides(house: Town) -> None:
    planner = replace(overseer(house), role=Role.PLANNER)
    for ask in (conflicts.contradictions, conflicts.decided):
        with pytest.raises(Forbidden):
            ask(house.reference, planner)
    with pytest.raises(Forbidden):
        conflicts.decide(house.reference, planner, "uuid:b", Choice(SIDES))
    with pytest.raises(Forbidden):
        conflicts.take_back(house.reference, planner, "uuid:b")


def test_somebody_new_is_taken_out_only_as_a_whole_and_their_name_is_no_choice(house: Town) -> None:
    one = the_one(house)
    assert [row.what for row in one.contested if row.person == HOA] == ["person"]
    assert {row.what for row in one.agreed if row.person == HOA} == {"name"}
    assert NAM not in {row.person for row in one.rows}
