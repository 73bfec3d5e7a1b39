"""What the cleaning page offers to correct: what belongs to a finding's rule first, then every other value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from mapper.domain.campaign import Campaign
from mapper.domain.people import Dose, Person
from mapper.services.cleaning import Finding, House
from mapper.services.filter_words import RESIDENCES, SEXES
from mapper.services.users import Commune
from mapper.web.language_choice import chosen_language, say

Choices = tuple[tuple[str, str], ...]

OF_HOUSES = frozenset({"same_household", "point_shared", "point_far", "commune_differs", "head_count"})
"""Rules that speak of houses; the others speak of people."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A correction that the page offers. kind: of the field, "none" where something is taken out.

    before: the value as it is; choices: value and label of each that can be taken.
    """

    label: str
    person: str
    what: str
    code: str
    kind: str
    before: str | None
    value: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    of_other: bool = False


def offers(campaign: Campaign, finding: Finding) -> list[Offer]:
    """What most probably is wrong in a finding: the corrections that belong to its rule."""
    one, facts, person = finding.oddity, finding.oddity.facts or {}, finding.person
    found: list[Offer] = []
    if one.rule.startswith("dose") and person is not None:
        code, given = facts.get("dose", ""), facts.get("given_on") or None
        found.append(Offer(say("Day of the dose"), person.id, "dose_given_on", code, "date", given, given or ""))
        if one.rule in ("dose_before_vaccine", "dose_at_age", "doses_mixed"):
            vaccine = facts.get("vaccine") or None
            label, choices = say("Vaccine"), _vaccines(campaign)
            found.append(Offer(label, person.id, "dose_vaccine", code, "choice", vaccine, vaccine or "", choices))
        if one.rule in ("dose_before_birth", "dose_at_age"):
            born = person.born_on.isoformat() if person.born_on else None
            found.append(Offer(say("Date of birth"), person.id, "born_on", "", "date", born, born or ""))
        text = f"{given or ''} {facts.get('vaccine', '')}"
        found.append(Offer(say("This dose was not given: take it out"), person.id, "dose", code, "none", text))
    house = finding.house
    if house is not None and one.rule in ("point_shared", "point_far", "commune_differs") and house.row.point:
        point = f"{house.row.point.lat:.7f} {house.row.point.lon:.7f}"
        found.append(Offer(say("The position is wrong: take it out"), "", "point", "", "none", point))
    if one.rule == "point_shared" and finding.other is not None and finding.other.row.point:
        point = f"{finding.other.row.point.lat:.7f} {finding.other.row.point.lon:.7f}"
        label = say("The position of the other house is wrong: take it out")
        found.append(Offer(label, "", "point", "", "none", point, of_other=True))
    if house is not None and one.rule == "commune_differs" and facts.get("found_code"):
        label, now = say("The commune of the position is right"), house.row.commune_code
        found.append(Offer(label, "", "commune_code", "", "set", now, facts["found_code"]))
    if one.rule == "head_count":
        expected = facts.get("expected") or None
        label = say("Number of people in the household")
        found.append(Offer(label, "", "expected_members", "", "number", expected, facts.get("people", "")))
    return found


def others(campaign: Campaign, finding: Finding, communes: Sequence[Commune]) -> list[tuple[str, list[Offer]]]:
    """Everything else that can be corrected of whom a finding is about, under the name of each.

    communes: those of the reader's area, with the hamlets that a house can be said to lie in.
    """
    first = {(each.person, each.what, each.code, each.of_other) for each in offers(campaign, finding)}
    found: list[tuple[str, list[Offer]]] = []
    of_houses = finding.oddity.rule in OF_HOUSES
    sides = ((finding.house, finding.person, False), (finding.other, finding.other_person, True))
    for house, person, of_other in sides:
        if house is None:
            continue
        if of_houses:
            name = " · ".join(filter(None, (say("Household"), house.row.house_number, house.row.head)))
            found.append((name, _of_household(house, communes, of_other)))
        elif person is not None:
            found.append((person.name or say("Person without a name"), _of_person(campaign, person, of_other)))
    left = [
        (name, [o for o in all_of if (o.person, o.what, o.code, o.of_other) not in first]) for name, all_of in found
    ]
    return [(name, all_of) for name, all_of in left if all_of]


def to_divide(finding: Finding) -> list[tuple[House, bool]]:
    """The households of a finding that may be two, and of each whether it is the second of which the finding speaks."""
    if finding.oddity.rule not in OF_HOUSES:
        return []
    sides = ((finding.house, False), (finding.other, True))
    return [(house, other) for house, other in sides if house and (len(house.people) > 1 or len(house.sent) > 1)]


def _of_person(campaign: Campaign, person: Person, of_other: bool) -> list[Offer]:
    def offer(label: str, what: str, kind: str, before: str | None, choices: Choices = (), code: str = "") -> Offer:
        return Offer(label, person.id, what, code, kind, before, before or "", choices, of_other)

    found = [
        offer(say("Name"), "name", "text", person.name),
        offer(say("Date of birth"), "born_on", "date", person.born_on.isoformat() if person.born_on else None),
        offer(say("Sex"), "sex", "choice", person.sex, tuple((each, say(text)) for each, text in SEXES.items())),
        offer(
            say("Residence"),
            "residence",
            "choice",
            person.residence,
            tuple((each.value, say(text)) for each, text in RESIDENCES.items()),
        ),
    ]
    for dose in person.doses:
        given, name = dose.given_on.isoformat() if dose.given_on else None, dose_name(campaign, dose.code)
        found.append(offer(say("{dose}: day", dose=name), "dose_given_on", "date", given, code=dose.code))
        label = say("{dose}: vaccine", dose=name)
        found.append(offer(label, "dose_vaccine", "choice", dose.vaccine, _vaccines(campaign), dose.code))
        label, text = say("{dose} was not given: take it out", dose=name), f"{given or ''} {dose.vaccine or ''}"
        found.append(offer(label, "dose", "none", text, code=dose.code))
    label = say("Nobody of this name lives there: take the person out")
    return [*found, offer(label, "member", "none", person.name)]


def _of_household(house: House, communes: Sequence[Commune], of_other: bool) -> list[Offer]:
    row = house.row

    def offer(label: str, what: str, kind: str, before: str | None, choices: Choices = ()) -> Offer:
        return Offer(label, "", what, "", kind, before, before or "", choices, of_other)

    hamlets = tuple(hamlet for one in communes if one.code == row.commune_code for hamlet in one.hamlets)
    found = [
        offer(say("Head of household"), "head", "text", row.head),
        offer(say("Telephone"), "phone", "tel", row.phone),
        offer(say("House number"), "house_number", "text", row.house_number),
        offer(say("Hamlet"), "hamlet_code", "choice", row.hamlet_code, hamlets),
        offer(say("Commune"), "commune_code", "choice", row.commune_code, tuple((o.code, o.name) for o in communes)),
    ]
    if row.point is not None:
        label = say("The position is wrong: take it out")
        found.append(offer(label, "point", "none", f"{row.point.lat:.7f} {row.point.lon:.7f}"))
    for person in house.people:
        label = say("{name} does not live there: take the person out", name=person.name or say("Person without a name"))
        found.append(Offer(label, person.id, "member", "", "none", person.name, of_other=of_other))
    return found


def _vaccines(campaign: Campaign) -> Choices:
    return tuple((each, label[chosen_language()]) for each, label in campaign.vaccines.items())


def dose_line(campaign: Campaign, dose: Dose) -> str:
    when = day_shown(dose.given_on.isoformat()) if dose.given_on else say("day unknown")
    return " · ".join(filter(None, (dose_name(campaign, dose.code), when, vaccine_name(campaign, dose.vaccine or ""))))


def dose_name(campaign: Campaign, code: str) -> str:
    label = campaign.doses.get(code)
    return label[chosen_language()] if label else say("Dose {dose}", dose=code)


def vaccine_name(campaign: Campaign, code: str) -> str:
    label = campaign.vaccines.get(code)
    return label[chosen_language()] if label else code


def born(person: Person) -> str:
    if person.born_on is None:
        return say("date of birth unknown")
    return day_shown(person.born_on.isoformat()) if person.birth_precision == "day" else str(person.born_on.year)


def day_shown(text: str) -> str:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return text
    return f"{day:%d/%m/%Y}"
