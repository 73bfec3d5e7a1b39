"""So many sites with the least travel of all people: without capacities (p-median), or within them.

A greedy plan stands at once. Prices give a bound and propose plans (``solve.lagrange``); sites move to the middle of
their people and change places with others while that helps; where the question is small enough, HiGHS ends it.
Sources: S. L. Hakimi, Operations Research 12 (1964) 450-459; M. B. Teitz and P. Bart, Operations Research 16 (1968)
955-961; E. L. F. Senne, L. A. N. Lorena and M. A. Pereira, Computers and Operations Research 32 (2005) 1655-1664.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from mapper.solve.first import first_plan
from mapper.solve.lagrange import Bound, Market, Prices
from mapper.solve.least_travel_model import best_of_all
from mapper.solve.siting import NOBODY, Floats, Ints, Problem, Siting, Stop, why_left
from mapper.solve.transport import Transport, assign, reassign
from mapper.solve.watch import Watch
from mapper.solve.ways import Ways

FARTHER = 10
"""A person without a site costs as much as one with the longest way of all, so many times over."""

PROPOSED = 3
"""Candidates that are tried in place of a site, the most promising first."""

SMALL = 25_000
"""Pairs of points and candidates up to which HiGHS is asked; beyond, its first linear program takes too long."""

AGAIN = 0.3
"""Share of a full step with which prices set out for the second time."""

WORTHLESS = 1e-4
"""A plan that costs so large a share more is not polished."""

SHAKEN = 2
"""Sites that change places at random before a plan is improved anew."""

SHAKES = 200
"""How often that is done at most, and ..."""

WORK = 20_000_000
"""... ways looked at meanwhile in seating everybody, after which it ends: the same on every machine."""


def least_travel(problem: Problem, sites: int, watch: Watch | None = None, *, left_out: float | None = None) -> Siting:
    """At most so many sites, those kept among them, with the least travel of all people, by priority.

    Nobody goes beyond the limit and no site is overfull. left_out: travel that a person without a site counts for,
    above 0; ten times the longest way where it is not said. Objective and bound: people times priority times travel,
    that of the people without a site included. Raises ValueError where more sites are kept than may be.
    """
    watch = watch or Watch()
    search = _Search(problem, problem.may_hold(sites), watch, left_out)
    return search.run()


class _Search:
    def __init__(self, problem: Problem, sites: int, watch: Watch, left_out: float | None) -> None:
        travel, demand = problem.travel, problem.demand
        self.problem, self.sites, self.watch = problem, sites, watch
        longest = float(travel.far.max()) if len(travel.far) else 0.0
        away = left_out if left_out is not None else FARTHER * (longest or 1.0)
        if not 0 < away < np.inf:
            raise ValueError("what a person without a site counts for is a way above 0")
        cost, self.without = travel.far * demand.priority[travel.point], away * demand.priority
        self.ways = Ways.of(travel.start, travel.site, cost, demand.people, travel.sites, self.without)
        self.kept = np.zeros(travel.sites, np.bool_)
        self.kept[list(problem.kept)] = True
        self.random = np.random.default_rng(watch.limits.seed)
        self.seats = Transport(
            np.zeros(len(demand.people), np.int64), float((self.without * demand.people).sum()), np.zeros(1)
        )
        self.chosen = np.zeros(0, np.int64)
        self.near = self.ways.among(self.chosen)
        self.bound = 0.0
        self.tried: set[bytes] = set()
        self.told = np.inf
        self.worked = 0
        self.known: tuple[Transport, Floats, Floats] | None = None

    @cached_property
    def market(self) -> Market:
        """The same ways by candidate; not made before there is a first plan."""
        from scipy.sparse import csr_array

        problem, travel = self.problem, self.problem.travel
        cost = travel.far * problem.demand.priority[travel.point]
        by_site = csr_array((cost, travel.site, travel.start), (travel.points, travel.sites)).tocsc()
        start = by_site.indptr.astype(np.int64)
        return Market(
            start,
            np.repeat(np.arange(travel.sites), np.diff(start)),
            by_site.indices.astype(np.int64),
            by_site.data,
            problem.demand.people,
            problem.capacity,
            self.without,
            self.kept,
            self.sites - len(problem.kept),
        )

    def run(self) -> Siting:
        """All steps one after another, as long as the watch lets it."""
        chosen, seat = first_plan(self.ways, self.problem.capacity, np.flatnonzero(self.kept), self.sites)
        near = self.ways.among(chosen)
        cost = float((near.cost_of(seat) * self.problem.demand.people).sum())
        self._keep(chosen, Transport(seat, cost, np.zeros(len(chosen) + 1)))
        if self.watch.over():
            return self._plan(self.watch.over() or Stop.ROUNDS)
        self._take(chosen)
        self._to_the_middle()
        prices = Prices(self.market, self._pays())
        prices.raised(self.watch, self._propose)
        self._swap()
        # With the better plan known, steps are of better length.
        found = prices.raised(self.watch, self._propose, AGAIN)
        self._swap()
        if self._open() and not self.watch.over() and len(self.market.site) <= SMALL:
            return self._plan(self._prove(found))
        self._shake()
        return self._plan(self.watch.over() or Stop.ROUNDS)

    def _open(self) -> bool:
        """Whether the gap is still wider than wanted."""
        return self.seats.cost - self.bound > self.watch.limits.gap * abs(self.seats.cost)

    def _room(self, chosen: Ints) -> Floats:
        return np.append(self.market.capacity[chosen], np.inf)

    def _seated(self, chosen: Ints) -> Transport | None:
        """Everybody in one of these sites, or in the last column: without one. None where time is up before."""
        near = self.ways.among(chosen)
        self.worked += len(near.cost)
        return assign(near, self._room(chosen), self.watch.over)

    def _take(self, chosen: Ints) -> bool:
        """Keep a plan where it is better than the one so far."""
        chosen = np.unique(chosen)
        key = chosen.tobytes()
        if key in self.tried:
            return False
        self.tried.add(key)
        seats = self._seated(chosen)
        if seats is None or seats.cost >= self.seats.cost - 1e-9 * max(1.0, abs(self.seats.cost)):
            return False
        self._keep(chosen, seats)
        return True

    def _keep(self, chosen: Ints, seats: Transport) -> None:
        self.chosen, self.seats, self.near = chosen, seats, self.ways.among(chosen)
        if seats.cost < self.told:
            self.told = seats.cost
            self.watch.tell(seats.cost, self.bound)
            self.watch.better(self._plan)

    def _pays(self, without: int = NOBODY) -> Floats:
        """What each person would pay for a place: the way and the price of a place. without: a column to do without."""
        near = self.near
        value = near.cost + self.seats.price[near.column]
        if without != NOBODY:
            value[near.column == without] = np.inf
        return near.cheapest(value)[1]

    def _ways(self) -> Floats:
        """What each person's own site costs, or to be without one."""
        return self.near.cost_of(self.seats.seat)

    def _propose(self, chosen: Ints, bound: float) -> float:
        """Try the sites that the prices choose; the cost of the best plan so far."""
        self.bound = max(self.bound, bound)
        if len(chosen) and self._take(chosen):
            self._to_the_middle()
        self.watch.tell(self.seats.cost, self.bound)
        return self.seats.cost

    def _to_the_middle(self) -> None:
        """Each site moves to the candidate from which its own people are nearest, as long as that helps."""
        market = self.market
        while len(self.chosen) and not self.watch.over():
            columns = len(self.chosen)
            seat = self.seats.seat[market.point]
            seated = seat < columns
            key = seat[seated] * len(market.capacity) + market.site[seated]
            people = market.people[market.point[seated]]
            shape = (columns, len(market.capacity))
            cost = np.bincount(key, market.cost[seated] * people, columns * shape[1]).reshape(shape)
            reached = np.bincount(key, people, columns * shape[1]).reshape(shape)
            load = np.bincount(self.seats.seat, market.people, columns + 1)[:columns]
            possible = (reached >= load[:, None] - 1e-9) & (market.capacity >= load[:, None])
            possible[:, self.chosen] = False
            cost = np.where(possible, cost, np.inf)
            own = np.bincount(self.seats.seat, self._ways() * market.people, columns + 1)[:columns]
            best = cost.argmin(1)
            moves = (cost[np.arange(columns), best] < own - 1e-9) & ~market.kept[self.chosen]
            if not moves.any() or not self._take(np.where(moves, best, self.chosen)):
                return

    def _swap(self) -> None:
        """Sites one after another give their place to a candidate that promises more, while any of them can."""
        rounds = 0
        limit = self.watch.limits.rounds
        again = True
        while again and self._open() and (limit is None or rounds < limit):
            again = False
            rounds += 1
            for site in self.random.permutation(self.chosen).tolist():
                if self.watch.over():
                    return
                if site in self.chosen and not self.market.kept[site] and self._replaced(site):
                    self._to_the_middle()
                    again = True

    def _shake(self) -> None:
        """Some sites change places at random and the plan is improved anew; the best one is kept."""
        limit = self.watch.limits.rounds
        begun = self.worked
        for _ in range(SHAKES if limit is None else limit):
            if self.worked - begun > WORK:
                return
            moving = self.random.permutation(self.chosen[~self.market.kept[self.chosen]])[:SHAKEN]
            others = np.setdiff1d(np.flatnonzero(self.problem.capacity > 0), self.chosen)
            if not self._open() or self.watch.over() or not len(moving) or not len(others):
                return
            best = self.chosen, self.seats, self.near
            into = self.random.permutation(others)[: len(moving)]
            shaken = np.union1d(np.setdiff1d(self.chosen, moving), into)
            seats = self._seated(shaken)
            if seats is None:
                return
            self.chosen, self.seats, self.near = shaken, seats, self.ways.among(shaken)
            self._to_the_middle()
            self._swap()
            if self.seats.cost >= best[1].cost:
                self.chosen, self.seats, self.near = best
            self.watch.tell(self.seats.cost, self.bound)

    def _replaced(self, site: int) -> bool:
        """Whether some candidate in place of a site makes the plan better; it is taken."""
        market = self.market
        column = int(np.flatnonzero(self.chosen == site)[0])
        rest = np.delete(self.chosen, column)
        base, loss = self._losses()
        pays = self._pays(column)
        # Only candidates that reach somebody who pays more without the site make more of the new prices.
        more = np.zeros(len(pays), np.bool_)
        more[pays > base] = True
        touched = np.unique(self.ways.site[np.flatnonzero(more[self.ways.point])])
        touched = touched[touched < self.ways.sites]
        anew, _, _ = market.losses(pays, market.pairs_of(touched))
        loss = loss.copy()
        loss[touched] = anew[touched]
        # By these prices no plan with another candidate in this place costs less than that.
        least = float((pays * market.people).sum() + loss[rest].sum()) + loss
        least[self.chosen] = np.inf
        hopeful = np.flatnonzero(least < self.seats.cost - 1e-9 * abs(self.seats.cost))
        hopeful = hopeful[np.argsort(least[hopeful], kind="stable")[:PROPOSED]]
        return any(self._exchange(column, other) for other in hopeful.tolist() if not self.watch.over())

    def _losses(self) -> tuple[Floats, Floats]:
        """What everybody pays in the plan as it is, and what each candidate makes of that; kept while the plan is."""
        if self.known is None or self.known[0] is not self.seats:
            pays = self._pays()
            self.known = self.seats, pays, self.market.losses(pays)[0]
        return self.known[1:]

    def _exchange(self, column: int, other: int) -> bool:
        """Put a candidate in the place of a column and seat those again who reach either; keep it where better."""
        chosen = self.chosen.copy()
        chosen[column] = other
        key = np.sort(chosen).tobytes()
        if key in self.tried:
            return False
        self.tried.add(key)
        near = self.ways.among(chosen)
        again = np.union1d(near.point[near.column == column], self.near.point[self.near.column == column])
        price = self.seats.price.copy()
        price[column] = 0.0
        self.worked += len(near.cost)
        before = Transport(self.seats.seat, self.seats.cost, price)
        seats = reassign(near, self._room(chosen), before, again, self.seats.cost * (1 + WORTHLESS), self.watch.over)
        if seats is None or seats.cost >= self.seats.cost - 1e-9 * max(1.0, abs(self.seats.cost)):
            return False
        self._keep(chosen, seats)
        return True

    def _prove(self, found: Bound) -> Stop:
        """Hand the question to HiGHS, without the candidates that no better plan can hold."""
        site = np.append(self.chosen, NOBODY)[self.seats.seat]
        answer = best_of_all(self.market, found, self.chosen, site, self.seats.cost, self.watch)
        if answer.site is not None:
            self._take_as_it_is(answer.site)
        self.bound = max(self.bound, min(answer.bound, self.seats.cost))
        return answer.stopped

    def _take_as_it_is(self, site: Ints) -> None:
        """Keep a plan in which everybody has a site already, where it is better."""
        market = self.market
        chosen = np.union1d(site[site != NOBODY], self.problem.kept).astype(np.int64)
        seat = np.where(site == NOBODY, len(chosen), np.searchsorted(chosen, site))
        near = self.ways.among(chosen)
        cost = float((near.cost_of(seat) * market.people).sum())
        if cost < self.seats.cost:
            self._keep(chosen, Transport(seat, cost, np.zeros(len(chosen) + 1)))

    def _plan(self, stopped: Stop = Stop.ROUNDS) -> Siting:
        columns = np.append(self.chosen, NOBODY)
        site = columns[self.seats.seat]
        used = np.union1d(site[site != NOBODY], self.problem.kept)
        chosen = tuple(used.astype(np.int64).tolist())
        gap_closed = self.seats.cost - self.bound <= 1e-6 * abs(self.seats.cost)
        return Siting(
            chosen,
            site,
            why_left(self.problem, chosen, site),
            self.seats.cost,
            min(self.bound, self.seats.cost),
            self.watch.seconds,
            self.watch.limits.seed,
            Stop.OPTIMAL if gap_closed else Stop.GAP if not self._open() else stopped,
        )
