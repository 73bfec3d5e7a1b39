"""How the work of the server stands, in numbers that name nobody: for operators who watch it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from mapper.store import tables
from mapper.store.database import Connection
from mapper.store.submissions import SubmissionState

_s, _p, _b = tables.submissions, tables.plans, tables.boundary_sets


@dataclass(frozen=True, slots=True)
class Standing:
    """What waits: submissions that do not count, plans and boundary sets, each by state.

    oldest_uncounted: ISO moment at which the first of those that are to be counted came, None where none waits.
    """

    submissions: dict[str, int]
    oldest_uncounted: str | None
    plans: dict[str, int]
    boundary_sets: dict[str, int]


def standing(connection: Connection) -> Standing:
    """The present numbers. Small indexes and tables are read, never the submissions themselves."""
    waiting = select(_s.c.state, func.count()).where(tables.WAITS).group_by(_s.c.state)
    oldest = select(func.min(_s.c.received_at)).where(tables.WAITS, _s.c.state == SubmissionState.RECEIVED.value)
    return Standing(
        {row[0]: row[1] for row in connection.execute(waiting)},
        connection.scalar(oldest),
        {row[0]: row[1] for row in connection.execute(select(_p.c.state, func.count()).group_by(_p.c.state))},
        {row[0]: row[1] for row in connection.execute(select(_b.c.state, func.count()).group_by(_b.c.state))},
    )
