"""Which plans of a campaign are carried out, for whoever tells people when they are asked to come."""

from __future__ import annotations

from sqlalchemy import Connection, select, true

from mapper.store import tables

_p = tables.plans


def in_use(connection: Connection, campaign_id: str) -> tuple[tuple[int, str], ...]:
    """(number, when it was told last) of each plan in use, the older first; read from an index alone."""
    rows = connection.execute(
        select(_p.c.id, _p.c.told_at).where(_p.c.campaign_id == campaign_id, _p.c.in_use == true()).order_by(_p.c.id)
    )
    return tuple((row.id, row.told_at) for row in rows)
