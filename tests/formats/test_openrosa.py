"""What phones are answered: every field that ODK Collect needs, in its namespace, exactly escaped."""

from __future__ import annotations

import pytest
from lxml import etree

from mapper.errors import Unavailable
from mapper.formats.openrosa import ListedFile, ListedForm, form_list, integrity, manifest, md5_of, response

L = "{http://openrosa.org/xforms/xformsList}"
M = "{http://openrosa.org/xforms/xformsManifest}"
FORM = ListedForm("census", "Rà soát <5 & 'người'", "7", md5_of(b"<x/>"), "https://a.vn/f?id=1&v=2")


def fields(element: etree._Element) -> dict[str, str]:
    return {str(child.tag).rpartition("}")[2]: child.text or "" for child in element}


def test_a_hash_is_the_md5_of_the_bytes_served() -> None:
    assert md5_of(b"") == "md5:d41d8cd98f00b204e9800998ecf8427e"
    assert md5_of(b"hello") == "md5:5d41402abc4b2a76b9719d911017c592"


def test_the_form_list_has_every_field_and_escapes_them() -> None:
    root = etree.fromstring(form_list([FORM]))
    assert root.tag == f"{L}xforms"
    (form,) = root
    assert form.tag == f"{L}xform"
    assert fields(form) == {
        "formID": "census",
        "name": "Rà soát <5 & 'người'",
        "version": "7",
        "hash": md5_of(b"<x/>"),
        "downloadUrl": "https://a.vn/f?id=1&v=2",
    }


def test_only_a_form_with_media_has_a_manifest() -> None:
    with_media = ListedForm("a", "A", "1", "md5:0", "https://a.vn/a", "https://a.vn/a/manifest")
    first, second = etree.fromstring(form_list([with_media, FORM]))
    assert fields(first)["manifestUrl"] == "https://a.vn/a/manifest"
    assert "manifestUrl" not in fields(second)


def test_an_empty_list_is_a_list() -> None:
    assert len(etree.fromstring(form_list([]))) == 0


@pytest.mark.parametrize("lacking", ["form_id", "name", "version", "hash", "download_url"])
def test_an_entry_that_would_void_the_list_is_an_error_instead(lacking: str) -> None:
    whole = {"form_id": "f", "name": "F", "version": "1", "hash": "md5:0", "download_url": "https://a.vn"}
    form_list([ListedForm(**whole)])
    with pytest.raises(Unavailable, match="lacks"):
        form_list([FORM, ListedForm(**{**whole, lacking: " "})])


def test_the_manifest_tells_files_and_entity_lists_apart() -> None:
    root = etree.fromstring(
        manifest(
            [
                ListedFile("thôn & bản.csv", "md5:1", "https://a.vn/1"),
                ListedFile("households.csv", "md5:2", "https://a.vn/2", "https://a.vn/2/integrity"),
            ]
        )
    )
    assert root.tag == f"{M}manifest"
    plain, listed = root
    assert fields(plain) == {"filename": "thôn & bản.csv", "hash": "md5:1", "downloadUrl": "https://a.vn/1"}
    assert plain.get("type") is None
    assert listed.get("type") == "entityList"
    assert fields(listed)["integrityUrl"] == "https://a.vn/2/integrity"


@pytest.mark.parametrize("file", [ListedFile("", "md5:1", "u"), ListedFile("a", "", "u"), ListedFile("a", "md5:1", "")])
def test_a_file_that_would_void_the_manifest_is_an_error_instead(file: ListedFile) -> None:
    with pytest.raises(Unavailable, match="lacks"):
        manifest([file])


def test_a_reply_carries_its_message() -> None:
    root = etree.fromstring(response("Đã nhận <1> & cảm ơn\x00\x0b"))
    assert root.tag == "{http://openrosa.org/http/response}OpenRosaResponse"
    assert fields(root) == {"message": "Đã nhận <1> & cảm ơn"}


def test_integrity_says_of_each_entity_whether_it_is_gone() -> None:
    root = etree.fromstring(integrity([('a"b', False), ("c", True)]))
    assert [(entity.get("id"), fields(entity)) for entity in root[0]] == [
        ('a"b', {"deleted": "false"}),
        ("c", {"deleted": "true"}),
    ]
