"""The sites of an installation, as they are kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import Connection, delete, select

from mapper.domain.sites import Site, SiteKind
from mapper.store import tables
from mapper.store.database import Database

_s = tables.sites
_COLUMNS = tuple(_s.c[name] for name in Site.__dataclass_fields__)


def everywhere(connection: Connection) -> list[Site]:
    """All sites, by code."""
    rows = connection.execute(select(*_COLUMNS).order_by(_s.c.code))
    return [Site(code, name, SiteKind(kind), *rest) for code, name, kind, *rest in rows]


def save(database: Database, connection: Connection, sites: Sequence[Site], user_id: int | None, at: str) -> None:
    """Keep sites, each in place of the one of its code."""
    if sites:
        remove(database, connection, [one.code for one in sites])
        connection.execute(_s.insert(), [{**asdict(one), "user_id": user_id, "at": at} for one in sites])


def remove(database: Database, connection: Connection, codes: Sequence[str]) -> int:
    """Forget sites; how many there were."""
    return connection.execute(delete(_s).where(database.among(_s.c.code, codes))).rowcount
