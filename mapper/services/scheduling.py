"""Work that one process does for all: which of them it is, the database says."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from mapper.errors import trace
from mapper.store.database import Database
from mapper.store.election import ANSWER_S, SILENCE_S, lock_of

log = logging.getLogger(__name__)

LOOKS_S = 3.0
"""How often a process asks whether it is elected, and thereby stays so."""

LOST_S = (ANSWER_S + SILENCE_S) / 2
"""An answer older than that is none: the database may have elected another since."""


class Scheduler:
    """Whether this process is the one among all on a database that looks after what is left behind.

    It asks in a thread of its own, since its work may take long. Whoever is cut off from the database while at work
    cannot write any more: what it writes, it writes there.
    """

    def __init__(self, database: Database, name: str = "scheduler", looks_s: float = LOOKS_S) -> None:
        self._lock = lock_of(database, name)
        self._looks_s = looks_s
        self._elected = False
        self._told_at = 0.0
        self._over = threading.Event()
        self._ask()
        self._thread = threading.Thread(target=self._stand, name="election", daemon=True)
        self._thread.start()

    @property
    def elected(self) -> bool:
        """Whether it is this process, as far as the database answered not long ago."""
        return self._elected and time.monotonic() - self._told_at < LOST_S

    def alone(self, work: Callable[[], object]) -> Callable[[], None]:
        """The work as every process may be told to do it: only the elected one does."""

        def if_elected() -> None:
            if self.elected:
                work()

        return if_elected

    def close(self) -> None:
        """Leave it to the others."""
        self._over.set()
        self._thread.join()

    def _stand(self) -> None:
        while not self._over.wait(self._looks_s):
            self._ask()
        self._elected = False
        self._lock.release()

    def _ask(self) -> None:
        asked_at = time.monotonic()
        try:
            held = self._lock.hold()
        except Exception as fault:
            log.warning("whether this process is the scheduler is not known: %s", trace(fault))
            held = False
        if held != self._elected:
            log.info("this process %s the scheduler", "is" if held else "is no longer")
        self._elected, self._told_at = held, asked_at
