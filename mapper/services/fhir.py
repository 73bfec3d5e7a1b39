"""The people whom a filter wants as FHIR resources, and a file of such resources compared with the register."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple, cast

from mapper.domain.ledger import State
from mapper.domain.people import BirthPrecision, Person
from mapper.formats import fhir
from mapper.formats.fhir import Handed, ReadPerson, Resource
from mapper.services.accounts import User
from mapper.services.exchange import mapping_of
from mapper.services.filtered import Filtered, FilterQuestion, filtered
from mapper.services.reference import Reference
from mapper.store.columns import PersonRow


def resources(
    reference: Reference, user: User, question: FilterQuestion, types: Collection[str] = fhir.TYPES
) -> Iterator[Resource]:
    """Everybody a filter wants among those a user may see, with their doses and places; memory stays flat.

    Where the filter names a group and a dose, everybody for whom it is due has a recommendation. Each resource tells
    the campaign as its source. Raises as ``filtered`` does, before the first is given.
    """
    meta = {"source": f"urn:tung-nha:campaign:{question.campaign_id}"}
    for one in _all(reference, user, question, types):
        yield {"resourceType": one["resourceType"], "meta": meta, **one}


def _all(reference: Reference, user: User, question: FilterQuestion, types: Collection[str]) -> Iterator[Resource]:
    with filtered(reference, user, question) as found:
        with reference.database.read() as connection:
            mapping = mapping_of(connection, found.campaign)
        wanted = question.wanted
        asked = found.campaign.find(wanted.group, wanted.dose) if wanted.group and wanted.dose else None
        told: set[tuple[str, str]] = set()
        for some in found.people():
            for row in some:
                one = _handed(found, row)
                for each in _places(found, one, told):
                    if each["resourceType"] in types:
                        yield each
                if "Patient" in types:
                    yield fhir.patient(one, found.places.id)
                if "Immunization" in types:
                    yield from fhir.immunizations(one, found.campaign, mapping)
                if asked and one.due and "ImmunizationRecommendation" in types:
                    yield fhir.recommendation(one, asked[1], question.day, found.campaign, mapping)


def _handed(found: Filtered, row: PersonRow) -> Handed:
    at = found.place(row.cell)
    return Handed(
        person_of(row),
        row.household_id,
        phone=row.phone or "",
        house_number=row.house_number or "",
        hamlet=at.hamlet_code,
        hamlet_name=at.hamlet,
        unit=at.unit_code,
        unit_name=at.unit,
        due=row.state is State.DUE,
    )


def person_of(row: PersonRow) -> Person:
    """The person of a row."""
    return Person(
        id=row.id,
        reported_on=row.reported_on,
        name=row.name,
        born_on=row.born_on,
        birth_precision=cast(BirthPrecision | None, row.birth_precision),
        sex=row.sex,
        residence=row.residence,
        contraindicated=row.contraindicated,
        contraindication=row.contraindication,
        deferred_until=row.deferred_until,
        deferral_reason=row.deferral_reason,
        refused=row.refused,
        refusal_reason=row.refusal_reason,
        doses=row.doses,
    )


def _places(found: Filtered, one: Handed, told: set[tuple[str, str]]) -> Iterator[Resource]:
    """The units and the hamlet of a household that were not given before."""
    places = found.places
    line = places.line(one.unit) if one.unit else []
    for number, code in reversed(list(enumerate(line))):
        if ("unit", code) not in told:
            told.add(("unit", code))
            level = places.about.levels[-1 - number]
            unit = places.units.get((level, code))
            above = line[number + 1] if number + 1 < len(line) else ""
            yield fhir.organization(places.id, code, unit.name if unit else code, above)
    if one.hamlet and ("hamlet", one.hamlet) not in told:
        told.add(("hamlet", one.hamlet))
        yield fhir.location(places.id, one.hamlet, one.hamlet_name, one.unit)


class Difference(NamedTuple):
    """Somebody whom a file and the register tell differently.

    line: of the file, 0 for whom it lacks. what: "here" or "there" for who is missing, else the facts that differ.
    """

    line: int
    id: str
    what: tuple[str, ...]


def compare(
    reference: Reference, user: User, question: FilterQuestion, theirs: Sequence[ReadPerson]
) -> tuple[int, list[Difference]]:
    """How many people of a file are as the register has them, and every one who is not, line by line."""
    told = {one.id: one for one in theirs}
    same, different = 0, []
    with filtered(reference, user, question) as found:
        for some in found.people():
            for row in some:
                ours, other = fhir.as_read(person_of(row)), told.pop(row.id, None)
                what = ("there",) if other is None else _differs(ours, other)
                if what:
                    different.append(Difference(other.line if other else 0, row.id, what))
                else:
                    same += 1
    different += [Difference(one.line, one.id, ("here",)) for one in told.values()]
    return same, sorted(different, key=lambda one: (one.line == 0, one.line))


def _differs(ours: ReadPerson, theirs: ReadPerson) -> tuple[str, ...]:
    ours = replace(ours, line=theirs.line)
    names = ("name", "sex", "birth", "doses", "hindered")
    return tuple(name for name in names if getattr(ours, name) != getattr(theirs, name))
