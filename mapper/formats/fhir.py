"""People and their doses as FHIR R4 resources, written and read back; facts that nobody told are left out."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from itertools import chain
from typing import IO, Any

import orjson

from mapper.domain.campaign import Campaign, ScheduledDose
from mapper.domain.exchange import Code, ExchangeMapping
from mapper.domain.people import Dose, Person
from mapper.domain.whole import whole
from mapper.errors import InvalidInput, TooLarge, mark

Resource = dict[str, Any]

TYPES = ("Organization", "Location", "Patient", "Immunization", "ImmunizationRecommendation")
"""What is written, in this order where several come together."""

PERSON, HOUSEHOLD, PRECISION = (f"urn:tung-nha:{name}" for name in ("person", "household", "birth-precision"))
DOSE, DUE_DOSE, DEFERRED_UNTIL = (f"urn:tung-nha:{name}" for name in ("dose", "due-dose", "deferred-until"))
OBSTACLES = "urn:tung-nha:obstacle"
REASONS = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
DUE = "http://terminology.hl7.org/CodeSystem/immunization-recommendation-status"
UNDATED = "unknown"
DEFERRED = "DEFERRED"
"""Code of a dose put off; FHIR has none of its own for that."""
_ID = re.compile(r"[A-Za-z0-9.-]{1,64}", re.ASCII)
_MOST_OF_BUNDLE = 60_000_000
_LONGEST_LINE = 1_000_000
"""Bytes. A Bundle is understood as a whole, of lines one at a time."""

_GENDERS = ("male", "female")


@dataclass(frozen=True, slots=True)
class Handed:
    """Somebody who is handed over. due: whether the dose asked about is due; hamlet, unit: codes, "" for none."""

    person: Person
    household_id: str
    phone: str = ""
    house_number: str = ""
    hamlet: str = ""
    hamlet_name: str = ""
    unit: str = ""
    unit_name: str = ""
    due: bool = False


def identity(*parts: str) -> str:
    """A resource's id: the register's own where FHIR takes it, else one made from it, always the same."""
    text = "-".join(parts).removeprefix("uuid:")
    return text if _ID.fullmatch(text) else hashlib.sha256("\0".join(parts).encode()).hexdigest()[:40]


def organization(set_id: str, code: str, name: str, above: str = "") -> Resource:
    """A unit of a boundary set; above: code of the unit that holds it."""
    found: Resource = {
        "resourceType": "Organization",
        "id": identity(set_id, code),
        "identifier": [{"system": f"urn:tung-nha:unit:{set_id}", "value": code}],
        "name": name or code,
    }
    return found | ({"partOf": {"reference": f"Organization/{identity(set_id, above)}"}} if above else {})


def location(set_id: str, hamlet: str, name: str, unit: str) -> Resource:
    """A hamlet."""
    found: Resource = {
        "resourceType": "Location",
        "id": identity("hamlet", hamlet),
        "identifier": [{"system": "urn:tung-nha:hamlet", "value": hamlet}],
        "name": name or hamlet,
        "mode": "instance",
    }
    if unit:
        found["managingOrganization"] = {"reference": f"Organization/{identity(set_id, unit)}"}
    return found


def birth_of(person: Person) -> str:
    """A birth date as exactly as it is known: 1980-05-17, 1980-05 or 1980; "" where it is not."""
    if person.born_on is None:
        return ""
    return person.born_on.isoformat()[: {"day": 10, "month": 7}.get(person.birth_precision or "day", 4)]


def patient(one: Handed, set_id: str) -> Resource:
    """A person."""
    person = one.person
    found: Resource = {
        "resourceType": "Patient",
        "id": identity(person.id),
        "identifier": [
            {"system": PERSON, "value": person.id},
            {"use": "secondary", "system": HOUSEHOLD, "value": one.household_id},
        ],
    }
    if person.name:
        found["name"] = [{"use": "usual", "text": person.name}]
    if one.phone:
        found["telecom"] = [{"system": "phone", "value": one.phone}]
    if person.sex:
        found["gender"] = person.sex if person.sex in _GENDERS else "other"
    if birth := birth_of(person):
        found["birthDate"] = birth
        if person.birth_precision == "age":
            # An age was told: the year is worked out from it.
            found["_birthDate"] = {"extension": [{"url": PRECISION, "valueCode": "age"}]}
    lines = [text for text in (one.house_number, one.hamlet_name) if text]
    if lines or one.unit_name:
        address: Resource = {"use": "home", "line": lines, "city": one.unit_name, "country": "VN"}
        found["address"] = [{key: told for key, told in address.items() if told}]
    if one.unit:
        found["managingOrganization"] = {"reference": f"Organization/{identity(set_id, one.unit)}"}
    return found


def immunizations(one: Handed, campaign: Campaign, mapping: ExchangeMapping) -> Iterator[Resource]:
    """A person's doses, and a dose not given where a refusal or a contraindication was told."""
    person = one.person
    for number, dose in enumerate(person.doses, 1):
        yield _given(person, dose, identity(person.id, str(number)), campaign, mapping)
    deferred = person.deferred_until
    hindered = (
        (REASONS, "PATOBJ", person.refused, person.refusal_reason),
        (REASONS, "MEDPREC", person.contraindicated, person.contraindication),
        (OBSTACLES, DEFERRED, deferred is not None, person.deferral_reason),
    )
    for system, code, told, reason in hindered:
        if told:
            why: Resource = {"coding": [{"system": system, "code": code}]}
            if code == DEFERRED and deferred is not None:
                why["extension"] = [{"url": DEFERRED_UNTIL, "valueDate": deferred.isoformat()}]
            own = identity(person.id, code)
            yield {
                "resourceType": "Immunization",
                "id": own,
                "identifier": [{"system": DOSE, "value": own}],
                "status": "not-done",
                "statusReason": why | ({"text": reason} if reason else {}),
                "vaccineCode": {"text": campaign.label.vi},
                "patient": {"reference": f"Patient/{identity(person.id)}"},
                "occurrenceDateTime": person.reported_on.isoformat(),
            }


def _given(person: Person, dose: Dose, own: str, campaign: Campaign, mapping: ExchangeMapping) -> Resource:
    found: Resource = {
        "resourceType": "Immunization",
        "id": own,
        "identifier": [{"system": DOSE, "value": own}],
        "status": "completed",
        "vaccineCode": vaccine_concept(dose.vaccine, campaign, mapping),
        "patient": {"reference": f"Patient/{identity(person.id)}"},
        "primarySource": False,
    }
    found |= {"occurrenceDateTime": dose.given_on.isoformat()} if dose.given_on else {"occurrenceString": UNDATED}
    if dose.evidence:
        found["reportOrigin"] = {"text": dose.evidence}
    if dose.lot:
        found["lotNumber"] = dose.lot
    if dose.place:
        found["location"] = {"display": dose.place}
    protocol: Resource = {"series": campaign.label.vi, **_number(dose.code)}
    if mapping.diseases:
        protocol["targetDisease"] = [{"coding": [_coding(code)]} for code in mapping.diseases]
    return found | {"protocolApplied": [protocol]}


def vaccine_concept(vaccine: str | None, campaign: Campaign, mapping: ExchangeMapping) -> Resource:
    """A vaccine in the campaign's word, with the codes of other lists that are mapped to it."""
    if not vaccine:
        return {"text": UNDATED}
    label = campaign.vaccines.get(vaccine)
    codes = [Code(_vaccines(campaign), vaccine), *mapping.vaccines.get(vaccine, ())]
    return {"coding": [_coding(code) for code in codes], "text": label.vi if label else vaccine}


def _vaccines(campaign: Campaign) -> str:
    return f"urn:tung-nha:vaccine:{campaign.id}"


def _coding(code: Code) -> Resource:
    return {"system": code.system, "code": code.code} | ({"display": code.display} if code.display else {})


def _number(code: str) -> Resource:
    number = whole(code)
    if number and code == str(number):
        return {"doseNumberPositiveInt": number}
    return {"doseNumberString": code}


def recommendation(
    one: Handed, dose: ScheduledDose, day: date, campaign: Campaign, mapping: ExchangeMapping
) -> Resource:
    """What is due for a person on a day."""
    told: Resource = {
        "forecastStatus": {"coding": [{"system": DUE, "code": "due"}]},
        "series": campaign.label.vi,
        **_number(dose.code),
        # Of a dose that may be of any vaccine, the campaign says for what it is.
        "vaccineCode": [vaccine_concept(each, campaign, mapping) for each in dose.vaccines]
        or [{"text": campaign.label.vi}],
    }
    if mapping.diseases:
        told["targetDisease"] = {"coding": [_coding(mapping.diseases[0])]}
    own = identity(one.person.id, "due", dose.code)
    return {
        "resourceType": "ImmunizationRecommendation",
        "id": own,
        "identifier": [{"system": DUE_DOSE, "value": own}],
        "patient": {"reference": f"Patient/{identity(one.person.id)}"},
        "date": day.isoformat(),
        "recommendation": [told],
    }


def write_bundle(resources: Iterator[Resource], base: str, at: str) -> Iterator[bytes]:
    """A Bundle of all of them, piece by piece. base: address below which each would stand; at: ISO time."""
    head = orjson.dumps({"resourceType": "Bundle", "type": "collection", "timestamp": at})
    yield head[:-1]
    begun = False
    for one in resources:
        entry = {"fullUrl": f"{base}/{one['resourceType']}/{one['id']}", "resource": one}
        yield (b",\n" if begun else b',"entry":[\n') + orjson.dumps(entry)
        begun = True
    # FHIR knows no empty lists.
    yield b"]}\n" if begun else b"}\n"


def write_ndjson(resources: Iterator[Resource]) -> Iterator[bytes]:
    """One resource a line."""
    for one in resources:
        yield orjson.dumps(one, option=orjson.OPT_APPEND_NEWLINE)


@dataclass(frozen=True, slots=True)
class ReadPerson:
    """A person as a file tells them, with doses; birth as ``birth_of`` writes it. line: of the file, or entry.

    hindered: reasons by the code of what hinders a dose.
    """

    line: int
    id: str
    name: str
    sex: str
    birth: str
    doses: tuple[Dose, ...]
    hindered: Mapping[str, str]


def as_read(person: Person, line: int = 0) -> ReadPerson:
    """A person of the register in the same words."""
    sex = person.sex or ""
    hindered = {"PATOBJ": person.refusal_reason or ""} if person.refused else {}
    hindered |= {"MEDPREC": person.contraindication or ""} if person.contraindicated else {}
    if person.deferred_until is not None:
        hindered[DEFERRED] = f"{person.deferred_until} {person.deferral_reason or ''}".strip()
    told = sex if sex in ("", *_GENDERS) else "other"
    return ReadPerson(line, person.id, person.name or "", told, birth_of(person), person.doses, hindered)


def read_people(file: IO[bytes]) -> list[ReadPerson]:
    """The people of a Bundle, or of one resource a line, which is read line by line.

    Raises InvalidInput with the place of what is wrong, TooLarge.
    """
    people: dict[str, ReadPerson] = {}
    doses: dict[str, list[Dose]] = {}
    hindered: dict[str, dict[str, str]] = {}
    line = 0
    try:
        for line, one in _resources(file):
            kind = one.get("resourceType")
            if kind == "Patient":
                if one["id"] in people:
                    raise _wrong(line, mark("Line {line}: the patient {id} stands twice."), id=str(one["id"])[:64])
                people[one["id"]] = _person(line, one)
            elif kind == "Immunization":
                whose = str(one["patient"]["reference"]).rpartition("/")[2]
                if one["status"] == "not-done":
                    reason = one.get("statusReason", {})
                    code = reason.get("coding", [{}])[0].get("code", "")
                    until = [str(each["valueDate"]) for each in reason.get("extension", ()) if "valueDate" in each]
                    hindered.setdefault(whose, {})[code] = " ".join([*until, reason.get("text", "")]).strip()
                elif one["status"] == "completed":
                    doses.setdefault(whose, []).append(_dose(line, one))
    except (KeyError, TypeError, ValueError, AttributeError, IndexError):
        raise _wrong(line, mark("Line {line}: this resource is not as FHIR R4 has it.")) from None
    found = [
        replace(one, doses=tuple(doses.pop(own, ())), hindered=hindered.pop(own, {})) for own, one in people.items()
    ]
    for whose in (*doses, *hindered):
        raise _wrong(0, mark("The file has doses of the patient {id}, whom it does not hold."), id=whose[:64])
    if not found:
        raise _wrong(0, mark("The file holds no patient. Export the people of the area once more."))
    return found


def _wrong(line: int, message: str, **facts: str) -> InvalidInput:
    return InvalidInput(message, line=line, **facts)


def _resources(file: IO[bytes]) -> Iterator[tuple[int, Resource]]:
    first = file.readline(_LONGEST_LINE).removeprefix(b"\xef\xbb\xbf")
    if _is_resource(first):
        yield from _of_lines(chain([first], iter(partial(file.readline, _LONGEST_LINE), b"")))
        return
    # A Bundle is one whole, which may begin on the first line and end on the last.
    rest = file.read(_MOST_OF_BUNDLE - len(first) + 1)
    if len(first) + len(rest) > _MOST_OF_BUNDLE:
        raise TooLarge(
            mark("A Bundle of more than {limit} MB is not compared. Export one resource a line (ndjson) instead."),
            limit=_MOST_OF_BUNDLE // 1_000_000,
        )
    content = (first + rest).strip()
    try:
        whole = orjson.loads(content)
    except ValueError:
        whole = None
    if isinstance(whole, dict) and whole.get("resourceType") == "Bundle":
        entries = whole.get("entry", [])
        for number, entry in enumerate(entries if isinstance(entries, list) else [entries], 1):
            resource = entry.get("resource") if isinstance(entry, dict) else None
            if not isinstance(resource, dict):
                raise _wrong(number, mark("Line {line}: this resource is not as FHIR R4 has it."))
            yield number, resource
        return
    yield from _of_lines(content.splitlines())


def _is_resource(line: bytes) -> bool:
    """Whether a line is a whole resource that is no Bundle."""
    try:
        one = orjson.loads(line)
    except ValueError:
        return False
    return isinstance(one, dict) and one.get("resourceType") not in (None, "Bundle")


def _of_lines(lines: Iterable[bytes]) -> Iterator[tuple[int, Resource]]:
    for number, text in enumerate(lines, 1):
        try:
            one = orjson.loads(text) if text.strip() else {}
        except ValueError:
            raise _wrong(number, mark("Line {line}: this is no JSON. Send a Bundle, or one resource a line.")) from None
        if text.strip():
            yield number, one


def _person(line: int, one: Resource) -> ReadPerson:
    own = next((each["value"] for each in one.get("identifier", ()) if each.get("system") == PERSON), one["id"])
    name = (one.get("name") or [{}])[0]
    written = name.get("text") or " ".join([name.get("family", ""), *name.get("given", ())]).strip()
    told = (own, written, one.get("gender", ""), one.get("birthDate", ""))
    if not all(isinstance(each, str) for each in told):
        raise TypeError(told)
    return ReadPerson(line, *told, (), {})


def _dose(line: int, one: Resource) -> Dose:
    protocol = one.get("protocolApplied", [{}])[0]
    code = str(protocol.get("doseNumberPositiveInt") or protocol.get("doseNumberString") or "")
    coding = one["vaccineCode"].get("coding", [])
    own = [each["code"] for each in coding if str(each.get("system", "")).startswith("urn:tung-nha:vaccine:")]
    vaccine = own[0] if own else coding[0]["code"] if coding else None
    day = one.get("occurrenceDateTime", "")[:10]
    if day and len(day) < 10:
        raise _wrong(line, mark("Line {line}: {day} is no whole day. A dose here has its day, or none."), day=day)
    place, evidence = one.get("location", {}).get("display"), one.get("reportOrigin", {}).get("text")
    return Dose(code, date.fromisoformat(day) if day else None, vaccine, one.get("lotNumber"), place, evidence)
