"""Whether like lies beside like: Moran's I over all places, Gi* around each one, and how many flags are too many."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

NEIGHBOURS = 6
"""Nearest places that count as the neighbourhood of one, where there are enough."""

PERMUTATIONS = 9999
"""More than the usual 999: of 3,000 places some must be able to stay below the limit that all of them together set."""

AT_ONCE = 1500
"""Permutations whose outcomes are kept at a time."""

FEWEST = 4
"""Places below which nothing lies beside anything."""


@dataclass(frozen=True, slots=True)
class Moran:
    """Moran's I of all places: above ``expected`` where like lies beside like. p: by permutation, one-sided."""

    value: float
    expected: float
    p: float


@dataclass(frozen=True, slots=True)
class Neighbourhoods:
    """Gi* of each place with its neighbours. p: that chance alone gives values so high around it, by conditional
    permutation, one-sided. flagged: those left when at most a share ``false`` of the flags may be mistaken.
    """

    z: NDArray[np.float64]
    p: NDArray[np.float64]
    flagged: NDArray[np.bool_]
    false: float
    permutations: int


def nearest(points_m: ArrayLike, neighbours: int = NEIGHBOURS) -> Any:
    """Weights (PySAL's ``W``) of the nearest places of each; fewer than half of all. points_m: (n, 2), in metres."""
    from libpysal.weights import KNN

    points = np.asarray(points_m, np.float64)
    return KNN.from_array(points, k=max(1, min(neighbours, (len(points) - 1) // 2)), silence_warnings=True)


def within(points_m: ArrayLike, distance_m: float) -> Any:
    """Weights of all places within a distance of each, which may be none. points_m: (n, 2), in metres."""
    from libpysal.weights import DistanceBand

    points = np.asarray(points_m, np.float64)
    return DistanceBand.from_array(points, threshold=distance_m, silence_warnings=True)


def high_neighbourhoods(
    values: ArrayLike, weights: Any, false: float = 0.05, permutations: int = PERMUTATIONS, seed: int = 1
) -> Neighbourhoods | None:
    """Places that lie among high values: local Gi* with conditional permutation and false-discovery control.

    values: one a place, not negative. None where there are too few places, or all values are alike.
    Sources: A. Getis, J. K. Ord, Geographical Analysis 27 (1995) 286-306; Y. Benjamini, Y. Hochberg, JRSS B 57 (1995).
    """
    from esda import fdr
    from esda.getisord import G_Local

    of = np.asarray(values, np.float64)
    if of.size < FEWEST or np.ptp(of) == 0:
        return None
    higher = np.zeros(of.size, np.int64)
    for first in range(0, permutations, AT_ONCE):
        with _of_pysal():
            found = G_Local(
                of,
                weights,
                transform="B",
                star=True,
                permutations=min(AT_ONCE, permutations - first),
                n_jobs=1,
                seed=seed + first,
            )
        # PySAL's own p is that of the nearer tail, and a high place with low neighbours lies in the other one.
        observed = np.asarray(found.Gs)[:, None]
        higher += (np.asarray(found.rGs) >= observed - 1e-9 * np.abs(observed)).sum(axis=1)
    z = np.asarray(found.Zs, np.float64)
    p = (1 + higher) / (1 + permutations)
    return Neighbourhoods(z, p, (z > 0) & (p < fdr(p, false)), false, permutations)


def likeness(values: ArrayLike, weights: Any, permutations: int = 999, seed: int = 1) -> Moran | None:
    """Moran's I with row-standardised weights; None where there are too few places, or all values are alike.

    Source: A. D. Cliff, J. K. Ord, Spatial Processes (1981).
    """
    from esda.moran import Moran as PysalMoran

    of = np.asarray(values, np.float64)
    if of.size < FEWEST or np.ptp(of) == 0:
        return None
    with _of_pysal():
        found = PysalMoran(of, weights, permutations=0)
    # PySAL would shuffle with the generator that all of a process share; this one is its own.
    shuffled = np.random.default_rng(seed).permuted(np.tile(of - of.mean(), (permutations, 1)), axis=1).T
    lagged = found.w.sparse @ shuffled
    simulated = len(of) / found.w.s0 * (shuffled * lagged).sum(axis=0) / (shuffled**2).sum(axis=0)
    higher = int((simulated >= found.I - 1e-12).sum())
    return Moran(float(found.I), float(found.EI), (1 + higher) / (1 + permutations))


@contextmanager
def _of_pysal() -> Iterator[None]:
    """Without what PySAL says of its coming releases, and of neighbourhoods that hang together in several pieces.

    Nor of standard scores by permutation, which are not used here: where nearly all values are alike it divides by 0.
    """
    with warnings.catch_warnings(), np.errstate(divide="ignore", invalid="ignore"):
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", UserWarning)
        yield
