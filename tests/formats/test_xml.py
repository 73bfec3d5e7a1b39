"""XML from outside: what is read, what is refused, and that nothing else can happen."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapper.errors import MalformedXml, MapperError
from mapper.formats.xml import escape_text, local_name, namespace, parse

DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>'


def test_an_element_is_read_with_its_namespace() -> None:
    root = parse(b'<data xmlns="urn:x"><a>1</a></data>')
    assert (local_name(root), namespace(root), root[0].text) == ("data", "urn:x", "1")


def test_an_element_in_no_namespace_has_an_empty_one() -> None:
    assert namespace(parse(b"<data/>")) == ""


def test_vietnamese_is_read_with_and_without_a_byte_order_mark() -> None:
    text = f"{DECLARATION}<data>Nguyễn Văn Đức</data>"
    assert parse(text.encode()).text == "Nguyễn Văn Đức"
    assert parse(text.encode("utf-8-sig")).text == "Nguyễn Văn Đức"


def test_comments_and_processing_instructions_are_left_out() -> None:
    root = parse(b"<!-- <!DOCTYPE x> --><?hint?><data><!-- a --><a>1<!-- b -->2</a><?b?></data>")
    assert [child.tag for child in root] == ["a"]
    assert root[0].text == "12"


def test_a_document_type_in_an_answer_is_only_text() -> None:
    root = parse(b"<data><![CDATA[<!DOCTYPE x>]]></data>")
    assert root.text == "<!DOCTYPE x>"


@pytest.mark.parametrize("data", [b"", b"  \n ", b"\xef\xbb\xbf"])
def test_nothing_at_all_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedXml, match="empty"):
        parse(data)


def test_a_truncated_document_is_refused_with_its_line() -> None:
    with pytest.raises(MalformedXml, match="line 3"):
        parse(b"<data>\n<a>1</a>\n<b>2")


def test_entities_are_refused_however_they_come() -> None:
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    bomb = f'{DECLARATION}<!DOCTYPE data [<!ENTITY l0 "ha">{laughs}]><data>&l9;</data>'
    for data in (bomb, f"<?xml version='1.0'?>\n<!-- x -->\n{bomb[len(DECLARATION) :]}"):
        with pytest.raises(MalformedXml, match="document type"):
            parse(data.encode())


def test_a_file_of_the_server_is_not_read_through_an_external_entity(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("the secret", "utf-8")
    data = f'<!DOCTYPE d [<!ENTITY x SYSTEM "{secret.as_uri()}">]><d>&x;</d>'.encode()
    with pytest.raises(MalformedXml, match="document type"):
        parse(data)


def test_a_document_type_behind_a_comment_that_looks_like_the_root_is_refused() -> None:
    with pytest.raises(MalformedXml, match="document type"):
        parse(b"<!-- <data> --> <?x <data>?> <!DOCTYPE d [<!ENTITY a 'b'>]><d>&a;</d>")


def test_an_entity_without_a_document_type_is_refused() -> None:
    with pytest.raises(MalformedXml, match="line 1"):
        parse(b"<d>&nope;</d>")


def test_a_document_type_in_another_encoding_is_refused_too() -> None:
    text = '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE d [<!ENTITY a "b">]><d>&a;</d>'
    for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32"):
        with pytest.raises(MalformedXml, match="UTF-8"):
            parse(text.encode(encoding))


def test_another_encoding_is_refused_by_name() -> None:
    with pytest.raises(MalformedXml, match="windows-1258"):
        parse(b'<?xml version="1.0" encoding="windows-1258"?><d/>')


def test_bytes_that_are_not_utf_8_are_refused() -> None:
    with pytest.raises(MalformedXml):
        parse("<d>Thôn</d>".encode("latin-1"))


def test_nesting_has_a_limit() -> None:
    assert local_name(parse(b"<a>" * 200 + b"</a>" * 200)) == "a"
    with pytest.raises(MalformedXml, match="nested too deeply"):
        parse(b"<a>" * 5000 + b"</a>" * 5000)


def test_a_text_of_a_hundred_megabytes_is_refused() -> None:
    with pytest.raises(MalformedXml, match="too long"):
        parse(b"<a>" + b"x" * 20_000_000 + b"</a>")


def test_threads_parse_side_by_side() -> None:
    wrong: list[object] = []

    def work(number: int) -> None:
        for _ in range(300):
            root = parse(f"<d><n>{number}</n></d>".encode())
            if root[0].text != str(number):
                wrong.append(root)
            try:
                parse(b"<d><n>")
            except MalformedXml:
                continue
            wrong.append("no error")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@given(st.binary(max_size=300))
def test_any_bytes_are_an_element_or_a_named_error(data: bytes) -> None:
    try:
        parse(data)
    except MapperError as error:
        assert str(error)


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_any_prolog_and_content_are_an_element_or_a_named_error(prolog: bytes, content: bytes) -> None:
    try:
        parse(prolog + b"<d>" + content + b"</d>")
    except MapperError as error:
        assert str(error)


@given(st.text())
def test_escaped_text_comes_back_without_what_xml_cannot_hold(text: str) -> None:
    lost = {chr(code) for code in range(32)} - {"\t", "\n", "\r"} | {"\ufffe", "\uffff"}
    kept = "".join(letter for letter in text if letter not in lost and not "\ud800" <= letter <= "\udfff")
    root = parse(f'<d a="{escape_text(text, quoted=True)}">{escape_text(text)}</d>'.encode())
    assert (root.text or "") == kept
    assert root.get("a") == kept
