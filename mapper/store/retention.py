"""Taking a whole campaign's photos, or its people, out of the database; its tallies stay."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple
from urllib.parse import parse_qs

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    FromClause,
    Select,
    Table,
    delete,
    exists,
    func,
    select,
    true,
    tuple_,
    update,
)

from mapper.store import tables
from mapper.store.database import Database
from mapper.store.erasing import NOBODY, delete_oddities
from mapper.store.submissions import SubmissionState

_s, _i, _a, _b, _h = tables.submissions, tables.instances, tables.attachments, tables.blobs, tables.households


def _forms(campaign_id: str) -> Select[tuple[str]]:
    return select(tables.forms.c.form_id).where(tables.forms.c.campaign_id == campaign_id)


def _sent(campaign_id: str) -> Select[tuple[str]]:
    """Instance ids of all that was sent with a campaign's forms, whatever became of it."""
    return select(_s.c.instance_id).where(_s.c.form_id.in_(_forms(campaign_id)))


def numbers(connection: Connection, campaign_id: str) -> dict[str, int]:
    """How much there is of what would go: files alone with the photos, all of it with the people."""
    p, e, r = tables.people, tables.register_extracts, tables.register_rows
    people = p.join(_h, _h.c.seq == p.c.household_seq)

    def many(wanted: Select[Any]) -> int:
        return connection.scalar(wanted) or 0

    return {
        "files": many(select(func.count()).select_from(_a).where(_a.c.instance_id.in_(_sent(campaign_id)))),
        "submissions": many(select(func.count()).select_from(_sent(campaign_id).subquery())),
        "people": many(select(func.count()).select_from(people).where(_h.c.campaign_id == campaign_id)),
        "slips": many(select(func.count()).where(tables.slips.c.campaign_id == campaign_id, _stands)),
        "register": many(
            select(func.count()).select_from(r.join(e, e.c.id == r.c.extract_id)).where(e.c.campaign_id == campaign_id)
        ),
        "plans_gone": many(select(func.count()).where(tables.plans.c.campaign_id == campaign_id)),
    }


_stands = tables.slips.c.household_id != NOBODY


def delete_files(database: Database, connection: Connection, campaign_id: str, most: int) -> int:
    """Take out some of the files that came with a campaign's submissions; how many, 0 where none are left."""
    some = select(_a.c.instance_id, _a.c.name, _a.c.sha256).where(_a.c.instance_id.in_(_sent(campaign_id))).limit(most)
    rows = connection.execute(some).all()
    for instance_id, name, digest in rows:
        connection.execute(delete(_a).where(_a.c.instance_id == instance_id, _a.c.name == name, _a.c.sha256 == digest))
    _delete_unnamed(database, connection, {row.sha256 for row in rows})
    return len(rows)


def _delete_unnamed(database: Database, connection: Connection, digests: set[str]) -> None:
    """Take those of the files out that nothing names any more."""
    if not digests:
        return
    named: set[str] = set()
    for table in (_a, tables.form_media, tables.register_extracts):
        named.update(connection.scalars(select(table.c.sha256).where(database.among(table.c.sha256, sorted(digests)))))
    told = [*connection.scalars(select(tables.form_drafts.c.media))]
    told += connection.scalars(select(tables.draft_submissions.c.attachments))
    for digest in sorted(digests - named):
        if not any(digest in text for text in told):
            connection.execute(delete(_b).where(_b.c.sha256 == digest))


def drafts(connection: Connection) -> list[tuple[str, str]]:
    """Forms being tried and their campaign.toml, "" for none."""
    d = tables.form_drafts
    return [(row[0], row[1] or "") for row in connection.execute(select(d.c.form_id, d.c.toml))]


# People, some at a time: first what counts nowhere, then households with what tells of them, then what names them


def counting_nowhere(connection: Connection, campaign_id: str, after: int | None, most: int) -> list[int]:
    """After a seq, those of what came with a campaign's forms and makes no household count, in order; not of edits that
    wait beside what counts."""
    original = _s.alias("original")
    edits_what_counts = exists().where(original.c.instance_id == _s.c.deprecated_id, _counts(original))
    wanted = (_s.c.state != SubmissionState.SUPERSEDED.value) & ~_counts(_s) & ~edits_what_counts
    return _seqs(connection, wanted & _s.c.form_id.in_(_forms(campaign_id)), after, most)


def of_campaign(connection: Connection, campaign_id: str, after: int | None, most: int) -> list[int]:
    """After a seq, those of all that came with a campaign's forms, in order."""
    return _seqs(connection, _s.c.form_id.in_(_forms(campaign_id)), after, most)


def _seqs(connection: Connection, wanted: ColumnElement[bool], after: int | None, most: int) -> list[int]:
    rows = select(_s.c.seq).where(_behind(_s, after), wanted).order_by(_s.c.seq).limit(most)
    return list(connection.scalars(rows))


def _behind(table: Table, after: int | None) -> ColumnElement[bool]:
    return true() if after is None else table.c.seq > after


def _counts(table: FromClause) -> ColumnElement[bool]:
    return (table.c.state == SubmissionState.PROCESSED.value) & table.c.household_id.is_not(None)


def households(connection: Connection, campaign_id: str, after: int | None, most: int) -> list[tuple[int, str]]:
    """Seq and id of a campaign's households in the register, in order."""
    wanted = select(_h.c.seq, _h.c.id).where(_h.c.campaign_id == campaign_id, _behind(_h, after))
    return [(row[0], row[1]) for row in connection.execute(wanted.order_by(_h.c.seq).limit(most))]


def delete_sent(database: Database, connection: Connection, seqs: Sequence[int], *, that_counts: bool) -> int:
    """Take submissions out with all that they edit and that edits them; how many. that_counts: though some of a line
    of edits count, else those lines stay."""
    lines = _lines(database, connection, database.among(_s.c.seq, seqs))
    if not that_counts:
        stays = {one.root_id for one in lines if one.counts}
        lines = [one for one in lines if one.root_id not in stays]
    _delete_lines(database, connection, lines)
    return len(lines)


def delete_households(database: Database, connection: Connection, campaign_id: str, ids: Sequence[str]) -> int:
    """Take households out of the register, with what was sent of them; how many people. ids: with all those that hang
    together with them, since these could not be counted without."""
    told = _counts(_s) & (_s.c.campaign_id == campaign_id) & database.among(_s.c.household_id, ids)
    _delete_lines(database, connection, _lines(database, connection, told))
    delete_oddities(database, connection, campaign_id, ids)
    of = select(_h.c.seq).where(_h.c.campaign_id == campaign_id, database.among(_h.c.id, ids))
    seqs = list(connection.scalars(of))
    gone = 0
    for table in tables.metadata.sorted_tables:
        if "household_seq" in table.c:
            taken = connection.execute(delete(table).where(database.among(table.c.household_seq, seqs))).rowcount
            gone += taken if table is tables.people else 0
    connection.execute(delete(_h).where(database.among(_h.c.seq, seqs)))
    return gone


class _Sent(NamedTuple):
    seq: int
    instance_id: str
    deprecated_id: str | None
    root_id: str
    counts: bool


def _lines(database: Database, connection: Connection, wanted: ColumnElement[bool]) -> list[_Sent]:
    """Submissions with all that they edit, and that edits them."""
    columns = select(_s.c.seq, _s.c.instance_id, _s.c.deprecated_id, _s.c.root_id, _counts(_s))
    found: dict[str, _Sent] = {}
    while True:
        fresh = [_Sent(*row) for row in connection.execute(columns.where(wanted)) if row[1] not in found]
        if not fresh:
            return list(found.values())
        found |= {one.instance_id: one for one in fresh}
        before = [one.deprecated_id for one in fresh if one.deprecated_id is not None]
        later = [one.instance_id for one in fresh]
        wanted = database.among(_s.c.instance_id, before) | database.among(_s.c.deprecated_id, later)


def _delete_lines(database: Database, connection: Connection, lines: Sequence[_Sent]) -> None:
    seqs, ids = [one.seq for one in lines], [one.instance_id for one in lines]
    roots = sorted({one.root_id for one in lines})
    named = tables.decisions, tables.remarks
    connection.execute(delete(named[0]).where(database.among(named[0].c.instance_id, ids)))
    connection.execute(delete(named[1]).where(database.among(named[1].c.root_id, roots)))
    digests = set(connection.scalars(select(_a.c.sha256).where(database.among(_a.c.instance_id, ids))))
    connection.execute(delete(_a).where(database.among(_a.c.instance_id, ids)))
    _delete_unnamed(database, connection, digests)
    connection.execute(delete(_i).where(database.among(_i.c.seq, seqs)))
    connection.execute(delete(_s).where(database.among(_s.c.seq, seqs)))


def delete_traces(
    database: Database,
    connection: Connection,
    campaign_id: str,
    tried: Collection[str],
    most: int,
    at: str,
    user_id: int | None,
) -> int:
    """Take out some of what else tells of a campaign's people, or let it tell of nobody; how much, 0 at the end.

    tried: forms of the campaign that are only drafts.
    """
    for table, wanted in _traces(campaign_id):
        if gone := _delete_some(connection, table, wanted, most):
            return gone
    return (
        _forget_slips(connection, campaign_id, most, at, user_id)
        or _leave_lots(connection, campaign_id, most)
        or _delete_trials(database, connection, campaign_id, tried, most)
        or _delete_extract(database, connection, campaign_id)
    )


def _traces(campaign_id: str) -> Iterator[tuple[Table, ColumnElement[bool]]]:
    """Tables with the rows of them that go, those that refer to others first."""
    checks, extracts, plans = tables.back_checks, tables.register_extracts, tables.plans
    of: tuple[tuple[Table, Column[Any], Table], ...] = (
        (tables.back_check_houses, tables.back_check_houses.c.back_check_id, checks),
        (tables.register_rows, tables.register_rows.c.extract_id, extracts),
        (tables.plan_contents, tables.plan_contents.c.plan_id, plans),
    )
    for table, column, owner in of:
        yield table, column.in_(select(owner.c.id).where(owner.c.campaign_id == campaign_id))
    for owner in (tables.verdicts, tables.mendings, tables.oddities, tables.looked_at, checks):
        yield owner, owner.c.campaign_id == campaign_id
    for owner in (tables.integrity_notes, plans, tables.phone_rounds, tables.register_decisions):
        yield owner, owner.c.campaign_id == campaign_id


def _delete_some(connection: Connection, table: Table, wanted: ColumnElement[bool], most: int) -> int:
    key = list(table.primary_key.columns)
    some = select(*key).where(wanted).limit(most)
    return connection.execute(delete(table).where(tuple_(*key).in_(some))).rowcount


def _forget_slips(connection: Connection, campaign_id: str, most: int, at: str, user_id: int | None) -> int:
    """Revoke some slips, and keep of them only that they hold no longer."""
    s = tables.slips
    ids = list(connection.scalars(select(s.c.id).where(s.c.campaign_id == campaign_id, _stands).limit(most)))
    of = s.c.id.in_(ids)
    connection.execute(
        update(s).where(of, s.c.revoked_at.is_(None)).values(revoked_at=at, revoked_by=user_id, reason=NOBODY)
    )
    connection.execute(update(s).where(of).values(household_id=NOBODY, person_id=NOBODY, content=""))
    return len(ids)


def _leave_lots(connection: Connection, campaign_id: str, most: int) -> int:
    """Let some houses of lots no longer say which they were."""
    houses = tables.lot_houses
    lots = select(tables.lots.c.id).where(tables.lots.c.campaign_id == campaign_id)
    key = tuple_(houses.c.lot_id, houses.c.position)
    told = houses.c.lot_id.in_(lots) & houses.c.household_id.is_not(None)
    some = select(houses.c.lot_id, houses.c.position).where(told).limit(most)
    return connection.execute(update(houses).where(key.in_(some)).values(household_id=None, unlisted=0)).rowcount


def _delete_trials(
    database: Database, connection: Connection, campaign_id: str, tried: Collection[str], most: int
) -> int:
    """Take out some of what was sent to drafts of a campaign's forms, with its files."""
    d = tables.draft_submissions
    wanted = d.c.form_id.in_(_forms(campaign_id)) | database.among(d.c.form_id, sorted(tried))
    rows = connection.execute(select(d.c.instance_id, d.c.attachments).where(wanted).limit(most)).all()
    connection.execute(delete(d).where(database.among(d.c.instance_id, [row[0] for row in rows])))
    _delete_unnamed(database, connection, {each for _, told in rows for each in _texts(told)})
    return len(rows)


def _delete_extract(database: Database, connection: Connection, campaign_id: str) -> int:
    """Take out one extract of the national register, whose rows are gone, with the file that it was."""
    e = tables.register_extracts
    row = connection.execute(select(e.c.id, e.c.sha256).where(e.c.campaign_id == campaign_id).limit(1)).first()
    if row is None:
        return 0
    connection.execute(delete(e).where(e.c.id == row[0]))
    _delete_unnamed(database, connection, {row[1]})
    return 1


def _texts(told: str) -> list[str]:
    return [str(each) for each in json.loads(told).values()]


def delete_filters(connection: Connection, campaign_id: str) -> None:
    """Take out filters that ask for this campaign's people, by name perhaps, and those by name that tell of none."""
    f = tables.saved_filters
    for number, query in connection.execute(select(f.c.id, f.c.query)).all():
        told = parse_qs(query)
        if campaign_id in told.get("campaign", []) or ("campaign" not in told and "text" in told):
            connection.execute(delete(f).where(f.c.id == number))
