"""The register: each household with its people, doses, placements and findings; derived, never the only copy."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, bindparam, delete, func, select

from mapper.domain.household import StateChanges
from mapper.domain.ledger import INSIDE
from mapper.domain.people import Finding, Person, Visit
from mapper.store import tables
from mapper.store.database import Database, driver_of

_h, _p, _d = tables.households, tables.people, tables.doses


@dataclass(frozen=True, slots=True)
class HouseholdEntry:
    """A household ready to be entered.

    steps: (series id, day) to the change in people per state. houses: counts in the order of HOUSE_COUNTS.
    placements: by boundary set, the unit code of the point (or None) and the result as a word.
    """

    campaign_id: str
    instance_id: str
    visit: Visit
    point_state: str
    cell_id: int
    steps: StateChanges
    houses: Sequence[int]
    placements: Mapping[str, tuple[str | None, str]]
    findings: Sequence[Finding]


@dataclass(frozen=True, slots=True)
class Counted:
    """What a household contributes to the tallies at present."""

    cell_id: int
    day: int
    steps: StateChanges
    houses: Sequence[int]


def _write_steps(steps: StateChanges, houses: Sequence[int]) -> str:
    """The houses, then of every step its series, day, and each column that changes with its change."""
    rows = []
    for (series, day), row in steps.items():
        flat = [series, day]
        for column, change in enumerate(row):
            if change:
                flat += (column, change)
        rows.append(flat)
    return json.dumps([list(houses), rows], separators=(",", ":"))


def _read_steps(text: str) -> tuple[StateChanges, list[int]]:
    houses, rows = json.loads(text)
    steps: StateChanges = {}
    for series, day, *changes in rows:
        row = steps[series, day] = [0] * len(INSIDE)
        for column, change in zip(changes[::2], changes[1::2], strict=True):
            row[column] = change
    return steps, houses


def counted(database: Database, connection: Connection, campaign_id: str, household_id: str) -> Counted | None:
    """What the household contributes to the tallies now; None when it is not in the register."""
    rows = database.prepared(
        "counted",
        lambda: select(_h.c.cell_id, _h.c.visited_on, _h.c.steps).where(
            _h.c.campaign_id == bindparam("campaign"), _h.c.id == bindparam("household")
        ),
    ).rows(driver_of(connection), {"campaign": campaign_id, "household": household_id})
    if not rows:
        return None
    cell_id, visited_on, text = rows[0]
    steps, houses = _read_steps(text)
    day = date.fromisoformat(visited_on) if isinstance(visited_on, str) else visited_on
    return Counted(cell_id, day.toordinal(), steps, houses)


def enter(database: Database, connection: Connection, entries: Sequence[HouseholdEntry]) -> None:
    """Write households that are not in the register (any more), with all that belongs to them."""
    households: list[Row] = []
    people: list[Row] = []
    doses: list[Row] = []
    placements: list[Row] = []
    findings: list[Row] = []
    for entry in entries:
        visit = entry.visit
        campaign, household = entry.campaign_id, visit.household_id
        households.append(_household_row(entry))
        for position, person in enumerate(visit.people):
            people.append(_person_row(campaign, household, position, person))
            for number, d in enumerate(person.doses):
                doses.append(
                    (
                        campaign,
                        household,
                        position,
                        number,
                        d.code,
                        _iso(d.given_on),
                        d.vaccine,
                        d.lot,
                        d.place,
                        d.evidence,
                    )
                )
        for set_id, (unit_code, result) in entry.placements.items():
            placements.append((campaign, household, set_id, unit_code, result))
        for position, f in enumerate(entry.findings):
            facts = json.dumps(dict(f.facts), ensure_ascii=False)
            findings.append((entry.instance_id, position, campaign, household, entry.cell_id, f.code, f.message, facts))
    driver = driver_of(connection)
    for table, rows in (
        (_h, households),
        (_p, people),
        (_d, doses),
        (tables.placements, placements),
        (tables.findings, findings),
    ):
        if rows:
            database.entering(table).run_many(driver, rows)


Row = tuple[object, ...]
"""Values in the order of a table's columns; a test holds the two together."""


def _household_row(entry: HouseholdEntry) -> Row:
    visit, point = entry.visit, entry.visit.point
    return (
        entry.campaign_id,
        visit.household_id,
        entry.instance_id,
        visit.visited_on.isoformat(),
        visit.outcome,
        visit.hamlet_code,
        visit.commune_code,
        visit.house_number,
        visit.head,
        visit.phone,
        point.lat if point else None,
        point.lon if point else None,
        point.accuracy_m if point else None,
        entry.point_state,
        visit.expected_members,
        entry.cell_id,
        _write_steps(entry.steps, entry.houses),
    )


def _person_row(campaign: str, household: str, position: int, person: Person) -> Row:
    return (
        campaign,
        household,
        position,
        person.id,
        person.reported_on.isoformat(),
        person.name,
        _iso(person.born_on),
        person.birth_precision,
        person.sex,
        person.residence,
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


def remove(connection: Connection, campaign_id: str, household_id: str) -> None:
    """Take a household and all that belongs to it out of the register."""
    for table in (_d, _p, tables.placements, tables.findings):
        connection.execute(
            delete(table).where(table.c.campaign_id == campaign_id, table.c.household_id == household_id)
        )
    connection.execute(delete(_h).where(_h.c.campaign_id == campaign_id, _h.c.id == household_id))


def clear(connection: Connection) -> None:
    """Empty the register, before a rebuild."""
    for table in (_d, _p, tables.placements, tables.findings, _h):
        connection.execute(delete(table))


@dataclass(frozen=True, slots=True)
class KeptFinding:
    """A finding with the submission and household it is about. facts fill the message's places."""

    instance_id: str
    household_id: str | None
    cell_id: int | None
    code: str
    message: str
    facts: dict[str, str]


def findings(
    database: Database, connection: Connection, limit: int, cell_ids: Sequence[int] | None = None
) -> list[KeptFinding]:
    """Findings, newest submission first; only those in the cells, when given."""
    f, s = tables.findings, tables.submissions
    statement = (
        select(f.c.instance_id, f.c.household_id, f.c.cell_id, f.c.code, f.c.message, f.c.facts)
        .join(s, s.c.instance_id == f.c.instance_id)
        .order_by(s.c.seq.desc(), f.c.position)
        .limit(limit)
    )
    if cell_ids is not None:
        statement = statement.where(database.among(f.c.cell_id, cell_ids))
    return [KeptFinding(*row[:5], json.loads(row[5])) for row in connection.execute(statement)]


@dataclass(frozen=True, slots=True)
class HousePoint:
    """A household on the map. steps as they were entered."""

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
        .where(_h.c.campaign_id == campaign_id, _h.c.point_state == "usable")
        .order_by(_h.c.id)
    )
    if cell_ids is not None:
        statement = statement.where(database.among(_h.c.cell_id, cell_ids))
    return [HousePoint(*row) for row in connection.execute(statement)]


def house_steps(
    database: Database, connection: Connection, campaign_id: str, cell_ids: Sequence[int] | None
) -> Iterator[tuple[float, float, StateChanges]]:
    """(latitude, longitude, steps) of every household whose point places it."""
    statement = select(_h.c.lat, _h.c.lon, _h.c.steps).where(
        _h.c.campaign_id == campaign_id, _h.c.point_state == "usable"
    )
    if cell_ids is not None:
        statement = statement.where(database.among(_h.c.cell_id, cell_ids))
    for lat, lon, text in connection.execute(statement):
        yield lat, lon, _read_steps(text)[0]


def cell_centres(
    database: Database, connection: Connection, campaign_id: str, cell_ids: Sequence[int] | None
) -> dict[int, tuple[float, float]]:
    """Mean latitude and longitude of the placed households of each cell that has any."""
    statement = (
        select(_h.c.cell_id, func.avg(_h.c.lat), func.avg(_h.c.lon))
        .where(_h.c.campaign_id == campaign_id, _h.c.point_state == "usable")
        .group_by(_h.c.cell_id)
    )
    if cell_ids is not None:
        statement = statement.where(database.among(_h.c.cell_id, cell_ids))
    return {cell_id: (lat, lon) for cell_id, lat, lon in connection.execute(statement)}
