"""Sites within everybody's limit: the most people by so many sites, the fewest sites for all, the least worst way.

A greedy plan stands at once; sites change places while that helps; then HiGHS improves it and proves how good it is.
Sources: R. Church and C. ReVelle, Papers of the Regional Science Association 32 (1974) 101-118; C. Toregas and others,
Operations Research 19 (1971) 1363-1373; S. L. Hakimi, Operations Research 12 (1964) 450-459.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mapper.solve import milp
from mapper.solve.groups import Groups
from mapper.solve.highs import Model
from mapper.solve.lagrange import Market, Prices
from mapper.solve.least_travel_model import decided
from mapper.solve.siting import NOBODY, Floats, Ints, Problem, Siting, Stop, why_left
from mapper.solve.watch import Watch

SHAKES = 30
"""How often the plan is shaken and improved anew before HiGHS takes it."""

SHAKEN = 3
"""Sites that change places at random each time."""


def most_covered(problem: Problem, sites: int, watch: Watch | None = None) -> Siting:
    """Cover the most people, by priority, with at most so many sites, those kept among them.

    Capacities play no part. Objective and bound: people times priority within the limit of a site. Raises ValueError
    where more sites are kept than may be.
    """
    watch = watch or Watch()
    number = problem.may_hold(sites)
    groups, covered = Groups.of(problem.travel, problem.demand.weight, problem.kept)
    free = number - len(problem.kept)

    def plan(chosen: Ints, bound: float, stopped: Stop) -> Siting:
        objective = covered + float(groups.weight[groups.reached(chosen.tolist()) > 0].sum())
        return _plan(problem, chosen, objective, bound, stopped, watch)

    everything = covered + float(groups.weight.sum())
    chosen = _greedy(groups, free)
    watch.better(lambda: plan(chosen, everything, Stop.ROUNDS))
    chosen, objective = _shaken(
        groups, chosen, watch, lambda better: watch.better(lambda: plan(better, everything, Stop.ROUNDS))
    )
    if covered + objective >= everything:
        return plan(chosen, everything, Stop.OPTIMAL)
    if stop := watch.over():
        return plan(chosen, everything, stop)
    priced = _Priced(groups, free, chosen, covered, watch, lambda one: plan(one, everything, Stop.ROUNDS))
    chosen, objective, most = priced.chosen, priced.objective, covered + priced.most
    if most - covered - objective <= watch.limits.gap * (covered + objective):
        return plan(chosen, most, Stop.GAP)
    if stop := watch.over():
        return plan(chosen, most, stop)
    closed, opened = decided(priced.market, priced.found, float(groups.weight.sum()) - objective)
    answer = milp.solve(
        _cover_model(groups, free, np.union1d(closed, problem.kept).astype(np.int64), opened),
        _start(groups, chosen),
        watch,
        better=lambda x: watch.better(lambda: plan(_picked(groups, x), most, Stop.ROUNDS)),
        step=1.0 if _whole(groups) else 0.0,
        say=lambda cost: covered - cost,
    )
    if answer.x is not None:
        improved = _picked(groups, answer.x)
        if groups.weight[groups.reached(improved.tolist()) > 0].sum() > objective:
            chosen = improved
            objective = float(groups.weight[groups.reached(improved.tolist()) > 0].sum())
    # What the model leaves out is no better than the plan that it began with.
    return plan(chosen, min(most, covered + max(objective, -answer.bound)), answer.stopped)


def _whole(groups: Groups) -> bool:
    """Whether all weights are whole numbers."""
    return bool((groups.weight == np.rint(groups.weight)).all())


class _Priced:
    """A plan bettered by prices, and the most that any can cover: what is not covered is what is paid."""

    def __init__(
        self,
        groups: Groups,
        free: int,
        chosen: Ints,
        covered: float,
        watch: Watch,
        plan: Callable[[Ints], Siting],
    ) -> None:
        self.groups, self.covered, self.watch, self.plan = groups, covered, watch, plan
        self.chosen, self.objective = chosen, self._reached(chosen)
        self.everything = float(groups.weight.sum())
        order = np.argsort(groups.site, kind="stable")
        start = np.concatenate(([0], np.cumsum(np.bincount(groups.site, minlength=groups.sites))))
        self.market = Market(
            start,
            groups.site[order],
            groups.group[order],
            np.zeros(len(order)),
            groups.weight,
            np.full(groups.sites, np.inf),
            np.ones(groups.number),
            np.zeros(groups.sites, np.bool_),
            free,
        )
        # Who is reached once pays half; the others more or less.
        price = 1.0 / (1.0 + groups.reached(chosen.tolist()).astype(np.float64))
        self.found = Prices(self.market, price).raised(watch, self._propose)
        self.most = self.everything - self.found.value
        if _whole(groups):
            self.most = float(np.floor(self.most + 1e-6))

    def _reached(self, chosen: Ints) -> float:
        return float(self.groups.weight[self.groups.reached(chosen.tolist()) > 0].sum())

    def _propose(self, sites: Ints, bound: float) -> float:
        if len(sites):
            sites, weight = _swapped(self.groups, sites, self.watch)
            if weight > self.objective * (1 + 1e-12):
                self.chosen, self.objective = sites, weight
                self.watch.better(lambda: self.plan(sites))
        self.watch.tell(self.covered + self.objective, self.covered + self.everything - bound)
        return self.everything - self.objective


def fewest_sites(problem: Problem, watch: Watch | None = None) -> Siting:
    """The fewest sites, those kept among them, that leave nobody beyond the limit whom any candidate reaches.

    Capacities play no part. Objective and bound: sites.
    """
    watch = watch or Watch()
    groups, _ = Groups.of(problem.travel, problem.demand.weight, problem.kept)
    alike = Groups(groups.start, groups.site, np.ones(groups.number), groups.sites)

    def plan(chosen: Ints, bound: float, stopped: Stop) -> Siting:
        return _plan(problem, chosen, len(chosen) + len(problem.kept), bound, stopped, watch)

    chosen = _needed(groups, _greedy(alike, alike.sites))
    least = len(problem.kept) + (1 if groups.number else 0)
    watch.better(lambda: plan(chosen, least, Stop.ROUNDS))
    if len(chosen) + len(problem.kept) == least:
        return plan(chosen, least, Stop.OPTIMAL)
    if stop := watch.over():
        return plan(chosen, least, stop)
    model = Model(
        cost=np.ones(groups.sites),
        lower=np.zeros(groups.sites),
        upper=np.ones(groups.sites),
        whole=np.ones(groups.sites, np.bool_),
        start=groups.start,
        column=groups.site,
        value=np.ones(len(groups.site)),
        least=np.ones(groups.number),
        most=np.full(groups.number, np.inf),
    )
    start = np.zeros(groups.sites)
    start[chosen] = 1
    answer = milp.solve(model, start, watch, step=1.0, say=lambda cost: cost + len(problem.kept))
    if answer.x is not None:
        better = _needed(groups, np.flatnonzero(answer.x > 0.5))
        chosen = better if len(better) < len(chosen) else chosen
    return plan(chosen, max(least, len(problem.kept) + answer.bound), answer.stopped)


def least_worst(problem: Problem, sites: int, watch: Watch | None = None) -> Siting:
    """At most so many sites, with which the longest way of anybody is the shortest. Objective and bound: that way.

    Raises ValueError where more sites are kept than may be, or where so many do not reach all whom candidates reach.
    """
    watch = watch or Watch()
    number = problem.may_hold(sites)
    best = fewest_sites(problem, watch.part())
    if len(best.chosen) > number:
        raise ValueError(f"{number} sites do not reach everybody, {len(best.chosen)} would; allow more, or longer ways")
    ways = np.unique(np.append(problem.travel.far, 0.0))
    # Nobody can keep to ways[low - 1]; the best plan keeps to ways[high].
    low, high, ended = 0, _longest(problem, best, ways), Stop.OPTIMAL
    while low < high:
        watch.tell(float(ways[high]), float(ways[low]))
        if stop := watch.over():
            ended = stop
            break
        middle = (low + high) // 2
        near = Problem(problem.demand, problem.candidates, problem.travel.within(ways[middle]))
        if not np.array_equal(near.reachable, problem.reachable):
            low = middle + 1
            continue
        found = fewest_sites(near, watch.part())
        if len(found.chosen) <= number:
            best, high = found, _longest(problem, found, ways)
        elif found.bound > number:
            low = middle + 1
        else:
            ended = found.stopped
            break
    return _plan(problem, np.array(best.chosen, np.int64), float(ways[high]), float(ways[low]), ended, watch)


def _longest(problem: Problem, plan: Siting, ways: Floats) -> int:
    """The position among the ways of the longest that anybody has to the nearest site."""
    travel = problem.travel
    used = travel.far[travel.site == plan.site[travel.point]]
    return int(np.searchsorted(ways, used.max())) if len(used) else 0


def _greedy(groups: Groups, number: int) -> Ints:
    """Sites in the order in which each one adds the most weight, until so many are chosen or nothing is added."""
    gain = np.bincount(groups.site, groups.weight[groups.group], groups.sites)
    open_groups = np.ones(groups.number, np.bool_)
    chosen: list[int] = []
    while len(chosen) < number and len(gain):
        best = int(gain.argmax())
        if gain[best] <= 0:
            break
        chosen.append(best)
        new = groups.of_site(best)
        new = new[open_groups[new]]
        open_groups[new] = False
        site, weight = groups.sites_of(new)
        gain -= np.bincount(site, weight, groups.sites)
        gain[best] = 0.0
        if not open_groups.any():
            break
    return np.array(chosen, np.int64)


def _shaken(groups: Groups, chosen: Ints, watch: Watch, better: Callable[[Ints], None]) -> tuple[Ints, float]:
    """The best of plans that are improved, shaken and improved again; and the weight that it reaches."""
    random = np.random.default_rng(watch.limits.seed)
    best, reached = _swapped(groups, chosen, watch)
    better(best)
    for _ in range(SHAKES if 0 < len(best) < groups.sites else 0):
        if watch.over():
            break
        shaken = best.copy()
        out = random.permutation(len(best))[:SHAKEN]
        free = random.permutation(np.setdiff1d(np.arange(groups.sites), best))[: len(out)]
        shaken[out[: len(free)]] = free
        tried, weight = _swapped(groups, np.unique(shaken), watch)
        if weight > reached * (1 + 1e-12):
            best, reached = tried, weight
            better(best)
    return best, reached


def _swapped(groups: Groups, chosen: Ints, watch: Watch) -> tuple[Ints, float]:
    """The plan after one site at a time changed places with another as long as that reaches more weight."""
    chosen = chosen.copy()
    count = groups.reached(chosen.tolist())
    weight = groups.weight[groups.group]
    while len(chosen):
        position = np.full(groups.sites, NOBODY, np.int64)
        position[chosen] = np.arange(len(chosen))
        alone, nobody = count == 1, count == 0
        gain = np.bincount(groups.site, weight * nobody[groups.group], groups.sites)
        owned = alone[groups.group] & (position[groups.site] != NOBODY)
        owner = np.zeros(groups.number, np.int64)
        owner[groups.group[owned]] = position[groups.site[owned]]
        loss = np.bincount(owner[alone], groups.weight[alone], len(chosen))
        pairs = alone[groups.group]
        kept = np.bincount(
            groups.site[pairs] * len(chosen) + owner[groups.group[pairs]],
            weight[pairs],
            groups.sites * len(chosen),
        ).reshape(groups.sites, len(chosen))
        change = gain[:, None] + kept - loss
        change[chosen] = 0.0
        into, out = np.unravel_index(int(change.argmax()), change.shape)
        if change[into, out] <= 1e-9 * max(1.0, float(groups.weight.sum())) or watch.over():
            break
        count[groups.of_site(int(chosen[out]))] -= 1
        count[groups.of_site(int(into))] += 1
        chosen[out] = into
    return chosen, float(groups.weight[count > 0].sum())


def _needed(groups: Groups, chosen: Ints) -> Ints:
    """Without the sites whose groups others reach as well, those of the fewest groups going first."""
    count = groups.reached(chosen.tolist())
    left = []
    for site in sorted(chosen.tolist(), key=lambda one: (len(groups.of_site(one)), one)):
        own = groups.of_site(site)
        if (count[own] > 1).all():
            count[own] -= 1
        else:
            left.append(site)
    return np.array(left, np.int64)


def _cover_model(groups: Groups, free: int, closed: Ints, opened: Ints) -> Model:
    """Columns: whether each site is chosen, then what share of each group is reached. Cost: less weight reached.

    closed, opened: sites that are not chosen, or are, in any case.
    """
    sites, number = groups.sites, groups.number
    lower, upper = np.zeros(sites + number), np.ones(sites + number)
    upper[closed] = 0
    lower[opened] = 1
    # The share comes last in each row, the sites of which it needs one before it; the last row counts the sites.
    ends = groups.start[1:]
    return Model(
        cost=np.concatenate((np.zeros(sites), -groups.weight)),
        lower=lower,
        upper=upper,
        whole=np.arange(sites + number) < sites,
        start=np.concatenate((groups.start + np.arange(number + 1), [len(groups.site) + number + sites])),
        column=np.concatenate((np.insert(groups.site, ends, sites + np.arange(number)), np.arange(sites))),
        value=np.concatenate((np.insert(np.ones(len(groups.site)), ends, -1.0), np.ones(sites))),
        least=np.append(np.zeros(number), -np.inf),
        most=np.append(np.full(number, np.inf), float(free)),
    )


def _start(groups: Groups, chosen: Ints) -> Floats:
    start = np.zeros(groups.sites + groups.number)
    start[chosen] = 1
    start[groups.sites :] = groups.reached(chosen.tolist()) > 0
    return start


def _picked(groups: Groups, x: Floats) -> Ints:
    return np.flatnonzero(x[: groups.sites] > 0.5)


def _plan(problem: Problem, chosen: Ints, objective: float, bound: float, stopped: Stop, watch: Watch) -> Siting:
    """Everybody to the nearest of the chosen sites and those kept."""
    sites = tuple(sorted({*chosen.tolist(), *problem.kept}))
    site = problem.travel.nearest(sites)
    return Siting(
        sites,
        site,
        why_left(problem, sites, site),
        float(objective),
        float(bound),
        watch.seconds,
        watch.limits.seed,
        Stop.OPTIMAL if objective == bound else stopped,
    )
