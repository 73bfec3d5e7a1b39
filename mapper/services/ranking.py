"""The order of a ranking: which units' figures can be compared, the worst first, equals sharing a rank."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from fractions import Fraction
from functools import lru_cache

from mapper.domain.ledger import INSIDE, State
from mapper.domain.places import order_key
from mapper.services.figure_rows import UnitFigures

_VACCINATED, _DUE = INSIDE.index(State.VACCINATED), INSIDE.index(State.DUE)
_name_order = lru_cache(maxsize=20_000)(order_key)

THIN = Fraction(1, 2)
"""Where less than this part of the houses was visited, figures say little."""

FEW_PEOPLE = 20
"""Of so few eligible people one more or less is 5 points of coverage, or more."""


class Band(StrEnum):
    """How far a unit's figures can be ranked: as the map's table has them."""

    JUDGED = "judged"
    THIN = "thin"
    EMPTY = "empty"
    LOST = "lost"


def band_of(unit: UnitFigures) -> Band:
    """How far a unit's figures can be ranked."""
    if unit.code is None:
        return Band.LOST
    if unit.assessment.coverage is None:
        return Band.EMPTY
    # One hamlet with more houses than its list does not make up for another: what is not visited counts.
    visited = unit.share_visited
    return Band.THIN if visited is not None and visited < THIN else Band.JUDGED


def _share(unit: UnitFigures) -> float:
    """Coverage for comparing: equal shares are the same number, however many people they are of."""
    if unit.maybe is not None:
        return unit.assessment.coverage or 0.0
    return unit.counts[_VACCINATED] / unit.eligible if unit.eligible else 0.0


def worst_first(unit: UnitFigures) -> tuple[float, int, tuple[str, str], str]:
    """Lowest coverage first; of equals, where most people are needed, or due."""
    return _share(unit), -(unit.assessment.needed or unit.counts[_DUE]), _name_order(unit.name), unit.key


def ranks(units: Sequence[UnitFigures]) -> list[int | None]:
    """Places in the order, equals sharing the first of theirs: 1, 2, 2, 4."""
    found: list[int | None] = []
    for number, unit in enumerate(units, 1):
        tied = number > 1 and _share(units[number - 2]) == _share(unit)
        found.append(found[-1] if tied else number)
    return found
