"""Households that are to be visited again: who is due for what there, on one day, in one user's area."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from mapper.domain.campaign import Campaign
from mapper.domain.follow_up import HouseState, Status, house_state, status
from mapper.domain.people import Person, Point
from mapper.domain.places import Placement
from mapper.services.accounts import User
from mapper.services.field_area import USABLE, FieldArea, field_area
from mapper.services.reference import Reference
from mapper.store import follow_up
from mapper.store.database import Connection
from mapper.store.follow_up import Held, HouseholdRow


@dataclass(frozen=True, slots=True)
class PersonToSee:
    """A member of a household and where they stand. held: the version of their ODK entity."""

    person: Person
    status: Status
    held: Held


@dataclass(frozen=True, slots=True)
class HouseToSee:
    """A household as a canvasser finds it again, and where it stands.

    instance_id: the submission that tells of it, the latest of several. visited_on: the day of its latest visit.
    point: as the phone told it, None where that is no position on this earth; point_usable: whether it is good enough
    to place the house.
    held: the version of its ODK entity.
    """

    id: str
    instance_id: str
    visited_on: date
    outcome: str
    hamlet_code: str | None
    commune_code: str | None
    house_number: str | None
    head: str | None
    phone: str | None
    point: Point | None
    point_usable: bool
    state: HouseState
    people: tuple[PersonToSee, ...]
    held: Held


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
    found = with_people(reference, connection, campaign, day, rows, whole=cells is None)
    return sorted(found, key=lambda house: (house.hamlet_code or "", house.id))


def with_people(
    reference: Reference,
    connection: Connection,
    campaign: Campaign,
    day: date,
    rows: Sequence[HouseholdRow],
    *,
    whole: bool = False,
) -> list[HouseToSee]:
    """Households of a campaign with their people, in the order given, as they stand on a day. whole: these are all."""
    asked = None if whole else [row.id for row in rows]
    members = follow_up.people(reference.database, connection, campaign.id, asked)
    found = []
    for row in rows:
        people = tuple(
            PersonToSee(person, status(person, campaign, day), held) for person, held in members.get(row.id, ())
        )
        found.append(_house(row, people))
    return found


def _house(row: HouseholdRow, people: tuple[PersonToSee, ...]) -> HouseToSee:
    point = None
    if row.lat is not None and row.lon is not None and row.point_state in (USABLE, Placement.POOR_ACCURACY):
        point = Point(row.lat, row.lon, row.accuracy_m)
    return HouseToSee(
        row.id,
        row.instance_id,
        row.visited_on,
        row.outcome,
        row.hamlet_code,
        row.commune_code,
        row.house_number,
        row.head,
        row.phone,
        point,
        row.point_state == USABLE,
        house_state(row.outcome, [each.status for each in people]),
        people,
        row.held,
    )
