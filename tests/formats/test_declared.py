"""Roles that a form declares, and what its author is told when they cannot be meant."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mapper.errors import InvalidForm
from mapper.formats.declared import ROLES, Roles
from tests.formats.forms import CENSUS, model

HEAD = "| survey |\n| | type | name | label | bind::map:role | appearance |\n"
PERSON = "| | begin_repeat | p | P | person | |\n| | text | n | N | person.name | |\n"
END = "| | end_repeat | | | | |\n"


def roles(rows: str) -> Roles:
    return Roles.of(model(HEAD + rows))


def test_a_form_that_asks_for_every_role_is_understood() -> None:
    found = Roles.of(model(CENSUS))
    assert found.draws_coverage
    assert found.paths["household.hamlet"] == "/data/hamlet"
    assert found.paths["dose.vaccine"] == "/data/someone/shot/product"
    assert found.coded_doses == ()
    assert found.flat is not None
    assert found.flat["called"] == ("person.name", "person")
    assert found.flat["shot"] == ("", "dose")


def test_a_form_without_roles_is_a_good_form_that_draws_no_coverage() -> None:
    found = roles("| | text | a | A | | |")
    assert found == Roles.empty()
    assert not found.draws_coverage


def test_roles_may_stand_in_groups_within_groups() -> None:
    found = roles(
        "| | begin_group | g | G | | |\n| | begin_group | h | H | | |\n| | geopoint | at | At | household.point | |\n"
        "| | end_group | | | | |\n| | end_group | | | | |\n" + PERSON + END
    )
    assert found.paths["household.point"] == "/data/g/h/at"


def test_doses_may_stand_without_a_repeat() -> None:
    found = roles(PERSON + "| | text | a | A | dose.given@MR1 | |\n| | date | b | B | dose.date@MR1 | |\n" + END)
    assert found.coded_doses == ("MR1",)


@pytest.mark.parametrize(
    ("appearance", "part"), [("", ""), ("month-year", "month"), ("year", "year"), ("no-calendar", "")]
)
def test_a_birth_date_asked_by_month_or_year_is_known_as_such(appearance: str, part: str) -> None:
    assert roles(PERSON + f"| | date | a | A | person.birth_date | {appearance} |\n" + END).birth_part == part


def test_names_that_stand_twice_are_told_apart_by_their_paths() -> None:
    found = roles("| | text | n | N | | |\n" + PERSON + END)
    assert found.flat is None
    assert list(found.plan) == ["p"]


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (
            PERSON + END + "| | text | a | A | household.haed | |",
            "question a: the role household.haed .* household.head",
        ),
        (PERSON + END + "| | text | a | A | colour | |", "question a: the role colour is unknown"),
        (PERSON + END + "| | text | a | A | household | |", "question a: the role household is unknown"),
        (
            PERSON + END + "| | text | a | A | household.head | |\n| | text | b | B | household.head | |",
            "questions a and b both have the role household.head",
        ),
        ("| | text | a | A | household.head | |", "no repeat has the role person"),
        (
            "| | begin_group | p | P | person | |\n| | text | n | N | | |\n| | end_group | | | | |",
            "belongs on a repeat",
        ),
        (PERSON + END + "| | text | a | A | person.sex | |", "question a: person.sex must stand directly inside"),
        (PERSON + END + "| | text | a | A | dose.lot | |", "question a: dose.lot must stand inside the repeat"),
        (PERSON + "| | text | a | A | dose.lot | |\n" + END, "question a: dose.lot .* dose.lot@1"),
        (PERSON + "| | text | a | A | household.head | |\n" + END, "question a: household.head stands inside a repeat"),
        (
            PERSON + END + "| | begin_repeat | d | D | dose | |\n| | text | x | X | dose.number | |\n" + END,
            "repeat d: the repeat with the role dose must stand directly inside",
        ),
        (
            PERSON + "| | begin_repeat | d | D | dose | |\n| | text | x | X | dose.lot | |\n" + END + END,
            "repeat d: .* no question with the role dose.number",
        ),
        (
            PERSON
            + "| | begin_repeat | d | D | dose | |\n| | text | x | X | dose.number | |\n"
            + "| | text | y | Y | person.sex | |\n"
            + END
            + END,
            "question y: person.sex must stand directly inside the repeat with the role person",
        ),
        (
            PERSON + "| | text | a | A | person.sex@1 | |\n" + END,
            "question a: person.sex@1 cannot be bound to one dose",
        ),
        (PERSON + "| | text | a | A | dose.number@1 | |\n" + END, "dose.number@1 cannot be bound to one dose"),
        (PERSON + "| | text | a | A | dose.date@ | |\n" + END, "needs a dose code behind @"),
        (PERSON + "| | text | a | A | dose.date@1 2 | |\n" + END, "needs a dose code behind @"),
        (PERSON + "| | text | a | A | dose.given | |\n" + END, "needs a dose code behind @"),
        (PERSON + "| | text | a | A | dose.dat@1 | |\n" + END, "Did you mean dose.date@1"),
        (
            PERSON + END + "| | text | a | A | household.point | |",
            "question a: .* wants a question of the type geopoint",
        ),
        (PERSON + "| | integer | a | A | person.birth_date | |\n" + END, "question a: .* of the type date.* type int"),
        (
            PERSON
            + END
            + "| | begin_group | g | G | household.head | |\n| | text | a | A | | |\n| | end_group | | | | |",
            "group g: the role household.head stands on a group",
        ),
    ],
)
def test_roles_that_cannot_be_meant_are_refused_by_question(rows: str, says: str) -> None:
    with pytest.raises(InvalidForm, match=says):
        roles(rows)


def told(readme: str) -> set[str]:
    """The roles in the first column of the table; @CODE stands for a dose."""
    cells = re.findall(r"^\|([^|]*`[^|]*)\|", readme, re.MULTILINE)
    return {name.partition("@")[0] for cell in cells for name in re.findall(r"`([a-z.@_A-Z]+)`", cell)}


def test_every_role_stands_in_the_table_for_those_who_write_forms() -> None:
    readme = (Path(__file__).resolve().parents[2] / "forms" / "README.md").read_text("utf-8")
    assert set(ROLES) <= told(readme)
    assert "person.id" not in told(readme.replace("`person.id`", ""))
