"""Who is asked to come where on which day by the plans in use, for phones' lists, sheets and pages of follow-up."""

from __future__ import annotations

from datetime import date
from types import MappingProxyType

from mapper.domain.made_plan import MadePlan, PlannedPerson
from mapper.domain.places import order_key
from mapper.formats.plan_file import read_made
from mapper.services.kept_invitations import STAYS, Invitation, Invited, Versions
from mapper.services.reference import Reference
from mapper.store import invitations as store
from mapper.store import plans
from mapper.store.database import Connection

NOBODY: Invited = MappingProxyType({})


def versions(connection: Connection, campaign_id: str) -> Versions:
    """Which plans of a campaign are in use; cheap, for every request."""
    return store.in_use(connection, campaign_id)


def invited(reference: Reference, connection: Connection, campaign_id: str) -> Invited:
    """The invitation of everybody in the plans in use, by the person's id; of two plans the newer's counts."""
    told = versions(connection, campaign_id)

    def read() -> Invited:
        found: dict[str, Invitation] = {}
        for number, _ in told:
            made = plans.made(connection, number)
            if made is not None:
                found.update(invited_by(read_made(made)))
        return found

    return reference.invited.of(told, read) if told else NOBODY


def days_and_sites(reference: Reference, campaign_id: str, day: date) -> tuple[list[date], list[tuple[str, str]]]:
    """What the plans in use ask people to: days from a week before one on, and sites of those days by name.

    Both are empty where no plan is in use.
    """
    with reference.database.read() as connection:
        told = versions(connection, campaign_id)
        every = invited(reference, connection, campaign_id)
    asked = reference.lists.value(
        ("invited to", told), lambda: frozenset((one.day, one.code, one.site) for one in every.values())
    )
    lately = [each for each in asked if each[0] + STAYS >= day]
    sites = {(code, name) for _, code, name in lately if code}
    return sorted({each[0] for each in lately}), sorted(sites, key=lambda one: (order_key(one[1]), one[0]))


def invited_by(made: MadePlan) -> dict[str, Invitation]:
    """Everybody to whom a plan gives a day, by id; who is asked alike shares one invitation."""
    found: dict[str, Invitation] = {}
    alike: dict[Invitation, Invitation] = {}

    def add(person: PlannedPerson, day: date, code: str, name: str, at: tuple[float, float]) -> None:
        one = Invitation(day, code, name, *at, person.due)
        found[person.id] = alike.setdefault(one, one)

    for site in made.sites:
        hours: dict[date, tuple[float, float]] = {}
        for session in site.sessions:
            begin, end = hours.get(session.day, (session.begin, session.end))
            hours[session.day] = min(begin, session.begin), max(end, session.end)
        for house in site.houses:
            for person in house.people:
                if person.day is not None:
                    at = hours.get(person.day, (0.0, 0.0))
                    add(person, person.day, site.site.code, site.site.name, at)
    visits = {(stop.house, one.day): stop for one in made.days for stop in one.stops if stop.house}
    for house in made.homes:
        for person in house.people:
            if person.day is not None:
                stop = visits.get((house.id, person.day))
                at = (stop.begin, stop.end) if stop else (0.0, 0.0)
                add(person, person.day, "", "", at)
    return found
