"""The question of least travel as HiGHS reads it, without what no better plan can hold.

Columns: whether each candidate is chosen; then for each pair of a point and a candidate whether the point goes there;
then for each point whether it has no site.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mapper.solve import milp
from mapper.solve.highs import Model
from mapper.solve.lagrange import Bound, Market
from mapper.solve.siting import NOBODY, Floats, Ints, Stop
from mapper.solve.watch import Watch


@dataclass(frozen=True, eq=False)
class Best:
    """site: of each point, NOBODY for none; None where nothing better was found. bound: no plan costs less."""

    site: Ints | None
    bound: float
    stopped: Stop


def best_of_all(market: Market, found: Bound, chosen: Ints, site: Ints, cost: float, watch: Watch) -> Best:
    """Improve a plan until it is known to be the best. chosen, site, cost: that plan, and what it costs."""
    model = _model(market, found, cost)
    sites, pairs = len(market.capacity), len(market.site)
    start = np.zeros(len(model.cost))
    start[chosen] = 1
    start[sites : sites + pairs] = site[market.point] == market.site
    start[sites + pairs :] = site == NOBODY
    whole = _whole_costs(market)
    answer = milp.solve(model, start, watch, step=1.0 if whole else 0.0)
    better = None
    if answer.x is not None:
        goes = answer.x[sites : sites + pairs] > 0.5
        better = np.full(len(market.people), NOBODY, np.int64)
        better[market.point[goes]] = market.site[goes]
    return Best(better, answer.bound, answer.stopped)


def _whole_costs(market: Market) -> bool:
    """Whether every plan costs a whole number."""
    each = np.concatenate((market.cost * market.people[market.point], market.left_out * market.people))
    return bool((each == np.rint(each)).all())


def _model(market: Market, found: Bound, cost: float) -> Model:
    sites, pairs, points = len(market.capacity), len(market.site), len(market.people)
    limited = np.isfinite(market.capacity)
    people = market.people[market.point]
    lower, upper = np.zeros(sites + pairs + points), np.ones(sites + pairs + points)
    lower[:sites][market.kept] = 1
    closed, opened = decided(market, found, cost)
    upper[:sites][closed] = 0
    lower[:sites][opened] = 1
    pair = sites + np.arange(pairs)
    by_point = np.argsort(market.point, kind="stable")
    # Each point goes to one site or to none; a pair needs its site; no site is overfull; so many sites may be free.
    rows = [
        _Rows(
            np.concatenate((market.point[by_point], np.arange(points))),
            np.concatenate((pair[by_point], sites + pairs + np.arange(points))),
            np.ones(pairs + points),
            np.ones(points),
            np.ones(points),
        ),
        _Rows(
            np.tile(np.arange(pairs), 2),
            np.concatenate((pair, market.site)),
            np.repeat([1.0, -1.0], pairs),
            np.full(pairs, -np.inf),
            np.zeros(pairs),
        ),
        _capacities(market, limited, people, pair),
        _Rows(
            np.zeros(int((~market.kept).sum()), np.int64),
            np.flatnonzero(~market.kept),
            np.ones(int((~market.kept).sum())),
            np.array([-np.inf]),
            np.array([float(market.free)]),
        ),
    ]
    start, column, value, least, most = _joined(rows)
    return Model(
        cost=np.concatenate((np.zeros(sites), market.cost * people, market.left_out * market.people)),
        lower=lower,
        upper=upper,
        # Without capacities everybody goes to one site of the nearest by itself.
        whole=np.concatenate((np.ones(sites, np.bool_), np.full(pairs + points, bool(limited.any())))),
        start=start,
        column=column,
        value=value,
        least=least,
        most=most,
    )


@dataclass(frozen=True, eq=False)
class _Rows:
    """Entries of some rows, counted from 0, and how much each row is at least and at most."""

    row: Ints
    column: Ints
    value: Floats
    least: Floats
    most: Floats


def _capacities(market: Market, limited: np.ndarray, people: Floats, pair: Ints) -> _Rows:
    number = np.cumsum(limited) - 1
    own = limited[market.site]
    which = np.flatnonzero(limited)
    return _Rows(
        np.concatenate((number[market.site[own]], np.arange(len(which)))),
        np.concatenate((pair[own], which)),
        np.concatenate((people[own], -market.capacity[which])),
        np.full(len(which), -np.inf),
        np.zeros(len(which)),
    )


def _joined(parts: list[_Rows]) -> tuple[Ints, Ints, Floats, Floats, Floats]:
    offsets = np.cumsum([0] + [len(part.least) for part in parts])
    row = np.concatenate([part.row + offset for part, offset in zip(parts, offsets.tolist(), strict=False)])
    order = np.argsort(row, kind="stable")
    start = np.concatenate(([0], np.cumsum(np.bincount(row, minlength=int(offsets[-1])))))
    return (
        start.astype(np.int64),
        np.concatenate([part.column for part in parts])[order],
        np.concatenate([part.value for part in parts])[order],
        np.concatenate([part.least for part in parts]),
        np.concatenate([part.most for part in parts]),
    )


def decided(market: Market, found: Bound, cost: float) -> tuple[Ints, Ints]:
    """Candidates that no plan cheaper than ``cost`` holds, and those that every such plan holds.

    To choose another one than the prices do costs at least what it loses less than the last of those chosen.
    """
    others = np.flatnonzero(~market.kept)
    order = others[np.argsort(found.loss[others], kind="stable")]
    first, rest = order[: market.free], order[market.free :]
    worst = found.loss[first[-1]] if len(first) else 0.0
    next_ = found.loss[rest[0]] if len(rest) else 0.0
    allowance = cost - found.value + 1e-6 * max(1.0, abs(cost))
    return rest[found.loss[rest] - worst > allowance], first[next_ - found.loss[first] > allowance]
