"""The register once more as columns: Parquet files that DuckDB filters, for questions that tallies cannot answer.

It is a copy and can be deleted at any time. Each of its files holds the households of some neighbouring cells; a
manifest names the files that belong together, and of each cell how often it had changed when it was copied. Whatever
changed since is handed in beside the files (``Fresh``), so that an answer is always that of one moment.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import time
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date
from fcntl import LOCK_EX, LOCK_NB, LOCK_SH, flock
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, cast
from urllib.parse import quote

from mapper.domain.ledger import INSIDE, State
from mapper.domain.people import Dose
from mapper.store.column_conditions import ON_EARTH, TABLES, Condition
from mapper.store.column_sheet import DOSES, STANDINGS, people_statement, put_together

# Both weigh as much as the rest of the server, and are loaded where a copy is first opened.
if TYPE_CHECKING:
    from array import array

    import duckdb
    import pyarrow as pa

CELLS_A_FILE = 16
"""Cells copied together: some thousand people."""

KEPT_S = 900
"""So long files stay that no manifest names any more: somebody may be reading them."""

WRITING = "writing.lock"
"""Held by all who write a copy, so that what they have not named yet is not swept away."""

MEMORY_LIMIT = "512MB"
"""What DuckDB takes before it writes to the disk beside the files."""

Table: TypeAlias = "pa.Table"
"""Rows as columns."""

Row = Sequence[Any]
Rows = Mapping[str, "Sequence[Row] | pa.Table"]
"""By table the rows of some cells, values in the order of the table's columns; or them as columns already."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a copy holds. made_of: the era of the tallies and the campaign it was made from. files: names by number.

    cells: how often each cell copied had changed.
    """

    made_of: str
    files: Mapping[int, str]
    cells: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Fresh:
    """What changed since the copy was made. cells: those that the files are not asked about."""

    cells: Sequence[int] = ()
    tables: Mapping[str, pa.Table] = field(default_factory=dict)


NOTHING = Manifest("", {}, {})


class Columns:
    """The copies of all campaigns below one folder. Safe for threads, and for processes that share the folder.

    folder: None for one that ends with this process.
    """

    def __init__(self, folder: Path | None) -> None:
        self._given = folder
        self._manifests: dict[str, tuple[int, Manifest]] = {}
        self._opening = Lock()
        self._database: duckdb.DuckDBPyConnection | None = None

    def manifest(self, campaign_id: str) -> Manifest:
        """What of a campaign is copied."""
        place = self._of(campaign_id) / "manifest.json"
        try:
            written = place.stat().st_mtime_ns
        except OSError:
            return NOTHING
        kept = self._manifests.get(campaign_id)
        if kept is None or kept[0] != written:
            try:
                held = json.loads(place.read_text("utf-8"))
                kept = (
                    written,
                    Manifest(
                        held["made_of"],
                        {int(number): name for number, name in held["files"].items()},
                        {int(cell): changes for cell, changes in held["cells"].items()},
                    ),
                )
            except (OSError, ValueError, KeyError, AttributeError):
                return NOTHING  # half a file of another release: copied anew
            self._manifests[campaign_id] = kept
        return kept[1]

    def write(self, campaign_id: str, made_of: str, files: Iterable[tuple[int, Mapping[int, int], Rows]]) -> None:
        """Copy cells. files: number of each file, its cells with how often they had changed, and their rows."""
        import pyarrow.parquet as pq

        folder = self._of(campaign_id)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _held(folder, LOCK_SH):
            before = self.manifest(campaign_id)
            if before.made_of != made_of:
                before = Manifest(made_of, {}, {})
            names, cells = dict(before.files), dict(before.cells)
            for number, held, rows in files:
                name = f"{number}-{secrets.token_hex(4)}"
                (folder / name).mkdir(mode=0o700)
                for table in TABLES:
                    pq.write_table(as_table(table, rows[table]), folder / name / f"{table}.parquet", compression="zstd")
                names[number] = name
                cells = {cell: changes for cell, changes in cells.items() if cell // CELLS_A_FILE != number}
                cells |= held
            text = json.dumps({"made_of": made_of, "files": names, "cells": cells})
            draft = folder / f"manifest-{secrets.token_hex(4)}.json"
            draft.write_text(text, "utf-8")
            _retire(folder, set(self.manifest(campaign_id).files.values()) - set(names.values()))
            draft.replace(folder / "manifest.json")
        self._sweep(campaign_id)

    def _sweep(self, campaign_id: str) -> None:
        """Delete what no manifest has named for a while; nothing while anybody writes, here or in another process."""
        folder = self._of(campaign_id)
        try:
            with _held(folder, LOCK_EX | LOCK_NB):
                named = {"manifest.json", WRITING, *self.manifest(campaign_id).files.values()}
                before = time.time() - KEPT_S
                for each in folder.iterdir():
                    if each.name not in named and each.stat().st_mtime < before:
                        shutil.rmtree(each) if each.is_dir() else each.unlink()
        except OSError:
            return  # somebody writes, or deletes the same: whoever ends last sweeps

    def forget(self, campaign_id: str) -> None:
        """Delete the copy of a campaign."""
        shutil.rmtree(self._of(campaign_id), ignore_errors=True)

    @contextmanager
    def asked(self, campaign_id: str, manifest: Manifest, fresh: Fresh) -> Iterator[Asking]:
        """A campaign's people as of one moment, to be asked about."""
        cursor = self._cursor()
        try:
            _bind(cursor, self._of(campaign_id), manifest, fresh)
            yield Asking(cursor)
        finally:
            cursor.close()

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        import duckdb

        aside = self._folder() / "aside"
        with self._opening:
            if self._database is None:
                aside.mkdir(parents=True, exist_ok=True, mode=0o700)
                self._database = duckdb.connect(
                    config={
                        "memory_limit": MEMORY_LIMIT,
                        "temp_directory": str(aside),
                        "preserve_insertion_order": True,
                    }
                )
        # Each a database of its own would not share memory; each a connection has temporary views of its own.
        return self._database.cursor()

    def _folder(self) -> Path:
        with self._opening:
            if self._given is None:
                self._given = Path(mkdtemp(prefix="tungnha-"))
                weakref.finalize(self, shutil.rmtree, self._given, ignore_errors=True)
            return self._given

    def _of(self, campaign_id: str) -> Path:
        return self._folder() / f"of-{quote(campaign_id, safe='')}"

    def close(self) -> None:
        """End DuckDB."""
        with self._opening:
            if self._database is not None:
                self._database.close()
                self._database = None


class Asking:
    """Answers about the people of one moment; ended by whoever opened it."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self._cursor = cursor

    def register(self, name: str, **columns: Sequence[int] | Sequence[str]) -> None:
        """Let conditions refer to a table of this name. columns: whole numbers, or texts where the first is one."""
        import pyarrow as pa

        kinds = {
            key: pa.string() if values and isinstance(values[0], str) else pa.int64() for key, values in columns.items()
        }
        self._cursor.register(name, pa.table({key: pa.array(values, kinds[key]) for key, values in columns.items()}))

    def points(self, south: float, west: float, north: float, east: float) -> list[tuple[int, float, float]]:
        """Seq, latitude and longitude of the households in a box that stand on this earth, degrees."""
        sql = f"SELECT seq, lat, lon FROM houses WHERE {ON_EARTH} AND lat BETWEEN ? AND ? AND lon BETWEEN ? AND ?"
        return [(seq, lat, lon) for seq, lat, lon in self.rows(sql, (south, north, west, east))]

    def by_cell(self, wanted: Condition) -> dict[int, int]:
        """People by cell; cells without any are left out."""
        sql = f"SELECT p.cell, count(*) FROM people p JOIN houses h USING (seq) WHERE {wanted.sql} GROUP BY p.cell"
        return dict(self.rows(sql, wanted.values))

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of an answer."""
        return self._cursor.execute(sql, list(values)).fetchall()

    def count(self, wanted: Condition) -> tuple[int, int]:
        """People, and the households they belong to."""
        sql = f"SELECT count(*), count(DISTINCT p.seq) FROM people p JOIN houses h USING (seq) WHERE {wanted.sql}"
        ((people, houses),) = self.rows(sql, wanted.values)
        return people, houses

    def numbers(self, wanted: Condition, first: int = 0, limit: int | None = None) -> Sequence[int]:
        """Numbers of people, hamlet by hamlet as the registered table ``places`` (cell, rank) has them."""
        sql = (
            "SELECT p.person FROM people p JOIN houses h USING (seq) JOIN places o ON o.cell = p.cell "
            f"WHERE {wanted.sql} ORDER BY o.rank, h.number_order, p.person"
        )
        if limit is not None:
            sql += f" LIMIT {int(limit)} OFFSET {int(first)}"
        found: Any = self._cursor.execute(sql, list(wanted.values)).fetchnumpy()["person"]
        return cast(Sequence[int], found)

    def sheet(
        self, wanted: Condition, cells: Sequence[int], codes: Sequence[str], series: int | None, day: date
    ) -> pa.Table:
        """The people wanted of some cells as one wide table; see ``column_sheet``. codes: of the doses with columns.

        series, day: where each of them stands, as ``state``: its place in INSIDE, null outside.
        """
        held, on = list(cells), day.toordinal()
        people, doses, standings = (
            self._cursor.sql(sql, params=values).to_arrow_table()
            for sql, values in (
                (people_statement(wanted), [held, held, *wanted.values]),
                (DOSES, [held]),
                (STANDINGS, [held, -1 if series is None else series, on, on]),
            )
        )
        return put_together(people, doses, standings, codes)

    def people(self, numbers: Sequence[int], series: int | None = None, day: date = date.min) -> list[PersonRow]:
        """These people in this order, some thousand at a time. series, day: where each of them stands is told too."""
        each = [int(number) for number in numbers]
        self.register("wanted", person=each)
        on = day.toordinal()
        rows = self.rows(
            f"SELECT p.person, {', '.join(_SHOWN)}, s.state FROM people p JOIN wanted USING (person) "
            "JOIN houses h USING (seq) LEFT JOIN standings s "
            "ON s.person = p.person AND s.series = ? AND s.since <= ? AND s.until > ?",
            (-1 if series is None else series, on, on),
        )
        doses: dict[int, list[Dose]] = {}
        for number, *facts in self.rows(
            "SELECT person, code, given_on, vaccine, lot, place, evidence FROM doses JOIN wanted USING (person) "
            "ORDER BY person, position"
        ):
            doses.setdefault(number, []).append(Dose(*facts))
        found = {
            number: PersonRow._make(
                (number, *facts, State.OUTSIDE if state is None else INSIDE[state], tuple(doses.get(number, ())))
            )
            for number, *facts, state in rows
        }
        return [found[number] for number in each]


class PersonRow(NamedTuple):
    """A person with their household, as the register knows them; state: for the series and day that were asked."""

    number: int
    cell: int
    id: str
    name: str | None
    born_on: date | None
    birth_precision: str | None
    sex: str | None
    residence: str
    away_place: str | None
    priorities: list[str]
    contraindicated: bool
    contraindication: str | None
    deferred_until: date | None
    deferral_reason: str | None
    infected_on: date | None
    refused: bool
    refusal_reason: str | None
    vaccination_unknown: bool
    reported_on: date
    household_id: str
    instance_id: str
    visited_on: date
    outcome: str
    house_number: str | None
    head: str | None
    phone: str | None
    lat: float | None
    lon: float | None
    point_state: str
    sender: int | None
    review: str
    state: State
    doses: tuple[Dose, ...]


_OF_HOUSE = frozenset(
    (
        "instance_id",
        "visited_on",
        "outcome",
        "house_number",
        "head",
        "phone",
        "lat",
        "lon",
        "point_state",
        "sender",
        "review",
    )
)
_SHOWN = tuple(
    "h.id" if name == "household_id" else f"{'h' if name in _OF_HOUSE else 'p'}.{name}"
    for name in PersonRow._fields[1:-2]
)


@cache
def _schema(table: str) -> pa.Schema:
    """The columns of one of TABLES."""
    import pyarrow as pa

    kinds = {kind: getattr(pa, kind) for columns in TABLES.values() for kind in columns.values() if " " not in kind}
    types = {kind: make() for kind, make in kinds.items()} | {"list of string": pa.list_(pa.string())}
    return pa.schema([(name, types[kind]) for name, kind in TABLES[table].items()])


def as_table(table: str, rows: Sequence[Row] | pa.Table) -> pa.Table:
    """Rows of one of TABLES as columns."""
    import pyarrow as pa

    if isinstance(rows, pa.Table):
        return rows
    schema = _schema(table)
    columns = zip(*rows, strict=True) if rows else [()] * len(schema)
    return pa.Table.from_arrays(
        [pa.array(values, one.type) for values, one in zip(columns, schema, strict=True)], schema=schema
    )


def standings_table(people: array[int], cells: array[int], counts: array[int], told: array[int]) -> pa.Table:
    """Where people stand as columns, series by series: there are ten rows a person, and more than of all other tables.

    people, cells, counts: of each person number, cell, and how many rows are theirs; told: series, state, since, until
    and enters of each row, one after another.
    """
    import numpy as np
    import pyarrow as pa

    schema, many = _schema("standings"), np.asarray(counts, np.int64)
    person, cell = (np.repeat(np.asarray(each, np.int64), many) for each in (people, cells))
    rest = np.asarray(told, np.int64).reshape(-1, 5).T
    # As they are asked for: files of the same order compress best, and those of a series are found quickly.
    order = np.lexsort((person, rest[0]))
    arrays = [pa.array(each[order]).cast(one.type) for each, one in zip((person, cell, *rest), schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)


def _bind(cursor: duckdb.DuckDBPyConnection, folder: Path, manifest: Manifest, fresh: Fresh) -> None:
    for table in TABLES:
        parts = []
        if manifest.files:
            places = [str(folder / name / f"{table}.parquet").replace("'", "''") for name in manifest.files.values()]
            files = ", ".join(f"'{place}'" for place in places)
            stale = f" WHERE cell NOT IN ({', '.join(map(str, fresh.cells))})" if fresh.cells else ""
            parts.append(f"SELECT * FROM read_parquet([{files}]){stale}")
        if table in fresh.tables:
            cursor.register(f"fresh_{table}", fresh.tables[table])
            parts.append(f"SELECT * FROM fresh_{table}")
        if not parts:
            cursor.register(f"fresh_{table}", as_table(table, ()))
            parts.append(f"SELECT * FROM fresh_{table}")
        cursor.execute(f"CREATE OR REPLACE TEMP VIEW {table} AS {' UNION ALL '.join(parts)}")


@contextmanager
def _held(folder: Path, how: int) -> Iterator[None]:
    """Hold the lock of a copy's folder, which ends with the process. Raises BlockingIOError where LOCK_NB cannot."""
    with (folder / WRITING).open("ab") as file:
        flock(file, how)
        yield


def _retire(folder: Path, names: Iterable[str]) -> None:
    """Count the time that files stay for their readers from now on."""
    for name in names:
        with suppress(FileNotFoundError):
            os.utime(folder / name)
