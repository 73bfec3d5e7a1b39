"""Mistakes of the sample's canvassers, so that the cleaning station has something to look at.

Each is made once, at the first house that it fits, so that a larger sample has them at the same houses. They are what a
tired hand does: a digit mistyped, a house entered twice, a position taken at the wrong door.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

from mapper.domain.people import Outcome, Person, Point
from mapper.domain.places import fold
from mapper.services.invented import Asking, House, is_member

APART = 6
"""Houses from one mistake to the next."""

Slip = Callable[[House], House | None]


class Slips:
    """Makes the mistakes while the houses of the first round go by in their order. asking: the form's campaign."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._before: list[House] = []
        self._last = 0
        self._waiting: list[Slip] = [self._born_after_dose, self._far, self._too_soon, self._number_mistyped]
        self._waiting += [self._same_spot, self._person_again, self._year_mistyped, self._wrong_vaccine]
        self._waiting += [self._house_again]

    def made(self, house: House) -> House:
        """The house with a mistake, where one fits; else the house itself."""
        if house.answers["visit.outcome"] != Outcome.INTERVIEWED.value or not house.people:
            return house
        found = None
        if house.count - self._last >= APART:
            for slip in self._waiting:
                found = slip(house)
                if found is not None:
                    self._waiting.remove(slip)
                    self._last = house.count
                    break
        if found is None:
            self._before.append(house)
        return found or house

    def _born_after_dose(self, house: House) -> House | None:
        """The first dose's year with a 0 for its 2: before somebody young was born."""
        for place, person in enumerate(house.people):
            born, doses = person.get("person.birth_date"), _doses(person)
            if isinstance(born, date) and doses and date(2002, 1, 1) < born:
                return _with_dose(house, place, 0, {"dose.date": _on(doses[0]).replace(year=2001, day=15)})
        return None

    def _year_mistyped(self, house: House) -> House | None:
        """The first dose's year one too small: before there was a vaccine."""
        for place, person in enumerate(house.people):
            doses, born = _doses(person), person.get("person.birth_date")
            if isinstance(born, date) and born.year < 1990 and doses and _on(doses[0]).year == 2021:
                return _with_dose(house, place, 0, {"dose.date": _on(doses[0]).replace(year=2020, day=15)})
        return None

    def _too_soon(self, house: House) -> House | None:
        """The second dose's day is written as four days after the first."""
        for place, person in enumerate(house.people):
            doses = _doses(person)
            if len(doses) > 1:
                return _with_dose(house, place, 1, {"dose.date": _on(doses[0]) + timedelta(days=4)})
        return None

    def _wrong_vaccine(self, house: House) -> House | None:
        """A child's dose is of a vaccine that nobody of that age is to have."""
        for place, person in enumerate(house.people):
            born, doses = person.get("person.birth_date"), _doses(person)
            if not isinstance(born, date) or not doses or (house.day - born).days > 17 * 365:
                continue
            own = Person("", house.day, born_on=born)
            groups = [group for group in self._asking.campaign.groups if is_member(own, group, _on(doses[0]))]
            planned = [dose for group in groups for dose in group.doses if dose.code == doses[0]["dose.number"]]
            allowed = {vaccine for dose in planned for vaccine in dose.vaccines}
            others = [vaccine for vaccine in self._asking.vaccines if vaccine not in allowed]
            if allowed and others:
                return _with_dose(house, place, 0, {"dose.vaccine": others[0]})
        return None

    def _far(self, house: House) -> House | None:
        """The position is taken at home, four kilometres from the door, for a house of a hamlet well visited."""
        point = house.answers.get("household.point")
        if not isinstance(point, Point) or house.sketch.visited_share < 0.9:
            return None
        return replace(
            house, answers=house.answers | {"household.point": replace(point, lat=round(point.lat + 0.036, 6))}
        )

    def _same_spot(self, house: House) -> House | None:
        """The position is the one of a house before, in the same commune."""
        for other in reversed(self._before):
            point = other.answers.get("household.point")
            if other.sketch.code == house.sketch.code and point is not None:
                return replace(house, answers=house.answers | {"household.point": point})
        return None

    def _number_mistyped(self, house: House) -> House | None:
        """The number of people with a 1 before it."""
        number = len(house.people)
        return replace(house, answers=house.answers | {"household.expected_members": 10 + number % 10})

    def _person_again(self, house: House) -> House | None:
        """Somebody of another house of the commune was met here too; the name is typed without accents."""
        for other in self._before:
            if other.sketch.commune != house.sketch.commune or other.day > house.day:
                continue
            for person in other.people:
                if "person.birth_date" in person and _doses(person):
                    guest = person | {"person.name": fold(str(person["person.name"])).title()}
                    guest |= {"doses": list(_doses(person)[:1])}
                    number = {"household.expected_members": len(house.people) + 1}
                    return replace(house, answers=house.answers | number, people=[*house.people, guest])
        return None

    def _house_again(self, house: House) -> House | None:
        """Another canvasser enters a house of the same hamlet once more, a little aside and without accents."""
        for other in self._before:
            if other.sketch.code != house.sketch.code or other.day > house.day or len(other.people) < 2:
                continue
            names = ("household.house_number", "household.head", "household.phone", "household.expected_members")
            answers = house.answers | {name: other.answers[name] for name in names}
            first = other.people[0] | {"person.name": fold(str(other.people[0]["person.name"])).title()}
            return replace(house, answers=answers, people=[first, *other.people[1:]], family=other.family)
        return None


def _doses(person: dict[str, object]) -> list[dict[str, object]]:
    doses = person.get("doses")
    return doses if isinstance(doses, list) else []


def _on(dose: dict[str, object]) -> date:
    day = dose["dose.date"]
    assert isinstance(day, date)
    return day


def _with_dose(house: House, place: int, number: int, news: dict[str, object]) -> House:
    """The house with something else told of one dose of one person."""
    people = list(house.people)
    doses = list(_doses(people[place]))
    doses[number] = doses[number] | news
    people[place] = people[place] | {"doses": doses}
    return replace(house, people=people)
