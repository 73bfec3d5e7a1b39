"""How forms live: their versions with what was sent of each, the one offered, and questions that got other names."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select, update

from mapper.store import reference as kept
from mapper.store import tables
from mapper.store.database import Database
from mapper.store.reference import FormVersion

_f, _s = tables.forms, tables.submissions
_COLUMNS = tuple(
    _f.c[name] for name in ("form_id", "version", "title", "md5", "model", "campaign_id", "published_at", "current")
)

_COUNTS = "submissions of forms"
SETTLED = timedelta(minutes=10)
"""No transaction that adds submissions takes so long."""


@dataclass(frozen=True, slots=True)
class VersionCount:
    """Submissions of one form version. last_at: when the last of them was kept."""

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


def counts(connection: Connection) -> tuple[list[VersionCount], int]:
    """How many submissions came of each form version, of versions never published too; and of how many rows that
    was counted anew.

    Submissions are only ever added. So what was counted up to a number is kept (see ``keep_counts``), and a look reads
    the rows behind it, by their own key: intake writes nothing for it, and no index grows with it.
    """
    kept_counts = _Kept.read(connection)
    fresh = _behind(connection, kept_counts.upto)
    return _together(kept_counts.counts, fresh), sum(each.number for each in fresh)


def keep_counts(database: Database, connection: Connection, now: datetime) -> None:
    """Keep what is counted, so that the next look need not count it again.

    On PostgreSQL a transaction may still be under way whose rows have lower numbers than some that are here already:
    what is here now is kept only once SETTLED has gone by since it was first seen.
    """
    database.lock(connection, _COUNTS)
    before = _Kept.read(connection)
    newest = connection.scalar(select(func.max(_s.c.seq))) or 0
    upto, seen, seen_at = before.upto, before.seen, before.seen_at
    if database.is_sqlite:
        upto = seen = newest
    elif not seen_at or now - datetime.fromisoformat(seen_at) >= SETTLED:
        upto, seen, seen_at = seen, newest, now.isoformat()
    summed = _together(before.counts, _behind(connection, before.upto, upto)) if upto > before.upto else before.counts
    told = {"upto": upto, "seen": seen, "seen_at": seen_at, "counts": [astuple(each) for each in summed]}
    kept.set_fact(database, connection, _COUNTS, json.dumps(told, ensure_ascii=False))


@dataclass(frozen=True, slots=True)
class _Kept:
    """Counts of the rows up to a number. seen: the newest row at an ISO time, "" for never, not counted here yet."""

    upto: int
    seen: int
    seen_at: str
    counts: Sequence[VersionCount]

    @classmethod
    def read(cls, connection: Connection) -> _Kept:
        text = kept.fact(connection, _COUNTS)
        if text is None:
            return cls(0, 0, "", ())
        told = json.loads(text)
        return cls(told["upto"], told["seen"], told["seen_at"], [VersionCount(*each) for each in told["counts"]])


def _behind(connection: Connection, after: int, upto: int | None = None) -> list[VersionCount]:
    """Counts of the rows behind a number, and up to another."""
    which = _s.c.seq > after
    if upto is not None:
        which &= _s.c.seq <= upto
    groups = (
        select(_s.c.form_id, _s.c.form_version, func.count().label("number"), func.max(_s.c.seq).label("last"))
        .where(which)
        .group_by(_s.c.form_id, _s.c.form_version)
        .subquery()
    )
    # When the last one came stands behind the answers in a row, so it is read of that one alone.
    rows = select(groups.c.form_id, groups.c.form_version, groups.c.number, _s.c.received_at).join(
        _s, _s.c.seq == groups.c.last
    )
    return [VersionCount(*row) for row in connection.execute(rows)]


def _together(before: Sequence[VersionCount], fresh: Sequence[VersionCount]) -> list[VersionCount]:
    summed = {(each.form_id, each.version): each for each in before}
    for each in fresh:
        key = each.form_id, each.version
        number = summed[key].number if key in summed else 0
        summed[key] = VersionCount(*key, number + each.number, each.last_at)
    return list(summed.values())


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
