"""In which round each row of a phone's lists became what it is, so that the phone takes every change and nothing else.

A phone takes a row only where its version is higher than what it has. Of each row that was handed out last a hash is
kept; a row that is not among them belongs to a new round, and all others stay in theirs: what a canvasser did offline
to a house that nothing else changed is never overwritten by a list that does not know of it yet.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date

import numpy as np
from numpy.typing import NDArray

from mapper.domain.entities import handed_version
from mapper.store.phone_rounds import Handed

_FIRST_DAY = date(2020, 1, 1).toordinal()
_ROUNDS_A_DAY = 24
_ROW = np.dtype([("told", "<u8"), ("round", "<i4")])
_VERSION = slice(2, 5)
"""Where a row has its version, trunk version and branch."""


class ListRounds:
    """The rounds of one making of a user's lists.

    handed: what the phone has, None for nothing. A new round is never below what a lost table would have come to by
    the day, so that a phone goes on taking rows after a backup was put back. frozen: rows that changed keep the round
    they have, for the phone to take them next time.
    """

    def __init__(self, user_id: int, handed: Handed | None, day: date, *, frozen: bool = False) -> None:
        self._user_id = user_id
        self.before = handed.round if handed else 0
        self._old = np.frombuffer(handed.rows if handed else b"", _ROW)
        by_day = max(0, day.toordinal() - _FIRST_DAY) * _ROUNDS_A_DAY
        self._next = self.before if frozen else max(self.before + 1, by_day)
        self._new: list[NDArray[np.void]] = []

    def give(self, rows: Sequence[Sequence[str]]) -> list[Sequence[str]]:
        """Rows in the columns' order whose version is that of the register, with what the phone is to have there."""
        now = np.empty(len(rows), _ROW)
        now["told"] = [_hash("\0".join(row)) for row in rows]
        now["round"] = self._next
        if len(self._old):
            old = self._old[np.searchsorted(self._old["told"], now["told"]).clip(max=len(self._old) - 1)]
            same = old["told"] == now["told"]
            now["round"][same] = old["round"][same]
        self._new.append(now)
        return [self._versioned(row, round) for row, round in zip(rows, now["round"].tolist(), strict=True)]

    def result(self) -> Handed | None:
        """What is to be kept of all rows given; None where they are those that the phone was handed last."""
        found = np.sort(np.concatenate(self._new) if self._new else self._old[:0], order="told")
        if np.array_equal(found, self._old) and self.before:
            return None
        return Handed(self._next, found.tobytes())

    def _versioned(self, row: Sequence[str], round: int) -> Sequence[str]:
        """What an update by this phone stands on: what it holds is the server's, and a branch of its own begins."""
        version = str(handed_version(int(row[_VERSION.start]), round))
        told = hashlib.sha256(f"{self._user_id} {row[0]} {version}".encode()).hexdigest()
        # A UUID of version 8, whose bits anybody may choose (RFC 9562); the library's own takes ten times as long.
        branch = f"{told[:8]}-{told[8:12]}-8{told[13:16]}-8{told[17:20]}-{told[20:32]}"
        return (*row[: _VERSION.start], version, version, branch, *row[_VERSION.stop :])


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")
