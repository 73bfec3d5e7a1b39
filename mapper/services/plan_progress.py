"""A plan against what really came in: of those whom it asks to come, who was vaccinated, when, and who is still due.

Where somebody stands is ``domain.follow_up.status``, as lists for phones and pages have it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from mapper.domain.campaign import Campaign
from mapper.domain.follow_up import PersonState, status
from mapper.domain.made_plan import MadePlan, PlannedHouse, PlannedPerson
from mapper.domain.people import Person
from mapper.errors import Conflict, mark
from mapper.services import plans, reporting
from mapper.services.accounts import User
from mapper.services.audit import VIETNAM
from mapper.services.field_area import FieldArea, field_area
from mapper.services.plans import KeptPlan, PlanLine
from mapper.services.reference import Reference
from mapper.store import follow_up
from mapper.store.database import Connection

_AT_ONCE = 2_000
_ONE_DAY = timedelta(days=1)


class Fate(StrEnum):
    """What became of somebody in a plan, as far as is known on a day.

    VACCINATED: has every dose that was due. DUE: still is, and was told of since the plan was made; NOT_SEEN: still is,
    and was not. NOT_YET: falls due on a later day. DONE: has nothing left to get, otherwise than by those doses. GONE:
    stands in no house of the register any more, or not in one that the reader sees.
    """

    VACCINATED = "vaccinated"
    DUE = "due"
    NOT_SEEN = "not_seen"
    NOT_YET = "not_yet"
    DEFERRED = "deferred"
    REFUSED = "refused"
    CONTRAINDICATED = "contraindicated"
    AWAY = "away"
    UNKNOWN = "unknown"
    DONE = "done"
    GONE = "gone"


FATES: Mapping[Fate, str] = {
    Fate.VACCINATED: mark("vaccinated"),
    Fate.DUE: mark("still due"),
    Fate.NOT_SEEN: mark("still due, nothing heard since the plan"),
    Fate.NOT_YET: mark("due later"),
    Fate.DEFERRED: mark("deferred"),
    Fate.REFUSED: mark("refused"),
    Fate.CONTRAINDICATED: mark("contraindicated"),
    Fate.AWAY: mark("away or moved"),
    Fate.UNKNOWN: mark("not known"),
    Fate.DONE: mark("nothing left to do"),
    Fate.GONE: mark("no longer in the register"),
}


class When(StrEnum):
    """When somebody was vaccinated, against the day they were asked for."""

    EARLIER = "earlier"
    ON_DAY = "on_day"
    LATER = "later"


@dataclass(slots=True)
class Progress:
    """People of a part of a plan. asked: to come, or to be visited; fates add up to it. came: vaccinated, by when."""

    asked: int = 0
    fates: Counter[Fate] = field(default_factory=Counter)
    came: Counter[When] = field(default_factory=Counter)

    @property
    def vaccinated(self) -> int:
        """How many have what was due."""
        return self.fates[Fate.VACCINATED]

    @property
    def left(self) -> int:
        """How many may be vaccinated today."""
        return self.fates[Fate.DUE] + self.fates[Fate.NOT_SEEN]

    def add(self, fate: Fate, when: When | None) -> None:
        """One more."""
        self.asked += 1
        self.fates[fate] += 1
        if when is not None:
            self.came[when] += 1


class Place(NamedTuple):
    """Where somebody is asked to come on a day. site: its code, "" for a visit at home."""

    site: str
    day: date


class TeamsDay(NamedTuple):
    """A day of a team; "" for the staff of the sites."""

    team: str
    day: date


@dataclass(frozen=True, slots=True)
class OneDay:
    """A day of the curve, day by day and not summed. planned: asked for it. vaccinated: on it, of all asked."""

    day: date
    planned: int
    vaccinated: int


@dataclass(frozen=True, slots=True)
class DosesUsed:
    """Doses of a formulation for those who are asked. due: planned; given: of those; vials: with the buffer."""

    formulation: str
    due: int
    given: int
    vials: int


@dataclass(frozen=True, slots=True)
class PlanProgress:
    """How a plan gets on. total: of all asked. places: by site and day; homes by day under "". other: people due whom
    it asks nowhere. days: from the plan's first to its last, or to today where that is later.
    """

    line: PlanLine
    today: date
    total: Progress
    places: Mapping[Place, Progress]
    sites: Mapping[str, Progress]
    teams: Mapping[TeamsDay, Progress]
    communes: Mapping[str, Progress]
    other: Progress
    days: tuple[OneDay, ...]
    doses: tuple[DosesUsed, ...]


def progress(reference: Reference, user: User, number: int, today: date) -> PlanProgress:
    """How a plan gets on, of the people in it whom a user sees. Raises NotFound, and Conflict for one not made."""
    line = plans.line(reference, user, number)
    key = ("plan progress", number, line.row.told_at, line.row.in_use, user.areas, today, reporting.version(reference))
    return reference.lists.value(key, lambda: _progress(reference, user, number, today))


@dataclass(frozen=True, slots=True)
class _Found:
    """Somebody of a plan in the register. told: whether anything was told of them, or their house, since the plan."""

    person: Person
    told: bool


def _progress(reference: Reference, user: User, number: int, today: date) -> PlanProgress:
    found = plans.plan(reference, user, number)
    if found.made is None:
        raise Conflict(mark("Plan {number} is not made yet. Wait until it is."), number=number)
    made, campaign_id = found.made, found.line.row.campaign_id
    since = _made_on(found)
    houses = {house.id for house, _ in made.houses()}
    houses |= {house.id for several in made.unserved.values() for house in several}
    with reference.database.read() as connection:
        known = reference.known(connection)
        campaign = known.campaign(campaign_id)
        area = field_area(reference, connection, known, user)
        people = {one.person.id: one for one in _people(reference, connection, campaign_id, area, houses, since)}
    judge = _Judge(campaign, today, people)
    first, last = found.line.question.first, max(found.line.question.last, today)
    told = _Told()
    for house, person, place, team in _asked(made):
        told.add(judge, house, person, place, team)
    other = Progress()
    for several in made.unserved.values():
        for house in several:
            for person in house.people:
                fate, given_on = judge.of(person)
                other.add(fate, _when(person, given_on))
    days = tuple(
        OneDay(day, told.planned[day], told.vaccinated[day])
        for day in (first + n * _ONE_DAY for n in range((last - first).days + 1))
    )
    vials = {one.formulation: one for one in made.needs}
    doses = tuple(
        DosesUsed(code, told.due[code], told.given[code], vials[code].ready if code in vials else 0)
        for code in (*vials, *sorted(told.due.keys() - vials.keys()))
    )
    return PlanProgress(
        found.line,
        today,
        told.total,
        told.places,
        told.sites,
        told.teams,
        told.communes,
        other,
        days,
        doses,
    )


class _Told:
    """Sums of the people asked."""

    def __init__(self) -> None:
        self.total = Progress()
        self.places: dict[Place, Progress] = {}
        self.sites: dict[str, Progress] = {}
        self.teams: dict[TeamsDay, Progress] = {}
        self.communes: dict[str, Progress] = {}
        self.planned: Counter[date] = Counter()
        self.vaccinated: Counter[date] = Counter()
        self.due: Counter[str] = Counter()
        self.given: Counter[str] = Counter()

    def add(self, judge: _Judge, house: PlannedHouse, person: PlannedPerson, site: str, team: str) -> None:
        """One more person who is asked to a site, or visited at home by a team."""
        fate, given_on = judge.of(person)
        when = _when(person, given_on)
        parts = [self.total, self.sites.setdefault(site, Progress())]
        parts.append(self.communes.setdefault(house.commune_code or "", Progress()))
        if person.day is not None:
            self.planned[person.day] += 1
            parts.append(self.places.setdefault(Place(site, person.day), Progress()))
            parts.append(self.teams.setdefault(TeamsDay(team, person.day), Progress()))
        for part in parts:
            part.add(fate, when)
        if given_on is not None:
            self.vaccinated[given_on] += 1
        given = judge.given(person)
        for dose in person.due:
            vial = person.vials.get(dose, "")
            self.due[vial] += 1
            self.given[vial] += dose in given


class _Judge:
    """What became of people, today."""

    def __init__(self, campaign: Campaign, today: date, people: Mapping[str, _Found]) -> None:
        self._campaign, self._today, self._people = campaign, today, people

    def given(self, planned: PlannedPerson) -> dict[str, date | None]:
        """The doses that were due and were given until today, with their days."""
        found = self._people.get(planned.id)
        if found is None:
            return {}
        doses = ((one.code, one.given_on or found.person.reported_on) for one in found.person.doses)
        return {code: day for code, day in doses if code in planned.due and (day is None or day <= self._today)}

    def of(self, planned: PlannedPerson) -> tuple[Fate, date | None]:
        """What became of somebody, and the day of the last dose of those who are vaccinated."""
        found = self._people.get(planned.id)
        if found is None:
            return Fate.GONE, None
        given = self.given(planned)
        if len(given) == len(planned.due):
            return Fate.VACCINATED, max((day for day in given.values() if day is not None), default=None)
        state = status(found.person, self._campaign, self._today).state
        if state is PersonState.DUE:
            return Fate.DUE if found.told else Fate.NOT_SEEN, None
        if state is PersonState.WAITING:
            return Fate.NOT_YET, None
        return Fate(state.value), None


def _when(person: PlannedPerson, given_on: date | None) -> When | None:
    if given_on is None or person.day is None:
        return None
    if given_on == person.day:
        return When.ON_DAY
    return When.EARLIER if given_on < person.day else When.LATER


def _asked(made: MadePlan) -> Iterator[tuple[PlannedHouse, PlannedPerson, str, str]]:
    """Everybody who is asked, with the site, "" for a visit at home, and the team, "" for a site's own staff.

    Of several teams at a site on a day the first is told.
    """
    by_house = {(stop.house, one.day): one.team for one in made.days for stop in one.stops if stop.house}
    for site in made.sites:
        by_day: dict[date, str] = {}
        for session in site.sessions:
            by_day.setdefault(session.day, session.team)
        for house in site.houses:
            for person in house.people:
                yield house, person, site.site.code, by_day.get(person.day, "") if person.day else ""
    for house in made.homes:
        for person in house.people:
            yield house, person, "", by_house.get((house.id, person.day), "") if person.day else ""


def _people(
    reference: Reference, connection: Connection, campaign_id: str, area: FieldArea, houses: set[str], since: date
) -> Iterator[_Found]:
    rows = follow_up.households(reference.database, connection, campaign_id, area.readable)
    rows = [row for row in area.hold(rows) if row.id in houses]
    for start in range(0, len(rows), _AT_ONCE):
        several = rows[start : start + _AT_ONCE]
        members = follow_up.people(reference.database, connection, [row.seq for row in several])
        for row in several:
            for person, _ in members.get(row.seq, ()):
                yield _Found(person, max(row.visited_on, person.reported_on) >= since)


def _made_on(found: KeptPlan) -> date:
    """From which day on something told is news. On the day of asking that is told too, where people come on it."""
    asked = datetime.fromisoformat(found.line.row.at).astimezone(VIETNAM).date()
    return asked if found.line.question.first <= asked else asked + _ONE_DAY
