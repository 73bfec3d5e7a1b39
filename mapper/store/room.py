"""Whether the disk of the database takes what is written; on PostgreSQL that disk may be another machine's."""

from __future__ import annotations

import shutil

from mapper.errors import Unavailable
from mapper.store.database import Database, driver_of

ROOM_BYTES = 4_000_000
"""A submission with its photos, about."""

_TAKEN = "CREATE TEMP TABLE room_taken ON COMMIT DROP AS SELECT repeat('0123456789', 190) FROM generate_series(1, %s)"
"""Four rows a page of 8 kB; longer ones would be packed."""


def has_room(database: Database) -> bool:
    """True, unless a transaction of this process failed for want of room; then it is tried whether there is some.

    Raises nothing: a database that does not answer has none.
    """
    if not database.lacks_room:
        return True
    try:
        if database.is_sqlite:
            if database.folder is not None and shutil.disk_usage(database.folder).free < ROOM_BYTES:
                return False
        else:
            # As PostgreSQL alone knows its disk; a temporary table takes room on it, and is gone at once.
            with database.write() as connection:
                driver_of(connection).execute(_TAKEN, (ROOM_BYTES // 2048,))
    except (Unavailable, OSError):
        return False
    database.lacks_room = False
    return True
