"""Names that are spelt in several ways are one name, and a point that cannot be looked up says why."""

from __future__ import annotations

import math
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapper.domain.people import Point
from mapper.domain.places import Placement, fold, name_key, point_fault, same_name


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Xã Hoà Bình", "Xã Hòa Bình"),
        ("Phường Thuỷ Đường", "Phường Thủy Đường"),
        ("Xã Loè", "Xã Lòe"),
        ("PHƯỜNG QUÝ SƠN", "Phường Qúy Sơn"),
        ("Thành Phố Bắc Kạn", "Thành phố Bắc Kạn"),
        ("Xã  Hòa Bình ", "Xã Hoà Bình"),
        ("Xã Hoà Hoà", "Xã Hòa Hoà"),
    ],
)
def test_tone_placement_case_and_blanks_do_not_make_another_name(one: str, other: str) -> None:
    assert same_name(one, other)
    assert same_name(unicodedata.normalize("NFD", one), unicodedata.normalize("NFC", other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Xã Hoà Bình", "Xã Hoá Bình"),  # another tone
        ("Xã Hoà Bình", "Xã Hoa Bình"),  # none
        ("Xã Ân", "Xã An"),  # another letter
        ("Xã Đông", "Xã Dông"),
        ("Xã Bình Àn", "Xã Bìnhan"),
        ("Xã Bình An", "Xã Binh Àn"),  # the tone of another syllable
        ("Phường 1", "Phường 2"),
        ("Xã Sĩ Bình", "Xã Sỹ Bình"),  # another letter; people decide whether it is the same name
    ],
)
def test_another_tone_or_letter_makes_another_name(one: str, other: str) -> None:
    assert not same_name(one, other)


@given(st.text(alphabet="aăâeêioôơuưyđbcdghklmnpqrstvx àảãáạ-'1", max_size=30))
def test_a_name_compares_alike_in_every_unicode_form(name: str) -> None:
    forms = {name_key(unicodedata.normalize(form, name)) for form in ("NFC", "NFD", "NFKC", "NFKD")}
    assert forms == {name_key(name)} == {name_key(name.upper())}


def test_folding_finds_names_typed_without_accents() -> None:
    assert fold("Nguyễn Văn Đức") == fold(unicodedata.normalize("NFD", "nguyễn  văn đức")) == "nguyen van duc"
    assert fold("Ưu Ái Quỳnh") == "uu ai quynh"
    assert fold("Nguyễn Văn Đức") != fold("Nguyễn Văn Đúc Anh")


@pytest.mark.parametrize(
    ("point", "limit", "expected"),
    [
        (None, 50, Placement.NO_POINT),
        (Point(0.0, 0.0, 5), 50, Placement.NO_POINT),
        (Point(0.0, 105.9, 5), 50, None),
        (Point(91, 105), 50, Placement.OUT_OF_RANGE),
        (Point(22, -180.1), 50, Placement.OUT_OF_RANGE),
        (Point(math.nan, 105), 50, Placement.OUT_OF_RANGE),
        (Point(22, math.inf), 50, Placement.OUT_OF_RANGE),
        (Point(22.2, 105.9, 50.0), 50, None),
        (Point(22.2, 105.9, 50.1), 50, Placement.POOR_ACCURACY),
        (Point(22.2, 105.9, math.nan), 50, Placement.POOR_ACCURACY),
        (Point(22.2, 105.9, None), 50, None),
        (Point(22.2, 105.9, 5000), None, None),
    ],
)
def test_a_point_that_cannot_be_looked_up_says_why(
    point: Point | None, limit: float | None, expected: Placement | None
) -> None:
    assert point_fault(point, limit) == expected
