"""Who stands behind a plan's figures: a page of people by name, as far as their reader may see them; entered in the
audit trail."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from mapper.domain.campaign import Campaign
from mapper.domain.made_plan import PlannedHouse, PlannedPerson
from mapper.domain.people import Person
from mapper.domain.places import fold
from mapper.domain.walk import number_key
from mapper.errors import NotFound, mark
from mapper.services import audit
from mapper.services.accounts import User
from mapper.services.field_area import field_area
from mapper.services.plan_figures import PlaceNames
from mapper.services.reference import Reference
from mapper.store import follow_up
from mapper.store.follow_up import HouseholdRow

AT_ONCE = 100
"""People of one page."""


@dataclass(frozen=True, slots=True)
class NamedPerson:
    """Somebody of a plan by name. hamlet, unit: names."""

    planned: PlannedPerson
    person: Person
    house: HouseholdRow
    hamlet: str
    unit: str
    way_m: float | None


@dataclass(frozen=True, slots=True)
class PlanPeople:
    """A page of people. total: of all pages; gone: of them whom the register holds no more, or in another area now.

    first: number of the first one shown, from 1.
    """

    campaign: Campaign
    total: int
    page: int
    pages: int
    first: int
    people: tuple[NamedPerson, ...]
    gone: int


def people(
    reference: Reference,
    user: User,
    plan: int,
    campaign_id: str,
    houses: Iterable[PlannedHouse],
    names: PlaceNames,
    about: str,
    page: int = 1,
) -> PlanPeople:
    """A page of the people of houses, by day, hamlet and house number; that it was seen is entered.

    about: of which part of the plan, for the audit trail. Raises NotFound for a page that is not there.
    """
    wanted = list(houses)
    with reference.database.read() as connection:
        known = reference.known(connection)
        campaign = known.campaign(campaign_id)
        area = field_area(reference, connection, known, user)
        ids = sorted({one.id for one in wanted})
        rows = follow_up.households_of(reference.database, connection, campaign_id, ids)
        seen = {row.id: row for row in area.hold(list(rows.values()))}
        lines = [(one, house) for house in wanted for one in house.people]
        order = {house.id: _place(house, seen.get(house.id), names) for house in wanted}
        lines.sort(key=lambda line: (line[0].day or date.min, order[line[1].id], line[0].id))
        pages = max(1, -(-len(lines) // AT_ONCE))
        if not 1 <= page <= pages:
            raise NotFound(mark("This list has {pages} pages. Choose one of them."), pages=pages)
        shown = lines[(page - 1) * AT_ONCE : page * AT_ONCE]
        seqs = sorted({seen[house.id].seq for _, house in shown if house.id in seen})
        members = follow_up.people(reference.database, connection, seqs)
    by_id = {(row.id, person.id): person for row in seen.values() for person, _ in members.get(row.seq, ())}
    found = tuple(
        NamedPerson(
            planned,
            by_id[house.id, planned.id],
            seen[house.id],
            names.hamlet(house.hamlet_code),
            names.unit(house.commune_code),
            house.way_m,
        )
        for planned, house in shown
        if (house.id, planned.id) in by_id
    )
    if found:
        facts = {"plan": plan, "state": about, "number": len(found)}
        audit.record_seen(reference, user.id, user.name, "people.listed", campaign_id, facts)
    return PlanPeople(campaign, len(lines), page, pages, (page - 1) * AT_ONCE + 1, found, len(shown) - len(found))


def _place(house: PlannedHouse, row: HouseholdRow | None, names: PlaceNames) -> tuple[object, ...]:
    return (
        not house.commune_code,
        fold(names.unit(house.commune_code)),
        not house.hamlet_code,
        number_key(fold(names.hamlet(house.hamlet_code))),
        number_key(row.house_number if row else None),
        house.id,
    )
