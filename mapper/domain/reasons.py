"""Why somebody stands where the ledger has them: until when, refused why, away where, which dose is missing."""

from __future__ import annotations

import hashlib
from datetime import date, timedelta
from enum import StrEnum
from typing import NamedTuple

from mapper.domain.campaign import Group, ScheduledDose
from mapper.domain.ledger import NEVER, Standing, State, standing_on
from mapper.domain.people import Person, Residence

WEEK, MONTH = timedelta(days=7), timedelta(days=30)


class Kind(StrEnum):
    """What stands behind a state; several of one state, and none where the state says it all.

    Of DEFERRED: WEEK, MONTH, LATER: until a day so far away; INFECTION: after one. Of AWAY: WORKS_AWAY, MOVED_OUT. Of
    WAITING: INTERVAL: the dose before was given, its interval runs; EARLIER: it was not. Of UNKNOWN: AGE, DOSES:
    nobody at home could say; UNDATED: the dose was given, and no day before the interview is known.
    """

    PLAIN = "plain"
    WEEK = "week"
    MONTH = "month"
    LATER = "later"
    INFECTION = "infection"
    WORKS_AWAY = "works_away"
    MOVED_OUT = "moved_out"
    INTERVAL = "interval"
    EARLIER = "earlier"
    AGE = "age"
    DOSES = "doses"
    UNDATED = "undated"


KINDS: dict[State, tuple[Kind, ...]] = {
    State.CONTRAINDICATED: (Kind.PLAIN,),
    State.DEFERRED: (Kind.WEEK, Kind.MONTH, Kind.LATER, Kind.INFECTION),
    State.REFUSED: (Kind.PLAIN,),
    State.AWAY: (Kind.WORKS_AWAY, Kind.MOVED_OUT),
    State.WAITING: (Kind.INTERVAL, Kind.EARLIER),
    State.UNKNOWN: (Kind.DOSES, Kind.AGE, Kind.UNDATED),
}
"""The kinds of each state that has any, in the order in which they are told."""


class Why(NamedTuple):
    """A person's state and what stands behind it.

    day: of the dose for VACCINATED, the one until which somebody is deferred or waits, the one since which somebody is
    due; None where it is not known, or does not apply. reason: as told at the door, a choice's name or free words.
    """

    state: State
    kind: Kind = Kind.PLAIN
    day: date | None = None
    reason: str | None = None


class Deferral(NamedTuple):
    """What a person told of a deferral, as ordinals; with an infection there may be another behind it, or before."""

    reported: int
    until: int
    reason: str | None

    @classmethod
    def of(cls, person: Person) -> Deferral:
        """That of a person; until 0 where there is none."""
        until = person.deferred_until
        return cls(person.reported_on.toordinal(), until.toordinal() if until else 0, person.deferral_reason or None)

    def on(self, day: date) -> tuple[Kind, str | None]:
        """Kind and reason for somebody who is deferred on a day: by what was told, or else after an infection."""
        if not self.reported <= day.toordinal() < self.until:
            return Kind.INFECTION, None
        left = date.fromordinal(self.until) - day
        return (Kind.WEEK if left <= WEEK else Kind.MONTH if left <= MONTH else Kind.LATER), self.reason


def reason_key(kind: Kind, reason: str | None) -> str:
    """Names a kind and a reason in an address, which holds no word that was said at a door; "-" where none was."""
    if not reason:
        return f"{kind}.-"
    return f"{kind}.{hashlib.sha256(reason.encode()).hexdigest()[:12]}"


def why(person: Person, group: Group, dose: ScheduledDose, day: date) -> Why:
    """The state of one person as ``ledger.state_on`` has it, with what stands behind it."""
    state, standing = standing_on(person, group, dose, day)
    if standing is None:
        return Why(state, Kind.AGE if state is State.UNKNOWN else Kind.PLAIN)
    match state:
        case State.VACCINATED:
            return Why(state, day=None if standing.undated else date.fromordinal(standing.given))
        case State.CONTRAINDICATED:
            return Why(state, reason=person.contraindication)
        case State.REFUSED:
            return Why(state, reason=person.refusal_reason)
        case State.DEFERRED:
            kind, reason = Deferral.of(person).on(day)
            until = standing.infected_end if kind is Kind.INFECTION else standing.course.deferred_until
            return Why(state, kind, date.fromordinal(until), reason)
        case State.AWAY:
            moved = person.residence == Residence.MOVED_OUT
            return Why(state, Kind.MOVED_OUT if moved else Kind.WORKS_AWAY, reason=person.away_place)
        case State.WAITING:
            if standing.ready == NEVER:
                return Why(state, Kind.EARLIER)
            return Why(state, Kind.INTERVAL, date.fromordinal(standing.ready))
        case State.UNKNOWN:
            return Why(state, Kind.UNDATED if standing.undated else Kind.DOSES)
        case State.DUE:
            return Why(state, day=_due_since(standing, day))
        case _:
            return Why(state)


def _due_since(standing: Standing, day: date) -> date | None:
    """The day on which an interval, a deferral or the time after an infection ended last; None where nothing did."""
    course = standing.course
    ends = (standing.ready, course.deferred_until, standing.infected_end)
    found = [end for end in ends if 1 < end <= day.toordinal()]
    return date.fromordinal(max(found)) if found else None
