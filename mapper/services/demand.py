"""Whom a plan is for: people due between two days, house by house, with what is owed to each of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from mapper.domain.campaign import Campaign
from mapper.domain.follow_up import DueDose, PersonState, Status, status
from mapper.domain.people import Person, Point
from mapper.domain.planning import Formulation, Needs, PlanningRules
from mapper.formats.planning_rules import read_planning
from mapper.services.field_area import FieldArea
from mapper.services.reference import Reference
from mapper.store import follow_up
from mapper.store import reference as kept
from mapper.store.database import Connection

_AT_ONCE = 1_000
"""Households read at a time, so that a province is never in memory but as its people due."""


@dataclass(frozen=True, slots=True)
class DuePerson:
    """Somebody who is due in the days of a plan. on: the first of them on which that holds; due: the doses then.

    formulations: by code of a dose what it is given from; a dose without one is of no vaccine of planning.toml.
    """

    id: str
    on: date
    due: tuple[DueDose, ...]
    needs: Needs
    formulations: dict[str, Formulation]


@dataclass(frozen=True, slots=True)
class DueHouse:
    """A household with anybody due. point: None where it has no position that can be trusted."""

    id: str
    hamlet_code: str | None
    commune_code: str | None
    point: Point | None
    people: tuple[DuePerson, ...]


def rules_of(connection: Connection, campaign: Campaign) -> PlanningRules:
    """What a campaign's planning.toml says; the assumptions of this program where it has none."""
    held = kept.fact(connection, _of_campaign(campaign.id))
    return read_planning(held, campaign) if held else PlanningRules()


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
    return DuePerson(person.id, on, stands.due, rules.needs(person, on), _formulations(person, stands, rules, on))


def _formulations(person: Person, stands: Status, rules: PlanningRules, day: date) -> dict[str, Formulation]:
    found = ((dose.code, rules.formulation_for(dose.vaccines, person.born_on, day)) for dose in stands.due)
    return {code: one for code, one in found if one is not None}
