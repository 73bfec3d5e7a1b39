"""The list of hamlets, as a commune's clerk saves it."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapper.errors import InvalidInput, MapperError
from mapper.formats.hamlets import HamletRow, read_hamlets

LIST = "name,label,commune,households\n0196901,Thôn Nà Nghịu,01969,41\n0196902,Bản Mún,01969,\n"


def test_each_line_is_a_hamlet() -> None:
    assert read_hamlets(LIST.encode()) == (
        HamletRow("0196901", "Thôn Nà Nghịu", "01969", 41),
        HamletRow("0196902", "Bản Mún", "01969", None),
    )


@pytest.mark.parametrize(
    "data",
    [
        LIST.encode("utf-8-sig"),
        LIST.replace("\n", "\r\n").encode(),
        unicodedata.normalize("NFD", LIST).encode(),
        (
            "colour,commune,households,label,name\nred,01969,41,Thôn Nà Nghịu,0196901\n,01969,,Bản Mún,0196902,,\n"
        ).encode(),
        LIST.replace("\n", "\n\n,,,\n").encode(),
    ],
    ids=["byte order mark", "Windows line ends", "decomposed letters", "other columns and order", "empty lines"],
)
def test_the_same_list_in_other_clothes_is_the_same_list(data: bytes) -> None:
    assert read_hamlets(data) == read_hamlets(LIST.encode())


def test_the_column_of_households_may_be_absent() -> None:
    assert read_hamlets(b"name,label,commune\n1,A,2\n") == (HamletRow("1", "A", "2", None),)


def test_a_list_may_be_empty() -> None:
    assert read_hamlets(b"name,label,commune,households\n") == ()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "name, label, commune"),
        ("name,label\n1,A\n", "lacks the column commune"),
        ("name;label;commune\n1;A;2\n", "semicolons"),
        ("name,label,commune\n1,A,2\n\n1,B,2\n", "lines 2 and 4: the code 1"),
        ("name,label,commune\n,A,2\n", "line 2: the column name"),
        ("name,label,commune\n1,A\n", "line 2: the column commune"),
        ("name,label,commune\n1 2,A,3\n", "contains a space"),
        ("name,label,commune,households\n1,A,2,many\n", "line 2: many"),
        ("name,label,commune,households\n1,A,2,-3\n", "line 2: -3"),
        ("name,label,commune,households\n1,A,2,3.5\n", "line 2: 3.5"),
        ("name,label,commune,households\n1,A,2,٣\n", "no number"),
        ("name,label,commune,households\n1,A,2,1000000\n", "no number"),
        ('name,label,commune\n1,"A,2\n', "line"),
    ],
)
def test_a_list_that_cannot_be_used_is_refused_with_its_line(text: str, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        read_hamlets(text.encode())


def test_a_list_in_another_encoding_is_refused() -> None:
    for encoding in ("utf-16", "cp1258"):
        with pytest.raises(InvalidInput, match="UTF-8"):
            read_hamlets("name,label,commune\n1,Thôn Đồng,2\n".encode(encoding, "replace"))


@given(st.binary(max_size=200) | st.text(alphabet='name,label\n;"1x é', max_size=200).map(str.encode))
def test_any_bytes_are_a_list_or_a_named_error(data: bytes) -> None:
    for whole in (data, b"name,label,commune,households\n" + data):
        try:
            read_hamlets(whole)
        except MapperError as error:
            assert str(error)
