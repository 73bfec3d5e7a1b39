"""What canvassers sent in a period, how signs in it were explained, and houses drawn for a second interview."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, Row, exists, func, select

from mapper.store import tables
from mapper.store.database import Database
from mapper.store.submissions import SubmissionState

_s, _h, _i = tables.submissions, tables.households, tables.instances
_n, _b, _bh = tables.integrity_notes, tables.back_checks, tables.back_check_houses

BATCH = 500
"""Submissions whose XML is held at once."""


@dataclass(frozen=True, slots=True)
class SentForm:
    """A submission that counts, with the cell of its house. received_on: its day in Vietnam."""

    seq: int
    instance_id: str
    sender_id: int
    device_id: str | None
    form_id: str
    form_version: str
    received_on: date
    cell_id: int


_FORM = (
    *(_s.c.seq, _s.c.instance_id, _s.c.sender_id, _s.c.device_id),
    *(_s.c.form_id, _s.c.form_version, _s.c.received_on, _h.c.cell_id),
)


def sent_between(
    database: Database,
    connection: Connection,
    campaign_id: str,
    first: date,
    last: date,
    cell_ids: Sequence[int] | None,
    limit: int,
    sender_id: int | None = None,
) -> list[SentForm]:
    """Submissions of a campaign that arrived between two days, of houses in these cells (None: all), in order.

    At most ``limit``; of one sender only, where told.
    """
    statement = (
        select(*_FORM)
        .select_from(_s)
        .join(_h, (_h.c.id == _s.c.household_id) & (_h.c.campaign_id == campaign_id))
        .where(
            # By sender, since that is how the index has the days.
            _s.c.sender_id.in_(select(tables.users.c.id)),
            _s.c.received_on.between(first, last),
            func.coalesce(_s.c.campaign_id, "") == campaign_id,
            _s.c.state == SubmissionState.PROCESSED.value,
        )
    )
    if sender_id is not None:
        statement = statement.where(_s.c.sender_id == sender_id)
    if cell_ids is not None:
        statement = statement.where(database.among(_h.c.cell_id, cell_ids))
    return [SentForm(*row) for row in connection.execute(statement.order_by(_s.c.seq).limit(limit))]


def form_of(connection: Connection, campaign_id: str, instance_id: str) -> SentForm | None:
    """One submission of a campaign that counts; None where it does not any more."""
    row = connection.execute(
        select(*_FORM)
        .select_from(_s)
        .join(_h, (_h.c.id == _s.c.household_id) & (_h.c.campaign_id == campaign_id))
        .where(_s.c.instance_id == instance_id, _s.c.sender_id.is_not(None))
    ).first()
    return None if row is None else SentForm(*row)


def later_of_house(connection: Connection, campaign_id: str, instance_id: str) -> list[SentForm]:
    """Submissions that count about the house of another one, sent later by somebody else; the newest last."""
    first = _s.alias("first")
    rows = connection.execute(
        select(*_FORM)
        .select_from(_s)
        .join(_h, (_h.c.id == _s.c.household_id) & (_h.c.campaign_id == campaign_id))
        .join(first, (first.c.household_id == _s.c.household_id) & (first.c.campaign_id == _s.c.campaign_id))
        .where(
            first.c.instance_id == instance_id,
            _s.c.campaign_id == campaign_id,
            _s.c.seq > first.c.seq,
            _s.c.sender_id != first.c.sender_id,
            _s.c.state == SubmissionState.PROCESSED.value,
        )
        .order_by(_s.c.seq)
    )
    return [SentForm(*row) for row in rows]


def xml_of(database: Database, connection: Connection, seqs: Sequence[int]) -> Iterator[tuple[int, bytes]]:
    """Seq and XML of submissions, a batch at a time."""
    for at in range(0, len(seqs), BATCH):
        statement = select(_i.c.seq, _i.c.xml).where(database.among(_i.c.seq, seqs[at : at + BATCH]))
        for seq, xml in connection.execute(statement):
            yield seq, bytes(xml)


@dataclass(frozen=True, slots=True)
class Note:
    """How something was explained; see tables.integrity_notes."""

    campaign_id: str
    canvasser_id: int
    test: str
    upto_seq: int
    words: str
    closes: bool
    user_id: int | None
    at: str


def add_note(connection: Connection, note: Note) -> None:
    """Keep what was said."""
    connection.execute(_n.insert().values({name: getattr(note, name) for name in Note.__dataclass_fields__}))


def notes(
    database: Database, connection: Connection, campaign_id: str, canvasser_ids: Sequence[int]
) -> dict[tuple[int, str], Note]:
    """By canvasser and test the latest note."""
    columns = [_n.c[name] for name in Note.__dataclass_fields__]
    rows = connection.execute(
        select(*columns)
        .where(_n.c.campaign_id == campaign_id, database.among(_n.c.canvasser_id, canvasser_ids))
        .order_by(_n.c.id)
    )
    return {(note.canvasser_id, note.test): note for note in (Note(*row) for row in rows)}


@dataclass(frozen=True, slots=True)
class NewBackCheck:
    """What is kept of a draw; see tables.back_checks."""

    campaign_id: str
    canvasser_id: int
    checker_id: int | None
    first_day: date
    last_day: date
    seed: str
    drawn_from: int
    fingerprint: str
    user_id: int | None
    drawn_at: str


@dataclass(frozen=True, slots=True)
class BackCheck(NewBackCheck):
    """A draw with its number."""

    id: int


@dataclass(frozen=True, slots=True)
class BackCheckHouse:
    """A house of a draw. told: JSON, None until somebody told what was found."""

    position: int
    instance_id: str
    told: str | None
    found_at: str | None


def add_back_check(connection: Connection, made: NewBackCheck, instance_ids: Sequence[str]) -> int:
    """Keep a draw with its houses; its number."""
    values = {name: getattr(made, name) for name in NewBackCheck.__dataclass_fields__}
    number: int = connection.execute(_b.insert().values(values).returning(_b.c.id)).scalar_one()
    rows = [{"back_check_id": number, "position": at, "instance_id": each} for at, each in enumerate(instance_ids, 1)]
    connection.execute(_bh.insert(), rows)
    return number


def drawn_before(connection: Connection, campaign_id: str) -> set[str]:
    """Ids of all submissions of a campaign about households that were ever drawn."""
    drawn = _s.alias("drawn")
    rows = connection.execute(
        select(_s.c.instance_id)
        .distinct()
        .select_from(_bh)
        .join(_b, _b.c.id == _bh.c.back_check_id)
        .join(drawn, drawn.c.instance_id == _bh.c.instance_id)
        .join(_s, (_s.c.campaign_id == drawn.c.campaign_id) & (_s.c.household_id == drawn.c.household_id))
        .where(_b.c.campaign_id == campaign_id)
    )
    return set(rows.scalars())


def back_check(connection: Connection, number: int) -> BackCheck | None:
    """The draw of a number."""
    row = connection.execute(select(_b).where(_b.c.id == number)).first()
    return None if row is None else _back_check(row)


def back_checks(
    database: Database, connection: Connection, campaign_id: str, canvasser_ids: Sequence[int], limit: int
) -> list[BackCheck]:
    """The draws of canvassers, the newest first."""
    rows = connection.execute(
        select(_b)
        .where(_b.c.campaign_id == campaign_id, database.among(_b.c.canvasser_id, canvasser_ids))
        .order_by(_b.c.id.desc())
        .limit(limit)
    )
    return [_back_check(row) for row in rows]


def back_check_houses(connection: Connection, number: int) -> list[BackCheckHouse]:
    """The houses of a draw."""
    columns = [_bh.c[name] for name in BackCheckHouse.__dataclass_fields__]
    rows = connection.execute(select(*columns).where(_bh.c.back_check_id == number).order_by(_bh.c.position))
    return [BackCheckHouse(*row) for row in rows]


def to_check(connection: Connection, campaign_id: str, checker_id: int) -> list[str]:
    """Ids of the households that somebody is to interview a second time, where nobody else has been since."""
    first, since = _s.alias("first"), _s.alias("since")
    been = exists().where(
        since.c.household_id == first.c.household_id,
        since.c.campaign_id == first.c.campaign_id,
        since.c.seq > first.c.seq,
        since.c.sender_id != first.c.sender_id,
        since.c.state == SubmissionState.PROCESSED.value,
    )
    rows = connection.execute(
        select(first.c.household_id)
        .distinct()
        .select_from(_b)
        .join(_bh, _bh.c.back_check_id == _b.c.id)
        .join(first, first.c.instance_id == _bh.c.instance_id)
        .where(
            _b.c.checker_id == checker_id,
            _b.c.campaign_id == campaign_id,
            first.c.campaign_id == campaign_id,
            first.c.household_id.is_not(None),
            _bh.c.told.is_(None),
            ~been,
        )
    )
    return sorted(rows.scalars())


def tell(connection: Connection, number: int, position: int, told: str, at: str, user_id: int | None) -> None:
    """Keep what the second interview of a house told."""
    connection.execute(
        _bh.update()
        .where(_bh.c.back_check_id == number, _bh.c.position == position)
        .values(told=told, found_at=at, found_by=user_id)
    )


def _back_check(row: Row[tuple[object, ...]]) -> BackCheck:
    return BackCheck(**row._mapping)
