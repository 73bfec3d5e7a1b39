"""Which columns are sealed, whether the keys at hand fit this database, and going over all that it holds.

A fact holds a known text under the key, so that a server with another key, or with none, is refused before it reads or
writes anything.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from time import monotonic, sleep
from typing import Any, cast

from sqlalchemy import Column, ColumnElement, Connection, Table, bindparam, func, inspect, literal, or_, select, tuple_
from sqlalchemy import column as named
from sqlalchemy import table as of_name
from sqlalchemy import true as always
from sqlalchemy.sql.expression import ColumnClause, TableClause

from mapper.errors import InvalidInput, Unavailable, mark
from mapper.store import reference, tables, whole
from mapper.store.database import Database, driver_of
from mapper.store.sealing import BYTES_MARK, TEXT_MARK, Sealed, SealedBytes, Sealing, wrong_key

FACT = "field key"
"""Name of the fact: JSON of a known text under the key, and whether plain values may be left."""

_KNOWN = "Từng Nhà"

_AT_ONCE = 1000
_FILES_AT_ONCE = 8
"""Rows of a portion; those that hold photos are few, since all of them are in memory."""

TAKEN_UP_S = 5.0
"""Within which every server has taken up a newer key, idle ones too: they look for what changed every two seconds."""


def sealed_columns() -> list[tuple[Table, list[Column[Any]]]]:
    """Every table that has some, with them."""
    found = ((table, [one for one in table.columns if isinstance(one.type, Sealed)]) for table in _every_table())
    return [(table, columns) for table, columns in found if columns]


def _every_table() -> Sequence[Table]:
    return tables.metadata.sorted_tables


# Whether the keys fit


def agree(database: Database, connection: Connection) -> None:
    """Raise Unavailable unless the database is sealed with a key at hand, or neither is there."""
    told, sealing = reference.fact(connection, FACT), database.sealing
    if told is None:
        if sealing is None:
            return
        raise Unavailable(
            mark("This database is not sealed any more, and this process was started with a key. Start it again.")
        )
    if sealing is None:
        raise Unavailable(
            mark(
                "The names in this database are sealed. Set MAPPER_FIELD_KEY to the file of keys, and start again; "
                "without it nobody can read them."
            )
        )
    if sealing.open(json.loads(told)["known"]) != _KNOWN:
        raise wrong_key()


def check(database: Database) -> None:
    """The same of a database that may not have been begun to be sealed, or that is of an earlier release, or empty."""
    with database.read() as connection:
        if inspect(connection).has_table("facts") and reference.fact(connection, FACT) is not None:
            agree(database, connection)


def begin(database: Database) -> None:
    """Note the key of a database that none was noted of; from now on it is refused without. Nothing without a key."""
    if database.sealing is None:
        return
    with database.read() as connection:
        if reference.fact(connection, FACT) is not None:
            return
    with database.write() as connection:
        database.lock(connection, FACT)
        if reference.fact(connection, FACT) is None:
            _note(database, connection, database.sealing, plain=not whole.is_empty(connection))
            # Servers that were started without the key read it again, and are refused.
            reference.raise_revision(database, connection)


def _note(database: Database, connection: Connection, sealing: Sealing, *, plain: bool) -> None:
    told = json.dumps({"known": sealing.seal(_KNOWN), "plain": plain})
    reference.set_fact(database, connection, FACT, told)


def may_be_plain(database: Database) -> bool:
    """Whether values from before the key may still stand as they came."""
    with database.read() as connection:
        told = reference.fact(connection, FACT)
    return told is not None and bool(json.loads(told)["plain"])


# Going over everything


@dataclass(frozen=True, slots=True)
class _Part:
    """A table with columns that are sealed, as the database keeps them: nothing is sealed or opened on the way."""

    table: TableClause
    keys: tuple[ColumnClause[Any], ...]
    columns: tuple[ColumnClause[Any], ...]
    types: tuple[Sealed, ...]
    at_once: int


def _parts() -> Iterator[_Part]:
    for table, sealed in sealed_columns():
        types = tuple(cast(Sealed, one.type) for one in sealed)
        keys = [one.name for one in table.primary_key.columns]
        raw = of_name(
            table.name,
            *(named(one.name, one.type) for one in table.primary_key.columns),
            *(named(one.name, cast(Any, one.type).impl_instance) for one in sealed),
        )
        many = _FILES_AT_ONCE if any(isinstance(one, SealedBytes) for one in types) else _AT_ONCE
        columns: Any = tuple(raw.c[one.name] for one in sealed)
        places: Any = tuple(raw.c[name] for name in keys)
        yield _Part(raw, places, columns, types, many)


def _starts(column: ColumnElement[Any], start: str | bytes) -> ColumnElement[bool]:
    return func.substr(column, 1, len(start)) == literal(start)


def _not_under(sealing: Sealing, part: _Part) -> ColumnElement[bool]:
    """Holds for rows in which something is to be sealed with the newest key, and for some in which all is."""
    wanted: list[ColumnElement[bool]] = []
    for column, of in zip(part.columns, part.types, strict=True):
        if of.after:
            wanted.append(column.is_not(None))
        elif isinstance(of, SealedBytes):
            wanted.append(~_starts(column, sealing.bytes_start))
        else:
            wanted.append((column != literal("")) & ~_starts(column, sealing.text_start))
    return or_(*wanted)


def _sealed(part: _Part) -> ColumnElement[bool]:
    """Holds for rows in which something is sealed, and for some in which nothing is."""
    wanted: list[ColumnElement[bool]] = []
    for column, of in zip(part.columns, part.types, strict=True):
        start = BYTES_MARK if isinstance(of, SealedBytes) else TEXT_MARK
        wanted.append(column.is_not(None) if of.after else _starts(column, start))
    return or_(*wanted)


def how_many(database: Database, *, to_open: bool = False) -> int:
    """Rows that ``seal_all`` would look at, or ``open_all``."""
    sealing = _keys(database)
    with database.read() as connection:
        return sum(
            connection.scalar(select(func.count()).select_from(part.table).where(wanted)) or 0
            for part in _parts()
            for wanted in [_sealed(part) if to_open else _not_under(sealing, part)]
        )


def seal_all(database: Database, progress: Callable[[int], object] = lambda rows: None) -> int:
    """Have everything under the newest key, what is plain and what is under another one; how many rows were changed.

    Each portion is a transaction, beside a server with the same keys. Cut off, it goes on where it was: what is under
    the newest key already is not read again. Where the newest key is new to the database, all servers are told of it
    first, and what they sealed with the one before until they knew is gone over in the end.
    """
    sealing = _keys(database)
    all_know = monotonic() + TAKEN_UP_S if _announce(database, sealing) else 0.0

    def change(of: Any, value: Any) -> Any:
        return value if of.stands(sealing, value) else of.seal(sealing, of.open(sealing, value))

    changed = 0
    while True:
        begun = monotonic()
        changed += sum(_go_over(database, part, _not_under(sealing, part), change, progress) for part in _parts())
        if begun >= all_know:
            break
        sleep(max(0.0, all_know - monotonic()))
    with database.write() as connection:
        _note(database, connection, sealing, plain=False)
    return changed


def _announce(database: Database, sealing: Sealing) -> bool:
    """Note the newest key, if another one is noted: every process reads its file of keys again, and seals with it."""
    with database.write() as connection:
        database.lock(connection, FACT)
        told = json.loads(reference.fact(connection, FACT) or "{}")
        if not told or told["known"].startswith(sealing.text_start):
            return False
        _note(database, connection, sealing, plain=told["plain"])
        reference.raise_revision(database, connection)
        return True


def open_all(database: Database, progress: Callable[[int], object] = lambda rows: None) -> int:
    """Have everything plain again, and no key noted; how many rows were changed. Nobody else may use the database.

    Cut off, it goes on where it was, and until it has ended the key is wanted.
    """
    sealing = _keys(database)

    def change(of: Sealed, value: Any) -> Any:
        return of.open(sealing, value) if of.is_sealed(value) else value

    changed = sum(_go_over(database, part, _sealed(part), change, progress) for part in _parts())
    with database.write() as connection:
        reference.forget_fact(connection, FACT)
        reference.raise_revision(database, connection)
    return changed


def _keys(database: Database) -> Sealing:
    if database.sealing is None:
        raise InvalidInput(
            mark("No key is set. Make one with: python server.py make-key FILE, and set MAPPER_FIELD_KEY to its file.")
        )
    return database.sealing


def _go_over(
    database: Database,
    part: _Part,
    wanted: ColumnElement[bool],
    change: Callable[[Sealed, Any], Any],
    progress: Callable[[int], object],
) -> int:
    """Rows that were changed. The columns of a row are written together, whichever of them changed."""
    new_values = {one.name: bindparam(f"new_{one.name}", type_=one.type) for one in part.columns}
    writing = part.table.update().values(new_values)
    for key in part.keys:
        writing = writing.where(key == bindparam(f"of_{key.name}", type_=key.type))
    reading = select(*part.keys, *part.columns).where(wanted).order_by(*part.keys).limit(part.at_once)
    first, changed = len(part.keys), 0
    behind: ColumnElement[bool] = always()
    while True:
        with database.write() as connection:
            # On PostgreSQL others write meanwhile: what is read stays so until it is written.
            rows = connection.execute(reading.where(behind).with_for_update()).all()
            new = []
            for row in rows:
                kept = row[first:]
                made = [
                    None if value is None else change(of, value) for of, value in zip(part.types, kept, strict=True)
                ]
                if made != list(kept):
                    new.append(
                        {f"of_{key.name}": at for key, at in zip(part.keys, row, strict=False)}
                        | {f"new_{one.name}": value for one, value in zip(part.columns, made, strict=True)}
                    )
            if new:
                connection.execute(writing, new)
        changed += len(new)
        progress(len(rows))
        if len(rows) < part.at_once:
            return changed
        last = [literal(at, key.type) for key, at in zip(part.keys, rows[-1], strict=False)]
        behind = tuple_(*part.keys) > tuple_(*last)


def rewrite_files(database: Database) -> None:
    """On PostgreSQL write every table with sealed columns anew, so that no page holds what was there before."""
    if not database.is_sqlite:
        with database.engine.connect() as connection:
            for table, _ in sealed_columns():
                driver_of(connection).execute(f"VACUUM FULL {table.name}")
