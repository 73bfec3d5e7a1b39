"""The rounds of a phone's lists: what changed comes in a higher one, and nothing else does."""

from __future__ import annotations

from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from mapper.domain.entities import ROUND
from mapper.services.list_rounds import ListRounds
from mapper.store.phone_rounds import Handed

DAY = date(2022, 8, 10)
Told = tuple[int, int, str]
"""Number of an entity, its version, and what its row says."""
LISTS = st.lists(st.tuples(st.integers(0, 9), st.integers(1, 5), st.text(max_size=2)), unique_by=lambda one: one[0])


def given_out(handed: Handed | None, told: list[Told], *, frozen: bool = False) -> tuple[dict[int, int], Handed | None]:
    """The version by entity, and what is to be kept."""
    rounds = ListRounds(7, handed, DAY, frozen=frozen)
    rows = [(str(number), "label", str(version), "", "", text) for number, version, text in told]
    made = [*rounds.give(rows[:4]), *rounds.give(rows[4:])]
    assert all(len(row) == 6 and row[2] == row[3] and row[4] for row in made)
    return {int(row[0]): int(row[2]) for row in made}, rounds.result()


@settings(deadline=None)
@given(st.lists(LISTS, min_size=2, max_size=6))
def test_every_change_is_handed_out_higher_than_all_before_and_nothing_else_moves(lists: list[list[Told]]) -> None:
    handed: Handed | None = None
    highest: dict[int, int] = {}
    before: dict[int, tuple[int, Told]] = {}
    for told in lists:
        versions, kept = given_out(handed, told)
        for one in told:
            number = one[0]
            assert versions[number] % ROUND == one[1]
            if number in before and before[number][1] == one:
                assert versions[number] == before[number][0]
            else:
                assert versions[number] > highest.get(number, 0)
            highest[number] = max(versions[number], highest.get(number, 0))
        handed = kept or handed
        before = {one[0]: (versions[one[0]], one) for one in told}
        assert given_out(handed, told) == (versions, None), "asked for again, nothing is new"


@settings(deadline=None)
@given(LISTS, LISTS)
def test_frozen_rounds_move_no_row_that_the_phone_has(first: list[Told], second: list[Told]) -> None:
    _, handed = given_out(None, first)
    assert handed is not None
    frozen, _ = given_out(handed, second, frozen=True)
    assert all(version // ROUND <= handed.round for version in frozen.values())
    later, _ = given_out(handed, second)
    had = set(first)
    for one in second:
        assert (later[one[0]] == frozen[one[0]]) if one in had else (later[one[0]] > frozen[one[0]])


def test_a_new_table_begins_above_what_an_older_one_came_to_by_an_earlier_day() -> None:
    told = [(1, 1, "a")]
    (first,) = given_out(None, told)[0].values()
    rows = [("1", "label", "1", "", "", "a")]
    ((_, _, later, *_),) = ListRounds(7, None, date(2022, 8, 11)).give(rows)
    assert int(later) > first
