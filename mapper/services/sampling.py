"""What figures say of a place where not everybody was asked: a census with its bounds, a sample with its interval."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mapper.domain.campaign import Design
from mapper.domain.ledger import INSIDE, State
from mapper.formats.survey_file import read_survey
from mapper.services import cluster_design, reporting
from mapper.services.accounts import User
from mapper.services.areas import Area
from mapper.services.figure_rows import UnitFigures
from mapper.services.questions import HAMLET, Question
from mapper.services.reference import Reference
from mapper.stats import surveys
from mapper.stats.surveys import Estimate

_VACCINATED = INSIDE.index(State.VACCINATED)


@dataclass(frozen=True, slots=True)
class Standing:
    """What a campaign's figures are, for one group, dose, day and area.

    hamlets, total: as everywhere. estimate: of a cluster survey, None for a census, or where nobody was asked yet.
    strays: people of the sample who told no hamlet; see ``cluster_design``.
    """

    design: Design
    hamlets: tuple[UnitFigures, ...]
    total: UnitFigures
    estimate: Estimate | None
    strays: int

    @property
    def complete(self) -> bool:
        """Whether everybody is known, so that no chance is in the share."""
        return self.total.assessment.complete


def standing(reference: Reference, user: User, question: Question, area: Area | None) -> Standing:
    """The figures of an area as its campaign's design makes them; from tallies."""
    answer = reporting.coverage(reference, user, replace(question, level=HAMLET), area)
    design = answer.campaign.design
    if design is Design.CENSUS:
        return Standing(design, answer.units, answer.total, None, 0)
    strays = sum(unit.eligible for unit in answer.units if unit.code is None)
    rows = ((unit.parent, unit.code, unit.eligible, unit.counts[_VACCINATED]) for unit in answer.units)
    return Standing(design, answer.units, answer.total, cluster_design.estimate(rows), strays)


def of_file(data: bytes) -> Estimate:
    """What the table of a cluster survey says; nothing of it is kept. Raises InvalidInput, TooLarge."""
    table = read_survey(data)
    return surveys.estimate(surveys.gather(table.vaccinated, table.clusters, table.strata, table.weights))
