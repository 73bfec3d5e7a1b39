"""The register: each household with its people, doses and findings; derived, never the only copy."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection, bindparam, delete, func, select

from mapper.domain.people import Finding, Person, Visit
from mapper.domain.places import USABLE
from mapper.store import shelves, tables
from mapper.store.database import Database, driver_of

_h, _p, _d = tables.households, tables.people, tables.doses


Row = tuple[object, ...]
"""Values in the order of a table's columns; a test holds the two together."""

Steps = Sequence[int]
"""Steps as plain numbers, one after another: series id, day, place in ``ledger.MOVES``."""


class VisitRows(NamedTuple):
    """A household's visit as the register writes it: plain values, which another process may have made.

    facts: the columns of households that the visit alone tells, and the three of its version. people, doses: rows of
    those tables, without the household that comes first in each. steps: what the household contributes to the tallies,
    as text.
    """

    facts: Row
    people: Sequence[Row]
    doses: Sequence[Row]
    steps: str


Version = tuple[int, int | None, str | None]
"""Version, trunk version and branch id of an ODK entity."""

FIRST: Version = (1, None, None)


@dataclass(frozen=True, slots=True)
class HouseholdEntry:
    """A household ready to be entered.

    seq: its shelf with the seq of the first submission that tells of it, its edits standing in its place. instance_id:
    the submission that tells of it, the latest of several. findings: each with the submission that it was found in.
    """

    seq: int
    campaign_id: str
    household_id: str
    instance_id: str
    rows: VisitRows
    point_state: str
    cell_id: int
    findings: Sequence[tuple[str, Finding]]


@dataclass(frozen=True, slots=True)
class Counted:
    """What a household contributes to the tallies at present. houses: counts in the order of HOUSE_COUNTS."""

    cell_id: int
    day: int
    steps: Steps
    houses: Sequence[int]


_SELECT_COUNTED = select(_h.c.seq, _h.c.cell_id, _h.c.visited_on, _h.c.steps).where(
    _h.c.campaign_id == bindparam("campaign"), _h.c.id == bindparam("household")
)


def counted(
    database: Database, connection: Connection, campaign_id: str, household_id: str, shelf: int | None = None
) -> tuple[int, Counted] | None:
    """A household's seq and what it contributes to the tallies now; None when it is not in the register.

    shelf: where it is looked for first; the others are looked through only where it is not there.
    """
    asked: dict[str, object] = {"campaign": campaign_id, "household": household_id}
    driver = driver_of(connection)
    rows: list[tuple[Any, ...]] = []
    if shelf is not None and not database.is_sqlite:
        first, end = shelves.bounds(_h.name, shelf)
        there = database.prepared(
            "counted there", lambda: _SELECT_COUNTED.where(_h.c.seq >= bindparam("first"), _h.c.seq < bindparam("end"))
        )
        rows = there.rows(driver, asked | {"first": first, "end": end})
    if not rows:
        rows = database.prepared("counted", lambda: _SELECT_COUNTED).rows(driver, asked)
    if not rows:
        return None
    seq, cell_id, visited_on, text = rows[0]
    houses, steps = read_steps(text)
    day = date.fromisoformat(visited_on) if isinstance(visited_on, str) else visited_on
    return seq, Counted(cell_id, day.toordinal(), steps, houses)


def read_steps(text: str) -> tuple[Sequence[int], Steps]:
    """The counts of houses and the steps of a household, as ``visit_rows`` wrote them."""
    houses, steps = orjson.loads(text)
    return houses, steps


def visit_rows(
    visit: Visit,
    steps: Steps,
    houses: Sequence[int],
    version: Version = FIRST,
    of_people: Mapping[str, Version] = MappingProxyType({}),
) -> VisitRows:
    """The rows of a household's visit. version, of_people: of the entities, by the id of a person; else the first."""
    point = visit.point
    people, doses = [], []
    for position, person in enumerate(visit.people):
        people.append(_person_row(position, person) + of_people.get(person.id, FIRST))
        for number, d in enumerate(person.doses):
            given = (d.code, _iso(d.given_on), d.vaccine, d.lot, d.place, d.evidence)
            doses.append((position, number, *given))
    facts = (
        visit.visited_on.isoformat(),
        str(visit.outcome),
        visit.hamlet_code,
        visit.commune_code,
        visit.house_number,
        visit.head,
        visit.phone,
        point.lat if point else None,
        point.lon if point else None,
        point.accuracy_m if point else None,
        visit.expected_members,
        *version,
    )
    return VisitRows(facts, people, doses, orjson.dumps([houses, steps]).decode())


def among(database: Database, connection: Connection, campaign_id: str, household_ids: Collection[str]) -> set[str]:
    """Those of the households that are in the register."""
    wanted = database.among(_h.c.id, list(household_ids))
    return set(connection.scalars(select(_h.c.id).where(_h.c.campaign_id == campaign_id, wanted)))


def enter(database: Database, connection: Connection, entries: Sequence[HouseholdEntry]) -> None:
    """Write households that are not in the register (any more), with all that belongs to them."""
    households: list[Row] = []
    people: list[Row] = []
    doses: list[Row] = []
    findings: list[Row] = []
    # In the order of the tables' keys, so that each of their pages is looked for once.
    for entry in sorted(entries, key=lambda entry: entry.seq):
        seq, rows = entry.seq, entry.rows
        *facts, expected, version, trunk_version, branch_id = rows.facts
        households.append(
            (
                seq,
                entry.campaign_id,
                entry.household_id,
                entry.instance_id,
                *facts,
                entry.point_state,
                expected,
                entry.cell_id,
                rows.steps,
                version,
                trunk_version,
                branch_id,
            )
        )
        people += [(seq, *row) for row in rows.people]
        doses += [(seq, *row) for row in rows.doses]
        position: Counter[str] = Counter()
        for instance_id, f in entry.findings:
            told = json.dumps(dict(f.facts), ensure_ascii=False)
            place = position[instance_id]
            findings.append((seq, instance_id, place, entry.cell_id, f.code, f.message, told))
            position[instance_id] += 1
    driver = driver_of(connection)
    for table, found in (
        (_h, households),
        (_p, people),
        (_d, doses),
        (tables.findings, findings),
    ):
        if found:
            database.entering(table).run_many(driver, found)


def _person_row(position: int, person: Person) -> Row:
    return (
        position,
        person.id,
        person.reported_on.isoformat(),
        person.name,
        _iso(person.born_on),
        person.birth_precision,
        person.sex,
        str(person.residence),
        person.away_place,
        " ".join(person.priorities),
        person.contraindicated,
        person.contraindication,
        _iso(person.deferred_until),
        person.deferral_reason,
        _iso(person.infected_on),
        person.refused,
        person.refusal_reason,
        person.vaccination_unknown,
    )


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def remove(connection: Connection, seq: int) -> None:
    """Take a household and all that belongs to it out of the register."""
    for table in (_d, _p, tables.findings):
        connection.execute(delete(table).where(table.c.household_seq == seq))
    connection.execute(delete(_h).where(_h.c.seq == seq))


def clear(database: Database, connection: Connection) -> None:
    """Empty the register, before a rebuild."""
    database.empty(connection, _d, _p, tables.findings, _h)


@dataclass(frozen=True, slots=True)
class KeptFinding:
    """A finding with the submission and household it is about. facts fill the message's places.

    visited_on, house_number: of the household as the register knows it. sender: name of the user who sent it.
    """

    instance_id: str
    cell_id: int | None
    code: str
    message: str
    visited_on: date | None
    house_number: str | None
    sender: str | None
    facts: dict[str, str]


def findings(
    database: Database, connection: Connection, limit: int, cell_ids: Sequence[int] | None = None
) -> list[KeptFinding]:
    """Findings, newest submission first; only those in the cells, when given."""
    f, s, u = tables.findings, tables.submissions, tables.users
    told = (f.c.instance_id, f.c.cell_id, f.c.code, f.c.message, _h.c.visited_on, _h.c.house_number, u.c.name)
    statement = (
        select(*told, f.c.facts)
        .join(s, s.c.instance_id == f.c.instance_id)
        .join(_h, _h.c.seq == f.c.household_seq)
        .outerjoin(u, u.c.id == s.c.sender_id)
        .order_by(s.c.seq.desc(), f.c.position)
        .limit(limit)
    )
    if cell_ids is not None:
        statement = statement.where(database.among(f.c.cell_id, cell_ids))
    return [KeptFinding(*row[:7], json.loads(row[7])) for row in connection.execute(statement)]


def found_in(
    database: Database, connection: Connection, code: str, limit: int, cell_ids: Sequence[int] | None = None
) -> list[tuple[str, str, int]]:
    """Campaign, id and cell of the households with such a finding, the newest submission first."""
    f, s = tables.findings, tables.submissions
    statement = (
        select(_h.c.campaign_id, _h.c.id, f.c.cell_id)
        .select_from(f)
        .join(s, s.c.instance_id == f.c.instance_id)
        .join(_h, _h.c.seq == f.c.household_seq)
        .where(f.c.code == code)
        .group_by(_h.c.campaign_id, _h.c.id, f.c.cell_id)
        .order_by(func.max(s.c.seq).desc())
        .limit(limit)
    )
    if cell_ids is not None:
        statement = statement.where(database.among(f.c.cell_id, cell_ids))
    return [(row[0], row[1], row[2]) for row in connection.execute(statement)]


def cell_of(connection: Connection, campaign_id: str, household_id: str) -> int | None:
    """The cell that a household lies in; None where it is not in the register."""
    return connection.scalar(select(_h.c.cell_id).where(_h.c.campaign_id == campaign_id, _h.c.id == household_id))


@dataclass(frozen=True, slots=True)
class HousePoint:
    """A household on the map."""

    household_id: str
    hamlet_code: str | None
    cell_id: int
    lon: float
    lat: float


def house_points(
    database: Database, connection: Connection, campaign_id: str, cell_ids: Sequence[int] | None
) -> list[HousePoint]:
    """Households whose point places them, in order of id; only those in the cells, when given."""
    statement = (
        select(_h.c.id, _h.c.hamlet_code, _h.c.cell_id, _h.c.lon, _h.c.lat)
        .where(_h.c.campaign_id == campaign_id, _h.c.point_state == USABLE)
        .order_by(_h.c.id)
    )
    if cell_ids is not None:
        statement = statement.where(database.among(_h.c.cell_id, cell_ids))
    return [HousePoint(*row) for row in connection.execute(statement)]


def house_steps(
    database: Database, connection: Connection, campaign_id: str, cell_ids: Sequence[int] | None
) -> Iterator[tuple[float, float, Steps]]:
    """(latitude, longitude, steps) of every household whose point places it."""
    statement = select(_h.c.lat, _h.c.lon, _h.c.steps).where(
        _h.c.campaign_id == campaign_id, _h.c.point_state == USABLE
    )
    if cell_ids is not None:
        statement = statement.where(database.among(_h.c.cell_id, cell_ids))
    for lat, lon, text in connection.execute(statement):
        yield lat, lon, orjson.loads(text)[1]


def steps_by_cell(
    database: Database, connection: Connection, campaign_id: str, cell_ids: Sequence[int] | None
) -> Iterator[tuple[int, Steps]]:
    """(cell, steps) of every household, some thousand read at a time."""
    statement = select(_h.c.cell_id, _h.c.steps).where(_h.c.campaign_id == campaign_id)
    if cell_ids is not None:
        statement = statement.where(database.among(_h.c.cell_id, cell_ids))
    for cell_id, text in connection.execute(statement.execution_options(yield_per=2000)):
        yield cell_id, orjson.loads(text)[1]


def cell_centres(
    database: Database, connection: Connection, campaign_id: str, cell_ids: Sequence[int] | None
) -> dict[int, tuple[float, float]]:
    """Mean latitude and longitude of the placed households of each cell that has any."""
    statement = (
        select(_h.c.cell_id, func.avg(_h.c.lat), func.avg(_h.c.lon))
        .where(_h.c.campaign_id == campaign_id, _h.c.point_state == USABLE)
        .group_by(_h.c.cell_id)
    )
    if cell_ids is not None:
        statement = statement.where(database.among(_h.c.cell_id, cell_ids))
    return {cell_id: (lat, lon) for cell_id, lat, lon in connection.execute(statement)}
