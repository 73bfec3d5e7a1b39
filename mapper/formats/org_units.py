"""A list of DHIS2's organisation units, as its Web API or a spreadsheet gives it: JSON or CSV, read line by line."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from mapper.errors import InvalidInput, mark

UID = re.compile(r"[A-Za-z][A-Za-z0-9]{10}", re.ASCII)

COLUMNS = {
    "unit": ("unit", "our_code", "mã đơn vị"),
    "level": ("unit_level", "our_level", "cấp"),
    "uid": ("id", "uid", "orgunit", "organisationunitid", "mã dhis2"),
    "code": ("code", "dhis2_code"),
    "name": ("name", "displayname", "tên"),
}
"""What a column is to the heads it may have; without a column of ours, DHIS2's code is taken for ours."""


class OrgUnitLine(NamedTuple):
    """One organisation unit. line: where it stands; unit, level: of ours, level "" if not told; uid, code: DHIS2's."""

    line: int
    unit: str
    level: str
    uid: str
    code: str
    name: str


def read_org_units(content: bytes) -> list[OrgUnitLine]:
    """The list in a file. Raises InvalidInput with the line of what is wrong."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidInput(mark("The list is not in UTF-8. Save it as CSV UTF-8 or JSON.")) from None
    lines = [_line(number, told) for number, told in (_json(text) if text.lstrip()[:1] in "[{" else _table(text))]
    if not lines:
        raise InvalidInput(mark("The list of organisation units is empty."))
    return lines


def _json(text: str) -> Iterator[tuple[int, Mapping[str, str]]]:
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidInput(mark("The list is no valid JSON. Export it from DHIS2 once more.")) from None
    rows = body.get("organisationUnits") if isinstance(body, dict) else body
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InvalidInput(mark("This JSON holds no list organisationUnits. Export it from DHIS2 once more."))
    for number, row in enumerate(rows, 1):
        # DHIS2's own level is a number and says nothing of ours.
        yield number, {name.lower(): str(told).strip() for name, told in row.items() if isinstance(told, str)}


def _table(text: str) -> Iterator[tuple[int, Mapping[str, str]]]:
    try:
        sheet = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
        rows = [(sheet.line_num, row) for row in sheet]
    except csv.Error as problem:
        raise InvalidInput(
            mark("The table cannot be read: {problem}. Save it as CSV again."), problem=problem
        ) from None
    head = [cell.strip().lower() for cell in rows[0][1]] if rows else []
    for name in head:
        if name and head.count(name) > 1:
            raise InvalidInput(mark("The column {column} stands twice in the head. Keep one of them."), column=name)
    for line, row in rows[1:]:
        if any(cell.strip() for cell in row):
            yield line, dict(zip(head, (cell.strip() for cell in row), strict=False))


def _delimiter(text: str) -> str:
    return max(",;\t", key=text.partition("\n")[0].count)


def _line(number: int, told: Mapping[str, str]) -> OrgUnitLine:
    found = {name: next((told[head] for head in heads if told.get(head)), "") for name, heads in COLUMNS.items()}
    unit = found["unit"] or found["code"]
    if not (unit and (found["uid"] or found["code"])):
        raise InvalidInput(
            mark("Line {line}: an organisation unit needs its id (or code) and the code of the unit here."), line=number
        )
    if found["uid"] and not UID.fullmatch(found["uid"]):
        raise InvalidInput(
            mark("Line {line}: {uid} is no id of DHIS2, which has 11 letters and digits. Put codes under code."),
            line=number,
            uid=found["uid"][:40],
        )
    return OrgUnitLine(number, unit, found["level"].lower(), found["uid"], found["code"], found["name"])
