"""A household divided in two: whose word counts of whom, before, since, and after it was taken back."""

from __future__ import annotations

from datetime import date, timedelta

from mapper.domain.dividing import Told, TwoHouseholds
from mapper.domain.mending import Correction, SameHousehold, SamePerson, TwoPeople, mend
from mapper.domain.people import Dose, Outcome, Person, Point, Visit

DAY = date(2022, 8, 15)
FIRST, SECOND = Dose("1", date(2021, 8, 10)), Dose("2", date(2021, 9, 20))
POINT = Point(22.0, 105.0)


def visit(
    house: str, *people: Person, after: int = 0, outcome: Outcome = Outcome.INTERVIEWED, **facts: object
) -> Visit:
    day = DAY + timedelta(days=after)
    return Visit(house, day, outcome, people=people, **facts)  # type: ignore[arg-type]


def member(identity: str, *doses: Dose) -> Person:
    return Person(identity, DAY, identity, doses=doses)


def divided(*people: str, house: str = "h", second: str = "s", upto: int = 1, **more: object) -> TwoHouseholds:
    facts: dict[str, object] = {"tellings": (), "house_number": None, "head": "Mẩy"} | more
    return TwoHouseholds(house, second, people, upto=upto, **facts)  # type: ignore[arg-type]


def names(houses: dict[str, Visit]) -> dict[str, list[str]]:
    return {each: [person.name or "" for person in one.people] for each, one in houses.items()}


WHOLE = visit("h", member("a", FIRST), member("b"), member("c", FIRST), head="An", point=POINT, expected_members=3)


def test_the_second_has_the_place_of_the_first_and_a_head_of_its_own() -> None:
    houses, _ = mend({"h": [Told(1, WHOLE)]}, [divided("c", house_number="12B")])
    assert names(houses) == {"h": ["a", "b"], "s": ["c"]}
    second, first = houses["s"], houses["h"]
    assert (second.household_id, second.head, second.house_number, second.point) == ("s", "Mẩy", "12B", POINT)
    assert (second.expected_members, second.phone, first.expected_members, first.head) == (None, None, 2, "An")


def test_what_was_mended_before_and_after_holds_of_whom_it_is_about() -> None:
    acts = [
        Correction("h", ("c", "name", ""), "c", "Cúc"),
        TwoPeople("h", "c", "d", "Dung", (("1", f"{FIRST.given_on} "),)),
        divided("d"),
        Correction("s", ("d", "sex", ""), None, "female"),
        SamePerson(("h", "b"), ("s", "d")),
    ]
    houses, _ = mend({"h": [Told(1, WHOLE)]}, acts[:4])
    assert names(houses) == {"h": ["a", "b", "Cúc"], "s": ["Dung"]}
    assert (houses["s"].people[0].sex, houses["s"].people[0].doses) == ("female", (FIRST,))
    houses, _ = mend({"h": [Told(1, WHOLE)]}, acts)
    assert (names(houses)["s"], houses["h"].people[1].doses) == ([], (FIRST,))


def test_divided_and_joined_again_it_is_one_with_every_dose_once() -> None:
    told = {"h": [Told(1, WHOLE)], "s": [Told(2, visit("s", member("c", FIRST, SECOND), after=1))]}
    houses, into = mend(told, [divided("c"), SameHousehold("h", "s")])
    assert names(houses) == {"h": ["a", "b", "c"]} and into == {"s": "h"}
    assert houses["h"].people[2].doses == (FIRST, SECOND)
    houses, into = mend(told, [divided("c"), SameHousehold("s", "h")])
    assert names(houses) == {"s": ["c", "a", "b"]} and into == {"h": "s"}


def test_a_second_household_is_divided_again_and_what_is_told_in_any_of_the_three_follows() -> None:
    acts = [divided("b", "c"), divided("c", house="s", second="t")]
    later = visit("h", member("a"), member("c", FIRST, SECOND), after=1)
    houses, _ = mend({"h": [Told(1, WHOLE), Told(2, later)]}, acts)
    assert names(houses) == {"h": ["a"], "s": ["b"], "t": ["c"]}
    assert houses["t"].people[0].doses == (FIRST, SECOND)
    own = visit("s", member("b", FIRST), after=2)
    houses, _ = mend({"h": [Told(1, WHOLE), Told(2, later)], "s": [Told(3, own)]}, acts)
    assert names(houses) == {"h": ["a"], "s": ["b"], "t": ["c"]}
    # The division in between is taken back: what was told of the second counts in the first, the third stays one.
    houses, _ = mend({"h": [Told(1, WHOLE)], "s": [Told(3, own)]}, acts[1:], [(acts[0], 3)])
    assert names(houses) == {"h": ["a", "b", "c"]}
    assert houses["h"].people[1].doses == (FIRST,)


def test_the_first_found_empty_later_moves_nobody_out_of_the_second() -> None:
    empty = visit("h", after=1, outcome=Outcome.VACANT)
    houses, _ = mend({"h": [Told(1, WHOLE), Told(2, empty)]}, [divided("c")])
    assert [person.residence for person in houses["h"].people] == ["moved_out"] * 2
    assert (houses["s"].outcome, houses["s"].people[0].residence) == ("interviewed", "here")


def test_where_nobody_goes_or_the_first_is_gone_there_is_no_second_but_what_tells_of_it() -> None:
    own = visit("s", member("x"), after=1)
    assert names(mend({"h": [Told(1, WHOLE)]}, [divided("nobody")])[0]) == {"h": ["a", "b", "c"]}
    assert mend({}, [divided("c")])[0] == {}
    assert mend({"s": [Told(2, own)]}, [divided("c")])[0] == {"s": own}
    assert mend({"s": [Told(2, own)]}, [], [(divided("c"), 2)])[0] == {"s": own}
