"""What the parts of a set's placing share: short transactions that leave phones their time, and where points lie."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from mapper.domain.places import USABLE, Placement
from mapper.errors import Unavailable
from mapper.services.counting import EVERYTHING
from mapper.services.reference import PlaceSet, Reference
from mapper.store.database import Connection
from mapper.store.placements import Points, Row

Share = Callable[[float], None]
"""Told how much is done, 0..1."""

HELD_S = 0.02
"""So long a transaction is to write at most, about: phones' submissions wait for it."""

REST = 1.0
"""After a transaction phones have the database for themselves for so many times as long as it took."""

WAIT_S, LOOK_S = 30, 0.001
"""So long it waits for its turn, and so often it looks whether it has come."""

MOST_ROWS = 8000
TRIES = 20
Done = TypeVar("Done")


@dataclass
class Pace:
    """How many rows one transaction writes: as many as it takes HELD_S for, by how long the last one took.

    least: so many at any rate: fewer would hold up phones about as long, and oftener, as a commit alone takes its time
    where cores or disk are busy.
    """

    rows: int
    least: int = 1

    def told(self, rows: int, seconds: float) -> None:
        """A transaction wrote so many rows in so long."""
        wanted = rows * HELD_S / max(seconds, 1e-6)
        self.rows = int(min(max(min(max(wanted, self.rows / 2), self.rows * 2), self.least), MOST_ROWS))


@dataclass
class Work:
    """The placing of one set by one process."""

    reference: Reference
    set_id: str
    share: Share
    points: Pace = field(default_factory=lambda: Pace(1000, 1000))
    cells: Pace = field(default_factory=lambda: Pace(100, 50))
    houses: Pace = field(default_factory=lambda: Pace(200, 200))

    def short(self, pace: Pace, rows: int, write: Callable[[Connection], Done]) -> Done:
        """A transaction during which nobody counts; then rest."""
        for tries_left in reversed(range(TRIES)):
            try:
                with ExitStack() as stack:
                    connection = self._turn(stack)
                    begun = time.perf_counter()
                    done = write(connection)
            except Unavailable:
                if not tries_left:
                    raise
                time.sleep(0.5)
            else:
                took = time.perf_counter() - begun
                pace.told(rows, took)
                time.sleep(REST * took)
                return done
        raise AssertionError("TRIES is at least 1")

    def _turn(self, stack: ExitStack) -> Connection:
        """A transaction that has everything alone. Raises Unavailable."""
        database, give_up = self.reference.database, time.monotonic() + WAIT_S
        while True:
            try:
                # SQLite itself waits for another process by longer and longer naps, and seldom gets its turn.
                connection = stack.enter_context(database.write_at_once(WAIT_S))
            except Unavailable:
                if time.monotonic() > give_up:
                    raise
                time.sleep(LOOK_S)
            else:
                database.lock(connection, EVERYTHING)
                return connection


def place_rows(places: PlaceSet, found: Points) -> list[Row]:
    """Where points lie in a set, as the register keeps it; exactly as ``Known.place`` finds it one by one."""
    usable = found.state == USABLE
    at, on_border = places.placer.place_exactly(
        np.where(usable, found.lon, np.nan), np.where(usable, found.lat, np.nan)
    )
    codes = places.placer.codes
    rows: list[Row] = []
    for seq, state, unit, border in zip(
        found.seq.tolist(), found.state.tolist(), at.tolist(), on_border.tolist(), strict=True
    ):
        if state != USABLE:
            rows.append((seq, places.id, None, state))
        elif unit < 0:
            rows.append((seq, places.id, None, Placement.OUTSIDE.value))
        else:
            rows.append((seq, places.id, codes[unit], (Placement.BORDER if border else Placement.INSIDE).value))
    return rows
