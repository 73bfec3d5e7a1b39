"""Cells that a spreadsheet would run stand in a table as text."""

from __future__ import annotations

import pytest

from mapper.formats.cells import harmless


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+84 912", "-2", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "\u00a0=1", "\uff1d1", '=HYPERLINK("x")'],
)
def test_what_would_begin_a_formula_has_an_apostrophe_before_it(text: str) -> None:
    assert harmless(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "Nông Thị Hoa", "12", "a=b", "hamlet:0000101", "2026-11-22T00:00:00+00:00"])
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert harmless(text) == text


def test_characters_that_no_table_holds_are_left_out() -> None:
    assert harmless("\x00=1\x07") == "'=1"
