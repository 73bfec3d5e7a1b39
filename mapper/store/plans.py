"""Plans as they are kept: what was asked, what from, how far it is, and what came out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, delete, func, select, true, update

from mapper.store import tables

_p, _c, _u = tables.plans, tables.plan_contents, tables.users

_AT_ONCE = 200


class Part(StrEnum):
    """What belongs to a plan and is kept apart from it."""

    GIVEN = "given"
    MADE = "made"


@dataclass(frozen=True, slots=True)
class PlanRow:
    """A plan without what it was made from and what came out. user_name: None at the command line. at: ISO time.

    areas: JSON of all that it is about. worker: of the process that makes it. given_of: the plan from whose census it
    is made, None for one of its own. made_with: JSON of what made it and from what.
    """

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
    areas: str
    worker: str | None
    given_of: int | None
    made_with: str | None
    user_name: str | None


_COLUMNS = (*(_p.c[name] for name in PlanRow.__dataclass_fields__ if name != "user_name"), _u.c.name.label("user_name"))
_LISTED = select(*_COLUMNS).outerjoin(_u, _u.c.id == _p.c.user_id)


def add(
    connection: Connection,
    campaign_id: str,
    name: str,
    question: str,
    state: str,
    areas: str,
    follows: int | None,
    given_of: int | None,
    user_id: int | None,
    at: str,
) -> int:
    """Keep a plan that was asked for; its number."""
    told = {
        "campaign_id": campaign_id,
        "name": name,
        "question": question,
        "state": state,
        "areas": areas,
        "follows": follows,
        "given_of": given_of,
        "user_id": user_id,
        "at": at,
        "told_at": at,
    }
    statement = _p.insert().values(**told, share=0.0, to_stop=False, in_use=False).returning(_p.c.id)
    return int(connection.execute(statement).scalar_one())


def change(
    connection: Connection,
    number: int,
    told: Mapping[str, object],
    *,
    state: str | None = None,
    worker: str | None = None,
) -> bool:
    """Set columns of a plan, where told only as long as it is in that state and made by that worker; whether it was."""
    statement = update(_p).where(_p.c.id == number).values(**told)
    if state is not None:
        statement = statement.where(_p.c.state == state)
    if worker is not None:
        statement = statement.where(_p.c.worker == worker)
    return connection.execute(statement).rowcount > 0


def is_wanted(connection: Connection, number: int, worker: str) -> bool:
    """Whether a plan is still to be made by a worker: it is not taken away, nor asked to stop."""
    found = connection.scalar(select(_p.c.to_stop).where(_p.c.id == number, _p.c.worker == worker))
    return found is not None and not found


def number_of(connection: Connection, user_id: int | None, state: str, since: str = "") -> int:
    """How many plans of a user, or of the command line, are in a state and were told of since an ISO time."""
    own = _p.c.user_id.is_(None) if user_id is None else _p.c.user_id == user_id
    found = select(func.count()).select_from(_p).where(own, _p.c.state == state, _p.c.told_at >= since)
    return connection.scalar(found) or 0


def told_before(connection: Connection, state: str, moment: str, limit: int) -> list[PlanRow]:
    """Plans in a state of which nothing was told since an ISO time, the oldest first."""
    statement = _LISTED.where(_p.c.state == state, _p.c.told_at < moment).order_by(_p.c.id).limit(limit)
    return [PlanRow(*row) for row in connection.execute(statement)]


def newest(connection: Connection, campaign_id: str | None) -> Iterator[PlanRow]:
    """The plans of a campaign, None for all of them, the newest first."""
    statement = _LISTED.order_by(_p.c.id.desc()).limit(_AT_ONCE)
    if campaign_id is not None:
        statement = statement.where(_p.c.campaign_id == campaign_id)
    before: int | None = None
    while True:
        several = statement if before is None else statement.where(_p.c.id < before)
        rows = [PlanRow(*row) for row in connection.execute(several)]
        yield from rows
        if len(rows) < _AT_ONCE:
            return
        before = rows[-1].id


def used(connection: Connection, campaign_id: str) -> list[PlanRow]:
    """The plans of a campaign that are carried out, the older first."""
    statement = _LISTED.where(_p.c.campaign_id == campaign_id, _p.c.in_use == true()).order_by(_p.c.id)
    return [PlanRow(*row) for row in connection.execute(statement)]


def one(connection: Connection, number: int) -> PlanRow | None:
    """A plan by its number."""
    row = connection.execute(_LISTED.where(_p.c.id == number)).one_or_none()
    return PlanRow(*row) if row is not None else None


def given(connection: Connection, number: int) -> bytes | None:
    """What a plan was made from; None as long as it was not gathered."""
    return _content(connection, number, Part.GIVEN)


def made(connection: Connection, number: int) -> bytes | None:
    """What came out; None as long as there is nothing."""
    return _content(connection, number, Part.MADE)


def _content(connection: Connection, number: int, part: Part) -> bytes | None:
    return connection.scalar(select(_c.c.content).where(_c.c.plan_id == number, _c.c.part == part.value))


def keep(connection: Connection, number: int, part: Part, content: bytes) -> None:
    """Keep what a plan was made from, or what came out, in place of what is kept."""
    forget(connection, number, part)
    connection.execute(_c.insert().values(plan_id=number, part=part.value, content=content))


def forget(connection: Connection, number: int, part: Part) -> None:
    """Forget what a plan was made from, or what came out."""
    connection.execute(delete(_c).where(_c.c.plan_id == number, _c.c.part == part.value))


def remove(connection: Connection, number: int) -> bool:
    """Forget a plan; whether there was one."""
    connection.execute(delete(_c).where(_c.c.plan_id == number))
    return connection.execute(delete(_p).where(_p.c.id == number)).rowcount > 0
