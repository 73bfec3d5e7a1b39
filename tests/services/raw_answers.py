"""Whom a filter wants, worked out with pandas from the submissions as they were sent: nothing here is the product's.

Where somebody stands for a dose comes from tests/journey/reckoning.py, which knows only the campaign's plain TOML.
"""

from __future__ import annotations

import functools
import math
import operator
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd

from tests.journey import reckoning
from tests.journey.canvasser import Told

Values = Mapping[str, Sequence[str]]
"""A filter as an address tells it: names to values."""

HOME = "squares"
"""The set whose communes the forms ask for."""
TINY = 1e-9
"""Degrees by which sums of sides may miss a border."""
AWAY = ("works_away", "moved_out")
OF_A_COLUMN = {
    "sexes": "sex",
    "residences": "residence",
    "outcomes": "outcome",
    "reviews": "review",
    "senders": "sender",
}
OF_A_DOSE = frozenset({"given", "vaccines", "lots", "given_from", "given_to"})


def plain(text: str) -> str:
    """Without accents, in small letters."""
    letters = unicodedata.normalize("NFKD", text.lower())
    return "".join(c for c in letters if unicodedata.category(c) != "Mn").replace("đ", "d")


class RawAnswers:
    """The people of some submissions. sets: by set and level, the codes of boxes (west, south, east, north) of land.

    people: one row a person, with what is known of the house.
    """

    def __init__(self, campaign: Mapping[str, Any], sets: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> None:
        self.campaign, self.sets = campaign, sets
        self._rows: list[dict[str, Any]] = []
        self._told: list[tuple[dict[str, Any], Told]] = []
        self._asked = functools.cache(self._state)

    def add(self, xml: bytes, sender: int, review: str) -> None:
        """Take the people of a submission."""
        root = ElementTree.fromstring(xml)
        visited = date.fromisoformat(_text(root, "today"))
        point = [float(part) for part in _text(root, "location").split()]
        head = _text(root, "household/head")
        for person in root.findall("person"):
            answers = _answers(person)
            name, born = _text(person, "identity/person_name"), reckoning.birth(answers, visited)
            self._told.append((answers, Told(visited, {})))
            self._rows.append(
                {
                    "id": person.find("meta/entity").attrib["id"],  # type: ignore[union-attr]
                    "born": born,
                    "name": name,
                    "names": tuple(plain(f"{name} {head}").split()),
                    "sex": _text(person, "identity/sex"),
                    "residence": answers["residence"],
                    "house": _text(root, "meta/entity@id"),
                    "phone": re.sub(r"\D", "", _text(root, "household/phone")),
                    "outcome": _text(root, "outcome"),
                    "commune": _text(root, "place/commune"),
                    "hamlet": _text(root, "place/hamlet"),
                    "visited": visited.isoformat(),
                    "lat": point[0] if point else math.nan,
                    "lon": point[1] if point else math.nan,
                    "exact": bool(point) and point[3] <= self.campaign["accuracy_limit_m"],
                    "sender": str(sender),
                    "review": review,
                    "contraindicated": _said(answers, answers.get("contraindicated") == "yes", "contraindication"),
                    "deferred": _said(answers, "deferred_until" in answers, "deferral_reason"),
                    "refused": _said(answers, answers.get("consent") == "no", "refusal_reason"),
                    "away": _said(answers, answers["residence"] in AWAY, "away_place"),
                }
            )

    @functools.cached_property
    def people(self) -> pd.DataFrame:
        """Everybody, with the codes of the unit of each level of each set that they belong to."""
        people = pd.DataFrame(self._rows)
        for set_id, levels in self.sets.items():
            for commune, (west, south, east, north, above) in levels["commune"].items():
                inside = (people["lon"] >= west) & (people["lon"] < east)
                inside &= (people["lat"] >= south) & (people["lat"] < north)
                here = inside.where(people["exact"], people["commune"].isin(self._within((west, south, east, north))))
                for level, code in ({"commune": commune} | above).items():
                    people.loc[here, f"{set_id}/{level}"] = code
        return people

    def _within(self, box: tuple[float, ...]) -> set[str]:
        """Communes of the forms whose squares lie in a box: there are their households that have no exact point."""
        return {
            commune
            for commune, (west, south, east, north, _) in self.sets[HOME]["commune"].items()
            if box[0] <= west + TINY and east - TINY <= box[2] and box[1] <= south + TINY and north - TINY <= box[3]
        }

    @functools.cached_property
    def doses(self) -> pd.DataFrame:
        """Their doses, by the place of the person in ``people``; days as text."""
        return pd.DataFrame(
            [
                (at, dose["dose_number"], dose.get("vaccine"), dose.get("lot"), str(dose.get("dose_date", "")))
                for at, (answers, _) in enumerate(self._told)
                for dose in answers["dose"]
            ],
            columns=["at", "given", "vaccines", "lots", "on"],
        )

    def wanted(self, values: Values, set_id: str, day: date) -> pd.DataFrame:
        """Whom a filter wants."""
        people = self.people
        one = {name: given[0] for name, given in values.items() if given}
        keep = pd.Series(True, index=people.index)
        for name, column in OF_A_COLUMN.items():
            if name in values:
                keep &= people[column].isin(list(values[name]))
        if "visited_from" in one:
            keep &= people["visited"] >= one["visited_from"]
        if "visited_to" in one:
            keep &= people["visited"] <= one["visited_to"]
        if "priorities" in values:
            wanted = set(values["priorities"])
            keep &= np.array([bool(wanted & set(answers["priority"])) for answers, _ in self._told])
        if "areas" in values:
            keep &= _any(self._lies(area, set_id) for area in values["areas"])
        if "within" in one:
            keep &= self._inside([tuple(map(float, corner.split())) for corner in one["within"].split(",")])
        if values.keys() & OF_A_DOSE:
            keep &= people.index.isin(self._with_doses(values, one))
        if "reasons" in values:
            keep &= _any(self._hindered(reason) for reason in values["reasons"])
        for word in plain(one.get("text", "")).split():
            keep &= self._called(word)
        # Asked one by one, of those whom the others left.
        kept = [at for at in people.index[keep] if self._is_of_age(people.at[at, "born"], one, day)]
        if "group" in one:
            kept = [at for at in kept if self._stands(at, one, values.get("states", ()), day)]
        return people.loc[kept]

    def _lies(self, area: str, set_id: str) -> pd.Series:
        level, _, code = area.partition(":")
        return self.people["hamlet" if level == "hamlet" else f"{set_id}/{level}"] == code

    def _inside(self, corners: Sequence[tuple[float, ...]]) -> pd.Series:
        """Whether a ray to the east crosses the outline an odd number of times."""
        lat, lon = self.people["lat"], self.people["lon"]
        odd = pd.Series(False, index=lat.index)
        for (lat_1, lon_1), (lat_2, lon_2) in zip(corners, (*corners[1:], corners[0]), strict=True):
            odd ^= ((lat_1 > lat) != (lat_2 > lat)) & (lon < lon_1 + (lat - lat_1) / (lat_2 - lat_1) * (lon_2 - lon_1))
        return odd

    def _with_doses(self, values: Values, one: Mapping[str, str]) -> pd.Series:
        doses = self.doses
        fits = pd.Series(True, index=doses.index)
        for name in ("given", "vaccines", "lots"):
            if name in values:
                fits &= doses[name].isin(list(values[name]))
        if "given_from" in one:
            fits &= doses["on"] >= one["given_from"]
        if "given_to" in one:
            fits &= (doses["on"] != "") & (doses["on"] <= one["given_to"])
        return doses["at"][fits]

    def _hindered(self, reason: str) -> pd.Series:
        obstacle, colon, word = reason.partition(":")
        return self.people[obstacle] == word if colon else self.people[obstacle].notna()

    def _called(self, word: str) -> pd.Series:
        people, digits = self.people, re.sub(r"\D", "", word)
        found = pd.Series([any(name.startswith(word) for name in names) for names in people["names"]], people.index)
        if len(digits) >= 3 and len(digits) + 2 >= len(word):
            found |= people["phone"].str.contains(digits, regex=False)
        if re.fullmatch(r"(19|20)\d\d", word):
            found |= np.array([str(born.year) == word for born in people["born"]])
        return found

    def _is_of_age(self, born: date, one: Mapping[str, str], day: date) -> bool:
        if "age_from" in one and day < reckoning.later(born, f"{one['age_from']} years"):
            return False
        return "age_to" not in one or born <= day < reckoning.later(born, f"{int(one['age_to']) + 1} years")

    def _state(self, at: int, group: int, dose: int, day: date) -> str:
        rules = self.campaign["groups"][group]
        return reckoning.state(*self._told[at], rules, rules["doses"][dose], day)

    def _stands(self, at: int, one: Mapping[str, str], states: Sequence[str], day: date) -> bool:
        ((group, rules),) = [pair for pair in enumerate(self.campaign["groups"]) if pair[1]["code"] == one["group"]]
        doses = [place for place, dose in enumerate(rules["doses"]) if one.get("dose", dose["dose"]) == dose["dose"]]
        if "entering" not in one:
            now = {self._asked(at, group, dose, day) for dose in doses}
            return bool(now & set(states)) if states else now != {"outside"}
        first, last = date.fromisoformat(one["entering_from"]), date.fromisoformat(one["entering_to"])
        for dose in doses:
            for number in range((last - first).days + 1):
                on = first + timedelta(days=number)
                before, after = (self._asked(at, group, dose, each) for each in (on - timedelta(days=1), on))
                if one["entering"] == "group" and before == "outside" != after:
                    return True
                if one["entering"] == "due" and before != "due" == after:
                    return True
        return False


def _text(at: ElementTree.Element, path: str) -> str:
    path, _, attribute = path.partition("@")
    found = at.find(path)
    if found is None:
        return ""
    return found.attrib[attribute] if attribute else found.text or ""


def _answers(person: ElementTree.Element) -> dict[str, Any]:
    told: dict[str, Any] = {
        each.tag: each.text for part in ("identity", "health", ".") for each in person.find(part) or () if each.text
    }
    days = {
        name: date.fromisoformat(told[name]) for name in ("birth_date", "deferred_until", "infected_on") if name in told
    }
    told |= days
    known = {"birth_date": "date", "birth_year": "year", "age_years": "age"}
    told["birth_known"] = next(word for name, word in known.items() if name in told)
    for name in ("birth_year", "age_years"):
        if name in told:
            told[name] = int(told[name])
    told["priority"] = told.get("priority", "").split()
    told["dose"] = []
    for dose in person.findall("health/dose"):
        facts: dict[str, Any] = {each.tag: each.text for each in dose if each.text}
        if "dose_date" in facts:
            facts["dose_date"] = date.fromisoformat(facts["dose_date"])
        told["dose"].append(facts)
    return told


def _said(answers: Mapping[str, Any], holds: bool, where: str) -> str | None:
    """The reason told for what holds, "" where none is; None where it does not hold."""
    return str(answers.get(where, "")) if holds else None


def _any(these: Iterable[pd.Series]) -> pd.Series:
    return functools.reduce(operator.or_, these)
