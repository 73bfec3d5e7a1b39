"""Plans as they are kept: what was asked, what from, how far it is, and what came out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, select, update

from mapper.store import tables

_p, _u = tables.plans, tables.users


@dataclass(frozen=True, slots=True)
class PlanRow:
    """A plan without what it was made from and what came out. user_name: None at the command line. at: ISO time."""

    id: int
    campaign_id: str
    name: str
    question: str
    state: str
    share: float
    told_at: str
    to_stop: bool
    summary: str | None
    trouble: str | None
    in_use: bool
    follows: int | None
    user_id: int | None
    at: str
    user_name: str | None


_COLUMNS = (*(_p.c[name] for name in PlanRow.__dataclass_fields__ if name != "user_name"), _u.c.name.label("user_name"))
_LISTED = select(*_COLUMNS).outerjoin(_u, _u.c.id == _p.c.user_id)


def add(
    connection: Connection,
    campaign_id: str,
    name: str,
    question: str,
    state: str,
    follows: int | None,
    user_id: int | None,
    at: str,
) -> int:
    """Keep a plan that was asked for; its number."""
    told = {
        "campaign_id": campaign_id,
        "name": name,
        "question": question,
        "state": state,
        "follows": follows,
        "user_id": user_id,
        "at": at,
        "told_at": at,
    }
    statement = _p.insert().values(**told, share=0.0, to_stop=False, in_use=False).returning(_p.c.id)
    return int(connection.execute(statement).scalar_one())


def change(connection: Connection, number: int, **told: object) -> bool:
    """Set columns of a plan; whether there is one."""
    return connection.execute(update(_p).where(_p.c.id == number).values(**told)).rowcount > 0


def newest(connection: Connection, campaign_id: str | None, limit: int) -> list[PlanRow]:
    """The newest plans of a campaign, None for all of them, the newest first."""
    statement = _LISTED.order_by(_p.c.id.desc()).limit(limit)
    if campaign_id is not None:
        statement = statement.where(_p.c.campaign_id == campaign_id)
    return [PlanRow(*row) for row in connection.execute(statement)]


def one(connection: Connection, number: int) -> PlanRow | None:
    """A plan by its number."""
    row = connection.execute(_LISTED.where(_p.c.id == number)).one_or_none()
    return PlanRow(*row) if row is not None else None


def given(connection: Connection, number: int) -> bytes | None:
    """What a plan was made from; None as long as it was not gathered."""
    return connection.scalar(select(_p.c.given).where(_p.c.id == number))


def made(connection: Connection, number: int) -> bytes | None:
    """What came out; None as long as there is nothing."""
    return connection.scalar(select(_p.c.made).where(_p.c.id == number))


def remove(connection: Connection, numbers: Sequence[int]) -> int:
    """Forget plans; how many there were."""
    return connection.execute(delete(_p).where(_p.c.id.in_(numbers))).rowcount
