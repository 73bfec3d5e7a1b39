"""The houses and people of a plan by name, as far as their reader may see them, for what is printed and handed out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from mapper.domain.made_plan import PlannedHouse, PlannedPerson
from mapper.domain.people import Person
from mapper.domain.places import fold
from mapper.domain.walk import number_key
from mapper.services.accounts import User
from mapper.services.field_area import field_area
from mapper.services.plan_figures import PlaceNames
from mapper.services.reference import Reference
from mapper.store import follow_up
from mapper.store.follow_up import HouseholdRow

_AT_ONCE = 2_000
"""Households whose people are read at a time."""


@dataclass(frozen=True, slots=True)
class Named:
    """Somebody of a plan whom the reader may see. person: None whom the register holds no more."""

    planned: PlannedPerson
    person: Person | None


@dataclass(frozen=True, slots=True)
class NamedHouse:
    """A house of a plan that the reader may see, with those of its people who are meant."""

    planned: PlannedHouse
    row: HouseholdRow
    people: tuple[Named, ...]


@dataclass(frozen=True, slots=True)
class SeenHouses:
    """What the register tells a reader of a plan's houses: rows by id, people by house and by their own id."""

    rows: Mapping[str, HouseholdRow] = field(default_factory=dict)
    people: Mapping[str, Mapping[str, Person]] = field(default_factory=dict)

    def of(self, houses: Iterable[PlannedHouse], names: PlaceNames, day: date | None = None) -> list[NamedHouse]:
        """Houses that may be seen, by commune, hamlet and house number. day: only their people of that day."""
        found = []
        for house in houses:
            row = self.rows.get(house.id)
            meant = [one for one in house.people if day is None or one.day == day]
            if row is not None and meant:
                known = self.people.get(house.id, {})
                found.append(NamedHouse(house, row, tuple(Named(one, known.get(one.id)) for one in meant)))
        return sorted(found, key=lambda one: _place(one, names))

    def unseen(self, houses: Iterable[PlannedHouse], day: date | None = None) -> int:
        """How many people of houses the reader may not see, or the register holds no more."""
        return sum(
            day is None or one.day == day for house in houses if house.id not in self.rows for one in house.people
        )


def seen_houses(
    reference: Reference, user: User, campaign_id: str, houses: Iterable[PlannedHouse], by_name: bool = True
) -> SeenHouses:
    """Read what a user may see of a plan's houses. by_name: whether their people are read too."""
    ids = sorted({one.id for one in houses})
    rows: dict[str, HouseholdRow] = {}
    people: dict[str, Mapping[str, Person]] = {}
    with reference.database.read() as connection:
        area = field_area(reference, connection, reference.known(connection), user)
        for some in _in_parts(ids):
            found = follow_up.households_of(reference.database, connection, campaign_id, some)
            held = area.hold([row for name, row in found.items() if name == row.id])
            rows.update((row.id, row) for row in held)
            if by_name:
                members = follow_up.people(reference.database, connection, [row.seq for row in held])
                people.update((row.id, {one.id: one for one, _ in members.get(row.seq, ())}) for row in held)
    return SeenHouses(rows, people)


def _in_parts(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE))


def _place(one: NamedHouse, names: PlaceNames) -> tuple[object, ...]:
    house = one.planned
    return (
        not house.commune_code,
        fold(names.unit(house.commune_code)),
        house.commune_code or "",
        not house.hamlet_code,
        number_key(fold(names.hamlet(house.hamlet_code))),
        house.hamlet_code or "",
        number_key(one.row.house_number),
        house.id,
    )
