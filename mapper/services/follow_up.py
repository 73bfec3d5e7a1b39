"""Households that are to be visited again: who is due for what there, on one day, in one user's area."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from operator import attrgetter
from typing import Any

from mapper.domain.campaign import Campaign
from mapper.domain.follow_up import HouseState, Status, house_state, status
from mapper.domain.people import Person
from mapper.services.accounts import User
from mapper.services.field_area import FieldArea, field_area
from mapper.services.kept_houses import Stands
from mapper.services.reference import Known, Reference
from mapper.store import follow_up, oddities, tallies
from mapper.store.database import Connection
from mapper.store.follow_up import Held, HouseholdRow


@dataclass(frozen=True, slots=True)
class PersonToSee:
    """A member of a household and where they stand. held: the version of their ODK entity."""

    person: Person
    status: Status
    held: Held


@dataclass(frozen=True, slots=True)
class HouseToSee(HouseholdRow):
    """A household as the register knows it, and where it and its people stand.

    asked_again: why a supervisor asked for another visit, "" where none did, or somebody has been there since.
    """

    state: HouseState
    people: tuple[PersonToSee, ...]
    asked_again: str = ""


_known = attrgetter(*(field.name for field in fields(HouseholdRow)))


def households(
    reference: Reference, user: User, campaign_id: str, day: date, hamlet: str | None = None
) -> list[HouseToSee]:
    """Every visited household of a user's area, by hamlet and then by id, as it stands on a day.

    hamlet: only those of one hamlet, by its code; "" asks for those that told none. Raises NotFound for an unknown
    campaign.
    """
    with reference.database.read() as connection:
        known = reference.known(connection)
        campaign = known.campaign(campaign_id)
        area = field_area(reference, connection, known, user)
        return read(reference, connection, campaign, day, area, hamlet)


def standings(
    reference: Reference,
    connection: Connection,
    known: Known,
    campaign: Campaign,
    day: date,
    cells: Collection[int],
    areas: Sequence[FieldArea] = (),
) -> dict[int, Mapping[str, Stands]]:
    """Where the visited households of cells stand on a day, by cell and id; what is remembered is not read again.

    areas: only what lies in each of them.
    """
    database = reference.database
    cells = [cell for cell in cells if all(area.cells is None or cell in area.cells | area.touched for area in areas)]
    changes = {cell: changes for cell, *_, changes in tallies.houses(database, connection, campaign.id, cells)}
    era, _ = tallies.version(database, connection)
    key = era, known.revision, campaign.id, day
    found = reference.houses.on(database, connection, key, campaign, changes)
    cut = [cell for cell in found if any(area.cells is not None and cell not in area.cells for area in areas)]
    rows = follow_up.households(database, connection, campaign.id, cut) if cut else []
    for area in areas:
        rows = area.hold(rows)
    for cell in cut:
        found[cell] = {row.id: found[cell][row.id] for row in rows if row.cell_id == cell}
    return found


def read(
    reference: Reference,
    connection: Connection,
    campaign: Campaign,
    day: date,
    area: FieldArea,
    hamlet: str | None = None,
) -> list[HouseToSee]:
    """The same within a transaction, of an area that is known already."""
    database, cells = reference.database, area.readable
    if hamlet is not None:
        every = reference.cells(connection)
        among = every if cells is None else cells
        cells = [number for number in among if (every[number].hamlet_code or "") == hamlet]
    rows = area.hold(follow_up.households(database, connection, campaign.id, cells))
    found = with_people(reference, connection, campaign, day, rows)
    return sorted(found, key=lambda house: (house.hamlet_code or "", house.id))


def with_people(
    reference: Reference,
    connection: Connection,
    campaign: Campaign,
    day: date,
    rows: Sequence[HouseholdRow],
) -> list[HouseToSee]:
    """Households of a campaign with their people, in the order given, as they stand on a day."""
    members = follow_up.people(reference.database, connection, [row.seq for row in rows])
    again = oddities.to_visit(reference.database, connection, campaign.id, [row.id for row in rows])
    found = []
    for row in rows:
        people = tuple(
            PersonToSee(person, status(person, campaign, day), held) for person, held in members.get(row.seq, ())
        )
        state = house_state(row.outcome, [each.status for each in people])
        told_last, why = again.get(row.id, ("", ""))
        why = why if told_last == row.instance_id else ""
        state = HouseState.SOMEONE_DUE if why else state
        values: list[Any] = [*_known(row), state, people, why]
        found.append(HouseToSee(*values))
    return found
