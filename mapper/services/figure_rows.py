"""Rows of an answer: a unit or a hamlet with its houses, its ledger, and what may be said of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import NamedTuple, Protocol

from mapper.domain.coverage import Assessment, Houses, assess
from mapper.domain.ledger import ELIGIBLE, INSIDE, State
from mapper.domain.targets import NO_GOAL, Goal
from mapper.services import row_sums
from mapper.services.accounts import User
from mapper.services.cluster_design import AskedRow, assess_rows
from mapper.services.goals import Goals
from mapper.services.listed import leaves_in_areas
from mapper.services.questions import HAMLET
from mapper.services.reference import Known, PlaceSet
from mapper.services.row_sums import RowSum


class UnitFigures(NamedTuple):
    """One row of an answer: a unit, its houses, its ledger, and what may be said of it.

    key: names the row within the answer; a hamlet that lies in two units of a set has two rows.
    code: None for households that no unit holds. people: all registered there, in the group or not.
    counts: people per state, in the order of INSIDE. eligible: the denominator of coverage. outside: people registered
    who are not in the group on that day. partial: the figures are of those parts of the unit alone that the user may
    see. goal: what holds here; its verdict stands in the assessment.
    """

    key: str
    code: str | None
    name: str
    parent: str | None
    houses: Houses
    people: int
    counts: tuple[int, ...]
    eligible: int
    outside: int
    assessment: Assessment
    partial: bool = False
    goal: Goal = NO_GOAL

    @property
    def states(self) -> Mapping[State, int]:
        """People by state."""
        return dict(zip(INSIDE, self.counts, strict=True))


Row = row_sums.Row
"""(leaf unit code, hamlet code), either None where a household has none."""

_LAST = "\U0010ffff"

_eligible = itemgetter(*(INSIDE.index(state) for state in INSIDE if state in ELIGIBLE))

VACCINATED, _UNKNOWN = INSIDE.index(State.VACCINATED), INSIDE.index(State.UNKNOWN)
"""Where people of a state stand among counts."""


def hamlet_rows(known: Known, sums: Mapping[Row, RowSum], aims: Goals) -> list[UnitFigures]:
    """A row for each hamlet, or each of its parts that lie in several units."""
    rows = []
    for (unit, code), one in sorted(sums.items(), key=_place):
        hamlet = known.hamlets.get(code) if code is not None else None
        name = hamlet.label if hamlet else code or ""
        rows.append(figures_of(hamlet_key(unit, code), code, name, unit, one, aims.hamlet(unit, code)))
    return rows


def _place(item: tuple[Row, RowSum]) -> tuple[str, str]:
    """By unit and hamlet; what has no code comes last."""
    (unit, code), _ = item
    return unit or _LAST, code or _LAST


def hamlet_key(unit: str | None, hamlet: str | None) -> str:
    """Names a hamlet's part in one unit."""
    return f"{unit or '-'}/{hamlet or '-'}"


def unit_of(places: PlaceSet, level: str, row: Row) -> str | None:
    """The unit of a level that a row lies in."""
    return places.above(row[0], level) if row[0] is not None else None


def by_unit(places: PlaceSet, level: str, sums: Mapping[Row, RowSum]) -> dict[str | None, list[RowSum]]:
    """The sums of rows by the unit of a level that they lie in."""
    parts: dict[str | None, list[RowSum]] = {}
    for row, one in sums.items():
        parts.setdefault(unit_of(places, level, row), []).append(one)
    return parts


def unit_rows(
    level: str, totals: Mapping[str | None, RowSum], aims: Goals, cut: Collection[str | None]
) -> list[UnitFigures]:
    """A row for each unit of a level, in the set's order; cut: those of which a part alone is seen."""
    rows, left = [], dict(totals)
    for unit in aims.places.at_level(level):
        if unit.code in left:
            goal = aims.unit(level, unit.code)
            figures = figures_of(unit.code, unit.code, unit.name, unit.parent_code, left.pop(unit.code), goal)
            rows.append(figures._replace(partial=True) if unit.code in cut else figures)
    rows += [figures_of("-", None, "", None, one, aims.usual) for one in left.values()]
    return rows


def cut_units(known: Known, places: PlaceSet, user: User, level: str) -> set[str | None]:
    """The units of which a user sees a part alone."""
    seen = leaves_in_areas(known, places, user) if user.areas else set()
    leaves = places.at_level(places.leaf) if user.areas else ()
    return {places.above(leaf.code, level) for leaf in leaves if leaf.code not in seen}


def figures_of(key: str, code: str | None, name: str, parent: str | None, one: RowSum, goal: Goal) -> UnitFigures:
    """The row of a sum."""
    visited, interviewed, vacant, _refused, _closed, people = one.houses
    houses = Houses(one.expected, visited, interviewed, vacant, one.unvisited, one.unlisted)
    states = one.states
    eligible = sum(_eligible(states))
    return UnitFigures(
        key,
        code,
        name,
        parent,
        houses,
        people,
        tuple(states),
        eligible,
        people - sum(states),
        assess(states[VACCINATED], eligible, states[_UNKNOWN], houses, goal.share),
        False,
        goal,
    )


def as_sample(
    units: Sequence[UnitFigures], sums: Mapping[Row, RowSum], places: PlaceSet, level: str
) -> list[UnitFigures]:
    """The same units with what a sample says of those that are not complete. level: "" for all in one."""
    parts: dict[str | None, list[AskedRow]] = {}
    for (leaf, hamlet), one in sums.items():
        asked = asked_row(((leaf, hamlet), one))
        if level == HAMLET:
            parts[hamlet_key(leaf, hamlet)] = [asked]
        else:
            parts.setdefault(places.above(leaf, level) if level and leaf is not None else None, []).append(asked)
    return [
        unit
        if unit.assessment.complete
        else unit._replace(
            assessment=assess_rows(parts.get(unit.key if level == HAMLET else unit.code, ()), unit.goal.share)
        )
        for unit in units
    ]


def asked_row(item: tuple[Row, RowSum]) -> AskedRow:
    """What a cluster survey reckons with of one row."""
    (leaf, hamlet), one = item
    return leaf, hamlet, sum(_eligible(one.states)), one.states[VACCINATED]


def goal_of_all(aims: Goals, part: Part | None, rows: Iterable[Row]) -> Goal:
    """The goal of rows together: that of the area that was asked for, else of the smallest unit that holds them."""
    if not aims.own:
        return aims.usual
    leaves = [leaf for leaf, _ in rows if leaf is not None]
    if part is None:
        return aims.around(leaves)
    if part.level == HAMLET:
        # A hamlet's households may lie in several units; the one that most of its rows name stands for it.
        return aims.hamlet(max(leaves, key=leaves.count) if leaves else None, part.code)
    return aims.unit(part.level, part.code)


class Part(Protocol):
    """A part of a boundary set; ``services.areas`` has them."""

    @property
    def level(self) -> str:
        """Its level, or HAMLET."""

    @property
    def code(self) -> str:
        """Its code."""

    def holds(self, places: PlaceSet, leaf: str | None, hamlet: str | None) -> bool:
        """Whether households of a hamlet in an innermost unit of the set belong to it."""
