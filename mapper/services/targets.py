"""Targets of an area: where every group and dose stands, and the ranking of its units; from tallies alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from operator import add, itemgetter

import numpy as np
from numpy.typing import NDArray

from mapper.domain.campaign import Design, Group, ScheduledDose
from mapper.domain.coverage import assess
from mapper.domain.ledger import ELIGIBLE, INSIDE, State
from mapper.domain.ranges import Leaf
from mapper.domain.targets import Goal, Outlook, Pace, outlook, pace_window
from mapper.services.accounts import User, visible_cells
from mapper.services.areas import Area
from mapper.services.carried_targets import goals_on
from mapper.services.cluster_design import AskedRow, assess_rows
from mapper.services.figure_rows import Row, UnitFigures, goal_of_all, hamlet_key
from mapper.services.gains import gains_between
from mapper.services.questions import HAMLET, Question, default_set
from mapper.services.ranking import Band, band_of, ranks, worst_first
from mapper.services.reference import Known, PlaceSet, Reference
from mapper.services.reporting import Answer, coverage, coverage_of_every
from mapper.store import tallies
from mapper.store import targets as kept
from mapper.store.database import Connection
from mapper.store.targets import Place, Responsible

_VACCINATED = INSIDE.index(State.VACCINATED)
_eligible = itemgetter(*(INSIDE.index(state) for state in INSIDE if state in ELIGIBLE))


@dataclass(frozen=True, slots=True)
class SeriesOutlook:
    """Where one group and dose stands in the area."""

    group: Group
    dose: ScheduledDose
    figures: UnitFigures
    outlook: Outlook


@dataclass(frozen=True, slots=True)
class RankedUnit:
    """A unit in the ranking. rank: 1 for the lowest coverage, shared by equals; None outside of the judged.

    area: to look into it; None for households of no unit. above: name of the unit around it.
    """

    rank: int | None
    figures: UnitFigures
    outlook: Outlook
    area: Area | None
    above: str
    responsible: Responsible | None


@dataclass(frozen=True, slots=True)
class Ranked:
    """The units of a band, worst first, as many as were asked for. count: how many there are."""

    units: tuple[RankedUnit, ...]
    count: int


@dataclass(frozen=True, slots=True)
class Targets:
    """All that a page of targets shows.

    chosen: the group and dose asked for; every: all of the campaign. window: the day before the first of those that
    tell the pace, and the last; None where there are none. place: what the area is in the tables of targets and of who
    is responsible; None for all that the reader may see.
    """

    answer: Answer
    chosen: SeriesOutlook
    every: tuple[SeriesOutlook, ...]
    ranking: Mapping[Band, Ranked]
    window: tuple[date, date] | None
    place: Place | None
    responsible: Responsible | None


def targets(
    reference: Reference, user: User, question: Question, area: Area | None = None, most: int | None = None
) -> Targets:
    """The targets of an area, and of its units of the question's level.

    most: units of each band that are wanted, the first ones; None for all. Raises as ``reporting.coverage`` does.
    """
    answer = coverage(reference, user, question, area)
    ranges: Sequence[UnitFigures] = ()
    if answer.total.maybe is not None:
        leaf = replace(question, level=answer.places.levels[-1])
        ranges = coverage_of_every(reference, user, leaf, area, (), units=False).totals
    with reference.database.read() as connection:
        known = reference.known(connection)
        places = default_set(known, question.set_id, question.day)
        base = _Base(reference, connection, known, places, user, answer, area, ranges)
        every = base.every_series()
        people = kept.responsible(connection, places.id)
    chosen = next(one for one in every if one.group is answer.group and one.dose is answer.dose)
    # The same numbers as the ranking's, to the last rounding of an interval.
    look = base.look(answer.total, chosen.outlook.pace, base.then.get(base.chosen))
    chosen = SeriesOutlook(answer.group, answer.dose, answer.total, look)
    every = tuple(chosen if one.group is answer.group and one.dose is answer.dose else one for one in every)
    place = place_of(places, area)
    return Targets(
        answer,
        chosen,
        every,
        _ranking(places, answer, base, people, most),
        base.window,
        place,
        people.get(place) if place else None,
    )


def place_of(places: PlaceSet, area: Area | None) -> Place | None:
    """How tables of targets and people name an area."""
    if area is None:
        return None
    return Place("" if area.level == HAMLET else places.id, area.level, area.code)


class _Base:
    """What every group and dose of an area is worked out from."""

    def __init__(
        self,
        reference: Reference,
        connection: Connection,
        known: Known,
        places: PlaceSet,
        user: User,
        answer: Answer,
        area: Area | None,
        ranges: Sequence[UnitFigures],
    ) -> None:
        self.ranges = ranges
        self.reference, self.connection, self.known, self.places = reference, connection, known, places
        self.answer, self.area = answer, area
        database, campaign = reference.database, answer.campaign
        visible = visible_cells(reference, connection, user)
        self.everywhere = visible is None
        seen = None if visible is None else set(visible)
        houses = tallies.houses(database, connection, campaign.id, None)
        self.changes = {row[0]: row[-1] for row in houses if any(row[1:-1]) and (seen is None or row[0] in seen)}
        cells = reference.cells(connection)
        self.rows: dict[int, Row] = {}
        for cell_id in self.changes:
            row = known.leaf(cells[cell_id], places), cells[cell_id].hamlet_code
            if area is None or area.holds(places, *row):
                self.rows[cell_id] = row
        self.era, _ = tallies.version(database, connection)
        latest = reference.latest.of(database, connection, self.era, campaign.id, self.changes)
        self.window = pace_window(campaign.start, answer.day, latest)
        self.series = known.series[campaign.id]
        self.chosen = self.series[campaign.series.index((answer.group, answer.dose))]
        self.then: dict[int, Sequence[int]] = {}
        self._people: dict[date, NDArray[np.int32]] = {}
        self.gains: Mapping[int, Mapping[int, int]] = {}
        if self.window is not None:
            before, until = (day.toordinal() for day in self.window)
            self.gains = gains_between(
                reference.states, database, connection, self.era, self.series, before, until, self.changes
            )

    def every_series(self) -> tuple[SeriesOutlook, ...]:
        """Where each group and dose stands in the area."""
        answer = self.answer
        totals = self._people_on(answer.day)[self._here()].sum(axis=0, dtype=int).tolist()
        gains: dict[int, int] = {}
        for cell in self.rows if self.window else ():
            for series_id, people in self.gains[cell].items():
                gains[series_id] = gains.get(series_id, 0) + people
        aims = []
        for group, dose in answer.campaign.series:
            own = goals_on(
                self.reference, self.connection, self.known, self.places, answer.campaign, group, dose, answer.day
            )
            aims.append(goal_of_all(own, self.area, self.rows.values()))
        self.then = self._by_deadline(aims)
        return tuple(
            self._of_series(number, tuple(counts), aim, gains.get(series_id, 0))
            for number, (series_id, counts, aim) in enumerate(zip(self.series, totals, aims, strict=True))
        )

    def _by_deadline(self, aims: Sequence[Goal]) -> dict[int, Sequence[int]]:
        """People by state on the deadline, by series; of those that have one which is not over."""
        found: dict[int, Sequence[int]] = {}
        here = self._here()
        for number, (series_id, aim) in enumerate(zip(self.series, aims, strict=True)):
            if aim.share is not None and aim.deadline is not None and aim.deadline >= self.answer.day:
                found[series_id] = self._people_on(aim.deadline)[here, number].sum(axis=0, dtype=int).tolist()
        return found

    def _people_on(self, day: date) -> NDArray[np.int32]:
        """A row a cell in the order of ``changes``, in it a row a series with people per state on a day."""
        if day not in self._people:
            self._people[day] = self.reference.states.of_all(
                self.reference.database,
                self.connection,
                self.era,
                self.series,
                day.toordinal(),
                self.changes,
                self.everywhere,
            )
        return self._people[day]

    def _here(self) -> list[int]:
        """Which of the rows of ``_people_on`` are of the area."""
        return [place for place, cell in enumerate(self.changes) if cell in self.rows]

    def _of_series(self, number: int, counts: tuple[int, ...], goal: Goal, gain: int) -> SeriesOutlook:
        answer, total = self.answer, self.answer.total
        (group, dose), series_id = answer.campaign.series[number], self.series[number]
        if self.ranges:
            figures = self.ranges[number]
            look = self.look(figures, self.pace(gain), self.then.get(series_id))
            return SeriesOutlook(group, dose, figures, look)
        states = dict(zip(INSIDE, counts, strict=True))
        eligible = sum(states[state] for state in ELIGIBLE)
        # Houses are the same whatever is asked about the people in them.
        said = assess(states[State.VACCINATED], eligible, states[State.UNKNOWN], total.houses, goal.share)
        if answer.campaign.design is Design.CLUSTER_SURVEY and not said.complete:
            said = assess_rows(self._asked(series_id), goal.share)
        outside = total.people - sum(counts)
        figures = total._replace(counts=counts, eligible=eligible, outside=outside, assessment=said, goal=goal)
        return SeriesOutlook(group, dose, figures, self.look(figures, self.pace(gain), self.then.get(series_id)))

    def _asked(self, series_id: int) -> list[AskedRow]:
        """Whom the sample of a cluster survey found, cell by cell."""
        reference, day = self.reference, self.answer.day.toordinal()
        states = reference.states.on(
            reference.database, self.connection, self.era, series_id, day, self.changes, everywhere=self.everywhere
        )
        return [
            (leaf if isinstance(leaf, str) else None, hamlet, sum(_eligible(states[cell])), states[cell][_VACCINATED])
            for cell, (leaf, hamlet) in self.rows.items()
            if cell in states
        ]

    def pace(self, people: int) -> Pace | None:
        """The pace at which so many people more are vaccinated than before the window."""
        if self.window is None:
            return None
        before, until = self.window
        return Pace(people, (until - before).days, until)

    def look(self, figures: UnitFigures, pace: Pace | None, then: Sequence[int] | None) -> Outlook:
        """Where figures stand before their goal. then: the same people by state on its deadline."""
        if not figures.eligible:
            pace = None
        states, day = figures.states, self.answer.day
        at = dict(zip(INSIDE, then, strict=True)) if then is not None else None
        return outlook(figures.assessment, states, figures.houses, figures.goal, day, pace, at)

    def by_unit(self) -> tuple[dict[str, int], dict[str, Sequence[int]]]:
        """Of the group and dose asked for, by key of the answer's rows: people gained, and by state on the deadline.

        A unit whose goal has no deadline, or one that is over, has none of these.
        """
        answer = self.answer
        gains: dict[str, int] = {}
        then: dict[str, Sequence[int]] = {}
        deadlines = {unit.key: unit.goal.deadline for unit in answer.units}
        number = self.series.index(self.chosen)
        people = {
            deadline: dict(zip(self.changes, self._people_on(deadline)[:, number].tolist(), strict=True))
            for deadline in set(deadlines.values())
            if deadline is not None and deadline >= answer.day
        }
        for cell, key in self._keys():
            if self.window is not None:
                gains[key] = gains.get(key, 0) + self.gains[cell].get(self.chosen, 0)
            deadline = deadlines.get(key)
            if deadline in people:
                states = people[deadline][cell]
                then[key] = list(map(add, then[key], states)) if key in then else states
        return gains, then

    def _keys(self) -> Iterator[tuple[int, str]]:
        """Each cell, and the key of the answer's row that it is in."""
        answer, places = self.answer, self.places
        codes: dict[Leaf, str] = {}
        for cell, (leaf, hamlet) in self.rows.items():
            if answer.level == HAMLET:
                key = hamlet_key(leaf, hamlet)
            else:
                if leaf not in codes:
                    code = places.above(leaf, answer.level) if leaf is not None else None
                    codes[leaf] = code if code is not None and (answer.level, code) in places.units else "-"
                key = codes[leaf]
            yield cell, key


def _ranking(
    places: PlaceSet, answer: Answer, base: _Base, people: Mapping[Place, Responsible], most: int | None
) -> dict[Band, Ranked]:
    gains, then = base.by_unit()
    bands: dict[Band, list[UnitFigures]] = {band: [] for band in Band}
    for unit in answer.units:
        bands[band_of(unit)].append(unit)
    around = _level_above(places, answer.level)
    ranking = {}
    for band, units in bands.items():
        units.sort(key=worst_first)
        numbers = ranks(units) if band is Band.JUDGED else [None] * len(units)
        ranked = []
        for rank, unit in list(zip(numbers, units, strict=True))[:most]:
            area = Area(answer.level, unit.code) if unit.code is not None else None
            place = place_of(places, area)
            above = places.units.get((around, unit.parent)) if around and unit.parent is not None else None
            ranked.append(
                RankedUnit(
                    rank,
                    unit,
                    base.look(unit, base.pace(gains.get(unit.key, 0)), then.get(unit.key)),
                    area,
                    above.name if above else "",
                    people.get(place) if place else None,
                )
            )
        ranking[band] = Ranked(tuple(ranked), len(units))
    return ranking


def _level_above(places: PlaceSet, level: str) -> str | None:
    levels = (*places.about.levels, HAMLET)
    place = levels.index(level)
    return levels[place - 1] if place else None


def levels_within(places_levels: Iterable[str], area: Area | None) -> list[str]:
    """The levels whose units can be ranked in an area, the outermost first; a hamlet is ranked alone."""
    levels = [*places_levels, HAMLET]
    return levels if area is None else levels[levels.index(area.level) + 1 :] or [HAMLET]
