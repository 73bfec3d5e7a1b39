"""The copy of the register as columns, kept up to date cell by cell, and asked as of one moment.

Where little changed since it was made, what changed is read beside it; where much did, it is made anew in the
background and whoever asks is told how far that is.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from operator import itemgetter
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

from mapper.domain.campaign import Campaign
from mapper.domain.household import HOUSE_COUNTS
from mapper.domain.ledger import INSIDE, NEVER, moves
from mapper.domain.people import Person
from mapper.domain.people_filter import phone_digits
from mapper.domain.places import fold
from mapper.domain.walk import number_key
from mapper.errors import Unavailable, mark
from mapper.services.background import Background, Progress, Standing
from mapper.services.reference import Known, Reference
from mapper.store import follow_up, people_list, reviews, tallies
from mapper.store import reference as kept
from mapper.store.column_conditions import PERSON, TABLES
from mapper.store.columns import CELLS_A_FILE, Asking, Columns, Fresh, Manifest, Rows, as_table, standings_table
from mapper.store.database import Connection

READ_BESIDE = 20_000
"""People so many at most are read beside the copy; where more changed, the copy is brought up to date first."""

_BESIDE_AT_ONCE = 4 * CELLS_A_FILE
_PEOPLE_AT_ONCE = 500
"""Cells, or people, read beside the copy from which on it is brought up to date in the background as well."""


class NotReady(Unavailable):
    """The copy is being made; ``standing`` says how far it is."""

    def __init__(self, standing: Standing[bool]) -> None:
        super().__init__(
            mark("The lists are being prepared, {percent} % so far. Try again in a moment."),
            percent=round(100 * standing.share),
        )
        self.standing = standing


@dataclass(frozen=True, slots=True)
class _State:
    """A campaign in one view of the database. cells: how often each with any house had changed, and its people."""

    campaign: Campaign
    made_of: str
    cells: Mapping[int, tuple[int, int]]


class PeopleCopy:
    """The copies of all campaigns of an installation, with the work on them. One a process; safe for threads."""

    def __init__(self, columns: Columns) -> None:
        self.columns = columns
        self._work: Background[bool] = Background()
        self._revision: tuple[int, dict[str, str]] = (-1, {})

    @contextmanager
    def asked(self, reference: Reference, connection: Connection, campaign_id: str) -> Iterator[Asking]:
        """The people of a campaign as the transaction sees them. Raises NotReady while too much has to be read."""
        known = reference.known(connection)
        state = self._state(reference, connection, known, campaign_id)
        manifest = self.columns.manifest(campaign_id)
        held = manifest.cells if manifest.made_of == state.made_of else {}
        stale = [cell for cell, (changes, _) in state.cells.items() if held.get(cell) != changes]
        gone = [cell for cell in held if cell not in state.cells]
        people = sum(state.cells[cell][1] for cell in stale)
        if people > READ_BESIDE:
            raise NotReady(self._bring_up_to_date(reference, campaign_id, state))
        if len(stale) > _BESIDE_AT_ONCE or people > _PEOPLE_AT_ONCE:
            self._bring_up_to_date(reference, campaign_id, state)
        tables = {}
        if stale:
            rows = read_rows(reference, connection, state.campaign, stale)
            tables = {name: as_table(name, rows[name]) for name in TABLES}
        if manifest.made_of != state.made_of:
            manifest = Manifest(state.made_of, {}, {})
        with self.columns.asked(campaign_id, manifest, Fresh([*stale, *gone], tables)) as asking:
            yield asking

    def _bring_up_to_date(self, reference: Reference, campaign_id: str, state: _State) -> Standing[bool]:
        """Set off the copying of what changed, and tell how far it is."""

        def work(progress: Progress) -> bool:
            self.copy(reference, campaign_id, progress)
            return True

        version = (state.made_of, sum(changes for changes, _ in state.cells.values()))
        return self._work.ask(campaign_id, version, work)

    def standing(self, campaign_id: str) -> Standing[bool] | None:
        """How far the work on a campaign's copy is; None where nobody asked for any."""
        return self._work.look(campaign_id)

    def copy(self, reference: Reference, campaign_id: str, progress: Progress = lambda share: None) -> None:
        """Copy what changed, file by file; each is of one moment."""
        with reference.database.read() as connection:
            known = reference.known(connection)
            state = self._state(reference, connection, known, campaign_id)
            manifest = self.columns.manifest(campaign_id)
        held = manifest.cells if manifest.made_of == state.made_of else {}
        numbers = {cell // CELLS_A_FILE for cell, (changes, _) in state.cells.items() if held.get(cell) != changes}
        numbers |= {cell // CELLS_A_FILE for cell in held if cell not in state.cells}
        wanted = sorted(numbers)

        def files() -> Iterator[tuple[int, Mapping[int, int], Rows]]:
            for done, number in enumerate(wanted):
                with reference.database.read() as connection:
                    now = self._state(reference, connection, reference.known(connection), campaign_id)
                    cells = {
                        cell: changes for cell, (changes, _) in now.cells.items() if cell // CELLS_A_FILE == number
                    }
                    if now.made_of != state.made_of:
                        return  # a rebuild came between: whoever asks next sets off the copying of its result
                    yield number, cells, read_rows(reference, connection, now.campaign, list(cells))
                progress((done + 1) / len(wanted))

        self.columns.write(campaign_id, state.made_of, files())

    def _state(self, reference: Reference, connection: Connection, known: Known, campaign_id: str) -> _State:
        campaign = known.campaign(campaign_id)
        era, _ = tallies.version(reference.database, connection)
        people = 1 + HOUSE_COUNTS.index("people")
        houses = tallies.houses(reference.database, connection, campaign_id, None)
        cells = {row[0]: (row[-1], row[people]) for row in houses if any(row[1:-1])}
        return _State(campaign, f"{era}/{_COPY_FORM}/{self._campaign_version(connection, known, campaign_id)}", cells)

    def _campaign_version(self, connection: Connection, known: Known, campaign_id: str) -> str:
        """Changes whenever the campaign is published with other rules."""
        revision, versions = self._revision
        if revision != known.revision:
            versions = {one: hashlib.sha256(toml.encode()).hexdigest()[:16] for one, toml in kept.campaigns(connection)}
            self._revision = known.revision, versions
        return versions[campaign_id]


_copies: WeakKeyDictionary[Reference, PeopleCopy] = WeakKeyDictionary()
_opening = Lock()


def copy_of(reference: Reference) -> PeopleCopy:
    """The one copy of an installation in this process."""
    with _opening:
        if reference not in _copies:
            _copies[reference] = PeopleCopy(Columns(reference.folder))
        return _copies[reference]


_COPY_FORM = hashlib.sha256(repr(TABLES).encode()).hexdigest()[:8]
"""Changes with the columns of the copy, which are then copied anew."""


def read_rows(reference: Reference, connection: Connection, campaign: Campaign, cells: Sequence[int]) -> Rows:
    """The rows of the copy for everybody in some cells."""
    database = reference.database
    houses = follow_up.households(database, connection, campaign.id, cells)
    arrivals = reviews.arrivals(database, connection, [one.instance_id for one in houses])
    rows: dict[str, list[Sequence[Any]]] = {name: [] for name in TABLES if name != "standings"}
    for one in houses:
        sender, review = arrivals.get(one.instance_id, (None, None))
        rows["houses"].append(
            (
                *(one.seq, one.cell_id, one.id, one.instance_id, one.visited_on, str(one.outcome)),
                *(one.house_number, number_order(one.house_number), one.head, _folded(one.head)),
                *(one.phone, phone_digits(one.phone or ""), one.lat, one.lon, one.accuracy_m),
                *(one.point_state, sender, review or ""),
            )
        )
    numbers, at, counts, told = (array("q") for _ in range(4))
    for found in people_list.people(database, connection, campaign.id, cells):
        person = found.person
        number = found.household_seq * PERSON + found.position
        rows["people"].append((number, found.household_seq, found.cell_id, *_facts(person)))
        for position, dose in enumerate(person.doses):
            rows["doses"].append(
                (
                    *(number, found.cell_id, position, dose.code, dose.given_on),
                    *(dose.vaccine, dose.lot, dose.place, dose.evidence),
                )
            )
        standing = standings(person, campaign)
        numbers.append(number)
        at.append(found.cell_id)
        counts.append(len(standing) // STANDING)
        told.extend(standing)
    # As people are looked for: files of the same order compress best, and a range of days is found quickly.
    for name in ("people", "doses"):
        rows[name].sort(key=itemgetter(0))
    return {**rows, "standings": standings_table(numbers, at, counts, told)}


def _facts(person: Person) -> tuple[object, ...]:
    return (
        *(person.id, person.name, _folded(person.name), person.born_on, person.birth_precision, person.sex),
        *(str(person.residence), person.away_place, list(person.priorities)),
        *(person.contraindicated, person.contraindication, person.deferred_until, person.deferral_reason),
        *(person.infected_on, person.refused, person.refusal_reason, person.vaccination_unknown, person.reported_on),
    )


STANDING = 5
"""Numbers that tell one standing."""


def standings(person: Person, campaign: Campaign) -> list[int]:
    """Where a person stands, series by series, STANDING numbers each: series, state by its place in INSIDE, since,
    until, enters.

    since, until: ordinals of days, from the one up to but not on the other. enters: 1 where they were not in the group
    the day before, else 0.
    """
    found: list[int] = []
    way = iter(moves(person, campaign))
    outside = len(INSIDE)
    series = state = since = -1
    enters = False
    for at, day, move in zip(way, way, way, strict=True):
        left, entered = divmod(move, outside + 1)
        if at != series:
            if 0 <= state < outside:
                found += (series, state, since, NEVER, enters)
            series = at
        elif left != outside:
            found += (series, left, since, day, enters)
        state, since, enters = entered, day, left == outside
    if 0 <= state < outside:
        found += (series, state, since, NEVER, enters)
    return found


def _folded(name: str | None) -> str:
    """A name ready to be searched for the beginnings of its words."""
    return f" {fold(name)}" if name else ""


def number_order(number: str | None) -> str:
    """A house number as text that sorts as ``walk.number_key`` does, as good as always."""
    missing, parts = number_key(number)
    return "~" if missing else "".join(f"{value:016d}" if kind == 0 else text for kind, value, text in parts)
