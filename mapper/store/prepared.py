"""Statements compiled once and run on the driver's own connection, for what is asked many times a second."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.engine import Dialect
from sqlalchemy.sql import ClauseElement
from sqlalchemy.types import TypeEngine

from mapper.store.sealing import opener, sealer, with_all

ROWS_AT_ONCE = (256, 128, 64, 32, 16, 8, 4, 2)
"""Rows of one INSERT on SQLite, so that a few statements, kept by the driver, do for any number of rows."""

_VALUES = re.compile(r"VALUES (\([?, ]+\))")
_NUMBERS = re.compile(r"VALUES \((%s::INTEGER(?:, %s::INTEGER)*)\)")


class Prepared:
    """A Core statement compiled once for a dialect, run on the driver's connection.

    Values pass through no SQLAlchemy type, except those of sealed columns: dates as ISO text, booleans and numbers as
    they are.
    """

    __slots__ = ("_names", "_of_columns", "_of_rows", "_opens", "_seals", "sql")

    def __init__(self, statement: ClauseElement, dialect: Dialect) -> None:
        compiled: Any = statement.compile(dialect=dialect)
        self.sql = str(compiled)
        self._names: list[str] = list(compiled.positiontup)
        self._seals = _at([compiled.binds[name].type for name in self._names], dialect, sealer)
        self._opens = _at([column.type for column in compiled._result_columns], dialect, opener)
        self._of_rows: dict[int, str] = {}
        of_columns, found = _NUMBERS.subn(_from_columns, self.sql)
        self._of_columns = of_columns if found else ""
        values = _VALUES.search(self.sql)
        if values is not None and dialect.name == "sqlite":
            before, row, after = self.sql[: values.start(1)], values[1], self.sql[values.end(1) :]
            self._of_rows = {number: f"{before}{', '.join([row] * number)}{after}" for number in ROWS_AT_ONCE}

    def rows(self, driver: Any, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """All rows of a SELECT, or of an INSERT with RETURNING."""
        found: list[tuple[Any, ...]] = driver.execute(self.sql, self._values(values)).fetchall()
        return [with_all(row, self._opens) for row in found] if self._opens else found

    def run(self, driver: Any, values: Mapping[str, Any]) -> int:
        """Execute once; the number of rows written."""
        count: int = driver.execute(self.sql, self._values(values)).rowcount
        return count

    def _values(self, values: Mapping[str, Any]) -> Sequence[Any]:
        given = [values[name] for name in self._names]
        return with_all(given, self._seals) if self._seals else given

    def run_each(self, driver: Any, rows: Sequence[Mapping[str, Any]]) -> None:
        """Execute for every row of named values, in their order."""
        self.run_many(driver, [[values[name] for name in self._names] for values in rows])

    def run_many(self, driver: Any, rows: Sequence[Sequence[Any]]) -> None:
        """Execute for every row, in their order; an INSERT's values stand in the order of the table's columns.

        On SQLite an INSERT takes many rows at a time: the driver gives Python's lock away three times a statement,
        and where threads wait for it, each time costs more than the row.
        """
        if self._seals:
            rows = [with_all(row, self._seals) for row in rows]
        start = 0
        for number, sql in self._of_rows.items():
            while len(rows) - start >= number:
                driver.execute(sql, [*chain.from_iterable(rows[start : start + number])])
                start += number
        self._run_rest(driver, rows[start:])

    def run_array(self, driver: Any, rows: NDArray[np.int32]) -> None:
        """The same for rows of numbers, none of them sealed, each of which has another key.

        On PostgreSQL all in one statement, a column at a time: else each row is one.
        """
        if self._of_columns:
            driver.execute(self._of_columns, rows.T.tolist())
            return
        width, start = rows.shape[1], 0
        numbers = rows.ravel().tolist() if self._of_rows else []
        for number, sql in self._of_rows.items():
            while len(rows) - start >= number:
                driver.execute(sql, numbers[start * width : (start + number) * width])
                start += number
        self._run_rest(driver, rows[start:].tolist())

    def _run_rest(self, driver: Any, rows: Sequence[Sequence[Any]]) -> None:
        if not rows:
            return
        cursor = driver.cursor()
        try:
            cursor.executemany(self.sql, rows)
        finally:
            cursor.close()


def _from_columns(values: re.Match[str]) -> str:
    columns = values[1].replace("INTEGER", "INTEGER[]")
    return f"SELECT * FROM unnest({columns})"  # noqa: S608


def _at(
    types: Sequence[TypeEngine[Any]],
    dialect: Dialect,
    change: Callable[[TypeEngine[Any], Dialect], Callable[[Any], Any] | None],
) -> list[tuple[int, Callable[[Any], Any]]]:
    return [(place, done) for place, one in enumerate(types) if (done := change(one, dialect)) is not None]
