"""Reports as files: what a spreadsheet would run stays text, long tables keep their heads, names of sheets fit."""

from __future__ import annotations

import io
import re
from dataclasses import replace

import docx
import openpyxl
import pypdfium2

from mapper.formats.paper import Cell, Column, Letterhead, Paper, PaperWords, Section, Table
from mapper.formats.paper_docx import write_docx
from mapper.formats.paper_pdf import draw_papers
from mapper.formats.paper_xlsx import write_xlsx
from tests.formats.test_sheet import FONTS

WORDS = PaperWords("vi", "Từng Nhà", "Trang {page}/{pages}")
COLUMNS = (Column("Thôn", 2), Column("Số người", 1, numbers=True), Column("Tỷ lệ", 1, numbers=True))


def report(rows: int = 2, name: str = "Xã Một") -> Paper:
    cells = tuple((Cell(f"Thôn {n}"), Cell("1.234", 1234), Cell("50,5%", 0.505, share=True)) for n in range(rows))
    section = Section("Kết quả", ("Một câu.",), Table("Bảng", COLUMNS, cells), ("Một điểm.",))
    return Paper(name, "BÁO CÁO", ("Số liệu",), (section,), ("Ghi chú.",))


def test_a_workbook_runs_nothing_and_keeps_numbers() -> None:
    risky = replace(report(), title="=1+1", lines=("@SUM(A1)",), notes=("+cmd",))
    rows = ((Cell("=HYPERLINK(1)"), Cell("−5", -5), Cell("–")),)
    section = replace(risky.sections[0], table=Table("Bảng", COLUMNS, rows), points=("-2",))
    book = openpyxl.load_workbook(io.BytesIO(write_xlsx([replace(risky, sections=(section,))], WORDS)))
    cells = [cell for row in book.active.iter_rows() for cell in row if cell.value is not None]
    assert not [cell.value for cell in cells if cell.data_type == "f"]
    assert {"'=1+1", "'@SUM(A1)", "'=HYPERLINK(1)", -5} <= {cell.value for cell in cells}


def test_shares_and_counts_of_a_workbook_can_be_reckoned_with() -> None:
    sheet = openpyxl.load_workbook(io.BytesIO(write_xlsx([report()], WORDS))).active
    values = {cell.value: cell.number_format for row in sheet.iter_rows() for cell in row if cell.data_type == "n"}
    assert values[1234] == "#,##0"
    assert values[0.505] == "0.0%"
    assert (sheet.freeze_panes, sheet.print_title_rows) == ("B3", "$1:$2"), "below the title"


def test_the_tables_of_a_workbook_stand_in_the_order_of_the_report() -> None:
    one = report()
    many = replace(one, sections=(replace(one.sections[0], title="Ngắn"), *report(9).sections))
    sheet = openpyxl.load_workbook(io.BytesIO(write_xlsx([many], WORDS))).active
    column = [row[0] for row in sheet.iter_rows(values_only=True)]
    assert column[3:9] == ["I. Ngắn", "Một câu.", "Thôn", "Thôn 0", "Thôn 1", "• Một điểm."]
    assert column[10] == "II. Kết quả"


def test_names_of_sheets_fit_and_differ() -> None:
    names = ["Xã [Một]: *?/", "x" * 40, "x" * 41, ""]
    book = openpyxl.load_workbook(io.BytesIO(write_xlsx([report(name=name) for name in names], WORDS)))
    assert len(set(book.sheetnames)) == 4
    assert all(0 < len(name) <= 31 for name in book.sheetnames)


def test_a_long_table_goes_on_with_its_head_and_its_pages_are_counted() -> None:
    document = pypdfium2.PdfDocument(draw_papers([report(150), report(2)], WORDS, FONTS))
    texts = [page.get_textpage().get_text_range() for page in document]
    assert len(texts) == 4
    assert all("Số người" in text for text in texts)
    assert [f"Trang {n}/3" in texts[n - 1] for n in (1, 2, 3)] == [True, True, True]
    assert "Trang 1/1" in texts[3]
    assert [len(re.findall(rf"Thôn {n}\b", " ".join(texts[:3]))) for n in range(150)] == [1] * 150


def test_a_pdf_is_the_same_each_time() -> None:
    assert draw_papers([report()], WORDS, FONTS) == draw_papers([report()], WORDS, FONTS)


def test_a_word_file_has_real_tables_and_headings() -> None:
    head = Letterhead("UBND HUYỆN", "UBND XÃ", "Số: 1", ("QUỐC HIỆU", "Tiêu ngữ"), "Xã, ngày", (("A", "b"), ("C", "d")))
    document = docx.Document(io.BytesIO(write_docx([replace(report(3), letterhead=head), report()], WORDS)))
    styles = [(one.style.name, one.text) for one in document.paragraphs if one.style.name.startswith("Heading")]
    assert styles == [("Heading 1", "BÁO CÁO"), ("Heading 2", "I. Kết quả")] * 2
    table = document.tables[1]
    assert [cell.text for cell in table.rows[0].cells] == ["Thôn", "Số người", "Tỷ lệ"]
    assert [cell.text for cell in table.rows[3].cells] == ["Thôn 2", "1.234", "50,5%"]
    assert "QUỐC HIỆU" in document.tables[0].rows[0].cells[1].text
