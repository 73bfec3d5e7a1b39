"""Whether this server should be sent readers and phones now, and what waits for it to be done."""

from __future__ import annotations

import shutil
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from mapper.errors import MapperError
from mapper.services.plans import UNDER_WAY
from mapper.services.reference import Reference
from mapper.store import schema
from mapper.store.database import Database
from mapper.store.reference import SetState
from mapper.store.room import has_room
from mapper.store.standing import Standing, standing
from mapper.store.submissions import SubmissionState

MEGABYTE = 1_000_000
FRESH_S = 5.0
"""Whoever watches asks every few seconds; the database is asked so often at most."""

SUBMISSIONS = (SubmissionState.RECEIVED, SubmissionState.HELD, SubmissionState.FLAGGED)
SETS = (SetState.ARRIVING, SetState.PLACING)


def checks(database: Database, data_dir: Path, floor_mb: int) -> dict[str, bool]:
    """What has to hold before the server takes anything in: by name, whether it does.

    floor_mb: so much of the data folder's disk must be free, in megabytes. The database's own disk must take what is
    written, too.
    """
    try:
        at_head = schema.is_up_to_date(database)
        reachable = True
    except MapperError:
        at_head = reachable = False
    free = free_bytes(data_dir)
    enough = free is not None and free >= floor_mb * MEGABYTE
    return {"database": reachable, "schema": at_head, "disk": enough and has_room(database)}


def free_bytes(folder: Path) -> int | None:
    """What the server may still write on the disk of a folder, None where it cannot be told."""
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits, by state; lag_s: how long ago the oldest submission came that is kept and not counted yet."""

    submissions: dict[str, int]
    lag_s: float
    plans: dict[str, int]
    boundary_sets: dict[str, int]


@dataclass(slots=True)
class Watched:
    """The numbers of what waits, read anew every few seconds at most."""

    reference: Reference
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)
    _until: float = field(default=0.0, init=False)
    _found: Waiting | None = field(default=None, init=False)

    def waiting(self) -> Waiting | None:
        """What waits; None where the database does not answer."""
        with self._lock:
            if time.monotonic() >= self._until:
                self._found = self._read()
                self._until = time.monotonic() + FRESH_S
            return self._found

    def _read(self) -> Waiting | None:
        try:
            with self.reference.database.read() as connection:
                found = standing(connection)
        except MapperError:
            return None
        return told(found, datetime.now(UTC))


def told(found: Standing, moment: datetime) -> Waiting:
    """The numbers at a moment; states of which there is none are told as 0, so that whoever watches sees them end."""
    lag = 0.0
    if found.oldest_uncounted is not None:
        # A clock that was set back makes nothing negative of it.
        lag = max(0.0, (moment - datetime.fromisoformat(found.oldest_uncounted)).total_seconds())
    return Waiting(
        {state.value: found.submissions.get(state.value, 0) for state in SUBMISSIONS},
        lag,
        {state.value: found.plans.get(state.value, 0) for state in UNDER_WAY},
        {state.value: found.boundary_sets.get(state.value, 0) for state in SETS},
    )
