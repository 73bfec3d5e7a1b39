"""Tables as a workbook, read back by another library."""

from __future__ import annotations

import io
from datetime import date, datetime

import openpyxl

from mapper.formats.plan_workbook import TableSheet, write_tables

EVIL = ('=HYPERLINK("http://evil","x")', "+1+1", "-1", "@SUM(A1)", "{=1+1}", "Nông\x00Thị\nLan")


def test_numbers_days_and_texts_come_back_as_what_they_are() -> None:
    rows = [(date(2026, 11, 25), "Đội 1", 40, 22.05, None, "")]
    columns = tuple((name, 9) for name in ("Ngày", "Đội", "Số người", "Vĩ độ", "Không", "Trống"))
    book = openpyxl.load_workbook(io.BytesIO(write_tables([TableSheet("Buổi", columns, rows)], "Kế hoạch", "giả định")))
    sheet = book["Buổi"]
    assert [cell.value for cell in sheet[1]] == [name for name, _ in columns]
    assert [cell.value for cell in sheet[2]] == [datetime(2026, 11, 25), "Đội 1", 40, 22.05, None, None]
    assert sheet["A2"].number_format == "dd/mm/yyyy"
    assert (sheet.freeze_panes, sheet.auto_filter.ref) == ("A2", "A1:F2")


def test_what_looks_like_a_formula_stays_a_text() -> None:
    sheet = TableSheet("Người dân", (("Họ tên", 20),), [(text,) for text in EVIL])
    book = openpyxl.load_workbook(io.BytesIO(write_tables([sheet], "=1+1", "foot & all")))
    cells = [row[0] for row in book["Người dân"].iter_rows(min_row=2)]
    assert [cell.data_type for cell in cells] == ["s"] * len(EVIL)
    assert [cell.value for cell in cells] == [*EVIL[:-1], "Nông Thị Lan"]
    assert all(cell.number_format == "@" for cell in cells)


def test_a_table_without_rows_has_its_columns() -> None:
    book = openpyxl.load_workbook(io.BytesIO(write_tables([TableSheet("Trống", (("A", 5),), [])], "", "")))
    assert [cell.value for cell in book["Trống"][1]] == ["A"]
