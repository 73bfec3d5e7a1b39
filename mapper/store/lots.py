"""Lots to be checked: their rule, the houses drawn, and what was found there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, Row, bindparam, func, select

from mapper.store import tables

_l, _h = tables.lots, tables.lot_houses


@dataclass(frozen=True, slots=True)
class NewLot:
    """What is kept of a lot when it is drawn; see tables.lots. frame: JSON."""

    campaign_id: str
    group_code: str
    dose_code: str
    set_id: str
    level: str
    code: str
    day: date
    drawn_at: str
    user_id: int | None
    seed: str
    frame: str
    people: int
    allowed: int
    lower: float
    upper: float
    risk: float
    lot_people: int | None


@dataclass(frozen=True, slots=True)
class KeptLot(NewLot):
    """A lot with its number, and the totals that were told of it, if any."""

    id: int
    seen: int | None
    vaccinated: int | None
    found_at: str | None
    found_by: int | None


@dataclass(frozen=True, slots=True)
class LotHouse:
    """A house of a lot. household_id: in the register; None for the house of number ``unlisted`` of its hamlet.

    seen, vaccinated: people of the group, None where nobody told yet; reason: a code, why some are not vaccinated.
    """

    position: int
    hamlet_code: str
    household_id: str | None
    unlisted: int | None
    spare: bool
    seen: int | None = None
    vaccinated: int | None = None
    reason: str | None = None


def add(connection: Connection, lot: NewLot, houses: Sequence[LotHouse]) -> int:
    """Keep a lot with its houses; its number."""
    values = {name: getattr(lot, name) for name in NewLot.__dataclass_fields__}
    number: int = connection.execute(_l.insert().values(values).returning(_l.c.id)).scalar_one()
    rows = [{name: getattr(one, name) for name in LotHouse.__dataclass_fields__} for one in houses]
    if rows:
        connection.execute(_h.insert(), [row | {"lot_id": number} for row in rows])
    return number


def by_id(connection: Connection, number: int) -> KeptLot | None:
    """The lot of a number."""
    row = connection.execute(select(_l).where(_l.c.id == number)).first()
    return None if row is None else _lot(row)


def of_campaign(connection: Connection, campaign_id: str, limit: int) -> list[KeptLot]:
    """The lots of a campaign, the newest first."""
    rows = connection.execute(select(_l).where(_l.c.campaign_id == campaign_id).order_by(_l.c.id.desc()).limit(limit))
    return [_lot(row) for row in rows]


def houses(connection: Connection, number: int) -> list[LotHouse]:
    """The houses of a lot, in the order drawn."""
    columns = [_h.c[name] for name in LotHouse.__dataclass_fields__]
    rows = connection.execute(select(*columns).where(_h.c.lot_id == number).order_by(_h.c.position))
    return [LotHouse(**row._mapping) for row in rows]


def hamlets(connection: Connection, numbers: Sequence[int]) -> dict[int, set[str]]:
    """The hamlets in which each of these lots has a house; "" for houses that told none."""
    found: dict[int, set[str]] = {number: set() for number in numbers}
    for number, code in connection.execute(
        select(_h.c.lot_id, _h.c.hamlet_code).where(_h.c.lot_id.in_(numbers)).distinct()
    ):
        found[number].add(code)
    return found


def sums(connection: Connection, numbers: Sequence[int]) -> dict[int, tuple[int, int]]:
    """People (seen, vaccinated) in the houses of each of these lots of which something was told."""
    rows = connection.execute(
        select(_h.c.lot_id, func.sum(_h.c.seen), func.sum(_h.c.vaccinated))
        .where(_h.c.lot_id.in_(numbers), _h.c.seen.is_not(None))
        .group_by(_h.c.lot_id)
    )
    return {number: (int(seen), int(vaccinated)) for number, seen, vaccinated in rows}


def find(
    connection: Connection,
    number: int,
    told: Mapping[int, tuple[int | None, int | None, str | None]],
    totals: tuple[int, int] | None,
    at: str,
    user_id: int | None,
) -> None:
    """Keep what was found. told: by position (seen, vaccinated, reason); totals: where no house was told of."""
    seen, vaccinated = totals or (None, None)
    connection.execute(
        _l.update().where(_l.c.id == number).values(seen=seen, vaccinated=vaccinated, found_at=at, found_by=user_id)
    )
    if told:
        connection.execute(
            _h.update()
            .where(_h.c.lot_id == number, _h.c.position == bindparam("at"))
            .values(seen=bindparam("new_seen"), vaccinated=bindparam("new_vaccinated"), reason=bindparam("new_reason")),
            [
                {"at": position, "new_seen": one[0], "new_vaccinated": one[1], "new_reason": one[2]}
                for position, one in told.items()
            ],
        )


def _lot(row: Row[tuple[object, ...]]) -> KeptLot:
    return KeptLot(**row._mapping)
