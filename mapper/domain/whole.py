"""Whole numbers, as people and programs write them."""

from __future__ import annotations

_LONGEST = 20
"""Digits; Python reads no number of thousands of them, and no database keeps one."""


def whole(text: str, most: int = 999_999_999) -> int | None:
    """The number from 0 to ``most`` that a text of the digits 0 to 9 alone writes; None for any other text."""
    if not (text.isascii() and text.isdecimal() and len(text) <= _LONGEST):
        return None
    number = int(text)
    return number if number <= most else None
