"""What supervisors decided about updates that contradict each other; a rebuild keeps to it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, insert, select

from mapper.domain.updates import Said
from mapper.store import tables
from mapper.store.database import Database

_d = tables.decisions


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision that holds. household: campaign and id of what it is about; cell_id: where that lies.

    user: name of who decided, None where nobody knows. at: an ISO time.
    """

    instance_id: str
    household: tuple[str, str]
    cell_id: int
    user: str | None
    at: str
    said: Said


def latest(database: Database, connection: Connection, instance_ids: Sequence[str]) -> dict[str, Said]:
    """What was decided last about each of the submissions, in the order in which that was.

    Without those about which nobody decided, or whose decision was taken back.
    """
    statement = select(_d.c.instance_id, _d.c.said).where(database.among(_d.c.instance_id, instance_ids))
    found: dict[str, Said] = {}
    for instance_id, said in connection.execute(statement.order_by(_d.c.seq)):
        found.pop(instance_id, None)
        if said is not None:
            found[instance_id] = _read(said)
    return found


def holding(
    database: Database, connection: Connection, limit: int, offset: int = 0, cell_ids: Sequence[int] | None = None
) -> list[Decided]:
    """Decisions that hold about submissions that count, the newest first; only of households in the cells, if given."""
    last = select(func.max(_d.c.seq)).group_by(_d.c.instance_id)
    s, h, u = tables.submissions, tables.households, tables.users
    statement = (
        select(_d.c.instance_id, s.c.campaign_id, s.c.household_id, h.c.cell_id, u.c.name, _d.c.at, _d.c.said)
        .join(s, s.c.instance_id == _d.c.instance_id)
        .join(h, (h.c.campaign_id == s.c.campaign_id) & (h.c.id == s.c.household_id))
        .outerjoin(u, u.c.id == _d.c.user_id)
        .where(_d.c.seq.in_(last), _d.c.said.is_not(None))
        .order_by(_d.c.seq.desc())
        .limit(limit)
        .offset(offset)
    )
    if cell_ids is not None:
        statement = statement.where(database.among(h.c.cell_id, cell_ids))
    return [
        Decided(instance_id, (campaign_id, household_id), cell_id, user, at, _read(said))
        for instance_id, campaign_id, household_id, cell_id, user, at, said in connection.execute(statement)
    ]


def add(connection: Connection, instance_id: str, said: Said | None, user_id: int | None, at: str) -> None:
    """Keep a decision about a submission, or with None that the last one is taken back; those before stay.

    at: an ISO time.
    """
    written = None if said is None else _write(said)
    connection.execute(insert(_d).values(instance_id=instance_id, said=written, user_id=user_id, at=at))


def _write(said: Said) -> str:
    properties = {
        instance_id: sorted([*key, counts] for key, counts in of_it.items()) for instance_id, of_it in said.items()
    }
    return json.dumps(properties, ensure_ascii=False, sort_keys=True)


def _read(said: str) -> Said:
    return {
        instance_id: {(person, what, code): counts for person, what, code, counts in properties}
        for instance_id, properties in json.loads(said).items()
    }
