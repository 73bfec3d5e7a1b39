"""A submission's answers as a Visit, by the roles that its form declares.

One walk through the tree, along the element chains that ``Roles`` holds ready; then each answer is read once.
What cannot be used becomes a Finding and counts as not said; the visit itself always counts.
"""

from __future__ import annotations

from datetime import date, timedelta
from unicodedata import normalize

from lxml import etree

from mapper.domain.campaign import Campaign
from mapper.domain.entities import CREATED
from mapper.domain.people import Finding, Outcome, Person, Point, Visit
from mapper.errors import InvalidInput, mark
from mapper.formats.declared import ROLES, Plan, Roles
from mapper.formats.instance import Instance
from mapper.formats.members import read_person
from mapper.formats.reading import Answers, Reading, read_day, read_whole
from mapper.formats.telling import read_tellings

_KINDS = frozenset({"census", "revisit"})
_NAMING = frozenset({"person.id", "entity"})
_OUTCOMES = frozenset(str(word) for word in Outcome)
_MOST_MEMBERS = 1000
_TOMORROW = timedelta(days=1)
_LONG_BEFORE = timedelta(days=366)

Filled = dict[str, str]
People = list[tuple[Filled, list[Filled]]]


def read_visit(
    instance: Instance, roles: Roles, campaign: Campaign, received_on: date, root_instance_id: str = ""
) -> tuple[Visit, tuple[Finding, ...]]:
    """The visit that a submission tells, and what a supervisor should look at.

    roles: of the form version that was filled; one that draws coverage. received_on: the day it reached the server,
    which is the day of the visit where the form tells none. root_instance_id: the instanceID of the first submission
    that this one edits, "" where it edits none; it names a household that has no id of its own.
    Raises InvalidInput for an encrypted submission, whose answers nobody here can read, and for a revisit that names
    no household.
    """
    if instance.encrypted:
        raise InvalidInput(
            mark(
                "The submission is encrypted, so its answers cannot be counted. Publish the form without public_key, "
                "or import the decrypted submissions."
            )
        )
    answers, people = _gather(instance, roles)
    reading = Reading(roles, campaign, received_on)
    visited_on = reading.visited_on = _visit_date(reading, answers)
    reading.partial = _is_revisit(reading, answers)
    household, telling_of = read_tellings(reading, instance)
    own_id = answers.get("household.id") or (household.id if household else "")
    if reading.partial and not own_id:
        raise InvalidInput(
            mark(
                "The revisit names no household, so nobody knows which one changed. "
                "Send an edit in which the household is chosen from the list."
            )
        )
    first_id = root_instance_id or instance.instance_id
    household_id = own_id or first_id
    # A revisit names only some people: their places are no places in the household.
    namesake = first_id if reading.partial else household_id
    persons: tuple[Person, ...] = tuple(
        [
            read_person(reading, number, fields, doses, namesake, telling_of.get(fields.get("entity", ""), CREATED))
            for number, (fields, doses) in enumerate(people, 1)
            # A revisit lists everybody: who is only named there is told nothing of.
            if doses or (fields.keys() - _NAMING if reading.partial else fields)
        ]
    )
    visit = Visit(
        household_id,
        visited_on,
        _outcome(reading, answers, bool(persons)),
        _hamlet(reading, answers),
        reading.word(answers, "household.commune", "commune"),
        answers.get("household.house_number"),
        answers.get("household.head"),
        answers.get("household.phone"),
        _point(reading, answers),
        _members(reading, answers),
        persons,
        reading.partial,
        telling_of.get(own_id, CREATED),
    )
    return visit, tuple(reading.findings)


def _gather(instance: Instance, roles: Roles) -> tuple[Filled, People]:
    """Every answer that has a role: the household's, and each person's with their doses.

    Each microsecond here is spent for every submission of the country. Where element names are unique in the form,
    libxml2 picks out the elements wanted, in the order of the document; else the tree is walked path by path.
    """
    answers: Filled = {}
    people: People = []
    flat = roles.flat
    if flat is None or instance.namespace:
        _walk(instance.root, roles.plan, answers, people, [])
        return answers, people
    person: Filled = {}
    dose: Filled = {}
    doses: list[Filled] = []
    member: object = None
    for element in instance.root.iter(*flat):
        role, kind = flat[element.tag]  # type: ignore[index]
        if role:
            text = element.text
            if text:
                text = text.strip()
                if text:
                    if not text.isascii():
                        text = normalize("NFC", text)
                    if not kind:
                        answers[role] = text
                    elif kind == "dose":
                        dose[role] = text
                    else:
                        person[role] = text
        elif kind == "dose":
            dose = {}
            doses.append(dose)
        elif kind == "person":
            person, dose, doses = {}, {}, []
            people.append((person, doses))
            member = element.tag
        elif people:
            # The household's own entity, or one that stands somewhere odd, names nobody.
            above = element.getparent().getparent()  # type: ignore[union-attr]
            identity = element.get("id")
            if identity and above is not None and above.tag == member:
                person["entity"] = identity
    return answers, [(fields, [dose for dose in own if dose]) for fields, own in people]


def _walk(element: etree._Element, plan: Plan, into: Filled, people: People, doses: list[Filled]) -> None:
    """Gather the answers below an element; whatever the plan does not name is passed over."""
    for child in element:
        tag = child.tag
        step = plan.get(tag)  # type: ignore[arg-type]
        if step is None:
            if tag[0] != "{":  # type: ignore[index]
                continue
            step = plan.get(str(tag).rpartition("}")[2])
            if step is None:
                continue
        role, opens, below = step
        if role:
            text = child.text
            if text:
                text = text.strip()
                if text:
                    into[role] = text if text.isascii() else normalize("NFC", text)
        elif not opens:
            _walk(child, below, into, people, doses)
        elif opens == "person":
            fields: Filled = {}
            own: list[Filled] = []
            people.append((fields, own))
            _walk(child, below, fields, people, own)
        elif opens == "dose":
            fields = {}
            _walk(child, below, fields, people, doses)
            if fields:
                doses.append(fields)
        else:
            identity = child.get("id")
            if identity:
                into["entity"] = identity


def _is_revisit(reading: Reading, answers: Answers) -> bool:
    kind = reading.word(answers, "visit.kind", "kind")
    if kind is not None and kind not in _KINDS:
        reading.find("kind_unknown", mark("The kind of visit {value} is unknown; it counts as a census."), value=kind)
    return kind == "revisit"


def _visit_date(reading: Reading, answers: Answers) -> date:
    received_on = reading.received_on
    text = answers.get("visit.date") or answers.get("visit.date/day") or answers.get("visit.date/time")
    if text is None:
        return received_on
    day = read_day(text)
    if day is None:
        reading.find(
            "visit_date_unreadable",
            mark("The visit date {value} cannot be read; the day of receipt stands in."),
            value=text,
        )
        return received_on
    # A day of grace: the server's day may lag behind the phone's by the time zone.
    if day > received_on + _TOMORROW:
        reading.find(
            "visit_in_future",
            mark("The visit is dated {date}, after it was received; the day of receipt stands in."),
            date=day,
        )
        return received_on
    # A phone whose clock was reset says 1970 or 2000, and would make every dose lie in the future.
    if day < reading.campaign.start - _LONG_BEFORE:
        reading.find(
            "visit_too_early",
            mark("The visit is dated {date}, long before the campaign; the day of receipt stands in."),
            date=day,
        )
        return received_on
    return day


def _outcome(reading: Reading, answers: Answers, has_people: bool) -> str:
    if "visit.outcome" not in reading.roles.paths:
        return Outcome.INTERVIEWED
    word = reading.word(answers, "visit.outcome", "outcome")
    if word in _OUTCOMES:
        return str(word)
    if word is not None:
        reading.find("outcome_unknown", mark("The visit outcome {value} is unknown."), value=word)
    elif has_people:
        reading.find("outcome_missing", mark("The visit has no outcome, but people: it counts as an interview."))
    else:
        reading.find("outcome_missing", mark("The visit has neither outcome nor people: it counts as nobody met."))
    return Outcome.INTERVIEWED if has_people else Outcome.ABSENT


def _hamlet(reading: Reading, answers: Answers) -> str | None:
    code = reading.word(answers, "household.hamlet", "hamlet")
    if code is None and "household.hamlet" in reading.roles.paths:
        reading.find("hamlet_missing", mark("The visit names no hamlet."))
    return code


def _members(reading: Reading, answers: Answers) -> int | None:
    text = answers.get("household.expected_members")
    if text is None:
        return None
    count = read_whole(text)
    if count is None or not 0 <= count <= _MOST_MEMBERS:
        reading.find("members_unreadable", mark("{value} is no number of people."), value=text)
        return None
    return count


def _point(reading: Reading, answers: Answers) -> Point | None:
    """A geopoint, "latitude longitude altitude accuracy"; the one place where the order of the two is decided."""
    text = answers.get("household.point")
    if text is None:
        return None
    try:
        numbers = [float(part) for part in text.split()]
    except ValueError:
        numbers = []
    if not 2 <= len(numbers) <= 4:
        reading.find("point_unreadable", mark("The position {value} cannot be read."), value=text)
        return None
    lat, lon = numbers[0], numbers[1]
    if not (-90 <= lat <= 90 and -180 <= lon <= 180):
        reading.find("point_out_of_range", mark("The position {value} is not on the globe."), value=text)
        return None
    if lat == 0 and lon == 0:
        reading.find("point_zero", mark("The position is 0 0, which a phone writes when it knows none."))
        return None
    altitude = numbers[2] if len(numbers) > 2 and abs(numbers[2]) < 1e5 else None
    accuracy = numbers[3] if len(numbers) > 3 and 0 <= numbers[3] < 1e8 else None
    return Point(lat, lon, accuracy, altitude)


__all__ = ["ROLES", "Roles", "read_visit"]
