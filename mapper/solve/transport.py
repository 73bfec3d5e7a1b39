"""Who goes to which open site so that none is overfull, at least cost: whole demand points, never parted.

Everybody starts at the cheapest site; as long as one is overfull, a demand point leaves it along the cheapest chain of
moves that ends where there is room. Where points are single people, this is the method of successive shortest paths
and ends at the optimum; with houses of several people it comes near it. Source: R. G. Busacker and P. J. Gowen, A
procedure for determining a family of minimum-cost network flow patterns, Operations Research Office (1961).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mapper.solve.siting import NOBODY, Floats, Ints

PATIENCE = 4
"""Moves along chains, a demand point; beyond, points go straight to where there is room."""

POLISH = 0.25
"""Moves that only lower the cost, a demand point, at most."""

LOOK_UP = 50
"""Moves after which it is asked whether there is time for more."""

GLANCES = 40
"""How often points look for the next site with room when they are seated at once."""

EASE = 1e-9


@dataclass(frozen=True, eq=False)
class Transport:
    """seat: of each demand point its column. cost: of all. price: what one person more would cost at each column."""

    seat: Ints
    cost: float
    price: Floats


def assign(cost: Floats, people: Floats, room: Floats, over: Callable[[], object] = lambda: None) -> Transport | None:
    """cost: (demand points, columns) for each person, inf where there is no way; people of each point; room of columns.

    The last column takes whoever finds no place and has room for all. over: asked now and then; None is returned once
    it says yes.
    """
    return _Seats(cost, people, room).settled(over)


def seat_at_once(site: Ints, point: Ints, cost: Floats, people: Floats, room: Floats) -> Ints:
    """A site for each demand point within moments, not at least cost; NOBODY where none has room.

    site, point, cost: pairs of an open site and a point that reaches it. room: of each site. The nearest points of each
    site go there as long as it has room, the others to their next one.
    """
    order = np.lexsort((cost, point))
    site, point, cost, room = site[order], point[order], cost[order], room.copy()
    found = np.full(len(people), NOBODY, np.int64)
    for _ in range(GLANCES):
        fits = (found[point] == NOBODY) & (people[point] <= room[site] + EASE)
        site, point, cost = site[fits], point[fits], cost[fits]
        if not len(site):
            break
        nearest = np.flatnonzero(np.diff(point, prepend=-1))
        nearest = nearest[np.lexsort((cost[nearest], site[nearest]))]
        at, size = site[nearest], people[point[nearest]]
        sum_of = np.cumsum(size)
        begin = np.searchsorted(at, at)
        inside = sum_of - (sum_of - size)[begin] <= room[at] + EASE
        found[point[nearest[inside]]] = at[inside]
        np.subtract.at(room, at[inside], size[inside])
    return found


class _Seats:
    """Who sits where, the load of each column, and for each two columns who moves cheapest from one to the other."""

    def __init__(self, cost: Floats, people: Floats, room: Floats) -> None:
        self.cost, self.people, self.room = cost, people, room
        self.seat = cost.argmin(1).astype(np.int64)
        self.load = np.bincount(self.seat, people, len(room)).astype(np.float64)
        self.step = np.full((len(room), len(room)), np.inf)
        self.mover = np.zeros((len(room), len(room)), np.int64)

    def settled(self, over: Callable[[], object]) -> Transport | None:
        everybody, columns = np.arange(len(self.seat)), len(self.room)
        price = np.zeros(columns)
        if (self.load > self.room + EASE).any():
            for column in range(columns):
                self._look(column)
            if not self._relieve(over):
                return None
            self._polish()
            price = self._prices()
        total = float((self.cost[everybody, self.seat] * self.people).sum())
        return Transport(self.seat, total, price)

    def _look(self, column: int) -> None:
        """Who moves cheapest from a column to each other one. Nobody moves who is nobody."""
        members = np.flatnonzero((self.seat == column) & (self.people > 0))
        if len(members) == 0:
            self.step[column] = np.inf
        else:
            more = self.cost[members] - self.cost[members, column, None]
            best = more.argmin(0)
            self.step[column] = more[best, np.arange(len(self.room))]
            self.mover[column] = members[best]
        self.step[column, column] = np.inf

    def _relieve(self, over: Callable[[], object]) -> bool:
        for number in range(int(PATIENCE * len(self.seat)) + 100):
            if number % LOOK_UP == LOOK_UP - 1 and over():
                return False
            excess = self.load - self.room
            source = int(excess.argmax())
            if excess[source] <= EASE:
                return True
            far, before = self._chains(source)
            slack = self.room - self.load
            last = self.people[self.mover[before, np.arange(len(far))]]
            far[(slack + EASE < last) | ~np.isfinite(far)] = np.inf
            far[source] = np.inf
            self._move(self._chain(source, int(far.argmin()), before))
        self._straight()
        return True

    def _straight(self) -> None:
        """From overfull columns the people who lose least, to any column with room."""
        while (source := int((self.load - self.room).argmax())) is not None:
            if self.load[source] <= self.room[source] + EASE:
                return
            members = np.flatnonzero((self.seat == source) & (self.people > 0))
            fits = self.people[members, None] <= (self.room - self.load)[None] + EASE
            fits[:, source] = False
            more = np.where(fits, self.cost[members] - self.cost[members, source, None], np.inf)
            one, column = np.unravel_index(int(more.argmin()), more.shape)
            self._put(int(members[one]), int(column))
            self._look(source)
            self._look(int(column))

    def _polish(self) -> None:
        """Points that find a better seat where there is room, and pairs that change seats for the better."""
        for _ in range(int(POLISH * len(self.seat)) + 10):
            slack = self.room - self.load
            fits = self.people[self.mover] <= slack + EASE
            gain = np.where(fits, self.step, np.inf)
            source, column = np.unravel_index(int(gain.argmin()), gain.shape)
            if gain[source, column] < -EASE:
                self._move([(int(source), int(column))])
                continue
            sizes = self.people[self.mover]
            change = sizes.T - sizes
            allowed = (change <= slack[:, None] + EASE) & (-change <= slack + EASE)
            paid = np.multiply(self.step, sizes, out=np.full_like(self.step, np.inf), where=np.isfinite(self.step))
            worth = np.where(allowed, paid + paid.T, np.inf)
            source, column = np.unravel_index(int(worth.argmin()), worth.shape)
            if not worth[source, column] < -EASE:
                return
            self._move([(int(source), int(column)), (int(column), int(source))])

    def _chains(self, source: int) -> tuple[Floats, Ints]:
        """The cost of the cheapest chain of moves from a column to each, and the column before the last move."""
        columns = len(self.room)
        far, before = self.step[source].copy(), np.full(columns, source, np.int64)
        far[source] = 0.0
        for _ in range(columns):
            through = far[:, None] + self.step
            best = through.argmin(0)
            cost = through[best, np.arange(columns)]
            shorter = cost < far - EASE
            shorter[source] = False
            if not shorter.any():
                break
            far[shorter], before[shorter] = cost[shorter], best[shorter]
        return far, before

    def _chain(self, source: int, end: int, before: Ints) -> list[tuple[int, int]]:
        moves: list[tuple[int, int]] = []
        while end != source and len(moves) <= len(self.room):
            moves.append((int(before[end]), end))
            end = int(before[end])
        return moves if end == source else moves[:1]

    def _move(self, moves: list[tuple[int, int]]) -> None:
        movers = [(int(self.mover[source, column]), column) for source, column in moves]
        for one, column in movers:
            self._put(one, column)
        for column in {column for move in moves for column in move}:
            self._look(column)

    def _put(self, one: int, column: int) -> None:
        self.load[self.seat[one]] -= self.people[one]
        self.load[column] += self.people[one]
        self.seat[one] = column

    def _prices(self) -> Floats:
        """Of each column the cheapest chain that ends where there is room for one person."""
        price = np.where(self.room - self.load >= 1 - EASE, 0.0, np.inf)
        for _ in range(len(price)):
            through = (self.step + price).min(1)
            if not (through < price - EASE).any():
                break
            price = np.minimum(price, through)
        return np.maximum(np.where(np.isfinite(price), price, 0.0), 0.0)
