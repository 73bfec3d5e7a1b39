"""Areas that were drawn on the map, and the outlines of units that they are held against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, or_, select

from mapper.store import tables

_d, _a, _un = tables.drawn_areas, tables.user_areas, tables.units


@dataclass(frozen=True, slots=True)
class DrawnArea:
    """One drawn area. wkb: MultiPolygon, EPSG:4326; user_id: who drew it."""

    id: int
    label: str
    wkb: bytes
    user_id: int | None
    drawn_at: str


def add(connection: Connection, label: str, wkb: bytes, user_id: int, at: str) -> int:
    """Keep a drawn area; its number."""
    number: int = connection.execute(
        _d.insert().values(label=label, wkb=wkb, user_id=user_id, drawn_at=at).returning(_d.c.id)
    ).scalar_one()
    return number


def every(connection: Connection) -> list[DrawnArea]:
    """All drawn areas, the oldest first."""
    rows = connection.execute(select(_d).order_by(_d.c.id))
    return [DrawnArea(row.id, row.label, bytes(row.wkb), row.user_id, row.drawn_at) for row in rows]


def outline(connection: Connection, number: int) -> bytes | None:
    """The outline of a drawn area; None where there is none of that number."""
    found = connection.scalar(select(_d.c.wkb).where(_d.c.id == number))
    return None if found is None else bytes(found)


def label(connection: Connection, number: int) -> str | None:
    """The name of a drawn area; None where there is none of that number."""
    found: str | None = connection.scalar(select(_d.c.label).where(_d.c.id == number))
    return found


def remove(connection: Connection, number: int) -> None:
    """Delete a drawn area."""
    connection.execute(delete(_d).where(_d.c.id == number))


def unit_outlines(connection: Connection, areas: Sequence[tuple[str, str]]) -> list[bytes]:
    """The outlines of those areas that are units, (set id, unit code), of whichever level."""
    if not areas:
        return []
    named = or_(*((_un.c.set_id == set_id) & (_un.c.code == code) for set_id, code in areas))
    return [bytes(wkb) for wkb in connection.scalars(select(_un.c.wkb).where(named))]
