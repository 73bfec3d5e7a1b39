"""Points of households placed in a boundary set by the workers of a cluster, some portions ahead of whoever takes them.

What travels are the index of the set, once, and longitudes and latitudes, by which workers know neither household nor
cell; what comes back are numbers of units. Nothing depends on a worker: what one does not answer is placed here.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mapper.errors import Unavailable, trace
from mapper.geo.placing import Indexes, Placer
from mapper.services.cluster import Cluster
from mapper.store.placements import Points

log = logging.getLogger(__name__)

MANY = 100_000
"""Households from which on a cluster is asked: to place fewer takes no longer than to reach it."""

TOGETHER = 100_000
"""Points that travel at once."""

AHEAD = 2
"""Portions that each worker has before it."""

PATIENCE_S = 60
"""An answer that takes longer is not waited for: workers may be gone while their scheduler stays."""


def place_points(packed: bytes, where: tuple[NDArray[np.float64], NDArray[np.float64]]) -> Indexes:
    """The number of each point's unit, -1 for none. packed: of ``Placer.to_bytes``; where: longitudes, latitudes."""
    return _placer(packed).place(*where)


@lru_cache(maxsize=1)
def _placer(packed: bytes) -> Placer:
    return Placer.from_bytes(packed)


@contextmanager
def lent(address: str, points: int) -> Iterator[Cluster | None]:
    """The cluster of an address for so many points; None, said in the log, where it cannot be had. Left afterwards."""
    cluster = None
    if address and points >= MANY:
        try:
            cluster = Cluster(address)
        except Unavailable as fault:
            log.warning("%s Points are placed by this process alone.", fault)
    try:
        yield cluster
    finally:
        if cluster is not None:
            cluster.shutdown()


def placed(
    portions: Iterable[Points], placer: Placer, packed: Callable[[], bytes], cluster: Cluster | None
) -> Generator[tuple[Points, Indexes], None, None]:
    """All points, in order, each with the number of its unit.

    packed: the same placer as workers are sent it, asked for where there is a cluster. This process places too,
    whenever the others have enough before them, and all that is left where the cluster fails.
    """
    if cluster is None:
        for points in portions:
            yield points, placer.place(points.lon, points.lat)
        return
    data, helping = packed(), True
    line: deque[tuple[Points, Future[Indexes] | Indexes]] = deque()

    def alone(fault: BaseException) -> None:
        nonlocal helping
        if helping:
            log.warning("the Dask cluster failed, points are placed by this process alone: %s", trace(fault))
        helping = False

    def given(points: Points) -> Future[Indexes] | None:
        waiting = sum(isinstance(units, Future) and not units.done() for _, units in line)
        if helping and waiting < AHEAD * cluster.workers:
            try:
                return cluster.submit(place_points, data, (points.lon, points.lat))
            except Exception as fault:
                alone(fault)
        return None

    def taken() -> tuple[Points, Indexes]:
        points, units = line.popleft()
        if not isinstance(units, Future):
            return points, units
        if helping or units.done():
            try:
                return points, units.result(timeout=PATIENCE_S)
            except Exception as fault:  # it broke, was called off, or takes too long: they share no class
                alone(fault)
        return points, placer.place(points.lon, points.lat)

    for points in _joined(portions):
        line.append((points, given(points) or placer.place(points.lon, points.lat)))
        while line and (_is_there(line[0][1]) or not helping or len(line) > 2 * AHEAD * (cluster.workers + 1)):
            yield taken()
    while line:
        yield taken()


def _is_there(units: Future[Indexes] | Indexes) -> bool:
    return not isinstance(units, Future) or units.done()


def _joined(portions: Iterable[Points]) -> Iterator[Points]:
    """The same points, so many at once that their way is worth it."""
    some: list[Points] = []
    for points in portions:
        some.append(points)
        if sum(len(each.seq) for each in some) >= TOGETHER:
            yield Points(*map(np.concatenate, zip(*some, strict=True)))
            some = []
    if some:
        yield Points(*map(np.concatenate, zip(*some, strict=True)))
