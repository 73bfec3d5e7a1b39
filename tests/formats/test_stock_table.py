"""Tables of stock: columns by English and Vietnamese names, words of store keepers, numbers as they are written."""

from __future__ import annotations

from datetime import date
from io import BytesIO

import openpyxl
import pytest

from mapper.domain.stock import Kind, WasteReason
from mapper.errors import InvalidInput
from mapper.formats.cells import harmless
from mapper.formats.stock_table import StockRow, read_stock_row, read_stock_table

ROW = {"day": "15/08/2022", "kind": "received", "store": "001", "formulation": "ten", "lot": "A", "doses": "10"}


def table(header: str, *lines: str) -> list[StockRow]:
    rows, faults = read_stock_table("kho.csv", "\n".join((header, *lines)).encode())
    assert faults == []
    return rows


def test_lots_and_vials_are_told_apart_by_their_accents() -> None:
    (row,) = table("Ngày,Nội dung,Kho,Vắc-xin,Số lô,Số lọ", "15/8/2022,nhập kho,001,ten,A1,12")
    assert (row.lot, row.vials, row.doses, row.kind, row.day) == ("A1", 12, None, Kind.RECEIVED, date(2022, 8, 15))
    (row,) = table("ngay,loai,kho,vac xin,so lieu,lot,han dung", "2022-08-15,su dung,001,ten,7,A1,31/12/2022")
    assert (row.lot, row.doses, row.kind, row.expiry) == ("A1", 7, Kind.USED, date(2022, 12, 31))
    with pytest.raises(InvalidInput, match="lacks"):
        read_stock_table("kho.csv", b"ngay,loai,kho,vac xin,so lo\n")


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("lọ mở dở", WasteReason.OPEN_VIAL),
        ("Vỡ", WasteReason.BROKEN),
        ("dây chuyền lạnh", WasteReason.COLD_CHAIN),
        ("HẾT HẠN", WasteReason.EXPIRED),
        ("khác", WasteReason.OTHER),
        ("open vial", WasteReason.OPEN_VIAL),
    ],
)
def test_reasons_in_the_words_of_store_keepers(word: str, reason: WasteReason) -> None:
    assert read_stock_row(ROW | {"kind": "hủy", "reason": word}).reason is reason


@pytest.mark.parametrize(
    ("written", "doses"),
    [("1.200", 1200), ("1,200", 1200), ("1 200", 1200), ("1200", 1200), ("12.000.000", None), ("1.20", None)],
)
def test_numbers_as_spreadsheets_group_them(written: str, doses: int | None) -> None:
    if doses is None:
        with pytest.raises(InvalidInput, match="is no number"):
            read_stock_row(ROW | {"doses": written})
    else:
        assert read_stock_row(ROW | {"doses": written}).doses == doses


def test_only_a_count_may_find_nothing() -> None:
    assert read_stock_row(ROW | {"kind": "kiểm kê", "doses": "0"}).doses == 0
    with pytest.raises(InvalidInput):
        read_stock_row(ROW | {"doses": "0"})


@pytest.mark.parametrize("lot", ["=1+1", "-5", "+A", "@x", "'A", "A'"])
def test_a_lot_comes_back_from_our_own_file_as_it_went(lot: str) -> None:
    assert read_stock_row(ROW | {"lot": harmless(lot)}).lot == lot


def test_an_entry_that_undoes_another_is_not_taken_from_a_ledger() -> None:
    with pytest.raises(InvalidInput, match="undoes entry 7"):
        read_stock_row(ROW | {"undoes": "7"})
    assert read_stock_row(ROW | {"undoes": ""}).lot == "A"


def test_days_of_a_workbook_are_days_and_every_wrong_row_is_named() -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["day", "kind", "store", "formulation", "lot", "expiry", "doses", "reason"])
    sheet.append([date(2022, 8, 15), "received", 1, "ten", 123, date(2022, 12, 31), 40, None])
    sheet.append([date(2022, 8, 15), "wasted", 1, "ten", 123, None, 4, None])
    sheet.append(["soon", "used", 1, "ten", 123, None, 4, None])
    file = BytesIO()
    book.save(file)
    rows, faults = read_stock_table("kho.xlsx", file.getvalue())
    assert [(one.row, one.store, one.lot, one.doses, one.expiry) for one in rows] == [
        (2, "1", "123", 40, date(2022, 12, 31))
    ]
    assert [one.row for one in faults] == [3, 4]
    assert "no reason" in faults[0].message and "not a day" in faults[1].message
