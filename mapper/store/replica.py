"""A streaming replica of the database: which positions of the primary's log it has replayed, and who reads from it.

Readers who ask for it are served by it as long as it is at most LAG_S behind, and has replayed what they have written
themselves. Whatever is not known for certain is read from the primary.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextvars import ContextVar

from sqlalchemy import text

from mapper.errors import MapperError, Unavailable, trace
from mapper.store.database import Database

log = logging.getLogger(__name__)

LAG_S = 5.0
"""A replica further behind than that serves nobody."""

LOOKS_S = 0.5
"""How often it is asked how far it is."""

_WRITTEN = text("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint")
_REPLAYED = text("SELECT pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0')::bigint")

_from_replica: ContextVar[bool] = ContextVar("from_replica", default=False)


class Replica:
    """The replica of a primary. Safe for threads; a thread of its own asks both how far they are."""

    def __init__(self, primary: Database, url: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.database = Database(url, primary.sealing)
        self._primary = primary
        self._clock = clock
        self._replayed = -1
        self._answered_at = self._level_at = float("-inf")
        self._open: tuple[int, float] | None = None
        self._primary_answers = True
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def serves(self, written: int = 0) -> bool:
        """Whether it may serve a reader. written: position of the log up to which they have to see everything."""
        now = self._clock()
        if now - self._answered_at > LAG_S or self._replayed < written:
            return False
        # With the primary gone, what is left is the newest that there is.
        return now - self._level_at <= LAG_S or not self._primary_answers

    @staticmethod
    def turn(to_replica: bool) -> None:
        """Transactions of this thread that only read go to the replica from here on, or no longer."""
        _from_replica.set(to_replica)

    @property
    def is_asked(self) -> bool:
        """Whether this thread reads from it."""
        return _from_replica.get()

    def gives_up(self) -> None:
        """It failed a reader: until it is heard from again, it serves nobody."""
        self._answered_at = float("-inf")

    def written(self) -> int:
        """Position of the primary's log that everything committed until now stands before."""
        with self._primary.write() as connection:
            return int(connection.execute(_WRITTEN).scalar_one())

    def look(self) -> None:
        """Ask both how far they are."""
        asked_at = self._clock()
        try:
            if self._open is None:
                self._open = self.written(), asked_at
            self._primary_answers = True
        except Unavailable:
            self._primary_answers = False
        try:
            with self.database.read() as connection:
                replayed = connection.execute(_REPLAYED).scalar_one()
        except MapperError as fault:
            log.info("the replica does not answer: %s", trace(fault))
            return
        if replayed is None:  # no replica at all, or one that was promoted: it is not behind, it is another
            log.warning("MAPPER_READING_URL is no replica: it replays nothing. Pages are read from the primary.")
            return
        self._replayed, self._answered_at = int(replayed), self._clock()
        if self._open is not None and self._replayed >= self._open[0]:
            self._level_at, self._open = self._open[1], None

    def watch(self) -> None:
        """Look again and again for as long as the process lives."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._watch, name="replica", daemon=True)
            self._thread.start()

    def _watch(self) -> None:
        while not self._over.is_set():
            try:
                self.look()
            except Exception as fault:
                log.warning("how far the replica is, is not known: %s", trace(fault))
            self._over.wait(LOOKS_S)

    def close(self) -> None:
        """End its thread and its connections."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()
        self.database.close()
