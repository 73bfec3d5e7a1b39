"""Slips given out, as they are kept: by number, by household, and those that hold no more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date

from sqlalchemy import Connection, func, insert, select, update

from mapper.store import tables
from mapper.store.database import Database

_s, _h, _received = tables.slips, tables.households, tables.submissions


@dataclass(frozen=True, slots=True)
class NewSlip:
    """A slip as it is given out; see tables.slips."""

    id: str
    campaign_id: str
    household_id: str
    person_id: str
    sha256: str
    content: str
    key_id: str
    issued_on: date
    until: date
    issued_at: str
    issued_by: int | None


@dataclass(frozen=True, slots=True)
class KeptSlip(NewSlip):
    """The same with what became of it. revoked_at: ISO time in UTC; reason: a word."""

    revoked_at: str | None
    revoked_by: int | None
    reason: str | None


_SLIP = tuple(_s.c[name] for name in KeptSlip.__dataclass_fields__)


def add(connection: Connection, new: Sequence[NewSlip]) -> None:
    """Keep slips that are given out."""
    if new:
        connection.execute(insert(_s), [asdict(one) for one in new])


def slip(connection: Connection, identity: str) -> KeptSlip | None:
    """A slip by its number."""
    row = connection.execute(select(*_SLIP).where(_s.c.id == identity)).first()
    return KeptSlip(*row) if row else None


def of_household(connection: Connection, campaign_id: str, household_id: str) -> list[KeptSlip]:
    """The slips of the people of a household, the newest first."""
    rows = connection.execute(
        select(*_SLIP)
        .where(_s.c.campaign_id == campaign_id, _s.c.household_id == household_id)
        .order_by(_s.c.issued_at.desc(), _s.c.id)
    )
    return [KeptSlip(*row) for row in rows]


def of_households(
    database: Database, connection: Connection, campaign_id: str, household_ids: Sequence[str]
) -> list[KeptSlip]:
    """The slips of the people of several households."""
    rows = connection.execute(
        select(*_SLIP).where(_s.c.campaign_id == campaign_id, database.among(_s.c.household_id, household_ids))
    )
    return [KeptSlip(*row) for row in rows]


def revoke(connection: Connection, identity: str, at: str, user_id: int | None, reason: str) -> bool:
    """Let a slip hold no more; False where it did not any more."""
    done = connection.execute(
        update(_s)
        .where(_s.c.id == identity, _s.c.revoked_at.is_(None))
        .values(revoked_at=at, revoked_by=user_id, reason=reason)
    )
    return bool(done.rowcount)


def revoked(connection: Connection, day: date) -> list[tuple[str, str]]:
    """(number, when) of the revoked slips that would otherwise be good on a day or later, by number."""
    rows = connection.execute(
        select(_s.c.id, _s.c.revoked_at).where(_s.c.revoked_at.is_not(None), _s.c.until >= day).order_by(_s.c.id)
    )
    return [(row[0], row[1]) for row in rows]


def counts(connection: Connection) -> tuple[int, int]:
    """How many slips were given out, and how many of them revoked."""
    row = connection.execute(select(func.count(), func.count(_s.c.revoked_at)).select_from(_s)).one()
    return int(row[0]), int(row[1])


def houses(
    database: Database, connection: Connection, campaign_id: str, household_ids: Sequence[str]
) -> dict[str, tuple[int, int]]:
    """(number in the register, cell) of those of the households that there are, by id."""
    rows = connection.execute(
        select(_h.c.id, _h.c.seq, _h.c.cell_id).where(
            _h.c.campaign_id == campaign_id, database.among(_h.c.id, household_ids)
        )
    )
    return {row[0]: (row[1], row[2]) for row in rows}


def household_of(connection: Connection, instance_id: str) -> tuple[str, str] | None:
    """(campaign, household) that a counted submission tells of."""
    row = connection.execute(
        select(_received.c.campaign_id, _received.c.household_id).where(_received.c.instance_id == instance_id)
    ).first()
    return (row[0], row[1]) if row and row[0] and row[1] else None
