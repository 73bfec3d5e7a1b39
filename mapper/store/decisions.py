"""What supervisors decided about updates that contradict each other; a rebuild keeps to it."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, insert, select

from mapper.store import tables
from mapper.store.database import Database

STANDS, SET_ASIDE = "stands", "set_aside"
"""A submission that was decided about counts beside the others, or does not count."""

_d = tables.decisions


def latest(database: Database, connection: Connection, instance_ids: Sequence[str]) -> dict[str, str]:
    """What was decided last about each of the submissions; without those that nobody decided about."""
    statement = select(_d.c.instance_id, _d.c.choice).where(database.among(_d.c.instance_id, instance_ids))
    found: dict[str, str] = {}
    for instance_id, choice in connection.execute(statement.order_by(_d.c.seq)):
        found[instance_id] = choice
    return found


def add(connection: Connection, instance_id: str, choice: str, user_id: int | None, at: str) -> None:
    """Keep a decision; those before it stay. at: an ISO time."""
    connection.execute(insert(_d).values(instance_id=instance_id, choice=choice, user_id=user_id, at=at))
