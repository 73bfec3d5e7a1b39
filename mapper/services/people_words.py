"""What lists of people say in words: who somebody is, which doses are known, and why they stand where they do."""

from __future__ import annotations

from datetime import date

from mapper.domain.campaign import Campaign
from mapper.domain.follow_up import status
from mapper.domain.ledger import State
from mapper.domain.people import Outcome, Person
from mapper.domain.reasons import Kind, Why
from mapper.errors import mark
from mapper.language import translate
from mapper.services.invitations import NOBODY, invited
from mapper.services.kept_invitations import Invited
from mapper.services.list_words import Words
from mapper.services.phone_lists import reasons
from mapper.services.reference import Reference

STATES = {
    State.VACCINATED: mark("vaccinated"),
    State.DUE: mark("due now"),
    State.WAITING: mark("waiting for interval or earlier dose"),
    State.DEFERRED: mark("deferred"),
    State.REFUSED: mark("refused"),
    State.CONTRAINDICATED: mark("contraindicated"),
    State.AWAY: mark("away or moved"),
    State.UNKNOWN: mark("not known"),
    State.OUTSIDE: mark("not in this group"),
}
"""The states as the map calls them, in its order."""

KINDS = {
    Kind.WEEK: mark("to be called within 7 days"),
    Kind.MONTH: mark("to be called within 30 days"),
    Kind.LATER: mark("to be called later"),
    Kind.INFECTION: mark("infected not long ago"),
    Kind.WORKS_AWAY: mark("works or studies far away"),
    Kind.MOVED_OUT: mark("moved out for good"),
    Kind.INTERVAL: mark("the interval since the dose before still runs"),
    Kind.EARLIER: mark("the dose before was not given"),
    Kind.DOSES: mark("nobody at home could say which doses were given"),
    Kind.AGE: mark("the date of birth is not known"),
    Kind.UNDATED: mark("the day of the dose is not known"),
}

OUTCOMES = {
    Outcome.INTERVIEWED: mark("interviewed"),
    Outcome.ABSENT: mark("nobody at home"),
    Outcome.LOCKED: mark("house locked"),
    Outcome.REFUSED: mark("interview refused"),
    Outcome.VACANT: mark("nobody lives here now"),
}

_SEXES = {"female": mark("female"), "male": mark("male")}
_BORN = {"year": "%Y", "month": "%m/%Y"}


class PeopleWords:
    """The words of one campaign in one language, for one day."""

    def __init__(
        self, campaign: Campaign, language: str, day: date, told: dict[str, str], invited: Invited = NOBODY
    ) -> None:
        self._campaign, self._language, self._day = campaign, language, day
        self._words = Words(campaign, language, day, told, invited)

    @classmethod
    def of(cls, reference: Reference, campaign: Campaign, language: str, day: date) -> PeopleWords:
        """The words of a campaign, with what its current forms call the reasons that can be chosen."""
        with reference.database.read() as connection:
            revision = reference.known(connection).revision
            told = reference.lists.value(
                ("reasons", revision, campaign.id, language), lambda: reasons(connection, campaign.id, language)
            )
            asked = invited(reference, connection, campaign.id)
        return cls(campaign, language, day, told, asked)

    def _say(self, message: str, **facts: object) -> str:
        return translate(message, self._language, **facts)

    def name(self, person: Person) -> str:
        """What somebody is called."""
        return self._words.name(person)

    def facts(self, person: Person) -> str:
        """Sex, birth as exactly as it is known, and the age on the day."""
        told = [self._say(_SEXES[person.sex])] if person.sex in _SEXES else []
        born, precision = person.born_on, person.birth_precision or "day"
        if born is None:
            told.append(self._say(mark("date of birth not known")))
        else:
            if precision != "age":
                told.append(self._say(mark("born {day}"), day=f"{born:{_BORN.get(precision, '%d/%m/%Y')}}"))
            age = self._words.age(born)
            told += [age] if age else []
        return ", ".join(told)

    def invitation(self, person: Person) -> str:
        """When and where somebody is asked to come by the plan in use; empty where nobody asks them."""
        return self._words.invited(person.id, lambda: status(person, self._campaign, self._day))

    def doses(self, person: Person) -> list[str]:
        """Every dose known, with its day and vaccine."""
        return [self._words.given(dose) for dose in person.doses]

    def reason(self, written: str) -> str:
        """A reason as the form words it; what was written freely stays."""
        return self._words.reason(written)

    def why(self, why: Why) -> str:
        """What stands behind a state; empty where the state says it all."""
        told = self._behind(why)
        if not why.reason:
            return told
        reason = self.reason(why.reason)
        return f"{told}: {reason}" if told else reason

    def _behind(self, why: Why) -> str:
        day = f"{why.day:%d/%m/%Y}" if why.day else ""
        match why.state, why.kind:
            case State.VACCINATED, _:
                return self._say(mark("on {day}"), day=day) if day else self._say(mark("day unknown"))
            case State.DUE, _:
                return self._say(mark("since {day}"), day=day) if day else ""
            case State.DEFERRED, Kind.INFECTION:
                return self._say(mark("until {day}, after an infection"), day=day)
            case (State.DEFERRED, _) | (State.WAITING, Kind.INTERVAL):
                return self._say(mark("until {day}"), day=day)
            case _:
                return self._say(KINDS[why.kind]) if why.kind in KINDS else ""
