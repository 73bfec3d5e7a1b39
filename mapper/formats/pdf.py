"""A pen for PDF pages: text, lines, dots and QR codes in millimetres from the top left corner. The only importer of
reportlab.

The fonts are embedded, so that every letter stands on any printer and can be copied out again.
"""

from __future__ import annotations

import io
import math
import threading
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

import segno
from reportlab.lib.colors import HexColor
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont, TTFontFile
from reportlab.pdfgen.canvas import Canvas

from mapper.errors import Unavailable, mark

REGULAR, BOLD = "sheet-regular", "sheet-bold"
MORE = {REGULAR: "more-regular", BOLD: "more-bold"}
"""Beside each font the one for letters that it lacks: ŭ, ŏ, ĭ and ƀ of the highlands' languages among them."""

FONT_FILES = {
    REGULAR: "BeVietnamPro_400Regular.ttf",
    BOLD: "BeVietnamPro_600SemiBold.ttf",
    MORE[REGULAR]: "../noto-sans/NotoSans_400Regular.ttf",
    MORE[BOLD]: "../noto-sans/NotoSans_600SemiBold.ttf",
}
LEAST_SIZE = 6.0
MASK = 3
"""Which of a QR code's eight patterns is laid over it; readers undo each of them alike."""

MM = 72 / 25.4

Spot = tuple[float, float]
"""Millimetres from the left and from the top."""

_registering = threading.Lock()


def use_fonts(folder: Path) -> None:
    """Give the library its fonts, once a process: FONT_FILES of a folder. Raises Unavailable where they are missing."""
    with _registering:
        for name, file in FONT_FILES.items():
            if name in pdfmetrics.getRegisteredFontNames():
                continue
            if not (folder / file).is_file():
                raise Unavailable(mark("The fonts of printed sheets are missing. Run make setup on the server."))
            pdfmetrics.registerFont(TTFont(name, str(folder / file)))


def letters_missing(text: str, folder: Path) -> set[str]:
    """Letters of a text that the fonts cannot draw; an empty box is printed in their place."""
    known = {name: set(TTFontFile(str(folder / file)).charToGlyph) for name, file in FONT_FILES.items()}
    pairs = [known[font] | known[more] for font, more in MORE.items()]
    return {letter for letter in unicodedata.normalize("NFC", text) if any(ord(letter) not in pair for pair in pairs)}


def one_line(text: str) -> str:
    """A text of composed letters on one line: fonts have no marks that stand alone, and names may hold a line end."""
    return " ".join(unicodedata.normalize("NFC", "".join(c if c.isprintable() else " " for c in text)).split())


def width_mm(text: str, font: str, size: float) -> float:
    """How wide a text is; its font must be in use."""
    return sum(float(pdfmetrics.stringWidth(part, name, size)) for name, part in _runs(text, font)) / MM


def _runs(text: str, font: str) -> Iterator[tuple[str, str]]:
    """A text in parts, each with the font that has its letters."""
    has, more = pdfmetrics.getFont(font).face.charToGlyph, pdfmetrics.getFont(MORE[font]).face.charToGlyph
    for lacks, letters in groupby(text, lambda letter: ord(letter) not in has and ord(letter) in more):
        yield MORE[font] if lacks else font, "".join(letters)


def wrap(text: str, width: float, font: str, size: float) -> list[str]:
    """A text as lines no wider than that many millimetres; a word too long for any line is cut."""
    lines: list[str] = []
    line = ""
    for word in one_line(text).split(" "):
        longer = f"{line} {word}" if line else word
        if width_mm(longer, font, size) <= width:
            line = longer
            continue
        if line:
            lines.append(line)
        while width_mm(word, font, size) > width and len(word) > 1:
            cut = next(n for n in range(len(word) - 1, 0, -1) if n == 1 or width_mm(word[:n], font, size) <= width)
            lines.append(word[:cut])
            word = word[cut:]
        line = word
    return [*lines, line]


class Pen:
    """Draws a document page by page. Greys go from 0, black, to 1, white; sizes of letters are in points."""

    def __init__(self, width: float, height: float, language: str, title: str, author: str) -> None:
        self._file = io.BytesIO()
        self._height = height
        # invariant: the same pages are the same bytes, without the hour at which they were drawn.
        self._canvas = Canvas(self._file, pagesize=(width * MM, height * MM), invariant=1, lang=language)
        self._canvas.setTitle(one_line(title))
        self._canvas.setAuthor(one_line(author))
        self._drawn = False

    def next_page(self) -> None:
        """An empty page after those drawn, or the first."""
        if self._drawn:
            self._canvas.showPage()
        self._drawn = True

    def finish(self) -> bytes:
        """Close the document; its bytes."""
        if self._drawn:
            self._canvas.showPage()
        self._canvas.save()
        return self._file.getvalue()

    def text(
        self,
        x: float,
        y: float,
        text: str,
        size: float = 9.0,
        bold: bool = False,
        grey: float = 0.0,
        *,
        align: float = 0.0,
        fit: float = 0.0,
    ) -> None:
        """A line of text on its baseline.

        align: which share of it stands left of x, 0.5 for a centred one. fit: the width in which it must stay, in
        smaller letters if need be, and cut where the smallest are too large.
        """
        font, text = (BOLD if bold else REGULAR), one_line(text)
        if fit and width_mm(text, font, size) > fit:
            size = max(LEAST_SIZE, size * fit / width_mm(text, font, size) - 0.01)
            while width_mm(text, font, size) > fit:
                text = f"{text.removesuffix('…')[:-1]}…"
        self._canvas.setFillGray(grey)
        x -= align * width_mm(text, font, size)
        for name, part in _runs(text, font):
            self._canvas.setFont(name, size)
            self._canvas.drawString(x * MM, self._up(y), part)
            x += float(pdfmetrics.stringWidth(part, name, size)) / MM

    def line(self, spots: Sequence[Spot], thick: float = 0.4, grey: float = 0.0) -> None:
        """A line through several spots. thick: in points, as everywhere."""
        self._canvas.setStrokeGray(grey)
        self._canvas.setLineWidth(thick)
        self._canvas.drawPath(self._path(spots), stroke=1, fill=0)

    def shape(self, spots: Sequence[Spot], grey: float = 0.0) -> None:
        """A filled shape."""
        self._canvas.setFillGray(grey)
        self._canvas.drawPath(self._path(spots), stroke=0, fill=1)

    def box(
        self, x: float, y: float, wide: float, high: float, thick: float, grey: float = 0.0, fill: float = 1.0
    ) -> None:
        """A rectangle, from its top left corner."""
        self._canvas.setStrokeGray(grey)
        self._canvas.setFillGray(fill)
        self._canvas.setLineWidth(thick)
        self._canvas.rect(x * MM, self._up(y + high), wide * MM, high * MM, stroke=1, fill=1)

    def dot(self, x: float, y: float, radius: float, thick: float, fill: float) -> None:
        """A black circle around a spot."""
        self._canvas.setStrokeGray(0)
        self._canvas.setFillGray(fill)
        self._canvas.setLineWidth(thick)
        self._canvas.circle(x * MM, self._up(y), radius * MM, stroke=1, fill=1)

    def area(
        self, rings: Sequence[Sequence[Spot]], colour: str | None, hatch: tuple[float, bool] | None, thick: float
    ) -> None:
        """A shape of several rings, of which inner ones are holes.

        colour: #rrggbb of its ground, "" for white with dots, None for the outline alone. hatch: millimetres between
        its lines, 0 for none, and whether they are crossed.
        """
        canvas = self._canvas
        path = canvas.beginPath()
        for ring in rings:
            for place, (x, y) in enumerate(ring):
                (path.lineTo if place else path.moveTo)(x * MM, self._up(y))
            path.close()
        canvas.setStrokeGray(0.1)
        canvas.setLineWidth(thick)
        canvas.setLineJoin(1)
        if colour is not None and rings:
            canvas.saveState()
            canvas.setFillColor(HexColor(colour or "#ffffff"))
            canvas.drawPath(path, stroke=0, fill=1, fillMode=0)
            canvas.clipPath(path, stroke=0, fill=0, fillMode=0)
            corners = [corner for ring in rings for corner in ring]
            across, down = [x for x, _ in corners], [y for _, y in corners]
            box = (min(across), min(down), max(across), max(down))
            if not colour:
                self._dots(*box)
            elif hatch and hatch[0]:
                self._lines(*box, *hatch)
            canvas.restoreState()
        canvas.drawPath(path, stroke=1, fill=0)

    def _lines(self, left: float, top: float, right: float, foot: float, step: float, crossed: bool) -> None:
        """Slanted lines over a box. They begin at whole steps of the page, so that neighbours' lines meet."""
        high = foot - top
        path = self._canvas.beginPath()
        for slant in (1, -1) if crossed else (1,):
            start = math.floor((left - high) / step) * step
            for place in range(int((right + high - start) / step) + 2):
                x = start + place * step
                # Through every spot where x + y, or x - y, is a whole number of steps.
                shift = -foot % step if slant == 1 else top % step
                path.moveTo((x + shift) * MM, self._up(foot if slant == 1 else top))
                path.lineTo((x + shift + high) * MM, self._up(top if slant == 1 else foot))
        self._canvas.setStrokeGray(0.15)
        self._canvas.setLineWidth(0.45)
        self._canvas.drawPath(path, stroke=1, fill=0)

    def _dots(self, left: float, top: float, right: float, foot: float) -> None:
        """Small dots over a box, at whole steps of the page."""
        step = 2.2
        self._canvas.setFillGray(0.35)
        for down in range(int(top / step), int(foot / step) + 1):
            for across in range(int(left / step), int(right / step) + 1):
                self._canvas.circle(across * step * MM, self._up(down * step), 0.22 * MM, stroke=0, fill=1)

    def plate(self, x: float, y: float, wide: float, high: float) -> None:
        """White ground for writing, through which a little of what lies below is seen."""
        self._canvas.saveState()
        self._canvas.setFillGray(1)
        self._canvas.setFillAlpha(0.82)
        self._canvas.roundRect(x * MM, self._up(y + high), wide * MM, high * MM, 0.8 * MM, stroke=0, fill=1)
        self._canvas.restoreState()

    def qr_code(self, x: float, y: float, side: float, text: str) -> None:
        """A text as a QR code, its quiet zone of four modules within the square."""
        # With a mask given, no eight of them are tried out: that took most of the time of a sheet.
        rows = [list(row) for row in segno.make(text, micro=False, error="m", mask=MASK).matrix_iter(border=4)]
        module = side / len(rows)
        self._canvas.setFillGray(0)
        path = self._canvas.beginPath()
        for down, row in enumerate(rows):
            across = 0
            while across < len(row):
                end = across
                while end < len(row) and row[end]:
                    end += 1
                if end > across:
                    left, bottom = (x + across * module) * MM, self._up(y + (down + 1) * module)
                    # As path.rect writes it, which is too slow for hundreds of squares a house.
                    path._code.append(
                        f"{left:.3f} {bottom:.3f} {(end - across) * module * MM:.3f} {module * MM:.3f} re"
                    )
                across = end + 1
        self._canvas.drawPath(path, stroke=0, fill=1)

    def _up(self, y: float) -> float:
        """Points from the foot of the page, as the format counts."""
        return (self._height - y) * MM

    def _path(self, spots: Sequence[Spot]) -> object:
        path = self._canvas.beginPath()
        for place, (x, y) in enumerate(spots):
            (path.lineTo if place else path.moveTo)(x * MM, self._up(y))
        return path
