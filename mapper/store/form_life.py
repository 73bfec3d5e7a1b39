"""How forms live: their versions with what was sent of each, the one offered, and questions that got other names."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, func, select, update

from mapper.store import reference as kept
from mapper.store import tables
from mapper.store.database import Database
from mapper.store.reference import FormVersion

_f, _s = tables.forms, tables.submissions
_COLUMNS = tuple(
    _f.c[name] for name in ("form_id", "version", "title", "md5", "model", "campaign_id", "published_at", "current")
)


@dataclass(frozen=True, slots=True)
class VersionCount:
    """Submissions of one form version. last_at: when the newest came."""

    form_id: str
    version: str
    number: int
    last_at: str


def newest(connection: Connection, form_id: str) -> FormVersion | None:
    """The version of a form that is offered or, once it is closed, that was published last; None for no form."""
    row = connection.execute(
        select(*_COLUMNS).where(_f.c.form_id == form_id).order_by(_f.c.current.desc(), _f.c.published_at.desc())
    ).first()
    return FormVersion(*row) if row else None


def versions(connection: Connection) -> list[tuple[str, str, str, str, bool]]:
    """(form id, version, title, when published, whether offered) of all, by form and the newest first."""
    columns = (_f.c.form_id, _f.c.version, _f.c.title, _f.c.published_at, _f.c.current)
    rows = select(*columns).order_by(_f.c.form_id, _f.c.published_at.desc(), _f.c.version.desc())
    return [(row[0], row[1], row[2], row[3], bool(row[4])) for row in connection.execute(rows)]


def counts(connection: Connection) -> list[VersionCount]:
    """How many submissions came of each form version, of versions never published too."""
    rows = connection.execute(
        select(_s.c.form_id, _s.c.form_version, func.count(), func.max(_s.c.received_at)).group_by(
            _s.c.form_id, _s.c.form_version
        )
    )
    return [VersionCount(*row) for row in rows]


def close(connection: Connection, form_id: str) -> int:
    """Offer no version of a form any more; how many were offered."""
    return connection.execute(update(_f).where(_f.c.form_id == form_id, _f.c.current).values(current=False)).rowcount


def renamed_questions(connection: Connection, form_id: str) -> dict[str, str]:
    """Paths of questions that a later version of the form calls otherwise, as somebody confirmed: old to new."""
    text = kept.fact(connection, _fact(form_id))
    return json.loads(text) if text else {}


def keep_renamed(database: Database, connection: Connection, form_id: str, renamed: Mapping[str, str]) -> None:
    """Remember more of them; what was renamed twice goes by its last name."""
    before = renamed_questions(connection, form_id)
    after = {old: renamed.get(new, new) for old, new in before.items()} | dict(renamed)
    kept.set_fact(database, connection, _fact(form_id), json.dumps(after, ensure_ascii=False))


def _fact(form_id: str) -> str:
    return f"renamed {form_id}"
