"""The sheet of a lot, read back by a PDF reader and a QR reader."""

from __future__ import annotations

import re

from mapper.formats.lot_sheet import LotPart, LotRow, LotSheet, LotWords, draw_lot_sheet
from tests.formats.test_sheet import FONTS, Reader

ADDRESS = "https://tungnha.example.vn/surveys/lots/7"
WORDS = LotWords(
    language="vi",
    house="Nhà",
    seen="Đã xem",
    vaccinated="Đã tiêm",
    not_vaccinated="Chưa tiêm",
    reason="Lý do",
    reasons="Lý do chưa tiêm:",
    instead_of="thay cho nhà số …",
    monitor="Người giám sát: …",
    scan="Quét để nhập kết quả",
    continued="tiếp theo",
    page="Trang {page}/{pages}",
    foot="Từng Nhà",
)


def drawn(houses: int, spare: int) -> Reader:
    rows = tuple(LotRow(n, f"Số nhà {n} · Nông Văn Đức", "") for n in range(houses, 0, -1))
    more = tuple(LotRow(houses + n, f"Nhà dự phòng {n}", "Thôn Hai") for n in range(1, spare + 1))
    parts = (LotPart("Thôn Nà Pái", rows), LotPart("Nhà dự phòng", more, spare=True))
    sheet = LotSheet(
        "Lô 7 · Xã Một", ("Từ 5 tuổi, mũi 1", "Xem 10 người. " * 12), parts, ("đi vắng", "từ chối"), ADDRESS
    )
    return Reader(draw_lot_sheet(sheet, WORDS, FONTS))


def test_a_lot_stands_on_one_page_with_the_address_of_its_own_page() -> None:
    one = drawn(10, 2)
    assert one.pages == 1
    assert one.codes() == [ADDRESS]
    text = one.text()
    for told in ("Lô 7 · Xã Một", "Thôn Nà Pái (10)", "1=đi vắng · 2=từ chối", "Trang 1/1"):
        assert told in text
    assert text.index("Số nhà 10 ·") < text.index("Số nhà 1 ·"), "in the order given"
    assert text.count("thay cho nhà số …") == 2


def test_a_long_lot_goes_on_overleaf_and_says_again_what_the_columns_are() -> None:
    one = drawn(60, 12)
    texts = [one.text(page) for page in range(one.pages)]
    assert one.pages == 4
    assert [f"Trang {n}/4" in text for n, text in enumerate(texts, 1)] == [True] * 4
    assert all("Chưa tiêm" in text and "1=đi vắng" in text for text in texts)
    assert "Thôn Nà Pái (60)" in texts[1]
    found = re.findall(r"Số nhà (\d+) ·|Nhà dự phòng (\d+)", "\n".join(texts))
    assert [int(one or other) for one, other in found] == [*range(60, 0, -1), *range(1, 13)]
