"""What a form says about its questions, read once and kept."""

from __future__ import annotations

import unicodedata
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapper.errors import InvalidForm, MalformedXml, MapperError
from mapper.formats.xform import Choice, MediaFile, XFormModel, read_xform, text_in
from tests.formats.forms import CENSUS, model, xform

LABELLED = """
| survey   |
|  | type                           | name   | label::Việt (vi) | label::English (en) | image::en | appearance       |
|  | start                          | began  |                  |                     |           |                  |
|  | select_one yn                  | ok     | Có không?        | Yes or no?          | yes.png   |                  |
|  | begin_repeat                   | people | Người            | Person              |           |                  |
|  | text                           | called | Tên ${ok}        | Name ${ok}          |           |                  |
|  | select_multiple fruit          | eats   | Ăn               | Eats                |           | search('fruits') |
|  | end_repeat                     |        |                  |                     |           |                  |
|  | select_one_from_file v.csv     | where  | Ở đâu            | Where               |           | minimal          |
|  | select_one_from_file m.geojson | on     | Trên bản đồ      | On the map          |           | map              |
|  | image                          | photo  | Ảnh              | Picture             |           |                  |
| choices  |                                |        |                  |                     |
|  | list_name                      | name   | label::Việt (vi) | label::English (en) |
|  | yn                             | y      | Có               | Yes                 |
|  | yn                             | n      | Không            | No                  |
|  | fruit                          | key    | name             | name                |
| settings |                                |        |                  |                     |
|  | form_title                     | form_id | version         | default_language    |
|  | Mẫu                            | f      | 3                | Việt (vi)           |
""".replace("image::en", "media::image::English (en)")


def test_a_form_is_read_with_its_languages_labels_and_choices() -> None:
    form = model(LABELLED)
    assert (form.form_id, form.version, form.title) == ("f", "3", "Mẫu")
    assert form.languages == ("Việt (vi)", "English (en)")
    asked = form.node("/data/ok")
    assert asked is not None
    assert asked.labels == {"Việt (vi)": "Có không?", "English (en)": "Yes or no?"}
    assert (asked.name, asked.type, asked.control, asked.choices) == ("ok", "string", "select1", "yn")
    listed = form.choice_list("yn")
    assert listed is not None
    assert listed.choices == (
        Choice("y", {"Việt (vi)": "Có", "English (en)": "Yes"}),
        Choice("n", {"Việt (vi)": "Không", "English (en)": "No"}),
    )


def test_repeats_uploads_and_metadata_are_told_apart() -> None:
    form = model(LABELLED)
    kinds = {node.name: (node.control, node.type, node.preload) for node in form.nodes}
    assert kinds["people"] == ("repeat", "", "")
    assert kinds["eats"] == ("select", "string", "")
    assert kinds["photo"] == ("upload", "binary", "")
    assert kinds["began"] == ("", "dateTime", "timestamp/start")
    called = form.node("/data/people/called")
    assert called is not None
    assert called.labels["English (en)"] == "Name ${ok}"


def test_media_are_all_files_that_the_phone_needs() -> None:
    assert model(LABELLED).media == (
        MediaFile("fruits.csv", "csv"),
        MediaFile("m.geojson", "file"),
        MediaFile("v.csv", "csv"),
        MediaFile("yes.png", "images"),
    )


def test_choices_of_a_file_name_its_columns() -> None:
    form = model(LABELLED)
    places, drawn = form.choice_list("v"), form.choice_list("m")
    assert places is not None
    assert drawn is not None
    assert (places.file, places.value_column, places.label_column, places.choices) == ("v.csv", "name", "label", ())
    assert (drawn.file, drawn.value_column, drawn.label_column) == ("m.geojson", "id", "title")


def test_choices_that_pyxform_writes_apart_are_media_too() -> None:
    form = model(
        """
| survey           |                            |       |       |                |
|                  | type                       | name  | label | choice_filter  |
|                  | text                       | state | State |                |
|                  | select_one_external cities | city  | City  | state=${state} |
| external_choices |
|                  | list_name | name | label | state |
|                  | cities    | x    | X     | a     |
"""
    )
    assert form.media == (MediaFile("itemsets.csv", "csv"),)


def test_the_last_saved_submission_is_no_media() -> None:
    form = model(
        """
| survey |      |      |       |                    |
|        | type | name | label | default            |
|        | text | a    | A     | ${last-saved#a}    |
"""
    )
    assert form.media == ()


def test_entity_lists_and_their_version_are_known() -> None:
    form = model(CENSUS + "| entities |\n| | list_name | label |\n| | households | ${head} |")
    assert (form.entity_lists, form.entities_version) == (("households",), "2024.1.0")


def test_a_namespace_of_the_instance_is_known() -> None:
    form = model(
        """
| survey |      |      |       |
|        | type | name | label |
|        | text | a    | A     |
| settings |
|        | form_id | version | instance_xmlns |
|        | f       | 1       | urn:my         |
"""
    )
    assert (form.form_id, form.namespace) == ("f", "urn:my")
    assert model(CENSUS).namespace == ""


def test_a_model_comes_back_from_its_json() -> None:
    for markdown in (LABELLED, CENSUS):
        form = model(markdown)
        assert XFormModel.from_json(form.to_json()) == form


def test_a_language_is_found_by_its_code() -> None:
    form = model(LABELLED)
    assert (form.language("vi"), form.language("en"), form.language("km")) == ("Việt (vi)", "English (en)", "Việt (vi)")
    assert model(CENSUS).language("vi") == ""


def test_a_missing_translation_falls_back_to_another() -> None:
    assert text_in({"vi": "Tên", "en": ""}, "en") == "Tên"
    assert text_in({"vi": "Tên", "en": "Name"}, "en") == "Name"
    assert text_in({}, "en") == ""


def test_labels_are_in_composed_letters() -> None:
    decomposed = unicodedata.normalize("NFD", "Thôn Đồng")
    form = model(f"| survey |\n| | type | name | label |\n| | text | a | {decomposed} |")
    asked = form.node("/data/a")
    assert asked is not None
    assert text_in(asked.labels, "") == "Thôn Đồng"


def test_an_old_form_with_prefixes_bind_ids_and_inline_choices_is_read() -> None:
    form = read_xform(
        b"""<h:html xmlns:h="http://www.w3.org/1999/xhtml" xmlns="http://www.w3.org/2002/xforms"
          xmlns:orx="http://openrosa.org/xforms" xmlns:jr="http://openrosa.org/javarosa" xmlns:xsd="x">
        <h:head><h:title> Old  form </h:title><model><instance><my id="old">
          <house><child jr:template=""><age/></child></house><colour/>
          <orx:meta><orx:instanceID/></orx:meta></my></instance>
          <bind id="c" nodeset="/my/colour" type="xsd:string" required="true()"/>
          <bind nodeset="/my/house/child/age" type="xsd:int"/>
          <bind nodeset="/my/orx:meta/orx:instanceID" type="string" jr:preload="uid"/></model></h:head>
        <h:body><select1 bind="c"><label>Colour</label><item><label>Red</label><value>r</value></item></select1>
          <group ref="/my/house"><label>House</label><group><label>Child</label><repeat nodeset="/my/house/child">
            <input ref="age"><label>Age</label></input></repeat></group></group></h:body></h:html>"""
    )
    by_path = {node.path: node for node in form.nodes}
    assert (form.form_id, form.version, form.title, form.languages) == ("old", "", "Old form", ())
    assert by_path["/my/colour"].choices == "/my/colour"
    assert form.choice_list("/my/colour").choices == (Choice("r", {"": "Red"}),)  # type: ignore[union-attr]
    assert by_path["/my/colour"].required
    assert by_path["/my/house/child"].repeat
    assert (by_path["/my/house/child/age"].type, by_path["/my/house/child/age"].labels) == ("int", {"": "Age"})
    assert by_path["/my/meta/instanceID"].preload == "uid/"


@pytest.mark.parametrize(
    "xml",
    [
        "<data id='f'/>",
        "<html/>",
        "<html><head><model/></head></html>",
        "<html><head><model><instance/></model></head></html>",
    ],
)
def test_what_is_no_form_is_refused(xml: str) -> None:
    with pytest.raises(InvalidForm, match="not an XForm"):
        read_xform(xml.encode())


def test_a_form_without_an_id_is_refused() -> None:
    with pytest.raises(InvalidForm, match="form_id"):
        read_xform(b"<html><head><model><instance><data><a/></data></instance></model></head><body/></html>")


def test_a_form_that_asks_for_entities_is_refused() -> None:
    with pytest.raises(MalformedXml, match="document type"):
        read_xform(b"<!DOCTYPE h [<!ENTITY a 'b'>]>" + xform(CENSUS).partition(b"?>")[2])


@cache
def whole() -> bytes:
    return xform(LABELLED)


@given(st.floats(0, 1), st.binary(max_size=5), st.integers(0, 60))
def test_a_mangled_form_is_read_or_refused_by_name(share: float, put: bytes, cut: int) -> None:
    at = int(share * len(whole()))
    try:
        form = read_xform(whole()[:at] + put + whole()[at + cut :])
    except MapperError as error:
        assert str(error)
    else:
        assert XFormModel.from_json(form.to_json()) == form
