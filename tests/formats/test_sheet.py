"""Printed sheets, read back: their text by a PDF reader, their QR codes by a QR reader, their pages as pictures."""

from __future__ import annotations

import unicodedata
import warnings
from pathlib import Path

import pypdfium2
import pytest
import zxingcpp

from mapper.domain.people import Point
from mapper.errors import Unavailable
from mapper.formats.pdf import BOLD, letters_missing, wrap
from mapper.formats.sheet import Sheet, SheetHouse, SheetPerson, SheetWords, draw_sheets, round_length

FONTS = Path(__file__).parents[2] / "mapper" / "web" / "static" / "vendor" / "be-vietnam-pro"
ID = "3f2504e0-4f89-41d3-9a0c-0305e82c{:04}"
VIETNAMESE = "aàảãáạăằẳẵắặâầẩẫấậbcdđeèẻẽéẹêềểễếệghiìỉĩíịklmnoòỏõóọôồổỗốộơờởỡớợpqrstuùủũúụưừửữứựvxyỳỷỹýỵfjwz"
WORDS = SheetWords(
    language="vi",
    title="Danh sách đi lại",
    north="B",
    legend="Bắt đầu từ số 1. Chấm đen: có người đến hạn.",
    no_position="chưa có vị trí",
    continued="tiếp theo",
    page="Trang {page}/{pages}",
    foot="Từng Nhà",
)


def house(number: int, people: int = 1, point: bool = True, title: str = "") -> SheetHouse:
    """A house on a street that runs east, 103 m from door to door."""
    return SheetHouse(
        ID.format(number),
        title or f"Số nhà {number} · Nông Văn Đức",
        "thăm lần cuối 10/8/2022",
        Point(22.0, 105.0 + number / 1000) if point else None,
        tuple(SheetPerson(f"Người thứ {n}", "Mũi 2 từ 1/8/2022: Pfizer", "Tiêm ngày …") for n in range(people)),
    )


def sheet(*houses: SheetHouse, title: str = "Thôn Nà Pái") -> Sheet:
    return Sheet(title, ("Xã Vi Hương · 22/8/2022",), houses, "Hôm nay không có nhà nào cần đến.")


class Reader:
    """A PDF as a reader sees it."""

    def __init__(self, pdf: bytes) -> None:
        self.document = pypdfium2.PdfDocument(pdf)

    @property
    def pages(self) -> int:
        return len(self.document)

    def text(self, page: int = 0) -> str:
        found: str = self.document[page].get_textpage().get_text_bounded()
        return found.replace("\r\n", "\n")

    def codes(self, page: int = 0) -> list[str]:
        """What the QR codes of a page hold, from the top down, at the 200 dots an inch of a plain printer."""
        picture = self.document[page].render(scale=200 / 72).to_pil()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            found = zxingcpp.read_barcodes(picture, formats=zxingcpp.BarcodeFormat.QRCode)
        return [code.text for code in sorted(found, key=lambda code: code.position.top_left.y)]


def drawn(*sheets: Sheet) -> Reader:
    return Reader(draw_sheets(sheets, WORDS, FONTS))


def test_every_vietnamese_letter_can_be_read_back_and_its_font_is_in_the_file() -> None:
    letters = VIETNAMESE + VIETNAMESE.upper()
    assert letters_missing(letters + "·…()/:", FONTS) == set()
    spaced = " ".join(letters[i : i + 34] for i in range(0, len(letters), 34))
    pdf = draw_sheets([sheet(house(1, title=spaced))], WORDS, FONTS)
    assert "".join(letters.split()) in "".join(Reader(pdf).text().split())
    assert pdf.count(b"/FontFile2") == 2


def test_letters_of_the_highlands_languages_are_drawn_in_a_font_that_has_them() -> None:
    letters = "ĕĭŏŭčñƀĔĬŎŬČÑɃ"
    assert letters_missing(letters, FONTS) == set()
    pdf = draw_sheets([sheet(house(1, title=f"H’Bŭt Ƀyă {letters}"))], WORDS, FONTS)
    assert f"H’Bŭt Ƀyă {letters}" in Reader(pdf).text()
    assert pdf.count(b"/FontFile2") > 2


def test_decomposed_letters_and_line_ends_are_printed_as_one_composed_line() -> None:
    name = unicodedata.normalize("NFD", "Nguyễn Thị\nMỷ\x07")
    assert "Số nhà 1 · Nguyễn Thị Mỷ" in drawn(sheet(house(1, title=f"Số nhà 1 · {name}"))).text()


def test_a_letter_of_another_script_is_named_and_spoils_nothing() -> None:
    assert letters_missing("Nông ភូមិ", FONTS) == set("ភូមិ")
    assert "Số nhà 1" in drawn(sheet(house(1, title="Số nhà 1 ភូមិ 🏠"))).text()


def test_a_house_tells_who_is_to_be_seen_and_why() -> None:
    text = drawn(sheet(house(7, people=2))).text()
    for told in (
        "Thôn Nà Pái",
        "Xã Vi Hương · 22/8/2022",
        "Số nhà 7 · Nông Văn Đức",
        "thăm lần cuối 10/8/2022",
        "Người thứ 0: Mũi 2 từ 1/8/2022: Pfizer",
        "Người thứ 1: Mũi 2 từ 1/8/2022: Pfizer",
        "Trang 1/1",
    ):
        assert told in text
    assert "chưa có vị trí" not in text


def test_each_house_s_qr_code_holds_its_id() -> None:
    pages = drawn(sheet(*(house(n) for n in range(1, 15))))
    found = [code for page in range(pages.pages) for code in pages.codes(page)]
    assert found == [ID.format(n) for n in range(1, 15)]


def test_the_map_shows_the_way_to_scale() -> None:
    # Thirteen doors 0.001 degrees apart at latitude 22: 12 * 103.1 m = 1,237 m on 168 mm, so 40 mm are 295 m and the
    # longest round length within is 200 m.
    reader = drawn(sheet(*(house(n) for n in range(1, 14))))
    assert "200 m" in reader.text().splitlines()
    assert "Bắt đầu từ số 1. Chấm đen: có người đến hạn." in reader.text()


def test_two_houses_have_a_map_and_houses_without_points_have_none_and_say_so() -> None:
    assert "Bắt đầu" in drawn(sheet(house(1), house(2))).text()
    assert "Bắt đầu" not in drawn(sheet(house(1), house(2, point=False))).text()
    nowhere = drawn(sheet(house(1, point=False), house(2, point=False))).text()
    assert "Bắt đầu" not in nowhere
    assert nowhere.count("chưa có vị trí") == 2


def test_a_hamlet_begins_on_a_page_of_its_own_and_counts_its_own_pages() -> None:
    reader = drawn(sheet(*(house(n) for n in range(1, 31))), sheet(title="Bản Nam"))
    last = reader.pages - 1
    for page in range(last):
        assert f"Trang {page + 1}/{last}" in reader.text(page)
        assert "Thôn Nà Pái" in reader.text(page)
    assert last > 1
    assert reader.text(last).split("\n")[:2] == ["Từng Nhà Trang 1/1", "Bản Nam"]
    assert "Hôm nay không có nhà nào cần đến." in reader.text(last)


@pytest.mark.parametrize("people", [20, 21, 22, 23, 60, 200])
def test_a_house_of_very_many_people_goes_on_overleaf_and_nobody_is_lost(people: int) -> None:
    reader = drawn(sheet(house(1), house(2, people=people), house(3)))
    texts = [reader.text(page) for page in range(reader.pages)]
    whole = "\n".join(texts)
    assert all(f"Người thứ {n}: Mũi 2" in whole for n in range(people))
    assert all(f"Trang {number}/{reader.pages}" in text for number, text in enumerate(texts, 1))
    assert [code for page in range(reader.pages) for code in reader.codes(page)] == [ID.format(n) for n in (1, 2, 3)]


def test_long_texts_are_wrapped_and_words_longer_than_a_line_are_cut() -> None:
    draw_sheets([sheet()], WORDS, FONTS)
    lines = wrap("Nông Văn Đức " * 20, 60, BOLD, 10)
    assert len(lines) > 3
    assert " ".join(lines).split() == "Nông Văn Đức".split() * 20
    assert "".join(wrap("ư" * 300, 60, BOLD, 10)) == "ư" * 300
    assert wrap("", 60, BOLD, 10) == [""]
    assert "Số nhà" in drawn(sheet(house(1), title="Thôn " + "rất dài " * 60)).text()


@pytest.mark.parametrize(
    ("most", "round_"), [(1, 1), (1.9, 1), (2, 2), (4.99, 2), (5, 5), (9.9, 5), (10, 10), (295, 200), (0.35, 0.2)]
)
def test_the_scale_bar_is_one_two_or_five_of_a_power_of_ten(most: float, round_: float) -> None:
    assert round_length(most) == pytest.approx(round_)


def test_the_same_sheets_are_the_same_bytes() -> None:
    sheets = [sheet(*(house(n) for n in range(1, 5)))]
    assert draw_sheets(sheets, WORDS, FONTS) == draw_sheets(sheets, WORDS, FONTS)


def test_missing_fonts_are_told_with_the_cure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mapper.formats.pdf.FONT_FILES", {"other-font": "missing.ttf"})
    with pytest.raises(Unavailable, match="make setup"):
        draw_sheets([sheet()], WORDS, tmp_path)
