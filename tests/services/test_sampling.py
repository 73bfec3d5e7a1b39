"""What figures are worth: of a census to its last house, of another, and of a cluster survey."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from shutil import copytree

import orjson
import pytest

from mapper.domain.campaign import Design
from mapper.domain.roles import Role
from mapper.errors import InvalidInput
from mapper.services import cluster_design, publish, reporting, sampling, targets
from mapper.services.accounts import User
from mapper.services.areas import Area
from mapper.services.questions import Question
from mapper.stats import surveys
from mapper.stats.surveys import Cluster
from mapper.web.api import figures
from tests.services.town import COMMUNES, DAY, EVERYTHING, EXPECTED, FORMS, HAMLETS, Town, person

QUESTION = Question("covid19", "18_plus", "1", DAY, "commune", "squares")
GIVEN = [("1", DAY, "pfizer")]


def visit(town: Town, commune: int, hamlet: int, vaccinated: int, others: int, **answers: object) -> None:
    people = [person(doses=GIVEN)] * vaccinated + [person()] * others
    town.send(town.write(answers, people, commune=commune, hamlet=hamlet))


def as_survey(town: Town, files: Path) -> None:
    """Publish the campaign once more, as a cluster survey."""
    folder = copytree(FORMS / "covid19", files / "covid19")
    toml = folder / "campaign.toml"
    toml.write_text('design = "cluster_survey"\n' + toml.read_text("utf-8"), "utf-8")
    publish.publish(town.reference, folder)


def test_a_hamlet_asked_to_the_last_house_is_counted_and_not_estimated(town: Town) -> None:
    hamlet = Area("hamlet", HAMLETS[0][0])
    for _ in range(EXPECTED[HAMLETS[0][0]] - 1):
        visit(town, 0, 0, 1, 1)
    almost = sampling.standing(town.reference, EVERYTHING, QUESTION, hamlet)
    said = almost.total.assessment
    assert not almost.complete
    assert said.low is not None
    assert said.worst is not None
    assert said.worst < 0.5 == said.coverage
    visit(town, 0, 0, 1, 1)
    whole = sampling.standing(town.reference, EVERYTHING, QUESTION, hamlet)
    assert (whole.design, whole.complete, whole.estimate) == (Design.CENSUS, True, None)
    assert whole.total.assessment[:5] == (0.5, None, None, 0.5, 0.5)
    # One neighbour more, of whom nobody knows anything, and it is an estimate again.
    visit(town, 0, 0, 0, 0, **{"visit.outcome": "locked"})
    assert not sampling.standing(town.reference, EVERYTHING, QUESTION, hamlet).complete


def test_the_hamlets_of_a_cluster_survey_are_its_clusters_and_the_communes_its_strata(
    town: Town, tmp_path: Path
) -> None:
    found = {(0, 0): (3, 1), (0, 1): (2, 2), (1, 0): (4, 0), (1, 1): (1, 3), (2, 0): (2, 3)}
    for (commune, hamlet), (vaccinated, others) in found.items():
        visit(town, commune, hamlet, vaccinated - 1, others)
        visit(town, commune, hamlet, 1, 0)
    assert sampling.standing(town.reference, EVERYTHING, QUESTION, None).estimate is None
    as_survey(town, tmp_path)
    standing = sampling.standing(town.reference, EVERYTHING, QUESTION, None)
    by_hand = [Cluster.unweighted(sum(both), both[0], commune) for (commune, _), both in found.items()]
    assert standing.design is Design.CLUSTER_SURVEY
    assert standing.estimate == surveys.estimate(by_hand)
    assert standing.estimate is not None
    assert (standing.estimate.clusters, standing.estimate.strata, standing.estimate.freedom) == (5, 3, 2)
    assert standing.total.eligible == standing.estimate.people == 21
    # Of an area, and of what somebody may see, its own clusters alone.
    south = User(1, "somebody", Role.SUPERVISOR, (("squares", COMMUNES[1]),), 0)
    for user, area in ((EVERYTHING, Area("commune", COMMUNES[1])), (south, None)):
        part = sampling.standing(town.reference, user, QUESTION, area).estimate
        assert part == surveys.estimate([Cluster.unweighted(4, 4, 1), Cluster.unweighted(4, 1, 1)])


def test_every_figure_of_a_cluster_survey_has_the_interval_of_its_design_or_none(town: Town, tmp_path: Path) -> None:
    found = {(0, 0): (3, 1), (0, 1): (2, 2), (1, 0): (4, 0), (1, 1): (4, 0), (2, 0): (2, 3)}
    for (commune, hamlet), (vaccinated, others) in found.items():
        visit(town, commune, hamlet, vaccinated, others)
    level = {"hamlet": replace(QUESTION, level="hamlet"), "commune": QUESTION}
    census = reporting.coverage(town.reference, EVERYTHING, level["hamlet"])
    assert census.total.assessment.worst is not None
    as_survey(town, tmp_path)
    hamlets = reporting.coverage(town.reference, EVERYTHING, level["hamlet"])
    drawn = [unit.assessment for unit in hamlets.units if unit.eligible]
    # Of one cluster nobody knows how its hamlet would look without the people asked: a share of them, and no interval.
    assert [said[:6] for said in drawn] == [(each, *[None] * 5) for each in (0.75, 0.5, 1.0, 1.0, 0.4)]
    assert all(said.sampled for said in drawn)
    assert all(unit.assessment[:6] == (None,) * 6 for unit in hamlets.units if not unit.eligible)
    communes = reporting.coverage(town.reference, EVERYTHING, level["commune"])
    said = {unit.code: unit.assessment for unit in communes.units}
    north = surveys.estimate([Cluster.unweighted(4, 3), Cluster.unweighted(4, 2)])
    assert said[COMMUNES[0]][:3] == (0.625, *(north.wilson or ()))
    # All alike, they say nothing of their own error: 2 clusters, and Student's t of 1 degree of freedom.
    alike = surveys.estimate([Cluster.unweighted(4, 4)] * 2)
    assert alike.cautious is not None
    assert said[COMMUNES[1]][:3] == (1.0, *alike.cautious)
    assert said[COMMUNES[1]].low == pytest.approx(1 / (1 + 12.7062**2 / 2), abs=1e-5)
    assert said[COMMUNES[2]][:3] == (0.4, None, None)
    by_hand = [Cluster.unweighted(sum(both), both[0], commune) for (commune, _), both in found.items()]
    whole = surveys.estimate(by_hand)
    for answer in (hamlets, communes):
        assert answer.total.assessment[:6] == (15 / 21, *(whole.wilson or ()), None, None, None)
    # Programs read the same, a figure that does not exist as null; so do the targets of every dose.
    row = orjson.loads(orjson.dumps(figures([communes.total])))[0]
    assert (row["low"], row["worst"], row["needed"]) == (round(whole.wilson[0] if whole.wilson else 0, 6), None, None)
    every = targets.targets(town.reference, EVERYTHING, QUESTION).every
    assert all(one.figures.assessment.sampled for one in every if one.figures.eligible)
    first = next(one for one in every if (one.group.code, one.dose.code) == ("18_plus", "1"))
    assert first.figures.assessment == communes.total.assessment


def test_a_hamlet_of_a_cluster_survey_asked_to_its_last_house_is_counted(sqlite_town: Town, tmp_path: Path) -> None:
    for _ in range(EXPECTED[HAMLETS[0][0]]):
        visit(sqlite_town, 0, 0, 1, 1)
    as_survey(sqlite_town, tmp_path)
    answer = reporting.coverage(sqlite_town.reference, EVERYTHING, replace(QUESTION, level="hamlet"))
    one = next(unit.assessment for unit in answer.units if unit.code == HAMLETS[0][0])
    assert one.complete
    assert one[:5] == (0.5, None, None, 0.5, 0.5)


def test_people_who_told_no_hamlet_are_one_cluster_of_their_commune() -> None:
    rows = [
        ("1", "a", 4, 2),
        ("1", None, 3, 3),
        ("1", None, 1, 0),
        ("2", "b", 5, 1),
        ("1", "b", 6, 6),
        ("2", "c", 0, 0),
    ]
    by_hand = [Cluster.unweighted(4, 2, "1"), Cluster.unweighted(4, 3, "1"), Cluster.unweighted(11, 7, "1")]
    assert cluster_design.estimate(rows) == surveys.estimate(by_hand)
    assert cluster_design.estimate([("2", "c", 0, 0)]) is None
    assert cluster_design.interval(None) is None


def test_a_cluster_survey_nobody_was_asked_for_yet_says_nothing(sqlite_town: Town, tmp_path: Path) -> None:
    as_survey(sqlite_town, tmp_path)
    standing = sampling.standing(sqlite_town.reference, EVERYTHING, QUESTION, None)
    assert (standing.estimate, standing.total.assessment.coverage) == (None, None)


def test_a_table_is_worked_out_as_its_columns_say() -> None:
    found = sampling.of_file(b"cluster,vaccinated\na,1\na,0\nb,1\nb,1\n")
    assert found == surveys.estimate([Cluster.unweighted(2, 1), Cluster.unweighted(2, 2)])
    weighted = sampling.of_file(b"cluster,stratum,weight,vaccinated\na,x,1,1\na,x,3,0\nb,x,2,1\na,y,1,1\n")
    assert (weighted.clusters, weighted.strata, weighted.share) == (3, 2, 4 / 7)
    with pytest.raises(InvalidInput):
        sampling.of_file(b"cluster\na\n")
