"""The driver keeps to what a phone allows."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from lxml import etree

from tests.engine.conftest import FORMS, xform_of
from tests.engine.javarosa import EngineError, Form, JavaRosa, NoSuchQuestion, NotOffered, NotRelevant, Refused

VISIT = """
| survey |                 |        |       |          |               |            |
|        | type            | name   | label | required | relevant      | constraint |
|        | select_one yn   | home   | Home? | yes      |               |            |
|        | integer         | people | How many? |      | ${home} = 'y' | . > 0      |
|        | begin_repeat    | room   | Room  |          |               |            |
|        | text            | use    | Use   |          |               |            |
|        | begin_repeat    | lamp   | Lamp  |          | ${use} != ''  |            |
|        | decimal         | watts  | Watts |          |               | . < 100    |
|        | integer         | hours  | Hours |          |               |            |
|        | end_repeat      | lamp   |       |          |               |            |
|        | end_repeat      | room   |       |          |               |            |
| choices |              |        |       |
|        | list_name       | name   | label |
|        | yn              | y      | Yes   |
|        | yn              | n      | No    |
| settings |             |         |
|        | form_id         | version |
|        | rooms           | 7       |
"""


@pytest.fixture(scope="module")
def rooms(load_table: Callable[[str], Form]) -> Form:
    return load_table(VISIT)


def test_form_tells_its_id_and_version(rooms: Form) -> None:
    assert (rooms.form_id, rooms.version) == ("rooms", "7")


def test_answer_is_kept_and_can_be_cleared(rooms: Form) -> None:
    entry = rooms.new()
    entry.answer("home", "y").answer("people", 4)
    assert entry.value("people") == "4"
    entry.answer("people", None)
    assert entry.value("people") is None


def test_required_question_cannot_be_passed_over(rooms: Form) -> None:
    with pytest.raises(Refused) as refused:
        rooms.new().answer("home", None)
    assert (refused.value.name, refused.value.reason) == ("home", "required")


def test_refused_answer_leaves_the_old_one(rooms: Form) -> None:
    entry = rooms.new()
    entry.answer("home", "y").answer("people", 4)
    with pytest.raises(Refused) as refused:
        entry.answer("people", 0)
    assert refused.value.reason == "constraint"
    assert entry.value("people") == "4"


def test_choice_that_is_not_on_the_screen_cannot_be_chosen(rooms: Form) -> None:
    with pytest.raises(NotOffered, match="perhaps is not among y, n"):
        rooms.new().answer("home", "perhaps")


def test_hidden_question_cannot_be_answered_until_it_is_shown(rooms: Form) -> None:
    entry = rooms.new()
    entry.answer("home", "n")
    with pytest.raises(NotRelevant):
        entry.answer("people", 4)
    entry.answer("home", "y").answer("people", 4)
    assert entry.is_relevant("people")


def test_name_that_the_form_lacks_is_told(rooms: Form) -> None:
    entry = rooms.new()
    with pytest.raises(NoSuchQuestion, match="no cellar"):
        entry.answer("cellar", "yes")
    with pytest.raises(NoSuchQuestion, match="not a repeat"):
        entry.add("home")
    with pytest.raises(NoSuchQuestion, match="not a question"):
        entry.answer("room", "kitchen")
    with pytest.raises(NoSuchQuestion, match="no such repeat instance"):
        entry.answer("use", "kitchen", room=3)
    with pytest.raises(NoSuchQuestion, match="does not stand in lamp"):
        entry.answer("use", "kitchen", lamp=1)


def test_nested_repeats_are_filled_each_in_its_own_instance(rooms: Form) -> None:
    entry = rooms.new()
    entry.fill({"home": "y", "room": [{"use": "kitchen", "lamp": [{"watts": 60}, {"watts": 8.5}]}, {"use": "bed"}]})
    entry.answer("watts", 40, room=1, lamp=1)
    tree = etree.fromstring(entry.finalise())
    assert [room.findtext("use") for room in tree.iterfind("room")] == ["kitchen", "bed"]
    assert [[w.text for w in room.iterfind("lamp/watts")] for room in tree.iterfind("room")] == [
        ["40.0", "8.5"],
        [],
    ]


def test_repeat_instance_can_be_removed(rooms: Form) -> None:
    entry = rooms.new()
    entry.fill({"home": "n", "room": [{"use": "kitchen"}, {"use": "bed"}, {"use": "store"}]})
    entry.remove("room", room=2)
    tree = etree.fromstring(entry.finalise())
    assert [room.findtext("use") for room in tree.iterfind("room")] == ["kitchen", "store"]
    assert entry.shown() == ["home", "use", "watts", "hours", "use"]


def test_hidden_repeat_cannot_be_entered_but_can_be_passed_over(rooms: Form) -> None:
    entry = rooms.new()
    entry.add("room")
    with pytest.raises(NotRelevant):
        entry.add("lamp")
    entry.fill({"home": "n", "people": 3, "lamp": [{"watts": 5}]}, skip_hidden=True)
    assert b"<people" not in entry.finalise()


def test_finalising_looks_at_every_question_again(rooms: Form) -> None:
    entry = rooms.new()
    with pytest.raises(Refused) as refused:
        entry.finalise()
    assert (refused.value.name, refused.value.reason) == ("home", "required")
    entry.answer("home", "n")
    assert entry.finalise().startswith(b"<?xml")


def test_older_entry_of_the_same_form_is_closed(rooms: Form) -> None:
    older = rooms.new()
    newer = rooms.new()
    with pytest.raises(EngineError, match="one open at a time"):
        older.answer("home", "y")
    newer.answer("home", "y")


def test_two_forms_are_open_side_by_side(rooms: Form, water: Form) -> None:
    one, other = rooms.new(), water.new()
    one.answer("home", "y")
    other.answer("village", "Bản Áng")
    one.answer("people", 2)
    assert (one.value("people"), other.value("village")) == ("2", "Bản Áng")


def test_form_used_again_writes_what_a_freshly_parsed_one_writes(
    engine: JavaRosa, load_table: Callable[[str], Form]
) -> None:
    answers = {"home": "y", "people": 2, "room": [{"use": "kitchen", "lamp": [{"watts": 60}]}]}
    used = load_table(VISIT)
    for _ in range(3):
        last = used.new().fill(answers).finalise()
    fresh = load_table(VISIT).new().fill(answers).finalise()

    def without_id(xml: bytes) -> bytes:
        return re.sub(rb"uuid:[0-9a-f-]{36}", b"uuid:", xml)

    assert without_id(last) == without_id(fresh)
    assert last != fresh


def test_each_entry_has_an_instance_id_of_its_own(rooms: Form) -> None:
    ids = {rooms.new().value("instanceID") for _ in range(20)}
    assert len(ids) == 20


def test_phone_with_another_date_writes_that_day(census: Form) -> None:
    assert census.new(on=date(2022, 8, 15)).value("today") == "2022-08-15"
    assert census.new().value("today") != "2022-08-15"


def test_engine_can_be_driven_from_another_thread(rooms: Form) -> None:
    said: list[bytes] = []

    def fill() -> None:
        said.append(rooms.new().answer("home", "n").finalise())

    thread = threading.Thread(target=fill)
    thread.start()
    thread.join()
    assert said[0].count(b"<home>n</home>") == 1


@pytest.mark.parametrize("broken", [b"", b"not XML", b"<html/>", b"<?xml version='1.0'?><a><b></a>"])
def test_what_is_no_form_is_refused_and_the_engine_goes_on(engine: JavaRosa, rooms: Form, broken: bytes) -> None:
    with pytest.raises(EngineError):
        engine.load(broken)
    assert rooms.new().answer("home", "n").value("home") == "n"


@pytest.mark.parametrize("workbook", sorted(FORMS.glob("*/*.xlsx")), ids=lambda path: path.stem)
def test_odk_validate_finds_nothing_in_our_forms(engine: JavaRosa, workbook: Path) -> None:
    assert engine.validate(xform_of(workbook)) == []


def test_odk_validate_names_a_broken_expression(engine: JavaRosa, census_xform: bytes, rooms: Form) -> None:
    broken = census_xform.replace(b'calculate="position(..)"', b'calculate="position(.."')
    assert broken != census_xform
    problems = engine.validate(broken)
    assert len(problems) == 1
    assert "/data/person/health/dose/dose_index" in problems[0]
    assert rooms.new().answer("home", "n").value("home") == "n"


LOOKUP = """
| survey |           |      |       |                                   |
|        | type      | name | label | calculation                       |
|        | text      | code | Code  |                                   |
|        | calculate | area |       | pulldata('a', 'b', 'c', ${code})  |
"""


def test_function_that_the_engine_lacks_is_told(load_table: Callable[[str], Form], rooms: Form) -> None:
    with pytest.raises(EngineError, match="pulldata"):
        load_table(LOOKUP).new()
    assert load_table(LOOKUP.replace("pulldata", "concat")).new().answer("code", "d").value("area") == "abcd"
    assert rooms.new().answer("home", "n").value("home") == "n"
