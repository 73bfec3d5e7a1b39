"""Whom a plan is for: people due between two days, house by house, with what is owed to each of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mapper.domain.campaign import Campaign
from mapper.domain.follow_up import PersonState, Status, status
from mapper.domain.people import Person
from mapper.domain.plan import DueHouse, DuePerson
from mapper.domain.planning import PlanningRules
from mapper.formats.planning_rules import read_planning
from mapper.services.alike import Kinds, due_on
from mapper.services.field_area import FieldArea
from mapper.services.kept_people import Folk, Home, Key, Stand
from mapper.services.reference import Reference
from mapper.store import reference as kept
from mapper.store import tallies
from mapper.store.database import Connection


@dataclass(eq=False)
class NotDue:
    """People who are not due in the days of a plan, as they are counted.

    stands: how many by how they stand on the first day. next_on: the first later day on which one of them falls due.
    """

    stands: Counter[PersonState] = field(default_factory=Counter)
    next_on: date | None = None

    def count(self, found: Status, last: date, people: int = 1) -> None:
        """So many more, who stand so on the first day. last: of the plan."""
        self.stands[found.state] += people
        if found.next_on is not None and found.next_on > last:
            self.next_on = min(found.next_on, self.next_on or found.next_on)


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


@dataclass(frozen=True, eq=False)
class Units:
    """The innermost unit of each of some houses. number: position in codes, negative where none is known."""

    codes: Sequence[str]
    number: NDArray[np.int64]

    @classmethod
    def of(cls, told: Sequence[str | None]) -> Units:
        """As they are told, house by house."""
        codes = {code: number for number, code in enumerate(dict.fromkeys(one for one in told if one is not None))}
        return cls([*codes], np.array([-1 if one is None else codes[one] for one in told], np.int64))

    def code(self, house: int) -> str | None:
        """Of one of them."""
        number = int(self.number[house])
        return None if number < 0 else self.codes[number]


@dataclass(frozen=True, eq=False)
class Wanted:
    """Which houses of an area a plan is for. units: of each, None for all of which none is known."""

    inside: NDArray[np.bool_]
    units: Units | None = None


def everybody(folk: Folk) -> Wanted:
    """All of them."""
    return Wanted(np.ones(len(folk.homes), np.bool_))


def people_due(
    reference: Reference,
    connection: Connection,
    campaign: Campaign,
    rules: PlanningRules,
    days: tuple[date, date],
    area: FieldArea,
    others: NotDue | None = None,
    within: Callable[[Folk], Wanted] = everybody,
) -> list[DueHouse]:
    """The houses of an area in which anybody is due on the first of two days or falls due until the last, by id.

    others: in which everybody else of the area is counted. within: which houses of the area are wanted.
    """
    return crowd_due(reference, connection, campaign, rules, days, area, others, within).houses()


def look_ahead(reference: Reference, connection: Connection, campaign: Campaign, days: Sequence[date]) -> int:
    """Read everybody of a campaign, and work out where they stand on some days, before anybody asks; how many."""
    rules = rules_of(connection, campaign)
    folk = people_of(reference, connection, campaign, FieldArea(None))
    for day in days:
        kinds = _kinds(reference, connection, campaign, rules, day)
        kind_of, known = kinds.of(folk)
        unclear = np.array([one.due is None and not one.settled for one in known], np.bool_)
        for row in np.flatnonzero(unclear[kind_of]).tolist():
            kinds.stands(folk, row)
    return len(folk.ids)


def people_of(reference: Reference, connection: Connection, campaign: Campaign, area: FieldArea) -> Folk:
    """Everybody of the cells that have to be looked into for an area; ``area.hold`` says who of them is in it."""
    houses = tallies.houses(reference.database, connection, campaign.id, area.readable)
    era, _ = tallies.version(reference.database, connection)
    key = Key(era, reference.known(connection).revision, campaign.id)
    return reference.people.of(reference.database, connection, key, {cell: changes for cell, *_, changes in houses})


def _kinds(reference: Reference, connection: Connection, campaign: Campaign, rules: PlanningRules, day: date) -> Kinds:
    """What is known of kinds of people on a day, remembered for the days asked last."""
    key = reference.known(connection).revision, campaign.id, rules_told(connection, campaign), day
    known: Kinds | None = reference.people.known.get(key)
    if known is None:
        known = Kinds(campaign, rules, day)
        reference.people.known.keep(key, known)
    return known


def _inside(folk: Folk, area: FieldArea) -> NDArray[np.bool_]:
    """Which of the houses lie in an area."""
    if area.cells is None:
        return np.ones(len(folk.homes), np.bool_)
    held = {one.id for one in area.hold(folk.homes)}
    return np.array([one.id in held for one in folk.homes], np.bool_)


class Sorts:
    """Those of whom the same is due, of the same formulations, and who come before others alike. told: one of each."""

    def __init__(self) -> None:
        self.told: list[DuePerson] = []
        self._number: dict[tuple[object, ...], int] = {}

    def of(self, one: DuePerson) -> int:
        """The position of somebody's sort."""
        found = self._number.setdefault((one.due, tuple(one.vials.items()), one.precedences), len(self.told))
        if found == len(self.told):
            self.told.append(one)
        return found


@dataclass(frozen=True, eq=False)
class Crowd:
    """Everybody due in the days of a plan, a row each, those of a house one after another, by the houses' ids.

    homes, stand, units: of all houses that were looked at, due or not; units as ``Wanted`` has them. folk: position of
    each among the people looked at, of whom ids are; house: in homes. on: first day of the plan on which they are due,
    as ``date.toordinal`` counts; sort: position in sorts, each of which is one of those of whom the same is due.
    """

    homes: Sequence[Home]
    stand: Stand
    units: Units | None
    ids: Sequence[str]
    folk: NDArray[np.int64]
    house: NDArray[np.int64]
    on: NDArray[np.int64]
    sort: NDArray[np.int64]
    sorts: Sequence[DuePerson]

    def __len__(self) -> int:
        return len(self.folk)

    @classmethod
    def of(cls, houses: Sequence[DueHouse]) -> Crowd:
        """Of people as a plan sees them; houses by their ids."""
        homes = [Home(one.id, one.hamlet_code, one.commune_code, one.point, 0) for one in houses]
        sorts, people = Sorts(), [one for house in houses for one in house.people]
        return cls(
            homes,
            Stand.of(homes),
            Units.of([one.unit for one in houses]),
            [one.id for one in people],
            np.arange(len(people)),
            np.repeat(np.arange(len(houses)), [len(one.people) for one in houses]),
            np.array([one.on.toordinal() for one in people], np.int64),
            np.array([sorts.of(one) for one in people], np.int64),
            sorts.told,
        )

    def houses(self, rows: NDArray[np.int64] | None = None) -> list[DueHouse]:
        """They as a plan sees them, house by house. rows: only these of them, ascending; all where none are told."""
        if rows is None:
            rows = np.arange(len(self))
        days = {day: date.fromordinal(day) for day in np.unique(self.on).tolist()}
        ids, sorts, homes, units = self.ids, self.sorts, self.homes, self.units
        told = zip(*(each[rows].tolist() for each in (self.house, self.folk, self.on, self.sort)), strict=True)
        found = []
        for house, several in groupby(told, itemgetter(0)):
            identity, hamlet, commune, point, _ = homes[house]
            people = []
            for _, one, on, sort in several:
                like = sorts[sort]
                people.append(DuePerson(ids[one], days[on], like.due, like.vials, like.precedences))
            unit = units.code(house) if units is not None else None
            found.append(DueHouse(identity, hamlet, commune, point, tuple(people), unit))
        return found


def crowd_due(
    reference: Reference,
    connection: Connection,
    campaign: Campaign,
    rules: PlanningRules,
    days: tuple[date, date],
    area: FieldArea,
    others: NotDue | None = None,
    within: Callable[[Folk], Wanted] = everybody,
) -> Crowd:
    """Everybody of an area who is due on the first of two days or falls due until the last.

    others: in which everybody else of the area is counted. within: which houses of the area are wanted.
    """
    folk = people_of(reference, connection, campaign, area)
    kinds = _kinds(reference, connection, campaign, rules, days[0])
    wanted = within(folk)
    inside = _inside(folk, area) & wanted.inside
    found = due_among(folk, kinds, campaign, rules, days, others, inside[folk.house])
    house = folk.house[found.rows]
    there = np.zeros(len(folk.homes), np.int64)
    names = [one.id for one in folk.homes]
    order = sorted(np.unique(house).tolist(), key=names.__getitem__)
    there[order] = np.arange(len(order))
    by_house = np.argsort(there[house], kind="stable")
    rows, on, sort = (each[by_house] for each in (found.rows, found.on, found.sort))
    of_house = house[by_house].astype(np.int64)
    return Crowd(folk.homes, folk.stand, wanted.units, folk.ids, rows, of_house, on, sort, found.sorts)


class Due(NamedTuple):
    """Those of some people who are due: their rows, ascending, and as Crowd has it when and what."""

    rows: NDArray[np.int64]
    on: NDArray[np.int64]
    sort: NDArray[np.int64]
    sorts: list[DuePerson]


def due_among(
    folk: Folk,
    kinds: Kinds,
    campaign: Campaign,
    rules: PlanningRules,
    days: Sequence[date],
    others: NotDue | None = None,
    among: NDArray[np.bool_] | None = None,
) -> Due:
    """Those who are due, as ``due_between`` has it of each.

    What is known of their kind on the first day tells it, where that does. among: which people count at all.
    """
    kind_of, known = kinds.of(folk)
    rows = np.arange(len(folk.ids)) if among is None else np.flatnonzero(among)
    is_due = np.array([one.due is not None for one in known], np.bool_)
    settled = np.array([one.settled for one in known], np.bool_)
    of_rows = kind_of[rows]
    sorts = Sorts()
    sort_of_kind = np.array([-1 if one.due is None else sorts.of(one.due) for one in known], np.int64)
    now = rows[is_due[of_rows]]
    later: list[tuple[int, int, int]] = []
    for row in rows[~is_due[of_rows] & ~settled[of_rows]].tolist():
        stands = kinds.stands(folk, row)
        if stands.next_on is None or not days[0] < stands.next_on <= days[1]:
            if others is not None:
                others.count(stands, days[1])
            continue
        person = due_between(folk.person(row), campaign, rules, days, others)
        if person is not None:
            later.append((row, person.on.toordinal(), sorts.of(person)))
    if others is not None:
        done = np.bincount(of_rows[~is_due[of_rows] & settled[of_rows]], minlength=len(known))
        for kind in np.flatnonzero(done).tolist():
            others.count(known[kind].stands, days[1], int(done[kind]))
    more = np.array(later, np.int64).reshape(-1, 3).T
    found = np.concatenate([now, more[0]])
    on = np.concatenate([np.full(len(now), days[0].toordinal()), more[1]])
    sort = np.concatenate([sort_of_kind[kind_of[now]], more[2]])
    order = np.argsort(found, kind="stable")
    return Due(found[order], on[order], sort[order], sorts.told)


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
