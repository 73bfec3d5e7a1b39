"""Names of files sent with submissions, made fit for a folder on anybody's computer."""

from __future__ import annotations

import re
from collections.abc import Container
from unicodedata import category, normalize

MOST_BYTES = 200
"""Of a name in UTF-8; folders take 255, and a number may be put in."""

_NOT_ON_WINDOWS = frozenset('<>:"|?*')
_DEVICE = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)", re.IGNORECASE)
"""Names that Windows takes for devices, whatever follows the dot."""


def fit_name(name: str) -> str:
    """A name without folders and signs that some system refuses, composed (NFC); "file" where nothing is left of it."""
    last = normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    plain = "".join("_" if one in _NOT_ON_WINDOWS or category(one)[0] == "C" else one for one in last)
    plain = plain.strip().rstrip(". ")
    stem, suffix = parted(plain)
    while len((stem + suffix).encode()) > MOST_BYTES:
        stem, suffix = (stem[:-1], suffix) if stem else ("", suffix[:-1])
    plain = stem + suffix
    return f"_{plain}" if _DEVICE.match(plain) else plain or "file"


def parted(name: str) -> tuple[str, str]:
    """A name without its ending, and its ending with the dot; the latter "" where there is none."""
    stem, dot, suffix = name.rpartition(".")
    return (stem, dot + suffix) if stem else (name, "")


def unlike(name: str, taken: Container[str]) -> str:
    """A name with a number before its ending, the first from 2 on that is not taken. taken: names in ``alike``."""
    stem, suffix = parted(name)
    turn, called = 1, name
    while alike(called) in taken:
        turn += 1
        called = f"{stem}~{turn}{suffix}"
    return called


def alike(name: str) -> str:
    """What names have in common that some systems take for one: they do not tell capitals from small letters."""
    return normalize("NFC", name.casefold())
