"""What is asked first every morning, summed before anybody asks: after a start, beside the requests.

Only a process that remembers nothing has to add up all tallies of a series; from then on it adds what changed. So the
first reader need not wait for what can be done while the server has just come up.
"""

from __future__ import annotations

from mapper.services.intake import today
from mapper.services.reference import Reference
from mapper.store import tallies, visit_days


def warm(reference: Reference) -> int:
    """Sum every series on the day that the map opens with, campaign by campaign; how many series were summed.

    Ends where there is no room to remember more. Each series has a short transaction of its own.
    """
    database, summed, room = reference.database, 0, reference.states.room
    with database.read() as connection:
        campaigns = list(reference.known(connection).campaigns)
    for campaign_id in campaigns:
        with database.read() as connection:
            known = reference.known(connection)
            numbers = list(known.series.get(campaign_id, ()))
            latest = visit_days.houses_by_day(database, connection, campaign_id, 1, None)
        for series_id in numbers:
            with database.read() as connection:
                era, _ = tallies.version(database, connection)
                houses = tallies.houses(database, connection, campaign_id, None)
                changes = {row[0]: row[-1] for row in houses if any(row[1:-1])}
                room -= len(changes)
                if not changes or room < 0:
                    break
                day = (latest[0][0] if latest else today()).toordinal()
                reference.states.on(database, connection, era, series_id, day, changes, everywhere=True)
                summed += 1
    return summed
