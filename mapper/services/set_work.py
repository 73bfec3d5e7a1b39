"""What the parts of a set's placing share: short transactions that leave phones their time."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from mapper.errors import Unavailable
from mapper.services.counting import EVERYTHING
from mapper.services.reference import Reference
from mapper.store import reference as kept
from mapper.store.database import Connection

Share = Callable[[float], None]
"""Told how much is done, 0..1."""

HELD_S = 0.016
"""So long a transaction is to write at most, about: phones' submissions wait for it."""

REST = 0.5
"""After a transaction phones have the database for themselves for so many times as long as it took."""

WAIT_S, LOOK_S = 30, 0.001
"""So long it waits for its turn, and so often it looks whether it has come."""

PUT_BY = 4
"""After so many transactions SQLite's log is brought into its file in a rest. Else a phone's own commit has to do it,
which then takes many times as long: it falls to whoever commits when the log has grown to a thousand pages."""

TOLD_S = 15
"""So often it is written down that somebody is at work."""

FEWEST, MOST_ROWS = 100, 8000
"""What a transaction may write, counted in cells that are given their unit."""

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
    cells: Pace = field(default_factory=lambda: Pace(FEWEST, FEWEST))
    _rests_until: float = 0.0
    _not_put_by: int = 0
    _told_at: float = field(default_factory=time.monotonic)

    def short(self, pace: Pace, rows: int, write: Callable[[Connection], Done]) -> Done:
        """A transaction during which nobody counts, after the rest from the last one: what is read or worked out
        between the two is part of it."""
        time.sleep(max(0.0, self._rests_until - time.monotonic()))
        for tries_left in reversed(range(TRIES)):
            try:
                with ExitStack() as stack:
                    connection = self._turn(stack)
                    begun = time.perf_counter()
                    if time.monotonic() > self._told_at + TOLD_S:
                        self.tell(connection)
                    done = write(connection)
            except Unavailable:
                if not tries_left:
                    raise
                time.sleep(0.5)
            else:
                took = time.perf_counter() - begun
                pace.told(rows, took)
                self._rests_until = time.monotonic() + REST * took
                self._put_by_now_and_then()
                return done
        raise AssertionError("TRIES is at least 1")

    def _put_by_now_and_then(self) -> None:
        self._not_put_by += 1
        if self._not_put_by >= PUT_BY:
            self._not_put_by = 0
            with suppress(Unavailable):
                self.reference.database.put_by()

    def tell(self, connection: Connection) -> None:
        """Write down that somebody is at work."""
        self._told_at = time.monotonic()
        told = {"at": datetime.now(UTC).isoformat(timespec="seconds")}
        kept.set_fact(self.reference.database, connection, fact(self.set_id), json.dumps(told))

    def tell_now_and_then(self) -> None:
        """The same where it was long ago, in a transaction of its own."""
        if time.monotonic() > self._told_at + TOLD_S:
            self.short(Pace(1), 1, self.tell)

    def _turn(self, stack: ExitStack) -> Connection:
        """A transaction that has everything alone. Raises Unavailable."""
        database, give_up = self.reference.database, time.monotonic() + WAIT_S
        while True:
            try:
                # SQLite itself waits for another process by longer and longer naps, and seldom gets its turn.
                connection = stack.enter_context(database.write_at_once(WAIT_S, done_again=True))
            except Unavailable:
                if time.monotonic() > give_up:
                    raise
                time.sleep(LOOK_S)
            else:
                database.lock(connection, EVERYTHING)
                return connection


def fact(set_id: str) -> str:
    """Name of the fact that tells when somebody was at work on a set."""
    return f"placing {set_id}"


def at_work(connection: Connection, set_id: str) -> str | None:
    """When it was told last that somebody is at work on a set; None where nobody is."""
    text = kept.fact(connection, fact(set_id))
    return str(json.loads(text)["at"]) if text else None
