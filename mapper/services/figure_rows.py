"""Rows of an answer: a unit or a hamlet with its houses, its ledger, and what may be said of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import compress
from operator import itemgetter
from typing import NamedTuple, Protocol

from mapper.domain.coverage import Assessment, Houses, assess
from mapper.domain.household import HOUSE_COUNTS
from mapper.domain.ledger import ELIGIBLE, INSIDE, State
from mapper.domain.ranges import (
    NOBODY_MAY,
    Leaf,
    Maybe,
    OneOf,
    Range,
    ShareRange,
    Unvisited,
    apportioned,
    needed,
    widened,
)
from mapper.domain.targets import NO_GOAL, Goal
from mapper.services import row_sums
from mapper.services.cluster_design import AskedRow, assess_rows
from mapper.services.goals import Goals
from mapper.services.questions import HAMLET
from mapper.services.reference import Known, PlaceSet
from mapper.services.row_sums import Ground, RowSum, total_of


class UnitFigures(NamedTuple):
    """One row of an answer: a unit, its houses, its ledger, and what may be said of it.

    key: names the row within the answer; a hamlet that lies in two units of a set has two rows.
    code: None for households that no unit holds. people: all registered there, in the group or not.
    counts: people per state, in the order of INSIDE. eligible: the denominator of coverage. outside: people registered
    who are not in the group on that day. partial: the figures are of those parts of the unit alone that the user may
    see. goal: what holds here; its verdict stands in the assessment. maybe: what may come to all these figures, from
    households of which nobody can tell in which unit they are; None where there are none such. lists: houses of lists
    that may be here too, though nobody visited them; None where there are none such.
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
    maybe: Maybe | None = None
    lists: Unvisited | None = None

    @property
    def states(self) -> Mapping[State, int]:
        """People by state."""
        return dict(zip(INSIDE, self.counts, strict=True))

    def shown(self, name: str) -> int | Range:
        """A number as readers are told it, by its name in ``ranges``: as a range where it may be greater."""
        found = self.ranges.get(name)
        if found is not None:
            return found if found.least != found.most else found.least
        if name in ("eligible", "people"):
            return self.eligible if name == "eligible" else self.people
        if name in ("visited", "interviewed", "unvisited"):
            return int(getattr(self.houses, name))
        return self.counts[INSIDE.index(State(name))]

    @property
    def needed(self) -> int | Range | None:
        """People still to vaccinate, as readers are told it."""
        return self.shown("needed") if "needed" in self.ranges else self.assessment.needed

    @property
    def expected(self) -> int | Range | None:
        """Houses expected, as readers are told it; None where no list says."""
        return self.shown("expected") if "expected" in self.ranges else self.houses.expected

    @property
    def share_visited(self) -> float | None:
        """The share of the houses expected that is likely visited; None where no list says."""
        lists = self.lists or Unvisited()
        expected = (self.houses.expected or 0) + lists.likely_expected
        return 1 - (self.houses.unvisited + lists.likely_unvisited) / expected if expected else None

    @property
    def coverage(self) -> float | ShareRange | None:
        """Coverage as readers are told it: from where to where it may lie where it is not one figure."""
        return self.coverage_range or self.assessment.coverage

    @property
    def coverage_range(self) -> ShareRange | None:
        """Between which shares coverage lies; None where it is one figure, or none."""
        if self.maybe is None:
            return None
        found = self.maybe.coverage(self.counts[VACCINATED], self.eligible)
        # Nobody of these groups lives in the households that may come, or all of them change nothing.
        return None if found is not None and self.eligible and found.least == found.most else found

    @property
    def ranges(self) -> Mapping[str, Range]:
        """Of the figures by name those that may be greater; empty where each is one figure."""
        lists: dict[str, Range] = {}
        if self.lists is not None:
            expected, unvisited, likely_expected, likely_unvisited = self.lists
            sure, left = self.houses.expected or 0, self.houses.unvisited
            lists["expected"] = Range(sure, sure + likely_expected, sure + expected)
            lists["unvisited"] = Range(left, left + likely_unvisited, left + unvisited)
        if self.maybe is None:
            return lists
        states, houses, likely_states, likely_houses = self.maybe
        own = [*self.counts, self.eligible, self.people, self.houses.visited, self.houses.interviewed]
        most = [*states, sum(_eligible(states)), houses[_PEOPLE], houses[0], houses[1]]
        likely = [*likely_states, sum(_eligible(likely_states)), likely_houses[_PEOPLE], *likely_houses[:2]]
        names = (*(state.value for state in INSIDE), "eligible", "people", "visited", "interviewed")
        found = {
            name: Range(certain, certain + some, certain + more)
            for name, certain, some, more in zip(names, own, likely, most, strict=True)
        }
        if self.goal.share is not None and self.assessment.needed is not None:
            least, greatest = needed(self.counts, self.maybe, self.goal.share)
            found["needed"] = Range(least, min(max(self.assessment.needed, least), greatest), greatest)
        return found | lists


Row = row_sums.Row
"""(leaf unit code, hamlet code), either None where a household has none."""

_LAST = "\U0010ffff"
_PEOPLE = HOUSE_COUNTS.index("people")

_eligible = itemgetter(*(INSIDE.index(state) for state in INSIDE if state in ELIGIBLE))

VACCINATED, _UNKNOWN = INSIDE.index(State.VACCINATED), INSIDE.index(State.UNKNOWN)
"""Where people of a state stand among counts."""


def hamlet_rows(known: Known, sums: Mapping[Row, RowSum], aims: Goals, more: Beside) -> list[UnitFigures]:
    """A row for each hamlet, or each of its parts that lie in several units; what is in one of several is apart."""
    parts: dict[tuple[str | None, str | None], list[RowSum]] = {}
    for (leaf, code), one in sums.items():
        parts.setdefault((leaf if isinstance(leaf, str) else None, code), []).append(one)
    rows = []
    for unit, code in sorted(parts, key=lambda place: (place[0] or _LAST, place[1] or _LAST)):
        hamlet = known.hamlets.get(code) if code is not None else None
        name = hamlet.label if hamlet else code or ""
        several, key = parts[unit, code], hamlet_key(unit, code)
        one = several[0] if len(several) == 1 else total_of(several)
        rows.append(figures_of(key, code, name, unit, one, aims.hamlet(unit, code), *more.of(key)))
    return rows


def hamlet_key(unit: Leaf, hamlet: str | None) -> str:
    """Names a hamlet's part in one unit; what is in one of several is apart, with what is in none."""
    return f"{unit if unit and isinstance(unit, str) else '-'}/{hamlet or '-'}"


def unit_of(places: PlaceSet, level: str, row: Row) -> str | None:
    """The unit of a level that a row lies in, whichever of several innermost ones it is in."""
    return places.above(row[0], level) if row[0] is not None else None


def by_unit(places: PlaceSet, level: str, sums: Mapping[Row, RowSum]) -> dict[str | None, list[RowSum]]:
    """The sums of rows by the unit of a level that they lie in."""
    parts: dict[str | None, list[RowSum]] = {}
    for row, one in sums.items():
        parts.setdefault(unit_of(places, level, row), []).append(one)
    return parts


class Beside(NamedTuple):
    """What may come to figures. units: to rows, by key. whole: to all together, None where nothing can.

    lists, whole_lists: the same of houses of lists that nobody visited.
    """

    units: Mapping[str, Maybe]
    whole: Maybe | None
    lists: Mapping[str, Unvisited] = {}
    whole_lists: Unvisited | None = None

    def of(self, key: str) -> tuple[Maybe | None, Unvisited | None]:
        """What may come to one row."""
        return self.units.get(key), self.lists.get(key)


def beside(
    at: Ground,
    sums: Mapping[Row, RowSum],
    apart: Mapping[Row, RowSum],
    places: PlaceSet,
    level: str,
    part: Part | None,
    seen: Collection[str] | None,
) -> Beside:
    """What may come to the figures of units of a level, or of HAMLET, from rows that are in one of several units.

    sums: all rows that the reader sees; apart: those of which they know only that they may be within their area. part:
    only of this part. seen: innermost units that the reader sees whole; None for all.
    """
    units: dict[str, Maybe] = {}
    whole: Maybe | None = None
    lists: dict[str, Unvisited] = {}
    whole_lists: Unvisited | None = None
    for rows, counted in ((sums, True), (apart, False)):
        for (leaf, hamlet), one in rows.items():
            if not isinstance(leaf, OneOf) or not (any(one.houses) or one.expected):
                continue
            within = counted and (part is None or part.holds(places, leaf, hamlet))
            sure = counted and level != HAMLET and places.above(leaf, level) is not None
            if within and sure:
                continue
            # Whoever sees the households sees where they may be, also of a unit of which they see a part alone.
            keys = [key_in(places, level, part, None if counted else seen, code, hamlet) for code in leaf.codes]
            near = [at.placed.get((leaf.source, each), {}) for each in dict.fromkeys((hamlet, None))]
            parts, of = leaf.weights(near)
            owed = [0] * len(parts)
            likely = [apportioned(number, parts, of, owed) for number in one.states]
            likely += [apportioned(number, parts, of) for number in one.houses]
            houses = [apportioned(number, parts, of) for number in (one.expected or 0, one.unvisited)]
            for key in dict.fromkeys(key for key in keys if key is not None and not sure):
                here = [each == key for each in keys]
                if any(one.houses):
                    maybe = _maybe(one, likely, here)
                    units[key] = units[key].plus(maybe) if key in units else maybe
                if one.expected:
                    lists[key] = lists.get(key, Unvisited()).plus(_unvisited(one, houses, here))
            if not within and any(keys):
                here = [each is not None for each in keys]
                if any(one.houses):
                    maybe = _maybe(one, likely, here)
                    whole = maybe if whole is None else whole.plus(maybe)
                if one.expected:
                    whole_lists = (whole_lists or Unvisited()).plus(_unvisited(one, houses, here))
    return Beside(units, whole, lists, whole_lists)


def key_in(
    places: PlaceSet, level: str, part: Part | None, seen: Collection[str] | None, code: str, hamlet: str | None
) -> str | None:
    """The row in which a hamlet's households would count if they were in an innermost unit; None for none shown."""
    if (seen is not None and code not in seen) or (part is not None and not part.holds(places, code, hamlet)):
        return None
    return hamlet_key(code, hamlet) if level == HAMLET else places.above(code, level)


def _maybe(one: RowSum, likely: Sequence[Sequence[int]], here: Sequence[bool]) -> Maybe:
    """All of a row, and how much of it is likely here. likely: of each number, people first, its part in each unit."""
    parts = tuple(sum(compress(number, here)) for number in likely)
    return Maybe(tuple(one.states), tuple(one.houses), parts[: len(INSIDE)], parts[len(INSIDE) :])


def _unvisited(one: RowSum, likely: Sequence[Sequence[int]], here: Sequence[bool]) -> Unvisited:
    """The same of the houses that a list expects."""
    parts = (sum(compress(number, here)) for number in likely)
    return Unvisited(one.expected or 0, one.unvisited, *parts)


def unit_rows(
    level: str,
    totals: Mapping[str | None, RowSum],
    aims: Goals,
    cut: Collection[str | None],
    more: Beside,
) -> list[UnitFigures]:
    """A row for each unit of a level, in the set's order; cut: those of which a part alone is seen.

    more: what may come to each; a unit to which something may has a row even where nothing is certain.
    """
    rows, left = [], {code: RowSum() for code in (*more.units, *more.lists)} | dict(totals)
    for unit in aims.places.at_level(level):
        if unit.code in left:
            goal, sums = aims.unit(level, unit.code), left.pop(unit.code)
            figures = figures_of(unit.code, unit.code, unit.name, unit.parent_code, sums, goal, *more.of(unit.code))
            rows.append(figures._replace(partial=True) if unit.code in cut else figures)
    rows += [figures_of("-", None, "", None, one, aims.usual) for one in left.values()]
    return rows


def cut_units(places: PlaceSet, level: str, seen: Collection[str] | None) -> set[str | None]:
    """The units of which a part alone is seen. seen: innermost units that are seen whole; None for all."""
    if seen is None:
        return set()
    return {places.above(leaf.code, level) for leaf in places.at_level(places.leaf) if leaf.code not in seen}


def figures_of(
    key: str,
    code: str | None,
    name: str,
    parent: str | None,
    one: RowSum,
    goal: Goal,
    maybe: Maybe | None = None,
    lists: Unvisited | None = None,
) -> UnitFigures:
    """The row of a sum, to which something may come."""
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
        assess(states[VACCINATED], eligible, states[_UNKNOWN], houses, goal.share)
        if maybe is None and lists is None
        else widened(states, houses, maybe or NOBODY_MAY, goal.share, lists.unvisited if lists is not None else 0),
        False,
        goal,
        maybe,
        lists,
    )


def as_sample(
    units: Sequence[UnitFigures], sums: Mapping[Row, RowSum], places: PlaceSet, level: str
) -> list[UnitFigures]:
    """The same units with what a sample says of those that are not complete. level: "" for all in one."""
    parts: dict[str | None, list[AskedRow]] = {}
    for (leaf, hamlet), one in sums.items():
        asked = asked_row(((leaf, hamlet), one))
        if level == HAMLET:
            parts.setdefault(hamlet_key(leaf, hamlet), []).append(asked)
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
    return leaf if isinstance(leaf, str) else None, hamlet, sum(_eligible(one.states)), one.states[VACCINATED]


def goal_of_all(aims: Goals, part: Part | None, rows: Iterable[Row]) -> Goal:
    """The goal of rows together: that of the area that was asked for, else of the smallest unit that holds them."""
    if not aims.apart:
        return aims.usual
    leaves = [leaf for leaf, _ in rows if isinstance(leaf, str)]
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

    def holds(self, places: PlaceSet, leaf: Leaf, hamlet: str | None) -> bool:
        """Whether households of a hamlet in an innermost unit of the set belong to it."""
