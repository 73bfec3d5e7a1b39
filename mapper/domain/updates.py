"""What several updates of one household tell, property by property: compared, decided about, and set aside."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from mapper.domain.people import Outcome, Person, Point, Property, Visit

WHOLE: Property = ("", "", "")
"""Stands for all that an update tells."""

HOUSEHOLD = ("outcome", "hamlet_code", "commune_code", "house_number", "head", "phone", "expected_members", "point")
MEMBER = "person"
"""The property that somebody belongs to the household at all."""

DOSE = "dose"

PERSON = {
    "name": ("name",),
    "born_on": ("born_on", "birth_precision"),
    "sex": ("sex",),
    "residence": ("residence", "away_place"),
    "contraindicated": ("contraindicated", "contraindication"),
    "infected_on": ("infected_on",),
    "refused": ("refused", "refusal_reason"),
    "deferred_until": ("deferred_until", "deferral_reason"),
    "vaccination_unknown": ("vaccination_unknown",),
    "priorities": ("priorities",),
}
"""Properties of a person and the fields that each is told in, the first of them first."""

_PAIRS = frozenset({"residence", "contraindicated", "refused", "deferred_until"})
"""Those that are shown with the place or reason told besides."""

ANSWERED_AS = {
    "residence": "residence",
    "contraindicated": "contraindicated",
    "refused": "consent",
    "vaccination_unknown": "vaccinated",
    "priorities": "priorities",
}
"""Properties that a revisit tells only where they were answered, and by which of ``people.ANSWERS``."""

SAME_SPOT_M = 50.0
"""Two positions of one house lie no farther apart: phones find it a little elsewhere each time."""

_METRES_A_DEGREE = 111_195.0
_NOBODY = Person("", date.min)

Plain = str | int | bool | date
Value = Plain | Point | tuple[Plain | None, Plain | None]
"""What is told; with a reason or a vaccine, the two as a pair."""

Said = Mapping[str, Mapping[Property, bool]]
"""What one decision says: by instance id of each update that it weighed, which properties count (True) or do not."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One property and what each update tells of it, None where it says nothing.

    person: id, "" for the household's own. what: one of HOUSEHOLD or PERSON, MEMBER or DOSE. code: of the dose.
    otherwise: what is known without these updates. now: what counts with them. new: a person whom nobody else names.
    """

    person: str
    what: str
    code: str
    values: tuple[Value | None, ...]
    otherwise: Value | None = None
    now: Value | None = None
    new: bool = False

    @property
    def key(self) -> Property:
        """The property itself."""
        return self.person, self.what, self.code

    @property
    def differs(self) -> bool:
        """Whether two of the updates tell different things."""
        told = [value for value in self.values if value is not None]
        return any(not _alike(value, told[0]) for value in told[1:])

    @property
    def contested(self) -> bool:
        """Whether it matters which of the updates counts."""
        return self.differs or (
            self.can_stay and any(v is not None and not _alike(v, self.otherwise) for v in self.values)
        )

    @property
    def can_stay(self) -> bool:
        """Whether what is known without the updates may count: of somebody unknown nothing is, but that they are."""
        return not self.new or self.what == MEMBER

    @property
    def apart(self) -> bool:
        """Whether what is known without the updates is a choice of its own, since none of them tells it."""
        return self.can_stay and (self.otherwise is None or self.otherwise not in self.values)

    @property
    def counts(self) -> int | None:
        """Which of the updates tells what counts now, by its place; None for none of them."""
        places = [place for place, value in enumerate(self.values) if value is not None and value == self.now]
        return places[-1] if places else None

    @property
    def stays(self) -> bool:
        """Whether what counts now is what is known without the updates, and none of them tells it."""
        return self.counts is None and self.can_stay and self.now == self.otherwise


def compare(visits: Sequence[Visit], otherwise: Visit | None = None, now: Visit | None = None) -> list[Compared]:
    """Every property that one of the visits tells, those of the household first.

    otherwise: the household without them; now: as it counts.
    """
    before = told_by(replace(otherwise, partial=False)) if otherwise else {}
    counting = told_by(replace(now, partial=False)) if now else {}
    known = [person for person, what, _ in before if what == MEMBER]
    told = [told_by(visit, known) for visit in visits]
    keys = dict.fromkeys(key for one in told for key in one)
    # A person whom only a later visit names comes after the others, with all that is told of them together.
    people = {person: place for place, person in enumerate(dict.fromkeys(person for person, _, _ in keys))}
    found = []
    for key in sorted(keys, key=lambda key: (key[0] != "", people[key[0]])):
        usual = False if key[1] == MEMBER else None
        values = tuple(one.get(key) for one in told)
        new = bool(key[0]) and key[0] not in known
        found.append(Compared(*key, values, before.get(key, usual), counting.get(key, usual), new))
    return found


def told_by(visit: Visit, known: Collection[str] = ()) -> dict[Property, Value]:
    """What a visit tells. known: ids of people of whom a revisit need not tell that they belong to the household."""
    told: dict[Property, Value] = {
        ("", field, ""): value for field in HOUSEHOLD if (value := getattr(visit, field)) is not None
    }
    named = {person.id for person in visit.people}
    for person in visit.people:
        if not visit.partial or person.id not in known:
            told[person.id, MEMBER, ""] = True
        told |= _told_of(person, visit.partial)
    if not visit.partial and visit.outcome == Outcome.INTERVIEWED:
        told |= {(person, MEMBER, ""): False for person in known if person not in named}
    return told


def _told_of(person: Person, partial: bool) -> dict[Property, Value]:
    told: dict[Property, Value] = {}
    for what, fields in PERSON.items():
        first, *more = [getattr(person, field) for field in fields]
        if partial and what in ANSWERED_AS and ANSWERED_AS[what] not in person.answered:
            first = None
        if what == "priorities" and first is not None:
            first = " ".join(first)
        if what in _PAIRS and (first is not None or (what in ANSWERED_AS and more[0] is not None)):
            told[person.id, what, ""] = (first, more[0])
        elif what not in _PAIRS and first is not None:
            told[person.id, what, ""] = first
    for dose in person.doses:
        told[person.id, DOSE, dose.code] = (dose.given_on, dose.vaccine)
    return told


def _alike(one: Value, other: Value | None) -> bool:
    if isinstance(one, Point) and isinstance(other, Point):
        north = one.lat - other.lat
        east = (one.lon - other.lon) * math.cos(math.radians(one.lat))
        return math.hypot(north, east) * _METRES_A_DEGREE <= SAME_SPOT_M
    return one == other


def without(visit: Visit, aside: Collection[Property]) -> Visit | None:
    """A visit as if it said nothing of some of its properties; None where nothing at all of it is to count.

    A visit that tells the whole household keeps, in ``Visit.aside``, of what it now says nothing: there, what it leaves
    out would mean that there is none. The same holds for how the visit ended, which every visit tells.
    """
    if WHOLE in aside:
        return None
    if not aside:
        return visit
    blank = {field: None for field in HOUSEHOLD[1:] if ("", field, "") in aside}
    people = tuple(_without(person, aside) for person in visit.people if (person.id, MEMBER, "") not in aside)
    return replace(visit, people=people, aside=frozenset(aside), **blank)  # type: ignore[arg-type]


def _without(person: Person, aside: Collection[Property]) -> Person:
    left_out = [what for what in PERSON if (person.id, what, "") in aside]
    blank = {field: getattr(_NOBODY, field) for what in left_out for field in PERSON[what]}
    doses = tuple(dose for dose in person.doses if (person.id, DOSE, dose.code) not in aside)
    answered = person.answered - {ANSWERED_AS[what] for what in left_out if what in ANSWERED_AS}
    return replace(person, doses=doses, answered=answered, **blank)


def as_before(person: Person, before: Person | None, aside: Collection[Property]) -> Person:
    """A person as a visit tells of them, but for what is set aside, which is as it was known before."""
    if before is None:
        return person
    left_out = [what for what in PERSON if (person.id, what, "") in aside]
    kept = {field: getattr(before, field) for what in left_out for field in PERSON[what]}
    doses = tuple(dose for dose in before.doses if (person.id, DOSE, dose.code) in aside)
    return replace(person, doses=person.doses + doses, **kept)


def set_aside(decided: Iterable[Said]) -> dict[str, frozenset[Property]]:
    """By instance id the properties that do not count, after decisions in their order: the later has the word."""
    counts: dict[str, dict[Property, bool]] = {}
    for said in decided:
        for instance_id, properties in said.items():
            counts.setdefault(instance_id, {}).update(properties)
    found = {
        instance_id: frozenset(key for key, does in properties.items() if not does)
        for instance_id, properties in counts.items()
    }
    return {instance_id: aside for instance_id, aside in found.items() if aside}
