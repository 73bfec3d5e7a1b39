"""Unit codes as strings with their leading zeros, whatever a spreadsheet made of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mapper.domain.people import Finding
from mapper.domain.places import Unit
from mapper.errors import InvalidBoundaries, mark
from mapper.geo.fields import CODE_WIDTHS


def clean_codes(values: Sequence[Any], level: str, known: Sequence[Unit], findings: list[Finding]) -> list[str | None]:
    """Codes as text, None where there is none; zeros that were lost in front are put back, and that is reported.

    Zeros were lost where the field holds numbers, or digits of several lengths. The length to fill up to is that
    of the known units of the level, else the official one (province 2, district 3, commune 5), else the longest
    here. Digits that are merely shorter than the official length are reported and left: they may be another list.
    """
    codes = [_text(value, row) for row, value in enumerate(values, start=1)]
    present = [code for code in codes if code is not None]
    if not present or not all(code.isdecimal() and code.isascii() for code in present):
        return codes
    listed = {len(unit.code) for unit in known if unit.level == level}
    longest = max(len(code) for code in present)
    width = listed.pop() if len(listed) == 1 else max(CODE_WIDTHS.get(level, 0), longest)
    short = [code for code in present if len(code) < width]
    numbers = any(isinstance(value, int | float) for value in values)
    if not short:
        return codes
    facts = (("count", str(len(short))), ("width", str(width)), ("example", short[0]))
    if numbers or len({len(code) for code in present}) > 1:
        message = mark(
            "{count} codes had lost their leading zeros, as {example}; they were filled up to {width} digits."
        )
        findings.append(Finding("codes_lost_zeros", message, facts))
        return [code if code is None else code.zfill(width) for code in codes]
    message = mark("The codes, as {example}, are shorter than the usual {width} digits. Were leading zeros lost?")
    findings.append(Finding("codes_short", message, facts))
    return codes


def _text(value: Any, row: int) -> str | None:
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool | float | list | dict):
        raise InvalidBoundaries(
            mark("Row {row}: {value} is no code. Choose the field that holds the units' codes."),
            row=row,
            value=str(value)[:40],
        )
    return " ".join(str(value).split()) or None
