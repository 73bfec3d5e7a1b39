"""The first plan of sites with places, within a second even for a province: hamlets at once instead of houses.

Points that are nearest to the same candidate are one cell; one site after another is opened where cells gain most, and
takes its nearest cells up to its capacity.
"""

from __future__ import annotations

import numpy as np

from mapper.solve.siting import Floats, Ints
from mapper.solve.ways import Columns, Ways, seat_at_once


def first_plan(ways: Ways, capacity: Floats, kept: Ints, number: int) -> tuple[Ints, Ints]:
    """So many sites at most, those kept first; and of each point its column, the last one for none."""
    chosen = _opened(ways, capacity, kept, number)
    near = ways.among(chosen)
    real = near.column < len(chosen)
    seat = seat_at_once(
        near.column[real], near.point[real], near.cost[real], ways.people, np.append(capacity[chosen], 0.0)
    )
    return chosen, np.where(seat < 0, len(chosen), seat)


def _cells(ways: Ways) -> tuple[Columns, Floats]:
    """Pairs of cells and sites with what a person pays on average, and what one pays who has none."""
    from scipy.sparse import csr_array

    own, _ = Columns(ways.start, ways.site, ways.cost, ways.point, ways.people, ways.sites + 1).cheapest(ways.cost)
    cell = ways.site[own]
    shape = ways.sites + 1, ways.sites + 1
    people = ways.people[ways.point]
    index = cell[ways.point], ways.site
    # Both sums at once: the people that reach a site, and what they pay.
    sums = csr_array((people + 1j * people * ways.cost, index), shape)
    reach, paid = sums.data.real, sums.data.imag
    everybody = np.bincount(cell, ways.people, shape[0]).astype(np.float64)
    # Those of a cell who do not reach a site stay without one; the last column is paid by nobody else.
    away = np.bincount(cell, ways.people * ways.cost[ways.start[1:] - 1], shape[0]) / np.maximum(everybody, 1e-300)
    row = np.repeat(np.arange(shape[0]), np.diff(sums.indptr))
    share = np.maximum(everybody[row], 1e-300)
    cost = (paid + (share - reach).clip(0) * away[row]) / share
    real = (sums.indices < ways.sites) & (reach > 0)
    row, site, cost = row[real].astype(np.int64), sums.indices[real].astype(np.int64), cost[real]
    start = np.concatenate(([0], np.cumsum(np.bincount(row, minlength=shape[0]))))
    return Columns(start, site, cost, row, everybody, ways.sites), away


def _opened(ways: Ways, capacity: Floats, kept: Ints, number: int) -> Ints:
    """Of candidates that more people want than they have places for, so large a share of the gain counts."""
    cells, pays = _cells(ways)
    order = np.argsort(cells.column, kind="stable")
    site, cell, cost = cells.column[order], cells.point[order], cells.cost[order]
    start = np.searchsorted(site, np.arange(ways.sites + 1))

    def wanted(column: Ints, point: Ints, cost: Floats) -> tuple[Floats, Floats]:
        less = np.maximum(pays[point] - cost, 0) * cells.people[point]
        there = np.where(less > 0, cells.people[point], 0)
        gained, wanting = (np.bincount(column, each, ways.sites) for each in (less, there))
        return gained.astype(np.float64), wanting.astype(np.float64)

    chosen: list[int] = []
    gain, want = wanted(site, cell, cost)
    while len(chosen) < number:
        if len(chosen) < len(kept):
            best = int(kept[len(chosen)])
        else:
            share = np.minimum(1, capacity / np.maximum(want, 1e-9))
            share[chosen] = 0
            best = int((gain * share).argmax())
            if gain[best] * share[best] <= 0:
                break
        chosen.append(best)
        own = np.arange(start[best], start[best + 1])
        own = own[np.argsort(cost[own] - pays[cell[own]], kind="stable")]
        # The last cell that begins to fit goes there too.
        before = np.cumsum(cells.people[cell[own]]) - cells.people[cell[own]]
        own = own[before < capacity[best]]
        part = cells.of(cell[own])
        old = wanted(part.column, cell[own][part.point], part.cost)
        pays[cell[own]] = np.minimum(pays[cell[own]], cost[own])
        new = wanted(part.column, cell[own][part.point], part.cost)
        gain += new[0] - old[0]
        want += new[1] - old[1]
    return np.array(chosen, np.int64)
