"""The report of a day: of one area, or of each unit in it; its figures are those of ``reporting.coverage``.

All from tallies. Visits count whenever they were made, as on the map; doses count by their day.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from mapper.domain.campaign import Campaign, Group, ScheduledDose
from mapper.domain.epidemic import LevelEntry
from mapper.domain.household import HOUSE_COUNTS
from mapper.domain.ledger import INSIDE, State
from mapper.domain.ranges import Range
from mapper.errors import InvalidQuestion, TooLarge, mark
from mapper.services import epidemic, questions, reporting
from mapper.services.accounts import User
from mapper.services.areas import Area, cells_in
from mapper.services.figure_rows import UnitFigures
from mapper.services.questions import HAMLET, Question
from mapper.services.reference import Known, PlaceSet, Reference
from mapper.store import fieldwork, tallies
from mapper.store.database import Connection
from mapper.store.reference import BoundarySet

MOST_REPORTS = 200
"""Reports of one file; more are a book that nobody prints."""

_ATTEMPTS = 3
_BACK = (1, 7)
"""Days before the day asked for that figures are compared with."""


@dataclass(frozen=True, slots=True)
class SeriesFigures:
    """A group and dose. before: people vaccinated on the days before, None where the campaign had not begun."""

    group: Group
    dose: ScheduledDose
    figures: UnitFigures
    before: tuple[int | None, int | None]

    def change(self, place: int) -> int | None:
        """People vaccinated more than on the day before, or a week before; fewer where people left the group."""
        then = self.before[place]
        return None if then is None else self.figures.counts[_VACCINATED] - then


@dataclass(frozen=True, slots=True)
class Houses:
    """Households: those of the list, and what came of going there. on_the_day: visited on the day of the report."""

    expected: int | Range | None
    visited: int
    interviewed: int
    closed: int
    refused: int
    vacant: int
    unvisited: int | Range
    on_the_day: int
    people: int


@dataclass(frozen=True, slots=True)
class HamletFigures:
    """A hamlet, or its part in one unit. unit: name of the unit that it lies in."""

    figures: UnitFigures
    unit: str


@dataclass(frozen=True, slots=True)
class DailyReport:
    """What the report of one area says; hamlets and the dose asked for are those of ``asked``.

    level: None for all that the reader may see. received: when the last submission came, None where none did.
    levels: units by epidemic level, None for those of which no level is known; entry: where the area is one unit.
    partial: the reader sees only a part of the area.
    """

    campaign: Campaign
    places: BoundarySet
    level: str | None
    code: str | None
    name: str
    within: str
    day: date
    asked: tuple[Group, ScheduledDose]
    received: datetime | None
    series: tuple[SeriesFigures, ...]
    houses: Houses
    hamlets: tuple[HamletFigures, ...]
    levels: Mapping[int | None, int]
    entry: LevelEntry | None
    partial: bool

    @property
    def main(self) -> SeriesFigures:
        """The group and dose asked for."""
        return next(one for one in self.series if (one.group.code, one.dose.code) == tuple(x.code for x in self.asked))


_VACCINATED = INSIDE.index(State.VACCINATED)
_CLOSED, _REFUSED, _VACANT = (HOUSE_COUNTS.index(each) for each in ("closed", "refused", "vacant"))


def report(reference: Reference, user: User, question: Question, area: Area | None) -> DailyReport:
    """The report of an area on the question's day; its group and dose say by which dose hamlets are ranked.

    Raises as ``reporting.coverage`` does.
    """
    return _steady(reference, lambda: _reports(reference, user, question, area, None))[0]


def reports(reference: Reference, user: User, question: Question, area: Area | None) -> list[DailyReport]:
    """The reports of all units of the question's level that lie in an area, those that nobody visited left out.

    Raises TooLarge for more than MOST_REPORTS.
    """
    if question.level == HAMLET:
        raise InvalidQuestion(mark("Reports are of communes, districts and provinces. Choose one of these levels."))
    return _steady(reference, lambda: _reports(reference, user, question, area, question.level))


def _steady(reference: Reference, make: Callable[[], list[DailyReport]]) -> list[DailyReport]:
    """Reports whose sections tell of one moment: made again where something was counted meanwhile."""
    for _ in range(_ATTEMPTS):
        before = reporting.version(reference)
        made = make()
        if reporting.version(reference) == before:
            break
    return made


def _reports(
    reference: Reference, user: User, question: Question, area: Area | None, each: str | None
) -> list[DailyReport]:
    with reference.database.read() as connection:
        known = reference.known(connection)
        campaign, group, dose, _ = questions.find_series(known, question)
        places = questions.default_set(known, question.set_id, question.day)
        received = fieldwork.last_received(connection, campaign.id)
        cells = _cells(reference, connection, known, user, places, campaign, area, each)
        counts = _house_counts(connection, campaign, question.day, cells)
    asked = replace(question, level=each or places.leaf, set_id=places.id)
    every = reporting.coverage_of_every(reference, user, asked, area, _BACK, each is not None)
    rows: Sequence[Mapping[str | None, UnitFigures]]
    rows = every.units if each else [{None: total} for total in every.totals]
    series = [
        (*of, now, [None if then is None else _of(then, number) for then in every.vaccinated])
        for number, (of, now) in enumerate(zip(campaign.series, rows, strict=True))
    ]
    hamlets = reporting.coverage(reference, user, replace(asked, level=HAMLET), area)
    _, levels = epidemic.levels(reference, user, places.id, question.day)
    first = series[0][2]
    if each:
        found = [row for row in first.values() if row.code is not None and (row.houses.visited or row.houses.unvisited)]
        if len(found) > MOST_REPORTS:
            raise TooLarge(
                mark("These are {number} reports; at most {most} come in one file. Choose a smaller area."),
                number=len(found),
                most=MOST_REPORTS,
            )
    else:
        found = list(first.values())
    made = []
    for row in found:
        key = row.code if each else None
        told = Area(each, row.code) if each and row.code is not None else area
        own = _leaves(places, told)
        made.append(
            DailyReport(
                campaign,
                places.about,
                told.level if told else None,
                told.code if told else None,
                _name(known, places, told),
                _within(known, places, told),
                question.day,
                (group, dose),
                received,
                tuple(
                    SeriesFigures(of_group, of_dose, now[key], _before(then, key))
                    for of_group, of_dose, now, then in series
                    if key in now
                ),
                _houses(row, counts.get(key, {})),
                tuple(
                    HamletFigures(one, _unit_name(places, one.parent))
                    for one in hamlets.units
                    if not each or (one.parent is not None and places.above(one.parent, each) == key)
                ),
                _by_level(levels, own),
                levels.get(told.code) if told is not None and told.level == places.leaf else None,
                row.partial,
            )
        )
    return made


def _of(vaccinated: Mapping[str | None, Sequence[int]], series: int) -> dict[str | None, int]:
    return {code: people[series] for code, people in vaccinated.items()}


def _before(past: Sequence[Mapping[str | None, int] | None], key: str | None) -> tuple[int | None, int | None]:
    one, seven = (None if then is None else then.get(key, 0) for then in past)
    return one, seven


def _leaves(places: PlaceSet, area: Area | None) -> list[str]:
    """The innermost units of an area."""
    codes = [unit.code for unit in places.at_level(places.leaf)]
    return [code for code in codes if area is None or area.holds(places, code, None)]


def _by_level(levels: Mapping[str, LevelEntry], codes: Sequence[str]) -> dict[int | None, int]:
    found: dict[int | None, int] = {}
    for code in codes:
        level = levels[code].level if code in levels else None
        found[level] = found.get(level, 0) + 1
    return found if any(level is not None for level in found) else {}


_Cells = Mapping[str | None, Mapping[int, Sequence[int]]]
"""By unit, or all together under None: numbers of cells with their houses by kind."""


def _cells(
    reference: Reference,
    connection: Connection,
    known: Known,
    user: User,
    places: PlaceSet,
    campaign: Campaign,
    area: Area | None,
    each: str | None,
) -> _Cells:
    seen = cells_in(reference, connection, known, user, places, area)
    cells = reference.cells(connection)
    found: dict[str | None, dict[int, Sequence[int]]] = {}
    for cell_id, *counts in tallies.houses(reference.database, connection, campaign.id, seen):
        leaf = known.leaf(cells[cell_id], places)
        key = None if each is None or leaf is None else places.above(leaf, each)
        if (each is None or key is not None) and any(counts[:-1]):
            found.setdefault(key, {})[cell_id] = counts[:-1]
    return found


def _house_counts(
    connection: Connection, campaign: Campaign, day: date, cells: _Cells
) -> dict[str | None, dict[str, int]]:
    """Houses closed, refused, vacant, and visited on the day, by unit or all together."""
    on_the_day = fieldwork.visited_on(connection, campaign.id, day)
    return {
        key: {
            "closed": sum(counts[_CLOSED] for counts in some.values()),
            "refused": sum(counts[_REFUSED] for counts in some.values()),
            "vacant": sum(counts[_VACANT] for counts in some.values()),
            "on_the_day": sum(on_the_day.get(cell_id, 0) for cell_id in some),
        }
        for key, some in cells.items()
    }


def _houses(row: UnitFigures, counts: Mapping[str, int]) -> Houses:
    told = row.houses
    return Houses(
        row.expected,
        told.visited,
        told.interviewed,
        counts.get("closed", 0),
        counts.get("refused", 0),
        counts.get("vacant", 0),
        row.shown("unvisited"),
        counts.get("on_the_day", 0),
        row.people,
    )


def _unit_name(places: PlaceSet, leaf: str | None) -> str:
    unit = places.units.get((places.leaf, leaf or ""))
    return unit.name if unit else ""


def _name(known: Known, places: PlaceSet, area: Area | None) -> str:
    """What an area is called; of everything, the outermost unit where there is one alone."""
    if area is None:
        outer = places.at_level(places.about.levels[0])
        return outer[0].name if len(outer) == 1 else ""
    if area.level == HAMLET:
        hamlet = known.hamlets.get(area.code)
        return hamlet.label if hamlet else area.code
    unit = places.units.get((area.level, area.code))
    return unit.name if unit else area.code


def _within(known: Known, places: PlaceSet, area: Area | None) -> str:
    """Names of the units around an area, the innermost first."""
    if area is None:
        return ""
    if area.level == HAMLET:
        hamlet = known.hamlets.get(area.code)
        unit = places.units.get((places.leaf, hamlet.commune_code)) if hamlet else None
        return unit.name if unit else ""
    names = []
    unit = places.units.get((area.level, area.code))
    for level in reversed(places.about.levels[: places.about.levels.index(area.level)]):
        unit = places.units.get((level, unit.parent_code or "")) if unit else None
        if unit:
            names.append(unit.name)
    return ", ".join(names)
