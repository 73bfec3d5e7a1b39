"""A slip for a person: what the census knows of somebody's doses, as few words as a QR code has room for.

A slip is a record of the census and no official certificate.
"""

from __future__ import annotations

import json
import unicodedata
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from mapper.domain.people import Person
from mapper.errors import InvalidInput, mark

LONGEST_NAME = 120
"""Letters of a name; the longest of people are about half as long."""

SHORTEST_CUT = 24
"""Letters that are left of a name where a code has no room for all of it."""

MOST_DOSES = 8
LONGEST_WORD = 24
"""Letters of a vaccine that was written freely."""


class NameAs(StrEnum):
    """How a slip calls its person."""

    FULL = "full"
    INITIALS = "initials"


class BirthAs(StrEnum):
    """How much of a birth a slip tells."""

    DATE = "date"
    YEAR = "year"


class Standing(StrEnum):
    """What is to be said of a slip that was signed here."""

    GOOD = "good"
    SUPERSEDED = "superseded"
    REVOKED = "revoked"
    EXPIRED = "expired"
    UNKNOWN = "unknown"
    WITHDRAWN = "withdrawn"
    """The key that signed it holds no longer."""


class RevokedFor(StrEnum):
    """Why a slip was revoked."""

    MISTAKE = "mistake"
    OTHER_PERSON = "other_person"
    LOST = "lost"
    ASKED = "asked"
    REPLACED = "replaced"


@dataclass(frozen=True, slots=True)
class SlipDose:
    """A dose on a slip. vaccine: a code of the campaign, or what was written; "" where nobody told."""

    code: str
    given_on: date | None
    vaccine: str


@dataclass(frozen=True, slots=True)
class Slip:
    """What stands on a slip. name: whole on paper; the code may hold its beginning and "…".

    born: as ISO date, month or year, "~" before a year worked out from an age, "" unknown. until: the last day on which
    it is good.
    """

    id: str
    campaign_id: str
    name: str
    born: str
    issued_on: date
    until: date
    doses: tuple[SlipDose, ...]


def slip_of(
    identity: str, campaign_id: str, person: Person, name: NameAs, birth: BirthAs, issued_on: date, until: date
) -> Slip:
    """The slip of a person as the register knows them. Raises InvalidInput for more doses than there is room for."""
    if len(person.doses) > MOST_DOSES:
        raise InvalidInput(
            mark(
                "Somebody here has {doses} doses in the register; a slip has room for {most}. Correct the form first."
            ),
            doses=len(person.doses),
            most=MOST_DOSES,
        )
    # Composed letters: of a letter and its marks apart, a cut could take the marks alone.
    called = " ".join(unicodedata.normalize("NFC", person.name or "").split())
    if name is NameAs.INITIALS:
        called = " ".join(f"{word[0]}." for word in called.split())
    given = sorted(person.doses, key=lambda dose: (dose.given_on or issued_on, dose.code))
    return Slip(
        identity,
        campaign_id,
        cut(called, LONGEST_NAME),
        _born(person, birth),
        issued_on,
        until,
        tuple(SlipDose(one.code, one.given_on, (one.vaccine or "")[:LONGEST_WORD]) for one in given),
    )


def cut(name: str, letters: int) -> str:
    """A name of so many letters at most; "…" stands for the rest."""
    return name if len(name) <= letters else f"{name[: letters - 1].rstrip()}…"


def _born(person: Person, birth: BirthAs) -> str:
    born = person.born_on
    if born is None:
        return ""
    if person.birth_precision == "age":
        return f"~{born.year}"
    if birth is BirthAs.YEAR or person.birth_precision == "year":
        return f"{born.year:04}"
    return born.isoformat()[:7] if person.birth_precision == "month" else born.isoformat()


def write_slip(slip: Slip) -> bytes:
    """The slip as a list in JSON, UTF-8, days as numbers like 20210810, 0 for a day that nobody knows."""
    told = [
        slip.id,
        slip.campaign_id,
        slip.name,
        slip.born,
        _number(slip.issued_on),
        _number(slip.until),
        [[dose.code, _number(dose.given_on), dose.vaccine] for dose in slip.doses],
    ]
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


def read_slip(content: bytes) -> Slip | None:
    """What ``write_slip`` wrote; None for anything else."""
    try:
        told: Any = json.loads(content)
        identity, campaign_id, name, born, issued_on, until, doses = told
        if not all(isinstance(text, str) for text in (identity, campaign_id, name, born)):
            return None
        read = tuple(SlipDose(str(code), _day(day), str(vaccine)) for code, day, vaccine in doses)
        issued, last = _day(issued_on), _day(until)
    except (ValueError, TypeError, RecursionError):
        return None
    if issued is None or last is None:
        return None
    return Slip(identity, campaign_id, name, born, issued, last, read)


def _number(day: date | None) -> int:
    return day.year * 10_000 + day.month * 100 + day.day if day else 0


def _day(number: int) -> date | None:
    return date(number // 10_000, number // 100 % 100, number % 100) if number else None


def content_of(person: Person) -> str:
    """All of the register that a slip of the person tells, whatever is left out of one: changes when any of it does."""
    doses = sorted((dose.code, _number(dose.given_on), dose.vaccine or "") for dose in person.doses)
    return json.dumps([person.name, _number(person.born_on), person.birth_precision, doses], ensure_ascii=False)
