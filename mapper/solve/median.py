"""So many sites with the least travel of all people: without capacities (p-median), or within them.

A greedy plan stands at once. Prices give a bound and propose plans (``solve.lagrange``); sites move to the middle of
their people and change places with others while that helps; where the question is small enough, HiGHS ends it.
Sources: S. L. Hakimi, Operations Research 12 (1964) 450-459; M. B. Teitz and P. Bart, Operations Research 16 (1968)
955-961; E. L. F. Senne, L. A. N. Lorena and M. A. Pereira, Computers and Operations Research 32 (2005) 1655-1664.
"""

from __future__ import annotations

import numpy as np

from mapper.solve.lagrange import Bound, Market
from mapper.solve.least_travel_model import best_of_all
from mapper.solve.siting import NOBODY, Floats, Ints, Problem, Siting, Stop, why_left
from mapper.solve.transport import Transport, assign, seat_at_once
from mapper.solve.watch import Watch

FARTHER = 10
"""A person without a site costs as much as one with the longest way of all, so many times over."""

PROPOSED = 3
"""Candidates that are tried in place of a site, the most promising first."""

SMALL = 25_000
"""Pairs of points and candidates up to which HiGHS is asked; beyond, its first linear program takes too long."""

SHAKEN = 2
"""Sites that change places at random before a plan is improved anew."""

SHAKES = 200
"""How often that is done at most."""


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
        order = np.argsort(travel.site, kind="stable")
        point = travel.point[order]
        kept = np.zeros(travel.sites, np.bool_)
        kept[list(problem.kept)] = True
        self.market = Market(
            travel.site[order],
            point,
            travel.far[order] * demand.priority[point],
            demand.people,
            problem.capacity,
            away * demand.priority,
            kept,
            sites - len(problem.kept),
        )
        self.start = np.concatenate(([0], np.cumsum(np.bincount(travel.site, minlength=travel.sites))))
        self.random = np.random.default_rng(watch.limits.seed)
        self.seats = Transport(
            np.zeros(len(demand.people), np.int64), float((self.market.left_out * demand.people).sum()), np.zeros(1)
        )
        self.chosen = np.zeros(0, np.int64)
        self.bound = 0.0
        self.tried: set[bytes] = set()
        self.told = np.inf

    def run(self) -> Siting:
        """All steps one after another, as long as the watch lets it."""
        self._fill()
        self._keep(self.chosen, self.seats)
        self._to_the_middle()
        found = self.market.raised(self._pays(), self.watch, self._propose)
        self.bound = max(self.bound, found.value)
        self._swap()
        if self._open() and not self.watch.over() and len(self.market.site) <= SMALL:
            return self._plan(self._prove(found))
        self._shake()
        return self._plan(self.watch.over() or Stop.ROUNDS)

    def _open(self) -> bool:
        """Whether the gap is still wider than wanted."""
        return self.seats.cost - self.bound > self.watch.limits.gap * abs(self.seats.cost)

    def _seated(self, chosen: Ints) -> Transport | None:
        """Everybody in one of these sites, or in the last column: without one. None where time is up before."""
        market = self.market
        cost = np.full((len(market.people), len(chosen) + 1), np.inf)
        for column, site in enumerate(chosen.tolist()):
            pairs = slice(self.start[site], self.start[site + 1])
            cost[market.point[pairs], column] = market.cost[pairs]
        cost[:, -1] = market.left_out
        return assign(cost, market.people, np.append(market.capacity[chosen], np.inf), self.watch.over)

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
        self.chosen, self.seats = chosen, seats
        if seats.cost < self.told:
            self.told = seats.cost
            self.watch.tell(seats.cost, self.bound)
            self.watch.better(self._plan)

    def _pays(self) -> Floats:
        """What each person would pay for a place: the way to the own site, and the price of a place there."""
        return np.minimum(self._ways() + self.seats.price[self.seats.seat], self.market.left_out)

    def _ways(self) -> Floats:
        """What each person's own site costs, or to be without one."""
        return self._cost_of(np.append(self.chosen, NOBODY)[self.seats.seat])

    def _cost_of(self, site: Ints) -> Floats:
        """What the way to these sites costs each person."""
        market = self.market
        each = np.where(site == NOBODY, market.left_out, 0.0)
        pairs = np.flatnonzero(market.site == site[market.point])
        each[market.point[pairs]] = market.cost[pairs]
        return each

    def _fill(self) -> None:
        """One site after another, each where people gain most, until there are as many as may be.

        Of candidates that more people want than they have places for, so large a share of the gain counts.
        """
        travel, market = self.problem.travel, self.market
        cost = travel.far * self.problem.demand.priority[travel.point]
        people = market.people[travel.point]

        def wanted(pairs: Ints) -> tuple[Floats, Floats]:
            less = np.maximum(pays[travel.point[pairs]] - cost[pairs], 0) * people[pairs]
            there = np.where(less > 0, people[pairs], 0)
            gained, wanting = (np.bincount(travel.site[pairs], each, travel.sites) for each in (less, there))
            return gained.astype(np.float64), wanting.astype(np.float64)

        chosen = list(self.problem.kept)
        self._take(np.array(chosen, np.int64))
        pays = self._pays()
        gain, want = wanted(np.arange(len(cost)))
        while len(chosen) < self.sites:
            share = np.minimum(1, market.capacity / np.maximum(want, 1e-9))
            share[chosen] = 0
            best = int((gain * share).argmax())
            if gain[best] * share[best] <= 0:
                break
            chosen.append(best)
            own = np.arange(self.start[best], self.start[best + 1])
            own = own[np.argsort(market.cost[own] - pays[market.point[own]], kind="stable")]
            own = own[np.cumsum(market.people[market.point[own]]) <= market.capacity[best]]
            point = market.point[own]
            spans = zip(travel.start[point].tolist(), travel.start[point + 1].tolist(), strict=True)
            pairs = np.concatenate([np.arange(*span) for span in spans] or [np.zeros(0, np.int64)])
            before = wanted(pairs)
            pays[point] = np.minimum(pays[point], market.cost[own])
            (less_gain, less_want), (new_gain, new_want) = before, wanted(pairs)
            gain += new_gain - less_gain
            want += new_want - less_want
        open_ = np.zeros(travel.sites, np.bool_)
        open_[chosen] = True
        near = np.flatnonzero(open_[market.site])
        at_once = seat_at_once(market.site[near], market.point[near], market.cost[near], market.people, market.capacity)
        self._take_as_it_is(at_once)
        self._take(np.array(chosen, np.int64))

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
        for _ in range(SHAKES if limit is None else limit):
            moving = self.random.permutation(self.chosen[~self.market.kept[self.chosen]])[:SHAKEN]
            others = np.setdiff1d(np.flatnonzero(self.problem.capacity > 0), self.chosen)
            if not self._open() or self.watch.over() or not len(moving) or not len(others):
                return
            best = self.chosen, self.seats
            into = self.random.permutation(others)[: len(moving)]
            shaken = np.union1d(np.setdiff1d(self.chosen, moving), into)
            seats = self._seated(shaken)
            if seats is None:
                return
            self.chosen, self.seats = shaken, seats
            self._to_the_middle()
            self._swap()
            if self.seats.cost >= best[1].cost:
                self.chosen, self.seats = best
            self.watch.tell(self.seats.cost, self.bound)

    def _replaced(self, site: int) -> bool:
        """Whether some candidate in place of a site makes the plan better; it is taken."""
        rest = self.chosen[self.chosen != site]
        market = self.market
        prices = np.zeros(len(market.capacity))
        prices[self.chosen] = self.seats.price[:-1]
        stay = np.zeros(len(market.capacity), np.bool_)
        stay[rest] = True
        pays = market.left_out.copy()
        pairs = stay[market.site]
        np.minimum.at(pays, market.point[pairs], market.cost[pairs] + prices[market.site[pairs]])
        loss, _, _ = market.losses(pays)
        # By these prices no plan with another candidate in this place costs less than that.
        least = float((pays * market.people).sum() + loss[rest].sum()) + loss
        least[self.chosen] = np.inf
        hopeful = np.flatnonzero(least < self.seats.cost - 1e-9 * abs(self.seats.cost))
        hopeful = hopeful[np.argsort(least[hopeful], kind="stable")[:PROPOSED]]
        return any(self._take(np.append(rest, other)) for other in hopeful.tolist() if not self.watch.over())

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
        cost = float((self._cost_of(site) * market.people).sum())
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
