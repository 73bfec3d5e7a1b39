"""Shelves: the numbers of a province's households and cells lie together, so that a database can keep them apart.

A shelf has the number of its province, 1 to 96; what is of no known province lies on shelf 0. It says where a row is
kept and nothing else: figures go by cells and their units.
"""

from __future__ import annotations

UNKNOWN = 0
"""The shelf of what is of no known province, and of all that was numbered before there were shelves."""

SHELVES = 97

CELLS = 10_000_000
"""Of a shelf: cell n of shelf s is s * CELLS + n, 0 < n < CELLS."""

HOUSES = 10**12
"""Of a shelf: household n of shelf s is s * HOUSES + n. n is the number of a submission, or one below zero."""


def shelf_of_province(code: str | None) -> int:
    """The shelf of a province by its two digits; UNKNOWN for any other code, as those of districts and communes."""
    if code is None or len(code) != 2 or not (code.isascii() and code.isdigit()):
        return UNKNOWN
    return int(code) if int(code) < SHELVES else UNKNOWN


def shelf_of_cell(cell_id: int) -> int:
    """The shelf that a cell lies on."""
    return max(cell_id, 0) // CELLS


def on_shelf(shelf: int, arrival: int) -> int:
    """The number of a household on a shelf. arrival: that of its first submission, or one below zero."""
    return shelf * HOUSES + arrival


def shelf_of_household(seq: int) -> int:
    """The shelf that a household lies on."""
    return max(seq + HOUSES // 2, 0) // HOUSES


def arrival(seq: int) -> int:
    """What is left of a household's number without its shelf: by it households stand in the order they came in."""
    return seq - shelf_of_household(seq) * HOUSES
