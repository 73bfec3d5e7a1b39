"""Pictures: the words, lines and bars that stand in them, and what they are as files."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from html import unescape
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PIL import Image

from mapper.charts.courses import CurveWords, coverage_curve, doses_a_day
from mapper.charts.picture import Caption, Form, Words, day_marks, drawable, nice_top, wrap
from mapper.charts.pyramid import PyramidWords, Side, age_pyramid
from mapper.errors import Unavailable
from tests.conftest import CHECKOUT

FONTS = CHECKOUT / "mapper" / "web" / "static" / "vendor" / "be-vietnam-pro"
REGULAR = FONTS / "BeVietnamPro_400Regular.ttf"
SVG, PNG = Form(FONTS), Form(FONTS, "png")
CAPTION = Caption(
    "Tỷ lệ đã tiêm theo ngày",
    "Xã Đôn Phong · 18 tuổi trở lên · Mũi 1",
    "Số liệu đến ngày 08/09/2022 · Huyện Bạch Thông · Từng Nhà",
    "Đã tiêm 3 trên 4 người: 75%.",
    "SỐ LIỆU MẪU",
)
LAST = date(2022, 9, 8)
DAYS = [LAST - timedelta(days=back) for back in range(3, -1, -1)]
WORDS = CurveWords("Chỉ tiêu 90%", "Hạn 10/9/2022", "Mức tăng cần có")


def curve(form: Form = SVG, caption: Caption = CAPTION, **other: object) -> bytes:
    facts = {"days": DAYS, "shares": [0.25, 0.5, None, 0.75], "target": 0.9, "deadline": date(2022, 9, 10)} | other
    return coverage_curve(**facts, caption=caption, words=WORDS, form=form)  # type: ignore[arg-type]


def doses(form: Form = SVG, days: int = 4, numbers: list[int] | None = None) -> bytes:
    shown = [LAST - timedelta(days=back) for back in range(days - 1, -1, -1)]
    means: list[float | None] = [None, *[1.5] * (days - 1)]
    return doses_a_day(shown, numbers or [2] * days, means, CAPTION, "Trong ngày", "Trung bình 7 ngày", form)


def pyramid(form: Form = SVG, caption: Caption = CAPTION) -> bytes:
    left, right = Side("Nam", [3, 2], [1, 0], [0, 4]), Side("Nữ", [5, 0], [0, 1200], [0, 1])
    return age_pyramid(
        ["15–19", "20–24"], left, right, caption, PyramidWords("Đã tiêm", "Đến lượt", "Khác", "Tuổi"), form
    )


class Read:
    """An SVG as a reader sees it. texts: what is written, which stands beside its outlines. ids: of its parts."""

    def __init__(self, content: bytes) -> None:
        builder = ElementTree.TreeBuilder(insert_comments=True)
        self.root = ElementTree.fromstring(content, ElementTree.XMLParser(target=builder))
        comments = [each.text or "" for each in self.root.iter(ElementTree.Comment)]  # type: ignore[call-overload]
        self.texts = {unescape(text.strip()) for text in comments}
        self.ids = {each.get("id", "") for each in self.root.iter()}

    def told(self, name: str) -> str:
        return self.root.findtext(f"{{http://www.w3.org/2000/svg}}{name}") or ""

    def path(self, name: str) -> list[tuple[float, float]]:
        """The corners of a named line."""
        part = next(each for each in self.root.iter() if each.get("id") == name)
        path = next(each.get("d", "") for each in part.iter() if each.get("d"))
        return [(float(x), float(y)) for x, y in re.findall(r"[ML] ([\d.-]+) ([\d.-]+)", path)]


def test_a_picture_says_what_it_is() -> None:
    read = Read(curve())
    assert {CAPTION.title, CAPTION.subject, CAPTION.foot, "SỐ LIỆU MẪU", "Chỉ tiêu 90%", "Hạn 10/9/2022"} <= read.texts
    assert {"75,0%", "0%", "25%", "50%", "100%", "Mức tăng cần có"} <= read.texts
    assert {"coverage", "target", "deadline", "pace", "now", "sample"} <= read.ids
    assert read.root.get("role") == "img"
    assert read.told("title") == CAPTION.title
    assert read.told("desc") == f"{CAPTION.subject}. {CAPTION.finding}"
    real = Read(curve(caption=replace(CAPTION, sample="")))
    assert "sample" not in real.ids
    assert not real.texts & {"SỐ LIỆU MẪU"}


def test_lines_stand_at_their_figures() -> None:
    read = Read(curve())
    (_, low), (_, high) = read.path("target")
    assert low == high
    heights = [y for _, y in read.path("coverage")]
    assert len(heights) == 3  # nothing is drawn where there are no data
    # Downwards in the picture: from 25 % to 50 % as far as from 50 % to 75 %, and on to 90 % three fifths of that.
    assert heights[0] - heights[1] == pytest.approx(heights[1] - heights[2], abs=0.01)
    assert heights[2] - low == pytest.approx((heights[0] - heights[1]) * 0.15 / 0.25, abs=0.01)
    (start, now), (end, goal) = read.path("pace")
    assert (now, goal) == (pytest.approx(heights[2], abs=0.01), pytest.approx(low, abs=0.01))
    (at, _), (same, _) = read.path("deadline")
    assert start < at == same == pytest.approx(end, abs=0.01)


@pytest.mark.parametrize(
    ("other", "gone"),
    [
        ({"target": None}, {"target", "pace"}),
        ({"deadline": None}, {"deadline", "pace"}),
        ({"deadline": date(2022, 9, 6)}, {"pace"}),
        ({"deadline": date(2030, 1, 1)}, {"deadline", "pace"}),  # too far away to be drawn
        ({"shares": [0.1, 0.2, 0.9, 0.95]}, {"pace"}),  # reached
        ({"shares": [None] * 4}, {"pace", "now"}),
    ],
)
def test_what_does_not_hold_is_not_drawn(other: dict[str, object], gone: set[str]) -> None:
    ids = Read(curve(**other)).ids
    assert {"target", "deadline", "pace", "now"} - ids == gone


def test_one_day_alone_is_a_picture_too() -> None:
    assert "75,0%" in Read(curve(days=DAYS[-1:], shares=[0.75])).texts


def test_a_png_has_the_stated_size() -> None:
    for narrow, size in ((False, (1600, 840)), (True, (660, 800))):
        for draw in (curve, doses, pyramid):
            with Image.open(io.BytesIO(draw(replace(PNG, narrow=narrow)))) as picture:
                assert (picture.format, picture.size) == ("PNG", size)
                assert picture.convert("RGB").getpixel((1, 1)) == (255, 255, 255)
                assert len(picture.convert("RGB").getcolors(1 << 20) or []) > 10


def test_the_same_figures_are_the_same_bytes_whoever_draws_beside() -> None:
    first = [curve(), doses(), pyramid(), curve(PNG)]
    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(draw) for draw in (curve, doses, pyramid, lambda: curve(PNG)) * 2]
        assert [job.result() for job in jobs] == first * 2
    assert b"<dc:date>" not in first[0]


def test_bars_join_where_there_are_very_many() -> None:
    few, many = Read(doses()), Read(doses(days=200))
    assert {"bars", "mean"} <= few.ids & many.ids
    assert {"Trong ngày", "Trung bình 7 ngày"} <= few.texts & many.texts
    below = Read(doses(numbers=[-3, 0, 12, 4]))
    assert {"-5", "0", "5", "10", "15"} <= below.texts | {text.replace("−", "-") for text in below.texts}
    assert Read(doses(numbers=[0, 0, 0, 0])).ids >= {"bars"}


def test_a_pyramid_tells_its_parts_by_pattern_and_not_by_colour_alone() -> None:
    content = pyramid()
    read = Read(content)
    assert {"Nam", "Nữ", "Đã tiêm", "Đến lượt", "Khác", "Tuổi", "15–19", "20–24", "1.000"} <= read.texts
    assert {f"{part}-{side}" for part in ("vaccinated", "due", "others") for side in ("left", "right")} <= read.ids
    assert len(set(re.findall(rb'<pattern id="(\w+)"', content))) == 2
    empty = Side("Nam", [0], [0], [0])
    assert age_pyramid(["0–4"], empty, empty, CAPTION, PyramidWords("a", "b", "c", "d"), SVG)


def test_names_are_written_as_they_are_whatever_they_hold() -> None:
    odd = "Thôn $x^2$ <Nà & Khoang> \u4e2d\n Ba\u0309n"
    read = Read(curve(caption=replace(CAPTION, subject=odd)))
    assert any("$x^2$ <Nà & Khoang> ? Bản" in text for text in read.texts)
    assert drawable("a\x00b\u202f", FONTS).startswith("a b")
    assert Read(curve(caption=replace(CAPTION, language="en"))).texts >= {"75.0%"}


def test_long_words_stay_within_the_picture() -> None:
    long = "Mũi nhắc lại lần 1 (mũi 3) của người từ 18 tuổi trở lên ở tất cả các xã của huyện Bạch Thông"
    lines = wrap(long, 10, REGULAR, 200)
    assert " ".join(lines) == long
    assert len(lines) > 2
    assert wrap("đường", 10, REGULAR, 1) == ["đường"]
    narrow = Read(curve(replace(SVG, narrow=True), replace(CAPTION, title=long, subject=long)))
    assert not [text for text in narrow.texts if text == long]


def test_without_its_fonts_nothing_is_drawn(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from mapper.charts.picture import use_fonts\n"
        "from mapper.errors import Unavailable\n"
        "try: use_fonts(Path(sys.argv[1]))\n"
        "except Unavailable as problem: print(problem.message)"
    )
    told = subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=CHECKOUT, capture_output=True, text=True)
    assert "fonts of pictures are missing" in told.stdout
    assert issubclass(Unavailable, Exception)


def test_the_server_starts_without_loading_what_draws() -> None:
    code = "import sys, server, mapper.web.application; print([name for name in sys.modules if 'matplotlib' in name])"
    told = subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("first", "last", "most", "marks"),
    [
        (date(2022, 9, 5), date(2022, 9, 8), 8, [date(2022, 9, day) for day in (5, 6, 7, 8)]),
        (date(2022, 8, 10), date(2022, 9, 8), 4, [date(2022, 8, 9 + 10), date(2022, 8, 29), date(2022, 9, 8)]),
        (date(2022, 6, 11), date(2022, 9, 8), 8, [date(2022, month, 1) for month in (7, 8, 9)]),
        (
            date(2021, 3, 8),
            date(2022, 9, 8),
            8,
            [date(2021, m, 1) for m in (4, 7, 10)] + [date(2022, m, 1) for m in (1, 4, 7)],
        ),
        (date(2021, 3, 8), date(2026, 9, 8), 8, [date(year, 1, 1) for year in range(2022, 2027)]),
        (date(2022, 9, 8), date(2022, 9, 8), 8, [date(2022, 9, 8)]),
    ],
)
def test_days_on_an_axis_are_round(first: date, last: date, most: int, marks: list[date]) -> None:
    assert day_marks(first, last, most) == marks


def test_counts_on_an_axis_are_round() -> None:
    assert [nice_top(value) for value in (0, 1, 4, 7, 23, 60, 101)] == [
        *((1, 1), (1, 1), (4, 1), (8, 2), (25, 5), (60, 20), (150, 50)),
    ]


def test_numbers_and_days_are_written_as_the_reader_does() -> None:
    vi, en = Words("vi"), Words("en")
    assert (vi.number(12345), en.number(12345), vi.percent(0.8349, 1), en.percent(0.9)) == (
        "12.345",
        "12,345",
        "83,5%",
        "90%",
    )
    assert (vi.day(LAST), en.day(LAST), vi.decimal(2.25)) == ("08/09/2022", "8 Sep 2022", "2,2")
    assert (vi.short_day(LAST, True), vi.short_day(LAST, False), en.short_day(LAST, True)) == (
        "9/2022",
        "8/9",
        "Sep 2022",
    )


def label_box(content: bytes) -> tuple[float, float, float, float]:
    """Left, top, right, bottom of the ground of the words beside the day of a change, in the picture's points."""
    read = Read(content)
    part = next(each for each in read.root.iter() if each.get("id") == "change-label")
    path = next(each.get("d", "") for each in part.iter() if each.get("d"))
    corners = [(float(x), float(y)) for x, y in re.findall(r"[ML] ([\d.-]+) ([\d.-]+)", path)]
    (left, right), (top, bottom) = ((min(each), max(each)) for each in zip(*corners, strict=True))
    return left, top, right, bottom


@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize(
    "shares",
    [
        [0.01 * day for day in range(60)],
        [0.2] * 60,
        [0.7] * 60,
        [0.02 * min(day, 30) for day in range(60)],
    ],
)
def test_words_of_a_change_touch_neither_the_curve_nor_the_mean(shares: list[float], narrow: bool) -> None:
    days = [date(2025, 6, 1) + timedelta(days=number) for number in range(60)]
    changes = ((date(2025, 7, 1), "Ranh giới mới 01/07/2025"),)
    form = replace(SVG, narrow=narrow)
    curve_drawn = coverage_curve(days, shares, 0.95, None, CAPTION, CurveWords("Chỉ tiêu", changes=changes), form)
    numbers = [round(share * 40) for share in shares]
    doses_drawn = doses_a_day(days, numbers, [float(one) for one in numbers], CAPTION, "a", "b", form, changes)
    for content, line in ((curve_drawn, "coverage"), (doses_drawn, "mean")):
        read = Read(content)
        assert "change" in read.ids
        assert "Ranh giới mới 01/07/2025" in read.texts
        left, top, right, bottom = label_box(content)
        path = [
            (a + (c - a) * part / 200, b + (d - b) * part / 200)
            for (a, b), (c, d) in pairwise(read.path(line))
            for part in range(201)
        ]
        assert not [(x, y) for x, y in path if left <= x <= right and top <= y <= bottom]
    outside = doses_a_day(days[:10], numbers[:10], numbers[:10], CAPTION, "a", "b", form, changes)
    assert "change" not in Read(outside).ids
