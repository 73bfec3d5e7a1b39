"""A household as its visits make it known, and what it adds to the count of houses."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from mapper.domain.campaign import Campaign, Group, Label, ScheduledDose
from mapper.domain.household import HOUSE_COUNTS, changed, combine, house_counts, household_moves
from mapper.domain.ledger import MOVES, State
from mapper.domain.people import Dose, Person, Point, Visit

AUGUST, SEPTEMBER, OCTOBER = date(2022, 8, 1), date(2022, 9, 1), date(2022, 10, 1)
LAN = Person("lan", AUGUST, name="Nông Thị Lan", born_on=date(1980, 1, 1))
NAM = Person("nam", SEPTEMBER, name="Hoàng Văn Nam", born_on=date(2015, 1, 1))


def visit(day: date, outcome: str, *people: Person, **facts: object) -> Visit:
    return Visit("h", day, outcome, people=people, **facts)  # type: ignore[arg-type]


INTERVIEW = visit(AUGUST, "interviewed", LAN, head="Lan", phone="0900000001", hamlet_code="A", expected_members=1)


def test_one_visit_is_the_household() -> None:
    assert combine([INTERVIEW]) is INTERVIEW


def test_absent_then_interviewed_is_interviewed() -> None:
    known = combine([visit(date(2022, 7, 1), "absent", house_number="12"), INTERVIEW])
    assert known == replace(INTERVIEW, house_number="12")


@pytest.mark.parametrize("outcome", ["absent", "locked", "refused"])
def test_interviewed_then_nobody_met_changes_nothing_of_who_lives_there(outcome: str) -> None:
    known = combine([INTERVIEW, visit(SEPTEMBER, outcome)])
    assert known == INTERVIEW
    assert known.visited_on == AUGUST


def test_the_latest_of_two_interviews_tells_who_lives_there() -> None:
    later = visit(SEPTEMBER, "interviewed", NAM)
    assert combine([INTERVIEW, later]).people == (NAM,)
    assert combine([INTERVIEW, later]).visited_on == SEPTEMBER


def test_found_empty_for_good_moves_everybody_out() -> None:
    known = combine([INTERVIEW, visit(OCTOBER, "moved_away")])
    assert known.outcome == "moved_away"
    assert known.people == (replace(LAN, residence="moved_out"),)


@pytest.mark.parametrize("outcome", ["absent", "locked"])
def test_nobody_met_after_a_house_was_found_empty_leaves_it_empty(outcome: str) -> None:
    after = visit(date(2022, 11, 1), outcome)
    known = combine([INTERVIEW, visit(OCTOBER, "moved_away"), after])
    assert (known.outcome, known.people[0].residence) == ("moved_away", "moved_out")
    assert combine([visit(OCTOBER, "moved_away"), after]).outcome == "moved_away"


def test_somebody_who_refuses_lives_in_a_house_once_found_empty() -> None:
    after = visit(date(2022, 11, 1), "refused")
    assert combine([visit(OCTOBER, "moved_away"), after]).outcome == "refused"
    known = combine([INTERVIEW, visit(OCTOBER, "moved_away"), after])
    assert (known.outcome, known.people[0].residence) == ("refused", "moved_out")


def test_an_interview_after_a_house_was_found_empty_brings_new_people() -> None:
    known = combine([INTERVIEW, visit(SEPTEMBER, "moved_away"), visit(OCTOBER, "interviewed", NAM)])
    assert (known.outcome, known.people) == ("interviewed", (NAM,))


def test_without_an_interview_the_latest_visit_says_how_it_stands() -> None:
    assert combine([visit(AUGUST, "absent"), visit(SEPTEMBER, "refused")]).outcome == "refused"
    assert combine([visit(AUGUST, "refused"), visit(SEPTEMBER, "locked")]).outcome == "locked"


def test_contact_and_place_come_from_the_latest_visit_that_has_them() -> None:
    later = visit(SEPTEMBER, "absent", phone="0900000002", point=Point(22.2, 105.9, 5.0))
    last = visit(OCTOBER, "locked", hamlet_code="B", expected_members=4)
    known = combine([INTERVIEW, later, last])
    assert known == replace(
        INTERVIEW, phone="0900000002", point=Point(22.2, 105.9, 5.0), hamlet_code="B", expected_members=4
    )


@pytest.mark.parametrize(
    ("household", "counts"),
    [
        (visit(AUGUST, "interviewed", LAN, NAM), [1, 1, 0, 0, 0, 2]),
        (visit(AUGUST, "interviewed"), [1, 1, 0, 0, 0, 0]),
        (visit(AUGUST, "absent"), [1, 0, 0, 0, 1, 0]),
        (visit(AUGUST, "locked"), [1, 0, 0, 0, 1, 0]),
        (visit(AUGUST, "refused"), [1, 0, 0, 1, 0, 0]),
        (visit(AUGUST, "moved_away", LAN), [1, 0, 1, 0, 0, 1]),
    ],
)
def test_a_household_is_counted_once_by_its_outcome(household: Visit, counts: list[int]) -> None:
    assert HOUSE_COUNTS == ("visited", "interviewed", "vacant", "refused", "closed", "people")
    assert house_counts(household) == counts
    assert counts[0] == sum(counts[1:5])


def test_the_moves_of_people_on_one_day_stand_one_after_another() -> None:
    anybody = Group("anybody", Label("a"), (ScheduledDose("1"),))
    campaign = Campaign("c", Label("c"), AUGUST, (anybody,), {}, {}, {})
    found = household_moves(visit(AUGUST, "interviewed", LAN, replace(NAM, contraindicated=True)), campaign)
    due, contraindicated = (MOVES.index((None, state)) for state in (State.DUE, State.CONTRAINDICATED))
    assert found == [0, AUGUST.toordinal(), due, 0, AUGUST.toordinal(), contraindicated]


# Revisits, which tell only what changed


def again(day: date, *people: Person, outcome: str = "interviewed", **facts: object) -> Visit:
    return visit(day, outcome, *people, partial=True, **facts)


def told(person_id: str, *answered: str, day: date = SEPTEMBER, **facts: object) -> Person:
    return Person(person_id, day, answered=frozenset(answered), **facts)  # type: ignore[arg-type]


BOTH = visit(AUGUST, "interviewed", LAN, replace(NAM, reported_on=AUGUST, refused=True, refusal_reason="sợ"))
FIRST_DOSE = Dose("1", SEPTEMBER, "pfizer")


def test_a_revisit_leaves_those_it_does_not_name_as_they_were() -> None:
    known = combine([BOTH, again(SEPTEMBER, told("lan", doses=(FIRST_DOSE,)))])
    assert known.people == (replace(LAN, doses=(FIRST_DOSE,)), BOTH.people[1])
    assert (known.visited_on, known.outcome) == (SEPTEMBER, "interviewed")


def test_a_person_whom_nobody_knew_is_a_new_member() -> None:
    new = told("new", name="Bé")
    assert combine([BOTH, again(SEPTEMBER, new)]).people == (*BOTH.people, new)
    with_dose = combine([BOTH, again(SEPTEMBER, new), again(OCTOBER, told("new", doses=(FIRST_DOSE,)))])
    assert with_dose.people[2] == replace(new, doses=(FIRST_DOSE,))


def test_a_dose_given_since_ends_a_refusal_and_a_deferral_unless_the_visit_says_otherwise() -> None:
    refused = replace(LAN, refused=True, refusal_reason="sợ", deferred_until=OCTOBER, deferral_reason="ốm")
    given = changed(refused, told("lan", doses=(FIRST_DOSE,)))
    assert given == replace(LAN, doses=(FIRST_DOSE,))
    # who holds dose 1 may refuse the next
    again_refused = changed(refused, told("lan", "consent", doses=(FIRST_DOSE,), refused=True, refusal_reason="sốt"))
    assert (again_refused.refused, again_refused.refusal_reason, again_refused.deferred_until) == (True, "sốt", None)
    assert again_refused.reported_on == SEPTEMBER
    until = date(2022, 12, 1)
    deferred = changed(refused, told("lan", doses=(FIRST_DOSE,), deferred_until=until, deferral_reason="thai"))
    assert (deferred.refused, deferred.deferred_until, deferred.deferral_reason) == (False, until, "thai")


def test_a_refusal_holds_until_it_is_answered_anew() -> None:
    refused = replace(LAN, refused=True, refusal_reason="sợ")
    assert changed(refused, told("lan", name="Lan Anh")) == replace(refused, name="Lan Anh")
    assert changed(refused, told("lan", "consent")) == LAN
    assert changed(refused, told("lan", deferred_until=OCTOBER)) == replace(
        LAN, deferred_until=OCTOBER, reported_on=SEPTEMBER
    )


def test_a_known_dose_told_again_is_no_new_dose_and_is_told_more_fully() -> None:
    before = replace(LAN, doses=(Dose("1", None, "pfizer"), Dose("2", OCTOBER)), refused=True)
    after = changed(before, told("lan", doses=(Dose("1", SEPTEMBER, None, "lot 7"),)))
    assert after == replace(before, doses=(Dose("1", SEPTEMBER, "pfizer", "lot 7"), Dose("2", OCTOBER)))


@pytest.mark.parametrize(
    ("answer", "facts"),
    [
        ("residence", {"residence": "works_away", "away_place": "Hà Nội"}),
        ("contraindicated", {"contraindicated": True, "contraindication": "dị ứng"}),
        ("vaccinated", {"vaccination_unknown": True}),
        ("priorities", {"priorities": ("elderly",)}),
    ],
)
def test_what_was_answered_takes_the_place_of_what_was_known(answer: str, facts: dict[str, object]) -> None:
    assert changed(LAN, told("lan", answer, **facts)) == replace(LAN, **facts)  # type: ignore[arg-type]
    changed_before = replace(LAN, **facts)  # type: ignore[arg-type]
    assert changed(changed_before, told("lan")) == changed_before
    assert changed(changed_before, told("lan", answer)) == LAN


def test_whoever_is_named_in_a_house_found_empty_is_back_only_if_that_is_told() -> None:
    empty = visit(SEPTEMBER, "moved_away")
    known = combine([BOTH, empty, again(OCTOBER, told("lan", "residence"), told("nam"))])
    assert known.outcome == "interviewed"
    assert [person.residence for person in known.people] == ["here", "moved_out"]


def test_a_revisit_that_finds_the_house_empty_moves_everybody_out() -> None:
    known = combine([BOTH, again(SEPTEMBER, outcome="moved_away")])
    assert [person.residence for person in known.people] == ["moved_out", "moved_out"]
    assert (known.outcome, known.visited_on) == ("moved_away", AUGUST)


def test_a_census_tells_the_whole_household_whatever_revisits_told_before() -> None:
    census = visit(OCTOBER, "interviewed", NAM)
    assert combine([BOTH, again(SEPTEMBER, told("new")), census]).people == (NAM,)
    assert combine([census, again(OCTOBER, told("nam", name="Nam Anh"))]).people == (replace(NAM, name="Nam Anh"),)


def test_a_revisit_of_a_house_where_nobody_was_met_before_tells_who_lives_there() -> None:
    new = told("new", name="Bé")
    known = combine([visit(AUGUST, "absent"), again(SEPTEMBER, new), again(OCTOBER, told("new", "residence"))])
    assert (known.outcome, known.people) == ("interviewed", (new,))


def test_of_two_people_with_one_id_the_first_is_the_one_that_changes() -> None:
    twins = visit(AUGUST, "interviewed", LAN, replace(LAN, name="Another"))
    known = combine([twins, again(SEPTEMBER, told("lan", doses=(FIRST_DOSE,)))])
    assert [len(person.doses) for person in known.people] == [1, 0]
