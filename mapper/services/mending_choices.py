"""What a decision of the cleaning station mends: what was chosen, checked against what the register knows now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from uuid import uuid4

from mapper.domain.campaign import Campaign
from mapper.domain.dividing import TwoHouseholds
from mapper.domain.mending import (
    OF_DOSE,
    OF_HOUSEHOLD,
    OF_PERSON,
    TAKEN_OUT,
    Act,
    Correction,
    Plain,
    SameHousehold,
    SamePerson,
    TwoPeople,
    corrected,
    parted,
)
from mapper.domain.people import Person, Property
from mapper.domain.quality import births
from mapper.domain.whole import whole
from mapper.errors import Conflict, InvalidInput, mark
from mapper.services.folding import as_known
from mapper.services.reference import Known, Reference
from mapper.store.database import Connection
from mapper.store.oddities import Oddity


@dataclass(frozen=True, slots=True)
class Correcting:
    """A value taken for another. of_other: whether it is about the second household or person of the oddity."""

    what: Property
    before: Plain
    after: Plain
    of_other: bool = False


@dataclass(frozen=True, slots=True)
class Parting:
    """The second of two people who were entered as one. doses: code, and day and vaccine, of each that is theirs."""

    name: str
    doses: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Dividing:
    """The second of two households that were entered as one.

    people: ids of those who are its. tellings: submissions that tell of it alone, each by the first of its edits.
    house_number, head: "" where nobody knows. of_other: whether it is about the second household of the oddity.
    """

    people: tuple[str, ...]
    tellings: tuple[str, ...] = ()
    house_number: str = ""
    head: str = ""
    of_other: bool = False


def correction(
    reference: Reference,
    connection: Connection,
    known: Known,
    campaign: Campaign,
    one: Oddity,
    wanted: Correcting | None,
) -> Correction:
    """The act by which a value is taken for another. Raises InvalidInput, Conflict where it changed meanwhile."""
    if wanted is None:
        raise InvalidInput(mark("Nothing to correct was chosen. Open the page again."))
    household_id = one.other_household_id if wanted.of_other else one.household_id
    person_id, name, code = wanted.what
    after = _checked(known, campaign, wanted)
    about = {one.other_person_id if wanted.of_other else one.person_id}
    if one.rule in ("same_household", "point_shared", "point_far", "commune_differs", "head_count"):
        about = {""}
    visit = as_known(reference, connection, known, (campaign.id, household_id)).merged.get(household_id)
    members = {person.id for person in visit.people} if visit else set()
    if person_id not in about and not (name == "member" and person_id in members):
        raise _no_property()
    act = Correction(household_id, (person_id, name, code), wanted.before, after)
    after_it = corrected(visit, act) if visit is not None else None
    if after_it is None:
        raise Conflict(mark("What was to be corrected has changed meanwhile. Open the finding again, then correct it."))
    if name in ("born_on", "dose_given_on"):
        _check_days(campaign, next(person for person in after_it.people if person.id == person_id), code)
    return act


def _no_property() -> InvalidInput:
    return InvalidInput(mark("This cannot be corrected here. Open the page again and choose one of what it offers."))


def _checked(known: Known, campaign: Campaign, wanted: Correcting) -> Plain:
    """The new value, as the register may hold it. Raises InvalidInput."""
    person_id, name, _ = wanted.what
    allowed = OF_PERSON + OF_DOSE if person_id else OF_HOUSEHOLD
    if name not in allowed:
        raise _no_property()
    text = " ".join(str(wanted.after or "").split())
    if name in TAKEN_OUT:
        return None
    if name in ("born_on", "dose_given_on"):
        try:
            day = date.fromisoformat(text) if text else None
        except ValueError:
            day = date.max
        if day is not None and not date(1900, 1, 1) <= day <= datetime.now(UTC).date():
            raise InvalidInput(
                mark("{date} is no day between 1900 and today. Write it as the calendar shows it."), date=text
            )
        return day.isoformat() if day else None
    choices: Sequence[str] | None = {
        "dose_vaccine": list(campaign.vaccines),
        "sex": ["male", "female"],
        "residence": ["here", "works_away", "absent", "moved_in", "moved_out"],
        "hamlet_code": list(known.hamlets),
        "commune_code": sorted({hamlet.commune_code for hamlet in known.hamlets.values()}),
    }.get(name)
    if choices is not None and text not in choices:
        raise InvalidInput(mark("{value} cannot be chosen here. Take one of the list."), value=text[:60])
    if name == "expected_members":
        number = whole(text, 199)
        if not number:
            raise InvalidInput(mark("{value} is no number of people. Write one from 1 to 199."), value=text[:60])
        return number
    if not text or len(text) > 200:
        raise InvalidInput(mark("Write the right value, of at most {number} characters."), number=200)
    return text


def joining(
    reference: Reference, connection: Connection, known: Known, campaign: Campaign, one: Oddity, kept: str
) -> Act:
    """The act by which what a finding compares becomes one. Raises InvalidInput, Conflict where one is gone."""
    if one.rule not in ("same_person", "same_person_elsewhere", "same_household"):
        raise _no_property()
    visits = dict(as_known(reference, connection, known, (campaign.id, one.household_id)).merged)
    visits |= as_known(reference, connection, known, (campaign.id, one.other_household_id)).merged
    found = [visits.get(one.household_id), visits.get(one.other_household_id)]
    sides = [(one.household_id, one.person_id), (one.other_household_id, one.other_person_id)]
    for visit, (_, person_id) in zip(found, sides, strict=True):
        if visit is None or (person_id and all(person.id != person_id for person in visit.people)):
            raise Conflict(mark("One of the two is not in the register any more. Open the list again."))
    if kept == "other":
        sides.reverse()
    if one.rule != "same_household":
        return SamePerson(*sides)
    pairs = [line.split("\t") for line in (one.facts or {}).get("pairs", "").splitlines()]
    people = tuple((b, a) if kept == "other" else (a, b) for a, b in pairs)
    return SameHousehold(sides[0][0], sides[1][0], people)


def parting(
    reference: Reference,
    connection: Connection,
    known: Known,
    campaign: Campaign,
    one: Oddity,
    wanted: Parting | None,
) -> TwoPeople:
    """The act by which the person of a finding becomes two. Raises InvalidInput, Conflict."""
    name = " ".join(wanted.name.split()) if wanted else ""
    if wanted is None or not one.person_id:
        raise _no_property()
    if not name or len(name) > 200:
        raise InvalidInput(mark("Write the right value, of at most {number} characters."), number=200)
    visit = as_known(reference, connection, known, (campaign.id, one.household_id)).merged.get(one.household_id)
    act = TwoPeople(one.household_id, one.person_id, str(uuid4()), name, wanted.doses)
    if visit is None or parted(visit, act) is None:
        raise Conflict(mark("What was to be corrected has changed meanwhile. Open the finding again, then correct it."))
    return act


def dividing(
    reference: Reference,
    connection: Connection,
    known: Known,
    campaign: Campaign,
    one: Oddity,
    wanted: Dividing | None,
) -> TwoHouseholds:
    """The act by which the household of a finding becomes two. Raises InvalidInput, Conflict."""
    if wanted is None:
        raise _no_property()
    household_id = one.other_household_id if wanted.of_other else one.household_id
    number, head = (" ".join(each.split()) for each in (wanted.house_number, wanted.head))
    if not (number or head) or max(len(number), len(head)) > 200:
        raise InvalidInput(
            mark("Write the house number or the head of the second household, of at most {number} characters."),
            number=200,
        )
    now = as_known(reference, connection, known, (campaign.id, household_id))
    members = {person.id for person in now.merged[household_id].people} if household_id in now.merged else set()
    tellings = set() if household_id not in now.folded else {t.stored.root_id for t in now.folded[household_id].told}
    if not members >= set(wanted.people) or not tellings >= set(wanted.tellings):
        raise Conflict(mark("What was to be divided has changed meanwhile. Open the finding again, then divide it."))
    act = TwoHouseholds(
        household_id, str(uuid4()), wanted.people, wanted.tellings, now.newest, number or None, head or None
    )
    first, second = (now.divided(act).get(each) for each in (household_id, act.second_id))
    if first is None or second is None or not first.people or not second.people:
        raise InvalidInput(
            mark("Somebody must stay in the first household, and somebody go to the second. Choose anew.")
        )
    return act


def _check_days(campaign: Campaign, person: Person, code: str) -> None:
    """Refuse what the form would refuse: a dose before birth, or before one that comes earlier. code: of the dose
    corrected, "" for the birth."""
    born = births(person)
    days = [(dose.code, dose.given_on) for dose in person.doses if dose.given_on is not None]
    early = [day for each, day in days if born and day < born[0] and code in ("", each)]
    if born and early:
        raise InvalidInput(
            mark("A dose of {date} would be before the birth of {born}. Check both days, then write the right one."),
            date=early[0].isoformat(),
            born=born[0].isoformat(),
        )
    order = list(campaign.doses)
    if code not in order:
        return
    for own in (day for each, day in days if each == code):
        for other, day in days:
            if other in order and (order.index(other) - order.index(code)) * (day - own).days < 0:
                raise InvalidInput(
                    mark("The doses would not follow one another: {date} against {other}. Write the right day."),
                    date=own.isoformat(),
                    other=day.isoformat(),
                )
