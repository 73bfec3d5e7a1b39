"""Households of the register with all that a further visit wants to know of them, read many at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, func, not_, select, true

from mapper.domain.people import Dose, Person, Point
from mapper.domain.places import USABLE, Placement
from mapper.store import tables
from mapper.store.database import Database, driver_of
from mapper.store.sealing import opener, with_all

UUID = "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"
"""What phones take for the id of an entity, as both databases read it."""

_h, _p, _d = tables.households, tables.people, tables.doses
_totals, _facts, _areas = tables.house_totals, tables.facts, tables.drawn_areas


@dataclass(frozen=True, slots=True)
class Held:
    """The ODK entity's version of a household or person. branch_id: of the offline branch it was last changed on."""

    version: int
    trunk_version: int | None
    branch_id: str | None


DoseTold = tuple[str, Any, str | None]
"""A dose as the driver gives it: code, day, vaccine."""


class Deciding(NamedTuple):
    """What decides where a person stands, as the driver gives it; see ``Person``."""

    id: str
    reported_on: Any
    born_on: Any
    residence: str
    priorities: str | None
    contraindicated: Any
    deferred_until: Any
    infected_on: Any
    refused: Any
    vaccination_unknown: Any
    doses: Sequence[DoseTold] = ()

    def person(self) -> Person:
        """The person, of whom nothing else is known."""
        return Person(
            self.id,
            day_told(self.reported_on),
            born_on=some_day(self.born_on),
            residence=self.residence,
            priorities=tuple(self.priorities.split()) if self.priorities else (),
            contraindicated=bool(self.contraindicated),
            deferred_until=some_day(self.deferred_until),
            infected_on=some_day(self.infected_on),
            refused=bool(self.refused),
            vaccination_unknown=bool(self.vaccination_unknown),
            doses=tuple(Dose(code, some_day(day), vaccine) for code, day, vaccine in self.doses),
        )


@dataclass(frozen=True, slots=True)
class HouseholdRow:
    """A household as the register knows it; lat and lon in degrees on WGS 84, as the phone told them.

    seq: its number in the register, for as long as nothing new is told of it.
    """

    seq: int
    id: str
    instance_id: str
    visited_on: date
    outcome: str
    hamlet_code: str | None
    commune_code: str | None
    house_number: str | None
    head: str | None
    phone: str | None
    lat: float | None
    lon: float | None
    accuracy_m: float | None
    point_state: str
    cell_id: int
    held: Held

    @property
    def point_usable(self) -> bool:
        """Whether the point is good enough to place the house."""
        return self.point_state == USABLE

    @property
    def point(self) -> Point | None:
        """Where the house stands as the phone told it, None where that is no position on this earth."""
        on_earth = self.point_state in (USABLE, Placement.POOR_ACCURACY)
        if not on_earth or self.lat is None or self.lon is None:
            return None
        return Point(self.lat, self.lon, self.accuracy_m)


def _names(values: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(values))


# The columns are called as the fields are.
_VERSION = _names(Held)
_HOUSEHOLD = tuple(_h.c[name] for name in (*_names(HouseholdRow)[:-1], *_VERSION))
PERSON_FACTS = _names(Person)[: _names(Person).index("doses")]
_PERSON = tuple(_p.c[name] for name in ("household_seq", "position", *_VERSION, *PERSON_FACTS))
_DOSE = tuple(_d.c[name] for name in ("household_seq", "person_position", *_names(Dose)))
_DECIDING = tuple(_p.c[name] for name in ("household_seq", "position", *Deciding._fields[:-1]))
_DECIDING_DOSE = _DOSE[:5]


def households(
    database: Database, connection: Connection, campaign_id: str, cell_ids: Sequence[int] | None
) -> list[HouseholdRow]:
    """Households of a campaign by id; only those in the cells, when given."""
    wanted = true() if cell_ids is None else database.among(_h.c.cell_id, cell_ids)
    return sorted(_households(database, connection, campaign_id, wanted), key=lambda row: row.id)


def households_of(
    database: Database, connection: Connection, campaign_id: str, entity_ids: Sequence[str]
) -> dict[str, HouseholdRow]:
    """The household that each of these ids names, or that the person of the id belongs to, as far as there is one."""
    houses = _households(database, connection, campaign_id, database.among(_h.c.id, entity_ids))
    persons = connection.execute(
        select(_p.c.id, _p.c.household_seq)
        .join(_h, _h.c.seq == _p.c.household_seq)
        .where(_h.c.campaign_id == campaign_id, database.among(_p.c.id, entity_ids))
    ).all()
    theirs = _households(
        database, connection, campaign_id, database.among(_h.c.seq, [row.household_seq for row in persons])
    )
    by_seq = {row.seq: row for row in theirs}
    return {row.id: by_seq[row.household_seq] for row in persons} | {row.id: row for row in houses}


def by_number(
    database: Database, connection: Connection, campaign_id: str, numbers: Sequence[int]
) -> dict[int, HouseholdRow]:
    """Households of a campaign by their seq."""
    rows = _households(database, connection, campaign_id, database.among(_h.c.seq, numbers))
    return {row.seq: row for row in rows}


def _households(
    database: Database, connection: Connection, campaign_id: str, wanted: ColumnElement[bool]
) -> list[HouseholdRow]:
    rows = read_rows(database, connection, select(*_HOUSEHOLD).where(_h.c.campaign_id == campaign_id, wanted))
    found = []
    for row in rows:
        values: list[Any] = [*row[:3], day_told(row[3]), *row[4 : -len(_VERSION)], Held(*row[-len(_VERSION) :])]
        found.append(HouseholdRow(*values))
    return found


def people(
    database: Database, connection: Connection, households: Sequence[int]
) -> dict[int, list[tuple[Person, Held]]]:
    """The people of households in the order in which they were told, by household; each by its seq."""
    doses: dict[tuple[int, int], list[Dose]] = {}
    for household, position, *facts in read_rows(
        database,
        connection,
        select(*_DOSE)
        .where(database.among(_d.c.household_seq, households))
        .order_by(_d.c.household_seq, _d.c.person_position, _d.c.position),
    ):
        doses.setdefault((household, position), []).append(dose_of(facts))
    found: dict[int, list[tuple[Person, Held]]] = {}
    for row in read_rows(
        database,
        connection,
        select(*_PERSON)
        .where(database.among(_p.c.household_seq, households))
        .order_by(_p.c.household_seq, _p.c.position),
    ):
        household, position, version, trunk_version, branch_id, *facts = row
        person = person_of(facts, doses.get((household, position), ()))
        found.setdefault(household, []).append((person, Held(version, trunk_version, branch_id)))
    return found


def deciding(database: Database, connection: Connection, households: Sequence[int]) -> dict[int, list[Deciding]]:
    """The same people by what decides where they stand and nothing else, which is read in a third of the time."""
    doses: dict[tuple[int, int], list[DoseTold]] = {}
    for row in read_rows(
        database,
        connection,
        select(*_DECIDING_DOSE)
        .where(database.among(_d.c.household_seq, households))
        .order_by(_d.c.household_seq, _d.c.person_position, _d.c.position),
    ):
        doses.setdefault(row[:2], []).append(row[2:])  # type: ignore[arg-type]
    found: dict[int, list[Deciding]] = {}
    for row in read_rows(
        database,
        connection,
        select(*_DECIDING)
        .where(database.among(_p.c.household_seq, households))
        .order_by(_p.c.household_seq, _p.c.position),
    ):
        found.setdefault(row[0], []).append(Deciding._make((*row[2:], doses.get(row[:2], ()))))  # type: ignore[call-overload]
    return found


def person_of(facts: Sequence[Any], doses: Sequence[Dose]) -> Person:
    """A person of the columns PERSON_FACTS as the driver gives them."""
    identity, reported_on, name, born_on, precision, sex, residence, away_place, priorities, barred, *others = facts
    contraindication, until, reason, infected_on, refused, refusal_reason, unknown = others
    return Person(
        identity,
        day_told(reported_on),
        name,
        some_day(born_on),
        precision,
        sex,
        residence,
        away_place,
        tuple(priorities.split()) if priorities else (),
        bool(barred),
        contraindication,
        some_day(until),
        reason,
        some_day(infected_on),
        bool(refused),
        refusal_reason,
        bool(unknown),
        tuple(doses),
    )


def dose_of(facts: Sequence[Any]) -> Dose:
    """A dose of its columns, from the code on, as the driver gives them."""
    code, given_on, *others = facts
    return Dose(code, some_day(given_on), *others)


def without_uuid(
    database: Database, connection: Connection, campaign_id: str, cell_ids: Sequence[int] | None
) -> dict[int, tuple[int, int]]:
    """How many (households, people) of each cell have an id that is no UUID, or belong to such a household."""
    wanted = [_h.c.campaign_id == campaign_id, true() if cell_ids is None else database.among(_h.c.cell_id, cell_ids)]
    house = not_(_h.c.id.regexp_match(UUID))
    houses = connection.execute(select(_h.c.cell_id, func.count()).where(*wanted, house).group_by(_h.c.cell_id)).all()
    persons = connection.execute(
        select(_h.c.cell_id, func.count())
        .join_from(_h, _p, _p.c.household_seq == _h.c.seq)
        .where(*wanted, house | not_(_p.c.id.regexp_match(UUID)))
        .group_by(_h.c.cell_id)
    ).all()
    found = {cell: (number, 0) for cell, number in houses}
    return found | {cell: (found.get(cell, (0, 0))[0], number) for cell, number in persons}


def read_rows(database: Database, connection: Connection, statement: Select[Any]) -> Sequence[Sequence[Any]]:
    """Rows as the driver gives them: SQLAlchemy's dates and booleans would cost more than the reading.

    Values go to the driver as they are too: a day as ISO text.
    """
    compiled = statement.compile(dialect=database.engine.dialect)
    plain = compiled.positional
    values = [compiled.params[name] for name in compiled.positiontup or ()] if plain else compiled.params
    found: list[Sequence[Any]] = driver_of(connection).execute(str(compiled), values).fetchall()
    if database.sealing is None:
        return found
    dialect = database.engine.dialect
    opens = [
        (place, opened)
        for place, column in enumerate(statement.selected_columns)
        if (opened := opener(column.type, dialect)) is not None
    ]
    return [with_all(row, opens) for row in found]


@lru_cache(maxsize=65_536)
def day_told(told: Any) -> date:
    """A day as SQLite gives it, as text, or as PostgreSQL does; of the few days that occur each is read once."""
    return date.fromisoformat(told) if isinstance(told, str) else told


def some_day(told: Any) -> date | None:
    """The same for what may be missing."""
    return None if told is None else day_told(told)


def changes(
    database: Database, connection: Connection, campaign_id: str, cell_ids: Sequence[int] | None
) -> tuple[str, int]:
    """The era of the tallies and a number that rises with whatever is counted in the cells.

    Equal answers for the same cells mean the same households: the cheap way to know that a list still holds.
    """
    era = select(_facts.c.value).where(_facts.c.name == "tallies").scalar_subquery()
    wanted = true() if cell_ids is None else database.among(_totals.c.cell_id, cell_ids)
    total = select(func.sum(_totals.c.changes)).where(_totals.c.campaign_id == campaign_id, wanted).scalar_subquery()
    row = connection.execute(select(era, total)).one()
    return row[0] or "", int(row[1] or 0)


def drawn_areas(database: Database, connection: Connection, numbers: Sequence[int]) -> list[tuple[int, bytes]]:
    """(number, outline as WKB, EPSG:4326) of those of the drawn areas that there are, by number."""
    rows = connection.execute(
        select(_areas.c.id, _areas.c.wkb).where(database.among(_areas.c.id, numbers)).order_by(_areas.c.id)
    )
    return [(row.id, bytes(row.wkb)) for row in rows]
