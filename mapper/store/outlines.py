"""Outlines of boundary sets: as they were imported, and simplified for each zoom of a map."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, select

from mapper.store import tables

Texts = Sequence[tuple[str, str]]
"""(code, GeoJSON geometry text) of units, by code."""

_s = tables.unit_shapes


def outlines(connection: Connection, set_id: str, level: str) -> list[tuple[str, bytes]]:
    """(code, WKB) of a level's units, by code."""
    u = tables.units
    rows = connection.execute(
        select(u.c.code, u.c.wkb).where(u.c.set_id == set_id, u.c.level == level).order_by(u.c.code)
    )
    return [(row.code, bytes(row.wkb)) for row in rows]


def outline(connection: Connection, set_id: str, level: str, code: str) -> bytes | None:
    """The outline of one unit as WKB; None where there is no such unit."""
    u = tables.units
    wkb = connection.scalar(select(u.c.wkb).where(u.c.set_id == set_id, u.c.level == level, u.c.code == code))
    return None if wkb is None else bytes(wkb)


def save_shapes(connection: Connection, set_id: str, shapes: Mapping[tuple[str, int], Texts]) -> None:
    """Keep the simplified outlines of a set, by level and band of zooms."""
    for (level, band), texts in shapes.items():
        save_packed(connection, set_id, level, band, packed(texts))


def save_packed(connection: Connection, set_id: str, level: str, band: int, content: bytes) -> None:
    """Keep the simplified outlines of a level in a band of zooms, as ``packed`` makes them."""
    connection.execute(_s.insert(), {"set_id": set_id, "level": level, "band": band, "content": content})


def kept_shapes(connection: Connection, set_id: str) -> set[tuple[str, int]]:
    """The levels and bands of zooms of which a set's simplified outlines are kept."""
    return {(row[0], row[1]) for row in connection.execute(select(_s.c.level, _s.c.band).where(_s.c.set_id == set_id))}


def shapes(connection: Connection, set_id: str, level: str, band: int) -> list[tuple[str, str]]:
    """The simplified outlines of a level in a band of zooms; none of a level that the set has not."""
    content = connection.scalar(
        select(_s.c.content).where(_s.c.set_id == set_id, _s.c.level == level, _s.c.band == band)
    )
    if content is None:
        return []
    codes, *texts = zlib.decompress(content).decode().split("\n")
    return list(zip(json.loads(codes), texts, strict=True))


def packed(texts: Texts) -> bytes:
    """Outlines as they are kept; of a country it takes seconds, so that no transaction should wait for it."""
    lines = [json.dumps([code for code, _ in texts]), *(text for _, text in texts)]
    return zlib.compress("\n".join(lines).encode(), _QUICKLY)


_QUICKLY = 1
"""Of zlib: a sixth larger than its usual way, in a fifth of the time."""
