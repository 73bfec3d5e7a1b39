"""Which houses somebody was at around a day, and what they sent of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, literal, select

from mapper.domain.places import USABLE
from mapper.store import tables
from mapper.store.database import Database
from mapper.store.fieldwork import visited_on
from mapper.store.submissions import SubmissionState

_s, _h, _i, _u = tables.submissions, tables.households, tables.instances, tables.users


@dataclass(frozen=True, slots=True)
class Sent:
    """A submission that counts, with the place of its house. certain: the register knows that it is of the day.

    received_at: ISO time in UTC; received_on: the day of it in Vietnam.
    """

    seq: int
    instance_id: str
    sender_id: int
    sender: str
    form_id: str
    form_version: str
    received_at: str
    received_on: date
    lat: float
    lon: float
    cell_id: int
    certain: bool
    xml: bytes


def sent_of(
    database: Database,
    connection: Connection,
    campaign_id: str,
    day: date,
    arrived: tuple[date, date],
    cell_ids: Sequence[int] | None,
    limit: int,
) -> list[Sent]:
    """Submissions that may tell of a visit of the day, as they came.

    arrived: the first and the last day of their coming. cell_ids: only of houses in these cells; None for all. At most
    ``limit``.
    """
    told_last = _h.c.instance_id == _s.c.instance_id
    statement = _select(told_last, (_h.c.id == _s.c.household_id) & (_h.c.campaign_id == campaign_id)).where(
        # By sender, since that is how the index has the days.
        _s.c.sender_id.in_(select(_u.c.id)),
        _s.c.received_on.between(*arrived),
        # Wrapped, or SQLite takes the index of households, and looks through all that a campaign ever sent.
        func.coalesce(_s.c.campaign_id, "") == campaign_id,
        _s.c.state == SubmissionState.PROCESSED.value,
        _h.c.point_state == USABLE,
        # The visit that a house is known by is of its day; one before a later visit may be of any.
        _h.c.visited_on >= day,
        (_h.c.visited_on == day) | ~told_last,
    )
    if cell_ids is not None:
        statement = statement.where(database.among(_h.c.cell_id, cell_ids))
    found = [_sent(row) for row in connection.execute(statement.limit(limit))]
    return sorted(found, key=lambda one: one.seq)


def sent_later(
    database: Database,
    connection: Connection,
    campaign_id: str,
    day: date,
    after: date,
    cell_ids: Sequence[int] | None,
    limit: int,
) -> list[Sent]:
    """Submissions that came after a day later still, of visits of ``day`` by which their houses are known.

    Only cells are looked through of which some house is known by a visit of that day. cell_ids, limit: as ``sent_of``.
    """
    cells = visited_on(connection, campaign_id, day)
    wanted = sorted(cells) if cell_ids is None else sorted(cells.keys() & set(cell_ids))
    if not wanted:
        return []
    # A household that a supervisor divided from another may be known by the other's submission, which is one stop.
    told_last = (_h.c.instance_id == _s.c.instance_id) & (_h.c.id == _s.c.household_id)
    statement = _select(literal(True), told_last).where(
        database.among(_h.c.cell_id, wanted),
        _h.c.campaign_id == campaign_id,
        _h.c.visited_on == day,
        _h.c.point_state == USABLE,
        _s.c.received_on > after,
        _s.c.sender_id.is_not(None),
    )
    found = [_sent(row) for row in connection.execute(statement.limit(limit))]
    return sorted(found, key=lambda one: one.seq)


def _select(certain: ColumnElement[bool], joined: ColumnElement[bool]) -> Select[Any]:
    who = (_s.c.seq, _s.c.instance_id, _s.c.sender_id, _u.c.name, _s.c.form_id, _s.c.form_version)
    return (
        select(*who, _s.c.received_at, _s.c.received_on, _h.c.lat, _h.c.lon, _h.c.cell_id, certain, _i.c.xml)
        .select_from(_s)
        .join(_h, joined)
        .join(_i, _i.c.seq == _s.c.seq)
        .outerjoin(_u, _u.c.id == _s.c.sender_id)
    )


def _sent(row: Sequence[Any]) -> Sent:
    values: list[Any] = list(row)
    values[11:] = bool(values[11]), bytes(values[12])
    return Sent(*values)
