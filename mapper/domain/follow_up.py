"""Who is still to be visited: where a person, and a household, stands on one day over all doses of a campaign.

The rules are the ledger's; here its states of many groups and doses are drawn together into one word that a canvasser
can act on.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from mapper.domain.campaign import Campaign, ScheduledDose
from mapper.domain.ledger import INSIDE, Course, Membership, Standing, State
from mapper.domain.people import AWAY, Outcome, Person


class PersonState(StrEnum):
    """Where a person stands on a day, in the order in which the first that holds is told.

    AWAY: works away or moved out. DUE: a dose may be given today. REFUSED, DEFERRED, CONTRAINDICATED: what keeps the
    person from a dose. UNKNOWN: nobody at home could say, or the age is not known. WAITING: a dose is still to come,
    and its day has not. DONE: nothing is left, or the campaign asks nothing of this age.
    """

    AWAY = "away"
    DUE = "due"
    REFUSED = "refused"
    DEFERRED = "deferred"
    CONTRAINDICATED = "contraindicated"
    UNKNOWN = "unknown"
    WAITING = "waiting"
    DONE = "done"


class HouseState(StrEnum):
    """Where a household stands on a day, in the order in which the first that holds is told.

    SOMEONE_DUE: somebody is due, or somebody's doses are still to be asked for. AWAY: the house stands empty, or all
    its people are away. NOT_MET: nobody was met at any visit. ALL_DONE: nothing to do there today.
    """

    SOMEONE_DUE = "someone_due"
    REFUSED = "refused"
    DEFERRED = "deferred"
    AWAY = "away"
    NOT_MET = "not_met"
    ALL_DONE = "all_done"


@dataclass(frozen=True, slots=True)
class DueDose:
    """A dose that may be given on the day asked.

    since: the first day from which that has held without a break. vaccines: codes that every group of the person
    allows; none where the campaign names none.
    """

    code: str
    since: date
    vaccines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Status:
    """A person on a day. due: in the campaign's order of doses, empty unless the state is DUE.

    next_on: the first later day on which a dose falls due, as far as is known now: the end of an interval, of a
    deferral, or a birthday; None where no such day is known. grouped: whether the campaign asks for a dose at this age.
    """

    state: PersonState
    due: tuple[DueDose, ...] = ()
    next_on: date | None = None
    grouped: bool = True


_NUMBER = {state: number for number, state in enumerate((*INSIDE, State.OUTSIDE))}
_DUE, _UNKNOWN, _OUTSIDE = _NUMBER[State.DUE], _NUMBER[State.UNKNOWN], _NUMBER[State.OUTSIDE]
_HINDERED = tuple(
    (_NUMBER[State(told)], told)
    for told in (
        PersonState.REFUSED,
        PersonState.DEFERRED,
        PersonState.CONTRAINDICATED,
        PersonState.UNKNOWN,
        PersonState.WAITING,
    )
)


def status(person: Person, campaign: Campaign, day: date) -> Status:
    """Where a person stands on a day over all groups and doses of a campaign.

    Days before the campaign's first or after its last are taken as those.
    """
    if person.residence in AWAY:
        return Status(PersonState.AWAY)
    first, last = campaign.start.toordinal(), campaign.until.toordinal()
    today = max(first, min(day.toordinal(), last))
    course = Course(person)
    born = person.born_on.toordinal() if person.born_on else 0
    # As most doses are: given, so that there is no way to look along.
    done = {
        code
        for code, dose in course.by_code.items()
        if dose.given_on is not None and dose.given_on.toordinal() <= today
    }
    ways: dict[int, list[tuple[int, int]]] = {}
    states: set[int] = set()
    due: dict[str, tuple[int, list[ScheduledDose]]] = {}
    later: list[int] = []
    grouped = False
    for (group, scheduled), (earliest, latest) in zip(campaign.schedule, campaign.births, strict=True):
        if born and not earliest <= born <= latest:
            continue
        if group.priorities and not person.priorities and not group.either and group.also_from_age is None:
            continue  # as most people have none: in no such group on any day
        member = Membership(person, group)
        if member.unknown:
            grouped = True
            states.add(_UNKNOWN)
            continue
        start, end = max(member.start, first), min(member.end, last + 1)
        if end <= max(start, today):
            continue
        asked = max(start, today)
        for _, rule, dose in scheduled:
            if dose.code in done:
                grouped = grouped or start <= today
                continue
            way = ways.get(rule)
            if way is None:
                way = ways[rule] = Standing(course, dose, group.after_infection).since(first)
            at = 0
            while at + 1 < len(way) and way[at + 1][0] <= asked:
                at += 1
            since, number = way[at]
            if start <= today:
                grouped = grouped or number != _OUTSIDE
                states.add(number)
                if number == _DUE:
                    begun = max(since, start)
                    if dose.code in due:
                        due[dose.code] = (min(begun, due[dose.code][0]), [*due[dose.code][1], dose])
                    else:
                        due[dose.code] = (begun, [dose])
            elif number == _DUE:
                later.append(start)
            for begins, entered in way[at + 1 :] if at + 1 < len(way) else ():
                if entered == _DUE and begins < end:
                    later.append(begins)
                    break
    next_on = date.fromordinal(min(later)) if later else None
    if due:
        codes = sorted(due, key=list(campaign.doses).index) if len(due) > 1 else due
        now = tuple(DueDose(c, date.fromordinal(due[c][0]), _vaccines(course, due[c][1])) for c in codes)
        return Status(PersonState.DUE, now, next_on)
    state = next((told for kept, told in _HINDERED if kept in states), PersonState.DONE)
    return Status(state, (), next_on, grouped)


def _vaccines(course: Course, doses: Sequence[ScheduledDose]) -> tuple[str, ...]:
    """What may be given for one dose, by all groups that name vaccines for it."""
    allowed: tuple[str, ...] | None = None
    for dose in doses:
        named = dose.vaccines
        previous = course.by_code.get(dose.after or "")
        if dose.same_vaccine and previous is not None and previous.vaccine:
            named = (previous.vaccine,)
        if named:
            allowed = named if allowed is None else tuple(code for code in allowed if code in named)
    return allowed or ()


def house_state(outcome: str, statuses: Iterable[Status]) -> HouseState:
    """Where a household stands. outcome: as its visits together tell it. statuses: of its people, in any order."""
    states = [each.state for each in statuses]
    here = [state for state in states if state is not PersonState.AWAY]
    if PersonState.DUE in here or PersonState.UNKNOWN in here:
        return HouseState.SOMEONE_DUE
    if PersonState.REFUSED in here or outcome == Outcome.REFUSED:
        return HouseState.REFUSED
    if PersonState.DEFERRED in here:
        return HouseState.DEFERRED
    if outcome == Outcome.VACANT or (states and not here):
        return HouseState.AWAY
    if outcome != Outcome.INTERVIEWED:
        return HouseState.NOT_MET
    return HouseState.ALL_DONE
