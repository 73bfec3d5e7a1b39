"""What updates tell, side by side, and what is left of one when some of it is set aside."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from mapper.domain.household import combine
from mapper.domain.people import Dose, Person, Point, Property, Visit
from mapper.domain.updates import DOSE, MEMBER, WHOLE, Compared, compare, set_aside, told_by, without

AUGUST, SEPTEMBER, OCTOBER = date(2022, 8, 1), date(2022, 9, 1), date(2022, 10, 1)
LAN = Person("lan", AUGUST, name="Nông Thị Lan", born_on=date(1980, 1, 1))
NAM = Person("nam", AUGUST, name="Hoàng Văn Nam", born_on=date(2015, 1, 1), refused=True, refusal_reason="afraid")
FIRST_DOSE = Dose("1", SEPTEMBER, "pfizer")
SECOND_DOSE = Dose("2", OCTOBER, "pfizer")
HERE = Point(22.05, 105.05, 6.0)


def visit(day: date, *people: Person, outcome: str = "interviewed", **facts: object) -> Visit:
    return Visit("h", day, outcome, people=people, **facts)  # type: ignore[arg-type]


def again(day: date, *people: Person, outcome: str = "interviewed", **facts: object) -> Visit:
    return visit(day, *people, outcome=outcome, partial=True, **facts)


def told(person_id: str, *answered: str, day: date = SEPTEMBER, **facts: object) -> Person:
    return Person(person_id, day, answered=frozenset(answered), **facts)  # type: ignore[arg-type]


CENSUS = visit(AUGUST, LAN, NAM, head="Lan", phone="0900000001", hamlet_code="A", point=HERE)


def rows(found: list[Compared]) -> dict[Property, tuple[object, ...]]:
    return {row.key: row.values for row in found}


# Side by side


def test_updates_are_compared_property_by_property() -> None:
    one = again(SEPTEMBER, told("lan", "residence", residence="works_away", doses=(FIRST_DOSE,)), head="Lan")
    found = compare([visit(AUGUST, LAN, head="Lan"), one])
    assert rows(found) == {
        ("", "outcome", ""): ("interviewed", "interviewed"),
        ("", "head", ""): ("Lan", "Lan"),
        ("lan", MEMBER, ""): (True, True),
        ("lan", "name", ""): ("Nông Thị Lan", None),
        ("lan", "born_on", ""): (date(1980, 1, 1), None),
        ("lan", "residence", ""): (("here", None), ("works_away", None)),
        ("lan", "contraindicated", ""): ((False, None), None),
        ("lan", "refused", ""): ((False, None), None),
        ("lan", "vaccination_unknown", ""): (False, None),
        ("lan", "priorities", ""): ("", None),
        ("lan", DOSE, "1"): (None, (SEPTEMBER, "pfizer")),
    }
    assert [row.what for row in found if row.differs] == ["residence"]


def test_what_is_told_of_one_person_stands_together() -> None:
    found = compare([again(SEPTEMBER, told("a", name="A"), told("b", name="B")), again(SEPTEMBER, told("a", sex="f"))])
    assert [(row.person, row.what) for row in found if row.what != MEMBER] == [
        ("", "outcome"),
        ("a", "name"),
        ("a", "sex"),
        ("b", "name"),
    ]


def test_a_reason_or_place_stands_with_what_it_belongs_to() -> None:
    person = told("lan", "residence", "consent", residence="works_away", away_place="Bình Dương", refused=True)
    found = rows(compare([again(SEPTEMBER, replace(person, refusal_reason="afraid"))]))
    assert found["lan", "residence", ""] == (("works_away", "Bình Dương"),)
    assert found["lan", "refused", ""] == ((True, "afraid"),)
    unsaid = rows(compare([again(SEPTEMBER, told("lan", away_place="Hà Nội", refusal_reason="afraid"))]))
    assert unsaid["lan", "residence", ""] == ((None, "Hà Nội"),)


def test_only_what_changes_something_is_contested() -> None:
    one = again(SEPTEMBER, told("lan", doses=(FIRST_DOSE,)), head="Lan", phone="0900000002")
    other = again(OCTOBER, told("lan", "residence"), phone="0900000003")
    found = compare([one, other], CENSUS, combine([CENSUS, one, other]))
    contested = {row.key: (row.otherwise, row.now, row.counts, row.stays) for row in found if row.contested}
    assert contested == {
        ("", "phone", ""): ("0900000001", "0900000003", 1, False),
        ("lan", DOSE, "1"): (None, (SEPTEMBER, "pfizer"), 0, False),
    }


def test_what_two_updates_tell_together_is_told_by_neither() -> None:
    one = again(SEPTEMBER, told("lan", doses=(Dose("1", SEPTEMBER),)))
    other = again(SEPTEMBER, told("lan", doses=(Dose("1", None, "pfizer"),)))
    (row,) = [row for row in compare([one, other], CENSUS, combine([CENSUS, one, other])) if row.contested]
    assert (row.now, row.counts, row.stays) == ((SEPTEMBER, "pfizer"), None, False)


@pytest.mark.parametrize(
    ("point", "differs"),
    [(Point(22.0504, 105.05), False), (Point(22.0506, 105.05), True), (Point(22.05, 105.0506), True)],
)
def test_two_positions_of_one_house_differ_from_fifty_metres_on(point: Point, differs: bool) -> None:
    # 0.0004 degrees are 44 m, 0.0006 degrees 67 m north and 62 m east
    (row,) = [
        row for row in compare([again(SEPTEMBER, point=HERE), again(SEPTEMBER, point=point)]) if row.what == "point"
    ]
    assert row.differs is differs


def test_a_person_whom_nobody_else_names_is_new_and_can_only_be_taken_out_as_a_whole() -> None:
    one = again(SEPTEMBER, told("baby", name="Bé"), told("lan"))
    found = {row.key: row for row in compare([one], CENSUS, combine([CENSUS, one]))}
    assert ("lan", MEMBER, "") not in found
    member, name = found["baby", MEMBER, ""], found["baby", "name", ""]
    assert (member.values, member.otherwise, member.now, member.contested, member.can_stay) == (
        (True,),
        False,
        True,
        True,
        True,
    )
    assert (name.contested, name.can_stay) == (False, False)


def test_a_census_that_leaves_somebody_out_says_that_they_do_not_belong_there() -> None:
    one, other = again(SEPTEMBER, told("nam", doses=(FIRST_DOSE,))), visit(OCTOBER, LAN)
    found = {row.key: row for row in compare([one, other], CENSUS, combine([CENSUS, one, other]))}
    row = found["nam", MEMBER, ""]
    assert (row.values, row.otherwise, row.now, row.counts) == ((None, False), True, False, 1)
    assert ("nam", MEMBER, "") not in rows(compare([visit(OCTOBER, outcome="absent")], CENSUS))


# Set aside


def test_without_anything_set_aside_a_visit_is_as_it_was_and_as_a_whole_it_is_gone() -> None:
    assert without(CENSUS, frozenset()) is CENSUS
    assert without(CENSUS, {WHOLE}) is None


FULL = again(
    OCTOBER,
    told(
        "lan",
        "residence",
        "contraindicated",
        "consent",
        "vaccinated",
        "priorities",
        day=OCTOBER,
        name="Lan Anh",
        born_on=date(1981, 2, 3),
        birth_precision="day",
        sex="female",
        residence="works_away",
        away_place="Bình Dương",
        priorities=("health",),
        contraindicated=True,
        contraindication="allergy",
        deferred_until=date(2022, 12, 1),
        deferral_reason="fever",
        infected_on=SEPTEMBER,
        refused=True,
        refusal_reason="afraid",
        vaccination_unknown=True,
        doses=(FIRST_DOSE, SECOND_DOSE),
    ),
    told("baby", name="Bé"),
    head="Páo",
    phone="0900000002",
    hamlet_code="B",
    commune_code="C",
    house_number="12",
    expected_members=3,
    point=Point(22.06, 105.06),
)


@pytest.mark.parametrize("key", sorted(told_by(FULL, ["lan"]), key=str))
def test_each_property_set_aside_is_no_longer_told_and_everything_else_is(key: Property) -> None:
    left = without(FULL, {key})
    assert left is not None
    before, after = told_by(FULL, ["lan"]), told_by(left, ["lan"])
    gone = {each for each in before if each == key or (key[1] == MEMBER and each[0] == key[0])}
    if key[1] == "outcome":
        assert (left.tells_outcome, gone) == (False, {key})
        gone = set()
    assert after == {each: value for each, value in before.items() if each not in gone}


@pytest.mark.parametrize("key", sorted(told_by(FULL, ["lan"]), key=str))
@pytest.mark.parametrize("partial", [True, False])
def test_what_is_set_aside_is_as_it_was_before(key: Property, partial: bool) -> None:
    """Of a revisit and of a census, which otherwise tells of everything that it leaves out that there is none."""
    lan = replace(LAN, doses=(Dose("1", date(2022, 7, 1), "moderna"),), priorities=("elderly",))
    earlier = replace(CENSUS, people=(lan, NAM), house_number="11", commune_code="A1", expected_members=2)
    update = replace(FULL, partial=partial)
    left = without(update, {key})
    assert left is not None
    known = told_by(replace(combine([earlier, left]), partial=False))
    usual = told_by(replace(combine([earlier, update]), partial=False))
    if key[1] == MEMBER:
        assert known == {each: value for each, value in usual.items() if each[0] != key[0]}
    else:
        assert known.get(key) == told_by(earlier).get(key)
        assert {k: v for k, v in known.items() if k != key} == {k: v for k, v in usual.items() if k != key}


def test_somebody_whom_a_census_leaves_out_stays_when_that_is_set_aside() -> None:
    census = visit(OCTOBER, replace(LAN, name="Lan Anh"))
    assert combine([CENSUS, census]).people == census.people
    left = without(census, {("nam", MEMBER, "")})
    assert left is not None
    assert combine([CENSUS, left]).people == (*census.people, NAM)


def test_a_dose_set_aside_ends_no_refusal() -> None:
    given = again(SEPTEMBER, told("nam", doses=(FIRST_DOSE,)))
    assert not combine([CENSUS, given]).people[1].refused
    left = without(given, {("nam", DOSE, "1")})
    assert left is not None
    assert combine([CENSUS, left]).people[1] == NAM


def test_how_a_visit_ended_can_be_set_aside_and_what_it_tells_of_people_counts_all_the_same() -> None:
    empty, met = again(SEPTEMBER, outcome="moved_away"), again(OCTOBER, told("lan", doses=(FIRST_DOSE,)), phone="1")
    assert combine([CENSUS, empty, met]).outcome == "interviewed"
    left = without(met, {("", "outcome", "")})
    assert left is not None
    known = combine([CENSUS, empty, left])
    assert (known.outcome, known.phone) == ("moved_away", "1")
    assert [(person.residence, len(person.doses)) for person in known.people] == [("moved_out", 1), ("moved_out", 0)]
    stays = without(empty, {("", "outcome", "")})
    assert stays is not None
    known = combine([CENSUS, stays, met])
    assert [person.residence for person in known.people] == ["here", "here"]
    absent = visit(AUGUST, outcome="absent")
    left = without(again(SEPTEMBER, outcome="refused"), {("", "outcome", "")})
    assert left is not None
    assert combine([absent, left]).outcome == "absent"


def test_of_several_decisions_the_later_has_the_word_about_each_property() -> None:
    phone, head = ("", "phone", ""), ("", "head", "")
    first = {"a": {phone: False, head: False}, "b": {phone: True}}
    assert set_aside([first]) == {"a": {phone, head}}
    assert set_aside([first, {"a": {phone: True}, "c": {WHOLE: False}}]) == {"a": {head}, "c": {WHOLE}}
    assert set_aside([]) == {}
