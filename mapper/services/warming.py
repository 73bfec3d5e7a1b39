"""What readers ask first, summed before anybody asks: after a start and every hour, beside the requests.

Only a process that remembers nothing has to add up all tallies of a series. So sums of days some weeks apart are kept
in the database, from which any day is near, and those of the day that the map opens with are remembered as well.
"""

from __future__ import annotations

from datetime import date, timedelta

from mapper.domain.campaign import Campaign
from mapper.domain.targets import pace_window
from mapper.services.intake import today
from mapper.services.reference import Reference
from mapper.store import tallies, visit_days
from mapper.store.database import Connection

APART_DAYS = 40
"""Sums are kept of every so many days: of a year, nine."""

FEW = 10
"""As long as at most this part of the cells changed, sums serve as they were kept: a tenth is summed quickly."""

AHEAD = timedelta(days=400)
"""So long after the latest visit people may ask who is due; a year, and some weeks."""


def warm(reference: Reference) -> int:
    """Sum every series, campaign by campaign; of how many the day that the map opens with is remembered now.

    Ends where there is no room to remember more. Each series has short transactions of its own.
    """
    with reference.database.read() as connection:
        campaigns = list(reference.known(connection).campaigns.values())
    for campaign in campaigns:
        for series_id in _series(reference, campaign):
            _keep(reference, campaign, series_id)
    summed, room = 0, reference.states.room
    for campaign in campaigns:
        for series_id in _series(reference, campaign):
            with reference.database.read() as connection:
                era, changes = _changes(reference, connection, campaign)
                room -= len(changes)
                if not changes or room < 0:
                    break
                day = _opening(reference, connection, campaign).toordinal()
                reference.states.on(reference.database, connection, era, series_id, day, changes, everywhere=True)
                summed += 1
        _remember_all(reference, campaign)
    return summed


def _remember_all(reference: Reference, campaign: Campaign) -> None:
    """What the page of targets opens with: all series of that day, and who was vaccinated in the week before."""
    with reference.database.read() as connection:
        era, changes = _changes(reference, connection, campaign)
        if not changes or len(changes) > reference.states.room:
            return
        series = reference.known(connection).series.get(campaign.id, [])
        database, states = reference.database, reference.states
        day = _opening(reference, connection, campaign)
        reference.series.totals(
            states, database, connection, era, series, day.toordinal(), changes, list(changes), everywhere=True
        )
        latest = reference.latest.of(database, connection, era, campaign.id, changes)
        window = pace_window(campaign.start, day, latest)
        if window is not None:
            before, until = (day.toordinal() for day in window)
            reference.pace.on(database, connection, era, series, before, until, changes)


def _keep(reference: Reference, campaign: Campaign, series_id: int) -> None:
    """Keep the sums of a series in the database, where in many cells something was counted since they were."""
    database = reference.database
    with database.read() as connection:
        era, changes = _changes(reference, connection, campaign)
        total = sum(changes.values())
        kept = tallies.days_summed(database, connection, era, series_id)
        last = min(campaign.until, _opening(reference, connection, campaign) + AHEAD).toordinal()
        first = campaign.start.toordinal()
        wanted = [day for day in range(first + APART_DAYS // 2, last + APART_DAYS // 2, APART_DAYS) if changes]
        days = {
            day: {
                cell: (changes[cell], states)
                for cell, states in reference.states.on(
                    database, connection, era, series_id, day, changes, everywhere=True
                ).items()
            }
            for day in wanted
            if day not in kept or (total - kept[day]) * FEW > len(changes)
        }
    if days:
        with database.write() as connection:
            tallies.keep_sums(database, connection, era, series_id, total, days)


def _series(reference: Reference, campaign: Campaign) -> list[int]:
    with reference.database.read() as connection:
        return list(reference.known(connection).series.get(campaign.id, ()))


def _changes(reference: Reference, connection: Connection, campaign: Campaign) -> tuple[str, dict[int, int]]:
    """The era of the tallies, and how often each cell that has any houses changed."""
    era, _ = tallies.version(reference.database, connection)
    houses = tallies.houses(reference.database, connection, campaign.id, None)
    return era, {row[0]: row[-1] for row in houses if any(row[1:-1])}


def _opening(reference: Reference, connection: Connection, campaign: Campaign) -> date:
    """The day that the map opens with."""
    latest = visit_days.houses_by_day(reference.database, connection, campaign.id, 1, None)
    return latest[0][0] if latest else today()
