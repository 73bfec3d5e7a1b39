"""How figures moved: coverage of an area and of its units by day, doses a day, and what changed since other days.

All from tallies. A day is that of the dose or of the visit, never that of sending: submissions that come late change
days that are long over, and so do corrections.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from mapper.domain.campaign import Campaign, Group, ScheduledDose
from mapper.errors import InvalidQuestion, mark
from mapper.services.accounts import User
from mapper.services.areas import Area, cells_in
from mapper.services.reference import PlaceSet, Reference
from mapper.services.reporting import HAMLET, Question, default_set, find_series, hamlet_key
from mapper.store import tallies
from mapper.store.reference import BoundarySet

MOST_DAYS = 60
"""Days of a series of maps: a slider has no room for more."""

MOST_FIGURES = 600_000
"""Units times days; where units are very many, days are fewer."""

Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class UnitsByDay:
    """Coverage of units on evenly spaced days, the last of them the day asked for.

    keys: of the rows, as ``reporting.coverage`` has them; a unit with no tallies until then has no row.
    vaccinated, eligible: people, a row a unit and a column a day.
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


def units_by_day(reference: Reference, user: User, question: Question, area: Area | None = None) -> UnitsByDay:
    """Coverage of every unit of a level that a user may see, on at most MOST_DAYS days since the campaign's start.

    The last is the day asked for; the figures of each are those that ``reporting.coverage`` gives for it. area: only
    of this one. Raises as ``reporting.coverage`` does.
    """
    with reference.database.read() as connection:
        known = reference.known(connection)
        campaign, group, dose, series_id = find_series(known, question)
        places = default_set(known, question.set_id, question.day)
        _check_level(places, question.level)
        cell_ids = cells_in(reference, connection, known, user, places, area)
        cells = reference.cells(connection)
        key_of = {
            cell: _key(places, question.level, cells[cell].units.get(places.id), cells[cell].hamlet_code)
            for cell in (cells if cell_ids is None else cell_ids)
        }
        days, step = _spaced(campaign.start, question.day, len(set(key_of.values())))
        found = tallies.by_cell_and_span(
            reference.database, connection, series_id, cell_ids, question.day.toordinal(), step
        )
    keys = tuple(sorted({key_of[row[0]] for row in found}))
    place = {key: number for number, key in enumerate(keys)}
    rows = np.array([(place[key_of[row[0]]], *row[1:]) for row in found], np.int64).reshape(-1, 4)
    column = np.maximum(len(days) - 1 - rows[:, 1], 0)
    sums = np.zeros((2, len(keys), len(days)), np.int64)
    for kind in (0, 1):
        np.add.at(sums[kind], (rows[:, 0], column), rows[:, 2 + kind])
    vaccinated, eligible = sums.cumsum(axis=2)
    return UnitsByDay(campaign, places.about, question.level, group, dose, days, keys, vaccinated, eligible)


def _spaced(first: date, last: date, units: int) -> tuple[tuple[date, ...], int]:
    """Evenly spaced days that end with the last, and how far apart they are."""
    most = max(2, min(MOST_DAYS, MOST_FIGURES // max(1, units)))
    step = max(1, -(-((last - first).days + 1) // most))
    back = range((last - first).days // step, -1, -1)
    return tuple(last - timedelta(days=step * number) for number in back), step


def _check_level(places: PlaceSet, level: str) -> None:
    levels = (*places.about.levels, HAMLET)
    if level not in levels:
        raise InvalidQuestion(
            mark("Boundary set {set} has no level {level}. Choose one of: {levels}."),
            set=places.id,
            level=level,
            levels=", ".join(levels),
        )


def _key(places: PlaceSet, level: str, leaf: str | None, hamlet: str | None) -> str:
    """The row of ``reporting.coverage`` in which a cell's households count."""
    if level == HAMLET:
        return hamlet_key(leaf, hamlet)
    code = places.above(leaf, level) if leaf is not None else None
    return code if code is not None and (level, code) in places.units else "-"
