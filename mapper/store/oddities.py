"""What is odd in the register as it was found last, and what was decided about it."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import ColumnElement, Connection, String, and_, delete, func, insert, select, type_coerce

from mapper.store import tables
from mapper.store.database import Database
from mapper.store.sealing import sealing_of

_o, _v, _l, _h, _p = tables.oddities, tables.verdicts, tables.looked_at, tables.households, tables.people

REOPENED = "reopened"
"""The choice by which a decision is taken back."""

VISIT = "visit"
"""The choice by which a canvasser is asked to go there again."""


@dataclass(frozen=True, slots=True)
class Oddity:
    """Something odd: which rule, where, of whom; the other household and person are "" where it is about one alone."""

    key: str
    rule: str
    cell_id: int
    household_id: str
    person_id: str = ""
    other_household_id: str = ""
    other_person_id: str = ""
    facts: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was decided about an oddity. user: name of who did; mending: number of what was mended with it, if any."""

    seq: int
    key: str
    rule: str
    cell_id: int
    household_id: str
    choice: str
    reason: str
    mending: int | None
    user: str | None
    at: str


_COLUMNS = (
    _o.c.key,
    _o.c.rule,
    _o.c.cell_id,
    _o.c.household_id,
    _o.c.person_id,
    _o.c.other_household_id,
    _o.c.other_person_id,
    _o.c.facts,
)


def _open(campaign_id: str) -> ColumnElement[bool]:
    """Of a campaign, and nobody has decided."""
    decided = select(_v.c.key).where(_v.c.campaign_id == campaign_id, _holds(campaign_id))
    return and_(_o.c.campaign_id == campaign_id, _o.c.key.not_in(decided))


def counts(
    database: Database, connection: Connection, campaign_id: str, cell_ids: Sequence[int] | None
) -> dict[str, int]:
    """How many oddities wait, by rule; only those in the cells, when given."""
    statement = select(_o.c.rule, func.count()).where(_open(campaign_id)).group_by(_o.c.rule)
    if cell_ids is not None:
        statement = statement.where(database.among(_o.c.cell_id, cell_ids))
    return {row[0]: row[1] for row in connection.execute(statement)}


def waiting(
    database: Database,
    connection: Connection,
    campaign_id: str,
    rules: Sequence[str],
    cell_ids: Sequence[int] | None,
    limit: int,
    offset: int = 0,
) -> list[Oddity]:
    """Oddities of these rules about which nobody has decided, those of one cell together."""
    statement = select(*_COLUMNS).where(_open(campaign_id), _o.c.rule.in_(list(rules)))
    if cell_ids is not None:
        statement = statement.where(database.among(_o.c.cell_id, cell_ids))
    statement = statement.order_by(_o.c.cell_id, _o.c.household_id, _o.c.rule, _o.c.key).limit(limit).offset(offset)
    return [_oddity(row) for row in connection.execute(statement)]


def one(connection: Connection, campaign_id: str, key: str) -> Oddity | None:
    """An oddity about which nobody has decided."""
    row = connection.execute(select(*_COLUMNS).where(_open(campaign_id), _o.c.key == key)).one_or_none()
    return None if row is None else _oddity(row)


def _oddity(row: Any) -> Oddity:
    return Oddity(row[0], row[1], row[2], row[3], row[4], row[5], row[6], json.loads(row[7]))


def looked(connection: Connection, campaign_id: str) -> dict[int, str]:
    """As of what each cell was looked through."""
    rows = connection.execute(select(_l.c.cell_id, _l.c.made_of).where(_l.c.campaign_id == campaign_id))
    return {row[0]: row[1] for row in rows}


def keep(
    database: Database,
    connection: Connection,
    campaign_id: str,
    cells: Mapping[int, str],
    rules: Collection[str],
    found: Sequence[Oddity],
    at: str,
    everywhere: bool = False,
) -> None:
    """Replace what is known of these rules in some cells, or in all. cells: as of what each was looked through."""
    gone = [_o.c.campaign_id == campaign_id, _o.c.rule.in_(list(rules))]
    if not everywhere:
        gone.append(database.among(_o.c.cell_id, list(cells)))
    connection.execute(delete(_o).where(*gone))
    connection.execute(delete(_l).where(_l.c.campaign_id == campaign_id, database.among(_l.c.cell_id, list(cells))))
    rows = {
        each.key: {
            "campaign_id": campaign_id,
            "key": each.key,
            "rule": each.rule,
            "cell_id": each.cell_id,
            "household_id": each.household_id,
            "person_id": each.person_id,
            "other_household_id": each.other_household_id,
            "other_person_id": each.other_person_id,
            "facts": json.dumps(dict(each.facts or {}), ensure_ascii=False),
        }
        for each in found
    }
    # One that moved here from a cell that is looked through later.
    if rows:
        connection.execute(delete(_o).where(_o.c.campaign_id == campaign_id, database.among(_o.c.key, list(rows))))
        connection.execute(insert(_o), list(rows.values()))
    if cells:
        connection.execute(
            insert(_l),
            [{"campaign_id": campaign_id, "cell_id": cell, "made_of": of, "at": at} for cell, of in cells.items()],
        )


def forget(connection: Connection, campaign_id: str, household_ids: Sequence[str]) -> None:
    """Have the cells of some households looked through again."""
    cells = select(_h.c.cell_id).where(_h.c.campaign_id == campaign_id, _h.c.id.in_(list(household_ids)))
    connection.execute(delete(_l).where(_l.c.campaign_id == campaign_id, _l.c.cell_id.in_(cells)))


def decide(
    connection: Connection,
    campaign_id: str,
    about: Oddity | Verdict,
    choice: str,
    reason: str,
    mending: int | None,
    user_id: int | None,
    at: str,
) -> None:
    """Keep what was decided about an oddity; what was before stays."""
    house = (_h.c.campaign_id == campaign_id, _h.c.id == about.household_id)
    latest = connection.scalar(select(_h.c.instance_id).where(*house))
    connection.execute(
        insert(_v).values(
            campaign_id=campaign_id,
            key=about.key,
            rule=about.rule,
            cell_id=about.cell_id,
            household_id=about.household_id,
            choice=choice,
            reason=reason,
            mending=mending,
            instance_id=latest,
            user_id=user_id,
            at=at,
        )
    )


def verdicts(
    database: Database,
    connection: Connection,
    campaign_id: str,
    cell_ids: Sequence[int] | None,
    limit: int,
    offset: int = 0,
    key: str | None = None,
    rule: str = "",
    choice: str = "",
    user_id: int | None = None,
) -> list[Verdict]:
    """Decisions that hold, the latest first; only in the cells, about the one oddity, by the rule or so decided, or by
    one user, when given."""
    u = tables.users
    names = ("seq", "key", "rule", "cell_id", "household_id", "choice", "reason", "mending")
    statement = (
        select(*(_v.c[name] for name in names), u.c.name, _v.c.at)
        .outerjoin(u, u.c.id == _v.c.user_id)
        .where(_holds(campaign_id))
        .order_by(_v.c.seq.desc())
        .limit(limit)
        .offset(offset)
    )
    if cell_ids is not None:
        statement = statement.where(database.among(_v.c.cell_id, cell_ids))
    for column, wanted in ((_v.c.rule, rule), (_v.c.choice, choice), (_v.c.user_id, user_id)):
        if wanted:
            statement = statement.where(column == wanted)
    if key is not None:
        statement = statement.where(_v.c.key == key)
    return [Verdict(*tuple(row)) for row in connection.execute(statement)]


def deciders(
    database: Database, connection: Connection, campaign_id: str, cell_ids: Sequence[int] | None
) -> list[tuple[int, str]]:
    """(number, name) of those whose decisions hold, by name; only in the cells, when given."""
    u = tables.users
    statement = select(u.c.id, u.c.name).join(_v, _v.c.user_id == u.c.id).where(_holds(campaign_id)).distinct()
    if cell_ids is not None:
        statement = statement.where(database.among(_v.c.cell_id, cell_ids))
    return [(row[0], row[1]) for row in connection.execute(statement.order_by(u.c.name, u.c.id))]


def _holds(campaign_id: str) -> ColumnElement[bool]:
    """Of a campaign, the last word about its oddity, and not that it is open again."""
    last = select(func.max(_v.c.seq)).where(_v.c.campaign_id == campaign_id).group_by(_v.c.key)
    return and_(_v.c.seq.in_(last), _v.c.choice != REOPENED)


def to_visit(
    database: Database, connection: Connection, campaign_id: str, household_ids: Sequence[str]
) -> dict[str, tuple[str, str]]:
    """Of those households that somebody asked to visit again, the submission that told of each last, and why."""
    last = select(func.max(_v.c.seq)).where(_v.c.campaign_id == campaign_id).group_by(_v.c.key)
    rows = connection.execute(
        select(_v.c.household_id, _v.c.instance_id, _v.c.reason)
        .where(
            _v.c.campaign_id == campaign_id,
            _v.c.choice == VISIT,
            database.among(_v.c.household_id, household_ids),
            _v.c.seq.in_(last),
        )
        .order_by(_v.c.seq)
    )
    return {row[0]: (row[1], row[2]) for row in rows}


def expected(
    database: Database, connection: Connection, campaign_id: str, cell_ids: Sequence[int]
) -> dict[int, int | None]:
    """How many people each household said it has, by seq."""
    rows = connection.execute(
        select(_h.c.seq, _h.c.expected_members).where(
            _h.c.campaign_id == campaign_id, database.among(_h.c.cell_id, cell_ids)
        )
    )
    return {row[0]: row[1] for row in rows}


def namesakes(connection: Connection, campaign_id: str, most: int = 4) -> list[tuple[str, list[tuple[str, str, int]]]]:
    """People of one name and day of birth in several households: (household, person, cell) of each.

    most: of more than so many nothing can be said.
    """
    if sealing_of(connection.dialect) is not None:
        return _namesakes_opened(connection, campaign_id, most)
    plain_name = type_coerce(_p.c.name, String)
    alike = (
        select(plain_name.label("name"), _p.c.born_on)
        .join(_h, _h.c.seq == _p.c.household_seq)
        .where(_h.c.campaign_id == campaign_id, _p.c.birth_precision == "day", _p.c.name.is_not(None))
        .group_by(plain_name, _p.c.born_on)
        .having(func.count().between(2, most))
        .subquery()
    )
    rows = connection.execute(
        select(_p.c.name, _p.c.born_on, _h.c.id, _p.c.id, _h.c.cell_id)
        .join(_h, _h.c.seq == _p.c.household_seq)
        .join(alike, and_(alike.c.name == plain_name, alike.c.born_on == _p.c.born_on))
        .where(_h.c.campaign_id == campaign_id, _p.c.birth_precision == "day")
        .order_by(_p.c.name, _p.c.born_on, _h.c.seq, _p.c.position)
    )
    found: dict[str, list[tuple[str, str, int]]] = {}
    for name, born_on, household_id, person_id, cell_id in rows:
        found.setdefault(f"{name} {born_on}", []).append((household_id, person_id, cell_id))
    return list(found.items())


def _namesakes_opened(
    connection: Connection, campaign_id: str, most: int
) -> list[tuple[str, list[tuple[str, str, int]]]]:
    """The same where names are sealed, which SQL cannot compare: those of one day of birth are in memory at a time."""
    rows = connection.execute(
        select(_p.c.name, _p.c.born_on, _h.c.id, _p.c.id, _h.c.cell_id)
        .join(_h, _h.c.seq == _p.c.household_seq)
        .where(_h.c.campaign_id == campaign_id, _p.c.birth_precision == "day", _p.c.name.is_not(None))
        .order_by(_p.c.born_on, _h.c.seq, _p.c.position)
        .execution_options(yield_per=2000)
    )
    found: list[tuple[str, list[tuple[str, str, int]]]] = []
    for born_on, born_then in groupby(rows, key=itemgetter(1)):
        alike: dict[str, list[tuple[str, str, int]]] = {}
        for name, _, *who in born_then:
            alike.setdefault(name, []).append((who[0], who[1], who[2]))
        found += [(f"{name} {born_on}", told) for name, told in alike.items() if 2 <= len(told) <= most]
    return sorted(found)
