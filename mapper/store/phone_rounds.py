"""What each user's phone was last handed of a campaign: hashes of its rows, and when each became what it is."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from mapper.errors import Conflict, mark
from mapper.store import tables

_r = tables.phone_rounds


@dataclass(frozen=True, slots=True)
class Handed:
    """round: the newest. rows: as ``services.list_rounds`` packs them."""

    round: int
    rows: bytes


def newest(connection: Connection, user_id: int, campaign_id: str) -> int:
    """The newest round of a user's lists; 0 where none was handed out."""
    found = connection.scalar(select(_r.c.round).where(_r.c.user_id == user_id, _r.c.campaign_id == campaign_id))
    return found or 0


def handed(connection: Connection, user_id: int, campaign_id: str) -> Handed | None:
    """What the phone was last handed; None where it was handed nothing."""
    row = connection.execute(
        select(_r.c.round, _r.c.rows).where(_r.c.user_id == user_id, _r.c.campaign_id == campaign_id)
    ).first()
    return Handed(*row) if row else None


def keep(connection: Connection, user_id: int, campaign_id: str, before: int, now: Handed) -> None:
    """Keep a round in place of the one before, 0 for none. Raises Conflict where another came in between."""
    facts = {"round": now.round, "rows": now.rows}
    try:
        if before == 0:
            connection.execute(insert(_r).values(user_id=user_id, campaign_id=campaign_id, **facts))
            return
        this = (_r.c.user_id == user_id, _r.c.campaign_id == campaign_id, _r.c.round == before)
        if connection.execute(update(_r).where(*this).values(**facts)).rowcount:
            return
    except IntegrityError:
        pass
    raise Conflict(mark("The lists were made anew meanwhile. Ask again."))
