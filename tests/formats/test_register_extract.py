"""Extracts of the national register: understood as spreadsheets write them, or refused with row and column."""

from __future__ import annotations

import tracemalloc
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from io import BytesIO
from pathlib import Path

import pytest
import xlsxwriter
from openpyxl import Workbook
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont

from mapper.domain.campaign import Campaign
from mapper.domain.people import Dose
from mapper.errors import InvalidInput, TooLarge
from mapper.formats import register_table, spool
from mapper.formats.campaign import read_campaign
from mapper.formats.register_dates import Order, order_of, read_told
from mapper.formats.register_extract import Reading, guess, known_name, read_extract
from mapper.formats.register_table import RegisterTable, read_register_table

TODAY = date(2022, 9, 8)
HEADER = "Mã đối tượng;Họ và tên;Ngày sinh;Giới tính;Số điện thoại;Mã xã;Mũi 1 - Ngày tiêm;Mũi 1 - Vắc xin"
LAN = "34;Nguyễn Thị Hoà;13/02/1980;Nữ;0912345678;01864;15/09/2021;Comirnaty (Pfizer)"


@pytest.fixture(scope="module")
def campaign() -> Campaign:
    folder = Path(__file__).parents[2] / "forms" / "covid19"
    return read_campaign((folder / "campaign.toml").read_text(encoding="utf-8"))


def table(campaign: Campaign, data: bytes, name: str = "extract.csv") -> RegisterTable:
    return read_register_table(name, data, lambda each: known_name(campaign, each))


def book(*rows: Sequence[object]) -> bytes:
    made = Workbook()
    for row in rows:
        made.active.append(row)
    content = BytesIO()
    made.save(content)
    return content.getvalue()


def with_part(data: bytes, name: str, old: bytes, new: bytes) -> bytes:
    """A workbook of which one part is written otherwise."""
    content = BytesIO()
    with zipfile.ZipFile(BytesIO(data)) as before, zipfile.ZipFile(content, "w") as after:
        for each in before.namelist():
            part = before.read(each)
            assert each != name or old in part
            after.writestr(each, part.replace(old, new) if each == name else part)
    return content.getvalue()


def read(campaign: Campaign, data: bytes, name: str = "extract.csv", **orders: Order) -> Reading:
    found = table(campaign, data, name)
    said = {int(place[1:]): order for place, order in orders.items()}
    return read_extract(campaign, found, guess(campaign, found), said, TODAY)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1258"])
def test_a_csv_is_read_in_every_usual_encoding(campaign: Campaign, encoding: str) -> None:
    text = f"{HEADER}\r\n{LAN}\r\n"
    if encoding == "cp1258":
        # Its letters carry hat or horn; tones follow as marks of their own.
        text = text.translate({ord("ễ"): "ê\u0303", ord("ị"): "i\u0323", ord("ọ"): "o\u0323", ord("ữ"): "ư\u0303"})
        text = text.translate({ord("ố"): "ô\u0301", ord("ệ"): "ê\u0323", ord("ạ"): "a\u0323", ord("ắ"): "ă\u0301"})
        text = text.translate({ord("ã"): "a\u0303", ord("ũ"): "u\u0303", ord("ớ"): "ơ\u0301", ord("ợ"): "ơ\u0323"})
        text = text.translate({ord("ế"): "ê\u0301", ord("ĩ"): "i\u0303", ord("õ"): "o\u0303", ord("ò"): "o\u0300"})
    (row,) = read(campaign, text.encode(encoding)).rows
    assert (row.row, row.code, row.name, row.sex, row.phone) == (2, "34", "Nguyễn Thị Hoà", "female", "0912345678")
    assert (row.born_on, row.commune_code) == (date(1980, 2, 13), "01864")
    assert row.doses == (Dose("1", date(2021, 9, 15), "pfizer"),)


def test_titles_merged_headings_and_numbered_columns_above_a_table_are_understood(campaign: Campaign) -> None:
    data = book(
        ["DANH SÁCH TIÊM CHỦNG"],
        [],
        ["STT", "Họ và tên", "Năm sinh", "Xã", "Mũi 1", None, "Mũi nhắc lại lần 1", None],
        [None, None, None, None, "Ngày tiêm", "Vắc xin", "Ngày tiêm", "Vắc xin"],
        ["(1)", "(2)", "(3)", "(4)", "(5)", "(6)", "(7)", "(8)"],
        [1, "Lò Văn Ún", 1951, "Xã Quân Hà", 44974 - 400, "AstraZeneca", None, None],
        [2, "Giàng A Páo", "1960", "Quân Hà", date(2021, 9, 30), "Vero Cell", date(2022, 5, 30), "Moderna"],
        [None, "", None, None, "Tổng cộng: 2"],
    )
    reading = read(campaign, data, "extract.xlsx")
    assert [(row.row, row.name, row.born_on, row.precision) for row in reading.rows] == [
        (6, "Lò Văn Ún", date(1951, 1, 1), "year"),
        (7, "Giàng A Páo", date(1960, 1, 1), "year"),
    ]
    assert reading.rows[0].doses == (Dose("1", date(2022, 1, 13), "astrazeneca"),)
    assert reading.rows[1].doses[1] == Dose("booster1", date(2022, 5, 30), "moderna")
    assert reading.skipped == 1


def test_rows_of_one_dose_each_become_one_person(campaign: Campaign) -> None:
    lines = ("Mã;Họ tên;Ngày sinh;Xã;Mũi số;Ngày tiêm;Vắc xin", "7;An;13/02/1980;X;1;15/09/2021;Pfizer")
    text = "\n".join((*lines, "7;An;13/02/1980;X;2;15/10/2021;Pfizer", "8;Bình;13/02/1981;X;Mũi 1;15/09/2021;"))
    assert [(row.code, [dose.code for dose in row.doses]) for row in read(campaign, text.encode()).rows] == [
        ("7", ["1", "2"]),
        ("8", ["1"]),
    ]


@pytest.mark.parametrize(
    ("cell", "order", "expected"),
    [
        (44974, "day_first", (date(2023, 2, 17), "day")),
        ("44974", "day_first", (date(2023, 2, 17), "day")),
        (45000.5, "day_first", (date(2023, 3, 15), "day")),
        ("13/02/2022", "day_first", (date(2022, 2, 13), "day")),
        ("02/13/2022", "month_first", (date(2022, 2, 13), "day")),
        ("2022-02-13 08:15:00", "day_first", (date(2022, 2, 13), "day")),
        ("13/02/2022 08:15", "day_first", (date(2022, 2, 13), "day")),
        ("ngày 13 tháng 2 năm 2022", "day_first", (date(2022, 2, 13), "day")),
        ("20220213", "day_first", (date(2022, 2, 13), "day")),
        (date(2022, 5, 9), "swapped", (date(2022, 9, 5), "day")),
        ("02/1980", "day_first", (date(1980, 2, 1), "month")),
        (1980, "day_first", (date(1980, 1, 1), "year")),
        ("31/02/2022", "day_first", None),
        ("02/13/2022", "day_first", None),
        ("13/02/22", "day_first", None),
        ("hôm qua", "day_first", None),
    ],
)
def test_a_day_is_read_as_it_is_written(cell: object, order: str, expected: tuple[date, str] | None) -> None:
    told = read_told(cell, Order(order))  # type: ignore[arg-type]
    assert (told and (told.on, told.precision)) == expected


def test_the_order_of_day_and_month_is_that_of_the_column() -> None:
    assert order_of([(2, "05/09/2021"), (3, "13/02/2022")]) == (Order.DAY_FIRST, None)
    assert order_of([(2, "05/09/2021"), (3, "02/13/2022")]) == (Order.MONTH_FIRST, None)
    assert order_of([(2, "05/09/2021"), (3, "05/05/2021")]) == (None, None)
    assert order_of([(2, "13/02/2022"), (9, "02/13/2022")]) == (None, (2, 9))
    # A spreadsheet made days of all it could, and took the month for the day.
    taken = [(row, date(2021, 5, row)) for row in range(2, 9)]
    assert order_of([*taken, (9, "13/02/2022")]) == (None, None)


def test_a_column_that_leaves_the_order_open_is_asked_about_and_what_is_said_is_taken(campaign: Campaign) -> None:
    data = f"{HEADER}\n34;Hoà;1980;Nữ;;01864;05/09/2021;Pfizer".encode()
    asked = read(campaign, data)
    assert (asked.asked, asked.rows) == ((6,), ())
    (row,) = read(campaign, data, _6=Order.MONTH_FIRST).rows
    assert row.doses[0].given_on == date(2021, 5, 9)


@pytest.mark.parametrize(
    ("line", "row", "column", "words"),
    [
        ("34;;13/02/1980;Nữ;;01864;;", 3, "B (Họ và tên)", "no name"),
        ("34;Mai;31/02/1980;Nữ;;01864;;", 3, "C (Ngày sinh)", "not a day"),
        ("34;Mai;13/02/2980;Nữ;;01864;;", 3, "C (Ngày sinh)", "cannot be right"),
        ("34;Mai;13/02/1980;khác;;01864;;", 3, "D (Giới tính)", "no sex"),
        ("#REF!;Mai;13/02/1980;Nữ;;01864;;", 3, "A (Mã đối tượng)", "spreadsheet"),
        ("34;Mai;13/02/1980;Nữ;;#N/A;;", 3, "F (Mã xã)", "spreadsheet"),
        ("34;Mai;13/02/1980;Nữ;;01864;16/09/2021;Err:502", 3, "H (Mũi 1 - Vắc xin)", "spreadsheet"),
        ("34;Mai;13/02/1980;Nữ;;01864;#VALUE!;", 3, "G (Mũi 1 - Ngày tiêm)", "not a day"),
        ("2,40101E+11;Mai;13/02/1980;Nữ;;01864;;", 3, "A (Mã đối tượng)", "shortened"),
        ("34;Mai;99999999;Nữ;;01864;;", 3, "C (Ngày sinh)", "not a day"),
        ("34;Mai;02/13/1980;Nữ;;01864;;", 0, "C (Ngày sinh)", "contradict"),
        ("34;Mai;13/02/1980;Nữ;;01864;2021;Pfizer", 3, "G (Mũi 1 - Ngày tiêm)", "not a day"),
    ],
)
def test_one_bad_cell_is_named_and_nothing_is_taken(
    campaign: Campaign, line: str, row: int, column: str, words: str
) -> None:
    reading = read(campaign, f"{HEADER}\n{LAN}\n{line}".encode())
    assert reading.rows == ()
    assert [(fault.row, fault.column) for fault in reading.faults] == [(row, column)]
    assert words in reading.faults[0].message


def test_blank_codes_and_blank_days_are_nothing_wrong(campaign: Campaign) -> None:
    (row,) = read(campaign, f"{HEADER}\n;Mai;;;;;;".encode()).rows
    assert (row.code, row.born_on, row.commune_code, row.doses) == ("", None, "", ())


def test_of_two_columns_of_one_name_none_is_guessed_unless_they_say_the_same(campaign: Campaign) -> None:
    differ = table(campaign, "Họ và tên;Ngày sinh;Ngày sinh;Xã\nMai;1980;1981;X".encode())
    assert "born" not in guess(campaign, differ)
    alike = table(campaign, "Họ và tên;Ngày sinh;Ngày sinh;Xã\nMai;1980;1980;X".encode())
    assert guess(campaign, alike)["born"] == 1


def test_a_formula_that_was_never_worked_out_is_refused_with_its_cell(campaign: Campaign) -> None:
    with pytest.raises(InvalidInput, match="cell B2"):
        table(campaign, book(["Họ và tên", "Ngày sinh", "Xã"], ["Mai", "=DATE(1980,2,13)", "X"]), "extract.xlsx")


def test_of_a_formula_what_it_came_to_is_read_and_an_empty_text_is_none_missing(campaign: Campaign) -> None:
    content = BytesIO()
    made = xlsxwriter.Workbook(content)
    page = made.add_worksheet()
    for place, name in enumerate(("Họ và tên", "Ngày sinh", "Xã", "Số điện thoại")):
        page.write(0, place, name)
    page.write_formula("A2", '=UPPER("Mai")', value="MAI")
    page.write_formula("B2", "=DATE(1980,2,13)", made.add_format({"num_format": "dd/mm/yyyy"}), value=29264)
    page.write_formula("C2", "=VLOOKUP(1,X:X,1)", value="Quân Hà")
    page.write_formula("D2", '=IF(1=2,1,"")', value="")
    page.write_row("A3", ["Lan", 29264])
    page.write_formula("C3", "=VLOOKUP(2,X:X,1)", value="#N/A")
    made.close()
    data = with_part(content.getvalue(), "xl/worksheets/sheet1.xml", b'<c r="D2">', b'<c r="D2" t="str">')
    found = read(campaign, data, "extract.xlsx")
    assert [(one.row, one.column) for one in found.faults] == [(3, "C (Xã)")]
    whole = table(campaign, data, "extract.xlsx")
    first = replace(whole, rows=whole.rows[:1])
    (row,) = read_extract(campaign, first, guess(campaign, first), {}, TODAY).rows
    assert (row.name, row.born_on, row.commune, row.phone) == ("MAI", date(1980, 2, 13), "Quân Hà", "")


def test_texts_that_a_workbook_shares_are_read_with_their_fonts_joined_and_without_readings(campaign: Campaign) -> None:
    made = Workbook()
    bold = CellRichText(["Nguyễn ", TextBlock(InlineFont(b=True), "Thị Hoà")])
    for row in (["Họ và tên", "Ngày sinh", "Xã"], [bold, "13/02/1980", "Quân Hà"], ["", "", ""], ["Lan", "1980", "X"]):
        made.active.append(row)
    made.active.merge_cells("A5:C5")
    content = BytesIO()
    made.save(content)
    rows = read(campaign, content.getvalue(), "extract.xlsx").rows
    assert [(row.row, row.name, row.commune) for row in rows] == [(2, "Nguyễn Thị Hoà", "Quân Hà"), (4, "Lan", "X")]


def test_headings_merged_over_several_columns_and_rows_are_understood(campaign: Campaign) -> None:
    made = Workbook()
    page = made.active
    for row in (
        ["DANH SÁCH", None, None, None, None],
        ["Họ và tên", "Năm sinh", "Xã", "Mũi 1", None],
        [None, None, None, "Ngày tiêm", "Vắc xin"],
        ["Mai", 1980, "Quân Hà", 44454, "Pfizer"],
    ):
        page.append(row)
    for cells in ("A1:E1", "A2:A3", "B2:B3", "C2:C3", "D2:E2"):
        page.merge_cells(cells)
    content = BytesIO()
    made.save(content)
    (row,) = read(campaign, content.getvalue(), "extract.xlsx").rows
    assert (row.row, row.name, row.doses) == (4, "Mai", (Dose("1", date(2021, 9, 15), "pfizer"),))


def test_of_a_thousand_faults_some_are_told_and_all_are_counted(campaign: Campaign) -> None:
    bad = "\n".join(f"{row};Mai;31/02/1980;Nữ;;01864;;" for row in range(1000))
    reading = read(campaign, f"{HEADER}\n{LAN}\n{bad}".encode())
    assert (reading.rows, len(reading.faults) + reading.more_faults) == ((), 1000)
    assert [fault.row for fault in reading.faults] == list(range(3, 3 + len(reading.faults)))


@pytest.mark.parametrize("kind", ["a person a row", "a dose a row"])
def test_four_times_the_people_take_no_more_memory(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(spool, "_IN_MEMORY", 500)
    monkeypatch.setattr(spool, "_TOGETHER", 10)
    head, line = HEADER, LAN.replace("34", "{0}", 1)
    if kind == "a dose a row":
        head, line = "Mã;Họ tên;Ngày sinh;Xã;Mũi số;Ngày tiêm;Vắc xin", "{0};An;13/02/1980;X;1;15/09/2021;Pfizer"
    peaks = []
    # What is set up and kept ready at the first reading, some 400,000 bytes, is no memory of people.
    for number in (1200, 10, 300, 1200):
        data = "\n".join((head, *(line.format(place) for place in range(number)))).encode()
        tracemalloc.start()
        try:
            assert len(read(campaign, data).rows) == number
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    # Held in memory, a person takes more than 1,000 bytes.
    assert peaks[-1] - peaks[-2] < 900 * 300


def test_what_is_too_large_or_no_table_is_refused(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(register_table, "MOST_ROWS", 2)
    with pytest.raises(TooLarge):
        table(campaign, f"{HEADER}\n{LAN}\n{LAN}".encode())
    with pytest.raises(TooLarge):
        table(campaign, book(["Họ tên", "Ngày sinh"], ["A", 1980], ["B", 1981]), "extract.xlsx")
    for data, name in ((b"", "a.csv"), (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a.xls"), (b"PK\x03\x04", "a.xlsx")):
        with pytest.raises(InvalidInput):
            table(campaign, data, name)


def test_a_workbook_that_would_unpack_to_something_enormous_is_refused_before_it_is_read(campaign: Campaign) -> None:
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        archive.writestr("xl/worksheets/sheet1.xml", bytes(12_000_000))
    with pytest.raises(TooLarge, match=r"bomb\.xlsx unpacks to 12 MB") as refused:
        table(campaign, packed.getvalue(), "bomb.xlsx")
    assert "form" not in str(refused.value)


def test_of_several_sheets_the_one_with_people_is_read_and_two_of_these_are_refused(campaign: Campaign) -> None:
    made = Workbook()
    made.active.title = "Trống"
    made.create_sheet("Ghi chú").append(["Lập ngày 8/9"])
    rows = (["Họ và tên", "Năm sinh", "Xã"], ["Mai", 1980, "X"], ["Tổng cộng: 1", None, None])
    for row in rows:
        (made["Xã X"] if "Xã X" in made.sheetnames else made.create_sheet("Xã X")).append(row)
    content = BytesIO()
    made.save(content)
    reading = read(campaign, content.getvalue(), "extract.xlsx")
    assert ([row.name for row in reading.rows], reading.skipped) == (["Mai"], 1)
    for row in rows:
        (made["Xã Y"] if "Xã Y" in made.sheetnames else made.create_sheet("Xã Y")).append(row)
    content = BytesIO()
    made.save(content)
    with pytest.raises(InvalidInput, match="Xã X, Xã Y"):
        table(campaign, content.getvalue(), "extract.xlsx")
