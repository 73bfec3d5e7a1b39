"""Placing the households that were here before a boundary set in it, while phones go on sending.

From the moment the set is announced, intake places whoever it enters in it too. Those who stood before are in cells
that have no unit of the set: first their points are placed, some thousand at a time, then each such cell is given its
unit, or divided where its households are in several. Every step is a short transaction, safe to do twice and to cut
off; what is still to be done is told by the cells alone. Nobody sees the set before that. Its outlines for maps are
made last: who asks for some before makes them.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import numpy as np

from mapper.domain.places import USABLE, Placement
from mapper.errors import NotFound, Unavailable, mark
from mapper.services.counting import EVERYTHING, Gathered, gather
from mapper.services.reference import Known, PlaceSet, Reference
from mapper.services.set_outlines import lacking, packed_one_by_one
from mapper.store import outlines as drawn
from mapper.store import placements, tallies
from mapper.store import reference as kept
from mapper.store.database import Connection
from mapper.store.placements import Leaving, Points, Row, Settled
from mapper.store.reference import BoundarySet, SetState
from mapper.store.register import Counted

Share = Callable[[float], None]
"""Told how much is done, 0..1."""

HELD_S = 0.02
"""So long a transaction is to write at most, about: phones' submissions wait for it."""

REST = 1.0
"""After a transaction phones have the database for themselves for so many times as long as it took."""

WAIT_S, LOOK_S = 30, 0.001
"""So long it waits for its turn, and so often it looks whether it has come."""

READ_AT_ONCE = 8000
CELLS_AT_ONCE = 1000
MOST_ROWS = 8000
TRIES = 20
QUIET_S = 60
"""A placing of which nothing was heard for so long is gone on with by whoever finds it."""

READY_S = 3
"""A large set is announced so long after it is here, about: servers read its point index meanwhile."""

_READY_SHARE, _POINTS_SHARE, SHOWN_SHARE = 0.1, 0.6, 0.8
Done = TypeVar("Done")


@dataclass
class _Pace:
    """How many rows one transaction writes: as many as it takes HELD_S for, by how long the last one took.

    least: so many at any rate: fewer would hold up phones about as long, and oftener, as a commit alone takes its time
    where cores or disk are busy.
    """

    rows: int
    least: int = 1

    def told(self, rows: int, seconds: float) -> None:
        """A transaction wrote so many rows in so long."""
        wanted = rows * HELD_S / max(seconds, 1e-6)
        self.rows = int(min(max(min(max(wanted, self.rows / 2), self.rows * 2), self.least), MOST_ROWS))


@dataclass
class _Work:
    """The placing of one set by one process."""

    reference: Reference
    set_id: str
    share: Share
    points: _Pace = field(default_factory=lambda: _Pace(1000, 1000))
    cells: _Pace = field(default_factory=lambda: _Pace(100, 50))
    houses: _Pace = field(default_factory=lambda: _Pace(200, 200))

    def short(self, pace: _Pace, rows: int, write: Callable[[Connection], Done]) -> Done:
        """A transaction during which nobody counts; then rest."""
        for tries_left in reversed(range(TRIES)):
            try:
                with ExitStack() as stack:
                    connection = self._turn(stack)
                    begun = time.perf_counter()
                    done = write(connection)
            except Unavailable:
                if not tries_left:
                    raise
                time.sleep(0.5)
            else:
                took = time.perf_counter() - begun
                pace.told(rows, took)
                time.sleep(REST * took)
                return done
        raise AssertionError("TRIES is at least 1")

    def _turn(self, stack: ExitStack) -> Connection:
        """A transaction that has everything alone. Raises Unavailable."""
        database, give_up = self.reference.database, time.monotonic() + WAIT_S
        while True:
            try:
                # SQLite itself waits for another process by longer and longer naps, and seldom gets its turn.
                connection = stack.enter_context(database.write_at_once(WAIT_S))
            except Unavailable:
                if time.monotonic() > give_up:
                    raise
                time.sleep(LOOK_S)
            else:
                database.lock(connection, EVERYTHING)
                return connection


def go_on(reference: Reference, set_id: str, share: Share = lambda done: None) -> int:
    """Place in a set whoever is not placed in it yet, then let readers see it; how many households there are.

    From SHOWN_SHARE on they see it, and its outlines for maps are made, where they lack. Safe to call again after any
    end of it, and while another process does the same. A set that was withdrawn is shown again. Raises NotFound and
    Unavailable.
    """
    with reference.database.read() as connection:
        about = _kept(connection, set_id)
    if about.state is SetState.WITHDRAWN:
        with reference.database.write() as connection:
            kept.set_state(connection, set_id, SetState.PLACING)
            kept.raise_revision(reference.database, connection)
    work = _Work(reference, set_id, share)
    if about.state is not SetState.SHOWN:
        _draw(work, about, (0.0, _READY_SHARE), time.monotonic() + READY_S)
        _announce(work)
        _place_points(work)
        while not _shown(work):
            _tell_cells_apart(work)
    share(SHOWN_SHARE)
    _draw(work, about, (SHOWN_SHARE, 1.0))
    _forget_mark(work)
    share(1.0)
    return _count(reference)


def left_behind(reference: Reference) -> list[str]:
    """Sets whose placing, or the drawing after it, was cut off: nobody has gone on with it for a while."""
    found = []
    with reference.database.read() as connection:
        for about in kept.boundary_sets(connection):
            shown = about.state is SetState.SHOWN
            if about.state is SetState.PLACING or (shown and lacking(connection, about)):
                at = _mark(connection, about.id).get("at", about.imported_at)
                if datetime.now(UTC) - datetime.fromisoformat(at) > timedelta(seconds=QUIET_S):
                    found.append(about.id)
    return found


def _kept(connection: Connection, set_id: str) -> BoundarySet:
    sets = {about.id: about for about in kept.boundary_sets(connection) if about.state is not SetState.ARRIVING}
    if set_id not in sets:
        raise _unknown(set_id, sets)
    return sets[set_id]


def _unknown(set_id: str, sets: Iterable[str]) -> NotFound:
    return NotFound(
        mark("There is no boundary set {set}. Choose one of: {sets}."), set=set_id, sets=", ".join(sets) or "-"
    )


def _about(known: Known, set_id: str) -> PlaceSet:
    found = known.every_set.get(set_id)
    if found is None:
        raise _unknown(set_id, known.every_set)
    return found


def _count(reference: Reference) -> int:
    with reference.database.read() as connection:
        return placements.count(connection)


def _fact(set_id: str) -> str:
    return f"placing {set_id}"


def _mark(connection: Connection, set_id: str) -> dict[str, str]:
    """How far the points are placed ("upto", a seq), until where they are to be ("last"), and when that was ("at")."""
    text = kept.fact(connection, _fact(set_id))
    return json.loads(text) if text else {}


def _keep_mark(reference: Reference, connection: Connection, set_id: str, upto: int, last: int) -> None:
    told = {"upto": str(upto), "last": str(last), "at": datetime.now(UTC).isoformat(timespec="seconds")}
    kept.set_fact(reference.database, connection, _fact(set_id), json.dumps(told))


# Outlines, and the announcement


def _draw(work: _Work, about: BoundarySet, shares: tuple[float, float], until: float = math.inf) -> None:
    """Keep the outlines simplified for each zoom, or some of them until a moment of the monotonic clock."""
    reference, (first, last) = work.reference, shares
    with reference.database.read() as connection:
        number = len(lacking(connection, about))
    for done, (level, band, content) in enumerate(packed_one_by_one(reference, about), 1):

        def write(connection: Connection, level: str = level, band: int = band, content: bytes = content) -> None:
            if (level, band) not in drawn.kept_shapes(connection, about.id):
                drawn.save_packed(connection, about.id, level, band, content)
            if told := _mark(connection, about.id):
                _keep_mark(reference, connection, about.id, int(told["upto"]), int(told["last"]))

        work.short(_Pace(1), 1, write)
        work.share(first + (last - first) * done / number)
        if time.monotonic() > until:
            break


def _forget_mark(work: _Work) -> None:
    with work.reference.database.read() as connection:
        told = _mark(connection, work.set_id)
    if told:
        work.short(_Pace(1), 1, lambda connection: kept.forget_fact(connection, _fact(work.set_id)))


def _announce(work: _Work) -> None:
    """From here on whoever counts a submission places in the set too; those entered until now are to be placed."""
    reference, set_id = work.reference, work.set_id

    def write(connection: Connection) -> None:
        if not _mark(connection, set_id):
            _keep_mark(reference, connection, set_id, 0, placements.last(connection))
            kept.raise_revision(reference.database, connection)

    work.short(_Pace(1), 1, write)


# Points


def _place_points(work: _Work) -> None:
    """Write where the points of all households lie that are in cells without a unit of the set."""
    reference, set_id = work.reference, work.set_id
    database = reference.database
    with database.read() as connection:
        places = _about(reference.known(connection), set_id)
        told = _mark(connection, set_id)
        upto, last = int(told.get("upto", 0)), int(told.get("last", placements.last(connection)))
        before = np.array(placements.cells_without(connection, set_id), np.int64)
    while upto < last and len(before):
        with database.read() as connection:
            found = placements.points(database, connection, upto, READ_AT_ONCE)
        end = int(found.seq[-1]) if len(found.seq) == READ_AT_ONCE else last
        stood = np.isin(found.cell, before)
        some = found.where(stood)
        rows, cells = place_rows(places, some), dict(zip(some.seq.tolist(), some.cell.tolist(), strict=True))
        first = 0
        while True:
            written = rows[first : first + work.points.rows]
            first += len(written)
            upto = written[-1][0] if first < len(rows) else end

            def write(
                connection: Connection,
                cells: dict[int, int] = cells,
                written: Sequence[Row] = written,
                upto: int = upto,
            ) -> None:
                placements.write(database, connection, cells, written)
                _keep_mark(reference, connection, set_id, upto, last)

            work.short(work.points, len(written), write)
            work.share(_READY_SHARE + (_POINTS_SHARE - _READY_SHARE) * min(upto / last, 1))
            if first == len(rows):
                break


def place_rows(places: PlaceSet, found: Points) -> list[Row]:
    """Where points lie in a set, as the register keeps it; exactly as ``Known.place`` finds it one by one."""
    usable = found.state == USABLE
    at, on_border = places.placer.place_exactly(
        np.where(usable, found.lon, np.nan), np.where(usable, found.lat, np.nan)
    )
    codes = places.placer.codes
    rows: list[Row] = []
    for seq, state, unit, border in zip(
        found.seq.tolist(), found.state.tolist(), at.tolist(), on_border.tolist(), strict=True
    ):
        if state != USABLE:
            rows.append((seq, places.id, None, state))
        elif unit < 0:
            rows.append((seq, places.id, None, Placement.OUTSIDE.value))
        else:
            rows.append((seq, places.id, codes[unit], (Placement.BORDER if border else Placement.INSIDE).value))
    return rows


# Cells


def _tell_cells_apart(work: _Work) -> None:
    """Give each cell without a unit of the set its unit, or divide it among several."""
    reference, set_id = work.reference, work.set_id
    with reference.database.read() as connection:
        known = reference.known(connection)
        places = _about(known, set_id)
        lacking = placements.cells_without(connection, set_id)
    for first in range(0, len(lacking), CELLS_AT_ONCE):
        some = lacking[first : first + CELLS_AT_ONCE]
        with reference.database.read() as connection:
            shares = placements.shares(reference.database, connection, set_id, some)
            cells = placements.cells_of(reference.database, connection, sorted({each.cell_id for each in shares}))
        for cell_id in sorted({each.cell_id for each in shares if not each.placed}):
            _place_rest(work, places, cell_id)
        whole: list[Settled] = []
        divided: list[tuple[int, str | None]] = []
        for cell, signature in cells:
            if set_id in cell.units or any(not each.placed for each in shares if each.cell_id == cell.id):
                continue  # another process was here; or those just placed are met the next time
            fallback = known.without_point(cell.units.get(known.home or ""), places)
            numbers: dict[str | None, int] = {}
            for each in shares:
                if each.cell_id == cell.id:
                    code = each.unit_code or fallback
                    numbers[code] = numbers.get(code, 0) + each.households
            if len(numbers) == 1:
                (code,) = numbers
                whole.append(Settled(cell.id, signature, _signature(cell, set_id, code), code))
            else:
                divided.append((cell.id, fallback))
        taken = {one.cell_id for one in _settle(work, whole)}
        divided += [
            (cell.id, known.without_point(cell.units.get(known.home or ""), places))
            for cell, _ in cells
            if cell.id in taken
        ]
        _divide(work, divided)
        work.share(_POINTS_SHARE + (SHOWN_SHARE - _POINTS_SHARE) * min((first + CELLS_AT_ONCE) / len(lacking), 1))


def _signature(cell: tallies.Cell, set_id: str, code: str | None) -> str:
    return tallies.signature(cell.hamlet_code, cell.commune_code, {**cell.units, set_id: code})


def _place_rest(work: _Work, places: PlaceSet, cell_id: int) -> None:
    """Place those households of a cell whose points were passed over."""
    database = work.reference.database

    def write(connection: Connection) -> None:
        found = placements.unplaced(connection, work.set_id, cell_id)
        placements.write(database, connection, dict.fromkeys(found.seq.tolist(), cell_id), place_rows(places, found))

    work.short(_Pace(1), 1, write)


def _settle(work: _Work, whole: Sequence[Settled]) -> list[Settled]:
    """Give cells their unit; those for which intake has made the same cell anew, whose households have to move."""
    taken: list[Settled] = []
    database, first = work.reference.database, 0
    while first < len(whole):
        some = whole[first : first + work.cells.rows]
        first += len(some)

        def write(connection: Connection, some: Sequence[Settled] = some) -> None:
            there = placements.known_signatures(database, connection, [one.after for one in some])
            placements.settle(connection, work.set_id, [one for one in some if one.after not in there])
            taken.extend(one for one in some if one.after in there)

        work.short(work.cells, len(some), write)
    return taken


def _divide(work: _Work, divided: Sequence[tuple[int, str | None]]) -> None:
    """Move households of cells into cells of their own units, until the rest are in one, which becomes the cell's.

    divided: each with the unit of those whose point is in none. Several in one transaction, while its time lasts.
    """
    at = 0
    while at < len(divided):

        def write(connection: Connection, at: int = at) -> int:
            begun = time.perf_counter()
            while at < len(divided):
                if not _divide_some(work, connection, *divided[at]):
                    at += 1
                if time.perf_counter() - begun > HELD_S / 2:
                    break
            return at

        at = work.short(work.houses, work.houses.rows, write)


def _divide_some(work: _Work, connection: Connection, cell_id: int, fallback: str | None) -> bool:
    """Move some households of a cell; whether more is to be done there."""
    database, set_id = work.reference.database, work.set_id
    (cell, signature), *_ = placements.cells_of(database, connection, [cell_id])
    shares = placements.shares(database, connection, set_id, [cell_id])
    if set_id in cell.units or not shares or not all(each.placed for each in shares):
        return False
    numbers: dict[str | None, int] = {}
    for each in shares:
        code = each.unit_code or fallback
        numbers[code] = numbers.get(code, 0) + each.households
    signatures = {code: _signature(cell, set_id, code) for code in numbers}
    there = placements.known_signatures(database, connection, list(signatures.values()))
    free = [code for code in numbers if signatures[code] not in there]
    # The most of them stay, if nobody else has that cell yet.
    stays = max(free, key=lambda code: (numbers[code], code or ""), default=None)
    if free and len(numbers) == 1:
        placements.settle(connection, set_id, [Settled(cell_id, signature, signatures[stays], stays)])
        return False
    limit = work.houses.rows
    leave = placements.leaving(connection, set_id, cell_id, fallback, stays if free else _NOBODY, limit)
    move(work.reference, connection, cell, set_id, leave)
    return True


_NOBODY = "\x01"
"""No unit's code: everybody leaves."""


def move(
    reference: Reference, connection: Connection, cell: tallies.Cell, set_id: str, leave: Sequence[Leaving]
) -> None:
    """Move households out of a cell, with what they add to the tallies."""
    database = reference.database
    to: dict[int, list[Leaving]] = {}
    numbers: dict[str | None, int] = {}
    moved = Gathered(alone=True)
    for one in leave:
        if one.unit_code not in numbers:
            units = {**cell.units, set_id: one.unit_code}
            numbers[one.unit_code] = tallies.cell(database, connection, cell.hamlet_code, cell.commune_code, units)
        number = numbers[one.unit_code]
        to.setdefault(number, []).append(one)
        gather(moved, one.campaign_id, one.counted, -1)
        there = Counted(number, one.counted.day, one.counted.steps, one.counted.houses)
        gather(moved, one.campaign_id, there, +1)
    placements.move(database, connection, cell.id, to)
    tallies.add(database, connection, moved.steps.sums(), moved.houses)


def _shown(work: _Work) -> bool:
    """Let readers see the set, unless there is still somebody to be placed."""
    reference = work.reference

    def write(connection: Connection) -> bool:
        if placements.is_left(connection, work.set_id):
            return False
        if _about(reference.known(connection), work.set_id).about.state is SetState.PLACING:
            kept.set_state(connection, work.set_id, SetState.SHOWN)
            kept.raise_revision(reference.database, connection)
        return True

    return work.short(_Pace(1), 1, write)
