"""Sheets of a plan, read back by a PDF reader and a QR reader."""

from __future__ import annotations

import re

from mapper.formats.plan_sheet import (
    PageWords,
    PlanSheet,
    PlanSheetWords,
    SheetNeed,
    SheetPart,
    SheetRow,
    draw_plan_sheets,
)
from mapper.formats.plan_team_sheet import StopRow, TeamSheet, TeamSheetWords, draw_team_sheets
from tests.formats.test_sheet import FONTS, Reader

ADDRESS = "https://tungnha.example.vn/plans/7/sites/nvh"
PAGES = PageWords(
    "vi", "Phiếu", "Quét", "Mang theo", ("lọ", "dung môi"), "tiếp theo", "Trang {page}/{pages}", "Từng Nhà · giả định"
)
WORDS = PlanSheetWords(
    PAGES, "TT", "Họ tên", "Năm sinh", "Nhà", "Mũi", "Vắc-xin", "Đã đến", "Đã tiêm", "Hoãn, vì …", ("Đội trưởng: …",)
)
TEAM = TeamSheetWords(PAGES, "TT", "Giờ", "Nơi", "Số người", "Liều", "Giờ đến", "Giờ đi", ("Người nhận: …",))
NEEDS = (SheetNeed("Pfizer nắp tím", ("12", "12")), SheetNeed("Moderna", ("3", "0")))


def part(label: str, first: int, last: int) -> SheetPart:
    """People with numbers in their names."""
    rows = (SheetRow(f"Nông Thị {n}.", "1980", f"{n}A", "Mũi 1", "Pfizer nắp tím") for n in range(first, last + 1))
    return SheetPart(f"{label} ({last - first + 1})", "", tuple(rows))


def sheet(*parts: SheetPart, more: str = "") -> PlanSheet:
    """A site's day."""
    lines = ("Điểm tiêm lưu động · Xã Một", "Vị trí: 22.05000, 105.05000", "Thứ Tư 25/11/2026, 07:30–11:00")
    return PlanSheet("Nhà văn hoá Nà Pái", "25/11/2026", lines, ADDRESS, NEEDS, parts, "Không mời ai.", more)


def drawn(*sheets: PlanSheet) -> Reader:
    return Reader(draw_plan_sheets(sheets, WORDS, FONTS))


def texts(of: Reader) -> list[str]:
    return [of.text(page) for page in range(of.pages)]


def test_a_sheet_tells_place_day_vials_and_people_and_its_code_leads_to_the_site() -> None:
    one = drawn(sheet(part("Thôn Nà Pái", 1, 3), more="Và 4 người nơi khác."))
    assert one.pages == 1
    assert one.codes() == [ADDRESS]
    text = one.text()
    for told in (
        "Nhà văn hoá Nà Pái",
        "Vị trí: 22.05000, 105.05000",
        "Thứ Tư 25/11/2026, 07:30–11:00",
        "Moderna",
        "Thôn Nà Pái (3)",
        "Nông Thị 3.",
        "3A",
        "Và 4 người nơi khác.",
        "Đội trưởng: …",
        "Trang 1/1",
        "giả định",
    ):
        assert told in text


def test_a_long_list_goes_on_overleaf_says_its_hamlet_again_and_loses_nobody() -> None:
    one = drawn(sheet(part("Thôn Nà Pái", 1, 60), part("Thôn Nà Lò", 61, 75)))
    pages = texts(one)
    assert one.pages == 3
    assert [f"Trang {n}/3" in text for n, text in enumerate(pages, 1)] == [True] * 3
    assert all("Hoãn, vì …" in text for text in pages), "the columns are named on every page"
    assert all("Nhà văn hoá Nà Pái · 25/11/2026 (tiếp theo)" in text for text in pages[1:])
    assert "Thôn Nà Pái (60)" in pages[1]
    assert [int(n) for n in re.findall(r"Nông Thị (\d+)\.", "".join(pages))] == list(range(1, 76))
    assert ["Đội trưởng" in text for text in pages] == [False, False, True]


def test_every_length_of_a_list_has_its_closing_lines_and_no_empty_page() -> None:
    for people in range(15, 40):
        pages = texts(drawn(sheet(part("Thôn Nà Pái", 1, people))))
        assert "Đội trưởng" in pages[-1], people
        assert sum("Nông Thị" in text for text in pages) in (len(pages), len(pages) - 1), people
        assert len(re.findall(r"Nông Thị \d+\.", "".join(pages))) == people


def test_each_sheet_has_page_numbers_of_its_own_and_a_site_without_people_says_so() -> None:
    pages = texts(drawn(sheet(), sheet(part("Thôn Nà Pái", 1, 40))))
    assert "Không mời ai." in pages[0]
    assert ["Trang 1/1" in pages[0], "Trang 1/2" in pages[1], "Trang 2/2" in pages[2]] == [True] * 3


def test_a_very_long_name_and_dose_stay_in_their_cells() -> None:
    row = SheetRow(
        "Nguyễn Hoàng Thị Bích Phương Anh Thư Minh", "~1980", "12/3 ngõ 5", "Mũi nhắc lại lần 1 (mũi 3), 4", "P" * 60
    )
    text = drawn(sheet(SheetPart("Thôn", "", (row,)))).text()
    assert "Nguyễn Hoàng Thị" in text
    assert "…" in text


def test_the_same_sheets_are_the_same_bytes() -> None:
    sheets = [sheet(part("Thôn", 1, 3))]
    assert draw_plan_sheets(sheets, WORDS, FONTS) == draw_plan_sheets(sheets, WORDS, FONTS)


def day(stops: int) -> TeamSheet:
    rows = (
        StopRow(f"{7 + n % 10:02}:00–07:30", f"Điểm {n}.", "Xã Một · 22.05, 105.05", "40", "41") for n in range(stops)
    )
    return TeamSheet("Đội 1", "25/11/2026", ("Đi lúc 07:00, về lúc 16:40",), ADDRESS, NEEDS, tuple(rows))


def test_a_team_s_day_is_one_page_of_stops_in_order_with_what_to_load() -> None:
    one = Reader(draw_team_sheets([day(14)], TEAM, FONTS))
    text = one.text()
    assert (one.pages, one.codes()) == (1, [ADDRESS])
    for told in ("Đội 1", "Đi lúc 07:00, về lúc 16:40", "Pfizer nắp tím", "Giờ đến", "Người nhận: …", "Trang 1/1"):
        assert told in text
    assert [int(n) for n in re.findall(r"Điểm (\d+)\.", text)] == list(range(14))


def test_a_day_of_very_many_stops_goes_on_overleaf() -> None:
    one = Reader(draw_team_sheets([day(40)], TEAM, FONTS))
    pages = texts(one)
    assert one.pages == 3
    assert [int(n) for n in re.findall(r"Điểm (\d+)\.", "".join(pages))] == list(range(40))
    assert "Người nhận" in pages[-1]
