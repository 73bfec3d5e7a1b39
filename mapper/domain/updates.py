"""What several updates of one household tell, property by property, so that a person can compare them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from mapper.domain.people import Person, Visit

HOUSEHOLD = ("outcome", "hamlet_code", "commune_code", "house_number", "head", "phone", "expected_members")
PERSON = ("name", "born_on", "sex", "away_place", "contraindication", "infected_on", "deferred_until")

Value = str | int | bool | date | tuple[date | None, str | None]
"""What is told; of a dose, its day and vaccine."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One property and what each update tells of it, None where it says nothing.

    person: id, "" for the household's own. what: the name of the field, "refused", or "dose". code: of the dose.
    """

    person: str
    what: str
    code: str
    values: tuple[Value | None, ...]

    @property
    def differs(self) -> bool:
        """Whether two of the updates tell different things."""
        return len({value for value in self.values if value is not None}) > 1


def compare(visits: Sequence[Visit]) -> list[Compared]:
    """Every property that one of the visits tells, those of the household first."""
    told = [_told(visit) for visit in visits]
    keys = dict.fromkeys(key for one in told for key in one)
    # A person whom only a later visit names comes after the others, with all that is told of them together.
    people = {person: place for place, person in enumerate(dict.fromkeys(person for person, _, _ in keys))}
    ordered = sorted(keys, key=lambda key: (key[0] != "", people[key[0]]))
    return [Compared(*key, tuple(one.get(key) for one in told)) for key in ordered]


Key = tuple[str, str, str]


def _told(visit: Visit) -> dict[Key, Value]:
    told: dict[Key, Value] = {
        ("", field, ""): value for field in HOUSEHOLD if (value := getattr(visit, field)) is not None
    }
    for person in visit.people:
        told |= _told_of(person, visit.partial)
    return told


def _told_of(person: Person, partial: bool) -> dict[Key, Value]:
    told: dict[Key, Value] = {
        (person.id, field, ""): value for field in PERSON if (value := getattr(person, field)) is not None
    }
    for answer, field in (("residence", "residence"), ("contraindicated", "contraindicated"), ("consent", "refused")):
        if not partial or answer in person.answered:
            told[person.id, field, ""] = getattr(person, field)
    for dose in person.doses:
        told[person.id, "dose", dose.code] = (dose.given_on, dose.vaccine)
    return told
