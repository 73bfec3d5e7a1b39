"""A submission shown in its form's own words, and the files it says it has."""

from __future__ import annotations

import unicodedata

from mapper.formats.answers import Answer, attachment_names, read_answers
from mapper.formats.instance import Instance, read_instance
from tests.formats.forms import model

FORM = """
| survey   |
| | type                            | name   | label::Việt (vi) | label::English (en) |
| | select_one yn                   | ok     | Có không?        | Yes or no?          |
| | select_one_from_file hamlet.csv | hamlet | Thôn             | Hamlet              |
| | begin_group                     | g      | Nhà              | House               |
| | select_multiple yn              | many   | Nhiều            | Many                |
| | begin_repeat                    | child  | Trẻ              | Child               |
| | text                            | called | Tên              | Name                |
| | image                           | photo  | Ảnh              | Picture             |
| | end_repeat                      |
| | end_group                       |
| | audit                           | audit  |
| choices |
| | list_name | name | label::Việt (vi) | label::English (en) |
| | yn        | y    | Có               | Yes                 |
| | yn        | n    | Không            | No                  |
"""


def filled(inside: str, meta: str = "") -> Instance:
    return read_instance(f'<data id="t"><g/>{inside}<meta><instanceID>uuid:1</instanceID>{meta}</meta></data>'.encode())


def test_answers_are_shown_by_their_labels_in_the_language_asked_for() -> None:
    instance = filled("<ok>y</ok><hamlet>01</hamlet><g><many>n y</many></g>")
    labels = {"hamlet.csv": {"01": "Thôn Nà Nghịu"}}
    shown = {
        language: [(answer.label, answer.shown) for answer in read_answers(instance, model(FORM), language, labels)]
        for language in ("vi", "en")
    }
    assert shown["vi"][:3] == [("Có không?", "Có"), ("Thôn", "Thôn Nà Nghịu"), ("Nhiều", "Không, Có")]
    assert shown["en"][:3] == [("Yes or no?", "Yes"), ("Hamlet", "Thôn Nà Nghịu"), ("Many", "No, Yes")]


def test_each_instance_of_a_repeat_has_its_heading_and_number() -> None:
    instance = filled("<g><child><called>A</called></child><child><called>B</called><photo>b.jpg</photo></child></g>")
    assert read_answers(instance, model(FORM), "en")[:5] == (
        Answer("/data/g/child", (1,), "Child", "", "", heading=True),
        Answer("/data/g/child/called", (1,), "Name", "A", "A"),
        Answer("/data/g/child", (2,), "Child", "", "", heading=True),
        Answer("/data/g/child/called", (2,), "Name", "B", "B"),
        Answer("/data/g/child/photo", (2,), "Picture", "b.jpg", "b.jpg", attachment=True),
    )


def test_answers_that_the_form_does_not_know_are_shown_as_they_are() -> None:
    instance = filled("<ok>maybe</ok><hamlet>99</hamlet><old>1</old><empty> </empty>")
    assert [(answer.label, answer.shown) for answer in read_answers(instance, model(FORM), "en")] == [
        ("Yes or no?", "maybe"),
        ("Hamlet", "99"),
        ("old", "1"),
        ("instanceID", "uuid:1"),
    ]


def test_a_submission_nested_deeper_than_any_form_is_shown_all_the_same() -> None:
    instance = filled("<a>" * 250 + "deep" + "</a>" * 250)
    assert [answer.shown for answer in read_answers(instance, model(FORM), "en")] == ["deep", "uuid:1"]


def test_attachments_are_the_files_that_upload_questions_name() -> None:
    decomposed = unicodedata.normalize("NFD", "ảnh Đức.jpg")
    instance = filled(
        f"<ok>y.jpg</ok><g><child><photo>{decomposed}</photo></child><child><photo/></child>"
        "<child><photo>b.jpg</photo></child><child><photo>b.jpg</photo></child></g>",
        "<audit>audit.csv</audit>",
    )
    assert attachment_names(instance, model(FORM)) == ("ảnh Đức.jpg", "b.jpg", "audit.csv")
    assert attachment_names(filled(""), model(FORM)) == ()


def test_a_question_that_names_another_answer_is_shown_with_it() -> None:
    form = FORM.replace(
        "| photo  | Ảnh              | Picture ", "| photo  | Ảnh của ${called}, ${ok}, ${many} | Picture "
    )
    inside = "<ok>y</ok><g><child><called>A</called></child><child><called>B</called><photo>b.jpg</photo></child></g>"
    answers = read_answers(filled(inside), model(form), "vi")
    assert [answer.label for answer in answers if answer.attachment] == ["Ảnh của B, Có, …"]
