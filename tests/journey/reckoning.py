"""The figures of a census, reckoned a second time: person by person, from what the canvassers were told.

Nothing here comes from the product but the campaign's file, read as plain TOML, and the boundary file. Every person is
asked for every question anew; there are no tallies and nothing clever.
"""

from __future__ import annotations

import calendar
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import shapely

from tests.journey.canvasser import Told

STATES = (
    *("vaccinated", "due", "waiting", "contraindicated", "deferred", "refused", "away", "unknown"),
    "outside",
)
ELIGIBLE = ("vaccinated", "refused", "deferred", "waiting", "due")
Z = 1.959963984540054


def later(day: date, period: str) -> date:
    """The day a period such as "5 months" or "8 weeks" after a day ends."""
    for number, unit in re.findall(r"(\d+) (year|month|week|day)", period):
        count = int(number)
        if unit in ("year", "month"):
            months = day.year * 12 + day.month - 1 + count * (12 if unit == "year" else 1)
            year, month = divmod(months, 12)
            day = date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
        else:
            day += timedelta(days=count * (7 if unit == "week" else 1))
    return day


def earlier(day: date, years: int) -> date:
    """The same day years before; 28 February for a 29th."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)


def birth(person: Mapping[str, Any], visited_on: date) -> date:
    """The birth date, or the middle of the days it can have been: 1 July of a year that is over."""
    if person["birth_known"] == "date":
        return person["birth_date"]  # type: ignore[no-any-return]
    if person["birth_known"] == "year":
        if person["birth_year"] < visited_on.year:
            return date(person["birth_year"], 7, 1)
        first, last = date(visited_on.year, 1, 1), visited_on
    else:
        # Who is 30 was born on one of the days between the 31st birthday that is not yet and the 30th that was.
        first = earlier(visited_on, person["age_years"] + 1) + timedelta(days=1)
        last = earlier(visited_on, person["age_years"])
    return first + timedelta(days=((last - first).days + 1) // 2)


def state(person: Mapping[str, Any], told: Told, group: Mapping[str, Any], dose: Mapping[str, Any], day: date) -> str:
    """Where a person stands for one group and dose of the campaign's file on one day."""
    born, doses = birth(person, told.visited_on), {each["dose_number"]: each for each in person.get("dose", [])}
    at_risk = bool(set(group.get("priorities", [])) & set(person.get("priority", [])))
    from_age = group.get("from_age") if at_risk else group.get("also_from_age", group.get("from_age"))
    if from_age and day < later(born, from_age):
        return "outside"
    if "to_age" in group and day >= later(born, group["to_age"]):
        return "outside"
    if "priorities" in group and not at_risk and "also_from_age" not in group:
        return "outside"
    given = doses.get(dose["dose"])
    for vaccine, number in dose.get("given_by_vaccine", {}).items():
        instead = doses.get(number, {})
        if instead.get("vaccine") == vaccine and (
            not given or str(instead.get("dose_date", "9")) < str(given.get("dose_date", "9"))
        ):
            given = instead
    comes_after = dose.get("after")
    first = next(iter(doses.values()), {})
    if first.get("dose_date"):
        first = min((d for d in doses.values() if d.get("dose_date")), key=lambda d: d["dose_date"])
    comes_after = dose.get("after_by_vaccine", {}).get(first.get("vaccine"), comes_after)
    before = doses.get(comes_after)
    if not given and "only_vaccines" in dose and (not before or before.get("vaccine") not in dose["only_vaccines"]):
        return "outside"
    if person["residence"] in ("works_away", "moved_out"):
        return "away"
    if given:
        if (given.get("dose_date") or told.visited_on) <= day:
            return "vaccinated"
        if not given.get("dose_date"):
            return "unknown"
    if person.get("contraindicated") == "yes":
        return "contraindicated"
    if day >= told.visited_on and person.get("consent") == "no":
        return "refused"
    if "deferred_until" in person and told.visited_on <= day < person["deferred_until"]:
        return "deferred"
    ill = person.get("infected_on")
    if ill and "after_infection" in group and ill <= day < later(ill, group["after_infection"]):
        return "deferred"
    if person.get("vaccinated") == "unknown" or (person.get("vaccinated") == "yes" and not doses):
        return "unknown"
    if comes_after is None:
        return "due"
    if not before:
        return "waiting"
    if not before.get("dose_date"):
        return "due" if day >= told.visited_on else "waiting"
    wait = dose.get("interval_by_vaccine", {}).get(before.get("vaccine"), dose.get("interval", "0 days"))
    return "due" if day >= later(before["dose_date"], wait) else "waiting"


@dataclass
class Place:
    """One row of figures while it is counted. unvisited: houses of its hamlets' lists that nobody came to."""

    states: Counter[str] = field(default_factory=Counter)
    visited: int = 0
    interviewed: int = 0
    vacant: int = 0
    expected: int | None = None
    unvisited: int = 0

    def row(self, target: Fraction | None) -> dict[str, Any]:
        """The row as the API writes it, without names."""
        states = {name: self.states[name] for name in STATES}
        eligible, vaccinated = sum(states[name] for name in ELIGIBLE), states["vaccinated"]
        unknown = states["unknown"]
        missing = self.unvisited + self.visited - self.interviewed - self.vacant
        people_missing: int | None = 0
        if missing > 0:
            people_missing = (
                math.ceil(Fraction((eligible + unknown) * missing, self.interviewed)) if self.interviewed else None
            )
        worst, best = (0.0, 1.0) if people_missing is None else (None, None)
        everybody = eligible + unknown + (people_missing or 0)
        if people_missing is not None and everybody:
            worst = vaccinated / everybody
            best = (vaccinated + unknown + people_missing) / everybody
        # Where nobody is missing or unknown, the share is no estimate.
        complete = everybody == eligible and people_missing is not None
        low, high = wilson(vaccinated, eligible) if eligible and not complete else (None, None)
        return {
            "households_expected": self.expected,
            "households_visited": self.visited,
            "households_interviewed": self.interviewed,
            "people": sum(states.values()),
            "eligible": eligible,
            **states,
            "coverage": vaccinated / eligible if eligible else None,
            "low": low,
            "high": high,
            "worst": worst,
            "best": best,
            "needed": max(0, math.ceil(target * eligible) - vaccinated) if target is not None and eligible else None,
            "verdict": verdict(vaccinated, eligible, unknown, people_missing, low, high, target),
        }


def verdict(
    vaccinated: int,
    eligible: int,
    unknown: int,
    missing: int | None,
    low: float | None,
    high: float | None,
    target: Fraction | None,
) -> str | None:
    """Met or not where everybody is known; else only where both the interval and the bounds agree."""
    if target is None or (not eligible and not unknown and missing == 0):
        return None
    if not eligible or missing is None:
        return "undecided"
    everybody = eligible + unknown + missing
    if low is None or high is None:
        return "met" if vaccinated >= target * eligible else "not_met"
    if low >= target and vaccinated >= target * everybody:
        return "met"
    if high < target and vaccinated + unknown + missing < target * everybody:
        return "not_met"
    return "undecided"


def wilson(part: int, whole: int) -> tuple[float, float]:
    """The 95 % interval of a share: where the score test does not refuse it."""
    share = part / whole
    root = math.sqrt(Z * Z * (Z * Z + 4 * whole * share * (1 - share)))
    low, high = ((2 * part + Z * Z + sign * root) / (2 * (whole + Z * Z)) for sign in (-1, 1))
    return (0.0 if part == 0 else low), (1.0 if part == whole else high)


@dataclass(frozen=True)
class Ground:
    """The boundary file and the hamlets' list, as read by the test.

    outlines: by commune code. above: by level, the code there of each commune. known: communes found already.
    """

    outlines: Mapping[str, Any]
    above: Mapping[str, Mapping[str, str]]
    hamlets: Sequence[Mapping[str, str]]
    accuracy_limit_m: float
    known: dict[int, str] = field(default_factory=dict)

    def commune(self, told: Told) -> str:
        """Where a household counts: by its position if that is good and inside, else as the form says."""
        if id(told) not in self.known:
            self.known[id(told)] = str(told.house["commune"])
            point = told.house.get("location")
            if isinstance(point, tuple) and self.positioned(told):
                place = shapely.Point(point[1], point[0])
                for code, outline in self.outlines.items():
                    if outline.contains(place):
                        self.known[id(told)] = code
        return self.known[id(told)]

    def figures(
        self, houses: Iterable[Told], group: Mapping[str, Any], dose: Mapping[str, Any], day: date
    ) -> dict[str, dict[str, dict[str, Any]]]:
        """By level, every row by its key, and "total"."""
        places: dict[tuple[str, str], Place] = {}
        visits: Counter[str] = Counter()

        def at(commune: str, hamlet: str) -> list[Place]:
            keys = {"hamlet": f"{commune}/{hamlet}"} | {level: codes[commune] for level, codes in self.above.items()}
            rows = [(level, key) for level in keys for key in (keys[level], "total")]
            return [places.setdefault(row, Place()) for row in rows]

        for told in houses:
            hamlet = str(told.house["hamlet"])
            visits[hamlet] += 1
            states = Counter(state(person, told, group, dose, day) for person in told.people)
            for place in at(self.commune(told), hamlet):
                place.visited += 1
                place.interviewed += told.house["outcome"] == "interviewed"
                place.vacant += told.house["outcome"] == "moved_away"
                place.states.update(states)
        for listed in self.hamlets:
            for place in at(listed["commune"], listed["name"]):
                number = int(listed["households"])
                place.expected = (place.expected or 0) + number
                place.unvisited += max(0, number - visits[listed["name"]])
        target = dose.get("target")
        share = Fraction(target.removesuffix("%").strip()) / 100 if target else None
        rows: dict[str, dict[str, dict[str, Any]]] = {}
        for (level, key), place in places.items():
            rows.setdefault(level, {})[key] = place.row(share)
        return rows

    def positioned(self, told: Told) -> bool:
        """Whether a household stands on the map by its own position."""
        point = told.house.get("location")
        return isinstance(point, tuple) and point[3] <= self.accuracy_limit_m
