"""Lists of people as files, written some thousand rows at a time: workbooks, CSV, GeoParquet and GeoJSON.

What comes in are Arrow tables whose columns are named by the keys of ``Column``; ``lat`` and ``lon`` besides where the
file has points. No text of a table is ever run as a formula.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

MOST_ROWS = 1_048_575
"""Rows below the headings that a sheet of a workbook holds; whoever is left over stands on the next."""

_FORMULA = r"^\s*[=+\-@\t\r\n＝＋－＠]"
_NOT_TEXT = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"
_LONGEST_CELL = 32_767


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


def _harmless(values: pa.ChunkedArray, column: Column) -> pa.ChunkedArray:
    if column.kind is not Kind.TEXT:
        return values.cast(TYPES[column.kind])
    return without_formulas(values)


def without_formulas(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Texts as no spreadsheet runs them; see ``cells.harmless``, which does the same one by one."""
    clean = pc.replace_substring_regex(values, _NOT_TEXT, "")
    begins = pc.match_substring_regex(clean, _FORMULA)
    if not pc.any(begins).as_py():
        return clean
    return pc.if_else(begins, pc.binary_join_element_wise("'", clean, ""), clean)


def write_xlsx(path: Path, columns: Sequence[Column], tables: Iterable[pa.Table], about: About) -> None:
    """A workbook: headings that stay in sight and filter, days as days, all else as text; a last sheet says of what."""
    import xlsxwriter

    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "tmpdir": path.parent}
    book = xlsxwriter.Workbook(str(path), options)
    try:
        _Sheets(book, columns, about).write(tables)
        sheet = book.add_worksheet(about.sheet[:31])
        sheet.set_column(0, 0, 24)
        sheet.set_column(1, 1, 90, book.add_format({"text_wrap": True, "valign": "top"}))
        for row, (what, value) in enumerate(about.lines):
            sheet.write_string(row, 0, what)
            sheet.write_string(row, 1, value)
        book.set_properties({"title": about.title, "comments": about.sentence[:250]})
    finally:
        book.close()


class _Sheets:
    def __init__(self, book: Any, columns: Sequence[Column], about: About) -> None:
        self._book, self._columns, self._about = book, columns, about
        self._heading = book.add_format(
            {"bold": True, "text_wrap": True, "valign": "top", "bottom": 1, "bg_color": "#E8F0EC"}
        )
        self._day = book.add_format({"num_format": "dd/mm/yyyy"})
        self._sheet: Any = None
        self._row = 0
        self._number = 0

    def write(self, tables: Iterable[pa.Table]) -> None:
        self._begin()
        for table in tables:
            held = [self._values(table[one.key], one) for one in self._columns]
            for row in zip(*held, strict=True):
                if self._row > MOST_ROWS:
                    self._end()
                    self._begin()
                self._write(row)
        self._end()

    def _values(self, values: pa.ChunkedArray, column: Column) -> list[Any]:
        if column.kind is Kind.TEXT:
            clean = pc.utf8_slice_codeunits(pc.replace_substring_regex(values, _NOT_TEXT, ""), 0, _LONGEST_CELL)
            return list(clean.to_pylist())
        return list(values.to_pylist())

    def _write(self, row: Sequence[Any]) -> None:
        sheet, at = self._sheet, self._row
        for place, value in enumerate(row):
            if value is None or value == "":
                continue
            if isinstance(value, str):
                sheet.write_string(at, place, value)
            elif isinstance(value, date):
                if value.year < 1900:  # before the first day that a workbook knows
                    sheet.write_string(at, place, value.isoformat())
                else:
                    sheet.write_datetime(at, place, value, self._day)
            else:
                sheet.write_number(at, place, value)
        self._row += 1

    def _begin(self) -> None:
        self._number += 1
        title = self._about.title[:26]
        self._sheet = sheet = self._book.add_worksheet(title if self._number == 1 else f"{title} {self._number}")
        for place, one in enumerate(self._columns):
            sheet.set_column(place, place, one.width)
        sheet.freeze_panes(1, 0)
        sheet.repeat_rows(0)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.set_footer(f"&L{self._about.sentence.replace('&', '&&')[:200]}&R&P / &N")
        sheet.set_row(0, 45)
        for place, one in enumerate(self._columns):
            sheet.write_string(0, place, one.heading, self._heading)
        self._row = 1

    def _end(self) -> None:
        self._sheet.autofilter(0, 0, max(1, self._row - 1), len(self._columns) - 1)


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
