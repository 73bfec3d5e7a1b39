"""A list of sites that somebody made: rows of a table, or fields of points, as sites; refused with row and cure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mapper.domain.places import name_key
from mapper.domain.sites import Site, SiteKind
from mapper.domain.whole import whole
from mapper.errors import InvalidInput, mark
from mapper.formats.table_file import read_table

COLUMNS: dict[str, tuple[str, ...]] = {
    "code": ("code", "mã"),
    "name": ("name", "tên"),
    "kind": ("kind", "loại"),
    "lat": ("lat", "latitude", "vĩ độ"),
    "lon": ("lon", "lng", "longitude", "kinh độ"),
    "capacity": ("capacity", "công suất", "người mỗi ngày"),
    "cold_chain": ("cold_chain", "dây chuyền lạnh"),
}
"""Columns, or fields, and the names that a file may give them; the first is English."""

_KINDS = {
    "": SiteKind.MOBILE,
    "fixed": SiteKind.FIXED,
    "cố định": SiteKind.FIXED,
    "mobile": SiteKind.MOBILE,
    "lưu động": SiteKind.MOBILE,
}
_YES_NO = {
    "": False,
    "no": False,
    "không": False,
    "0": False,
    "false": False,
    "yes": True,
    "có": True,
    "1": True,
    "true": True,
}
_LONGEST = 120
_MOST_A_DAY = 10_000


@dataclass(frozen=True, slots=True)
class ListedSite:
    """What is told of a site. where: row, or place in the file; 0 of a form. fields: text by name of COLUMNS."""

    where: int
    fields: Mapping[str, str]


def read_site_table(name: str, data: bytes) -> list[Site]:
    """The sites of a CSV or workbook. Raises InvalidInput, TooLarge, naming row, column and cure."""
    table = read_table(name, data)
    header = [cell.casefold() for cell in table.header]
    at = {
        column: next(header.index(one) for one in names if one in header)
        for column, names in COLUMNS.items()
        if set(names) & set(header)
    }
    missing = [" / ".join(COLUMNS[column]) for column in ("name", "lat", "lon") if column not in at]
    if missing:
        raise InvalidInput(
            mark(
                "{name} lacks the column {columns}. Its first row names the columns: code, name, kind, lat, lon, "
                "capacity, cold_chain."
            ),
            name=name,
            columns=", ".join(missing),
        )
    rows = (ListedSite(number, {column: str(row[place]) for column, place in at.items()}) for number, row in table.rows)
    return read_sites(name, rows)


def told_by(fields: Mapping[str, str]) -> dict[str, str]:
    """Of the fields of a point those that COLUMNS knows, under its names."""
    lower = {key.casefold(): value for key, value in fields.items()}
    return {
        column: next(lower[one] for one in names if one in lower)
        for column, names in COLUMNS.items()
        if set(names) & set(lower)
    }


def read_sites(name: str, rows: Iterable[ListedSite]) -> list[Site]:
    """Sites of what a file tells, in its order; one without a code gets one of its name and place."""
    found: list[Site] = []
    seen: dict[str, int] = {}
    for row in rows:
        site = _site(name, row)
        if site.code in seen:
            raise InvalidInput(
                mark("{name}, rows {first} and {row}: {code} stands twice. Leave one of them."),
                name=name,
                first=seen[site.code],
                row=row.where,
                code=site.code,
            )
        seen[site.code] = row.where
        found.append(site)
    if not found:
        raise InvalidInput(mark("{name} holds no site."), name=name)
    return found


def _site(name: str, row: ListedSite) -> Site:
    def wrong(column: str, example: str) -> InvalidInput:
        facts = {"column": column, "value": row.fields.get(column, "")[:40] or "–", "example": example}
        if not row.where:
            return InvalidInput(mark("{column} cannot be {value}. Write it like {example}."), **facts)
        message = mark("{name}, row {row}: {column} cannot be {value}. Write it like {example}.")
        return InvalidInput(message, name=name, row=row.where, **facts)

    def degrees(column: str, most: float, example: str) -> float:
        try:
            value = float(row.fields.get(column, "").replace(",", "."))
        except ValueError:
            raise wrong(column, example) from None
        if not -most <= value <= most:
            raise wrong(column, example)
        return value

    called = row.fields.get("name", "")
    if not called or len(called) > _LONGEST or not called.isprintable():
        raise wrong("name", "Nhà văn hóa thôn Nà Lẹng")
    kind = _KINDS.get(row.fields.get("kind", "").casefold())
    if kind is None:
        raise wrong("kind", "fixed, mobile")
    cold = _YES_NO.get(row.fields.get("cold_chain", "").casefold())
    if cold is None:
        raise wrong("cold_chain", "yes, no")
    lat, lon = degrees("lat", 90, "22.2851"), degrees("lon", 180, "105.9003")
    told = row.fields.get("capacity", "")
    capacity = whole(told, _MOST_A_DAY)
    if told and not capacity:
        raise wrong("capacity", "200")
    code = row.fields.get("code", "") or code_of(called, lat, lon)
    if len(code) > _LONGEST or not code.isprintable():
        raise wrong("code", "TYT-01969")
    return Site(code, called, kind, lat, lon, capacity, cold)


def code_of(name: str, lat: float, lon: float) -> str:
    """A code for a site that has none: the same for the same name at the same place, to some ten metres."""
    told = hashlib.sha256(f"{name_key(name)} {lat:.4f} {lon:.4f}".encode()).hexdigest()
    return f"S-{told[:8]}"
