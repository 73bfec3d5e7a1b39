"""Whether two tables hold the same rows: their number, and a digest that no order of rows and no database changes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

Value = int | float | str | bytes | bool | date | None
"""What stands in a cell; a column always holds values of one of these kinds, or None."""

BYTES_OF_DIGEST = 16
_WRITTEN = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=True)


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What a table holds. digest: 32 hexadecimal digits."""

    rows: int
    digest: str


class TableDigest:
    """Adds up the rows of a table: the sum, modulo 2^128, of a BLAKE2b of each row.

    A row is written as the JSON array of its values: numbers as Python writes them (the shortest text that reads back
    as the same double), days as ISO 8601, bytes as the hexadecimal SHA-256 of what they are. A sum and not an exclusive
    or, so that two equal rows do not cancel each other.
    """

    __slots__ = ("_rows", "_sum", "_to_write")

    def __init__(self, kinds: Sequence[str]) -> None:
        """kinds: of the columns, in their order; see ``store.whole.Column``."""
        self._rows = 0
        self._sum = 0
        self._to_write = tuple((place, kind == "bytes") for place, kind in enumerate(kinds) if kind in ("bytes", "day"))

    def add(self, rows: Iterable[Sequence[Value]]) -> None:
        """Take in some rows, whatever their order."""
        written, to_write, total, number = _WRITTEN.encode, self._to_write, 0, 0
        blake, from_bytes = hashlib.blake2b, int.from_bytes
        for row in rows:
            values: Sequence[object] = row
            if to_write:
                values = list(row)
                for place, is_bytes in to_write:
                    value = row[place]
                    if value is not None:
                        values[place] = _hashed(value) if is_bytes else value.isoformat()  # type: ignore[union-attr]
            total += from_bytes(blake(written(values).encode("utf-8", "surrogatepass"), digest_size=16).digest(), "big")
            number += 1
        self._rows += number
        self._sum = (self._sum + total) % (1 << 8 * BYTES_OF_DIGEST)

    def fingerprint(self) -> Fingerprint:
        """What was taken in until now."""
        return Fingerprint(self._rows, f"{self._sum:0{2 * BYTES_OF_DIGEST}x}")


def _hashed(value: object) -> str:
    assert isinstance(value, bytes)
    return hashlib.sha256(value).hexdigest()
