"""Cells that have no unit of a set yet: each is given its unit, or divided where its households are in several."""

from __future__ import annotations

import time
from collections.abc import Sequence

from mapper.services import set_work
from mapper.services.counting import Gathered, gather
from mapper.services.reference import Known, PlaceSet, Reference
from mapper.services.set_work import Pace, Share, Work, place_rows
from mapper.store import placements, tallies
from mapper.store.database import Connection
from mapper.store.placements import Leaving, Settled
from mapper.store.register import Counted

CELLS_AT_ONCE = 1000


def tell_apart(work: Work, known: Known, places: PlaceSet, told: Share) -> None:
    """Give each cell without a unit of the set its unit, or divide it among several. told: how much is done, 0..1."""
    reference, set_id = work.reference, work.set_id
    with reference.database.read() as connection:
        lacking = placements.cells_without(connection, set_id)
    for first in range(0, len(lacking), CELLS_AT_ONCE):
        some = lacking[first : first + CELLS_AT_ONCE]
        with reference.database.read() as connection:
            shares = placements.shares(reference.database, connection, set_id, some)
            cells = placements.cells_of(reference.database, connection, sorted({each.cell_id for each in shares}))
        rest = {each.cell_id for each in shares if not each.placed}
        for cell_id in sorted(rest):
            _place_rest(work, places, cell_id)
        of_cells: dict[int, list[placements.Share]] = {}
        for each in shares:
            of_cells.setdefault(each.cell_id, []).append(each)
        whole: list[Settled] = []
        divided: list[tuple[int, str | None]] = []
        for cell, signature in cells:
            if set_id in cell.units or cell.id in rest:
                continue  # another process was here; or those just placed are met the next time
            fallback = known.without_point(cell.units.get(known.home or ""), places)
            numbers: dict[str | None, int] = {}
            for each in of_cells[cell.id]:
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
        told(min((first + CELLS_AT_ONCE) / len(lacking), 1))


def _signature(cell: tallies.Cell, set_id: str, code: str | None) -> str:
    return tallies.signature(cell.hamlet_code, cell.commune_code, {**cell.units, set_id: code})


def _place_rest(work: Work, places: PlaceSet, cell_id: int) -> None:
    """Place those households of a cell whose points were passed over."""
    database = work.reference.database

    def write(connection: Connection) -> None:
        found = placements.unplaced(connection, work.set_id, cell_id)
        placements.write(database, connection, dict.fromkeys(found.seq.tolist(), cell_id), place_rows(places, found))

    work.short(Pace(1), 1, write)


def _settle(work: Work, whole: Sequence[Settled]) -> list[Settled]:
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


def _divide(work: Work, divided: Sequence[tuple[int, str | None]]) -> None:
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
                if time.perf_counter() - begun > set_work.HELD_S / 2:
                    break
            return at

        at = work.short(work.houses, work.houses.rows, write)


def _divide_some(work: Work, connection: Connection, cell_id: int, fallback: str | None) -> bool:
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
