"""A report as it stands on paper, before it is a page, a PDF, a Word file or a table: heads, paragraphs and tables.

Words are already in the reader's language, and numbers in its way of writing; a cell carries its number besides, for
those who go on calculating.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in a cell of a table. number: the same as a number, where it is one; share: of one, not a count.

    counts: names and values of the question that finds those whom the number counts; empty where none does.
    """

    text: str
    number: float | None = None
    share: bool = False
    counts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table. wide: its part of the width; of numbers, which stand to the right."""

    title: str
    wide: float = 1.0
    numbers: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows below their columns; the first cell of a row names it. name: what the table tells, for who hears it."""

    name: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A numbered part: sentences, then a table, then points."""

    title: str
    sentences: tuple[str, ...] = ()
    table: Table | None = None
    points: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Letterhead:
    """Who issues the paper, as offices write it. above: the body over them; place_and_day: below the motto."""

    above: str
    body: str
    number: str
    motto: tuple[str, str]
    place_and_day: str
    signs: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Paper:
    """One report. name: short, for the sheet of a table; lines: below the title; notes: in small letters at the end."""

    name: str
    title: str
    lines: tuple[str, ...]
    sections: tuple[Section, ...]
    notes: tuple[str, ...]
    letterhead: Letterhead | None = None


@dataclass(frozen=True, slots=True)
class PaperWords:
    """What stands on every page of a file. page: with the places {page} and {pages}."""

    language: str
    author: str
    page: str


ROMAN = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X")
"""Numbers of sections."""


def numbered(sections: Sequence[Section]) -> list[tuple[str, Section]]:
    """Sections with their numbers."""
    return list(zip(ROMAN, sections, strict=False))
