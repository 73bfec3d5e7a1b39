"""How figures moved: coverage of an area and of its units by day, doses a day, and what changed since other days.

All from tallies. A day is that of the dose or of the visit, never that of sending: submissions that come late change
days that are long over, and so do corrections.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mapper.domain.campaign import Campaign, Group, ScheduledDose
from mapper.domain.ledger import ELIGIBLE, INSIDE, State
from mapper.domain.ranges import Leaf, Maybe, OneOf, ShareRange
from mapper.domain.targets import Goal
from mapper.services.accounts import User, visible_cells
from mapper.services.areas import Area, cells_in
from mapper.services.carried_targets import goals_on
from mapper.services.figure_rows import goal_of_all, hamlet_key, key_in
from mapper.services.kept_days import changes_by_day
from mapper.services.listed import seen_whole
from mapper.services.questions import HAMLET, Question, check_level, default_set, find_series
from mapper.services.reference import Known, PlaceSet, Reference
from mapper.services.reporting import coverage
from mapper.store import tallies, visit_days
from mapper.store.database import Connection
from mapper.store.reference import BoundarySet

MOST_DAYS = 60
"""Days of a series of maps: a slider has no room for more."""

MOST_FIGURES = 600_000
"""Units times days; where units are very many, days are fewer."""

WEEK = 7
"""Days of a running mean: one of each weekday."""

Numbers = NDArray[np.int64]

_VACCINATED = INSIDE.index(State.VACCINATED)
_ELIGIBLE = [INSIDE.index(state) for state in INSIDE if state in ELIGIBLE]


@dataclass(frozen=True, slots=True)
class UnitsByDay:
    """Coverage of units on evenly spaced days, the last of them the day asked for.

    keys: of the rows, as ``reporting.coverage`` has them; a unit with no tallies until then has no row.
    vaccinated, eligible: people, a row a unit and a column a day. more_vaccinated, more_eligible: who may live there as
    well, or in another part of a unit that was divided. more_in_all: both by day for all rows together.
    """

    campaign: Campaign
    places: BoundarySet
    level: str
    group: Group
    dose: ScheduledDose
    days: tuple[date, ...]
    keys: tuple[str, ...]
    vaccinated: Numbers
    eligible: Numbers
    more_vaccinated: Numbers
    more_eligible: Numbers
    more_in_all: Numbers


def units_by_day(reference: Reference, user: User, question: Question, area: Area | None = None) -> UnitsByDay:
    """Coverage of every unit of a level that a user may see, on at most MOST_DAYS days since the campaign's start.

    The last is the day asked for; the figures of each are those that ``reporting.coverage`` gives for it. area: only
    of this one. Raises as ``reporting.coverage`` does.
    """
    with reference.database.read() as connection:
        known = reference.known(connection)
        campaign, group, dose, series_id = find_series(known, question)
        places = default_set(known, question.set_id, question.day)
        check_level(places, question.level)
        cell_ids = cells_in(reference, connection, known, user, places, area)
        cells = reference.cells(connection)
        key_of = {
            cell: _key(places, question.level, known.leaf(cells[cell], places), cells[cell].hamlet_code)
            for cell in (cells if cell_ids is None else cell_ids)
        }
        loose = _loose(reference, connection, known, places, user, question.level, area)
        keys_of = {cell: [key_of[cell]] if cell in key_of else [] for cell in (*key_of, *loose)}
        days, step = _spaced(
            campaign.start, question.day, len({key for of_cell in keys_of.values() for key in of_cell})
        )
        asked = cell_ids if cell_ids is None else sorted({*cell_ids, *loose})
        found = tallies.by_cell_and_span(
            reference.database, connection, series_id, asked, question.day.toordinal(), step
        )
    may = {cell: one.keys for cell, one in loose.items()}
    keys = tuple(sorted({key for row in found for key in (*keys_of[row[0]], *may.get(row[0], ()))}))
    place = {key: number for number, key in enumerate(keys)}
    sums = np.zeros((4, len(keys), len(days)), np.int64)
    in_all = np.zeros((2, len(days)), np.int64)

    def add(into: Numbers, wanted: Sequence[tuple[int, ...]]) -> None:
        rows = np.array(wanted, np.int64).reshape(-1, 4)
        column = np.maximum(len(days) - 1 - rows[:, 1], 0)
        for kind in (0, 1):
            np.add.at(into[kind], (rows[:, 0], column), rows[:, 2 + kind])

    add(sums[:2], [(place[key], *row[1:]) for row in found for key in keys_of[row[0]]])
    add(sums[2:], [(place[key], *row[1:]) for row in found for key in may.get(row[0], ())])
    add(in_all[:, None], [(0, *row[1:]) for row in found if row[0] in loose and loose[row[0]].in_all])
    vaccinated, eligible, more, more_eligible = sums.cumsum(axis=2)
    return UnitsByDay(
        campaign,
        places.about,
        question.level,
        group,
        dose,
        days,
        keys,
        vaccinated,
        eligible,
        more,
        more_eligible,
        in_all.cumsum(axis=1),
    )


@dataclass(frozen=True, slots=True)
class Course:
    """How an area moved from the campaign's first day to the day asked for, day by day.

    states: people, a row a day and a column a state, in the order of INSIDE. The first day holds what was before it.
    goal: what the area is to reach. more: the same of people who may live there as well, or in another part of a unit
    that was divided; None where there are none.
    """

    campaign: Campaign
    places: BoundarySet
    group: Group
    dose: ScheduledDose
    goal: Goal
    days: tuple[date, ...]
    states: Numbers
    more: Numbers | None = None

    @property
    def vaccinated(self) -> Numbers:
        """People vaccinated on each day."""
        return self.states[:, _VACCINATED]

    @property
    def eligible(self) -> Numbers:
        """The denominator of each day's coverage."""
        found: Numbers = self.states[:, _ELIGIBLE].sum(axis=1)
        return found

    @property
    def shares(self) -> list[float | None]:
        """Coverage of each day among those who certainly live here; None where nobody is eligible."""
        pairs = zip(self.vaccinated.tolist(), self.eligible.tolist(), strict=True)
        return [vaccinated / eligible if eligible else None for vaccinated, eligible in pairs]

    @property
    def ranges(self) -> list[ShareRange | None]:
        """From where to where coverage of each day may lie; None where it is one figure, or none."""
        if self.more is None:
            return [None] * len(self.days)
        known = zip(self.vaccinated.tolist(), self.eligible.tolist(), self.more.tolist(), strict=True)
        return [
            Maybe(tuple(more), (), tuple(more), ()).coverage(vaccinated, eligible) if any(more) else None
            for vaccinated, eligible, more in known
        ]

    @property
    def more_vaccinated(self) -> Numbers | None:
        """Vaccinated people on each day who may live here as well."""
        return None if self.more is None else self.more[:, _VACCINATED]

    @property
    def more_eligible(self) -> Numbers | None:
        """Eligible people on each day who may live here as well."""
        if self.more is None:
            return None
        found: Numbers = self.more[:, _ELIGIBLE].sum(axis=1)
        return found

    @property
    def loose(self) -> int:
        """People of the group on the last day of whom nobody can tell whether they live here."""
        return 0 if self.more is None else int(self.more[-1].sum())

    @property
    def gained(self) -> list[int | None]:
        """How many more people are vaccinated than the day before; None on the first day, since that is not known.

        Fewer than none where more vaccinated people grew out of the group than were vaccinated.
        """
        return [None, *np.diff(self.vaccinated).tolist()]

    @property
    def means(self) -> list[float | None]:
        """The mean of ``gained`` over the seven days that end with each; None where they are not all known."""
        sums = self.vaccinated
        week = ((sums[WEEK:] - sums[:-WEEK]) / WEEK).tolist()
        return [*[None] * min(WEEK, len(sums)), *week]


def course(reference: Reference, user: User, question: Question, area: Area | None = None) -> Course:
    """The ledger of everybody in an area whom a user may see, on every day until the one asked for.

    The figures of each day are the total that ``reporting.coverage`` gives for it. Raises as it does.
    """
    with reference.database.read() as connection:
        known = reference.known(connection)
        campaign, group, dose, series_id = find_series(known, question)
        places = default_set(known, question.set_id, question.day)
        cell_ids = cells_in(reference, connection, known, user, places, area)
        database = reference.database
        era, _ = tallies.version(database, connection)
        changes = {row[0]: row[-1] for row in tallies.houses(database, connection, campaign.id, cell_ids)}
        moved = changes_by_day(database, connection, era, series_id, changes, campaign.start, question.day)
        loose = {
            cell for cell, one in _loose(reference, connection, known, places, user, "", area).items() if one.in_all
        }
        more = None
        if loose:
            changes = {row[0]: row[-1] for row in tallies.houses(database, connection, campaign.id, sorted(loose))}
            more = changes_by_day(database, connection, era, series_id, changes, campaign.start, question.day)
            more = more.cumsum(axis=0) if more.any() else None
        aims = goals_on(reference, connection, known, places, campaign, group, dose, question.day)
        goal = aims.usual
        if aims.apart and area is not None:
            cells = reference.cells(connection)
            lies = {(known.leaf(cells[cell], places), cells[cell].hamlet_code) for cell in cell_ids or ()}
            goal = goal_of_all(aims, area, lies)
    if aims.apart and area is None:
        goal = coverage(reference, user, question).total.goal
    days = tuple(campaign.start + timedelta(days=number) for number in range(len(moved)))
    return Course(campaign, places.about, group, dose, goal, days, moved.cumsum(axis=0), more)


class Change(NamedTuple):
    """How many more people are in each state than on an earlier day, and houses visited since; fewer are below 0."""

    vaccinated: int = 0
    due: int = 0
    refused: int = 0
    deferred: int = 0
    away: int = 0
    visited: int = 0

    @property
    def size(self) -> int:
        """How much moved in all."""
        return sum(map(abs, self))


@dataclass(frozen=True, slots=True)
class UnitChange:
    """A unit's change. area: None where no unit holds the households. place: name of the unit that holds a hamlet."""

    area: Area | None
    name: str
    place: str
    change: Change


@dataclass(frozen=True, slots=True)
class Changes:
    """What changed in an area between two days, by its units: those in which most moved first, all units together.

    still: how many units there are in which nothing changed.
    """

    since: date
    level: str
    units: tuple[UnitChange, ...]
    total: Change
    still: int


_CHANGING = (State.VACCINATED, State.DUE, State.REFUSED, State.DEFERRED, State.AWAY)


def changes_since(
    reference: Reference, user: User, question: Question, area: Area | None, days: Sequence[int]
) -> list[Changes]:
    """What changed in an area until the day asked for, since each of so many days before.

    By the units of the first level below the area that has more than one of them; a hamlet stands alone. Houses are
    those whose last visit was on the days between. Raises as ``reporting.coverage`` does.
    """
    with reference.database.read() as connection:
        known = reference.known(connection)
        campaign, *_, series_id = find_series(known, question)
        places = default_set(known, question.set_id, question.day)
        cell_ids = cells_in(reference, connection, known, user, places, area)
        cells = reference.cells(connection)
        mine = cells if cell_ids is None else cell_ids
        lies = {cell: (known.leaf(cells[cell], places), cells[cell].hamlet_code) for cell in mine}
        last, database = question.day.toordinal(), reference.database
        moved = []
        for back in days:
            before = last - back
            states = tallies.states_on(database, connection, series_id, last, cell_ids, after=before)
            houses = visit_days.houses_between(database, connection, campaign.id, before, last, cell_ids)
            moved.append((back, list(states), houses))
    level = _level_below(places, area, lies.values())
    keys = {cell: _key(places, level, *place) for cell, place in lies.items()}
    spot = {key: lies[cell] for cell, key in keys.items()}
    found = []
    for back, states, houses in moved:
        sums = {key: [0] * len(Change._fields) for key in spot}
        for cell, *of_cell in states:
            into = sums[keys[cell]]
            for place, state in enumerate(_CHANGING):
                into[place] += of_cell[INSIDE.index(state)]
        for cell, visited, _ in houses:
            sums[keys[cell]][-1] += visited
        units = [_unit_change(known, places, level, *spot[key], Change(*of_key)) for key, of_key in sums.items()]
        changed = sorted((one for one in units if any(one.change)), key=lambda one: (-one.change.size, one.name))
        total = Change(*(sum(column) for column in zip(*sums.values(), strict=True))) if sums else Change()
        since = question.day - timedelta(days=back)
        found.append(Changes(since, level, tuple(changed), total, len(units) - len(changed)))
    return found


class _Loose(NamedTuple):
    """Where households of a cell may be that are in one of several units. keys: rows; in_all: in all rows together."""

    keys: tuple[str, ...]
    in_all: bool


def _loose(
    reference: Reference,
    connection: Connection,
    known: Known,
    places: PlaceSet,
    user: User,
    level: str,
    area: Area | None,
) -> dict[int, _Loose]:
    """By cell the rows of a level, "" for none, in which its households may be, as ``figure_rows.beside`` has them."""
    if places.id == known.home:
        return {}
    cells, own = reference.cells(connection), visible_cells(reference, connection, user)
    visible = None if own is None else set(own)
    seen = seen_whole(reference, connection, known, places, user)
    found = {}
    for number, cell in cells.items():
        leaf = known.leaf(cell, places)
        if not isinstance(leaf, OneOf):
            continue
        hamlet, counted = cell.hamlet_code, visible is None or number in visible
        within = counted and (area is None or area.holds(places, leaf, hamlet))
        sure = counted and level not in ("", HAMLET) and places.above(leaf, level) is not None
        shown = None if counted else seen
        keys = [key_in(places, level or places.leaf, area, shown, code, hamlet) for code in leaf.codes]
        held = tuple(dict.fromkeys(key for key in keys if key is not None))
        in_all = not within and bool(held)
        rows = held if level and not sure else ()
        if rows or in_all:
            found[number] = _Loose(rows, in_all)
    return found


def _level_below(places: PlaceSet, area: Area | None, lies: Iterable[tuple[Leaf, str | None]]) -> str:
    levels = places.about.levels
    if area is not None and area.level == HAMLET:
        return HAMLET
    start = 0 if area is None else levels.index(area.level) + 1
    leaves = {leaf for leaf, _ in lies}
    for level in levels[start:]:
        if len({_key(places, level, leaf, None) for leaf in leaves}) > 1:
            return level
    return HAMLET


def _unit_change(
    known: Known, places: PlaceSet, level: str, leaf: Leaf, hamlet: str | None, change: Change
) -> UnitChange:
    if level == HAMLET:
        listed = known.hamlets.get(hamlet or "")
        unit = places.units.get((places.leaf, leaf)) if isinstance(leaf, str) else None
        place = unit.name if unit else ""
        return UnitChange(Area(HAMLET, hamlet) if hamlet else None, listed.label if listed else "", place, change)
    code = places.above(leaf, level) if leaf is not None else None
    unit = places.units.get((level, code or ""))
    return UnitChange(Area(level, unit.code) if unit else None, unit.name if unit else "", "", change)


def _spaced(first: date, last: date, units: int) -> tuple[tuple[date, ...], int]:
    """Evenly spaced days that end with the last, and how far apart they are."""
    most = max(2, min(MOST_DAYS, MOST_FIGURES // max(1, units)))
    step = max(1, -(-((last - first).days + 1) // most))
    back = range((last - first).days // step, -1, -1)
    return tuple(last - timedelta(days=step * number) for number in back), step


def _key(places: PlaceSet, level: str, leaf: Leaf, hamlet: str | None) -> str:
    """The row of ``reporting.coverage`` in which a cell's households count."""
    if level == HAMLET:
        return hamlet_key(leaf, hamlet)
    code = places.above(leaf, level) if leaf is not None else None
    return code if code is not None and (level, code) in places.units else "-"
