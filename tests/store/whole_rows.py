"""A row in every table that a database has, made from the kinds of its columns; and what stands in every table."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Column, Connection, Float, Integer, LargeBinary, MetaData, Table, select
from sqlalchemy.types import Boolean, Date, TypeEngine

Values = dict[str, Any]

# Texts that a copy may spoil: none, signs of COPY and of CSV, letters beyond the first plane, two ways of one é.
TEXTS = ("", "Nông Thị Lan", "a\tb\nc\\d\\N", '"quoted", {"json": 1}', "𠀀 e\u0301 é", "  spaces  ", "NULL")
NUMBERS = (0, -1, 1, 2_147_483_647, -2_147_483_648)
REALS = (0.1, -105.123456789012345, 1e-300, 1.7976931348623157e308, 3.0)


def reflected(connection: Connection) -> MetaData:
    """The tables that are there, as the database itself tells of them; not Alembic's own."""
    found = MetaData()
    found.reflect(connection, only=lambda name, _: name != "alembic_version")
    return found


def fill(connection: Connection, found: MetaData, rows: int = 3, seed: int = 1) -> None:
    """So many rows in every table, each behind those that it refers to; every column holds something in one of them."""
    rng = random.Random(seed)
    made: dict[str, list[Values]] = {}
    for table in found.sorted_tables:
        made[table.name] = [_row(table, number, made, rng) for number in range(rows)]
        connection.execute(table.insert(), made[table.name])


def _row(table: Table, number: int, made: Mapping[str, Sequence[Values]], rng: random.Random) -> Values:
    row: Values = {}
    for constraint in table.foreign_key_constraints:
        kept = made.get(constraint.referred_table.name)  # none yet where a table refers to itself
        referred = kept[number] if kept else {}
        for element in constraint.elements:
            row[element.parent.name] = referred.get(element.column.name)
    for column in table.columns:
        if column.name not in row:
            row[column.name] = _value(column, number, rng)
    return row


def _value(column: Column[Any], number: int, rng: random.Random) -> object:
    if column.nullable and number == 1:
        return None
    one_of_a_kind = column.primary_key or column.unique or _in_unique(column)
    kind: TypeEngine[Any] = getattr(column.type, "impl_instance", column.type)
    if isinstance(kind, Boolean):
        return bool(rng.getrandbits(1))
    if isinstance(kind, Date):
        return date(2022, 8, 15) + timedelta(days=number)
    if isinstance(kind, Integer):
        return number + 1 if one_of_a_kind else rng.choice(NUMBERS)
    if isinstance(kind, Float):
        return rng.choice(REALS)
    if isinstance(kind, LargeBinary):
        return rng.randbytes(300) + b"\0\xff\\x"
    length = getattr(kind, "length", None) or 60
    text = f"{column.name} {number}" if one_of_a_kind else rng.choice(TEXTS)
    return text[:length]


def _in_unique(column: Column[Any]) -> bool:
    table = column.table
    return any(index.unique and column.name in index.columns for index in table.indexes) or any(
        column.name in constraint.columns for constraint in table.constraints if hasattr(constraint, "columns")
    )


def everything(connection: Connection, found: MetaData) -> dict[str, list[Values]]:
    """Every row of every table as names and values, in an order that does not depend on the database."""
    return {
        name: sorted((dict(row) for row in connection.execute(select(table)).mappings()), key=repr)
        for name, table in found.tables.items()
    }
