"""Columns of lists of people, worked out for thousands at once: from the register's codes to what a file tells."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

Table: TypeAlias = pa.Table
"""Rows as columns."""

Values: TypeAlias = Any
"""A column of a table."""


def as_table(values: Mapping[str, Values]) -> Table:
    """Columns by their names as a table."""
    made: Table = pa.table(dict(values))
    return made


@dataclass(frozen=True, slots=True)
class Words:
    """A column as its different values, and which of them stands in each row; null where none does."""

    different: Values
    places: Values

    @property
    def all(self) -> Values:
        """The column."""
        return pa.chunked_array([self.different.take(self.places)])

    def some(self, first: int, length: int) -> Values:
        """Some rows of it."""
        return self.different.take(self.places.slice(first, length))


def by_value(values: Values, change: Callable[[Values], Values]) -> Words:
    """What becomes of the different values of a column, of which there are few mostly."""
    found = values.dictionary_encode() if len(values) else pa.array([], values.type).dictionary_encode()
    if isinstance(found, pa.ChunkedArray):
        found = found.combine_chunks()
    return Words(change(found.dictionary), found.indices)


def translated(values: Values, name: Callable[[Any], str | None]) -> Values:
    """Each value as it is called, every different one asked for once; null stays null."""
    return by_value(values, lambda different: pa.array([name(one) for one in different.to_pylist()], pa.string())).all


def joined(values: Values) -> Values:
    """Lists of words as texts with blanks between."""
    return pc.binary_join(values, " ")


def filled(values: Values, value: object) -> Values:
    """The column with a value where there is none."""
    return pc.fill_null(values, value)


def told_if(values: Values, word: str) -> Values:
    """A word where it is so, nothing where it is not."""
    return pc.if_else(values, word, pa.scalar(None, pa.string()))


def only_where(values: Values, states: Values, allowed: list[str]) -> Values:
    """Numbers of rows whose state is one of those allowed."""
    return pc.if_else(pc.is_in(states, pa.array(allowed)), values, pa.scalar(None, pa.float64()))


def ages(born: Values, day: date) -> Values:
    """Full years on a day; null for who was not born by then."""
    before = pc.or_(
        pc.greater(pc.month(born), day.month),
        pc.and_(pc.equal(pc.month(born), day.month), pc.greater(pc.day(born), day.day)),
    )
    years = pc.subtract(pc.subtract(day.year, pc.year(born)), pc.cast(before, pa.int64()))
    return pc.if_else(pc.less(years, 0), pa.scalar(None, pa.int64()), years).cast(pa.float64())
