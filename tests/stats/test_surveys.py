"""Cluster surveys: against R's survey package, by hand, and on populations whose truth is known.

survey_designs.json holds generated people, survey_reference.json what R says of them; bench/survey_designs.py wrote
both. The names of R and package stand in the latter.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mapper.stats import surveys
from mapper.stats.surveys import Cluster, Estimate

HERE = Path(__file__).resolve().parent
DESIGNS: list[dict[str, Any]] = json.loads((HERE / "survey_designs.json").read_text("utf-8"))
ANSWERS: list[dict[str, Any]] = json.loads((HERE / "survey_reference.json").read_text("utf-8"))["answers"]
NAMES = [design["name"] for design in DESIGNS]
EXACT = {"rel": 1e-9, "abs": 1e-12}
FITTED = {"rel": 0, "abs": 1e-6}
"""svyciprop fits a model until it hardly changes."""


def of_design(design: dict[str, Any]) -> Estimate:
    people = (design[column] for column in ("vaccinated", "cluster", "stratum", "weight"))
    return surveys.estimate(surveys.gather(*people))


def test_r_was_asked_about_each_of_the_designs() -> None:
    assert len(DESIGNS) >= 20
    assert [answer["name"] for answer in ANSWERS] == NAMES
    kinds = [set(answer) for answer in ANSWERS]
    assert sum("logit" in kind for kind in kinds) >= 20
    assert sum("exact" in kind for kind in kinds) >= 2
    assert sum(kind == {"name", "share"} for kind in kinds) == 1


@pytest.mark.parametrize(("design", "answer"), list(zip(DESIGNS, ANSWERS, strict=True)), ids=NAMES)
def test_share_error_and_intervals_are_those_of_r(design: dict[str, Any], answer: dict[str, Any]) -> None:
    found = of_design(design)
    assert found.share == pytest.approx(answer["share"], **EXACT)
    if "error" not in answer:
        assert (found.error, found.deff, found.effective, found.wilson, found.logit) == (None,) * 5
        return
    assert found.freedom == answer["freedom"]
    assert found.error == pytest.approx(answer["error"], **EXACT)
    if "exact" in answer:
        assert found.alike
        assert found.logit == pytest.approx(answer["exact"], **EXACT)
        return
    assert not found.alike
    assert found.deff == pytest.approx(answer["deff"], **EXACT)
    assert found.logit == pytest.approx(answer["xlogit"], **EXACT)
    if answer["freedom"] > 1:
        assert found.logit == pytest.approx(answer["logit"], **FITTED)
    else:
        # With one degree of freedom svyciprop's own model gives up; the same interval as "xlogit" needs no model.
        assert answer["logit"] == [0, None]
    assert found.wilson == pytest.approx(score(answer, len(design["vaccinated"])), abs=1e-9)


def score(answer: dict[str, Any], people: int) -> tuple[float, float]:
    """Wilson's interval from R's figures: the shares that a score test with Student's quantile does not refuse."""
    share = answer["share"]
    effective = min(share * (1 - share) / answer["error"] ** 2, people)

    def refuses(truth: float) -> bool:
        return bool(abs(share - truth) > answer["quantile"] * math.sqrt(truth * (1 - truth) / effective))

    def edge(kept: float, refused: float) -> float:
        for _ in range(80):
            middle = (kept + refused) / 2
            kept, refused = (kept, middle) if refuses(middle) else (middle, refused)
        return kept

    return edge(share, 0.0), edge(share, 1.0)


def test_a_sample_worked_out_by_hand() -> None:
    # Four clusters of ten, of whom 6, 8, 8 and 10 are vaccinated: 32 of 40. The clusters' totals lie -2, 0, 0 and 2
    # from their mean, so that the variance is 4/3 x 8 / 40^2 = 1/150, and a simple random sample's .16/39.
    found = surveys.estimate([Cluster.unweighted(10, vaccinated) for vaccinated in (6, 8, 8, 10)])
    assert (found.share, found.people, found.clusters, found.strata, found.freedom) == (0.8, 40, 4, 1, 3)
    assert found.error == pytest.approx(math.sqrt(1 / 150))
    assert found.deff == pytest.approx(39 / 24)
    assert found.effective == pytest.approx(24)
    # Between: 10 x (.04 + .04) / 3 = 4/15. Within: (2.4 + 1.6 + 1.6 + 0) / 36 = 7/45. Of whole: 4/15 + 9 x 7/45 = 5/3.
    assert found.icc == pytest.approx((4 / 15 - 7 / 45) / (5 / 3))


def test_the_same_in_two_strata_of_like_clusters_has_no_error_left_but_within_them() -> None:
    pairs = [
        Cluster.unweighted(10, vaccinated, stratum) for vaccinated, stratum in zip((6, 8, 8, 10), "aabb", strict=True)
    ]
    # In each stratum the totals lie -1 and 1 from their mean: 2 x (2 x 2) / 40^2 = 1/200.
    found = surveys.estimate(pairs)
    assert (found.strata, found.freedom) == (2, 2)
    assert found.error == pytest.approx(math.sqrt(1 / 200))


@pytest.mark.parametrize("told", [0, 1])
def test_where_all_or_none_are_vaccinated_the_sample_stands_for_itself_and_a_cautious_bound_beside_it(
    told: int,
) -> None:
    found = surveys.estimate([Cluster.unweighted(7, 7 * told)] * 30)
    assert (found.share, found.error, found.deff, found.effective) == (told, 0.0, 1.0, 210)
    assert found.alike
    assert found.icc is None
    # The exact bound of 210 of 210 is .025 to the power of 1/210; that of Wilson has t = 1.9714 with 209 degrees.
    exact, wilson, cautious = found.logit, found.wilson, found.cautious
    assert exact is not None
    assert wilson is not None
    assert cautious is not None
    reach = {
        "exact": 1 - 0.025 ** (1 / 210),
        "wilson": 1.9714**2 / (210 + 1.9714**2),
        "cautious": 2.0452**2 / (30 + 2.0452**2),
    }
    for name, interval in (("exact", exact), ("wilson", wilson), ("cautious", cautious)):
        low, high = interval if told else (1 - interval.high, 1 - interval.low)
        assert high == 1
        assert 1 - low == pytest.approx(reach[name], rel=1e-4), name


def test_clusters_with_one_share_tell_nothing_of_their_error() -> None:
    found = surveys.estimate([Cluster.unweighted(10, 7), Cluster.unweighted(20, 14), Cluster.unweighted(30, 21)])
    assert (found.share, found.error, found.alike) == (0.7, 0.0, True)
    assert found.cautious is not None
    assert found.wilson is not None
    assert found.cautious.low < found.wilson.low < 0.7 < found.wilson.high < found.cautious.high


@pytest.mark.parametrize(
    "clusters",
    [[Cluster.unweighted(30, 24)], [Cluster.unweighted(30, 24, "a"), Cluster.unweighted(30, 20, "b")]],
    ids=["one cluster", "one cluster in each stratum"],
)
def test_a_design_without_two_clusters_in_any_stratum_has_a_share_and_no_interval(clusters: list[Cluster]) -> None:
    found = surveys.estimate(clusters)
    assert 0.7 < found.share <= 0.8
    assert found.freedom == 0
    assert (found.error, found.deff, found.effective, found.wilson, found.logit, found.cautious) == (None,) * 6


def test_people_are_gathered_by_stratum_and_cluster() -> None:
    found = surveys.gather([1, 0, 1, 1], ["a", "a", "b", "a"], ["x", "x", "x", "y"], [1, 2, 1, 5])
    assert found == [Cluster(2, 1, 3.0, 1.0, "x"), Cluster(1, 1, 1.0, 1.0, "x"), Cluster(1, 1, 5.0, 5.0, "y")]
    assert surveys.gather([1, 0], "ab") == [Cluster.unweighted(1, 1), Cluster.unweighted(1, 0)]


@pytest.mark.parametrize(
    "people",
    [
        ([1, 2], "ab"),
        ([1, 0], "abc"),
        ([1, 0], "ab", "x"),
        ([1, 0], "ab", None, [1.0, 0.0]),
        ([1, 0], "ab", None, [1.0, math.nan]),
        ([1, 0], "ab", None, [1.0, math.inf]),
    ],
    ids=["no answer", "lengths", "strata", "no weight", "no number", "no end"],
)
def test_what_is_no_sample_is_refused(people: tuple[Any, ...]) -> None:
    with pytest.raises(ValueError, match=r"needed|person 2"):
        surveys.gather(*people)


def test_no_cluster_and_an_impossible_one_are_refused() -> None:
    for clusters in ([], [Cluster.unweighted(0, 0)], [Cluster.unweighted(3, 4)]):
        with pytest.raises(ValueError, match="each cluster needs people"):
            surveys.estimate(clusters)


REPEATS = 3000


@pytest.mark.parametrize(
    ("number", "sizes", "strata", "coverage", "alike"),
    [
        (30, (7, 7), 1, 0.80, 0.10),
        (30, (3, 20), 1, 0.70, 0.05),
        (12, (20, 30), 1, 0.60, 0.10),
        (40, (5, 9), 4, 0.75, 0.15),
    ],
    ids=["thirty by seven", "sizes differ", "twelve", "four strata"],
)
def test_95_of_100_intervals_hold_the_truth(
    number: int, sizes: tuple[int, int], strata: int, coverage: float, alike: float
) -> None:
    chance = np.random.default_rng(4)
    people = chance.integers(sizes[0], sizes[1], (REPEATS, number), endpoint=True)
    # Strata differ in coverage, which lies as much above as below.
    stratum = np.arange(number) % strata
    of_stratum = coverage + (0.1 * (2 * stratum / (strata - 1) - 1) if strata > 1 else 0)
    both = 1 / alike - 1
    shares = chance.beta(of_stratum * both, (1 - of_stratum) * both, (REPEATS, number))
    vaccinated = chance.binomial(people, shares)
    held = {"wilson": 0, "logit": 0}
    for sizes_here, hits in zip(people.tolist(), vaccinated.tolist(), strict=True):
        clusters = [Cluster.unweighted(*one) for one in zip(sizes_here, hits, stratum.tolist(), strict=True)]
        found = surveys.estimate(clusters)
        for name, interval in (("wilson", found.wilson), ("logit", found.logit)):
            assert interval is not None
            held[name] += interval.low <= coverage <= interval.high
    assert {name: 0.93 <= times / REPEATS <= 0.97 for name, times in held.items()} == {"wilson": True, "logit": True}, (
        held
    )


def test_an_interval_that_takes_a_cluster_s_people_for_as_many_witnesses_holds_the_truth_too_seldom() -> None:
    chance = np.random.default_rng(4)
    shares = chance.beta(0.8 * 4, 0.2 * 4, (REPEATS, 30))
    vaccinated = chance.binomial(20, shares).sum(axis=1)
    naive = [surveys.wilson(hits / 600, 600, 1.96) for hits in vaccinated.tolist()]
    assert sum(low <= 0.8 <= high for low, high in naive) / REPEATS < 0.75
