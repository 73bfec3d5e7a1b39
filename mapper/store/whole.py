"""A database as a whole: every table as typed rows, read from one moment and entered into another database.

What comes out of SQLite and out of PostgreSQL is the same, value by value, so that both can be held against each other.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import psycopg
from psycopg import sql
from sqlalchemy import (
    Boolean,
    Connection,
    Date,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    String,
    inspect,
    literal,
    select,
    table,
)
from sqlalchemy.types import TypeDecorator, TypeEngine

from mapper.domain.shelves import CELLS
from mapper.domain.table_digest import Value
from mapper.errors import InvalidInput, mark
from mapper.store import shelves
from mapper.store.database import Database, driver_of
from mapper.store.tables import metadata
from mapper.store.tables.origin import PASSING

Kind = Literal["truth", "whole", "real", "day", "bytes", "text"]
Rows = Sequence[Sequence[Value]]

ROWS_AT_ONCE = 5000
BYTES_AT_ONCE = 8_000_000
"""Where a table holds files, a portion ends with this many bytes: one photo alone may be larger."""

_NAME = re.compile("[a-z][a-z0-9_]{0,62}")

# Boolean before Integer: none is the other, but Date and String are asked for by their general type alike.
_KINDS: tuple[tuple[type[TypeEngine[Any]], Kind], ...] = (
    (Boolean, "truth"),
    (Integer, "whole"),
    (Float, "real"),
    (Date, "day"),
    (LargeBinary, "bytes"),
    (String, "text"),
)


KINDS: frozenset[str] = frozenset(kind for _, kind in _KINDS)


@dataclass(frozen=True, slots=True)
class Column:
    """A column's name, and the kind of its values: bool, int, float, date, bytes or str; None in any."""

    name: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Shape:
    """A table by its name and columns. Raises InvalidInput for a name that no table of this program has."""

    name: str
    columns: tuple[Column, ...]

    def __post_init__(self) -> None:
        # They become part of statements, and may come out of an archive.
        if not all(map(_NAME.fullmatch, (self.name, *self.names))):
            raise InvalidInput(mark("A table or column has a name that is none of this program's."))

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Of its columns, in their order."""
        return tuple(column.kind for column in self.columns)

    @property
    def names(self) -> tuple[str, ...]:
        """Of its columns, in their order."""
        return tuple(column.name for column in self.columns)


def shapes(of: MetaData = metadata) -> list[Shape]:
    """Every table that is worth keeping, each behind those that it refers to. of: this release's, or those found."""
    return [
        Shape(table.name, tuple(Column(column.name, _kind(column.type)) for column in table.columns))
        for table in of.sorted_tables
        if table.name not in PASSING
    ]


def _kind(of: TypeEngine[Any]) -> Kind:
    # What is sealed stays so: it is copied as it is kept, by whoever has no key as well.
    plain = of.impl_instance if isinstance(of, TypeDecorator) else of
    return next(kind for type_, kind in _KINDS if isinstance(plain, type_))


def number_of_rows(connection: Connection, shape: Shape) -> int:
    """How many rows a table has."""
    row = driver_of(connection).execute(f'SELECT count(*) FROM "{shape.name}"').fetchone()  # noqa: S608
    return int(row[0])


def rows(database: Database, connection: Connection, shape: Shape) -> Iterator[Rows]:
    """All rows of a table in this transaction, some at a time, in no order that counts.

    Raises InvalidInput for a value that its column cannot hold, as SQLite lets others than this program write it.
    """
    some: list[Sequence[Value]] = []
    files = [place for place, kind in enumerate(shape.kinds) if kind == "bytes"]
    held = 0
    for row in _typed(shape, _read(database, connection, shape, few=bool(files))):
        some.append(row)
        for place in files:
            held += len(row[place] or b"")  # type: ignore[arg-type]
        if len(some) >= ROWS_AT_ONCE or held > BYTES_AT_ONCE:
            yield some
            some, held = [], 0
    if some:
        yield some


def _read(database: Database, connection: Connection, shape: Shape, *, few: bool) -> Iterator[Sequence[Any]]:
    driver = driver_of(connection)
    if database.is_sqlite:
        yield from driver.execute(f"SELECT {_listed(shape)} FROM {_quoted(shape.name)}")  # noqa: S608
        return
    names = sql.SQL(", ").join(map(sql.Identifier, shape.names))
    with driver.cursor(f"whole_{shape.name}") as cursor:
        cursor.itersize = 50 if few else ROWS_AT_ONCE
        yield from cursor.execute(sql.SQL("SELECT {} FROM {}").format(names, sql.Identifier(shape.name)))


def _typed(shape: Shape, found: Iterable[Sequence[Any]]) -> Iterator[Sequence[Value]]:
    to_type = [(place, _TYPING[kind]) for place, kind in enumerate(shape.kinds)]
    try:
        for row in found:
            yield tuple([None if row[place] is None else typed(row[place]) for place, typed in to_type])
    except (ValueError, TypeError) as fault:
        raise InvalidInput(
            mark("Table {table} holds a value that is none of its column's kind."), table=shape.name
        ) from fault


def _whole(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise ValueError


def _real(value: object) -> float:
    if isinstance(value, float | int) and not math.isnan(value):
        return float(value)
    raise ValueError


def _truth(value: object) -> bool:
    if value in (0, 1):
        return bool(value)
    raise ValueError


def _day(value: object) -> date:
    return value if isinstance(value, date) else date.fromisoformat(str(value))


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    raise ValueError


_TYPING: dict[Kind, Callable[[Any], Value]] = {
    "truth": _truth,
    "whole": _whole,
    "real": _real,
    "day": _day,
    "bytes": bytes,
    "text": _text,
}


def enter(database: Database, connection: Connection, shape: Shape, portions: Iterable[Rows]) -> None:
    """Enter rows into an empty table. Raises InvalidInput for a value that this database cannot keep."""
    driver = driver_of(connection)
    if database.is_sqlite:
        marks = ", ".join("?" * len(shape.columns))
        statement = f"INSERT INTO {_quoted(shape.name)} ({_listed(shape)}) VALUES ({marks})"  # noqa: S608
        for some in portions:
            driver.executemany(statement, _for_sqlite(shape, some))
        return
    names = sql.SQL(", ").join(map(sql.Identifier, shape.names))
    copying = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(shape.name), names)
    try:
        with driver.cursor() as cursor, cursor.copy(copying) as copy:
            for some in portions:
                for row in some:
                    copy.write_row(row)
        if shape.name == "cells":
            shelves.make_known(database, connection)
    except psycopg.DataError as fault:
        # Its text may repeat somebody's answers.
        raise InvalidInput(
            mark("Table {table} holds a value that PostgreSQL cannot keep, such as a text with a null character."),
            table=shape.name,
        ) from fault


def _for_sqlite(shape: Shape, some: Rows) -> Rows:
    days = [place for place, kind in enumerate(shape.kinds) if kind == "day"]
    if not days:
        return some
    written = [list(row) for row in some]
    for row in written:
        for place in days:
            if (day := row[place]) is not None:
                row[place] = day.isoformat()  # type: ignore[union-attr]
    return written


def go_on_numbering(database: Database, connection: Connection, tables: Iterable[Shape]) -> None:
    """Have the numbers that PostgreSQL gives by itself go on behind those that were entered; SQLite does so anyway."""
    if database.is_sqlite:
        return
    driver = driver_of(connection)
    for shape in tables:
        for column in shape.columns:
            if column.kind != "whole":
                continue
            sequence = driver.execute("SELECT pg_get_serial_sequence(%s, %s)", [shape.name, column.name]).fetchone()[0]
            if sequence is not None:
                newest = sql.SQL("SELECT max({}{}) FROM {}").format(
                    sql.Identifier(column.name),
                    sql.SQL(f" % {CELLS}" if shape.name == "cells" else ""),
                    sql.Identifier(shape.name),
                )
                number = driver.execute(newest).fetchone()[0]
                driver.execute("SELECT setval(%s, %s, %s)", [sequence, number or 1, number is not None])


def is_empty(connection: Connection) -> bool:
    """Whether a database holds nothing of anybody: no row in any table but the facts that a first start makes."""
    there = set(inspect(connection).get_table_names()) & metadata.tables.keys() - {"facts"}
    return not any(connection.execute(select(literal(1)).select_from(table(name)).limit(1)).first() for name in there)


def forget_facts(connection: Connection) -> None:
    """Take out the facts that a first start made."""
    driver_of(connection).execute("DELETE FROM facts")


def broken_references(database: Database, connection: Connection) -> list[str]:
    """Tables of a SQLite database with a row that refers to none; PostgreSQL does not let such a row in."""
    if not database.is_sqlite:
        return []
    return sorted({str(row[0]) for row in driver_of(connection).execute("PRAGMA foreign_key_check")})


def _quoted(name: str) -> str:
    return f'"{name}"'


def _listed(shape: Shape) -> str:
    return ", ".join(map(_quoted, shape.names))
