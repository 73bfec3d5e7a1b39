"""A plan against what really came in: of those whom it asks to come, who was vaccinated, when, and who is still due.

Where somebody stands is ``domain.follow_up.status``, as lists for phones and pages have it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
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
from mapper.services.field_area import field_area
from mapper.services.plans import KeptPlan, PlanLine
from mapper.services.reference import Reference
from mapper.store import follow_up, tallies
from mapper.store.database import Connection
from mapper.store.follow_up import HouseholdRow

LATE = timedelta(days=30)
"""So long after a plan's last day its curve goes on; whoever is vaccinated later is counted all the same."""

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
    it asks nowhere. days: from the plan's first to its last, and up to LATE after that as time goes by.
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


class _Stands(NamedTuple):
    """How somebody of a plan stands. given: codes of the doses that were due and are given; given_on: of the last."""

    fate: Fate
    given: frozenset[str]
    given_on: date | None


_GONE = _Stands(Fate.GONE, frozenset(), None)


@dataclass(slots=True)
class _Remembered:
    """How people of a plan stand by cell, with the cell's changes when that was read.

    of: what that holds for besides, and the cells; one pair, so that threads find what belongs together.
    """

    of: tuple[Hashable, dict[int, tuple[int, Mapping[str, _Stands]]]] = field(default_factory=lambda: (None, {}))


def _progress(reference: Reference, user: User, number: int, today: date) -> PlanProgress:
    found = plans.plan(reference, user, number)
    if found.made is None:
        raise Conflict(mark("Plan {number} is not made yet. Wait until it is."), number=number)
    made, campaign_id = found.made, found.line.row.campaign_id
    since = _made_on(found)
    part = () if found.line.whole else user.areas
    remembered = reference.lists.value(("people of a plan", number, part), _Remembered)
    with reference.database.read() as connection:
        known = reference.known(connection)
        judge = _Judge(known.campaign(campaign_id), today, since, made)
        cells = field_area(reference, connection, known, user).readable
        counted = tallies.houses(reference.database, connection, campaign_id, cells)
        changes = {cell: number for cell, *_, number in counted}
        era, _ = tallies.version(reference.database, connection)
        at = known.revision, era, found.line.row.told_at, today
        if remembered.of[0] != at:
            remembered.of = at, {}
        _, of_cells = remembered.of
        stale = [cell for cell, number in changes.items() if cell not in of_cells or of_cells[cell][0] != number]
        read = _look(reference, connection, judge, campaign_id, stale)
        of_cells |= {cell: (changes[cell], read.get(cell, {})) for cell in stale}
        stands = {person: how for cell in changes for person, how in of_cells[cell][1].items()}
    told = _Told()
    for house, person, site, team in _asked(made):
        told.add(house, person, site, team, stands.get(person.id, _GONE))
    other = Progress()
    for _, person in _others(made):
        how = stands.get(person.id, _GONE)
        other.add(how.fate, _when(person, how.given_on))
    first, end = found.line.question.first, found.line.question.last
    last = max(end, min(today, end + LATE))
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

    def add(self, house: PlannedHouse, person: PlannedPerson, site: str, team: str, how: _Stands) -> None:
        """One more person who is asked to a site, or visited at home by a team."""
        when = _when(person, how.given_on)
        parts = [self.total, self.sites.setdefault(site, Progress())]
        parts.append(self.communes.setdefault(house.commune_code or "", Progress()))
        if person.day is not None:
            self.planned[person.day] += 1
            parts.append(self.places.setdefault(Place(site, person.day), Progress()))
            parts.append(self.teams.setdefault(TeamsDay(team, person.day), Progress()))
        for part in parts:
            part.add(how.fate, when)
        if how.given_on is not None:
            self.vaccinated[how.given_on] += 1
        for dose in person.due:
            vial = person.vials.get(dose, "")
            self.due[vial] += 1
            self.given[vial] += dose in how.given


class _Judge:
    """How people of a plan stand today. since: the day from which what is told is news."""

    def __init__(self, campaign: Campaign, today: date, since: date, made: MadePlan) -> None:
        self._campaign, self._today, self._since = campaign, today, since
        everybody = [(house, person) for house, person, _, _ in _asked(made)]
        everybody += _others(made)
        self._due = {person.id: person.due for _, person in everybody}
        self.houses = {house.id for house, _ in everybody}

    def of(self, house: HouseholdRow, person: Person) -> _Stands | None:
        """How somebody stands, None who is not in the plan."""
        due = self._due.get(person.id)
        if due is None:
            return None
        days = ((one.code, one.given_on or person.reported_on) for one in person.doses if one.code in due)
        given = {code: day for code, day in days if day <= self._today}
        if len(given) == len(due):
            return _Stands(Fate.VACCINATED, frozenset(given), max(given.values(), default=None))
        state = status(person, self._campaign, self._today).state
        if state is PersonState.DUE:
            told = max(house.visited_on, person.reported_on) >= self._since
            return _Stands(Fate.DUE if told else Fate.NOT_SEEN, frozenset(given), None)
        fate = Fate.NOT_YET if state is PersonState.WAITING else Fate(state.value)
        return _Stands(fate, frozenset(given), None)


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


def _others(made: MadePlan) -> Iterator[tuple[PlannedHouse, PlannedPerson]]:
    """Everybody due who is asked nowhere."""
    for several in made.unserved.values():
        for house in several:
            for person in house.people:
                yield house, person


def _look(
    reference: Reference, connection: Connection, judge: _Judge, campaign_id: str, cells: Sequence[int]
) -> dict[int, dict[str, _Stands]]:
    """See how the people of a plan stand in these cells, by the cell."""
    found: dict[int, dict[str, _Stands]] = {}
    rows = follow_up.households(reference.database, connection, campaign_id, cells) if cells else []
    rows = [row for row in rows if row.id in judge.houses]
    for start in range(0, len(rows), _AT_ONCE):
        several = rows[start : start + _AT_ONCE]
        members = follow_up.people(reference.database, connection, [row.seq for row in several])
        for row in several:
            judged = ((person.id, judge.of(row, person)) for person, _ in members.get(row.seq, ()))
            found.setdefault(row.cell_id, {}).update((person, how) for person, how in judged if how is not None)
    return found


def _made_on(found: KeptPlan) -> date:
    """From which day on something told is news. On the day of asking that is told too, where people come on it."""
    asked = datetime.fromisoformat(found.line.row.at).astimezone(VIETNAM).date()
    return asked if found.line.question.first <= asked else asked + _ONE_DAY
