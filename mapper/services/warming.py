"""What readers ask first, summed before anybody asks: after a start and every hour, beside the requests.

Only a process that remembers nothing has to add up all tallies of a campaign. So sums of days some weeks apart, and
what changed around them, are kept in the database, and those of the days that readers open pages with are remembered.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from mapper.domain.campaign import Campaign
from mapper.domain.ledger import INSIDE
from mapper.domain.planning import PlanningRules
from mapper.services import demand
from mapper.services.intake import today
from mapper.services.kept_states import people_by_row
from mapper.services.reference import Reference
from mapper.solve import loading
from mapper.store import tallies, tally_sums
from mapper.store.database import Connection

FEW = 10
"""As long as at most this part of the cells changed, sums serve as they were kept: a tenth is summed quickly."""

READ_WINDOWS = 10
"""Of so many kept days, and those around them, the tallies of a series are in memory together."""

AHEAD = timedelta(days=400)
"""So long after the latest visit people may ask who is due; a year, and some weeks."""

BACK = (0, 1, 7)
"""Days before the one that pages open with whose figures stand beside it, in the report and as the pace of targets."""

WEEKS_BACK = range(15)
"""Days before it that readers go back to, most of all."""

PLANNED = 4
"""Plans begin on the next working day, as their form has it, or soon: so many days from today."""

A_HOUSE = 3
"""People of one, about: of a campaign of more people than can be remembered none are read ahead."""


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

    Those asked first, as many as there is room for.
    """
    with reference.database.read() as connection:
        campaigns = list(reference.known(connection).campaigns.values())
    summed, room = 0, reference.states.kept.room
    for campaign in campaigns:
        with reference.database.read() as connection:
            view = _view(reference, connection, campaign)
            if not view.changes:
                continue
            to_keep = _days_to_keep(view)
            for series_id in view.series if to_keep else ():
                for day, sums in _summed(view, series_id, to_keep):
                    with reference.database.write() as writing:
                        tally_sums.keep(reference.database, writing, view.era, series_id, day, sums)
        # In another view: the first does not see what was kept since it began.
        with reference.database.read() as connection:
            view = _view(reference, connection, campaign)
            of_day = len(view.changes) * len(view.series)
            opened = _opened(view)[: room // of_day]
            room -= len(opened) * of_day
            summed += len(opened)
            # What is remembered last is forgotten last.
            for asked in reversed(opened):
                view.sums(asked.toordinal())
    return summed


def warm_plans(reference: Reference) -> int:
    """Read ahead who is due, and make an invented plan, so that the first that is asked for comes as soon as others.

    How many people are remembered. Only those are read of whose cells something was counted since.
    """
    # Heavy; loaded here, beside the requests, and else only once somebody asks for a plan.
    from mapper.formats import plan_file
    from mapper.services import plan_work  # noqa: F401
    from mapper.services.rehearsal import rehearse

    loading.load()
    plan_file.prepare()
    rehearse(PlanningRules())
    days = [today() + timedelta(days=ahead) for ahead in range(PLANNED)]
    with reference.database.read() as connection:
        campaigns = list(reference.known(connection).campaigns.values())
    people = 0
    for campaign in campaigns:
        with reference.database.read() as connection:
            cells = tallies.houses(reference.database, connection, campaign.id, None)
            if sum(sum(houses) for _, *houses, _ in cells) * A_HOUSE <= reference.people.room:
                people += demand.look_ahead(reference, connection, campaign, days)
    return people


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


def _days_to_keep(view: _View) -> list[int]:
    """The days of which sums are to be kept: all if in many cells something was counted since they were, if ever."""
    kept = tally_sums.days(view.connection, view.era, view.series)
    last = min(view.campaign.until, (view.latest or today()) + AHEAD).toordinal()
    first = view.campaign.start.toordinal()
    days = list(range(first + tally_sums.AROUND_DAYS, last + tally_sums.APART_DAYS, tally_sums.APART_DAYS))
    total = sum(view.changes.values())
    stale = any(day not in kept or (total - kept[day]) * FEW > len(view.changes) for day in days)
    return days if stale else []


def _summed(view: _View, series_id: int, days: list[int]) -> Iterator[tuple[int, tally_sums.KeptSums]]:
    """A series' sums on each of these days, which are APART_DAYS apart, from one reading of its tallies."""
    cells = np.array(sorted(view.changes.items()), np.int32)
    database, around = view.reference.database, tally_sums.AROUND_DAYS

    def by_cell(rows: NDArray[np.int32], columns: int) -> NDArray[np.int32]:
        return people_by_row(np.searchsorted(cells[:, 0], rows[:, 0]), rows[:, columns:], len(cells))

    def of_cells(rows: Iterable[Sequence[int]], columns: int) -> NDArray[np.int32]:
        """Without those of cells in which no house is counted any more: nobody is left there either."""
        found = np.array([*rows], np.int32).reshape(-1, columns + len(INSIDE))
        return found[np.isin(found[:, 0], cells[:, 0])]

    start = tallies.states_on(database, view.connection, series_id, days[0] - around, None)
    people = by_cell(of_cells(start, 1), 1)
    for first in range(0, len(days), READ_WINDOWS):
        some = days[first : first + READ_WINDOWS]
        read = tallies.changes_on(database, view.connection, series_id, some[0] - around, some[-1] + around)
        rows = of_cells(read, 2)
        for day in some:
            near = rows[(rows[:, 1] > day - around) & (rows[:, 1] <= day + around)]
            until = people + by_cell(near[near[:, 1] <= day], 2)
            yield day, tally_sums.KeptSums(np.hstack((cells, until)), near)
            people = people + by_cell(near, 2)
