"""What readers ask first, summed before anybody asks: after a start and every hour, beside the requests.

Only a process that remembers nothing has to add up all tallies of a campaign. So sums of days some weeks apart are kept
in the database, from which any day is near, and those of the days that readers open pages with are remembered as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from mapper.domain.campaign import Campaign
from mapper.services.intake import today
from mapper.services.reference import Reference
from mapper.store import tallies
from mapper.store.database import Connection

APART_DAYS = 40
"""Sums are kept of every so many days: of a year, nine."""

FEW = 10
"""As long as at most this part of the cells changed, sums serve as they were kept: a tenth is summed quickly."""

AHEAD = timedelta(days=400)
"""So long after the latest visit people may ask who is due; a year, and some weeks."""

BACK = (0, 1, 7)
"""Days before the one that pages open with whose figures stand beside it, in the report and as the pace of targets."""

WEEKS_BACK = range(15)
"""Days before it that readers go back to, most of all."""


@dataclass(frozen=True, slots=True)
class _View:
    """A campaign in one view of the database. changes: of each cell that has any houses. latest: of all visits."""

    reference: Reference
    connection: Connection
    campaign: Campaign
    series: list[int]
    era: str
    changes: Mapping[int, int]
    latest: date | None

    def sums(self, day: int) -> NDArray[np.int32]:
        """People per state of all series, remembered too."""
        database, states = self.reference.database, self.reference.states
        return states.of_all(database, self.connection, self.era, self.series, day, self.changes, everywhere=True)


def warm(reference: Reference) -> int:
    """Sum every series, campaign by campaign; how many days of campaigns are remembered now.

    Those asked first, as many as there is room for. Houses are read once a campaign.
    """
    with reference.database.read() as connection:
        campaigns = list(reference.known(connection).campaigns.values())
    summed, room = 0, reference.states.kept.room
    for campaign in campaigns:
        with reference.database.read() as connection:
            view = _view(reference, connection, campaign)
            if not view.changes:
                continue
            kept = _sums_to_keep(view)
            of_day = len(view.changes) * len(view.series)
            days = _opened(view)[: room // of_day]
            room -= len(days) * of_day
            summed += len(days)
            # What is remembered last is forgotten last.
            for day in reversed(days):
                view.sums(day.toordinal())
        if kept:
            with reference.database.write() as connection:
                for number, sums in kept.items():
                    total = sum(view.changes.values())
                    tallies.keep_sums(reference.database, connection, view.era, number, total, sums)
    return summed


def _view(reference: Reference, connection: Connection, campaign: Campaign) -> _View:
    series = reference.known(connection).series.get(campaign.id, [])
    era, _ = tallies.version(reference.database, connection)
    houses = tallies.houses(reference.database, connection, campaign.id, None)
    changes = {row[0]: row[-1] for row in houses if any(row[1:-1])}
    latest = reference.latest.of(reference.database, connection, era, campaign.id, changes)
    return _View(reference, connection, campaign, series, era, changes, latest)


def _opened(view: _View) -> list[date]:
    """The days that are asked, the surest one first: that of the latest visit, with which pages open, and today.

    With each come those that stand beside it; then the deadlines ahead, and the days of the weeks before.
    """
    opened = dict.fromkeys((view.latest or today(), today()))
    days = [day - timedelta(days=back) for day in opened for back in BACK]
    deadlines = {dose.deadline for _, dose in view.campaign.series if dose.deadline}
    days += sorted(deadline for deadline in deadlines if deadline >= days[0])
    days += [day - timedelta(days=back) for day in opened for back in WEEKS_BACK]
    start, until = view.campaign.start, view.campaign.until
    return [day for day in dict.fromkeys(days) if start <= day <= until]


def _sums_to_keep(view: _View) -> dict[int, dict[int, tallies.Summed]]:
    """By day and series what is to be kept: where in many cells something was counted since it was, if ever."""
    kept = tallies.days_summed(view.connection, view.era, view.series)
    last = min(view.campaign.until, (view.latest or today()) + AHEAD).toordinal()
    first = view.campaign.start.toordinal()
    total = sum(view.changes.values())
    cells = np.array([*view.changes.items()], np.int32)
    found = {}
    for day in range(first + APART_DAYS // 2, last + APART_DAYS // 2, APART_DAYS):
        if day not in kept or (total - kept[day]) * FEW > len(view.changes):
            people = view.sums(day)
            found[day] = {one: np.hstack((cells, people[:, place])) for place, one in enumerate(view.series)}
    return found
