"""Raw submissions and their attachments: kept exactly as they came, before anything is understood."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, bindparam, func, select, update

from mapper.errors import mark
from mapper.store import tables
from mapper.store.database import Database, driver_of

_s, _i = tables.submissions, tables.instances


WAITS_FOR_ORIGINAL = mark("This edit came before its original and waits for it.")
"""Why an edit is held."""


class SubmissionState(StrEnum):
    """What became of a submission."""

    RECEIVED = "received"
    PROCESSED = "processed"
    HELD = "held"
    FLAGGED = "flagged"
    SUPERSEDED = "superseded"


class Saved(StrEnum):
    """What the raw commit found."""

    NEW = "new"
    SAME = "same"
    OTHER_CONTENT = "other_content"
    STALE_EDIT = "stale_edit"


@dataclass(frozen=True, slots=True)
class RawSubmission:
    """One POST, ready to keep. attachments: NFC file name to content.

    digest: SHA-256 of what came, where somebody was taken out of it since.
    """

    instance_id: str
    deprecated_id: str | None
    form_id: str
    form_version: str
    xml: bytes
    received_at: str
    received_on: date
    sender_id: int | None = None
    device_id: str | None = None
    attachments: Mapping[str, bytes] | None = None
    digest: str | None = None


@dataclass(frozen=True, slots=True)
class StoredSubmission:
    """A submission as it is kept. reason: why it is flagged or held, as (message, facts)."""

    seq: int
    instance_id: str
    deprecated_id: str | None
    root_id: str
    form_id: str
    form_version: str
    received_at: str
    received_on: date
    sender_id: int | None
    state: SubmissionState
    reason: tuple[str, dict[str, str]] | None
    household_id: str | None


_COLUMNS = (
    _s.c.seq,
    _s.c.instance_id,
    _s.c.deprecated_id,
    _s.c.root_id,
    _s.c.form_id,
    _s.c.form_version,
    _s.c.received_at,
    _s.c.received_on,
    _s.c.sender_id,
    _s.c.state,
    _s.c.reason,
    _s.c.household_id,
)


def _stored(row: Sequence[object]) -> StoredSubmission:
    values = list(row)
    if isinstance(values[7], str):
        values[7] = date.fromisoformat(values[7])
    values[9] = SubmissionState(str(values[9]))
    values[10] = _read_reason(values[10])
    return StoredSubmission(*values)  # type: ignore[arg-type]


def _read_reason(text: object) -> tuple[str, dict[str, str]] | None:
    if not text:
        return None
    message, facts = json.loads(str(text))
    return message, facts


def save(database: Database, connection: Connection, raw: RawSubmission) -> tuple[Saved, SubmissionState]:
    """Keep a submission and its attachments; the caller's commit makes it durable.

    The same instance with the same bytes adds only the attachments not yet here; a file of other content under a name
    that is here counts from now on, and the one before it stays. Returns what was found and the state the submission
    is in; OTHER_CONTENT and STALE_EDIT change nothing.
    """
    driver = driver_of(connection)
    digest = raw.digest or hashlib.sha256(raw.xml).hexdigest()
    state, root = SubmissionState.RECEIVED, raw.instance_id
    if raw.deprecated_id is not None:
        found = database.prepared("root of", _select_root).rows(driver, {"instance_id": raw.deprecated_id})
        # An edit of a held edit waits with it: counted now, it would lose to the original that is still on its way.
        # What waits for its household instead has a household, and an edit may take its place.
        held = not found or (found[0][1] == SubmissionState.HELD and found[0][2] is None)
        state = SubmissionState.HELD if held else SubmissionState.RECEIVED
        root = found[0][0] if found else raw.deprecated_id
    values = {
        "instance_id": raw.instance_id,
        "deprecated_id": raw.deprecated_id,
        "root_id": root,
        "form_id": raw.form_id,
        "form_version": raw.form_version,
        "sha256": digest,
        "received_at": raw.received_at,
        "received_on": raw.received_on.isoformat(),
        "sender_id": raw.sender_id,
        "device_id": raw.device_id,
        "state": state.value,
    }
    added = database.prepared(
        "save submission",
        lambda: (
            database.insert(_s).values({k: bindparam(k) for k in values}).on_conflict_do_nothing().returning(_s.c.seq)
        ),
    ).rows(driver, values)
    saved = Saved.NEW
    if added:
        database.entering(_i).run_many(driver, [(added[0][0], raw.xml)])
    else:
        known = database.prepared("known", _select_known).rows(driver, {"instance_id": raw.instance_id})
        if not known:
            return Saved.STALE_EDIT, state
        if known[0][0] != digest:
            return Saved.OTHER_CONTENT, SubmissionState(known[0][1])
        saved, state = Saved.SAME, SubmissionState(known[0][1])
    for name, content in (raw.attachments or {}).items():
        _save_attachment(database, connection, raw, name, content)
    return saved, state


def _select_root() -> Select[tuple[str, str, str | None]]:
    return select(_s.c.root_id, _s.c.state, _s.c.household_id).where(_s.c.instance_id == bindparam("instance_id"))


def _select_known() -> Select[tuple[str, str]]:
    return select(_s.c.sha256, _s.c.state).where(_s.c.instance_id == bindparam("instance_id"))


def _save_attachment(database: Database, connection: Connection, raw: RawSubmission, name: str, content: bytes) -> None:
    """Keep a file beside whatever came under its name before; the same content again changes nothing."""
    a = tables.attachments
    name = unicodedata.normalize("NFC", name)
    digest = save_blob(database, connection, content)
    before = select(func.count()).where(a.c.instance_id == raw.instance_id, a.c.name == name).scalar_subquery()
    connection.execute(
        database.insert(a)
        .values(instance_id=raw.instance_id, name=name, sha256=digest, turn=before, received_at=raw.received_at)
        .on_conflict_do_nothing()
    )


def save_blob(database: Database, connection: Connection, content: bytes) -> str:
    """Keep a file by its content; returns its SHA-256."""
    digest = hashlib.sha256(content).hexdigest()
    connection.execute(
        database.insert(tables.blobs).values(sha256=digest, size=len(content), content=content).on_conflict_do_nothing()
    )
    return digest


def read_blob(connection: Connection, sha256: str) -> bytes | None:
    """The file of that content, or None."""
    content = connection.scalar(select(tables.blobs.c.content).where(tables.blobs.c.sha256 == sha256))
    return None if content is None else bytes(content)


def attachment_names(connection: Connection, instance_id: str) -> list[str]:
    """File names kept for a submission, sorted."""
    a = tables.attachments
    names = select(a.c.name).distinct().where(a.c.instance_id == instance_id).order_by(a.c.name)
    return list(connection.scalars(names))


def attachment_hashes(connection: Connection, instance_id: str) -> dict[str, list[str]]:
    """SHA-256 of every content kept under each name of a submission, the one that counts last."""
    a = tables.attachments
    found: dict[str, list[str]] = {}
    rows = select(a.c.name, a.c.sha256).where(a.c.instance_id == instance_id).order_by(a.c.turn, a.c.sha256)
    for row in connection.execute(rows):
        found.setdefault(row.name, []).append(row.sha256)
    return found


def read(database: Database, connection: Connection, instance_id: str) -> StoredSubmission | None:
    """One submission, or None."""
    rows = database.prepared(
        "read submission", lambda: select(*_COLUMNS).where(_s.c.instance_id == bindparam("instance_id"))
    ).rows(driver_of(connection), {"instance_id": instance_id})
    return _stored(rows[0]) if rows else None


def unheard_of(
    database: Database, connection: Connection, households: Mapping[str, tuple[str, str]]
) -> dict[str, StoredSubmission]:
    """Those received submissions that may be the first to tell of their households, by instance id.

    households: by instance id the campaign and household that each tells of. Left out are edits, what an edit waits
    for, and whatever tells of a household that another submission tells of, or waits for.
    """
    if not households:
        return {}
    driver, ids = driver_of(connection), database.given(list(households))
    # Looked up by nothing but their ids: with more conditions SQLite takes another index, and reads all there are.
    these = database.prepared(
        "these", lambda: select(*_COLUMNS).where(database.among_given(_s.c.instance_id, "ids"))
    ).rows(driver, {"ids": ids})
    edited = database.prepared(
        "edited of these", lambda: select(_s.c.deprecated_id).where(database.among_given(_s.c.deprecated_id, "ids"))
    ).rows(driver, {"ids": ids})
    told: set[tuple[str, str]] = set()
    for campaign_id in {campaign_id for campaign_id, _ in households.values()}:
        told.update(
            database.prepared(
                "told of these",
                lambda: select(_s.c.campaign_id, _s.c.household_id).where(
                    _s.c.campaign_id == bindparam("campaign"), database.among_given(_s.c.household_id, "households")
                ),
            ).rows(
                driver,
                {
                    "campaign": campaign_id,
                    "households": database.given([one for of, one in households.values() if of == campaign_id]),
                },
            )
        )
    originals = {row[0] for row in edited}
    return {
        stored.instance_id: stored
        for stored in map(_stored, these)
        if stored.state is SubmissionState.RECEIVED
        and stored.deprecated_id is None
        and stored.instance_id not in originals
        and households[stored.instance_id] not in told
    }


def xml_of(connection: Connection, seq: int) -> bytes:
    """A submission's XML, byte for byte as it came. seq: of a submission that is here."""
    return bytes(connection.execute(select(_i.c.xml).where(_i.c.seq == seq)).scalar_one())


def told_of(connection: Connection, instance_id: str) -> tuple[str, str] | None:
    """The campaign and household that a submission tells of, or waits for; None where it does neither."""
    columns = select(_s.c.campaign_id, _s.c.household_id).where(_s.c.instance_id == instance_id)
    row = connection.execute(columns).first()
    return (row[0], row[1]) if row is not None and row[1] is not None else None


def sent_of(database: Database, connection: Connection, campaign_id: str, households: Sequence[str]) -> list[str]:
    """Instance ids of all that tells of households of a campaign, with every version of it."""
    told = select(_s.c.root_id).where(_s.c.campaign_id == campaign_id, database.among(_s.c.household_id, households))
    return list(connection.scalars(select(_s.c.instance_id).where(_s.c.root_id.in_(told)).order_by(_s.c.instance_id)))


def state_of(connection: Connection, instance_id: str) -> SubmissionState | None:
    """What became of a submission; None where there is none."""
    state = connection.scalar(select(_s.c.state).where(_s.c.instance_id == instance_id))
    return None if state is None else SubmissionState(state)


def set_processed(
    database: Database, connection: Connection, instance_id: str, campaign_id: str | None, household_id: str | None
) -> None:
    """The submission is understood, and tells of this household (None for a form without roles)."""
    set_all_processed(database, connection, [(instance_id, campaign_id, household_id)])


Processed = tuple[str, str | None, str | None]
"""A submission that is understood, and the campaign and household that it tells of."""


def set_all_processed(database: Database, connection: Connection, processed: Sequence[Processed]) -> None:
    """The same for many at once."""
    if not processed:
        return
    database.prepared(
        "set processed",
        lambda: (
            update(_s)
            .where(_s.c.instance_id == bindparam("of_instance"))
            .values(
                state=bindparam("new_state"),
                reason=None,
                household_id=bindparam("new_household"),
                campaign_id=bindparam("new_campaign"),
            )
        ),
    ).run_each(
        driver_of(connection),
        [
            {
                "of_instance": instance_id,
                "new_state": SubmissionState.PROCESSED.value,
                "new_household": household_id,
                "new_campaign": campaign_id,
                "reason": None,
            }
            for instance_id, campaign_id, household_id in processed
        ],
    )


def set_state(
    connection: Connection,
    instance_id: str,
    state: SubmissionState,
    message: str,
    facts: Mapping[str, object],
    waits_for: tuple[str, str] | None = None,
) -> None:
    """Flag or hold a submission with its reason. waits_for: campaign and household without which it cannot count."""
    reason = json.dumps([message, {k: str(v) for k, v in facts.items()}], ensure_ascii=False)
    campaign_id, household_id = waits_for or (None, None)
    connection.execute(
        update(_s)
        .where(_s.c.instance_id == instance_id)
        .values(state=state.value, reason=reason, campaign_id=campaign_id, household_id=household_id)
    )


def others_of_household(
    database: Database, connection: Connection, campaign_id: str, household_id: str, instance_id: str
) -> list[tuple[int, StoredSubmission]]:
    """Other submissions that tell of the same household, those that wait for it too, each with its place.

    The place is that of the first submission of a chain of edits in the order of arrival, and so is the order here.
    """
    rows = database.prepared("others of household", _select_others).rows(
        driver_of(connection), {"household": household_id, "campaign": campaign_id, "instance_id": instance_id}
    )
    return sorted(((row[-1], _stored(row[:-1])) for row in rows), key=lambda other: other[0])


def _select_others() -> Select[Any]:
    # Whatever has a household counts or waits for it: what is superseded or cannot be understood has none.
    return select(*_COLUMNS, _place_of(_s)).where(
        _s.c.household_id == bindparam("household"),
        _s.c.campaign_id == bindparam("campaign"),
        _s.c.instance_id != bindparam("instance_id"),
    )


def _place_of(edit: Table) -> ColumnElement[int]:
    root = _s.alias("root")
    return func.coalesce(
        select(root.c.seq).where(root.c.instance_id == edit.c.root_id).correlate(edit).scalar_subquery(), edit.c.seq
    )


def place(connection: Connection, stored: StoredSubmission) -> int:
    """Where the first submission of a chain of edits stands in the order of arrival."""
    if stored.root_id == stored.instance_id:
        return stored.seq
    return connection.scalar(select(_s.c.seq).where(_s.c.instance_id == stored.root_id)) or stored.seq


def waiting(connection: Connection, *, form_id: str | None = None) -> list[StoredSubmission]:
    """Submissions that do not count (received only, held or flagged), newest first; of one form where given."""
    statement = select(*_COLUMNS).where(tables.WAITS).order_by(_s.c.seq.desc())
    if form_id is not None:
        statement = statement.where(_s.c.form_id == form_id)
    return [_stored(row) for row in connection.execute(statement)]


def stream(connection: Connection, batch: int = 500) -> Iterator[list[tuple[StoredSubmission, bytes]]]:
    """All submissions with their XML in order of arrival, in batches."""
    after = 0
    every = select(*_COLUMNS, _i.c.xml).join(_i, _i.c.seq == _s.c.seq).order_by(_s.c.seq).limit(batch)
    while True:
        rows = connection.execute(every.where(_s.c.seq > after)).all()
        if not rows:
            return
        yield [(_stored(row[:-1]), bytes(row[-1])) for row in rows]
        after = rows[-1][0]


def count(connection: Connection) -> int:
    """How many submissions there are."""
    return connection.scalar(select(func.count()).select_from(_s)) or 0
