"""Tables of epidemic levels as people save them: any separator, either language, dates as written or as a day."""

from __future__ import annotations

import io
from datetime import date, datetime

import openpyxl
import pytest

from mapper.errors import InvalidForm, InvalidInput, TooLarge
from mapper.formats.level_table import LevelColumns, LevelRow, LevelTable, read_levels

GUESSED = LevelColumns()


def read(text: str, columns: LevelColumns = GUESSED) -> LevelTable:
    return read_levels("cap_do.csv", text.encode(), columns)


def only(text: str) -> LevelRow:
    table = read(text)
    assert table.faults == ()
    (row,) = table.rows
    return row


@pytest.mark.parametrize(
    "text",
    [
        "commune_code,level,from,source\n01969,3,2022-08-15,QĐ 12/QĐ-UBND\n",
        "\ufeffMã xã;Cấp độ dịch;Từ ngày;Quyết định\n01969;Cấp 3;15/08/2022;QĐ 12/QĐ-UBND\n",
        "Mã xã\tVùng\tNgày áp dụng\tSố quyết định\n01969\tvùng cam\t15-8-2022\tQĐ 12/QĐ-UBND\n",
        "\n\nMã xã,Cấp độ,Từ ngày,Văn bản\n\n01969,Cấp độ 3 (vùng cam),15.8.2022,QĐ  12/QĐ-UBND\n",
    ],
)
def test_a_row_is_read_however_the_table_was_saved(text: str) -> None:
    row = only(text)
    assert (row.code, row.level, row.from_day, row.source) == ("01969", 3, date(2022, 8, 15), "QĐ 12/QĐ-UBND")


@pytest.mark.parametrize(
    ("cell", "level"),
    [("1", 1), ("Cấp độ 2", 2), ("cap do 4", 4), ("Đỏ", 4), ("vùng đỏ", 4), ("Xanh", 1), ("Yellow", 2), ("vung do", 4)],
)
def test_a_level_is_a_number_or_a_colour(cell: str, level: int) -> None:
    assert only(f"code,level\n1,{cell}\n").level == level


@pytest.mark.parametrize("cell", ["", "0", "5", "2 hoặc 3", "xanh 3", "tím", "độ", "1.5"])
def test_a_level_that_is_none_is_told_with_its_row(cell: str) -> None:
    table = read(f"code,level\n1,{cell}\n2,1\n")
    assert [(fault.row, "is no epidemic level" in fault.message) for fault in table.faults] == [(2, True)]
    assert [row.code for row in table.rows] == ["2"]


def test_a_day_that_is_none_and_a_row_without_a_commune_are_told_with_their_rows() -> None:
    table = read("code,name,level,from\n1,,2,31/02/2022\n,,2,2022-08-31\n,Vi Hương,2,\n")
    assert [(fault.row, fault.message.split(".")[0]) for fault in table.faults] == [
        (2, "{date} is not a day"),
        (3, "it names no commune"),
    ]
    assert [(row.name, row.from_day, row.row) for row in table.rows] == [("Vi Hương", None, 4)]


def test_columns_with_other_names_are_told_by_the_importer() -> None:
    text = "Mã,Tô màu,Ghi chú,STT\n01969,4,theo họp,1\n"
    with pytest.raises(InvalidInput, match=r"needs a column .* It has: Mã, Tô màu, Ghi chú, STT"):
        read(text)
    row = read(text, LevelColumns(level="tô màu", source="Ghi chú")).rows[0]
    assert (row.code, row.level, row.source) == ("01969", 4, "theo họp")
    with pytest.raises(InvalidInput, match="has no column Mức"):
        read(text, LevelColumns(level="Mức"))


def test_a_workbook_is_read_with_its_days_and_numbers() -> None:
    book = openpyxl.Workbook()
    book.active.append(["Mã xã", "Tên xã", "Cấp độ", "Từ ngày"])
    book.active.append([1969, "Phủ Thông", 2, datetime(2022, 8, 15)])
    file = io.BytesIO()
    book.save(file)
    book.close()
    row = read_levels("cap_do.xlsx", file.getvalue(), GUESSED).rows[0]
    assert (row.code, row.name, row.level, row.from_day, row.row) == ("1969", "Phủ Thông", 2, date(2022, 8, 15), 2)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "is empty"),
        (b"code,level\n", "no row below"),
        ("code,level\n1,đỏ\n".encode("utf-16-be"), "not in UTF-8"),
        (b'code,level\n"1,2\n', "Correct the quotes"),
        (b"code,level\n1,2\n" * 10_001, "are taken at once"),
    ],
)
def test_what_is_no_table_is_refused_with_the_cure(data: bytes, why: str) -> None:
    with pytest.raises((InvalidInput, TooLarge), match=why):
        read_levels("cap_do.csv", data, GUESSED)


def test_a_damaged_workbook_is_refused() -> None:
    with pytest.raises(InvalidForm, match="is not an Excel workbook"):
        read_levels("cap_do.xlsx", b"PK\x03\x04 and no more", GUESSED)
