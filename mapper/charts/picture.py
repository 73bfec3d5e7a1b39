"""One picture: its frame of words, its axes, and its bytes. The only importer of Matplotlib, and only while drawing.

A picture says by itself what it is: title, area, group and dose, up to which day, and that a sample is invented.
The same figures are the same bytes, on any machine with the same fonts.
"""

from __future__ import annotations

import io
import math
import threading
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from xml.sax.saxutils import escape

from babel.dates import format_date
from babel.numbers import format_decimal

from mapper.errors import Unavailable, mark

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.ft2font import FT2Font

FONT_FILES = ("BeVietnamPro_400Regular.ttf", "BeVietnamPro_600SemiBold.ttf")
FAMILY = "Be Vietnam Pro"

INK, SOFT, LINE, PAPER = "#18242c", "#4d5c66", "#d7d8d2", "#ffffff"
BLUE, ORANGE, GREY, RED = "#2f6fae", "#e8a33d", "#c9ced2", "#a3231b"
"""Blue and orange are told apart by colour-blind eyes, and nothing is told by colour alone."""

POINTS = 72
SCALE = 2
"""Pixels of a PNG for each pixel of the page."""

_drawing = threading.Lock()


@dataclass(frozen=True, slots=True)
class Caption:
    """What stands around a picture, in the reader's words.

    subject: of whom and where. foot: up to which day, on which boundaries. finding: what the picture shows, in a
    sentence, for those who do not see it. sample: what marks invented figures, "" for real ones.
    """

    title: str
    subject: str
    foot: str
    finding: str
    sample: str = ""
    language: str = "vi"


@dataclass(frozen=True, slots=True)
class Form:
    """Of which kind and size a picture is. narrow: for a phone's screen. fonts: folder of FONT_FILES."""

    fonts: Path
    kind: Literal["svg", "png"] = "svg"
    narrow: bool = False

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels of the page; a PNG has SCALE times as many."""
        return (330, 400) if self.narrow else (800, 420)


class Words:
    """Numbers and days as the reader writes them."""

    def __init__(self, language: str) -> None:
        self.language = language

    def number(self, value: float) -> str:
        """A whole number with the reader's separators."""
        return str(format_decimal(round(value), locale=self.language))

    def decimal(self, value: float) -> str:
        """A number with one decimal."""
        return str(format_decimal(value, format="#,##0.0", locale=self.language))

    def percent(self, share: float, digits: int = 0) -> str:
        """A share as percent."""
        told = format_decimal(share * 100, format=f"0.{'0' * digits}" if digits else "0", locale=self.language)
        return f"{told}%"

    def span(self, least: float, most: float) -> str:
        """From one share to another, as whole percents that hold both."""
        low, high = math.floor(least * 100 + 1e-9), math.ceil(most * 100 - 1e-9)
        return self.percent(low / 100) if low == high else f"{self.number(low)}–{self.percent(high / 100)}"

    def day(self, day: date) -> str:
        """A day."""
        return str(format_date(day, "dd/MM/y" if self.language == "vi" else "d MMM y", locale=self.language))

    def short_day(self, day: date, months: bool) -> str:
        """A day on an axis; months: as a month and its year."""
        if self.language == "vi":
            return f"{day.month}/{day.year}" if months else f"{day.day}/{day.month}"
        return str(format_date(day, "MMM y" if months else "d MMM", locale=self.language))


def draw(caption: Caption, form: Form, paint: Callable[[Axes, Words], None], above: float = 0) -> bytes:
    """The bytes of a picture. paint: draws into the axes what the picture is about. above: room for a legend, pixels.

    Raises Unavailable where the fonts are missing.
    """
    with _drawing, _style(form):
        from matplotlib.figure import Figure

        wide, high = form.size
        figure = Figure(figsize=(wide / POINTS, high / POINTS), dpi=POINTS, facecolor=PAPER)
        top = _head(figure, caption, form) + above
        left, right, foot = (42, 10, 58) if form.narrow else (56, 18, 56)
        axes = figure.add_axes((left / wide, foot / high, 1 - (left + right) / wide, 1 - (top + foot) / high))
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        for side in ("left", "bottom"):
            axes.spines[side].set_color(SOFT)
        axes.set_axisbelow(True)
        paint(axes, Words(caption.language))
        return _bytes(figure, caption, form)


@contextmanager
def _style(form: Form) -> Iterator[None]:
    from matplotlib import rc_context

    use_fonts(form.fonts)
    settings: dict[Any, Any] = {
        "font.family": [FAMILY],
        "font.size": 10.0,
        "text.parse_math": False,  # a hamlet's name may hold a dollar
        "svg.hashsalt": "chart",
        "svg.fonttype": "path",
        "text.color": INK,
        "axes.labelcolor": SOFT,
        "axes.labelsize": 9.0,
        "xtick.color": SOFT,
        "ytick.color": SOFT,
        "xtick.labelcolor": INK,
        "ytick.labelcolor": INK,
        "hatch.linewidth": 1.0,
        "hatch.color": INK,
        "axes.unicode_minus": False,
    }
    with rc_context(settings):
        yield


def use_fonts(folder: Path) -> None:
    """Give Matplotlib its fonts, once a process: FONT_FILES of a folder. Raises Unavailable where they are missing."""
    from matplotlib.font_manager import fontManager

    if any(entry.name == FAMILY for entry in fontManager.ttflist):
        return
    paths = [folder / file for file in FONT_FILES]
    if not all(path.is_file() for path in paths):
        raise Unavailable(mark("The fonts of pictures are missing. Run make setup on the server."))
    for path in paths:
        fontManager.addfont(path)


@lru_cache(maxsize=4)
def _font(file: Path) -> FT2Font:
    """A font to measure with; only whoever draws may."""
    from matplotlib.ft2font import FT2Font

    return FT2Font(str(file))


@lru_cache(maxsize=4)
def _letters(file: Path) -> frozenset[int]:
    return frozenset(_font(file).get_charmap())


def drawable(text: str, fonts: Path) -> str:
    """A text on one line of composed letters that the fonts have; a question mark stands for any other."""
    known = _letters(fonts / FONT_FILES[0])
    plain = " ".join(unicodedata.normalize("NFC", "".join(c if c.isprintable() else " " for c in text)).split())
    return "".join(letter if ord(letter) in known else "?" for letter in plain)


def _width(text: str, size: float, file: Path) -> float:
    """How wide a text is, in pixels of the page."""
    font = _font(file)
    font.set_size(size, POINTS)
    font.set_text(text, 0.0)
    return float(font.get_width_height()[0]) / 64


def wrap(text: str, size: float, file: Path, wide: float) -> list[str]:
    """A text as lines no wider than so many pixels of the page, cut between words."""
    lines: list[str] = []
    line = ""
    for word in text.split(" "):
        longer = f"{line} {word}" if line else word
        if line and _width(longer, size, file) > wide:
            lines.append(line)
            line = word
        else:
            line = longer
    return [*lines, line]


def _head(figure: Figure, caption: Caption, form: Form) -> float:
    """Write title, subject, foot and the mark of a sample; how much room the head takes, in pixels of the page."""
    wide, high = form.size
    regular, bold = (form.fonts / file for file in FONT_FILES)
    margin = 12
    y = 10.0
    if caption.sample:
        text = drawable(caption.sample, form.fonts)
        figure.text(
            (wide - margin) / wide,
            1 - (y + 9) / high,
            text,
            size=9,
            weight=600,
            color="#3b2a00",
            ha="right",
            va="center",
            bbox={"boxstyle": "round,pad=0.35", "facecolor": "#fee090", "edgecolor": "#3b2a00", "linewidth": 0.8},
            gid="sample",
        )
    taken = _width(drawable(caption.sample, form.fonts), 9, bold) + 24 if caption.sample and not form.narrow else 0
    if caption.sample and form.narrow:
        y += 22
    for text, size, weight, file, colour, name in (
        (caption.title, 13.0 if form.narrow else 15.0, 600, bold, INK, "title"),
        (caption.subject, 9.5 if form.narrow else 10.5, 400, regular, SOFT, "subject"),
    ):
        for line in wrap(drawable(text, form.fonts), size, file, wide - 2 * margin - taken):
            y += size * 1.25
            figure.text(margin / wide, 1 - y / high, line, size=size, weight=weight, color=colour, gid=name)
        y += size * 0.35
    foot = wrap(drawable(caption.foot, form.fonts), 8.0, regular, wide - 2 * margin)
    for number, line in enumerate(reversed(foot)):
        figure.text(margin / wide, (8 + number * 10.5) / high, line, size=8, color=SOFT, gid="foot")
    return y + 14


def _bytes(figure: Figure, caption: Caption, form: Form) -> bytes:
    file = io.BytesIO()
    if form.kind == "png":
        figure.savefig(
            file, format="png", dpi=POINTS * SCALE, metadata={"Software": None, "Title": _latin(caption.title)}
        )
        return file.getvalue()
    figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    text = file.getvalue().decode()
    start = text.index(">", text.index("<svg ")) + 1
    told = f"\n <title>{escape(caption.title)}</title>\n <desc>{escape(f'{caption.subject}. {caption.finding}')}</desc>"
    return (text[:start].rstrip(">") + ' role="img">' + told + text[start:]).encode()


def _latin(text: str) -> str:
    """A PNG's own words are ISO 8859-1: marks that it lacks are left out."""
    plain = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    return "".join(c for c in plain if ord(c) < 0x100)


def label(axes: Axes, x: float, y: float, text: str, **options: Any) -> None:
    """Words beside a line, on a paper-coloured ground so that no line runs through them."""
    options.setdefault("bbox", {"boxstyle": "square,pad=0.15", "facecolor": PAPER, "edgecolor": "none", "alpha": 0.85})
    axes.text(x, y, text, **options)


def day_axis(axes: Axes, words: Words, first: date, last: date, most: int) -> None:
    """Days along the foot of the axes, ``most`` marks at the most; positions are ordinals."""
    marks = day_marks(first, last, most)
    months = all(day.day == 1 for day in marks)
    axes.set_xticks([day.toordinal() for day in marks], [words.short_day(day, months) for day in marks])


def day_marks(first: date, last: date, most: int) -> list[date]:
    """Days worth a mark between two days: evenly spaced days of a short span, first days of months of a long one."""
    span = (last - first).days
    if span <= 45:
        step = next(days for days in (1, 2, 3, 5, 7, 10, 14, 15, 30, 45) if span / days <= most - 1 or days == 45)
        return [last - timedelta(days=back) for back in range(span // step * step, -1, -step)]
    months = [
        date(number // 12, number % 12 + 1, 1)
        for number in range(first.year * 12 + first.month, last.year * 12 + last.month)
    ]
    months = [day for day in months if first <= day <= last]
    step = next((step for step in (1, 2, 3, 6, 12, 24) if len(months) <= most * step), 60)
    kept = [day for day in months if (day.year * 12 + day.month - 1) % step == 0]
    return kept or months[:1] or [first]


def nice_top(highest: float, most: int = 5) -> tuple[float, float]:
    """A round end of an axis of counts, at least ``highest``, and how far apart its marks are."""
    step = 1.0
    for power in range(10):
        for factor in (1, 2, 5):
            step = factor * 10.0**power
            if highest <= step * most:
                return max(step, -(-highest // step) * step), step
    return highest, step
