"""What pages and programs are shown of the people whom a filter wants: lists, houses, a map, and days to come."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from statistics import fmean
from typing import Generic, TypeVar

from mapper.domain.campaign import Campaign
from mapper.domain.people import Person
from mapper.domain.people_filter import Entering, PeopleFilter
from mapper.domain.reasons import Why, why
from mapper.domain.roles import OVERSEERS
from mapper.errors import InvalidInput, NotFound, mark
from mapper.services import audit
from mapper.services.accounts import User
from mapper.services.filter_words import for_the_trail
from mapper.services.filtered import Filtered, FilterQuestion, Place, filtered
from mapper.services.phone_lists import reasons
from mapper.services.place_steps import PlaceSteps, place_steps
from mapper.services.questions import HAMLET
from mapper.services.reference import Known, PlaceSet, Reference
from mapper.store import accounts, column_views, register
from mapper.store.column_views import Dot, HouseFound
from mapper.store.columns import PersonRow

AT_ONCE = 100
"""People, or houses, of one page."""

MOST_AT_ONCE = 1000
"""The same for programs, at most."""

MOST_DOTS = 3000
"""Houses drawn on one map; of more only hamlets are drawn."""

MOST_SPOTS = 500
"""Hamlets drawn on one map; of more the units around them are."""

NO_PRIORITY = "none"
"""What forms tell of whoever is in no priority group."""

MOST_DAYS = 92
"""Days of one table of days to come."""

Shown = TypeVar("Shown")


@dataclass(frozen=True, slots=True)
class Counted:
    """People and households of a filter, with what its words belong to."""

    campaign: Campaign
    places: PlaceSet
    known: Known
    people: int
    households: int


@dataclass(frozen=True, slots=True)
class FoundPerson:
    """A person of a list. why: where they stand for the group and dose asked; None where none was."""

    row: PersonRow
    person: Person
    place: Place
    why: Why | None


@dataclass(frozen=True, slots=True)
class FoundHouse:
    """A house of a list."""

    row: HouseFound
    place: Place


@dataclass(frozen=True, slots=True)
class ListPage(Generic[Shown]):
    """A page of a list. pages: at least one; first: number of the first one shown, from 1."""

    of: Counted
    page: int
    pages: int
    first: int
    rows: tuple[Shown, ...]


@dataclass(frozen=True, slots=True)
class Choices:
    """What can be chosen of what people told: (word, how many), the most frequent first; canvassers (id, name, …)."""

    places: PlaceSteps
    lots: Sequence[tuple[str, int]]
    priorities: Sequence[tuple[str, int]]
    reasons: Sequence[tuple[str, int]]
    senders: Sequence[tuple[int, str, int]]


@dataclass(frozen=True, slots=True)
class OnMap:
    """A hamlet, or what of it lies in one unit; or a unit. lat, lon: middle of its houses, None where none has one.

    Of all of them, not of those found: where one house alone is found, the middle does not tell where it stands.
    area: as an address names it, "" where no area holds just these people.
    """

    place: Place
    people: int
    area: str
    lat: float | None
    lon: float | None


@dataclass(frozen=True, slots=True)
class FilterMap:
    """People by the places of a level: hamlets, or units of the set where those are too many.

    dots: their houses with places, None where the user may not see them or they are too many.
    """

    of: Counted
    level: str
    spots: tuple[OnMap, ...]
    dots: tuple[tuple[Dot, Place], ...] | None


@dataclass(frozen=True, slots=True)
class Coming:
    """Who comes into something, by unit and day. rows: (unit code, name, people by day, different people)."""

    of: Counted
    days: tuple[date, ...]
    rows: tuple[tuple[str, str, dict[date, int], int], ...]
    by_day: dict[date, int]


def count(reference: Reference, user: User, question: FilterQuestion) -> Counted:
    """How many a filter finds. Raises what ``filtered`` raises."""
    with filtered(reference, user, question) as found:
        return _counted(found)


def people(
    reference: Reference, user: User, question: FilterQuestion, page: int = 1, limit: int = AT_ONCE
) -> ListPage[FoundPerson]:
    """A page of the people; that it was seen is entered in the audit trail. Raises NotFound for a page not there."""
    wanted = question.wanted
    with filtered(reference, user, question) as found:
        of = _counted(found)
        pages, first = _page(of.people, page, limit)
        series = found.campaign.find(wanted.group, wanted.dose) if found.tells_state else None
        rows = []
        for row in found.page(first, limit):
            person = as_person(row)
            stands = why(person, *series, question.day) if series else None
            rows.append(FoundPerson(row, person, found.place(row.cell), stands))
    _enter(reference, user, question, {"number": len(rows)})
    return ListPage(of, page, pages, first + 1, tuple(rows))


def houses(
    reference: Reference, user: User, question: FilterQuestion, page: int = 1, limit: int = AT_ONCE
) -> ListPage[FoundHouse]:
    """The same of the houses that the people belong to, each once."""
    with filtered(reference, user, question) as found:
        of = _counted(found)
        pages, first = _page(of.households, page, limit)
        held = column_views.houses(found.asking, found.condition, first, limit)
        rows = tuple(FoundHouse(row, found.place(row.cell)) for row in held)
    _enter(reference, user, question, {"houses": len(rows)})
    return ListPage(of, page, pages, first + 1, rows)


def on_map(reference: Reference, user: User, question: FilterQuestion) -> FilterMap:
    """People by place with its middle, and for those who oversee canvassers the houses."""
    with filtered(reference, user, question) as found:
        of = _counted(found)
        by_cell = found.by_cell()
        level = _drawn_by(found, by_cell)
        dots = None
        if user.role in OVERSEERS:
            held = column_views.dots(found.asking, found.condition, MOST_DOTS)
            dots = None if held is None else tuple((dot, found.place(dot.cell)) for dot in held)
    if dots:
        _enter(reference, user, question, {"houses": len(dots)})
    by_place: Counter[Place] = Counter()
    for cell, people in by_cell.items():
        by_place[_around(found, cell, level)] += people
    middles = _middles(reference, found, level)
    parts = Counter(place.hamlet_code for place in by_place)
    spots = [
        OnMap(place, people, _area_of(place, level, parts), *middles.get(place, (None, None)))
        for place, people in by_place.items()
    ]
    return FilterMap(of, level, tuple(sorted(spots, key=lambda spot: _stands(spot.place))), dots)


def _drawn_by(found: Filtered, cells: Iterable[int]) -> str:
    """The innermost level of which no more than MOST_SPOTS places hold these cells; the outermost where none is."""
    levels = [HAMLET, *reversed(found.places.about.levels)]
    few = (level for level in levels if len({_around(found, cell, level) for cell in cells}) <= MOST_SPOTS)
    return next(few, levels[-1])


def _around(found: Filtered, cell: int, level: str) -> Place:
    """The place of a level that a cell lies in; one without a name where it lies in none."""
    place = found.place(cell)
    if level == HAMLET:
        return place
    unit = (
        found.places.units.get((level, found.places.above(place.unit_code, level) or "")) if place.unit_code else None
    )
    return Place("", "", unit.name, unit.code) if unit else Place("", "", "", "")


def _area_of(place: Place, level: str, parts: Mapping[str, int]) -> str:
    """The area that holds a place's people and no others. parts: in how many units each hamlet lies."""
    if level != HAMLET:
        return f"{level}:{place.unit_code}" if place.unit_code else ""
    return f"{HAMLET}:{place.hamlet_code}" if place.hamlet_code and parts[place.hamlet_code] == 1 else ""


def _stands(place: Place) -> tuple[str, str]:
    return place.unit_code, place.hamlet_code


def _middles(reference: Reference, found: Filtered, level: str) -> dict[Place, tuple[float, float]]:
    """The middle of all houses of each place of a level, of the mean of each of its cells."""
    together: dict[Place, list[tuple[float, float]]] = defaultdict(list)
    with reference.database.read() as connection:
        centres = register.cell_centres(reference.database, connection, found.campaign.id, None)
    for cell in found.cells:
        if cell in centres:
            together[_around(found, cell, level)].append(centres[cell])
    return {
        place: (fmean(lat for lat, _ in middles), fmean(lon for _, lon in middles))
        for place, middles in together.items()
    }


def coming(reference: Reference, user: User, question: FilterQuestion) -> Coming:
    """Who comes into the group, or becomes due, on each day between two. The filter's ``entering`` says which.

    Somebody who becomes due twice counts on both days, and once among the different people of a row. Raises
    InvalidInput where the days are too many.
    """
    wanted = question.wanted
    first, last = wanted.entering_from, wanted.entering_to
    if wanted.entering is None or first is None or last is None:
        raise InvalidInput(mark("Who becomes due is asked between two days. Give the first and the last."))
    if (last - first).days >= MOST_DAYS:
        raise InvalidInput(mark("The table shows up to {days} days. Choose a shorter time."), days=MOST_DAYS)
    with filtered(reference, user, question) as found:
        of = _counted(found)
        due = wanted.entering is Entering.DUE
        pairs = found.campaign.series
        series = [
            at
            for at, (group, dose) in enumerate(pairs)
            if group.code == wanted.group and (not wanted.dose or dose.code == wanted.dose)
        ]
        held = column_views.entering_by_day(
            found.asking, found.condition, series, (first, last), found.campaign.start, due
        )
        cells = found.by_cell()
        names: dict[str, str] = {}
        people: Counter[str] = Counter()
        for cell in found.cells:
            if cell in cells:
                place = found.place(cell)
                names.setdefault(place.unit_code, place.unit)
                people[place.unit_code] += cells[cell]
        by_unit: dict[str, Counter[date]] = {code: Counter() for code in names}
        by_day: Counter[date] = Counter()
        for cell, day, number in held:
            by_unit[found.place(cell).unit_code][day] += number
            by_day[day] += number
    rows = tuple((code, names[code], dict(by_unit[code]), people[code]) for code in names)
    return Coming(of, tuple(sorted(by_day)), rows, dict(by_day))


def choices(reference: Reference, user: User, question: FilterQuestion) -> Choices:
    """What can be chosen of what people in the user's area told."""
    with filtered(reference, user, replace(question, wanted=PeopleFilter())) as found:
        told = column_views.told(found.asking, found.condition)
        places = place_steps(found, question.wanted.areas)
    with reference.database.read() as connection:
        names = {one.id: one.name for one in accounts.everyone(connection)}
    obstacles = [
        (f"{obstacle}:{word}", number)
        for obstacle in ("contraindicated", "deferred", "refused")
        for word, number in told[obstacle][:40]
    ]
    senders = [(int(one), names[int(one)], number) for one, number in told["senders"] if int(one) in names]
    return Choices(
        places,
        told["lots"],
        [one for one in told["priorities"] if one[0] != NO_PRIORITY],
        obstacles,
        sorted(senders, key=lambda one: one[1]),
    )


def priority_words(reference: Reference, campaign_id: str, language: str) -> dict[str, str]:
    """What the campaign's current forms call its priority groups, by the choice's value."""
    with reference.database.read() as connection:
        return reasons(connection, campaign_id, language, ("person.priority",))


def as_person(row: PersonRow) -> Person:
    """The person of a row, as rules and words take people."""
    return Person(
        id=row.id,
        reported_on=row.reported_on,
        name=row.name,
        born_on=row.born_on,
        birth_precision=row.birth_precision,  # type: ignore[arg-type]
        sex=row.sex,
        residence=row.residence,
        away_place=row.away_place,
        priorities=tuple(row.priorities or ()),
        contraindicated=row.contraindicated,
        contraindication=row.contraindication,
        deferred_until=row.deferred_until,
        deferral_reason=row.deferral_reason,
        infected_on=row.infected_on,
        refused=row.refused,
        refusal_reason=row.refusal_reason,
        vaccination_unknown=row.vaccination_unknown,
        doses=row.doses,
    )


def _counted(found: Filtered) -> Counted:
    people, households = found.count()
    return Counted(found.campaign, found.places, found.known, people, households)


def _page(total: int, page: int, limit: int) -> tuple[int, int]:
    """How many pages there are, and how many rows stand before this one."""
    pages = max(1, -(-total // limit))
    if not 1 <= page <= pages:
        raise NotFound(mark("This list has {pages} pages. Choose one of them."), pages=pages)
    return pages, (page - 1) * limit


def _enter(reference: Reference, user: User, question: FilterQuestion, shown: dict[str, int]) -> None:
    """Enter in the audit trail which list was seen: the filter and how many, and nobody's name."""
    if not any(shown.values()):
        return
    facts = {"set": question.set_id, "day": question.day, "filter": for_the_trail(question.wanted), **shown}
    audit.record_seen(reference, user.id, user.name, "people.listed", question.campaign_id, facts)
