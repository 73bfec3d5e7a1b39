"""Names of places: what is one spelling, what lacks marks, what is another name; and unit words."""

from __future__ import annotations

import unicodedata

import pytest

from mapper.domain.place_names import Reading, lacks_marks, readings, respelled, spelled, unmarked, words_of


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Hoà Bình", "Hòa Bình"),
        ("Thuý", "Thúy"),
        ("Thuỵ Hương", "Thụy Hương"),
        ("Khoẻ", "Khỏe"),
        ("Sĩ Hai", "Sỹ Hai"),
        ("Mĩ Đức", "Mỹ Đức"),
        ("Kì Sơn", "Kỳ Sơn"),
        ("Lí Sơn", "Lý Sơn"),
        ("Qui Nhơn", "Quy Nhơn"),
        ("Đắk Lắk", "Đăk Lăk"),
        ("Ia H'Drai", "Ia H’ Drai"),
        ("IA H'DRAI", "ia h´drai"),
        ("Bà Rịa - Vũng Tàu", "Bà Rịa-Vũng Tàu"),
        ("Bà Rịa – Vũng Tàu", "bà rịa vũng tàu"),
        ("Phường 01", "phường 1"),
        ("Hải Châu II", "Hải Châu 2"),
        ("Đông Hà", "Ðông Hà"),
        ("Quân  Hà ", "Quân Hà"),
        ("Quảng Trị", unicodedata.normalize("NFD", "Quảng Trị")),
    ],
)
def test_these_are_two_spellings_of_one_name(one: str, other: str) -> None:
    assert spelled(one) == spelled(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Hòa Bình", "Hóa Bình"),
        ("Hòa Bình", "Hoa Bình"),
        ("Thúy", "Thúi"),
        ("Thạnh", "Thanh"),
        ("Đông", "Dông"),
        ("Minh Quán", "Minh Quân"),
        ("Phường 1", "Phường 10"),
        ("Tổ 1, 2", "Tổ 12"),
        ("Yên", "Iên"),
        ("Thôn Xi", "Thôn 11"),
    ],
)
def test_these_are_two_names(one: str, other: str) -> None:
    assert spelled(one) != spelled(other)


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("Hoa Binh", "Hòa Bình"),
        ("Hoà Binh", "Hòa Bình"),
        ("dak lak", "Đắk Lắk"),
        ("Daklak", "Đăk Lăk"),
        ("M'Drak", "M'Đrắk"),
        ("Hòa Bình", "Hoà Bình"),
    ],
)
def test_marks_may_be_lacking_in_part_or_whole(typed: str, name: str) -> None:
    assert lacks_marks(spelled(typed), spelled(name))
    assert unmarked(spelled(typed)) == unmarked(spelled(name))


@pytest.mark.parametrize(
    ("typed", "name"),
    [("Hóa Bình", "Hòa Bình"), ("Hòa", "Hoa"), ("Hoa", "Hòa An"), ("Hoa An", "Hòa"), ("Đồng", "Dông"), ("", "Hoa")],
)
def test_other_marks_and_other_letters_are_another_name(typed: str, name: str) -> None:
    assert not lacks_marks(spelled(typed), spelled(name))


@pytest.mark.parametrize("written", ["Phường 1", "P.01", "P. 1", "p1", "P 01", "phuong 1", "PHƯỜNG 01"])
def test_the_word_of_a_numbered_ward_is_read_however_it_is_shortened(written: str) -> None:
    ward = Reading("phường", "1")
    assert ward in readings(written) and ward.numbered


@pytest.mark.parametrize(
    ("written", "word", "rest"),
    [
        ("TT. Phủ Thông", "thị trấn", "Phủ Thông"),
        ("TT Phủ Thông", "thị trấn", "Phủ Thông"),
        ("thi tran Phu Thong", "thị trấn", "Phu Thong"),
        ("X. Quân Hà", "xã", "Quân Hà"),
        ("TX Vĩnh Châu", "thị xã", "Vĩnh Châu"),
        ("T.P. Bắc Kạn", "thành phố", "Bắc Kạn"),
        ("TP.Bắc Kạn", "thành phố", "Bắc Kạn"),
        ("H. Ba Bể", "huyện", "Ba Bể"),
        ("Q.1", "quận", "1"),
        ("Đặc khu Cô Tô", "đặc khu", "Cô Tô"),
        ("TDP 3", "tổ dân phố", "3"),
        ("Ấp Sĩ Hai", "ấp", "Sỹ Hai"),
    ],
)
def test_unit_words_are_told_apart_from_the_name(written: str, word: str, rest: str) -> None:
    assert readings(written)[1:] == (Reading(word, spelled(rest)),)


def test_a_name_that_only_begins_like_a_unit_word_keeps_its_beginning() -> None:
    assert readings("Xà Phiên") == (Reading("", spelled("Xà Phiên")),)
    assert readings("Phường Phường Đúc")[1] == Reading("phường", spelled("Phường Đúc"))
    assert readings("Tân Tiến") == (Reading("", spelled("Tân Tiến")),)


def test_a_beginning_that_may_be_either_is_read_both_ways() -> None:
    assert set(readings("quan son")) == {Reading("", "quanson"), Reading("quận", "son")}


def test_what_has_no_letter_is_no_name() -> None:
    assert readings(" – ") == ()
    assert spelled("") == ""


def test_words_for_searching_have_no_marks_and_single_blanks() -> None:
    assert words_of("Thị trấn  Phủ Thông") == "thi tran phu thong"
    assert words_of("Ấp Sỹ Hai") == "ap si hai"


def test_a_shortened_unit_word_is_searched_as_the_long_one_too() -> None:
    assert respelled("P.01") == ["p 1", "phuong 1"]
    assert respelled("soc trang") == ["soc trang"]
