"""A register_layout.toml beside campaign.toml: the columns in which the national platform takes lists of people in."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mapper.domain.campaign import Campaign
from mapper.formats.register_dates import Order
from mapper.formats.register_extract import DOSE_PARTS, ROLES
from mapper.formats.toml_table import Table

FILE = "register_layout.toml"

HOLDS = ("number", *ROLES, "place", "text")
"""What a column may hold besides "on:CODE", "vaccine:CODE" and "lot:CODE" of a dose of the campaign."""

_DATES = re.compile(r"(?i)dd([/.-])mm\1yyyy|mm([/.-])dd\2yyyy|yyyy([/.-])mm\3dd")
_WORDED = ("sex", "dose", "vaccine")


@dataclass(frozen=True, slots=True)
class LayoutColumn:
    """A column that the platform asks for. holds: of HOLDS, or of a dose; text: what stands in a column "text"."""

    name: str
    holds: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Layout:
    """The platform's import layout. rows: "person" or "dose"; words: codes of the census to the platform's words."""

    sheet: str
    rows: str
    date_format: str
    columns: tuple[LayoutColumn, ...]
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def order(self) -> Order:
        """Whether its days are written day or month first."""
        return Order.MONTH_FIRST if self.date_format.lower().startswith("mm") else Order.DAY_FIRST

    def places(self, header: Sequence[str]) -> dict[str, int] | None:
        """Which column of a table holds what, where its columns are this layout's in their order; else None."""
        if [_bare(each) for each in header] != [_bare(each.name) for each in self.columns]:
            return None
        known = {each.holds: place for place, each in enumerate(self.columns)}
        return {holds: place for holds, place in known.items() if holds in ROLES or ":" in holds}


def _bare(name: str) -> str:
    return " ".join(name.split()).casefold()


def read_layout(toml: str, campaign: Campaign) -> Layout:
    """What the file says, checked against the campaign it stands beside. Raises InvalidCampaign with place and cure."""
    root = Table.of_file(toml, FILE)
    root.allow(("source", "sheet", "rows", "date_format", "columns", "words"))
    columns = tuple(_column(one, campaign) for one in root.tables("columns"))
    if not columns:
        root.missing("columns", '[[columns]] name = "Họ và tên", holds = "name"')
    names = [_bare(one.name) for one in columns]
    twice = next((one.name for one in columns if names.count(_bare(one.name)) > 1), None)
    if twice is not None:
        root.wrong("columns", twice, "each name once")
    words = root.table("words", "[words]")
    words.allow(_WORDED)
    known = {"sex": ("male", "female"), "dose": tuple(campaign.doses), "vaccine": tuple(campaign.vaccines)}
    return Layout(
        _text(root, "sheet", '"Danh sách"', re.compile(r"[^\[\]:*?/\\']{1,31}"), "Danh sách"),
        _text(root, "rows", '"person" or "dose"', re.compile("person|dose"), "person"),
        _text(root, "date_format", '"dd/mm/yyyy"', _DATES, "dd/mm/yyyy"),
        columns,
        {part: _words(words, part, known[part]) for part in words.entries},
    )


def _text(table: Table, key: str, example: str, pattern: re.Pattern[str], usual: str) -> str:
    return table.text(key, example, pattern) if key in table.entries else usual


def _column(table: Table, campaign: Campaign) -> LayoutColumn:
    table.allow(("name", "holds", "text"))
    holds = table.text("holds", '"name"')
    part, _, code = holds.partition(":")
    if holds not in HOLDS and not (part in DOSE_PARTS and code in campaign.doses):
        doses = [f"{part}:{code}" for part in DOSE_PARTS for code in campaign.doses]
        table.wrong("holds", holds, ", ".join((*HOLDS, *doses)))
    return LayoutColumn(table.text("name", '"Họ và tên"'), holds, str(table.entries.get("text", "")))


def _words(table: Table, part: str, known: Sequence[str]) -> dict[str, str]:
    inner = table.table(part, f"[words.{part}]")
    inner.allow(known)
    return {code: inner.text(code, '"..."') for code in inner.entries}


def usual_layout(campaign: Campaign) -> Layout:
    """A layout of one row a person with every dose of the campaign, where the platform's own is not told."""
    names = (
        ("STT", "number"),
        ("Họ và tên", "name"),
        ("Ngày sinh", "born"),
        ("Giới tính", "sex"),
        ("Số điện thoại", "phone"),
        ("Mã xã", "commune_code"),
        ("Xã", "commune"),
        ("Thôn", "hamlet"),
    )
    columns = [LayoutColumn(*each) for each in names]
    words = {"on": "ngày tiêm", "vaccine": "vắc xin", "lot": "số lô"}
    for code, label in campaign.doses.items():
        columns += [LayoutColumn(f"{label.vi} - {words[part]}", f"{part}:{code}") for part in DOSE_PARTS]
    return Layout("Danh sách", "person", "dd/mm/yyyy", tuple(columns), {"sex": {"male": "Nam", "female": "Nữ"}})
