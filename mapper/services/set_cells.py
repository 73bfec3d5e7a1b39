"""Cells that have no unit of a set yet: each is given its unit, or divided where its households are in several."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice

import numpy as np

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

JOINED_AT_ONCE = 1000
"""So many households of a cell may be put into another one all together."""

_NO_CELL = 2**30
"""No cell has this number, or a higher one."""

_NOBODY = "\x01"
"""No unit's code: everybody leaves."""


@dataclass(frozen=True, slots=True)
class Part:
    """Households that leave a cell. after: the places of where they go; its number does not count."""

    after: Cell
    seqs: Sequence[int]


@dataclass(frozen=True, slots=True)
class Moving:
    """Households on their way out of cells, worked out before anything is written.

    after: where they go by signature, numbered as no cell is, as the households and what they add to the tallies are.
    """

    households: Sequence[tuple[Leaving, int]]
    after: Mapping[str, Cell]
    people: Sequence[Sequence[Sequence[int]]]
    houses: tallies.HouseChanges


def on_the_way(database: Database, connection: Connection, parts: Iterable[Part]) -> Moving:
    """Read what is needed to move households."""
    parts = list(parts)
    found = placements.leaving(database, connection, [seq for part in parts for seq in part.seqs])
    after: dict[str, Cell] = {}
    households: list[tuple[Leaving, int]] = []
    moved = Gathered(alone=True)
    for part in parts:
        cell = after.setdefault(signature(part.after), replace(part.after, id=_NO_CELL + len(after)))
        for one in (found[seq] for seq in part.seqs if seq in found):
            households.append((one, cell.id))
            gather(moved, one.campaign_id, one.counted, -1)
            there = Counted(cell.id, one.counted.day, one.counted.steps, one.counted.houses)
            gather(moved, one.campaign_id, there, +1)
    return Moving(households, after, list(moved.steps.sums()), moved.houses)


def move(database: Database, connection: Connection, moving: Moving) -> None:
    """Move households into other cells, made where they are new, with what they add to the tallies."""
    made = placements.make_cells(database, connection, moving.after)
    numbers = {cell.id: made[text] for text, cell in moving.after.items()}
    placements.move(database, connection, [(one, numbers[cell_id]) for one, cell_id in moving.households])
    people = ([[numbers.get(row[0], row[0]), *row[1:]] for row in rows] for rows in moving.people)
    houses = {(campaign, numbers.get(cell, cell), day): row for (campaign, cell, day), row in moving.houses.items()}
    tallies.add(database, connection, people, houses)


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
            batch = _batch(work, connection, known, places, waiting)
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


def _batch(
    work: Work, connection: Connection, known: Known, places: PlaceSet, waiting: Iterable[Placing]
) -> list[_Division]:
    """The next cells, as many as one transaction may write; of one that has more than that to move, some."""
    room = work.cells.rows
    batch: list[_Division] = []
    for placing in islice(waiting, room):
        division = _divided(work, connection, known, places, placing, max(1, work.cells.rows // A_HOUSE))
        room -= division.weight
        if batch and room < 0:
            break
        batch.append(division)
        if division.rest is not None:
            break
    return batch


def _divided(
    work: Work, connection: Connection, known: Known, places: PlaceSet, placing: Placing, most: int
) -> _Division:
    """What becomes of a cell. most: so many households move at once."""
    cell = placing.standing.cell
    codes = [*places.placer.codes, known.without_point(cell.units.get(known.home or ""), places)]
    numbers: dict[str | None, int] = {}
    units, counts = np.unique(placing.units, return_counts=True)
    for unit, count in zip(units.tolist(), counts.tolist(), strict=True):
        numbers[codes[unit]] = numbers.get(codes[unit], 0) + count
    stays = max(numbers, key=lambda code: (numbers[code], code or ""))
    if len(placing.seqs) > JOINED_AT_ONCE:
        after = signature(in_unit(cell, work.set_id, stays))
        if placements.cells_of_signatures(work.reference.database, connection, [after]):
            stays = _NOBODY
    if numbers.keys() == {stays}:
        return _Division(placing, stays, (), None)
    leave = np.flatnonzero([codes[unit] != stays for unit in placing.units.tolist()])
    rest = None
    if len(leave) > most:
        later = np.ones(len(placing.units), bool)
        later[leave[:most]] = False
        rest = Placing(placing.standing, placing.seqs[later], placing.units[later])
        leave = leave[:most]
    parts: dict[str | None, list[int]] = {}
    for seq, unit in zip(placing.seqs[leave].tolist(), placing.units[leave].tolist(), strict=True):
        parts.setdefault(codes[unit], []).append(seq)
    leaving = [Part(in_unit(cell, work.set_id, code), seqs) for code, seqs in parts.items()]
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
    if moving.households:
        move(database, connection, moving)
    settled = [
        Settled(division.cell.id, signature(in_unit(division.cell, work.set_id, division.stays)), division.stays)
        for division in batch
        if division.rest is None and division.stays != _NOBODY
    ]
    # Phones may have counted in such a cell since the set was announced.
    there = placements.cells_of_signatures(database, connection, [one.after for one in settled])
    placements.settle(database, connection, work.set_id, [one for one in settled if one.after not in there])
    placements.join_cells(
        database, connection, [(one.cell_id, there[one.after]) for one in settled if one.after in there]
    )
    rest = batch[-1].rest if batch else None
    if rest is not None:
        _, changes = placements.stand(database, connection, [rest.standing.cell.id])[rest.standing.cell.id]
        rest = replace(rest, standing=replace(rest.standing, changes=changes))
    return _Outcome(rest=rest)
