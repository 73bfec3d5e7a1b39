"""Lists of people as files: each cell comes out of each kind of file as it went in, by programs that people have."""

from __future__ import annotations

import csv
import json
import sqlite3
import tracemalloc
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import geopandas as gpd
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import pytest

from mapper.formats import people_workbook
from mapper.formats.people_files import About, Column, Kind, with_points, write_csv, write_geojson, write_parquet
from mapper.formats.people_workbook import write_xlsx
from mapper.geo.point_layer import write_geopackage
from tests import office
from tests.conftest import missing

COLUMNS = [
    Column("name", "Họ và tên", width=26),
    Column("born_on", "Ngày sinh", Kind.DAY),
    Column("age", "Tuổi", Kind.NUMBER),
    Column("lot", "Số lô"),
]
NAMES = [
    *("=1+1", "@SUM(A1)", "+84912345678", "-3", "\uff1dcmd", " =2", "\tx"),
    *("Nguyễn Thị Ánh", "Bế <b>&amp; \"Văn\" 'Nam'", "_x000D_", "hai\ndòng", "  trống  ", "0012", "1/2", "#REF!"),
    *("😀 Lý", "a;b,c", "TRUE", "1e5", "x" * 300, ""),
]
DAYS = [date(1899, 12, 31), date(1900, 1, 1), date(1900, 2, 28), date(1900, 3, 1), date(2000, 2, 29), None]
ROWS = [
    (name, DAYS[place % len(DAYS)], None if place == 3 else float(place), f"00{place % 3}" if place % 4 else None)
    for place, name in enumerate(NAMES)
]
PLACES = [None if place % 5 == 0 else (22.0 + place / 1000, 105.0 + place / 777) for place in range(len(ROWS))]
ABOUT = About(
    "Danh sách người dân", "Về tệp này", [("Bộ lọc", "tất cả"), ("Bộ ranh giới", "Xã, 2022"), ("Lập lúc", "08/09/2022")]
)


def tables(rows: list[tuple[Any, ...]] = ROWS, at_once: int = 8) -> Iterator[pa.Table]:
    for first in range(0, len(rows), at_once):
        some = rows[first : first + at_once]
        values = list(zip(*some, strict=True))
        here = [PLACES[(first + place) % len(PLACES)] for place in range(len(some))]
        yield pa.table(
            {
                "name": pa.array(values[0], pa.string()),
                "born_on": pa.array(values[1], pa.date32()),
                "age": pa.array(values[2], pa.float64()),
                "lot": pa.array(values[3], pa.string()),
                "lat": pa.array([at and at[0] for at in here], pa.float64()),
                "lon": pa.array([at and at[1] for at in here], pa.float64()),
            }
        )


def guarded(name: str) -> str:
    """A text as a CSV has it."""
    return f"'{name}" if name.lstrip(" ")[:1] in tuple("=+-@\t\uff1d") and name else name


def written(day: date | None) -> str:
    return day.isoformat() if day else ""


def expected(name: Any, day: Any, age: Any, lot: Any) -> list[str]:
    return [guarded(name), written(day), "" if age is None else f"{age:g}", lot or ""]


def test_every_cell_of_a_workbook_is_what_it_was(tmp_path: Path) -> None:
    write_xlsx(tmp_path / "a.xlsx", COLUMNS, tables(), ABOUT, len(ROWS))
    book = openpyxl.load_workbook(tmp_path / "a.xlsx")
    sheet = book.worksheets[0]
    assert [cell.value for cell in sheet[1]] == [one.heading for one in COLUMNS]
    assert (sheet.freeze_panes, sheet.auto_filter.ref, sheet.dimensions) == ("A2", "A1:D22", "A1:D22")
    for at, (name, day, age, lot) in enumerate(ROWS, 2):
        cells = sheet[at]
        # Of the name that looks like an escape of openpyxl's own only what Excel would show is told here.
        assert (cells[0].value or "").replace("_x005F_x", "_x") == name
        assert cells[0].data_type == ("s" if name else "n")
        if day and day.year < 1900:
            assert cells[1].value == day.isoformat()
        elif day and day < date(1900, 3, 1):
            assert cells[1].is_date  # programs differ on which day that is: Excel thinks 1900 a leap year
        else:
            assert (cells[1].value and cells[1].value.date()) == day
        assert (cells[2].value, cells[3].value) == (age, lot)
    told = book.worksheets[1]
    assert [tuple(cell.value for cell in row) for row in told.iter_rows()] == list(ABOUT.lines)
    assert "Xã, 2022" in book.properties.description and sheet.cell(2, 1).number_format == "@"


def test_more_rows_than_a_sheet_holds_go_on_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people_workbook, "MOST_ROWS", 9)
    write_xlsx(tmp_path / "a.xlsx", COLUMNS, tables(), ABOUT, len(ROWS))
    book = openpyxl.load_workbook(tmp_path / "a.xlsx")
    assert [sheet.max_row - 1 for sheet in book.worksheets[:-1]] == [9, 9, 3]
    assert [row[2].value for sheet in book.worksheets[:-1] for row in sheet.iter_rows(min_row=2)] == [
        r[2] for r in ROWS
    ]
    write_xlsx(tmp_path / "b.xlsx", COLUMNS, iter(()), ABOUT, 0)
    assert openpyxl.load_workbook(tmp_path / "b.xlsx").worksheets[0].max_row == 1


def test_libreoffice_shows_every_cell_of_workbook_and_csv(tmp_path: Path) -> None:
    program = office.find()
    if program is None:
        missing("no LibreOffice found: apt-get install libreoffice-calc-nogui")
    write_xlsx(tmp_path / "book.xlsx", COLUMNS, tables(), ABOUT, len(ROWS))
    write_csv(tmp_path / "list.csv", COLUMNS, tables(), ABOUT)
    office.convert(program, [tmp_path / "book.xlsx"], office.AS_CSV, tmp_path / "out")
    office.convert(program, [tmp_path / "list.csv"], "xlsx", tmp_path / "out", office.FROM_CSV)
    (book,) = (tmp_path / "out").glob("book-*.csv")
    with book.open(encoding="utf-8", newline="") as file:
        shown = list(csv.reader(file))
    assert shown[0] == [one.heading for one in COLUMNS]
    for row, (name, day, age, lot) in zip(shown[1:], ROWS, strict=True):
        if day and date(1900, 1, 1) <= day < date(1900, 3, 1):
            row[1] = ""  # LibreOffice knows that 1900 was no leap year, Excel does not
            day = None
        told = f"{day:%d/%m/%Y}" if day and day.year >= 1900 else written(day)
        assert row == [name, told, "" if age is None else f"{age:g}", lot or ""]
    sheet = openpyxl.load_workbook(tmp_path / "out" / "list.xlsx").worksheets[0]
    read = [cell.value for cell in sheet["A"][1:]]
    # No name has become a formula; numbers and truth values are what a CSV cannot keep apart.
    for value, (name, *_) in zip(read, ROWS, strict=True):
        if name not in ("0012", "1/2", "TRUE", "1e5", "#REF!"):
            assert (value or "") == guarded(name)
    assert not any(cell.data_type == "f" for row in sheet.iter_rows() for cell in row)


def test_pandas_and_duckdb_read_every_cell_of_the_csv(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    write_csv(path, COLUMNS, tables(), ABOUT)
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    wanted = [expected(*row) for row in ROWS]
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    assert list(frame.columns) == [*(one.heading for one in COLUMNS), ABOUT.sentence]
    assert frame.iloc[:, :4].to_numpy().tolist() == wanted
    held = duckdb.sql(f"SELECT * FROM read_csv('{path}', all_varchar=true, header=true)").fetchall()
    assert [[value or "" for value in row[:4]] for row in held] == wanted


def test_readers_of_maps_find_every_cell_and_every_point(tmp_path: Path) -> None:
    gpkg, parquet, geojson = (tmp_path / f"people.{kind}" for kind in ("gpkg", "parquet", "geojson"))
    write_geopackage(gpkg, "people", with_points(COLUMNS, tables()), dict(ABOUT.lines))
    write_parquet(parquet, COLUMNS, tables(), ABOUT)
    write_geojson(geojson, COLUMNS, tables(), ABOUT)
    found = {"gpkg": pyogrio.read_dataframe(gpkg), "geojson": pyogrio.read_dataframe(geojson)}
    found |= {"geopandas": gpd.read_file(gpkg), "parquet": gpd.read_parquet(parquet)}
    for kind, frame in found.items():
        assert frame["name"].fillna("").tolist() == NAMES, kind
        days = [None if pd.isna(day) else pd.Timestamp(day).date() for day in frame["born_on"]]
        assert days == [row[1] for row in ROWS], kind
        assert [None if pd.isna(age) else age for age in frame["age"]] == [row[2] for row in ROWS], kind
        assert [None if pd.isna(lot) else lot for lot in frame["lot"]] == [row[3] for row in ROWS], kind
        points = [None if at is None or at.is_empty else (at.y, at.x) for at in frame.geometry]
        assert points == PLACES, kind
        assert "WGS 84" in frame.crs.name, kind
    plain = duckdb.sql(f"SELECT name, born_on, age, lot FROM '{parquet}'").fetchall()
    assert [tuple(row) for row in plain] == ROWS
    # Each says of itself what it is.
    assert json.loads(geojson.read_text("utf-8"))["about"] == dict(ABOUT.lines)
    assert json.loads(pq.read_schema(parquet).metadata[b"about"]) == dict(ABOUT.lines)
    with sqlite3.connect(gpkg) as connection:
        assert "Xã, 2022" in connection.execute("SELECT description FROM gpkg_contents").fetchone()[0]
    connection.close()


@pytest.mark.parametrize("kind", ["xlsx", "csv", "parquet", "geojson"])
def test_ten_times_the_people_take_no_more_memory(tmp_path: Path, kind: str) -> None:
    def most(number: int) -> int:
        rows = [(f"Nông Văn {at}", date(2000, 1, 1) + timedelta(at % 900), float(at % 90), "A1") for at in range(2000)]
        many = (table for _ in range(number // 2000) for table in tables(rows, 1000))
        path = tmp_path / f"list.{kind}"
        tracemalloc.start()
        pa.default_memory_pool().release_unused()
        before, held = pa.total_allocated_bytes(), [0]

        def watched() -> Iterator[pa.Table]:
            for table in many:
                held[0] = max(held[0], pa.total_allocated_bytes() - before)
                yield table

        try:
            match kind:
                case "xlsx":
                    write_xlsx(path, COLUMNS, watched(), ABOUT, number)
                case "csv":
                    write_csv(path, COLUMNS, watched(), ABOUT)
                case "parquet":
                    write_parquet(path, COLUMNS, watched(), ABOUT)
                case _:
                    write_geojson(path, COLUMNS, watched(), ABOUT)
            return tracemalloc.get_traced_memory()[1] + held[0]
        finally:
            tracemalloc.stop()

    most(2000)  # what is imported and kept at the first time does not count
    assert most(20_000) < 1.5 * most(2000) + 500_000
