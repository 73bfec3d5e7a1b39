"""What holds a person, and taking it out for good; what stays are marks that keep them out, and numbers."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, delete, exists, func, literal, or_, select, true, update

from mapper.domain.places import fold
from mapper.errors import Unavailable, mark
from mapper.store import tables
from mapper.store.database import Database, driver_of
from mapper.store.submissions import SubmissionState
from mapper.store.tables import HOUSE_COLUMNS, STATE_COLUMNS
from mapper.store.tallies import Change, HouseChanges

_s, _i, _a = tables.submissions, tables.instances, tables.attachments
_m, _left, _houses = tables.erased_marks, tables.counts_left, tables.houses_left

LOCK = "erasing"
"""Held alone by who erases, and shared by all who keep what phones send."""

NOBODY = "erased"
"""In place of the id of who is no longer here, where a number must not change."""

DUE = "sweep due"
"""Name of the fact that deleted rows may still lie in the database's files."""

_AT_ONCE = 500


# Marks


def any_marks(database: Database, connection: Connection) -> bool:
    """Whether anybody was ever erased."""
    asked = database.prepared("any marks", lambda: select(exists(select(_m.c.mark))))
    return bool(asked.rows(driver_of(connection), {})[0][0])


def marked(database: Database, connection: Connection, marks: Collection[str]) -> set[str]:
    """Those of the marks that are kept."""
    return set(connection.scalars(select(_m.c.mark).where(database.among(_m.c.mark, sorted(marks)))))


def add_marks(
    database: Database, connection: Connection, erasure_id: int, kind: str, marks: Mapping[str, str | None]
) -> None:
    """Keep marks, each with what the submission was; one that is kept stays as it is."""
    rows = [{"mark": mark, "erasure_id": erasure_id, "kind": kind, "former": marks[mark]} for mark in sorted(marks)]
    if rows:
        connection.execute(database.insert(_m).on_conflict_do_nothing(), rows)


def erasure_of(connection: Connection, mark: str) -> int | None:
    """The erasure that a mark is of."""
    return connection.scalar(select(_m.c.erasure_id).where(_m.c.mark == mark))


@dataclass(frozen=True, slots=True)
class Erasure:
    """That somebody was erased. taken: how much of what; user: None at the command line."""

    id: int
    campaign_id: str
    kind: str
    reason: str
    taken: Mapping[str, int]
    user: str | None
    at: str


def add(connection: Connection, campaign_id: str, kind: str, reason: str, user_id: int | None, at: str) -> int:
    """Note that somebody is erased; its number."""
    values = {"campaign_id": campaign_id, "kind": kind, "reason": reason, "user_id": user_id, "at": at, "taken": "{}"}
    (number,) = connection.execute(tables.erasures.insert().values(values)).inserted_primary_key or (0,)
    return int(number)


def set_taken(connection: Connection, number: int, taken: Mapping[str, int]) -> None:
    """How much of what was taken out."""
    e = tables.erasures
    connection.execute(update(e).where(e.c.id == number).values(taken=json.dumps(dict(taken), sort_keys=True)))


def newest(connection: Connection, limit: int) -> list[Erasure]:
    """The newest erasures first."""
    e, u = tables.erasures, tables.users
    columns = (e.c.id, e.c.campaign_id, e.c.kind, e.c.reason, e.c.taken, u.c.name, e.c.at)
    rows = connection.execute(select(*columns).outerjoin(u, u.c.id == e.c.user_id).order_by(e.c.id.desc()).limit(limit))
    return [Erasure(*row[:4], json.loads(row[4]), *row[5:]) for row in rows]


# Submissions


@dataclass(frozen=True, slots=True)
class Holder:
    """A submission that may hold somebody. digest: SHA-256 of it as it came."""

    seq: int
    instance_id: str
    deprecated_id: str | None
    root_id: str
    form_id: str
    form_version: str
    digest: str
    received_on: date
    state: str
    household_id: str | None
    xml: bytes


_HOLDER = (
    _s.c.seq,
    _s.c.instance_id,
    _s.c.deprecated_id,
    _s.c.root_id,
    _s.c.form_id,
    _s.c.form_version,
    _s.c.sha256.label("digest"),
    _s.c.received_on,
    _s.c.state,
    _s.c.household_id,
    _i.c.xml,
)


def holders(
    database: Database, connection: Connection, campaign_id: str, households: Sequence[str], ids: Sequence[str]
) -> list[Holder]:
    """Submissions that tell of households, or did before they were edited, and those that count nowhere and name ids.

    In the order in which they came. ids: of households and people.
    """
    told = select(_s.c.root_id).where(_s.c.campaign_id == campaign_id, database.among(_s.c.household_id, households))
    found: dict[int, Holder] = {}
    _collect(connection, _s.c.root_id.in_(told), found)
    # Everybody else whose submission counts tells of another household, which the register knows.
    beside = _s.c.household_id.is_(None) | (_s.c.state != SubmissionState.PROCESSED.value)
    _collect(connection, beside & _naming(database, connection, _i, "seq", "xml", beside, ids), found)
    return [found[seq] for seq in sorted(found)]


def _collect(connection: Connection, wanted: ColumnElement[bool], into: dict[int, Holder]) -> None:
    rows = connection.execute(select(*_HOLDER).join(_i, _i.c.seq == _s.c.seq).where(wanted))
    for row in rows:
        into.setdefault(row[0], Holder(**{**row._mapping, "xml": bytes(row.xml)}))


def _naming(
    database: Database,
    connection: Connection,
    table: Table,
    key: str,
    column: str,
    among: ColumnElement[bool],
    words: Sequence[str],
) -> ColumnElement[bool]:
    """Holds for rows whose bytes have one of the words in them; what is sealed is opened here, one row at a time."""
    parts = [word.encode() for word in words]
    if database.sealing is None:
        return or_(*(_contains(database, table.c[column], part) for part in parts))
    rows = select(table.c[key], table.c[column]).where(among).execution_options(yield_per=200)
    if table is _i:
        rows = rows.join(_s, _s.c.seq == _i.c.seq)
    found = [at for at, told in connection.execute(rows) if any(part in bytes(told) for part in parts)]
    return database.among(table.c[key], found)


def _contains(database: Database, column: ColumnElement[bytes], part: bytes) -> ColumnElement[bool]:
    find = func.instr(column, literal(part)) if database.is_sqlite else func.position(literal(part).op("IN")(column))
    return find > 0


def replace_xml(connection: Connection, seq: int, xml: bytes) -> None:
    """Keep other XML in place of a submission's own; its SHA-256 stays that of what came."""
    connection.execute(update(_i).where(_i.c.seq == seq).values(xml=xml))


def delete_submissions(database: Database, connection: Connection, held: Sequence[Holder]) -> int:
    """Take submissions out with all that came with them; how many attachments there were."""
    ids = [one.instance_id for one in held]
    files = _drop_attachments(connection, database.among(_a.c.instance_id, ids))
    connection.execute(delete(_i).where(database.among(_i.c.seq, [one.seq for one in held])))
    connection.execute(delete(_s).where(database.among(_s.c.instance_id, ids)))
    for table in (tables.decisions, tables.back_check_houses, tables.verdicts, tables.findings):
        connection.execute(delete(table).where(database.among(table.c.instance_id, ids)))
    roots = sorted({one.root_id for one in held})
    connection.execute(delete(tables.remarks).where(database.among(tables.remarks.c.root_id, roots)))
    return files


def delete_files(connection: Connection, instance_id: str, names: Collection[str] | None) -> int:
    """Take a submission's attachments of these names out, or all of them; how many there were."""
    wanted = _a.c.instance_id == instance_id
    return _drop_attachments(connection, wanted if names is None else wanted & _a.c.name.in_(sorted(names)))


def _drop_attachments(connection: Connection, wanted: ColumnElement[bool]) -> int:
    digests = list(connection.scalars(select(_a.c.sha256).where(wanted)))
    connection.execute(delete(_a).where(wanted))
    _drop_blobs(connection, digests)
    return len(digests)


def _drop_blobs(connection: Connection, digests: Iterable[str]) -> None:
    """Take files out that nothing names any more."""
    b = tables.blobs
    for digest in sorted(set(digests)):
        named = [
            select(each.c.sha256).where(each.c.sha256 == digest).limit(1)
            for each in (_a, tables.form_media, tables.register_extracts)
        ]
        named += [
            select(tables.form_drafts.c.form_id).where(tables.form_drafts.c.media.contains(digest)).limit(1),
            select(tables.draft_submissions.c.form_id)
            .where(tables.draft_submissions.c.attachments.contains(digest))
            .limit(1),
        ]
        if all(connection.scalar(each) is None for each in named):
            connection.execute(delete(b).where(b.c.sha256 == digest))


def delete_trials(database: Database, connection: Connection, words: Sequence[str]) -> int:
    """Take out what was sent to a draft of a form and has one of these in it; how many."""
    d = tables.draft_submissions
    named = _naming(database, connection, d, "instance_id", "xml", true(), words)
    ids = list(connection.scalars(select(d.c.instance_id).where(named)))
    connection.execute(delete(d).where(database.among(d.c.instance_id, ids)))
    return len(ids)


# What else names somebody


def rewrite(
    connection: Connection,
    table: Table,
    column: str,
    key: Sequence[str],
    change: Callable[[Any], Any],
    where: Any = None,
) -> int:
    """Write a column anew where ``change`` makes another value of it; None takes the row out. How many rows."""
    wanted = select(*(table.c[name] for name in key), table.c[column]).where(table.c[column].is_not(None))
    rows = connection.execute(wanted).all()
    changed = 0
    for *at, value in rows:
        after = change(value)
        if after == value:
            continue
        changed += 1
        row = [table.c[name] == part for name, part in zip(key, at, strict=True)]
        connection.execute(
            delete(table).where(*row) if after is None else update(table).where(*row).values({column: after})
        )
    return changed


def delete_mendings(connection: Connection, seqs: Sequence[int]) -> int:
    """Take out what was mended, and what was decided with it."""
    v, m = tables.verdicts, tables.mendings
    connection.execute(delete(v).where(v.c.mending.in_(seqs)))
    return connection.execute(delete(m).where(m.c.seq.in_(seqs))).rowcount


def replace_mending(connection: Connection, seq: int, act: str) -> None:
    """Let something that was mended say less than it did."""
    m = tables.mendings
    connection.execute(update(m).where(m.c.seq == seq).values(act=act))


def mendings_of(
    database: Database, connection: Connection, campaign_id: str, households: Sequence[str]
) -> list[tuple[int, str]]:
    """(number, JSON) of all that was ever mended of households, whether or not it holds."""
    m = tables.mendings
    about = or_(database.among(m.c.household_id, households), database.among(m.c.other_id, households))
    return [
        (row[0], row[1])
        for row in connection.execute(select(m.c.seq, m.c.act).where(m.c.campaign_id == campaign_id, about))
    ]


def delete_oddities(database: Database, connection: Connection, campaign_id: str, households: Sequence[str]) -> int:
    """Take out what was found odd about households."""
    o = tables.oddities
    about = or_(database.among(o.c.household_id, households), database.among(o.c.other_household_id, households))
    return connection.execute(delete(o).where(o.c.campaign_id == campaign_id, about)).rowcount


def delete_verdicts(database: Database, connection: Connection, campaign_id: str, households: Sequence[str]) -> int:
    """Take out what was decided about households."""
    v = tables.verdicts
    return connection.execute(
        delete(v).where(v.c.campaign_id == campaign_id, database.among(v.c.household_id, households))
    ).rowcount


def forget_slips(
    database: Database,
    connection: Connection,
    campaign_id: str,
    households: Sequence[str],
    people: Sequence[str] | None,
    at: str,
    user_id: int | None,
) -> int:
    """Revoke slips, and keep of them only that they hold no longer; of some people of the households, or of all."""
    s = tables.slips
    about = (s.c.campaign_id == campaign_id) & database.among(s.c.household_id, households)
    if people is not None:
        about &= database.among(s.c.person_id, people)
    connection.execute(
        update(s).where(about, s.c.revoked_at.is_(None)).values(revoked_at=at, revoked_by=user_id, reason=NOBODY)
    )
    return connection.execute(update(s).where(about).values(household_id=NOBODY, person_id=NOBODY, content="")).rowcount


def leave_lots(database: Database, connection: Connection, campaign_id: str, households: Sequence[str]) -> int:
    """Let lots no longer say which houses these were."""
    h, lots = tables.lot_houses, tables.lots
    of_campaign = select(lots.c.id).where(lots.c.campaign_id == campaign_id)
    return connection.execute(
        update(h)
        .where(database.among(h.c.household_id, households), h.c.lot_id.in_(of_campaign))
        .values(household_id=None, unlisted=0)
    ).rowcount


def delete_register_people(
    connection: Connection, campaign_id: str, people: Collection[tuple[str, date | None]]
) -> tuple[int, set[int]]:
    """Take people of a name and birth date out of extracts of the national register; how many, and of which."""
    r, e = tables.register_rows, tables.register_extracts
    wanted = {(fold(name), born) for name, born in people if name and born is not None}
    births = sorted({born for _, born in wanted})
    rows = connection.execute(
        select(r.c.extract_id, r.c.row, r.c.name, r.c.born_on)
        .join(e, e.c.id == r.c.extract_id)
        .where(e.c.campaign_id == campaign_id, r.c.born_on.in_(births))
    ).all()
    gone = [(extract, row) for extract, row, name, born in rows if (fold(name), born) in wanted]
    for extract, row in gone:
        connection.execute(delete(r).where(r.c.extract_id == extract, r.c.row == row))
    return len(gone), {extract for extract, _ in gone}


def forget_register_files(connection: Connection, extracts: Collection[int], digest: str) -> None:
    """Let extracts stand on another file than that which was uploaded. digest: its SHA-256."""
    e = tables.register_extracts
    those = e.c.id.in_(sorted(extracts))
    files = list(connection.scalars(select(e.c.sha256).where(those, e.c.sha256 != digest)))
    connection.execute(update(e).where(those).values(sha256=digest))
    _drop_blobs(connection, files)


def waiting_extracts(connection: Connection, campaign_id: str) -> int:
    """Extracts of which nobody has said yet which column holds what."""
    e = tables.register_extracts
    return connection.scalar(select(func.count()).where(e.c.campaign_id == campaign_id, e.c.people.is_(None))) or 0


def delete_pairings(connection: Connection, campaign_id: str, belongs: Callable[[str], bool]) -> int:
    """Take out what was decided of entries of the census and of the national register. belongs: told ours."""
    d = tables.register_decisions
    rows = connection.execute(select(d.c.seq, d.c.ours).where(d.c.campaign_id == campaign_id))
    seqs = [seq for seq, ours in rows if belongs(ours)]
    for first in range(0, len(seqs), _AT_ONCE):
        connection.execute(delete(d).where(d.c.seq.in_(seqs[first : first + _AT_ONCE])))
    return len(seqs)


def delete_asked_files(connection: Connection) -> None:
    """Take out every file that waits to be fetched, whoever is in it: it can be asked for again."""
    connection.execute(delete(tables.asked_file_pieces))
    connection.execute(delete(tables.asked_files))


# Counts without anybody


def leave_counts(
    database: Database, connection: Connection, people: Iterable[Sequence[Change]], houses: HouseChanges
) -> None:
    """Keep what people and houses who are no longer here add to the tallies; in the order of ``tallies.add``."""
    driver = driver_of(connection)
    for changes in people:
        if changes:
            database.adding(_left, STATE_COLUMNS).run_many(driver, changes)
    rows = [(*house, *houses[house]) for house in sorted(houses) if any(houses[house])]
    if rows:
        database.adding(_houses, HOUSE_COLUMNS).run_many(driver, rows)


def counts_left(connection: Connection) -> tuple[list[list[Change]], HouseChanges]:
    """All that is kept so, as ``tallies.add`` takes it: every cell's houses are named, if only by zeros."""
    columns = [_left.c[name] for name in ("cell_id", "series_id", "day", *STATE_COLUMNS)]
    people: list[Change] = [tuple(row) for row in connection.execute(select(*columns).order_by(*columns[:3]))]
    houses: HouseChanges = {}
    for row in connection.execute(select(_houses)):
        houses[row[0], row[1], row[2]] = list(row[3:])
    s = tables.series
    of_series = {row[0]: row[1] for row in connection.execute(select(s.c.id, s.c.campaign_id))}
    for change in people:
        houses.setdefault((of_series[change[1]], change[0], change[2]), [0] * len(HOUSE_COLUMNS))
    return [people], houses


def sweep(database: Database) -> None:
    """Let nothing that was deleted stay in the database's files; others wait to write meanwhile.

    Raises Unavailable where somebody else holds the database; what was erased stays erased, and this can be done later.
    """
    with database.engine.connect() as connection:
        driver = driver_of(connection)
        if not database.is_sqlite:
            for table in (_s, _i, _a, tables.blobs, tables.households, tables.people, tables.doses, tables.findings):
                driver.execute(f"VACUUM {table.name}")
            return
        try:
            driver.execute("VACUUM")
            busy, *_ = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except sqlite3.OperationalError:
            busy = 1
    if busy:
        raise Unavailable(
            mark(
                "What was erased is gone from the tables, and may still lie in the file of the database: somebody was "
                "using it. Run: python server.py erase sweep"
            )
        )
