"""A household as its visits make it known, and what it adds to the count of houses."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from mapper.domain.campaign import Campaign, Group, Label, ScheduledDose
from mapper.domain.household import HOUSE_COUNTS, combine, house_counts, household_moves
from mapper.domain.ledger import INSIDE, MOVES, State
from mapper.domain.people import Person, Point, Visit
from mapper.domain.sums import SUMMANDS, per_state

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


def test_moves_add_up_to_people_per_state() -> None:
    numbers = {move: number for number, move in enumerate(MOVES)}
    assert len(numbers) == len(MOVES) == 81  # from and to eight states and outside
    total = 3 * SUMMANDS[numbers[None, State.DUE]] + SUMMANDS[numbers[State.DUE, State.VACCINATED]]
    total -= 70_000 * SUMMANDS[numbers[State.AWAY, None]] + SUMMANDS[numbers[None, State.REFUSED]]
    row = dict(zip(INSIDE, per_state(total), strict=True))
    assert {state: count for state, count in row.items() if count} == {
        State.DUE: 2,
        State.VACCINATED: 1,
        State.AWAY: 70_000,
        State.REFUSED: -1,
    }
    assert per_state(0) == (0,) * 8
