"""What supervisors say about submissions, and a submission with the edits before and after it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice

from sqlalchemy import Connection, func, select, tuple_, update

from mapper.store import tables
from mapper.store.database import Database
from mapper.store.sealing import sealing_of

_s, _r, _u, _f = tables.submissions, tables.remarks, tables.users, tables.findings
_h, _totals = tables.households, tables.house_totals


@dataclass(frozen=True, slots=True)
class Remark:
    """What somebody wrote. author: None where that user is gone; review: the state set with it, None for none."""

    at: str
    author: str | None
    instance_id: str
    review: str | None
    words: str


@dataclass(frozen=True, slots=True)
class Arrival:
    """How a submission came, and how it was reviewed. review: None where nobody looked at it yet."""

    sender: str | None
    device_id: str | None
    review: str | None


@dataclass(frozen=True, slots=True)
class ReceivedRow:
    """A counted submission in a list. house: its number, None where nothing says."""

    instance_id: str
    form_id: str
    received_at: str
    review: str | None
    sender: str | None
    house: str | None
    cell_id: int | None


@dataclass(frozen=True, slots=True)
class SentUpdate:
    """A counted submission of a household of which several tell, with who sent it and where the household stands."""

    instance_id: str
    sender_id: int
    sender: str
    cell_id: int
    point_state: str
    lat: float | None
    lon: float | None
    visited_on: date
    house_number: str | None


_SENT = (
    *(_s.c.instance_id, _s.c.sender_id, _u.c.name, _h.c.cell_id, _h.c.point_state),
    *(_h.c.lat, _h.c.lon, _h.c.visited_on, _h.c.house_number),
)
_OF_SEVERAL = (_h.c.campaign_id == _s.c.campaign_id) & (_h.c.id == _s.c.household_id) & (_h.c.version > 1)


def updated_cells(
    database: Database, connection: Connection, role: str, since: date, cell_ids: Sequence[int] | None = None
) -> list[tuple[int, int]]:
    """Sender and cell of the households of which several submissions tell, told of since a day by users of a role.

    cell_ids: only those in these cells, when given.
    """
    statement = (
        select(_s.c.sender_id, _h.c.cell_id)
        .distinct()
        .select_from(_u)
        .join(_s, (_s.c.sender_id == _u.c.id) & (_s.c.received_on >= since))
        .join(_h, _OF_SEVERAL)
        .where(_u.c.role == role, _u.c.active)
        .order_by(_s.c.sender_id, _h.c.cell_id)
    )
    if cell_ids is not None:
        statement = statement.where(database.among(_h.c.cell_id, cell_ids))
    return [(row[0], row[1]) for row in connection.execute(statement)]


def updates_from(
    database: Database, connection: Connection, pairs: Sequence[tuple[int, int]], since: date, limit: int
) -> list[SentUpdate]:
    """Submissions since a day of these senders about households of these cells, the newest first."""
    wanted = set(pairs)
    if not wanted:
        return []
    statement = (
        select(*_SENT)
        .select_from(_u)
        .join(_s, (_s.c.sender_id == _u.c.id) & (_s.c.received_on >= since))
        .join(_h, _OF_SEVERAL)
        .where(database.among(_u.c.id, sorted({sender for sender, _ in wanted})))
        .where(database.among(_h.c.cell_id, sorted({cell for _, cell in wanted})))
        .order_by(_s.c.seq.desc())
    )
    found = (SentUpdate(*row) for row in connection.execute(statement))
    return list(islice((one for one in found if (one.sender_id, one.cell_id) in wanted), limit))


def update_of(connection: Connection, instance_id: str, role: str) -> SentUpdate | None:
    """The same of one submission; None where no user of that role sent it, or it tells of its household alone."""
    statement = (
        select(*_SENT)
        .select_from(_s)
        .join(_u, _u.c.id == _s.c.sender_id)
        .join(_h, _OF_SEVERAL)
        .where(_s.c.instance_id == instance_id, _u.c.role == role, _u.c.active)
    )
    row = connection.execute(statement).first()
    return None if row is None else SentUpdate(*row)


def lineage(connection: Connection, instance_id: str) -> list[str]:
    """Instance ids of a submission and of all it edits and is edited by, the original first; those kept here only."""
    ids, known = [instance_id], {instance_id}
    while True:
        before = connection.scalar(select(_s.c.deprecated_id).where(_s.c.instance_id == ids[0]))
        here = before is not None and connection.scalar(select(_s.c.seq).where(_s.c.instance_id == before)) is not None
        if before is None or before in known or not here:
            break
        ids.insert(0, before)
        known.add(before)
    while True:
        after = connection.scalar(select(_s.c.instance_id).where(_s.c.deprecated_id == ids[-1]))
        if after is None or after in known:
            return ids
        ids.append(after)
        known.add(after)


def arrival(connection: Connection, instance_id: str) -> Arrival:
    """How a submission that is here came."""
    columns = (_u.c.name, _s.c.device_id, _s.c.review)
    found = select(*columns).select_from(_s.outerjoin(_u, _u.c.id == _s.c.sender_id))
    return Arrival(*connection.execute(found.where(_s.c.instance_id == instance_id)).one())


def arrivals(
    database: Database, connection: Connection, instance_ids: Sequence[str]
) -> dict[str, tuple[int | None, str | None]]:
    """Of each of these submissions, as far as they are here, the id of its sender and how it was reviewed."""
    rows = select(_s.c.instance_id, _s.c.sender_id, _s.c.review).where(database.among(_s.c.instance_id, instance_ids))
    return {row[0]: (row[1], row[2]) for row in connection.execute(rows)}


def findings_of(connection: Connection, instance_id: str) -> list[tuple[str, dict[str, str]]]:
    """What is odd in a submission, as (message, facts)."""
    rows = select(_f.c.message, _f.c.facts).where(_f.c.instance_id == instance_id).order_by(_f.c.position)
    return [(row.message, json.loads(row.facts)) for row in connection.execute(rows)]


def remarks(connection: Connection, instance_ids: Sequence[str]) -> list[Remark]:
    """Remarks on any of a submission's versions, the oldest first.

    instance_ids: its lineage. A remark on an edit whose original had not come is kept under the original's id.
    """
    rows = connection.execute(
        select(_r.c.at, _u.c.name, _r.c.instance_id, _r.c.review, _r.c.words)
        .select_from(_r.outerjoin(_u, _u.c.id == _r.c.user_id))
        .where(_r.c.root_id.in_(list(instance_ids)))
        .order_by(_r.c.seq)
    )
    return [Remark(*row) for row in rows]


def add_remark(
    connection: Connection, root_id: str, instance_id: str, user_id: int, at: str, review: str | None, words: str
) -> None:
    """Write a remark down, and set the review state that it names; then what is kept of the household's cell is old."""
    connection.execute(
        _r.insert().values(root_id=root_id, instance_id=instance_id, user_id=user_id, at=at, review=review, words=words)
    )
    if review is not None:
        connection.execute(update(_s).where(_s.c.instance_id == instance_id).values(review=review))
        told_of = (_h.c.id == _s.c.household_id) & (_h.c.campaign_id == _s.c.campaign_id)
        cell = select(_h.c.campaign_id, _h.c.cell_id).join(_s, told_of).where(_s.c.instance_id == instance_id)
        place = tuple_(_totals.c.campaign_id, _totals.c.cell_id)
        connection.execute(update(_totals).where(place.in_(cell)).values(changes=_totals.c.changes + 1))


def received(
    database: Database, connection: Connection, limit: int, cell_ids: Sequence[int] | None, review: str | None = None
) -> list[ReceivedRow]:
    """Submissions that count, the newest first; of households in these cells alone, and in this state, when given."""
    h = tables.households
    statement = (
        select(
            *(_s.c.instance_id, _s.c.form_id, _s.c.received_at, _s.c.review),
            *(_u.c.name, h.c.house_number, h.c.cell_id),
        )
        .select_from(
            _s.outerjoin(_u, _u.c.id == _s.c.sender_id).outerjoin(
                h, (h.c.campaign_id == _s.c.campaign_id) & (h.c.id == _s.c.household_id)
            )
        )
        .where(_s.c.state == "processed")
        .order_by(_s.c.seq.desc())
        .limit(limit)
    )
    if review is not None:
        statement = statement.where(_s.c.review.is_(None) if review == "received" else _s.c.review == review)
    if cell_ids is not None:
        statement = statement.where(database.among(h.c.cell_id, cell_ids))
    return [ReceivedRow(*row) for row in connection.execute(statement)]


def blob_head(connection: Connection, sha256: str) -> bytes:
    """The first bytes of a kept file, enough to tell what it is; none where it is not here."""
    b = tables.blobs
    if sealing_of(connection.dialect) is None:
        return bytes(connection.scalar(select(func.substr(b.c.content, 1, 32)).where(b.c.sha256 == sha256)) or b"")
    return bytes(connection.scalar(select(b.c.content).where(b.c.sha256 == sha256)) or b"")[:32]


def household_names(connection: Connection, campaign_id: str, household_id: str) -> dict[str, str]:
    """What a household and each of its people are called, by id; of a household without a name its house number."""
    h, p = tables.households, tables.people
    own = select(h.c.id, h.c.head, h.c.house_number).where(h.c.campaign_id == campaign_id, h.c.id == household_id)
    people = (
        select(p.c.id, p.c.name)
        .join(h, h.c.seq == p.c.household_seq)
        .where(h.c.campaign_id == campaign_id, h.c.id == household_id)
    )
    names = {row.id: row.head or row.house_number for row in connection.execute(own)}
    names |= {row.id: row.name for row in connection.execute(people)}
    return {identity: name for identity, name in names.items() if name}
