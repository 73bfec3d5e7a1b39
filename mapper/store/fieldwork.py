"""How the work in the field goes on: what came on a day and from whom, and when each phone was last heard from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, func, or_, select

from mapper.store import tables
from mapper.store.database import Database
from mapper.store.submissions import SubmissionState

_s, _h, _ht, _p = tables.submissions, tables.households, tables.house_tallies, tables.phone_contacts


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Submissions of one day alike in sender, form, version, state and cell. newest: ISO time of the latest.

    cell_id: of the household they tell of; None for what does not count, and for a form without roles.
    """

    sender_id: int | None
    form_id: str
    form_version: str
    state: SubmissionState
    cell_id: int | None
    number: int
    newest: str


def arrivals(connection: Connection, day: date) -> list[Arrivals]:
    """Everything received on a day."""
    # By sender, since that is how the index has the days; a cable brings submissions that nobody sent.
    from_somebody = or_(_s.c.sender_id.in_(select(tables.users.c.id)), _s.c.sender_id.is_(None))
    columns = (_s.c.sender_id, _s.c.form_id, _s.c.form_version, _s.c.state, _h.c.cell_id)
    statement = (
        select(*columns, func.count(), func.max(_s.c.received_at))
        .select_from(_s)
        .outerjoin(_h, (_h.c.campaign_id == _s.c.campaign_id) & (_h.c.id == _s.c.household_id))
        .where(_s.c.received_on == day, from_somebody)
        .group_by(*columns)
    )
    return [
        Arrivals(sender, form, version, SubmissionState(state), cell, number, newest)
        for sender, form, version, state, cell, number, newest in connection.execute(statement)
    ]


def last_sent(
    database: Database, connection: Connection, sender_ids: Sequence[int], since: date, until: date
) -> dict[int, str]:
    """By sender the ISO time of the newest submission since a day, until the end of another; without who sent none."""
    statement = (
        select(_s.c.sender_id, func.max(_s.c.received_at))
        .where(database.among(_s.c.sender_id, sender_ids), _s.c.received_on.between(since, until))
        .group_by(_s.c.sender_id)
    )
    return {row[0]: row[1] for row in connection.execute(statement)}


def visited_on(connection: Connection, campaign_id: str, day: date) -> dict[int, int]:
    """By cell the houses whose visit of that day is the one that counts."""
    statement = select(_ht.c.cell_id, _ht.c.visited).where(
        _ht.c.campaign_id == campaign_id, _ht.c.day == day.toordinal()
    )
    return {row[0]: row[1] for row in connection.execute(statement)}


def last_received(connection: Connection, campaign_id: str) -> datetime | None:
    """When the last submission to a form of a campaign came, whatever became of it; None where none did."""
    of_campaign = select(tables.forms.c.form_id).where(tables.forms.c.campaign_id == campaign_id).distinct()
    newest = select(_s.c.received_at).where(_s.c.form_id.in_(of_campaign)).order_by(_s.c.seq.desc()).limit(1)
    found = connection.scalar(newest)
    return datetime.fromisoformat(found) if found else None


@dataclass(frozen=True, slots=True)
class Contact:
    """When a phone last asked for its forms. seen_at: ISO time; application: what it calls itself."""

    seen_at: str
    device_id: str | None
    application: str | None


def contacts(connection: Connection) -> dict[int, Contact]:
    """The last contact of every user's phone."""
    rows = connection.execute(select(_p.c.user_id, _p.c.seen_at, _p.c.device_id, _p.c.application))
    return {user_id: Contact(*told) for user_id, *told in rows}


def save_contact(database: Database, connection: Connection, user_id: int, contact: Contact) -> None:
    """A phone was heard from; an earlier time that another process kept late changes nothing."""
    values = {"seen_at": contact.seen_at, "device_id": contact.device_id, "application": contact.application}
    connection.execute(
        database.insert(_p)
        .values(user_id=user_id, **values)
        .on_conflict_do_update(index_elements=[_p.c.user_id], set_=values, where=_p.c.seen_at < contact.seen_at)
    )


def version(connection: Connection) -> tuple[int, int, str]:
    """What changes whenever something arrives, is settled, or a phone is heard from; cheap to ask."""
    newest = select(func.max(_s.c.seq)).scalar_subquery()
    waiting = select(func.count()).select_from(_s).where(tables.WAITS).scalar_subquery()
    heard = select(func.max(_p.c.seen_at)).scalar_subquery()
    row = connection.execute(select(newest, waiting, heard)).one()
    return int(row[0] or 0), int(row[1]), row[2] or ""
