"""Forms being tried, and what was sent to them: apart from everything that counts, and deleted at will."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, exists, func, select

from mapper.store import tables
from mapper.store.database import Database

_d, _s = tables.form_drafts, tables.draft_submissions


@dataclass(frozen=True, slots=True)
class Draft:
    """A form being tried. model: JSON of the formats room; toml: of its campaign, None for none.

    media: file name to (SHA-256, MD5). hamlets: SHA-256 of the campaign's list of hamlets, None for none; file: name
    of the workbook; advice: what its checks advise.
    """

    form_id: str
    version: str
    title: str
    xform: bytes
    md5: str
    model: str
    media: Mapping[str, tuple[str, str]]
    hamlets: str | None
    file: str
    advice: tuple[str, ...]
    toml: str | None
    token_sha256: str
    user_id: int | None
    made_at: str


@dataclass(frozen=True, slots=True)
class DraftSubmission:
    """One filled form that was sent to a draft. attachments: file name to SHA-256."""

    instance_id: str
    form_id: str
    version: str
    xml: bytes
    received_at: str
    attachments: Mapping[str, str]


def save(database: Database, connection: Connection, draft: Draft) -> None:
    """Keep a draft in the place of the one that the form had; what was sent to that one stays."""
    more = {"media": draft.media, "hamlets": draft.hamlets, "file": draft.file, "advice": draft.advice}
    values = {
        "form_id": draft.form_id,
        "version": draft.version,
        "title": draft.title,
        "xform": draft.xform,
        "md5": draft.md5,
        "model": draft.model,
        "media": json.dumps(more, ensure_ascii=False),
        "toml": draft.toml,
        "token_sha256": draft.token_sha256,
        "user_id": draft.user_id,
        "made_at": draft.made_at,
    }
    connection.execute(
        database.insert(_d).values(values).on_conflict_do_update(index_elements=["form_id"], set_=values)
    )


def by_form(connection: Connection, form_id: str) -> Draft | None:
    """The draft of a form, or None."""
    return _read(connection, _d.c.form_id == form_id)


def by_token(connection: Connection, token_sha256: str) -> Draft | None:
    """The draft whose phones have that token, or None."""
    return _read(connection, _d.c.token_sha256 == token_sha256)


def _read(connection: Connection, which: ColumnElement[bool]) -> Draft | None:
    row = connection.execute(select(_d).where(which)).first()
    if row is None:
        return None
    more = json.loads(row.media)
    return Draft(
        row.form_id,
        row.version,
        row.title,
        bytes(row.xform),
        row.md5,
        row.model,
        {name: (kept[0], kept[1]) for name, kept in more["media"].items()},
        more["hamlets"],
        more["file"],
        tuple(more["advice"]),
        row.toml,
        row.token_sha256,
        row.user_id,
        row.made_at,
    )


def listed(connection: Connection) -> list[tuple[str, str, str, str, int]]:
    """(form id, version, title, when made, submissions) of every draft, by form."""
    number = select(func.count()).where(_s.c.form_id == _d.c.form_id).scalar_subquery()
    columns = (_d.c.form_id, _d.c.version, _d.c.title, _d.c.made_at)
    return [(*row[:4], int(row[4])) for row in connection.execute(select(*columns, number).order_by(_d.c.form_id))]


def count(connection: Connection, form_id: str) -> int:
    """How many submissions a draft has."""
    return connection.scalar(select(func.count()).where(_s.c.form_id == form_id)) or 0


def submission(connection: Connection, instance_id: str) -> DraftSubmission | None:
    """One submission to a draft, or None."""
    row = connection.execute(select(_s).where(_s.c.instance_id == instance_id)).first()
    return None if row is None else _submission(row)


def submissions(connection: Connection, form_id: str) -> list[DraftSubmission]:
    """Everything sent to a draft, the newest first."""
    rows = select(_s).where(_s.c.form_id == form_id).order_by(_s.c.received_at.desc(), _s.c.instance_id)
    return [_submission(row) for row in connection.execute(rows)]


def _submission(row: Row[Any]) -> DraftSubmission:
    attachments = json.loads(row.attachments)
    return DraftSubmission(row.instance_id, row.form_id, row.version, bytes(row.xml), row.received_at, attachments)


def save_submission(database: Database, connection: Connection, new: DraftSubmission) -> None:
    """Keep a submission to a draft, or the files that came later."""
    attachments = json.dumps(dict(new.attachments), ensure_ascii=False)
    values = {
        "instance_id": new.instance_id,
        "form_id": new.form_id,
        "version": new.version,
        "xml": new.xml,
        "received_at": new.received_at,
        "attachments": attachments,
    }
    connection.execute(
        database.insert(_s)
        .values(values)
        .on_conflict_do_update(index_elements=["instance_id"], set_={"attachments": attachments})
    )


def delete_submissions(connection: Connection, form_id: str, instance_id: str | None = None) -> int:
    """Delete what was sent to a draft, or one of it, with the files that nothing else has; how many went."""
    which = _s.c.form_id == form_id
    if instance_id is not None:
        which &= _s.c.instance_id == instance_id
    texts = connection.scalars(select(_s.c.attachments).where(which)).all()
    number = connection.execute(delete(_s).where(which)).rowcount
    _forget_files(connection, {sha256 for text in texts for sha256 in json.loads(text).values()})
    return number


def delete_draft(connection: Connection, form_id: str) -> None:
    """Delete a draft and all that was sent to it."""
    draft = by_form(connection, form_id)
    if draft is None:
        return
    delete_submissions(connection, form_id)
    connection.execute(delete(_d).where(_d.c.form_id == form_id))
    _forget_files(connection, {sha256 for sha256, _ in draft.media.values()} | {draft.hamlets or ""})


def _forget_files(connection: Connection, hashes: Iterable[str]) -> None:
    """Delete those files that no form, no submission and no draft has."""
    b, m, a = tables.blobs, tables.form_media, tables.attachments
    for sha256 in hashes:
        connection.execute(
            delete(b).where(
                b.c.sha256 == sha256,
                ~exists().where(m.c.sha256 == sha256),
                ~exists().where(a.c.sha256 == sha256),
                ~exists().where(_d.c.media.contains(sha256)),
                ~exists().where(_s.c.attachments.contains(sha256)),
            )
        )
