"""What is odd about people and houses by rule: each oddity with its evidence, and a key by which it is known again.

The rules know no vaccine and no dose: these are data of the campaign. Nothing odd is wrong until somebody has looked.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from statistics import median

from mapper.domain.campaign import Campaign, Group, ScheduledDose
from mapper.domain.people import Dose, Outcome, Person

RULES = (
    "same_person",
    "same_person_elsewhere",
    "same_household",
    "dose_before_birth",
    "dose_before_vaccine",
    "dose_too_soon",
    "dose_at_age",
    "doses_mixed",
    "dose_twice",
    "point_shared",
    "point_far",
    "commune_differs",
    "head_count",
)
"""Rules in the order in which they are shown."""

MOST_PEOPLE = 15
"""A household of more is looked at."""

MISCOUNTED = 2
"""So many people more or less listed than the household said it has are looked at."""

LEAST_CLOUD = 5
"""Houses with a position from which on a hamlet has a cloud."""

FAR_M = 1000.0
"""Nearer to the middle of its hamlet than this no house is far."""

FAR_TIMES = 6.0
"""A house is far that lies so many times farther from the middle than half of the houses do."""

_METRES_A_DEGREE = 111_195.0


@dataclass(frozen=True, slots=True)
class Odd:
    """Something to look at. person: id, "" for the house. about: what makes it this oddity and no other.

    facts: values to show, as text; of a dose its code under "dose".
    """

    rule: str
    person: str = ""
    about: tuple[str, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)


def key(rule: str, *about: str) -> str:
    """The key of an oddity: the same for the same one whenever it is found; tells nothing of anybody."""
    return hashlib.sha256("\x1f".join((rule, *about)).encode()).hexdigest()[:32]


def pair_key(rule: str, one: str, other: str) -> str:
    """The key of an oddity of two, whichever comes first."""
    return key(rule, *sorted((one, other)))


def births(person: Person) -> tuple[date, date] | None:
    """The first and the last day on which somebody may have been born; an age told is good to a year."""
    born = person.born_on
    if born is None:
        return None
    if person.birth_precision == "month":
        nxt = date(born.year + born.month // 12, born.month % 12 + 1, 1)
        return born.replace(day=1), date.fromordinal(nxt.toordinal() - 1)
    if person.birth_precision in ("year", "age"):
        more = int(person.birth_precision == "age")
        return date(max(1, born.year - more), 1, 1), date(born.year + more, 12, 31)
    return born, born


def of_person(person: Person, campaign: Campaign) -> list[Odd]:
    """What is odd about somebody's doses."""
    found = []
    born = births(person)
    for dose in person.doses:
        if dose.given_on is None:
            continue
        shown = _shown(dose)
        same = (person.id, dose.code, shown["given_on"])
        if born and dose.given_on < born[0]:
            facts = shown | {"born_on": person.born_on.isoformat() if person.born_on else ""}
            found.append(Odd("dose_before_birth", person.id, (*same, facts["born_on"]), facts))
            continue
        first = campaign.first_used.get(dose.vaccine or "")
        if first is not None and dose.given_on < first:
            facts = shown | {"first": first.isoformat()}
            found.append(Odd("dose_before_vaccine", person.id, (*same, dose.vaccine or ""), facts))
        found += _by_schedule(person, dose, campaign, born)
    return found + _twice(person)


def _by_schedule(person: Person, dose: Dose, campaign: Campaign, born: tuple[date, date] | None) -> list[Odd]:
    """Oddities that hold by every group that the person can have belonged to when the dose was given."""
    assert dose.given_on is not None
    planned = [each for group, each in campaign.series if each.code == dose.code]
    if not planned:
        return []
    shown = _shown(dose)
    same = (person.id, dose.code, shown["given_on"])
    mine = planned
    if born:
        groups = [(group, each) for group, each in campaign.series if each.code == dose.code]
        mine = [each for group, each in groups if _of_age(group, born, dose.given_on)]
        if not mine:
            facts = shown | {"born_on": born[0].isoformat() if born[0] == born[1] else str(born[0].year)}
            return [Odd("dose_at_age", person.id, (*same, "age"), facts)]
    found = []
    listed = any(dose.vaccine in each.vaccines for _, each in campaign.series)
    if dose.vaccine and listed and all(each.vaccines and dose.vaccine not in each.vaccines for each in mine):
        found.append(Odd("dose_at_age", person.id, (*same, dose.vaccine), shown))
    # One code may stand twice; the first of a day counts as the one before.
    by_code = {other.code: other for other in reversed(person.doses)}
    first = by_code.get(next((each.code for each in mine if each.after is None), "1"))
    waits = [_before(each, first, by_code) for each in mine]
    if all(before is not None and before.given_on is not None for before in waits):
        ends = [
            each.interval_by_vaccine.get(before.vaccine or "", each.interval).after(before.given_on)
            for each, before in zip(mine, waits, strict=True)
            if before is not None and before.given_on is not None
        ]
        if ends and dose.given_on < min(ends):
            before = waits[ends.index(min(ends))]
            assert before is not None and before.given_on is not None
            facts = shown | {"before": before.code, "before_on": before.given_on.isoformat()}
            facts["from"] = min(ends).isoformat()
            found.append(Odd("dose_too_soon", person.id, (*same, before.code, facts["before_on"]), facts))
    others = [before for each, before in zip(mine, waits, strict=True) if each.same_vaccine and before is not None]
    if len(others) == len(mine) and dose.vaccine:
        mixed = [before for before in others if before.vaccine and before.vaccine != dose.vaccine]
        if len(mixed) == len(others):
            facts = shown | {"before": mixed[0].code, "other_vaccine": mixed[0].vaccine or ""}
            found.append(Odd("doses_mixed", person.id, (*same, dose.vaccine, facts["other_vaccine"]), facts))
    return found


def _before(each: ScheduledDose, first: Dose | None, by_code: Mapping[str, Dose]) -> Dose | None:
    """The dose after which one is due, where the person has it."""
    code = each.after_by_vaccine.get((first.vaccine if first else None) or "", each.after or "")
    return by_code.get(code)


def _of_age(group: Group, born: tuple[date, date], day: date) -> bool:
    """Whether somebody can have been of a group's age on a day; who has a priority may be older or younger."""
    if group.either:
        return True
    old_enough = group.from_age is None or group.from_age.after(born[0]) <= day
    return old_enough and (group.to_age is None or group.to_age.after(born[1]) > day)


def _twice(person: Person) -> list[Odd]:
    found = []
    by_code: dict[str, list[Dose]] = {}
    for dose in person.doses:
        by_code.setdefault(dose.code, []).append(dose)
    for code, doses in by_code.items():
        if len(doses) > 1:
            days = sorted(dose.given_on.isoformat() if dose.given_on else "" for dose in doses)
            facts = _shown(doses[-1]) | {"before": code, "before_on": days[0]}
            found.append(Odd("dose_twice", person.id, (person.id, code, *days), facts))
    return found


def _shown(dose: Dose) -> dict[str, str]:
    given = dose.given_on.isoformat() if dose.given_on else ""
    return {"dose": dose.code, "given_on": given, "vaccine": dose.vaccine or ""}


def of_house(outcome: str, people: int, expected: int | None) -> Odd | None:
    """An improbable number of people: none at an interview, very many, or not as many as the household said.

    people: listed; expected: as the household said, None where nobody asked.
    """
    facts = {"people": str(people), "expected": "" if expected is None else str(expected)}
    nobody = outcome == Outcome.INTERVIEWED and not people
    miscounted = bool(people) and expected is not None and abs(expected - people) >= MISCOUNTED
    if nobody or people > MOST_PEOPLE or miscounted:
        return Odd("head_count", "", (str(people), facts["expected"]), facts)
    return None


def far_houses(points: Sequence[tuple[float, float]]) -> dict[int, float]:
    """Places of the houses that lie outside the cloud of their hamlet, with metres from its middle.

    points: latitude and longitude, degrees, of one hamlet. The middle is that of medians, which few houses elsewhere
    do not move.
    """
    if len(points) < LEAST_CLOUD:
        return {}
    lat, lon = median(point[0] for point in points), median(point[1] for point in points)
    east = math.cos(math.radians(lat))
    away = [math.hypot(a - lat, (b - lon) * east) * _METRES_A_DEGREE for a, b in points]
    limit = max(FAR_M, FAR_TIMES * median(away))
    return {place: metres for place, metres in enumerate(away) if metres > limit}


def equal_points(points: Sequence[tuple[float, float]]) -> list[tuple[int, int]]:
    """Houses at one and the same position: each with the first that stands there, to a hundredth of a metre or so."""
    first: dict[tuple[float, float], int] = {}
    found = []
    for place, (lat, lon) in enumerate(points):
        at = first.setdefault((round(lat, 7), round(lon, 7)), place)
        if at != place:
            found.append((at, place))
    return found
