"""Taking a whole campaign's photos, or its people, out of the database; its tallies stay."""

from __future__ import annotations

from typing import Any

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
    """How much there is of what would go: files, submissions, people."""
    h, p = tables.households, tables.people
    people = p.join(h, h.c.seq == p.c.household_seq)

    def many(wanted: Select[Any]) -> int:
        return connection.scalar(wanted) or 0

    return {
        "files": many(select(func.count()).select_from(_a).where(_a.c.instance_id.in_(_sent(campaign_id)))),
        "submissions": many(select(func.count()).select_from(_sent(campaign_id).subquery())),
        "people": many(select(func.count()).select_from(people).where(h.c.campaign_id == campaign_id)),
    }


def delete_files(connection: Connection, campaign_id: str) -> None:
    """Take out all photos and other files that came with a campaign's submissions."""
    wanted = _a.c.instance_id.in_(_sent(campaign_id))
    digests = set(connection.scalars(select(_a.c.sha256).where(wanted)))
    connection.execute(delete(_a).where(wanted))
    _delete_unnamed(connection, digests)


def _delete_unnamed(connection: Connection, digests: set[str]) -> None:
    """Take those of the files out that nothing names any more."""
    named: set[str] = set()
    for table in (_a, tables.form_media, tables.register_extracts):
        named.update(connection.scalars(select(table.c.sha256)))
    told = [*connection.scalars(select(tables.form_drafts.c.media))]
    told += connection.scalars(select(tables.draft_submissions.c.attachments))
    for digest in sorted(digests - named):
        if not any(digest in text for text in told):
            connection.execute(delete(_b).where(_b.c.sha256 == digest))


def reduce_to_counts(database: Database, connection: Connection, campaign_id: str) -> None:
    """Take out everybody of a campaign and all that was sent and decided; the tallies stay, and a rebuild keeps them.

    The caller holds what keeps others from counting.
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
    connection.execute(
        update(s).where(s.c.campaign_id == campaign_id).values(household_id=NOBODY, person_id=NOBODY, content="")
    )
    e, r = tables.register_extracts, tables.register_rows
    extracts = select(e.c.id).where(e.c.campaign_id == campaign_id)
    digests = set(connection.scalars(select(e.c.sha256).where(e.c.campaign_id == campaign_id)))
    connection.execute(delete(r).where(r.c.extract_id.in_(extracts)))
    _delete_of(connection, e, campaign_id)
    _delete_unnamed(connection, digests)
    _delete_sent(connection, campaign_id)


def _delete_of(connection: Connection, table: Table, campaign_id: str) -> None:
    connection.execute(delete(table).where(table.c.campaign_id == campaign_id))


def _delete_sent(connection: Connection, campaign_id: str) -> None:
    delete_files(connection, campaign_id)
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
