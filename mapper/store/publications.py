"""What the public page showed, by day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from sqlalchemy import Connection, select, true

from mapper.store import tables
from mapper.store.database import Database

_p = tables.publications


class Kept(NamedTuple):
    """One publication. seq: rises with every new one; body: JSON."""

    seq: int
    day: date
    body: str


def of_day(connection: Connection, day: date, settings: str) -> Kept | None:
    """What was published of a day under settings of this hash."""
    row = connection.execute(
        select(_p.c.seq, _p.c.day, _p.c.body).where(_p.c.day == day, _p.c.settings == settings)
    ).first()
    return Kept(*row) if row else None


def newest_first(connection: Connection) -> Iterator[str]:
    """The bodies of all publications, under whatever settings, the newest first; read one by one."""
    seq = None
    while True:
        earlier = _p.c.seq < seq if seq is not None else true()
        row = connection.execute(select(_p.c.seq, _p.c.body).where(earlier).order_by(_p.c.seq.desc()).limit(1)).first()
        if row is None:
            return
        seq = row.seq
        yield row.body


def add(database: Database, connection: Connection, day: date, settings: str, body: str, at: str) -> None:
    """Keep a publication, unless another process was first: what was once shown of a day stays."""
    connection.execute(
        database.insert(_p).values(day=day, settings=settings, body=body, at=at).on_conflict_do_nothing()
    )
