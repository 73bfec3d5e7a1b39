"""Questions about sites are checked, and distances mean what they say."""

from __future__ import annotations

import numpy as np
import pytest

from mapper.solve.siting import NOBODY, Candidate, Demand, Left, Problem, Siting, Stop, Travel, why_left
from tests.solve.cases import matrix

INF = np.inf


def test_a_matrix_and_pairs_tell_the_same_travel() -> None:
    far = [[5.0, INF, 2.0], [INF, INF, INF], [INF, 7.0, INF]]
    travel = Travel.of_matrix(np.array(far, np.float32))
    assert (travel.start.tolist(), travel.site.tolist(), travel.far.tolist()) == ([0, 2, 2, 3], [0, 2, 1], [5, 2, 7])
    pairs = Travel.of_pairs([2, 0, 0], [1, 2, 0], [7, 2, 5], (3, 3))
    assert (pairs.start.tolist(), pairs.site.tolist(), pairs.far.tolist()) == ([0, 2, 2, 3], [0, 2, 1], [5, 2, 7])


def test_each_demand_point_may_have_a_limit_of_its_own() -> None:
    # Two who walk 3 km and one who walks 1 km.
    travel = Travel.of_matrix([[2.0, 4.0], [2.0, 3.0], [2.0, 1.0]], [3, 3, 1])
    assert (travel.point.tolist(), travel.site.tolist()) == ([0, 1, 1, 2], [0, 0, 1, 1])
    again = Travel.of_matrix([[2.0, 4.0], [2.0, 3.0], [2.0, 1.0]]).within([3, 3, 1])
    assert again.site.tolist() == travel.site.tolist()


def test_a_beeline_times_the_detour_is_the_way() -> None:
    random = np.random.default_rng(3)
    points, sites = random.uniform(0, 5000, (40, 2)), random.uniform(0, 5000, (7, 2))
    travel = Travel.straight(points, sites, 2600, 1.3)
    ways = 1.3 * np.hypot(*(points[:, None] - sites).transpose(2, 0, 1))
    assert np.allclose(
        matrix(Problem(Demand.of(np.ones(40)), (Candidate(),) * 7, travel)), np.where(ways <= 2600, ways, INF)
    )


def test_people_go_to_the_nearest_chosen_site_and_the_first_of_two_equally_near() -> None:
    travel = Travel.of_matrix([[5.0, 1.0, 2.0], [3.0, 9.0, 3.0], [INF, 1.0, INF]])
    assert travel.nearest([0, 2]).tolist() == [2, 0, NOBODY]
    assert travel.nearest([]).tolist() == [NOBODY] * 3


def test_who_is_left_is_left_for_a_reason() -> None:
    travel = Travel.of_matrix([[1.0, INF], [INF, 1.0], [INF, INF], [2.0, INF]])
    problem = Problem(Demand.of([5, 5, 5, 5]), (Candidate(5), Candidate()), travel)
    left = why_left(problem, [0], np.array([0, NOBODY, NOBODY, NOBODY]))
    assert left == {1: Left.NOT_CHOSEN, 2: Left.UNREACHABLE, 3: Left.FULL}


def test_a_plan_says_how_far_its_bound_is_and_whether_it_can_be_made_again() -> None:
    def plan(objective: float, bound: float, stopped: Stop) -> Siting:
        return Siting((1, 3), np.array([3, NOBODY, 1, 3]), {}, objective, bound, 0.1, 1, stopped)

    assert plan(200, 190, Stop.GAP).gap == pytest.approx(0.05)
    assert (plan(0, 0, Stop.OPTIMAL).gap, plan(0, 3, Stop.TIME).gap) == (0, INF)
    assert [plan(1, 1, stop).repeatable for stop in Stop] == [True, True, True, False, False]
    assert plan(1, 1, Stop.GAP).people(Demand.of([2, 30, 5, 4])).tolist() == [5, 6]


@pytest.mark.parametrize(
    ("people", "priority", "said"),
    [
        ([1, -1], None, "from 0"),
        ([1, INF], None, "from 0"),
        ([1, 2], [1, 0], "above 0"),
        ([1, 2], [1], "one each a point"),
    ],
)
def test_demand_that_cannot_be_is_refused(people: list[float], priority: list[float] | None, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Demand.of(people, priority)


def test_travel_that_cannot_be_is_refused() -> None:
    for far in ([[1.0, -1.0]], [[1.0, np.nan]], [1.0, 2.0]):
        with pytest.raises(ValueError, match="distances from 0"):
            Travel.of_matrix(far)


def test_parts_that_do_not_fit_are_refused() -> None:
    travel = Travel.of_matrix([[1.0, 2.0]])
    with pytest.raises(ValueError, match="there are 2 and 2"):
        Problem(Demand.of([1, 1]), (Candidate(),) * 2, travel)
    with pytest.raises(ValueError, match="capacity is a number from 0"):
        Problem(Demand.of([1]), (Candidate(-1), Candidate()), travel)
    with pytest.raises(ValueError, match="2 sites are kept, of 1"):
        Problem(Demand.of([1]), (Candidate(fixed=True), Candidate(planned=True)), travel).may_hold(1)
