"""Slips on paper: no name is cut, and eight on a sheet are read as one is."""

from __future__ import annotations

import unicodedata
from datetime import date
from pathlib import Path

import pypdfium2
import pytest
import zxingcpp

from mapper.domain.slip import Slip, SlipDose
from mapper.formats import slip_code
from mapper.formats.pdf import BOLD, LEAST_SIZE, use_fonts, width_mm
from mapper.formats.slip_sheet import Paper, SlipCard, SlipWords, draw_slips, name_lines

FONTS = Path(__file__).resolve().parents[2] / "mapper" / "web" / "static" / "vendor" / "be-vietnam-pro"
NAMES = (
    "Nông Thị Lan",
    "Lê Hoàng Hiếu Nghĩa Đệ Nhất Thương Tâm Nhân",
    "Công Tằng Tôn Nữ Ngọc Phương Nguyễn Thị Quỳnh Như Ý",
    "Hoàng Phủ Ngọc Nguyễn Thị Phương Quỳnh Trang Thanh Hương Ánh Nguyệt",
)
WORDS = SlipWords("vi", "Từng Nhà", ("Phiếu", "Slip"), ("Không phải giấy chứng nhận.",), "–", "Cắt")


def card(number: int, name: str, doses: int = 3) -> SlipCard:
    given = tuple(SlipDose(str(each), date(2021, 8, each), "astrazeneca") for each in range(1, doses + 1))
    slip = Slip(f"slip{number:08}", "covid19", name, "1980-05-04", date(2022, 8, 31), date(2023, 8, 30), given)
    lines = tuple(f"Mũi nhắc lại lần {each.code} · 10/08/2021 · AstraZeneca" for each in given)
    address = f"https://tiem.example.vn/slips/check#{slip_code.sign_legibly(slip, bytes(32))}"
    return SlipCard(name, "sinh 04/05/1980", lines, ("Cấp ngày 31/08/2022", f"Phiếu {slip.id}"), address)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("room", "size"), [(95.0, 13.0), (75.6, 11.0), (46.0, 11.0)], ids=["a6", "card", "small"])
def test_a_long_name_is_set_smaller_or_on_two_lines_and_never_cut(name: str, room: float, size: float) -> None:
    use_fonts(FONTS)
    set_in, lines = name_lines(name, room, size)
    assert " ".join(lines) == name
    assert len(lines) <= 2
    assert LEAST_SIZE <= set_in <= size
    assert all(width_mm(line, BOLD, set_in) <= room for line in lines)


def test_eight_slips_of_the_longest_names_are_read_from_one_sheet_and_a_ninth_begins_the_next() -> None:
    cards = [card(number, NAMES[number % 4], 8 if number < 4 else 3) for number in range(9)]
    # As some keyboards write: letters and their marks apart. Paper has them composed.
    cards[1] = card(1, unicodedata.normalize("NFD", NAMES[1]), 8)
    document = pypdfium2.PdfDocument(draw_slips(cards, Paper.EIGHT, WORDS, FONTS))
    assert len(document) == 2
    words = " ".join(document[0].get_textpage().get_text_range().split())
    assert [words.count(name) for name in NAMES] == [2, 2, 2, 2]
    assert "…" not in words
    assert words.count("AstraZeneca") == 4 * 8 + 4 * 3
    found = [{one.text for one in zxingcpp.read_barcodes(page.render(scale=200 / 72).to_pil())} for page in document]
    document.close()
    assert found == [{one.address for one in cards[:8]}, {cards[8].address}]
