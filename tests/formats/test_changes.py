"""What an edit changed: who is who among the instances of a repeat, whatever place they have."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from mapper.formats.answers import read_answers
from mapper.formats.changes import Part, compare
from mapper.formats.instance import read_instance
from tests.formats.forms import model

FORM = """
| survey   |
| | type             | name | label      | bind::map:role    |
| | text             | head | Chủ hộ     | household.head    |
| | begin_repeat     | who  | Thành viên | person            |
| | text             | name | Họ tên     | person.name       |
| | date             | born | Ngày sinh  | person.birth_date |
| | select_one sex   | sex  | Giới tính  | person.sex        |
| | begin_repeat     | dose | Mũi tiêm   | dose              |
| | text             | code | Mũi        | dose.number       |
| | date             | on   | Ngày tiêm  | dose.date         |
| | end_repeat       |
| | end_repeat       |
| choices |
| | list_name | name   | label |
| | sex       | female | Nữ    |
| | sex       | male   | Nam   |
"""
LAN = ("Lan", "1980-01-01", "female", "")
PAO = ("Páo", "1990-02-03", "male", "")
MY = ("Mỷ", "2001-03-04", "female", "")

Member = tuple[str, str, str, str]


def filled(*members: Member, head: str = "Lan", doses: Sequence[tuple[str, str]] = ()) -> str:
    """A submission of members (name, birth, sex, id of the entity or ""); the first has the doses."""
    given = "".join(f"<dose><code>{code}</code><on>{on}</on></dose>" for code, on in doses)
    people = "".join(
        f"<who><name>{name}</name><born>{born}</born><sex>{sex}</sex>{'' if number else given}"
        f'<meta><entity dataset="people" id="{identity}"/></meta></who>'
        for number, (name, born, sex, identity) in enumerate(members)
    )
    return f'<data id="t"><head>{head}</head>{people}<meta><instanceID>uuid:1</instanceID></meta></data>'


def differing(before: str, after: str) -> list[Part]:
    old, new = (
        [a for a in read_answers(read_instance(xml.encode()), model(FORM), "") if "/meta/" not in a.path]
        for xml in (before, after)
    )
    return compare(old, new)


def words(parts: list[Part]) -> list[tuple[str, str, list[tuple[str, str, str]]]]:
    """(who, fate, (question, before, after) of each change) of every part."""
    return [
        (
            " / ".join(f"{entry.number} {entry.name}" for entry in part.line),
            part.fate,
            [(change.label, change.before, change.after) for change in part.changes],
        )
        for part in parts
    ]


LEFT = [("Họ tên", "Páo", ""), ("Ngày sinh", "1990-02-03", ""), ("Giới tính", "Nam", "")]
CAME = [(label, after, before) for label, before, after in LEFT]


def known(member: Member) -> Member:
    return (*member[:3], f"id-{member[0]}")


@pytest.mark.parametrize("identified", [True, False])
def test_one_taken_out_of_the_middle_leaves_the_others_who_they_were(identified: bool) -> None:
    three = [known(each) if identified else each for each in (LAN, PAO, MY)]
    out = differing(filled(*three), filled(three[0], three[2]))
    assert words(out) == [("2 Páo", "removed", LEFT)]
    back = differing(filled(three[0], three[2]), filled(*three))
    assert words(back) == [("2 Páo", "added", CAME)]


@pytest.mark.parametrize("identified", [True, False])
def test_an_answer_changed_behind_one_taken_out_is_of_the_same_person(identified: bool) -> None:
    three = [known(each) if identified else each for each in (LAN, PAO, MY)]
    older = ("Mỷ", "2000-03-04", *three[2][2:])
    assert words(differing(filled(*three), filled(three[0], older))) == [
        ("2 Mỷ", "changed", [("Ngày sinh", "2001-03-04", "2000-03-04")]),
        ("2 Páo", "removed", LEFT),
    ]


def test_another_order_is_no_change() -> None:
    assert differing(filled(LAN, PAO, MY), filled(MY, LAN, PAO)) == []
    assert differing(filled(known(LAN), known(PAO)), filled(known(PAO), known(LAN))) == []


def test_an_identity_holds_whatever_was_answered() -> None:
    other = ("Páo", "1990-02-03", "male", "id-Lan")
    assert words(differing(filled(known(LAN)), filled(other))) == [
        (
            "1 Páo",
            "changed",
            [("Họ tên", "Lan", "Páo"), ("Ngày sinh", "1980-01-01", "1990-02-03"), ("Giới tính", "Nữ", "Nam")],
        )
    ]


def test_the_same_answers_under_two_identities_are_two_people() -> None:
    one, other = (*LAN[:3], "id-1"), (*LAN[:3], "id-2")
    assert [part.fate for part in differing(filled(one), filled(other))] == ["added", "removed"]
    assert differing(filled(one), filled(LAN)) == []
    assert differing(filled(LAN), filled(one)) == []


def test_an_identity_that_two_have_tells_neither_apart() -> None:
    twice = [(*each[:3], "id-1") for each in (LAN, PAO)]
    assert [part.fate for part in differing(filled(*twice), filled(LAN, PAO))] == []


def test_one_with_hardly_an_answer_alike_is_another_person() -> None:
    """Of three answers one is the same; of the doses nothing."""
    stranger = ("Hoa", "2010-09-09", "female", "")
    assert [(each[0], each[1]) for each in words(differing(filled(LAN), filled(stranger)))] == [
        ("1 Hoa", "added"),
        ("1 Lan", "removed"),
    ]


def test_what_changed_outside_of_every_repeat_comes_first() -> None:
    found = words(differing(filled(LAN), filled(LAN, PAO, head="Páo")))
    assert found == [("", "changed", [("Chủ hộ", "Lan", "Páo")]), ("2 Páo", "added", CAME)]


def test_a_dose_among_doses_is_told_apart_too() -> None:
    before = filled(LAN, doses=[("1", "2021-08-10"), ("2", "2021-09-10"), ("3", "2022-01-10")])
    after = filled(LAN, doses=[("1", "2021-08-10"), ("3", "2022-01-11")])
    assert words(differing(before, after)) == [
        ("1 Lan / 2 3", "changed", [("Ngày tiêm", "2022-01-10", "2022-01-11")]),
        ("1 Lan / 2 2", "removed", [("Mũi", "2", ""), ("Ngày tiêm", "2021-09-10", "")]),
    ]


def test_one_who_left_takes_their_doses_along() -> None:
    gone = differing(filled(LAN, PAO, doses=[("1", "2021-08-10")]), filled(PAO))
    assert [(len(part.line), part.fate, len(part.changes)) for part in gone] == [(1, "removed", 5)]


def test_questions_with_another_name_now_are_held_against_those_they_became() -> None:
    now = FORM.replace("| who  |", "| member |").replace("| born |", "| dob |")
    old = read_answers(read_instance(filled(LAN, PAO).encode()), model(FORM), "")
    xml = filled(PAO).replace("who>", "member>").replace("born>", "dob>")
    new = read_answers(read_instance(xml.encode()), model(now), "")
    renamed = {"/data/who": "/data/member", "/data/who/born": "/data/member/dob"}
    assert [(part.line[0].name, part.fate) for part in compare(old, new, renamed)] == [("Lan", "removed")]


def test_a_thousand_strangers_are_held_against_a_thousand_by_their_place_alone() -> None:
    """Ten thousand pairs are compared; a million would keep the reader waiting."""
    before = [(f"a{number}", "1980-01-01", "female", "") for number in range(1000)]
    after = [(f"b{number}", "1990-01-01", "male", "") for number in range(1000)]
    parts = differing(filled(*before), filled(*after))
    assert {part.fate for part in parts} == {"changed"}
    assert (len(parts), parts[7].line[0].name, parts[7].changes[0].before) == (1000, "b7", "a7")
    same = differing(filled(*before, PAO), filled(PAO, *before))
    assert same == []
