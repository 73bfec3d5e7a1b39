"""The people of a household and their doses, from the answers given for each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise

from mapper.domain.entities import CREATED, Telling
from mapper.domain.people import ANSWERS, BirthPrecision, Dose, Person, Residence
from mapper.errors import mark
from mapper.formats.reading import KNOWN, Answers, Reading, months_before, read_day, read_whole

OLDEST_YEARS = 120
"""Nobody in a census is older; an earlier birth date is a slip of the pen."""

_RESIDENCES = frozenset(str(word) for word in Residence)
_CONSENTS = frozenset({"yes", "no", "undecided"})
_BIRTHS = ("person.birth_date", "person.birth_year", "person.age_years", "person.age_months")
_PARTS = ("date", "vaccine", "lot", "place", "evidence")
_DAY = timedelta(days=1)


def read_person(
    reading: Reading,
    number: int,
    fields: Answers,
    doses: Sequence[Answers],
    household_id: str,
    telling: Telling = CREATED,
) -> Person:
    """One member of a household.

    number: the place among the household's members, from 1, which names with household_id a person who has no id of
    their own. telling: what is said of the versions of the person's entity.
    """
    get = fields.get
    name = get("person.name")
    shown = name or f"#{number}"
    born_on, precision, earliest = _birth(reading, fields, shown)
    infected_on = reading.day(fields, "person.infected_on", shown)
    if infected_on is not None and infected_on > reading.visited_on:
        reading.find(
            "infection_in_future",
            mark("{person}: the infection is dated {date}, after the visit."),
            person=shown,
            date=infected_on,
        )
        infected_on = None
    held, unknown = _doses(reading, fields, doses, shown, earliest)
    vaccinated = reading.choice(fields, "person.vaccinated", "vaccinated", KNOWN, shown)
    if vaccinated == "no" and held:
        reading.find("doses_despite_no", mark("{person}: not vaccinated, and yet has doses."), person=shown)
    elif vaccinated == "yes" and not held:
        reading.find("no_doses_despite_yes", mark("{person}: vaccinated, but no dose is named."), person=shown)
        unknown = True
    residence = reading.choice(fields, "person.residence", "residence", _RESIDENCES, shown)
    contraindicated = reading.choice(fields, "person.contraindicated", "contraindicated", KNOWN, shown)
    deferred_until = reading.day(fields, "person.deferred_until", shown)
    consent = reading.choice(fields, "person.consent", "consent", _CONSENTS, shown)
    priorities = get("person.priority")
    answered: frozenset[str] = frozenset()
    if reading.partial:
        said = (residence, contraindicated, consent, vaccinated or unknown or None, priorities)
        answered = frozenset(name for name, answer in zip(ANSWERS, said, strict=True) if answer is not None)
    words = reading.words.get("priority") or {}
    return Person(
        get("person.id") or get("entity") or f"{household_id}/{number}",
        reading.visited_on,
        name,
        born_on,
        precision,
        reading.word(fields, "person.sex", "sex"),
        residence or Residence.RESIDENT,
        get("person.away_place"),
        tuple(words.get(word, word) for word in priorities.split()) if priorities else (),
        contraindicated == "yes",
        get("person.contraindication"),
        deferred_until,
        get("person.deferral_reason"),
        infected_on,
        consent == "no",
        get("person.refusal_reason"),
        unknown or vaccinated == "unknown",
        held,
        answered,
        telling,
    )


def _birth(reading: Reading, fields: Answers, shown: str) -> tuple[date | None, BirthPrecision | None, date]:
    """Birth date, how well it is known, and the earliest day it can be.

    The first of date, year, age in years, age in months that is answered counts. What is known to a year becomes
    1 July, to a month its 16th, an age the middle of the days it leaves possible; never a day after the visit.
    """
    text = fields.get("person.birth_date")
    visited = reading.visited_on
    if text is not None and not reading.roles.birth_part:
        # Nearly everybody: a full date.
        first = last = read_day(text)
        precision: BirthPrecision = "day"
    else:
        role = next((role for role in _BIRTHS if role in fields), None)
        if role is None:
            return None, None, date.min
        text = fields[role]
        first, last, precision = _span(reading, role, text)
    if first is None or last is None:
        reading.find(
            "birth_unreadable", mark("{person}: the birth or age {value} cannot be read."), person=shown, value=text
        )
        return None, None, date.min
    if first > visited:
        reading.find("birth_in_future", mark("{person}: born {value}, after the visit."), person=shown, value=text)
        return None, None, date.min
    if visited.year - last.year >= OLDEST_YEARS and last < months_before(visited, 12 * OLDEST_YEARS):
        reading.find(
            "birth_too_early",
            mark("{person}: the birth or age {value} makes them older than {years} years."),
            person=shown,
            value=text,
            years=OLDEST_YEARS,
        )
        return None, None, date.min
    if precision == "day":
        return first, precision, first
    if last <= visited and precision == "year":
        return first.replace(month=7), precision, first
    if last <= visited and precision == "month":
        return first.replace(day=16), precision, first
    return first + (min(last, visited) - first + _DAY) // 2, precision, first


def _span(reading: Reading, role: str, text: str) -> tuple[date | None, date | None, BirthPrecision]:
    """First and last day that a birth can have been, None where nothing can be read."""
    if role == "person.birth_date":
        day = read_day(text)
        part = reading.roles.birth_part
        if day is None:
            return day, day, "day"
        if part == "month":
            first = day.replace(day=1)
            return first, months_before(first, -1) - _DAY, "month"
        return date(day.year, 1, 1), date(day.year, 12, 31), "year"
    if role == "person.birth_year":
        # A date question shown as a year alone answers with its first of January.
        year = read_whole(text[:4] if read_day(text) else text)
        if year is None or not 1 <= year <= 9999:
            return None, None, "year"
        return date(year, 1, 1), date(year, 12, 31), "year"
    age, months = read_whole(text), 12 if role == "person.age_years" else 1
    if age is None or not 0 <= age * months <= 12 * 999:
        return None, None, "age"
    visited = reading.visited_on
    return months_before(visited, (age + 1) * months) + _DAY, months_before(visited, age * months), "age"


def _doses(
    reading: Reading, fields: Answers, repeats: Sequence[Answers], shown: str, earliest: date
) -> tuple[tuple[Dose, ...], bool]:
    """A person's doses, and whether somebody said that one of them is not known."""
    held: list[Dose] = []
    unknown = False
    for entry in repeats:
        code = reading.word(entry, "dose.number", "number")
        if code is None:
            reading.find("dose_without_number", mark("{person}: a dose has no number."), person=shown)
        else:
            held.append(_dose(reading, code, entry, "", shown, earliest))
    for code in reading.roles.coded_doses:
        suffix = "@" + code
        given = reading.choice(fields, "dose.given" + suffix, "given", KNOWN, shown)
        told = any(f"dose.{part}{suffix}" in fields for part in _PARTS)
        if given == "no" and told:
            reading.find(
                "dose_despite_no",
                mark("{person}: dose {dose} not given, and yet has facts."),
                person=shown,
                dose=code,
            )
        if given == "yes" or told:
            held.append(_dose(reading, code, fields, suffix, shown, earliest))
        elif given == "unknown":
            unknown = True
    if len(held) > 1:
        _check_order(reading, held, shown)
    return tuple(held), unknown


def _dose(reading: Reading, code: str, entry: Answers, suffix: str, shown: str, earliest: date) -> Dose:
    campaign = reading.campaign
    if code not in reading.ranks:
        reading.find("dose_unknown", mark("{person}: the campaign has no dose {dose}."), person=shown, dose=code)
    given_on = reading.day(entry, "dose.date" + suffix, shown)
    if given_on is not None and not earliest <= given_on <= reading.visited_on:
        if given_on < earliest:
            reading.find(
                "dose_before_birth",
                mark("{person}: dose {dose} is dated {date}, before birth."),
                person=shown,
                dose=code,
                date=given_on,
            )
        else:
            reading.find(
                "dose_in_future",
                mark("{person}: dose {dose} is dated {date}, after the visit."),
                person=shown,
                dose=code,
                date=given_on,
            )
        given_on = None
    vaccine = reading.word(entry, "dose.vaccine" + suffix, "vaccine")
    if vaccine is not None and vaccine not in campaign.vaccines:
        # "unknown" is an honest answer and no finding.
        if vaccine != "unknown":
            reading.find(
                "vaccine_unknown",
                mark("{person}: the campaign has no vaccine {vaccine} (dose {dose})."),
                person=shown,
                vaccine=vaccine,
                dose=code,
            )
        vaccine = None
    get = entry.get
    return Dose(
        code,
        given_on,
        vaccine,
        get("dose.lot" + suffix),
        get("dose.place" + suffix),
        reading.word(entry, "dose.evidence" + suffix, "evidence"),
    )


def _check_order(reading: Reading, held: Sequence[Dose], shown: str) -> None:
    """Findings for a dose told twice, and for a later dose dated before an earlier one."""
    seen: set[str] = set()
    dates: list[date] = []
    in_order = True
    rank = -1
    ranks = reading.ranks
    for dose in held:
        if dose.code in seen:
            reading.find("dose_twice", mark("{person}: dose {dose} is told twice."), person=shown, dose=dose.code)
        seen.add(dose.code)
        place = ranks.get(dose.code)
        if dose.given_on is not None and place is not None:
            in_order = in_order and place > rank and (not dates or dose.given_on >= dates[-1])
            rank = place
            dates.append(dose.given_on)
    if in_order:
        return
    known = sorted((dose for dose in held if dose.given_on and dose.code in ranks), key=lambda dose: ranks[dose.code])
    for before, after in pairwise(known):
        if before.code != after.code and before.given_on and after.given_on and after.given_on < before.given_on:
            reading.find(
                "doses_out_of_order",
                mark("{person}: dose {dose} is dated before dose {before}."),
                person=shown,
                dose=after.code,
                before=before.code,
            )
