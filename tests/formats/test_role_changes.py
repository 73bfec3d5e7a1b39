"""What a new version of a form takes from the questions of the one before."""

from __future__ import annotations

import re

import pytest

from mapper.formats.role_changes import role_changes
from mapper.formats.roles import Roles
from tests.formats.forms import model

BEFORE = """
| survey |              |      |       |                   |
|        | type         | name | label | bind::map:role    |
|        | today        | on   |       | visit.date        |
|        | text         | head | Head  | household.head    |
|        | begin_repeat | who  | Who   | person            |
|        | date         | born | Born  | person.birth_date |
|        | end_repeat   |      |       |                   |
"""


WITH_PHONE = BEFORE.replace(
    "| household.head    |", "| household.head    |\n|        | text         | tel  | Tel   | household.phone   |"
)


def changes(after: str) -> list[str]:
    return [change.mapping for change in role_changes(Roles.of(model(BEFORE)), Roles.of(model(after)))]


def test_the_same_questions_change_nothing() -> None:
    assert changes(BEFORE) == []


def test_a_new_role_changes_nothing() -> None:
    assert changes(WITH_PHONE) == []


def test_a_question_that_went_into_a_group_keeps_its_answers() -> None:
    line = "|        | text         | head | Head  | household.head    |"
    assert changes(BEFORE.replace(line, f"| | begin_group | g | G | |\n{line}\n| | end_group | | | |")) == []


@pytest.mark.parametrize(
    ("old", "new", "mapping"),
    [
        ("| born | Born ", "| dob  | Born ", "person.birth_date:born=dob"),
        ("| person.birth_date |", "|                   |", "person.birth_date:born="),
        ("| who  | Who  ", "| them | Who  ", "person:who=them"),
    ],
)
def test_a_role_that_moves_or_goes_is_named_with_both_questions(old: str, new: str, mapping: str) -> None:
    assert old in BEFORE
    assert changes(BEFORE.replace(old, new)) == [mapping]


def test_two_questions_that_swap_their_roles_are_both_named() -> None:
    two, other = WITH_PHONE, "household.house_number"
    swapped = two.replace("household.head", other).replace("household.phone", "household.head")
    swapped = swapped.replace(other, "household.phone")
    found = [change.mapping for change in role_changes(Roles.of(model(two)), Roles.of(model(swapped)))]
    assert found == ["household.head:head=tel", "household.phone:tel=head"]


def test_a_form_that_declares_roles_no_more_loses_them_all() -> None:
    bare = re.sub(r"[a-z]+\.[a-z_]+|\bperson\b", "", BEFORE)
    assert changes(bare) == ["household.head:head=", "person:who=", "person.birth_date:born=", "visit.date:on="]
