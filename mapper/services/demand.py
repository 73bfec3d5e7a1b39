"""Whom a plan is for: people due between two days, house by house, with what is owed to each of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from mapper.domain.campaign import Campaign
from mapper.domain.follow_up import PersonState, Status, status
from mapper.domain.people import Person
from mapper.domain.plan import DueHouse, DuePerson
from mapper.domain.planning import PlanningRules
from mapper.formats.planning_rules import read_planning
from mapper.services.alike import Kinds, due_on
from mapper.services.field_area import FieldArea
from mapper.services.reference import Reference
from mapper.store import follow_up
from mapper.store import reference as kept
from mapper.store.database import Connection
from mapper.store.follow_up import Deciding, HouseholdRow


@dataclass(eq=False)
class NotDue:
    """People who are not due in the days of a plan, as they are counted.

    stands: how many by how they stand on the first day. next_on: the first later day on which one of them falls due.
    """

    stands: Counter[PersonState] = field(default_factory=Counter)
    next_on: date | None = None

    def count(self, found: Status, last: date) -> None:
        """One more, who stands so on the first day. last: of the plan."""
        self.stands[found.state] += 1
        if found.next_on is not None and found.next_on > last:
            self.next_on = min(found.next_on, self.next_on or found.next_on)


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
    others: NotDue | None = None,
    within: Callable[[list[HouseholdRow]], list[HouseholdRow]] = lambda rows: rows,
) -> Iterator[DueHouse]:
    """The houses of an area in which anybody is due on the first of two days or falls due until the last, by id.

    others: in which everybody else of the area is counted. within: which houses of the area are wanted.
    """
    rows = within(area.hold(follow_up.households(reference.database, connection, campaign.id, area.readable)))
    kinds = Kinds(campaign, rules, days[0])
    for start in range(0, len(rows), _AT_ONCE):
        several = rows[start : start + _AT_ONCE]
        members = follow_up.deciding(reference.database, connection, [row.seq for row in several])
        for row in several:
            found = [due_of_kind(one, kinds, campaign, rules, days, others) for one in members.get(row.seq, ())]
            people = tuple([one for one in found if one is not None])
            if people:
                yield DueHouse(
                    row.id, row.hamlet_code, row.commune_code, row.point if row.point_usable else None, people
                )


def due_of_kind(
    one: Deciding,
    kinds: Kinds,
    campaign: Campaign,
    rules: PlanningRules,
    days: Sequence[date],
    others: NotDue | None = None,
) -> DuePerson | None:
    """As ``due_between`` has it, by what is known of the person's kind on the first day where that says it."""
    kind = kinds.of(one)
    if kind.due is not None:
        due = kind.due
        return DuePerson(one.id, due.on, due.due, due.vials, due.precedences)
    if not kind.settled:
        return due_between(one.person(), campaign, rules, days, others)
    if others is not None:
        others.count(kind.stands, days[1])
    return None


def due_between(
    person: Person, campaign: Campaign, rules: PlanningRules, days: Sequence[date], others: NotDue | None = None
) -> DuePerson | None:
    """Somebody as a plan sees them; None who is not due on any of its days as far as is known now, and is counted."""
    on, last = days
    stands = first = status(person, campaign, on)
    while stands.state is not PersonState.DUE:
        if stands.next_on is None or not on < stands.next_on <= last:
            if others is not None:
                others.count(replace(first, next_on=stands.next_on), last)
            return None
        on = stands.next_on
        stands = status(person, campaign, on)
    return due_on(person, stands, rules, on)
