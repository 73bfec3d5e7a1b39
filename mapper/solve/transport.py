"""Who goes to which open site so that none is overfull, at least cost: whole demand points, never parted.

Overfull sites raise a price until as many people prefer another site as there are too many; everybody goes where way
and price together are least. What is left over moves along the cheapest chains that end where there is room, and back
along chains that save something. Where points are single people this ends at the optimum; with houses of several
people it comes near it. Sources: D. P. Bertsekas, Annals of Operations Research 14 (1988) 105-123; R. G. Busacker and
P. J. Gowen, A procedure for determining a family of minimum-cost network flow patterns, Operations Research Office
(1961).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mapper.solve.siting import NOBODY, Floats, Ints
from mapper.solve.ways import EASE, Columns

BIDS = 60
"""Rounds of raising prices, at most."""

LOOK_UP_BIDS = 8
"""Rounds after which it is asked whether there is time for more."""

LOWERED = 3
"""Rounds of lowering prices where an earlier plan's are taken over."""

CHAIN = 16
"""Moves of a chain, at most."""

PATIENCE = 4
"""Moves along chains, a demand point; beyond, points go straight to where there is room."""

POLISH = 0.25
"""Moves that only lower the cost, a demand point, at most."""

LOOK_UP = 50
"""Moves after which it is asked whether there is time for more."""


@dataclass(frozen=True, eq=False)
class Transport:
    """seat: of each demand point its column. cost: of all. price: what one person more would cost at each column."""

    seat: Ints
    cost: float
    price: Floats


def assign(ways: Columns, room: Floats, over: Callable[[], object] = lambda: None) -> Transport | None:
    """room: of each column, the last one for all. over: asked now and then; None is returned once it says yes."""
    seat, _ = _bid(ways, room, np.zeros(len(room)), over)
    return None if over() else _Seats(ways, room, seat).settled(over)


def reassign(
    ways: Columns,
    room: Floats,
    before: Transport,
    again: Ints,
    enough: float,
    over: Callable[[], object] = lambda: None,
) -> Transport | None:
    """As ``assign``, from seats of which only some points have to look for theirs again, with the prices so far.

    enough: a plan that costs more than this is not worth polishing.
    """
    stays = np.ones(len(ways.people), np.bool_)
    stays[again] = False
    taken = np.bincount(before.seat[stays], ways.people[stays], len(room))
    part = ways.of(again)
    price = before.price.copy()
    for _ in range(LOWERED):
        price = _lowered(part, room - taken, price)
    seat = before.seat.copy()
    seat[again], _ = _bid(part, room - taken, price, over)
    return None if over() else _Seats(ways, room, seat).settled(over, enough)


def _bid(ways: Columns, room: Floats, price: Floats, over: Callable[[], object]) -> tuple[Ints, Floats]:
    """Columns that hardly are overfull, each the cheapest at prices that were raised; and these prices."""
    price = price.copy()
    least = 1e-9 * float(ways.cost.max(initial=1.0))
    for number in range(BIDS + 1):
        value = ways.cost + price[ways.column]
        own, best = ways.cheapest(value)
        seat = ways.column[own]
        excess = np.bincount(seat, ways.people, len(room)) - room
        crowded = excess > EASE
        if number == BIDS or not crowded.any() or (number % LOOK_UP_BIDS == LOOK_UP_BIDS - 1 and over()):
            break
        value[own] = np.inf
        _, second = ways.cheapest(value)
        members = np.flatnonzero(crowded[seat] & (ways.people > 0))
        regret = second[members] - best[members]
        rise = _threshold(seat[members], regret, ways.people[members], excess)
        price[crowded] += np.maximum(rise[crowded], least)
    return seat, price


def _lowered(ways: Columns, room: Floats, price: Floats) -> Floats:
    """Prices of columns with room, so low that as many come as there is room for, and not below 0."""
    value = ways.cost + price[ways.column]
    own, best = ways.cheapest(value)
    slack = room - np.bincount(ways.column[own], ways.people, len(room))
    dear = (price > 0) & (slack > EASE)
    if not dear.any():
        return price
    wanting = dear[ways.column] & (ways.people[ways.point] > 0)
    wanting[own] = False
    pairs = np.flatnonzero(wanting)
    column, need = ways.column[pairs], value[pairs] - best[ways.point[pairs]]
    fall = _threshold(column, need, ways.people[ways.point[pairs]], slack)
    return np.where(dear, np.maximum(price - fall, 0.0), price)


def _threshold(column: Ints, each: Floats, people: Floats, number: Floats) -> Floats:
    """Of each column the least value up to which there are ``number`` people; inf where there are fewer."""
    order = np.lexsort((each, column))
    column, each, people = column[order], each[order], people[order]
    sums = np.cumsum(people)
    first = np.searchsorted(column, column)
    inside = sums - (sums - people)[first]
    reached = np.flatnonzero(inside >= number[column] - EASE)[::-1]
    found = np.full(len(number), np.inf)
    found[column[reached]] = each[reached]
    return found


class _Seats:
    """Who sits where, the load of each column, and for each two columns who moves cheapest from one to the other."""

    def __init__(self, ways: Columns, room: Floats, seat: Ints) -> None:
        self.ways, self.people, self.room, self.seat = ways, ways.people, room, seat
        self.own = ways.cost_of(seat)
        self.load = np.bincount(seat, ways.people, len(room)).astype(np.float64)
        columns = len(room)
        pairs = np.flatnonzero((ways.people > 0)[ways.point])
        point = ways.point[pairs]
        key = seat[point] * columns + ways.column[pairs]
        step, mover = self._least(key, ways.cost[pairs] - self.own[point], point, columns**2)
        self.step, self.mover = step.reshape(columns, columns), mover.reshape(columns, columns)
        np.fill_diagonal(self.step, np.inf)

    @staticmethod
    def _least(key: Ints, more: Floats, point: Ints, size: int) -> tuple[Floats, Ints]:
        """Of each key the least of the values, and the first point that has it."""
        step, mover = np.full(size, np.inf), np.zeros(size, np.int64)
        np.minimum.at(step, key, more)
        least = np.flatnonzero(more == step[key])[::-1]
        mover[key[least]] = point[least]
        return step, mover

    def settled(self, over: Callable[[], object], enough: float = np.inf) -> Transport | None:
        if not len(self.seat):
            return Transport(self.seat, 0.0, np.zeros(len(self.room)))
        if not self._relieve(over):
            return None
        if self._cost() <= enough:
            self._save(over)
            self._polish(over)
        price, _ = self._prices()
        return Transport(self.seat, self._cost(), np.maximum(np.where(np.isfinite(price), price, 0.0), 0.0))

    def _cost(self) -> float:
        return float((self.own * self.people).sum())

    def _look(self, column: int) -> None:
        """Who moves cheapest from a column to each other one. Nobody moves who is nobody."""
        members = np.flatnonzero((self.seat == column) & (self.people > 0))
        part = self.ways.of(members)
        more = part.cost - self.own[members][part.point]
        self.step[column], self.mover[column] = self._least(part.column, more, members[part.point], len(self.room))
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
            moves = self._chain(source, int(far.argmin()), before)
            if not moves:
                # Chains that run in a circle: one goes straight to where there is room, at the latest to no site.
                fits = self.people[self.mover[source]] <= slack + EASE
                moves = [(source, int(np.where(fits, self.step[source], np.inf).argmin()))]
            self._move(moves)
        return self._straight(over)

    def _straight(self, over: Callable[[], object]) -> bool:
        """From overfull columns the people who lose least, to any column with room; False where time is up before."""
        while True:
            source = int((self.load - self.room).argmax())
            if self.load[source] <= self.room[source] + EASE:
                return True
            if over():
                return False
            members = np.flatnonzero((self.seat == source) & (self.people > 0))
            part = self.ways.of(members)
            size, own = self.people[members][part.point], self.own[members][part.point]
            fits = size <= (self.room - self.load)[part.column] + EASE
            fits &= part.column != source
            pair = int(np.where(fits, part.cost - own, np.inf).argmin())
            self._put(int(members[part.point[pair]]), int(part.column[pair]))
            self._look(source)
            self._look(int(part.column[pair]))

    def _save(self, over: Callable[[], object]) -> None:
        """Chains from any column to one with room that cost less than nothing."""
        columns = len(self.room)
        for number in range(int(POLISH * len(self.seat)) + 10):
            if number % LOOK_UP == LOOK_UP - 1 and over():
                return
            price, after = self._prices()
            at = int(price.argmin())
            moves: list[tuple[int, int]] = []
            while after[at] != NOBODY and len(moves) <= columns:
                moves.append((at, int(after[at])))
                at = int(after[at])
            if len(moves) > columns or not self._saves(moves) or not self._fits(moves):
                return
            self._move(moves)

    def _saves(self, moves: list[tuple[int, int]]) -> bool:
        paid = sum(float(self.step[move] * self.people[self.mover[move]]) for move in moves)
        return paid < -EASE * max(1.0, self._cost())

    def _fits(self, moves: list[tuple[int, int]]) -> bool:
        """Whether no column is overfull after these moves."""
        load = self.load.copy()
        for source, column in moves:
            size = self.people[self.mover[source, column]]
            load[source] -= size
            load[column] += size
        return bool((load <= self.room + EASE).all())

    def _polish(self, over: Callable[[], object]) -> None:
        """Points that find a better seat where there is room, and pairs that change seats for the better."""
        for number in range(int(POLISH * len(self.seat)) + 10):
            if number % LOOK_UP == LOOK_UP - 1 and over():
                return
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
        columns = np.arange(len(self.room))
        far, before = self.step[source].copy(), np.full(len(columns), source, np.int64)
        far[source] = 0.0
        news = np.flatnonzero(np.isfinite(far))
        for _ in columns[:CHAIN] if len(news) else ():
            through = far[news, None] + self.step[news]
            best = through.argmin(0)
            cost = through[best, columns]
            shorter = cost < far - EASE
            shorter[source] = False
            if not shorter.any():
                break
            far[shorter], before[shorter] = cost[shorter], news[best[shorter]]
            news = np.flatnonzero(shorter)
        return far, before

    def _chain(self, source: int, end: int, before: Ints) -> list[tuple[int, int]]:
        moves: list[tuple[int, int]] = []
        while end != source and len(moves) <= len(self.room):
            moves.append((int(before[end]), end))
            end = int(before[end])
        return moves if end == source else []

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
        pairs = slice(self.ways.start[one], self.ways.start[one + 1])
        self.own[one] = self.ways.cost[pairs][self.ways.column[pairs] == column][0]

    def _prices(self) -> tuple[Floats, Ints]:
        """Of each column the cheapest chain that ends where there is room for one person, and its next column."""
        columns = np.arange(len(self.room))
        price = np.where(self.room - self.load >= 1 - EASE, 0.0, np.inf)
        after = np.full(len(price), NOBODY, np.int64)
        news = np.flatnonzero(price == 0)
        for _ in columns[:CHAIN]:
            through = self.step[:, news] + price[news]
            best = through.argmin(1)
            cost = through[columns, best]
            shorter = cost < price - EASE
            if not shorter.any():
                break
            price[shorter], after[shorter] = cost[shorter], news[best[shorter]]
            news = np.flatnonzero(shorter)
        return price, after
