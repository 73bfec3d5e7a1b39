"""The ledger of vaccine as it is kept: rows are added and never changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, insert, or_, select

from mapper.domain.stock import Kind, StockEntry, Store, WasteReason
from mapper.store import tables
from mapper.store.database import Database

_s, _u = tables.stock_entries, tables.users
_PLAIN = ("day", "formulation", "lot", "doses", "vial_doses", "expiry", "difference", "undoes", "document")
_COLUMNS = tuple(_s.c[name] for name in ("seq", "kind", "store", "other", "reason", *_PLAIN))


@dataclass(frozen=True, slots=True)
class KeptEntry:
    """An entry with who made it (None: at the server itself) and when, ISO time in UTC."""

    entry: StockEntry
    user_name: str | None
    at: str


def hold(database: Database, connection: Connection) -> None:
    """Let nobody else write into the ledger until the transaction ends: what is there is read before it is taken."""
    database.lock(connection, "stock")


def add(connection: Connection, campaign_id: str, entry: StockEntry, user_id: int | None, at: str) -> int:
    """Add a row; its number."""
    values = {name: getattr(entry, name) for name in _PLAIN} | {
        "campaign_id": campaign_id,
        "kind": entry.kind.value,
        "store": str(entry.store),
        "other": None if entry.other is None else str(entry.other),
        "reason": None if entry.reason is None else entry.reason.value,
        "user_id": user_id,
        "at": at,
    }
    key = connection.execute(insert(_s).values(values)).inserted_primary_key
    assert key is not None
    return int(key[0])


def entries(
    connection: Connection, campaign_id: str, lots: Iterable[tuple[str, str]] | None = None
) -> list[StockEntry]:
    """The rows of a campaign in the order in which they were entered; lots: of these formulations and lots alone."""
    statement = select(*_COLUMNS).where(_s.c.campaign_id == campaign_id).order_by(_s.c.seq)
    if lots is not None:
        wanted = set(lots)
        # The lots alone are few; a lot's name may be that of another formulation's too.
        statement = statement.where(_s.c.lot.in_(sorted({lot for _, lot in wanted})))
        return [one for one in map(_entry, connection.execute(statement)) if (one.formulation, one.lot) in wanted]
    return list(map(_entry, connection.execute(statement)))


def of_number(connection: Connection, seq: int) -> tuple[str, StockEntry] | None:
    """The campaign and the entry of a number, None where there is none."""
    row = connection.execute(select(_s.c.campaign_id, *_COLUMNS).where(_s.c.seq == seq)).first()
    return None if row is None else (row.campaign_id, _entry(row))


def history(
    database: Database, connection: Connection, campaign_id: str, stores: Sequence[Store], limit: int | None
) -> list[KeptEntry]:
    """What was entered for some stores, the newest first."""
    names = [str(one) for one in stores]
    statement = (
        select(*_COLUMNS, _s.c.at, _u.c.name)
        .outerjoin(_u, _u.c.id == _s.c.user_id)
        .where(_s.c.campaign_id == campaign_id, _of_stores(database, names))
        .order_by(_s.c.seq.desc())
        .limit(limit)
    )
    return [KeptEntry(_entry(row), row.name, row.at) for row in connection.execute(statement)]


def how_many(database: Database, connection: Connection, campaign_id: str, stores: Sequence[Store]) -> int:
    """How many rows are of some stores."""
    names = [str(one) for one in stores]
    wanted = _s.c.campaign_id == campaign_id, _of_stores(database, names)
    return connection.scalar(select(func.count()).select_from(_s).where(*wanted)) or 0


def of_store(connection: Connection, store: Store) -> list[StockEntry]:
    """The rows of all campaigns that a store has to do with, in the order in which they were entered."""
    wanted = or_(_s.c.store == str(store), _s.c.other == str(store))
    return list(map(_entry, connection.execute(select(*_COLUMNS).where(wanted).order_by(_s.c.seq))))


def _of_stores(database: Database, names: Sequence[str]) -> ColumnElement[bool]:
    return or_(database.among(_s.c.store, names), database.among(_s.c.other, names))


def _entry(row: Any) -> StockEntry:
    return StockEntry(
        kind=Kind(row.kind),
        store=Store.of(row.store),
        other=None if row.other is None else Store.of(row.other),
        reason=None if row.reason is None else WasteReason(row.reason),
        seq=row.seq,
        **{name: getattr(row, name) for name in _PLAIN},
    )
