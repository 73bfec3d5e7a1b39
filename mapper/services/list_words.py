"""What a phone's lists say in words: who is due for what since when, and why somebody is not.

In the installation's language and the campaign's own words for doses and vaccines; days as 01/08/2022.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import lru_cache

from mapper.domain.campaign import Campaign
from mapper.domain.follow_up import DueDose, HouseState, PersonState, Status
from mapper.domain.people import Dose, Person, Point
from mapper.errors import mark
from mapper.language import translate
from mapper.services.follow_up import HouseToSee, PersonToSee
from mapper.services.kept_invitations import Invitation, Invited
from mapper.services.plan_figures import clock

MARKERS = {
    HouseState.SOMEONE_DUE: ("#b2182b", "!"),
    HouseState.REFUSED: ("#6a3d9a", "x"),
    HouseState.DEFERRED: ("#b35806", "h"),
    HouseState.AWAY: ("#5f6b73", "v"),
    HouseState.NOT_MET: ("#2166ac", "?"),
    HouseState.ALL_DONE: ("#1b7837", "✓"),
}
"""Colour and sign of a house on the phone's map, so that no state is told by its colour alone."""

_HOUSES = {
    HouseState.REFUSED: mark("Refused"),
    HouseState.DEFERRED: mark("Deferred"),
    HouseState.AWAY: mark("Nobody lives here now"),
    HouseState.NOT_MET: mark("Nobody met yet"),
    HouseState.ALL_DONE: mark("Nothing to do today"),
}
Row = tuple[str, ...]

_OLD = 6
"""Up to so many years an age is told in months too."""


class Words:
    """The words of one campaign in one language, for one day.

    reasons: what the campaign's forms call each reason that can be chosen. invited: by the plans in use.
    """

    def __init__(
        self, campaign: Campaign, language: str, day: date, reasons: Mapping[str, str], invited: Invited | None = None
    ) -> None:
        self._language, self._day, self._reasons = language, day, reasons
        self._invited = invited or {}
        self._doses = {code: label[language] for code, label in campaign.doses.items()}
        self._vaccines = {code: label[language] for code, label in campaign.vaccines.items()}
        self._since = translate(mark("{dose} since {day}"), language)
        # What many people share is put into words once.
        self._several: dict[tuple[str, ...], str] = {}
        self._ages: dict[int, str] = {}
        self._dues: dict[tuple[str, date, tuple[str, ...]], str] = {}
        self._invitations: dict[tuple[object, ...], str] = {}
        self._doses_given: dict[tuple[str, date | None, str | None], str] = {}

    def _say(self, message: str, **facts: object) -> str:
        return translate(message, self._language, **facts)

    def rows(self, house: HouseToSee) -> tuple[Row, list[Row]]:
        """A household's row and the rows of its people, in the order of the lists' columns.

        Their versions are the register's, trunk version and branch blank: what a phone is handed comes later.
        """
        due = [self._due(each.status) for each in house.people]
        asked = [self.invitation(each) for each in house.people]
        return self._household(house, due, asked), [
            self._person(house, each, *told) for each, *told in zip(house.people, due, asked, strict=True)
        ]

    def to_check(self, house: HouseToSee) -> HouseToSee:
        """A household that is to be interviewed a second time, as it stands in the list of who goes there."""
        why = self._say(mark("second interview, ask as if for the first time"))
        return replace(house, state=HouseState.SOMEONE_DUE, asked_again=why)

    def household(self, house: HouseToSee) -> Row:
        """The row of a household alone."""
        due = [self._due(each.status) for each in house.people]
        return self._household(house, due, [self.invitation(each) for each in house.people])

    def person(self, house: HouseToSee, each: PersonToSee) -> Row:
        """The row of one of its people alone."""
        return self._person(house, each, self._due(each.status), self.invitation(each))

    def invitation(self, each: PersonToSee) -> str:
        """When and where somebody is asked to come by the plan in use; empty where nobody asks them."""
        return self.invited(each.person.id, lambda: each.status)

    def invited(self, person_id: str, status: Callable[[], Status]) -> str:
        """The same of whom the plan may know; where they stand is asked for only then."""
        one = self._invited.get(person_id)
        return self._asked(one) if one is not None and one.holds(status(), self._day) else ""

    def _asked(self, one: Invitation) -> str:
        key = (one.day, one.site, one.begin, one.end)
        told = self._invitations.get(key)
        if told is None:
            hours = f" {clock(one.begin)}–{clock(one.end)}" if one.end > one.begin else ""
            day = f"{_written(one.day)}{hours}"
            if one.day < self._day:
                words = mark("was invited on {day} to {site}") if one.site else mark("was to be visited on {day}")
            else:
                words = mark("invite on {day} to {site}") if one.site else mark("a team comes on {day}")
            told = self._invitations[key] = self._say(words, day=day, site=one.site)
        return told

    def _household(self, house: HouseToSee, told: Sequence[str], asked: Sequence[str]) -> Row:
        colour, sign = MARKERS[house.state]
        due = [f"{self.name(each.person)}: {dose}" for each, dose in zip(house.people, told, strict=True) if dose]
        invited = [one for one in dict.fromkeys(asked) if one]
        unknown = sum(each.status.state is PersonState.UNKNOWN for each in house.people)
        return (
            house.id,
            self._house_label(house),
            str(house.held.version),
            "",
            "",
            _geometry(house.point),
            house.commune_code or "",
            house.hamlet_code or "",
            house.house_number or "",
            house.head or "",
            house.phone or "",
            house.outcome,
            house.state.value,
            "; ".join([self._house_state(house.state, len(due), unknown, house.asked_again), *invited]),
            "; ".join(due),
            colour,
            sign,
        )

    def _person(self, house: HouseToSee, each: PersonToSee, due: str, asked: str) -> Row:
        person, status = each.person, each.status
        age = self.age(person.born_on)
        until = (person.deferred_until or status.next_on) if status.state is PersonState.DEFERRED else None
        vaccines = dict.fromkeys([code for dose in status.due for code in dose.vaccines])
        name = self.name(person)
        return (
            person.id,
            f"{name}, {age}" if age else name,
            str(each.held.version),
            "",
            "",
            house.id,
            person.name or "",
            person.sex or "",
            person.born_on.isoformat() if person.born_on else "",
            age,
            person.residence,
            status.state.value,
            " ".join([dose.code for dose in status.due]),
            "; ".join(filter(None, (due or self._why_not(person, status), asked))),
            " ".join(vaccines),
            "; ".join([self.given(dose) for dose in person.doses]),
            until.isoformat() if until else "",
        )

    def _house_state(self, state: HouseState, due: int, unknown: int, again: str) -> str:
        if state is not HouseState.SOMEONE_DUE:
            return self._say(_HOUSES[state])
        asked = [self._say(mark("visit again: {reason}"), reason=again)] if again else []
        told = [*asked, self._say(mark("{number} due"), number=due)] if due else asked
        return ", ".join([*told, self._say(mark("{number} to be asked"), number=unknown)] if unknown else told)

    def _house_label(self, house: HouseToSee) -> str:
        named = [house.head] if house.head else []
        if house.house_number:
            named.insert(0, self._say(mark("House {number}"), number=house.house_number))
        return " · ".join(named) or self._say(mark("House without number or name, {id}"), id=house.id[:8])

    def name(self, person: Person) -> str:
        """What somebody is called."""
        return person.name or self._say(mark("Without a name"))

    def age(self, born: date | None) -> str:
        """How old somebody is on the day; empty where nobody can say."""
        if born is None or born > self._day:
            return ""
        months = (self._day.year - born.year) * 12 + self._day.month - born.month - (self._day.day < born.day)
        told = self._ages.get(months)
        if told is None:
            told = self._ages[months] = self._age_in_words(months)
        return told

    def _age_in_words(self, months: int) -> str:
        years, rest = divmod(months, 12)
        if years == 0:
            return self._say(mark("{months} months old"), months=rest)
        if years < _OLD and rest:
            return self._say(mark("{years} years {months} months old"), years=years, months=rest)
        return self._say(mark("{years} years old"), years=years)

    def _due(self, status: Status) -> str:
        """Every dose that is due, since when and with what; empty where none is."""
        return "; ".join([self._due_dose(dose) for dose in status.due])

    def _due_dose(self, dose: DueDose) -> str:
        key = (dose.code, dose.since, dose.vaccines)
        told = self._dues.get(key)
        if told is None:
            told = self._since.format(dose=self._doses.get(dose.code, dose.code), day=_written(dose.since))
            told = self._dues[key] = f"{told}: {self._named(dose.vaccines)}" if dose.vaccines else told
        return told

    def _named(self, vaccines: tuple[str, ...]) -> str:
        """Names of vaccines, of which few sets occur."""
        if vaccines not in self._several:
            self._several[vaccines] = ", ".join(self._vaccines.get(code, code) for code in vaccines)
        return self._several[vaccines]

    def _why_not(self, person: Person, status: Status) -> str:
        """Why nothing is due."""
        state = status.state
        reason: str | None = None
        if state is PersonState.REFUSED:
            told, reason = self._say(mark("Refused")), person.refusal_reason
        elif state is PersonState.DEFERRED:
            until = person.deferred_until or status.next_on
            told = self._say(mark("Deferred"))
            if until is not None:
                told = self._say(mark("Deferred until {day}"), day=_written(until))
            reason = person.deferral_reason
        elif state is PersonState.CONTRAINDICATED:
            told, reason = self._say(mark("Must not be vaccinated")), person.contraindication
        elif state is PersonState.AWAY:
            told, reason = self._say(mark("Away")), person.away_place
        elif state is PersonState.UNKNOWN:
            ask = mark("Ask for the doses given so far") if person.born_on else mark("Ask for the date of birth")
            told = self._say(ask)
        elif status.next_on is not None:
            told = self._say(mark("Next dose from {day}"), day=_written(status.next_on))
        elif status.grouped:
            told = self._say(mark("Nothing to do"))
        else:
            told = self._say(mark("Not of an age that the campaign asks for"))
        return f"{told}: {self.reason(reason)}" if reason else told

    def reason(self, written: str) -> str:
        """A reason as the form words it; what was written freely stays."""
        parts = written.split()
        if all(part in self._reasons for part in parts):
            return ", ".join(self._reasons[part] for part in parts)
        return written

    def given(self, dose: Dose) -> str:
        """A dose with its day and vaccine."""
        key = (dose.code, dose.given_on, dose.vaccine)
        told = self._doses_given.get(key)
        if told is None:
            when = _written(dose.given_on) if dose.given_on else self._say(mark("day unknown"))
            told = f"{self._doses.get(dose.code, dose.code)} {when}"
            told = f"{told} {self._vaccines.get(dose.vaccine, dose.vaccine)}" if dose.vaccine else told
            self._doses_given[key] = told
        return told


@lru_cache(maxsize=65_536)
def _written(day: date) -> str:
    text = day.isoformat()
    return f"{text[8:]}/{text[5:7]}/{text[:4]}"


def _geometry(point: Point | None) -> str:
    if point is None:
        return ""
    return f"{point.lat:.7f} {point.lon:.7f} 0 {point.accuracy_m or 0:.1f}"
