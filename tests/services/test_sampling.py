"""What figures are worth: of a census to its last house, of another, and of a cluster survey."""

from __future__ import annotations

from pathlib import Path
from shutil import copytree

import pytest

from mapper.domain.campaign import Design
from mapper.domain.roles import Role
from mapper.errors import InvalidInput
from mapper.services import publish, sampling
from mapper.services.accounts import User
from mapper.services.areas import Area
from mapper.services.reporting import Question
from mapper.stats import surveys
from mapper.stats.surveys import Cluster
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
