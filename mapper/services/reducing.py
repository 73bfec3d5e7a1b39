"""A campaign's people become numbers a few households at a time, while the phones of other campaigns send.

Each portion is a transaction of its own after which everything is in order: the households that went count on among the
numbers that are left, so tallies never change, and a rebuild in the midst gives the same. What is still to be done is
told by the rows alone: whoever was cut off, or comes as a second, begins with what there is.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import TypeVar

from mapper.errors import Unavailable
from mapper.formats.campaign import read_campaign
from mapper.services.counting import EVERYTHING, Gathered, gather
from mapper.services.reference import Reference
from mapper.store import erasing, mendings, register, retention, tallies
from mapper.store.database import Connection
from mapper.store.tables import HOUSE_COLUMNS

AT_ONCE = 50
"""Households, submissions or files that go in one transaction: some hundreds of rows."""

LIGHT_AT_ONCE = 1000
"""Rows that go in one transaction where each goes by itself."""

REST = 1.0
"""After a transaction others have the database for themselves for so many times as long as it took."""

PUT_BY = 8
"""After so many transactions SQLite's log is brought into its file, so that no phone's commit has to do it."""

LOOKED_FOR = 2000
"""So many rows are looked for at once, in a transaction that stops nobody."""

Told = Callable[[Connection, int], None]
"""Writes down in the transaction of a portion that so many more files, or people, are gone."""

_Row = TypeVar("_Row")


class Portions:
    """Short transactions in which nobody else erases or counts, with a rest after each."""

    def __init__(self, reference: Reference, told: Told) -> None:
        self._reference, self._told, self._done = reference, told, 0

    def take(self, write: Callable[[Connection], int]) -> int:
        """One portion; the number of files or people that ``write`` gave."""
        database = self._reference.database
        with database.write() as connection:
            begun = time.perf_counter()
            database.lock(connection, erasing.LOCK)
            database.lock(connection, EVERYTHING)
            gone = write(connection)
            self._told(connection, gone)
        took, self._done = time.perf_counter() - begun, self._done + 1
        if not self._done % PUT_BY:
            with suppress(Unavailable):
                database.put_by()
        time.sleep(REST * took)
        return gone


def take_files(reference: Reference, campaign_id: str, portions: Portions) -> None:
    """Take out the files that came with a campaign's submissions."""
    database = reference.database
    while portions.take(lambda connection: retention.delete_files(database, connection, campaign_id, AT_ONCE)):
        pass


def reduce(reference: Reference, campaign_id: str, portions: Portions, at: str, user_id: int | None) -> None:
    """Take out everybody of a campaign, all that was sent, and what was decided and planned of them; tallies stay.

    Phones are refused what they send of it already. at, user_id: when, and by whom, its slips were revoked.
    """
    database = reference.database

    def without_counting(connection: Connection, seqs: Sequence[int]) -> int:
        retention.delete_sent(database, connection, seqs, that_counts=False)
        return 0

    def whatever_is_left(connection: Connection, seqs: Sequence[int]) -> int:
        retention.delete_sent(database, connection, seqs, that_counts=True)
        return 0

    def homes(connection: Connection, some: Sequence[tuple[int, str]]) -> int:
        return _reduce_homes(reference, connection, campaign_id, [one for _, one in some])

    def find_waiting(connection: Connection, after: int | None) -> list[int]:
        return retention.counting_nowhere(connection, campaign_id, after, LOOKED_FOR)

    def find_sent(connection: Connection, after: int | None) -> list[int]:
        return retention.of_campaign(connection, campaign_id, after, LOOKED_FOR)

    def find_homes(connection: Connection, after: int | None) -> list[tuple[int, str]]:
        return retention.households(connection, campaign_id, after, LOOKED_FOR)

    # What waits goes first: it must not begin to count when a rebuild no longer finds what it waited for.
    _each(reference, portions, find_waiting, int, without_counting)
    while _each(reference, portions, find_homes, lambda home: home[0], homes):
        pass  # once more: somebody may have entered one behind the place where this was
    _each(reference, portions, find_sent, int, whatever_is_left)
    tried = _tried(reference, campaign_id)
    more = True
    while more:

        def traces(connection: Connection) -> int:
            nonlocal more
            more = bool(retention.delete_traces(database, connection, campaign_id, tried, LIGHT_AT_ONCE, at, user_id))
            return 0

        portions.take(traces)


def _each(
    reference: Reference,
    portions: Portions,
    find: Callable[[Connection, int | None], Sequence[_Row]],
    seq: Callable[[_Row], int],
    write: Callable[[Connection, Sequence[_Row]], int],
) -> bool:
    """Portions of all that ``find`` finds behind a seq, in that order; whether there was any."""
    found_any = False
    for rows in _found(reference, find, seq):
        found_any = True
        for first in range(0, len(rows), AT_ONCE):
            some = rows[first : first + AT_ONCE]
            portions.take(lambda connection, some=some: write(connection, some))  # type: ignore[misc]
    return found_any


def _found(
    reference: Reference, find: Callable[[Connection, int | None], Sequence[_Row]], seq: Callable[[_Row], int]
) -> Iterator[Sequence[_Row]]:
    after: int | None = None
    while True:
        with reference.database.read() as connection:
            rows = find(connection, after)
        if not rows:
            return
        after = seq(rows[-1])
        yield rows


def _reduce_homes(reference: Reference, connection: Connection, campaign_id: str, ids: Iterable[str]) -> int:
    """Households, and all that hang together with them, are numbers from now on; how many people went."""
    database = reference.database
    here = {(campaign_id, each) for each in ids}
    homes = sorted(here.union(mendings.holding(database, connection, here).houses))
    left = Gathered(alone=True)
    for home in homes:
        counted = register.counted(database, connection, *home)
        if counted is not None:
            gather(left, campaign_id, counted[1], +1)
    erasing.leave_counts(database, connection, left.steps.sums(), left.houses)
    gone = retention.delete_households(database, connection, campaign_id, [one for _, one in homes])
    # Nothing is added; whoever remembers people of these places is told that others are there now.
    tallies.add(database, connection, [], {place: [0] * len(HOUSE_COLUMNS) for place in left.houses})
    return gone


def _tried(reference: Reference, campaign_id: str) -> list[str]:
    """Forms of a campaign that were only tried."""
    with reference.database.read() as connection:
        drafts = retention.drafts(connection)
    return [form for form, toml in drafts if toml and read_campaign(toml).id == campaign_id]
