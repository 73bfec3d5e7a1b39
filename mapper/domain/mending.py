"""What supervisors mend in the register: values corrected, what is one joined, what is two divided.

Submissions stay as they are. What they tell of some households is folded as always, and what was mended is applied to
that, in the order in which it was: leaving an act out gives what would be known without it. An act holds for as long as
what it speaks of is told: a correction replaces one value and no other, so that whatever is told later has the word.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from types import MappingProxyType

from mapper.domain.dividing import (
    Away,
    Tellings,
    Told,
    TwoHouseholds,
    Undone,
    divided,
    known_with,
    leaving,
    told_after_undoing,
)
from mapper.domain.entities import CREATED
from mapper.domain.household import changed
from mapper.domain.people import Dose, Outcome, Person, Property, Visit

OF_HOUSEHOLD = ("head", "phone", "house_number", "hamlet_code", "commune_code", "expected_members", "point")
OF_PERSON = ("name", "born_on", "sex", "residence", "member")
OF_DOSE = ("dose_given_on", "dose_vaccine", "dose")
"""What can be corrected. A position, a dose and a member can only be taken out."""

TAKEN_OUT = frozenset({"point", "dose", "member"})

Plain = str | int | None
"""A value as it is written down: a day as ISO text, None where nothing is told."""


@dataclass(frozen=True, slots=True)
class Correction:
    """One value of a household taken for another. what: person's id ("" for the household), property, dose code."""

    household_id: str
    what: Property
    before: Plain
    after: Plain


@dataclass(frozen=True, slots=True)
class SamePerson:
    """Two entries of one person, each by household and id; the first stays, with every dose of both."""

    kept: tuple[str, str]
    other: tuple[str, str]


@dataclass(frozen=True, slots=True)
class SameHousehold:
    """Two households that are one; the first stays, with the people of both.

    people: ids of entries of one person, the first household's before the second's.
    """

    kept: str
    other: str
    people: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class TwoPeople:
    """One entry of a household that is two people: the second, of an id of its own, takes some of the doses.

    doses: code, and day and vaccine as ``told`` gives them, of each dose that is the second's. name: the second's.
    """

    household_id: str
    person_id: str
    second_id: str
    name: str
    doses: tuple[tuple[str, str], ...]


Act = Correction | SamePerson | SameHousehold | TwoPeople | TwoHouseholds


def mend(
    told: Tellings,
    acts: Sequence[Act],
    undone: Sequence[Undone] = (),
    moved: Mapping[str, Sequence[Told]] = MappingProxyType({}),
) -> tuple[dict[str, Visit], dict[str, str]]:
    """Households as they are once mended, and of those that were joined to another the id of that.

    told: of households that hang together, by id; acts in their order, undone those taken back
    that made two of one. moved: by the id of a second household what was told of it under the first's. What an act does
    not find, it leaves.
    """
    seconds = {act.second_id for act in acts if isinstance(act, TwoHouseholds)}
    told, were_away = told_after_undoing(told, undone, seconds)
    away = [*were_away, *leaving(acts)]
    houses = {
        household_id: known_with(visits, away)
        for household_id, visits in told.items()
        if visits and household_id not in seconds
    }
    return apply(houses, acts, told, moved, were_away)


def apply(
    houses: Mapping[str, Visit],
    acts: Sequence[Act],
    told: Tellings = MappingProxyType({}),
    moved: Mapping[str, Sequence[Told]] = MappingProxyType({}),
    were_away: Sequence[Away] = (),
) -> tuple[dict[str, Visit], dict[str, str]]:
    """The same, of households as their submissions make them known. told, moved: see ``mend``; were_away: who had left
    by acts that were taken back."""
    found = dict(houses)
    joined: dict[str, str] = {}
    for place, act in enumerate(acts):
        if isinstance(act, Correction):
            visit = found.get(act.household_id)
            if visit is not None:
                found[act.household_id] = corrected(visit, act) or visit
        elif isinstance(act, SamePerson):
            _join_people(found, act)
        elif isinstance(act, TwoPeople):
            visit = found.get(act.household_id)
            if visit is not None:
                found[act.household_id] = parted(visit, act) or visit
        elif isinstance(act, TwoHouseholds):
            away = [*were_away, *leaving(acts[place + 1 :])]
            first, second = divided(found.get(act.household_id), act, told, moved.get(act.second_id, ()), away)
            found |= {one.household_id: one for one in (first, second) if one is not None}
        elif act.kept != act.other and act.kept in found and act.other in found:
            found[act.kept] = join_households(found[act.kept], found.pop(act.other))
            joined[act.other] = act.kept
            for kept, other in act.people:
                _join_people(found, SamePerson((act.kept, kept), (act.kept, other)))
    return found, joined


def told(visit: Visit, what: Property) -> set[Plain]:
    """What is known of a property; several values where a dose of one number is there more than once."""
    person_id, name, code = what
    if not person_id:
        value = getattr(visit, name) if name in OF_HOUSEHOLD else None
        return {f"{value.lat:.7f} {value.lon:.7f}" if name == "point" and value is not None else value}
    person = next((one for one in visit.people if one.id == person_id), None)
    if person is None:
        return set()
    if name in OF_DOSE:
        return {_of_dose(dose, name) for dose in person.doses if dose.code == code}
    if name == "member":
        return {person.name}
    value = getattr(person, name) if name in OF_PERSON else None
    return {value.isoformat() if isinstance(value, date) else value}


def _of_dose(dose: Dose, name: str) -> Plain:
    given = dose.given_on.isoformat() if dose.given_on else None
    if name == "dose":
        return f"{given or ''} {dose.vaccine or ''}"
    return given if name == "dose_given_on" else dose.vaccine


def corrected(visit: Visit, act: Correction) -> Visit | None:
    """A household with one value corrected; None where the value that was corrected is not what is known."""
    person_id, name, code = act.what
    if act.before not in told(visit, act.what):
        return None
    if not person_id:
        return replace(visit, **{name: None if name == "point" else act.after})  # type: ignore[arg-type]
    people = []
    for person in visit.people:
        if person.id != person_id:
            people.append(person)
        elif name != "member":
            people.append(_corrected_person(person, name, code, act))
    return replace(visit, people=tuple(people))


def _corrected_person(person: Person, name: str, code: str, act: Correction) -> Person:
    after = date.fromisoformat(str(act.after)) if act.after and name in ("born_on", "dose_given_on") else act.after
    if name == "born_on":
        return replace(person, born_on=after, birth_precision="day" if after else None)  # type: ignore[arg-type]
    if name not in OF_DOSE:
        return replace(person, **{name: after})  # type: ignore[arg-type]
    doses = list(person.doses)
    place = next(at for at, dose in enumerate(doses) if dose.code == code and _of_dose(dose, name) == act.before)
    if name == "dose":
        del doses[place]
    else:
        doses[place] = replace(doses[place], **{name.removeprefix("dose_"): after})  # type: ignore[arg-type]
    return replace(person, doses=tuple(doses))


def parted(visit: Visit, act: TwoPeople) -> Visit | None:
    """A household in which one entry became two people; None where it, or a dose that is to be parted, is not there.

    What was told of the second by their own id since is added to what they take with them.
    """
    person = next((one for one in visit.people if one.id == act.person_id), None)
    if person is None:
        return None
    stay, taken = list(person.doses), []
    for code, text in act.doses:
        dose = next((each for each in stay if each.code == code and _of_dose(each, "dose") == text), None)
        if dose is None:
            return None
        stay.remove(dose)
        taken.append(dose)
    second = replace(person, id=act.second_id, name=act.name, doses=tuple(taken), entity=CREATED)
    told_since = next((one for one in visit.people if one.id == act.second_id), None)
    if told_since is not None:
        second = changed(second, told_since)
    people: list[Person] = []
    for one in visit.people:
        if one is person:
            people += [replace(person, doses=tuple(stay)), second]
        elif one is not told_since:
            people.append(one)
    return replace(visit, people=tuple(people))


def _join_people(houses: dict[str, Visit], act: SamePerson) -> None:
    (kept_house, kept_id), (other_house, other_id) = act.kept, act.other
    if act.kept == act.other or kept_house not in houses or other_house not in houses:
        return
    kept = next((one for one in houses[kept_house].people if one.id == kept_id), None)
    other = next((one for one in houses[other_house].people if one.id == other_id), None)
    if kept is None or other is None:
        return
    if kept is not other:
        rest = tuple(one for one in houses[other_house].people if one is not other)
        houses[other_house] = replace(houses[other_house], people=rest)
    both = join_people(kept, other)
    people = tuple(both if one is kept else one for one in houses[kept_house].people)
    houses[kept_house] = replace(houses[kept_house], people=people)


def join_people(kept: Person, other: Person) -> Person:
    """One person of two entries: what the first tells, what only the second does, and every dose of both once."""
    news: dict[str, object] = {
        field: getattr(other, field)
        for field in ("name", "sex", "away_place", "infected_on")
        if getattr(kept, field) is None and getattr(other, field) is not None
    }
    if kept.born_on is None:
        news |= {"born_on": other.born_on, "birth_precision": other.birth_precision}
    if other.contraindicated and not kept.contraindicated:
        news |= {"contraindicated": True, "contraindication": other.contraindication}
    if kept.deferred_until is None and not kept.refused and other.deferred_until is not None:
        news |= {"deferred_until": other.deferred_until, "deferral_reason": other.deferral_reason}
    doses = join_doses(kept.doses, other.doses)
    priorities = tuple(dict.fromkeys((*kept.priorities, *other.priorities)))
    unknown = kept.vaccination_unknown and other.vaccination_unknown and not doses
    return replace(kept, doses=doses, priorities=priorities, vaccination_unknown=unknown, **news)  # type: ignore[arg-type]


def join_doses(kept: tuple[Dose, ...], other: tuple[Dose, ...]) -> tuple[Dose, ...]:
    """Every dose of two entries once. Two of one number are one dose, unless both tell a day and the days differ."""
    doses = list(kept)
    free = list(range(len(kept)))
    for dose in other:
        same = [at for at in free if _one_dose(doses[at], dose)]
        exact = [at for at in same if doses[at].given_on == dose.given_on]
        if not same:
            doses.append(dose)
            continue
        at = (exact or same)[0]
        free.remove(at)
        more = {
            field: getattr(dose, field)
            for field in ("given_on", "vaccine", "lot", "place", "evidence")
            if getattr(doses[at], field) is None
        }
        doses[at] = replace(doses[at], **more)
    return tuple(doses)


def _one_dose(one: Dose, other: Dose) -> bool:
    days_agree = one.given_on is None or other.given_on is None or one.given_on == other.given_on
    vaccines_agree = one.vaccine is None or other.vaccine is None or one.vaccine == other.vaccine
    return one.code == other.code and days_agree and (vaccines_agree or one.given_on == other.given_on is not None)


def join_households(kept: Visit, other: Visit) -> Visit:
    """One household of two: the first's words, what only the second tells, and the people of both.

    Somebody who is told of in both by one id is one person, as of the later report.
    """
    news = {
        field: getattr(other, field)
        for field in (*OF_HOUSEHOLD[:-2], "point")
        if getattr(kept, field) is None and getattr(other, field) is not None
    }
    people = list(kept.people)
    places = {one.id: at for at, one in enumerate(people)}
    for person in other.people:
        at = places.get(person.id)
        if at is None:
            people.append(person)
        else:
            earlier, later = sorted((people[at], person), key=lambda one: one.reported_on)
            people[at] = changed(earlier, later)
    met = Outcome.INTERVIEWED in (kept.outcome, other.outcome)
    return replace(
        kept,
        people=tuple(people),
        outcome=Outcome.INTERVIEWED if met else kept.outcome,
        visited_on=max(kept.visited_on, other.visited_on),
        **news,
    )
