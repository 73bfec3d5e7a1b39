"""What a visit to one house says: the household, its people, their doses.

The words in these fields are the register's own vocabulary. A form may use other choice names; its
campaign.toml maps them (``[values.residence]`` and so on), and a value without a mapping is kept as is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Literal, NamedTuple

from mapper.domain.entities import CREATED, Telling


class Outcome(StrEnum):
    """How a visit ended at the door."""

    INTERVIEWED = "interviewed"
    ABSENT = "absent"
    REFUSED = "refused"
    LOCKED = "locked"
    VACANT = "moved_away"


class Residence(StrEnum):
    """Where a registered person lives now."""

    RESIDENT = "here"
    WORKS_AWAY = "works_away"
    ABSENT = "absent"
    MOVED_IN = "moved_in"
    MOVED_OUT = "moved_out"


AWAY = frozenset({Residence.WORKS_AWAY, Residence.MOVED_OUT})
"""Residences that take a person out of this area's eligible people; a short absence does not."""


@dataclass(frozen=True, slots=True)
class Point:
    """A position on WGS 84, degrees; accuracy and altitude in metres, None where the phone gave none."""

    lat: float
    lon: float
    accuracy_m: float | None = None
    altitude_m: float | None = None


@dataclass(frozen=True, slots=True)
class Dose:
    """One injection. ``code`` is a dose of the campaign ("1", "2", "booster1"); unknown facts are None."""

    code: str
    given_on: date | None = None
    vaccine: str | None = None
    lot: str | None = None
    place: str | None = None
    evidence: str | None = None


BirthPrecision = Literal["day", "month", "year", "age"]


@dataclass(frozen=True, slots=True)
class Person:
    """One member of a household, as the last interview knows them.

    born_on: the birth date, or the middle of the period it lies in when only a year or an age is known
    (``birth_precision`` says which); None when nothing usable was said.
    vaccination_unknown: nobody at home could say whether doses were given.
    reported_on: the day of the interview, from which a refusal or deferral holds.
    answered: where only what changed was asked, those of ANSWERS that were answered; the others say nothing then.
    entity: what was said of the versions of the person's ODK entity.
    """

    id: str
    reported_on: date
    name: str | None = None
    born_on: date | None = None
    birth_precision: BirthPrecision | None = None
    sex: str | None = None
    residence: str = Residence.RESIDENT
    away_place: str | None = None
    priorities: tuple[str, ...] = ()
    contraindicated: bool = False
    contraindication: str | None = None
    deferred_until: date | None = None
    deferral_reason: str | None = None
    infected_on: date | None = None
    refused: bool = False
    refusal_reason: str | None = None
    vaccination_unknown: bool = False
    doses: tuple[Dose, ...] = ()
    answered: frozenset[str] = frozenset()
    entity: Telling = CREATED


ANSWERS = ("residence", "contraindicated", "consent", "vaccinated", "priorities")
"""What has a value also where nobody answered: residence here, no contraindication, no refusal."""


Property = tuple[str, str, str]
"""Something that a visit tells: id of a person ("" for the household itself), what it is, and of a dose its code."""


class Whereabouts(NamedTuple):
    """Of a visit, what decides where and when its household counts; see ``Visit``."""

    household_id: str
    visited_on: date
    hamlet_code: str | None
    commune_code: str | None
    point: Point | None


@dataclass(frozen=True, slots=True)
class Visit:
    """One visit to one household, as one submission tells it.

    household_id: the ODK entity id where the form makes one, else the first instance id of the submission.
    visited_on: the day at the door, by the phone's clock.
    hamlet_code, commune_code: as chosen in the form; the commune of the point is found apart and both are kept.
    partial: a revisit, which tells only what changed: whoever it does not name is as before, and of whom it names
    only what was answered is new. entity: what was said of the versions of the household's ODK entity. aside:
    properties that a supervisor set aside, of which the visit says nothing. of_some: it tells all of whom it names,
    and of the others nothing.
    """

    household_id: str
    visited_on: date
    outcome: str
    hamlet_code: str | None = None
    commune_code: str | None = None
    house_number: str | None = None
    head: str | None = None
    phone: str | None = None
    point: Point | None = None
    expected_members: int | None = None
    people: tuple[Person, ...] = ()
    partial: bool = False
    entity: Telling = CREATED
    aside: frozenset[Property] = frozenset()
    of_some: bool = False

    @property
    def whereabouts(self) -> Whereabouts:
        """What decides where the household counts."""
        return Whereabouts(self.household_id, self.visited_on, self.hamlet_code, self.commune_code, self.point)

    @property
    def tells_outcome(self) -> bool:
        """Whether it counts how the visit ended."""
        return ("", "outcome", "") not in self.aside


@dataclass(frozen=True, slots=True)
class Finding:
    """Something in a visit that a supervisor should look at; the visit still counts.

    code: a stable word ("point_out_of_range"); message and facts as in MapperError, for translation.
    """

    code: str
    message: str
    facts: tuple[tuple[str, str], ...] = ()
