"""What single units and hamlets are to reach, and who answers for them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from sqlalchemy import Connection, delete, select

from mapper.store import tables
from mapper.store.database import Database

_t, _r = tables.area_targets, tables.responsible


@dataclass(frozen=True, slots=True)
class Place:
    """A unit of a level of a boundary set; of a hamlet, which belongs to no set, set_id is empty."""

    set_id: str
    level: str
    code: str


@dataclass(frozen=True, slots=True)
class AreaTarget:
    """What one place is to reach for a group and a dose. deadline: None leaves the one that holds around it."""

    campaign_id: str
    group_code: str
    dose_code: str
    place: Place
    target: Fraction
    deadline: date | None


@dataclass(frozen=True, slots=True)
class Responsible:
    """Who answers for a place; position and phone may be empty."""

    place: Place
    name: str
    position: str
    phone: str


def every_target(connection: Connection) -> list[AreaTarget]:
    """All targets of single places."""
    return [
        AreaTarget(
            row.campaign_id,
            row.group_code,
            row.dose_code,
            Place(row.set_id, row.level, row.code),
            Fraction(row.target),
            row.deadline,
        )
        for row in connection.execute(select(_t))
    ]


def save_target(database: Database, connection: Connection, one: AreaTarget, user_id: int, at: str) -> None:
    """Keep a target in place of the one that the place had."""
    key = {
        "campaign_id": one.campaign_id,
        "group_code": one.group_code,
        "dose_code": one.dose_code,
        "set_id": one.place.set_id,
        "level": one.place.level,
        "code": one.place.code,
    }
    values = {"target": str(one.target), "deadline": one.deadline, "user_id": user_id, "at": at}
    statement = database.insert(_t).values(**key, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=[_t.c[name] for name in key], set_=values))


def remove_target(connection: Connection, campaign_id: str, group_code: str, dose_code: str, place: Place) -> None:
    """Take a place's own target away."""
    connection.execute(
        delete(_t).where(
            _t.c.campaign_id == campaign_id,
            _t.c.group_code == group_code,
            _t.c.dose_code == dose_code,
            _t.c.set_id == place.set_id,
            _t.c.level == place.level,
            _t.c.code == place.code,
        )
    )


def responsible(connection: Connection, set_id: str) -> dict[Place, Responsible]:
    """Who answers for the units of a set, and for all hamlets."""
    rows = connection.execute(select(_r).where(_r.c.set_id.in_(("", set_id))))
    found = (Responsible(Place(row.set_id, row.level, row.code), row.name, row.position, row.phone) for row in rows)
    return {one.place: one for one in found}


def save_responsible(
    database: Database, connection: Connection, several: Sequence[Responsible], user_id: int, at: str
) -> None:
    """Keep who answers for some places, in place of who did before."""
    if not several:
        return
    statement = database.insert(_r)
    changed = {name: statement.excluded[name] for name in ("name", "position", "phone", "user_id", "at")}
    connection.execute(
        statement.on_conflict_do_update(index_elements=[_r.c.set_id, _r.c.level, _r.c.code], set_=changed),
        [
            {
                "set_id": one.place.set_id,
                "level": one.place.level,
                "code": one.place.code,
                "name": one.name,
                "position": one.position,
                "phone": one.phone,
                "user_id": user_id,
                "at": at,
            }
            for one in several
        ],
    )


def remove_responsible(connection: Connection, places: Iterable[Place]) -> None:
    """Nobody answers for these places any more."""
    for place in places:
        connection.execute(
            delete(_r).where(_r.c.set_id == place.set_id, _r.c.level == place.level, _r.c.code == place.code)
        )
