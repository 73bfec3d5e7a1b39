"""Whether like lies beside like: PySAL's published figures, and maps of which the truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from mapper.stats.clusters import high_neighbourhoods, likeness, nearest, within
from mapper.stats.small_areas import shrink
from tests.stats.families import strewn
from tests.stats.pysal_data import column, neighbours

SIX = [(10, 10), (20, 10), (40, 10), (15, 20), (30, 20), (30, 30)]
"""The example of PySAL's manual, with the values below."""
VALUES = [2, 3, 3.2, 5, 8, 7]


def test_gi_star_of_pysal_s_six_points() -> None:
    found = high_neighbourhoods(VALUES, within(SIX, 15), permutations=999)
    assert found is not None
    expected = [-1.39727626, -0.28917762, 0.65064964, -0.28917762, 1.23452088, 2.02424331]
    assert found.z.round(8).tolist() == expected
    # Of the ten pairs that could lie beside the first, nine are as high as 3 and 5; of the five that could lie beside
    # the last, one is as high as 8.
    assert found.p[0] == pytest.approx(0.9, abs=0.04)
    assert found.p[5] == pytest.approx(0.2, abs=0.05)
    assert found.permutations == 999


def test_a_high_place_among_low_ones_is_not_flagged() -> None:
    # The last stands alone: its two neighbours are the lowest of all, so that chance gives no lower ones.
    line = [(n, 0) for n in range(9)]
    found = high_neighbourhoods([0.5, 0.6, 0.5, 0.6, 0.5, 0.6, 0.1, 0.1, 9.0], nearest(line, 2), permutations=1999)
    assert found is not None
    assert found.z[8] > 0
    assert found.p[8] == 1
    assert not found.flagged[8]


def test_morans_i_of_pysal_s_counties() -> None:
    found = likeness(column("SIDR74"), neighbours())
    assert found is not None
    assert round(found.value, 9) == 0.247725193
    assert found.expected == pytest.approx(-1 / 99)
    assert found.p <= 0.002


def test_morans_i_worked_out_by_hand() -> None:
    # Four on a line, one neighbour each: 0-1 and 2-3. Values 1, 1, 3, 3; all deviations meet their like: I = 1.
    found = likeness([1, 1, 3, 3], nearest([(0, 0), (1, 0), (10, 0), (11, 0)]))
    assert found is not None
    assert found.value == pytest.approx(1)
    mixed = likeness([1, 3, 1, 3], nearest([(0, 0), (1, 0), (10, 0), (11, 0)]))
    assert mixed is not None
    assert mixed.value == pytest.approx(-1)
    assert mixed.p == 1


def test_few_places_or_all_alike_say_nothing() -> None:
    weights = nearest([(0, 0), (1, 0), (2, 0)])
    assert high_neighbourhoods([1, 2, 3], weights) is None
    assert likeness([1, 2, 3], weights) is None
    alike = nearest([(n, 0) for n in range(8)])
    assert high_neighbourhoods([0.4] * 8, alike) is None
    assert likeness([0.4] * 8, alike) is None


def test_neighbours_are_fewer_than_half_of_all_also_where_houses_share_a_point() -> None:
    assert set(nearest([(n, 0) for n in range(6)]).cardinalities.values()) == {2}
    assert set(nearest([(n, 0) for n in range(40)]).cardinalities.values()) == {6}
    assert set(nearest([(0, 0)] * 9).cardinalities.values()) == {4}


def places(random: np.random.Generator, number: int = 60) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    return random.uniform(0, 20_000, (number, 2)), random.integers(12, 120, number)


def test_the_same_seed_gives_the_same_flags() -> None:
    random = np.random.default_rng(3)
    points, _ = places(random)
    values = random.uniform(0, 1, 60)
    one, other = (high_neighbourhoods(values, nearest(points), permutations=199) for _ in range(2))
    assert one is not None
    assert other is not None
    assert one.p.tolist() == other.p.tolist()
    first, second = (likeness(values, nearest(points)) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("families", [False, True])
def test_maps_without_clusters_are_flagged_at_most_once_in_twenty(families: bool) -> None:
    random = np.random.default_rng(20)
    maps, flagged = 100, 0
    for _ in range(maps):
        points, people = places(random)
        cases = random.binomial(people, 0.15)
        if families:
            points, homes = strewn(random, np.full(60, 0.15))
            people, cases = homes.by_place(60)
        found = high_neighbourhoods(shrink(cases, people).shares, nearest(points), permutations=1999)
        flagged += found is not None and bool(found.flagged.any())
    # Of 100 one in twenty is 5, with a standard deviation of 2.2.
    assert flagged <= 5 + 3 * 2.2


def test_a_planted_cluster_is_flagged_where_it_lies() -> None:
    random = np.random.default_rng(21)
    met = 0
    for _ in range(30):
        points, people = places(random)
        inside = np.argsort(np.hypot(*(points - points[0]).T))[:9]
        rates = np.full(60, 0.12)
        rates[inside] = 0.45
        missed = shrink(random.binomial(people, rates), people).shares
        found = high_neighbourhoods(missed, nearest(points), permutations=1999)
        flags = np.flatnonzero(found.flagged) if found is not None else np.array([])
        met += 0 in flags and np.isin(flags, inside).mean() > 0.5
    assert met >= 27
