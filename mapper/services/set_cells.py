"""Cells that have no unit of a set yet: each is given its unit, or divided where its households are in several."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from mapper.services.counting import Gathered, gather
from mapper.services.reference import Known, PlaceSet
from mapper.services.set_points import Found, Placing
from mapper.services.set_work import Share, Work
from mapper.store import placements, tallies
from mapper.store import reference as kept
from mapper.store.database import Connection, Database
from mapper.store.placements import Leaving, Settled
from mapper.store.register import Counted
from mapper.store.tallies import Cell

A_HOUSE = 20
"""A household that moves takes about so many times as long as a cell that is given its unit."""

CUT = 50
"""A cell of which no more households leave is divided in one transaction: each one writes to most of its pages."""

_PLACE = 3
"""Numbers of a change that tell its place: cell, series, day."""


@dataclass(frozen=True, slots=True)
class Part:
    """Households that leave a cell. after: the places of where they go; its number does not count."""

    before: int
    after: Cell
    seqs: Sequence[int]


@dataclass(frozen=True, slots=True)
class Moving:
    """Households on their way out of cells, worked out before anything is written.

    households: of each part. people, houses: what they add to the tallies, by the number of the part.
    """

    parts: Sequence[Part]
    households: Sequence[Sequence[Leaving]]
    people: Sequence[NDArray[np.int32]]
    houses: tallies.HouseChanges


def on_the_way(database: Database, connection: Connection, parts: Iterable[Part]) -> Moving:
    """Read what is needed to move households."""
    parts = list(parts)
    found = placements.leaving(database, connection, [seq for part in parts for seq in part.seqs])
    households = [[found[seq] for seq in part.seqs if seq in found] for part in parts]
    adding = Gathered(alone=True)
    for number, some in enumerate(households):
        for one in some:
            day, steps, houses = one.counted.day, one.counted.steps, one.counted.houses
            gather(adding, one.campaign_id, Counted(number, day, steps, houses), +1)
    return Moving(parts, households, list(adding.steps.summed()), adding.houses)


def move(database: Database, connection: Connection, known: Known, moving: Moving) -> None:
    """Move households into other cells, made where they are new, with what they add to the tallies."""
    names = [signature(part.after) for part in moving.parts]
    wanted = {name: part.after for name, part in zip(names, moving.parts, strict=True)}
    made = placements.make_cells(database, connection, wanted, lambda cell: known.shelf(cell.units))
    after, before = [made[name] for name in names], [part.before for part in moving.parts]
    to = [(one, cell_id) for cell_id, some in zip(after, moving.households, strict=True) for one in some]
    placements.move(database, connection, to)
    houses: tallies.HouseChanges = {}
    for cells, sign in ((before, -1), (after, +1)):
        for (campaign, part, day), row in moving.houses.items():
            held = houses.setdefault((campaign, cells[part], day), [0] * len(row))
            held[:] = [a + sign * b for a, b in zip(held, row, strict=True)]
    people = [_in_cells(rows, cells, sign) for cells, sign in ((before, -1), (after, +1)) for rows in moving.people]
    tallies.add(database, connection, [_each_place_once(np.concatenate(people))] if people else [], houses)


def _in_cells(rows: NDArray[np.int32], cells: Sequence[int], sign: int) -> NDArray[np.int32]:
    """Changes of parts as those of their cells."""
    placed = rows * np.array([1] * _PLACE + [sign] * (rows.shape[1] - _PLACE), np.int32)
    placed[:, 0] = np.array(cells, np.int32)[rows[:, 0]]
    return placed


def _each_place_once(rows: NDArray[np.int32]) -> NDArray[np.int32]:
    """Changes in the order of their places, those of one place summed: several parts may leave one cell."""
    rows = rows[np.lexsort(rows[:, _PLACE - 1 :: -1].T)]
    starts = np.flatnonzero(np.r_[True, np.any(rows[1:, :_PLACE] != rows[:-1, :_PLACE], axis=1)])
    return np.column_stack((rows[starts, :_PLACE], np.add.reduceat(rows[:, _PLACE:], starts, dtype=np.int32)))


def signature(cell: Cell) -> str:
    """The text that names a cell."""
    return tallies.signature(cell.hamlet_code, cell.commune_code, cell.units)


def in_unit(cell: Cell, set_id: str, code: str | None) -> Cell:
    """The places of a cell, but for its unit of a set."""
    return replace(cell, units={**cell.units, set_id: code})


@dataclass(frozen=True, slots=True)
class _Division:
    """What becomes of a cell: who leaves now, and the unit of those who stay. rest: who is to leave after them."""

    placing: Placing
    stays: str | None
    leaving: Sequence[Part]
    rest: Placing | None

    @property
    def weight(self) -> int:
        return 1 + A_HOUSE * sum(len(part.seqs) for part in self.leaving)

    @property
    def cell(self) -> Cell:
        return self.placing.standing.cell


@dataclass(frozen=True, slots=True)
class _Outcome:
    """stale: cells that have changed since they were read; then nothing is written. rest: see _Division."""

    stale: frozenset[int] = frozenset()
    rest: Placing | None = None


def tell_apart(work: Work, places: PlaceSet, found: Found, told: Share) -> None:
    """Give each cell its unit of the set, or divide it among several. told: how much is done, 0..1.

    Cells that have changed since they were read are left as they are.
    """
    # Those in one unit first: it takes a moment, and phones then count in them instead of making others beside them.
    waiting = deque(sorted(found.cells, key=lambda each: bool(each.units.min() != each.units.max())))
    number, reference = len(waiting), work.reference
    while waiting:
        with reference.database.read() as connection:
            known = reference.known(connection)
            batch = _batch(work, known, places, waiting)
            parts = [part for division in batch for part in division.leaving]
            moving = on_the_way(reference.database, connection, parts)
        write = partial(_write, work, known, found.era, batch, moving)
        outcome = work.short(work.cells, sum(division.weight for division in batch), write)
        if outcome is None:
            continue
        if outcome.stale:
            waiting = deque(each for each in waiting if each.standing.cell.id not in outcome.stale)
            continue
        for _ in batch:
            waiting.popleft()
        if outcome.rest is not None:
            waiting.appendleft(outcome.rest)
        told(1 - len(waiting) / number)


def _batch(work: Work, known: Known, places: PlaceSet, waiting: Iterable[Placing]) -> list[_Division]:
    """The next cells, as many as one transaction may write; of one that has more than that to move, some."""
    room = work.cells.rows
    batch: list[_Division] = []
    for placing in islice(waiting, room):
        division = _divided(work, known, places, placing, max(CUT, work.cells.rows // A_HOUSE))
        batch.append(division)
        room -= division.weight
        if room <= 0 or division.rest is not None:
            break
    return batch


def _divided(work: Work, known: Known, places: PlaceSet, placing: Placing, most: int) -> _Division:
    """What becomes of a cell. most: so many households move at once."""
    cell = placing.standing.cell
    fallback = known.without_point(cell.units.get(known.home or ""), places)
    units, of_each, counts = np.unique(placing.units, return_inverse=True, return_counts=True)
    codes = [fallback if unit < 0 else places.placer.codes[unit] for unit in units.tolist()]
    numbers: dict[str | None, int] = {}
    for code, count in zip(codes, counts.tolist(), strict=True):
        numbers[code] = numbers.get(code, 0) + count
    stays = max(numbers, key=lambda code: (numbers[code], code or ""))
    if numbers.keys() == {stays}:
        return _Division(placing, stays, (), None)
    leave = np.flatnonzero(np.array([code != stays for code in codes])[of_each])
    rest = None
    if len(leave) > most:
        later = np.ones(len(placing.units), bool)
        later[leave[:most]] = False
        rest = Placing(placing.standing, placing.seqs[later], placing.units[later])
        leave = leave[:most]
    parts: dict[str | None, list[int]] = {}
    for seq, unit in zip(placing.seqs[leave].tolist(), of_each[leave].tolist(), strict=True):
        parts.setdefault(codes[unit], []).append(seq)
    leaving = [Part(cell.id, in_unit(cell, work.set_id, code), seqs) for code, seqs in parts.items()]
    return _Division(placing, stays, leaving, rest)


def _write(
    work: Work, known: Known, era: str, batch: Sequence[_Division], moving: Moving, connection: Connection
) -> _Outcome | None:
    """Write what becomes of some cells; None where it is to be worked out anew, as something changed that is known."""
    database = work.reference.database
    if kept.revision(database, connection) != known.revision:
        return None
    now = placements.stand(database, connection, [division.cell.id for division in batch])
    same_era = tallies.era(database, connection) == era
    before = {division.cell.id: division.placing.standing for division in batch}
    stale = [at for at, one in before.items() if not same_era or now.get(at) != (one.signature, one.changes)]
    if stale:
        return _Outcome(frozenset(stale))
    if moving.parts:
        move(database, connection, known, moving)
    _settle(work, connection, [division for division in batch if division.rest is None])
    rest = batch[-1].rest if batch else None
    if rest is not None:
        _, changes = placements.stand(database, connection, [rest.standing.cell.id])[rest.standing.cell.id]
        rest = replace(rest, standing=replace(rest.standing, changes=changes))
    return _Outcome(rest=rest)


def _settle(work: Work, connection: Connection, done: Sequence[_Division]) -> None:
    """Give cells the unit of those who stay."""
    database = work.reference.database
    names = [signature(in_unit(division.cell, work.set_id, division.stays)) for division in done]
    # Phones may have been counted in a cell of these places since the set was announced. Then there are two of them:
    # to put all that was counted in this one into that one takes as long as to count it.
    taken = set(placements.cells_of_signatures(database, connection, names))
    settled = []
    for division, name in zip(done, names, strict=True):
        named = tallies.beside(name, division.cell.id) if name in taken else name
        settled.append(Settled(division.cell.id, named, division.stays))
        taken.add(name)
    placements.settle(database, connection, work.set_id, settled)
