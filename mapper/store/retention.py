"""Taking a whole campaign's photos, or its people, out of the database; its tallies stay."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any
from urllib.parse import parse_qs

from sqlalchemy import Connection, Select, Table, delete, func, select, update

from mapper.store import tables
from mapper.store.database import Database
from mapper.store.erasing import NOBODY, leave_counts
from mapper.store.tables import HOUSE_COLUMNS, STATE_COLUMNS

_s, _i, _a, _b = tables.submissions, tables.instances, tables.attachments, tables.blobs


def _sent(campaign_id: str) -> Select[tuple[str]]:
    """Instance ids of all that was sent with a campaign's forms, whatever became of it."""
    forms = select(tables.forms.c.form_id).where(tables.forms.c.campaign_id == campaign_id)
    return select(_s.c.instance_id).where(_s.c.form_id.in_(forms))


def numbers(connection: Connection, campaign_id: str) -> dict[str, int]:
    """How much there is of what would go: files alone with the photos, all of it with the people."""
    h, p = tables.households, tables.people
    e, r = tables.register_extracts, tables.register_rows
    people = p.join(h, h.c.seq == p.c.household_seq)

    def many(wanted: Select[Any]) -> int:
        return connection.scalar(wanted) or 0

    return {
        "files": many(select(func.count()).select_from(_a).where(_a.c.instance_id.in_(_sent(campaign_id)))),
        "submissions": many(select(func.count()).select_from(_sent(campaign_id).subquery())),
        "people": many(select(func.count()).select_from(people).where(h.c.campaign_id == campaign_id)),
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


def reduce_to_counts(
    database: Database,
    connection: Connection,
    campaign_id: str,
    tried: Collection[str],
    at: str,
    user_id: int | None,
) -> None:
    """Take out everybody of a campaign and all that was sent and decided; the tallies stay, and a rebuild keeps them.

    tried: forms of the campaign that are only drafts. Its files are gone already. The caller holds what keeps others
    from counting.
    """
    _leave_tallies(database, connection, campaign_id)
    h = tables.households
    seqs = select(h.c.seq).where(h.c.campaign_id == campaign_id)
    for table in tables.metadata.sorted_tables:
        if "household_seq" in table.c:
            connection.execute(delete(table).where(table.c.household_seq.in_(seqs)))
    connection.execute(delete(h).where(h.c.campaign_id == campaign_id))
    checks = select(tables.back_checks.c.id).where(tables.back_checks.c.campaign_id == campaign_id)
    connection.execute(delete(tables.back_check_houses).where(tables.back_check_houses.c.back_check_id.in_(checks)))
    for table in (tables.verdicts, tables.mendings, tables.oddities, tables.looked_at, tables.back_checks):
        _delete_of(connection, table, campaign_id)
    for table in (tables.integrity_notes, tables.plans, tables.phone_rounds, tables.register_decisions):
        _delete_of(connection, table, campaign_id)
    lots = select(tables.lots.c.id).where(tables.lots.c.campaign_id == campaign_id)
    houses = tables.lot_houses
    connection.execute(
        update(houses)
        .where(houses.c.lot_id.in_(lots), houses.c.household_id.is_not(None))
        .values(household_id=None, unlisted=0)
    )
    s = tables.slips
    of = s.c.campaign_id == campaign_id
    connection.execute(
        update(s).where(of, s.c.revoked_at.is_(None)).values(revoked_at=at, revoked_by=user_id, reason=NOBODY)
    )
    connection.execute(update(s).where(of).values(household_id=NOBODY, person_id=NOBODY, content=""))
    e, r = tables.register_extracts, tables.register_rows
    extracts = select(e.c.id).where(e.c.campaign_id == campaign_id)
    digests = set(connection.scalars(select(e.c.sha256).where(e.c.campaign_id == campaign_id)))
    connection.execute(delete(r).where(r.c.extract_id.in_(extracts)))
    _delete_of(connection, e, campaign_id)
    digests |= _delete_trials(database, connection, campaign_id, tried)
    _delete_unnamed(database, connection, digests)
    _delete_filters(connection, campaign_id)
    _delete_sent(connection, campaign_id)


def _delete_trials(database: Database, connection: Connection, campaign_id: str, tried: Collection[str]) -> set[str]:
    """Take out what was sent to drafts of a campaign's forms; SHA-256 of the files that came with it."""
    d = tables.draft_submissions
    forms = select(tables.forms.c.form_id).where(tables.forms.c.campaign_id == campaign_id)
    wanted = d.c.form_id.in_(forms) | database.among(d.c.form_id, sorted(tried))
    digests = {each for told in connection.scalars(select(d.c.attachments).where(wanted)) for each in _texts(told)}
    connection.execute(delete(d).where(wanted))
    return digests


def _texts(told: str) -> list[str]:
    return [str(each) for each in json.loads(told).values()]


def _delete_filters(connection: Connection, campaign_id: str) -> None:
    """Take out filters that ask for this campaign's people, by name perhaps, and those by name that tell of none."""
    f = tables.saved_filters
    for number, query in connection.execute(select(f.c.id, f.c.query)).all():
        told = parse_qs(query)
        if campaign_id in told.get("campaign", []) or ("campaign" not in told and "text" in told):
            connection.execute(delete(f).where(f.c.id == number))


def _delete_of(connection: Connection, table: Table, campaign_id: str) -> None:
    connection.execute(delete(table).where(table.c.campaign_id == campaign_id))


def _delete_sent(connection: Connection, campaign_id: str) -> None:
    sent = _sent(campaign_id)
    roots = select(_s.c.root_id).where(_s.c.instance_id.in_(sent))
    connection.execute(delete(tables.decisions).where(tables.decisions.c.instance_id.in_(sent)))
    connection.execute(delete(tables.remarks).where(tables.remarks.c.root_id.in_(roots)))
    connection.execute(delete(_i).where(_i.c.seq.in_(select(_s.c.seq).where(_s.c.instance_id.in_(sent)))))
    forms = select(tables.forms.c.form_id).where(tables.forms.c.campaign_id == campaign_id)
    connection.execute(delete(_s).where(_s.c.form_id.in_(forms)))


def _leave_tallies(database: Database, connection: Connection, campaign_id: str) -> None:
    """Let the whole of a campaign's tallies be what is left of it."""
    t, left, series = tables.tallies, tables.counts_left, tables.series
    of = select(series.c.id).where(series.c.campaign_id == campaign_id)
    connection.execute(delete(left).where(left.c.series_id.in_(of)))
    columns = [t.c[name] for name in ("cell_id", "series_id", "day", *STATE_COLUMNS)]
    rows = connection.execute(select(*columns).where(t.c.series_id.in_(of)).order_by(*columns[:3]))
    while some := rows.fetchmany(5000):
        leave_counts(database, connection, [[tuple(row) for row in some]], {})
    h, houses = tables.house_tallies, tables.houses_left
    connection.execute(delete(houses).where(houses.c.campaign_id == campaign_id))
    for row in connection.execute(select(h).where(h.c.campaign_id == campaign_id)).all():
        leave_counts(database, connection, [], {(row[0], row[1], row[2]): [*row[3 : 3 + len(HOUSE_COLUMNS)]]})


def cells_of(connection: Connection, campaign_id: str) -> list[int]:
    """The cells in which anything of a campaign is counted."""
    totals = tables.house_totals
    return list(connection.scalars(select(totals.c.cell_id).where(totals.c.campaign_id == campaign_id)))
