"""Updates of one entity put in line: which apply, which wait, and which may contradict each other."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapper.domain.entities import (
    CREATED,
    HIGHEST_VERSION,
    LAST_ROUND,
    ROUND,
    Placed,
    Standing,
    Telling,
    handed_version,
    line_up,
    own_versions,
    read_version,
)

APPLIED, HELD, UNKNOWN = Standing.APPLIED, Standing.HELD, Standing.UNKNOWN


def update(base: int | None, trunk: int | None = None, branch: str = "") -> Telling:
    return Telling(False, True, base, trunk, branch)


FIRST, SECOND = update(1, None, "a"), update(2, None, "a")
"""Two updates that a phone made offline of an entity that it made itself."""


def test_a_creation_is_version_1() -> None:
    assert line_up([CREATED]) == (Placed(APPLIED, 1),)
    assert line_up([]) == ()


def test_a_branch_in_its_order_applies_without_a_contradiction() -> None:
    assert line_up([CREATED, FIRST, SECOND]) == (
        Placed(APPLIED, 1),
        Placed(APPLIED, 2, 1),
        Placed(APPLIED, 3, 2),
    )


@pytest.mark.parametrize("order", list(itertools.permutations([CREATED, FIRST, SECOND])))
def test_a_branch_in_any_order_gets_the_versions_that_its_phone_gave(order: tuple[Telling, ...]) -> None:
    versions = dict(zip(order, line_up(order), strict=True))
    assert [versions[each].version for each in (CREATED, FIRST, SECOND)] == [1, 2, 3]
    assert not any(placed.against for placed in versions.values())


def test_an_update_of_what_was_made_on_a_phone_waits_for_it() -> None:
    assert line_up([FIRST]) == (Placed(HELD),)
    assert line_up([SECOND, FIRST]) == (Placed(HELD), Placed(HELD))


def test_a_later_update_of_a_branch_waits_for_the_one_before() -> None:
    assert line_up([CREATED, SECOND]) == (Placed(APPLIED, 1), Placed(HELD))
    third = update(3, 1, "b")
    assert line_up([CREATED, third]) == (Placed(APPLIED, 1), Placed(HELD))
    assert line_up([CREATED, third, update(1, 1, "b"), update(2, 1, "b")]) == (
        Placed(APPLIED, 1),
        Placed(APPLIED, 4, 3),
        Placed(APPLIED, 2, 1),
        Placed(APPLIED, 3, 2),
    )


@pytest.mark.parametrize("telling", [update(1, 1, "b"), update(3, 1, "b"), update(4, 4), update(4), update(None)])
def test_an_update_of_what_the_server_should_have_is_unknown_until_that_comes(telling: Telling) -> None:
    assert line_up([telling]) == (Placed(UNKNOWN),)
    waiting, created = line_up([telling, CREATED])
    assert created == Placed(APPLIED, 1)
    assert waiting.standing is (HELD if telling.base == 3 else APPLIED)


def test_an_update_of_the_newest_version_contradicts_nothing() -> None:
    assert line_up([CREATED, update(1, 1, "a"), update(2, 2, "b")])[2] == Placed(APPLIED, 3, 2)


def test_two_updates_of_one_version_stand_against_each_other() -> None:
    assert line_up([CREATED, update(1, 1, "a"), update(1, 1, "b")]) == (
        Placed(APPLIED, 1),
        Placed(APPLIED, 2, 1),
        Placed(APPLIED, 3, 1, (1,)),
    )


def test_an_update_in_the_midst_of_a_branch_stands_against_both_sides() -> None:
    first, other, second = line_up([CREATED, FIRST, update(1, 1, "b"), SECOND])[1:]
    assert first == Placed(APPLIED, 2, 1)
    assert other == Placed(APPLIED, 3, 1, (1,))
    assert second == Placed(APPLIED, 4, 2, (2,))


def test_an_update_of_a_version_that_is_not_here_counts_as_made_to_the_newest() -> None:
    assert line_up([CREATED, update(7, 7, "a")])[1] == Placed(APPLIED, 2, beyond=True)
    assert line_up([CREATED, update(7)])[1] == Placed(APPLIED, 2, beyond=True)


def test_an_update_without_a_version_applies_to_the_newest() -> None:
    assert line_up([CREATED, update(1), update(None)])[2] == Placed(APPLIED, 3)


def test_a_second_creation_is_one_more_version() -> None:
    assert line_up([CREATED, CREATED]) == (Placed(APPLIED, 1), Placed(APPLIED, 2))


def test_an_entity_that_is_only_named_makes_no_version() -> None:
    named = Telling(create=False)
    assert line_up([CREATED, named, update(1, 1, "a")]) == (
        Placed(APPLIED, 1),
        Placed(APPLIED, 1),
        Placed(APPLIED, 2, 1),
    )
    assert line_up([named, update(1, 1, "a")]) == (Placed(APPLIED, 1), Placed(APPLIED, 2, 1))


def test_what_may_be_made_or_updated_needs_nothing_before_it() -> None:
    either = Telling(True, True, 1, 1, "a")
    assert line_up([either]) == (Placed(APPLIED, 1),)
    assert line_up([CREATED, either]) == (Placed(APPLIED, 1), Placed(APPLIED, 2, 1))


@pytest.mark.parametrize(("text", "version"), [("1", 1), ("007", 7), (str(HIGHEST_VERSION), HIGHEST_VERSION)])
def test_a_version_is_a_whole_number_from_1(text: str, version: int) -> None:
    assert read_version(text) == version


@pytest.mark.parametrize("text", ["", "0", "-1", "1.0", "1e3", "two", "²", "٣", str(HIGHEST_VERSION + 1), "9" * 5000])
def test_whatever_else_is_no_version(text: str) -> None:
    assert read_version(text) is None


@given(version=st.integers(1, ROUND - 1), round=st.integers(0, LAST_ROUND), offline=st.integers(0, 500))
def test_what_a_phone_was_handed_comes_back_as_the_version_it_was(version: int, round: int, offline: int) -> None:
    handed = handed_version(version, round)
    assert read_version(str(handed)) == handed
    assert own_versions(handed + offline, handed) == (version + offline, version)
    assert own_versions(handed, None) == (version, None)
    assert own_versions(1 + offline, None) == (1 + offline, None), "made on the phone, which counts from one"


@given(a=st.integers(1, ROUND - 1), b=st.integers(1, ROUND - 1), round=st.integers(0, LAST_ROUND - 1))
def test_a_later_round_is_always_taken(a: int, b: int, round: int) -> None:
    assert handed_version(a, round) < handed_version(b, round + 1) <= HIGHEST_VERSION


def test_what_no_phone_should_say_is_still_a_version() -> None:
    assert handed_version(ROUND + 7, LAST_ROUND + 9) == handed_version(ROUND - 1, LAST_ROUND)
    assert own_versions(2, 5) == (2, 5)
    assert own_versions(None, 3 * ROUND + 1) == (None, 1)
