"""Two questions side by side: how coverage of each unit differs between two doses or two days; from tallies."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from mapper.domain.places import order_key
from mapper.services.accounts import User
from mapper.services.areas import Area
from mapper.services.figure_rows import UnitFigures
from mapper.services.questions import Question
from mapper.services.reference import Reference
from mapper.services.reporting import Answer, coverage

ORDERS = ("change", "before", "after", "name")
"""What rows can be sorted by."""

_name_order = lru_cache(maxsize=100_000)(order_key)


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
    """Both answers. rows: the units in the order asked for, those without its figure last."""

    before: Answer
    after: Answer
    rows: tuple[Change, ...]
    total: Change


def compare(
    reference: Reference,
    user: User,
    before: Question,
    after: Question,
    area: Area | None = None,
    order: str = ORDERS[0],
    *,
    down: bool = False,
) -> Comparison:
    """Coverage of every unit that a user may see under two questions of one level and boundary set.

    order: one of ORDERS, the lowest first; of changes that is what fell most, or rose least. down: the highest first.
    Raises what ``reporting.coverage`` does.
    """
    answers = [coverage(reference, user, question, area) for question in (before, after)]
    first, second = ({unit.key: unit for unit in answer.units} for answer in answers)
    changes = [Change(first.get(key), second.get(key)) for key in {**first, **second}]
    changes = [change for change in changes if change.unit.code is not None]
    changes = _sorted(changes, order, down)
    return Comparison(answers[0], answers[1], tuple(changes), Change(answers[0].total, answers[1].total))


def _sorted(changes: list[Change], order: str, down: bool) -> list[Change]:
    changes.sort(key=lambda one: (_name_order(one.unit.name), one.unit.key))
    if order == "name":
        return changes[::-1] if down else changes

    def figure(one: Change) -> float | None:
        if order == "change":
            return one.share
        unit = one.before if order == "before" else one.after
        return None if unit is None else unit.assessment.coverage

    told = [(value, one) for one in changes if (value := figure(one)) is not None]
    # Equals stay in the order of their names, whichever way.
    told.sort(key=lambda pair: -pair[0] if down else pair[0])
    return [one for _, one in told] + [one for one in changes if figure(one) is None]
