"""Whole numbers are of the digits 0 to 9, and none is too long to be read."""

from __future__ import annotations

import pytest

from mapper.domain.whole import whole


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("7", 7), ("007", 7), ("199", 199), ("0" * 20, 0)])
def test_digits_are_a_number(text: str, number: int) -> None:
    assert whole(text, 199) == number


@pytest.mark.parametrize("text", ["", " 7", "-1", "+1", "1.0", "1e3", "1_0", "٣", "²", "200", "0" * 21, "9" * 5000])
def test_all_else_is_none(text: str) -> None:
    assert whole(text, 199) is None
