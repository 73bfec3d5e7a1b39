"""Whom a plan is for: people due between two days, house by house, with what is owed to each of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from mapper.domain.campaign import Campaign
from mapper.domain.follow_up import PersonState, Status, status
from mapper.domain.people import Person
from mapper.domain.plan import DueHouse, DuePerson
from mapper.domain.planning import PlanningRules
from mapper.formats.planning_rules import read_planning
from mapper.services.field_area import FieldArea
from mapper.services.reference import Reference
from mapper.store import follow_up
from mapper.store import reference as kept
from mapper.store.database import Connection

_AT_ONCE = 1_000
"""Households read at a time, so that a province is never in memory but as its people due."""


def rules_of(connection: Connection, campaign: Campaign) -> PlanningRules:
    """What a campaign's planning.toml says; the assumptions of this program where it has none."""
    return rules_in(rules_told(connection, campaign), campaign)


def rules_told(connection: Connection, campaign: Campaign) -> str:
    """A campaign's planning.toml itself; "" where it has none."""
    return kept.fact(connection, _of_campaign(campaign.id)) or ""


def rules_in(toml: str, campaign: Campaign) -> PlanningRules:
    """What such a file says."""
    return read_planning(toml, campaign) if toml else PlanningRules()


def keep_rules(reference: Reference, connection: Connection, campaign: Campaign, toml: str) -> None:
    """Keep a campaign's planning.toml, which was checked."""
    kept.set_fact(reference.database, connection, _of_campaign(campaign.id), toml)


def _of_campaign(campaign_id: str) -> str:
    return f"planning of {campaign_id}"


def people_due(
    reference: Reference,
    connection: Connection,
    campaign: Campaign,
    rules: PlanningRules,
    days: tuple[date, date],
    area: FieldArea,
) -> Iterator[DueHouse]:
    """The houses of an area in which anybody is due on the first of two days or falls due until the last, by id."""
    rows = area.hold(follow_up.households(reference.database, connection, campaign.id, area.readable))
    for start in range(0, len(rows), _AT_ONCE):
        several = rows[start : start + _AT_ONCE]
        members = follow_up.people(reference.database, connection, [row.seq for row in several])
        for row in several:
            found = (due_between(person, campaign, rules, days) for person, _ in members.get(row.seq, ()))
            people = tuple(one for one in found if one is not None)
            if people:
                yield DueHouse(
                    row.id, row.hamlet_code, row.commune_code, row.point if row.point_usable else None, people
                )


def due_between(person: Person, campaign: Campaign, rules: PlanningRules, days: Sequence[date]) -> DuePerson | None:
    """Somebody as a plan sees them; None who is not due on any of its days as far as is known now."""
    on, last = days
    stands = status(person, campaign, on)
    while stands.state is not PersonState.DUE:
        if stands.next_on is None or not on < stands.next_on <= last:
            return None
        on = stands.next_on
        stands = status(person, campaign, on)
    doses = tuple(dose.code for dose in stands.due)
    return DuePerson(person.id, on, doses, _vials(person, stands, rules, on), rules.precedences_of(person, on))


def _vials(person: Person, stands: Status, rules: PlanningRules, day: date) -> dict[str, str]:
    found = ((dose.code, rules.formulation_for(dose.vaccines, person.born_on, day)) for dose in stands.due)
    return {code: one.code for code, one in found if one is not None}
