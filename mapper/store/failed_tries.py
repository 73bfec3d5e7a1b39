"""Counts of failed tries in the database, where every process on every machine sees them; see ``limits``."""

from __future__ import annotations

import time

from limits.storage import Storage
from sqlalchemy import delete, or_, select

from mapper.errors import MapperError
from mapper.store import tables
from mapper.store.database import Connection, Database

LONGEST_S = 3600
"""Nothing is counted for longer: what ends later stems from a clock that was wrong, and is forgotten."""

_t = tables.failed_tries


class SharedCounts(Storage):
    """What ``limits`` keeps its fixed windows in: a row a count."""

    def __init__(self, database: Database) -> None:
        super().__init__()
        self._database = database

    @property
    def base_exceptions(self) -> type[Exception]:
        """What a database that does not answer raises."""
        return MapperError

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Add to a count, which begins anew where its time is over; the count. expiry: seconds."""
        now = time.time()
        with self._database.write() as connection:
            self._database.lock(connection, "failed tries")
            connection.execute(delete(_t).where(or_(_t.c.ends_at <= now, _t.c.ends_at > now + LONGEST_S)))
            adding = self._database.insert(_t).values(key=key, number=amount, ends_at=now + expiry)
            number: int = connection.execute(
                adding.on_conflict_do_update(
                    index_elements=[_t.c.key], set_={"number": _t.c.number + adding.excluded.number}
                ).returning(_t.c.number)
            ).scalar_one()
        return number

    def get(self, key: str) -> int:
        """A count, 0 where nothing is counted."""
        return self._found(key)[0]

    def get_expiry(self, key: str) -> float:
        """When a count ends, seconds since 1970."""
        return self._found(key)[1]

    def _found(self, key: str) -> tuple[int, float]:
        now = time.time()
        with self._database.read() as connection:
            row = connection.execute(select(_t.c.number, _t.c.ends_at).where(_t.c.key == key)).first()
        if row is None or not now < row.ends_at <= now + LONGEST_S:
            return 0, now
        return row.number, row.ends_at

    def check(self) -> bool:
        """Whether the database answers."""
        self.get("")
        return True

    def reset(self) -> int | None:
        """Forget everything; the number of counts."""
        with self._database.write() as connection:
            return _forget(connection, None)

    def clear(self, key: str) -> None:
        """Forget one count."""
        with self._database.write() as connection:
            _forget(connection, key)


def _forget(connection: Connection, key: str | None) -> int:
    forgetting = delete(_t) if key is None else delete(_t).where(_t.c.key == key)
    return connection.execute(forgetting).rowcount
