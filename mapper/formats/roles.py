"""A submission's answers as a Visit, by the roles that its form declares.

One walk through the tree, along the element chains that ``Roles`` holds ready; then each answer is read once.
What cannot be used becomes a Finding and counts as not said; the visit itself always counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from itertools import pairwise
from unicodedata import normalize

from lxml import etree

from mapper.domain.campaign import Campaign, Period
from mapper.domain.people import BirthPrecision, Dose, Finding, Outcome, Person, Point, Residence, Visit
from mapper.errors import mark
from mapper.formats.declared import ROLES, Plan, Roles
from mapper.formats.instance import Instance

OLDEST_YEARS = 120
"""Nobody in a census is older; an earlier birth date is a slip of the pen."""

_OUTCOMES = frozenset(str(word) for word in Outcome)
_RESIDENCES = frozenset(str(word) for word in Residence)
_NO_WORDS: dict[str, str] = {}
_YES_NO = {"yes": "yes", "no": "no", "true": "yes", "false": "no", "1": "yes", "0": "no"}
_CONSENTS = frozenset({"yes", "no", "undecided"})
_KNOWN = frozenset({"yes", "no", "unknown"})
_DOSE_PARTS = ("number", "date", "vaccine", "lot", "place", "evidence")

Answers = dict[str, str]
Doses = list[Answers]
People = list[tuple[Answers, Doses]]


def read_visit(
    instance: Instance, roles: Roles, campaign: Campaign, received_on: date, root_instance_id: str = ""
) -> tuple[Visit, tuple[Finding, ...]]:
    """The visit that a submission tells, and what a supervisor should look at.

    roles: of the form version that was filled; one that draws coverage. received_on: the day it reached the server,
    the day of the visit where the form tells none. root_instance_id: the instanceID of the first submission that
    this one edits, "" where it edits none; it names a household that has no id of its own.
    """
    answers: Answers = {}
    people: People = []
    _walk(instance.root, roles.plan, answers, people, [])
    reader = _Reader(roles, campaign, received_on)
    visited_on = reader.visit_date(answers)
    household_id = answers.get("household.id", "").strip() or _root_entity(instance) or root_instance_id
    household_id = household_id or instance.instance_id
    persons: list[Person] = []
    for number, (fields, doses) in enumerate(people, 1):
        if fields or doses:
            persons.append(reader.person(number, fields, doses, household_id))
    visit = Visit(
        household_id,
        visited_on,
        reader.outcome(answers, bool(persons)),
        reader.hamlet(answers),
        reader.word(answers, "household.commune"),
        _text(answers, "household.house_number"),
        _text(answers, "household.head"),
        _text(answers, "household.phone"),
        reader.point(answers),
        reader.members(answers),
        tuple(persons),
    )
    return visit, tuple(reader.findings)


def _walk(element: etree._Element, plan: Plan, into: Answers, people: People, doses: Doses) -> None:
    for child in element:
        tag = child.tag
        step = plan.get(tag)  # type: ignore[arg-type]
        if step is None:
            if tag[0] != "{":  # type: ignore[index]
                continue
            step = plan.get(str(tag).rpartition("}")[2])
            if step is None:
                continue
        opens = step.opens
        if not opens:
            if step.role:
                text = child.text
                if text and not text.isspace():
                    into[step.role] = text
            if step.below:
                _walk(child, step.below, into, people, doses)
        elif opens == "person":
            fields: Answers = {}
            own: Doses = []
            people.append((fields, own))
            _walk(child, step.below, fields, people, own)
        elif opens == "dose":
            fields = {}
            _walk(child, step.below, fields, people, doses)
            if fields:
                doses.append(fields)
        else:
            identity = child.get("id")
            if identity:
                into["entity"] = identity


def _root_entity(instance: Instance) -> str:
    for entity in instance.entities:
        if entity.id and entity.path.count("/") == 2:
            return entity.id
    return ""


def _text(answers: Mapping[str, str], role: str) -> str | None:
    text = answers.get(role)
    if text is None:
        return None
    text = text.strip()
    return text if text.isascii() else normalize("NFC", text)


class _Reader:
    """Reads the answers of one visit and gathers its findings. One use."""

    __slots__ = ("campaign", "findings", "limit", "received_on", "roles", "values", "visited_on")

    def __init__(self, roles: Roles, campaign: Campaign, received_on: date) -> None:
        self.roles = roles
        self.campaign = campaign
        self.values = campaign.values
        self.received_on = received_on
        self.visited_on = received_on
        self.findings: list[Finding] = []

    def find(self, code: str, message: str, **facts: object) -> None:
        self.findings.append(Finding(code, message, tuple((name, str(fact)) for name, fact in facts.items())))

    def word(self, answers: Mapping[str, str], role: str) -> str | None:
        """The register's word for a choice."""
        text = _text(answers, role)
        if text is None:
            return None
        words = self.values.get(role.rpartition(".")[2].partition("@")[0])
        return words.get(text, text) if words else text

    def visit_date(self, answers: Answers) -> date:
        text = answers.get("visit.date") or answers.get("visit.date/day") or answers.get("visit.date/time")
        if text is None:
            return self.received_on
        day = _day(text)
        if day is None:
            self.find(
                "visit_date_unreadable",
                mark("The visit date {value} cannot be read; the day of receipt stands in."),
                value=text,
            )
            return self.received_on
        if day > self.received_on + timedelta(days=1):
            self.find(
                "visit_in_future",
                mark("The visit is dated {date}, after it was received; the day of receipt stands in."),
                date=day,
            )
            return self.received_on
        if day < self.campaign.start - timedelta(days=366):
            self.find(
                "visit_too_early",
                mark("The visit is dated {date}, long before the campaign; the day of receipt stands in."),
                date=day,
            )
            return self.received_on
        self.visited_on = day
        return day

    def outcome(self, answers: Answers, has_people: bool) -> str:
        fallback = Outcome.INTERVIEWED if has_people else Outcome.ABSENT
        if "visit.outcome" not in self.roles.paths:
            return Outcome.INTERVIEWED
        word = self.word(answers, "visit.outcome")
        if word in _OUTCOMES:
            return str(word)
        if word is None:
            self.find("outcome_missing", mark("The visit has no outcome; it counts as {taken}."), taken=fallback)
        else:
            self.find(
                "outcome_unknown",
                mark("The visit outcome {value} is unknown; it counts as {taken}."),
                value=word,
                taken=fallback,
            )
        return fallback

    def hamlet(self, answers: Answers) -> str | None:
        code = self.word(answers, "household.hamlet")
        if code is None and "household.hamlet" in self.roles.paths:
            self.find("hamlet_missing", mark("The visit names no hamlet."))
        return code

    def members(self, answers: Answers) -> int | None:
        text = answers.get("household.expected_members")
        if text is None:
            return None
        count = _whole(text)
        if count is None or count < 0 or count > 1000:
            self.find("members_unreadable", mark("{value} is no number of people."), value=text)
            return None
        return count

    def point(self, answers: Answers) -> Point | None:
        text = answers.get("household.point")
        if text is None:
            return None
        try:
            numbers = [float(part) for part in text.split()]
        except ValueError:
            numbers = []
        if len(numbers) < 2:
            self.find("point_unreadable", mark("The position {value} cannot be read."), value=text)
            return None
        lat, lon = numbers[0], numbers[1]
        if not (-90 <= lat <= 90 and -180 <= lon <= 180):
            self.find("point_out_of_range", mark("The position {value} is not on the globe."), value=text)
            return None
        if lat == 0 and lon == 0:
            self.find("point_zero", mark("The position is 0 0, which a phone writes when it knows none."))
            return None
        altitude = numbers[2] if len(numbers) > 2 and abs(numbers[2]) < 1e5 else None
        accuracy = numbers[3] if len(numbers) > 3 and 0 <= numbers[3] < 1e8 else None
        return Point(lat, lon, accuracy, altitude)

    def choice(
        self, answers: Mapping[str, str], role: str, known: frozenset[str], person: str | None = None
    ) -> str | None:
        """One of the known words, or None with a finding where it is another."""
        word = self.word(answers, role)
        if word is None or word in known:
            return word
        plain = _YES_NO.get(word)
        if plain in known:
            return plain
        self.find(
            "choice_unknown",
            mark("{person}: the answer {value} to {role} is unknown and counts as not given."),
            person=person,
            value=word,
            role=role,
        )
        return None

    def day(self, answers: Mapping[str, str], role: str, person: str) -> date | None:
        """A date, or None with a finding where it cannot be read."""
        text = answers.get(role)
        if text is None:
            return None
        day = _day(text)
        if day is None:
            self.find(
                "date_unreadable",
                mark("{person}: the date {value} ({role}) cannot be read."),
                person=person,
                value=text,
                role=role,
            )
        return day

    def person(self, number: int, fields: Answers, doses: Doses, household_id: str) -> Person:
        name = _text(fields, "person.name")
        shown = name or f"#{number}"
        born_on, precision, earliest = self.birth(fields, shown)
        residence = self.choice(fields, "person.residence", _RESIDENCES, shown)
        infected_on = self.day(fields, "person.infected_on", shown)
        if infected_on is not None and infected_on > self.visited_on:
            self.find(
                "infection_in_future",
                mark("{person}: the infection is dated {date}, after the visit."),
                person=shown,
                date=infected_on,
            )
            infected_on = None
        held, unknown = self.doses(fields, doses, shown, earliest)
        vaccinated = self.choice(fields, "person.vaccinated", _KNOWN, shown)
        if vaccinated == "no" and held:
            self.find("doses_despite_no", mark("{person}: not vaccinated, and yet has doses."), person=shown)
        elif vaccinated == "yes" and not held:
            self.find("no_doses_despite_yes", mark("{person}: vaccinated, but no dose is named."), person=shown)
            unknown = True
        priorities = fields.get("person.priority")
        words = self.values.get("priority", _NO_WORDS)
        return Person(
            id=_text(fields, "person.id") or fields.get("entity") or f"{household_id}/{number}",
            reported_on=self.visited_on,
            name=name,
            born_on=born_on,
            birth_precision=precision,
            sex=self.word(fields, "person.sex"),
            residence=residence or Residence.RESIDENT,
            away_place=_text(fields, "person.away_place"),
            priorities=tuple(words.get(word, word) for word in priorities.split()) if priorities else (),
            contraindicated=self.choice(fields, "person.contraindicated", _KNOWN, shown) == "yes",
            contraindication=_text(fields, "person.contraindication"),
            deferred_until=self.day(fields, "person.deferred_until", shown),
            deferral_reason=_text(fields, "person.deferral_reason"),
            infected_on=infected_on,
            refused=self.choice(fields, "person.consent", _CONSENTS, shown) == "no",
            refusal_reason=_text(fields, "person.refusal_reason"),
            vaccination_unknown=unknown or vaccinated == "unknown",
            doses=held,
        )

    def birth(self, fields: Answers, shown: str) -> tuple[date | None, BirthPrecision | None, date]:
        """Birth date, how well it is known, and the earliest day it can be.

        The first of date, year, age in years, age in months that is answered counts. What is known to a year
        becomes 1 July, to a month its 16th, an age the middle of the span of days it leaves possible.
        """
        visited = self.visited_on
        role = next((role for role in _BIRTH_ROLES if role in fields), None)
        if role is None:
            return None, None, date.min
        text = fields[role]
        if role == "person.birth_date":
            day = _day(text)
            part = self.roles.partial_dates.get(role)
            if day is None or part is None:
                first = last = day
                precision: BirthPrecision = "day"
            elif part == "month":
                first, last, precision = day.replace(day=1), _before(_MONTH.after(day.replace(day=1))), "month"
            else:
                first, last, precision = date(day.year, 1, 1), date(day.year, 12, 31), "year"
        elif role == "person.birth_year":
            year = _whole(text[:4] if _day(text) else text)
            readable = year is not None and 1 <= year <= 9999
            first, last = (date(year, 1, 1), date(year, 12, 31)) if readable and year else (None, None)
            precision = "year"
        else:
            age, months = _whole(text), 12 if role == "person.age_years" else 1
            if age is None or not 0 <= age <= 12 * OLDEST_YEARS:
                first = last = None
            else:
                first = _ago(visited, (age + 1) * months) + _DAY
                last = _ago(visited, age * months)
            precision = "age"
        if first is None or last is None:
            self.find(
                "birth_unreadable", mark("{person}: the birth or age {value} cannot be read."), person=shown, value=text
            )
            return None, None, date.min
        if first > visited:
            self.find("birth_in_future", mark("{person}: born {value}, after the visit."), person=shown, value=text)
            return None, None, date.min
        if last < _ago(visited, 12 * OLDEST_YEARS):
            self.find(
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
        last = min(last, visited)
        return first + (last - first + _DAY) // 2, precision, first

    def doses(self, fields: Answers, repeats: Doses, shown: str, earliest: date) -> tuple[tuple[Dose, ...], bool]:
        """A person's doses, and whether somebody said that a dose is not known."""
        held: list[Dose] = []
        unknown = False
        for entry in repeats:
            code = self.word(entry, "dose.number")
            if code is None:
                self.find("dose_without_number", mark("{person}: a dose has no number."), person=shown)
                continue
            held.append(self.dose(code, entry, "", shown, earliest))
        for code in self.roles.coded_doses:
            suffix = "@" + code
            given = self.choice(fields, "dose.given" + suffix, _KNOWN, shown)
            told = any(f"dose.{part}{suffix}" in fields for part in _DOSE_PARTS)
            if given == "no" and told:
                self.find(
                    "dose_despite_no",
                    mark("{person}: dose {dose} not given, and yet has facts."),
                    person=shown,
                    dose=code,
                )
            if given == "yes" or told:
                held.append(self.dose(code, fields, suffix, shown, earliest))
            elif given == "unknown":
                unknown = True
        if len(held) > 1:
            self.check_order(held, shown)
        return tuple(held), unknown

    def dose(self, code: str, entry: Answers, suffix: str, shown: str, earliest: date) -> Dose:
        if code not in self.campaign.doses:
            self.find("dose_unknown", mark("{person}: the campaign has no dose {dose}."), person=shown, dose=code)
        given_on = self.day(entry, "dose.date" + suffix, shown)
        if given_on is not None and given_on > self.visited_on:
            self.find(
                "dose_in_future",
                mark("{person}: dose {dose} is dated {date}, after the visit."),
                person=shown,
                dose=code,
                date=given_on,
            )
            given_on = None
        elif given_on is not None and given_on < earliest:
            self.find(
                "dose_before_birth",
                mark("{person}: dose {dose} is dated {date}, before birth."),
                person=shown,
                dose=code,
                date=given_on,
            )
            given_on = None
        vaccine = self.word(entry, "dose.vaccine" + suffix)
        if vaccine is not None and vaccine not in self.campaign.vaccines:
            if vaccine != "unknown":
                self.find(
                    "vaccine_unknown",
                    mark("{person}: the campaign has no vaccine {vaccine} (dose {dose})."),
                    person=shown,
                    vaccine=vaccine,
                    dose=code,
                )
            vaccine = None
        return Dose(
            code,
            given_on,
            vaccine,
            _text(entry, "dose.lot" + suffix),
            _text(entry, "dose.place" + suffix),
            self.word(entry, "dose.evidence" + suffix),
        )

    def check_order(self, held: list[Dose], shown: str) -> None:
        """Findings for a dose told twice, and for a later dose dated before an earlier one."""
        ranks = {code: rank for rank, code in enumerate(self.campaign.doses)}
        seen: set[str] = set()
        for dose in held:
            if dose.code in seen:
                self.find("dose_twice", mark("{person}: dose {dose} is told twice."), person=shown, dose=dose.code)
            seen.add(dose.code)
        known = sorted((d for d in held if d.given_on and d.code in ranks), key=lambda d: ranks[d.code])
        for before, after in pairwise(known):
            if before.code != after.code and before.given_on and after.given_on and after.given_on < before.given_on:
                self.find(
                    "doses_out_of_order",
                    mark("{person}: dose {dose} is dated before dose {before}."),
                    person=shown,
                    dose=after.code,
                    before=before.code,
                )


_BIRTH_ROLES = ("person.birth_date", "person.birth_year", "person.age_years", "person.age_months")
_DAY = timedelta(days=1)
_MONTH = Period(months=1)


def _before(day: date) -> date:
    return day - _DAY


def _ago(day: date, months: int) -> date:
    """The same day of the month that many months earlier, or that month's last."""
    return Period(months=-months).after(day)


def _day(text: str) -> date | None:
    """The date at the front of a date, a date with time, or a calculated date."""
    text = text.strip()[:10]
    if len(text) != 10 or text[4] != "-" or text[7] != "-":
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _whole(text: str) -> int | None:
    """A whole number, also where a calculation wrote it as 3.0; parts of a year are cut off."""
    try:
        number = float(text)
    except ValueError:
        return None
    return int(number) if abs(number) < 1e9 else None


__all__ = ["OLDEST_YEARS", "ROLES", "Roles", "read_visit"]
