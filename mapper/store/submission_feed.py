"""Submissions of one form for whoever takes them elsewhere: the newest version of each.

They stand in the order in which their first versions came, so that an edit moves none of them.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Integer, Select, and_, case, cast, func, not_, null, or_, select

from mapper.store import tables
from mapper.store.database import Database

_s, _i, _u, _h, _a = tables.submissions, tables.instances, tables.users, tables.households, tables.attachments
_root = _s.alias("root")

Wanted = tuple[Any, ...]
"""A condition: ("and", a, b), ("or", a, b), ("not", a), or (comparison, what, part, value); see ``odata_query``."""


@dataclass(frozen=True, slots=True)
class FedSubmission:
    """One submission without its XML. key: instance id of its first version; submitted_at: when that came.

    first: its number; seq: of the newest.

    cell_id: where its household counts, None where it tells of none. review: "" where nobody looked at it.
    """

    seq: int
    first: int
    instance_id: str
    key: str
    edited: bool
    form_version: str
    submitted_at: str
    updated_at: str
    sender_id: int | None
    sender: str | None
    device_id: str | None
    state: str
    review: str
    cell_id: int | None


_submitted = func.coalesce(_root.c.received_at, _s.c.received_at)
_first = func.coalesce(_root.c.seq, _s.c.seq)

Order = Sequence[tuple[str, bool]]
"""What to order by, and whether the other way round; those alike stand as they came."""


def _chosen(columns: Sequence[Any], form_id: str, wanted: Wanted | None) -> Select[Any]:
    told_of = (_h.c.campaign_id == _s.c.campaign_id) & (_h.c.id == _s.c.household_id)
    joined = (
        _s.outerjoin(_root, _root.c.instance_id == _s.c.root_id)
        .outerjoin(_u, _u.c.id == _s.c.sender_id)
        .outerjoin(_h, told_of)
    )
    found = select(*columns).select_from(joined).where(_s.c.form_id == form_id, _s.c.state != "superseded")
    return found if wanted is None else found.where(_condition(wanted))


_FIELDS: dict[str, ColumnElement[Any]] = {
    "submissionDate": _submitted,
    # Of what was never edited, never.
    "updatedAt": case((_s.c.deprecated_id.is_not(None), _s.c.received_at), else_=null()),
    "reviewState": func.nullif(_s.c.review, "received"),
    "submitterId": _s.c.sender_id,
}

_PARTS = {"year": (1, 4), "month": (6, 2), "day": (9, 2), "hour": (12, 2), "minute": (15, 2), "second": (18, 2)}
"""Where the parts of a moment stand in its text."""


def _condition(wanted: Wanted) -> ColumnElement[bool]:
    how = wanted[0]
    if how == "and":
        return and_(_condition(wanted[1]), _condition(wanted[2]))
    if how == "or":
        return or_(_condition(wanted[1]), _condition(wanted[2]))
    if how == "not":
        return not_(_condition(wanted[1]))
    _, what, part, value = wanted
    column = _FIELDS[what]
    if part == "date":
        column = func.substr(column, 1, 10)
    elif part:
        column = cast(func.substr(column, *_PARTS[part]), Integer)
    if how in ("eq", "ne") and value is None:
        return column.is_(None) if how == "eq" else column.is_not(None)
    # As OData has it: what is missing differs from every value, and is neither before nor after it.
    compared: dict[str, ColumnElement[bool]] = {
        "eq": and_(column.is_not(None), column == value),
        "ne": or_(column.is_(None), column != value),
        "lt": and_(column.is_not(None), column < value),
        "le": and_(column.is_not(None), column <= value),
        "gt": and_(column.is_not(None), column > value),
        "ge": and_(column.is_not(None), column >= value),
    }
    return compared[how]


def numbers(
    connection: Connection,
    form_id: str,
    wanted: Wanted | None = None,
    order: Order = (),
    after: int = 0,
    skip: int = 0,
    limit: int | None = None,
) -> Sequence[int]:
    """The seqs of a form's submissions in order. after: only those whose first version came after this number."""
    found = _chosen((_s.c.seq,), form_id, wanted)
    if after:
        found = found.where(_first > after)
    columns = [_FIELDS[what].desc().nulls_last() if down else _FIELDS[what].asc().nulls_first() for what, down in order]
    return array("q", connection.scalars(found.order_by(*columns, _first, _s.c.seq).offset(skip).limit(limit)))


def some(database: Database, connection: Connection, form_id: str, seqs: Sequence[int]) -> list[FedSubmission]:
    """These submissions of a form, in this order."""
    columns = (
        *(_s.c.seq, _first, _s.c.instance_id, _s.c.root_id, _s.c.deprecated_id.is_not(None), _s.c.form_version),
        *(_submitted, _s.c.received_at, _s.c.sender_id, _u.c.name, _s.c.device_id, _s.c.state),
        *(func.coalesce(_s.c.review, ""), _h.c.cell_id),
    )
    statement = _chosen(columns, form_id, None).where(database.among(_s.c.seq, seqs))
    found = {row[0]: FedSubmission(*row) for row in connection.execute(statement)}
    return [found[seq] for seq in seqs]


def count(connection: Connection, form_id: str, wanted: Wanted | None = None) -> int:
    """How many there are."""
    return connection.scalar(_chosen((func.count(),), form_id, wanted)) or 0


def by_key(database: Database, connection: Connection, form_id: str, key: str) -> FedSubmission | None:
    """The one whose first version has this instance id, or None."""
    found = connection.scalar(
        select(_s.c.seq).where(_s.c.form_id == form_id, _s.c.root_id == key, _s.c.state != "superseded")
    )
    return some(database, connection, form_id, [found])[0] if found is not None else None


def xml_of(database: Database, connection: Connection, seqs: Sequence[int]) -> dict[int, bytes]:
    """The XML of submissions by number."""
    rows = connection.execute(select(_i.c.seq, _i.c.xml).where(database.among(_i.c.seq, seqs)))
    return {row[0]: bytes(row[1]) for row in rows}


def attachments_of(database: Database, connection: Connection, ids: Sequence[str]) -> dict[str, dict[str, str]]:
    """By instance id the files kept: name to SHA-256, of several contents the one that counts."""
    rows = connection.execute(
        select(_a.c.instance_id, _a.c.name, _a.c.sha256)
        .where(database.among(_a.c.instance_id, ids))
        .order_by(_a.c.turn, _a.c.sha256)
    )
    found: dict[str, dict[str, str]] = {}
    for instance_id, name, sha256 in rows:
        found.setdefault(instance_id, {})[name] = sha256
    return found


def versions_of(connection: Connection, form_id: str) -> list[str]:
    """The models of a form's versions as JSON: the one offered first, then the newest."""
    f = tables.forms
    order = (f.c.current.desc(), f.c.published_at.desc(), f.c.version.desc())
    return list(connection.scalars(select(f.c.model).where(f.c.form_id == form_id).order_by(*order)))
