"""Cells of tables for spreadsheets, which take some texts for formulas."""

from __future__ import annotations

_BEGINS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""First characters by which a spreadsheet reads a cell as a formula, the wide forms of the signs too."""


def harmless(text: str) -> str:
    """A cell as no spreadsheet runs it: an apostrophe stands before what would begin a formula.

    Characters that no table holds (NUL and its like) are left out.
    """
    text = "".join(c for c in text if c.isprintable() or c.isspace())
    return f"'{text}" if text.startswith(_BEGINS) or text.lstrip().startswith(_BEGINS) else text
