"""Lists of people as files, written some thousand rows at a time: CSV, GeoParquet and GeoJSON.

What comes in are Arrow tables whose columns are named by the keys of ``Column``; ``lat`` and ``lon`` besides where the
file has points. No text of a table is ever run as a formula.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from mapper.formats.people_columns import by_value

_FORMULA = r"^\s*[=+\-@\t\r\n＝＋－＠]"
NOT_TEXT = "[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f\ufffe\uffff]"
"""Characters that no table holds."""


class Kind(StrEnum):
    """What stands in a column."""

    TEXT = "text"
    DAY = "day"
    NUMBER = "number"


TYPES = {Kind.TEXT: pa.string(), Kind.DAY: pa.date32(), Kind.NUMBER: pa.float64()}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a list. key: its name for programs; heading: for readers; width: in characters, of a workbook."""

    key: str
    heading: str
    kind: Kind = Kind.TEXT
    width: int = 14


@dataclass(frozen=True, slots=True)
class About:
    """What a file says of itself. title: of the list; lines: what, and its value; sentence: the same in one."""

    title: str
    sheet: str
    lines: Sequence[tuple[str, str]]

    @property
    def sentence(self) -> str:
        """All of it in a line."""
        return "; ".join(f"{what}: {value}" if value else what for what, value in self.lines)


def write_csv(path: Path, columns: Sequence[Column], tables: Iterable[pa.Table], about: About) -> None:
    """UTF-8 with its mark for Excel; what the file says of itself is the heading of a last, empty column."""
    note = about.sentence
    schema = pa.schema([(one.heading, TYPES[one.kind]) for one in columns] + [(note, pa.string())])
    with path.open("wb") as file:
        file.write(b"\xef\xbb\xbf")
        with pyarrow.csv.CSVWriter(file, schema) as writer:
            for table in tables:
                held = [_harmless(table[one.key], one) for one in columns]
                writer.write_table(pa.Table.from_arrays([*held, pa.nulls(table.num_rows, pa.string())], schema=schema))


def _harmless(values: pa.ChunkedArray, column: Column) -> Any:
    if column.kind is not Kind.TEXT:
        return values.cast(TYPES[column.kind])
    return by_value(values, without_formulas).all


def without_formulas(values: pa.Array) -> pa.Array:
    """Texts as no spreadsheet runs them; see ``cells.harmless``, which does the same one by one."""
    if not pc.any(pc.match_substring_regex(values, f"{_FORMULA}|{NOT_TEXT}")).as_py():
        return values
    clean = pc.replace_substring_regex(values, NOT_TEXT, "")
    begins = pc.match_substring_regex(clean, _FORMULA)
    return pc.if_else(begins, pc.binary_join_element_wise("'", clean, ""), clean)


GEOMETRY = "geometry"


def with_points(columns: Sequence[Column], tables: Iterable[pa.Table]) -> pa.RecordBatchReader:
    """The same as a stream, with a column of points as WKB, none where a house has no position."""
    schema = pa.schema([(one.key, TYPES[one.kind]) for one in columns] + [(GEOMETRY, pa.binary())])

    def batches() -> Iterator[pa.RecordBatch]:
        for table in tables:
            held = [table[one.key].cast(TYPES[one.kind]) for one in columns]
            made = pa.Table.from_arrays([*held, points(table["lat"], table["lon"])], schema=schema)
            yield from made.to_batches()

    return pa.RecordBatchReader.from_batches(schema, batches())


def points(lat: pa.ChunkedArray, lon: pa.ChunkedArray) -> pa.Array:
    """Points as WKB from degrees."""
    import numpy as np

    missing = pc.or_(pc.is_null(lat), pc.is_null(lon)).to_numpy()
    wkb = np.zeros(len(lat), dtype=np.dtype([("order", "u1"), ("kind", "<u4"), ("x", "<f8"), ("y", "<f8")]))
    wkb["order"], wkb["kind"] = 1, 1
    wkb["x"], wkb["y"] = pc.fill_null(lon, 0.0).to_numpy(), pc.fill_null(lat, 0.0).to_numpy()
    size = wkb.dtype.itemsize
    fixed = pa.FixedSizeBinaryArray.from_buffers(pa.binary(size), len(wkb), [None, pa.py_buffer(wkb.tobytes())])
    return pc.if_else(pa.array(missing), pa.scalar(None, pa.binary()), fixed.cast(pa.binary()))


def write_parquet(path: Path, columns: Sequence[Column], tables: Iterable[pa.Table], about: About) -> None:
    """GeoParquet 1.1, longitude and latitude on WGS 84."""
    batches = with_points(columns, tables)
    geo = {
        "version": "1.1.0",
        "primary_column": GEOMETRY,
        "columns": {GEOMETRY: {"encoding": "WKB", "geometry_types": ["Point"]}},
    }
    told = {"geo": json.dumps(geo), "about": json.dumps(dict(about.lines), ensure_ascii=False)}
    with pq.ParquetWriter(path, batches.schema.with_metadata(told), compression="zstd") as writer:
        for batch in batches:
            writer.write_batch(batch)


def write_geojson(path: Path, columns: Sequence[Column], tables: Iterable[pa.Table], about: About) -> None:
    """A FeatureCollection, a feature a line; ``about`` stands beside its features."""
    with path.open("wb") as file:
        file.write(b'{"type":"FeatureCollection","about":' + orjson.dumps(dict(about.lines)) + b',"features":[')
        between = b"\n"
        for table in tables:
            held = [table[one.key].to_pylist() for one in columns]
            names = [one.key for one in columns]
            for lat, lon, *row in zip(table["lat"].to_pylist(), table["lon"].to_pylist(), *held, strict=True):
                at = None if lat is None or lon is None else {"type": "Point", "coordinates": [lon, lat]}
                told = {"type": "Feature", "geometry": at, "properties": dict(zip(names, row, strict=True))}
                file.write(between + orjson.dumps(told))
                between = b",\n"
        file.write(b"\n]}\n")
