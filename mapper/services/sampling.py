"""What figures say of a place where not everybody was asked: a census with its bounds, a sample with its interval."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mapper.domain.campaign import Design
from mapper.domain.ledger import INSIDE, State
from mapper.formats.survey_file import read_survey
from mapper.services import reporting
from mapper.services.accounts import User
from mapper.services.areas import Area
from mapper.services.reference import Reference
from mapper.services.reporting import HAMLET, Question, UnitFigures
from mapper.stats import surveys
from mapper.stats.surveys import Cluster, Estimate

_VACCINATED = INSIDE.index(State.VACCINATED)


@dataclass(frozen=True, slots=True)
class Standing:
    """What a campaign's figures are, for one group, dose, day and area.

    hamlets, total: as everywhere. estimate: of a cluster survey, None for a census, or where nobody was asked yet.
    left_out: people of the sample who told no hamlet, and so belong to no cluster.
    """

    design: Design
    hamlets: tuple[UnitFigures, ...]
    total: UnitFigures
    estimate: Estimate | None
    left_out: int

    @property
    def complete(self) -> bool:
        """Whether everybody is known, so that no chance is in the share."""
        said = self.total.assessment
        return said.coverage is not None and said.low is None


def standing(reference: Reference, user: User, question: Question, area: Area | None) -> Standing:
    """The figures of an area as its campaign's design makes them; from tallies.

    Of a cluster survey the clusters are the hamlets, the strata the communes, and everybody asked weighs the same.
    """
    answer = reporting.coverage(reference, user, replace(question, level=HAMLET), area)
    design = answer.campaign.design
    if design is Design.CENSUS:
        return Standing(design, answer.units, answer.total, None, 0)
    people: dict[str, list[int]] = {}
    strata: dict[str, tuple[int, str | None]] = {}
    left_out = 0
    for unit in answer.units:
        vaccinated = unit.counts[_VACCINATED]
        if unit.code is None:
            left_out += unit.eligible
        elif unit.eligible:
            into = people.setdefault(unit.code, [0, 0])
            into[0], into[1] = into[0] + unit.eligible, into[1] + vaccinated
            # A hamlet that lies in two communes belongs to that of most of its people.
            strata[unit.code] = max(
                strata.get(unit.code, (0, None)), (unit.eligible, unit.parent), key=lambda one: one[0]
            )
    clusters = [Cluster.unweighted(asked, hits, strata[code][1]) for code, (asked, hits) in people.items()]
    return Standing(design, answer.units, answer.total, surveys.estimate(clusters) if clusters else None, left_out)


def of_file(data: bytes) -> Estimate:
    """What the table of a cluster survey says; nothing of it is kept. Raises InvalidInput, TooLarge."""
    table = read_survey(data)
    return surveys.estimate(surveys.gather(table.vaccinated, table.clusters, table.strata, table.weights))
