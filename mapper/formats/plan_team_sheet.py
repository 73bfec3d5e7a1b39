"""The sheet of a team's day: its stops in order with their hours, and what to load in the morning.

Millimetres from the top left corner throughout.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mapper.formats.pdf import Pen
from mapper.formats.plan_sheet import CLOSING, FOOT, MARGIN, WIDTH, Pages, PageWords, SheetNeed, draw_sheets

HEAD_ROW, ROW = 7.5, 11.5
HOURS, PLACE, PEOPLE, DOSES, ARRIVED, LEFT = 20.0, 42.0, 128.0, 142.0, 156.0, 177.0
"""Where the columns begin."""


@dataclass(frozen=True, slots=True)
class StopRow:
    """A stop. facts: in small letters below the place's name: where that is, and its position."""

    hours: str
    place: str
    facts: str
    people: str
    doses: str


@dataclass(frozen=True, slots=True)
class TeamSheet:
    """A team's day. when: the day, said again on later pages. needs: to be loaded before it leaves."""

    title: str
    when: str
    lines: tuple[str, ...]
    address: str
    needs: tuple[SheetNeed, ...]
    stops: tuple[StopRow, ...]


@dataclass(frozen=True, slots=True)
class TeamSheetWords:
    """What stands on every page, and what the columns are called. closing: lines to fill in at the end."""

    pages: PageWords
    number: str
    hours: str
    place: str
    people: str
    doses: str
    arrived: str
    left: str
    closing: tuple[str, ...]


def draw_team_sheets(sheets: Sequence[TeamSheet], words: TeamSheetWords, fonts: Path) -> bytes:
    """The PDF, each day on a page of its own, or several where its stops are many.

    fonts: the folder of ``pdf.FONT_FILES``. Raises Unavailable where they are missing.
    """
    return draw_sheets(words.pages, fonts, lambda pen: [_Day(pen, sheet, words) for sheet in sheets])


class _Day(Pages):
    """The pages of one day."""

    def __init__(self, pen: Pen, sheet: TeamSheet, words: TeamSheetWords) -> None:
        super().__init__(pen, words.pages, sheet.title, sheet.when, sheet.lines, sheet.address, sheet.needs)
        self._stops, self._columns = sheet.stops, words

    def draw(self) -> None:
        """All pages."""
        laid = self._laid_out()
        number = 0
        for place, stops in enumerate(laid):
            self.next_page(len(laid))
            if stops:
                self._head()
            for stop in stops:
                number += 1
                self._row(number, stop)
            if place == len(laid) - 1:
                for line, told in enumerate(self._columns.closing):
                    self.pen.text(MARGIN, self.at + 8 + 7 * line, told, 9.5, fit=WIDTH - 2 * MARGIN)

    def _laid_out(self) -> list[list[StopRow]]:
        pages: list[list[StopRow]] = [[]]
        at = self.head_height(1) + HEAD_ROW
        for stop in self._stops:
            if at + ROW > FOOT:
                pages.append([])
                at = self.head_height(2) + HEAD_ROW
            pages[-1].append(stop)
            at += ROW
        return [*pages, []] if at + CLOSING > FOOT else pages

    def _head(self) -> None:
        words = self._columns
        named = (
            (MARGIN, words.number, HOURS - MARGIN),
            (HOURS, words.hours, PLACE - HOURS),
            (PLACE, words.place, PEOPLE - PLACE),
            (PEOPLE, words.people, DOSES - PEOPLE),
            (DOSES, words.doses, ARRIVED - DOSES),
            (ARRIVED, words.arrived, LEFT - ARRIVED),
            (LEFT, words.left, WIDTH - MARGIN - LEFT),
        )
        self.columns(self.at, HEAD_ROW, named)
        self.at += HEAD_ROW

    def _row(self, number: int, stop: StopRow) -> None:
        pen, top = self.pen, self.at
        pen.line([(MARGIN, top), (WIDTH - MARGIN, top)], 0.4, 0.6)
        pen.text(HOURS - 2, top + 5, str(number), 9.5, True, align=1)
        pen.text(HOURS + 0.7, top + 5, stop.hours, 9.5, fit=PLACE - HOURS - 1.4)
        pen.text(PLACE + 0.7, top + 5, stop.place, 10, True, fit=PEOPLE - PLACE - 1.4)
        pen.text(PLACE + 0.7, top + 9.3, stop.facts, 8, grey=0.2, fit=PEOPLE - PLACE - 1.4)
        pen.text(DOSES - 2, top + 5, stop.people, 9.5, align=1)
        pen.text(ARRIVED - 2, top + 5, stop.doses, 9.5, align=1)
        for left, right in ((ARRIVED, LEFT), (LEFT, WIDTH - MARGIN)):
            pen.box(left + 1, top + 1.8, right - left - 2, ROW - 3.6, 0.5, 0.5)
        self.at += ROW
