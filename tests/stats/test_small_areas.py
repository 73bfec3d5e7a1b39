"""Shares of small places: what they are drawn to, by how much, and PySAL's own figures for rare events."""

from __future__ import annotations

import numpy as np
import pytest

from mapper.stats.small_areas import Events, shrink
from tests.stats.pysal_data import column


def test_two_hamlets_worked_out_by_hand() -> None:
    # p = .2, .8; m = .5; n = 10; s2 = .09; between = (.09 - .025) / .9; weight = 65/81; share = .5 -+ .3 x 65/81
    found = shrink([2, 8], [10, 10])
    assert found.mean == 0.5
    assert found.between == pytest.approx(0.065 / 0.9)
    assert found.weights.tolist() == pytest.approx([65 / 81, 65 / 81])
    assert found.shares.tolist() == pytest.approx([7 / 27, 20 / 27])


def test_the_fewer_the_people_the_nearer_to_the_share_of_all() -> None:
    found = shrink([0, 0, 90, 60, 95], [2, 20, 100, 100, 100])
    assert 0 < found.shares[1] < found.shares[0] < found.mean
    assert found.weights[0] < found.weights[1] < found.weights[2] == found.weights[3]
    assert abs(found.shares[2] - 0.9) < 0.02


def test_hamlets_that_differ_by_chance_alone_all_get_the_share_of_all() -> None:
    assert shrink([5, 10, 15], [10, 20, 30]).shares.tolist() == [0.5, 0.5, 0.5]
    # One more and one less of twenty is what chance brings.
    assert shrink([11, 9, 10], [20, 20, 20]).shares.tolist() == pytest.approx([0.5] * 3)
    assert shrink([1, 0, 1], [1, 1, 1]).shares.tolist() == pytest.approx([2 / 3] * 3)


def test_the_vaccinated_and_the_unvaccinated_tell_the_same() -> None:
    people = np.array([12, 40, 7, 230, 90])
    vaccinated = np.array([3, 38, 7, 180, 88])
    one, other = shrink(vaccinated, people), shrink(people - vaccinated, people)
    assert one.shares == pytest.approx(1 - other.shares)
    assert one.between > 0


def test_everybody_vaccinated_everywhere_and_no_places_at_all() -> None:
    assert shrink([3, 9], [3, 9]).shares.tolist() == [1, 1]
    assert shrink([], []).shares.tolist() == []


@pytest.mark.parametrize(("events", "people"), [([1], [0]), ([-1], [5]), ([6], [5]), ([1, 2], [5])])
def test_numbers_that_cannot_be_are_refused(events: list[int], people: list[int]) -> None:
    with pytest.raises(ValueError, match="events"):
        shrink(events, people)


def test_rare_events_are_as_pysal_has_them() -> None:
    from esda.smoothing import Empirical_Bayes

    deaths, births = column("SID74"), column("BIR74")
    found = shrink(deaths, births, Events.POISSON)
    assert found.shares[:3].round(7).tolist() == [0.0016973, 0.0017054, 0.0017731]
    assert found.shares == pytest.approx(Empirical_Bayes(deaths, births).r.ravel(), abs=1e-15)


def test_where_the_truth_is_known_levelled_shares_are_nearer_to_it() -> None:
    random = np.random.default_rng(11)
    between = []
    for _ in range(40):
        truth = random.beta(17, 3, 200)
        people = random.integers(4, 60, 200)
        vaccinated = random.binomial(people, truth)
        found = shrink(vaccinated, people)
        assert ((found.shares - truth) ** 2).mean() < 0.75 * ((vaccinated / people - truth) ** 2).mean()
        between.append(found.between)
    # The variance of Beta(17, 3) is .85 x .15 / 21; one map tells it within a fifth, forty within a thirtieth.
    assert np.mean(between) == pytest.approx(0.85 * 0.15 / 21, rel=0.1)
