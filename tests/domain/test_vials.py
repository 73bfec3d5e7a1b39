"""Vials for sessions: published figures, figures by hand, and sessions played through."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from scipy import stats

from mapper.domain.turnout import Turnout
from mapper.domain.vials import (
    Opened,
    Session,
    Supplies,
    Vial,
    doses_to_order,
    open_vial_waste,
    over_sessions,
    served,
    supplies,
    vials_for,
    wastage_factor,
    with_buffer,
)


@pytest.mark.parametrize(("mean", "waste"), [(5, 0.5035), (20, 0.1815)])
def test_open_vials_of_sessions_by_chance_waste_as_computed_elsewhere(mean: float, waste: float) -> None:
    assert round(open_vial_waste(Turnout.poisson(mean), 10) or 0, 4) == waste


def test_an_opened_vial_of_a_known_session_wastes_what_is_left_in_it() -> None:
    # 23 people open three vials of ten.
    assert open_vial_waste(Turnout.fixed(23), 10) == pytest.approx(7 / 30)
    assert open_vial_waste(Turnout.fixed(20), 10) == 0
    assert open_vial_waste(Turnout.fixed(0), 10) is None
    assert open_vial_waste(Turnout.poisson(37), 1) == pytest.approx(0)


@pytest.mark.parametrize("mean", [0.02, 0.5, 3.0, 17.5, 400.0, 9000.0])
def test_turnout_by_chance_is_the_poisson_distribution(mean: float) -> None:
    turnout = Turnout.poisson(mean)
    assert turnout.mean == pytest.approx(mean)
    for people, chance in list(turnout)[:: max(1, len(turnout.chances) // 50)]:
        assert chance == pytest.approx(stats.poisson.pmf(people, mean), rel=1e-6, abs=1e-15)
    for level in (0.05, 0.5, 0.9, 0.95, 0.999):
        assert turnout.at_most(level) == stats.poisson.ppf(level, mean)


@pytest.mark.parametrize(("people", "share"), [(1, 0.5), (12, 0.8), (60, 0.97), (2000, 0.7)])
def test_turnout_of_people_invited_is_the_binomial_distribution(people: int, share: float) -> None:
    turnout = Turnout.invited(people, share)
    assert turnout.mean == pytest.approx(people * share)
    assert max(number for number, _ in turnout) <= people
    for level in (0.05, 0.5, 0.9, 0.95, 0.999):
        assert turnout.at_most(level) == stats.binom.ppf(level, people, share)


def test_who_surely_comes_is_no_chance() -> None:
    assert [Turnout.invited(8, 1), Turnout.invited(8, 0), Turnout.poisson(0)] == [
        Turnout.fixed(8),
        Turnout.fixed(0),
        Turnout.fixed(0),
    ]
    assert (vials_for(Turnout.fixed(30), 10), vials_for(Turnout.fixed(31), 10), vials_for(Turnout.fixed(0), 10)) == (
        3,
        4,
        0,
    )


def draw(mean: float, dice: random.Random) -> int:
    """A number of people by the Poisson distribution: arrivals within a day."""
    people, at = 0, dice.expovariate(mean)
    while at < 1:
        people, at = people + 1, at + dice.expovariate(mean)
    return people


@pytest.mark.parametrize("mean", [0.03, 0.8, 6.0, 33.0])
@pytest.mark.parametrize("doses", [1, 5, 10])
def test_sessions_played_through_serve_nineteen_of_twenty(mean: float, doses: int) -> None:
    dice = random.Random(f"{mean} {doses}")
    stock = doses * vials_for(Turnout.poisson(mean), doses)
    comes = [draw(mean, dice) for _ in range(3000)]
    # Three standard deviations of such a share.
    assert sum(people <= stock for people in comes) / len(comes) > 0.95 - 3 * (0.95 * 0.05 / len(comes)) ** 0.5
    assert sum(min(people, stock) for people in comes) >= 0.95 * sum(comes)


def test_one_vial_fewer_would_not_do() -> None:
    for mean in (0.02, 0.3, 2.0, 9.5, 30.0, 210.0):
        turnout = Turnout.poisson(mean)
        for doses in (1, 5, 10, 20):
            fewer = (vials_for(turnout, doses) - 1) * doses
            assert fewer < turnout.at_most(0.95) or served(turnout, fewer) < 0.95


def test_a_session_to_which_mostly_nobody_comes_still_takes_a_vial() -> None:
    # In 98 of 100 nobody comes; with no vial at all none of the others were served.
    assert Turnout.poisson(0.02).at_most(0.95) == 0
    assert vials_for(Turnout.poisson(0.02), 10) == 1


def sessions(*each: tuple[int, int]) -> list[Session]:
    """Of day and people."""
    return [Session(day, Turnout.fixed(people)) for day, people in each]


def test_what_is_left_in_a_vial_is_used_on_the_days_on_which_it_is_good() -> None:
    weekly = sessions((0, 4), (7, 4), (35, 4))
    assert over_sessions(weekly, Vial(10)) == Opened(3, 12, 18, 3)
    # The first vial serves the second week; 28 days after its opening it is thrown away with two doses.
    assert over_sessions(weekly, Vial(10, open_days=28)) == Opened(2, 12, 8, 2)
    # The third takes the last two doses, and two of a new vial, where 35 days are allowed.
    assert over_sessions(weekly, Vial(10, open_days=35)) == Opened(2, 12, 8, 2)
    assert over_sessions(sessions((0, 4), (7, 4), (28, 2)), Vial(10, open_days=28)) == Opened(1, 10, 0, 1)
    assert over_sessions([], Vial(10)) == Opened(0, 0, 0, 0)
    assert over_sessions([], Vial(10)).waste is None


def test_a_vial_opened_later_is_good_for_longer() -> None:
    # The second session uses up the first vial and opens another, good up to day 9.
    assert over_sessions(sessions((0, 6), (2, 6), (9, 8)), Vial(10, open_days=7)) == Opened(2, 20, 0, 2)
    assert over_sessions(sessions((0, 6), (2, 6), (10, 8)), Vial(10, open_days=7)) == Opened(3, 20, 10, 3)


def test_days_without_keeping_are_sessions_by_themselves() -> None:
    turnout = Turnout.poisson(5)
    found = over_sessions([Session(day, turnout) for day in range(4)], Vial(10))
    assert found.waste == pytest.approx(open_vial_waste(turnout, 10), abs=1e-8)
    assert over_sessions([Session(0, turnout)], Vial(10)).to_take == vials_for(turnout, 10)


def played(means: list[float], days: list[int], vial: Vial, dice: random.Random) -> int:
    """Vials that are opened in a row of sessions, told dose by dose."""
    opened = left = since = 0
    for day, mean in zip(days, means, strict=True):
        if not vial.open_days or day - since > vial.open_days:
            left = 0
        for _ in range(draw(mean, dice)):
            if not left:
                opened, left, since = opened + 1, vial.doses, day
            left -= 1
    return opened


def test_sessions_that_share_vials_open_as_many_as_when_played_through() -> None:
    dice = random.Random(4)
    means, days, vial = [3.0, 7.5, 0.6, 4.0, 2.0], [0, 3, 9, 20, 22], Vial(10, open_days=10)
    expected = over_sessions([Session(day, Turnout.poisson(m)) for day, m in zip(days, means, strict=True)], vial)
    opened = [played(means, days, vial, dice) for _ in range(6000)]
    mean = sum(opened) / len(opened)
    error = (sum((each - mean) ** 2 for each in opened) / len(opened) ** 2) ** 0.5
    assert abs(mean - expected.vials) < 4 * error
    enough = sum(each <= expected.to_take for each in opened) / len(opened)
    assert enough > 0.95 - 3 * (0.95 * 0.05 / len(opened)) ** 0.5
    assert expected.given + expected.wasted == pytest.approx(10 * expected.vials)


def test_wastage_factors_and_the_need_of_a_campaign_are_those_of_the_guidelines() -> None:
    assert [round(wastage_factor(rate), 2) for rate in (0.3, 0.1, 0)] == [1.43, 1.11, 1]
    # MSF: 50,000 people, 40 % of them in the age group, factor 1.17, buffer 25 %.
    assert doses_to_order(50_000 * 0.4, 1.17, 0.25) == 29_250
    assert (with_buffer(10, 0.25), with_buffer(8, 0.25), with_buffer(0, 0.25)) == (13, 10, 0)


def test_syringes_diluent_and_boxes_go_with_the_vials() -> None:
    # 90 / 0.9 = 100 syringes; a powder needs one diluent and, with spares, 12 mixing syringes for 10 vials.
    assert supplies(90, 10, Vial(10)) == Supplies(10, 100, 0, 0, 1)
    assert supplies(90, 10, Vial(10, mixed=True)) == Supplies(10, 100, 10, 12, 2)
    assert supplies(0, 0, Vial(10, mixed=True)) == Supplies(0, 0, 0, 0, 0)


@pytest.mark.parametrize(
    "impossible",
    [
        lambda: Turnout.fixed(-1),
        lambda: Turnout.poisson(-0.1),
        lambda: Turnout.poisson(float("inf")),
        lambda: Turnout.invited(3, 1.1),
        lambda: Turnout.fixed(3).at_most(1),
        lambda: Vial(0),
        lambda: Vial(10, -1),
        lambda: wastage_factor(1),
        lambda: doses_to_order(10, 0.9, 0),
        lambda: over_sessions(sessions((3, 1), (2, 1)), Vial(10)),
    ],
    ids=[
        *("people", "mean", "endless", "share", "level", "empty_vial", "days", "all_wasted", "factor"),
        "days_backwards",
    ],
)
def test_numbers_that_cannot_be_are_refused(impossible: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=r"[a-z]"):
        impossible()
