"""Two questions side by side: how coverage of each unit differs between two doses or two days; from tallies."""

from __future__ import annotations

from dataclasses import dataclass

from mapper.services.accounts import User
from mapper.services.areas import Area
from mapper.services.reference import Reference
from mapper.services.reporting import Answer, Question, UnitFigures, coverage


@dataclass(frozen=True, slots=True)
class Change:
    """A unit under both questions; before or after None where one of them has no row for it."""

    before: UnitFigures | None
    after: UnitFigures | None

    @property
    def unit(self) -> UnitFigures:
        """The unit, for its name."""
        found = self.after if self.after is not None else self.before
        assert found is not None
        return found

    @property
    def share(self) -> float | None:
        """Coverage after less coverage before, None where either has no data."""
        shares = [None if one is None else one.assessment.coverage for one in (self.before, self.after)]
        return None if shares[0] is None or shares[1] is None else shares[1] - shares[0]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Both answers. rows: the units, those that fell most first, those without a change to tell last."""

    before: Answer
    after: Answer
    rows: tuple[Change, ...]
    total: Change


def compare(
    reference: Reference, user: User, before: Question, after: Question, area: Area | None = None
) -> Comparison:
    """Coverage of every unit that a user may see under two questions of one level and boundary set.

    Raises what ``reporting.coverage`` does.
    """
    answers = [coverage(reference, user, question, area) for question in (before, after)]
    first, second = ({unit.key: unit for unit in answer.units} for answer in answers)
    changes = [Change(first.get(key), second.get(key)) for key in {**first, **second}]
    changes = [change for change in changes if change.unit.code is not None]
    changes.sort(key=lambda one: (one.share is None, one.share or 0.0, one.unit.name, one.unit.key))
    return Comparison(answers[0], answers[1], tuple(changes), Change(answers[0].total, answers[1].total))
