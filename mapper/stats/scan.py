"""Kulldorff's spatial scan statistic: the circle of places that differs most from all others, and whether by chance.

Every place is a centre; its circles hold its nearest places one after another, up to a share of all people. The
likelihood ratio of each circle is compared with the largest one of every simulated map on which the same number of
cases fell by chance alone, see ``stats.chance``: one by one as published, or in whole households.
Source: M. Kulldorff, Communications in Statistics: Theory and Methods 26 (1997) 1481-1496.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mapper.stats.chance import Households, in_households, one_by_one

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

AT_ONCE = 128
"""Circles worked out together on all maps; what fits the processor's caches is quickest."""

TOGETHER = 16
"""Places of whose circles it is worked out at once from how many cases on they matter."""

TABLE_ENDS = 4_000_000
"""Up to so many people x log x is looked up; beyond, it is worked out each time."""

SAME = 1e-9
"""Likelihood ratios as near as this are the same, but for rounding."""


class Model(StrEnum):
    """How cases fall: few among many (Poisson), or each person is a case or is not (Bernoulli)."""

    POISSON = "poisson"
    BERNOULLI = "bernoulli"


class Rates(StrEnum):
    """Which circles are looked for: with more cases than elsewhere, with fewer, or either."""

    HIGH = "high"
    LOW = "low"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Cluster:
    """A circle that differs from all other places.

    centre, members: positions of places, the members by distance from the centre, which is the first of them. radius:
    to the farthest member, in the unit of the points. expected: cases if they were spread evenly. relative_risk: share
    of cases inside over the share outside; None where there is none outside. log_ratio: of the likelihoods. p: share of
    maps by chance, this one among them, with a circle as unlike.
    """

    centre: int
    members: tuple[int, ...]
    radius: float
    cases: int
    population: float
    expected: float
    relative_risk: float | None
    log_ratio: float
    p: float


@dataclass(frozen=True, slots=True)
class Scan:
    """Circles that share no place, the most unlike first, and how many maps by chance they were compared with."""

    clusters: tuple[Cluster, ...]
    replications: int


def scan(
    points: ArrayLike,
    cases: ArrayLike,
    population: ArrayLike,
    *,
    model: Model = Model.BERNOULLI,
    rates: Rates = Rates.HIGH,
    largest: float = 0.5,
    replications: int = 999,
    seed: int = 1,
    most: int = 20,
    progress: Callable[[float], None] | None = None,
    households: Households | None = None,
) -> Scan:
    """Look for circles of places with too many cases, or too few.

    points: (n, 2) on a plane. cases: whole numbers, one a place. population: people, one a place, above 0; whole
    numbers no smaller than the cases in the Bernoulli model. largest: share of the population that a circle may hold.
    most: circles told. progress: called now and then with the share of the work that is done; what it raises ends the
    scan. households: that the cases and people are made of; maps by chance then move whole households, and without
    them each person alone. The same seed gives the same answer. Raises ValueError for numbers that cannot be.
    """
    at = np.asarray(points, np.float64)
    counted = np.asarray(cases)
    people = np.asarray(population, np.float64)
    _check(at, counted, people, model, largest, households)
    counted = counted.astype(np.int64)
    total = int(counted.sum())
    if len(at) < 2 or total == 0 or (model is Model.BERNOULLI and total == int(people.sum())):
        return Scan((), replications)
    measure = _Measure(model, rates, people, total)
    windows = list(_windows(at, people, largest))
    found = _apart(measure, at, windows, counted, most)
    random = np.random.default_rng(seed)
    if households is None:
        maps = one_by_one(people, total, replications, random, rare=model is Model.POISSON)
    else:
        maps = in_households(households, len(at), replications, random)
    simulated = _simulated(measure, windows, maps, progress)
    return Scan(
        tuple(_cluster(windows[one.centre], one, counted, people, simulated) for one in found),
        replications,
    )


@dataclass(frozen=True, slots=True)
class _Window:
    """The circles around one place. order: places by distance, as far as circles reach.

    valid: whether a circle ends there; places equally far belong to it together. What else is known of circles is
    worked out when asked for: of 3,000 places there are millions.
    """

    order: NDArray[np.int32]
    valid: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _Circle:
    centre: int
    size: int
    ratio: float
    radius: float


def _check(
    at: Floats,
    counted: NDArray[np.generic],
    people: Floats,
    model: Model,
    largest: float,
    households: Households | None,
) -> None:
    if at.ndim != 2 or at.shape[1] != 2 or counted.shape != (len(at),) or people.shape != (len(at),):
        raise ValueError(f"{at.shape} points, {counted.shape} cases, {people.shape} populations")
    if not np.isfinite(at).all() or not np.isfinite(people).all() or (people <= 0).any():
        raise ValueError("a place without position or people")
    if (counted.astype(np.int64) != counted).any() or (counted.astype(np.int64) < 0).any():
        raise ValueError("cases are whole numbers from 0")
    if model is Model.BERNOULLI and ((people != np.rint(people)).any() or (counted.astype(np.int64) > people).any()):
        raise ValueError("of whole people no more than all are cases")
    if not 0 < largest <= 1:
        raise ValueError(f"a circle of {largest} of the population")
    if households is not None:
        of_people, of_cases = households.by_place(len(at))
        if not np.array_equal(of_people, people) or not np.array_equal(of_cases, counted):
            raise ValueError("households hold other people or cases than their places")


def _windows(at: Floats, people: Floats, largest: float) -> Iterator[_Window]:
    limit = largest * people.sum() * (1 + 1e-12)
    for centre in range(len(at)):
        distances = np.hypot(*(at - at[centre]).T)
        order = np.argsort(distances, kind="stable")
        # The centre comes first among places that share its point.
        order = np.concatenate(([centre], order[order != centre]))
        reached = np.cumsum(people[order])
        apart = distances[order]
        ends = np.append(apart[1:] > apart[:-1], True)
        # A circle around everybody leaves nobody to compare with.
        inside = int(np.searchsorted(reached[:-1], limit, side="right"))
        yield _Window(order[:inside].astype(np.int32), ends[:inside].copy())


class _Measure:
    """The log likelihood ratio of circles, for one model, population and number of cases."""

    def __init__(self, model: Model, rates: Rates, people: Floats, total: int) -> None:
        self.model, self.rates, self.people, self.total = model, rates, people, total
        self.everybody = float(people.sum())
        whole = self.everybody if model is Model.BERNOULLI else total
        self._table = _x_log_x(np.arange(int(whole) + 1)) if whole <= TABLE_ENDS else None

    def ratios(self, people: Floats, cases: Ints) -> Floats:
        """Of circles that hold so many people and cases; 0 where they differ to the other side."""
        rest, expected = self.total - cases, self.total * people / self.everybody
        found = self._look_up(cases) + self._look_up(rest)
        if self.model is Model.POISSON:
            found -= cases * np.log(expected) + rest * np.log(self.total - expected)
        else:
            free = people.astype(np.int64) - cases
            free_elsewhere = int(self.everybody) - self.total - free
            all_alike = _x_log_x(np.array([self.total, self.everybody - self.total, self.everybody]))
            found += self._look_up(free) + self._look_up(free_elsewhere) - (all_alike[:2].sum() - all_alike[2])
            found -= _x_log_x(people) + _x_log_x(self.everybody - people)
        if self.rates is not Rates.BOTH:
            found[cases <= expected if self.rates is Rates.HIGH else cases >= expected] = 0.0
        return found

    def within_reach(self, people: Floats, valid: NDArray[np.bool_], ratio: float) -> tuple[Ints | None, Ints | None]:
        """(most, fewest) cases of circles at which their ratio stays below one; None for what is not looked for.

        The ratio rises with the distance from the expected number, so that halving finds them.
        """
        expected = self.total * people / self.everybody
        most = fewest = None
        if self.rates is not Rates.LOW:
            end = np.minimum(people, self.total) if self.model is Model.BERNOULLI else np.full_like(people, self.total)
            most = self._halved(people, np.floor(expected).astype(np.int64), end.astype(np.int64), ratio)
            most[~valid] = self.total
        if self.rates is not Rates.HIGH:
            left_out = self.total - (self.everybody - people)
            end = np.maximum(left_out, 0) if self.model is Model.BERNOULLI else np.zeros_like(people)
            fewest = self._halved(people, np.ceil(expected).astype(np.int64), end.astype(np.int64), ratio)
            fewest[~valid] = 0
        return most, fewest

    def _halved(self, people: Floats, near: Ints, far: Ints, ratio: float) -> Ints:
        """Between the cases expected and the farthest there can be, the last ones whose ratio is below one."""
        out_of_reach = self.ratios(people, far) < ratio
        low, high = near.copy(), far.copy()
        while (np.abs(high - low) > 1).any():
            middle = (low + high) // 2
            below = self.ratios(people, middle) < ratio
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return np.where(out_of_reach, far, low)

    def _look_up(self, numbers: Ints) -> Floats:
        if self._table is None:
            return _x_log_x(numbers)
        found: Floats = np.take(self._table, numbers)
        return found


def _x_log_x(numbers: NDArray[np.generic]) -> Floats:
    of = np.asarray(numbers, np.float64)
    found: Floats = of * np.log(np.maximum(of, 1e-300))
    return found


def _simulated(
    measure: _Measure,
    windows: list[_Window],
    maps: NDArray[np.int32],
    progress: Callable[[float], None] | None,
) -> Floats:
    """The largest ratio on each map by chance.

    Only circles with so many cases that they may exceed the lowest of these so far are worked out: one in fifty.
    """
    highest = np.zeros(maps.shape[1])
    for first in range(0, len(windows), TOGETHER):
        if progress is not None:
            progress(first / len(windows))
        group = windows[first : first + TOGETHER]
        reached = [np.cumsum(measure.people[window.order]) for window in group]
        people = np.concatenate(reached)
        valid = np.concatenate([window.valid for window in group])
        most, fewest = measure.within_reach(people, valid, float(highest.min()))
        ends = np.cumsum([len(window.order) for window in group])
        for window, of_people, end in zip(group, reached, ends.tolist(), strict=True):
            own = slice(end - len(window.order), end)
            if len(window.order):
                of_window = (None if of is None else of[own, None].astype(np.int32) for of in (most, fewest))
                _raise_highest(measure, window.order, of_people, maps, highest, *of_window)
    if progress is not None:
        progress(1.0)
    return highest


def _raise_highest(
    measure: _Measure,
    order: NDArray[np.int32],
    people: Floats,
    maps: NDArray[np.int32],
    highest: Floats,
    most: NDArray[np.int32] | None,
    fewest: NDArray[np.int32] | None,
) -> None:
    """Put in the ratios of one place's circles on every map, where they exceed what stands there."""
    inside = np.zeros((min(AT_ONCE, len(order)), maps.shape[1]), np.int32)
    # The one before the first row is the last, as it stood; so rows go on from block to block.
    before = inside[-1]
    for first in range(0, len(order), AT_ONCE):
        block = slice(first, min(first + AT_ONCE, len(order)))
        # Row by row: adding up along the first axis takes NumPy several times as long.
        for row, place in zip(inside, order[block].tolist(), strict=False):
            before = np.add(before, maps[place], out=row)
        reached = inside[: block.stop - first]
        for apart in (
            None if most is None else reached > most[block],
            None if fewest is None else reached < fewest[block],
        ):
            if apart is not None:
                circle, column = np.divmod(np.flatnonzero(apart), maps.shape[1])
                ratios = measure.ratios(people[first + circle], reached[circle, column].astype(np.int64))
                np.maximum.at(highest, column, ratios)


def _apart(measure: _Measure, at: Floats, windows: list[_Window], counted: Ints, most: int) -> list[_Circle]:
    """Circles that share no place, the highest ratio first."""
    taken = np.zeros(len(windows), np.bool_)
    best = [_best(measure, at, centre, window, counted, taken) for centre, window in enumerate(windows)]
    found: list[_Circle] = []
    while len(found) < most:
        first: _Circle | None = None
        for centre, window in enumerate(windows):
            one = best[centre]
            if one is not None and taken[window.order[: one.size]].any():
                one = best[centre] = _best(measure, at, centre, window, counted, taken)
            if one is not None and (first is None or _before(one, first)):
                first = one
        if first is None or first.ratio <= SAME:
            break
        found.append(first)
        taken[windows[first.centre].order[: first.size]] = True
    return found


def _best(
    measure: _Measure, at: Floats, centre: int, window: _Window, counted: Ints, taken: NDArray[np.bool_]
) -> _Circle | None:
    """The circle around a place with the highest ratio of those that hold no place taken already."""
    overlap = taken[window.order]
    order = window.order[: int(overlap.argmax()) if overlap.any() else len(overlap)]
    if not len(order):
        return None
    ratios = measure.ratios(np.cumsum(measure.people[order]), np.cumsum(counted[order])) * window.valid[: len(order)]
    size = int(ratios.argmax())
    return _Circle(centre, size + 1, float(ratios[size]), float(np.hypot(*(at[order[size]] - at[centre]))))


def _before(one: _Circle, other: _Circle) -> bool:
    """Of circles around the same places the narrowest tells best where they are."""
    if abs(one.ratio - other.ratio) > SAME:
        return one.ratio > other.ratio
    return (one.radius, one.centre, one.size) < (other.radius, other.centre, other.size)


def _cluster(window: _Window, one: _Circle, counted: Ints, people: Floats, simulated: Floats) -> Cluster:
    members = window.order[: one.size]
    inside, within = int(counted[members].sum()), float(people[members].sum())
    total, everybody = int(counted.sum()), float(people.sum())
    outside = total - inside
    as_unlike = int((simulated >= one.ratio - SAME).sum())
    return Cluster(
        int(members[0]),
        tuple(members.tolist()),
        one.radius,
        inside,
        within,
        total * within / everybody,
        inside / within / (outside / (everybody - within)) if outside else None,
        one.ratio,
        (1 + as_unlike) / (1 + len(simulated)),
    )
