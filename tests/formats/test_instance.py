"""Who a submission is, whatever client wrote it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapper.errors import InvalidInput, MalformedXml, MapperError, TooLarge
from mapper.formats.instance import read_instance

COLLECT = """<?xml version='1.0' ?><data id="census" version="7"
  xmlns:ev="http://www.w3.org/2001/xml-events" xmlns:orx="http://openrosa.org/xforms"
  xmlns:odk="http://www.opendatakit.org/xforms" xmlns:h="http://www.w3.org/1999/xhtml"
  xmlns:jr="http://openrosa.org/javarosa" xmlns:xsd="http://www.w3.org/2001/XMLSchema"
  xmlns:entities="http://www.opendatakit.org/xforms/entities">
  <name>Nà Nghịu</name>
  <orx:meta>
    <entity dataset="households" id="e1" create="1" update="" baseVersion="" trunkVersion="2" branchId="b9">
      <label>Nhà 12</label></entity>
    <orx:instanceID>uuid:one</orx:instanceID>
    <orx:deprecatedID> uuid:zero </orx:deprecatedID>
    <orx:instanceName>Nhà 12</orx:instanceName>
  </orx:meta></data>"""


def test_a_submission_of_collect_says_who_it_is() -> None:
    found = read_instance(COLLECT.encode())
    assert (found.form_id, found.version, found.instance_id) == ("census", "7", "uuid:one")
    assert (found.deprecated_id, found.instance_name) == ("uuid:zero", "Nhà 12")
    assert (found.encrypted, found.namespace) == (False, "")
    (entity,) = found.entities
    assert entity[:-1] == ("households", "e1", True, False, "", "2", "b9", True)
    assert entity.label == "Nhà 12"


@pytest.mark.parametrize(
    "xml",
    [
        '<data id="f"><meta><instanceID>uuid:1</instanceID></meta></data>',
        '<data id="f" xmlns="http://www.w3.org/2002/xforms"><meta><instanceID>uuid:1</instanceID></meta></data>',
        '<data id="f"><meta xmlns="http://openrosa.org/xforms"><instanceID>uuid:1</instanceID></meta></data>',
        '<d id="f" xmlns:o="http://openrosa.org/xforms"><o:meta><o:instanceID>uuid:1</o:instanceID></o:meta><x/></d>',
        '<data id="f" instanceID="uuid:1"><x/></data>',
        '<data id="f" instanceID="uuid:1" xmlns="http://opendatakit.org/submissions"><x/></data>',
    ],
    ids=[
        "no prefix",
        "default namespace",
        "meta in its own",
        "another prefix, meta not last",
        "Aggregate's way",
        "Briefcase's way",
    ],
)
def test_the_instance_id_is_found_wherever_a_client_writes_it(xml: str) -> None:
    found = read_instance(xml.encode())
    assert (found.form_id, found.version, found.instance_id, found.deprecated_id) == ("f", "", "uuid:1", None)


def test_a_question_named_meta_is_not_the_meta_block() -> None:
    xml = (
        '<data id="f" xmlns:o="http://openrosa.org/xforms" xmlns:x="urn:x"><x:meta><instanceID>no</instanceID></x:meta>'
        "<o:meta><o:instanceID>yes</o:instanceID></o:meta></data>"
    )
    assert read_instance(xml.encode()).instance_id == "yes"


def test_entities_in_repeats_tell_where_they_stand() -> None:
    xml = """<data id="f"><person><meta><entity dataset="people" id="p1" update="true"><label/></entity></meta></person>
      <person><meta><entity dataset="people" id="" create="true"/></meta></person>
      <entity>a question of that name</entity><meta><instanceID>uuid:1</instanceID></meta></data>"""
    first, second = read_instance(xml.encode()).entities
    assert (first.id, first.create, first.update, first.outer) == ("p1", False, True, False)
    assert (second.id, second.create, second.update) == ("", True, False)


def test_an_encrypted_envelope_is_known_as_one() -> None:
    xml = (
        '<data id="f" version="1" encrypted="yes" xmlns="http://www.opendatakit.org/xforms/encrypted">'
        "<base64EncryptedKey>k</base64EncryptedKey>"
        '<orx:meta xmlns:orx="http://openrosa.org/xforms"><orx:instanceID>uuid:1</orx:instanceID></orx:meta></data>'
    )
    found = read_instance(xml.encode())
    assert (found.encrypted, found.instance_id) == (True, "uuid:1")


def test_a_foreign_namespace_is_refused_unless_a_form_declares_it() -> None:
    xml = b'<data id="f" xmlns="http://example.org/my"><meta><instanceID>uuid:1</instanceID></meta></data>'
    with pytest.raises(InvalidInput, match=r"http://example\.org/my"):
        read_instance(xml)
    assert read_instance(xml, {"http://example.org/my"}).namespace == "http://example.org/my"


def test_a_meta_block_in_a_foreign_namespace_names_nobody() -> None:
    xml = b'<data id="f"><meta xmlns="http://example.org/my"><instanceID>uuid:1</instanceID></meta></data>'
    with pytest.raises(InvalidInput, match="instanceID"):
        read_instance(xml)


def test_a_form_in_place_of_a_filled_form_is_refused() -> None:
    xml = b'<h:html xmlns:h="http://www.w3.org/1999/xhtml"><h:head/></h:html>'
    with pytest.raises(InvalidInput, match="filled form"):
        read_instance(xml)


@pytest.mark.parametrize("attributes", ["", 'id=""', 'id="  "', 'ID="f"'])
def test_a_submission_without_a_form_id_is_refused(attributes: str) -> None:
    with pytest.raises(InvalidInput, match="form id"):
        read_instance(f"<data {attributes}><meta><instanceID>uuid:1</instanceID></meta></data>".encode())


@pytest.mark.parametrize(
    "meta", ["", "<meta/>", "<meta><instanceID/></meta>", "<meta><instanceID> </instanceID></meta>"]
)
def test_a_submission_without_an_instance_id_is_refused(meta: str) -> None:
    with pytest.raises(InvalidInput, match="instanceID"):
        read_instance(f'<data id="f">{meta}</data>'.encode())


def test_an_instance_id_of_any_length_a_database_can_hold_is_taken_and_a_longer_one_refused() -> None:
    for length, fits in ((250, True), (251, False)):
        xml = f'<data id="f"><meta><instanceID>{"x" * length}</instanceID></meta></data>'.encode()
        if fits:
            assert read_instance(xml).instance_id == "x" * length
        else:
            with pytest.raises(InvalidInput, match="250"):
                read_instance(xml)


def test_answers_of_many_megabytes_are_refused_before_they_are_read() -> None:
    meta = "<meta><instanceID>uuid:1</instanceID></meta>"
    assert read_instance(f'<data id="f"><a>{"x" * 4_000_000}</a>{meta}</data>'.encode()).instance_id == "uuid:1"
    with pytest.raises(TooLarge, match=r"8\.0 MB"):
        read_instance(f'<data id="f">{"<a/>" * 2_000_000}{meta}</data>'.encode())


def test_thousands_of_entities_are_refused() -> None:
    meta = "<meta><instanceID>uuid:1</instanceID></meta>"
    for count, fits in ((2000, True), (2001, False)):
        made = '<entity dataset="d" id="e"/>' * count
        xml = f'<data id="f">{made}{meta}</data>'.encode()
        if fits:
            assert len(read_instance(xml).entities) == count
        else:
            with pytest.raises(TooLarge, match="2001 entities"):
                read_instance(xml)


def test_what_is_not_xml_is_refused() -> None:
    with pytest.raises(MalformedXml):
        read_instance(b"id,version\ncensus,7\n")


@given(st.integers(0, len(COLLECT.encode())), st.binary(max_size=6), st.integers(0, 40))
def test_a_mangled_submission_is_read_or_refused_by_name(at: int, put: bytes, cut: int) -> None:
    whole = COLLECT.encode()
    try:
        found = read_instance(whole[:at] + put + whole[at + cut :])
    except MapperError as error:
        assert str(error)
    else:
        assert found.form_id
        assert found.instance_id
